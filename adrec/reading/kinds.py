"""What a whole column holds: numbers, dates, times of day, text, lists; how many of each, and the first of each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from adrec.reading.account import counted, shown
from adrec.reading.dates import CLOCK, ISO, MONTH, NAMED, PARTS, ZONE, formats
from adrec.reading.engine import literal, quoted
from adrec.reading.values import NUMBER, WHOLE, answers, family, text_sql

UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""Units of times since 1970, and how many there are in a second."""
UNIT_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
EARLIEST, LATEST = 631_152_000, 4_102_444_800
"""The years 1990 to 2100 in seconds since 1970: numbers in this range are taken for times."""
MOSTLY = 0.9

_LIST = rf"{NUMBER}([ ,;|\t]+{NUMBER})+"


@dataclass(frozen=True)
class Kind:
    """What the values of a whole column are.

    counts: values by class: whole, whole.0 (``12.0``), number, date (ISO, without a zone), zoned, parts (``19/05/2014``), named
    (``19 May 2014``), clock, true, list, text, other. firsts: the first row and value of each class and of ``missing``.
    units: whole numbers that are times since 1990 in this unit. compact: how many are ``20140519`` (8) or ``20140519172642`` (14).
    clocks: whole numbers that can be a time of day, as HHMMSS or as milliseconds. first_over, second_over: of dates in parts, how many
    have a first or a second number over 12. offset: value minus row, where that is the same for all rows. fine: dates with more than 6
    decimals.
    """

    column: str
    type: str
    rows: int = 0
    missing: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    firsts: dict[str, tuple[int, str]] = field(default_factory=dict)
    distinct: int = 0
    least: float | None = None
    most: float | None = None
    units: dict[str, int] = field(default_factory=dict)
    compact: dict[int, int] = field(default_factory=dict)
    clocks: dict[str, int] = field(default_factory=dict)
    first_over: int = 0
    second_over: int = 0
    offset: float | None = None
    fine: int = 0
    clocked: int = 0

    @property
    def filled(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    def count(self, *classes: str) -> int:
        """Values of these classes."""
        return sum(self.counts.get(name, 0) for name in classes)

    def mostly(self, *classes: str) -> bool:
        """Whether at least nine of ten values are of these classes."""
        return self.filled > 0 and self.count(*classes) >= MOSTLY * self.filled

    @property
    def numeric(self) -> bool:
        """Whether every value is a number."""
        return self.filled > 0 and self.count("whole", "whole.0", "number") == self.filled

    @property
    def mixed(self) -> bool:
        """Whether some values are text and the others only look like something else: ``542b``, ``4423``, ``96e0``; ``12 12 12``."""
        others = (
            ("whole", "whole.0", "number"),
            ("date", "zoned", "parts", "named"),
            *((name,) for name in ("true", "list", "clock", "other")),
        )
        return self.count("text") > 0 and not any(self.mostly(*names) for names in others)

    @property
    def whole(self) -> bool:
        """Whether every value is a whole number."""
        return self.filled > 0 and self.count("whole", "whole.0") == self.filled

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own."""
        return self.missing == 0 and self.distinct == self.rows > 0

    @property
    def dated(self) -> bool:
        """Whether the values are dates, with or without a time of day."""
        return self.mostly("date", "zoned", "parts", "named") or self.mostly_compact

    @property
    def mostly_compact(self) -> bool:
        """Whether the values are dates without separators."""
        return self.filled > 0 and max(self.compact.values(), default=0) >= MOSTLY * self.filled and self.distinct > 1

    @property
    def is_day(self) -> bool:
        """Whether the values are dates without a time of day."""
        return self.dated and not self.clocked and not self.compact.get(14)

    @property
    def unit(self) -> str | None:
        """The unit since 1970 of most values, or None."""
        best = max(self.units, key=lambda unit: self.units[unit], default="s")
        return best if self.filled and sum(self.units.values()) >= MOSTLY * self.filled else None

    @property
    def clock(self) -> str | None:
        """How the values can be read as times of day: text (17:26:42), HHMMSS (172642), ms; None if they cannot."""
        if self.mostly("clock"):
            return "text"
        whole = self.count("whole", "whole.0")
        if not self.mostly("whole", "whole.0") or self.distinct < 2:
            return None
        return next((name for name in ("HHMMSS", "ms") if self.clocks.get(name) == whole), None)

    @property
    def is_time(self) -> bool:
        """Whether the values tell when something happened, whatever the column's name."""
        return self.dated or self.unit is not None

    @property
    def words(self) -> str:
        """What the values are, for a person."""
        if not self.filled:
            return "no values"
        if self.mostly_compact:
            return "dates written as numbers"
        if self.dated:
            return "dates"
        if self.unit:
            return f"{UNIT_NAMES[self.unit]} since 1970"
        if self.mostly("clock"):
            return "times of day"
        for name, words in _CLASS_WORDS.items():
            if self.mostly(*name.split()):
                return words
        return "values of several kinds"


_CLASS_WORDS = {
    "whole": "whole numbers",
    "whole whole.0": "whole numbers",
    "whole whole.0 number": "numbers",
    "true": "yes and no",
    "list": "lists",
    "text": "text",
    "other": "values of another type",
}


def kind_of(con: duckdb.DuckDBPyConnection, relation: duckdb.DuckDBPyRelation, column: str, weight: str | None = None) -> Kind:
    """What a whole column holds. weight: a column of how often each value occurs (``row`` is its first row)."""
    return kinds_of(con, relation, [column], weight)[column]


def kinds_of(
    con: duckdb.DuckDBPyConnection, relation: duckdb.DuckDBPyRelation, columns: Sequence[str], weight: str | None = None
) -> dict[str, Kind]:
    """What whole columns hold, by one aggregate query for all columns of one type."""
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    found: dict[str, Kind] = {}
    for type in dict.fromkeys(types[column] for column in columns):
        alike = [column for column in columns if types[column] == type]
        found |= _kinds(con, relation, alike, type, quoted(weight) if weight else "1")
    return {column: found[column] for column in columns}


def _kinds(
    con: duckdb.DuckDBPyConnection, relation: duckdb.DuckDBPyRelation, columns: Sequence[str], type: str, weight: str
) -> dict[str, Kind]:
    each = f"unnest([{', '.join(map(quoted, columns))}]) as c, unnest({list(range(len(columns)))}) as place"
    query = f"""
        with cells as (select row, {each}, {weight} as n from read_values),
        texts as (select *, {text_sql("c", type)} as t from cells),
        classes as (select *, {_class_sql(type)} as k from texts),
        numbers as (select *, case when k in ('whole', 'whole.0', 'number') then try_cast(t as double) end as x from classes)
        select place, k, sum(n)::bigint, min(row), arg_min(c::varchar, row), count(distinct t), min(x), max(x), min(x - row), max(x - row),
            {", ".join(_MEASURES.values())}
        from numbers group by place, k"""
    rows: dict[int, list[tuple[Any, ...]]] = {at: [] for at in range(len(columns))}
    for row in answers(con, relation, "read_values", query):
        rows[row[0]].append(row[1:])
    return {name: _kind(name, type, rows[at]) for at, name in enumerate(columns)}


def _kind(column: str, type: str, found: Sequence[tuple[Any, ...]]) -> Kind:
    """The kind of a column from a row for each class of its values."""
    rows = {row[0]: row for row in found}
    missing = rows.pop("missing", None)
    sums = {measure: sum(row[9 + i] or 0 for row in rows.values()) for i, measure in enumerate(_MEASURES)}
    least, most = [row[5] for row in rows.values() if row[5] is not None], [row[6] for row in rows.values() if row[6] is not None]
    steps = {step for row in found for step in (row[7], row[8])}
    return Kind(
        column,
        type,
        sum(row[1] for row in found),
        missing[1] if missing else 0,
        {name: row[1] for name, row in rows.items()},
        {row[0]: (row[2], row[3] or "") for row in found},
        sum(row[4] for row in rows.values()),
        min(least, default=None),
        max(most, default=None),
        {unit: sums[unit] for unit in UNITS if sums[unit]},
        {length: sums[f"compact{length}"] for length in (8, 14) if sums[f"compact{length}"]},
        {"HHMMSS": sums["HHMMSS"], "ms": sums["day ms"]},
        sums["first over 12"],
        sums["second over 12"],
        steps.pop() if len(steps) == 1 else None,
        sums["fine"],
        sums["clocked"],
    )


_WHOLE_NUMBERS = "k in ('whole', 'whole.0')"
_STAMP = "try_strptime(split_part(t, '.', 1), {format}) between timestamp '1900-01-01' and timestamp '2100-01-01'"
_MEASURES = {
    **{
        unit: f"sum(n) filter (where {_WHOLE_NUMBERS} and x between {EARLIEST * ticks} and {LATEST * ticks})::bigint"
        for unit, ticks in UNITS.items()
    },
    "compact8": f"sum(n) filter (where {_WHOLE_NUMBERS} and x between 19000101 and 21000101 "
    f"and {_STAMP.format(format=literal('%Y%m%d'))})::bigint",
    "compact14": f"sum(n) filter (where {_WHOLE_NUMBERS} and x between 19000101000000 and 21000101000000 "
    f"and {_STAMP.format(format=literal('%Y%m%d%H%M%S'))})::bigint",
    "HHMMSS": f"sum(n) filter (where {_WHOLE_NUMBERS} and x between 0 and 235959 and x % 100 < 60 and floor(x / 100) % 100 < 60)::bigint",
    "day ms": f"sum(n) filter (where {_WHOLE_NUMBERS} and x between 0 and 86399999)::bigint",
    "first over 12": r"sum(n) filter (where k = 'parts' and try_cast(regexp_extract(t, '^\d+') as int) > 12)::bigint",
    "second over 12": r"sum(n) filter (where k = 'parts' and try_cast(regexp_extract(t, '^\d+[^\d]+(\d+)', 1) as int) > 12)::bigint",
    "clocked": "sum(n) filter (where k in ('date', 'zoned', 'parts', 'named') and contains(t, ':'))::bigint",
    "fine": r"sum(n) filter (where k in ('date', 'zoned') and regexp_matches(t, '[.,]\d{7}'))::bigint",
}


def _class_sql(type: str) -> str:
    """The class of a value: ``c`` as it is, ``t`` as text or NULL if missing."""
    kind = family(type)
    if kind == "number":
        whole = "whole" if not type.startswith("DECIMAL") else "whole.0"
        whole_number = f"when c = floor(c) then '{whole}' else 'number' end"
        return f"case when t is null then 'missing' when not isfinite(c::double) then 'text' {whole_number}"
    if kind != "text":
        return f"case when c is null then 'missing' else {literal(kind)} end"
    matches = {
        "whole": WHOLE,
        "whole.0": r"[+-]?[0-9]+\.0*",
        "number": NUMBER,
        "date": ISO,
        "zoned": ISO + ZONE,
        "parts": PARTS,
        "clock": CLOCK + r"( ?[AaPp][Mm])?",
    }
    tests = " ".join(f"when length(t) <= 64 and regexp_full_match(t, {literal(m)}) then {literal(k)}" for k, m in matches.items())
    named = f"length(t) between 8 and 40 and regexp_matches(t, {literal(MONTH)}) and try_strptime(t, {formats(NAMED)}) is not null"
    return (
        f"case when t is null then 'missing' {tests} when {named} then 'named' "
        f"when (t[1] in ('[', '(', '{{') and t[-1] in (']', ')', '}}')) or regexp_full_match(t, {literal(_LIST)}) then 'list' "
        "when lower(t) in ('true', 'false', 'yes', 'no') then 'true' else 'text' end"
    )


def two_spellings(kind: Kind) -> str | None:
    """A sentence if ids of one column are written as ``12`` and as ``12.0``."""
    if kind.numeric and kind.count("whole") and kind.count("whole.0"):
        point = kind.firsts["whole.0"][1]
        return (
            f"Ids of the column {shown(kind.column)} are written in two ways, {counted(kind.count('whole.0'), 'row')} like {shown(point)}; "
            f"they are read as {shown(point.split('.')[0])}."
        )
    return None
