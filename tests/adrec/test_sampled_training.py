"""All stages trained with the sampled loss: which rows move, that a stopped run ends as an uninterrupted one, the full loss as limit."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from adrec.data.batches import training_batch
from adrec.data.dataset import ItemTable
from adrec.files import load_arrays
from adrec.losses.sampled import Proposal
from adrec.parallel.workers import Workers
from adrec.runs import ITEM_TABLE, RunFolder
from adrec.runs.snapshots import save_snapshot
from adrec.training.loop import Trainer
from adrec.training.recorder import Bystander
from adrec.training.session import train_run
from tests.adrec.small import in_pieces, varied
from tests.adrec.test_training import PLAN, assert_same, info_of

pytestmark = pytest.mark.slow

SAMPLED = varied(PLAN, loss="sampled", negatives=12)


@pytest.fixture(scope="module")
def whole(tiny_data, tmp_path_factory):
    """A run that was never interrupted."""
    run = RunFolder(tmp_path_factory.mktemp("runs") / "whole")
    assert train_run(run, tiny_data, info_of(tiny_data, SAMPLED)) == "finished"
    return run


def first_step(data, config, table=None):
    """The losses of the first step of stage 1 or, with its table given, of stage 2."""
    trainer = Trainer(data, config, Bystander(RunFolder("none"), data.popularity), lambda: False, table)
    with Workers(1) as workers:
        return trainer.train_step(training_batch(data, np.arange(32), PLAN.config.length), workers)


def moved(run: RunFolder, before: str, after: str) -> np.ndarray:
    """The ids of the items whose rows differ."""
    return np.flatnonzero((run.table(before) != run.table(after)).any(1)) + 1


def test_all_three_stages_are_trained(whole):
    assert whole.stages == ["pretrain", "warmup", "finetune"]
    assert len(moved(whole, "initial", "pretrain")) == len(moved(whole, "warmup", "finetune")) == 60
    assert whole.metrics("finetune")["test"]["users"] == 80


def test_warmup_leaves_the_table_exactly_as_it_was(whole):
    assert not len(moved(whole, "pretrain", "warmup"))


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.long), 5])
def test_a_run_stopped_after_every_few_steps_ends_the_same(whole, tiny_data, tmp_path, every):
    run, pieces = in_pieces(tmp_path / "stopped", tiny_data, info_of(tiny_data, SAMPLED), every)
    assert pieces > 4
    assert_same(run, whole)


def test_the_weights_do_not_depend_on_the_number_of_threads(whole, tiny_data, tmp_path):
    before, run = torch.get_num_threads(), RunFolder(tmp_path / "threads")
    torch.set_num_threads(3)
    try:
        train_run(run, tiny_data, info_of(tiny_data, SAMPLED))
    finally:
        torch.set_num_threads(before)
    assert_same(run, whole)


def test_of_the_items_that_nobody_took_only_drawn_ones_move(tiny_data, tmp_path):
    data = replace(tiny_data, items=ItemTable.untitled([str(i) for i in range(1, 1001)]))
    train, run = varied(SAMPLED, negatives=2, max_steps=3), RunFolder(tmp_path / "few")
    train_run(run, data, info_of(data, varied(train, n_items=1000)))
    for before, after in (("initial", "pretrain"), ("warmup", "finetune")):
        ids = moved(run, before, after)
        assert 1 <= (data.popularity[ids] == 0).sum() <= train.train.negatives * train.train.max_steps


@pytest.mark.parametrize("given", [False, True])
def test_with_very_many_negatives_the_first_loss_is_the_full_one(tiny_data, given):
    table = torch.randn(61, 16, generator=torch.Generator().manual_seed(0)) if given else None
    full = first_step(tiny_data, PLAN, table)
    ours = first_step(tiny_data, varied(SAMPLED, negatives=100_000), table)
    assert ours.keys() == full.keys()
    assert all(abs(ours[name] - full[name]) < 1e-3 for name in full)


def test_with_few_negatives_the_first_loss_is_another(tiny_data):
    assert abs(first_step(tiny_data, PLAN)["ce"] - first_step(tiny_data, varied(SAMPLED, negatives=1))["ce"]) > 0.1


def test_every_step_has_negatives_of_its_own(tiny_data, tmp_path, monkeypatch):
    drawn, original = [], Proposal.draw

    def recording(self, rng):
        drawn.append(original(self, rng))
        return drawn[-1]

    monkeypatch.setattr(Proposal, "draw", recording)
    train_run(RunFolder(tmp_path / "short"), tiny_data, info_of(tiny_data, varied(SAMPLED, max_steps=3)))
    assert len(drawn) == len({tuple(negatives.rows.tolist()) for negatives in drawn}) == 9


def test_of_a_very_large_table_a_snapshot_holds_a_sample_with_its_ids(tiny_data, tmp_path, monkeypatch):
    monkeypatch.setattr("adrec.runs.snapshots.MOST_ITEMS", 10)
    table = torch.randn(61, 4, generator=torch.Generator().manual_seed(0))
    save_snapshot(tmp_path / "pretrain-6.safetensors", table.numpy(), tiny_data.popularity)
    saved = load_arrays(tmp_path / "pretrain-6.safetensors")
    assert len(saved["ids"]) == 10 and (np.diff(saved["ids"]) > 0).all()
    assert np.array_equal(saved[ITEM_TABLE], table.numpy()[saved["ids"]].astype(np.float16)) and saved[ITEM_TABLE].dtype == np.float16
    taken = tiny_data.popularity[saved["ids"]]
    assert taken.min() == tiny_data.popularity[1:].min() and taken.max() == tiny_data.popularity.max()
