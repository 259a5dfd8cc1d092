"""A file as bytes: whether it is there, whether it is text, and how many lines it has."""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adrec.errors import DataError
from adrec.reading.account import shown_path

CHUNK = 1 << 20
LONGEST_LINE = 1 << 22
"""Bytes."""


@dataclass
class Scan:
    """What one pass over the bytes of a text file tells. Lines end with LF, or with CR in a file without any LF."""

    size: int = 0
    lines: int = 0
    blank: int = 0
    quotes: int = 0
    backslashes: int = 0
    windows: int = 0
    carriage: int = 0
    ascii: bool = True


def present(path: Path) -> Path:
    """The path, if it is a file with something in it."""
    if path.is_dir():
        raise DataError(f"{shown_path(str(path))} is a folder, not a file.")
    try:
        size = path.stat().st_size
    except (OSError, ValueError):
        raise DataError(f"There is no file {shown_path(str(path))}.") from None
    if not size:
        raise DataError(f"{shown_path(str(path))} is empty.")
    if not path.is_file():
        raise DataError(f"{shown_path(str(path))} is not a regular file.")
    return path


@contextmanager
def opened(path: Path) -> Iterator[tuple[Path, str]]:
    """The plain file behind a path, and its suffix in lower case."""
    yield present(path), path.suffix.lower()


def scan(path: Path, named: Path | None = None) -> Scan:
    """Count lines and marks in a text file; a DataError if it is no UTF-8 text. named: the name used in errors."""
    name = shown_path(str(named or path))
    found, decoder = Scan(), codecs.getincrementaldecoder("utf-8")()
    pending, last, run = False, 10, 0  # last: the byte before this chunk; run: bytes since the last end of line
    try:
        with open(path, "rb") as file:
            while chunk := file.read(CHUNK):
                if not found.size and chunk.startswith((b"\xff\xfe", b"\xfe\xff")):
                    raise DataError(f"{name} is UTF-16 text; save it as UTF-8.")
                if b"\0" in chunk:
                    raise DataError(f"{name} is a binary file, not text.")
                if pending or not chunk.isascii():
                    found.ascii = False
                    decoder.decode(chunk)
                    pending = bool(decoder.getstate()[0])
                found.size += len(chunk)
                found.quotes += chunk.count(b'"')
                found.backslashes += chunk.count(b"\\")
                if b"\r" in chunk or last == 13:
                    found.carriage += chunk.count(b"\r")
                    found.windows += chunk.count(b"\r\n") + (last == 13 and chunk.startswith(b"\n"))
                ends = np.frombuffer(chunk, np.uint8) == 10
                found.lines += int(np.count_nonzero(ends))
                found.blank += int(np.count_nonzero(ends[1:] & ends[:-1])) + (last == 10 and chunk[0] == 10)
                last, run = chunk[-1], _longest(name, chunk, run)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        raise DataError(f"{name} is not UTF-8 text; save it as UTF-8.") from None
    except OSError as error:
        raise DataError(f"{name} cannot be opened ({error.strerror}).") from None
    found.lines += last != 10
    return found


def _longest(name: str, chunk: bytes, run: int) -> int:
    """Bytes since the last end of line after this chunk; a DataError if a line is too long."""
    ends = [p for p in (chunk.find(b"\n"), chunk.find(b"\r")) if p >= 0]
    longest = run + (min(ends) if ends else len(chunk))
    if longest > LONGEST_LINE:
        raise DataError(f"{name} has a line of more than {LONGEST_LINE >> 20} MiB; a row has one line.")
    return len(chunk) - 1 - max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) if ends else longest
