"""DiffRec against a plain version, one user after the other; what is noised, what is averaged, and that everything else opens it."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from adrec.cli import main
from adrec.data.batches import PackedBatch, pack
from adrec.diffusion import betas, user_noise
from adrec.errors import ConfigError
from adrec.evaluation import answers, evaluate
from adrec.explain.all_users import measure
from adrec.explain.recommending import recommend
from adrec.explain.seeds import seed_sweep
from adrec.explain.trajectory import user_trajectory
from adrec.explain.words import why
from adrec.models.conditioned import time_features
from adrec.models.diffrec import DiffRec, DiffRecConfig
from adrec.models.loading import load_model
from adrec.models.settings import settings
from adrec.runs import RunFolder
from adrec.training.session import describe_run, train_run
from tests.adrec.plain import plain_stack
from tests.adrec.small import loud, plan

CONFIG = DiffRecConfig(n_items=30, hidden_size=16, heads=2, blocks=2, length=9, timesteps=7, sampling_steps=5)
LENGTHS = [1, 4, 4, 9, 2]


def model_of(config: DiffRecConfig) -> DiffRec:
    model: DiffRec = loud(DiffRec(config))
    return model


def batch_of(lengths: list[int] = LENGTHS) -> PackedBatch:
    rng = np.random.default_rng(0)
    sequences = [rng.integers(1, CONFIG.n_items + 1, n + 1) for n in lengths]
    return pack([s[:-1] for s in sequences], CONFIG.length, [s[1:] for s in sequences])


class Drawn:
    """What is random in a loss, given; and no dropout."""

    def __init__(self, t: torch.Tensor, *noises: torch.Tensor) -> None:
        self.t, self.noises = t, iter(noises)

    def timesteps(self, below: int, size: int) -> torch.Tensor:
        return self.t

    def normal(self, rows: int, width: int) -> torch.Tensor:
        return next(self.noises)

    def keep(self, shape: tuple[int, ...], p: float) -> torch.Tensor:
        return torch.ones(shape)


@pytest.fixture
def drawn() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A timestep and two noises for each user."""
    generator = torch.Generator().manual_seed(1)
    t = torch.randint(CONFIG.timesteps, (len(LENGTHS),), generator=generator)
    return t, *torch.randn(2, len(LENGTHS), CONFIG.hidden_size, generator=generator)


# -- the plain version: one user, one row after the other --------------------------------------------------------------


def users_of(batch: PackedBatch) -> list[tuple[list[int], int]]:
    """Each user's history and target."""
    ends = np.cumsum(batch.lengths)
    return [(batch.items[end - n : end].tolist(), int(batch.targets[end - 1])) for n, end in zip(batch.lengths, ends, strict=True)]


def plain_guess(model: DiffRec, history: list[int], x: torch.Tensor, t: int) -> torch.Tensor:
    time = model.time_embed(time_features(torch.tensor([t]), CONFIG.timesteps, CONFIG.hidden_size))[0]
    rows = []
    for back, item in enumerate(reversed(history)):
        rows.insert(0, model.item_embedding.weight[item] + model.position_embedding.weight[CONFIG.length - 1 - back] + time)
    rows.append(x + model.position_embedding.weight[CONFIG.length] + time)
    h = torch.stack([F.layer_norm(row, row.shape, model.norm.weight, model.norm.bias, 1e-12) for row in rows])
    return plain_stack(model.encoder)(h[None], torch.ones(1, len(h), dtype=torch.bool))[0, -1]


def plain_noised(model: DiffRec, target: int, t: int, start: torch.Tensor, eps: torch.Tensor) -> torch.Tensor:
    """Step by step: the transition from the item to h_0, then one noising after the other (in law as in closed form)."""
    beta = betas(CONFIG.schedule, CONFIG.timesteps)
    h_0 = model.item_embedding.weight[target] + beta[0] ** 0.5 * start
    kept = float(np.prod(1 - beta[: t + 1]))
    return kept**0.5 * h_0 + (1 - kept) ** 0.5 * eps


def plain_scores(model: DiffRec, guess: torch.Tensor) -> torch.Tensor:
    return torch.stack([guess @ row + bias for row, bias in zip(model.output.weight, model.output.bias, strict=True)])


def test_guesses_loss_and_gradient_equal_the_plain_ones(drawn):
    model, batch = model_of(CONFIG), batch_of()
    t, start, eps = drawn
    x = model.noised(batch, t, start, eps)
    guesses = model(batch, x, t)
    scores = guesses @ model.output.weight.T + model.output.bias
    torch.testing.assert_close(model.scores(guesses), scores, rtol=1e-5, atol=1e-5)
    plain = []
    for row, (history, target) in enumerate(users_of(batch)):
        guess = plain_guess(model, history, plain_noised(model, target, int(t[row]), start[row], eps[row]), int(t[row]))
        torch.testing.assert_close(guesses[row], guess, rtol=1e-5, atol=1e-5)
        plain.append(-plain_scores(model, guess).log_softmax(0)[target])

    ours, theirs = model.losses(batch, Drawn(t, start, eps))["ce"], torch.stack(plain).mean()
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    for a, b in zip(*(torch.autograd.grad(loss, list(model.parameters())) for loss in (ours, theirs)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("steps", [None, 1, 3])
def test_an_answer_is_the_mean_of_so_many_guesses_from_pure_noise(steps):
    model, batch = model_of(CONFIG), batch_of()
    count = 5 if steps is None else steps
    first, rest = user_noise(4, batch.users, count, CONFIG.hidden_size)
    found = answers(model, batch, steps, seed=4)
    for row, (history, _) in enumerate(users_of(batch)):
        guesses = [plain_guess(model, history, noise[row], CONFIG.timesteps - 1) for noise in (first, *rest)][:count]
        torch.testing.assert_close(found[row] @ model.output_table.T, plain_scores(model, sum(guesses) / count), rtol=1e-5, atol=1e-5)


# -- what is noised ---------------------------------------------------------------------------------------------------


@torch.no_grad()
def test_only_the_last_row_is_noised_and_the_history_stays_clean(drawn):
    model, batch = model_of(CONFIG), batch_of()
    t, start, eps = drawn
    rows, layout, last = model.rows(batch, model.noised(batch, t, start, eps), t)
    others, _, _ = model.rows(batch, model.noised(batch, t, eps, start), t)
    differs = (rows != others).any(1)
    assert torch.equal(differs.nonzero().squeeze(1), last) and layout.lengths.tolist() == (batch.lengths + 1).tolist()
    history = torch.ones(len(rows), dtype=torch.bool)
    history[last] = False
    time = model.time_embed(model.time_table)[batch.to_tokens(t)]
    clean = model.item_embedding.weight[batch.items] + model.position_embedding.weight[batch.positions] + time
    torch.testing.assert_close(rows[history], clean, rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_without_noise_a_target_only_fades(drawn):
    model, batch = model_of(CONFIG), batch_of()
    none = torch.zeros(len(LENGTHS), CONFIG.hidden_size)
    wanted = model.item_embedding.weight[batch.targets[batch.last]] * model.alpha_bar[drawn[0]].sqrt().float().unsqueeze(1)
    torch.testing.assert_close(model.noised(batch, drawn[0], none, none), wanted)


@torch.no_grad()
def test_copies_of_a_user_are_guessed_one_by_one():
    model, batch = model_of(CONFIG), batch_of()
    x = torch.randn(len(LENGTHS), 3, 16, generator=torch.Generator().manual_seed(2))
    predict = model.last_token(batch, copies=3)
    for t in (6, 2, 6):  # what is kept of the history is that of one t
        together = predict(x.flatten(0, 1), t).view_as(x)
        for copy in range(3):
            torch.testing.assert_close(together[:, copy], model.last_token(batch)(x[:, copy], t), rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_the_parts_of_a_batch_sum_to_its_loss(drawn):
    model, batch = model_of(CONFIG), batch_of()

    t, start, eps = drawn
    parts = batch.split(3)
    assert len(parts) > 1
    ends = np.cumsum([len(part.lengths) for part in parts])
    rows = [slice(end - len(part.lengths), end) for part, end in zip(parts, ends, strict=True)]
    pieces = [model.losses(part, Drawn(t[row], start[row], eps[row]))["ce"] for part, row in zip(parts, rows, strict=True)]
    torch.testing.assert_close(sum(pieces), model.losses(batch, Drawn(t, start, eps))["ce"])


@pytest.mark.parametrize(("key", "value", "said"), [("loss", "sampled", "a matrix of its own"), ("padding", "sink", "masked")])
def test_settings_that_it_does_not_have_are_refused(key, value, said):
    with pytest.raises(ConfigError, match=f"'{key}' is '{value}'; it must be .*{said}"):
        settings("diffrec", {key: value})


# -- everything else opens it -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    size = {"hidden_size": 16, "heads": 2, "blocks": 1, "length": 10, "timesteps": 12, "sampling_steps": 4}
    tiny = plan("diffrec", preset="diffrec", **size, batch_size=20, epochs=3, validate_every=1, lr=0.01, prefix_share=0.3)
    folder = RunFolder(tmp_path_factory.mktemp("diffrec") / "run")
    train_run(folder, tiny_data, describe_run(tiny_data, "synthetic:items=60,users=80", tiny, "test"))
    return folder


def test_denoising_shows_the_average_grow_and_ends_where_the_evaluation_does(run, tiny_data):
    model = load_model(run)
    found = evaluate(model, tiny_data, "test", seed=3)
    assert found.metrics["steps"] == 4
    walk = user_trajectory(model, tiny_data, 5, seed=3)
    assert walk.target_rank[-1] == found.ranks[5] and walk.timesteps.tolist() == [11] * 4 and np.array_equal(walk.x_t[1:], walk.x0_hat)
    assert "average of the guesses" in why(walk)
    sweep = seed_sweep(model, tiny_data.history(5, "test", 10).tolist(), int(tiny_data.test[5]), seeds=[3], user=5)
    assert sweep.ranks[:, 0].tolist() == walk.target_rank.tolist()
    assert measure(model, tiny_data)["by_steps"][-1]["steps"] == 4


def test_recommendations_are_scored_by_its_own_matrix(run, tiny_data):
    history = tiny_data.history(5, "test", 10)
    (answer,) = recommend(run, [history.tolist()], 60, seed=3, users=[5])["users"]
    scores = {item["id"]: item["score"] for item in answer["items"]}
    rank = evaluate(load_model(run), tiny_data, "test", seed=3).ranks[5]
    better = sum(score >= scores[int(tiny_data.test[5])] for score in scores.values())
    assert rank in (better, better + 1)  # the padding row is ranked too


def test_collapse_looks_at_the_item_table(run, capsys):
    assert np.array_equal(run.table("finetune"), load_model(run).item_embedding.weight[1:].numpy())
    assert main(["collapse", str(run.path), "--json"]) == 0
