"""Flat indexes of faiss, alone or with ids; the layout is that of its ``write_index``, and all numbers are little-endian.

A header of a four-letter name, dimensions (4 bytes), vectors (8), two unused numbers (8 each), a truth (1) and the metric (4; above 1
also its argument, 4). A flat index goes on with how many numbers there are (8) and the numbers; one with ids with the index inside, how
many ids there are (8) and the ids.
"""

import struct
from pathlib import Path
from typing import IO

import numpy as np

from adrec.embeddings.files.checks import Matrix, check_shape
from adrec.errors import WeightsError
from adrec.reading.account import shown

FLAT = (b"IxF2", b"IxFI", b"IxFl")
WITH_IDS = (b"IxMp", b"IxM2")
HEADER = struct.Struct("<iqqq?i")


def read_faiss(path: Path, key: str | None) -> Matrix:
    """The vectors of a flat index, with their ids if it is an ``IndexIDMap``."""
    with open(path, "rb") as file:
        name = file.read(4)
        if name not in WITH_IDS:
            return Matrix(_flat(path, file, name))
        _header(path, file)
        table = _flat(path, file, file.read(4))
        if _count(path, file) != len(table):
            raise WeightsError(f"'{path}' is damaged: it has {len(table):,} vectors and another number of ids.")
        ids = _numbers(path, file, len(table), np.dtype("<i8"))
    return Matrix(table, tuple(map(str, ids.tolist())))


def _flat(path: Path, file: IO[bytes], name: bytes) -> np.ndarray:
    if name not in FLAT:
        kind = f"a faiss index of the kind {shown(name.decode())}" if name[:1] == b"I" and name.isalnum() else "not a faiss index"
        raise WeightsError(
            f"'{path}' is {kind}; expected a flat one, or its vectors: numpy.save(FILE, index.reconstruct_n(0, index.ntotal))."
        )
    width, rows = _header(path, file)
    check_shape(path, (rows, width), "its index")
    if _count(path, file) != rows * width:
        raise WeightsError(f"'{path}' is damaged: it does not hold the numbers of {rows:,} vectors with {width:,} dimensions.")
    return _numbers(path, file, rows * width, np.dtype("<f4")).reshape(rows, width)


def _header(path: Path, file: IO[bytes]) -> tuple[int, int]:
    """Dimensions and vectors."""
    width, rows, _, _, _, metric = HEADER.unpack(_bytes(path, file, HEADER.size))
    if metric > 1:
        _bytes(path, file, 4)
    return width, rows


def _count(path: Path, file: IO[bytes]) -> int:
    return int.from_bytes(_bytes(path, file, 8), "little")


def _numbers(path: Path, file: IO[bytes], count: int, kind: np.dtype) -> np.ndarray:
    return np.frombuffer(_bytes(path, file, count * kind.itemsize), kind)


def _bytes(path: Path, file: IO[bytes], count: int) -> bytes:
    """So many bytes, if the file has them."""
    there = path.stat().st_size - file.tell()
    if there < count:
        raise WeightsError(f"'{path}' is cut short: {count:,} bytes are to follow where {there:,} are there.")
    return file.read(count)
