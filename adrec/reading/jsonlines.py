"""JSON lines, and an array of JSON objects: one object a row. Fields of objects inside are columns too, called ``user.id``."""

import json
import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb

from adrec.errors import DataError
from adrec.reading import text
from adrec.reading.account import Doubt, shown, shown_path
from adrec.reading.engine import literal, path_literal, sentence
from adrec.reading.limits import LARGEST_FILE, LONGEST_LINE, LONGEST_OBJECT, MOST_COLUMNS
from adrec.reading.opened import CHUNK, last_line, open_bytes, scan, without_last_line
from adrec.reading.source import Source

LIST = "json"
"""How a list in JSON is written."""
MOST_OBJECTS = 50
"""So many keys that hold objects are taken apart."""
MOST_FIELDS = 200
"""An object with more different keys is no record but a mapping; it stays as it is."""


def read_json(con: duckdb.DuckDBPyConnection, path: Path, plain: Path, how: Mapping[str, str], stack: ExitStack) -> Source:
    """The source of JSON lines or of a JSON array: text, lists as JSON, and NULL where a key is missing or null.

    how: the option ``cut=drop`` leaves out a last line that is not whole. stack: keeps temporary files.
    """
    start = text.head_of(plain).text.lstrip()[:1]
    array = start == "["
    found = scan(plain, path, LARGEST_FILE if array else LONGEST_LINE)  # an array is often one line
    if not array and start != "{":
        raise DataError(f"{shown_path(path)} holds neither JSON lines, one object in braces a line, nor an array of them.")
    cut = "cut" in how and not array and not _whole(last_line(plain))
    whole = plain
    if cut:
        plain = stack.enter_context(without_last_line(plain))
    longest = LONGEST_OBJECT if array else LONGEST_LINE
    function = "read_json_objects" if array else "read_ndjson_objects"
    kind = "format='array'" if array else "format='newline_delimited'"
    read = f"{function}({path_literal(plain)}, {kind}, compression='none', hive_partitioning=false, maximum_object_size={longest})"
    try:
        fields, rows = _fields(con, path, f"(select row_number() over () as row, json from {read})")
        if not fields:
            raise DataError(f"{shown_path(path)} holds no object with a key.")
        sql = _columns(read, fields)
        names = [field.name or f"column{number}" for number, field in enumerate(fields, 1)]
        text.different(path, names)
        lists = _lists(con, sql, names)
    except duckdb.Error as error:
        raise _sentence(path, whole, error, longest) from None
    form = "a JSON array of objects" if array else "JSON lines"
    return Source(form, names, ["VARCHAR"] * len(names), sql, None if array else found, lists=lists, rows=rows, cut=int(cut))


# -- columns ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Field:
    """A key, of an object inside too. pointer: where it is, as RFC 6901 says. objects: some of its values are taken apart."""

    name: str
    pointer: str
    objects: bool = False


def _fields(con: duckdb.DuckDBPyConnection, path: Path, rows: str) -> tuple[list[_Field], int]:
    """The fields of all rows, those of an object in its place, and how many rows there are."""
    top, _, count = _keys(con, path, rows, "")
    fields, left = [_Field(name, _pointer(name), opened) for name, opened in top.items()], MOST_OBJECTS
    at = 0
    while at < len(fields):
        if len(fields) > MOST_COLUMNS:
            raise DataError(f"{shown_path(path)} has {len(fields):,} keys; a file must have at most {MOST_COLUMNS:,}.")
        outer = fields[at]
        inner: dict[str, bool] = {}
        others = False
        if outer.objects and left:
            left -= 1
            inner, others, _ = _keys(con, path, rows, outer.pointer)
        if not 0 < len(inner) <= MOST_FIELDS:
            fields[at] = _Field(outer.name, outer.pointer)
            at += 1
            continue
        parts = [_Field(f"{outer.name}.{name}", outer.pointer + _pointer(name), opened) for name, opened in inner.items()]
        fields[at : at + 1] = [*([_Field(outer.name, outer.pointer, True)] if others else []), *parts]
        at += others
    return fields, count


def _keys(con: duckdb.DuckDBPyConnection, path: Path, rows: str, pointer: str) -> tuple[dict[str, bool], bool, int]:
    """The keys of the objects at a place, in the order in which they come first, and whether any holds objects; whether there are other
    values at that place; how many rows there are."""
    value = f"json_extract(json, {literal(pointer)})" if pointer else "json"
    inside = r"json_type(v, '/' || replace(replace(k, '~', '~0'), '/', '~1')) = 'OBJECT'"
    holding = f"case when contains(substr(v::varchar, 2), '{{') then list_filter(json_keys(v), lambda k: {inside}) else [] end"
    query = (
        f"select case when json_type(v) = 'OBJECT' then json_keys(v) end as keys, case when json_type(v) = 'OBJECT' then {holding} end "
        f"as holding, coalesce(json_type(v), 'NULL') = 'NULL' as empty, min(row), count(*) from (select row, {value} as v from {rows}) "
        "group by all order by min(row)"
    )
    found: dict[str, bool] = {}
    others, total = False, 0
    for keys, objects, empty, row, count in con.sql(query).fetchall():
        total += count
        if keys is None:
            if not pointer:
                raise DataError(f"Row {row:,} of {shown_path(path)} is not an object in braces.")
            others |= not empty
            continue
        if len(set(keys)) < len(keys):
            twice = next(k for k in keys if keys.count(k) > 1)
            raise DataError(f"Row {row:,} of {shown_path(path)} has the key {shown(twice)} more than once.")
        for key in keys:
            found[key] = found.get(key, False) or key in objects
    return found, others, total


def _pointer(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _columns(read: str, fields: list[_Field]) -> str:
    keys = ", ".join(literal(field.pointer) for field in fields)
    rest = "case when json_type(json, {}) <> 'OBJECT' then v[{}] end as c{}"
    chosen = "".join(
        f", {rest.format(literal(field.pointer), i + 1, i)}" if field.objects else f", v[{i + 1}] as c{i}" for i, field in enumerate(fields)
    )
    return f"(select row{chosen} from (select row_number() over () as row, json, json_extract_string(json, [{keys}]) as v from {read}))"


def _lists(con: duckdb.DuckDBPyConnection, sql: str, names: list[str]) -> dict[str, str]:
    """Columns whose first values are lists, of something else than objects."""
    tests = ", ".join(
        f"bool_and(c{i} is null or c{i}[1] = '[' and json_valid(c{i})) and bool_or(c{i} is not null) "
        f"and not bool_or(regexp_matches(c{i}, '^\\[\\s*\\{{'))"
        for i in range(len(names))
    )
    (found,) = con.sql(f"select {tests} from (select * from {sql} limit 1000)").fetchall()
    return {name: LIST for name, is_list in zip(names, found, strict=True) if is_list}


# -- what is no JSON --------------------------------------------------------------------------------------------------


def _whole(line: bytes) -> bool:
    """Whether a line is JSON, or empty."""
    try:
        json.loads(line.decode("utf-8-sig").strip() or "0")
    except (ValueError, RecursionError):
        return False
    return True


def _sentence(path: Path, plain: Path, error: duckdb.Error, longest: int) -> DataError:
    """What is wrong with the JSON, with the line. longest: bytes that a row may have."""
    if not re.search(r"JSON|json", str(error)):
        return sentence(path, error)
    if "maximum_object_size" in str(error):
        return DataError(f"{shown_path(path)} has a row of more than {longest >> 20} MiB.")
    with open_bytes(plain) as file:
        for number, line in enumerate(file, 1):
            if _whole(line):
                continue
            if re.match(rb"\s*\{\s*u?'", line):
                return DataError(f"Line {number:,} of {shown_path(path)} is Python's notation, not JSON; rewrite it with json.dumps.")
            if number > 1 and line.lstrip().startswith(b"{") and not file.read(CHUNK).strip():
                problem = (
                    f"Line {number:,} of {shown_path(path)}, the last one, is not one whole JSON object: the file may have been cut short"
                )
                return Doubt(problem, text.CUT, [text.DROPPED])
            return DataError(f"Line {number:,} of {shown_path(path)} is not one whole JSON object.")
    return DataError(f"{shown_path(path)} is not readable JSON; expected one object in braces a line.")
