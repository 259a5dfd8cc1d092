"""Several values in one row: lists of Parquet and JSON, and lists in text; a row for each value on request."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from adrec.errors import DataError
from adrec.reading.account import listed, shown, shown_path
from adrec.reading.engine import as_sentences, connect, literal
from adrec.reading.source import Source

SAMPLE = 200
"""Rows from which lists in text are recognised."""
BRACKETS = "[]"
"""How a list in text is written: in brackets, as Python and numpy print it; or the separator of its values."""
TOKEN = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s,'"\[\]()]+"""

FRAME = r"(?s)(\[.*\]|\(.*\))?"


def in_text(sample: pa.Table, known: Mapping[str, str]) -> dict[str, str]:
    """Columns of text that hold lists, by their first values, and how they are written.

    In brackets: every value is. Separated by '|': every value is words between them. Separated by ',' or blanks: every value is words
    without blanks, or words with digits, of varying count.
    """
    found: dict[str, str] = {}
    for name in sample.column_names:
        if name in known or not (pa.types.is_string(sample[name].type) or pa.types.is_large_string(sample[name].type)):
            continue
        values = [v.strip() for v in sample[name].to_pylist() if v and v.strip()]
        if not values or any(v.lstrip("[( ").startswith("{") for v in values):  # objects are no values
            continue
        if all(v[0] + v[-1] in ("[]", "()") and len(v) > 1 for v in values):
            found[name] = BRACKETS
        elif any("|" in v for v in values) and all(re.fullmatch(r"[^|]+(\|[^|]+)*", v) for v in values):
            found[name] = "|"
        elif any("," in v for v in values) and _vary(values, ",", r"[^,\s]+(\s*,\s*[^,\s]+)*"):
            found[name] = ","
        elif _vary(values, None, r"\w*\d\w*( +\w*\d\w*)*"):
            found[name] = " "
    return found


def _vary(values: Sequence[str], separator: str | None, form: str) -> bool:
    """Whether all values are lists of this form and not all of one length."""
    return len({len(v.split(separator)) for v in values}) > 1 and all(re.fullmatch(form, v) for v in values)


def as_list(column: str, kind: str) -> str:
    """SQL: a column as a list of its values."""
    if kind == "list":
        return column
    if kind == "json":
        return f"json_extract_string(case when json_valid({column}) then {column} end, '$[*]')"
    if kind == BRACKETS:
        tokens = f"regexp_extract_all(trim({column})[2:-2], {literal(TOKEN)})"
        return f"list_transform({tokens}, lambda x: case when x[1] in ('''', '\"') then x[2:-2] else x end)"
    separator = r"\s+" if kind == " " else rf"\s*{re.escape(kind)}\s*"
    return f"case when trim({column}) = '' then [] else string_split_regex(trim({column}), {literal(separator)}) end"


def broken(column: str, kind: str) -> str:
    """SQL: whether a value is no list as ``kind`` says."""
    if kind == BRACKETS:
        rest = f"regexp_replace(trim({column})[2:-2], {literal(TOKEN)}, '', 'g')"
        framed = f"regexp_full_match(trim({column}), {literal(FRAME)})"
        return f"(not {framed} or not regexp_full_match({rest}, '[\\s,]*') or contains({column}, chr(92)))"
    if kind == "json":
        return f"({column} is not null and ({column}[1] <> '[' or not json_valid({column})))"
    return "false"


def unrolled(path: Path, source: Source, columns: Sequence[str]) -> tuple[str, list[str], int]:
    """SQL with a row for each value of these columns, the types, and how many rows have empty lists."""
    for name in columns:
        if name not in source.names:
            raise DataError(f"{shown_path(path)} has no column {shown(name)}; its columns are: {listed(source.names)}.")
        if name not in source.lists:
            raise DataError(f"{shown_path(path)}: the column {shown(name)} does not hold lists.")
    at = {source.names.index(name): source.lists[name] for name in columns}
    wrong = [broken(f"c{i}", kind) for i, kind in at.items()]
    lengths = [f"coalesce(len({as_list(f'c{i}', kind)}), 0)" for i, kind in at.items()]
    unequal = [f"{length} <> {lengths[0]}" for length in lengths[1:]]
    with connect() as con, as_sentences(path):
        broken_rows = f"min(row) filter ({' or '.join(wrong + unequal)})"
        hit, empty = con.sql(f"select {broken_rows}, count_if({lengths[0]} = 0) from {source.sql}").fetchall()[0]
    if hit is not None:
        raise DataError(f"Row {hit:,} of {shown_path(path)} does not hold lists of one length in {listed(columns)}.")
    fields = ", ".join(f"unnest({as_list(f'c{i}', at[i])}) as c{i}" if i in at else f"c{i}" for i in range(len(source.names)))
    types = [source.types[i].rpartition("[")[0] if at.get(i) == "list" else kind for i, kind in enumerate(source.types)]
    return f"(select row_number() over () as row, * from (select {fields} from {source.sql}))", types, int(empty)
