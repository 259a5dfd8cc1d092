"""A small copy of a finished run to pass on: everything the app shows, in half precision, without what only training needs."""

import shutil
from pathlib import Path

import numpy as np

from adrec.errors import RunError
from adrec.runs import ITEM_TABLE, RunFolder, load_arrays, save_arrays, write_json

FINAL = "finetune"


def compact(run: RunFolder, out: str | Path, snapshots: int = 6) -> RunFolder:
    """Copy ``run`` to the new folder ``out``: float16 item tables of every stage, the final weights, metrics, events,
    and ``snapshots`` of the item tables saved along the way, spread evenly over the training."""
    copy = RunFolder(out)
    if run.status["state"] != "finished" or FINAL not in run.stages:
        raise RunError(f"Run '{run.path}' is not finished; only a finished run can be compacted.")
    if copy.path.exists():
        raise RunError(f"'{copy.path}' exists already; choose another folder.")
    for stage in run.stages:
        names = None if stage == FINAL else (ITEM_TABLE,)
        save_arrays(copy.weights_path(stage), _halved(run.weights_path(stage), names))
        for name in ("metrics.json", "test_ranks.npy"):
            _copy(run.path / "stages" / stage / name, copy.path / "stages" / stage / name)
    if "initial" in run.table_names():
        path = Path("snapshots/initial.safetensors")
        save_arrays(copy.path / path, _halved(run.path / path, (ITEM_TABLE,)))
    saved = run.snapshots()
    for i in sorted({round(x) for x in np.linspace(0, len(saved) - 1, min(snapshots, len(saved)))}):
        _copy(saved[i][2], copy.path / "snapshots" / saved[i][2].name)
    for name in ("events.jsonl", "items.csv", "run.json"):
        _copy(run.path / name, copy.path / name)
    write_json(copy.path / "status.json", {"state": "finished", "error": None})
    return copy


def _halved(path: Path, names: tuple[str, ...] | None) -> dict[str, np.ndarray]:
    return {k: v.astype(np.float16) for k, v in load_arrays(path, names).items()}


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
