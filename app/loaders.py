"""Cached reading of run folders. A run is keyed by its path and the time of its last change; torch and umap are never imported here."""

import hashlib
from collections.abc import Callable, Sequence
from copy import copy
from functools import cached_property, lru_cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from adrec.data import catalog
from adrec.data.dataset import SequenceDataset
from adrec.data.titles import most_popular, titled
from adrec.errors import DataError, RunError
from adrec.files import changed
from adrec.folders import app_folder, home
from adrec.runs import RunFolder, list_runs
from app.serving import visitors

if TYPE_CHECKING:
    from adrec.collapse.cooccurrence import Cooccurrence

ROOT = app_folder()
BUNDLED = ROOT / "assets" / "runs"
FIRST = "ml-100k"
"""The run that the app opens with."""
Function = TypeVar("Function", bound=Callable[..., Any])


class LoadedRun(RunFolder):
    """A run as one rerun of a page found it. What it says of itself is read once: between two readings a training may end another stage."""

    @cached_property
    def stages(self) -> list[str]:
        return super().stages

    @cached_property
    def info(self) -> dict[str, Any]:
        return super().info

    @cached_property
    def kept(self) -> dict[tuple[Any, ...], Any]:
        """Of ``once``."""
        return {}

    def has_model(self, stage: str) -> bool:
        return _has_model(self, stage)

    @cached_property
    def problem(self) -> str | None:
        """What is damaged in the folder, in a sentence; None if nothing is."""
        try:
            _check(self)
        except RunError as error:
            return str(error)
        return None

    @cached_property
    def key(self) -> tuple[str, int]:
        """What a cached value of the run hangs on: its path and when each thing that it holds has changed, by a clock that may be set back.
        Never older than ``stages``."""
        _ = self.stages
        watched = [self.path / "run.json", self.path / "items.csv", self.path / "snapshots", *(self.path / "stages").glob("*/*")]
        watched += (self.path / "tables").glob("*")
        found = sorted((str(path.relative_to(self.path)), changed(path)) for path in watched)
        return str(self.path.resolve()), int.from_bytes(hashlib.blake2b(repr(found).encode(), digest_size=8).digest())

    @cached_property
    def came(self) -> bool:
        """Whether it came with the repository."""
        return self.path.resolve().is_relative_to(BUNDLED)

    def again(self) -> "LoadedRun":
        """The run for another rerun: with what it has said of itself, without what a page keeps with it."""
        found = copy(self)
        vars(found).pop("kept", None)
        return found


def all_runs() -> list[LoadedRun]:
    """The runs that the visitor sees, newest first, then the bundled ones: ``FIRST``, then by name."""
    return [*(LoadedRun(run.path) for run in list_runs(*visitors.folders())), *(run.again() for run in _came(BUNDLED).values())]


@lru_cache(4)
def _came(folder: Path) -> dict[str, LoadedRun]:
    """The bundled runs by name. They never change while the app runs, so what they say of themselves is read once."""
    found = [LoadedRun(run.path) for run in sorted(list_runs(folder), key=lambda run: (run.name != FIRST, run.name))]
    for run in found:
        _ = run.key, run.came, run.problem or run.info
    return {run.name: run for run in found}


def find_run(name: str | None) -> LoadedRun | None:
    """The run with this name in links; without a name, the first bundled one, or else the newest."""
    runs = all_runs()
    if name is not None:
        return next((run for run in runs if link_name(run) == name), None)
    return next(iter([run for run in runs if is_bundled(run)] + runs), None)


def bundled(name: str) -> LoadedRun | None:
    """The bundled run of this name."""
    found = _came(BUNDLED).get(name)
    return None if found is None else found.again()


def renewed(run: RunFolder) -> LoadedRun:
    """The run as it is now."""
    return _came(BUNDLED)[run.name].again() if is_bundled(run) else LoadedRun(run.path)


def is_bundled_name(name: str) -> bool:
    """Whether a bundled run has this name; no other run may use it."""
    return name in _came(BUNDLED)


def link_name(run: RunFolder) -> str:
    """The run's name in links. A bundled run keeps its name even if a user's folder has the same one."""
    return f"{run.name} (own)" if is_bundled_name(run.name) and not is_bundled(run) else run.name


def is_bundled(run: RunFolder) -> bool:
    """Whether the run came with the repository and is read only."""
    return run.came if isinstance(run, LoadedRun) else LoadedRun(run.path).came


def is_bare(run: RunFolder) -> bool:
    """Whether the folder holds item tables but no model, as uploaded files do."""
    return (run.path / "tables").is_dir()


def key(run: RunFolder) -> tuple[str, int]:
    """``LoadedRun.key`` of a run."""
    return run.key if isinstance(run, LoadedRun) else LoadedRun(run.path).key


def tag(run: RunFolder) -> str:
    """``key`` for the browser, without the path."""
    return hashlib.sha256(str(key(run)).encode()).hexdigest()[:16]


def of_run(max_entries: int, *, shared: bool = True, spinner: str | bool = False) -> Callable[[Function], Function]:
    """Cache what a function returns by its run and its other arguments, for all sessions, until the run's folder changes. What a visitor of
    a public server brought is cached for their session, and goes with it.

    shared: every caller gets the same object and never changes it; otherwise each gets a copy. spinner: what is said meanwhile.
    """
    keys: dict[str | type[Any], Callable[[Any], Any]] = {LoadedRun: key, RunFolder: key}
    cache: Any = st.cache_resource if shared else st.cache_data

    def cached(function: Any) -> Any:
        everybodys = cache(max_entries=max_entries, show_spinner=spinner, hash_funcs=keys)(function)
        visitors_own = cache(max_entries=min(max_entries, 16), show_spinner=spinner, hash_funcs=keys, scope="session")(function)

        @wraps(function)
        def found(run: RunFolder | Sequence[RunFolder], *arguments: Any, **named: Any) -> Any:
            if not any(visitors.holds(one.path) for one in ([run] if isinstance(run, RunFolder) else run)):
                return everybodys(run, *arguments, **named)
            here = get_script_run_ctx(suppress_warning=True) is not None  # a download is made outside of runs
            return (visitors_own if here else function)(run, *arguments, **named)

        found.clear = everybodys.clear  # type: ignore[attr-defined]
        return found

    return cached


def once(function: Function) -> Function:
    """Keep what a function says of a run, by its other arguments, with the run as this page found it: until the page's next whole rerun."""

    @wraps(function)
    def found(run: RunFolder, *of: Any) -> Any:
        if not isinstance(run, LoadedRun):
            return function(run, *of)
        if (function, *of) not in run.kept:
            run.kept[function, *of] = function(run, *of)
        return run.kept[function, *of]

    return found  # type: ignore[return-value]


def problem(run: RunFolder) -> str | None:
    """``LoadedRun.problem`` of a run."""
    return (run if isinstance(run, LoadedRun) else LoadedRun(run.path)).problem


@once
def _has_model(run: RunFolder, stage: str) -> bool:
    return RunFolder.has_model(run, stage)


@of_run(512, shared=False)
def _check(run: RunFolder) -> None:
    run.check()


def info(run: RunFolder) -> dict[str, Any]:
    """run.json."""
    return run.info if isinstance(run, LoadedRun) else _info(run)


@of_run(64, shared=False)
def _info(run: RunFolder) -> dict[str, Any]:
    return run.info


@once
@of_run(16)
def items(run: RunFolder) -> pd.DataFrame:
    """The run's item table."""
    return run.items


@once
@of_run(16)
def popular(run: RunFolder) -> int | None:
    """The run's most popular item."""
    return most_popular(items(run))


@once
@of_run(16)
def title(run: RunFolder) -> Callable[[int], str]:
    """Titles of item ids."""
    return titled(items(run))


@of_run(4)
def tables(run: RunFolder) -> dict[str, np.ndarray]:
    """The item tables by name."""
    return run.tables()


@of_run(64, shared=False)
def metrics(run: RunFolder) -> dict[str, dict[str, Any]]:
    """Each stage's metrics.json."""
    return {stage: run.metrics(stage) for stage in run.stages}


@of_run(4)
def distinct(run: RunFolder) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The distinct tables, and for each name the table that shows it."""
    from adrec.maps.projection import distinct_tables

    return distinct_tables(tables(run))


@once
def dataset(run: RunFolder) -> tuple[SequenceDataset | None, str]:
    """The users' histories, or None and a sentence that says why they are not available. Never downloads anything."""
    entry = info(run).get("dataset", {})
    name = str(entry.get("name"))
    if not catalog.available(name):
        hint = f" (`python -m adrec data get {name}` downloads them)" if catalog.named(name) else ""
        words = f"The ratings of {entry.get('title') or name} are not on this machine{hint}, so there are no users to choose from."
        return None, visitors.without_paths(words)
    try:
        return _dataset(entry), ""
    except DataError as error:
        return None, visitors.without_paths(f"{error} So there are no users to choose from.")


@st.cache_resource(max_entries=4, show_spinner=False)
def _dataset(entry: dict[str, Any]) -> SequenceDataset:
    """entry: what run.json says of it. Every run on the same data gets the same."""
    return catalog.load_for_run({"dataset": entry})


def together(run: RunFolder) -> "Cooccurrence | None":
    """Which items are used together; None if the run's histories are not available, or not of its items."""
    users, _ = dataset(run)
    return None if users is None or users.n_items != len(items(run)) else _together(users.content_hash, users)


@st.cache_resource(max_entries=4, show_spinner=False)
def _together(content: str, _users: SequenceDataset) -> "Cooccurrence":
    from adrec.collapse.cooccurrence import Cooccurrence

    return Cooccurrence.from_dataset(_users)


def projection(run: RunFolder, method: str, seed: int = 0) -> dict[str, np.ndarray] | None:
    """The layout of the stages if it is cached; never computes one."""
    return _projection(run, method, seed, tuple(map(changed, (run.path / "projections", home() / "projections"))))


@of_run(16)
def _projection(run: RunFolder, method: str, seed: int, written: tuple[int, ...]) -> dict[str, np.ndarray] | None:
    from adrec.maps.projection import cached

    return cached(run, method, seed)
