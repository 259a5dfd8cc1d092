"""What every dial does to a run's last table, by degrees: pictures and verdict, computed once and kept in the run folder."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from adrec.collapse import diagnosis
from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.dials import DEGREES, DIALS, PictureChange, Pictures, dial, picture_changes
from adrec.collapse.verdict import diagnose
from adrec.data.dataset import SequenceDataset
from adrec.files import read_json, write_text
from adrec.maps.projection import distinct_tables
from adrec.parallel.threads import one_thread
from adrec.runs import RunFolder
from adrec.runs.cache import Cache
from adrec.runs.snapshots import spread

VERSION = [1, diagnosis.VERSION]
FILE = "dials.json"
ITEMS = 5_000
"""The most items in the pictures and the verdict; larger tables are sampled evenly over popularity."""


def dialled(run: RunFolder, data: SequenceDataset | None = None) -> dict[str, Any]:
    """``{"version", "tables_hash", "data_hash", "verdict", "degrees": {kind: {percent: {"changes", "verdict"}}}}``.

    verdict: the kind of the table itself and of each changed one. changes: picture, before, after and noticed of each. Kept like a
    diagnosis: without data only the spectral half of the verdicts is decided, unless what is kept used it.
    """
    tables, _ = distinct_tables(run.tables())
    key = diagnosis.tables_hash(run, run.tables())

    def holds(found: Mapping[str, Any]) -> bool:
        return (
            found.get("version") == VERSION
            and found.get("tables_hash") == key
            and (data is None or found["data_hash"] == data.content_hash)
        )

    cache = Cache(run, FILE, f"dials/{key[:32]}.json")
    found = cache.load(read_json, holds)
    if found is not None:
        return found
    rows, table = shown_rows(run), tables[list(tables)[-1]]
    whole = len(rows) == len(table)
    near = None if data is None else Cooccurrence.from_dataset(data)
    near = near if near is None or whole else near.among(rows)
    initial = tables["initial"][rows] if "initial" in tables and len(tables) > 1 else None

    def kind_of(changed: np.ndarray) -> str:
        return diagnose(changed, cooccurrence=near, data=data if whole else None, initial=initial).kind

    def one(kind: str, degree: float) -> dict[str, Any]:
        after = dial(table, kind, degree)[rows]
        seen = [
            [c.picture, _short(c.before), _short(c.after), bool(c.noticed)] for c in picture_changes(before, Pictures.from_table(after))
        ]
        return {"changes": seen, "verdict": kind_of(after)}

    with one_thread():
        before = Pictures.from_table(table[rows])
        result = {
            "version": VERSION,
            "tables_hash": key,
            "data_hash": None if data is None else data.content_hash,
            "verdict": kind_of(table[rows]),
            "degrees": {kind: {f"{100 * d:.0f}": one(kind, d) for d in DEGREES if d} for kind in DIALS},
        }
    cache.save(lambda path: write_text(path, json.dumps(result, separators=(",", ":")) + "\n"))
    return result


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def shown_rows(run: RunFolder) -> np.ndarray:
    """The rows of the pictures and the verdict."""
    items = run.items
    if len(items) <= ITEMS:
        return np.arange(len(items))
    return spread(items["popularity"].to_numpy() if "popularity" in items else np.arange(len(items)), ITEMS)


def changes(found: Mapping[str, Any], kind: str, percent: int) -> list[PictureChange]:
    """The kept changes of one degree, as ``picture_changes`` gave them; at 0, none."""
    if percent == 0:
        return [PictureChange(name, before, before, False) for name, before, _, _ in next(iter(found["degrees"][kind].values()))["changes"]]
    return [PictureChange(*change) for change in found["degrees"][kind][str(percent)]["changes"]]
