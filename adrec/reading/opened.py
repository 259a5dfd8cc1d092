"""A file as bytes: whether it is there, what is packed in it, whether it is text, and how many lines it has."""

import bz2
import codecs
import gzip
import lzma
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from adrec.errors import DataError
from adrec.reading.account import shown, shown_path
from adrec.reading.limits import FREE_EXPANSION, LARGEST_FILE, LARGEST_UNPACKED, LONGEST_LINE, MOST_EXPANSION

CHUNK = 1 << 20
MAGIC = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\x28\xb5\x2f\xfd": ".zst", b"PK\x03\x04": ".zip", b"\xfd7zXZ": ".xz"}
"""First bytes of compressed files, and the suffix that says so."""
IGNORED = ("__MACOSX/", ".DS_Store")
"""What macOS adds to a zip."""


def present(path: Path) -> Path:
    """The path, if it is a file with something in it."""
    name = shown_path(path)
    try:
        if path.is_dir():
            raise DataError(f"{name} is a folder, not a file.")
        size, regular = path.stat().st_size, path.is_file()
    except (OSError, ValueError):
        raise DataError(f"There is no file {name}.") from None
    if not regular:
        raise DataError(f"{name} is not a regular file.")
    if not size:
        raise DataError(f"{name} is empty.")
    if size > LARGEST_FILE:
        raise DataError(f"{name} has {size:,} bytes; a file must have at most {LARGEST_FILE:,}.")
    return path


@contextmanager
def opened(path: Path) -> Iterator[tuple[Path, str]]:
    """The plain file behind a path, and the suffix of its format in lower case. What is packed is unpacked into a temporary file."""
    suffix = path.suffix.lower()
    present(path)
    if suffix not in PACKED:
        _disguised(path)
        yield path, suffix
        return
    with scratch() as plain:
        try:
            with open(path, "rb") as file:
                inner = _unpacked(path, file, suffix, plain)
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            if isinstance(error, OSError) and error.errno and not isinstance(error, gzip.BadGzipFile):
                raise DataError(f"{shown_path(path)} cannot be unpacked ({error.strerror}).") from None
            raise DataError(f"{shown_path(path)} is damaged or cut short and cannot be unpacked as {suffix}.") from None
        yield plain, inner


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary file of one's own that goes in the end."""
    folder = tempfile.mkdtemp(prefix="adrec-reading-")
    try:
        yield Path(folder) / "plain"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _disguised(path: Path) -> None:
    """Refuse compressed files whose names do not say so."""
    with open_bytes(path) as file:
        start = file.read(8)
    for magic, suffix in MAGIC.items():
        if start.startswith(magic):
            known = f"rename it so that it ends in {suffix}" if suffix in PACKED else "unpack it first"
            raise DataError(f"{shown_path(path)} is a compressed file: {known}.")


def open_bytes(path: Path) -> IO[bytes]:
    """The file, open for reading; a DataError if the system refuses."""
    try:
        return open(path, "rb")
    except OSError as error:
        raise DataError(f"{shown_path(path)} cannot be opened ({error.strerror}).") from None


def _unpacked(path: Path, file: IO[bytes], suffix: str, target: Path) -> str:
    """Write what is packed to ``target``, within the limits; the suffix of its format."""
    if suffix != ".zip":
        with PACKED[suffix](file) as stream:
            _copied(path, stream, target)
        return Path(path.stem).suffix.lower()
    with zipfile.ZipFile(file) as archive:
        members = [
            m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith(IGNORED) and not m.filename.endswith(IGNORED)
        ]
        if len(members) != 1:
            names = ", ".join(shown(m.filename) for m in members[:4]) or "none"
            raise DataError(f"{shown_path(path)} must hold one file, but it holds {len(members):,} ({names}); unpack it and choose one.")
        if members[0].flag_bits & 1:
            raise DataError(f"{shown_path(path)} is protected by a password; unpack it first.")
        with archive.open(members[0]) as stream:
            _copied(path, stream, target)
        return Path(members[0].filename).suffix.lower()


def _copied(path: Path, stream: Any, target: Path) -> None:
    most = min(LARGEST_UNPACKED, max(FREE_EXPANSION, MOST_EXPANSION * os.path.getsize(path)))
    size = 0
    with open(target, "wb") as out:
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > most:
                raise DataError(f"{shown_path(path)} unpacks to more than {most:,} bytes; unpack it first if that is right.")
            out.write(chunk)
    if not size:
        raise DataError(f"{shown_path(path)} is empty once unpacked.")


PACKED: dict[str, Callable[[IO[bytes]], Any]] = {
    ".gz": lambda file: gzip.GzipFile(fileobj=file),
    ".bz2": bz2.BZ2File,
    ".zst": lambda file: pa.CompressedInputStream(file, "zstd"),
    ".zip": zipfile.ZipFile,
}
"""Compressed files by suffix."""


LOOSE = (b"  ", b" \n", b"\n ", b" \r")


@dataclass
class Scan:
    """What one pass over the bytes of a text file tells. Lines end with LF (or CR LF), or with CR in a file without any LF.

    windows: line ends that are CR LF. lone: carriage returns without LF. blank: lines with
    nothing in them. loose: whether there are tabs, or blanks that follow each other or begin or end a line. partial: whether the text
    ends within a character.
    """

    size: int = 0
    lines: int = 0
    blank: int = 0
    quotes: int = 0
    backslashes: int = 0
    feeds: int = 0
    windows: int = 0
    lone: int = 0
    loose: bool = False
    partial: bool = False

    @property
    def end(self) -> str:
        """The end of a line as the file mostly has it."""
        return "\r" if self.lone and not self.feeds else "\n"

    @property
    def mixed(self) -> bool:
        """Whether some lines end with LF and others with CR LF, line breaks inside values included."""
        return 0 < self.windows < self.feeds


def scan(path: Path, named: Path | None = None, longest: int = LONGEST_LINE) -> Scan:
    """Count lines and marks in a text file; a DataError if it is no UTF-8 text or has a line of more than ``longest`` bytes.

    named: the name used in errors.
    """
    name = shown_path(named or path)
    found, decoder = Scan(), codecs.getincrementaldecoder("utf-8")()
    pending, tail, run, returns, blank_cr = False, b"\n", 0, 0, 0  # run: bytes since the last end of line
    try:
        with open_bytes(path) as file:
            while chunk := file.read(CHUNK):
                if not found.size:
                    if chunk.startswith((b"\xff\xfe", b"\xfe\xff")) or _wide(chunk):
                        raise DataError(f"{name} is UTF-16 text; save it as UTF-8.")
                    chunk = chunk.removeprefix(codecs.BOM_UTF8)
                    blank_cr += chunk.startswith(b"\r")
                if b"\0" in chunk:
                    raise DataError(f"{name} is a binary file, not text.")
                if pending or not chunk.isascii():
                    decoder.decode(chunk)
                    pending = bool(decoder.getstate()[0])
                found.size += len(chunk) or 1
                found.quotes += chunk.count(b'"')
                found.backslashes += chunk.count(b"\\")
                joined = tail + chunk  # tail: the last two bytes before this chunk
                feed = np.frombuffer(joined, np.uint8) == 10
                found.feeds += int(np.count_nonzero(feed[len(tail) :]))
                found.blank += int(np.count_nonzero((feed[1:] & feed[:-1])[len(tail) - 1 :]))
                if b"\r" in joined:
                    returned = np.frombuffer(joined, np.uint8) == 13
                    returns += int(np.count_nonzero(returned[len(tail) :]))
                    found.windows += int(np.count_nonzero((feed[1:] & returned[:-1])[len(tail) - 1 :]))
                    found.blank += int(np.count_nonzero((feed[2:] & returned[1:-1] & feed[:-2])[max(len(tail) - 2, 0) :]))
                    blank_cr += int(np.count_nonzero((returned[1:] & returned[:-1])[len(tail) - 1 :]))
                if not found.loose:
                    found.loose = b"\t" in joined or (b" " in joined and any(mark in joined for mark in LOOSE))
                run, tail = _longest(name, chunk, run, longest), joined[-2:]
    except UnicodeDecodeError:
        raise DataError(f"{name} is not UTF-8 text; save it as UTF-8.") from None
    found.lone, found.partial = returns - found.windows, pending
    if found.end == "\r":
        found.blank = blank_cr
    found.lines = (found.lone if found.end == "\r" else found.feeds) + (not tail.endswith(found.end.encode()))
    return found


def _wide(chunk: bytes) -> bool:
    """Whether text begins as UTF-16 without a mark does: every other byte is zero."""
    start = chunk[:64]
    return len(start) >= 4 and any(set(start[i::2]) == {0} and 0 not in start[1 - i :: 2] for i in (0, 1))


def _longest(name: str, chunk: bytes, run: int, most: int) -> int:
    """Bytes since the last end of line after this chunk; a DataError if a line is too long."""
    ends = [p for p in (chunk.find(b"\n"), chunk.find(b"\r")) if p >= 0]
    longest = run + (min(ends) if ends else len(chunk))
    if longest > most:
        raise DataError(f"{name} has a line of more than {most >> 20} MiB; expected one line a row.")
    return len(chunk) - 1 - max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) if ends else longest


@contextmanager
def one_kind_of_line_ends(path: Path) -> Iterator[Path]:
    """The text with LF wherever it had CR LF, in a temporary file."""
    with scratch() as target:
        with open_bytes(path) as file, open(target, "wb") as out:
            kept = b""
            while chunk := file.read(CHUNK):
                chunk = kept + chunk
                kept = b"\r" if chunk.endswith(b"\r") else b""
                out.write(chunk[: len(chunk) - len(kept)].replace(b"\r\n", b"\n"))
            out.write(kept)
        yield target


def last_line(path: Path) -> bytes:
    """The last line with something in it, and the line ends behind it; of a longer one the end."""
    return _last(path)[1]


@contextmanager
def without_last_line(path: Path) -> Iterator[Path]:
    """The text up to the last line with something in it, in a temporary file."""
    left = _last(path)[0]
    with scratch() as target:
        with open_bytes(path) as file, open(target, "wb") as out:
            while left and (chunk := file.read(min(CHUNK, left))):
                out.write(chunk)
                left -= len(chunk)
        yield target


def _last(path: Path) -> tuple[int, bytes]:
    """Where the last line with something in it begins, and the line."""
    with open_bytes(path) as file:
        size = file.seek(0, 2)
        start = file.seek(max(size - LONGEST_LINE - CHUNK, 0))
        end = file.read()
    at = end.rstrip(b"\r\n").rfind(b"\n") + 1
    return start + at, end[at:]


def line_of(path: Path, wanted: bytes) -> int | None:
    """The number of the line in which these bytes begin first, from 1; None if they are not there."""
    line, kept = 1, b""
    with open_bytes(path) as file:
        while chunk := file.read(CHUNK):
            text = kept + chunk
            at = text.find(wanted)
            if at >= 0:
                return line + text.count(b"\n", 0, at)
            cut = max(len(text) - len(wanted) + 1, 0)
            line += text.count(b"\n", 0, cut)
            kept = text[cut:]
    return None
