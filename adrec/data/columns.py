"""Columns of a table: their roles, and their values as codes and numbers. Every error names file, column and row."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from adrec.errors import DataError
from adrec.reading.account import listed, shown

log = logging.getLogger(__name__)

NAMES = {
    "user": "user_id user uid userid user_name username reviewerid reviewer_id customer_id customerid visitorid visitor_id member_id",
    "item": "item_id item iid itemid movie_id movieid movie asin parent_asin product_id productid product book_id bookid isbn "
    "track_id song_id artist_id artistid business_id gmap_id game_id app_id article_id news_id video_id",
    "time": "timestamp time ts date datetime unixreviewtime unix_timestamp event_time created_at review_time reviewtime",
    "rating": "rating ratings score overall stars",
    "title": "title item_title movie_title product_title product_name item_name track_name",
    "category": "genre genres class category categories item_category cluster",
    "id": "id",
    "name": "name",
}
"""Common column names of each role, most likely first; case-insensitive."""
ROLES = ("user", "item", "time", "rating", "title", "category")
IGNORED = "none"
MISSING = ("", "nan", "NaN", "NULL", "null", "None", "<NA>")
LONGEST_ID = 512


def find(path: Path, names: Sequence[str], role: str, wanted: str | None, required: bool, taken: Sequence[int] = ()) -> int | None:
    """The position of the column with this role: the one named ``wanted``, or the most likely by name; None if there is none.

    taken: positions that a guess must not use.
    """
    if wanted == IGNORED and not required:
        return None
    plain = [n.strip().lower() for n in names]
    candidates = [wanted] if wanted else NAMES[role].split()
    for candidate in candidates:
        hits = [i for i, n in enumerate(names) if n == candidate] or [i for i, n in enumerate(plain) if n == candidate.strip().lower()]
        if len(hits) > 1:
            raise DataError(f"'{path}' has {len(hits)} columns named '{candidate}'; column names must differ.")
        if hits and (wanted or hits[0] not in taken):
            return hits[0]
    present = f"its columns are: {listed(names)}."
    if wanted:
        raise DataError(f"'{path}' has no column {shown(wanted)} for the {role}; {present}")
    if required:
        raise DataError(f"'{path}' has no column that looks like the {role}: name it with {role}=COLUMN; {present}")
    return None


def choose(path: Path, names: Sequence[str], wanted: Mapping[str, str | None]) -> tuple[dict[str, int], dict[str, Any]]:
    """The position of each role's column, and the choice as options: the column names and, under ``guessed``, the guessed roles."""
    found: dict[str, int] = {}
    for role in sorted(ROLES, key=lambda r: not wanted.get(r)):  # named columns first: a guess must not use them
        position = find(path, names, role, wanted.get(role), role in ("user", "item"), tuple(found.values()))
        if position in found.values():
            raise DataError(f"'{path}': the column {shown(wanted.get(role))} cannot be the {role} and have another role too.")
        if position is not None:
            found[role] = position
    guessed = [role for role in found if not wanted.get(role)]
    if guessed:
        log.info("%s: columns guessed by name: %s", path, ", ".join(f"{r} = {names[found[r]]}" for r in guessed))
    if "time" not in found:
        log.info("%s: no time column, rows are taken in file order", path)
    return found, {r: names[found[r]] if r in found else wanted.get(r) for r in ROLES} | {"guessed": guessed}


def first(mask: pa.ChunkedArray | pa.Array | np.ndarray) -> int:
    """The number of the first true row, counted from 1."""
    return int(np.flatnonzero(np.asarray(mask))[0]) + 1


def _decoded(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of categories as the values themselves."""
    return values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values


def is_text(kind: pa.DataType) -> bool:
    """Whether a type holds text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def ids(path: Path, column: str, values: pa.ChunkedArray, role: str) -> tuple[np.ndarray, np.ndarray]:
    """Codes (N,), int32, and the distinct raw ids as text, in any order. Every row must have an id: an integer or a short text."""
    values = _decoded(values)
    kind = values.type
    if pa.types.is_floating(kind):
        values = _whole(path, column, values, role)
    elif not (pa.types.is_integer(kind) or is_text(kind)):
        raise DataError(f"'{path}': the {role} column {shown(column)} holds {kind} values; ids must be integers or text.")
    array = values.dictionary_encode().unify_dictionaries().combine_chunks()
    array = array if isinstance(array, pa.Array) else array.chunk(0)
    names = pd.Series(array.dictionary.cast(pa.large_string()).to_numpy(zero_copy_only=False), dtype=object).str.strip()
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    missing = np.append(names.isin(MISSING).to_numpy(dtype=bool), True)[codes]
    if missing.any():
        count = f"{missing.sum():,} of {len(codes):,} rows"
        raise DataError(f"'{path}' has no {role} id in row {first(missing)} (column {shown(column)}, {count}); every row needs one.")
    long = names.str.len().to_numpy() > LONGEST_ID
    if long.any():
        row, value = first(long[codes]), shown(names[long].iloc[0])
        raise DataError(f"'{path}': {role} ids have at most {LONGEST_ID} characters, but that in row {row} is longer: {value}.")
    merged, uniques = pd.factorize(names)
    return merged.astype(np.int32)[codes], np.asarray(uniques, dtype=object)


def _whole(path: Path, column: str, values: pa.ChunkedArray, role: str) -> pa.ChunkedArray:
    """Float ids as integers (pandas writes floats when a value is missing); missing ones stay missing."""
    numbers = values.to_numpy()
    bad = ~np.isnan(numbers) & ((numbers != np.floor(numbers)) | (np.abs(numbers) > 2**53))
    if bad.any():
        row, value = first(bad), numbers[first(bad) - 1]
        raise DataError(f"'{path}': row {row} of the {role} column {shown(column)} holds {value}; ids must be integers or text.")
    return pa.chunked_array([pa.array(numbers, from_pandas=True).cast(pa.int64())])


def numbers(path: Path, column: str, values: pa.ChunkedArray, role: str) -> np.ndarray:
    """A column of numbers as float64 (N,), NaN if missing. Anything else, including infinity, is an error."""
    values = _decoded(values)
    if is_text(values.type):
        result = _parsed(values, pa.float64())
        if result is None:
            row, value = _first_bad(values)
            raise DataError(f"'{path}': row {row} of the {role} column {shown(column)} holds {shown(value)}, which is not a number.")
    elif any(test(values.type) for test in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)):
        result = values.cast(pa.float64(), safe=False)
    else:
        raise DataError(f"'{path}': the {role} column {shown(column)} holds {values.type} values, not numbers.")
    array = np.asarray(result.to_numpy(), dtype=np.float64)
    if np.isinf(array).any():
        raise DataError(f"'{path}': row {first(np.isinf(array))} of the {role} column {shown(column)} is infinite.")
    return array


def times(path: Path, column: str, values: pa.ChunkedArray) -> np.ndarray | None:
    """A column of times as sortable numbers (N,): numbers unchanged, dates as ticks. None if every value is missing."""
    values = _decoded(values)
    if is_text(values.type):
        values = _strip(values)
    if values.null_count == len(values):
        log.info("%s: the column %s is empty, rows are taken in file order", path, column)
        return None
    if values.null_count:
        raise _no_time(path, column, first(values.is_null()))
    if is_text(values.type):
        result = _text_times(path, column, values)
    elif pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        stamps = values if pa.types.is_timestamp(values.type) else values.cast(pa.timestamp("s"))
        result = stamps.cast(pa.int64()).to_numpy()
    elif pa.types.is_signed_integer(values.type):
        result = values.to_numpy()
    else:
        result = numbers(path, column, values, "time")
    if np.isnan(result).any():
        raise _no_time(path, column, first(np.isnan(result)))
    return result


def _no_time(path: Path, column: str, row: int) -> DataError:
    return DataError(f"'{path}' has no time in row {row} (column {shown(column)}); every row needs one, or time=none to take file order.")


def _text_times(path: Path, column: str, values: pa.ChunkedArray) -> np.ndarray:
    for kind in (pa.int64(), pa.float64()):
        result = _parsed(values, kind)
        if result is not None:
            if kind == pa.float64():
                return numbers(path, column, result, "time")
            return result.to_numpy()
    dates = pd.to_datetime(pd.Series(values.to_numpy()), format="ISO8601", utc=True, errors="coerce")
    undated = np.flatnonzero(dates.isna())
    if not len(undated):
        return dates.astype(np.int64).to_numpy()
    held = np.asarray(values.take(pa.array(undated)).to_pylist(), dtype=object)
    neither = [row for row, value in zip(undated, held, strict=True) if not is_number(value)]
    if neither:
        found = f"row {neither[0] + 1} of the time column {shown(column)} holds {shown(values[int(neither[0])].as_py())}"
        raise DataError(f"'{path}': {found}, which is neither a number nor a date such as 2024-05-31.")
    row, other = _first_bad(values)
    raise DataError(f"'{path}': the time column {shown(column)} mixes numbers with {shown(other)} in row {row}; use one kind of time.")


def texts(values: pa.ChunkedArray) -> np.ndarray:
    """A column as text (N,), empty if missing; multiple values in a row are joined by ``|``."""
    values = _decoded(values)
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        joined = ["|".join(str(v).strip() for v in row if v is not None) if row else "" for row in values.to_pylist()]
        return np.array(joined, dtype=object)
    series = pd.Series(values.to_numpy(), dtype=object)
    text = series.where(series.notna(), "").astype(str).str.strip()
    return text.where(~text.isin(MISSING), "").to_numpy(dtype=object)


def _strip(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text stripped of outer spaces, null for words that mean a missing value."""
    stripped = pc.utf8_trim_whitespace(values.cast(pa.large_string()))
    return pc.if_else(pc.is_in(stripped, pa.array(MISSING, pa.large_string())), pa.scalar(None, pa.large_string()), stripped)


def _parsed(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    """Text as numbers of this kind, or None if any value is not a number."""
    try:
        return _strip(values).cast(kind)
    except pa.ArrowInvalid:
        return None


def is_number(text: str) -> bool:
    """Whether Python reads the text as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _first_bad(values: pa.ChunkedArray) -> tuple[int, str]:
    """The row, counted from 1, and the value of the first text that is not a number; only called if there is one."""
    return next((row, value) for row, value in enumerate(_strip(values).to_pylist(), 1) if value is not None and not is_number(value))
