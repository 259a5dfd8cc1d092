"""The film of a run's training: the data sent to the browser, and the section that shows it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from adrec.folders import home
from adrec.pictures import film as pictures
from adrec.pictures.colours import plain
from adrec.runs import RunFolder
from adrec.runs.folder import WATCHED
from app import loaders, state, ui
from app.collapse import colours, data, items, maps
from app.components.film import film as mount
from app.texts import texts

if TYPE_CHECKING:
    from adrec.collapse.film import Film

AT_ONCE = 60
"""Up to this many million numbers in all frames, a film is made without asking; it takes a few seconds."""
CAPTION = "Every table saved during training, on one pair of axes: what moves is the table, never the camera. "
KEYS = "Space plays, the arrow keys step."


def section(run: RunFolder) -> None:
    """The film, or how to get it, or why there is none."""
    from adrec.collapse.film import frame_count

    st.subheader("Film of the training", anchor=False)
    if loaders.is_bare(run) and not run.snapshots():
        st.caption("These tables come without a training run, so there is nothing to play. Compare them on the maps above.")
        return
    found = _film(run)
    if found is None:
        count, shown = frame_count(run), data.stages(run)
        if count < 2:
            st.caption("This run kept no item tables during training, so there is nothing to play.")
            return
        size = count * min(shown.items, 10_000) * shown.width / 1e6
        place = st.empty()
        if size > AT_ONCE and not place.button(f"Make the film of {count} tables", icon=":material/movie:", key="film.make"):
            st.caption(f"Takes about {max(size / 15, 5):.0f} s; the film is kept in the run folder.")
            return
        found = _make(run, place)
    show(run, found)


@loaders.of_run(4)
def _kept(run: RunFolder, made: int) -> "Film | None":
    from adrec.collapse.film import cached_film

    return cached_film(run)


def _film(run: RunFolder) -> "Film | None":
    from adrec.collapse.film import FILE

    places = (run.path / FILE, home() / "films")
    return _kept(run, max((p.stat().st_mtime_ns for p in places if p.exists()), default=0))


def _make(run: RunFolder, place: Any) -> "Film":
    from adrec.collapse.film import film

    bar = place.progress(0.0, "Making the film")
    try:
        return film(run, lambda fraction, words: bar.progress(min(fraction, 1.0), f"Making the film: {words}"))
    finally:
        place.empty()


def show(run: RunFolder, found: "Film") -> None:
    """The player, its caption and downloads."""
    now = maps.chosen(run)
    frame = state.get("frame", len(found) - 1)
    frame = frame if 0 <= frame < len(found) else len(found) - 1
    part = f"Showing {len(found.rows):,} of {data.stages(run).items:,} items, sampled across popularity. "
    sample = part if len(found.rows) < data.stages(run).items else ""
    first, last = 100 * found.explained[0], 100 * found.explained[-1]
    share = f"The two axes show {first:.0f} % of the first table's variance and {last:.0f} % of the last's. "
    best = max(np.flatnonzero(found.best), default=len(found) - 1)
    on = (
        ""
        if best == len(found) - 1 or found.stages[best] != found.stages[-1]
        else texts("collapse")["kept"].format(kept=found.epochs[best], last=found.epochs[-1])
    )
    st.caption(CAPTION + on + share + sample + KEYS)
    mount(_packed(run, now["row"], now["colour"], frame, found), _on_frame(len(found)))
    ui.download("Measures of every snapshot (CSV)", table(found), f"{run.name}-film")


def table(found: "Film") -> pd.DataFrame:
    """One row per frame: stage, epoch, measures."""
    from adrec.collapse.film import MEASURES

    head = {"stage": found.stages, "epoch": found.epochs, "kept_by_stage": found.best}
    return pd.DataFrame({**head, **dict(zip(MEASURES, found.measures.T, strict=True))})


def _on_frame(frames: int) -> Any:
    def on_frame(frame: int) -> None:
        if 0 <= frame < frames:
            state.put(frame=frame)

    return on_frame


@loaders.of_run(8)
def _packed(run: RunFolder, row: int, colour: str | None, frame: int, _found: "Film") -> bytes:
    looked = colours.colouring(run, colour, "pca")
    if looked.codes.shape != (data.stages(run).items,) or not looked.label:
        looked = plain(data.stages(run).items)
    of = {"run": f"{loaders.tag(run)} {len(_found)}", "look": colour, "frame": frame}
    return pictures.block(of, _found, frames(run, _found), items.titles(run), looked, row)


def frames(run: RunFolder, found: "Film") -> list[dict[str, Any]]:
    """Each frame in words, with its mark and, if known, its verdict."""
    return pictures.frames(found, _verdicts(run))


def _verdicts(run: RunFolder) -> Mapping[tuple[str, int], str]:
    """The verdict in a word or two by stage and epoch, from the saved diagnosis or the loop that was watched."""
    from adrec.collapse.diagnosis import cached_diagnosis
    from adrec.collapse.verdict import KIND_WORDS

    if loaders.is_bare(run):
        pictures = [event["picture"] for event in run.events()[0] if isinstance(event.get("picture"), dict)]
        told = [(p.get("step"), str(p.get("kind"))) for p in pictures]
        return {(WATCHED, step): KIND_WORDS[kind][0] for step, kind in told if isinstance(step, int) and kind in KIND_WORDS}
    kept = cached_diagnosis(run) or {}
    return {(s["stage"], s["epoch"]): KIND_WORDS[s["verdict"]["kind"]][0] for s in kept.get("snapshots", [])}
