"""What the Train page says and shows beside its curves."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from adrec.browser import wire
from adrec.data.dataset import SequenceDataset
from adrec.files import read_json, save_arrays, write_json
from adrec.maps.tables import typical_length
from adrec.runs import ITEM_TABLE, RunFolder
from adrec.runs.snapshots import load_snapshot
from app import loaders, train_watch
from app.collapse import tables
from app.texts import texts
from tests.app.pages import open_page


@pytest.fixture
def run(root: Path, tiny_run: RunFolder) -> RunFolder:
    """The tiny run among the person's own runs."""
    return RunFolder(shutil.copytree(tiny_run.path, root / "tiny"))


def bundled(name: str) -> RunFolder:
    return loaders.LoadedRun(loaders.BUNDLED / name)


def test_each_stage_says_which_parts_it_freezes() -> None:
    run = bundled(loaders.FIRST)
    assert train_watch.parts(run, "pretrain") == {"table": "learns", "reader": "learns", "denoiser": "absent"}
    assert train_watch.parts(run, "warmup") == {"table": "frozen", "reader": "learns", "denoiser": "learns"}
    assert set(train_watch.parts(run, "finetune").values()) == {"learns"}


def test_a_table_frozen_to_the_end_and_one_that_drifts_are_told_apart() -> None:
    assert train_watch.parts(bundled("frozen-random"), "finetune")["table"] == "frozen"
    assert train_watch.parts(bundled("warmup-drift"), "warmup")["table"] == "drifts"
    assert train_watch.parts(bundled("sasrec"), "finetune")["denoiser"] == "absent"


def test_the_drop_at_the_warm_up_is_explained_where_there_is_one() -> None:
    assert "from 5.9 % to 3.2 %" in train_watch.drop(0.0593, 0.0319)
    assert train_watch.drop(0.03, 0.04) == train_watch.drop(None, 0.04) == ""


@pytest.mark.parametrize(
    ("before", "now", "said"), [(0.05, 0.08, "worth it"), (0.06, 0.0601, "ranks as well"), (0.08, 0.05, "ranks better")]
)
def test_a_result_is_set_beside_stage_1(run: RunFolder, before: float, now: float, said: str) -> None:
    for stage, value in (("pretrain", before), ("finetune", now)):
        path = run.path / "stages" / stage / "metrics.json"
        metrics = read_json(path)
        metrics["val"] |= {"ndcg@10": value, "ndcg@10_se": 0.001}
        write_json(path, metrics)
    assert said in " ".join(train_watch.result(loaders.LoadedRun(run.path)))


def test_a_result_that_seems_to_gainsay_the_lesson_says_what_the_lesson_compares() -> None:
    lesson = texts("train")["result"]["lesson"]
    for name in (loaders.FIRST, "mse-only"):
        run = bundled(name)
        said = train_watch.result(run)
        assert (lesson in said) == any("ranks as well" in sentence for sentence in said), name


def test_a_run_of_squared_error_alone_says_why_it_ranks_no_better() -> None:
    assert any("squared error alone" in said for said in train_watch.result(bundled("mse-only")))


def test_the_table_moves_with_every_snapshot_while_training(run: RunFolder) -> None:
    first = train_watch.newest(run, True)
    assert first is not None
    stage, epoch, path = run.snapshots()[-1]
    save_arrays(
        path.with_name(f"{stage}-{epoch + 5}.safetensors"), {ITEM_TABLE: np.vstack([np.zeros(8), np.ones((2, 8))]).astype(np.float32)}
    )
    later = train_watch.newest(run, True)
    assert later is not None and later[2] != first[2] and later[1].endswith(f"epoch {epoch + 5}")


def test_of_a_finished_run_train_shows_the_table_that_collapse_shows() -> None:
    run = bundled(loaders.FIRST)
    found = train_watch.newest(run, False)
    assert found is not None and typical_length(load_snapshot(found[2])[0]) == pytest.approx(tables.look(run, None).size)


def test_the_first_and_the_newest_table_stand_side_by_side_with_their_verdicts(run: RunFolder, tiny_data: SequenceDataset) -> None:
    found = train_watch.newest(run, False)
    assert found is not None and found[1] == "Fine-tune, kept"
    shown = (("initial", "Start", str(run.path / "snapshots" / "initial.safetensors"), 1), (*found[:2], str(found[2]), 2))
    block, spectra = (wire.unblock(data)[0] for data in train_watch._packed(run.path, shown, None))
    assert [card["title"] for card in block["cards"]] == ["Start", "Fine-tune, kept"] and [mark["main"] for mark in block["marks"]] == [
        False,
        True,
    ]
    assert [curve["key"] for curve in spectra["curves"]] == ["initial", "finetune"]


def test_the_page_shows_stages_with_locks_and_terms_that_explain_themselves(run: RunFolder) -> None:
    app = open_page("train", run="tiny")
    shown = "".join(element.proto.body for element in app.get("html"))
    assert not app.exception and not app.error
    assert shown.count("is-frozen") >= 1 and "data-meaning" in shown
