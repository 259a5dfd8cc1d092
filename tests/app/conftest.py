"""A folder of runs of its own for every test, and trainings that take a second."""

import importlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from app import jobs, own_data, train_data
from app.serving import visitors

TINY = ["--dataset=synthetic:items=40,users=60", "--set", "hidden_size=16", "--set", "timesteps=4", "--set", "length=10"]
QUICK = [*TINY, "--set", "max_steps=3"]
LONG = [*TINY, "--set", "epochs=100000", "--set", "validate_every=10000"]


@pytest.fixture(autouse=True)
def no_cookies(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest has no browser that keeps any."""
    monkeypatch.setattr(visitors, "_cookie", lambda: None)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The runs' folder; what still trains in it at the end is killed."""
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv("ADREC_RUNS", str(folder))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield folder
    monkeypatch.delenv("ADREC_MODE", raising=False)  # a public server stops nothing
    for worker in jobs._workers.values():  # first: it would start the next run
        worker.kill()
        worker.wait()
    jobs._workers.clear()
    for path in folder.glob("*/job.json"):
        jobs.stop(folder, path.parent.name, force=True)


@pytest.fixture
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in this process, which a worker of their own would take a second to start for."""

    def run(module: str, folder: Path, *, on_poll: Callable[[], object], **limits: Any) -> None:
        worker = importlib.import_module(module)
        with monkeypatch.context() as here:
            here.setattr(worker, "end_with_parent", lambda: None)
            here.setattr(sys, "argv", [module, str(folder)])
            worker.main()
        on_poll()

    for page in (own_data, train_data):
        monkeypatch.setattr(page, "run_worker", run)


def wait_for(claim: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until the claim holds; fail after ``seconds``."""
    end = time.time() + seconds
    while not claim():
        assert time.time() < end, "waited too long"
        time.sleep(0.05)


def state(root: Path, name: str) -> str:
    """The run's state in a word."""
    job = jobs.job(root, name)
    return "missing" if job is None else job.state


def trains(root: Path, name: str) -> bool:
    """Whether the run has come to its first steps."""
    return any(e["kind"] == "step" for e in jobs.RunFolder(root / name).events()[0])


def process_of(root: Path, name: str) -> psutil.Process:
    """The training process of a run."""
    return psutil.Process(int(jobs.read_json(root / name / "job.json")["pid"]))
