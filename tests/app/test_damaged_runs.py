"""Damaged run folders beside sound ones: each says what is wrong when it is opened and takes nothing from anybody else."""

import json
import os
import pkgutil
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from adrec.data.dataset import ItemTable
from adrec.files import read_json, write_json
from adrec.runs import RunFolder
from tests.app.pages import offered, open_page, plainly

pytestmark = pytest.mark.slow

DEEP = '{"dataset": ' + "[" * 100_000 + "]" * 100_000 + "}"
STEP = {"time": 1.0, "kind": "step", "stage": "pretrain", "epoch": 0, "step": 1, "loss": 1.0}
BEGUN = {"time": 0.0, "kind": "stage", "stage": "pretrain", "epoch": 0, "step": 0, "max_epochs": 9, "steps_per_epoch": 2}


def edit(**changes: object) -> Callable[[RunFolder], None]:
    """Lay these over run.json."""
    return lambda run: write_json(run.path / "run.json", {**read_json(run.path / "run.json"), **changes})


def write(name: str, text: str) -> Callable[[RunFolder], None]:
    """Put this text in the file's place."""
    return lambda run: (run.path / name).write_text(text) and None


def events(*found: object) -> Callable[[RunFolder], None]:
    return write("events.jsonl", "".join(json.dumps(event) + "\n" for event in found))


def shorten(run: RunFolder) -> None:
    lines = (run.path / "items.csv").read_text().splitlines(keepends=True)
    (run.path / "items.csv").write_text("".join(lines[:-3]))


def bare(run: RunFolder, tables: object) -> None:
    """A folder of brought tables in the run's place, whose list of tables is this."""
    shutil.rmtree(run.path)
    run.create_tables({"a": np.eye(12, 4), "b": np.ones((12, 4))}, ItemTable.untitled([str(i) for i in range(12)]), {"dataset": {}})
    edit(tables=tables)(run)


LISTED: dict[str, Callable[[RunFolder], None]] = {
    "null data set": edit(dataset=None),
    "data set by number": edit(dataset=7),
    "nameless data set": edit(dataset={"name": ["x"], "title": {}}),
    "model is a list": edit(model=[1]),
    "training is text": edit(train="x"),
    "deep run.json": write("run.json", DEEP),
    "half a run.json": write("run.json", '{"model": {"n_items"'),
    "endless number": write("run.json", '{"seed": ' + "9" * 5000 + "}"),
    "short items.csv": shorten,
    "endless popularity": write("items.csv", "id,item,title,popularity\n" + "".join(f"{i},{i},t{i},inf\n" for i in range(1, 61))),
    "no tables in the list": lambda run: bare(run, []),
    "too many in the list": lambda run: bare(run, ["a", "b", "c"]),
    "metrics by word": write("stages/finetune/metrics.json", '{"val": {"ndcg@10": "high"}}'),
    "metrics without an object": write("stages/finetune/metrics.json", '{"val": [], "test": 3}'),
}
"""Seen without opening the run."""
FOLLOWED: dict[str, Callable[[RunFolder], None]] = {
    "stage without epochs": events({"time": 1, "kind": "stage", "stage": "pretrain"}),
    "step without a loss": events(BEGUN, {k: v for k, v in STEP.items() if k != "loss"}),
    "step at no time": events(BEGUN, {**STEP, "time": None}),
    "validation without metrics": events(BEGUN, {**STEP, "kind": "validation"}),
    "validation by word": events(BEGUN, {**STEP, "kind": "validation", "metrics": {"ndcg@10": "x"}}),
}
"""Seen by who follows the training."""


OPENED = [("collapse", name) for name in LISTED]


@pytest.fixture(scope="module")
def folder(tiny_run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every damage in a run of its own, and a sound one; and jobs in no state to wait."""
    root = tmp_path_factory.mktemp("damaged")
    for name, damage in {**LISTED, **FOLLOWED}.items():
        shutil.copytree(tiny_run.path, root / name)
        damage(RunFolder(root / name))
    for name, data in {"words in the queue": {"queued": "x", "submitted": "y"}, "nothing in the queue": {"queued": None}}.items():
        write_json(root / name / "job.json", {"arguments": [], **data})
        write_json(root / name / "status.json", {"state": "queued", "error": {"a": 1}})
    (root / "nobody's job").mkdir()
    (root / "nobody's job" / "job.json").write_text(DEEP)
    shutil.copytree(tiny_run.path, root / "sound")
    with open(root / "sound" / "events.jsonl", "a") as file:
        file.write('{"stage": "pretrain"}\n[1]\n')  # lines that say nothing are passed over
    return root


@pytest.fixture
def damaged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """They are the person's runs; nobody works on the queue."""
    monkeypatch.setenv("ADREC_RUNS", str(folder))
    monkeypatch.setattr("app.jobs.ensure_worker", lambda root: None)
    return folder


@pytest.mark.parametrize("page", ["", "collapse", "denoising", "train", "own", "compare"])
def test_a_page_goes_on_beside_damaged_runs(damaged: Path, page: str) -> None:
    app = open_page(page, **({} if page in ("", "own") else {"run": "sound"}))
    assert not app.exception and not app.error, [e.value for e in app.error]


@pytest.mark.parametrize("page", ["collapse", "denoising", "train", "compare"])
def test_a_page_never_opens_with_a_damaged_run(damaged: Path, page: str) -> None:
    os.utime(damaged / "half a run.json" / "run.json")  # the newest
    app = open_page(page)
    assert not app.exception and not app.error


def test_damaged_runs_are_listed_as_unreadable(damaged: Path) -> None:
    _, groups = offered(open_page("collapse", run="sound"))
    every = {title for titles in groups.values() for title in titles}
    assert {title for title in every if "unreadable" in title} == {f"{name} · unreadable" for name in LISTED}


@pytest.mark.parametrize(
    ("page", "name"), [("denoising", "half a run.json"), ("denoising", "short items.csv"), ("train", "deep run.json"), *OPENED]
)
def test_a_damaged_run_says_why_when_it_is_opened(damaged: Path, page: str, name: str) -> None:
    app = open_page(page, run=name)
    assert not app.exception and len(app.error) == 1 and name in plainly(app.error[0].value)


@pytest.mark.parametrize("name", FOLLOWED)
def test_damaged_events_are_told_to_who_follows_the_training(damaged: Path, name: str) -> None:
    app = open_page("train", run=name)
    assert not app.exception and len(app.error) == 1 and f"{name}/events.jsonl" in plainly(app.error[0].value)


@pytest.mark.parametrize("step", ["app.collapse.headline.answer", "app.denoising.controls.noise"])
def test_a_stage_that_ends_while_a_page_is_drawn_breaks_nothing(
    root: Path, tiny_run: RunFolder, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    page, usual = step.split(".")[1], pkgutil.resolve_name(step)
    shutil.copytree(tiny_run.path, root / "growing")
    final = root / "growing" / "stages" / "finetune"
    aside = final.rename(root / "aside")
    open_page(page, run="growing")  # what is read of it is known from before

    def ends(*arguments: object) -> object:
        if aside.exists():
            aside.rename(final)
        return usual(*arguments)

    monkeypatch.setattr(step, ends)
    app = open_page(page, run="growing")
    assert final.exists() and not app.exception and not app.error
