"""All users' reverse processes at once, against one trajectory at a time."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from adrec.cli import main
from adrec.errors import DataError, RunError
from adrec.evaluation import evaluate, ranking_metrics
from adrec.explain import all_users as module
from adrec.explain.all_users import FILE, all_users, cached_all_users, measure
from adrec.explain.records import Trajectory
from adrec.explain.trajectory import user_trajectory
from adrec.files import write_json
from adrec.folders import home
from adrec.models.loading import load_model
from adrec.runs import RunFolder


@pytest.fixture(scope="module")
def walks(tiny_run, tiny_data) -> list[Trajectory]:
    model = load_model(tiny_run)
    return [user_trajectory(model, tiny_data, u, seed=3) for u in range(tiny_data.n_users)]


@pytest.fixture(scope="module")
def single(tiny_run, tiny_data) -> list[Trajectory]:
    model = load_model(tiny_run)
    return [user_trajectory(model, tiny_data, u, seed=3, steps=1) for u in range(tiny_data.n_users)]


@pytest.fixture(scope="module")
def report(tiny_run, tiny_data) -> dict:
    return measure(load_model(tiny_run), tiny_data, seed=3)


@pytest.fixture
def copy(tiny_run, tmp_path, monkeypatch) -> RunFolder:
    monkeypatch.setenv("ADREC_HOME", str(tmp_path / "home"))
    return RunFolder(shutil.copytree(tiny_run.path, tmp_path / "copy"))


def assert_figures(found: dict, tops: list[np.ndarray], ranks: list[int], finals: list[np.ndarray]) -> None:
    expected = ranking_metrics(np.array(ranks))
    assert {k: found[k] for k in expected} == pytest.approx(expected)
    assert found["distinct_items"] == len(set(np.concatenate(tops).tolist()))
    assert found["common"] == pytest.approx(np.mean([len(set(a) & set(b)) for a, b in zip(tops, finals, strict=True)]))


@pytest.mark.slow
def test_after_each_step_the_figures_are_those_of_every_users_trajectory(report, walks):
    assert [row["step"] for row in report["by_step"]] == [1, 2, 3, 4]
    finals = [w.top_ten[-1] for w in walks]
    for i, row in enumerate(report["by_step"]):
        assert_figures(row, [w.top_ten[i] for w in walks], [w.target_rank[i] for w in walks], finals)


def test_one_step_and_all_are_compared(report, walks, single):
    one, whole = report["by_steps"]
    assert (one["steps"], whole["steps"]) == (1, 4) and whole["common"] == 10
    assert_figures(one, [w.top_ten[-1] for w in single], [w.target_rank[-1] for w in single], [w.top_ten[-1] for w in walks])


def test_each_number_of_steps_has_its_own_mean_commit_step(tiny_run, tiny_data, monkeypatch):
    monkeypatch.setattr(module, "COUNTS", (1, 3))
    model = load_model(tiny_run)
    for row in measure(model, tiny_data, seed=3)["by_steps"]:
        commits = [user_trajectory(model, tiny_data, u, seed=3, steps=row["steps"]).commit_step for u in range(tiny_data.n_users)]
        assert row["mean_commit_step"] == pytest.approx(np.mean(commits)) and (row["steps"] == 1) == (max(commits) == 1)


def test_all_steps_give_what_evaluation_gives(report, tiny_run, tiny_data):
    metrics = evaluate(load_model(tiny_run), tiny_data, "test", seed=3).metrics
    assert {k: report["by_steps"][-1][k] for k in ("hr@10", "hr@20", "ndcg@10", "mrr")} == pytest.approx(
        {k: metrics[k] for k in ("hr@10", "hr@20", "ndcg@10", "mrr")}
    )


def test_commit_steps_outcomes_and_changed_minds_are_those_of_the_trajectories(report, walks):
    commits = [w.commit_step for w in walks]
    assert report["commit_steps"] == [commits.count(s) for s in (1, 2, 3, 4)] and max(commits) > 1
    assert report["mean_commit_step"] == pytest.approx(np.mean(commits))
    assert report["changed_users"] == [u for u, w in enumerate(walks) if w.changed_mind] != []
    assert report["changed_mind"] == pytest.approx(len(report["changed_users"]) / 80)
    assert report["outcomes"] == {o: sum(w.outcome == o for w in walks) for o in ("hit", "near miss", "miss")}


@pytest.mark.parametrize("split", ["by_popularity", "by_length"])
def test_groups_cover_every_user_once_with_their_own_figures(report, walks, single, tiny_data, split):
    values = tiny_data.popularity[tiny_data.test] if split == "by_popularity" else np.diff(tiny_data.train_offsets) + 1
    assert sum(group["users"] for group in report[split]) == 80 and len(report[split]) > 1
    for group in report[split]:
        users = np.flatnonzero((values >= group["from"]) & (values <= group["to"]))
        assert len(users) == group["users"]
        assert group["hr@20"] == pytest.approx(np.mean([walks[u].target_rank[-1] <= 20 for u in users]))
        assert group["one_step"]["hr@20"] == pytest.approx(np.mean([single[u].target_rank[-1] <= 20 for u in users]))
        assert group["mean_commit_step"] == pytest.approx(np.mean([walks[u].commit_step for u in users]))


def test_scoring_a_few_rows_at_a_time_gives_the_same(report, tiny_run, tiny_data, monkeypatch):
    monkeypatch.setattr("adrec.explain.trajectory.SCORES", 61 * 3)
    assert measure(load_model(tiny_run), tiny_data, seed=3) == report


def test_it_is_computed_once_and_then_read_from_the_run_folder(copy, tiny_data, monkeypatch):
    assert cached_all_users(copy) is None
    first = all_users(copy, tiny_data)
    monkeypatch.setattr(module, "measure", None)
    assert all_users(copy) == cached_all_users(copy) == first and (copy.path / FILE).is_file()
    assert cached_all_users(copy, seed=1) is None


@pytest.mark.parametrize("change", ["weights", "settings", "damage"])
def test_a_cache_of_another_model_is_ignored(copy, tiny_data, change):
    all_users(copy, tiny_data)
    if change == "weights":
        copy.weights_path("finetune").write_bytes(copy.weights_path("warmup").read_bytes())
    elif change == "settings":
        write_json(copy.path / "run.json", copy.info | {"model": copy.info["model"] | {"noise_weight": 0.5}})
    else:
        (copy.path / FILE).write_text("{")
    assert cached_all_users(copy) is None


def test_a_read_only_run_is_cached_at_home(copy, tiny_data, monkeypatch):
    (copy.path / FILE).mkdir()  # also root cannot replace a folder by a file
    first = all_users(copy, tiny_data)
    assert cached_all_users(copy) == first and list((Path(home()) / "all_users").glob("*.json"))


def test_progress_ends_at_one_and_an_exception_in_it_leaves_nothing(copy, tiny_data):
    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        all_users(copy, tiny_data, progress=stop)
    assert not (copy.path / FILE).exists()
    shares: list[float] = []
    all_users(copy, tiny_data, progress=shares.append)
    assert shares == sorted(shares) and shares[-1] == 1


def test_a_run_without_a_reverse_process_is_refused(copy, tiny_run, tiny_data):
    with pytest.raises(DataError, match=r"'SASRec\+' has no reverse process"):
        measure(load_model(tiny_run, "pretrain"), tiny_data)
    for stage in ("warmup", "finetune"):
        shutil.rmtree(copy.path / "stages" / stage)
    with pytest.raises(RunError, match="no trained denoiser yet"):
        all_users(copy, tiny_data)


def test_the_command_prints_the_report(copy, capsys):
    assert main(["trajectory", str(copy.path), "--all", "--seed", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == cached_all_users(copy, 2)
    assert main(["trajectory", str(copy.path), "--all", "--seed", "2"]) == 0
    assert "mean commit step" in capsys.readouterr().out
