"""The plain baselines that learn, each against a slow version written from its equations; and as runs."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from adrec.data.batches import pack
from adrec.errors import ConfigError
from adrec.models.base import MODELS
from adrec.models.rng import RandomSource
from adrec.models.settings import settings
from adrec.runs import RunFolder
from adrec.training.gradients import mean_gradient
from adrec.training.session import describe_run, train_run
from tests.adrec.small import build, in_pieces, loud, plan

SOURCE = "synthetic:items=60,users=80"
SMALL = {
    "bpr": {"hidden_size": 8},
    "gru4rec": {"hidden_size": 8, "state_size": 12, "layers": 2},
    "sasrec-bce": {"hidden_size": 8, "heads": 2, "positions": True},
}
LENGTHS = [1, 4, 4, 9, 2]


def model_of(name, **fields):
    return loud(build(plan(name, n_items=30, length=9, preset=None, **SMALL[name], **fields).config))


def batch_of(lengths=LENGTHS):
    rng = np.random.default_rng(0)
    sequences = [rng.integers(1, 31, n + 1) for n in lengths]
    return pack([s[:-1] for s in sequences], 9, [s[1:] for s in sequences])


def rng():
    return RandomSource(np.random.default_rng(1))


def same(ours, plain, parameters):
    """The two losses and their gradients."""
    torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-6)
    for one, other in zip(mean_gradient([ours], parameters), mean_gradient([plain], parameters), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


# -- GRU4Rec ----------------------------------------------------------------------------------------------------------


def plain_gru(model, items):
    """Cho et al. 2014 as torch writes it, one item after another."""
    inputs = [model.item_embedding.weight[i] for i in items.tolist()]
    for layer in range(model.config.layers):
        w, u, b, c = (getattr(model.gru, f"{kind}_l{layer}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        h, outputs = torch.zeros(model.config.state_size), []
        for x in inputs:
            (r, z, n), (hr, hz, hn) = (w @ x + b).chunk(3), (u @ h + c).chunk(3)
            reset, update = torch.sigmoid(r + hr), torch.sigmoid(z + hz)
            h = update * h + (1 - update) * torch.tanh(n + reset * hn)
            outputs.append(h)
        inputs = outputs
    return torch.stack([model.out.weight @ h + model.out.bias for h in inputs])


def test_gru4rec_equals_the_equations_of_its_network_and_loss():
    model, batch = model_of("gru4rec", dropout=0.0, embedding_dropout=0.0), batch_of()
    out = torch.cat([plain_gru(model, items) for items in batch.items.split(batch.lengths.tolist())])
    torch.testing.assert_close(model(batch), out, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(model.answers(batch), out[batch.last], rtol=1e-5, atol=1e-6)
    logits = out @ model.item_embedding.weight.T
    same(model.losses(batch, rng())["ce"], F.cross_entropy(logits, batch.targets), list(model.parameters()))


def test_gru4rec_starts_as_torch_starts_a_network():
    model = MODELS["gru4rec"](plan("gru4rec", state_size=64).config)
    model.initialise(torch.Generator().manual_seed(0))
    weights = torch.cat([weight.detach().flatten() for weight in (*model.gru.parameters(), *model.out.parameters())])
    assert weights.abs().max() <= 1 / 8 and abs(float(weights.std()) * math.sqrt(3) * 8 - 1) < 0.02


# -- BPR-MF -----------------------------------------------------------------------------------------------------------

DECAY = 0.05


def plain_objective(table, history, others, w, half_life=0.0):
    """-log sigmoid(w . (h_i - h_j)) of every item taken against every other one, and the decay of the person's vector."""
    total = weights = 0.0
    for back, i in enumerate(reversed(history.tolist())):
        weight = 0.5 ** (back / half_life) if half_life else 1.0
        for j in others.tolist():
            if j not in history.tolist():
                total = total - weight * torch.log(torch.sigmoid(w @ (table[i] - table[j])))
                weights += weight
    return total / weights + DECAY / 2 * w @ w


def bpr_and_its_batch():
    model, batch = model_of("bpr", user_decay=DECAY, solver_steps=400), batch_of()
    return model, batch, torch.tensor([1, 30, 5, 5, 12, 7, 9, 22, 14, 2])


@pytest.mark.parametrize("half_life", [0.0, 2.0])
def test_a_persons_vector_is_the_minimum_of_their_objective(half_life):
    model, batch, others = bpr_and_its_batch()
    with torch.no_grad():
        found = model.solved(model.comparison(batch, others, half_life))
    for history, ours in zip(batch.items.split(batch.lengths.tolist()), found, strict=True):
        w = ours.clone().requires_grad_()
        (slope,) = torch.autograd.grad(plain_objective(model.item_embedding.weight.detach(), history, others, w, half_life), w)
        assert slope.abs().max() < 1e-5  # convex: the only place without a slope is the minimum


def test_bpr_lowers_every_persons_objective_at_each_step():
    model, batch, others = bpr_and_its_batch()
    losses = []
    with torch.no_grad():
        compared = model.comparison(batch, others)
        for steps in range(1, 8):
            object.__setattr__(model.config, "solver_steps", steps)
            users = model.solved(compared)
            losses.append(compared.loss(users) + DECAY / 2 * users.square().sum(1))
    assert (torch.stack(losses).diff(dim=0) < 1e-6).all()


def test_the_items_gradient_is_that_of_the_objective_at_the_minimum():
    """Of the solved-for objective as a whole: differences of it, solved anew, agree with the gradient at fixed vectors."""
    model, batch, others = bpr_and_its_batch()
    model.double()
    table, lengths = model.item_embedding.weight, batch.lengths.tolist()
    model.comparison = lambda batch, ids, made=model.comparison: made(batch, others)

    def objective():
        return model.losses(batch, rng())["bpr"]

    ours = objective()
    users = model.solved(model.comparison(batch, others))
    plain = sum(
        len(history) * plain_objective(table, history, others, w) for history, w in zip(batch.items.split(lengths), users, strict=True)
    )
    same(ours, plain / batch.tokens, [table])
    (gradient,) = torch.autograd.grad(objective(), table)
    direction = torch.randn(table.shape, generator=torch.Generator().manual_seed(2), dtype=table.dtype)
    with torch.no_grad():
        step, ends = 1e-4, []
        for sign in (1, -1):
            table += sign * step * direction
            ends.append(float(objective()))
            table -= sign * step * direction
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(float((gradient * direction).sum()), rel=1e-4)


def test_bpr_answers_by_all_items_or_by_some_drawn_by_the_seed_alone():
    batch = batch_of()
    few, every = model_of("bpr", answer_compared=20), model_of("bpr", answer_compared=30)
    assert torch.equal(few.answers(batch, seed=1), few.answers(batch, seed=1))
    assert not torch.equal(few.answers(batch, seed=1), few.answers(batch, seed=2))
    assert torch.equal(every.answers(batch, seed=1), every.answers(batch, seed=2))
    alone = few.answers(pack([batch.items[-9:].numpy()], 9), seed=1)
    torch.testing.assert_close(few.answers(batch, seed=1)[-1:], alone, rtol=1e-4, atol=1e-5)


def test_bpr_trains_on_whole_histories(tiny_data):
    batch = model_of("bpr").training_batch(tiny_data, np.arange(5), np.random.default_rng(0))
    for user, items in zip(batch.users, batch.items.split(batch.lengths.tolist()), strict=True):
        assert items.tolist() == tiny_data.train(user)[-9:].tolist()


# -- SASRec with its binary loss --------------------------------------------------------------------------------------


@pytest.mark.parametrize("drawn", [1, 3])
def test_the_binary_loss_is_two_decisions_a_position(drawn):
    model, batch = model_of("sasrec-bce", dropout=0.0, embedding_dropout=0.0, drawn=drawn), batch_of()
    negatives, table = model.draw(batch, rng()), model.item_embedding.weight
    out, total = model(batch), 0.0
    for token in range(batch.tokens):
        total = total - torch.log(torch.sigmoid(out[token] @ table[batch.targets[token]]))
        for negative in negatives[token]:
            total = total - torch.log(1 - torch.sigmoid(out[token] @ table[negative])) / drawn
    same(model.losses(batch, rng())["bce"], total / batch.tokens, list(model.parameters()))


def test_no_item_of_the_history_is_drawn_and_every_other_one_is():
    model, batch = model_of("sasrec-bce", drawn=600), batch_of()
    drawn, start = model.draw(batch, rng()), 0
    for length in batch.lengths:
        own = slice(start, start + length)
        held = {*batch.items[own].tolist(), *batch.targets[own].tolist()}
        assert {*drawn[own].flatten().tolist()} == set(range(1, 31)) - held
        start += length


def test_who_has_every_item_still_gets_one_drawn():
    model = MODELS["sasrec-bce"](plan("sasrec-bce", n_items=3, preset=None, length=9).config)
    drawn = model.draw(pack([np.array([1, 2, 3])], 9), rng())
    assert ((drawn >= 1) & (drawn <= 3)).all()


@pytest.mark.parametrize("name", ["bpr", "sasrec-bce"])
def test_what_draws_its_own_items_has_no_sampled_form(name):
    with pytest.raises(ConfigError, match="takes no loss=sampled"):
        settings(name, {"loss": "sampled"})


# -- as models --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMALL)
def test_the_parts_of_a_batch_sum_to_its_losses_and_gradient(name):
    model = model_of(name, **({} if name == "bpr" else {"dropout": 0.0, "embedding_dropout": 0.0}))
    batch, parameters = batch_of([1, 2, 2, 3, 5, 7, 9, 9, 4]), list(model.parameters())
    if name == "sasrec-bce":  # what is drawn is a part's own
        model.draw = lambda part, rng: 1 + (part.targets.unsqueeze(1) + 7) % 30
    parts = batch.split(3)

    def result(part):
        (loss,) = model.losses(part, rng()).values()
        return [loss, *mean_gradient([loss], parameters)]

    for whole, *own in zip(result(batch), *map(result, parts), strict=True):
        torch.testing.assert_close(sum(own), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_a_stopped_training_ends_as_an_uninterrupted_one(name, tiny_data, tmp_path, monkeypatch):
    monkeypatch.setattr("adrec.training.recorder.LOG_SECONDS", 0.0)
    training = {"epochs": 3, "batch_size": 40, "validate_every": 1, "checkpoint_seconds": 0, "length": 10, "lr": 0.01}
    asked = describe_run(tiny_data, SOURCE, plan(name, preset=name, **SMALL[name], **training), "test")
    whole = RunFolder(tmp_path / "whole")
    train_run(whole, tiny_data, asked)
    parts, _ = in_pieces(tmp_path / "parts", tiny_data, asked, 6)
    assert whole.weights_path("finetune").read_bytes() == parts.weights_path("finetune").read_bytes()
    first, last = (
        np.mean([event["loss"] for event in events]) for events in np.array_split([e for e in whole.events()[0] if e["kind"] == "step"], 2)
    )
    assert last < first and np.abs(whole.table("finetune") - whole.table("initial"))[1:].min(1).all()
