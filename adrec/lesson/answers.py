"""What a run's model answers to the lesson's people."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from adrec.runs import RunFolder
from adrec.runs.snapshots import table_at

TEN = 10
END = 126


def end_of(run: RunFolder) -> int | None:
    """The epoch that stands for a training that was never stopped: END, where its table was kept. None: the one that the training
    selected."""
    return END if ("finetune", END) in {(stage, epoch) for stage, epoch, _ in run.snapshots()} else None


def table_of(run: RunFolder) -> np.ndarray:
    """The item table that stands for a run: (V, D)."""
    end = end_of(run)
    return run.table("finetune") if end is None else table_at(run, "finetune", end)


def right_more(run: RunFolder, other: RunFolder) -> dict[str, float]:
    """Of 100 test users, how many more one run is right for within ten films than another, paired by user: ``value`` and ``error``."""
    ranks, others = (each.test_ranks("finetune") for each in (run, other))
    more = 100.0 * (ranks <= TEN) - 100.0 * (others <= TEN)
    return {"value": round(float(more.mean()), 1), "error": round(float(more.std(ddof=1) / np.sqrt(len(more))), 1)}


def scores(model: Any, histories: Sequence[Sequence[int]], users: Sequence[int] | None = None) -> np.ndarray:
    """Scores of all films after each history, by id 0..V: (H, V + 1). users: whose noise each history gets (default: user 0's)."""
    from adrec.data.batches import pack
    from adrec.evaluation import answers

    found = []
    for history, user in zip(histories, users or [0] * len(histories), strict=True):
        batch = pack([np.asarray(history)], model.config.length, users=np.array([user]))
        found.append((answers(model, batch) @ model.table.T).numpy())
    return np.concatenate(found)


def ranking(model: Any, histories: Sequence[Sequence[int]], users: Sequence[int] | None = None) -> np.ndarray:
    """All films by id, best first: (H, V). The padding row is never listed."""
    return np.asarray(np.argsort(-scores(model, histories, users)[:, 1:], axis=1, kind="stable") + 1)
