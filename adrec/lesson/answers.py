"""What a run's model answers to the lesson's people."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from adrec.runs import RunFolder

TEN = 10
END = 126
"""The epoch that stands for a training that was never stopped, where its whole model was kept."""


def model_of(run: RunFolder) -> Any:
    """The model that stands for a run: that of ``END``, if it was kept, else the one that the training selected."""
    from adrec.models.loading import load_model

    return load_model(run, epoch=END if END in run.weight_epochs("finetune") else None)


def table_of(model: Any) -> np.ndarray:
    """The item table of a model without its padding row: (V, D)."""
    return np.asarray(model.table.numpy()[1:])


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
