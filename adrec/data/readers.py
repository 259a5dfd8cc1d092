"""Reads data sets from files, one function per format: CSV, TSV, Parquet, RecBole's atomic files, dataset.pkl, prepared folders.

Every reader takes the options ``user, item, time, rating, title, category`` (column names, guessed if not given; ``none`` ignores an
optional column), ``items`` (a separate item file), ``min_rating`` and ``k_core``. Data that are already split refuse the options that
would change them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from adrec.data import columns, prepared
from adrec.data.dataset import SequenceDataset
from adrec.data.filters import Interactions, build, item_table
from adrec.data.item_files import category_name, read_items
from adrec.data.tables import TABLES, Column, atomic_file
from adrec.errors import DataError

FORMATS = (
    "a .csv, .tsv or .parquet file, a RecBole .inter file or the folder that holds it, the official code's dataset.pkl, "
    "or a folder that data prepare wrote"
)


TEXT_OPTIONS = (*columns.ROLES, "min_rating", "k_core")
"""The options that a stranger may set as text: column names and filters, but no paths."""


@dataclass(frozen=True)
class Options:
    """Options of a reader. Column names are guessed if None; filters are off if None."""

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
        values: dict[str, Any] = {k: str(v) for k, v in given.items() if v is not None and v != ""}
        if "min_rating" in values:
            values["min_rating"] = _number("min_rating", values["min_rating"])
        if "k_core" in values:
            k = _number("k_core", values["k_core"])
            if k != int(k) or not 0 <= k < 1e9:
                raise DataError(f"The option k_core must be an integer of at least 0, not '{given['k_core']}'.")
            values["k_core"] = int(k) or None
        if "items" in values:
            values["items"] = str(Path(values["items"]).expanduser().resolve())
        return cls(**values)


def _number(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise DataError(f"The option {name} must be a number, not '{value}'.")
    return number


def read_dataset(path: str | Path, name: str | None = None, **options: Any) -> SequenceDataset:
    """The data set in a file or folder; the suffix or the folder's contents determine the reader."""
    path = Path(path).expanduser()
    label = path.parent.resolve().name if path.name == "dataset.pkl" else path.stem
    return reader_for(path)(path, name or label, Options.check(options))


def reader_for(path: Path) -> Callable[[Path, str, Options], SequenceDataset]:
    """The function that reads this path; a DataError with the known formats if there is none."""
    if prepared.is_prepared(path):
        return read_prepared
    if path.is_dir() and path.suffix.lower() not in READERS:
        if list(path.glob("*.inter")):
            return read_recbole
        if (path / "dataset.pkl").is_file():
            return lambda folder, name, options: read_official(folder / "dataset.pkl", name, options)
        raise DataError(f"The folder '{path}' holds neither a .inter file, a dataset.pkl nor a {prepared.INFO}; expected {FORMATS}.")
    if path.suffix.lower() not in READERS:
        raise DataError(f"'{path}' has an unknown format; expected {FORMATS}.")
    return READERS[path.suffix.lower()]


def read_table(path: Path, name: str, options: Options) -> SequenceDataset:
    """A table in a file: text with column names in the first line, or Parquet."""
    return _from_table(path, name, options, *TABLES[path.suffix.lower()](path))


def read_frame(frame: pd.DataFrame, name: str = "interactions", **options: Any) -> SequenceDataset:
    """The data set in a pandas frame, with columns named or guessed as in a file."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return _from_table(Path(name), name, Options.check(options), table.column_names, lambda at: [table.column(i) for i in at])


def read_official(path: Path, name: str, options: Options) -> SequenceDataset:
    """The official code's dataset.pkl, or DiffuRec's: ``train``, ``val``, ``test``, each a list per user. Nothing in it is executed.

    It is already split, so filters are refused. Without ``umap`` and ``smap`` in the file, its numbers are the ids.
    """
    from adrec.data.pickles import read_sequences

    given = [n for n in ("min_rating", "k_core", "user", "time", "rating") if getattr(options, n) is not None]
    if given:
        raise DataError(f"'{path}' is already filtered and split; {' and '.join(given)} cannot be applied to it.")
    split = read_sequences(path)
    attributes = read_items(Path(options.items), options.item, options.title, options.category) if options.items else None
    recorded = {"format": "dataset.pkl", **{n: getattr(options, n) for n in ("items", "item", "title", "category")}, "dropped_users": 0}
    items, users = item_table(split.items, attributes), np.array(split.users)
    return SequenceDataset(name, split.train_items, split.train_offsets, split.val, split.test, items, users, recorded)


def read_prepared(path: Path, name: str, options: Options) -> SequenceDataset:
    """A folder written by `prepared.save`. It is already filtered and split, so every option is refused; it keeps its own name."""
    given = [f.name for f in fields(Options) if getattr(options, f.name) is not None]
    if given:
        raise DataError(f"'{path}' is already prepared; {' and '.join(given)} can only be applied to the original data.")
    return prepared.load(path)


def _from_table(path: Path, name: str, options: Options, names: Sequence[str], read: Column) -> SequenceDataset:
    """The data set of a table with these column names."""
    wanted = {role: getattr(options, role) for role in columns.ROLES}
    if options.items:  # titles and categories come from the item file
        wanted |= {"title": columns.IGNORED, "category": columns.IGNORED}
    found, chosen = columns.choose(path, names, wanted)
    if options.items:
        chosen |= {"title": options.title, "category": options.category}
    table = dict(zip(found, read(list(found.values())), strict=True))
    if not len(table["user"]):
        raise DataError(f"'{path}' has column names but no interactions.")
    if options.min_rating is not None and "rating" not in table:
        present = columns.listed(names)
        raise DataError(f"'{path}' has no rating column, which min_rating needs: name it with rating=COLUMN; its columns are: {present}.")
    return build(name, _interactions(path, options, table, chosen), options.min_rating, options.k_core, source=str(path))


def _interactions(path: Path, options: Options, table: dict[str, pa.ChunkedArray], chosen: Mapping[str, Any]) -> Interactions:
    """Interactions from a table's columns by role. Columns are popped from ``table`` one by one to free the file's values early."""
    users, user_names = columns.ids(path, chosen["user"], table.pop("user"), "user")
    items, item_names = columns.ids(path, chosen["item"], table.pop("item"), "item")
    return Interactions(
        users,
        items,
        user_names,
        item_names,
        columns.times(path, chosen["time"], table.pop("time")) if "time" in table else None,
        columns.numbers(path, chosen["rating"], table.pop("rating"), "rating") if "rating" in table else None,
        _attributes(path, options, items, item_names, table, chosen),
        {"format": path.suffix[1:].lower(), **chosen, "items": options.items},
    )


def _attributes(
    path: Path, options: Options, items: np.ndarray, item_names: np.ndarray, table: Mapping[str, pa.ChunkedArray], chosen: Mapping[str, Any]
) -> pd.DataFrame | None:
    """Titles and categories: from the item file, else from the first row of each item."""
    if options.items:
        return read_items(Path(options.items), options.item, options.title, options.category)
    item_file = path.with_suffix(".item")
    if path.suffix.lower() == ".inter" and item_file.exists():
        return read_items(item_file)
    if not table:
        return None
    codes, rows = np.unique(items, return_index=True)
    values = {r if r == "title" else category_name(chosen[r]): columns.texts(v.take(pa.array(rows))) for r, v in table.items()}
    return pd.DataFrame(values, index=item_names[codes])


def read_recbole(path: Path, name: str, options: Options) -> SequenceDataset:
    """RecBole's atomic files: ``NAME.inter`` (or its folder), with titles and genres from ``NAME.item`` next to it."""
    if path.is_dir() and list(path.glob("*.inter")):
        found = sorted(path.glob("*.inter"))
        named = path / f"{path.name}.inter"
        if len(found) > 1 and named not in found:
            files = columns.listed([f.name for f in found])
            raise DataError(f"The folder '{path}' holds {len(found)} .inter files ({files}); choose one of them.")
        path = named if named in found else found[0]
    header, read = atomic_file(path)
    return _from_table(path, name, options, [h.partition(":")[0] for h in header], read)


READERS: dict[str, Callable[[Path, str, Options], SequenceDataset]] = {
    **dict.fromkeys(TABLES, read_table),
    ".inter": read_recbole,
    ".pkl": read_official,
}
