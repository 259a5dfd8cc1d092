"""Interaction files as data sets, one function a format: CSV, TSV, Parquet, RecBole's atomic files, the official dataset.pkl.

Every reader takes the options ``user, item, time, rating, title, category`` (column names; guessed from common names where not
given, ``none`` to ignore an optional one), ``items`` (a separate item file), ``min_rating`` and ``k_core``.
"""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from adrec.data import columns
from adrec.data.dataset import SequenceDataset
from adrec.data.filters import Interactions, build, item_table
from adrec.errors import DataError

FORMATS = "a .csv, .tsv or .parquet file, a RecBole .inter file or the folder that holds it, or the official code's dataset.pkl"
HEAD = 1 << 16
INVERTED = re.compile(r"(?<![^(])([^()]*[^()\s]), (The|A|An|L'|La|Le|Les|Il|Der|Die|Das)(?=\)| \(|$)")


@dataclass(frozen=True)
class Options:
    """What a reader is told. Column names are None to be guessed; filters are None to be left out."""

    user: str | None = None
    item: str | None = None
    time: str | None = None
    rating: str | None = None
    title: str | None = None
    category: str | None = None
    items: str | None = None
    min_rating: float | None = None
    k_core: int | None = None

    @classmethod
    def check(cls, given: Mapping[str, Any]) -> "Options":
        """Options from keywords or from the text of a command line."""
        known = [f.name for f in fields(cls)]
        for key in given:
            if key not in known:
                raise DataError(f"There is no data option '{key}'; the options are {', '.join(known)}.")
        values = {k: None if v is None or v == "" else v for k, v in given.items()}
        if values.get("min_rating") is not None:
            values["min_rating"] = _number("min_rating", values["min_rating"])
        if values.get("k_core") is not None:
            k = _number("k_core", values["k_core"])
            if k != int(k) or not 0 <= k < 1e9:
                raise DataError(f"The option k_core must be a whole number of 0 or more, not '{given['k_core']}'.")
            values["k_core"] = int(k) or None
        return cls(**{k: v if v is None or k in ("min_rating", "k_core") else str(v) for k, v in values.items()})


def _number(name: str, value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise DataError(f"The option {name} must be a number, not '{value}'.")
    return number


def read_dataset(path: str | Path, name: str | None = None, **options: Any) -> SequenceDataset:
    """The data set in a file or folder; the reader is chosen by suffix or by what the folder holds."""
    path = Path(path).expanduser()
    reader = reader_for(path)
    return reader(path, name or path.stem, Options.check(options))


def reader_for(path: Path) -> Callable[[Path, str, Options], SequenceDataset]:
    """The function that reads this path; a DataError lists the accepted formats if there is none."""
    if path.is_dir() and path.suffix.lower() not in READERS:
        if list(path.glob("*.inter")):
            return read_recbole
        if (path / "dataset.pkl").is_file():
            return lambda folder, name, options: read_official(folder / "dataset.pkl", name, options)
        raise DataError(f"The folder '{path}' holds neither a .inter file nor a dataset.pkl; accepted are {FORMATS}.")
    if path.suffix.lower() not in READERS:
        raise DataError(f"'{path}' is of no known format; accepted are {FORMATS}.")
    return READERS[path.suffix.lower()]


def read_csv(path: Path, name: str, options: Options) -> SequenceDataset:
    """Comma-separated text (semicolons, tabs and bars are noticed) in UTF-8 with column names in the first line."""
    return _from_table(path, name, options, *_delimited(path))


def read_tsv(path: Path, name: str, options: Options) -> SequenceDataset:
    """Tab-separated text in UTF-8 with column names in the first line."""
    return _from_table(path, name, options, *_delimited(path, "\t"))


def read_parquet(path: Path, name: str, options: Options) -> SequenceDataset:
    """A Parquet file; ids are whole numbers or text, times numbers or timestamps."""
    return _from_table(path, name, options, *_parquet(path))


def read_official(path: Path, name: str, options: Options) -> SequenceDataset:
    """The official code's dataset.pkl: ``train``, ``val``, ``test``, each a list per user. Nothing in it is executed.

    It is split already, so filters are refused. User ids are positions, raw item ids the file's own numbers.
    """
    from adrec.official import read_sequences

    if options.min_rating is not None or options.k_core is not None:
        raise DataError(f"'{path}' is filtered and split already; min_rating and k_core cannot be applied to it.")
    train, offsets, val, test = read_sequences(path)
    raw_ids = [str(i) for i in range(1, int(max(train.max(), val.max(), test.max())) + 1)]
    attributes = read_items(Path(options.items), options) if options.items else None
    users = np.arange(len(val)).astype(str)
    recorded = {"format": "dataset.pkl", "items": options.items, "dropped_users": 0}
    return SequenceDataset(name, train, offsets, val, test, item_table(raw_ids, attributes), users, recorded)


Column = Callable[[Sequence[int]], list[pa.ChunkedArray]]
"""Reads the columns at these positions."""


def _from_table(path: Path, name: str, options: Options, names: Sequence[str], read: Column) -> SequenceDataset:
    """The data set of a table with these column names."""
    wanted = {role: getattr(options, role) for role in ("user", "item", "time", "rating", "title", "category")}
    if options.items:  # titles and categories are the item file's
        wanted |= {"title": columns.IGNORED, "category": columns.IGNORED}
    found, chosen = columns.choose(path, names, wanted)
    table = dict(zip(found, read(list(found.values())), strict=True))
    if not len(table["user"]):
        raise DataError(f"'{path}' has column names but no interactions.")
    users, user_names = columns.ids(path, chosen["user"], table["user"], "user")
    items, item_names = columns.ids(path, chosen["item"], table["item"], "item")
    rows = Interactions(
        users,
        items,
        user_names,
        item_names,
        columns.times(path, chosen["time"], table["time"]) if "time" in table else None,
        columns.numbers(path, chosen["rating"], table["rating"], "rating") if "rating" in table else None,
        _attributes(path, options, items, item_names, {r: table[r] for r in ("title", "category") if r in table}, chosen),
        {"format": path.suffix[1:].lower(), **chosen, **({"title": options.title, "category": options.category, "items": options.items} if options.items else {})},
    )
    if options.min_rating is not None and rows.ratings is None:
        raise DataError(f"'{path}' has no rating column, which min_rating needs: name it with rating=COLUMN; its columns are: {columns.listed(names)}.")
    return build(name, rows, options.min_rating, options.k_core)


def _attributes(
    path: Path, options: Options, items: np.ndarray, item_names: np.ndarray, table: Mapping[str, pa.ChunkedArray], chosen: Mapping[str, Any]
) -> pd.DataFrame | None:
    """Titles and categories: from the item file, else from the first row of each item."""
    if options.items:
        return read_items(Path(options.items), options)
    beside = path.with_suffix(".item")
    if path.suffix.lower() == ".inter" and beside.exists():
        return read_items(beside, options)
    if not table:
        return None
    codes, rows = np.unique(items, return_index=True)
    values = {r if r == "title" else chosen[r]: columns.texts(v.take(pa.array(rows))) for r, v in table.items()}
    return pd.DataFrame(values, index=item_names[codes])


def read_items(path: Path, options: Options) -> pd.DataFrame:
    """An item file (CSV, TSV, Parquet or RecBole's .item): index raw id, columns ``title``, ``genre`` or ``category``, ``year``."""
    readers: dict[str, Callable[[Path], tuple[Sequence[str], Column]]] = {
        ".csv": _delimited, ".tsv": lambda p: _delimited(p, "\t"), ".parquet": _parquet, ".item": _atomic
    }  # fmt: skip
    suffix = path.suffix.lower()
    if suffix not in readers:
        raise DataError(f"The item file '{path}' is of no known format; accepted are .csv, .tsv, .parquet and RecBole's .item.")
    header, read = readers[suffix](path)
    names = [h.partition(":")[0] for h in header] if suffix == ".item" else list(header)
    found = {"item": columns.find(path, names, "item", options.item if options.item in names else None, required=False)}
    if found["item"] is None:
        found["item"] = columns.find(path, names, "id", None, required=False)
    if found["item"] is None:
        raise DataError(f"The item file '{path}' has no column that looks like the item id; its columns are: {columns.listed(names)}.")
    found["title"] = columns.find(path, names, "title", None if suffix == ".item" else options.title, required=False)
    found["category"] = columns.find(path, names, "category", None if suffix == ".item" else options.category, required=False)
    found["year"] = next((i for i, n in enumerate(names) if n.strip().lower() in columns.YEAR_NAMES), None)
    positions = {role: p for role, p in found.items() if p is not None}
    table = dict(zip(positions, read(list(positions.values())), strict=True))
    codes, raw = columns.ids(path, names[positions["item"]], table.pop("item"), "item")
    known, rows = np.unique(codes, return_index=True)
    values = {role: pd.Series(columns.texts(v.take(pa.array(rows)))) for role, v in table.items()}
    if "category" in values:
        position = positions["category"]
        if header[position].endswith(":token_seq"):
            values["category"] = values["category"].str.split().str.join("|")
        label = "genre" if names[position].strip().lower() in ("class", "genre", "genres") else names[position]
        values[label] = values.pop("category")
    if "year" in values:
        values["year"] = values.pop("year").where(lambda year: year.str.fullmatch(r"\d{4}"), "")
    if "title" in values and names[positions["title"]] == "movie_title":
        values["title"] = values["title"].map(plain_title)
    return pd.DataFrame(values).set_axis(pd.Index(raw[known]))


def plain_title(title: str) -> str:
    """A catalogue title in reading order: 'Usual Suspects, The' becomes 'The Usual Suspects'."""
    return INVERTED.sub(lambda m: f"{m[2]}{'' if m[2].endswith(chr(39)) else ' '}{m[1]}", title)


def read_recbole(path: Path, name: str, options: Options) -> SequenceDataset:
    """RecBole's atomic files: ``NAME.inter`` (or its folder), titles and genres from ``NAME.item`` beside it."""
    if path.is_dir():
        found = sorted(path.glob("*.inter"))
        named = path / f"{path.name}.inter"
        if len(found) > 1 and named not in found:
            raise DataError(f"The folder '{path}' holds {len(found)} .inter files ({columns.listed([f.name for f in found])}); name one of them.")
        path = named if named in found else found[0]
    header, read = _atomic(path)
    return _from_table(path, name, options, [h.partition(":")[0] for h in header], read)


def _atomic(path: Path) -> tuple[Sequence[str], Column]:
    """Header and columns of an atomic file: tab-separated without quotes, each column named ``name:type``."""
    header, read = _delimited(path, "\t", quote=False)
    for field in header:
        if field.partition(":")[2] not in ("token", "token_seq", "float", "float_seq"):
            raise DataError(
                f"'{path}' is not a RecBole atomic file: the column {columns.shown(field)} lacks its type, as in user_id:token (token, token_seq, float, float_seq)."
            )
    return header, read


def _file(path: Path) -> Path:
    """The path, if it is a file that is not empty."""
    if path.is_dir():
        raise DataError(f"'{path}' is a folder, not a file.")
    try:
        size = path.stat().st_size
    except OSError:
        raise DataError(f"There is no file '{path}'.") from None
    if not size:
        raise DataError(f"'{path}' is empty.")
    return path


def _delimited(path: Path, separator: str | None = None, quote: bool = True) -> tuple[Sequence[str], Column]:
    """Column names of a text table and a function that reads columns by position. No separator: the header's commonest."""
    head = _head(_file(path))
    line = head.split("\n", 1)[0]
    separator = separator or max(",;\t|", key=line.count)
    rows = csv.reader(head.splitlines(keepends=True), delimiter=separator, quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE)
    try:
        names = [n.strip() for n in next(rows, [])]
    except csv.Error as error:
        raise DataError(f"The first line of '{path}' cannot be read as column names ({error}).") from None
    if not any(names):
        raise DataError(f"The first line of '{path}' is blank; it must name the columns.")

    def read(positions: Sequence[int]) -> list[pa.ChunkedArray]:
        coded = pa.dictionary(pa.int32(), pa.string())
        labels = [str(i) for i in range(len(names))]
        bad: list[tuple[int, int]] = []

        def ragged(row: Any) -> str:
            bad.append((row.number - rows.line_num, row.actual_columns))
            return "error"

        try:
            table = pyarrow.csv.read_csv(
                path,
                pyarrow.csv.ReadOptions(use_threads=False, skip_rows=rows.line_num, column_names=labels),
                pyarrow.csv.ParseOptions(delimiter=separator, quote_char='"' if quote else False, newlines_in_values=quote, invalid_row_handler=ragged),
                pyarrow.csv.ConvertOptions(include_columns=[labels[p] for p in positions], column_types=dict.fromkeys(labels, coded)),
            )
        except (pa.ArrowException, OSError) as error:
            raise _table_error(path, names, bad, error) from None
        return [table.column(i) for i in range(len(positions))]

    return names, read


def _table_error(path: Path, names: Sequence[str], ragged: Sequence[tuple[int, int]], error: Exception) -> DataError:
    """Why a text table cannot be read, as a sentence."""
    if ragged:
        row, count = ragged[0]
        return DataError(f"'{path}': row {row} has {count} columns, but the first line names {len(names)}.")
    if "UTF8" in str(error).upper().replace("-", ""):
        return DataError(f"'{path}' is not UTF-8 text; save it as UTF-8.")
    if "skip initial" in str(error):
        return DataError(f"'{path}' has column names but no interactions.")
    return DataError(f"'{path}' cannot be read as a table ({str(error).splitlines()[0].rstrip('.')}).")


def _head(path: Path) -> str:
    """The beginning of a text file; a file that is no UTF-8 text is refused."""
    try:
        with open(path, "rb") as file:
            data = file.read(HEAD)
    except OSError as error:
        raise DataError(f"'{path}' cannot be opened ({error.strerror}).") from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"'{path}' is UTF-16 text; save it as UTF-8.")
    if b"\x00" in data:
        raise DataError(f"'{path}' is a binary file, not a text table.")
    try:
        return data.decode("utf-8-sig") if len(data) < HEAD else data[: data.rfind(b"\n") + 1 or HEAD].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"'{path}' is not UTF-8 text; save it as UTF-8.") from None


def _parquet(path: Path) -> tuple[Sequence[str], Column]:
    """Column names of a Parquet file and a function that reads columns by position."""

    def broken(error: Exception) -> DataError:
        return DataError(f"'{path}' is not a readable Parquet file: damaged, cut off or of another format ({str(error).splitlines()[0].rstrip('.')}).")

    try:
        with pyarrow.parquet.ParquetFile(_file(path)) as file:
            names = list(file.schema_arrow.names)
    except (pa.ArrowException, OSError) as error:
        raise broken(error) from None

    def read(positions: Sequence[int]) -> list[pa.ChunkedArray]:
        try:
            with pyarrow.parquet.ParquetFile(path) as file:
                table = file.read(columns=[names[p] for p in positions])
            return [table.column(names[p]) for p in positions]
        except (pa.ArrowException, OSError, KeyError) as error:
            raise broken(error) from None

    return names, read


READERS: dict[str, Callable[[Path, str, Options], SequenceDataset]] = {
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".parquet": read_parquet,
    ".pq": read_parquet,
    ".inter": read_recbole,
    ".pkl": read_official,
}
