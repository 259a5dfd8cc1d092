"""A small copy of a finished run to share: everything the app shows, in half precision, without what only training needs."""

import json
import shutil
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from adrec.errors import RunError
from adrec.files import atomic, load_arrays, save_arrays, write_json
from adrec.runs import ITEM_TABLE, RunFolder

FINAL = "finetune"
STEPS_KEPT = 300


def compact(
    run: RunFolder,
    out: str | Path,
    snapshots: int = 6,
    tables_only: bool = False,
    *,
    epochs: Collection[int] = (),
    weights: Collection[int] = (),
) -> RunFolder:
    """Copy ``run`` to the new folder ``out``: float16 item tables of every stage, the final weights, metrics, events with at most
    ``STEPS_KEPT`` steps a stage, and ``snapshots`` of the item tables saved along the way: the last, the first, and evenly between. What
    a stage left as it was is kept once: a table that equals an earlier one is not written, nor a snapshot of the epoch that a stage kept.

    tables_only: keep only the item table of the final weights, if there is one; pages that need a model then say that there is none.
    epochs: keep the item tables of these epochs of the last stage instead. weights: epochs of the last stage whose whole models are kept
    beside the final one.
    """
    copy = RunFolder(out)
    if run.status["state"] != "finished" or FINAL not in run.stages:
        raise RunError(f"Run '{run.path}' is not finished; only a finished run can be compacted.")
    if copy.path.exists():
        raise RunError(f"'{copy.path}' already exists; choose another folder.")
    tables = _of_epochs(run, epochs) if epochs else _spread(run, snapshots)
    missing = [epoch for epoch in weights if epoch not in run.weight_epochs(FINAL)]
    if missing:
        raise RunError(f"Run '{run.path}' has no weights of epoch {missing[0]}: train with --set keep_weights=every.")
    with copy.owned():
        _fill(copy, run, tables, tables_only)
        for epoch in weights:
            save_arrays(copy.weights_path(FINAL, epoch), _halved(run.weights_path(FINAL, epoch), None))
    return copy


def _spread(run: RunFolder, number: int) -> list[Path]:
    """Snapshots of item tables: the last, the first, and evenly between."""
    saved = [path for stage, epoch, path in run.snapshots() if epoch != _kept(run, stage)]
    return [saved[i] for i in sorted({round(x) for x in np.linspace(len(saved) - 1, 0, min(number, len(saved)))})]


def _of_epochs(run: RunFolder, epochs: Collection[int]) -> list[Path]:
    """The snapshots of these epochs of the last stage."""
    saved = {epoch: path for stage, epoch, path in run.snapshots() if stage == FINAL}
    missing = [epoch for epoch in epochs if epoch not in saved]
    if missing:
        raise RunError(f"Run '{run.path}' has no item table of epoch {missing[0]}; it has {', '.join(map(str, saved)) or 'none'}.")
    return [saved[epoch] for epoch in epochs if epoch != _kept(run, FINAL)]


def _kept(run: RunFolder, stage: str) -> int | None:
    """The epoch whose weights a stage kept: its snapshot would hold the same table once more."""
    return run.metrics(stage).get("epoch") if stage in run.stages else None


def _fill(copy: RunFolder, run: RunFolder, snapshots: Sequence[Path], tables_only: bool) -> None:
    tables, same = {}, {}
    if "initial" in run.table_names():
        path = Path("snapshots/initial.safetensors")
        tables["initial"] = _halved(run.path / path, (ITEM_TABLE,))
        save_arrays(copy.path / path, tables["initial"])
    for stage in run.stages:
        path = run.weights_path(stage)
        if "item_table" in run.abilities:
            arrays = _halved(path, None if stage == FINAL and not tables_only else (ITEM_TABLE,))
        else:
            arrays = {} if tables_only else load_arrays(path)  # counts and item numbers, which half precision would change
        earlier = next((name for name, table in tables.items() if _equal(table, arrays)), None)
        if earlier is None:
            tables[stage] = arrays
            save_arrays(copy.weights_path(stage), arrays)
        else:
            same[stage] = earlier
        for name in ("metrics.json", "test_ranks.npy"):
            _copy(run.path / "stages" / stage / name, copy.path / "stages" / stage / name)
    for path in snapshots:
        _copy(path, copy.path / "snapshots" / path.name)
    _copy(run.path / "items.csv", copy.path / "items.csv")
    _write_events(copy, run.events()[0])
    write_json(copy.path / "run.json", _described(run.info, same))
    write_json(copy.path / "status.json", {"state": "finished", "error": None})


def _equal(arrays: dict[str, np.ndarray], others: dict[str, np.ndarray]) -> bool:
    return arrays.keys() == others.keys() and all(np.array_equal(arrays[name], others[name]) for name in arrays)


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


def _described(info: dict[str, Any], same: dict[str, str]) -> dict[str, Any]:
    """run.json for the copy: no path on this machine, nor the account of a file on it, and only the best weights. same: the earlier table
    that a stage's equals."""
    return {
        **info,
        "dataset": {name: value for name, value in info["dataset"].items() if name != "account"},
        "same": same,
        "train": info["train"] | {"keep_weights": "best"},
        "pretrained": info.get("pretrained") and Path(info["pretrained"]).name,
    }


def _halved(path: Path, names: tuple[str, ...] | None) -> dict[str, np.ndarray]:
    return {k: v.astype(np.float16) for k, v in load_arrays(path, names).items()}


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
