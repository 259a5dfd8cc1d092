"""A bare embedding matrix from npy, npz, safetensors, csv or tsv. Nothing in a file is executed, no size it declares is trusted."""

import csv
import math
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
from safetensors import SafetensorError, safe_open

from adrec.collapse import as_table
from adrec.errors import WeightsError
from adrec.runs import ITEM_TABLE

SUFFIXES = (".npy", ".npz", ".safetensors", ".csv", ".tsv")
MOST_ENTRIES = 2**28
"""2 GiB in float64, for instance 2 million items of width 128."""
LONGEST_HEADER = 10_000
LABELS = ("", "id", "item", "item_id", "index")


def read_matrix(path: str | Path, key: str | None = None) -> np.ndarray:
    """The embedding matrix in a file, (V, D) float64, checked by ``collapse.as_table``; every failure is a WeightsError.

    npz and safetensors may hold several arrays: the one named ``key``, else the only matrix, else an item table under its
    usual name (``item_embedding.weight``), whose row 0 is padding and is dropped. csv and tsv: one row an item, with or without a line of
    names; a first column named id, item, item_id, index or nothing holds labels and is dropped.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise WeightsError(f"'{path}' is not a matrix file that can be read; accepted are {', '.join(SUFFIXES)}.")
    if not path.is_file():
        problem = "is not a file" if path.exists() else "does not exist"
        raise WeightsError(f"'{path}' {problem}; accepted is a file with one embedding matrix.")
    if path.stat().st_size == 0:
        raise WeightsError(f"'{path}' is empty; accepted is a file with one embedding matrix.")
    read = {".npy": _read_npy, ".npz": _read_npz, ".safetensors": _read_safetensors}.get(suffix)
    try:
        matrix = read(path, key) if read else _read_text(path)
    except OSError as error:
        raise WeightsError(f"'{path}' cannot be read ({error.strerror or type(error).__name__}).") from None
    return as_table(matrix, f"'{path}'")


def _check_shape(path: Path, shape: Sequence[int], what: str = "its array") -> None:
    if len(shape) != 2:
        raise WeightsError(f"'{path}': {what} has shape {tuple(shape)}; accepted is a matrix, one row an item.")
    if math.prod(shape) > MOST_ENTRIES:
        raise WeightsError(f"'{path}': {what} claims shape {tuple(shape)}; accepted are at most {MOST_ENTRIES:,} entries.")


def _choose(path: Path, shapes: dict[str, tuple[int, ...]], key: str | None) -> str:
    matrices = [name for name, shape in shapes.items() if len(shape) == 2]
    if key is not None:
        if key not in shapes:
            raise WeightsError(f"'{path}' has no array '{key}'; it holds {_listed(list(shapes))}.")
        return key
    if len(matrices) == 1:
        return matrices[0]
    if ITEM_TABLE in matrices:
        return ITEM_TABLE
    if not matrices:
        raise WeightsError(f"'{path}' holds no matrix, only {_listed(list(shapes))}; accepted is one array with two dimensions.")
    raise WeightsError(f"'{path}' holds {len(matrices)} matrices, {_listed(matrices)}; accepted is one, or one called '{ITEM_TABLE}'.")


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return shown or "nothing"


# -- numpy's formats --------------------------------------------------------------------------------------------------


def _npy_header(path: Path, file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether in Fortran order, and type; leaves ``file`` at the first byte of the data."""
    try:
        version = np.lib.format.read_magic(file)
        reader = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, fortran, dtype = reader(file, max_header_size=LONGEST_HEADER)
    except (ValueError, KeyError, EOFError, struct.error, UnicodeError) as error:
        raise WeightsError(f"'{path}' is damaged or not in numpy's format: its header cannot be read ({type(error).__name__}).") from None
    if dtype.kind == "O":
        raise WeightsError(f"'{path}' holds Python objects, which only running code could read; accepted is a matrix of numbers.")
    if dtype.kind not in "fiu":
        raise WeightsError(f"'{path}' holds entries of type {dtype}; accepted are real numbers.")
    if any(size < 0 for size in shape):
        raise WeightsError(f"'{path}' claims the impossible shape {shape}; accepted is a matrix, one row an item.")
    return shape, fortran, dtype


def _npy_data(path: Path, file: IO[bytes], shape: tuple[int, ...], fortran: bool, dtype: np.dtype) -> np.ndarray:
    needed = math.prod(shape) * dtype.itemsize
    data = file.read(needed)
    if len(data) < needed:
        raise WeightsError(f"'{path}' is cut short: its header claims shape {shape}, {needed:,} bytes, and {len(data):,} are there.")
    return np.frombuffer(data, dtype=dtype).reshape(shape, order="F" if fortran else "C")


def _read_npy(path: Path, key: str | None) -> np.ndarray:
    with open(path, "rb") as file:
        shape, fortran, dtype = _npy_header(path, file)
        _check_shape(path, shape)
        there, needed = path.stat().st_size - file.tell(), math.prod(shape) * dtype.itemsize
        if there < needed:
            raise WeightsError(f"'{path}' is cut short: its header claims shape {shape}, {needed:,} bytes, and {there:,} are there.")
        return _npy_data(path, file, shape, fortran, dtype)


def _read_npz(path: Path, key: str | None) -> np.ndarray:
    try:
        with zipfile.ZipFile(path) as archive:
            shapes = {}
            for member in archive.namelist():
                if member.endswith(".npy"):
                    with archive.open(member) as file:
                        shapes[member.removesuffix(".npy")] = _npz_shape(path, file)
            name = _choose(path, shapes, key)
            _check_shape(path, shapes[name], f"'{name}'")
            with archive.open(name + ".npy") as file:
                table = _npy_data(path, file, *_npy_header(path, file))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise WeightsError(f"'{path}' is damaged and cannot be read as npz ({type(error).__name__}).") from None
    return table[1:] if name == ITEM_TABLE else table


def _npz_shape(path: Path, file: IO[bytes]) -> tuple[int, ...]:
    """The shape of one array of an archive; () for one that is no array of numbers, so that another can be chosen."""
    try:
        return _npy_header(path, file)[0]
    except WeightsError:
        return ()


# -- safetensors ------------------------------------------------------------------------------------------------------


def _read_safetensors(path: Path, key: str | None) -> np.ndarray:
    try:
        with safe_open(path, "np") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - not a dict
            name = _choose(path, shapes, key)
            _check_shape(path, shapes[name], f"'{name}'")
            kind = file.get_slice(name).get_dtype()
            if kind not in ("F16", "F32", "F64", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64"):
                raise WeightsError(f"'{path}': '{name}' has type {kind}; accepted are F16, F32, F64 and whole numbers.")
            table = file.get_tensor(name)
    except SafetensorError as error:
        raise WeightsError(f"'{path}' is damaged and cannot be read as safetensors ({error}).") from None
    return table[1:] if name == ITEM_TABLE else table


# -- text -------------------------------------------------------------------------------------------------------------


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read_text(path: Path) -> np.ndarray:
    if path.stat().st_size > MOST_ENTRIES * 8:
        raise WeightsError(f"'{path}' has {path.stat().st_size:,} bytes; accepted are at most {MOST_ENTRIES * 8:,} of text.")
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            first = file.readline(2**24)
        separator = next((s for s in "\t;," if s in first), ",")
        names = [cell.strip() for cell in next(csv.reader([first], delimiter=separator))]
        counted = len(names) > 1 and names == [str(i) for i in range(len(names))]
        header = 0 if counted or not all(map(_number, names)) else None
        frame = pd.read_csv(path, sep=separator, header=header, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False)
    except (UnicodeDecodeError, csv.Error, StopIteration, pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if isinstance(error, pd.errors.ParserError) else type(error).__name__
        raise WeightsError(f"'{path}' cannot be read as a table of numbers in text ({reason}).") from None
    if header == 0 and names[0].lower() in LABELS and frame.shape[1] > 1:
        frame = frame.iloc[:, 1:]
    if frame.size > MOST_ENTRIES:
        raise WeightsError(f"'{path}' holds a table of shape {frame.shape}; accepted are at most {MOST_ENTRIES:,} entries.")
    numbers = frame.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    bad = np.argwhere(np.isnan(numbers))
    if len(bad):
        row, column = (int(i) for i in bad[0])
        text = frame.iat[row, column]
        line = row + (2 if header == 0 else 1)
        raise WeightsError(f"'{path}', line {line}, column '{frame.columns[column]}': {text!r} is not a number; accepted are numbers only.")
    return numbers
