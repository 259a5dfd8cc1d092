"""DiffuRec beyond its recorded numbers (test_verify.py): pads left out, lambda's draws, parts of a batch, one training."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from adrec.data.batches import PackedBatch, pack, prefix_batch
from adrec.diffusion import user_noise
from adrec.errors import ConfigError
from adrec.evaluation import answers, evaluate
from adrec.explain.seeds import seed_sweep
from adrec.explain.trajectory import user_trajectory
from adrec.files import load_arrays
from adrec.models.diffurec import DiffuRec, DiffuRecConfig, Frame
from adrec.models.loading import load_model
from adrec.models.rng import RandomSource
from adrec.models.settings import settings
from adrec.runs import RunFolder
from adrec.training.session import describe_run, train_run
from tests.adrec.small import built, in_pieces, loud, plan

SIZE = {"hidden_size": 16, "heads": 2, "blocks": 2, "length": 9, "timesteps": 5}
LOUD = DiffuRecConfig(n_items=30, **SIZE, noise_weight=0.5, noise_weight_std=0.5)
LENGTHS = [1, 4, 4, 9, 2]


def model_of(config: DiffuRecConfig = LOUD) -> DiffuRec:
    model: DiffuRec = loud(DiffuRec(config))
    return model


def batch_of(lengths: list[int] = LENGTHS, frame: int = 9, users: np.ndarray | None = None) -> PackedBatch:
    rng = np.random.default_rng(0)
    sequences = [rng.integers(1, 31, n + 1) for n in lengths]
    return pack([s[:-1] for s in sequences], frame, [s[1:] for s in sequences], users)


def user_of(batch: PackedBatch, i: int, frame: int) -> PackedBatch:
    part = slice(int(batch.lengths[:i].sum()), int(batch.lengths[: i + 1].sum()))
    return PackedBatch(batch.items[part], batch.targets[part], batch.lengths[i : i + 1], batch.users[i : i + 1], frame)


@torch.no_grad()
def test_masked_pads_are_as_if_there_were_none():
    """Against each history alone, in a frame that it fills."""
    masked, whole = model_of(replace(LOUD, padding="masked")), model_of()
    batch = batch_of()
    generator = torch.Generator().manual_seed(1)
    t, eps, drawn = torch.tensor([0, 4, 2, 1, 3]), torch.randn(5, 16, generator=generator), torch.randn(5, 9, 16, generator=generator)
    found = masked(batch, t, eps, drawn)
    assert not torch.allclose(found, whole(batch, t, eps, drawn), atol=1e-2)  # the original attends to them
    for i, n in enumerate(batch.lengths):
        alone = whole(user_of(batch, i, int(n)), t[i : i + 1], eps[i : i + 1], drawn[i : i + 1, 9 - n :])
        torch.testing.assert_close(found[i : i + 1], alone, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_masked_frames_are_no_longer_than_the_longest_history():
    assert Frame.of(batch_of([1, 3]), "masked").items.shape == (2, 3) and Frame.of(batch_of([1, 3]), "sink").items.shape == (2, 9)


@torch.no_grad()
@pytest.mark.parametrize("padding", ["sink", "masked"])
def test_the_last_row_alone_equals_the_last_of_all_rows(padding):
    model, batch = model_of(replace(LOUD, padding=padding)), batch_of()
    frame = Frame.of(batch, padding)
    history, x, t = model.history(frame), torch.randn(5, 16, generator=torch.Generator().manual_seed(1)), torch.tensor([0, 4, 2, 1, 3])
    last, every = (model.denoise(history, x, t, frame, last=last) for last in (True, False))
    torch.testing.assert_close(last, every[:, -1:], rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_the_noised_item_reaches_every_row_pads_included():
    model, frame = model_of(), Frame.of(batch_of([2]), "sink")
    history = model.history(frame)
    x, t, drawn = torch.randn(1, 16, generator=torch.Generator().manual_seed(1)), torch.tensor([3]), torch.ones(1, 9, 16)
    added = model.noised(history, x, t, drawn) - history
    torch.testing.assert_close(added, (x + model.time_embed(model.time_table[t])).expand(1, 9, 16), rtol=1e-5, atol=1e-5)


# -- lambda's draws ---------------------------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize("padding", ["sink", "masked"])
def test_an_answer_depends_on_seed_and_user_and_on_nobody_else_in_the_batch(padding):
    model, users = model_of(replace(LOUD, padding=padding)), np.array([7, 3, 11, 5, 2])
    batch = batch_of(users=users)
    together, others = answers(model, batch, seed=4), answers(model, batch, seed=5)
    for i in range(5):
        torch.testing.assert_close(answers(model, user_of(batch, i, 9), seed=4), together[i : i + 1], rtol=1e-5, atol=1e-5)
    assert not torch.allclose(together, others, atol=1e-2)


@torch.no_grad()
def test_lambda_is_drawn_afresh_at_every_step_for_every_user():
    model, batch = model_of(), batch_of()
    seen: list[torch.Tensor] = []
    noised = model.noised
    model.noised = lambda history, x, t, drawn: seen.append(drawn) or noised(history, x, t, drawn)
    answers(model, batch)
    drawn = torch.stack(seen).flatten(0, 1).flatten(1)
    assert len(drawn) == 5 * 5 and len({tuple(row[:4].tolist()) for row in drawn}) == 25
    assert abs(float(drawn.mean())) < 0.05 and abs(float(drawn.std()) - 1) < 0.05


@torch.no_grad()
def test_copies_of_a_user_are_answered_one_by_one():
    model, history = model_of(), [3, 9, 4]
    sweep = seed_sweep(model, history, 7, seeds=[2, 6], user=1)
    for i, seed in enumerate((2, 6)):
        batch = pack([np.array(history)], 9, users=np.array([1]))
        scores = answers(model, batch, seed=seed)[0] @ model.item_embedding.weight.T
        assert sweep.ranks[-1, i] == int((scores >= scores[7]).sum())


@torch.no_grad()
@pytest.mark.parametrize("padding", ["sink", "masked"])
def test_a_few_rows_at_a_time_give_the_same_answers(monkeypatch, padding):
    model, batch = model_of(replace(LOUD, padding=padding)), batch_of()
    whole = answers(model, batch)
    monkeypatch.setattr("adrec.models.diffurec.PART_ROWS", 20)
    torch.testing.assert_close(answers(model, batch), whole, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_without_a_spread_nothing_is_drawn():
    model, batch = model_of(replace(LOUD, noise_weight_std=0.0)), batch_of()
    x, _ = user_noise(0, batch.users, 5, 16)
    assert answers(model, batch).isfinite().all() and model.last_token(batch)(x, 4).shape == (5, 16)


def test_a_negative_lambda_is_refused():
    with pytest.raises(ConfigError, match="'noise_weight_std' is -1.0; it must be a number of at least 0"):
        replace(LOUD, noise_weight_std=-1.0)


# -- training ---------------------------------------------------------------------------------------------------------


def test_parts_hold_complete_sequences_and_so_many_rows(tiny_data, monkeypatch):
    monkeypatch.setattr("adrec.models.diffurec.PART_ROWS", 90)
    model = model_of(replace(LOUD, n_items=60))
    batch = prefix_batch(tiny_data, np.arange(20), 9, 0.5, np.random.default_rng(0))
    assert len(batch.users) > len(set(batch.users))  # a user appears several times
    parts = model.parts(batch)
    assert len(parts) > 3 and sum(len(part.lengths) for part in parts) == len(batch.lengths)
    t, eps = torch.zeros(200, dtype=torch.long), torch.zeros(200, 16)

    def loss(part: PackedBatch) -> torch.Tensor:
        n = len(part.lengths)
        scores = model(part, t[:n], eps[:n]) @ model.item_embedding.weight.T
        return torch.nn.functional.cross_entropy(scores, part.targets[part.last], reduction="sum")

    whole = sum(loss(part) for part in parts) / len(batch.lengths)
    torch.testing.assert_close(whole, loss(batch) / len(batch.lengths))


def test_being_looked_up_does_not_move_the_padding_row():
    model, batch = model_of(), batch_of([1, 2])
    out = model(batch, torch.tensor([0, 0]), torch.zeros(2, 16))
    (gradient,) = torch.autograd.grad(out.sum(), model.item_embedding.weight)
    moved = gradient.abs().sum(1).nonzero().flatten().tolist()
    assert moved == sorted({*batch.items.tolist(), *batch.targets[batch.last].tolist()})


def test_dropout_is_drawn_in_training_alone():
    model = model_of(replace(LOUD, dropout=0.5, embedding_dropout=0.5))
    draws = [model.losses(batch_of(), RandomSource(np.random.default_rng(seed)))["ce"] for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    tiny = plan(
        "diffurec", preset="diffurec", **{**SIZE, "batch_size": 20, "epochs": 3, "validate_every": 1, "lr": 0.01, "checkpoint_seconds": 0}
    )
    folder = RunFolder(tmp_path_factory.mktemp("diffurec") / "run")
    train_run(folder, tiny_data, describe_run(tiny_data, "synthetic:items=60,users=80", tiny, "test"))
    return folder


def test_a_run_stopped_after_every_few_steps_ends_the_same(run, tiny_data, tmp_path):
    again, _ = in_pieces(tmp_path / "stopped", tiny_data, run.info, 4)
    ends = [load_arrays(each.weights_path("finetune")) for each in (run, again)]
    assert ends[0].keys() == ends[1].keys() and all(np.array_equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_evaluation_and_trajectory_repeat_the_trainings_ranks(run, tiny_data):
    model = load_model(run)
    ranks = evaluate(model, tiny_data, "test").ranks
    assert np.array_equal(ranks, run.test_ranks("finetune"))
    for user in range(3):
        assert user_trajectory(model, tiny_data, user).target_rank[-1] == ranks[user]


@pytest.mark.parametrize(("preset", "std"), [("diffurec", 0.1), ("diffurec-original", 1.0)])
def test_the_tables_start_is_as_wide_as_the_preset_says(preset, std):
    wide = settings(preset)
    table = built(replace(wide, config=replace(wide.config, n_items=3000, blocks=1))).item_embedding.weight
    assert float(table.std()) == pytest.approx(std, rel=0.01)
