"""The small copy of a run: what it keeps, what it leaves out, and that what is left out says so."""

import json
import shutil

import numpy as np
import pytest

from adrec.cli import main
from adrec.errors import RunError, WeightsError
from adrec.files import load_arrays, write_json
from adrec.models.loading import load_model
from adrec.models.settings import recorded
from adrec.runs import ITEM_TABLE, RunFolder
from adrec.runs.compact import STEPS_KEPT, compact
from adrec.runs.snapshots import table_at
from adrec.training.session import describe_run, train_run
from tests.adrec.small import plan


@pytest.fixture
def whole(tiny_run, tmp_path) -> RunFolder:
    """A copy of the tiny run with many logged steps and a stage 1 from elsewhere."""
    run = RunFolder(tmp_path / "whole")
    run.path.mkdir()
    for path in tiny_run.path.rglob("*"):
        if path.is_file():
            (run.path / path.relative_to(tiny_run.path)).parent.mkdir(parents=True, exist_ok=True)
            (run.path / path.relative_to(tiny_run.path)).write_bytes(path.read_bytes())
    dataset = {**run.info["dataset"], "account": {"path": "/home/somebody/films.csv"}}
    write_json(run.path / "run.json", {**run.info, "dataset": dataset, "pretrained": "/home/somebody/runs/first"})
    step = {"kind": "step", "time": 0.0, "epoch": 0, "loss": 1.0}
    steps = [{**step, "stage": stage, "step": i} for stage in ("pretrain", "finetune") for i in range(2000)]
    with open(run.events_path, "a", encoding="utf-8") as file:
        file.writelines(json.dumps(event) + "\n" for event in steps)
    return run


def test_tables_are_kept_in_half_precision(whole, tmp_path):
    copy = compact(whole, tmp_path / "copy")
    assert copy.table_names() == whole.table_names()
    for name in copy.table_names():
        np.testing.assert_allclose(copy.table(name), whole.table(name), rtol=1e-3, atol=1e-6)
    assert load_arrays(copy.weights_path("finetune"))[ITEM_TABLE].dtype == np.float16
    assert load_model(copy).config == recorded(whole.info).config


@pytest.mark.parametrize("number", [0, 1, 3])
def test_as_many_snapshots_are_kept_as_asked_for_the_last_and_then_the_first_among_them(whole, tmp_path, number):
    kept = [s[:2] for s in compact(whole, tmp_path / "copy", snapshots=number).snapshots()]
    saved = [(stage, epoch) for stage, epoch, _ in whole.snapshots() if epoch != whole.metrics(stage)["epoch"]]
    assert len(kept) == number and set(kept) <= set(saved)
    assert number == 0 or kept[-1] == saved[-1]
    assert number < 2 or kept[0] == saved[0]


def test_the_tables_of_chosen_epochs_are_kept_and_one_that_was_not_saved_is_named(whole, tmp_path):
    saved = [epoch for stage, epoch, _ in whole.snapshots() if stage == "finetune" and epoch != whole.metrics(stage)["epoch"]]
    copy = compact(whole, tmp_path / "copy", epochs=saved[:1])
    assert [(stage, epoch) for stage, epoch, _ in copy.snapshots()] == [("finetune", saved[0])]
    with pytest.raises(RunError, match=r"no item table of epoch 999; it has"):
        compact(whole, tmp_path / "other", epochs=[999])


def test_whole_models_of_chosen_epochs_are_kept_in_half_precision_beside_the_final_one(whole, tmp_path):
    shutil.copyfile(whole.weights_path("finetune"), whole.weights_path("finetune", 3))
    copy = compact(whole, tmp_path / "copy", weights=[3])
    assert copy.weight_epochs("finetune") == [3] and load_model(copy, epoch=3).config == load_model(copy).config
    assert load_arrays(copy.weights_path("finetune", 3))[ITEM_TABLE].dtype == np.float16
    with pytest.raises(RunError, match=r"no weights of epoch 4: train with --set keep_weights=every"):
        compact(whole, tmp_path / "other", weights=[4])


def test_a_table_is_kept_once(whole, tmp_path):
    """The frozen warm-up leaves stage 1's table as it was, and the snapshot of the epoch that a stage kept is that stage's table."""
    copy = compact(whole, tmp_path / "copy")
    assert copy.info["same"] == {"warmup": "pretrain"} and copy.stages == whole.stages
    assert not (copy.path / "stages" / "warmup" / "model.safetensors").exists()
    np.testing.assert_array_equal(copy.table("warmup"), copy.table("pretrain"))
    kept = whole.metrics("finetune")["epoch"]
    np.testing.assert_array_equal(table_at(copy, "finetune", kept), copy.table("finetune"))
    files = [path.read_bytes() for path in copy.path.rglob("*.safetensors")]
    assert len(set(files)) == len(files)
    again = compact(copy, tmp_path / "again", tables_only=True)
    assert again.info["same"] == copy.info["same"] and list(again.tables()) == list(whole.tables())


NOT_EARLIER = ({"pretrain": "warmup"}, {"warmup": "../pretrain"}, {"warmup": 1}, ["warmup"], {"warmup": "pretrain", "pretrain": "initial"})


@pytest.mark.parametrize("same", NOT_EARLIER)
def test_a_table_named_as_equal_that_is_no_earlier_one_is_refused(whole, same):
    write_json(whole.path / "run.json", {**whole.info, "same": same})
    with pytest.raises(RunError, match="'same' must name an earlier table by stage"):
        _ = whole.info


def test_tables_alone_are_smaller_and_say_that_there_is_no_model(whole, tmp_path):
    copy = compact(whole, tmp_path / "copy", tables_only=True)
    assert set(load_arrays(copy.weights_path("finetune"))) == {ITEM_TABLE}
    assert copy.metrics("finetune") == whole.metrics("finetune")
    with pytest.raises(WeightsError, match="holds the item table alone"):
        load_model(copy)


def test_events_keep_everything_but_a_spread_of_the_steps(whole, tmp_path):
    kept, before = compact(whole, tmp_path / "copy").events()[0], whole.events()[0]
    assert [e for e in kept if e["kind"] != "step"] == [e for e in before if e["kind"] != "step"]
    for stage in ("pretrain", "finetune"):
        steps = [e["step"] for e in kept if e["kind"] == "step" and e["stage"] == stage]
        assert len(steps) == STEPS_KEPT and steps[-1] == 1999 and max(np.diff(steps)) < 20


def test_no_folder_of_this_machine_is_passed_on(whole, tmp_path):
    copy = compact(whole, tmp_path / "copy")
    assert copy.info["pretrained"] == "first" and "somebody" not in (copy.path / "run.json").read_text()


def test_a_run_that_is_not_finished_is_refused(whole, tmp_path):
    write_json(whole.path / "status.json", {"state": "stopped", "error": None})
    with pytest.raises(RunError, match="not finished"):
        compact(whole, tmp_path / "copy")


def test_a_model_that_counts_is_copied_as_it_is_or_by_its_ranks_alone(tiny_data, tmp_path):
    path = tmp_path / "knn"
    train_run(
        RunFolder(path), tiny_data, describe_run(tiny_data, "synthetic:items=60,users=80", plan("item-knn", preset="item-knn"), "test")
    )
    assert main(["compact", str(path), "--out", str(tmp_path / "whole")]) == 0
    assert main(["compact", str(path), "--out", str(tmp_path / "ranks"), "--tables-only"]) == 0
    before, whole, ranks = (load_arrays(RunFolder(tmp_path / name).weights_path("finetune")) for name in ("knn", "whole", "ranks"))
    assert all(np.array_equal(before[name], whole[name]) and before[name].dtype == whole[name].dtype for name in before) and not ranks
    assert np.array_equal(RunFolder(tmp_path / "ranks").test_ranks("finetune"), RunFolder(path).test_ranks("finetune"))
