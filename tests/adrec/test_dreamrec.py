"""DreamRec against a plain padded implementation: condition, loss, guidance, sampler; and that everything else opens it."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from adrec.data.batches import PackedBatch, pack
from adrec.diffusion import betas, user_noise
from adrec.errors import ConfigError
from adrec.evaluation import answers, evaluate
from adrec.explain.trajectory import user_trajectory
from adrec.models.base import MODELS
from adrec.models.conditioned import time_features
from adrec.models.dreamrec import DreamRec, DreamRecConfig
from adrec.models.loading import load_model
from adrec.models.neural import DiffusionModel
from adrec.models.rng import RandomSource
from adrec.models.settings import settings
from adrec.official.weights import model_from_state_dict, to_official_names
from adrec.runs import RunFolder
from adrec.training.session import describe_run, train_run
from tests.adrec.plain import padded, plain_stack, without_pads
from tests.adrec.small import build, loud, plan

HARNESS = DreamRecConfig(n_items=30, hidden_size=16, heads=2, blocks=2, length=9, timesteps=7)
ORIGINAL = replace(
    HARNESS, denoiser="linear", heads=1, blocks=1, positions=True, schedule="exp", targets="all", condition_drop=0.1, guidance=2.0
)
LENGTHS = [1, 4, 4, 9, 2]


def model_of(config: DreamRecConfig) -> DreamRec:
    model: DreamRec = loud(DreamRec(config))
    return model


def batch_of(config: DreamRecConfig, lengths: list[int] = LENGTHS) -> PackedBatch:
    rng = np.random.default_rng(0)
    sequences = [rng.integers(1, config.n_items + 1, n + 1) for n in lengths]
    return pack([s[:-1] for s in sequences], config.length, [s[1:] for s in sequences])


# -- the plain implementation: padded tensors, every position, equations as they are written ---------------------------


def plain_history(model: DreamRec, seq: torch.Tensor) -> torch.Tensor:
    h = F.embedding(seq, model.item_embedding.weight, padding_idx=0)
    return model.hist_norm(h + model.position_embedding.weight if model.config.positions else h)


def plain_condition(model: DreamRec, seq: torch.Tensor) -> torch.Tensor:
    encoder, h = plain_stack(model.encoder), plain_history(model, seq)
    return encoder(h, seq > 0) if model.config.padding == "sink" else without_pads(encoder, seq, h, seq > 0)


def plain_denoise(model: DreamRec, x: torch.Tensor, t: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
    time = model.time_embed(time_features(t.flatten(), model.config.timesteps, x.shape[-1])).view(x.shape)
    h, net = torch.cat([x, time, condition], -1), model.denoiser
    if model.config.denoiser == "linear":
        return h @ net.weight.T + net.bias
    h = net.narrow1(F.silu(net.wide1(h)))
    h = net.narrow2(F.silu(net.wide2(h)))
    return (h - h.mean(-1, keepdim=True)) / (h.var(-1, unbiased=False, keepdim=True) + 1e-12).sqrt() * net.norm.weight + net.norm.bias


def plain_sample(model: DreamRec, condition: torch.Tensor, start: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """DDPM, algorithm 2, with the guided estimate of x_0. condition, start: (B, D), noise: (T, B, D)."""
    config = model.config
    beta = betas(config.schedule, config.timesteps)
    bar = np.cumprod(1 - beta)
    x = start.double()
    for n, t in enumerate(reversed(range(config.timesteps))):
        when = torch.full((len(x),), t)
        x_0 = plain_denoise(model, x.float(), when, condition)
        if config.guidance:
            free = plain_denoise(model, x.float(), when, model.nothing.expand_as(condition))
            x_0 = free + (1 + config.guidance) * (x_0 - free)
        before = bar[t - 1] if t else 1.0
        mean = (math.sqrt(before) * beta[t] * x_0.double() + math.sqrt(1 - beta[t]) * (1 - before) * x) / (1 - bar[t])
        x = mean + (math.sqrt(beta[t]) * noise[n].double() if t else 0.0)
    return x


# -- equal to it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [HARNESS, ORIGINAL])
@pytest.mark.parametrize("padding", ["sink", "masked"])
def test_the_packed_condition_equals_the_padded_one(config, padding):
    model = model_of(replace(config, padding=padding))
    batch = batch_of(config)
    seq, _ = padded(batch)
    torch.testing.assert_close(model.encode(batch)[: batch.tokens], plain_condition(model, seq)[seq > 0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("config", [HARNESS, replace(HARNESS, targets="all"), ORIGINAL])
def test_the_loss_and_its_gradient_equal_the_plain_ones(config):
    model, batch = model_of(config), batch_of(config)
    seq, tgt = padded(batch)
    real, width = seq > 0, config.hidden_size
    places = torch.zeros_like(real)
    places[:, -1] = True
    places = real if config.targets == "all" else places
    count = int(places.sum())
    generator = torch.Generator().manual_seed(1)
    t, eps = torch.randint(config.timesteps, (count,), generator=generator), torch.randn(count, width, generator=generator)
    x0_hat, x_0 = model(batch, t, eps)
    weights = batch.token_weights if config.targets == "all" else batch.user_weights
    ours = ((x0_hat - x_0).square().mean(-1) * weights).sum()

    whole_t = torch.zeros(seq.shape, dtype=torch.long).masked_scatter(places, t)
    noise = torch.zeros(*seq.shape, width).masked_scatter(places.unsqueeze(-1), eps)
    clean = F.embedding(tgt, model.item_embedding.weight, padding_idx=0)
    bar = torch.from_numpy(np.cumprod(1 - betas(config.schedule, config.timesteps)))[whole_t].unsqueeze(-1)
    x = (bar.sqrt() * clean + (1 - bar).sqrt() * noise).float()
    error = (plain_denoise(model, x, whole_t, plain_condition(model, seq)) - clean).square().mean(-1) * places
    plain = (error.sum(1) / places.sum(1)).mean()
    torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-6)
    used = [p for name, p in model.named_parameters() if name != "nothing"]
    for a, b in zip(torch.autograd.grad(ours, used), torch.autograd.grad(plain, used), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("config", [HARNESS, replace(HARNESS, infer_from="item"), ORIGINAL, replace(ORIGINAL, guidance=0.0)])
def test_answers_are_the_plain_samplers(config):
    """With guidance, without it, conditioned on the encoder and on the last item alone."""
    model, batch = model_of(config), batch_of(config)
    seq, _ = padded(batch)
    start, noise = user_noise(5, batch.users, config.timesteps, config.hidden_size)
    condition = (plain_history if config.infer_from == "item" else plain_condition)(model, seq)[:, -1]
    ours = answers(model, batch, seed=5)
    torch.testing.assert_close(ours.double(), plain_sample(model, condition, start, noise), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_copies_of_a_user_are_answered_one_by_one():
    model, batch = model_of(ORIGINAL), batch_of(ORIGINAL)
    x = torch.randn(3 * len(LENGTHS), 16, generator=torch.Generator().manual_seed(2))
    together = model.last_token(batch, copies=3)(x, 4).view(-1, 3, 16)
    for copy in range(3):
        torch.testing.assert_close(together[:, copy], model.last_token(batch)(x.view(-1, 3, 16)[:, copy], 4), rtol=1e-5, atol=1e-6)


# -- what the settings do ---------------------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize(("infer_from", "alike"), [("item", True), ("encoder", False)])
def test_conditioned_on_the_last_item_the_rest_of_the_history_means_nothing(infer_from, alike):
    model = model_of(replace(HARNESS, infer_from=infer_from))
    one, other = (answers(model, pack([np.array(h)], 9)) for h in ([1, 2, 3, 7], [9, 8, 7]))
    assert torch.equal(one, other) == alike


def test_a_batch_in_parts_has_the_whole_batchs_loss():
    for targets in ("last", "all"):
        model, batch = model_of(replace(HARNESS, targets=targets)), batch_of(HARNESS)

        def loss(part: PackedBatch, model=model) -> torch.Tensor:
            count = part.tokens if model.config.targets == "all" else len(part.lengths)
            x0_hat, x_0 = model(part, torch.zeros(count, dtype=torch.long), torch.zeros(count, 16))
            weights = part.token_weights if model.config.targets == "all" else part.user_weights
            return ((x0_hat - x_0).square().mean(-1) * weights).sum()

        parts = batch.split(3)
        assert len(parts) > 1
        torch.testing.assert_close(sum(loss(part) for part in parts), loss(batch))


def test_conditions_are_dropped_in_training_alone_at_their_rate():
    model = model_of(replace(ORIGINAL, condition_drop=0.3))
    rows = torch.randn(20_000, 16, generator=torch.Generator().manual_seed(0))
    dropped = model._dropped(rows, RandomSource(np.random.default_rng(0)))
    nothing = (dropped == model.nothing).all(1)
    assert abs(float(nothing.float().mean()) - 0.3) < 0.015
    assert torch.equal(dropped[~nothing], rows[~nothing])
    assert model._dropped(rows, None) is rows


def test_the_empty_condition_learns():
    model = model_of(replace(ORIGINAL, condition_drop=0.5))
    loss = model.losses(batch_of(ORIGINAL, [9] * 20), RandomSource(np.random.default_rng(0)))["mse"]
    assert torch.autograd.grad(loss, model.nothing)[0].abs().sum() > 0


def test_guidance_needs_dropped_conditions():
    with pytest.raises(ConfigError, match=r"'guidance' is 2.0; it must be 0 where condition_drop = 0"):
        replace(HARNESS, guidance=2.0)


def test_the_start_is_as_wide_as_published():
    model = build(replace(ORIGINAL, n_items=3000, blocks=2))
    model.initialise(torch.Generator().manual_seed(0))
    table = model.item_embedding.weight.detach()
    assert abs(float(table.std()) - 1) < 0.02 and model.nothing.abs().sum() > 0


@pytest.mark.parametrize("name", ["adrec", "sasrec", "dreamrec"])
def test_every_model_is_built_and_those_that_denoise_are_diffusion_models(name):
    model = build(plan(name, n_items=5, hidden_size=8, heads=2).config)
    assert isinstance(model, MODELS[name]) and model.loss_names
    assert isinstance(model, DiffusionModel) == ("denoise" in model.abilities)


def test_the_presets_are_what_peers_published():
    original, train = settings("dreamrec-original").config, settings("dreamrec-original").train
    harness, fixed = (vars(settings(f"dreamrec-harness{x}").config) for x in ("", "-fixed"))
    assert {k for k in harness if harness[k] != fixed[k]} == {"infer_from"}
    assert (original.hidden_size, original.timesteps, original.guidance, original.condition_drop) == (64, 500, 2.0, 0.1)
    assert train.weight_decay == 0 and train.patience >= train.epochs  # AdamW without decay is Adam; no early stop


# -- everything else opens it -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["dreamrec-harness", "dreamrec-original", "dreamrec-long"])
def run(request, tiny_data, tmp_path_factory):
    """A preset's training, made tiny."""
    size = {"hidden_size": 16, "heads": 2, "blocks": 1, "length": 10, "timesteps": 40}
    train = {"batch_size": 40, "epochs": 3, "validate_every": 1, "weight_decay": 0.0}
    tiny = plan("dreamrec", preset=request.param, **{**DreamRec.presets[request.param].settings, **size, **train})
    folder = RunFolder(tmp_path_factory.mktemp("dream") / request.param)
    train_run(folder, tiny_data, describe_run(tiny_data, "synthetic:items=60,users=80", tiny, "test"))
    return folder


def test_a_run_has_its_tables_snapshots_and_metrics(run):
    assert run.table_names() == ["initial", "finetune"]
    assert [epoch for _, epoch, _ in run.snapshots()] == [2, 3]
    assert not np.array_equal(run.table("initial"), run.table("finetune"))
    assert run.metrics("finetune")["test"]["steps"] == 40


def test_evaluation_honours_the_number_of_steps(run, tiny_data):
    model = load_model(run)
    ranks = {steps: evaluate(model, tiny_data, "test", steps=steps).ranks for steps in (None, 40, 1)}
    assert np.array_equal(ranks[None], ranks[40]) and not np.array_equal(ranks[40], ranks[1])
    assert np.array_equal(ranks[None], run.test_ranks("finetune"))


def test_a_trajectory_ends_where_the_evaluation_does(run, tiny_data):
    model = load_model(run)
    ranks = evaluate(model, tiny_data, "test", seed=3).ranks
    for user in range(5):
        found = user_trajectory(model, tiny_data, user, seed=3)
        assert found.steps == 40 and found.target_rank[-1] == ranks[user]


def test_the_loss_falls(tiny_data, tmp_path):
    size = {"hidden_size": 16, "heads": 2, "blocks": 2, "length": 10, "timesteps": 7}
    tiny = plan("dreamrec", **size, targets="all", batch_size=20, epochs=8, lr=0.01, validate_every=15)
    folder = RunFolder(tmp_path / "falls")
    seen: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adrec.training.recorder.LOG_SECONDS", 0.0)
        train_run(
            folder,
            tiny_data,
            describe_run(tiny_data, "synthetic:items=60,users=80", tiny, "test"),
            listener=lambda e: seen.append(e["mse"]) if e["kind"] == "step" else None,
        )
    assert np.mean(seen[-4:]) < 0.8 * np.mean(seen[:4])


def test_official_weights_are_recognised_by_their_names():
    model = model_of(replace(HARNESS, infer_from="item", timestep_per="sequence"))
    official = {k: v.clone() for k, v in to_official_names(model, dict(model.named_parameters())).items()}
    again = model_from_state_dict(official, heads=2, length=9, timesteps=7)
    assert again.config == model.config
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), model.parameters(), strict=True))
