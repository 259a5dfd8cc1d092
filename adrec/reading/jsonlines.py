"""JSON lines, and an array of JSON objects: one object a row."""

import json
import re
from pathlib import Path

import duckdb

from adrec.errors import DataError
from adrec.reading import text
from adrec.reading.account import shown, shown_path
from adrec.reading.engine import literal, path_literal, sentence
from adrec.reading.limits import LARGEST_FILE, LONGEST_LINE, LONGEST_OBJECT, MOST_COLUMNS
from adrec.reading.opened import open_bytes, scan
from adrec.reading.source import Source

LIST = "json"
"""How a list in JSON is written."""


def read_json(con: duckdb.DuckDBPyConnection, path: Path, plain: Path) -> Source:
    """The source of JSON lines or of a JSON array: text, lists and objects as JSON, and NULL where a key is missing or null."""
    start = text.head_of(plain).text.lstrip()[:1]
    array = start == "["
    found = scan(plain, path, LARGEST_FILE if array else LONGEST_LINE)  # an array is often one line
    if not array and start != "{":
        raise DataError(f"{shown_path(path)} holds neither JSON lines, one object in braces a line, nor an array of them.")
    longest = LONGEST_OBJECT if array else LONGEST_LINE
    function = "read_json_objects" if array else "read_ndjson_objects"
    how = "format='array'" if array else "format='newline_delimited'"
    read = f"{function}({path_literal(plain)}, {how}, compression='none', hive_partitioning=false, maximum_object_size={longest})"
    try:
        kinds = con.sql(
            "select case when json_type(json) = 'OBJECT' then json_keys(json) end as keys, min(row), count(*) from "
            f"(select row_number() over () as row, json from {read}) group by keys order by min(row)"
        ).fetchall()
        names = list(dict.fromkeys(name for keys, _, _ in kinds for name in keys or ()))
        if len(names) > MOST_COLUMNS:
            raise DataError(f"{shown_path(path)} has {len(names):,} keys; a file must have at most {MOST_COLUMNS:,}.")
        for keys, row, _ in kinds:
            if keys is None:
                raise DataError(f"Row {row:,} of {shown_path(path)} is not an object in braces.")
            if len(set(keys)) < len(keys):
                twice = next(k for k in keys if keys.count(k) > 1)
                raise DataError(f"Row {row:,} of {shown_path(path)} has the key {shown(twice)} more than once.")
        if not names:
            raise DataError(f"{shown_path(path)} holds no object with a key.")
        rows = sum(count for _, _, count in kinds)
        sql = _columns(read, names)
        names = [name or f"column{number}" for number, name in enumerate(names, 1)]
        text.different(path, names)
        lists = _lists(con, sql, names)
    except duckdb.Error as error:
        raise _sentence(path, plain, error, longest) from None
    form = "a JSON array of objects" if array else "JSON lines"
    return Source(form, names, ["VARCHAR"] * len(names), sql, None if array else found, lists=lists, rows=rows)


def _columns(read: str, names: list[str]) -> str:
    keys = ", ".join(literal("/" + name.replace("~", "~0").replace("/", "~1")) for name in names)
    fields = "".join(f", v[{i + 1}] as c{i}" for i in range(len(names)))
    return f"(select row{fields} from (select row_number() over () as row, json_extract_string(json, [{keys}]) as v from {read}))"


def _lists(con: duckdb.DuckDBPyConnection, sql: str, names: list[str]) -> dict[str, str]:
    """Columns whose first values are lists."""
    tests = ", ".join(f"bool_and(c{i} is null or c{i}[1] = '[') and bool_or(c{i}[1] = '[')" for i in range(len(names)))
    (found,) = con.sql(f"select {tests} from (select * from {sql} limit 1000)").fetchall()
    return {name: LIST for name, is_list in zip(names, found, strict=True) if is_list}


def _sentence(path: Path, plain: Path, error: duckdb.Error, longest: int) -> DataError:
    """What is wrong with the JSON, with the line. longest: bytes that a row may have."""
    if not re.search(r"JSON|json", str(error)):
        return sentence(path, error)
    if "maximum_object_size" in str(error):
        return DataError(f"{shown_path(path)} has a row of more than {longest >> 20} MiB.")
    with open_bytes(plain) as file:
        for number, line in enumerate(file, 1):
            try:
                json.loads(line.decode("utf-8-sig") or "0") if line.strip() else None
            except (ValueError, RecursionError):
                if re.match(rb"\s*\{\s*u?'", line):
                    return DataError(f"Line {number:,} of {shown_path(path)} is Python's notation, not JSON; rewrite it with json.dumps.")
                return DataError(f"Line {number:,} of {shown_path(path)} is not one whole JSON object.")
    return DataError(f"{shown_path(path)} is not readable JSON; expected one object in braces a line.")
