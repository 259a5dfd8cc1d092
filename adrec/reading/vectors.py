"""Text with a label and a vector a line, separated by blanks, as word2vec, GloVe and fastText write it."""

import re
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import duckdb

from adrec.errors import DataError
from adrec.reading import text
from adrec.reading.account import Doubt, counted, shown_path
from adrec.reading.delimited import Dialect, cut_short, unfinished
from adrec.reading.engine import as_sentences
from adrec.reading.limits import MOST_COLUMNS
from adrec.reading.opened import Scan, without_last_line
from adrec.reading.source import Source

LABEL, VECTOR = "word", "vector"
"""The columns that such a file is read as: a text, and a list of texts."""
MOST_ROWS = 2**40
COUNT = re.compile(r"[0-9]+")
MANY = 0.1
"""The share of lines from which fewer numbers than in most lines are no mistake."""


def read_vectors(
    con: duckdb.DuckDBPyConnection, path: Path, plain: Path, found: Scan, how: Mapping[str, str], stack: ExitStack
) -> Source | None:
    """The source of labels and vectors; None if the file is something else. A label may hold blanks: the last fields are the vector.

    A first line of two whole numbers counts the rows and the numbers in a vector, and is checked. how: the option ``cut=drop`` leaves out
    a last line that is not whole, and rows that the count claims but are not there. stack: keeps temporary files.
    """
    head = text.head_of(plain)
    lines = [_fields(line) for line in head.lines()]
    counts = _counts(path, lines[0]) if lines else None
    ended = len(lines) < 2 or not head.whole or head.text.endswith("\n")  # else the last line may be cut short
    width = counts[1] if counts else _width(lines if ended else lines[:-1])
    if width is None:
        return None
    most = len(lines[-1]) - 1
    if counts and most != width and all(len(fields) - 1 == _numbers(fields) == most for fields in lines[1:]):
        raise DataError(f"{shown_path(path)}: its first line claims {width:,} numbers after each label, but there are {most:,}.")
    lacks = unfinished(plain, text.BLANK, width + 1, found)
    cut = 0
    if lacks and text.CUT not in how:
        raise cut_short(path, found, lacks)
    if lacks:
        plain, cut = stack.enter_context(without_last_line(plain)), 1
    header = int(counts is not None)
    split = Dialect(plain, text.BLANK, 2, loose=True).split()
    body = f"(select row - {header} as row, f from {split} where row > {header})"
    with as_sentences(path):
        rows, short = con.sql(f"select count(*), min(row) filter (where len(f) <= {width}) from {body}").fetchall()[0]
        fields = con.sql(f"select len(f) from {body} where row = {short}").fetchall()[0][0] if short else 0
    notes = []
    if counts and rows < counts[0] and not short and text.CUT in how:
        notes.append(f"Its first line claims {counts[0]:,} rows, of which {rows:,} are there.")
    elif counts and (rows != counts[0] or (short and fields < width)):
        claim = f"claims {counts[0]:,} rows of {width:,} numbers after each label"
        if rows < counts[0] and not short:
            problem = f"{shown_path(path)}: its first line {claim}, but {rows:,} rows are there: the file may have been cut short"
            raise Doubt(problem, text.CUT, [("drop", f"the {rows:,} whole rows are read")])
        there = f"{rows:,} rows are there" if rows != counts[0] else f"row {short:,} has {counted(fields, 'value')}"
        raise DataError(f"{shown_path(path)}: its first line {claim}, but {there}.")
    if short:
        raise DataError(f"Row {short:,} of {shown_path(path)} has {counted(fields, 'value')}; expected a label and {width:,} numbers.")
    sql = f"(select row, array_to_string(f[1:len(f) - {width}], ' ') as c0, f[len(f) - {width - 1}:] as c1 from {body})"
    form = "text of labels and vectors, separated by blanks" + (", after word2vec's line of counts" if counts else "")
    return Source(form, [LABEL, VECTOR], ["VARCHAR", "VARCHAR[]"], sql, found, header, lists={VECTOR: "list"}, notes=notes, cut=cut)


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
    """The numbers at the end of every line, if something else stands before them in some; else None.

    Lines with more have a label that ends with whole numbers. Fewer numbers than most lines have must be in many: few are mistakes.
    """
    if not any(fields[0] and not text.is_number(fields[0]) for fields in lines):
        return None
    found = [_numbers(fields) for fields in lines]
    width, usual = min(found), Counter(found).most_common(1)[0][0]
    if width < 2:
        return None
    more = (field for fields, count in zip(lines, found, strict=True) for field in fields[len(fields) - count : len(fields) - width])
    if found.count(width) < MANY * len(found) or not all(map(COUNT.fullmatch, more)):
        return usual
    return width


def _numbers(fields: list[str]) -> int:
    """How many numbers a line ends with, at most all but the first field."""
    count = next((i for i, field in enumerate(reversed(fields)) if not text.is_number(field)), len(fields))
    return min(count, len(fields) - 1)
