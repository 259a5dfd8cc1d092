"""DuckDB, the engine that reads what people bring: a private connection with limits, and its errors as sentences."""

import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import psutil

from adrec.errors import DataError
from adrec.reading.account import counted, shown, shown_path
from adrec.system import processors

SHARE = 0.5
"""The share of the free memory that a connection may fill before it writes to its temporary folder."""
LEAST_MEMORY = 256 << 20


def connect(memory: int | None = None, threads: int | None = None, folder: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A connection of its own, in memory. It fetches and loads no extension, sees no Python variable, and spills into a folder of its own.

    memory: at most so many bytes, and half of what is free. The temporary folder is made in ``folder`` when it is needed, and goes with the
    connection.
    """
    free = max(int(psutil.virtual_memory().available * SHARE), LEAST_MEMORY)
    memory = min(memory or free, free)
    name = f"adrec-reading-{secrets.token_hex(8)}"
    spilled = str(folder / f".{name}" if folder else Path(tempfile.gettempdir(), name))
    connection = duckdb.connect(
        ":memory:",
        config={
            "python_enable_replacements": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "threads": threads or processors(),
            "memory_limit": f"{memory}B",
            "temp_directory": spilled,
            "preserve_insertion_order": True,
        },
    )
    connection.execute("set timezone = 'UTC'; set enable_progress_bar = false")  # a bar would stand in what a command prints
    return connection


def quoted(name: str) -> str:
    """An identifier in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def path_literal(path: Path) -> str:
    """A path in SQL that means this file only, whatever its name: no pattern and no address."""
    return literal(re.sub(r"([\[*?])", r"[\1]", os.path.abspath(path)))


@contextmanager
def as_sentences(path: Path) -> Iterator[None]:
    """DuckDB's errors as one sentence about this file."""
    try:
        yield
    except duckdb.Error as error:
        raise sentence(path, error) from None


def sentence(path: Path, error: duckdb.Error, number: int | None = None) -> DataError:
    """One sentence for an error of DuckDB while it read this file. number: the line (default: the one that DuckDB names)."""
    text = str(error)
    name = shown_path(str(path))
    if isinstance(error, duckdb.OutOfMemoryException):
        return DataError(f"{name} needs more memory or temporary disk space than this machine has free.")
    line = re.search(r"CSV Error on Line: (\d+)", text)
    where = f"line {number or int(line[1]):,} of {name}" if line else name
    counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    if counts:
        columns, values = int(counts[1]), int(counts[2])  # DuckDB stops counting behind the last column
        found = (
            f"has {counted(values, 'value')}, but the first line has"
            if values < columns
            else "has more values than the first line, which has"
        )
        return DataError(f"{where[0].upper()}{where[1:]} {found} {columns:,}.")
    if "unterminated quote" in text:
        return DataError(f"In {where} a quotation mark opens a value and is not closed as CSV asks.")
    if "Maximum line size" in text:
        return DataError(f"{where[0].upper()}{where[1:]} is longer than a row may be.")
    if "state machine" in text:
        return DataError(f"{name} mixes different line ends; save it with one kind of them.")
    first = (text.splitlines() or ["no reason given"])[0]
    reason = (first.partition(": ")[2] or first)[:200].rstrip(".")
    return DataError(f"{name} cannot be read ({shown(reason)[1:-1] if len(reason) < 40 else reason}).")
