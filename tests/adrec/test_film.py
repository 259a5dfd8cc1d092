"""The film of a training: which tables it shows, in what frame, what it measures, and when a kept one still holds."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from adrec.cli import main
from adrec.collapse.film import FILE, cached_film, film, frame_count
from adrec.collapse.measures import singular_values
from adrec.collapse.ranks import effective_rank
from adrec.errors import RunError
from adrec.files import load_arrays, save_arrays
from adrec.maps.neighbours import neighbour_overlap, neighbour_sets
from adrec.runs import ITEM_TABLE, RunFolder


@pytest.fixture
def run(tiny_run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setenv("ADREC_HOME", str(tmp_path / "home"))
    shutil.copytree(tiny_run.path, tmp_path / "tiny")
    return RunFolder(tmp_path / "tiny")


def test_every_snapshot_is_a_frame_between_the_start_and_the_end(run: RunFolder) -> None:
    made = film(run)
    frames = set(zip(made.stages.tolist(), made.epochs.tolist(), strict=True))
    assert made.stages[0] == "initial" and frames >= {(s, e) for s, e, _ in run.snapshots()} and len(made) == frame_count(run)
    order = [("initial", "pretrain", "warmup", "finetune").index(s) for s in made.stages]
    assert order == sorted(order)


def test_the_table_that_a_stage_kept_is_marked_and_there_without_its_snapshot(run: RunFolder) -> None:
    best = run.metrics("finetune")["epoch"]
    (run.path / "snapshots" / f"finetune-{best}.safetensors").unlink(missing_ok=True)
    made = film(run)
    last = np.flatnonzero((made.stages == "finetune") & made.best)
    assert len(last) == 1 and made.epochs[last[0]] == best
    np.testing.assert_allclose(made.values[last[0]], singular_values(run.table("finetune")), rtol=1e-5)


def test_one_pair_of_axes_for_all_frames_keeps_distances_comparable(run: RunFolder) -> None:
    made = film(run)
    table = run.table("initial").astype(np.float64)
    xy = made.positions[0].astype(np.float64)
    moved = np.linalg.lstsq(table - table.mean(axis=0), xy - xy.mean(axis=0), rcond=None)[0]
    np.testing.assert_allclose(moved.T @ moved, np.eye(2), atol=0.02)  # a turn of the table, neither stretched nor squeezed
    assert made.explained[0] == pytest.approx(xy.var(axis=0).sum() / table.var(axis=0).sum(), rel=0.02)


def test_measures_are_those_of_the_tables_and_validation_is_from_the_events(run: RunFolder) -> None:
    made = film(run)
    assert made.measure("effective_rank")[0] == pytest.approx(effective_rank(singular_values(run.table("initial"))), rel=1e-4)
    events = {(e["stage"], e["epoch"]): e["metrics"]["ndcg@10"] for e in run.events()[0] if e["kind"] == "validation"}
    for stage, epoch, value in zip(made.stages, made.epochs, made.measure("ndcg@10"), strict=True):
        assert np.isnan(value) if (stage, epoch) not in events else value == pytest.approx(events[(stage, epoch)], rel=1e-5)


def test_neighbours_are_compared_with_those_at_the_stages_beginning(run: RunFolder) -> None:
    made = film(run)
    first = int(np.flatnonzero(made.stages == "pretrain")[0])
    path = next(p for s, e, p in run.snapshots() if (s, e) == ("pretrain", made.epochs[first]))
    after = load_arrays(path)[ITEM_TABLE][1:].astype(np.float32)
    expected = neighbour_overlap(neighbour_sets(run.table("initial")), neighbour_sets(after)).mean()
    assert made.measure("kept")[first] == pytest.approx(expected, abs=1e-4) and np.isnan(made.measure("kept")[0])


def test_a_film_is_kept_and_no_longer_holds_when_the_training_goes_on(run: RunFolder) -> None:
    made = film(run)
    kept = cached_film(run)
    assert kept is not None and (run.path / FILE).is_file()
    np.testing.assert_array_equal(kept.positions, made.positions)
    shutil.copyfile(run.snapshots()[-1][2], run.path / "snapshots" / "finetune-9999.safetensors")
    assert cached_film(run) is None


def test_a_film_of_another_training_is_not_taken_for_this_ones(run: RunFolder) -> None:
    film(run)
    path = run.weights_path("finetune")
    arrays = load_arrays(path)
    save_arrays(path, {**arrays, ITEM_TABLE: arrays[ITEM_TABLE] * 2})
    assert cached_film(run) is None


def test_a_damaged_film_is_made_again(run: RunFolder) -> None:
    frames = len(film(run))
    (run.path / FILE).write_bytes(b"PK\x03\x04 no film")
    assert cached_film(run) is None and len(film(run)) == frames


def test_a_copy_may_keep_a_film_of_more_than_it_keeps_tables(run: RunFolder) -> None:
    frames = len(film(run))
    for _, _, path in run.snapshots():
        path.unlink()
    kept = cached_film(run)
    assert kept is not None and len(kept) == frames > frame_count(run)


def test_a_folder_without_a_training_has_no_film(tmp_path: Path, run: RunFolder) -> None:
    bare = RunFolder(tmp_path / "bare")
    from adrec.data.dataset import ItemTable

    bare.create_tables({"a": np.ones((4, 2))}, ItemTable.untitled(list("abcd")), {})
    with pytest.raises(RunError, match="has 0 item tables of its training; a film needs at least two"):
        film(bare)


def test_the_command_makes_the_film_and_tells_its_measures(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["film", str(run.path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["items"] == len(run.items) and len(said["frames"]) == frame_count(run) and said["frames"][0]["kept"] is None
