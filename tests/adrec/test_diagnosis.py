"""The diagnosis of a run: computed once, kept in its folder, read without computing."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from adrec.collapse import diagnosis, large
from adrec.collapse import measures as collapse
from adrec.data.dataset import SequenceDataset
from adrec.errors import DataError
from adrec.runs import RunFolder


@pytest.fixture
def run(tiny_run: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy in which nothing is kept yet: others judge the same run."""
    return RunFolder(shutil.copytree(tiny_run.path, tmp_path / "run", ignore=shutil.ignore_patterns("diagnosis.json")))


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(diagnosis, "diagnose", never)


def test_every_table_and_snapshot_has_a_verdict(run: RunFolder, tiny_data: SequenceDataset) -> None:
    found = diagnosis.diagnosis(run, tiny_data)
    assert [t["name"] for t in found["tables"]] == run.table_names()
    assert [(s["stage"], s["epoch"]) for s in found["snapshots"]] == [(stage, epoch) for stage, epoch, _ in run.snapshots()]
    assert all(not entry["verdict"]["undecided"] for entry in found["tables"] + found["snapshots"])


def test_a_second_call_reads_what_the_first_kept(run: RunFolder, tiny_data: SequenceDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    first = diagnosis.diagnosis(run, tiny_data)
    forbid(monkeypatch)
    assert diagnosis.diagnosis(run, tiny_data) == json.loads(json.dumps(first)) == diagnosis.cached_diagnosis(run)


def test_what_was_decided_with_the_data_is_kept_for_those_who_lack_it(
    run: RunFolder, tiny_data: SequenceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    diagnosis.diagnosis(run, tiny_data)
    forbid(monkeypatch)
    assert diagnosis.diagnosis(run, None)["data_hash"] == tiny_data.content_hash


def test_data_that_come_later_decide_what_was_left_open(run: RunFolder, tiny_data: SequenceDataset) -> None:
    assert diagnosis.diagnosis(run, None)["data_hash"] is None
    assert diagnosis.diagnosis(run, tiny_data)["data_hash"] == tiny_data.content_hash


def test_other_tables_make_what_was_kept_worthless(run: RunFolder) -> None:
    diagnosis.diagnosis(run)
    shutil.copy(run.weights_path("pretrain"), run.weights_path("finetune"))
    assert diagnosis.cached_diagnosis(run) is None


def test_nothing_is_computed_for_a_page_that_only_asks(run: RunFolder) -> None:
    assert diagnosis.cached_diagnosis(run) is None and not (run.path / diagnosis.FILE).exists()


def test_a_damaged_file_is_computed_anew(run: RunFolder) -> None:
    (run.path / diagnosis.FILE).write_text('{"version"')
    assert diagnosis.diagnosis(run)["tables"] and diagnosis.cached_diagnosis(run) is not None


def test_a_folder_that_cannot_be_written_keeps_it_in_the_cache(run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADREC_HOME", str(tmp_path / "home"))
    (run.path / diagnosis.FILE).mkdir()  # not even root can replace a folder by a file
    found = diagnosis.diagnosis(run)
    assert (run.path / diagnosis.FILE).is_dir() and diagnosis.cached_diagnosis(run) == json.loads(json.dumps(found))


def test_data_of_another_size_are_refused(run: RunFolder) -> None:
    from adrec.data import catalog

    with pytest.raises(DataError, match="expected the run's own data set"):
        diagnosis.diagnosis(run, catalog.load("synthetic:items=50,users=50"))


def test_the_runs_own_data_are_found(run: RunFolder, tiny_data: SequenceDataset) -> None:
    data, missing = diagnosis.local_data(run)
    assert data is not None and data.content_hash == tiny_data.content_hash and missing == ""


def test_data_that_are_gone_are_named(run: RunFolder) -> None:
    info = run.info
    info["dataset"]["name"] = "/nowhere/ratings.csv"
    (run.path / "run.json").write_text(json.dumps(info))
    assert diagnosis.local_data(run) == (None, "The data set '/nowhere/ratings.csv' is not on this machine.")


def test_a_later_stage_is_compared_with_the_one_before_it(run: RunFolder) -> None:
    tables = {t["name"]: {e["measure"] for e in t["verdict"]["evidence"]} for t in diagnosis.diagnosis(run)["tables"]}
    assert "neighbours_kept" in tables["finetune"] and "neighbours_kept" not in tables["pretrain"]


# -- large tables


def test_a_table_in_blocks_has_the_measures_of_one_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    table = (rng.standard_normal((3000, 12)) * np.linspace(1, 3, 12) + 0.5).astype(np.float32)
    whole = collapse.table_report("x", table)
    monkeypatch.setattr(collapse, "LARGE", 1000)
    monkeypatch.setattr("adrec.maps.tables.BLOCK", 5000)
    parts = collapse.table_report("x", table)
    assert parts["sampled"]["pairs"] == large.PAIRS
    for group in ("measures", "official_measures"):
        rough = {"uniformity", "distance"}
        for key, value in whole[group].items():
            assert parts[group][key] == pytest.approx(value, rel=5e-3 if key in rough else 1e-6, abs=1e-9), key
    assert parts["singular_values"] == pytest.approx(whole["singular_values"], rel=1e-6)
    assert parts["singular_values_uncentred"] == pytest.approx(whole["singular_values_uncentred"], rel=1e-6)
