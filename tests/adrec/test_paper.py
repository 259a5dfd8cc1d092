"""`adrec.paper` against the official code's numbers, and the fast path's data, schedules and metrics against `adrec.paper`."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from adrec import paper
from adrec.data.batches import evaluation_batches, training_batch
from adrec.diffusion import Diffusion, user_noise
from adrec.evaluation import evaluate, ranking_metrics, ranks_of
from adrec.models.loading import load_model
from adrec.official.verify import error, tolerance
from tests.adrec.plain import padded, plain_adrec, renamed

GOLDEN = Path(__file__).parents[1] / "golden"
TINY = paper.Settings(n_items=60, length=10, hidden_size=16, heads=2, blocks=1, timesteps=4, batch_size=16, lr=0.01)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# -- the official code's numbers --------------------------------------------------------------------------------------


def recorded(name: str) -> tuple[paper.Settings, dict[str, Tensor], dict[str, Tensor]]:
    """A recorded file's settings, its state dict under the plain names, and all its tensors."""
    with np.load(GOLDEN / f"{name}.npz") as file:
        config = json.loads(str(file["config"]))
        record = {key: torch.from_numpy(file[key]) for key in file.files if key != "config"}
    settings = paper.Settings(**{k: v for k, v in config.items() if k in paper.Settings.__dataclass_fields__})
    return settings, renamed({k.removeprefix("sd/"): v for k, v in record.items() if k.startswith("sd/")}), record


def recorded_adrec(name: str) -> tuple[paper.ADRec, dict[str, Tensor]]:
    settings, weights, record = recorded(name)
    model = paper.ADRec(settings, weights["item_embedding.weight"], rng())
    model.load_state_dict(weights)
    return model, record


def hold(record: dict[str, Tensor], **ours: Tensor) -> None:
    """Within the tolerances of the recordings, where there is an item."""
    real = record["seq"] > 0
    for name, value in ours.items():
        pair = [x[real] if x.shape[:2] == real.shape else x for x in (value.detach(), record[name])]
        assert error(*pair) <= tolerance(name), name


@pytest.mark.parametrize("name", ["adrec", "adrec_lambda1", "adrec_mlp"])
def test_the_forward_pass_and_both_losses_are_the_official_ones(name):
    model, record = recorded_adrec(name)
    seq, tgt, t, eps = (record[k] for k in ("seq", "tgt", "t", "noise"))
    x0_hat, x_0 = model(seq, tgt, t, eps)
    hold(record, cond=model.condition(seq), x_t=model.diffusion.q_sample(x_0, t, eps), x0_hat=x0_hat)
    hold(record, ce=paper.cross_entropy(x0_hat, model.item_embedding.weight, tgt), mse=paper.squared_error(x0_hat, x_0, seq > 0))


@pytest.mark.parametrize("name", ["adrec", "adrec_lambda1", "adrec_pcgrad"])
def test_the_gradient_of_the_losses_mean_is_the_official_steps(name):
    model, record = recorded_adrec(name)
    x0_hat, x_0 = model(*(record[k] for k in ("seq", "tgt", "t", "noise")))
    ce = paper.cross_entropy(x0_hat, model.item_embedding.weight, record["tgt"])
    (0.5 * (ce + paper.squared_error(x0_hat, x_0, record["seq"] > 0))).backward()
    theirs = renamed({k.removeprefix("grad/"): v for k, v in record.items() if k.startswith("grad/")})
    assert set(theirs) == {k for k, _ in model.named_parameters()}
    for key, parameter in model.named_parameters():
        assert error(parameter.grad, theirs[key]) <= tolerance("grad/"), key


@pytest.mark.parametrize("name", ["adrec", "adrec_lambda1"])
def test_the_reverse_process_is_the_official_one(name):
    model, record = recorded_adrec(name)
    last = paper.reverse_process(model, record["seq"], record["init_noise"], record["step_noise"])
    hold(record, last=last, scores=last @ model.item_embedding.weight.T)


def test_stage_1s_model_is_the_official_one():
    settings, weights, record = recorded("pretrain")
    model = paper.SASRec(settings, rng())
    model.load_state_dict(weights)
    hold(record, out=model(record["seq"]), last=model.answer(record["seq"], rng()), ce=model.losses(record["seq"], record["tgt"], None)[0])


def test_schedules_are_the_official_ones():
    with np.load(GOLDEN / "schedules.npz") as file:
        for key in file.files:
            schedule, timesteps, kind = key.split("__")
            ours = paper.betas(schedule, int(timesteps)) if kind == "betas" else paper.Diffusion(schedule, int(timesteps)).alpha_bar
            assert error(ours, file[key]) <= 1e-12, key


def test_metrics_are_the_official_ones():
    with np.load(GOLDEN / "metrics.npz") as file:
        ranks = paper.ranks_of(torch.from_numpy(file["scores"]), torch.from_numpy(file["labels"]).flatten())
        for name, value in paper.metrics_of(ranks).items():
            assert value == pytest.approx(float(file[name.upper().replace("@", "_at_")]), abs=1e-6), name


# -- the fast path's data, diffusion and metrics ----------------------------------------------------------------------


def rows_of(seq: Tensor, tgt: Tensor) -> set[tuple[int, ...]]:
    return {tuple(row) for row in torch.cat([seq, tgt], 1).tolist()}


def test_windows_hold_the_packed_batches(tiny_data):
    seq, tgt = paper.training_windows(tiny_data, 9)
    batch = training_batch(tiny_data, np.arange(tiny_data.n_users), 9)
    assert len(seq) == len(batch.users) and rows_of(seq, tgt) == rows_of(*padded(batch))
    assert seq[0].tolist() == [*([0] * 9), *tiny_data.train(0)[:-1]][-9:]


def test_a_tests_history_ends_with_the_validation_item(tiny_data):
    histories = [tiny_data.history(user, "test", 9) for user in range(tiny_data.n_users)]
    seq = paper.left_padded(histories, 9)
    assert seq[:, -1].tolist() == tiny_data.val.tolist()
    for batch in evaluation_batches(tiny_data, "test", 9):
        assert torch.equal(padded(batch)[0], seq[torch.from_numpy(batch.users)])


@pytest.mark.parametrize("schedule", ["trunc_lin", "linear", "cosine", "sqrt", "trunc_cos"])
def test_the_coefficients_of_the_reverse_process_are_the_fast_paths(schedule):
    plain, fast = paper.Diffusion(schedule, 32), Diffusion.from_schedule(schedule, 32)
    ours = (plain.alpha_bar, plain.x_0_weight, plain.x_t_weight, plain.std)
    for a, b in zip(ours, (fast.alpha_bar, *fast.posterior_coefficients, fast.posterior_std), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_ties_count_against_the_model_and_row_0_is_scored():
    scores = torch.tensor([[5.0, 1.0, 1.0, 0.0], [0.0, 3.0, 2.0, 1.0]])
    assert paper.ranks_of(scores, torch.tensor([1, 1])).tolist() == [3, 1]


def test_metrics_of_ranks_are_the_evaluators():
    scores = torch.randint(0, 30, (200, 41), generator=rng()).float()
    answers = torch.randint(1, 41, (200,), generator=rng(1))
    ranks = paper.ranks_of(scores, answers)
    assert torch.equal(ranks, ranks_of(scores, answers))
    fast = ranking_metrics(ranks.numpy())
    assert paper.metrics_of(ranks) == pytest.approx({k: fast[k] for k in paper.metrics_of(ranks)})


@torch.no_grad()
def test_a_trained_run_ranks_every_user_as_the_plain_model_does(tiny_run, tiny_data):
    model = load_model(tiny_run)
    plain = plain_adrec(model)
    users = np.arange(tiny_data.n_users)
    seq = paper.left_padded([tiny_data.history(user, "test", model.config.length) for user in users], model.config.length)
    answer = paper.reverse_process(plain, seq, *user_noise(0, users, model.config.timesteps, model.config.hidden_size))
    ranks = paper.ranks_of(answer @ plain.item_embedding.weight.T, torch.from_numpy(tiny_data.test).long())
    fast = evaluate(model, tiny_data, "test")
    assert np.mean(ranks.numpy() == fast.ranks) > 0.97  # rounding may swap two items whose scores are equal but for the last bit
    assert paper.metrics_of(ranks)["ndcg@10"] == pytest.approx(fast.metrics["ndcg@10"], abs=0.01)


# -- training ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frozen", [True, False])
def test_a_frozen_table_stays_exactly_as_it_was(tiny_data, frozen):
    table = torch.randn(61, 16, generator=rng()) * 0.1
    model = paper.ADRec(TINY, table, rng())
    model.item_embedding.requires_grad_(not frozen)
    paper.train_stage("warmup", model, paper.adam_of(model), range(1, 3), tiny_data, rng())
    assert torch.equal(model.item_embedding.weight, table) == frozen


def test_a_pad_that_is_looked_up_learns_nothing(tiny_data):
    seq, tgt = paper.training_windows(tiny_data, 10)
    model = paper.ADRec(TINY, torch.randn(61, 16, generator=rng()), rng())
    assert (seq == 0).any()
    model.losses(seq, tgt, rng())[1].backward()
    gradient = model.item_embedding.weight.grad
    assert not gradient[0].any() and gradient[1:].any()


@pytest.mark.parametrize(("per", "different"), [("token", True), ("sequence", False)])
def test_timesteps_are_drawn_for_each_token_or_for_each_sequence(monkeypatch, tiny_data, per, different):
    seen = []
    monkeypatch.setattr(paper, "time_features", lambda t, *sizes, real=paper.time_features: seen.append(t) or real(t, *sizes))
    seq, tgt = paper.training_windows(tiny_data, 10)
    paper.ADRec(replace(TINY, timestep_per=per), torch.zeros(61, 16), rng()).losses(seq, tgt, rng())
    t, real = seen[0], seq > 0
    assert not t[~real].any()
    assert any(len(set(t[i][real[i]].tolist())) > 1 for i in range(len(t))) == different


def test_dropout_keeps_the_mean_and_drops_its_share():
    out = paper.dropout(torch.ones(100_000), 0.3, rng())
    assert abs(float(out.mean()) - 1) < 0.01 and abs(float((out == 0).float().mean()) - 0.3) < 0.01


def test_a_training_is_repeated_by_its_seed_and_dropout_is_part_of_it(tiny_data):
    seq, tgt = paper.training_windows(tiny_data, 10)
    ends = []
    for seed, dropout in ((0, 0.1), (0, 0.1), (1, 0.1), (0, 0.0)):
        model = paper.SASRec(replace(TINY, dropout=dropout), rng())
        paper.train_step(model, paper.adam_of(model), seq, tgt, rng(seed))
        ends.append(model.item_embedding.weight.detach())
    assert torch.equal(ends[0], ends[1]) and not torch.equal(ends[0], ends[2]) and not torch.equal(ends[0], ends[3])


@pytest.mark.parametrize(
    ("changed", "stages"),
    [
        ({}, ["pretrain", "warmup", "finetune"]),
        ({"pretrain": False, "denoiser": "mlp"}, ["warmup", "finetune"]),
        ({"warmup_epochs": 0, "timestep_per": "sequence"}, ["pretrain", "finetune"]),
    ],
)
def test_the_demonstration_prints_a_line_a_validation_and_the_test_metrics(monkeypatch, capsys, changed, stages):
    monkeypatch.setattr(paper, "DATA", {"items": 60, "users": 80})
    monkeypatch.setattr(paper, "DEMO", replace(TINY, **{"epochs": 7, "warmup_epochs": 2, **changed}))
    paper.main(["--seed", "3"])
    *validations, adrec, popularity = capsys.readouterr().out.splitlines()
    assert list(dict.fromkeys(line.split()[0] for line in validations)) == stages
    assert all("validation NDCG@10" in line for line in validations)
    assert adrec.startswith("ADRec") and popularity.startswith("popularity") and "NDCG@10" in popularity
