"""DiffuASR: the augmenter against a plain version, one user after the other; what reaches it and what does not; its three stages."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from adrec.data.batches import PackedBatch, pack
from adrec.errors import ConfigError, DataError
from adrec.explain.past import augmenter, describe, invented_past
from adrec.explain.words import TEXT
from adrec.files import load_arrays
from adrec.models.conditioned import time_features
from adrec.models.diffuasr import BASE, BLOCKS, DiffuASR, DiffuASRConfig, ResidualBlock
from adrec.models.diffurec import Frame
from adrec.models.loading import load_model
from adrec.models.rng import RandomSource
from adrec.models.settings import settings
from adrec.runs import RunFolder
from adrec.training.session import describe_run, train_run
from tests.adrec.small import in_pieces, loud, plan
from tests.app.pages import open_page, texts

CONFIG = DiffuASRConfig(n_items=30, heads=2, blocks=1, invented=3, read=8, guidance=1.5)
SOURCE = "synthetic:items=60,users=80"


def model_of(config: DiffuASRConfig = CONFIG) -> DiffuASR:
    model: DiffuASR = loud(DiffuASR(config))
    return model


def histories_of(lengths: list[int], seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(1, CONFIG.n_items + 1, n) for n in lengths]


# -- the plain version ------------------------------------------------------------------------------------------------


def plain_norm(x: torch.Tensor, norm: torch.nn.GroupNorm) -> torch.Tensor:
    """x: (C, S, S)."""
    groups = x.view(8, -1)
    groups = (groups - groups.mean(1, keepdim=True)) / (groups.var(1, unbiased=False, keepdim=True) + norm.eps).sqrt()
    return groups.view(x.shape) * norm.weight[:, None, None] + norm.bias[:, None, None]


def plain_conv(x: torch.Tensor, conv: torch.nn.Conv2d) -> torch.Tensor:
    return F.conv2d(x[None], conv.weight, conv.bias, conv.stride, conv.padding)[0]


def silu(x: torch.Tensor) -> torch.Tensor:
    return x / (1 + torch.exp(-x))


def plain_block(x: torch.Tensor, code: torch.Tensor, block: ResidualBlock) -> torch.Tensor:
    h = plain_conv(silu(plain_norm(x, block.norm1)), block.conv1)
    h = h + (block.code.weight @ silu(code) + block.code.bias)[:, None, None]
    h = plain_conv(silu(plain_norm(h, block.norm2)), block.conv2)
    return h + (x if isinstance(block.skip, torch.nn.Identity) else plain_conv(x, block.skip))


def plain_attention(x: torch.Tensor, net: torch.nn.Module) -> torch.Tensor:
    places = plain_norm(x, net.norm).flatten(1).T
    q, k, v = (places @ part.flatten(1).T + bias for part, bias in zip(net.qkv.weight.chunk(3), net.qkv.bias.chunk(3), strict=True))
    mixed = torch.stack([(k @ query / math.sqrt(len(x))).softmax(0) @ v for query in q])
    return x + (mixed @ net.out.weight.flatten(1).T + net.out.bias).T.view(x.shape)


def plain_unet(model: DiffuASR, x: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
    """One user's (M, D): each level is entered, left for the smaller one inside it, and came back to."""
    net = model.unet
    up = iter(net.up)

    def level(h: torch.Tensor, skips: list[torch.Tensor], n: int) -> torch.Tensor:
        for block in net.down[BLOCKS * n : BLOCKS * (n + 1)]:
            h = plain_block(h, code, block)
            skips.append(h)
        if n < 3:
            smaller = plain_conv(h, net.smaller[n])
            h = level(smaller, [smaller], n + 1)
            h = plain_conv(h.repeat_interleave(2, 1).repeat_interleave(2, 2), net.larger[2 - n])
        else:
            h = plain_block(h, code, net.before)
            h = plain_block(plain_attention(h, net.attention), code, net.behind)
        for skip in reversed(skips):
            h = plain_block(torch.cat([h, skip]), code, next(up))
        return h

    first = plain_conv(x.view(len(x), 8, 8), net.first)
    return plain_conv(silu(plain_norm(level(first, [first], 0), net.norm)), net.last).flatten(1)


def mlp(net: torch.nn.Sequential, x: torch.Tensor) -> torch.Tensor:
    return net[2].weight @ silu(net[0].weight @ x + net[0].bias) + net[2].bias


def plain_vectors(model: DiffuASR) -> torch.Tensor:
    table = model.item_embedding.weight
    return table / (table[1:] ** 2).mean().sqrt() if model.config.table == "sasrec" else table


def plain_noise(model: DiffuASR, x: torch.Tensor, t: int, history: np.ndarray, seen: bool = True) -> torch.Tensor:
    vectors = plain_vectors(model)
    code = mlp(model.time_embed, time_features(torch.tensor([t]), 1000, BASE)[0])
    if seen:
        code = code + mlp(model.history_embed, sum(vectors[item] for item in history.tolist()))
    return plain_unet(model, x, code)


def plain_bar(t: int) -> float:
    return math.prod(1 - (1e-4 + (0.02 - 1e-4) * i / 999) for i in range(t + 1))


class Drawn:
    """What is random in a loss, given: half the timesteps, the noise, which histories are hidden; no dropout."""

    def __init__(self, users: int, hidden: tuple[int, ...] = ()) -> None:
        generator = torch.Generator().manual_seed(1)
        self.half = torch.randint(1000, (-(-users // 2),), generator=generator)
        self.eps = torch.randn(users, 3 * 64, generator=generator)
        self.kept = torch.ones(users, 1)
        self.kept[list(hidden)] = 0

    def timesteps(self, below: int, size: int) -> torch.Tensor:
        return self.half[:size]

    def normal(self, rows: int, width: int) -> torch.Tensor:
        return self.eps

    def keep(self, shape: tuple[int, ...], p: float) -> torch.Tensor:
        return self.kept if tuple(shape) == tuple(self.kept.shape) else torch.ones(shape)


@pytest.mark.parametrize("table", ["sasrec", "random"])
def test_the_loss_and_its_gradient_equal_the_plain_ones(table):
    """Antithetic timesteps, a hidden history; the first M items of each sequence are the past, the others guide."""
    model, sequences = model_of(replace(CONFIG, table=table)), sorted(histories_of([6, 9, 11]), key=len)
    drawn = Drawn(3, hidden=(1,))
    ours = model.losses(pack(sequences, 11), drawn)["noise"]
    times = [int(drawn.half[0]), int(drawn.half[1]), 999 - int(drawn.half[0])]
    errors = []
    for user, sequence in enumerate(sequences):
        past, eps = plain_vectors(model)[sequence[:3]], drawn.eps[user].view(3, 64)
        bar = plain_bar(times[user])
        found = plain_noise(model, bar**0.5 * past + (1 - bar) ** 0.5 * eps, times[user], sequence[3:], seen=user != 1)
        errors.append(((found - eps) ** 2).mean())
    theirs = torch.stack(errors).mean()
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    for a, b in zip(*(torch.autograd.grad(loss, list(model.parameters())) for loss in (ours, theirs)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


@torch.no_grad()
def test_an_invented_past_is_plain_ddims_rounded_by_cosine():
    model, histories = model_of(), histories_of([4, 20, 1])
    found = model.invent(histories, np.random.default_rng(5))
    start = torch.from_numpy(np.random.default_rng(5).standard_normal((3, 192), dtype=np.float32))
    for user, history in enumerate(histories):
        x = start[user].view(3, 64)
        for t, below in ((999, 749), (749, 500), (500, 250), (250, 0), (0, None)):
            eps, free = plain_noise(model, x, t, history[-8:]), plain_noise(model, x, t, history, seen=False)
            eps = 2.5 * eps - 1.5 * free
            x_0 = (x - (1 - plain_bar(t)) ** 0.5 * eps) / plain_bar(t) ** 0.5
            x = x_0 if below is None else plain_bar(below) ** 0.5 * x_0 + (1 - plain_bar(below)) ** 0.5 * eps
        table = model.item_embedding.weight[1:]
        nearest = [max(range(30), key=lambda i: float(row @ table[i] / table[i].norm())) + 1 for row in x]
        assert found[user].tolist() == nearest


def test_the_classifiers_slope_is_that_of_naming_each_history_behind_its_past_alone():
    model, histories = model_of(replace(CONFIG, guide="classifier", masked=0.4)), histories_of([2, 8, 5])
    vectors = model.vectors().detach()
    x = torch.randn(3, 3, 64, generator=torch.Generator().manual_seed(3))
    slopes = model._slope(histories, vectors)(x)
    for user, history in enumerate(histories):
        past = x[user].clone().requires_grad_()
        rows, asked = torch.cat([past, vectors[history]])[None], max(1, round(0.4 * len(history)))
        hidden = torch.zeros(1, rows.shape[1], dtype=torch.bool)
        hidden[0, 3 : 3 + asked] = True
        out = model.classifier(rows, hidden, Frame(torch.zeros(rows.shape[:2], dtype=torch.long), torch.ones_like(hidden), 0.0))
        loss = -torch.stack([(vectors @ out[0, 3 + n] / 8).log_softmax(0)[history[n]] for n in range(asked)]).mean()
        torch.testing.assert_close(slopes[user], torch.autograd.grad(loss, past)[0], rtol=1e-4, atol=1e-6)


def test_the_parts_of_a_batch_sum_to_its_loss():
    model = model_of()
    batch = pack(sorted(histories_of([6, 7, 8, 11]), key=len), 11)

    def loss(part: PackedBatch) -> torch.Tensor:
        t = torch.full((len(part.lengths),), 500)
        eps = torch.ones(len(part.lengths), 3, 64)
        return torch.dot((model(part, t, eps) - eps).square().mean((1, 2)), part.user_weights)

    parts = batch.split(3)
    assert len(parts) > 1
    torch.testing.assert_close(sum(loss(part) for part in parts), loss(batch), rtol=1e-5, atol=1e-6)


# -- the data that it sees and makes ----------------------------------------------------------------------------------


def test_only_users_with_a_past_to_restore_are_trained_on(tiny_data):
    model = DiffuASR(replace(CONFIG, n_items=60))
    batch = model.training_batch(tiny_data, np.arange(80), np.random.default_rng(0))
    lengths = np.diff(tiny_data.train_offsets)
    assert len(batch.users) == 80 and (lengths[batch.users] > 5).all() and batch.lengths.max() == 11
    assert set(np.flatnonzero(lengths > 5)) <= set(batch.users.tolist())


def test_every_history_gets_its_past_and_stays_behind_it(tiny_data):
    model = model_of(replace(CONFIG, n_items=60))
    made = model.augmented(tiny_data, np.random.default_rng(2))
    again = model.augmented(tiny_data, np.random.default_rng(2))
    assert np.array_equal(made.train_items, again.train_items) and made.val is tiny_data.val and made.test is tiny_data.test
    for user in range(tiny_data.n_users):
        assert np.array_equal(made.train(user)[3:], tiny_data.train(user)) and ((made.train(user) >= 1) & (made.train(user) <= 60)).all()
    chosen = np.array([0, 3, 4, 79])
    few = model.augmented(tiny_data.trained_on(chosen), np.random.default_rng(2))
    assert np.flatnonzero(np.diff(few.train_offsets)).tolist() == chosen.tolist(), "nothing is invented for those who are not trained on"
    assert all(np.array_equal(few.train(int(user))[3:], tiny_data.train(int(user))) for user in chosen)


def small(**fields):
    size = {"heads": 2, "blocks": 1, "length": 10, "invented": 3, "read": 20, "timesteps": 50, "table_epochs": 2, "augment_epochs": 2}
    return plan("diffuasr", preset="diffuasr", **size, **{"batch_size": 40, "epochs": 3, "validate_every": 1, "lr": 0.01, **fields})


def trained(path, data, **fields) -> RunFolder:
    run = RunFolder(path)
    assert train_run(run, data, describe_run(data, SOURCE, small(**fields), "test")) == "finished"
    return run


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory) -> RunFolder:
    return trained(tmp_path_factory.mktemp("diffuasr") / "run", tiny_data)


def test_no_validation_or_test_item_reaches_the_augmenter(run, tiny_data, tmp_path):
    """With every one of them changed, the first two stages and the histories that they make are the same to the bit."""
    other = replace(tiny_data, val=tiny_data.val % 60 + 1, test=tiny_data.test % 60 + 1)
    assert (other.val != tiny_data.val).all() and (other.test != tiny_data.test).all()
    again = trained(tmp_path / "other", other)
    for file in ("pretrain/model", "warmup/model", "warmup/sequences"):
        ours, theirs = (load_arrays(folder.path / "stages" / f"{file}.safetensors") for folder in (run, again))
        assert ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_the_augmenter_keeps_the_sasrecs_table_and_sasrec_starts_from_its_own(run):
    assert run.stages == ["pretrain", "warmup", "finetune"] and np.array_equal(run.table("pretrain"), run.table("warmup"))
    assert abs(np.corrcoef(run.table("warmup").ravel(), run.table("finetune").ravel())[0, 1]) < 0.3
    assert [type(load_model(run, stage)).__name__ for stage in run.stages] == ["SASRec", "DiffuASR", "SASRec"]


def test_a_random_table_is_trained_by_the_noise_alone_and_adrec_takes_over_a_sasrecs(tiny_data, tmp_path):
    random = trained(tmp_path / "random", tiny_data, table="random", guide="none")
    assert random.stages == ["warmup", "finetune"] and not np.array_equal(random.table("initial"), random.table("warmup"))
    adrec = trained(tmp_path / "adrec", tiny_data, backbone="adrec", guide="classifier", max_steps=2, lr=1e-3)
    assert type(load_model(adrec)).__name__ == "ADRec"
    assert np.corrcoef(adrec.table("warmup").ravel(), adrec.table("finetune").ravel())[0, 1] > 0.9


def test_the_denoising_of_a_past_ends_with_what_is_invented_and_is_shown(run, monkeypatch):
    model, history = augmenter(run), [5, 9, 3, 9]
    found = invented_past(model, history, seed=4)
    assert found.items[-1].tolist() == model.invent([np.array(history)], np.random.default_rng(4))[0].tolist()
    assert found.timesteps.tolist() == [49, 37, 24, 12, 0] and found.items.shape == (5, 3) and (np.abs(found.cosine) <= 1).all()
    same = replace(found, items=np.array([[1, 2, 3], [9, 2, 3], [9, 2, 3], [9, 2, 2], [9, 2, 2]]))
    assert same.settled == 4 and replace(found, items=same.items[:1]).settled == 1
    said = describe(same, "item {}".format, TEXT)
    assert said.endswith("settled at step 4 of 5. The history holds item 9 too. Only 2 of them differ.")
    monkeypatch.setenv("ADREC_RUNS", str(run.path.parent))
    app = open_page("denoising", run="run")
    assert not app.exception and not app.error and "items were invented before this history" in texts(app) and "(DDIM)" in texts(app)
    assert any("✎ Invented" in element.proto.body for element in app.get("html"))


def test_a_run_stopped_in_every_stage_ends_the_same(run, tiny_data, tmp_path):
    info = describe_run(tiny_data, SOURCE, small(checkpoint_seconds=0), "test")
    again, pieces = in_pieces(tmp_path / "stopped", tiny_data, info, 2)
    assert pieces >= 4 and all(np.array_equal(again.table(name), run.table(name)) for name in run.table_names())


def test_data_without_a_long_history_are_refused(tiny_data):
    with pytest.raises(DataError, match="needs a user with more than 102 training items, whose first 100 it learns to restore"):
        DiffuASR(replace(CONFIG, invented=100)).training_batch(tiny_data, np.arange(5), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [("hidden_size", "128", "64 or 256"), ("loss", "sampled", "full"), ("augment_epochs", "201", "at most epochs"), ("guide", "x", "free")],
)
def test_settings_that_it_does_not_have_are_refused(key, value, said):
    with pytest.raises(ConfigError, match=said):
        settings("diffuasr", {key: value})


def test_the_classifier_learns_to_name_hidden_items():
    model = model_of(replace(CONFIG, guide="classifier"))
    losses = model.losses(pack(histories_of([6, 9]), 11), RandomSource(np.random.default_rng(0)))
    assert list(losses) == list(model.loss_names) == ["noise", "hidden"]
    gradient = torch.autograd.grad(losses["hidden"], [model.classifier.hidden, model.unet.first.weight], allow_unused=True)
    assert gradient[0].abs().sum() > 0 and gradient[1] is None
