"""What a value is: one idea of a number, an id and a missing word, for whatever is read.

Everything here is SQL over a DuckDB relation with a column ``row`` that counts rows from 1. Text is stripped as Python strips it.
"""

import re
from pathlib import Path
from typing import Any

import duckdb

from adrec.errors import DataError
from adrec.reading.account import shown, shown_path
from adrec.reading.engine import as_sentences, literal, quoted
from adrec.reading.limits import LONGEST_ID

SPACE = "".join(chr(c) for c in range(0x3001) if chr(c).isspace())
_BARE = r"(?s)[^\s\p{Z}\x{85}\x{1c}-\x{1f}](.*[^\s\p{Z}\x{85}\x{1c}-\x{1f}])?"
"""Text without space around it: asking is fast, stripping is slow."""
MISSING = ("", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "#N/A", "null", "NULL", "Null", "None", "<NA>", "NaT", "\\N")
"""The words that mean: no value."""
WHOLE, NUMBER = r"[+-]?[0-9]+", r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
COMMA = r"[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?"
"""A number with a comma for the point."""
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


def asked(con: duckdb.DuckDBPyConnection, relation: duckdb.DuckDBPyRelation, name: str, query: str) -> duckdb.DuckDBPyRelation:
    """What a query over this relation, called ``name`` in it, gives."""
    relation.create_view(name, replace=True)
    return con.sql(query)


def answers(con: duckdb.DuckDBPyConnection, relation: duckdb.DuckDBPyRelation, name: str, query: str) -> list[tuple[Any, ...]]:
    """The rows that a query over this relation gives."""
    relation.create_view(name, replace=True)
    return con.execute(query).fetchall()  # takes half the time of a relation's own query


# -- checks -----------------------------------------------------------------------------------------------------------


def check_numbers(con: duckdb.DuckDBPyConnection, relation: duckdb.DuckDBPyRelation, path: Path, column: str, role: str) -> None:
    """Raise a DataError that names the first value that is neither missing nor a finite number."""
    type, name = str(relation.types[relation.columns.index(column)]), quoted(column)
    if family(type) not in ("text", "number", "whole"):
        raise DataError(f"{shown_path(str(path))}: the {role} column {shown(column)} holds {type[:30]} values, not numbers.")
    bad = f"({text_sql(name, type)}) is not null and ({number_sql(name, type)}) is null"
    query = f"select min(row), arg_min({name}::varchar, row) from read_numbers where {bad}"
    with as_sentences(path):
        row, value = answers(con, relation, "read_numbers", query)[0]
    if row is not None:
        what = "which is infinite" if value.strip().lstrip("+-").lower() in ("inf", "infinity") else "which is not a number"
        way = "; write decimals with a point, not a comma" if re.fullmatch(COMMA, value.strip()) else ""
        raise DataError(f"{shown_path(str(path))}: row {row:,} of the {role} column {shown(column)} holds {shown(value)}, {what}{way}.")


def check_ids(
    con: duckdb.DuckDBPyConnection,
    relation: duckdb.DuckDBPyRelation,
    path: Path,
    column: str,
    role: str,
    weight: str | None = None,
    called: str | None = None,
) -> int:
    """Raise a DataError for a value that can be no id (a list, a fraction, a long text); otherwise how many rows have none.

    weight: a column of how often each value occurs (``row`` is its first row). called: the column's name in the file, if it is another.
    """
    type, name = str(relation.types[relation.columns.index(column)]), quoted(column)
    called = called or column
    if family(type) not in ("text", "number", "whole"):
        raise DataError(
            f"{shown_path(str(path))}: the {role} column {shown(called)} holds {type[:30]} values; ids must be integers or text."
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
        missing, long, text, broken, value = answers(con, relation, "read_ids", query)[0]
    if broken is not None:
        where = f"row {broken:,} of the {role} column {shown(called)}"
        raise DataError(f"{shown_path(str(path))}: {where} holds {shown(value)}; ids must be integers or text.")
    if long is not None:
        raise DataError(
            f"{shown_path(str(path))}: {role} ids have at most {LONGEST_ID} characters, but that in row {long:,} is longer: {shown(text)}."
        )
    return int(missing)
