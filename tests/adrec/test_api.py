"""The public surface: small, light to import, and what its examples say."""

import doctest
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import adrec
from adrec import api
from adrec.data.dataset import SequenceDataset
from adrec.errors import ConfigError, DataError, RunError, WeightsError
from adrec.runs import RunFolder
from tests.adrec.test_errors_layers import loaded
from tests.conftest import TINY_SOURCE

ROOT = Path(__file__).parents[2]
EXAMPLES = [found for found in doctest.DocTestFinder().find(api) if found.examples]


def test_importing_the_package_and_listing_its_names_loads_neither_torch_nor_pandas_nor_numpy() -> None:
    assert loaded("import adrec; adrec.__version__; dir(adrec)", "torch", "pandas", "numpy", "umap") == []


@pytest.mark.slow
def test_the_public_names_load_no_torch() -> None:
    assert loaded("import adrec; adrec.train, adrec.load_run, adrec.diagnose", "torch", "umap") == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        adrec.nothing  # noqa: B018


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.name)
def test_an_example_gives_what_it_says(example: doctest.DocTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("tempfile.mkdtemp", lambda: os.fspath(tmp_path))
    assert doctest.DocTestRunner().run(example).failed == 0


def test_every_public_name_has_an_example() -> None:
    assert {e.name.removeprefix("adrec.api.") for e in EXAMPLES} == {"load_run", "train", "diagnose", "Run.recommend", "Run.trajectory"}


@pytest.mark.slow
def test_train_goes_on_with_a_run_that_was_stopped(tmp_path: Path) -> None:
    how = {"preset": "quick", "settings": {"max_steps": 4, "hidden_size": 16}}
    seen: list[dict] = []
    whole = adrec.train(TINY_SOURCE, tmp_path / "whole", **how)
    half = adrec.train(TINY_SOURCE, tmp_path / "half", **how, stop=lambda: len(seen) > 3, listener=seen.append)
    assert half.status["state"] == "stopped"
    with pytest.raises(ConfigError, match="resuming cannot change it"):
        adrec.train(TINY_SOURCE, tmp_path / "half", settings={"max_steps": 5})
    again = adrec.train(TINY_SOURCE, tmp_path / "half", **how)
    assert again.status["state"] == "finished"
    np.testing.assert_array_equal(again.table("finetune"), whole.table("finetune"))


def test_a_trajectory_is_of_a_user_or_of_a_history(tiny_run: RunFolder, tiny_data: SequenceDataset) -> None:
    run = adrec.load_run(tiny_run.path)
    user = str(tiny_data.user_ids[3])
    assert run.trajectory(user).target == int(tiny_data.test[3])
    for given in ({}, {"user": user, "history": "1"}):
        with pytest.raises(ConfigError, match="give exactly one of them"):
            run.trajectory(**given)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run folder"):
        adrec.load_run(tmp_path)


def interactions_of(data: SequenceDataset) -> pd.DataFrame:
    """Every interaction as a row, in order."""
    histories = np.split(data.train_items, data.train_offsets[1:-1])
    rows = [(u, i) for u, history in enumerate(histories) for i in (*history, data.val[u], data.test[u])]
    return pd.DataFrame(rows, columns=["user", "item"]).assign(time=range(len(rows)))


def test_the_same_interactions_as_a_frame_a_file_and_a_data_set_give_one_verdict(tiny_data: SequenceDataset, tmp_path: Path) -> None:
    table = np.random.default_rng(0).standard_normal((tiny_data.n_items, 8))
    ids = tiny_data.items.frame["item"]
    frame = interactions_of(tiny_data)
    frame["item"] = ids.to_numpy()[frame["item"] - 1]
    frame.to_csv(tmp_path / "log.csv", index=False)
    found = [adrec.diagnose(table, ids=list(ids), interactions=given) for given in (frame, tmp_path / "log.csv", tiny_data)]
    verdicts = [diagnosis.verdict for diagnosis in found]
    assert verdicts[0] == verdicts[1] == verdicts[2] != adrec.diagnose(table).verdict


def test_a_table_may_be_a_file_or_nested_lists(tmp_path: Path) -> None:
    table = np.random.default_rng(0).standard_normal((50, 8))
    np.save(tmp_path / "table.npy", table)
    assert adrec.diagnose(tmp_path / "table.npy").measures == adrec.diagnose(table.tolist()).measures


def test_ids_that_do_not_fit_the_table_are_refused() -> None:
    with pytest.raises(DataError, match="3 ids for 50 rows"):
        adrec.diagnose(np.ones((50, 8)), ids=[1, 2, 3])


def test_a_table_of_another_shape_cannot_be_the_initial_one() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(WeightsError, match="shape"):
        adrec.diagnose(rng.standard_normal((50, 8)), initial=rng.standard_normal((50, 4)))
