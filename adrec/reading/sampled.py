"""The first rows of a file, from which the roles of its columns are told, and what roles tell the account."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import duckdb

from adrec.errors import DataError
from adrec.reading import values
from adrec.reading.account import Account, Use, listed, shown, shown_path
from adrec.reading.engine import as_sentences
from adrec.reading.kinds import Kind, kinds_of
from adrec.reading.rows import Rows

IGNORED = "none"
"""The value of an option for no such column."""


@dataclass
class Sampled:
    """A file's first rows while roles are chosen.

    wanted: the options that name columns. kinds: what the columns hold there. sample: these rows, so many as ``length``, with the columns
    c0, c1, ... why, notes, remarks: for the account.
    """

    rows: Rows
    con: duckdb.DuckDBPyConnection
    wanted: Mapping[str, str | None]
    kinds: dict[str, Kind]
    sample: duckdb.DuckDBPyRelation
    length: int
    why: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, rows: Rows, con: duckdb.DuckDBPyConnection, wanted: Mapping[str, str | None], most: int, what: str) -> Self:
        """The first rows, at most ``most``; a DataError if there is none. what: the rows in a sentence."""
        aliases = {f"c{i}": name for i, name in enumerate(rows.names)}
        with as_sentences(rows.path):
            table = rows.relation(con, aliases).limit(most).to_arrow_table()
            sample = con.from_arrow(table)
            found = kinds_of(con, sample, list(aliases))
        if not len(table):
            raise DataError(f"{shown_path(rows.path)} has column names but no {what}.")
        kinds = {name: replace(found[alias], column=name, type=rows.types[name]) for alias, name in aliases.items()}
        return cls(rows, con, wanted, kinds, sample, len(table))

    @property
    def path(self) -> str:
        return shown_path(self.rows.path)

    def alias(self, name: str) -> str:
        return f"c{self.rows.names.index(name)}"

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The rows that a query over the sample, called ``sampled``, gives."""
        return values.answers(self.con, self.sample, "sampled", query)

    def column(self, name: str, role: str) -> str:
        """The column that an option names; capitals and outer blanks count only where there are two."""
        if name in self.rows.names:
            return name
        hits = [n for n in self.rows.names if n.strip().lower() == name.strip().lower()]
        if len(hits) > 1:
            raise DataError(f"{self.path} has {len(hits)} columns named {shown(name)} but for capitals: {listed(hits)}; say which.")
        if not hits:
            raise DataError(f"{self.path} has no column {shown(name)} for the {role}; its columns are: {listed(self.rows.names)}.")
        return hits[0]


class Told:
    """Roles with what they tell the account."""

    uses: tuple[Use, ...]
    unused: tuple[str, ...]
    notes: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    def tell(self, account: Account) -> None:
        """Write the roles into the account."""
        account.uses, account.unused = list(self.uses), list(self.unused)
        for sentence in self.notes:
            account.note(sentence)
        account.remarks = list(dict.fromkeys([*account.remarks, *self.remarks]))
