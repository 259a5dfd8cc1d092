"""DiQDiff against a slow plain version, its two kinds of codes, and what becomes of them."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from adrec.cli import main
from adrec.collapse.quantised import code_use
from adrec.data.batches import PackedBatch, pack
from adrec.errors import ConfigError
from adrec.evaluation import answers, evaluate
from adrec.files import load_arrays
from adrec.models.diffurec import Frame
from adrec.models.diqdiff import DiQDiff, DiQDiffConfig, contrast
from adrec.models.loading import load_model
from adrec.models.rng import RandomSource
from adrec.runs import RunFolder
from adrec.training.session import describe_run, train_run
from tests.adrec.small import in_pieces, loud, plan
from tests.app.pages import open_page, plainly, texts

SIZE = {"hidden_size": 16, "heads": 2, "blocks": 2, "length": 9, "timesteps": 5}
BASE = DiQDiffConfig(n_items=30, **SIZE, noise_weight=0.5, code_count=3, code_weight=0.8, dropout=0.0, embedding_dropout=0.0)
KINDS = ("persistent", "batch")
USERS = np.array([4, 1, 4, 0, 2, 4])


def model_of(config: DiQDiffConfig = BASE) -> DiQDiff:
    model = DiQDiff(config)
    model.initialise(torch.Generator().manual_seed(0))
    loud(model)
    return model


def batch_of(lengths: tuple[int, ...] = (1, 4, 4, 9, 2, 6), users: np.ndarray = USERS) -> PackedBatch:
    rng = np.random.default_rng(0)
    sequences = [rng.integers(1, 31, n + 1) for n in lengths]
    return pack([s[:-1] for s in sequences], 9, [s[1:] for s in sequences], users)


# -- the plain version: one user after another, one head after another -------------------------------------------------


def plain_norm(layer: torch.nn.LayerNorm, row: torch.Tensor) -> torch.Tensor:
    return (row - row.mean()) / (row.var(unbiased=False) + 1e-12).sqrt() * layer.weight + layer.bias


def plain_history(model: DiQDiff, batch: PackedBatch) -> list[torch.Tensor]:
    """Each sequence's frame, (L, D)."""
    table, found = model.item_embedding.weight, []
    for items in batch.items.split(batch.lengths.tolist()):
        rows = [table[0].detach()] * (9 - len(items)) + [table[i] for i in items]
        found.append(torch.stack([plain_norm(model.hist_norm, row) for row in rows]))
    return found


def plain_guidance(model: DiQDiff, histories: list[torch.Tensor], gumbel: np.ndarray | None) -> list[torch.Tensor]:
    config = model.config
    logits = []
    for i, history in enumerate(histories):
        own = [(model.choice[k] * history).sum() + model.choice_bias[k] for k in range(config.code_count)]
        logits.append(torch.stack(own) if gumbel is None else (torch.stack(own) + torch.from_numpy(gumbel[i])) / 0.1)
    codes = [int(row.argmax()) for row in logits]
    found = []
    for i, history in enumerate(histories):
        if config.codes == "batch":
            members = [histories[j] for j in range(len(histories)) if codes[j] == codes[i]]
            rows = sum(members) / len(members)
        else:
            p = logits[i].softmax(0)
            rows = sum(((k == codes[i]) + p[k] - p[k].detach()) * model.codebook[k] for k in range(config.code_count))
        found.append(history + config.code_weight * rows)
    return found


def plain_estimate(model: DiQDiff, rows: torch.Tensor, real: torch.Tensor, x: torch.Tensor, t: int) -> torch.Tensor:
    """x0_hat of one sequence. rows: (L, D)."""
    config = model.config
    heads, size = config.heads, config.hidden_size // config.heads
    h = rows + config.noise_weight * (x + model.time_embed(model.time_table[t]))
    for block in model.transformer.blocks:
        n = torch.stack([plain_norm(block.attention_norm, row) for row in h])
        q, k, v = (n @ w.T + b for w, b in zip(block.qkv.weight.chunk(3), block.qkv.bias.chunk(3), strict=True))
        mixed = torch.zeros_like(h)
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            for i in range(len(h)):
                logits = q[i, part] @ k[:, part].T / math.sqrt(size) if real[i] else torch.zeros(len(h))
                mixed[i, part] = logits.softmax(0) @ v[:, part]
        h = h + mixed @ block.out.weight.T + block.out.bias
        n = torch.stack([plain_norm(block.ff_norm, row) for row in h])
        inner = F.gelu(n @ block.wide.weight.T + block.wide.bias, approximate="tanh")
        h = h + inner @ block.narrow.weight.T + block.narrow.bias
    return plain_norm(model.transformer.norm, h[-1])


def plain_losses(model: DiQDiff, batch: PackedBatch, rng: RandomSource) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """The losses and the estimates; random numbers are drawn in the model's order."""
    count = len(batch.lengths)
    t, eps = rng.timesteps(5, count), rng.normal(count, 16)
    gumbel = rng.generator.gumbel(size=(count, model.config.code_count))
    table, targets = model.item_embedding.weight, batch.targets[batch.last]
    guidance = plain_guidance(model, plain_history(model, batch), gumbel)
    estimates = []
    for i in range(count):
        level = model.alpha_bar[t[i]]
        x = (level.sqrt() * table[targets[i]] + (1 - level).sqrt() * eps[i]).float()
        estimates.append(plain_estimate(model, guidance[i], torch.arange(9) >= 9 - batch.lengths[i], x, int(t[i])))
    ce = sum(torch.logsumexp(e @ table.T, 0) - e @ table[target] for e, target in zip(estimates, targets, strict=True)) / count
    apart = torch.zeros(())
    for i, own in enumerate(estimates):
        others = [other for j, other in enumerate(estimates) if batch.users[j] != batch.users[i]]
        cosines = torch.stack([F.cosine_similarity(own, other, dim=0) for other in [own, *others]]) / 0.07
        apart = apart + torch.logsumexp(cosines, 0) - cosines[0]
    return {"ce": ce, "contrast": model.config.contrast_weight * apart / count}, torch.stack(estimates)


@pytest.mark.parametrize("kind", KINDS)
def test_losses_and_gradients_equal_the_plain_ones(kind):
    model, batch = model_of(replace(BASE, codes=kind)), batch_of()
    ours = model.losses(batch, RandomSource(np.random.default_rng(3)))
    plain, _ = plain_losses(model, batch, RandomSource(np.random.default_rng(3)))
    torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-5)
    parameters = list(model.parameters())
    for a, b in zip(*(torch.autograd.grad(sum(x.values()), parameters, allow_unused=True) for x in (ours, plain)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_one_step_answers_equal_the_plain_ones(kind):
    model, batch = model_of(replace(BASE, codes=kind)), batch_of()
    guidance = plain_guidance(model, plain_history(model, batch), None)
    x = torch.randn(6, 16, generator=torch.Generator().manual_seed(2))
    ours = model.last_token(batch)(x, 4)
    for i in range(6):
        real = torch.arange(9) >= 9 - batch.lengths[i]
        torch.testing.assert_close(ours[i], plain_estimate(model, guidance[i], real, x[i], 4), rtol=1e-5, atol=1e-5)


# -- codes ------------------------------------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize("padding", ["sink", "masked"])
@pytest.mark.parametrize(("kind", "alone"), [("persistent", True), ("batch", False)])
def test_answers_depend_on_the_others_in_the_batch_only_where_codes_do(kind, alone, padding):
    model, batch = model_of(replace(BASE, codes=kind, padding=padding)), batch_of(users=np.arange(6))
    together = answers(model, batch)
    ends = np.cumsum(batch.lengths)
    for i in range(6):
        part = slice(int(ends[i] - batch.lengths[i]), int(ends[i]))
        own = answers(model, PackedBatch(batch.items[part], batch.targets[part], batch.lengths[i : i + 1], batch.users[i : i + 1], 9))
        if alone:
            torch.testing.assert_close(own[0], together[i], rtol=1e-5, atol=1e-5)
    if not alone:
        assert not torch.allclose(own[0], together[5], atol=1e-2)


def test_the_choice_learns_only_with_a_codebook_of_its_own():
    names = {kind: {name for name, _ in model_of(replace(BASE, codes=kind)).named_parameters()} for kind in KINDS}
    assert names["persistent"] - names["batch"] == {"choice", "choice_bias", "codebook"}
    assert {"choice", "choice_bias"} < set(model_of(replace(BASE, codes="batch")).state_dict())  # kept all the same


def test_sequences_of_one_user_are_not_pushed_apart():
    x = torch.randn(4, 16, generator=torch.Generator().manual_seed(0))
    assert contrast(x, np.array([5, 5, 5, 5])) == 0 < contrast(x, np.array([5, 6, 5, 5])) < contrast(x, np.arange(4))


@torch.no_grad()
def test_gumbel_noise_makes_the_choice_in_training_alone():
    model, batch = model_of(), batch_of()
    frame = Frame.of(batch, "sink")
    drawn = [model.guidance(frame, RandomSource(np.random.default_rng(seed))) for seed in range(8)]
    assert len({guidance.sum().item() for guidance in drawn}) > 1
    assert torch.equal(model.guidance(frame), model.guidance(frame))


@pytest.mark.parametrize(("field", "value"), [("codes", "shared"), ("code_count", 1), ("contrast_weight", -1.0)])
def test_settings_that_make_no_sense_are_refused(field, value):
    with pytest.raises(ConfigError, match=f"'{field}' is"):
        replace(BASE, **{field: value})


# -- a training -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=KINDS)
def run(request, tiny_data, tmp_path_factory):
    train = {
        "batch_size": 20,
        "epochs": 3,
        "validate_every": 1,
        "lr": 0.01,
        "checkpoint_seconds": 0,
        "code_count": 4,
        "codes": request.param,
    }
    tiny = plan("diqdiff", preset="diqdiff", **{**SIZE, **train})
    folder = RunFolder(tmp_path_factory.mktemp("diqdiff") / request.param)
    train_run(folder, tiny_data, describe_run(tiny_data, "synthetic:items=60,users=80", tiny, "test"))
    return folder


def test_a_run_stopped_after_every_few_steps_ends_the_same(run, tiny_data, tmp_path):
    again, _ = in_pieces(tmp_path / "stopped", tiny_data, run.info, 4)
    ends = [load_arrays(each.weights_path("finetune")) for each in (run, again)]
    assert ends[0].keys() == ends[1].keys() and all(np.array_equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_the_evaluation_repeats_the_trainings_ranks(run, tiny_data):
    assert np.array_equal(evaluate(load_model(run), tiny_data, "test").ranks, run.test_ranks("finetune"))


def test_every_user_has_a_code_and_every_code_its_rows(run, tiny_data):
    model = load_model(run)
    codes, book = model.quantised(tiny_data)
    assert codes.shape == (80,) and set(codes.tolist()) <= set(range(4)) and book.shape == (4, 9 * 16)
    history = pack([tiny_data.history(7, "test", 9)], 9)
    frame = Frame.of(history, "sink")
    assert int(model.logits(model.history(frame), frame).argmax()) == codes[7]


def test_the_diagnosis_tells_of_unused_and_overlapping_codes(run, capsys, monkeypatch):
    assert main(["collapse", str(run.path), "--json"]) == 0
    initial, trained = (table["more"]["codes"] for table in json.loads(capsys.readouterr().out)["tables"])
    assert initial is None and trained["size"] == 4 and 1 <= trained["used"] <= 4
    monkeypatch.setenv("ADREC_RUNS", str(run.path.parent))
    assert plainly(trained["says"]) in texts(open_page("collapse", run=run.name, tool="evidence"))
    found = code_use(np.array([0, 0, 3, 3]), np.array([[1.0, 0], [5, 5], [1, 1], [1, 1]]))
    assert (found["used"], found["perplexity"]) == (2, pytest.approx(2)) and found["overlap"] == pytest.approx(0.5**0.5)
    assert code_use(np.zeros(4, int), np.eye(3))["overlap"] is None
