"""The verdict on every table of a run, with measures and spectra: computed once and cached in the run folder."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.measures import table_report
from adrec.collapse.verdict import Verdict, diagnose
from adrec.data import catalog
from adrec.data.dataset import SequenceDataset
from adrec.errors import DataError
from adrec.files import read_json, write_json
from adrec.runs import Progress, RunFolder
from adrec.runs.cache import Cache
from adrec.runs.snapshots import load_snapshot

VERSION = 10
"""Part of the cache key; raised when a measure or the rule changes."""
FILE = "diagnosis.json"


def table_entries(
    tables: Mapping[str, np.ndarray],
    cooccurrence: Cooccurrence | None = None,
    initial: np.ndarray | None = None,
    follows: bool = False,
    progress: Progress | None = None,
    data: SequenceDataset | None = None,
) -> list[dict[str, Any]]:
    """The entries of ``collapse --json``: ``measures.table_report`` of each table (V, D), with its ``verdict``.

    cooccurrence: of the tables' item rows; without it only the spectral half is decided. data: that it is from, to weigh the verdicts by
    what the tables mean. initial: the table before any training (default:
    the table named 'initial', if there is one). follows: each table is a later stage of the previous one, so that erosion can be seen.
    A table whose shape differs from ``initial`` or from its predecessor is judged without that one.
    """
    verdicts = table_verdicts(tables, cooccurrence, initial, follows, progress, data)
    return [{**table_report(name, tables[name]), "verdict": verdict.to_json()} for name, verdict in verdicts]


def table_verdicts(
    tables: Mapping[str, np.ndarray],
    cooccurrence: Cooccurrence | None = None,
    initial: np.ndarray | None = None,
    follows: bool = False,
    progress: Progress | None = None,
    data: SequenceDataset | None = None,
) -> Iterator[tuple[str, Verdict]]:
    """The name and verdict of each table, as in `table_entries`, without the measures that the verdict does not need; some of those
    compare every pair of items."""
    start = tables.get("initial") if initial is None else initial
    last: np.ndarray | None = None
    for i, (name, table) in enumerate(tables.items()):
        if progress:
            progress(i / len(tables), f"judging {name}")
        first = start if start is not None and start.shape == table.shape else None
        before = last if follows and last is not None and last.shape == table.shape else None
        yield name, diagnose(table, cooccurrence=cooccurrence, data=data, initial=first, before=before, name=f"'{name}'")
        last = None if name == "initial" else table  # a random start is not a stage


def local_data(run: RunFolder) -> tuple[SequenceDataset | None, str]:
    """The data set that a run was trained on, if it can be loaded without a download; else None and the reason as a sentence."""
    entry = run.info.get("dataset")
    name = entry.get("name") if isinstance(entry, Mapping) else None
    if not isinstance(name, str):
        return None, f"The run '{run.path}' does not record which data set it was trained on."
    if not catalog.available(name):
        return None, f"The data set '{name}' is not on this machine."
    try:
        return catalog.load_for_run(run.info), ""
    except DataError as error:
        return None, str(error)


def diagnosis(run: RunFolder, data: SequenceDataset | None = None, progress: Progress | None = None) -> dict[str, Any]:
    """Measures, spectra and verdicts of a run's tables and training snapshots, cached in the run folder.

    ``{"version", "tables_hash", "data_hash", "tables": [...], "snapshots": [...]}``: a table's entry is as in ``collapse --json``; a
    snapshot's is ``{"stage", "epoch", "items", "width", "singular_values", "measures", "verdict"}``. Without data (``data_hash`` None)
    only the spectral half is decided, unless a cached diagnosis used the data. A run without tables is a RunError.
    """
    tables = run.checked_tables()
    key = tables_hash(run, tables)
    cached = _cached(run, key)
    if cached is not None and (data is None or cached["data_hash"] == data.content_hash):
        return cached
    width = next(iter(tables.values())).shape[0]
    if data is not None and data.n_items != width:
        counts = f"'{data.name}' has {data.n_items:,} items and the run '{run.path}' {width:,}"
        raise DataError(f"The data set {counts}; expected the run's own data set.")
    cooccurrence = None if data is None else Cooccurrence.from_dataset(data)
    snapshots = [] if run.bare_tables is not None else run.snapshots()  # a loop elsewhere has judged its own
    share = len(tables) / (len(tables) + len(snapshots))
    own = progress or (lambda fraction, words: None)
    trained = "pretrain" in tables or "finetune" in tables
    entries = table_entries(tables, cooccurrence, follows=trained, progress=lambda f, words: own(f * share, words), data=data)
    found = []
    for i, (stage, epoch, path) in enumerate(snapshots):
        own(share + (1 - share) * i / len(snapshots), f"judging epoch {epoch} of {stage}")
        found.append({"stage": stage, "epoch": epoch, **_snapshot(path, cooccurrence, data, tables.get("initial"))})
    data_hash = None if data is None else data.content_hash
    result = {"version": VERSION, "tables_hash": key, "data_hash": data_hash, "tables": entries, "snapshots": found}
    _cache(run, key).save(lambda path: write_json(path, result))
    return result


def cached_diagnosis(run: RunFolder) -> dict[str, Any] | None:
    """The cached `diagnosis` of the current tables, or None."""
    tables = run.tables()
    return _cached(run, tables_hash(run, tables)) if tables else None


def tables_hash(run: RunFolder, tables: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of the tables' names and contents and of the snapshots' names and sizes."""
    digest = hashlib.sha256()
    for name, table in tables.items():
        digest.update(f"{name} {table.shape}".encode())
        digest.update(np.ascontiguousarray(table, dtype="<f4").data)
    for _, _, path in run.snapshots():
        digest.update(f"{path.name} {path.stat().st_size}".encode())
    return digest.hexdigest()


def _snapshot(path: Path, cooccurrence: Cooccurrence | None, data: SequenceDataset | None, initial: np.ndarray | None) -> dict[str, Any]:
    """The entry of one snapshot; that of a very large table holds a sample of the items, and is not weighed by what they mean."""
    table, rows = load_snapshot(path)
    if rows is not None:
        cooccurrence, data = None if cooccurrence is None else cooccurrence.among(rows), None
        initial = None if initial is None else initial[rows]
    initial = initial if initial is not None and initial.shape == table.shape else None
    report = table_report(path.stem, table)
    verdict = diagnose(table, cooccurrence=cooccurrence, data=data, initial=initial, name=f"'{path.stem}'")
    return {**{key: report[key] for key in ("items", "width", "singular_values", "measures")}, "verdict": verdict.to_json()}


def _cache(run: RunFolder, key: str) -> Cache:
    return Cache(run, FILE, f"diagnosis/{key[:32]}.json")


def _cached(run: RunFolder, key: str) -> dict[str, Any] | None:
    def holds(found: dict[str, Any]) -> bool:
        return found.get("version") == VERSION and found.get("tables_hash") == key and isinstance(found.get("tables"), list)

    return _cache(run, key).load(read_json, holds)
