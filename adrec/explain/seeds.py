"""One history under many seeds of the noise, and in fewer steps: what chance changes in a recommendation, and what the steps do."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adrec.data.batches import pack
from adrec.diffusion import user_noise
from adrec.errors import ConfigError
from adrec.evaluation import ranks_of, top_items
from adrec.explain.trajectory import HIT, checked, named, settled
from adrec.models.base import Model
from adrec.models.neural import DiffusionModel, denoising

QUANTILES = (0.0, 0.1, 0.5, 0.9, 1.0)
"""The band of ranks: smallest, first decile, median, last decile, largest."""


Between = Callable[[], object]
"""What happens between two steps; what it raises ends the work."""
Sample = Callable[[int | None], tuple[np.ndarray, Tensor]]
"""Number of steps -> timesteps (S,), falling, and x0_hat (S, R, D)."""


@dataclass(frozen=True)
class Fan:
    """R reverse processes of S steps, which differ in the seed of the noise alone.

    seeds: (R,). timesteps: (S,), falling. item: whose ranks are measured, the target or, without one, what most seeds end at first
    (of several the first seed's). ranks: (S, R) among all rows, 1 is best. top_ten: (S, R, 10) ids, best first.
    """

    history: list[int]
    target: int | None
    seeds: np.ndarray
    timesteps: np.ndarray
    item: int
    ranks: np.ndarray
    top_ten: np.ndarray

    @property
    def band(self) -> np.ndarray:
        """The ranks' ``QUANTILES`` over seeds at every step, (S, 5); each is a rank that some seed has."""
        return np.quantile(self.ranks, QUANTILES, axis=1, method="nearest").T.astype(np.int64)

    @property
    def shares(self) -> list[tuple[int, float]]:
        """Items that some seed ends at as its first choice, with the share of seeds, largest first."""
        return [(item, count / len(self.seeds)) for item, count in Counter(self.top_ten[-1, :, 0].tolist()).most_common()]

    @property
    def appearances(self) -> list[tuple[int, float]]:
        """Items in some seed's final top 10, with the share of seeds, largest first."""
        return [(item, count / len(self.seeds)) for item, count in Counter(self.top_ten[-1].ravel().tolist()).most_common()]

    @property
    def distinct_lists(self) -> int:
        """How many different final top tens there are, as sets."""
        return len({frozenset(row) for row in self.top_ten[-1].tolist()})

    @property
    def distinct_orders(self) -> int:
        """How many different final top tens there are, order included."""
        return len({tuple(row) for row in self.top_ten[-1].tolist()})

    @property
    def commit_steps(self) -> np.ndarray:
        """Each seed's commit step, (R,)."""
        return np.array([settled([frozenset(row) for row in seed]) for seed in self.top_ten.transpose(1, 0, 2).tolist()])

    def to_json(self, title: Callable[[int], str]) -> dict[str, Any]:
        """The fan as plain lists, titles beside ids."""
        return {
            "history": named(self.history, title),
            "target": None if self.target is None else named([self.target], title)[0],
            "item": named([self.item], title)[0],
            "seeds": self.seeds.tolist(),
            "timesteps": self.timesteps.tolist(),
            "quantiles": list(QUANTILES),
            "band": self.band.tolist(),
            "ends_at": [named([item], title)[0] | {"share": share} for item, share in self.shares],
            "in_top_10": [named([item], title)[0] | {"share": share} for item, share in self.appearances],
            "distinct_lists": self.distinct_lists,
            "distinct_orders": self.distinct_orders,
            "commit_steps": self.commit_steps.tolist(),
        }


@dataclass(frozen=True)
class FewerSteps:
    """What ``steps`` denoising steps give for each of R seeds. common: (R,) of the top 10 of all steps with the same seed, how many are
    in it. ranks: (R,) of the fan's item."""

    steps: int
    common: np.ndarray
    ranks: np.ndarray

    def to_json(self) -> dict[str, Any]:
        """Means over seeds, and the ranks' quantiles."""
        band = np.quantile(self.ranks, QUANTILES, method="nearest").astype(int)
        return {"steps": self.steps, "common": float(self.common.mean()), "fewest_common": int(self.common.min()), "ranks": band.tolist()}


@torch.no_grad()
def fan(
    model: Model,
    history: Sequence[int],
    target: int | None = None,
    *,
    seeds: int | Sequence[int] = 50,
    steps: int | None = None,
    user: int = 0,
    between: Between = lambda: None,
) -> Fan:
    """The reverse process of the token after ``history`` under each seed (a number: from 0 on), all in one batch.

    The same as ``trajectory`` seed by seed. steps: denoising steps (default: all timesteps). between: called after every step.
    """
    model = denoising(model)
    numbers, ids, sample = _sampler(model, history, target, seeds, user, between)
    timesteps, estimates = sample(steps)
    item = _followed(model, target, estimates[-1])
    measured = []
    for x0_hat in estimates:
        measured.append(_measured(model, x0_hat, item))
        between()
    ranks, lists = (np.stack(part) for part in zip(*measured, strict=True))
    return Fan(ids, target, numbers, timesteps, item, ranks, lists)


@torch.no_grad()
def fewer_steps(
    model: Model,
    history: Sequence[int],
    target: int | None = None,
    *,
    counts: Sequence[int] | None = None,
    seeds: int | Sequence[int] = 50,
    user: int = 0,
    between: Between = lambda: None,
) -> list[FewerSteps]:
    """The reverse process in each of the numbers of steps ``counts`` (default: 1, 2, 4, ... and all), beside that in all timesteps.
    between: called after every step."""
    model = denoising(model)
    _, _, sample = _sampler(model, history, target, seeds, user, between)
    answers = sample(None)[1][-1]
    item = _followed(model, target, answers)
    whole = [set(row) for row in _measured(model, answers, item)[1].tolist()]
    found = []
    for count in step_counts(model.config.timesteps) if counts is None else counts:
        ranks, lists = _measured(model, answers if count == model.config.timesteps else sample(count)[1][-1], item)
        common = [len(a & set(b)) for a, b in zip(whole, lists.tolist(), strict=True)]
        found.append(FewerSteps(count, np.array(common), ranks))
    return found


def step_counts(timesteps: int) -> list[int]:
    """1, 2, 4, ... and all."""
    return [*(2**i for i in range(timesteps.bit_length()) if 2**i < timesteps), timesteps]


def _sampler(
    model: Model, history: Sequence[int], target: int | None, seeds: int | Sequence[int], user: int, between: Between
) -> tuple[np.ndarray, list[int], Sample]:
    """The seeds, the ids read, and the sampler, whose history is encoded once."""
    diffuser, ids = checked(model, history, target)
    numbers = list(range(seeds)) if isinstance(seeds, int) else [int(s) for s in seeds]
    if not numbers:
        raise ConfigError("There is no seed to draw noise from; give at least one.")
    predict = diffuser.last_token(pack([np.asarray(ids)], model.config.length), copies=len(numbers))

    def sample(steps: int | None) -> tuple[np.ndarray, Tensor]:
        diffusion = diffuser.diffusion.strided(model.config.timesteps if steps is None else steps)
        noise = [user_noise(seed, np.array([user]), len(diffusion.timesteps), model.config.hidden_size) for seed in numbers]
        x_start, step_noise = torch.cat([start for start, _ in noise]), torch.cat([step for _, step in noise], 1)
        seen: list[Tensor] = []

        def keep(t: int, x0_hat: Tensor, x: Tensor) -> None:
            seen.append(x0_hat.clone())
            between()

        diffuser.sample(predict, x_start, step_noise, diffusion, keep)
        return diffusion.timesteps[::-1].copy(), torch.stack(seen)

    return np.array(numbers), ids, sample


def _followed(model: DiffusionModel, target: int | None, answers: Tensor) -> int:
    """The item whose ranks are measured. answers: (R, D)."""
    if target is not None:
        return target
    return int(Counter(_measured(model, answers, 1)[1][:, 0].tolist()).most_common(1)[0][0])


def _measured(model: DiffusionModel, x0_hat: Tensor, item: int) -> tuple[np.ndarray, np.ndarray]:
    """Ranks (R,) of the item and top tens (R, 10). x0_hat: (R, D)."""
    scores = x0_hat @ model.item_embedding.weight.T
    top = top_items(scores[:, 1:], min(HIT, model.config.n_items))[1] + 1
    return ranks_of(scores, torch.full((len(scores),), item)).numpy(), top.numpy()
