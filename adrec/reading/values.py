"""What values are: one idea of a number, an id, a missing word, a date and a time, for whatever is read.

Everything here is SQL over a DuckDB relation with a column ``row`` that counts rows from 1. Text is stripped as Python strips it.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from adrec.errors import DataError
from adrec.reading.account import Doubt, counted, shown, shown_path
from adrec.reading.engine import as_sentences, literal, quoted

SPACE = "".join(chr(c) for c in range(0x3001) if chr(c).isspace())
_BARE = r"(?s)[^\s\p{Z}\x{85}\x{1c}-\x{1f}](.*[^\s\p{Z}\x{85}\x{1c}-\x{1f}])?"
"""Text without space around it: asking is fast, stripping is slow."""
MISSING = ("", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "#N/A", "null", "NULL", "Null", "None", "<NA>", "NaT", "\\N")
"""The words that mean: no value."""
LONGEST_ID = 512
WHOLE, NUMBER = r"[+-]?[0-9]+", r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""Units of times since 1970, and how many there are in a second."""
UNIT_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
EARLIEST, LATEST = 631_152_000, 4_102_444_800
"""The years 1990 to 2100 in seconds since 1970: numbers in this range are taken for times."""
MOSTLY = 0.9

_CLOCK = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?"
_ZONE = r" ?(Z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)"
_DAY = r"[0-9]{4}(-[0-9]{1,2}-[0-9]{1,2}|/[0-9]{1,2}/[0-9]{1,2}|\.[0-9]{1,2}\.[0-9]{1,2})"
_ISO = rf"{_DAY}([T ]{_CLOCK})?"
_AFTER = rf"([T ,]+{_CLOCK}( ?[AaPp][Mm])?)?( ?(Z|UTC|GMT))?"
_PARTS = rf"[0-9]{{1,2}}(/[0-9]{{1,2}}/|\.[0-9]{{1,2}}\.|-[0-9]{{1,2}}-| [0-9]{{1,2}},? )[0-9]{{4}}{_AFTER}"
_MONTH = r"[0-9 ,/-](Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)|^(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_LIST = rf"{NUMBER}([ ,;|\t]+{NUMBER})+"
_USUAL = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ][0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?)?(Z| UTC|[+-][0-9]{2}:?[0-9]{2})?"
"""Dates that the engine casts as they are."""
_DAYS_NAMED = ("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%d-%b-%Y", "%d/%b/%Y")
_NAMED = (
    "%a %b %d %H:%M:%S %Y",
    "%a %b %d %H:%M:%S %z %Y",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%a, %d %b %Y %H:%M:%S %z",
    "%d/%b/%Y:%H:%M:%S %z",
    *(day + clock for day in _DAYS_NAMED for clock in (" %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", ", %I:%M %p", "")),
)
TEXT, DATES = ("VARCHAR", "ENUM", "UUID", "JSON"), ("DATE", "TIMESTAMP")
INTEGERS = tuple(u + name for u in ("", "U") for name in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"))
FRACTIONS = ("FLOAT", "DOUBLE", "DECIMAL")


def family(type: str) -> str:
    """The kind of a DuckDB type: text, whole, number, date, zoned, clock, true, list or other."""
    if type.endswith("]") or type.startswith(("STRUCT", "MAP", "UNION")):
        return "list"
    if type.startswith("TIMESTAMP WITH"):
        return "zoned"
    for name, types in (("text", TEXT), ("date", DATES), ("number", FRACTIONS), ("clock", ("TIME",)), ("true", ("BOOLEAN",))):
        if type.startswith(types):
            return name
    return "whole" if type in INTEGERS else "other"


# -- expressions ------------------------------------------------------------------------------------------------------


def text_sql(column: str, type: str = "VARCHAR") -> str:
    """A column as stripped text, NULL where a value is missing. column: SQL, such as ``"user_id"`` in quotation marks."""
    kind = family(type)
    if kind == "text":
        value = f"{column}::varchar"
        text = f"case when regexp_full_match({value}, {literal(_BARE)}) then {value} else trim({value}, {literal(SPACE)}) end"
        return f"case when {text} in ({', '.join(map(literal, MISSING))}) then null else {text} end"
    if kind == "number":
        whole = f"{column} = floor({column}) and abs({column}) <= 9007199254740992"
        return f"case when isnan({column}::double) then null when {whole} then ({column}::bigint)::varchar else {column}::varchar end"
    return f"{column}::varchar"


def id_sql(column: str, type: str = "VARCHAR", numeric: bool = False) -> str:
    """A column as ids: text, NULL where missing. numeric: all its values are numbers, so that ``12.0`` is ``12``."""
    text = text_sql(column, type)
    return rf"regexp_replace({text}, '^([+-]?[0-9]+)\.0*$', '\1')" if numeric and family(type) == "text" else text


def number_sql(column: str, type: str = "VARCHAR") -> str:
    """A column as float64, NULL where a value is missing, no number (by ``NUMBER``, digits of ASCII) or infinite."""
    kind = family(type)
    if kind == "text":
        text = text_sql(column, type)
        tries = [
            f"when regexp_full_match({t}, {literal(NUMBER)}) then case when isfinite({t}::double) then {t}::double end"
            for t in (column, text)  # stripping takes most of the time
        ]
        return f"case {' '.join(tries)} end"
    if kind in ("number", "whole"):
        return f"case when isfinite({column}::double) then {column}::double end"
    return "null::double"


# -- kinds ------------------------------------------------------------------------------------------------------------


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


def kind_of(relation: duckdb.DuckDBPyRelation, column: str, weight: str | None = None) -> Kind:
    """What a whole column holds. weight: a column of how often each value occurs (``row`` is its first row)."""
    return kinds_of(relation, [column], weight)[column]


def kinds_of(relation: duckdb.DuckDBPyRelation, columns: Sequence[str], weight: str | None = None) -> dict[str, Kind]:
    """What whole columns hold, by one aggregate query for all columns of one type."""
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    found: dict[str, Kind] = {}
    for type in dict.fromkeys(types[column] for column in columns):
        alike = [column for column in columns if types[column] == type]
        found |= _kinds(relation, alike, type, quoted(weight) if weight else "1")
    return {column: found[column] for column in columns}


def _kinds(relation: duckdb.DuckDBPyRelation, columns: Sequence[str], type: str, weight: str) -> dict[str, Kind]:
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
    for row in answers(relation, "read_values", query):
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
        "date": _ISO,
        "zoned": _ISO + _ZONE,
        "parts": _PARTS,
        "clock": _CLOCK + r"( ?[AaPp][Mm])?",
    }
    tests = " ".join(f"when length(t) <= 64 and regexp_full_match(t, {literal(m)}) then {literal(k)}" for k, m in matches.items())
    named = f"length(t) between 8 and 40 and regexp_matches(t, {literal(_MONTH)}) and try_strptime(t, {_formats(_NAMED)}) is not null"
    return (
        f"case when t is null then 'missing' {tests} when {named} then 'named' "
        f"when (t[1] in ('[', '(', '{{') and t[-1] in (']', ')', '}}')) or regexp_full_match(t, {literal(_LIST)}) then 'list' "
        "when lower(t) in ('true', 'false', 'yes', 'no') then 'true' else 'text' end"
    )


def _formats(formats: Sequence[str]) -> str:
    return f"[{', '.join(map(literal, formats))}]"


def answers(relation: duckdb.DuckDBPyRelation, name: str, query: str) -> list[tuple[Any, ...]]:
    """The rows that a query over this relation, called ``name`` in it, gives."""
    found = relation.query(name, query)
    assert found is not None  # a query has rows
    return found.fetchall()


# -- times ------------------------------------------------------------------------------------------------------------

COMPACT = {8: "%Y%m%d", 14: "%Y%m%d%H%M%S"}
_EXAMPLE = "2024-05-31"


@dataclass(frozen=True)
class Times:
    """How one column, or a date and a time of day, become numbers that sort: one tick for all rows of the column.

    how: whole, number (float64), date (ISO), parts, named, stamp (a type of its own). unit: what a tick is: s, ms, us, ns, the format of
    a compact date, or None for numbers that only order. order: dmy or mdy for ``parts``. clock: how the second column is read. each: every
    number has the unit of its size. asked: whether the unit was given. form: the format of named dates that is tried first.
    """

    columns: tuple[str, ...]
    types: tuple[str, ...]
    how: str
    unit: str | None = None
    order: str = ""
    clock: str | None = None
    each: bool = False
    asked: bool = False
    fine: bool = False
    form: str = ""

    def sql(self, *columns: str) -> str:
        """The number: BIGINT (DOUBLE if ``how`` is number), NULL where a value is missing or not as the column's others. columns: SQL."""
        columns = columns or tuple(map(quoted, self.columns))
        first = self._first(columns[0])
        return f"({first} + {self._clock(columns[1])})" if self.clock else first

    def _first(self, column: str) -> str:
        type = self.types[0]
        text = text_sql(column, type)
        if self.how == "stamp":
            return f"epoch_ns({column})" if self.unit == "ns" else f"epoch_us({column})"
        if self.how == "number":
            return number_sql(column, type)
        if self.how == "whole" and self.clock:
            return f"epoch_us(try_strptime({text}, {literal(COMPACT[8])}))"
        if self.how == "whole":
            whole = f"{column}::bigint"
            if family(type) == "text":
                cast = f"try_cast({column} as bigint)"
                whole = (
                    f"case when {cast}::varchar = {column} then {cast} "
                    f"when regexp_full_match({text}, {literal(WHOLE)}) then try_cast({text} as bigint) end"
                )
            return _each(whole) if self.each else whole
        if self.how == "parts":
            return _parts(text, self.order)
        if self.how == "named":
            return f"epoch_us(try_strptime({text}, {_formats((self.form, *_NAMED) if self.form else _NAMED)}))"
        return _iso(column, text, self.fine)

    def _clock(self, column: str) -> str:
        text = text_sql(column, self.types[1])
        if self.types[1].startswith("TIME"):
            return f"epoch_us(date '1970-01-01' + {column})"
        if self.clock == "text":
            plain = f"epoch_us(try_cast('1970-01-01 ' || replace({text}, ',', '.') as timestamp))"
            named = f"epoch_us(try_strptime('1970-01-01 ' || upper({text}), ['%Y-%m-%d %I:%M:%S %p', '%Y-%m-%d %I:%M %p']))"
            return f"case when regexp_full_match({text}, {literal(_CLOCK)}) then {plain} else {named} end"
        number = f"case when regexp_full_match({text}, {literal(WHOLE)}) then try_cast({text} as bigint) end"
        if self.clock == "ms":
            return f"({number}) * 1000"
        return f"(({number}) // 10000 * 3600 + ({number}) // 100 % 100 * 60 + ({number}) % 100) * 1000000"

    def iso(self, tick: float | None) -> str | None:
        """A number of ``sql`` as text, if it is a time: ``2014-05-19 17:26:42``."""
        if tick is None or self.unit is None:
            return None
        try:
            if self.unit in UNITS:
                return f"{datetime.fromtimestamp(int(tick) / UNITS[self.unit], UTC):%Y-%m-%d %H:%M:%S}"
            return datetime.strptime(str(int(tick)), self.unit).isoformat(" ")
        except (ValueError, OverflowError, OSError):
            return None

    @property
    def words(self) -> str:
        """What the values are, for a person."""
        if self.clock:
            return "a date and a time of day"
        if self.how in ("whole", "number"):
            if self.unit in UNITS:
                return f"{UNIT_NAMES[self.unit]} since 1970" if not self.each else "times since 1970, each in the unit of its size"
            return "dates written as numbers" if self.unit else "numbers"
        return f"dates, {'the day' if self.order == 'dmy' else 'the month'} first" if self.order else "dates"

    def check(self, relation: duckdb.DuckDBPyRelation, path: Path) -> None:
        """Raise a DataError that names the first value which is no time like the column's others, or a Doubt about the unit."""
        missing = " or ".join(f"({text_sql(quoted(c), t)}) is null" for c, t in zip(self.columns, self.types, strict=True))
        shown_text = " || ' ' || ".join(f"coalesce({quoted(c)}::varchar, '')" for c in self.columns)
        query = f"""
            with ticks as (select row, {shown_text} as t, {missing} as missing, {self.sql()} as tick from read_times)
            select min(row) filter (where missing), arg_min(t, row) filter (where not missing and tick is null),
                min(row) filter (where not missing and tick is null), min(tick), max(tick) from ticks"""
        with as_sentences(path):
            empty, value, row, least, most = answers(relation, "read_times", query)[0]
        name = " and ".join(shown(c) for c in self.columns)
        if row is not None:
            raise DataError(
                f"{shown_path(str(path))}: row {row:,} of the time column {name} holds {shown(value.strip())}, {self._unlike(value)}."
            )
        if empty is not None:
            raise no_time(path, name, empty)
        self.check_range(path, least, most)

    def check_range(self, path: Path, least: float | None, most: float | None) -> None:
        """Raise a Doubt if the least and the greatest number are times in different units."""
        found = [u for tick in (least, most) for u in UNITS if tick is not None and EARLIEST * UNITS[u] <= tick <= LATEST * UNITS[u]]
        if self.how in ("whole", "number") and not self.asked and not self.clock and len(set(found)) > 1:
            raise several_units(path, self.columns[0], found)

    def _unlike(self, value: str) -> str:
        if self.how in ("whole", "number"):
            return f"which is neither a number nor a date such as {_EXAMPLE}"
        return (
            f"which is not a date like the other rows' ({self.words})" if self.how != "date" else f"which is not a date such as {_EXAMPLE}"
        )


def _iso(column: str, text: str, fine: bool) -> str:
    """A date as ISO writes it, in microseconds since 1970 (nanoseconds if ``fine``)."""
    dashed = f"regexp_replace(replace({text}, ',', '.'), '^([0-9]+)[-./]([0-9]+)[-./]([0-9]+)', '\\1-\\2-\\3')"
    close = f"regexp_replace({dashed}, ' ([+-][0-9:]+)$', '\\1')"
    stamp = f"epoch_us(try_cast({close} as timestamptz))"
    strict = f"regexp_full_match({text}, {literal(f'{_ISO}({_ZONE})?')})"
    if fine:
        rest = rf"coalesce(try_cast(rpad(regexp_extract({text}, '[.,]\d{{6}}(\d{{1,3}})', 1), 3, '0') as bigint), 0)"
        return f"case when {strict} then {stamp} * 1000 + {rest} end"
    plain = f"regexp_full_match({column}::varchar, {literal(_USUAL)})"
    return f"case when {plain} then epoch_us(try_cast({column}::varchar as timestamptz)) when {strict} then {stamp} end"


def _parts(text: str, order: str) -> str:
    """A date such as ``19/05/2014 17:26`` in microseconds since 1970."""
    day = r"\3-\2-\1 " if order == "dmy" else r"\3-\1-\2 "
    iso = rf"trim(regexp_replace({text}, '^([0-9]+)[^0-9]+([0-9]+)[^0-9]+([0-9]+)[T ,]*', '{day}'))"
    half = rf"regexp_replace(regexp_replace(upper({iso}), ' ?(Z|UTC|GMT)$', ''), '([0-9])([AP]M)$', '\1 \2')"
    clocks = ["%Y-%m-%d %I:%M:%S %p", "%Y-%m-%d %I:%M %p"]
    stamp = (
        f"case when regexp_matches({text}, '[mM]') then try_strptime({half}, {_formats(clocks)}) else try_cast({iso} as timestamptz) end"
    )
    return f"case when regexp_full_match({text}, {literal(_PARTS)}) then epoch_us({stamp}) end"


def _each(whole: str) -> str:
    """Numbers of several units in nanoseconds since 1970, each by its size."""
    cases = " ".join(f"when abs(x) <= {9 * 10**9 * ticks} then x * {10**9 // ticks}" for ticks in list(UNITS.values())[:3])
    return f"list_transform([{whole}], lambda x: case {cases} else x end)[1]"


def no_time(path: Path, column: str, row: int) -> DataError:
    """The error for a row without a time. column: shown."""
    return DataError(
        f"{shown_path(str(path))} has no time in row {row:,} (column {column}); every row needs one: missing=drop leaves such rows out, "
        "time=none takes file order."
    )


def several_units(path: Path, column: str, units: Sequence[str], counts: Mapping[str, int] | None = None) -> Doubt:
    """The doubt about a column with times in several units."""
    found = [unit for unit in UNITS if unit in units]
    rows = [f"{counted(counts[u], 'value')} in {UNIT_NAMES[u]}" if counts else UNIT_NAMES[u] for u in found]
    candidates = [("each", "every value in the unit of its size"), *((u, f"all values are {UNIT_NAMES[u]}") for u in found)]
    return Doubt(
        f"{shown_path(str(path))}: the time column {shown(column)} mixes {' and '.join(rows)} since 1970; say unit=each "
        f"(every value in the unit of its size) or {' or '.join(f'unit={u}' for u in found)} (all alike).",
        "unit",
        candidates,
    )


def times_of(path: Path, kind: Kind, clock: Kind | None = None, dates: str | None = None, unit: str | None = None) -> Times | None:
    """How a column of times is read; None if it is empty. clock: the column with the time of day.

    dates: dmy or mdy, for dates such as 05/06/2014. unit: s, ms, us, ns, or each. Raises a DataError for what is no time, and a Doubt.
    """
    if not kind.filled:
        return None
    column = shown(kind.column)
    columns, types = (kind.column,) + ((clock.column,) if clock else ()), (kind.type,) + ((clock.type,) if clock else ())
    numbers, written = kind.count("whole", "whole.0", "number"), kind.count("date", "zoned", "parts", "named")
    for name in ("text", "list", "true", "clock", "other"):
        if name in kind.counts:
            row, value = kind.firsts[name]
            raise DataError(
                f"{shown_path(str(path))}: row {row:,} of the time column {column} holds {shown(value)}, which is neither a number "
                f"nor a date such as {_EXAMPLE}."
            )
    if numbers and written:
        row, value = min(kind.firsts[name] for name in ("date", "zoned", "parts", "named") if name in kind.counts)
        raise DataError(
            f"{shown_path(str(path))}: the time column {column} mixes numbers with {shown(value)} in row {row:,}; use one kind of time."
        )
    read = clock.clock if clock else None
    if family(kind.type) in ("date", "zoned"):
        ticks = "ns" if kind.type == "TIMESTAMP_NS" and not clock else "us"
        return Times(columns, types, "stamp", ticks, clock=read)
    if written:
        how = max(
            (("date", kind.count("date", "zoned")), ("parts", kind.count("parts")), ("named", kind.count("named"))), key=lambda h: h[1]
        )[0]
        order = _order(path, kind, dates) if how == "parts" else ""
        fine = kind.fine > 0 and not clock
        return Times(columns, types, how, "ns" if fine else "us", order, read, fine=fine, form=_form(kind) if how == "named" else "")
    whole = kind.count("whole") == numbers and max(abs(kind.least or 0), abs(kind.most or 0)) < 2**63
    length = next((n for n, count in kind.compact.items() if count == kind.filled), None)
    if clock and length != 8:
        raise DataError(f"{shown_path(str(path))}: the column {column} holds {kind.words}, not dates to join with {shown(clock.column)}.")
    if unit is None and len(kind.units) > 1:
        raise several_units(path, kind.column, list(kind.units), kind.units)
    known = unit or (COMPACT[length] if length and whole else kind.unit)
    each = unit == "each" and whole
    known = "ns" if each else "us" if clock else known
    return Times(columns, types, "whole" if whole else "number", known, clock=read, each=each, asked=unit is not None)


def _form(kind: Kind) -> str:
    """The format of the first date with a month's name: a format that does not fit takes the engine long."""
    for form in _NAMED:
        with suppress(ValueError):
            datetime.strptime(kind.firsts["named"][1].strip(), form)
            return form
    return ""


def _order(path: Path, kind: Kind, dates: str | None) -> str:
    """Whether the day or the month comes first in dates such as 19/05/2014."""
    row, value = kind.firsts["parts"]
    if kind.first_over and kind.second_over:
        raise DataError(
            f"{shown_path(str(path))}: the time column {shown(kind.column)} has dates with the day first and dates with the month first; "
            f"use one kind of date, such as {_EXAMPLE}."
        )
    if dates in ("dmy", "mdy"):
        return dates
    if kind.first_over or kind.second_over:
        return "dmy" if kind.first_over else "mdy"
    raise Doubt(
        f"{shown_path(str(path))}: in the dates of the column {shown(kind.column)}, such as {shown(value)}, the day or the month may come "
        "first; say dates=dmy or dates=mdy.",
        "dates",
        [("dmy", f"{shown(value)} begins with the day"), ("mdy", f"{shown(value)} begins with the month")],
    )


# -- checks -----------------------------------------------------------------------------------------------------------


def check_numbers(relation: duckdb.DuckDBPyRelation, path: Path, column: str, role: str) -> None:
    """Raise a DataError that names the first value that is neither missing nor a finite number."""
    type, name = str(relation.types[relation.columns.index(column)]), quoted(column)
    if family(type) not in ("text", "number", "whole"):
        raise DataError(f"{shown_path(str(path))}: the {role} column {shown(column)} holds {type[:30]} values, not numbers.")
    bad = f"({text_sql(name, type)}) is not null and ({number_sql(name, type)}) is null"
    query = f"select min(row), arg_min({name}::varchar, row) from read_numbers where {bad}"
    with as_sentences(path):
        row, value = answers(relation, "read_numbers", query)[0]
    if row is not None:
        what = "which is infinite" if value.strip().lstrip("+-").lower() in ("inf", "infinity") else "which is not a number"
        raise DataError(f"{shown_path(str(path))}: row {row:,} of the {role} column {shown(column)} holds {shown(value)}, {what}.")


def check_ids(relation: duckdb.DuckDBPyRelation, path: Path, column: str, role: str, weight: str | None = None) -> int:
    """Raise a DataError for a value that can be no id (a list, a fraction, a long text); otherwise how many rows have none.

    weight: a column of how often each value occurs (``row`` is its first row).
    """
    type, name = str(relation.types[relation.columns.index(column)]), quoted(column)
    if family(type) not in ("text", "number", "whole"):
        raise DataError(
            f"{shown_path(str(path))}: the {role} column {shown(column)} holds {type[:30]} values; ids must be integers or text."
        )
    whole = "false" if family(type) != "number" else f"{name} <> floor({name}) or abs({name}) > 9007199254740992"
    query = f"""
        with ids as (
            select row, {name} as c, {text_sql(name, type)} as t, {quoted(weight) if weight else 1} as n, ({whole}) as broken from read_ids
        )
        select coalesce(sum(n) filter (where t is null), 0)::bigint, min(row) filter (where length(t) > {LONGEST_ID}),
            arg_min(t, row) filter (where length(t) > {LONGEST_ID}), min(row) filter (where t is not null and broken),
            arg_min(c::varchar, row) filter (where t is not null and broken) from ids"""
    with as_sentences(path):
        missing, long, text, broken, value = answers(relation, "read_ids", query)[0]
    if broken is not None:
        where = f"row {broken:,} of the {role} column {shown(column)}"
        raise DataError(f"{shown_path(str(path))}: {where} holds {shown(value)}; ids must be integers or text.")
    if long is not None:
        raise DataError(
            f"{shown_path(str(path))}: {role} ids have at most {LONGEST_ID} characters, but that in row {long:,} is longer: {shown(text)}."
        )
    return int(missing)


def two_spellings(kind: Kind) -> str | None:
    """A sentence if ids of one column are written as ``12`` and as ``12.0``."""
    if kind.numeric and kind.count("whole") and kind.count("whole.0"):
        point = kind.firsts["whole.0"][1]
        return (
            f"Ids of the column {shown(kind.column)} are written in two ways, {counted(kind.count('whole.0'), 'row')} like {shown(point)}; "
            f"they are read as {shown(point.split('.')[0])}."
        )
    return None
