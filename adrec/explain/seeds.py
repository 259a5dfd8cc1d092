"""One history under many noise seeds and with fewer steps: what chance and the steps change in a recommendation."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from adrec.data.batches import pack
from adrec.diffusion import user_noise
from adrec.errors import ConfigError
from adrec.explain.records import FewerSteps, SeedSweep
from adrec.explain.trajectory import checked, ranks_and_lists
from adrec.models.base import Model
from adrec.models.neural import DiffusionModel

OnStep = Callable[[], object]
"""Called after every step; an exception stops the work."""
Sample = Callable[[int | None], tuple[np.ndarray, Tensor]]
"""Number of steps -> timesteps (S,), descending, and x0_hat (S, R, D)."""


@torch.no_grad()
def seed_sweep(
    model: Model,
    history: Sequence[int],
    target: int | None = None,
    *,
    seeds: int | Sequence[int] = 50,
    steps: int | None = None,
    user: int = 0,
    on_step: OnStep = lambda: None,
) -> SeedSweep:
    """Run the reverse process of the token after ``history`` under every seed, in one batch.

    Each seed gives what ``trajectory`` gives for it. seeds: a sequence, or a number n for seeds 0 to n - 1. steps: denoising steps
    (default: the model's own). on_step: called after every step.
    """
    diffuser, numbers, ids, sample = _sampler(model, history, target, seeds, user, on_step)
    timesteps, estimates = sample(steps)
    item = _tracked_item(diffuser, target, estimates[-1])
    measured = []
    for x0_hat in estimates:
        measured.append(_measured(diffuser, x0_hat, item))
        on_step()
    ranks, lists = (np.stack(part) for part in zip(*measured, strict=True))
    return SeedSweep(ids, target, numbers, timesteps, item, ranks, lists)


@torch.no_grad()
def fewer_steps(
    model: Model,
    history: Sequence[int],
    target: int | None = None,
    *,
    counts: Sequence[int] | None = None,
    seeds: int | Sequence[int] = 50,
    user: int = 0,
    known: SeedSweep | None = None,
    on_step: OnStep = lambda: None,
) -> list[FewerSteps]:
    """Compare the reverse process in fewer steps with that in the model's own number. counts: the numbers of steps to try (default: 1, 2,
    4, ... and its own). known: the sweep of the same history and seeds, whose part of this is not computed again. on_step: called after
    every step."""
    diffuser, _, _, sample = _sampler(model, history, target, seeds, user, on_step)
    own = diffuser.config.steps
    last: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    if known is not None and len(known.timesteps) == own:
        item, last[own] = known.item, (known.ranks[-1], known.top_ten[-1])
    else:
        answers = sample(None)[1][-1]
        item = _tracked_item(diffuser, target, answers)
        last[own] = _measured(diffuser, answers, item)
    whole = [set(row) for row in last[own][1].tolist()]
    found = []
    for count in step_counts(own) if counts is None else counts:
        ranks, lists = last[count] if count in last else _measured(diffuser, sample(count)[1][-1], item)
        common = [len(a & set(b)) for a, b in zip(whole, lists.tolist(), strict=True)]
        found.append(FewerSteps(count, np.array(common), ranks))
    return found


def step_counts(steps: int) -> list[int]:
    """1, 2, 4, ... and this number."""
    return [*(2**i for i in range(steps.bit_length()) if 2**i < steps), steps]


def _sampler(
    model: Model, history: Sequence[int], target: int | None, seeds: int | Sequence[int], user: int, on_step: OnStep
) -> tuple[DiffusionModel, np.ndarray, list[int], Sample]:
    """The model as one with a reverse process, the seeds, the item ids the model reads, and a sampler that encodes the history once."""
    diffuser, ids = checked(model, history, target)
    numbers = list(range(seeds)) if isinstance(seeds, int) else [int(s) for s in seeds]
    if not numbers:
        raise ConfigError("No seed given; expected at least one.")
    predict = diffuser.last_token(pack([np.asarray(ids)], model.config.length), copies=len(numbers))

    def sample(steps: int | None) -> tuple[np.ndarray, Tensor]:
        diffusion = diffuser.diffusion.strided(model.config.steps if steps is None else steps)
        noise = [user_noise(seed, np.array([user]), len(diffusion.timesteps), model.config.hidden_size) for seed in numbers]
        x_start, step_noise = torch.cat([start for start, _ in noise]), torch.cat([step for _, step in noise], 1)
        seen: list[Tensor] = []

        def keep(t: int, x0_hat: Tensor, x: Tensor) -> None:
            seen.append(x0_hat.clone())
            on_step()

        diffuser.sample(predict, x_start, step_noise, diffusion, keep)
        return diffusion.timesteps[::-1].copy(), torch.stack(seen)

    return diffuser, np.array(numbers), ids, sample


def _tracked_item(model: DiffusionModel, target: int | None, answers: Tensor) -> int:
    """The item whose ranks are tracked. answers: (R, D)."""
    if target is not None:
        return target
    return int(Counter(_measured(model, answers, 1)[1][:, 0].tolist()).most_common(1)[0][0])


def _measured(model: DiffusionModel, x0_hat: Tensor, item: int) -> tuple[np.ndarray, np.ndarray]:
    """Ranks (R,) of the item and top tens (R, 10). x0_hat: (R, D)."""
    return ranks_and_lists(model, x0_hat, torch.full((len(x0_hat),), item))
