"""PreferDiff against a plain version, one user after the other: loss over the whole batch, guidance, DDIM; everything else opens it."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from adrec.data.batches import PackedBatch, pack
from adrec.diffusion import user_noise
from adrec.errors import ConfigError
from adrec.evaluation import answers, evaluate
from adrec.explain.seeds import fewer_steps, seed_sweep
from adrec.explain.trajectory import user_trajectory
from adrec.explain.words import why
from adrec.models.conditioned import time_features
from adrec.models.loading import load_model
from adrec.models.preferdiff import PreferDiff, PreferDiffConfig
from adrec.models.settings import settings
from adrec.runs import RunFolder
from adrec.training.session import describe_run, train_run
from tests.adrec.plain import plain_stack
from tests.adrec.small import loud, plan

CONFIG = PreferDiffConfig(n_items=30, hidden_size=16, length=6, timesteps=50, sampling_steps=6, distance_weight=0.4)
LENGTHS = [1, 4, 4, 6, 2]


def model_of(config: PreferDiffConfig) -> PreferDiff:
    model: PreferDiff = loud(PreferDiff(config))
    return model


def batch_of(lengths: list[int] = LENGTHS) -> PackedBatch:
    rng = np.random.default_rng(0)
    sequences = [rng.integers(1, CONFIG.n_items + 1, n + 1) for n in lengths]
    return pack([s[:-1] for s in sequences], CONFIG.length, [s[1:] for s in sequences])


class Drawn:
    """What is random in a loss, given: timesteps, the noise of the targets and of the others, which conditions are kept; no dropout."""

    def __init__(self, users: int, dropped: tuple[int, ...] = ()) -> None:
        generator = torch.Generator().manual_seed(1)
        self.t = torch.randint(CONFIG.timesteps, (users,), generator=generator)
        self.noises = torch.randn(2, users, CONFIG.hidden_size, generator=generator)
        self.kept, self._next = torch.ones(users, 1), iter(self.noises)
        self.kept[list(dropped)] = 0

    def timesteps(self, below: int, size: int) -> torch.Tensor:
        return self.t

    def normal(self, rows: int, width: int) -> torch.Tensor:
        return next(self._next)

    def keep(self, shape: tuple[int, ...], p: float) -> torch.Tensor:
        return self.kept if tuple(shape) == tuple(self.kept.shape) else torch.ones(shape)


# -- the plain version ------------------------------------------------------------------------------------------------


def users_of(batch: PackedBatch) -> list[tuple[list[int], int]]:
    ends = np.cumsum(batch.lengths)
    return [(batch.items[end - n : end].tolist(), int(batch.targets[end - 1])) for n, end in zip(batch.lengths, ends, strict=True)]


def plain_condition(model: PreferDiff, history: list[int]) -> torch.Tensor:
    rows = []
    for back, item in enumerate(reversed(history)):
        rows.insert(0, model.norm(model.item_embedding.weight[item] + model.position_embedding.weight[CONFIG.length - 1 - back]))
    return plain_stack(model.encoder)(torch.stack(rows)[None], torch.ones(1, len(rows), dtype=torch.bool))[0, -1]


def plain_estimate(model: PreferDiff, x: torch.Tensor, condition: torch.Tensor, t: int) -> torch.Tensor:
    first, _, second = model.time_embed
    time = first(time_features(torch.tensor([t]), CONFIG.timesteps, CONFIG.hidden_size)[0])
    time = second(0.5 * time * (1 + torch.erf(time / math.sqrt(2))))
    return model.denoiser.weight @ torch.cat([x, condition, time]) + model.denoiser.bias


def plain_bar(t: int) -> float:
    return math.prod(1 - (1e-4 + (0.02 - 1e-4) * i / (CONFIG.timesteps - 1)) for i in range(t + 1))


def plain_loss(model: PreferDiff, batch: PackedBatch, drawn: Drawn) -> torch.Tensor:
    of, users = model.config, users_of(batch)
    vectors = [model.item_embedding.weight[target] for _, target in users]
    own, other = [], []
    for i, (history, _) in enumerate(users):
        condition = plain_condition(model, history) if drawn.kept[i] else model.nothing
        negative = torch.stack([vector for j, vector in enumerate(vectors) if j != i]).mean(0)
        t = int(drawn.t[i])
        for clean, noise, found in ((vectors[i], drawn.noises[0, i], own), (negative, drawn.noises[1, i], other)):
            x = plain_bar(t) ** 0.5 * clean + (1 - plain_bar(t)) ** 0.5 * noise
            estimate = plain_estimate(model, x, condition, t)
            found.append((estimate @ clean / (estimate.norm() * clean.norm()) - 1) ** 2)
    positive, negative = torch.stack(own).mean(), torch.stack(other).mean()
    preferred = 1 / (1 + torch.exp(of.sharpness * (positive - negative)))
    return of.distance_weight * positive - (1 - of.distance_weight) * preferred.log()


@pytest.mark.parametrize("dropped", [(), (1, 3)])
def test_the_loss_and_its_gradient_equal_the_plain_ones(dropped):
    model, batch = model_of(CONFIG), batch_of()
    ours = model.losses(batch, Drawn(5, dropped))["preference"]
    theirs = plain_loss(model, batch, Drawn(5, dropped))
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    used = [p for name, p in model.named_parameters() if dropped or name != "nothing"]
    for a, b in zip(torch.autograd.grad(ours, used), torch.autograd.grad(theirs, used), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("guidance", [0.0, 2.0])
def test_answers_are_plain_ddims_with_guidance(guidance):
    model, batch = model_of(replace(CONFIG, guidance=guidance)), batch_of()
    start, _ = user_noise(4, batch.users, 6, CONFIG.hidden_size)
    found = answers(model, batch, seed=4)
    times = [49, 39, 29, 20, 10, 0]  # evenly spaced, rounded
    for row, (history, _) in enumerate(users_of(batch)):
        condition, x = plain_condition(model, history), start[row]
        for t, below in zip(times, [*times[1:], None], strict=True):
            estimate = plain_estimate(model, x, condition, t)
            estimate = (1 + guidance) * estimate - guidance * plain_estimate(model, x, model.nothing, t)
            noise = (x - plain_bar(t) ** 0.5 * estimate) / (1 - plain_bar(t)) ** 0.5
            x = estimate if below is None else plain_bar(below) ** 0.5 * estimate + (1 - plain_bar(below)) ** 0.5 * noise
        torch.testing.assert_close(found[row], x, rtol=1e-4, atol=1e-5)


# -- what the loss is over --------------------------------------------------------------------------------------------


def test_a_batch_is_computed_whole_so_that_all_its_targets_are_the_others():
    model, batch = model_of(CONFIG), batch_of([6] * 700)
    assert batch.tokens > 2048 and model.parts(batch) == [batch]


def test_one_sequence_alone_has_a_finite_loss():
    model, batch = model_of(CONFIG), batch_of([3])
    loss = model.losses(batch, Drawn(1))["preference"]
    assert all(g is None or g.isfinite().all() for g in torch.autograd.grad(loss, list(model.parameters()), allow_unused=True))


# -- its steps --------------------------------------------------------------------------------------------------------


def test_published_are_21_levels_a_hundred_apart():
    published = settings("preferdiff-original").sized(5)
    levels = PreferDiff(published.config).diffusion.strided(published.config.steps).timesteps
    assert len(levels) == 21 and set(np.diff(levels)) <= {99, 100} and levels[-1] == 1999
    assert (published.train.lr, published.train.weight_decay, published.config.length) == (1e-4, 0.0, 10)


@torch.no_grad()
def test_only_the_start_is_random():
    model, batch = model_of(CONFIG), batch_of()
    start, noise = user_noise(0, batch.users, 6, CONFIG.hidden_size)
    diffusion, predict = model.diffusion.strided(6), model.last_token(batch)
    ends = [model.sample(predict, first, rest, diffusion) for first, rest in ((start, noise), (start, 9 * noise), (2 * start, noise))]
    assert torch.equal(ends[0], ends[1]) and not torch.equal(ends[0], ends[2])


@torch.no_grad()
def test_copies_of_a_user_are_answered_one_by_one():
    model, batch = model_of(CONFIG), batch_of()
    x = torch.randn(len(LENGTHS), 3, 16, generator=torch.Generator().manual_seed(2))
    together = model.last_token(batch, copies=3)(x.flatten(0, 1), 4).view_as(x)
    for copy in range(3):
        torch.testing.assert_close(together[:, copy], model.last_token(batch)(x[:, copy], 4), rtol=1e-5, atol=1e-6)


def test_guidance_needs_dropped_conditions():
    with pytest.raises(ConfigError, match=r"'guidance' is 2.0; it must be 0 where condition_drop = 0"):
        replace(CONFIG, condition_drop=0.0)


# -- everything else opens it -----------------------------------------------------------------------------------------


def test_a_run_is_denoised_in_its_own_steps_and_said_to_be_ddims(tiny_data, tmp_path):
    size = {"hidden_size": 64, "timesteps": 200, "sampling_steps": 5, "epochs": 3, "validate_every": 1, "batch_size": 20, "lr": 0.01}
    tiny = plan("preferdiff", preset="preferdiff", **size)
    run = RunFolder(tmp_path / "run")
    train_run(run, tiny_data, describe_run(tiny_data, "synthetic:items=60,users=80", tiny, "test"))
    model = load_model(run)
    found = evaluate(model, tiny_data, "test", seed=3)
    assert found.metrics["steps"] == 5 and np.array_equal(evaluate(model, tiny_data, "test").ranks, run.test_ranks("finetune"))
    walk = user_trajectory(model, tiny_data, 5, seed=3)
    assert walk.target_rank[-1] == found.ranks[5] and walk.timesteps.tolist() == [199, 149, 100, 50, 0]
    assert "one of the 200 noise levels" in why(walk) and "w = 2" in why(walk)
    history = tiny_data.history(5, "test", 10).tolist()
    assert [fewer.steps for fewer in fewer_steps(model, history, seeds=2)] == [1, 2, 4, 5]
    assert seed_sweep(model, history, int(tiny_data.test[5]), seeds=[3], user=5).ranks[:, 0].tolist() == walk.target_rank.tolist()
