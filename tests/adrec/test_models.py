"""The packed models compute what `adrec.paper` does, forward and gradient."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adrec import paper
from adrec.data.batches import PackedBatch, pack
from adrec.diffusion import reverse_process
from adrec.losses.full import cross_entropy, token_error
from adrec.models.adrec import ADRec, ADRecConfig
from adrec.models.blocks import dropout
from adrec.models.rng import RandomSource
from adrec.models.sasrec import SASRecConfig
from adrec.training.gradients import mean_gradient
from tests.adrec.plain import padded, plain_adrec, plain_names, plain_sasrec, without_pads
from tests.adrec.small import build, plan

SASREC = SASRecConfig(n_items=30, hidden_size=16, heads=2, blocks=2, length=9)
BASE = ADRecConfig(n_items=30, hidden_size=16, heads=2, blocks=2, length=9, timesteps=24, noise_weight=0.7)
LENGTHS = [[9, 9, 9], [1, 1], [1, 4, 4, 9, 2], [3]]


def model_of(config: SASRecConfig | ADRecConfig, seed: int = 0):
    model = build(config)
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return model


def batch_of(lengths: list[int], config: SASRecConfig | ADRecConfig, seed: int = 0) -> PackedBatch:
    rng = np.random.default_rng(seed)
    sequences = [rng.integers(1, config.n_items + 1, n + 1) for n in lengths]
    return pack([s[:-1] for s in sequences], config.length, [s[1:] for s in sequences])


def same_gradient(model, ours: list[torch.Tensor], plain: torch.nn.Module, losses: list[torch.Tensor]) -> None:
    """ours: gradients of the model's parameters, in their order. losses: of the plain model, minimised together."""
    names = [name for name, _ in model.named_parameters()]
    ours = plain_names(model, dict(zip(names, ours, strict=True)))
    parameters = dict(plain.named_parameters())
    theirs = torch.autograd.grad(torch.stack(losses).mean(), list(parameters.values()))
    for name, gradient in zip(parameters, theirs, strict=True):
        torch.testing.assert_close(ours[name], gradient, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("padding", ["sink", "masked"])
def test_packed_sasrec_equals_the_plain_one(lengths, padding):
    config = replace(SASREC, padding=padding)
    model, batch = model_of(config), batch_of(lengths, config)
    plain, (seq, tgt) = plain_sasrec(model), padded(batch)
    ours = model(batch)
    out = plain(seq) if padding == "sink" else without_pads(plain, seq, seq)
    torch.testing.assert_close(ours, out[seq > 0], rtol=1e-4, atol=1e-5)
    gradient = mean_gradient([cross_entropy(ours, model.item_embedding.weight, batch.targets)], list(model.parameters()))
    same_gradient(model, gradient, plain, [paper.cross_entropy(out, plain.item_embedding.weight, tgt)])


@torch.no_grad()
@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("padding", ["sink", "masked"])
def test_packed_sasrec_with_positions_is_the_plain_one_on_shifted_embeddings(lengths, padding):
    config = replace(SASREC, padding=padding, positions=True)
    model, batch = model_of(config), batch_of(lengths, config)
    plain, (seq, _) = plain_sasrec(model), padded(batch)
    h = plain.norm(plain.item_embedding(seq) + model.position_embedding.weight)
    out = plain.encoder(h, seq > 0) if padding == "sink" else without_pads(plain.encoder, seq, h, seq > 0)
    torch.testing.assert_close(model(batch), out[seq > 0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("padding", ["sink", "masked"])
@pytest.mark.parametrize("denoiser", ["transformer", "mlp"])
def test_packed_adrec_equals_the_plain_one(lengths, padding, denoiser):
    config = replace(BASE, padding=padding, denoiser=denoiser)
    model, batch = model_of(config), batch_of(lengths, config)
    plain, (seq, tgt) = plain_adrec(model), padded(batch)
    generator = torch.Generator().manual_seed(1)
    t = torch.randint(config.timesteps, seq.shape, generator=generator)
    eps = torch.randn(*seq.shape, config.hidden_size, generator=generator)
    x0_hat, x_0 = model(batch, t[seq > 0], eps[seq > 0])
    plain_x_0 = plain.item_embedding(tgt)
    out = plain(seq, tgt, t, eps)[0] if padding == "sink" else without_pads(lambda *x: plain(*x)[0], seq, seq, tgt, t, eps)
    torch.testing.assert_close(x0_hat, out[seq > 0], rtol=1e-4, atol=1e-5)
    ce = cross_entropy(x0_hat, model.item_embedding.weight, batch.targets)
    mse = token_error(x0_hat, x_0, batch.token_weights)
    losses = [paper.cross_entropy(out, plain.item_embedding.weight, tgt), paper.squared_error(out, plain_x_0, seq > 0)]
    torch.testing.assert_close([ce, mse], losses, rtol=1e-4, atol=1e-5)
    same_gradient(model, mean_gradient([ce, mse], list(model.parameters())), plain, losses)


@torch.no_grad()
@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("padding", ["sink", "masked"])
@pytest.mark.parametrize("denoiser", ["transformer", "mlp"])
def test_the_cached_reverse_process_equals_the_plain_one_at_lambda_1(lengths, padding, denoiser):
    config = replace(BASE, padding=padding, denoiser=denoiser, noise_weight=1.0)
    model, batch = model_of(config), batch_of(lengths, config)
    assert isinstance(model, ADRec)
    plain, (seq, _) = plain_adrec(model), padded(batch)
    generator = torch.Generator().manual_seed(2)
    x_start = torch.randn(len(lengths), config.hidden_size, generator=generator)
    noise = torch.randn(config.timesteps, len(lengths), config.hidden_size, generator=generator)
    ours = reverse_process(model.last_token(batch), x_start, noise, model.diffusion)
    if padding == "sink":
        theirs = paper.reverse_process(plain, seq, x_start, noise)
    else:
        alone = [(seq[i : i + 1, -n:], x_start[i : i + 1], noise[:, i : i + 1]) for i, n in enumerate(batch.lengths)]
        theirs = torch.cat([paper.reverse_process(plain, *user) for user in alone])
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_several_noise_seeds_at_once_equal_one_at_a_time():
    model = model_of(replace(BASE, noise_weight=1.0))
    batch = batch_of([2, 5, 9], BASE)
    x = torch.randn(3, 4, BASE.hidden_size, generator=torch.Generator().manual_seed(3))
    together = model.last_token(batch, copies=4)(x.flatten(0, 1), 7).unflatten(0, (3, 4))
    for i in range(4):
        torch.testing.assert_close(together[:, i], model.last_token(batch)(x[:, i], 7), rtol=1e-4, atol=1e-5)


@torch.no_grad()
@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 5))
def test_a_users_output_does_not_depend_on_the_others(lengths, pick):
    model = model_of(SASREC)
    batch = batch_of(lengths, BASE)
    seq, _ = padded(batch)
    row = pick % len(lengths)
    alone = pack([seq[row][seq[row] > 0].numpy()], BASE.length)
    torch.testing.assert_close(model(batch)[batch.last[row]], model(alone)[-1], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_later_item_never_changes_an_earlier_output():
    model = model_of(BASE)
    long, short = np.array([3, 8, 2, 9]), np.array([3, 8, 2])
    # the frame grows with the history, so that both have the same number of pads
    whole = model.encode(pack([long], 9))[:3]
    torch.testing.assert_close(whole, model.encode(pack([short], 8))[:3], rtol=1e-5, atol=1e-6)


def test_sink_and_masked_padding_differ_only_where_there_are_pads():
    sink, masked = (model_of(replace(SASREC, padding=p)) for p in ("sink", "masked"))
    full, part = batch_of([9], BASE), batch_of([4], BASE)
    torch.testing.assert_close(sink(full), masked(full))
    assert (sink(part) - masked(part)).abs().max() > 1e-3


def test_dropout_leaves_the_pads_rows_alone_and_keeps_the_mean():
    x = torch.ones(20_003, 8)
    out = dropout(x, 0.3, RandomSource(np.random.default_rng(0)), tokens=20_000)
    assert torch.equal(out[20_000:], x[20_000:])
    assert abs(float(out[:20_000].mean()) - 1) < 0.01
    assert abs(float((out[:20_000] == 0).float().mean()) - 0.3) < 0.01


@pytest.mark.parametrize("p", [0.99999, float(np.nextafter(1, 0))])
def test_dropout_with_a_rate_just_below_1_keeps_a_finite_few(p):
    mask = RandomSource(np.random.default_rng(0)).keep((1000, 1000), p)
    assert mask.isfinite().all() and 0 < (mask > 0).float().mean() < 1e-4


def test_dropout_is_the_same_for_the_same_generator():
    x = torch.randn(50, 7)
    assert torch.equal(dropout(x, 0.5, RandomSource(np.random.default_rng(4))), dropout(x, 0.5, RandomSource(np.random.default_rng(4))))


def test_the_padding_row_learns_only_through_the_softmax():
    model = model_of(BASE)
    batch = batch_of([2, 3], BASE)
    t, eps = torch.zeros(batch.tokens, dtype=torch.long), torch.randn(batch.tokens, BASE.hidden_size)
    x0_hat, x_0 = model(batch, t, eps)
    (gradient,) = torch.autograd.grad(token_error(x0_hat, x_0, batch.token_weights), [model.item_embedding.weight])
    assert not gradient[0].any() and gradient[1:].any()


@pytest.mark.parametrize("name", ["adrec", "sasrec"])
def test_the_parts_of_a_batch_sum_to_its_losses_and_gradient(name):
    quiet = {"noise_weight": 0.0} if name == "adrec" else {}
    # nothing random reaches the output
    config = plan(name, n_items=30, hidden_size=16, heads=2, length=9, dropout=0.0, embedding_dropout=0.0, **quiet).config
    model = model_of(config)
    batch = batch_of([1, 2, 2, 3, 5, 7, 9, 9, 4], config)
    parts = batch.split(3)
    assert len(parts) > 3 and sum(part.tokens for part in parts) == batch.tokens
    parameters = list(model.parameters())

    def result(part):
        losses = list(model.losses(part, RandomSource(np.random.default_rng(0))).values())
        return [*losses, *mean_gradient(losses, parameters)]

    pieces = [result(part) for part in parts]
    for whole, *own in zip(result(batch), *pieces, strict=True):
        torch.testing.assert_close(sum(own), whole, rtol=1e-4, atol=1e-5)
