"""The interface for scripts and notebooks: ``adrec.train``, ``adrec.load_run`` and ``adrec.diagnose``, loaded on first use.

Every failure that a person can act on is an ``adrec.errors.AdrecError`` whose text is one sentence.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adrec.errors import ConfigError, RunError
from adrec.runs import RunFolder

if TYPE_CHECKING:
    from adrec.embeddings.diagnosed import Diagnosis
    from adrec.explain.recommending import History
    from adrec.explain.records import Trajectory


class Run(RunFolder):
    """A run folder that can recommend and explain its answers; also has ``tables()``, ``items``, ``metrics(stage)`` and ``info``."""

    def recommend(self, histories: "Sequence[History] | Mapping[str, History]", k: int = 10, **options: Any) -> list[dict[str, Any]]:
        """The ``k`` items ranked highest after each history, as ``{"history": [...], "items": [{"id", "title", "score", "probability"}]}``.

        histories, options (``seed``, ``steps``, ``exclude_seen``): as in ``adrec.explain.recommending.recommend``.

        >>> import adrec
        >>> run = adrec.load_run("assets/runs/ml-100k")
        >>> (answer,) = run.recommend(["Toy Story; Aladdin"], 3)
        >>> [item["title"] for item in answer["items"]]
        ['Star Wars', 'Aladdin', 'The Princess Bride']
        """
        from adrec.explain.recommending import recommend

        return list(recommend(self, histories, k, **options)["users"])

    def trajectory(self, user: str | None = None, *, history: str | None = None, **options: Any) -> "Trajectory":
        """The reverse process of one last token, step by step, from pure noise to the answer.

        user: the data set's own user id, whose test item is the target; this needs the data set. history: titles or ids instead,
        separated by ';', oldest first. options (``seed``, ``steps``, ``top``): as in ``adrec.explain.trajectory.trajectory``.

        >>> import adrec
        >>> found = adrec.load_run("assets/runs/ml-100k").trajectory(history="Toy Story; Aladdin")
        >>> found.steps, found.x0_hat.shape, found.top[-1, :3].tolist()
        (32, (32, 128), [214, 11, 191])
        """
        from adrec.data import catalog
        from adrec.data.titles import Finder, most_popular
        from adrec.explain.trajectory import trajectory, user_trajectory
        from adrec.models.loading import load_model

        if (user is None) == (history is None):
            raise ConfigError("A trajectory needs either a user or a history; give exactly one of them.")
        options = {"popular": most_popular(self.items), **options}
        if history is not None:
            return trajectory(load_model(self), Finder(self.items).history(history), **options)
        data = catalog.load_for_run(self.info)
        return user_trajectory(load_model(self), data, data.position(str(user)), **options)


def load_run(path: str | Path) -> Run:
    """The run in a folder; a RunError if there is none.

    >>> import adrec
    >>> run = adrec.load_run("assets/runs/ml-100k")
    >>> run.stages, run.table("finetune").shape
    (['pretrain', 'warmup', 'finetune'], (1008, 128))
    """
    run = Run(path)
    if not run.exists:
        raise RunError(f"'{path}' is not a run folder: it has no run.json.")
    return run


def train(
    dataset: str | Path,
    path: str | Path,
    *,
    model: str | None = None,
    preset: str | None = None,
    settings: Mapping[str, Any] | None = None,
    data_options: Mapping[str, Any] | None = None,
    stop: Callable[[], bool] = lambda: False,
    listener: Callable[[dict[str, Any]], None] | None = None,
) -> Run:
    """Train all stages into the folder ``path``; if it already holds a run, continue from its last checkpoint.

    dataset: a named data set or the path of a file or folder, with the options of its reader. model, preset: as ``adrec models`` lists
    them (default: the model's first preset). settings: those that differ from the preset's, ``seed`` among them; those of a run
    that goes on must be its own or left out. stop: asked after every step. listener: is given each event as it is recorded, such as
    ``{"kind": "validation", "stage", "epoch", "metrics", ...}``. What cannot fit in memory or on disk is refused; what merely takes
    long is not.

    >>> import adrec, tempfile
    >>> path = tempfile.mkdtemp() + "/run"
    >>> run = adrec.train("synthetic:items=60,users=80", path, preset="quick", settings={"max_steps": 2, "hidden_size": 16})
    >>> run.status["state"], run.metrics("finetune")["test"]["users"]
    ('finished', 80)
    """
    from adrec.data import catalog
    from adrec.models.settings import settings as chosen_settings
    from adrec.training.estimate import check, estimate
    from adrec.training.session import describe_run, recorded_request, train_run

    run, given = Run(path), {key: str(value) for key, value in (settings or {}).items()}
    if run.exists:
        recorded_request(run, preset, given, model=model)
        data, info = catalog.load_for_run(run.info), run.info
    else:
        source = catalog.identity(str(dataset))
        data = catalog.load(source, **(data_options or {}))
        chosen = chosen_settings(preset, given, model)
        check(estimate(data, chosen), run.path, agreed=True)
        info = describe_run(data, source, chosen, "adrec.train")
    train_run(run, data, info, resume=True, stop=stop, listener=listener)
    return run


def diagnose(
    table: Any,
    *,
    ids: Sequence[Any] | None = None,
    interactions: Any = None,
    initial: Any = None,
    order: str | None = None,
) -> "Diagnosis":
    """Diagnose whether a table of item embeddings has collapsed, how, and how surely: what ``adrec collapse`` says, as an object.

    table: (V, D) without a padding row: an array or tensor of any library (numpy, torch, jax, scipy.sparse, nested lists), a frame (pandas,
    polars, Arrow), whose id column or index then names the rows, or a file that ``adrec collapse`` reads. ids: the item id of each row, as
    the interactions have it. interactions: who used what, as a frame with a user and an item column and perhaps a time, a sparse matrix of
    users by items, a data set, its name or a path; without them only the spectrum decides. initial: the same table before training.
    order: which row is which item of the interactions, if the table has no ids, as ``--order`` of ``adrec collapse`` takes it, such as
    ``"text"`` or ``"numeric:1"``; by default all plausible orders are tried. What does not fit is a WeightsError or a DataError.

    >>> import adrec, numpy as np
    >>> rng = np.random.default_rng(0)
    >>> found = adrec.diagnose(rng.standard_normal((500, 32)))
    >>> found.verdict.kind, found.verdict.confidence > 0.5, found.facts, found.join
    ('noise-like', False, (), None)
    """
    from adrec.embeddings.diagnosed import Diagnosis
    from adrec.embeddings.given import given, interactions_of, with_columns
    from adrec.embeddings.orders import check_order

    check_order(order, interactions)
    source = with_columns(given(table, ids), interactions)
    data = None if interactions is None else interactions_of(interactions, ids)
    path = Path(interactions) if isinstance(interactions, str | Path) else None
    return Diagnosis.of(source, data, None if initial is None else given(initial, None), order, path)
