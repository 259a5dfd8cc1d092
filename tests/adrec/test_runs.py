"""The run folder: whole files or none, followed while it grows, read wherever it lies, damage told in a sentence."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrec.data.dataset import ItemTable
from adrec.diffusion import Diffusion
from adrec.errors import AdrecError, RunError
from adrec.files import atomic, load_arrays, load_npz, read_json, save_arrays, write_json
from adrec.models.settings import recorded
from adrec.runs import ENDED, ITEM_TABLE, TABLES, RunFolder, list_runs
from adrec.runs.shapes import FORMAT
from adrec.runs.snapshots import table_at
from tests.adrec.small import plan

TITLES = [
    "NA",
    "null",
    "nan",
    "None",
    "007",
    "1e5",
    "",
    " spaced ",
    "a,b",
    'say "so"',
    "two\nlines",
    "a\rb",
    "\ufeffé\u2028",
    "\\",
    "#1",
    "-",
]


def table_of(titles: list[str], **columns: list[str]) -> ItemTable:
    index = pd.RangeIndex(1, len(titles) + 1, name="id")
    return ItemTable(pd.DataFrame({"item": [f"0{i}" for i in index], "title": titles, **columns}, index=index))


def created(path, titles=("a", "b")) -> RunFolder:
    run = RunFolder(path)
    run.create({"model": {}, "train": {}}, table_of(list(titles)), np.arange(len(titles) + 1))
    return run


@pytest.fixture
def copy(tiny_run, tmp_path) -> RunFolder:
    """The tiny run, to be damaged."""
    return RunFolder(shutil.copytree(tiny_run.path, tmp_path / "copy"))


# -- writing ----------------------------------------------------------------------------------------------------------


def test_a_failed_write_leaves_the_old_file_and_no_trace(tmp_path):
    (tmp_path / "x.json").write_text("old")
    with pytest.raises(KeyError), atomic(tmp_path / "x.json", "w") as file:
        file.write("new, but only ha")
        raise KeyError
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
    assert (tmp_path / "x.json").read_text() == "old"


def test_what_is_being_written_is_not_there_yet(tmp_path):
    with atomic(tmp_path / "x.bin") as file:
        file.write(b"half")
        file.flush()
        assert not (tmp_path / "x.bin").exists()
    assert (tmp_path / "x.bin").read_bytes() == b"half"


def test_json_that_cannot_be_written_leaves_the_old_one(tmp_path):
    write_json(tmp_path / "x.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "x.json", {"a": object()})
    assert read_json(tmp_path / "x.json") == {"a": 1}
    assert len(list(tmp_path.iterdir())) == 1


def test_arrays_that_cannot_be_written_leave_no_trace(tmp_path):
    with pytest.raises(Exception, match="."):
        save_arrays(tmp_path / "x.safetensors", {"a": np.array(["text"])})
    assert list(tmp_path.iterdir()) == []


def test_arrays_come_back_as_they_were(tmp_path):
    arrays = {"a": np.arange(6, dtype=np.float16).reshape(2, 3).T, "ids": np.array([3, 1], dtype=np.int64)}
    save_arrays(tmp_path / "x.safetensors", arrays)
    loaded = load_arrays(tmp_path / "x.safetensors")
    assert {k: (v.dtype, v.tolist()) for k, v in loaded.items()} == {k: (v.dtype, v.tolist()) for k, v in arrays.items()}


def test_only_the_named_arrays_are_loaded(tmp_path):
    save_arrays(tmp_path / "x.safetensors", {"a": np.zeros(2), "b": np.ones(2)})
    assert list(load_arrays(tmp_path / "x.safetensors", ("b",))) == ["b"]


# -- items ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("title", TITLES)
def test_a_title_survives_items_csv(tmp_path, title):
    assert created(tmp_path, [title, "b"]).items["title"].tolist() == [title, "b"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=8))
def test_any_titles_survive_items_csv(tmp_path_factory, titles):
    run = created(tmp_path_factory.mktemp("titles"), titles)
    assert run.items["title"].tolist() == titles


def test_raw_ids_keep_their_leading_zeros(tmp_path):
    assert created(tmp_path).items["item"].tolist() == ["01", "02"]


def test_categories_and_popularity_come_back_by_id(tmp_path):
    run = RunFolder(tmp_path)
    run.create({}, table_of(["x", "y", "z"], year=["1990", "NA", ""]), np.array([0, 5, 0, 7]))
    assert run.items["year"].tolist() == ["1990", "NA", ""]
    assert run.items.loc[3, "popularity"] == 7
    assert run.items.index.tolist() == [1, 2, 3]


# -- status -----------------------------------------------------------------------------------------------------------


def status_of(path, **status) -> RunFolder:
    run = created(path)
    write_json(run.path / "status.json", status)
    return run


@pytest.mark.parametrize("state", ["running", "stopping"])
def test_an_owned_run_reads_as_its_state(tmp_path, state):
    run = created(tmp_path)
    with run.owned(exist_ok=True):
        run.write_status(state)
        assert run.status["state"] == state


@pytest.mark.parametrize("state", ["running", "stopping"])
def test_a_run_that_nobody_owns_any_more_reads_as_failed(tmp_path, state):
    run = created(tmp_path)
    with run.owned(exist_ok=True):
        run.write_status(state)
    status = run.status
    assert (status["state"], status["error"]) == ("failed", ENDED)


def test_a_run_that_was_killed_after_a_request_to_stop_reads_as_stopped(tmp_path):
    run = status_of(tmp_path, state="running", pid=1, started=0)
    run.ask_to_stop()
    assert run.status["state"] == "stopped"


HOLD = """
import sys
from adrec.runs import RunFolder
run = RunFolder(sys.argv[1])
with run.owned():
    run.write_status("running")
    print(flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """A run folder and the process that owns it."""
    run = RunFolder(tmp_path / "run")
    with subprocess.Popen([sys.executable, "-c", HOLD, str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        yield run, child
        child.kill()


def test_a_folder_has_one_owner_and_the_refusal_says_who(holder, monkeypatch):
    run, child = holder
    monkeypatch.setattr("adrec.runs.folder.LOCK_SECONDS", 0.1)
    with pytest.raises(RunError, match=rf"is being written by process {child.pid}, which started at 20\d\d-"), run.owned():
        pass


def test_a_clock_step_does_not_make_an_owner_look_dead(holder):
    run, _ = holder
    write_json(run.path / "status.json", {**read_json(run.path / "status.json"), "started": 1.0})
    assert run.status["state"] == "running"


def test_a_killed_owner_leaves_the_folder_free(holder):
    run, child = holder
    child.kill()
    child.wait()
    assert run.status["state"] == "failed"
    with run.owned():
        assert run.held


def test_a_request_to_stop_ends_with_the_owner_it_was_made_to(tmp_path):
    run = created(tmp_path)
    run.ask_to_stop()
    with run.owned(exist_ok=True):
        assert run.stop_asked is None
        run.ask_to_stop()
        assert run.stop_asked is not None
    assert run.stop_asked is None


def test_a_new_folder_that_becomes_no_run_does_not_keep_the_name(tmp_path):
    run = RunFolder(tmp_path / "new")
    with pytest.raises(OSError, match="full"), run.owned():
        (run.path / "items.csv").touch()
        raise OSError("full")
    assert not run.path.exists()


def test_another_process_with_the_same_number_is_not_the_owner(tmp_path):
    assert status_of(tmp_path, state="running", pid=os.getpid(), started=psutil.Process().create_time()).status["state"] == "failed"


@pytest.mark.parametrize("who", [{}, {"pid": None, "started": 1}, {"pid": "x", "started": 1}])
def test_a_refusal_without_a_readable_status_names_no_process(tmp_path, who, monkeypatch):
    monkeypatch.setattr("adrec.runs.folder.LOCK_SECONDS", 0.1)
    run = status_of(tmp_path, state="running", **who)
    with run.owned(exist_ok=True), pytest.raises(RunError, match="is being written by another process"), run.owned(exist_ok=True):
        pass


@pytest.mark.parametrize("state", ["finished", "stopped", "failed", "queued"])
def test_a_state_that_needs_no_process_stays(tmp_path, state):
    assert status_of(tmp_path, state=state, pid=2**22 + 1, started=0).status["state"] == state


def test_a_run_killed_before_its_first_status_does_not_read_as_finished(tmp_path):
    assert created(tmp_path).status["state"] == "failed"


def test_a_trained_run_without_status_reads_as_finished(copy):
    (copy.path / "status.json").unlink()
    assert copy.status["state"] == "finished"


def test_no_folder_reads_as_missing(tmp_path):
    assert RunFolder(tmp_path / "none").status["state"] == "missing"


# -- events -----------------------------------------------------------------------------------------------------------


def append(run: RunFolder, text: bytes) -> None:
    with open(run.events_path, "ab") as file:
        file.write(text)


def test_a_cut_last_line_is_left_until_it_is_complete(tmp_path):
    run = RunFolder(tmp_path)
    append(run, b'{"step": 1}\n{"st')
    events, offset = run.events()
    assert events == [{"step": 1}]
    append(run, b'ep": 2}\n')
    assert run.events(offset) == ([{"step": 2}], os.path.getsize(run.events_path))


def test_nothing_new_keeps_the_offset(tmp_path):
    run = RunFolder(tmp_path)
    append(run, b'{"step": 1}\n')
    assert run.events(12) == ([], 12)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8))
def test_events_followed_in_any_pieces_are_the_events(tmp_path_factory, pieces):
    run = RunFolder(tmp_path_factory.mktemp("events"))
    whole = "".join(json.dumps({"step": i, "title": "é\u2028 x"}, ensure_ascii=False) + "\n" for i in range(4)).encode()
    seen, offset, at = [], 0, 0
    for size in [*pieces, len(whole)]:
        append(run, whole[at : at + size])
        at += size
        new, offset = run.events(offset)
        seen += new
    assert [e["step"] for e in seen] == [0, 1, 2, 3]


def test_damaged_lines_are_passed_over(tmp_path):
    run = RunFolder(tmp_path)
    append(run, b'{"step": 1}\n\xff\xfe\n[1]\n\n{"step"\n{"step": 2}\n')
    assert [e["step"] for e in run.events()[0]] == [1, 2]


def test_no_events_file_is_no_events(tmp_path):
    assert RunFolder(tmp_path).events() == ([], 0)


# -- tables -----------------------------------------------------------------------------------------------------------


def test_tables_come_in_the_order_of_training(tiny_run):
    assert tuple(tiny_run.table_names()) == TABLES == tuple(tiny_run.tables())


def test_a_table_has_one_row_an_item_and_no_padding_row(tiny_run, tiny_data):
    stored = load_arrays(tiny_run.weights_path("finetune"), (ITEM_TABLE,))[ITEM_TABLE]
    assert len(stored) == tiny_data.n_items + 1
    np.testing.assert_array_equal(tiny_run.table("finetune"), stored[1:])


def test_a_table_in_half_precision_is_read_as_float32(copy):
    path = copy.weights_path("finetune")
    save_arrays(path, {k: v.astype(np.float16) for k, v in load_arrays(path).items()})
    assert copy.table("finetune").dtype == np.float32


def test_a_stage_that_is_not_there_is_not_listed(copy):
    shutil.rmtree(copy.path / "stages/warmup")
    assert copy.table_names() == ["initial", "pretrain", "finetune"]
    assert copy.metrics("warmup") == {}


def test_snapshots_are_ordered_by_stage_and_by_epoch_as_a_number(tmp_path):
    folder = tmp_path / "snapshots"
    names = ["finetune-6", "pretrain-11", "pretrain-9", "warmup-5", "pretrain-100", "initial", "other-1", "pretrain-x"]
    for name in names:
        save_arrays(folder / f"{name}.safetensors", {ITEM_TABLE: np.zeros((2, 2))})
    found = [(s, e) for s, e, _ in RunFolder(tmp_path).snapshots()]
    assert found == [("pretrain", 9), ("pretrain", 11), ("pretrain", 100), ("warmup", 5), ("finetune", 6)]


def test_every_snapshot_of_a_training_is_a_whole_table(tiny_run, tiny_data):
    shapes = {load_arrays(path)[ITEM_TABLE].shape for _, _, path in tiny_run.snapshots()}
    assert shapes == {(tiny_data.n_items + 1, 16)}


def test_the_table_after_an_epoch_is_the_one_saved_then_and_after_epoch_0_the_one_that_the_stage_began_with(tiny_run):
    stage, epoch, path = tiny_run.snapshots()[-1]
    assert np.array_equal(table_at(tiny_run, stage, epoch), load_arrays(path)[ITEM_TABLE][1:])
    for began, before in (("pretrain", "initial"), ("finetune", "warmup")):
        assert np.array_equal(table_at(tiny_run, began, 0), tiny_run.table(before))
    with pytest.raises(RunError, match="keeps no item table of epoch 999 of its stage 'finetune'"):
        table_at(tiny_run, "finetune", 999)


def test_a_folder_copied_elsewhere_reads_the_same(tiny_run, copy):
    assert copy.status == tiny_run.status
    assert copy.settings == tiny_run.settings and copy.abilities == tiny_run.abilities
    pd.testing.assert_frame_equal(copy.items, tiny_run.items)
    assert all(np.array_equal(a, b) for a, b in zip(copy.tables().values(), tiny_run.tables().values(), strict=True))


def test_no_file_of_a_run_names_the_folder_it_was_written_in(tiny_run):
    place = str(tiny_run.path).encode()
    assert [p.name for p in tiny_run.path.rglob("*") if p.is_file() and place in p.read_bytes()] == []


# -- damage -----------------------------------------------------------------------------------------------------------

_file = io.BytesIO()
np.save(_file, np.array([0.5, 1.0]))
FRACTIONS = _file.getvalue()
DAMAGE = {
    "run.json is cut": ("run.json", b'{"model": {', lambda r: r.info),
    "run.json is a list": ("run.json", b"[1]", lambda r: r.info),
    "run.json is not UTF-8": ("run.json", b"\xff\xfe\x00", lambda r: r.info),
    "run.json is empty": ("run.json", b"", lambda r: r.info),
    "run.json is deep": ("run.json", b'{"a": ' + b"[" * 100_000, lambda r: r.info),
    "run.json has an endless number": ("run.json", b'{"seed": ' + b"9" * 5000 + b"}", lambda r: r.info),
    "run.json has no data set": ("run.json", b'{"dataset": null}', lambda r: r.info),
    "run.json has no name for its data": ("run.json", b'{"dataset": {"name": 3}}', lambda r: r.info),
    "run.json has no tables": ("run.json", b'{"kind": "tables", "tables": []}', lambda r: r.info),
    "run.json has no model": ("run.json", b'{"train": {}}', lambda r: r.settings),
    "run.json's model is a number": ("run.json", b'{"model": 3}', lambda r: r.settings),
    "run.json's model lacks n_items": ("run.json", b'{"model": {}, "train": {}}', lambda r: recorded(r.info)),
    "run.json's model is unknown": ("run.json", b'{"model": {"model": "bert", "n_items": 3}, "train": {}}', lambda r: recorded(r.info)),
    "run.json's width is a word": ("run.json", b'{"model": {"n_items": 3, "hidden_size": "x"}, "train": {}}', lambda r: recorded(r.info)),
    "run.json has no training": ("run.json", b'{"model": {}}', lambda r: recorded(r.info)),
    "status.json is cut": ("status.json", b'{"state": "run', lambda r: r.status),
    "status.json has no state": ("status.json", b"{}", lambda r: r.status),
    "status.json fails with a number": ("status.json", b'{"state": "failed", "error": 3}', lambda r: r.status),
    "events.jsonl lacks a loss": ("events.jsonl", b'{"kind": "step", "time": 1, "epoch": 0, "step": 1}\n', lambda r: r.events()),
    "events.jsonl has a word": ("events.jsonl", b'{"kind": "stage_end", "seconds": "x"}\n', lambda r: r.events()),
    "events.jsonl has no metrics": ("events.jsonl", b'{"kind": "validation", "time": 1, "epoch": 0, "step": 1}\n', lambda r: r.events()),
    "metrics.json has a word": ("stages/finetune/metrics.json", b'{"val": {"ndcg@10": "x"}}', lambda r: r.check()),
    "metrics.json is cut": ("stages/finetune/metrics.json", b"{", lambda r: r.metrics("finetune")),
    "the test ranks are text": ("stages/finetune/test_ranks.npy", b"1, 2, 3", lambda r: r.test_ranks("finetune")),
    "the test ranks are fractions": ("stages/finetune/test_ranks.npy", FRACTIONS, lambda r: r.test_ranks("finetune")),
    "items.csv is empty": ("items.csv", b"", lambda r: r.items),
    "items.csv is binary": ("items.csv", b"\xff\xfe\x00\x01", lambda r: r.items),
    "items.csv has no id": ("items.csv", b"item,title\n1,a\n", lambda r: r.items),
    "items.csv has words as ids": ("items.csv", b"id,item,title\nx,1,a\n", lambda r: r.items),
    "items.csv lacks an id": ("items.csv", b"id,item,title\n1,1,a\n3,3,c\n", lambda r: r.items),
    "items.csv lacks titles": ("items.csv", b"id,item\n1,1\n", lambda r: r.items),
    "items.csv has a word as popularity": ("items.csv", b"id,item,title,popularity\n1,1,a,many\n", lambda r: r.items),
    "items.csv is too short": ("items.csv", b"id,item,title\n1,1,a\n", lambda r: r.items),
    "items.csv is too short to be listed": ("items.csv", b"id,item,title\n1,1,a\n", lambda r: r.check()),
    "items.csv counts to infinity": ("items.csv", b"id,item,title,popularity\n1,1,a,inf\n", lambda r: r.items),
    "the weights are cut": ("stages/finetune/model.safetensors", b"\x10\x00\x00\x00\x00\x00\x00\x00{", lambda r: r.table("finetune")),
    "the weights are empty": ("stages/finetune/model.safetensors", b"", lambda r: r.tables()),
    "the initial table is text": ("snapshots/initial.safetensors", b"hello, this is no table", lambda r: r.table("initial")),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_told_in_one_sentence_with_the_file(copy, what):
    name, content, read = DAMAGE[what]
    (copy.path / name).write_bytes(content)
    with pytest.raises(AdrecError) as caught:
        read(copy)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)
    assert name.rpartition("/")[2] in str(caught.value) or what.startswith("run.json's")  # those are of the settings


def test_a_file_without_the_item_table_is_reported(copy):
    save_arrays(copy.weights_path("finetune"), {"other": np.zeros(3)})
    with pytest.raises(RunError, match=ITEM_TABLE):
        copy.table("finetune")


def test_tables_of_different_shapes_are_reported(copy):
    save_arrays(copy.weights_path("finetune"), {ITEM_TABLE: np.zeros((9, 4))})
    with pytest.raises(RunError, match=r"finetune' has shape \(8, 4\), 'initial' \(60, 16\)"):
        copy.tables()


def test_a_run_that_was_just_trained_is_sound(tiny_run):
    tiny_run.check()


def test_numbers_that_numpy_lacks_are_reported(tmp_path):
    import torch
    from safetensors.torch import save_file

    save_file({ITEM_TABLE: torch.zeros(3, 2, dtype=torch.bfloat16)}, tmp_path / "x.safetensors")
    with pytest.raises(RunError, match="bfloat16"):
        load_arrays(tmp_path / "x.safetensors")


def test_a_folder_that_is_no_run_is_reported(tmp_path):
    with pytest.raises(RunError, match="is not a run folder: it has no run.json"):
        _ = RunFolder(tmp_path).info


def test_a_run_without_tables_is_reported(tmp_path):
    write_json(tmp_path / "run.json", {"model": {}, "train": {}})
    with pytest.raises(RunError, match="holds no item table"):
        RunFolder(tmp_path).checked_tables()


# -- lists ------------------------------------------------------------------------------------------------------------


def test_runs_are_listed_root_by_root_the_newest_first(tmp_path):
    for when, name in enumerate(["b/old", "b/new", "a/only"]):
        run = created(tmp_path / name)
        os.utime(run.path / "run.json", (when, when))
    (tmp_path / "a" / "not a run").mkdir()
    assert [r.name for r in list_runs(tmp_path / "b", tmp_path / "none", tmp_path / "a")] == ["new", "old", "only"]


def test_the_recorded_settings_are_those_that_were_trained(tiny_run):
    size = {"hidden_size": 16, "heads": 2, "blocks": 1, "length": 10, "timesteps": 4, "noise_weight": 1.0, "warmup_epochs": 1}
    assert recorded(tiny_run.info).config == plan(**size).config


def test_a_run_from_before_models_had_settings_of_their_own_opens_with_its_settings(tiny_run):
    """It recorded every model's settings for each model, and the warm-up's among the training's."""
    new = recorded(tiny_run.info)
    old = {**tiny_run.info, "model": {**tiny_run.info["model"], "positions": False, "guidance": 0.0}}
    del old["format"]
    old["train"] = {**old["train"], "warmup_epochs": old["model"].pop("warmup_epochs"), "pretrain": old["model"].pop("pretrain")}
    assert recorded(old) == new


def test_what_a_run_can_do_is_told_by_its_weights_where_it_is_not_recorded(copy):
    info = {key: value for key, value in copy.info.items() if key != "abilities"}
    (copy.path / "run.json").write_text(json.dumps(info))
    assert copy.abilities == {"recommend", "denoise", "item_table"}


# -- bare tables ------------------------------------------------------------------------------------------------------

BARE_TABLES = {"1 before.npy": np.arange(12.0).reshape(4, 3), "2 ../after.npy": np.ones((4, 3))}


def _bare(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "files")
    run.create_tables(BARE_TABLES, ItemTable.untitled(list("abcd")), {"dataset": {"title": "two files"}})
    return run


def test_bare_tables_come_back_in_order_under_any_name(tmp_path: Path) -> None:
    found = _bare(tmp_path).checked_tables()
    assert list(found) == list(BARE_TABLES) and all(np.array_equal(found[n], t) for n, t in BARE_TABLES.items())


def test_a_folder_of_bare_tables_counts_as_finished_and_is_listed(tmp_path: Path) -> None:
    run = _bare(tmp_path)
    assert run.status["state"] == "finished" and [r.name for r in list_runs(tmp_path)] == ["files"]


def test_an_unknown_bare_table_lists_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no table 'finetune'; it has 1 before.npy, 2"):
        _bare(tmp_path).table("finetune")


def test_a_damaged_list_of_bare_tables_is_one_sentence(tmp_path: Path) -> None:
    run = _bare(tmp_path)
    write_json(run.path / "run.json", {**run.info, "tables": ["x", "x"]})
    with pytest.raises(RunError, match="list of different names"):
        run.table_names()


# -- what run.json says -----------------------------------------------------------------------------------------------


def test_a_run_is_written_in_the_format_of_this_version(tmp_path):
    assert read_json(created(tmp_path / "run").path / "run.json")["format"] == FORMAT


def test_a_run_of_a_newer_format_is_refused_with_a_sentence(tmp_path):
    run = created(tmp_path / "run")
    write_json(run.path / "run.json", {**run.info, "format": FORMAT + 1})
    with pytest.raises(RunError, match=rf"in format {FORMAT + 1}; this one reads formats up to {FORMAT}: update it\.$"):
        _ = run.info


@pytest.mark.parametrize("part", [{"format": "1"}, {"format": True}, {"title": 3}, {"purpose": ["x"]}, {"question": {}}])
def test_a_format_or_a_text_that_is_none_is_damage(tmp_path, part):
    run = created(tmp_path / "run")
    write_json(run.path / "run.json", {**run.info, **part})
    with pytest.raises(RunError, match=f"is damaged: '{next(iter(part))}' must be"):
        _ = run.info


def test_a_run_without_a_title_is_called_by_its_name(tmp_path):
    run = created(tmp_path / "run")
    assert run.title == "run"
    write_json(run.path / "run.json", {**run.info, "title": "ADRec on films"})
    assert run.title == "ADRec on films"


def test_the_coefficients_of_a_run_are_those_of_its_schedule(tiny_run):
    assert tiny_run.info["diffusion"] == Diffusion.from_schedule("trunc_lin", 4).to_json()


# -- what is no file ----------------------------------------------------------------------------------------------------


READ = {
    "run.json": lambda run: run.info,
    "items.csv": lambda run: run.items,
    "events.jsonl": lambda run: run.events(),
    "status.json": lambda run: read_json(run.path / "status.json"),
    "stages/finetune/test_ranks.npy": lambda run: run.test_ranks("finetune"),
    "stages/finetune/model.safetensors": lambda run: load_arrays(run.path / "stages/finetune/model.safetensors"),
    "film.npz": lambda run: load_npz(run.path / "film.npz"),
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to(path)])
@pytest.mark.parametrize("name", READ)
def test_what_is_no_file_is_told_and_not_waited_for(tmp_path, name, make):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    make(tmp_path / name)
    with pytest.raises(RunError, match=Path(name).name):
        READ[name](RunFolder(tmp_path))


@pytest.mark.parametrize("name", ["run.json", "items.csv", "events.jsonl"])
def test_a_text_without_end_is_not_read(tmp_path, name):
    with open(tmp_path / name, "wb") as file:
        file.truncate(3 << 30)  # takes no space
    with pytest.raises(RunError, match=r"3,221,225,472 bytes; expected at most"):
        READ[name](RunFolder(tmp_path))


def test_items_without_a_line_of_names_are_damaged(tmp_path):
    (tmp_path / "items.csv").write_text('{"a":' * 1000)
    with pytest.raises(RunError, match="is missing or damaged"):
        _ = RunFolder(tmp_path).items
