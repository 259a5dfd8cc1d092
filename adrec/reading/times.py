"""How a column of times becomes numbers that sort, one tick for all rows, and what of it has to be asked."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from adrec.errors import DataError
from adrec.reading.account import Doubt, counted, shown, shown_path
from adrec.reading.dates import CLOCK, ISO, NAMED, PARTS, USUAL, ZONE, formats
from adrec.reading.engine import as_sentences, literal, quoted
from adrec.reading.kinds import EARLIEST, LATEST, UNIT_NAMES, UNITS, Kind
from adrec.reading.values import WHOLE, answers, family, number_sql, text_sql

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
        """The number, NULL where a value is missing or not as the column's others. columns: SQL.

        BIGINT, or DOUBLE if ``how`` is number and not ``each``.
        """
        columns = columns or tuple(map(quoted, self.columns))
        first = self._first(columns[0])
        return f"({first} + {self._clock(columns[1])})" if self.clock else first

    def _first(self, column: str) -> str:
        type = self.types[0]
        text = text_sql(column, type)
        if self.how == "stamp":
            return f"epoch_ns({column})" if self.unit == "ns" else f"epoch_us({column})"
        if self.how == "number":
            return _each(number_sql(column, type)) if self.each else number_sql(column, type)
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
            return f"epoch_us(try_strptime({text}, {formats((self.form, *NAMED) if self.form else NAMED)}))"
        return _iso(column, text, self.fine)

    def _clock(self, column: str) -> str:
        text = text_sql(column, self.types[1])
        if self.types[1].startswith("TIME"):
            return f"epoch_us(date '1970-01-01' + {column})"
        if self.clock == "text":
            plain = f"epoch_us(try_cast('1970-01-01 ' || replace({text}, ',', '.') as timestamp))"
            named = f"epoch_us(try_strptime('1970-01-01 ' || upper({text}), ['%Y-%m-%d %I:%M:%S %p', '%Y-%m-%d %I:%M %p']))"
            return f"case when regexp_full_match({text}, {literal(CLOCK)}) then {plain} else {named} end"
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

    def filled(self, relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        """The rows with a time."""
        return relation.filter(
            " and ".join(f"({text_sql(quoted(c), t)}) is not null" for c, t in zip(self.columns, self.types, strict=True))
        )

    def check(self, con: duckdb.DuckDBPyConnection, relation: duckdb.DuckDBPyRelation, path: Path) -> None:
        """Raise a DataError that names the first value which is no time like the others; a Doubt about rows without one, or the unit."""
        missing = " or ".join(f"({text_sql(quoted(c), t)}) is null" for c, t in zip(self.columns, self.types, strict=True))
        shown_text = " || ' ' || ".join(f"coalesce({quoted(c)}::varchar, '')" for c in self.columns)
        query = f"""
            with ticks as (select row, {shown_text} as t, {missing} as missing, {self.sql()} as tick from read_times)
            select min(row) filter (where missing), count_if(missing), count(*),
                arg_min(t, row) filter (where not missing and tick is null),
                min(row) filter (where not missing and tick is null), min(tick), max(tick) from ticks"""
        with as_sentences(path):
            empty, without, rows, value, row, least, most = answers(con, relation, "read_times", query)[0]
        name = " and ".join(shown(c) for c in self.columns)
        if row is not None:
            raise DataError(
                f"{shown_path(str(path))}: row {row:,} of the time column {name} holds {shown(value.strip())}, {self._unlike()}."
            )
        if empty is not None:
            raise no_time(path, name, empty, without, rows)
        self.check_range(path, least, most)

    def check_range(self, path: Path, least: float | None, most: float | None) -> None:
        """Raise a Doubt if the least and the greatest number are times in different units."""
        found = [u for tick in (least, most) for u in UNITS if tick is not None and EARLIEST * UNITS[u] <= tick <= LATEST * UNITS[u]]
        if self.how in ("whole", "number") and not self.asked and not self.clock and len(set(found)) > 1:
            raise several_units(path, self.columns[0], found)

    def _unlike(self) -> str:
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
    strict = f"regexp_full_match({text}, {literal(f'{ISO}({ZONE})?')})"
    if fine:
        rest = rf"coalesce(try_cast(rpad(regexp_extract({text}, '[.,]\d{{6}}(\d{{1,3}})', 1), 3, '0') as bigint), 0)"
        return f"case when {strict} then {stamp} * 1000 + {rest} end"
    plain = f"regexp_full_match({column}::varchar, {literal(USUAL)})"
    return f"case when {plain} then epoch_us(try_cast({column}::varchar as timestamptz)) when {strict} then {stamp} end"


def _parts(text: str, order: str) -> str:
    """A date such as ``19/05/2014 17:26`` in microseconds since 1970."""
    day = r"\3-\2-\1 " if order == "dmy" else r"\3-\1-\2 "
    iso = rf"trim(regexp_replace({text}, '^([0-9]+)[^0-9]+([0-9]+)[^0-9]+([0-9]+)[T ,]*', '{day}'))"
    half = rf"regexp_replace(regexp_replace(upper({iso}), ' ?(Z|UTC|GMT)$', ''), '([0-9])([AP]M)$', '\1 \2')"
    clocks = ["%Y-%m-%d %I:%M:%S %p", "%Y-%m-%d %I:%M %p"]
    stamp = f"case when regexp_matches({text}, '[mM]') then try_strptime({half}, {formats(clocks)}) else try_cast({iso} as timestamptz) end"
    return f"case when regexp_full_match({text}, {literal(PARTS)}) then epoch_us({stamp}) end"


def _each(number: str) -> str:
    """Numbers of several units in nanoseconds since 1970, each by its size."""
    cases = " ".join(f"when abs(x) <= {9 * 10**9 * ticks} then x * {10**9 // ticks}" for ticks in list(UNITS.values())[:3])
    return f"list_transform([{number}], lambda x: try_cast(case {cases} else x end as bigint))[1]"


def no_time(path: Path, column: str, row: int, missing: int, rows: int) -> Doubt:
    """The doubt about rows without a time. column: shown. row: the first of them."""
    return Doubt(
        f"{shown_path(str(path))} has no time in row {row:,} (column {column}, {missing:,} of {counted(rows, 'row')}); every row needs one",
        "missing",
        [("drop", f"{counted(missing, 'row')} left out")],
        instead=("time", "none", "all rows in the order of the file"),
    )


def several_units(path: Path, column: str, units: Sequence[str], counts: Mapping[str, int] | None = None) -> Doubt:
    """The doubt about a column with times in several units."""
    found = [unit for unit in UNITS if unit in units]
    rows = [f"{counted(counts[u], 'value')} in {UNIT_NAMES[u]}" if counts else UNIT_NAMES[u] for u in found]
    candidates = [("each", "every value in the unit of its size"), *((u, f"all values are {UNIT_NAMES[u]}") for u in found)]
    return Doubt(
        f"{shown_path(str(path))}: the time column {shown(column)} mixes {' and '.join(rows)} since 1970",
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
    each = unit == "each" and not clock
    known = "ns" if each else "us" if clock else known
    return Times(columns, types, "whole" if whole else "number", known, clock=read, each=each, asked=unit is not None)


def _form(kind: Kind) -> str:
    """The format of the first date with a month's name: a format that does not fit takes the engine long."""
    for form in NAMED:
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
        "first",
        "dates",
        [("dmy", f"{shown(value)} begins with the day"), ("mdy", f"{shown(value)} begins with the month")],
    )
