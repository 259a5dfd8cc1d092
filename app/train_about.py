"""What a person says of a run of theirs, on the Train page: its title, purpose and question; and its end. Where nothing is trained, why."""

from pathlib import Path
from typing import Any

import streamlit as st

from adrec.runs import RunFolder
from adrec.runs.shapes import LONGEST
from app import jobs, loaders, state, ui
from app.serving import modes
from app.texts import texts


def at_home() -> None:
    """In place of the form on a public server: why nothing is trained here, and how to do so at home."""
    words = texts("train")["public"]
    st.subheader(words["title"], anchor=False)
    st.markdown(f"{modes.NO_TRAINING} {words['says']}")
    st.code(words["command"], language="bash", wrap_lines=True)
    st.markdown(words["then"])


def about(root: Path, run: RunFolder, place: Any) -> None:
    """Two buttons: what the run is called and shows, and its deletion, which is asked once."""
    words = texts("train")["about"]
    if run.exists:
        with place.popover(words["name"], icon=":material/edit:", type="tertiary"), ui.guard():
            _name(root, run)
    with place.popover(words["delete"], icon=":material/delete:", type="tertiary"), ui.guard():
        delete(root, run)


def _name(root: Path, run: RunFolder) -> None:
    words, info = texts("train")["about"], loaders.info(run)
    given = {field: st.text_input(words[field], info.get(field) or "", key=f"train.{field}.{run.name}").strip() for field in LONGEST}
    if st.button(words["save"], type="primary", key="train.save"):
        jobs.describe(root, run.name, given)
        st.rerun()


def delete(root: Path, run: RunFolder) -> None:
    """The question, and the button that answers it."""
    words = texts("train")["about"]
    st.markdown(words["ask"].format(run=ui.plain(ui.run_title(run))))
    if st.button(words["yes"], type="primary", icon=":material/delete:", key="train.delete"):
        jobs.delete(root, run.name)
        if state.get("run") == loaders.link_name(run):
            state.put(run=None)
        st.rerun()
