"""Cached reading of run folders. A run is keyed by its path and the time of its last change; torch and umap are never imported here."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from adrec.config import PRESETS
from adrec.data.titles import titled
from adrec.folders import app_folder, home, runs_folder
from adrec.runs import RunFolder, list_runs

ROOT = app_folder()
BUNDLED = ROOT / "assets" / "runs"
FIRST = "ml-100k"
"""The run that the app opens with."""


def all_runs() -> list[RunFolder]:
    """The person's runs, the newest first, then the bundled ones: ``FIRST``, then as the presets are listed, then by name."""
    order = [FIRST, *PRESETS]
    bundled = sorted(list_runs(BUNDLED), key=lambda run: (order.index(run.name) if run.name in order else len(order), run.name))
    return [*list_runs(runs_folder()), *bundled]


def find_run(name: str | None) -> RunFolder | None:
    """The run of this name; without a name the first bundled one, or else the newest."""
    runs = all_runs()
    if name is not None:
        return next((run for run in runs if run.name == name), None)
    bundled = [run for run in runs if is_bundled(run)]
    return next(iter(bundled + runs), None)


def is_bundled(run: RunFolder) -> bool:
    """Whether the run came with the repository and is read only."""
    return run.path.resolve().is_relative_to(BUNDLED)


def is_bare(run: RunFolder) -> bool:
    """Whether the folder holds item tables and no model: files that somebody brought."""
    return (run.path / "tables").is_dir()


def key(run: RunFolder) -> tuple[str, int]:
    """What a cached value of a run hangs on: its path and the newest change of what it holds."""
    watched = [run.path / "run.json", run.path / "items.csv", run.path / "snapshots", *(run.path / "stages").glob("*/*")]
    watched += (run.path / "tables").glob("*")
    times = [p.stat().st_mtime_ns for p in watched if p.exists()]
    return str(run.path.resolve()), max(times, default=0)


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
    written = tuple(folder.stat().st_mtime_ns if folder.is_dir() else 0 for folder in folders)
    return _projection(*key(run), method, seed, written)


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
