"""The bundled healthy run, and a word on every page that answers with a run whose item table is broken."""

from typing import Any

import streamlit as st

from adrec.collapse.kinds import COLLAPSED, KIND_WORDS
from adrec.lesson.models import RUNS
from adrec.runs import RunFolder
from app import loaders, state, ui
from app.collapse import data, headline
from app.loaders import LoadedRun
from app.texts import texts


def healthy_run() -> LoadedRun | None:
    """The bundled run whose table the lesson calls healthy."""
    return loaders.bundled(RUNS["healthy"])


def broken(run: RunFolder) -> bool:
    """Whether the run's last table has collapsed; the verdict is computed if it is not kept."""
    return headline.verdicts(run)[data.stages(run).names[-1]]["kind"] in COLLAPSED


def known_broken(run: RunFolder) -> Any:
    """The kept verdict on the run's last table if that has collapsed, else None. Nothing is computed."""
    last = (headline.kept(run) or {}).get(run.stages[-1] if run.stages else "")
    return last if last is not None and last["kind"] in COLLAPSED else None


def named_broken(name: str) -> bool:
    """Whether a run, by its name in links, is known to have collapsed."""
    return any(loaders.link_name(run) == name and known_broken(run) is not None for run in loaders.all_runs())


def note(run: RunFolder) -> None:
    """One line if the run's last table is known to have collapsed, with the way to the healthy run."""
    last, other = known_broken(run), healthy_run()
    if last is None or other is None:
        return
    words, row = texts("collapse")["broken"], st.container(horizontal=True, vertical_alignment="center")
    row.warning(words["says"].format(verdict=ui.plain(KIND_WORDS[last["kind"]][0].lower())), icon=":material/warning:")
    row.button(words["healthy"], width="content", on_click=state.put, kwargs={"run": loaders.link_name(other)}, key="healthy.open")
