"""The inside of a pickle: a small interpreter of the format that builds containers and descriptions of tensors and of numpy's arrays.

It imports nothing and calls nothing. A name in the file is only a word; what the file would call with it, an object of somebody's
settings or a command, becomes a ``Record``: its name and its attributes. So a checkpoint may hold anything beside its tensors.
"""

import math
import pickletools
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

TENSORS = ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor")
PARAMETERS = ("torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state")
DICTIONARY = "collections.OrderedDict"
RECONSTRUCTED = ("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct")
SCALARS = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
FROM_BUFFER = ("numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer")
NUMPY_TYPE = "numpy.dtype"
SUBCLASS = "torch._tensor._rebuild_from_type_v2"
"""A tensor with attributes of its own."""


class Unreadable(ValueError):
    """The pickle is damaged."""


class Word(str):
    """A name that the file asks for, such as ``collections.OrderedDict``."""


@dataclass(eq=False)
class Record:
    """Whatever the file would make by calling a name; nothing is made. parts: the attributes that it would get."""

    name: str
    parts: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Storage:
    """Where the numbers of tensors lie: the file's name inside the archive, and the kind of number as torch names it."""

    kind: str
    key: str


@dataclass(frozen=True)
class Described:
    """A tensor as the file describes it."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(eq=False)
class Array:
    """An array of numpy's as the file describes it. data: its bytes, or its entries if they are objects."""

    kind: str = ""
    shape: tuple[int, ...] = ()
    fortran: bool = False
    data: bytes | bytearray | list[Any] = b""

    def entries(self) -> np.ndarray | list[Any] | None:
        """The array, if it holds numbers or texts, or the list of its entries; None if it is not what it says."""
        if any(type(size) is not int or size < 0 for size in self.shape):
            return None
        if isinstance(self.data, list):
            return self.data if self.shape == (len(self.data),) else None
        if not KINDS.fullmatch(self.kind) or len(self.data) != math.prod(self.shape) * np.dtype(self.kind).itemsize:
            return None
        return np.frombuffer(self.data, self.kind).reshape(self.shape, order="F" if self.fortran else "C")


KINDS = re.compile(r"[<>|=]?([fiu][1248]|U[1-9]\d{0,4})")
MARK = object()


def interpreted(data: bytes) -> Any:
    """What a pickle holds: dictionaries, lists, tuples, texts, numbers, ``Described`` tensors, and ``Record`` for all else."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    try:
        with warnings.catch_warnings(action="ignore"):  # a backslash in a text may stand for itself
            for code, argument, _ in pickletools.genops(data):
                if code.name == "STOP":
                    return stack.pop()
                _step(code.name, argument, stack, memo)
    except Unreadable:
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise Unreadable(type(error).__name__) from None
    raise Unreadable("no end")


def _step(name: str, argument: Any, stack: list[Any], memo: dict[int, Any]) -> None:
    if name in PLAIN:
        stack.append(argument)
    elif name in FIXED:
        stack.append(FIXED[name]())
    elif name in ACTIONS:
        ACTIONS[name](stack)
    elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
        memo[argument] = stack[-1]
    elif name == "MEMOIZE":
        memo[len(memo)] = stack[-1]
    elif name in ("GET", "BINGET", "LONG_BINGET"):
        stack.append(memo[argument])
    elif name == "GLOBAL":
        stack.append(Word(argument.replace(" ", ".")))
    elif name == "INST":
        _marked(stack)
        stack.append(Record(argument.replace(" ", ".")))
    elif name not in ("PROTO", "FRAME"):
        raise Unreadable(name)


def _marked(stack: list[Any]) -> list[Any]:
    """Take everything above the last mark."""
    at = len(stack) - 1
    while stack[at] is not MARK:
        at -= 1
        if at < 0:
            raise Unreadable("no mark")
    found = stack[at + 1 :]
    del stack[at:]
    return found


def _put(target: Any, pairs: list[Any]) -> None:
    """Entries of a dictionary. A key that is neither text nor number, which no table has, is dropped."""
    if isinstance(target, dict):
        target |= {key: value for key, value in zip(pairs[::2], pairs[1::2], strict=True) if isinstance(key, str | int | float)}


def _setitems(stack: list[Any]) -> None:
    pairs = _marked(stack)
    _put(stack[-1], pairs)


def _setitem(stack: list[Any]) -> None:
    value, key = stack.pop(), stack.pop()
    _put(stack[-1], [key, value])


def _extend(stack: list[Any]) -> None:
    values = _marked(stack)
    if isinstance(stack[-1], list):
        stack[-1].extend(values)


def _append(stack: list[Any]) -> None:
    value = stack.pop()
    if isinstance(stack[-1], list):
        stack[-1].append(value)


def _tuple(size: int) -> Callable[[list[Any]], None]:
    def made(stack: list[Any]) -> None:
        values = [stack.pop() for _ in range(size)]
        stack.append(tuple(reversed(values)))

    return made


def _dictionary(stack: list[Any]) -> None:
    pairs = _marked(stack)
    stack.append({})
    _put(stack[-1], pairs)


def _reduce(stack: list[Any]) -> None:
    """Where Python would call a name with arguments: the few that make tensors and dictionaries are understood, not called."""
    arguments, name = stack.pop(), stack.pop()
    stack.append(_made(name, arguments))


def _made(name: Any, arguments: Any) -> Any:
    if not isinstance(name, Word):
        return Record("an object")
    if name in TENSORS and isinstance(arguments, tuple):
        storage, offset, shape, stride = arguments[:4]
        numbers = [offset, *shape, *stride]
        if isinstance(storage, Storage) and len(shape) == len(stride) and all(type(n) is int and 0 <= n < 2**62 for n in numbers):
            return Described(storage, offset, tuple(shape), tuple(stride))
    if name == SUBCLASS and isinstance(arguments, tuple) and len(arguments) > 2:
        return _made(arguments[0], arguments[2]) if arguments[0] in TENSORS else Record(name)
    if name in PARAMETERS and isinstance(arguments, tuple) and isinstance(arguments[0], Described):
        return arguments[0]
    if name == DICTIONARY:
        pairs = [part for pair in arguments[0] for part in pair] if arguments and isinstance(arguments[0], list) else []
        made: dict[Any, Any] = {}
        _put(made, pairs)
        return made
    if name in RECONSTRUCTED:
        return Array()
    if name == NUMPY_TYPE and isinstance(arguments, tuple) and arguments and isinstance(arguments[0], str):
        return Record(name, {"kind": str(arguments[0])})
    if name in SCALARS and isinstance(arguments, tuple) and len(arguments) == 2:
        found = Array()
        _fill(found, (1, (1,), arguments[0], False, arguments[1]))
        entries = found.entries()
        return entries.tolist()[0] if isinstance(entries, np.ndarray) else Record(name)
    if name in FROM_BUFFER and isinstance(arguments, tuple) and len(arguments) == 4:
        found = Array()
        _fill(found, (1, arguments[2], arguments[1], arguments[3] == "F", arguments[0]))
        return found
    return Record(name)


def _build(stack: list[Any]) -> None:
    """Where Python would give an object its attributes."""
    state, target = stack.pop(), stack[-1]
    if isinstance(target, Array):
        _fill(target, state)
    elif isinstance(target, Record) and target.name == NUMPY_TYPE:
        if isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">", "|", "="):
            target.parts["order"] = state[1]
    elif isinstance(target, Record):
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, dict):
                target.parts |= part


def _fill(array: Array, state: Any) -> None:
    """Give an array what numpy keeps of one: a version, shape, type, whether in Fortran order, data."""
    if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[1], tuple) or not isinstance(state[2], Record):
        return
    if isinstance(state[4], bytes | bytearray | list):
        order, kind = state[2].parts.get("order", "="), state[2].parts.get("kind", "")
        array.kind, array.shape, array.fortran, array.data = f"{order}{kind}", state[1], bool(state[3]), state[4]


def _new(stack: list[Any]) -> None:
    stack.pop()
    name = stack.pop()
    stack.append({} if name == DICTIONARY else Record(str(name) if isinstance(name, Word) else "an object"))


def _new_with_names(stack: list[Any]) -> None:
    stack.pop()
    _new(stack)


def _object(stack: list[Any]) -> None:
    values = _marked(stack)
    stack.append(Record(str(values[0]) if values and isinstance(values[0], Word) else "an object"))


def _stored(stack: list[Any]) -> None:
    """A persistent id: torch's description of a storage."""
    found = stack.pop()
    if not isinstance(found, tuple) or len(found) < 5 or found[0] != "storage" or not isinstance(found[1], Word):
        raise Unreadable("storage")
    stack.append(Storage(found[1].rpartition(".")[2].removesuffix("Storage"), str(found[2])))


def _computed(stack: list[Any]) -> None:
    last, module = stack.pop(), stack.pop()
    stack.append(Word(f"{module}.{last}" if isinstance(module, str) and isinstance(last, str) else "a computed name"))


def _drop(stack: list[Any]) -> None:
    stack.pop()


def _drop_marked(stack: list[Any]) -> None:
    _marked(stack)


ACTIONS: dict[str, Callable[[list[Any]], None]] = {
    "MARK": lambda stack: stack.append(MARK),
    "POP": _drop,
    "POP_MARK": _drop_marked,
    "DUP": lambda stack: stack.append(stack[-1]),
    "APPEND": _append,
    "APPENDS": _extend,
    "ADDITEMS": _drop_marked,
    "SETITEM": _setitem,
    "SETITEMS": _setitems,
    "LIST": lambda stack: stack.append(_marked(stack)),
    "TUPLE": lambda stack: stack.append(tuple(_marked(stack))),
    "DICT": _dictionary,
    "FROZENSET": lambda stack: stack.append(_marked(stack)),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "REDUCE": _reduce,
    "BUILD": _build,
    "NEWOBJ": _new,
    "NEWOBJ_EX": _new_with_names,
    "OBJ": _object,
    "BINPERSID": _stored,
    "STACK_GLOBAL": _computed,
}
FIXED: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": list,
}
PLAIN = frozenset(
    """INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING UNICODE SHORT_BINUNICODE BINUNICODE
    BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8""".split()  # noqa: SIM905
)
"""Opcodes whose argument is the value."""


def tensors(value: Any, depth: int, most: int) -> dict[str, Described]:
    """The tensors in dictionaries in dictionaries, at most ``depth`` deep, with the keys joined by dots.

    A ValueError names the dictionary at which there are more than ``most`` entries in all.
    """
    found: dict[str, Described] = {}
    level, seen = [("", value)], 0
    for _ in range(depth + 1):
        deeper: list[tuple[str, Any]] = []
        for name, part in level:
            if isinstance(part, Described):
                found[name] = part
            elif isinstance(part, dict):
                seen += len(part)
                if seen > most:
                    raise ValueError(name)
                deeper += [(f"{name}.{key}" if name else str(key), inner) for key, inner in part.items()]
        level = deeper
    return found
