"""numpy's formats, npy and npz. Object arrays, which only running code could read, are refused."""

import math
import struct
import sys
import tokenize
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from adrec.embeddings.files.beside import ids_beside
from adrec.embeddings.files.checks import MOST_ARRAYS, Matrix, as_numbers, check_shape, choose, is_item_table, taken
from adrec.errors import WeightsError

LONGEST_HEADER = 10_000
BFLOAT = np.dtype("V2")
"""How numpy saves bfloat16, whose name it does not know."""
MAPPED = 2**26
"""A larger npy file of single or double floats is memory-mapped instead of read; measures read it in blocks."""
LEAST = 5
"""In fewer rows, whole numbers may be an accident."""
BOMB_BYTES, BOMB_RATIO = 2**26, 200
"""An archived array larger than BOMB_BYTES must not unpack to more than BOMB_RATIO times its packed size; no trained table does."""

HEADER_ERRORS = (ValueError, KeyError, EOFError, struct.error, TypeError, RecursionError, tokenize.TokenError, SyntaxError)
"""What numpy raises for a header that it cannot read."""


def _header(path: Path, file: IO[bytes], kinds: str = "fiu") -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether in Fortran order, and dtype; leaves ``file`` at the first byte of the data. kinds: letters of the types allowed."""
    try:
        version = np.lib.format.read_magic(file)
        reader = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        with warnings.catch_warnings(action="ignore"):  # a header of Python 2 is as good
            shape, fortran, dtype = reader(file, max_header_size=LONGEST_HEADER)
    except HEADER_ERRORS as error:
        raise WeightsError(f"'{path}' is damaged or not in numpy's format: its header cannot be read ({type(error).__name__}).") from None
    if dtype.hasobject:
        raise WeightsError(f"'{path}' holds Python objects, which only running code could read; expected a matrix of numbers.")
    if dtype.kind not in kinds and not (dtype == BFLOAT and "f" in kinds):
        kind = "structured" if dtype.names else str(dtype)
        raise WeightsError(f"'{path}' holds entries of type {kind[:40]}; expected real numbers.")
    if any(size < 0 or isinstance(size, bool) for size in shape):
        raise WeightsError(f"'{path}' claims the impossible shape {shape}; expected a matrix with one row per item.")
    return shape, fortran, dtype


def _data(path: Path, file: IO[bytes], shape: tuple[int, ...], fortran: bool, dtype: np.dtype) -> np.ndarray:
    needed = math.prod(shape) * dtype.itemsize
    data = file.read(needed)
    if len(data) < needed:
        raise WeightsError(f"'{path}' is cut short: its header claims shape {shape}, {needed:,} bytes, and {len(data):,} are there.")
    if dtype.kind == "U" and data and np.frombuffer(data, dtype=f"{dtype.byteorder}u4").max() > sys.maxunicode:
        raise WeightsError(f"'{path}' is damaged: its text holds what is no character.")
    return np.frombuffer(data, dtype=dtype).reshape(shape, order="F" if fortran else "C")


def read_npy(path: Path, key: str | None) -> Matrix:
    """The array of a npy file."""
    with open(path, "rb") as file:
        shape, fortran, dtype = _header(path, file)
        check_shape(path, shape)
        there, needed = path.stat().st_size - file.tell(), math.prod(shape) * dtype.itemsize
        if there < needed:
            raise WeightsError(f"'{path}' is cut short: its header claims shape {shape}, {needed:,} bytes, and {there:,} are there.")
        if needed > MAPPED and dtype in (np.float32, np.float64) and dtype.isnative:
            return Matrix(np.memmap(path, dtype, "r", file.tell(), shape, "F" if fortran else "C"))
        notes = ("The numbers have 2 bytes and no type: they are taken for bfloat16.",) if dtype == BFLOAT else ()
        return Matrix(as_numbers(_data(path, file, shape, fortran, dtype)), notes=notes)


def _member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, kinds: str) -> np.ndarray:
    """An array of an archive."""
    size, packed = member.file_size, member.compress_size
    if size > BOMB_BYTES and size > BOMB_RATIO * packed:
        name = member.filename.removesuffix(".npy")
        raise WeightsError(f"'{path}': '{name}' unpacks to {size:,} bytes from {packed:,}; must be at most {BOMB_RATIO} times.")
    with archive.open(member) as file:
        return _data(path, file, *_header(path, file, kinds))


def read_vector(path: Path) -> np.ndarray:
    """The whole numbers or texts of an npy file with one dimension."""
    with open(path, "rb") as file:
        shape, fortran, dtype = _header(path, file, "iuUS")
        if len(shape) != 1 or not dtype.itemsize or path.stat().st_size < math.prod(shape) * dtype.itemsize:
            raise WeightsError(f"'{path}' is damaged, or no list of ids; expected one dimension, of whole numbers or texts.")
        return _data(path, file, shape, fortran, dtype)


def read_npz(path: Path, key: str | None) -> Matrix:
    """One matrix of an npz archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {m.filename.removesuffix(".npy"): m for m in archive.infolist() if m.filename.endswith(".npy")}
            if len(members) > MOST_ARRAYS:
                raise WeightsError(f"'{path}' holds {len(members):,} arrays; must be at most {MOST_ARRAYS:,}.")
            kinds = {name: _shape(path, archive, member) for name, member in members.items()}
            shapes = {name: () if kind in "US" and len(shape) > 1 else shape for name, (kind, shape) in kinds.items()}
            name = choose(path, shapes, key)
            check_shape(path, shapes[name], f"'{name}'")
            table = as_numbers(_member(path, archive, members[name], "fiu"))
            labels, notes = ids_beside(kinds, len(table), lambda other: _member(path, archive, members[other], "iuUS"))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError, struct.error) as error:
        raise WeightsError(f"'{path}' is damaged and cannot be read as npz ({type(error).__name__}).") from None
    return Matrix(table, labels, (*taken(name, shapes), *notes), padded=is_item_table(name))


def _shape(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[str, tuple[int, ...]]:
    """The kind and shape of one array in an archive; () if it is not an array of numbers or texts, so that another can be chosen."""
    try:
        with archive.open(member) as file:
            shape, _, dtype = _header(path, file, "fiuUS")
            return dtype.kind, shape
    except WeightsError:
        return "", ()


def ids_in(table: np.ndarray) -> int | None:
    """The column of an array (V, D) that holds different whole numbers, the only one beside columns with fractions; else None.

    A trained dimension holds fractions; zeros and ones in all rows say nothing.
    """
    if table.shape[1] < 3 or len(table) < LEAST:
        return None
    head = np.asarray(table[:LEAST], dtype=np.float64)
    whole = np.flatnonzero((head == np.floor(head)).all(axis=0) & (head >= 0).all(axis=0))
    if not 0 < len(whole) < table.shape[1] / 2:
        return None
    found = [int(i) for i in whole if _different_wholes(np.asarray(table[:, i], dtype=np.float64))]
    return found[0] if len(found) == 1 else None


def _different_wholes(column: np.ndarray) -> bool:
    return bool((column == np.floor(column)).all() and (np.abs(column) < 2**53).all() and len(np.unique(column)) == len(column))
