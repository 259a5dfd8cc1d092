"""Reads data sets: interactions in any file of rows and columns, RecBole's folders, dataset.pkl, prepared folders.

Every reader takes `Options`. Data that are already split refuse the options that would change them.
"""

import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from adrec.data import prepared
from adrec.data.building import build, connection
from adrec.data.dataset import SequenceDataset, item_table
from adrec.data.item_files import check_shared, read_items, told
from adrec.data.options import Options
from adrec.errors import DataError
from adrec.reading.account import listed, shown_path
from adrec.reading.opened import PACKED
from adrec.reading.roles import ROLES, interaction_roles
from adrec.reading.rows import Rows, known, open_rows
from adrec.reading.sampled import IGNORED
from adrec.reading.text import HOW

Reader = Callable[[Path, str, Options, Path | None], SequenceDataset]
OF_ITEMS = ("item", "title", "category")
"""The options that name columns of an item file."""
ROWS = (".csv", ".tsv", ".txt", ".dat", ".data", ".inter", ".parquet", ".pq", ".jsonl", ".ndjson", ".json")
"""Files of rows that are likely to hold interactions."""
FORMATS = (
    f"a file of rows ({', '.join(ROWS)}), also packed ({', '.join(PACKED)}), the folder of a RecBole .inter file, the official code's "
    "dataset.pkl, or a folder that data prepare wrote"
)


TEXT_OPTIONS = tuple(f.name for f in fields(Options) if f.name != "items")
"""The options that a stranger may set as text: all but paths."""


def read_dataset(path: str | Path, name: str | None = None, into: Path | None = None, **options: Any) -> SequenceDataset:
    """The data set in a file or folder; the suffix or the folder's contents determine the reader. into: a folder for arrays too large for
    memory, which a reader of interactions writes there."""
    path = Path(path).expanduser()
    label = path.parent.resolve().name if path.name == "dataset.pkl" else path.stem
    if path.suffix.lower() in PACKED:
        label = Path(label).stem
    return reader_for(path)(path, name or label, Options.check(options), into)


def reader_for(path: Path) -> Reader:
    """The function that reads this path; a DataError with the known formats if there is none."""
    if prepared.is_prepared(path):
        return read_prepared
    if path.is_dir() and not known(path) and path.suffix.lower() != ".pkl":
        if list(path.glob("*.inter")):
            return read_recbole
        if (path / "dataset.pkl").is_file():
            return lambda folder, *how: read_official(folder / "dataset.pkl", *how)
        raise DataError(f"The folder '{path}' holds neither a .inter file, a dataset.pkl nor a {prepared.INFO}; expected {FORMATS}.")
    if path.suffix.lower() == ".pkl":
        return read_official
    if not known(path):
        raise DataError(f"'{path}' has an unknown format; expected {FORMATS}.")
    return read_table


def read_table(path: Path, name: str, options: Options, into: Path | None = None) -> SequenceDataset:
    """Interactions in a file of rows and columns."""
    with connection(into) as con, open_rows(path, con, **options.values(*HOW)) as rows:
        beside = path.with_suffix(".item") if path.suffix.lower() == ".inter" else None
        return _from_rows(con, rows, name, options, beside if beside is not None and beside.exists() else None, into)


def read_frame(frame: pd.DataFrame, name: str = "interactions", **options: Any) -> SequenceDataset:
    """The data set in a pandas frame, with columns named or found as in a file."""
    with tempfile.TemporaryDirectory(prefix="adrec-") as folder:
        path = Path(folder) / "frame.parquet"
        try:
            frame.to_parquet(path, index=False)
        except (pa.ArrowException, ValueError) as error:
            raise DataError(f"'{name}' cannot be read as a table ({str(error).splitlines()[0].rstrip('.')}).") from None
        with connection(None) as con, open_rows(path, con) as rows:
            rows.path, rows.account.path = Path(name), name
            return _from_rows(con, rows, name, Options.check(options))


def _from_rows(
    con: duckdb.DuckDBPyConnection, rows: Rows, name: str, options: Options, item_file: Path | None = None, into: Path | None = None
) -> SequenceDataset:
    """The data set in the rows of a file. item_file: titles that lie beside it."""
    wanted = options.values(*ROLES, "dates", "unit", "events")
    if options.items:
        item_file = Path(options.items)
        wanted |= {"title": IGNORED, "category": IGNORED}
    roles = interaction_roles(rows, con, wanted)
    for option, role in (("min_rating", "rating"), ("events", "event")):
        if getattr(options, option) is not None and getattr(roles, role) is None:
            present = f"its columns are: {listed(rows.names)}"
            raise DataError(f"{shown_path(rows.path)} has no {role} column, which {option} needs: name it with {role}=COLUMN; {present}.")
    roles.tell(rows.account)
    recorded = {
        "format": rows.suffix[1:],
        **roles.options(),
        "guessed": list(roles.guessed),
        **options.values("items", "min_rating", "k_core"),
        **{n: v for n, v in options.values("missing", "events", "drop_users", "split", "dates", "unit", *HOW).items() if v is not None},
        **(options.values("title", "category") if options.items else {}),
        "repeats": options.repeats or "exact",
    }
    attributes = None
    if item_file is not None:
        attributes, of_items = read_items(item_file, **(options.values(*OF_ITEMS) if options.items else {}))
        rows.account.note(told(of_items))
    data = build(con, roles, options, name, recorded, attributes, into)
    if attributes is not None and item_file is not None:
        check_shared(item_file, attributes, data.items.frame["item"].tolist())
    return data


def read_official(path: Path, name: str, options: Options, into: Path | None = None) -> SequenceDataset:
    """The official code's dataset.pkl, or DiffuRec's: ``train``, ``val``, ``test``, each a list per user. Nothing in it is executed.

    It is already split, so filters are refused. Without ``umap`` and ``smap`` in the file, its numbers are the ids.
    """
    from adrec.data.pickles import read_sequences

    given = [n for n in options.given() if n not in ("items", *OF_ITEMS)]
    if given:
        raise DataError(f"'{path}' is already filtered and split; {' and '.join(given)} cannot be applied to it.")
    split = read_sequences(path)
    attributes = read_items(Path(options.items), **options.values(*OF_ITEMS))[0] if options.items else None
    recorded = {"format": "dataset.pkl", **{n: getattr(options, n) for n in ("items", "item", "title", "category")}, "dropped_users": 0}
    if attributes is not None and options.items:
        check_shared(Path(options.items), attributes, split.items)
    items, users = item_table(split.items, attributes), np.array(split.users)
    return SequenceDataset(name, split.train_items, split.train_offsets, split.val, split.test, items, users, recorded)


def read_prepared(path: Path, name: str, options: Options, into: Path | None = None) -> SequenceDataset:
    """A folder written by `prepared.save`. It is already filtered and split, so every option is refused; it keeps its own name."""
    given = options.given()
    if given:
        raise DataError(f"'{path}' is already prepared; {' and '.join(given)} can only be applied to the original data.")
    return prepared.load(path)


def read_recbole(path: Path, name: str, options: Options, into: Path | None = None) -> SequenceDataset:
    """The folder of RecBole's atomic files: ``NAME.inter``, with titles and genres from ``NAME.item`` next to it."""
    found = sorted(path.glob("*.inter"))
    named = path / f"{path.name}.inter"
    if len(found) > 1 and named not in found:
        files = listed([f.name for f in found])
        raise DataError(f"The folder '{path}' holds {len(found)} .inter files ({files}); choose one of them.")
    return read_table(named if named in found else found[0], name, options, into)
