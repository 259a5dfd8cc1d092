"""Which column of a table of vectors is what: ids, titles and dimensions, from the values first and the names second."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb

from adrec.errors import DataError
from adrec.reading import names, values
from adrec.reading.account import Doubt, Use, counted, listed, shown
from adrec.reading.engine import as_sentences, literal
from adrec.reading.kinds import kinds_of
from adrec.reading.names import named
from adrec.reading.rows import Rows
from adrec.reading.sampled import IGNORED, Sampled, Told

CELLS = 1_000_000
LEAST_ROWS, MOST_ROWS = 50, 5_000
"""Rows from which kinds of values are told: as many as have ``CELLS`` cells, within these bounds."""
SURE = 20
"""From this many rows on, different whole numbers in a column named like the dimensions are ids."""
MOST_CANDIDATES = 32
LABELS = ("id", "index", "word", "token", "label", "key", "name")
VECTOR = rf"(?s)[\[(]?\s*{values.NUMBER}([\s,;|]+{values.NUMBER})+\s*[\])]?"


@dataclass(frozen=True)
class TableRoles(Told):
    """The columns of a table of vectors.

    dims: columns with one number a row each; or vector: one column with a list of numbers a row. ids, title: columns, or None.
    uses, unused, notes: for the account.
    """

    rows: Rows
    dims: tuple[str, ...] = ()
    vector: str | None = None
    ids: str | None = None
    title: str | None = None
    uses: tuple[Use, ...] = ()
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class _Table(Sampled):
    """Roles of a table as they are being chosen."""

    pattern: set[str] = field(default_factory=set)

    def numeric(self, name: str) -> bool:
        return self.kinds[name].mostly("whole", "whole.0", "number") and not self.kinds[name].mostly("other")

    def partly(self, name: str) -> bool:
        """Whether at least half of the values are numbers: then the others are mistakes, which reading names."""
        kind = self.kinds[name]
        return self.numeric(name) or (kind.filled > 0 and kind.count("whole", "whole.0", "number") * 2 >= kind.filled)

    def fractions(self, name: str) -> bool:
        return self.numeric(name) and self.kinds[name].count("number") > 0

    def text(self, name: str) -> bool:
        return self.kinds[name].mostly("text") and values.family(self.kinds[name].type) == "text"

    def asked(self, role: str) -> str | None:
        """The column that an option names for a role."""
        wanted = self.wanted.get(role)
        return self.column(wanted, role) if wanted and wanted != IGNORED else None


def table_roles(rows: Rows, con: duckdb.DuckDBPyConnection, wanted: Mapping[str, str | None]) -> TableRoles:
    """The roles of a table's columns.

    wanted: the options ``item`` (the column of ids, or ``none``), ``title`` (a column, or ``none``), ``vector`` (the column of lists), and
    ``leave`` (columns that are no dimensions, separated by commas, or ``none``). Raises a Doubt where columns may have several roles.
    """
    table = _Table.of(rows, con, wanted, min(max(CELLS // len(rows.names), LEAST_ROWS), MOST_ROWS), "rows")
    table.pattern = _pattern([n for n in rows.names if table.numeric(n)])
    vector = _vector(table)
    ids = _ids(table, vector)
    title = _title(table, ids, vector)
    taken = {name for name in (ids, title, vector) if name}
    dims = () if vector else _dims(table, taken)
    unused = tuple(n for n in rows.names if n not in taken and n not in dims)
    kind = table.kinds.get(ids or "")
    if kind is not None and kind.offset in (-1, 0):
        table.notes.append(f"The ids in {shown(ids)} count the rows, so they may say no more than the order of the rows.")
    return TableRoles(
        rows,
        dims,
        vector,
        ids,
        title,
        _uses(table, ids, title, dims, vector),
        unused,
        tuple(table.notes),
    )


def _pattern(columns: Sequence[str]) -> set[str]:
    """The columns named by one word and a number (e0, e1, ...; 0, 1, ...), if these are most."""
    parts = {name: re.fullmatch(r"(.*?)(\d+)\s*", name) for name in columns}
    stems = Counter(m[1] for m in parts.values() if m)
    if not stems:
        return set()
    stem, count = stems.most_common(1)[0]
    return {n for n, m in parts.items() if m and m[1] == stem} if count >= 2 and count * 2 > len(columns) else set()


# -- vectors in one column --------------------------------------------------------------------------------------------


def _vector(table: _Table) -> str | None:
    """The column with a list of numbers in every row, if there is one."""
    asked = table.asked("vector")
    if asked:
        table.why[asked] = "as asked"
        return asked
    found = [n for n in table.rows.names if _is_vector(table, n)]
    if len(found) > 1 and all(_decimal_commas(table, n) for n in found):
        example = shown(table.kinds[found[0]].firsts["list"][1])
        way = "write them with points (pandas.read_csv(FILE, sep=';', decimal=',') reads them)"
        raise DataError(f"{table.path} has {len(found)} columns of numbers with decimal commas, such as {example}: {way}.")
    if len(found) > 1:
        spoken = [n for n in found if re.search("emb|vec|factor|latent", n, re.I)]
        found = spoken if len(spoken) == 1 else found
    if len(found) > 1:
        raise Doubt(
            f"{table.path} has {len(found)} columns with lists of numbers",
            "vector",
            [(n, table.kinds[n].words) for n in found[:6]],
        )
    if found:
        table.why[found[0]] = "every row holds a list of numbers"
    return found[0] if found else None


def _decimal_commas(table: _Table, name: str) -> bool:
    """Whether all values of a column are numbers with a comma for the point, as some spreadsheets write them."""
    kind = table.kinds[name]
    if values.family(kind.type) != "text":
        return False
    text = values.text_sql(table.alias(name), kind.type)
    return bool(table.ask(f"select coalesce(bool_and(regexp_full_match({text}, {literal(values.COMMA)})), false) from sampled")[0][0])


def _is_vector(table: _Table, name: str) -> bool:
    kind = table.kinds[name]
    if kind.type.endswith("]"):
        return bool(re.match(r"(FLOAT|DOUBLE|DECIMAL\S*|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?)\[", kind.type))
    if not kind.mostly("list") or values.family(kind.type) != "text":
        return False
    text = values.text_sql(table.alias(name), kind.type)
    query = f"select count(*) filter (where not regexp_full_match({text}, {literal(VECTOR)})) from sampled where {text} is not null"
    return table.ask(query)[0][0] * 10 <= kind.filled


# -- ids and titles ---------------------------------------------------------------------------------------------------


def _ids(table: _Table, vector: str | None) -> str | None:
    """The column of ids, or None."""
    if table.wanted.get("item") == IGNORED:
        return None
    asked = table.asked("item")
    if asked:
        if asked == vector:
            raise DataError(f"{table.path}: the column {shown(asked)} cannot be the item and the vector too.")
        table.why[asked] = "as asked"
        return asked
    free = [n for n in table.rows.names if n != vector and table.kinds[n].filled]
    able = [n for n in free if table.text(n) or table.kinds[n].mostly("whole", "whole.0", "text") or table.kinds[n].mixed]
    by_name = [n for n in named(able, "item")]
    if by_name:
        return _because(table, by_name[0], "named so")
    titles, index = named(able, "title"), table.rows.index[0] if len(table.rows.index) == 1 else None
    if index in able and index not in titles:
        return _because(table, index, "the index of the pandas frame")
    found = _different(table, [n for n in able if n not in titles and _may_be_id(table, n, vector)])
    found = [n for n in found if not _row_numbers(table, n)] or found
    if index in able and not found:
        return _because(table, index, "the index of the pandas frame")
    spoken = [n for n in found if names.plain(n) in LABELS or names.words(n) & {"id", "code", "key"}]
    wholes, texts = [n for n in found if not table.text(n)], [n for n in found if table.text(n)]
    for group in (spoken, wholes, texts):
        real = [n for n in group if not _counts(table, n) or not names.suggests(n, "row")] or group
        if len(real) == 1:
            words = "text" if table.text(real[0]) else "whole numbers" if table.numeric(real[0]) else "values"
            return _because(table, real[0], f"it holds different {words}")
        if len(real) > 1:
            raise Doubt(
                f"{table.path} has several columns that may be the ids",
                "item",
                [*((n, f"{table.kinds[n].words}, all different") for n in real), (IGNORED, "the table has no ids")],
            )
    return None


def _because(table: _Table, name: str, why: str) -> str:
    table.why[name] = why
    return name


def _counts(table: _Table, name: str) -> bool:
    return table.kinds[name].offset in (-1, 0)


def _may_be_id(table: _Table, name: str, vector: str | None) -> bool:
    """Whether a column beside dimensions may be the ids. Whole numbers named like the dimensions only where that is no accident."""
    if table.text(name):
        return True
    kind = table.kinds[name]
    if vector or name not in table.pattern:
        return vector is not None or _unlike_others(table, name)
    if kind.count("whole.0") or values.family(kind.type) == "number" or kind.least is None or kind.least < 0:
        return False
    others = [n for n in table.pattern if n != name]
    if not all(table.fractions(n) or not table.kinds[n].unique for n in others):
        return False
    edge = name in (table.rows.names[0], table.rows.names[-1]) and all(re.fullmatch(r"(column)?\d+", n) for n in table.pattern)
    return any(map(table.fractions, others)) and edge or kind.rows >= SURE and (edge or any(map(table.fractions, others)))


def _unlike_others(table: _Table, name: str) -> bool:
    """Whether whole numbers stand beside columns that are something else: fractions, or columns named by a number."""
    others = [n for n in table.rows.names if n != name and table.numeric(n)]
    return bool(others) and (bool(table.pattern) or any(map(table.fractions, others)))


def _different(table: _Table, columns: Sequence[str]) -> list[str]:
    """The columns whose values all differ, in the whole file."""
    able = [n for n in columns if table.kinds[n].unique][:MOST_CANDIDATES]
    if not able:
        return []
    aliases = {f"c{i}": name for i, name in enumerate(able)}
    with as_sentences(table.rows.path):
        found = kinds_of(table.con, table.rows.relation(table.con, aliases), list(aliases))
    table.kinds |= {name: replace(found[alias], column=name) for alias, name in aliases.items()}
    return [name for alias, name in aliases.items() if found[alias].unique]


def _title(table: _Table, ids: str | None, vector: str | None) -> str | None:
    if table.wanted.get("title") == IGNORED:
        return None
    asked = table.asked("title")
    if asked:
        if asked in (ids, vector):
            raise DataError(f"{table.path}: the column {shown(asked)} cannot be the title and have another role too.")
        table.why[asked] = "as asked"
        return asked
    free = [n for n in table.rows.names if n not in (ids, vector) and table.text(n)]
    hits = named(free, "title") or [n for n in free if names.plain(n) in ("name", "label")]
    if hits:
        return _because(table, hits[0], "named so")
    rest = _different(table, free) if ids else []
    return _because(table, rest[0], "it holds different text") if len(rest) == 1 else None


# -- dimensions -------------------------------------------------------------------------------------------------------


def _dims(table: _Table, taken: set[str]) -> tuple[str, ...]:
    """The columns with one number a row."""
    free = [n for n in table.rows.names if n not in taken]
    empty = [n for n in free if not table.kinds[n].filled]
    numbers = [n for n in free if table.partly(n)] + [n for n in empty if _pattern([*table.pattern, n]) >= {n}]
    left = _left(table, free) | {n for n in free if (n in table.rows.index and not table.fractions(n)) or _row_numbers(table, n)}
    numbers = [n for n in free if n in numbers and n not in left]
    pattern = table.pattern - taken
    if table.wanted.get("leave") is None and len(pattern) >= 2:
        outside = [n for n in numbers if n not in pattern and n not in empty]
        if outside:
            table.notes.append(f"{listed(outside)} {'is' if len(outside) == 1 else 'are'} not named like the dimensions and left out.")
        numbers = [n for n in numbers if n not in outside]
    elif table.wanted.get("leave") is None:
        odd = [n for n in numbers if table.kinds[n].whole and table.kinds[n].distinct > 1]
        if odd and len(odd) < len(numbers) and any(map(table.fractions, numbers)):
            raise _odd(table, odd)
    if not numbers:
        kinds = ", ".join(f"{shown(n)[1:-1]} ({table.kinds[n].words})" for n in table.rows.names[:8])
        raise DataError(f"{table.path} has neither number columns nor a single list column; its columns are: {kinds}.")
    return tuple(numbers)


def _row_numbers(table: _Table, name: str) -> bool:
    """Whether a column without a name of its own counts the rows, as pandas writes its index."""
    unnamed = name == f"column{table.rows.names.index(name) + 1}" and name not in table.pattern
    return _counts(table, name) and (unnamed or names.suggests(name, "row"))


def _left(table: _Table, free: Sequence[str]) -> set[str]:
    """Columns that an option says are no dimensions."""
    leave = table.wanted.get("leave")
    if not leave or leave == IGNORED:
        return set()
    asked = {name.strip() for name in leave.split(",")} if leave not in free else {leave}
    for name in sorted(asked - set(table.rows.names)):
        raise DataError(f"{table.path} has no column {shown(name)}; its columns are: {listed(table.rows.names)}.")
    return asked


def _odd(table: _Table, odd: Sequence[str]) -> Doubt:
    verb = "holds" if len(odd) == 1 else "hold"
    leave = ",".join(odd)
    return Doubt(
        f"{table.path}: {listed(odd)} {verb} whole numbers beside columns with fractions",
        "leave",
        [(leave, "not read as dimensions"), (IGNORED, "every column of numbers is a dimension")],
    )


def _uses(table: _Table, ids: str | None, title: str | None, dims: Sequence[str], vector: str | None) -> tuple[Use, ...]:
    found = [Use(name, role, table.why[name]) for name, role in ((ids, "item"), (title, "title"), (vector, "vector")) if name]
    if dims:
        span = dims[0] if len(dims) == 1 else f"{dims[0]} to {dims[-1]}"
        found.append(Use(span, "dimensions", f"{counted(len(dims), 'column')} of numbers"))
    return tuple(found)
