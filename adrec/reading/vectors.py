"""Text with a label and a vector a line, separated by blanks, as word2vec, GloVe and fastText write it."""

import re
from pathlib import Path

import duckdb

from adrec.errors import DataError
from adrec.reading import text
from adrec.reading.account import counted, shown_path
from adrec.reading.delimited import Dialect
from adrec.reading.engine import as_sentences
from adrec.reading.limits import MOST_COLUMNS
from adrec.reading.opened import Scan
from adrec.reading.source import Source

LABEL, VECTOR = "word", "vector"
"""The columns that such a file is read as: a text, and a list of texts."""
MOST_ROWS = 2**40
COUNT = re.compile(r"[0-9]+")


def read_vectors(con: duckdb.DuckDBPyConnection, path: Path, plain: Path, found: Scan) -> Source | None:
    """The source of labels and vectors; None if the file is something else. A label may hold blanks: the last fields are the vector.

    A first line of two whole numbers counts the rows and the numbers in a vector, and is checked.
    """
    lines = [_fields(line) for line in text.head_of(plain).lines()]
    counts = _counts(path, lines[0]) if lines else None
    width = counts[1] if counts else _width(lines)
    if width is None:
        return None
    most = len(lines[-1]) - 1
    if counts and most != width and all(len(fields) - 1 == _numbers(fields) == most for fields in lines[1:]):
        raise DataError(f"{shown_path(path)}: its first line claims {width:,} numbers after each label, but there are {most:,}.")
    header = int(counts is not None)
    split = Dialect(plain, text.BLANK, 2, loose=True).split()
    body = f"(select row - {header} as row, f from {split} where row > {header})"
    with as_sentences(path):
        rows, short = con.sql(f"select count(*), min(row) filter (where len(f) <= {width}) from {body}").fetchall()[0]
        fields = con.sql(f"select len(f) from {body} where row = {short}").fetchall()[0][0] if short else 0
    if counts and (rows != counts[0] or (short and fields < width)):
        claim = f"claims {counts[0]:,} rows of {width:,} numbers after each label"
        there = f"{rows:,} rows are there" if rows != counts[0] else f"row {short:,} has {counted(fields, 'value')}"
        raise DataError(f"{shown_path(path)}: its first line {claim}, but {there}.")
    if short:
        raise DataError(f"Row {short:,} of {shown_path(path)} has {counted(fields, 'value')}; expected a label and {width:,} numbers.")
    sql = f"(select row, array_to_string(f[1:len(f) - {width}], ' ') as c0, f[len(f) - {width - 1}:] as c1 from {body})"
    form = "text of labels and vectors, separated by blanks" + (", after word2vec's line of counts" if counts else "")
    return Source(form, [LABEL, VECTOR], ["VARCHAR", "VARCHAR[]"], sql, found, header, lists={VECTOR: "list"})


def _fields(line: str) -> list[str]:
    return re.split(r"[ \t]+", line.strip(" \t\r"))


def _counts(path: Path, first: list[str]) -> tuple[int, int] | None:
    """Rows and width, if the first line is word2vec's."""
    if len(first) != 2 or not all(map(COUNT.fullmatch, first)):
        return None
    rows, width = (int(field[:20]) for field in first)
    if rows > MOST_ROWS or not 0 < width <= MOST_COLUMNS:
        raise DataError(f"{shown_path(path)}: its first line claims more rows or columns than any table has.")
    return rows, width


def _width(lines: list[list[str]]) -> int | None:
    """The numbers at the end of every line, if something else stands before them in some; else None."""
    if not any(fields[0] and not text.is_number(fields[0]) for fields in lines):
        return None
    width = min(_numbers(fields) for fields in lines)
    return width if width > 1 else None


def _numbers(fields: list[str]) -> int:
    """How many numbers a line ends with, at most all but the first field."""
    count = next((i for i, field in enumerate(reversed(fields)) if not text.is_number(field)), len(fields))
    return min(count, len(fields) - 1)
