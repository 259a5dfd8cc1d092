"""Which runs there are, in which order, and which one the app opens with."""

from pathlib import Path

import numpy as np
import pytest

from adrec.data.dataset import ItemTable
from adrec.runs import RunFolder
from app import loaders


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of the bundled runs; the one to open with is the oldest and not the first by name."""
    folder = tmp_path / "bundled"
    monkeypatch.setattr("app.loaders.BUNDLED", folder)
    for name in ("ml-100k", "zebra", "sasrec", "no-warmup", "alpaca"):
        write(folder / name)
    return folder


def write(path: Path) -> RunFolder:
    run = RunFolder(path)
    run.create({"dataset": {"name": "x"}}, ItemTable.untitled(["a", "b"]), np.array([0, 1, 2]))
    return run


def test_the_app_opens_with_the_same_run_whatever_the_files_times_are(root: Path, bundled: Path) -> None:
    found = loaders.find_run(None)
    assert found is not None and found.name == "ml-100k"


def test_bundled_runs_are_in_the_order_of_their_names_behind_the_first(root: Path, bundled: Path) -> None:
    assert [run.name for run in loaders.all_runs()] == ["ml-100k", "alpaca", "no-warmup", "sasrec", "zebra"]


def test_a_persons_runs_come_before_the_bundled_ones(root: Path, bundled: Path) -> None:
    write(root / "mine")
    assert [run.name for run in loaders.all_runs()][:2] == ["mine", "ml-100k"]
    assert loaders.find_run("mine") is not None


def test_a_persons_run_called_like_a_bundled_one_is_not_taken_for_it(root: Path, bundled: Path) -> None:
    write(root / "ml-100k")
    found = loaders.find_run("ml-100k")
    assert found is not None and loaders.is_bundled(found)
    own = loaders.find_run("ml-100k (own)")
    assert own is not None and own.path == root / "ml-100k"
