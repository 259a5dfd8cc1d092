"""The dials: apply a collapse to the run's last table by degrees, and see which picture, verdict and ranking notice it."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from adrec.pictures import looks
from adrec.pictures.dials import DEGREES, KINDS, LEAD, LINES, MAP, PICTURES, SPECTRAL, SPECTRUM, START, TITLE, Row, lesson, rows_of, says
from adrec.runs import RunFolder
from app import loaders, state, ui
from app.collapse import charts, data, healthy, points, ranking
from app.collapse.view import TABLE_CSS
from app.texts import texts

if TYPE_CHECKING:
    from adrec.collapse.dials import PictureChange, Pictures
    from adrec.collapse.verdict import Verdict

ITEMS = 5_000
"""The most items in the pictures; larger tables are sampled across popularity."""
USERS = 300
"""Validation users to rank, drawn once."""


@st.fragment
def section(run: RunFolder) -> None:
    """Choose a collapse and its degree; pictures, verdict and ranking follow. A table that is broken already gives way to a healthy one."""
    with ui.guard():
        st.subheader(TITLE, anchor=False, help=LINES)
        other = healthy.healthy_run() if healthy.broken(run) else None
        if other is not None:
            st.caption(texts("collapse")["broken"]["instead"].format(run=ui.plain(ui.run_title(other))))
        _section(other or run)


def _section(run: RunFolder) -> None:
    shown = data.stages(run)
    name = shown.names[-1]
    rows = _sample(run)
    of = f" Pictures and verdict use {len(rows):,} of the {shown.items:,} items, sampled across popularity."
    part = of if len(rows) < shown.items else ""
    if loaders.together(run) is None:
        part += f" {SPECTRAL}"
    st.caption(LEAD.format(table=ui.plain(shown.label(name).lower())) + part)
    kind, degree = _controls(shown)
    head, pictures = st.container(), st.container()
    _ranking(run, name, kind)  # placed below the pictures, which show its result
    dialled = (run, loaders.together(run) is not None, name, kind)
    before, after = _measured(*dialled, 0), _measured(*dialled, degree)
    found = _notices(before, after)
    ranks = _ranks(run, name, kind, degree)
    table = rows_of(found, before[1].kind, after[1].kind, ranks)
    head.markdown(f"**{lesson(table, degree)}**")
    with pictures:
        _pictures(run, _drawn(*dialled, degree), table)
    if state.get("degree"):  # precompute the other degrees, so that the dial responds quickly
        for other in DEGREES:
            _measured(*dialled, other)


def _sample(run: RunFolder) -> np.ndarray:
    """The rows used for the pictures and the verdict."""
    frame = loaders.items(run)
    if len(frame) <= ITEMS:
        return np.arange(len(frame))
    return points.stratified(frame["popularity"].to_numpy() if "popularity" in frame else None, len(frame), ITEMS)


def _controls(shown: data.Stages) -> tuple[str, int]:
    row = st.container(horizontal=True, vertical_alignment="bottom")
    kinds = list(KINDS)
    bound = state.bound("dial", "offset", kinds)
    row.segmented_control("Collapse", kinds, format_func=lambda k: KINDS[k][0], required=True, **bound)
    kind = state.get("dial") if state.get("dial") in KINDS else "offset"
    bound = state.bound("degree", START, DEGREES)
    row.select_slider("Degree", DEGREES, format_func=lambda d: f"{d} %", width=340, **bound)
    degree = state.get("degree", START)
    degree = degree if degree in DEGREES else START
    st.caption(says(kind, degree, (shown.items, shown.width)))
    return kind, degree


# -- measuring a changed table ------------------------------------------------------------------------------------


@loaders.of_run(96, spinner="Measuring the changed table")
def _measured(run: RunFolder, known: bool, name: str, kind: str, degree: int) -> "tuple[Pictures, Verdict]":
    """known: whether the interactions are available."""
    from adrec.collapse.dials import Pictures, dial
    from adrec.collapse.verdict import diagnose

    if degree == 0 and kind != "offset":
        return _measured(run, known, name, "offset", 0)
    tables = data.distinct_tables(run)
    rows = _sample(run)
    table = dial(tables[name], kind, degree / 100)[rows]
    initial = tables["initial"][rows] if "initial" in tables and name != "initial" else None
    near = loaders.together(run) if known else None
    users = loaders.dataset(run)[0] if near is not None and len(rows) == len(tables[name]) else None
    near = near.among(rows) if near is not None and len(rows) < len(tables[name]) else near
    return Pictures.from_table(table), diagnose(table, cooccurrence=near, data=users, initial=initial)


def _notices(before: "tuple[Pictures, Verdict]", after: "tuple[Pictures, Verdict]") -> "list[PictureChange]":
    from adrec.collapse.dials import picture_changes

    return picture_changes(before[0], after[0])


# -- pictures -----------------------------------------------------------------------------------------------------


@loaders.of_run(96)
def _drawn(run: RunFolder, known: bool, name: str, kind: str, degree: int) -> tuple[tuple[Any, pd.DataFrame], ...]:
    """Map and spectra of the changed table over the old one, each with its data."""
    from adrec.collapse.dials import aligned
    from adrec.collapse.spectra import over_rms

    (before, _), (after, _) = _measured(run, known, name, kind, 0), _measured(run, known, name, kind, degree)
    color, xy = looks.stage_color(name), aligned(before.map, after.map)
    moved = {"x_before": before.map[:, 0], "y_before": before.map[:, 1], "x_after": xy[:, 0], "y_after": xy[:, 1]}
    old, new = ({"centred": over_rms(look.centred), "raw": over_rms(look.raw)} for look in (before, after))
    columns = {f"{view}_{when}": values[view] for when, values in (("before", old), ("after", new)) for view in values}
    frame = pd.DataFrame({"direction": np.arange(1, len(old["raw"]) + 1), **columns})
    return (charts.dialled_map(before.map, xy, color), pd.DataFrame(moved)), (charts.dialled_spectra(old, new, color), frame)


def _pictures(run: RunFolder, drawn: tuple[tuple[Any, pd.DataFrame], ...], rows: Sequence[Row]) -> None:
    left, middle, right = st.columns([5, 5, 5], gap="medium")
    with left:
        st.markdown("**Map**", help=MAP)
        alt = "Item map of the changed table over the old one"
        ui.figure(*drawn[0], f"{run.name}-dial-map", alt, key="collapse.dial.map")
    with middle:
        st.markdown("**Spectrum**", help=SPECTRUM)
        alt = "Spectra of the changed table and of the old one"
        ui.figure(*drawn[1], f"{run.name}-dial-spectra", alt, key="collapse.dial.spectra")
    with right:
        st.markdown("**Who notices**", help=LINES)
        _table(rows)
        frame = pd.DataFrame(list(rows), columns=["picture", "before", "after", "noticed"])
        ui.download("Data (CSV)", frame, f"{run.name}-dial", key="collapse.dial.table")


def _table(rows: Sequence[Row]) -> None:
    body = "".join(
        f"<tr><th scope='row'>{html.escape(PICTURES[p][1])}</th><td>{html.escape(b)}</td><td>{html.escape(a)}</td>"
        f"<td>{'<b>●&nbsp;yes</b>' if seen else '○&nbsp;no'}</td></tr>"
        for p, b, a, seen in rows
    )
    head = "<tr><th scope='col'></th><th scope='col'>before</th><th scope='col'>after</th><th scope='col'>noticed</th></tr>"
    st.html(f"{TABLE_CSS}<div class='measures'><table><thead>{head}</thead><tbody>{body}</tbody></table></div>")


# -- ranking ------------------------------------------------------------------------------------------------------


def _ranks(run: RunFolder, name: str, kind: str, degree: int) -> tuple[np.ndarray, np.ndarray] | None:
    own, after = (ranking.known(run, name, _change(kind, d), USERS) for d in (0, degree))
    return None if own is None or after is None else (own, after)


def _change(kind: str, degree: int) -> str:
    return ranking.OWN if degree == 0 else f"dial {kind} {degree}"


def _ranking(run: RunFolder, name: str, kind: str) -> None:
    """The button that ranks a sample of users at every degree, and the results in a line."""
    why, words = ranking.obstacle(run, name), f"Rank {USERS} users at every degree"
    missing = [d for d in DEGREES if ranking.known(run, name, _change(kind, d), USERS) is None]
    place, note = st.empty(), st.empty()
    if missing:
        cost = max(ranking.seconds(run, name, USERS) * len(missing), 1)
        why = why and ui.plain(why)
        pressed = place.button(words, icon=":material/leaderboard:", disabled=why is not None, help=why, key="dials.rank")
        note.caption(why or f"Uses the run's own model and evaluator, and validation users drawn once; takes about {cost:.0f} s.")
        if not pressed:
            return
        _rank(run, name, kind, missing, place.progress(0.0, words))
        place.empty()
    found = {d: ranking.known(run, name, _change(kind, d), USERS) for d in DEGREES}
    listed = ", ".join(f"{d} %: {100 * float((ranks <= 10).mean()):.1f} %" for d, ranks in found.items() if ranks is not None)
    users = next((len(ranks) for ranks in found.values() if ranks is not None), 0)
    note.caption(f"HR@10 of {users:,} validation users by degree: {listed}.")


def _rank(run: RunFolder, name: str, kind: str, missing: Sequence[int], bar: Any) -> None:
    from adrec.collapse.dials import dial

    table = data.distinct_tables(run)[name]
    for done, degree in enumerate(missing):

        def progress(share: float, done: int = done) -> None:
            bar.progress((done + share) / len(missing), f"Ranking {USERS} users at every degree")

        def changed(degree: int = degree) -> np.ndarray:
            return dial(table, kind, degree / 100)

        ranking.measure(run, name, _change(kind, degree), changed if degree else None, USERS, progress)
