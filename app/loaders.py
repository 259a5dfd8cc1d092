"""Cached reading of run folders. A run is keyed by its path and the time of its last change; torch and umap are never imported here."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from adrec.data.titles import titled
from adrec.errors import RunError
from adrec.files import changed
from adrec.folders import app_folder, home, runs_folder
from adrec.runs import RunFolder, list_runs

ROOT = app_folder()
BUNDLED = ROOT / "assets" / "runs"
FIRST = "ml-100k"
"""The run that the app opens with."""


class SeenRun(RunFolder):
    """A run as one rerun of a page found it. Which stages it has is read once: between two readings a training may end another one."""

    def __init__(self, path: str | Path, changed: int | None = None) -> None:
        super().__init__(path)
        if changed is not None:
            self.key = str(path), changed

    @cached_property
    def stages(self) -> list[str]:
        return super().stages

    @cached_property
    def key(self) -> tuple[str, int]:
        """What a cached value of the run hangs on: its path and the newest change of what it holds. Never older than ``stages``."""
        _ = self.stages
        watched = [self.path / "run.json", self.path / "items.csv", self.path / "snapshots", *(self.path / "stages").glob("*/*")]
        watched += (self.path / "tables").glob("*")
        return str(self.path.resolve()), max(map(changed, watched))


def all_runs() -> list[SeenRun]:
    """The person's runs, the newest first, then the bundled ones: ``FIRST``, then by name."""
    bundled = sorted(list_runs(BUNDLED), key=lambda run: (run.name != FIRST, run.name))
    return [SeenRun(run.path) for run in (*list_runs(runs_folder()), *bundled)]


def find_run(name: str | None) -> SeenRun | None:
    """The run that links call by this name; without a name the first bundled one, or else the newest."""
    runs = all_runs()
    if name is not None:
        return next((run for run in runs if link_name(run) == name), None)
    bundled = [run for run in runs if is_bundled(run)]
    return next(iter(bundled + runs), None)


def is_bundled_name(name: str) -> bool:
    """Whether a bundled run has this name, which no other run may have."""
    return (BUNDLED / name / "run.json").is_file()


def link_name(run: RunFolder) -> str:
    """What stands for a run in links. A bundled run has its name to itself, also where a person's folder is called the same."""
    return f"{run.name} (own)" if is_bundled_name(run.name) and not is_bundled(run) else run.name


def is_bundled(run: RunFolder) -> bool:
    """Whether the run came with the repository and is read only."""
    return run.path.resolve().is_relative_to(BUNDLED)


def is_bare(run: RunFolder) -> bool:
    """Whether the folder holds item tables and no model: files that somebody brought."""
    return (run.path / "tables").is_dir()


def key(run: RunFolder) -> tuple[str, int]:
    """``SeenRun.key`` of a run."""
    return run.key if isinstance(run, SeenRun) else SeenRun(run.path).key


def problem(run: RunFolder) -> str | None:
    """What is damaged in a run's folder, in a sentence; None if nothing is."""
    try:
        _check(*key(run))
    except RunError as error:
        return str(error)
    return None


def info(run: RunFolder) -> dict[str, Any]:
    """run.json."""
    return _info(*key(run))


def items(run: RunFolder) -> pd.DataFrame:
    """The run's item table (shared: never change it)."""
    return _items(*key(run))


def title(run: RunFolder) -> Callable[[int], str]:
    """Titles of item ids."""
    return _title(*key(run))


def tables(run: RunFolder) -> dict[str, np.ndarray]:
    """The item tables by name (shared: never change them)."""
    return _tables(*key(run))


def metrics(run: RunFolder) -> dict[str, dict[str, Any]]:
    """Each stage's metrics.json."""
    return _metrics(*key(run))


def distinct(run: RunFolder) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The tables that differ, and under which of them each name is shown."""
    return _distinct(*key(run))


def projection(run: RunFolder, method: str, seed: int = 0) -> dict[str, np.ndarray] | None:
    """The layout of the stages if it is at hand; never computes one (shared: never change it)."""
    folders = (run.path / "projections", home() / "projections")
    written = tuple(map(changed, folders))
    return _projection(*key(run), method, seed, written)


@st.cache_data(max_entries=512, show_spinner=False)
def _check(path: str, changed: int) -> None:
    RunFolder(path).check()


@st.cache_data(max_entries=64, show_spinner=False)
def _info(path: str, changed: int) -> dict[str, Any]:
    return RunFolder(path).info


@st.cache_resource(max_entries=16, show_spinner=False)
def _items(path: str, changed: int) -> pd.DataFrame:
    return RunFolder(path).items


@st.cache_resource(max_entries=16, show_spinner=False)
def _title(path: str, changed: int) -> Callable[[int], str]:
    return titled(_items(path, changed))


@st.cache_resource(max_entries=4, show_spinner=False)
def _tables(path: str, changed: int) -> dict[str, np.ndarray]:
    return RunFolder(path).tables()


@st.cache_data(max_entries=64, show_spinner=False)
def _metrics(path: str, changed: int) -> dict[str, dict[str, Any]]:
    run = RunFolder(path)
    return {stage: run.metrics(stage) for stage in run.stages}


@st.cache_resource(max_entries=4, show_spinner=False)
def _distinct(path: str, changed: int) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    from adrec.maps.projection import distinct_tables

    return distinct_tables(_tables(path, changed))


@st.cache_resource(max_entries=16, show_spinner=False)
def _projection(path: str, changed: int, method: str, seed: int, written: tuple[int, ...]) -> dict[str, np.ndarray] | None:
    from adrec.maps.projection import cached

    return cached(RunFolder(path), method, seed)
