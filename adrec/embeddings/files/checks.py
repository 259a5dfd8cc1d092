"""Shared by all readers: limits, and the choice among several arrays."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adrec.errors import WeightsError
from adrec.reading.account import Account, Doubt, counted, shown
from adrec.runs import ITEM_TABLE

MOST_ENTRIES = 2**28
"""2 GiB in float64, such as 2 million items of width 128."""
MOST_ARRAYS = 10_000
LONGEST_PICKLE = 2**26
"""Bytes of a pickle."""
NO_TABLE = ("pos", "time", "user", "type", "segment")
"""Substrings in the names of embeddings other than the items'."""


@dataclass(frozen=True)
class Matrix:
    """A table (V, D) from a file. labels: the items' own ids, one per row, if the file has them. notes: sentences about how it was read.

    padded: from a reader, whether row 0 is known to be padding; from ``read_table``, whether such a row was removed. account: of a file
    with rows and columns. titles: one a row, if the file has them. removed: the row 0 that was taken for padding.
    """

    table: np.ndarray
    labels: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    padded: bool = False
    account: Account | None = None
    titles: tuple[str, ...] | None = None
    removed: np.ndarray | None = None


class TableDoubt(Doubt, WeightsError):
    """A Doubt about the columns of a table, or about which of several arrays is the item table (the option ``key``)."""


def listed(shapes: Mapping[str, Sequence[int]]) -> str:
    """Names and shapes for a message, at most six of them."""
    names = [f"{shown(name)} ({' x '.join(map(str, shape)) or 'no array'})" for name, shape in list(shapes.items())[:6]]
    return ", ".join(names) + (f" and {len(shapes) - 6} more" if len(shapes) > 6 else "") or "nothing"


def check_shape(path: Path, shape: Sequence[int], what: str = "its array") -> None:
    """A WeightsError unless a table may have this shape; called before anything of this size is allocated."""
    if len(shape) != 2:
        raise WeightsError(f"'{path}': {what} has shape {_short(shape)}; expected a matrix with one row per item.")
    if any(size < 0 for size in shape):
        raise WeightsError(f"'{path}' claims the impossible shape {_short(shape)}; expected a matrix with one row per item.")
    if math.prod(shape) > MOST_ENTRIES:
        raise WeightsError(f"'{path}': {what} claims shape {_short(shape)}; must have at most {MOST_ENTRIES:,} entries.")


def _short(shape: Sequence[int]) -> str:
    text = f"({', '.join(str(size) if abs(size) < 10**18 else f'{size:.0e}' for size in shape[:6])}{', ...' if len(shape) > 6 else ''})"
    return text.replace(")", ",)") if len(shape) == 1 else text


def choose(path: Path, shapes: Mapping[str, tuple[int, ...]], key: str | None) -> str:
    """The name of the item table among arrays of these shapes: ``key``, the only matrix, or the only one named like an item table."""
    if key is not None:
        if key not in shapes:
            raise WeightsError(f"'{path}' has no array {shown(key)}; it holds {listed(shapes)}.")
        return key
    matrices = {name: shape for name, shape in shapes.items() if len(shape) == 2}
    if not matrices:
        raise WeightsError(f"'{path}' holds no matrix, only {listed(shapes)}; expected an array with two dimensions.")
    other = [n for n in matrices if any(word in n.lower() for word in NO_TABLE)]
    named = {n: s for n, s in matrices.items() if any(word in n.lower() for word in ("emb", "item")) and n not in other}
    groups = [[n for n in matrices if is_item_table(n)], [n for n in named if "item" in n.lower() and "emb" in n.lower()], list(named)]
    for group in (list(matrices), *groups):
        if len(group) == 1:
            return group[0]
    several = named or matrices
    raise TableDoubt(
        f"'{path}' holds {len(several)} matrices, {listed(several)}",
        "key",
        [(name, f"{shape[0]:,} x {shape[1]:,}") for name, shape in several.items()],
        say="choose one by its name (--key NAME)",
    ).about(path)


def is_item_table(name: str) -> bool:
    """Whether an array of this name is an item table with a padding row, as named by us, the official code and RecBole."""
    return name == ITEM_TABLE or name.endswith("." + ITEM_TABLE)


def taken(name: str, shapes: Mapping[str, Sequence[int]]) -> tuple[str, ...]:
    """A note saying which of several arrays was read."""
    return (f"Taken from the file: {shown(name)}, one of {len(shapes)} arrays.",) if len(shapes) > 1 else ()


def as_numbers(array: np.ndarray) -> np.ndarray:
    """Small floats as float32, everything else as float64, in the machine's byte order; bytes without a type are bfloat16."""
    if array.dtype.kind == "V":
        return bfloat(np.ascontiguousarray(array).view("<u2"))
    return np.asarray(array, dtype=np.float32 if array.dtype.kind == "f" and array.dtype.itemsize <= 4 else np.float64)


def bfloat(array: np.ndarray) -> np.ndarray:
    """bfloat16, given as whole numbers of 16 bits, as float32 (numpy has no bfloat16)."""
    return np.asarray((array.astype(np.uint32) << 16).view(np.float32))


def tell_odd(labels: tuple[str, ...], account: Account) -> None:
    """Say which ids are empty or occur twice: only the first row of an id is found by it."""
    rows = Counter(labels)
    empty = rows.pop("", 0)
    again = [label for label, count in rows.items() if count > 1]
    if empty:
        account.note(f"{counted(empty, 'row')} {'has' if empty == 1 else 'have'} no id, so that no item is found in them.")
    if again:
        verb = "stands" if len(again) == 1 else "stand"
        account.note(f"{counted(len(again), 'id')} {verb} in several rows, such as {shown(again[0])}: the first row of each is its item.")
