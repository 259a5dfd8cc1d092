"""How a text file is written: its separator, its quotation marks, its header."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from adrec.errors import DataError
from adrec.reading.account import shown_path

HEAD = 1 << 16


@dataclass(frozen=True)
class Dialect:
    """separator: one or two characters. quote, escape: a character or nothing. skip: empty lines before the header."""

    separator: str
    quote: str
    escape: str
    header: bool
    skip: int
    names: tuple[str, ...]
    header_lines: int = 1


def head_of(path: Path) -> str:
    """The beginning of a UTF-8 text, whole lines where there are any."""
    with open(path, "rb") as file:
        data = file.read(HEAD)
    if len(data) == HEAD:
        data = data[: data.rfind(b"\n") + 1] or data
    return data.decode("utf-8-sig", errors="ignore")


def dialect_of(path: Path, suffix: str, head: str) -> Dialect:
    """The dialect of a text file, from its suffix and its first lines."""
    body = head.lstrip("\r\n")
    skip = head[: len(head) - len(body)].count("\n")
    line = body.splitlines()[0] if body else ""
    separator = "\t" if suffix == ".tsv" else max(",;\t|", key=line.count)
    quote = "" if separator == "\t" else '"'
    rows = csv.reader(io.StringIO(body, newline=""), delimiter=separator, quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE)
    try:
        names = [n.strip() for n in next(rows, [])]
    except csv.Error as error:
        raise DataError(f"The first line of {shown_path(str(path))} cannot be read as column names ({error}).") from None
    if not any(names):
        raise DataError(f"The first line of {shown_path(str(path))} is blank; it must name the columns.")
    return Dialect(separator, quote, quote, True, skip, tuple(names))
