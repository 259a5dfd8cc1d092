"""A training that keeps the whole model of every validated epoch, and the state in which each stage ended."""

import shutil

import numpy as np
import pytest
import torch

from adrec.errors import ConfigError, RunError
from adrec.evaluation import evaluate
from adrec.files import load_arrays
from adrec.models.loading import load_model
from adrec.models.settings import settings
from adrec.runs import ITEM_TABLE, LAST, RunFolder
from adrec.training.recorder import Recorder
from adrec.training.session import train_run
from tests.adrec.small import in_pieces, varied
from tests.adrec.test_training import PLAN, data, info_of  # noqa: F401  the fixture comes along

pytestmark = pytest.mark.slow

KEEPING = varied(PLAN, keep_weights="every")


@pytest.fixture(scope="module")
def kept(data, tmp_path_factory):  # noqa: F811
    run = RunFolder(tmp_path_factory.mktemp("runs") / "kept")
    train_run(run, data, info_of(data, KEEPING))
    return run


def validated(run: RunFolder, stage: str) -> list[int]:
    return [e["epoch"] for e in run.events()[0] if e["kind"] == "validation" and e["stage"] == stage]


def test_every_snapshot_has_its_whole_model(kept):
    for stage, epoch, path in kept.snapshots():
        model = load_arrays(kept.weights_path(stage, epoch))
        assert np.array_equal(model[ITEM_TABLE], load_arrays(path)[ITEM_TABLE])
        assert {k: v.shape for k, v in model.items()} == {k: v.shape for k, v in load_arrays(kept.weights_path(stage)).items()}
        assert all(v.dtype == np.float16 for v in model.values())
    for stage in kept.stages:
        assert kept.weight_epochs(stage) == [*validated(kept, stage), LAST]


def test_the_model_of_the_best_epoch_is_the_one_that_the_stage_kept(kept):
    for stage in kept.stages:
        best = load_arrays(kept.weights_path(stage, kept.metrics(stage)["epoch"]))
        assert all(np.array_equal(v.astype(np.float16), best[k]) for k, v in load_arrays(kept.weights_path(stage)).items())


def test_the_last_state_is_that_of_the_last_step_and_not_the_best(kept):
    metrics = kept.metrics("finetune")
    last, at_end = (load_arrays(kept.weights_path("finetune", epoch)) for epoch in (LAST, metrics["epochs"]))
    assert all(np.array_equal(v, at_end[k]) for k, v in last.items())
    assert metrics["epoch"] < metrics["epochs"] and not np.array_equal(last[ITEM_TABLE][1:], kept.table("finetune").astype(np.float16))


def test_the_model_of_an_epoch_ranks_as_it_did_when_it_was_validated(kept, data):  # noqa: F811
    events = [e for e in kept.events()[0] if e["kind"] == "validation" and e["stage"] == "finetune"]
    for event in events:
        found = evaluate(load_model(kept, "finetune", event["epoch"]), data, "val").metrics
        assert found["ndcg@10"] == pytest.approx(event["metrics"]["ndcg@10"], abs=0.02)


def test_a_resumed_training_keeps_the_same_models(kept, data, tmp_path):  # noqa: F811
    run, _ = in_pieces(tmp_path / "stopped", data, info_of(data, KEEPING), 4)
    paths = sorted(p.relative_to(kept.path) for p in kept.path.glob("s*/**/*.safetensors"))
    assert paths == sorted(p.relative_to(run.path) for p in run.path.glob("s*/**/*.safetensors"))
    assert all((kept.path / p).read_bytes() == (run.path / p).read_bytes() for p in paths)


def test_an_epoch_can_be_loaded_before_its_stage_has_ended(kept, tmp_path):
    run = RunFolder(shutil.copytree(kept.path, tmp_path / "copy"))
    shutil.rmtree(run.path / "stages" / "finetune")
    first = run.weight_epochs("finetune")[0]
    assert torch.equal(load_model(run, "finetune", first).item_embedding.weight, load_model(kept, "finetune", first).item_embedding.weight)


def test_counts_that_half_precision_cannot_hold_are_kept_as_they_are(tmp_path):
    run = RunFolder(tmp_path / "run")
    stage = settings().stages[-1]
    Recorder(run, np.zeros(1)).keep(stage, 3, {"count": torch.tensor([0, 100_001]), "weight": torch.ones(2)})
    found = load_arrays(run.weights_path("finetune", 3))
    assert found["count"].tolist() == [0, 100_001] and found["weight"].dtype == np.float16


def test_an_epoch_that_was_not_kept_is_named_with_those_that_were(kept, tiny_run):
    with pytest.raises(RunError, match="has no weights of epoch 77 of stage 'finetune'; it has .*last"):
        load_model(kept, "finetune", 77)
    with pytest.raises(RunError, match="it has none: train with --set keep_weights=every"):
        load_model(tiny_run, "finetune", LAST)


def test_what_to_keep_is_one_of_two_words():
    with pytest.raises(ConfigError, match="'keep_weights' is 'all'; .* one of best, every"):
        varied(PLAN, keep_weights="all")
