"""What has not been measured of the models on screen: the button that measures it, and how far that is."""

from collections.abc import Sequence

import streamlit as st

from app import loaders, progress, projecting, ui
from app.compare import kept
from app.compare.facts import Group
from app.loaders import LoadedRun
from app.texts import texts

MODULE = "app.compare.measuring"


def follow(shown: Sequence[Group]) -> None:
    """What is missing of the models on screen, the button that measures it, and how far that is."""
    words = texts("compare")["measure"]
    begun = st.session_state.get(MODULE, ())
    job = projecting.job(*begun, module=MODULE) if begun else None
    if job is not None and job.alive:
        _progress(begun)
        return
    lacking = [run for group in shown for run in group.runs if kept.missing(run)]
    runs = [run for run in lacking if kept.users(run) is not None]
    if runs:
        row = st.container(horizontal=True, vertical_alignment="center")
        row.button(words["button"], icon=":material/play_arrow:", on_click=_begin, args=(runs,), help=words["help"], key="compare.measure")
        row.caption(words["says"].format(count=len(runs)))
    elif lacking:
        st.caption(words["noData"].format(data=ui.plain(str(loaders.info(lacking[0])["dataset"].get("title") or lacking[0].name))))
    if job is not None and job.error:
        st.error(ui.plain(job.error), icon=":material/error:")


@st.fragment(run_every=1.0)
def _progress(begun: Sequence[LoadedRun]) -> None:
    """How far it is; the whole page is drawn again when it has ended."""
    words, job = texts("compare")["measure"], projecting.job(*begun, module=MODULE)
    if job is None or not job.alive:
        st.rerun()
    left = "" if job.left is None else words["left"].format(time=progress.duration(job.left))
    row = st.container(horizontal=True, vertical_alignment="center")
    said = ui.plain(words["doing"].format(words=job.words, percent=f"{100 * job.fraction:.0f}", left=left))
    row.progress(job.fraction, said)
    row.button(
        words["cancel"], on_click=projecting.cancel, args=tuple(begun), kwargs={"module": MODULE}, key="compare.cancel", width="content"
    )


def _begin(runs: Sequence[LoadedRun]) -> None:
    st.session_state[MODULE] = tuple(runs)
    with ui.guard():
        projecting.start(*runs, module=MODULE)
