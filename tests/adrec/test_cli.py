"""The command line: every command's JSON, and every failure of a person as one sentence with exit code 2."""

import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from adrec.cli import collapse, main
from adrec.data import catalog
from adrec.data.card import card, sentences
from adrec.data.named import DATASETS
from adrec.evaluation import evaluate
from adrec.files import load_arrays, save_arrays, write_json
from adrec.models.loading import load_model
from adrec.runs import ITEM_TABLE, RunFolder
from adrec.training.session import train_run

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/golden"
DATA = "synthetic:items=60,users=80"
SMALLER = ["--set", "hidden_size=16", "--set", "max_steps=2", "--set", "length=10", "--set", "blocks=1"]
SMALL = [*SMALLER, "--set", "timesteps=4"]
METRICS = [f"{m}@{k}" for k in (5, 10, 20) for m in ("hr", "ndcg")] + ["mrr"]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A cache of its own, so that nothing depends on what was fetched before."""
    monkeypatch.setenv("ADREC_HOME", str(tmp_path / "home"))


@pytest.fixture
def copy(tiny_run, tmp_path) -> RunFolder:
    return RunFolder(shutil.copytree(tiny_run.path, tmp_path / "copy"))


def json_of(capsys, *words: object) -> dict:
    """What a command prints with --json, which must be one line with one JSON object and no other number than JSON's."""
    capsys.readouterr()
    assert main([str(w) for w in words] + ["--json"]) == 0
    out = capsys.readouterr().out
    assert out.endswith("\n") and out.count("\n") == 1

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    result = json.loads(out, parse_constant=refuse)
    assert isinstance(result, dict)
    return result


def sentence_of(capsys, *words: object) -> str:
    """The one sentence that a failing command leaves on standard error."""
    capsys.readouterr()
    assert main([str(w) for w in words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("adrec: ") and captured.err.endswith(".\n")
    assert captured.err.count("\n") == 1 and "Traceback" not in captured.err
    return captured.err.removeprefix("adrec: ").strip()


# -- data -------------------------------------------------------------------------------------------------------------


def test_data_list_names_every_data_set_and_whether_it_is_here(capsys):
    listed = json_of(capsys, "data", "list")
    assert set(listed) == set(DATASETS)
    assert all(entry[word] for entry in listed.values() for word in ("title", "description", "source", "licence"))
    assert listed["synthetic"]["available"] and not listed["ml-100k"]["available"]


def test_metrics_names_every_metric_with_its_title_its_source_and_its_keys(capsys):
    listed = json_of(capsys, "metrics")
    assert [key for entry in listed.values() for key in entry["keys"]] == sorted(METRICS, key=lambda m: ["hr", "nd", "mr"].index(m[:2]))
    assert all(entry["title"] and entry["source"] for entry in listed.values())


def test_data_list_is_readable_too(capsys):
    assert main(["data", "list"]) == 0
    assert "ml-100k\n  title       MovieLens-100K\n" in capsys.readouterr().out


def test_data_get_of_what_is_generated_has_nothing_to_fetch(capsys):
    assert main(["data", "get", "synthetic"]) == 0


def test_data_describe_counts(capsys, tiny_data):
    printed = json_of(capsys, "data", "describe", DATA)
    assert (printed["users"], printed["items"], printed["interactions"]) == (80, 60, tiny_data.n_interactions)
    assert printed["mean_length"] == pytest.approx(tiny_data.n_interactions / 80, abs=1e-3)
    assert printed["card"] == card(tiny_data)
    assert main(["data", "describe", DATA]) == 0
    assert capsys.readouterr().out.splitlines()[-6:] == sentences(card(tiny_data))


def test_data_describe_reads_a_file_with_options(capsys, tmp_path):
    rows = [f"u{u},{i},{5 - i % 3}" for u in range(4) for i in range(6)]
    (tmp_path / "x.csv").write_text("who,what,stars\n" + "\n".join(rows) + "\n")
    options = [w for o in ("user=who", "item=what", "rating=stars", "min_rating=4") for w in ("--data-option", o)]
    printed = json_of(capsys, "data", "describe", tmp_path / "x.csv", *options)
    assert (printed["users"], printed["interactions"]) == (4, 16)


def test_data_prepare_writes_a_folder_that_describes_like_its_source(capsys, tmp_path):
    out = tmp_path / "below" / "out"
    assert main(["data", "prepare", DATA, "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert captured.out == "" and f"Prepared into '{out}': 80 users, 60 items, " in captured.err
    assert json_of(capsys, "data", "describe", out) == json_of(capsys, "data", "describe", DATA)


def test_data_prepare_takes_data_options(capsys, tmp_path):
    (tmp_path / "x.csv").write_text("who,what,stars\n" + "".join(f"u{u},{i},{5 - i % 3}\n" for u in range(4) for i in range(6)))
    options = [w for o in ("user=who", "item=what", "rating=stars", "min_rating=4") for w in ("--data-option", o)]
    assert main(["data", "prepare", str(tmp_path / "x.csv"), "--out", str(tmp_path / "out"), *options]) == 0
    assert json_of(capsys, "data", "describe", tmp_path / "out") == json_of(capsys, "data", "describe", tmp_path / "x.csv", *options)


# -- train ------------------------------------------------------------------------------------------------------------


def test_train_leaves_a_finished_run_and_prints_to_standard_error_only(capsys, tmp_path):
    assert main(["train", "--dataset", DATA, "--run", str(tmp_path / "run"), *SMALL, "--seed", "7"]) == 0
    captured = capsys.readouterr()
    run = RunFolder(tmp_path / "run")
    assert captured.out == "" and "is finished" in captured.err
    assert run.status["state"] == "finished" and run.stages == ["pretrain", "warmup", "finetune"]
    assert (run.settings["seed"], run.settings["hidden_size"], run.info["preset"]) == (7, 16, "paper")
    assert run.info["command"].startswith("python -m adrec train --dataset synthetic:items=60,users=80 --run ")


@pytest.mark.slow
def test_training_from_a_prepared_folder_gives_the_same_run(capsys, tmp_path):
    assert main(["data", "prepare", DATA, "--out", str(tmp_path / "out")]) == 0
    for name, source in (("a", DATA), ("b", str(tmp_path / "out"))):
        assert main(["train", "--dataset", source, "--run", str(tmp_path / name), *SMALL]) == 0
    a, b = RunFolder(tmp_path / "a"), RunFolder(tmp_path / "b")
    assert np.array_equal(a.table("finetune"), b.table("finetune"))
    assert (tmp_path / "a" / "items.csv").read_bytes() == (tmp_path / "b" / "items.csv").read_bytes()
    metrics = [json_of(capsys, "evaluate", run.path, "--filter-seen", *more) for run, more in ((a, []), (b, []), (b, ["--dataset", DATA]))]
    assert len({tuple(printed[m] for m in METRICS) for printed in metrics}) == 1
    assert json_of(capsys, "trajectory", a.path, "--index", 5) == json_of(capsys, "trajectory", b.path, "--index", 5)


def test_train_of_sasrec_alone_can_be_evaluated(capsys, tmp_path):
    run = tmp_path / "run"
    assert main(["train", "--dataset", DATA, "--run", str(run), "--model", "sasrec", *SMALLER]) == 0
    assert RunFolder(run).stages == ["finetune"]
    assert json_of(capsys, "evaluate", run)["steps"] == 0


def test_pretrained_weights_take_the_place_of_stage_1(tiny_run, tmp_path):
    save_arrays(tmp_path / "table.safetensors", {ITEM_TABLE: load_arrays(tiny_run.weights_path("pretrain"))[ITEM_TABLE]})
    words = ["train", "--dataset", DATA, "--run", str(tmp_path / "run"), "--pretrained", str(tmp_path / "table.safetensors")]
    assert main([*words, *SMALL]) == 0
    run = RunFolder(tmp_path / "run")
    assert {e["stage"] for e in run.events()[0] if e["kind"] == "stage"} == {"warmup", "finetune"}
    assert np.array_equal(run.table("pretrain"), tiny_run.table("pretrain"))


def test_resume_starts_a_run_that_is_not_there(tmp_path):
    assert main(["train", "--dataset", DATA, "--run", str(tmp_path / "run"), *SMALL, "--resume"]) == 0
    assert RunFolder(tmp_path / "run").status["state"] == "finished"


def test_train_records_what_a_run_is_there_for(capsys, tmp_path):
    texts = {"title": "A look", "purpose": "To see that it runs.", "question": "Does it run?"}
    words = ["train", "--dataset", DATA, "--run", str(tmp_path / "run"), *SMALLER, "--model", "sasrec", "--preset", "sasrec"]
    words += [word for name, text in texts.items() for word in (f"--{name}", text)]
    assert main(words) == 0
    assert {name: RunFolder(tmp_path / "run").info[name] for name in texts} == texts
    assert main([*words, "--resume"]) == 0
    said = sentence_of(capsys, *words, "--resume", "--title", "Another")
    assert said.endswith("was started with title = A look, not Another; resuming cannot change it.")


def test_a_title_that_is_no_line_is_refused(capsys, tmp_path):
    for title, count in (("x" * 101, 101), ("two\nlines", 9)):
        said = sentence_of(capsys, "train", "--dataset", DATA, "--run", tmp_path / "run", "--title", title)
        assert said == f"The title has {count} characters; it must be one line of at most 100."
    assert not (tmp_path / "run").exists()


def test_resume_of_a_finished_run_changes_nothing(copy):
    before = {p: p.read_bytes() for p in copy.path.rglob("*") if p.is_file()}
    assert main(["train", "--run", str(copy.path), "--resume"]) == 0
    assert {p: p.read_bytes() for p in copy.path.rglob("*") if p.is_file()} == before


def test_resume_accepts_the_settings_that_the_run_was_begun_with(copy):
    words = ["train", "--dataset", DATA, "--run", str(copy.path), "--resume", "--preset", "paper", "--seed", "1", "--model", "adrec"]
    assert main([*words, "--set", "epochs=4", "--set", "noise_weight=1"]) == 0


@pytest.mark.slow
def test_a_run_is_resumed_with_a_prepared_folder_of_its_data(tmp_path):
    words = ["train", "--dataset", DATA, *SMALL]
    assert main([*words, "--run", str(tmp_path / "whole")]) == 0
    assert main(["data", "prepare", DATA, "--out", str(tmp_path / "out")]) == 0

    whole, run, data = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "run"), catalog.load(DATA)
    seen: list[dict] = []
    train_run(run, data, whole.info, stop=lambda: len(seen) > 3, listener=seen.append)
    assert run.status["state"] == "stopped"
    assert main(["train", "--run", str(run.path), "--resume", "--dataset", str(tmp_path / "out")]) == 0
    assert run.status["state"] == "finished" and run.info["dataset"]["name"] == DATA
    assert np.array_equal(run.table("finetune"), whole.table("finetune"))


# -- evaluate ---------------------------------------------------------------------------------------------------------


def test_evaluate_prints_what_was_measured_and_how(capsys, tiny_run):
    printed = json_of(capsys, "evaluate", tiny_run.path, "--split", "val", "--steps", 2, "--seed", 3)
    assert {"split", "users", "steps", "seed", "seconds", *METRICS, *(f"{m}_se" for m in METRICS)} <= set(printed)
    assert (printed["split"], printed["users"], printed["steps"], printed["seed"]) == ("val", 80, 2, 3)


def test_evaluate_prints_the_recorded_test_metrics(capsys, tiny_run):
    printed, recorded = json_of(capsys, "evaluate", tiny_run.path), tiny_run.metrics("finetune")["test"]
    assert {m: printed[m] for m in METRICS} == {m: recorded[m] for m in METRICS}


def test_evaluate_filters_when_asked_to(capsys, tiny_run, tiny_data):
    printed = json_of(capsys, "evaluate", tiny_run.path, "--filter-seen", "--filter-padding")
    expected = evaluate(load_model(tiny_run), tiny_data, "test", filter_seen=True, filter_padding=True).metrics
    assert printed["filter_seen"] and printed["filter_padding"]
    assert {m: printed[m] for m in METRICS} == {m: expected[m] for m in METRICS}


def test_evaluate_without_json_is_a_table(capsys, tiny_run):
    assert main(["evaluate", str(tiny_run.path)]) == 0
    assert f"hr@10  {tiny_run.metrics('finetune')['test']['hr@10']:.5f}" in capsys.readouterr().out


# -- collapse ---------------------------------------------------------------------------------------------------------


def test_collapse_has_one_entry_a_stage(capsys, tiny_run):
    tables = json_of(capsys, "collapse", tiny_run.path)["tables"]
    assert [t["name"] for t in tables] == ["initial", "pretrain", "warmup", "finetune"]
    for table in tables:
        assert (table["items"], table["width"], len(table["singular_values"])) == (60, 16, 16)
        assert len(table["singular_values_uncentred"]) == 16 and len(table["official_measures"]) == 9
        assert {"effective_rank", "information_abundance", "stable_rank", "condition_number", "mean_cosine"} <= set(table["measures"])


def test_collapse_of_a_matrix_file_has_one_entry(capsys, tmp_path):
    matrix = np.random.default_rng(0).normal(size=(30, 4))
    np.save(tmp_path / "x.npy", matrix)
    (table,) = json_of(capsys, "collapse", tmp_path / "x.npy")["tables"]
    np.testing.assert_allclose(table["singular_values_uncentred"], np.linalg.svd(matrix, compute_uv=False), rtol=1e-6)


@pytest.mark.parametrize("matrix", [np.zeros((5, 3)), np.ones((5, 3)), np.eye(1), np.eye(4)[:, :1]], ids=["zeros", "ones", "1x1", "column"])
def test_collapse_of_a_degenerate_matrix_is_still_json(capsys, tmp_path, matrix):
    np.save(tmp_path / "x.npy", matrix)
    capsys.readouterr()
    if main(["collapse", str(tmp_path / "x.npy"), "--json"]) == 0:
        json.loads(capsys.readouterr().out, parse_constant=lambda c: pytest.fail(f"{c} is not JSON"))
    else:
        assert capsys.readouterr().err.count("\n") == 1


def test_collapse_without_json_names_the_tables(capsys, tiny_run):
    assert main(["collapse", str(tiny_run.path)]) == 0
    assert "finetune (60 items x 16)" in capsys.readouterr().out


# -- trajectory -------------------------------------------------------------------------------------------------------

STEP_KEYS = {"t", "top", "target_rank", "target_probability", "entropy", "cosine_to_target", "cosine_to_final"}


def test_trajectory_has_every_step_of_the_reverse_process(capsys, tiny_run, tiny_data):
    printed = json_of(capsys, "trajectory", tiny_run.path, "--user", tiny_data.user_ids[5])
    assert printed["user"] == tiny_data.user_ids[5]
    assert [s["t"] for s in printed["steps"]] == [3, 2, 1, 0]
    assert all(set(s) >= STEP_KEYS and len(s["top"]) == 10 for s in printed["steps"])
    assert all({"id", "title", "score"} <= set(entry) for entry in printed["steps"][-1]["top"])


def test_trajectory_tells_the_users_own_history_and_target(capsys, tiny_run, tiny_data):
    printed = json_of(capsys, "trajectory", tiny_run.path, "--index", 5)
    assert [e["id"] for e in printed["history"]] == tiny_data.history(5, "test", 10).tolist()
    assert printed["target"] == {"id": int(tiny_data.test[5]), "title": tiny_data.items.frame["title"][tiny_data.test[5]]}


def test_trajectory_by_user_and_by_index_are_the_same(capsys, tiny_run, tiny_data):
    by_user = json_of(capsys, "trajectory", tiny_run.path, "--user", tiny_data.user_ids[7])
    assert by_user == json_of(capsys, "trajectory", tiny_run.path, "--index", 7)


def test_trajectory_ends_where_evaluate_ranks(capsys, tiny_run):
    ranks = tiny_run.test_ranks("finetune")
    for index in (0, 11, 79):
        assert json_of(capsys, "trajectory", tiny_run.path, "--index", index)["steps"][-1]["target_rank"] == ranks[index]


def test_trajectory_takes_a_composed_history(capsys, tiny_run):
    titles = tiny_run.items["title"]
    printed = json_of(capsys, "trajectory", tiny_run.path, "--history", f"{titles[3]}; {titles[9].upper()}", "--steps", 2, "--top", 4)
    assert [e["id"] for e in printed["history"]] == [3, 9]
    assert printed["target"] is None and printed["user"] is None
    assert [len(s["top"]) for s in printed["steps"]] == [4, 4]


def test_trajectory_of_a_composed_history_needs_no_data(capsys, copy):
    write_json(copy.path / "run.json", {**copy.info, "dataset": {**copy.info["dataset"], "name": "/gone/away"}})
    assert json_of(capsys, "trajectory", copy.path, "--history", copy.items["item"][1])["history"][0]["id"] == 1


def test_the_commit_step_does_not_depend_on_how_many_items_are_shown(capsys, tiny_run):
    for index in range(12):
        few, many = (json_of(capsys, "trajectory", tiny_run.path, "--index", index, "--top", top) for top in (1, 20))
        assert [few[k] for k in ("commit_step", "order_commit_step")] == [many[k] for k in ("commit_step", "order_commit_step")]


def test_more_top_items_than_there_are_is_all_of_them(capsys, tiny_run):
    printed = json_of(capsys, "trajectory", tiny_run.path, "--index", 0, "--top", 1000)
    assert sorted(e["id"] for e in printed["steps"][0]["top"]) == list(range(1, 61))


def test_trajectory_without_json_tells_a_line_a_step_and_the_headline(capsys, tiny_run):
    assert main(["trajectory", str(tiny_run.path), "--index", "0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("history: Cluster ") and [line[:7] for line in lines[1:-1]] == [f"t =   {t}" for t in (3, 2, 1, 0)]
    assert lines[-1].startswith("Decided ")


# -- compact and verify -----------------------------------------------------------------------------------------------


@pytest.fixture
def recordings(tmp_path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in ("metrics.npz", "schedules.npz", "embedding_matrices.npz", "embedding_metrics.json"):
        shutil.copy(GOLDEN / name, folder)
    return folder


def test_verify_is_ok_with_what_was_recorded(capsys, recordings):
    report = json_of(capsys, "verify", recordings)
    assert report["ok"] is True and report["worst"] < 2e-5
    assert set(report) == {"metrics.npz", "schedules.npz", "embedding_matrices.npz", "worst", "ok"}
    assert max(e for errors in report.values() if isinstance(errors, dict) for e in errors.values()) == report["worst"]


def test_verify_exits_with_1_if_a_recorded_number_was_changed(capsys, recordings):
    with np.load(recordings / "metrics.npz") as file:
        record = {k: file[k] for k in file.files}
    key = next(k for k in record if "_at_" in k)
    np.savez(recordings / "metrics.npz", **{**record, key: record[key] + 1e-3})
    assert main(["verify", str(recordings), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False and report["metrics.npz"][key] == pytest.approx(1e-3, rel=0.01)


def test_verify_without_json_is_a_table(capsys, recordings):
    assert main(["verify", str(recordings)]) == 0
    assert "schedules.npz" in capsys.readouterr().out


def npz_of(path: Path, **arrays) -> None:
    np.savez(path, **arrays)


def npy_of(path: Path) -> None:
    with open(path, "wb") as file:
        np.save(file, np.ones(3))


def damaged(path: Path) -> None:
    content = bytearray((GOLDEN / "metrics.npz").read_bytes())
    content[2000:2100] = bytes(100)
    path.write_bytes(content)


UNUSABLE = {
    "no npz": lambda p: p.write_bytes(b"PK\x03\x04"),
    "empty": lambda p: p.write_bytes(b""),
    "an npy": npy_of,
    "damaged": damaged,
    "a config that is no JSON": lambda p: npz_of(p, config="{"),
    "a config that is a list": lambda p: npz_of(p, config="[1]"),
    "a config without sizes": lambda p: npz_of(p, config='{"model": "adrec"}'),
    "a config without weights": lambda p: npz_of(p, config='{"model": "adrec", "n_items": 3}'),
    "a schedule of another name": lambda p: npz_of(p, odd__5__betas=np.ones(5)),
    "a schedule without a number": lambda p: npz_of(p, cosine__x__betas=np.ones(5)),
    "labels of another shape": lambda p: npz_of(p, scores=np.ones((3, 4)), labels=np.ones((7, 1), dtype=int), HR_at_5=1.0),
    "objects": lambda p: np.savez(p, config=np.array({"a": 1}, dtype=object)),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_verify_tells_a_recording_that_it_cannot_use(capsys, tmp_path, what):
    UNUSABLE[what](tmp_path / "x.npz")
    assert "x.npz'" in sentence_of(capsys, "verify", tmp_path, "--json")


# -- failures ---------------------------------------------------------------------------------------------------------

TRAIN = ["train", "--dataset", DATA, "--run", "{tmp}/new"]
FAILURES = {
    "no command": ([], "required: COMMAND"),
    "an unknown command": (["frobnicate"], "frobnicate"),
    "an unknown option": (["evaluate", "{run}", "--frob"], "--frob"),
    "a word as number": (["evaluate", "{run}", "--steps", "many"], "invalid int value: 'many'"),
    "prepare without a place": (["data", "prepare", DATA], "required: --out"),
    "prepare into what exists": (["data", "prepare", DATA, "--out", "{run}"], "is not empty; choose a folder that does not exist yet"),
    "prepare below a file": (["data", "prepare", DATA, "--out", "{csv}/x"], "{csv}"),
    "prepare unknown data": (["data", "prepare", "nowhere", "--out", "{tmp}/new"], "nowhere' is neither"),
    "prepare with an unknown option": (["data", "prepare", "{csv}", "--out", "{tmp}/new", "--data-option", "colour=red"], "colour"),
    "data of an unknown name": (["data", "describe", "{tmp}/nowhere"], "neither a named data set ("),
    "getting an unknown name": (["data", "get", "nowhere"], "There is no data set named 'nowhere'"),
    "a synthetic setting": (["data", "describe", "synthetic:items=1"], "integer from 20"),
    "an unknown data option": (["data", "describe", "{csv}", "--data-option", "colour=red"], "colour"),
    "a data option without value": (["data", "describe", "{csv}", "--data-option", "user"], "'user' must have the form key=value"),
    "a binary file as data": (["data", "describe", "{run}/stages/finetune/model.safetensors"], "model.safetensors"),
    "train without data": (["train", "--run", "{tmp}/new"], "--dataset NAME_OR_PATH"),
    "train without run": (["train", "--dataset", DATA], "required: --run"),
    "train on unknown data": (["train", "--dataset", "nowhere", "--run", "{tmp}/new"], "nowhere' is neither"),
    "train into an existing run": (["train", "--dataset", DATA, "--run", "{run}"], "already exists; choose another folder"),
    "train into a file": (["train", "--dataset", DATA, "--run", "{csv}", *SMALL], "{csv}"),
    "train below a file": (["train", "--dataset", DATA, "--run", "{csv}/x", *SMALL], "{csv}"),
    "an unknown setting": ([*TRAIN, "--set", "wings=2"], "Unknown setting 'wings'"),
    "n_items as setting": ([*TRAIN, "--set", "n_items=2"], "Unknown setting 'n_items'"),
    "a setting without value": ([*TRAIN, "--set", "lr"], "'lr' must have the form key=value"),
    "a setting of nothing": ([*TRAIN, "--set", "=3"], "'=3' must have the form key=value"),
    "a word as learning rate": ([*TRAIN, "--set", "lr=fast"], "Setting 'lr' is 'fast'"),
    "a learning rate of NaN": ([*TRAIN, "--set", "lr=nan"], "Setting 'lr' is nan"),
    "an infinite noise weight": ([*TRAIN, "--set", "noise_weight=inf"], "Setting 'noise_weight' is inf"),
    "a width beyond memory": ([*TRAIN, "--set", "hidden_size=100000000"], "an integer from 2 to 4096"),
    "a schedule that does not exist": ([*TRAIN, "--set", "schedule=linear", "--set", "timesteps=9"], "needs more than timesteps = 9"),
    "more sampling steps than timesteps": ([*TRAIN, "--set", "sampling_steps=33"], "an integer from 0 to 32"),
    "an unknown model": ([*TRAIN, "--model", "bert"], "Unknown model 'bert'"),
    "an unknown preset": ([*TRAIN, "--preset", "slow"], "slow"),
    "a negative seed": ([*TRAIN, "--seed", "-1"], "Setting 'seed' is -1"),
    "pretrained weights that are not there": ([*TRAIN, "--pretrained", "{tmp}/none.pth"], "none.pth' is not a file"),
    "pretrained weights of another size": ([*TRAIN, "--pretrained", "{run}"], "has shape (61, 16); data and settings need (61, 128)"),
    "pretrained weights of another kind": ([*TRAIN, "--pretrained", "{csv}"], "x.csv' is not a torch state dict"),
    "resume with another setting": (["train", "--run", "{run}", "--resume", "--set", "lr=0.5"], "started with lr = 0.01, not 0.5"),
    "resume with another seed": (["train", "--run", "{run}", "--resume", "--seed", "9"], "started with seed = 1, not 9"),
    "resume with another preset": (["train", "--run", "{run}", "--resume", "--preset", "quick"], "started with preset = paper, not quick"),
    "resume with another model": (["train", "--run", "{run}", "--resume", "--model", "sasrec"], "started with model = adrec, not sasrec"),
    "resume with other data": (["train", "--run", "{run}", "--resume", "--dataset", "synthetic"], "'synthetic' is not the one the run was"),
    "resume with an unknown setting": (["train", "--run", "{run}", "--resume", "--set", "wings=2"], "Unknown setting 'wings'"),
    "evaluate no run": (["evaluate", "{tmp}/none"], "none' is not a run folder: it has no run.json"),
    "evaluate 0 steps": (["evaluate", "{run}", "--steps", "0"], "steps must be 1 to 4, not 0"),
    "evaluate 1000 steps": (["evaluate", "{run}", "--steps", "1000"], "steps must be 1 to 4, not 1000"),
    "evaluate a negative seed": (["evaluate", "{run}", "--seed", "-1"], "noise seed must be an integer"),
    "evaluate the training split": (["evaluate", "{run}", "--split", "train"], "'val', 'test'"),
    "evaluate on other data": (["evaluate", "{run}", "--dataset", "synthetic:items=60,users=81"], "is not the one the run was trained on"),
    "evaluate on no data": (["evaluate", "{run}", "--dataset", "{tmp}/none"], "which no longer exists"),
    "import no file": (["import-official", "{tmp}/none", "--dataset", DATA, "--run", "{tmp}/new"], "none' is not a file"),
    "import something else": (["import-official", "{csv}", "--dataset", DATA, "--run", "{tmp}/new"], "not a torch state dict"),
    "import into an existing run": (["import-official", "{csv}", "--dataset", DATA, "--run", "{run}"], "already exists"),
    "collapse of nothing": (["collapse", "{tmp}/none"], "none' is not a readable matrix file"),
    "collapse of a missing matrix": (["collapse", "{tmp}/none.npy"], "none.npy' does not exist"),
    "collapse of an empty folder": (["collapse", "{empty}"], "holds no item table: expected a run folder"),
    "trajectory of nobody": (["trajectory", "{run}"], "--user --index --history --all is required"),
    "trajectory of two": (["trajectory", "{run}", "--user", "1", "--index", "1"], "not allowed with"),
    "trajectory of an unknown user": (["trajectory", "{run}", "--user", "zed"], "User 'zed' is not in"),
    "trajectory of a negative index": (["trajectory", "{run}", "--index", "-1"], "User position -1 is not in"),
    "trajectory of an index too far": (["trajectory", "{run}", "--index", "80"], "positions go from 0 to 79"),
    "trajectory of an unknown title": (["trajectory", "{run}", "--history", "Casablanca"], "'Casablanca' is neither a title nor an id"),
    "trajectory of an empty history": (["trajectory", "{run}", "--history", " ; "], "The history is empty"),
    "trajectory of the top 0": (["trajectory", "{run}", "--index", "1", "--top", "0"], "number of top items must be an integer"),
    "trajectory of the top -1": (["trajectory", "{run}", "--index", "1", "--top", "-1"], "number of top items must be an integer"),
    "trajectory in 0 steps": (["trajectory", "{run}", "--index", "1", "--steps", "0"], "must be 1 to 4"),
    "trajectory in 1000 steps": (["trajectory", "{run}", "--index", "1", "--steps", "1000"], "must be 1 to 4"),
    "trajectory of a negative seed": (["trajectory", "{run}", "--index", "1", "--seed", "-1"], "noise seed must be an integer"),
    "trajectory of no run": (["trajectory", "{empty}", "--index", "1"], "is not a run folder"),
    "compact of nothing": (["compact", "{tmp}/none", "--out", "{tmp}/new"], "not finished"),
    "compact into what exists": (["compact", "{run}", "--out", "{empty}"], "already exists"),
    "verify of nothing": (["verify", "{tmp}/none"], "holds no recorded files (*.npz)"),
    "verify of an empty folder": (["verify", "{empty}"], "holds no recorded files (*.npz)"),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_failure_is_one_sentence_with_exit_code_2(capsys, tiny_run, tmp_path, what):
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.csv").write_text("user,item,time\n" + "".join(f"{u},{i},{i}\n" for u in range(4) for i in range(4)))
    places = {"tmp": tmp_path, "run": tiny_run.path, "empty": tmp_path / "empty", "csv": tmp_path / "x.csv"}
    words, printed = FAILURES[what]
    sentence = sentence_of(capsys, *(w.format(**places) if "{" in w else w for w in words))
    assert printed.format(**places) in sentence
    assert not (tmp_path / "new").exists()


def test_a_failed_request_leaves_an_existing_run_untouched(capsys, copy):
    before = {p: p.read_bytes() for p in copy.path.rglob("*") if p.is_file()}
    sentence_of(capsys, "train", "--dataset", DATA, "--run", copy.path, *SMALL)
    sentence_of(capsys, "train", "--run", copy.path, "--resume", "--set", "lr=0.5")
    assert {p: p.read_bytes() for p in copy.path.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("content", [b"{", b"{}", b'{"model": 3, "train": 4}', b"[]"])
@pytest.mark.parametrize("words", [["evaluate"], ["trajectory", "--index", "1"], ["train", "--resume", "--run"]], ids=lambda w: w[0])
def test_a_damaged_run_is_reported(capsys, copy, words, content):
    (copy.path / "run.json").write_bytes(content)
    assert "run.json" in sentence_of(capsys, *words, copy.path)


def test_a_run_without_its_data_is_reported(capsys, copy):
    write_json(copy.path / "run.json", {**copy.info, "dataset": {**copy.info["dataset"], "name": "/gone/away"}})
    assert "'/gone/away', which no longer exists" in sentence_of(capsys, "evaluate", copy.path)


def test_a_run_that_another_process_trains_is_left_alone(capsys, copy, monkeypatch):
    monkeypatch.setattr("adrec.runs.folder.LOCK_SECONDS", 0.1)
    with copy.owned(exist_ok=True):
        copy.write_status("running")
        printed = sentence_of(capsys, "train", "--run", copy.path, "--resume")
    assert f"is being written by process {os.getpid()}, which started at " in printed


def test_data_without_a_training_pair_are_refused_and_leave_nothing(capsys, tmp_path):
    rows = [f"u{u},i{i},{i}" for u in range(30) for i in range(3)]
    (tmp_path / "short.csv").write_text("\n".join(["user,item,time", *rows]))
    assert main(["train", "--dataset", str(tmp_path / "short.csv"), "--run", str(tmp_path / "run")]) == 2
    account, _, printed = capsys.readouterr().err.partition("adrec: ")
    assert "90 rows, none left out" in account and "a single training item; training needs a user with two training items" in printed
    assert not (tmp_path / "run").exists()


def test_a_damaged_checkpoint_is_reported(capsys, copy):
    (copy.path / "checkpoint.pt").write_bytes(b"half a checkp")
    copy.write_status("stopped")
    assert "checkpoint.pt' is damaged" in sentence_of(capsys, "train", "--run", copy.path, "--resume")


def test_weights_with_a_wrong_table_are_reported(capsys, copy):
    arrays = load_arrays(copy.weights_path("finetune"))
    save_arrays(copy.weights_path("finetune"), {**arrays, ITEM_TABLE: arrays[ITEM_TABLE][:-1]})
    assert f"tensor '{ITEM_TABLE}' has shape (60, 16); the model needs (61, 16)" in sentence_of(capsys, "evaluate", copy.path)


def test_a_mistake_in_the_program_is_not_reported_as_the_users(monkeypatch, tiny_run):
    monkeypatch.setattr(collapse, "collapse_command", lambda arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["collapse", str(tiny_run.path)])


def test_an_interruption_is_exit_code_130(monkeypatch, tiny_run):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(collapse, "collapse_command", interrupted)
    assert main(["collapse", str(tiny_run.path)]) == 130


@pytest.mark.parametrize("command", [[], ["data"], ["train"], ["evaluate"], ["trajectory"], ["collapse"], ["verify"], ["import-official"]])
def test_help_is_there_for_every_command(capsys, command):
    with pytest.raises(SystemExit) as stopped:
        main([*command, "--help"])
    assert stopped.value.code == 0 and "usage: adrec" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("words", [["collapse", "{run}"], ["collapse", "{run}", "--json"], ["data", "list"]], ids=" ".join)
def test_a_reader_that_leaves_early_is_no_error_message(tiny_run, words):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "adrec", *(w.format(run=tiny_run.path) for w in words)]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.slow
def test_the_module_runs_as_a_program_with_mains_exit_code(tmp_path):
    command = [sys.executable, "-m", "adrec", "verify", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"adrec: '{tmp_path}' holds no recorded files (*.npz).\n"


def test_tests_run_on_one_thread():
    assert torch.get_num_threads() == 1


LONG = "y" * 300
DIGITS = "9" * 5000


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["train", "--dataset", DATA, "--run", LONG], "File name too long"),
        (["evaluate", LONG], "File name too long"),
        (["data", "prepare", DATA, "--out", LONG], "File name too long"),
        (["train", "--dataset", f"synthetic:items={DIGITS}", "--run", "{tmp}/new"], "must be an integer"),
        (["train", "--dataset", DATA, "--run", "{tmp}/new", "--set", f"epochs={DIGITS}"], "Setting 'epochs' is"),
        (["train", "--dataset", DATA, "--run", "{tmp}/new", "--seed", DIGITS], "--seed"),
        (["recommend", "{run}", "--history", DIGITS], "neither a title nor an id"),
        (["trajectory", "{run}", "--user", DIGITS], "is not in"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_text_of_any_length_ends_in_a_short_sentence(capsys, tiny_run, tmp_path, words, printed):
    sentence = sentence_of(capsys, *(w.replace("{tmp}", str(tmp_path)).replace("{run}", str(tiny_run.path)) for w in words))
    assert printed in sentence and len(sentence) < 600 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["train", "prepare"])
def test_a_folder_may_have_the_longest_name_that_the_system_takes(tmp_path, command):
    out = str(tmp_path / ("n" * 255))
    train = ["train", "--dataset", DATA, "--run", out, "--set", "max_steps=1", *SMALL]
    assert main(train if command == "train" else ["data", "prepare", DATA, "--out", out]) == 0


def test_ctrl_c_ends_the_app_without_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setattr(runpy, "run_module", lambda *_, **__: signal.raise_signal(signal.SIGINT))
    usual = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit) as ended:
            main(["app", "--no-browser"])
    finally:
        signal.signal(signal.SIGINT, usual)
    assert not ended.value.code


def streamlits_options(monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    """What Streamlit is started with by ``adrec app``."""
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setattr(runpy, "run_module", lambda *_, **__: None)
    usual = signal.getsignal(signal.SIGINT)
    try:
        assert main(["app", "--no-browser", *words]) == 0
    finally:
        signal.signal(signal.SIGINT, usual)
    return [f"{name} {value}" for name, value in zip(sys.argv[3::2], sys.argv[4::2], strict=True)]


def test_the_app_listens_on_this_machine_only_unless_a_host_is_named(monkeypatch, capsys):
    assert not any("address" in option for option in streamlits_options(monkeypatch))
    assert not any(option.startswith("--server.address") for option in streamlits_options(monkeypatch, "--host", "localhost"))
    assert not capsys.readouterr().err
    assert "--server.address 0.0.0.0" in streamlits_options(monkeypatch, "--host", "demo.example.org")
    assert "can train here" in capsys.readouterr().err
    assert "--server.address ::" in streamlits_options(monkeypatch, "--host", "2001:db8::7", "--host", "demo.example.org")


def test_a_class_comes_from_this_machines_network_unless_another_name_is_given(monkeypatch):
    monkeypatch.setattr("adrec.cli.app.own_address", lambda: "10.0.0.7")
    monkeypatch.setenv("ADREC_MODE", "own")
    opened = {"--server.address 0.0.0.0", "--browser.serverAddress 10.0.0.7", "--server.allowedHosts 10.0.0.7"}
    assert opened < {*streamlits_options(monkeypatch, "--classroom")}
    for words in (["--classroom", "--host", "localhost"], ["--public"]):
        assert not opened & {*streamlits_options(monkeypatch, *words)}


def test_the_app_answers_to_its_hosts_and_to_this_machine_below_its_path(monkeypatch):
    options = streamlits_options(monkeypatch, "--host", "*.example.org", "--host", "example.org", "--base-path", "/a/demo/", "--port", "80")
    allowed = [option.split()[1] for option in options if option.startswith("--server.allowedHosts")]
    assert allowed == ["localhost", "127.0.0.1", "::1", "*.example.org", "example.org"]
    assert {"--server.baseUrlPath a/demo", "--browser.serverAddress example.org", "--server.port 80"} < set(options)


@pytest.mark.parametrize(
    "host", ["", "*", "*.", "a b", "https://example.org", "example.org:80", "example.org/x", "[::1]", "-a.org", "1.2.3", "a" * 64]
)
def test_a_host_that_is_no_name_is_refused(capsys, host):
    assert sentence_of(capsys, "app", f"--host={host}").startswith(f"The host is '{host}'; expected a name such as demo.example.org")


@pytest.mark.parametrize("path", ["x", "/a b", "//a", "/a/../b", "/.a", "https://example.org/x", "/é"])
def test_a_base_path_that_is_no_path_is_refused(capsys, path):
    assert sentence_of(capsys, "app", "--base-path", path).startswith(f"The base path is '{path}'; expected one such as /demo")
