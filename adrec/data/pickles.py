"""The official code's data sets (``dataset.pkl``), read without executing anything in them.

A small interpreter of the pickle format that knows containers, numbers, strings and numpy arrays of numbers. It cannot import or call
anything; whatever else a pickle asks for is refused by name.
"""

import io
import pickletools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from adrec.errors import DataError
from adrec.reading.limits import LONGEST_ID
from adrec.reading.opened import present

# -- data sets ----------------------------------------------------------------------------------------------------

LARGEST_PICKLE = 1 << 30
KNOWN_GLOBALS = {
    "numpy.ndarray": "ndarray",
    "numpy.dtype": "dtype",
    "numpy.core.multiarray._reconstruct": "array",
    "numpy._core.multiarray._reconstruct": "array",
    "numpy.core.multiarray.scalar": "scalar",
    "numpy._core.multiarray.scalar": "scalar",
    "numpy.core.numeric._frombuffer": "frombuffer",
    "numpy._core.numeric._frombuffer": "frombuffer",
    "_codecs.encode": "encode",
}


@dataclass(frozen=True)
class SplitSequences:
    """A split data set from a file: the arrays of `SequenceDataset`, and the raw ids of its users and of its items 1..V."""

    train_items: np.ndarray
    train_offsets: np.ndarray
    val: np.ndarray
    test: np.ndarray
    users: list[str]
    items: list[str]


class _Refused(Exception):
    """Something in the pickle is not a container, number, string or numpy array; the message names it."""


class _Global(str):
    """One of the values of KNOWN_GLOBALS: a word for the interpreter, not the object itself."""


class _Dtype:
    """A numpy dtype under construction; numbers only, or ``O`` for an array of containers."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str) or not re.fullmatch(r"[<>|=]?([biuf][1248]|O8?)", text):
            raise _Refused(f"a numpy array of type {str(text)[:20]!r}")
        self.text = text.lstrip("<>|=")

    def build(self, state: Sequence[Any]) -> None:
        order = state[1]
        if order not in ("<", ">", "|", "="):
            raise ValueError("byte order")
        self.order = order

    order = "<"

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.order.replace("=", "<") + self.text)


class _Array:
    """A numpy array under construction; ``value`` becomes a list when its state is read."""

    value: list[Any] | None = None

    def build(self, state: Sequence[Any]) -> None:
        _, shape, dtype, fortran, data = state
        if dtype.text.startswith("O"):
            if not isinstance(data, list) or len(shape) != 1 or shape[0] != len(data):
                raise ValueError("shape")
            self.value = data
        else:
            self.value = _numbers(data, dtype, shape, "F" if fortran else "C")


def _numbers(data: Any, dtype: _Dtype, shape: Sequence[int], order: str) -> list[Any]:
    array = np.frombuffer(data, dtype.dtype)
    if int(np.prod([int(n) for n in shape], dtype=object)) != len(array) or not 1 <= len(shape) <= 2:
        raise ValueError("shape")
    return array.reshape(shape, order="F" if order == "F" else "C").tolist()


class _Machine:
    """The pickle machine's stack and memo; `run` executes the opcodes and returns the final value."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        values = (
            "BININT BININT1 BININT2 INT LONG LONG1 LONG4 BINFLOAT FLOAT SHORT_BINUNICODE BINUNICODE BINUNICODE8 UNICODE STRING BINSTRING"
        )
        values += " SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8"
        push = self.stack.append
        self.step: dict[str, Callable[[Any], Any]] = dict.fromkeys(values.split(), push) | {
            "PROTO": lambda _: None,
            "FRAME": lambda _: None,
            "NONE": lambda _: push(None),
            "NEWTRUE": lambda _: push(True),
            "NEWFALSE": lambda _: push(False),
            "EMPTY_LIST": lambda _: push([]),
            "EMPTY_DICT": lambda _: push({}),
            "EMPTY_TUPLE": lambda _: push(()),
            "MARK": lambda _: self.marks.append(len(self.stack)),
            "LIST": lambda _: push(self.marked()),
            "TUPLE": lambda _: push(tuple(self.marked())),
            "DICT": lambda _: push(self.fill({}, self.marked())),
            "TUPLE1": lambda _: push(tuple(self.take(1))),
            "TUPLE2": lambda _: push(tuple(self.take(2))),
            "TUPLE3": lambda _: push(tuple(self.take(3))),
            "APPEND": lambda _: self.extend(self.take(1)),
            "APPENDS": lambda _: self.extend(self.marked()),
            "SETITEM": lambda _: self.set_items(self.take(2)),
            "SETITEMS": lambda _: self.set_items(self.marked()),
            "MEMOIZE": lambda _: self.memo.__setitem__(len(self.memo), self.stack[-1]),
            "POP": lambda _: self.take(1),
            "GLOBAL": lambda name: push(known_global(str(name).replace(" ", ".", 1))),
            "STACK_GLOBAL": lambda _: push(known_global(".".join(str(part) for part in self.take(2)))),
            "INST": lambda name: known_global(str(name).replace(" ", ".", 1), callable_only=True),
            "REDUCE": lambda _: push(self.reduce(*self.take(2))),
            "BUILD": lambda _: self.build(*self.take(1)),
        }
        for name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.step[name] = lambda index: self.memo.__setitem__(index, self.stack[-1])
        for name in ("GET", "BINGET", "LONG_BINGET"):
            self.step[name] = lambda index: push(self.memo[index])

    def run(self, data: bytes) -> Any:
        for code, argument, _ in pickletools.genops(io.BytesIO(data)):
            if code.name == "STOP":
                return self.stack[-1]
            if code.name not in self.step:
                raise _Refused("a persistent id" if "PERSID" in code.name else f"the pickle instruction {code.name}")
            self.step[code.name](argument)
        raise ValueError("no end")

    def take(self, count: int) -> list[Any]:
        """The last ``count`` values, removed from the stack."""
        if len(self.stack) < count + (self.marks[-1] if self.marks else 0):
            raise ValueError("stack")
        taken = self.stack[-count:]
        del self.stack[-count:]
        return taken

    def marked(self) -> list[Any]:
        """The values since the last mark, removed from the stack."""
        start = self.marks.pop()
        taken = self.stack[start:]
        del self.stack[start:]
        return taken

    def extend(self, values: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise ValueError("not a list")
        self.stack[-1].extend(values)

    def set_items(self, pairs: list[Any]) -> None:
        if not isinstance(self.stack[-1], dict):
            raise ValueError("not a dict")
        self.fill(self.stack[-1], pairs)

    @staticmethod
    def fill(target: dict[Any, Any], pairs: list[Any]) -> dict[Any, Any]:
        """Keys must be text or numbers: hashing a deeply nested key would exhaust the stack."""
        if len(pairs) % 2 or not all(isinstance(key, (str, int, float)) for key in pairs[::2]):
            raise ValueError("keys")
        target.update(zip(pairs[::2], pairs[1::2], strict=True))
        return target

    @staticmethod
    def reduce(function: Any, arguments: Any) -> Any:
        """The result of a call, if it is one of the known ways to store numpy values."""
        if isinstance(arguments, tuple):
            match function:
                case _Global("array"):
                    return _Array()
                case _Global("dtype"):
                    return _Dtype(arguments[0])
                case _Global("scalar"):
                    return _numbers(arguments[1], arguments[0], (1,), "C")[0]
                case _Global("frombuffer"):
                    array = _Array()
                    array.value = _numbers(*arguments)
                    return array
                case _Global("encode"):
                    return str(arguments[0]).encode("latin1")
        raise _Refused("a call of something that is no function")

    def build(self, state: Any) -> None:
        if not isinstance(self.stack[-1], (_Array, _Dtype)) or not isinstance(state, tuple):
            raise _Refused("an object with a state of its own")
        self.stack[-1].build(state)


def known_global(name: str, callable_only: bool = False) -> _Global:
    """The interpreter's word for a global used by pickled numpy values; any other name is refused."""
    if callable_only or name not in KNOWN_GLOBALS:
        raise _Refused("".join(c if c.isprintable() else "?" for c in name[:80]))
    return _Global(KNOWN_GLOBALS[name])


def read_pickle(path: Path) -> Any:
    """The containers, numbers, strings and numpy arrays (as lists) in a pickle; a DataError names anything else in it."""
    size = present(path).stat().st_size
    if size > LARGEST_PICKLE:
        raise DataError(f"'{path}' has {size / 1e9:.1f} GB; pickles must be at most {LARGEST_PICKLE / 1e9:.1f} GB.")
    try:
        return _Machine().run(path.read_bytes())
    except OSError as error:
        raise DataError(f"'{path}' cannot be opened ({error.strerror}).") from None
    except _Refused as refused:
        raise DataError(
            f"'{path}' contains {refused}, which is refused: only containers, numbers, strings and numpy arrays are read."
        ) from None
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError, MemoryError, RecursionError):
        raise DataError(f"'{path}' is not a pickle, or is truncated or damaged.") from None


def read_sequences(path: Path) -> SplitSequences:
    """The split data set in a ``dataset.pkl``.

    The file holds ``train``, ``val`` and ``test``, each with one entry per user: a list of item ids 1..V, just one in val and test. The
    entries form a list or, as saved by DiffuRec and its relatives, a dict by user number. ``umap`` and ``smap`` map the data's own user
    and item ids to these numbers; without them the numbers are the ids.
    """
    content = read_pickle(path)
    if not isinstance(content, dict):
        raise DataError(f"'{path}' holds a {type(content).__name__.lstrip('_')}, but a data set is a dict of train, val and test.")
    missing = [k for k in ("train", "val", "test") if k not in content]
    if missing:
        raise DataError(f"'{path}' lacks {' and '.join(missing)}; a data set is a dict of train, val and test.")
    by_user = {k: _by_user(path, k, content[k]) for k in ("train", "val", "test")}
    counts = {k: len(v) for k, v in by_user.items()}
    if len(set(counts.values())) > 1:
        users_by_part = ", ".join(f"{k} {n:,}" for k, n in counts.items())
        raise DataError(f"'{path}' has different numbers of users in its parts: {users_by_part}.")
    if not counts["train"]:
        raise DataError(f"'{path}' has no users.")
    users = list(by_user["train"])
    for part, entries in by_user.items():
        absent = next((user for user in users if user not in entries), None)
        if absent is not None:
            raise DataError(f"'{path}': '{part}' lacks the user {_shown(absent)}, who is in 'train'.")
    parts = {k: [v[user] for user in users] for k, v in by_user.items()}
    lengths = {k: np.array([len(s) for s in v], dtype=np.int64) for k, v in parts.items()}
    _check_lengths(path, lengths, users)
    total = int(sum(n.sum() for n in lengths.values()))
    if total > path.stat().st_size:
        raise DataError(f"'{path}' is damaged: it repeats its lists to {total:,} interactions, more than fit in a file of its size.")
    train, val, test = (_items(path, k, parts[k], total) for k in ("train", "val", "test"))
    user_ids, item_ids = (_raw_ids(path, name, content.get(name)) for name in ("umap", "smap"))
    last = max(int(train.max()), int(val.max()), int(test.max()), *item_ids)
    if last > total:
        raise DataError(
            f"'{path}': 'smap' holds the number {_shown(last)}, but items are numbered without gaps, so at most {total:,} here."
        )
    return SplitSequences(
        train,
        np.concatenate([[0], np.cumsum(lengths["train"])]).astype(np.int64),
        val,
        test,
        _named(path, "umap", users, user_ids),
        _named(path, "smap", range(1, last + 1), item_ids),
    )


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, _Array) else value


def _by_user(path: Path, part: str, value: Any) -> dict[Any, Sequence[Any]]:
    """Lists of items by user number (the position, if the part is a list); a bare number counts as a list of one."""
    users = _plain(value)
    if isinstance(users, (list, tuple)):
        users = dict(enumerate(users))
    elif not isinstance(users, dict):
        kind = type(value).__name__.lstrip("_")
        raise DataError(f"'{path}': '{part}' holds a {kind}, but must be a list or a dict with one entry per user.")
    plain = {user: _plain(items) for user, items in users.items()}
    for user, items in plain.items():
        if type(items) is int:
            plain[user] = [items]
        elif not isinstance(items, (list, tuple)):
            raise DataError(
                f"'{path}': '{part}' of user {_shown(user)} is a {type(items).__name__.lstrip('_')}, but must be a list of item ids."
            )
    return plain


def _shown(number: Any) -> str:
    """A number or text for a message; Python refuses to print integers with thousands of digits."""
    return repr(number)[:40] if not isinstance(number, int) or abs(number) < 10**20 else "of more than 20 digits"


def _id(path: Path, raw: Any) -> str:
    """A number or text as an id."""
    if isinstance(raw, int) and abs(raw) >= 10**20 or isinstance(raw, str) and len(raw) > LONGEST_ID:
        raise DataError(f"'{path}' holds an id that is too long; ids have at most {LONGEST_ID} characters or 20 digits.")
    return str(raw)


def _raw_ids(path: Path, name: str, pairs: Any) -> dict[int, str]:
    """The data's own ids by number, from the inverse dict; empty without one."""
    if pairs is None:
        return {}
    if not isinstance(pairs, dict) or not all(type(number) is int for number in pairs.values()):
        raise DataError(f"'{path}': '{name}' must be a dict from the data's own ids to integers.")
    ids = {number: _id(path, raw) for raw, number in pairs.items()}
    if len(ids) < len(pairs) or len(set(ids.values())) < len(ids):
        raise DataError(f"'{path}': '{name}' uses a number or an id twice.")
    return ids


def _named(path: Path, name: str, numbers: Iterable[Any], ids: dict[int, str]) -> list[str]:
    """The data's own ids of these numbers, or without any the numbers themselves."""
    if not ids:
        return [_id(path, number) for number in numbers]
    found = {number: ids.get(number) for number in numbers}
    absent = next((number for number, raw in found.items() if raw is None), None)
    if absent is not None:
        raise DataError(f"'{path}': '{name}' has no id with the number {_shown(absent)}.")
    return [str(raw) for raw in found.values()]


def _check_lengths(path: Path, lengths: dict[str, np.ndarray], users: list[Any]) -> None:
    if (lengths["train"] < 1).any():
        raise DataError(f"'{path}': user {_shown(users[int(np.argmax(lengths['train'] < 1))])} has no training item.")
    for part in ("val", "test"):
        wrong = lengths[part] != 1
        if wrong.any():
            first = int(np.argmax(wrong))
            held = f"'{part}' of user {_shown(users[first])} holds {lengths[part][first]} items"
            raise DataError(f"'{path}': {held}, but must hold exactly one.")


def _items(path: Path, part: str, sequences: Sequence[Sequence[Any]], total: int) -> np.ndarray:
    """All item ids of a part, int32. Ids are numbered from 1 without gaps, so none exceeds the number of interactions."""
    flat = list(chain.from_iterable(sequences))
    for kind in set(map(type, flat)) - {int}:
        bad = next(v for v in flat if type(v) is kind)
        value = repr(bad)[:40] if isinstance(bad, (str, bytes, float, bool)) else f"a {kind.__name__.lstrip('_')}"
        raise DataError(f"'{path}': '{part}' holds {value}; expected an item id, which is an integer.")
    low, high = min(flat), max(flat)
    if low < 1 or high > min(total, 2**31 - 1):
        held = f"'{part}' holds the item id {_shown(low if low < 1 else high)}"
        raise DataError(f"'{path}': {held}, but ids are numbered from 1 without gaps, so at most {total:,} here.")
    return np.array(flat, dtype=np.int32)
