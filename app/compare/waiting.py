"""What has not been measured of the models on screen: the button that measures it, and how far that is."""

from collections.abc import Sequence

import streamlit as st

from app import loaders, progress, projecting, ui
from app.compare import facts, kept
from app.compare.facts import Group
from app.loaders import LoadedRun
from app.texts import texts

MODULE = "app.compare.measuring"


def follow(shown: Sequence[Group]) -> None:
    """What is missing of the models on screen, the button that measures it, and how far that is."""
    words = texts("compare")["measure"]
    lacking = [run for group in shown for run in group.runs if kept.missing(run)]
    runs = [run for run in lacking if loaders.dataset(run)[0] is not None]
    begun = st.session_state.get(MODULE, ())
    job = projecting.job(*begun, module=MODULE) if begun else None
    if not lacking and (job is None or not job.alive):
        return
    if not runs and (job is None or not job.alive):
        st.caption(words["noData"].format(data=ui.plain(facts.facts(lacking[0]).data)))  # type: ignore[union-attr]
        return

    @st.fragment(run_every=1.0 if job is not None and job.alive else None)
    def shows() -> None:
        now = projecting.job(*begun, module=MODULE) if begun else None
        if now is not None and now.alive:
            left = "" if now.left is None else words["left"].format(time=progress.duration(now.left))
            row = st.container(horizontal=True, vertical_alignment="center")
            row.progress(now.fraction, ui.plain(words["doing"].format(words=now.words, percent=f"{100 * now.fraction:.0f}", left=left)))
            row.button(
                words["cancel"], on_click=projecting.cancel, args=begun, kwargs={"module": MODULE}, key="compare.cancel", width="content"
            )
            return
        if job is not None and job.alive:
            st.rerun()  # it has just ended: the page shows what it found
        row = st.container(horizontal=True, vertical_alignment="center")
        row.button(words["button"], icon=":material/play_arrow:", on_click=_begin, args=(runs,), help=words["help"], key="compare.measure")
        row.caption(words["says"].format(count=len(runs)))
        if now is not None and now.error:
            st.error(ui.plain(now.error), icon=":material/error:")

    shows()


def _begin(runs: Sequence[LoadedRun]) -> None:
    st.session_state[MODULE] = tuple(runs)
    projecting.start(*runs, module=MODULE)
