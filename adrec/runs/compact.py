"""A small copy of a finished run to share: everything the app shows, in half precision, without what only training needs."""

import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from adrec.errors import RunError
from adrec.files import atomic, load_arrays, save_arrays, write_json
from adrec.runs import ITEM_TABLE, RunFolder

FINAL = "finetune"
STEPS_KEPT = 300


def compact(run: RunFolder, out: str | Path, snapshots: int = 6, tables_only: bool = False) -> RunFolder:
    """Copy ``run`` to the new folder ``out``: float16 item tables of every stage, the final weights, metrics, events with at most
    ``STEPS_KEPT`` steps a stage, and ``snapshots`` of the item tables saved along the way: the last, the first, and evenly between.

    tables_only: keep only the item table of the final weights; pages that need a model then say that there is none.
    """
    copy = RunFolder(out)
    if run.status["state"] != "finished" or FINAL not in run.stages:
        raise RunError(f"Run '{run.path}' is not finished; only a finished run can be compacted.")
    if copy.path.exists():
        raise RunError(f"'{copy.path}' already exists; choose another folder.")
    with copy.owned():
        _fill(copy, run, snapshots, tables_only)
    return copy


def _fill(copy: RunFolder, run: RunFolder, snapshots: int, tables_only: bool) -> None:
    for stage in run.stages:
        names = None if stage == FINAL and not tables_only else (ITEM_TABLE,)
        save_arrays(copy.weights_path(stage), _halved(run.weights_path(stage), names))
        for name in ("metrics.json", "test_ranks.npy"):
            _copy(run.path / "stages" / stage / name, copy.path / "stages" / stage / name)
    if "initial" in run.table_names():
        path = Path("snapshots/initial.safetensors")
        save_arrays(copy.path / path, _halved(run.path / path, (ITEM_TABLE,)))
    saved = run.snapshots()
    for i in sorted({round(x) for x in np.linspace(len(saved) - 1, 0, min(snapshots, len(saved)))}):
        _copy(saved[i][2], copy.path / "snapshots" / saved[i][2].name)
    _copy(run.path / "items.csv", copy.path / "items.csv")
    _write_events(copy, run.events()[0])
    write_json(copy.path / "run.json", _described(run.info))
    write_json(copy.path / "status.json", {"state": "finished", "error": None})


def _write_events(copy: RunFolder, events: list[dict[str, Any]]) -> None:
    """Write all events, but only an evenly spaced part of each stage's steps, always including the last."""
    steps = defaultdict(list)
    for i, event in enumerate(events):
        if event["kind"] == "step":
            steps[event["stage"]].append(i)
    dropped = set()
    for indices in steps.values():
        kept = np.linspace(len(indices) - 1, 0, min(STEPS_KEPT, len(indices))).round().astype(int)
        dropped |= set(indices) - {indices[k] for k in kept}
    with atomic(copy.events_path, "w") as file:
        file.writelines(json.dumps(event) + "\n" for i, event in enumerate(events) if i not in dropped)


def _described(info: dict[str, Any]) -> dict[str, Any]:
    """run.json for the copy: no path on this machine, and only the best weights."""
    return {
        **info,
        "train": info["train"] | {"keep_weights": "best"},
        "pretrained": info.get("pretrained") and Path(info["pretrained"]).name,
    }


def _halved(path: Path, names: tuple[str, ...] | None) -> dict[str, np.ndarray]:
    return {k: v.astype(np.float16) for k, v in load_arrays(path, names).items()}


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
