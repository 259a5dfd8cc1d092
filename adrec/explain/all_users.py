"""The reverse process of every user of a run: when lists commit, what fewer steps cost, and for whom. Cached in the run folder."""

import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adrec.data import catalog
from adrec.data.dataset import SequenceDataset
from adrec.errors import RunError
from adrec.explain import OUTCOMES
from adrec.files import read_json, write_json
from adrec.runs import RunFolder
from adrec.runs.cache import Cache

if TYPE_CHECKING:
    from torch import Tensor

    from adrec.data.batches import PackedBatch
    from adrec.models.base import Model
    from adrec.models.neural import DiffusionModel

VERSION = 2
"""Part of the cache key; raised when a measure changes."""
FILE = "all_users.json"
COUNTS = (1, 4, 8)
"""Numbers of steps that are compared with the model's own."""
LISTED = 1000
"""At most this many users who changed their mind are listed."""
GROUPS = 4


def all_users(
    run: RunFolder, data: SequenceDataset | None = None, *, seed: int = 0, progress: Callable[[float], None] | None = None
) -> dict[str, Any]:
    """``measure`` of a run's last model, read from the cache if it belongs to this model, data and seed, else computed and cached.

    data: the run's data set, if already loaded. The cache is ``all_users.json`` in the run folder or, if that is read-only, a file under
    ADREC_HOME. An exception raised by ``progress`` stops the work and leaves nothing behind.
    """
    from adrec.models.loading import load_model

    found = cached_all_users(run, seed)
    if found is not None:
        return found
    stage = denoiser_stage(run)
    key = _cache_key(run, stage, seed)
    report = {"key": key, "stage": stage} | measure(load_model(run, stage), data or catalog.load_for_run(run.info), seed, progress)
    _cache(run, key).save(lambda path: write_json(path, report))
    return report


def cached_all_users(run: RunFolder, seed: int = 0) -> dict[str, Any] | None:
    """The cached result of ``all_users``, or None. Needs neither the data nor torch."""
    key = _cache_key(run, denoiser_stage(run), seed)
    return _cache(run, key).load(read_json, lambda report: report.get("key") == key)


def denoiser_stage(run: RunFolder) -> str:
    """The last stage with a denoiser; a RunError if there is none yet."""
    stages = [s for s in run.stages if s != "pretrain"]
    if not stages:
        raise RunError(f"'{run.name}' has no trained denoiser yet; it is there once the warm-up has ended.")
    return stages[-1]


def _cache_key(run: RunFolder, stage: str, seed: int) -> str:
    """A digest of everything the measures depend on: weights, model settings, data and seed."""
    info = run.info
    settings = [VERSION, info.get("model"), info.get("dataset", {}).get("hash"), seed]  # as recorded: new settings keep old files valid
    path = run.weights_path(stage)
    stat = path.stat()
    return _digest(json.dumps(settings, sort_keys=True), path.resolve(), stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=64)
def _digest(settings: str, path: Path, changed: int, size: int) -> str:
    """Digest of settings and a file. ``changed`` and ``size`` are part of the cache key, so a changed file is read again."""
    digest = hashlib.sha256(settings.encode())
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _cache(run: RunFolder, key: str) -> Cache:
    return Cache(run, FILE, f"all_users/{key[:32]}.json")


# -- measuring --------------------------------------------------------------------------------------------------------


def measure(model: "Model", data: SequenceDataset, seed: int = 0, progress: Callable[[float], None] | None = None) -> dict[str, Any]:
    """Every user's reverse process towards the test item, with the same noise as in ``evaluate`` and ``trajectory``.

    ``by_steps``: for processes of ``COUNTS`` and of all steps, ranking metrics (over all V + 1 rows, as in ``evaluate``), distinct items
    over all top tens, the mean number of items shared with the top 10 after all steps, and the mean commit step. ``by_step``: the same,
    without the commit step, after each step of the full process. ``commit_steps``: number of users by commit step, from step 1.
    ``changed_mind``: share of users whose first item changes after step 1; ``changed_users``: positions of the first ``LISTED`` of
    them. ``outcomes``: number of users by outcome. ``by_popularity``, ``by_length``: groups of about a quarter of the users, by the
    target's training occurrences and by the number of items before the target.
    """
    from adrec.data.batches import PART_TOKENS, evaluation_batches
    from adrec.models.neural import denoising
    from adrec.parallel.workers import Workers

    diffuser, steps = denoising(model), model.config.steps
    counts = [count for count in COUNTS if count < steps]
    found = _Totals(data, steps, counts)
    parts = (part for batch in evaluation_batches(data, "test", model.config.length) for part in batch.split(PART_TOKENS))
    done = 0
    with Workers() as workers:
        for users, measured in workers.map(lambda part: (part.users, _part(diffuser, data, part, [*counts, steps], seed)), parts):
            found.add(users, measured)
            done += len(users)
            if progress is not None:
                progress(done / len(data.evaluated("test")))
    return {"users": len(data.evaluated("test")), "items": data.n_items, "timesteps": steps, "seed": seed} | found.report()


class _Totals:
    """Results of the users who have a test answer, filled in batch by batch."""

    def __init__(self, data: SequenceDataset, steps: int, counts: Sequence[int]) -> None:
        self.users = data.evaluated("test")
        users, items = len(self.users), data.n_items
        self.data, self.steps, self.counts = data, steps, counts
        self.ranks = {count: np.zeros(users, dtype=np.int32) for count in counts}
        self.common = {count: np.zeros(users, dtype=np.int8) for count in counts}
        self.seen = {count: np.zeros(items + 1, dtype=bool) for count in counts}
        self.step_ranks = np.zeros((steps, users), dtype=np.int32)
        self.step_common = np.zeros((steps, users), dtype=np.int8)
        self.step_seen = np.zeros((steps, items + 1), dtype=bool)
        self.commit = {count: np.zeros(users, dtype=np.int32) for count in (*counts, steps)}
        self.changed = np.zeros(users, dtype=bool)

    def add(self, users: np.ndarray, measured: dict[int, tuple[np.ndarray, np.ndarray]]) -> None:
        """measured: number of steps -> ranks (S, B) and top tens (S, B, 10) after each of its steps."""
        from adrec.explain.records import commit_steps

        users = np.searchsorted(self.users, users)
        ranks, lists = measured[self.steps]
        self.step_ranks[:, users] = ranks
        self.step_common[:, users] = [_common(after, lists[-1]) for after in lists]
        for seen, after in zip(self.step_seen, lists, strict=True):
            seen[after] = True
        self.changed[users] = (lists[1:, :, 0] != lists[0, :, 0]).any(axis=0)
        for count, (_, found) in measured.items():
            self.commit[count][users] = commit_steps(np.sort(found))
        for count in self.counts:
            last_ranks, last = (after[-1] for after in measured[count])
            self.ranks[count][users], self.common[count][users] = last_ranks, _common(last, lists[-1])
            self.seen[count][last] = True

    def report(self) -> dict[str, Any]:
        last, positions = self.step_ranks[-1], self.users[self.changed]
        commit = self.commit[self.steps]
        fewer = [{"steps": c} | _figures(self.ranks[c], self.seen[c], self.common[c]) for c in self.counts]
        by_step = [
            {"step": i + 1} | _figures(*row) for i, row in enumerate(zip(self.step_ranks, self.step_seen, self.step_common, strict=True))
        ]
        by_steps = [*fewer, {"steps": self.steps} | {name: value for name, value in by_step[-1].items() if name != "step"}]
        return {
            "by_steps": [row | {"mean_commit_step": float(self.commit[row["steps"]].mean())} for row in by_steps],
            "by_step": by_step,
            "commit_steps": np.bincount(commit, minlength=self.steps + 1)[1:].tolist(),
            "mean_commit_step": float(commit.mean()),
            "changed_mind": float(self.changed.mean()),
            "changed_users": positions[:LISTED].tolist(),
            "outcomes": {outcome: len(with_outcome(last, outcome)) for outcome in OUTCOMES},
            "by_popularity": self._groups(self.data.popularity[self.data.test[self.users]]),
            "by_length": self._groups(self.data.known("test")[self.users]),
        }

    def _groups(self, values: np.ndarray) -> list[dict[str, Any]]:
        """Metrics of ``GROUPS`` groups of users, of about equal size, split by a value (U,); equal values stay together."""
        edges = np.unique(np.quantile(values, np.linspace(0, 1, GROUPS + 1)[1:-1], method="nearest"))
        group = np.searchsorted(edges, values)
        found = []
        for g in np.unique(group):
            users = group == g
            one = self.step_ranks[-1] if not self.counts else self.ranks[self.counts[0]]
            found.append(
                {"from": int(values[users].min()), "to": int(values[users].max()), "users": int(users.sum())}
                | _metrics(self.step_ranks[-1][users])
                | {"one_step": _metrics(one[users]), "mean_commit_step": float(self.commit[self.steps][users].mean())}
            )
        return found


def with_outcome(ranks: np.ndarray, outcome: str) -> np.ndarray:
    """Positions of the users whose targets, at these ranks (U,), have one of the ``OUTCOMES``."""
    first, last = OUTCOMES[outcome]
    return np.flatnonzero((ranks >= first) & (ranks <= last))


def _figures(ranks: np.ndarray, seen: np.ndarray, common: np.ndarray) -> dict[str, Any]:
    return _metrics(ranks) | {"distinct_items": int(seen.sum()), "common": float(common.mean())}


def _metrics(ranks: np.ndarray) -> dict[str, float]:
    from adrec.evaluation import ranking_metrics

    return ranking_metrics(ranks)


def _common(lists: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Number of items that a user's two lists share. Both (B, K) -> (B,)."""
    return (lists[:, :, None] == others[:, None, :]).any(axis=2).sum(axis=1)


def _part(
    model: "DiffusionModel", data: SequenceDataset, part: "PackedBatch", counts: Sequence[int], seed: int
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Ranks (S, B) and top tens (S, B, 10) after each step, by number of steps."""
    import torch

    from adrec.diffusion import user_noise
    from adrec.explain.trajectory import ranks_and_lists

    targets = torch.from_numpy(data.test[part.users].astype(np.int64))
    measured = {}
    with torch.no_grad():
        predict = model.last_token(part)
        for count in counts:
            x_start, step_noise = user_noise(seed, part.users, count, model.config.hidden_size)
            estimates: list[Tensor] = []
            model.sample(predict, x_start, step_noise, model.diffusion.strided(count), _keep(estimates))
            ranks, lists = zip(*(ranks_and_lists(model, x0_hat, targets) for x0_hat in estimates), strict=True)
            measured[count] = np.stack(ranks), np.stack(lists)
    return measured


def _keep(estimates: "list[Tensor]") -> "Callable[[int, Tensor, Tensor], None]":
    return lambda t, x0_hat, x: estimates.append(x0_hat.clone())
