"""Sampled softmax against the full one, a batch's own table against the whole, RowAdam against torch's optimisers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from adrec.data.batches import Negatives, training_batch
from adrec.errors import ConfigError
from adrec.losses.sampled import Proposal, RowAdam, own_table, sampled_cross_entropy, small_table
from tests.adrec.small import built, plan

V = 40


def tensors(seed: int, tokens: int = 7, rows: int = V + 1, width: int = 6) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x, table = (torch.randn(n, width, generator=generator, dtype=torch.double).requires_grad_() for n in (tokens, rows))
    return x, table, torch.randint(1, rows, (tokens,), generator=generator)


def plain_loss(x, table, targets, negatives: Negatives) -> torch.Tensor:
    """Token by token, as the formula reads."""
    losses = []
    for h, target in zip(x, targets.tolist(), strict=True):
        own = h @ table[target]
        others = [
            (h @ table[row]).exp() * math.exp(weight)
            for row, weight in zip(negatives.rows.tolist(), negatives.log_weights.tolist(), strict=True)
            if row != target
        ]
        losses.append((own.exp() + sum(others)).log() - own)
    return torch.stack(losses).mean()


def loss_and_gradients(loss, x, table) -> list[torch.Tensor]:
    return [loss.detach(), *torch.autograd.grad(loss, (x, table))]


def assert_equal(ours, theirs, tolerance=1e-9):
    for a, b in zip(ours, theirs, strict=True):
        assert torch.allclose(a, b, rtol=tolerance, atol=tolerance)


def zipf(rows: int = V + 1) -> np.ndarray:
    return np.append(0, np.arange(rows - 1, 0, -1) ** 2)


# -- the proposal -----------------------------------------------------------------------------------------------------


@given(st.integers(1, 200), st.floats(0.01, 1), st.integers(0, 2**32 - 1))
def test_a_draw_holds_as_many_rows_as_asked_for(negatives, share, seed):
    proposal = Proposal.from_popularity(zipf(), negatives, share)
    drawn = proposal.draw(np.random.default_rng(seed))
    counts = np.exp(drawn.log_weights.numpy()) * proposal.expected[drawn.rows.numpy()]
    assert np.allclose(counts, counts.round(), atol=1e-4) and round(counts.sum()) == negatives
    assert (np.diff(drawn.rows.numpy()) > 0).all() and drawn.rows.min() >= 0 and drawn.rows.max() <= V


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_every_row_is_drawn_as_often_as_expected(share):
    proposal, rng, draws = Proposal.from_popularity(zipf(), 10, share), np.random.default_rng(0), 5_000
    counts = np.zeros(V + 1)
    for _ in range(draws):
        drawn = proposal.draw(rng)
        counts[drawn.rows.numpy()] += np.exp(drawn.log_weights.numpy()) * proposal.expected[drawn.rows.numpy()]
    assert np.abs(counts / draws - proposal.expected).max() < 5 * np.sqrt(proposal.expected.max() / draws)


def test_expected_counts_are_the_mixture_that_the_docstring_states():
    expected = Proposal.from_popularity(np.array([0, 3, 1]), 8, 0.25).expected
    assert np.allclose(expected, [8 * 0.25 / 3, 8 * (0.25 / 3 + 0.75 * 3 / 4), 8 * (0.25 / 3 + 0.75 / 4)])


def test_without_any_interaction_negatives_are_uniform():
    assert np.allclose(Proposal.from_popularity(np.zeros(5, dtype=int), 10, 0.5).expected, 2)


@pytest.mark.parametrize(
    ("negatives", "share", "message"), [(0, 0.5, "at least 1, not 0"), (5, 0.0, "at most 1, not 0.0"), (5, 1.5, "not 1.5")]
)
def test_a_proposal_that_cannot_be_drawn_from_is_refused(negatives, share, message):
    with pytest.raises(ConfigError, match=message):
        Proposal.from_popularity(zipf(), negatives, share)


def test_the_same_generator_draws_the_same_negatives():
    a, b = (Proposal.from_popularity(zipf(), 9).draw(np.random.default_rng(3)) for _ in range(2))
    assert torch.equal(a.rows, b.rows) and torch.equal(a.log_weights, b.log_weights)


# -- the loss ---------------------------------------------------------------------------------------------------------


@given(st.integers(0, 1000), st.integers(1, 60))
def test_loss_and_gradients_are_those_of_the_formula_token_by_token(seed, negatives):
    x, table, targets = tensors(seed)
    drawn = Proposal.from_popularity(zipf(), negatives).draw(np.random.default_rng(seed))
    ours = sampled_cross_entropy(x, table, targets, drawn)
    assert_equal(loss_and_gradients(ours, x, table), loss_and_gradients(plain_loss(x, table, targets, drawn), x, table))


@pytest.mark.parametrize("rows", [2, V + 1, 5000])
def test_with_as_many_uniform_negatives_as_rows_it_is_the_full_softmax(rows):
    x, table, targets = tensors(0, 300, rows)
    drawn = Proposal.from_popularity(zipf(rows), rows, 1.0).draw(np.random.default_rng(0))
    ours, full = sampled_cross_entropy(x, table, targets, drawn), F.cross_entropy(x @ table.T, targets)
    assert torch.equal(drawn.rows, torch.arange(rows)) and torch.equal(drawn.log_weights, torch.zeros(rows))
    assert_equal(loss_and_gradients(ours, x, table), loss_and_gradients(full, x, table))


def test_an_accidental_hit_counts_for_nothing():
    x, table, targets = tensors(1, 5)
    rows = torch.unique(torch.cat([targets[:3], torch.tensor([2, 9])]))
    weights = torch.randn(len(rows), generator=torch.Generator().manual_seed(0)).double()
    for token, target in enumerate(targets.tolist()):
        others = rows != target
        with_hit = sampled_cross_entropy(x[token : token + 1], table, targets[token : token + 1], Negatives(rows, weights))
        without = sampled_cross_entropy(x[token : token + 1], table, targets[token : token + 1], Negatives(rows[others], weights[others]))
        assert_equal(loss_and_gradients(with_hit, x, table), loss_and_gradients(without, x, table), 1e-12)


def test_the_denominator_is_estimated_without_bias():
    x, table, targets = (t.detach() for t in tensors(2, 4))
    proposal, rng = Proposal.from_popularity(zipf(), 5), np.random.default_rng(0)
    own = (x * table[targets]).sum(-1)
    estimates = []
    for _ in range(1000):
        drawn = proposal.draw(rng)
        estimates.append([(sampled_cross_entropy(x[i : i + 1], table, targets[i : i + 1], drawn) + own[i]).exp().item() for i in range(4)])
    mean, error = np.mean(estimates, 0), np.std(estimates, 0) / math.sqrt(len(estimates))
    assert (np.abs(mean - (x @ table.T).exp().sum(-1).numpy()) < 4 * error).all()


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_the_expected_gradient_comes_close_to_the_full_softmaxs_as_negatives_grow(share):
    x, table, targets = tensors(3, 50)
    full = loss_and_gradients(F.cross_entropy(x @ table.T, targets), x, table)
    distances = []
    for negatives in (5, 40, 320):
        proposal, rng = Proposal.from_popularity(zipf(), negatives, share), np.random.default_rng(0)
        draws = [loss_and_gradients(sampled_cross_entropy(x, table, targets, proposal.draw(rng)), x, table) for _ in range(200)]
        means = [torch.stack(values).mean(0) for values in zip(*draws, strict=True)]
        distances.append([float((mean - wanted).norm() / wanted.norm()) for mean, wanted in zip(means, full, strict=True)])
    assert (np.diff(distances, axis=0) < 0).all() and max(distances[-1]) < 0.05


def test_only_rows_of_targets_and_negatives_get_a_gradient():
    x, table, targets = tensors(4)
    drawn = Proposal.from_popularity(zipf(), 5).draw(np.random.default_rng(0))
    _, _, of_table = loss_and_gradients(sampled_cross_entropy(x, table, targets, drawn), x, table)
    assert set(of_table.abs().sum(1).nonzero().flatten().tolist()) == set(targets.tolist()) | set(drawn.rows.tolist())


@pytest.mark.parametrize("block", [1, 60, 10**6])
def test_the_loss_does_not_depend_on_the_blocks_it_is_computed_in(monkeypatch, block):
    x, table, targets = tensors(5, 100)
    drawn = Proposal.from_popularity(zipf(), 20).draw(np.random.default_rng(0))
    monkeypatch.setattr("adrec.losses.sampled.BLOCK", block)
    ours = loss_and_gradients(sampled_cross_entropy(x, table, targets, drawn), x, table)
    assert_equal(ours, loss_and_gradients(plain_loss(x, table, targets, drawn), x, table))


def test_the_parts_of_a_step_add_up_to_its_mean():
    x, table, targets = tensors(6, 9)
    drawn = Proposal.from_popularity(zipf(), 20).draw(np.random.default_rng(0))
    parts = [sampled_cross_entropy(x[a:b], table, targets[a:b], drawn, 9) for a, b in ((0, 4), (4, 9))]
    assert_equal([sum(parts)], [sampled_cross_entropy(x, table, targets, drawn)])


def test_scores_too_large_for_exp_overflow_nothing():
    x, table, targets = tensors(7)
    drawn = Proposal.from_popularity(zipf(), V + 1, 1.0).draw(np.random.default_rng(0))
    large = [t.detach().float() for t in (200 * x, 20 * table)]
    large = [t.requires_grad_() for t in large]
    ours = loss_and_gradients(sampled_cross_entropy(*large, targets, drawn), *large)
    assert_equal(ours, loss_and_gradients(F.cross_entropy(large[0] @ large[1].T, targets), *large), 1e-4)


# -- a batch's own table ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def batch(tiny_data):
    return training_batch(tiny_data, np.arange(6), 10)


def model_of(name: str, data):
    size = {"hidden_size": 16, "heads": 2, "blocks": 1, "length": 10} | ({"timesteps": 4, "noise_weight": 1.0} if name == "adrec" else {})
    return built(plan(name, n_items=data.n_items, **size)).requires_grad_(True)


def outputs(model, batch, negatives) -> torch.Tensor:
    """The sum of all losses without dropout, at fixed timesteps and noise."""
    if model.name == "sasrec":
        return sampled_cross_entropy(model(batch), model.item_embedding.weight, batch.targets, negatives)
    generator = torch.Generator().manual_seed(0)
    t = torch.randint(4, (batch.tokens,), generator=generator)
    x0_hat, x_0 = model(batch, t, torch.randn(batch.tokens, 16, generator=generator))
    return sampled_cross_entropy(x0_hat, model.item_embedding.weight, batch.targets, negatives) + (x0_hat - x_0).square().mean()


@pytest.mark.parametrize("name", ["adrec", "sasrec"])
def test_loss_and_gradients_on_a_batchs_own_table_are_those_on_the_whole(name, tiny_data, batch):
    model, drawn = model_of(name, tiny_data), Proposal.from_popularity(tiny_data.popularity, 12).draw(np.random.default_rng(0))
    parameters = list(model.parameters())
    loss = outputs(model, batch, drawn)
    expected = torch.autograd.grad(loss, parameters)
    rows, small = own_table(batch, drawn)
    with small_table(model, rows) as local:
        assert len(local) == len(rows) < tiny_data.n_items
        ours = outputs(model, small, small.negatives)
        found = torch.autograd.grad(ours, [local if p is parameters[0] else p for p in parameters])
    assert parameters[0] is model.item_embedding.weight
    assert_equal([ours, found[0], *found[1:]], [loss, expected[0][rows], *expected[1:]], 1e-5)
    untouched = torch.ones(tiny_data.n_items + 1, dtype=torch.bool)
    untouched[rows] = False
    assert not expected[0][untouched].any()


def test_a_batchs_own_table_holds_what_it_looks_up_and_scores(tiny_data, batch):
    drawn = Proposal.from_popularity(tiny_data.popularity, 12).draw(np.random.default_rng(0))
    rows, small = own_table(batch, drawn)
    assert set(rows.tolist()) == {0, *batch.items.tolist(), *batch.targets.tolist(), *drawn.rows.tolist()} and rows[0] == 0
    for ours, theirs in ((small.items, batch.items), (small.targets, batch.targets), (small.negatives.rows, drawn.rows)):
        assert torch.equal(rows[ours], theirs)


def test_the_whole_table_comes_back_after_a_failure(tiny_data):
    model = model_of("sasrec", tiny_data)
    whole = model.item_embedding.weight
    with pytest.raises(RuntimeError, match="wrong"), small_table(model, torch.arange(3)):
        raise RuntimeError("wrong")
    assert model.item_embedding.weight is whole


def test_a_frozen_table_is_frozen_in_its_small_copy(tiny_data):
    model = model_of("sasrec", tiny_data).requires_grad_(False)
    with small_table(model, torch.arange(3)) as local:
        assert not local.requires_grad


# -- the optimiser ----------------------------------------------------------------------------------------------------


def steps_of(count: int, every_row: bool) -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    rows = [torch.arange(20) if every_row else torch.randperm(20, generator=generator)[:6].sort().values for _ in range(count)]
    return [(r, torch.randn(len(r), 3, generator=generator)) for r in rows]


def test_with_every_row_it_is_dense_adam():
    table = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    dense = torch.nn.Parameter(table.clone())
    theirs, ours = torch.optim.Adam([dense], weight_decay=0.1, fused=True), RowAdam(table, weight_decay=0.1)
    for i, (rows, gradient) in enumerate(steps_of(30, True)):
        dense.grad = gradient.clone()
        theirs.param_groups[0]["lr"] = 0.1 / (i + 1)
        theirs.step()
        ours.step(rows, gradient, 0.1 / (i + 1))
    assert torch.equal(table, dense)
    assert all(torch.equal(getattr(ours, name), theirs.state[dense][name]) for name in ("exp_avg", "exp_avg_sq"))


def test_with_some_rows_it_is_torchs_sparse_adam():
    table = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    sparse = torch.nn.Parameter(table.clone())
    theirs, ours = torch.optim.SparseAdam([sparse], lr=0.05), RowAdam(table)
    for rows, gradient in steps_of(30, False):
        sparse.grad = torch.sparse_coo_tensor(rows[None], gradient, sparse.shape, is_coalesced=True, check_invariants=True)
        theirs.step()
        ours.step(rows, gradient, 0.05)
    assert torch.allclose(table, sparse, rtol=1e-5, atol=1e-6)


def test_rows_without_a_gradient_stay_as_they_are_to_the_bit():
    table = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    before, adam = table.clone(), RowAdam(table, weight_decay=0.5)
    adam.step(torch.tensor([2, 11]), torch.ones(2, 3), 0.1)
    touched = (table != before).any(1)
    assert touched.nonzero().flatten().tolist() == [2, 11] and not adam.exp_avg[~touched].any()


def test_it_goes_on_from_a_saved_state_as_if_it_had_not_stopped(tmp_path):
    table = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    adam, updates = RowAdam(table, 0.01), steps_of(10, False)
    for rows, gradient in updates[:5]:
        adam.step(rows, gradient, 0.1)
    torch.save(adam.state_dict(), tmp_path / "state.pt")
    copy = table.clone()
    resumed = RowAdam(copy, 0.01)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for rows, gradient in updates[5:]:
        adam.step(rows, gradient, 0.1)
        resumed.step(rows, gradient, 0.1)
    assert torch.equal(table, copy)


def test_it_updates_the_models_own_table(tiny_data):
    model = model_of("sasrec", tiny_data)
    before = model.item_embedding.weight.detach().clone()
    RowAdam(model.item_embedding.weight).step(torch.tensor([3]), torch.ones(1, 16), 0.1)
    assert (model.item_embedding.weight != before).any(1).nonzero().flatten().tolist() == [3]
