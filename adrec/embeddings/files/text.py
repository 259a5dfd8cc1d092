"""Text: comma- or tab-separated tables, and the word2vec format (``V D``, then a label and D numbers per line)."""

import csv
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from adrec.data.columns import LONGEST_ID, NAMES, is_number, shown
from adrec.embeddings.files.checks import MOST_ENTRIES, Matrix, check_shape
from adrec.errors import WeightsError

LABELS = {"", "id", "index", "word", "token", "label", "key", *NAMES["item"].split()}
"""Names of a first column that holds the items' ids."""
LARGEST, LONGEST_LINE = 2**31, 2**22
MOST_COLUMNS = 2**16
CHUNK = 2**20


def is_label(name: str) -> bool:
    """Whether a column of this name holds item ids."""
    return name.partition(":")[0].strip().lower() in LABELS


def read_text(path: Path, key: str | None) -> Matrix:
    """The table of a text file; a first column of ids gives the labels.

    A first column holds ids if its name says so (id, item, item_id, index, none, ...), if it is not numeric, or if it has no name and
    holds distinct integers next to columns with fractions.
    """
    _check_lines(path)
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            first = file.readline()
        counts = _word2vec_counts(path, first)
        if counts is not None:
            return _word2vec(path, *counts)
        separator = next((s for s in "\t;," if s in first.strip()), None) or " "
        names = [cell.strip() for cell in next(csv.reader([first.strip("\r\n ")], delimiter=separator))]
        names = [name for name in names if name] if separator == " " else names
        if len(names) > MOST_COLUMNS:
            raise WeightsError(f"'{path}' has {len(names):,} columns; must be at most {MOST_COLUMNS:,}.")
        header = _has_names(names)
        frame = _parse(path, separator, 0 if header else None)
    except (UnicodeDecodeError, csv.Error, StopIteration, pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if isinstance(error, pd.errors.ParserError) else type(error).__name__
        raise WeightsError(f"'{path}' cannot be read as a table of numbers in text ({reason[:200].rstrip('.')}).") from None
    labels, why = _labels(path, frame, names if header else None)
    if labels is not None:
        frame = frame.iloc[:, 1:]
    return Matrix(_numbers(path, frame, 2 if header else 1), labels, (why,) if why else ())


def _has_names(names: list[str]) -> bool:
    """Whether the first line names the columns. A line of numbers does not, unless they count the columns as pandas does."""
    rest = names[1:] or names
    counted = any(len(n) > 1 and n == [str(i) for i in range(len(n))] for n in (names, rest))
    return counted or not any(map(is_number, rest))


def _check_lines(path: Path) -> None:
    """Refuse files that are not text and absurdly long lines, before a parser turns them into objects."""
    if path.stat().st_size > LARGEST:
        raise WeightsError(f"'{path}' has {path.stat().st_size:,} bytes; text must be at most {LARGEST:,}.")
    line, start = 0, True
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            if start and chunk.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise WeightsError(f"'{path}' is UTF-16 text; save it as UTF-8.")
            if b"\0" in chunk:
                raise WeightsError(f"'{path}' is a binary file, not a table in text.")
            start = False
            ends = np.flatnonzero(np.isin(np.frombuffer(chunk, np.uint8), (10, 13)))
            longest = line + len(chunk) if not len(ends) else max(line + int(ends[0]), int(np.diff(ends).max(initial=0)))
            line = line + len(chunk) if not len(ends) else len(chunk) - int(ends[-1])
            if longest > LONGEST_LINE:
                raise WeightsError(f"'{path}' has a line of more than {LONGEST_LINE >> 20} MiB; expected one line per item.")


def _parse(path: Path, separator: str, header: int | None, skip: int = 0, quoting: Literal[0, 3] = 0) -> pd.DataFrame:
    """Numbers as float64, columns that hold anything else as text; the first column always as text. quoting: 3 for none."""
    return pd.read_csv(
        path,
        sep=r"\s+" if separator == " " else separator,
        header=header,
        skiprows=skip,
        converters={0: str},
        keep_default_na=False,
        encoding="utf-8-sig",
        index_col=False,
        quoting=quoting,
        low_memory=False,
    )


def _labels(path: Path, frame: pd.DataFrame, names: list[str] | None) -> tuple[tuple[str, ...] | None, str | None]:
    """The first column as labels with the reason, or None."""
    if frame.shape[1] < 2 or not len(frame):
        return None, None
    first = frame.iloc[:, 0].astype(str)
    numbers = pd.to_numeric(first, errors="coerce")
    if names is not None and is_label(names[0]):
        why = f"Item ids are the column {shown(names[0]) if names[0] else 'without a name'}."
    elif numbers.isna().all():
        why = "Item ids are the first column, which holds text."
    elif names is None and _counts(numbers) and not _counts(frame.iloc[:, 1]):
        why = "Item ids are the first column, which holds different whole numbers."
    else:
        return None, None
    if first.str.len().max() > LONGEST_ID:
        raise WeightsError(f"'{path}': ids have at most {LONGEST_ID} characters, one in the first column is longer.")
    return tuple(first), why


def _counts(column: pd.Series) -> bool:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    return bool(np.isfinite(numbers).all() and (numbers == np.floor(numbers)).all() and len(np.unique(numbers)) == len(numbers))


def _numbers(path: Path, frame: pd.DataFrame, first_line: int) -> np.ndarray:
    """The frame as float64; an error names the first cell that is not a number."""
    check_shape(path, frame.shape)
    kinds: list[Any] = frame.dtypes.to_list()
    known = np.array([kind.kind in "fiu" for kind in kinds])
    if known.all():  # at once: a column at a time takes a millisecond each
        table = frame.to_numpy(np.float64)
    else:
        table = np.empty(frame.shape)
        table[:, known] = frame.loc[:, known].to_numpy(np.float64)
        for position in np.flatnonzero(~known).tolist():
            table[:, position] = pd.to_numeric(frame.iloc[:, position], errors="coerce")
    missing = np.isnan(table)
    if missing.any():
        position = int(missing.any(axis=0).argmax())
        row = int(missing[:, position].argmax())
        value: Any = frame.iloc[row, position]
        held = "nothing or NaN" if pd.isna(value) else shown(value)
        text = f"{held} is not a number; expected numbers, and item ids only in the first column"
        raise WeightsError(f"'{path}', line {row + first_line}, column {shown(frame.columns[position])}: {text}.")
    return table


def _word2vec_counts(path: Path, first: str) -> tuple[int, int] | None:
    """Items and width if the first line is word2vec's, of a file that is not a csv or tsv."""
    words = first.split()
    if path.suffix.lower() in (".csv", ".tsv") or len(words) != 2 or not all(w.isascii() and w.isdigit() for w in words):
        return None
    if max(map(len, words)) > 18:
        raise WeightsError(f"'{path}' claims more rows or columns than any table has; must have at most {MOST_ENTRIES:,} entries.")
    items, width = (int(w) for w in words)
    check_shape(path, (items, width), "its first line")
    if path.stat().st_size < 2 * items * width:
        raise WeightsError(f"'{path}' is cut short: its first line claims {items:,} rows of {width:,} numbers.")
    return items, width


def _word2vec(path: Path, items: int, width: int) -> Matrix:
    frame = _parse(path, " ", None, skip=1, quoting=3)
    if frame.shape != (items, width + 1):
        there = f"{frame.shape[0]:,} rows of {frame.shape[1] - 1:,} numbers are there"
        raise WeightsError(f"'{path}': its first line claims {items:,} rows of {width:,} numbers after each label, but {there}.")
    labels, _ = _labels(path, frame, ["word"])
    return Matrix(_numbers(path, frame.iloc[:, 1:], 2), labels, ("Item ids are the words of the word2vec file.",))
