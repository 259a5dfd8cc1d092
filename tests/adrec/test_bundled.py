"""The bundled runs say what they are for and hold what a forward outside Python needs."""

import pytest

from adrec.collapse.diagnosis import cached_diagnosis
from adrec.diffusion import Diffusion
from adrec.experiments.lists import kept_lists
from adrec.explain.all_users import FILE, cached_all_users
from adrec.files import read_json
from adrec.folders import app_folder
from adrec.models.settings import recorded
from adrec.runs import list_runs
from adrec.runs.shapes import FORMAT

RUNS = list_runs(app_folder() / "assets" / "runs")
WITH_TABLES = [run for run in RUNS if "item_table" in run.abilities]


def test_every_bundled_run_has_a_title_a_purpose_and_a_question_in_todays_format():
    for run in RUNS:
        info = read_json(run.path / "run.json")
        assert info["format"] == FORMAT and info["question"].endswith("?") and info["purpose"].endswith("."), run.name
        assert run.title == info["title"] != run.name


def test_bundled_lists_are_those_of_their_run():
    found = [run for run in RUNS if (run.path / "lists.npz").is_file()]
    assert len(found) >= 5 and [run.name for run in found if kept_lists(run, run.info["dataset"]["hash"]) is None] == []


def test_no_two_bundled_runs_have_the_same_title():
    assert len({run.title for run in RUNS}) == len(RUNS) == 22


def test_the_bundled_files_fit_into_45_mb_and_no_run_holds_a_table_twice():
    assert sum(path.stat().st_size for path in (app_folder() / "assets").rglob("*")) < 45e6
    for run in RUNS:
        tables = [path.read_bytes() for path in run.path.rglob("*.safetensors")]
        assert len(set(tables)) == len(tables), run.name


def test_the_coefficients_of_every_bundled_run_are_those_of_its_schedule():
    for run in RUNS:
        config, found = recorded(run.info).config, run.info["diffusion"]
        denoises = "denoise" in run.info["abilities"]
        assert found == (Diffusion.from_schedule(config.schedule, config.timesteps).to_json() if denoises else None), run.name


@pytest.mark.parametrize("run", [run for run in RUNS if (run.path / FILE).is_file()], ids=lambda run: run.name)
def test_what_was_measured_over_all_users_still_belongs_to_its_run(run):
    assert cached_all_users(run) is not None


@pytest.mark.parametrize("run", WITH_TABLES, ids=lambda run: run.name)
def test_every_bundled_table_comes_with_todays_verdicts_and_no_table_is_told_twice_that_it_never_moved(run):
    found = cached_diagnosis(run)
    assert found is not None and found["data_hash"] is not None
    said = [entry["verdict"]["says"] for entry in (*found["tables"], *found["snapshots"])]
    assert not any("never left" in says and "exactly as before training" in says for says in said)


def test_the_verdicts_of_the_bundled_runs_carry_facts():
    found = cached_diagnosis(next(run for run in RUNS if run.name == "narrow"))
    assert "sorts the items by popularity: its correlation with log popularity is 0." in found["tables"][-1]["verdict"]["says"]
