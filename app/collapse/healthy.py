"""The bundled healthy run, and a word on every page that answers with a run whose item table is broken."""

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


def note(run: RunFolder) -> None:
    """One line if the kept verdict calls the run's last table collapsed, with the way to the healthy run. Nothing is computed."""
    last = (headline.kept(run) or {}).get(run.stages[-1] if run.stages else "")
    other = healthy_run()
    if last is None or last["kind"] not in COLLAPSED or other is None:
        return
    words, (left, right) = texts("collapse")["broken"], st.columns([4, 1], vertical_alignment="center")
    left.warning(words["says"].format(verdict=ui.plain(KIND_WORDS[last["kind"]][0].lower())), icon=":material/warning:")
    right.button(words["healthy"], width="stretch", on_click=state.put, kwargs={"run": loaders.link_name(other)}, key="healthy.open")
