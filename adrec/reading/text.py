"""How a text file is written, from its first lines: its separator, and whether the first line names the columns."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adrec.errors import DataError
from adrec.reading.account import Doubt, counted, listed, shown, shown_path
from adrec.reading.limits import HEAD, HEAD_ROWS, LONGEST_LINE
from adrec.reading.names import words
from adrec.reading.opened import open_bytes
from adrec.reading.values import MISSING, NUMBER

CUT = "cut"
DROPPED = ("drop", "the last line is left out")
"""The only value of the option ``cut``, and what it means."""
HOW = ("separator", "header", "quotes", "layout", CUT)
"""Options that say how a text file is written."""
BLANK = " "
SEPARATORS = {"::": "'::'", "\t": "tabs", ",": "','", ";": "';'", "|": "'|'", BLANK: "blanks"}
"""Separators that are recognised, and their names in sentences."""
WORDS = {
    "tab": "\t",
    "tabs": "\t",
    "\\t": "\t",
    "blank": BLANK,
    "blanks": BLANK,
    "space": BLANK,
    "comma": ",",
    "semicolon": ";",
    "pipe": "|",
}
"""Values of the option ``separator`` besides the characters themselves."""
ATOMIC = (".inter", ".item", ".itememb", ".user")
ATOMIC_TYPES = ("token", "token_seq", "float", "float_seq")
FREE = (".txt", ".dat", ".data", ".vec", ".w2v")
"""Suffixes of text that says nothing of its separator."""
MANY = 6
"""From this many whole numbers in every line on, blank-separated text may be a user and items as well as columns."""


@dataclass(frozen=True)
class Head:
    """The first lines of a text file. whole: whether they are all of it."""

    text: str
    whole: bool

    def lines(self) -> list[str]:
        """Lines with something in them."""
        return [line for line in re.split(r"\r\n|\n|\r", self.text) if line.strip()][:HEAD_ROWS]

    def records(self, separator: str, enclosed: bool = False) -> list[list[str]]:
        """The first rows as fields, with quotation marks where this separator comes with them, or if values may be ``enclosed``."""
        enclosed = enclosed or separator in QUOTING
        if separator == BLANK and not enclosed:
            return [line.split() for line in self.lines()]
        if not enclosed:
            return [line.split(separator) for line in self.lines()]
        reader = csv.reader(io.StringIO(self.text, newline=""), delimiter=separator)
        found: list[list[str]] = []
        try:
            for record in reader:
                if record:
                    found.append(record)
                if len(found) == HEAD_ROWS:
                    return found
        except csv.Error:  # a field of more than 131,072 characters, or a bare carriage return
            return [line.split(separator) for line in self.lines()]
        return found if self.whole or len(found) < 2 else found[:-1]  # the last may be cut


QUOTING = ",;|"
"""Separators that come with quotation marks around values."""


def head_of(path: Path) -> Head:
    """The beginning of a UTF-8 text: whole lines, at least two where there are two."""
    data = b""
    with open_bytes(path) as file:
        while len(data) < 2 * LONGEST_LINE and (chunk := file.read(HEAD)):
            data += chunk
            if len(re.findall(rb"\n|\r", data)) > 1:
                break
        whole = not file.read(1)
    if not whole:
        data = data[: max(data.rfind(b"\n"), data.rfind(b"\r")) + 1] or data
    return Head(data.decode("utf-8-sig", errors="ignore"), whole)


def separator_of(path: Path, suffix: str, head: Head, wanted: str | None) -> str:
    """The separator of a text file; '' if it has one column. A Doubt if several fit."""
    if wanted:
        separator = WORDS.get(wanted.lower(), wanted)
        if not 1 <= len(separator.encode()) <= 4 or "\n" in separator or "\r" in separator or '"' in separator:
            raise DataError(f"The option separator must be one to four characters, or tab or blank, not {shown(wanted)}.")
        return separator
    if suffix in ATOMIC:
        return "\t"
    allowed = [s for s in SEPARATORS if s != BLANK or suffix in FREE]
    fitting = [s for s in allowed if _fits(head.records(s))]
    if len(fitting) > 1 and BLANK in fitting:
        fitting.remove(BLANK)  # values may hold blanks
    sure = [s for s in fitting if s in ("::", "\t")][:1] or fitting
    if suffix == ".tsv" and "\t" in head.text:
        sure = ["\t"]
    elif suffix == ".tsv" and sure:
        sure.append("\t")
    if len(sure) > 1:
        names = {"\t": "tab", BLANK: "blank"}
        candidates = [(names.get(s, s), f"{counted(len(head.records(s)[0]), 'column')} separated by {SEPARATORS[s]}") for s in sure]
        raise Doubt(f"The lines of {shown_path(path)} can be taken apart in several ways", "separator", candidates)
    if sure:
        return sure[0]
    lines = head.lines()
    first = lines[0] if lines else ""
    most = max((s for s in allowed if s != BLANK), key=first.count)
    if first.count(most):
        return most  # rows of different lengths are an error that names the line
    if suffix in FREE and lines and max(len(line.split()) for line in lines) > 1:
        return BLANK
    return ""


def _fits(records: list[list[str]]) -> bool:
    """Whether every record has the same number of fields, and more than one."""
    return len({len(record) for record in records}) == 1 and len(records[0]) > 1


_NUMBER = re.compile(rf"{NUMBER}|[+-]?(nan|inf|infinity)", re.I)
NAMES = frozenset(
    """user users item items id ids uid iid sid userid itemid rating ratings score stars time timestamp ts date datetime event session
    title name movie book product track artist song genre genres category class cluster label word token key text type value brand price
    city country vector embedding embeddings emb index asin business review visitor member customer account age gender tag tags count
    weight""".split()  # noqa: SIM905
)
"""Words of which names of columns are made; used only where the values say nothing."""


def is_number(text: str) -> bool:
    """Whether a text looks like a number, finite or not."""
    return _NUMBER.fullmatch(text.strip()) is not None


def header_of(path: Path, records: Sequence[Sequence[str]], wanted: str | None) -> bool:
    """Whether the first record names the columns: by how it differs from the values below it. A Doubt if that is unclear."""
    if wanted:
        if wanted not in ("none", "first"):
            raise DataError(f"The option header must be none or first, not {shown(wanted)}.")
        return wanted == "first"
    first, rest = [field.strip() for field in records[0]], records[1:]
    if any(is_number(name) and not name.isdigit() and first.count(name) > 1 for name in first):
        return False  # columns have different names
    votes = {_vote(name, [r[i].strip() for r in rest if i < len(r)], first) for i, name in enumerate(first)}
    names, data = "names" in votes, "data" in votes
    if names != data:
        return names
    named = [name for name in first if name]
    if not names and len(set(named)) == len(named) and any(NAMES & words(name) for name in named):
        return True
    values = listed(first[:4])
    raise Doubt(
        f"The first line of {shown_path(path)} looks like data ({values})",
        "header",
        [("none", "it is the first row"), ("first", "it names the columns")],
    )


def _vote(name: str, values: list[str], first: Sequence[str]) -> str | None:
    """What one column says of the first line: that it holds names, that it holds data, or nothing."""
    values = [v for v in values if v not in MISSING]
    if not values or name in MISSING:
        return None
    if all(map(is_number, values)):
        if not is_number(name):
            return "names"
        whole = all(v.lstrip("+-").isdigit() for v in values)
        return ("names" if not whole else None) if _counts(first) else "data"
    if is_number(name) and _counts(first):
        return None
    digits = all(any(c.isdigit() for c in v) for v in values)
    if digits and not any(c.isdigit() for c in name):
        return "names"
    if name in set(values) or (digits and _shape(name) in set(map(_shape, values))):
        return "data"
    return None


def _counts(first: Sequence[str]) -> bool:
    """Whether the numbers in the first line count the columns, as pandas does."""
    numbers = [name for name in first if is_number(name)]
    return len(numbers) > 1 and numbers == [str(i) for i in range(len(numbers))]


def _shape(text: str) -> str:
    """The kinds of characters in a text: 'u10' is 'a9'."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", text))


def names_of(path: Path, first: Sequence[str], atomic: bool) -> tuple[list[str], dict[str, str]]:
    """Column names from the first line, and the types that RecBole's names carry. An empty name becomes 'column1', ..."""
    fields = [field.strip() for field in first]
    types: dict[str, str] = {}
    if atomic:
        for field in fields:
            name, _, kind = field.partition(":")
            if kind not in ATOMIC_TYPES:
                expected = f"the column {shown(field)} lacks its type ({', '.join(ATOMIC_TYPES)}), as in user_id:token"
                raise DataError(f"{shown_path(path)} is not a RecBole atomic file: {expected}.")
            types[name] = kind
        fields = [field.partition(":")[0] for field in fields]
    names = [name or f"column{number}" for number, name in enumerate(fields, 1)]
    different(path, names)
    return names, types


def different(path: Path, names: Sequence[str]) -> None:
    """Refuse columns of one name."""
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{shown_path(path)} has {names.count(twice)} columns named {shown(twice)}; column names must differ.")
