"""Snapshots: the item table along the way, of which a very large one keeps a sample of the items."""

from pathlib import Path

import numpy as np

from adrec.errors import RunError
from adrec.files import load_arrays, save_arrays
from adrec.runs.folder import ITEM_TABLE, RunFolder
from adrec.runs.shapes import require

MOST_ITEMS = 50_000


def save_snapshot(path: Path, table: np.ndarray, popularity: np.ndarray) -> None:
    """Save a table (V + 1, D) in half precision, or a sample of its rows with their ids. popularity: (V + 1,)."""
    if len(table) - 1 <= MOST_ITEMS:
        save_arrays(path, {ITEM_TABLE: table.astype(np.float16)})
    else:
        ids = 1 + spread(popularity[1:], MOST_ITEMS)
        save_arrays(path, {ITEM_TABLE: table[ids].astype(np.float16), "ids": ids})


def load_snapshot(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """The item table of a snapshot without its padding row, (n, D) float32, and its rows (n,) in the whole table if it is a sample."""
    arrays = load_arrays(path)
    require(ITEM_TABLE in arrays, path, "it holds no item table")
    table = arrays[ITEM_TABLE].astype(np.float32)
    return (table, arrays["ids"] - 1) if "ids" in arrays else (table[1:], None)


def table_at(run: RunFolder, stage: str, epoch: int) -> np.ndarray:
    """The item table (V, D) that was saved after an epoch of a stage, or kept; 0: the table that the stage began with."""
    if epoch == 0:
        names = run.table_names()
        return run.table(names[names.index(stage) - 1])
    found = next((path for at, saved, path in run.snapshots() if (at, saved) == (stage, epoch)), None)
    if found is None and stage in run.stages and epoch == run.metrics(stage).get("epoch"):
        return run.table(stage)
    if found is None:
        raise RunError(f"'{run.path}' keeps no item table of epoch {epoch} of its stage '{stage}'.")
    return load_snapshot(found)[0]


def spread(popularity: np.ndarray, count: int) -> np.ndarray:
    """``count`` rows, ascending, spread evenly over popularity (V,)."""
    ranked = np.argsort(popularity, kind="stable")
    return np.sort(ranked[np.linspace(0, len(ranked) - 1, count).astype(int)])
