"""What was read: a record of lines, rows and columns with reasons, and the doubts that stop a reader."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from adrec.errors import DataError

LONGEST_SHOWN = 40


def shown(value: object) -> str:
    """A value for a message: quoted, without control characters, at most 40 characters."""
    text = "".join(c if c.isprintable() else "?" for c in str(value)[: LONGEST_SHOWN + 1])
    return f"'{text[: LONGEST_SHOWN - 3]}...'" if len(text) > LONGEST_SHOWN else f"'{text}'"


def listed(names: Sequence[str]) -> str:
    """Column names for a message, at most 8 of them."""
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(shown(n)[1:-1] for n in names[:8]) + more


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: '1 row', '5,411 rows'."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


@dataclass(frozen=True)
class Use:
    """A column, the role it was given, and the reason."""

    column: str
    role: str
    why: str


@dataclass
class Account:
    """What was read from one file. ``lines`` is for text only: ``total`` is the sum of header, rows, blank, inside_quotes and cut.

    rows: rows in the file, of which ``read`` go on and ``left_out`` (reason: rows) do not. first, last: times as ISO text, if they are
    times. repeats: rows of ``exact``, ``consecutive`` and ``other`` repeats. times: how many interactions lie where, and what the split
    lets a model know too early (``adrec.data.timeline``). events: the kinds of event in the first rows. remarks: notes that may change what
    one wants. head: the first rows as text.
    """

    path: str
    format: str
    lines: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    read: int = 0
    uses: list[Use] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    users: int | None = None
    items: int | None = None
    first: str | None = None
    last: str | None = None
    repeats: dict[str, int] = field(default_factory=dict)
    times: dict[str, Any] = field(default_factory=dict)
    known: str | None = None
    notes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    head: list[dict[str, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The account as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Account":
        """The account that ``as_dict`` wrote."""
        return cls(**{**data, "uses": [Use(**use) for use in data.get("uses", [])]})

    @property
    def columns(self) -> list[str]:
        """The columns of the file, those of the first rows before others; a time may be two of them, dimensions a range."""
        used = [use.column for use in self.uses if use.role not in ("time", "dimensions")]
        return list(dict.fromkeys([*(name for row in self.head[:1] for name in row), *self.unused, *used]))

    def note(self, sentence: str) -> None:
        """Add a sentence, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def sentences(self) -> list[str]:
        """The account in words, the same on the command line and in the app."""
        told = [f"Read {shown_path(self.path)} as {self.known or self.format}{f' ({self.format})' if self.known else ''}."]
        if self.lines:
            kinds = {"header": "header", "rows": "rows", "blank": "blank", "inside_quotes": "line breaks inside quotes", "cut": "cut short"}
            parts = [f"{self.lines.get(kind, 0):,} {words}" for kind, words in kinds.items() if self.lines.get(kind)]
            told.append(f"{counted(self.lines['total'], 'line')} in the file: {', '.join(parts) or 'none with values'}.")
        if self.left_out:
            reasons = ", ".join(f"{rows:,} {reason}" for reason, rows in self.left_out.items())
            told.append(f"{counted(self.rows, 'row')}, of which {self.read:,} go on; left out: {reasons}.")
        else:
            told.append(f"{counted(self.rows, 'row')}, none left out.")
        told += [f"{use.role} = {shown(use.column)[1:-1]}: {use.why}." for use in self.uses]
        if self.unused:
            told.append(f"Not used: {listed(self.unused)}.")
        sizes = [counted(n, noun) for n, noun in ((self.users, "user"), (self.items, "item")) if n is not None]
        if sizes:
            told.append(f"{' and '.join(sizes)}.")
        if self.first is not None and self.last is not None:
            told.append(f"From {self.first} to {self.last}.")
        if any(self.repeats.values()):
            same = {"exact": "at the same time", "consecutive": "in a row"}
            kinds = {**{k: f"of the same item {words}" for k, words in same.items()}, "other": "of an item met before"}
            told.append(f"Repeats: {', '.join(f'{self.repeats[k]:,} {words}' for k, words in kinds.items() if self.repeats.get(k))}.")
        return told + self.remarks + self.notes


def shown_path(path: str | Path) -> str:
    """A path for a message, without control characters."""
    return "'" + "".join(c if c.isprintable() else "?" for c in str(path)) + "'"


class Doubt(DataError):
    """Something about a file that only its owner knows. ``str()`` is a sentence for a command line: the problem and the ways out of it.

    problem: what is unclear, with the file's name. option: the option that settles it. candidates: each value of the option and what it
    would mean. proposed: options that together would settle everything, where several are open. instead: another option that settles it,
    its value and what that would mean. say: the ways, if not all that there are. path, head: the file and its first rows, told by whoever
    opened it.
    """

    def __init__(
        self,
        problem: str,
        option: str,
        candidates: Sequence[tuple[str, str]],
        proposed: Mapping[str, str] | None = None,
        instead: tuple[str, str, str] | None = None,
        say: str = "",
    ) -> None:
        ways = [(option, *candidate) for candidate in candidates] + ([instead] if instead else [])
        told = " or ".join(f"{name}={value} ({meaning})" for name, value, meaning in ways)
        super().__init__(f"{problem}: {say or f'say {told}'}.")
        self.problem = problem
        self.option = option
        self.candidates = list(candidates)
        self.proposed = dict(proposed or {})
        self.instead = instead
        self.say = say
        self.path: str | None = None
        self.head: list[dict[str, str]] = []

    def about(self, path: str | Path, head: Sequence[Mapping[str, str]] = ()) -> Self:
        """The doubt with the file that it is about, and the file's first rows."""
        self.path, self.head = str(path), [dict(row) for row in head]
        return self

    def as_dict(self) -> dict[str, Any]:
        """The doubt as JSON holds it, with the sentence as ``says``."""
        asked = {name: getattr(self, name) for name in ("path", "problem", "option", "candidates", "proposed", "instead", "head")}
        return asked | {"says": str(self)}
