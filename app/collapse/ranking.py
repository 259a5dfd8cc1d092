"""How a run's model ranks with a changed item table: whether it can be tried, how long it takes, and earlier results."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from adrec.errors import DataError
from adrec.runs import RunFolder
from app import loaders

if TYPE_CHECKING:
    from adrec.models.base import Model

_found: OrderedDict[tuple[object, ...], np.ndarray] = OrderedDict()
_lock = threading.Lock()
KEPT = 512
"""Cached results, each the ranks of all users."""
OWN = "own"
"""Name of the model's own, unchanged table among the changes."""


def obstacle(run: RunFolder, stage: str) -> str | None:
    """Why ranking with a table of this stage is impossible, in a sentence; None if it is possible."""
    if loaders.is_bare(run):
        return "These tables come without a model, so they cannot be used to rank."
    if stage not in run.stages:
        return "This table is from before training, so no model goes with it."
    if not run.has_model(stage):
        return "This copy of the run keeps only the item table of that stage, not its model: choose the last stage."
    if loaders.dataset(run)[0] is None:
        title = loaders.info(run).get("dataset", {}).get("title") or "this run"
        return f"The histories of {title} are not on this machine, so there are no users to rank for."
    return None


def seconds(run: RunFolder, stage: str, users: int | None = None) -> float:
    """Estimated seconds for ranking these users (None: all), from the validation time measured in training; 10 if there is none."""
    found = loaders.metrics(run).get(stage, {}).get("val", {})
    share = 1.0 if users is None or not found.get("users") else min(1.0, users / found["users"])
    return float(found.get("seconds", 10.0)) * share


def known(run: RunFolder, stage: str, change: str, users: int | None = None) -> np.ndarray | None:
    """Validation ranks with the change of this name, if measured since the server started."""
    return _found.get((*loaders.key(run), stage, users, change))


@loaders.of_run(4)
def _model(run: RunFolder, stage: str) -> "Model":
    from adrec.models.loading import load_model

    return load_model(run, stage)


def measure(
    run: RunFolder,
    stage: str,
    change: str,
    table: Callable[[], np.ndarray] | None,
    users: int | None = None,
    progress: Callable[[float], object] | None = None,
) -> np.ndarray:
    """The validation rank of each user who has one, with the items' rows from ``table`` (None: the model's own), over all or a sample
    of users (seed 0)."""
    found = known(run, stage, change, users)
    if found is not None:
        return found
    from adrec.collapse.replaced import evaluate_table, some_users
    from adrec.evaluation import evaluate
    from adrec.parallel.workers import Workers

    data, why = loaders.dataset(run)
    if data is None:
        raise DataError(why)
    model = _model(run, stage)
    data = data if users is None else some_users(data, users)
    with Workers() as workers:
        if table is None:
            ranks = evaluate(model, data, "val", progress=progress, map=workers.map).ranks
        else:
            ranks = evaluate_table(model, data, table(), progress=progress, map=workers.map).ranks
    ranks = ranks[ranks > 0]
    with _lock:
        _found[(*loaders.key(run), stage, users, change)] = ranks
        while len(_found) > KEPT:
            _found.popitem(last=False)
    return ranks
