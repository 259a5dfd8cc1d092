"""The parts of the page for uploaded files: uploads, the verdict in plain words, its evidence, and actions."""

from typing import Any

import pandas as pd
import streamlit as st

from adrec.collapse.kinds import KIND_WORDS
from adrec.data.readers import ROWS
from adrec.embeddings.files import PADDINGS, SUFFIXES
from adrec.reading.opened import PACKED
from app import loaders, own_data, palette, sessions, state, ui
from app.own_data import Choices, Question, Result, Upload

TABLE_TYPES = [s[1:] for s in SUFFIXES]
INTERACTION_TYPES = [s[1:] for s in (*ROWS, *PACKED, ".pkl")]
ITEM_TYPES = [s[1:] for s in (*ROWS, ".item", *PACKED)]
PADDING_WORDS = {
    "auto": "Left out if the file says so or it is all zeros",
    "first": "Not an item: leave it out",
    "none": "An item: keep it",
}
ICONS = {"healthy": ":green[:material/check_circle:]", "concentrated": ":green[:material/check_circle:]"}
ICONS |= {"weakly-learned": ":orange[:material/warning:]", "spectral-only": ":orange[:material/help:]"}
COLLAPSED = ":red[:material/error:]"


def uploads() -> tuple[list[Upload], dict[str, Upload | None], Choices]:
    """The files and choices so far; the table comes first, the rest is optional."""
    sessions.watch()
    left, right = st.columns(2, gap="large")
    tables = left.file_uploader(
        "Item tables",
        TABLE_TYPES,
        accept_multiple_files=True,
        key="own.tables",
        help="One row per item. Several files are compared in this order: stages, epochs or models.",
    )
    files: dict[str, Any] = {
        "interactions": right.file_uploader(
            "Interactions (optional)",
            INTERACTION_TYPES,
            key="own.interactions",
            help="Who used what, and when: columns such as user_id, item_id, timestamp. Item ids are the table's own or its row numbers.",
        )
    }
    right.caption("Users, items and times. Needed to tell whether neighbours are meaningful.")
    with st.expander("More: titles, the table before training, padding, column names"):
        columns = st.columns(2, gap="large")
        files["items"] = columns[0].file_uploader("Item titles", ITEM_TYPES, key="own.items")
        files["initial"] = columns[1].file_uploader("The table before training", TABLE_TYPES, key="own.initial")
        padding = columns[0].selectbox("Row 0 of a table", PADDINGS, format_func=PADDING_WORDS.__getitem__, key="own.padding")
        example = "user=customer, item=product, time=when"
        named = columns[1].text_input("Columns of the interactions", placeholder=example, key="own.columns")
    others = {kind: None if file is None else Upload.of(file) for kind, file in files.items()}
    chosen = tuple(sorted(st.session_state.get("own.keys", {}).items()))
    return [Upload.of(f) for f in tables or []], others, Choices(chosen, padding, own_data.options(named))


def ask(question: Question) -> None:
    """Ask which of a file's candidates is the table."""
    names = list(question.candidates)
    shapes = {name: shape.replace("x", "×") for name, shape in question.candidates.items()}
    st.info(f"{ui.plain(question.upload.name)} contains several matrices. Which one is the item table?", icon=":material/help:")
    row = st.container(horizontal=True, vertical_alignment="bottom")
    place = row.selectbox(
        "Array", names, format_func=lambda n: f"{n} ({shapes[n]})", key=f"own.array.{question.upload.identity}", width=420
    )
    if row.button("Use this one", type="primary"):
        st.session_state["own.keys"] = {**st.session_state.get("own.keys", {}), question.upload.identity: place}
        st.rerun()


def verdicts(found: Result) -> None:
    """For each table: its kind in plain words, the confidence, what is undecided, and what to try."""
    entries = found.judged["tables"]
    for entry in entries:
        verdict = entry["verdict"]
        with st.container(border=True):
            label, name = KIND_WORDS[verdict["kind"]][0], palette.stage_label(entry["name"])
            glyph = f"{palette.stage_glyph(entry['name'])} " if len(entries) > 1 else ""
            st.caption(f"{glyph}{ui.plain(name)} · {entry['items']:,} items × {entry['width']:,}")
            st.markdown(f"#### {ICONS.get(verdict['kind'], COLLAPSED)} {label}")
            st.markdown(f"{ui.plain(verdict['says'])} {_sure(verdict)}")
            for text in verdict["undecided"]:
                st.markdown(f"**Not decided:** {ui.plain(text)}")
            for step in verdict["next"]:
                st.markdown(f"- {ui.plain(step['text'])}")
            for note in entry["notes"]:
                st.caption(ui.plain(note))


def _sure(verdict: dict[str, Any]) -> str:
    sure = verdict["confidence"]
    if verdict["undecided"] and sure <= 0.5:
        return ""
    return f"*Confidence {'above 99' if sure > 0.99 else f'{100 * sure:.0f}'} %.*"


def evidence(found: Result) -> None:
    """Every comparison with its null and threshold, and how the tables differ from each other."""
    for entry in found.judged["tables"]:
        with st.expander(f"Evidence: {ui.plain(palette.stage_label(entry['name']))}", expanded=len(found.judged["tables"]) == 1):
            frame = pd.DataFrame(entry["verdict"]["evidence"])
            frame["measure"] = frame["measure"].str.replace("_", " ").str.capitalize()
            look: dict[str, Any] = {k: st.column_config.NumberColumn(k.capitalize(), format="%.4g") for k in ("value", "null", "threshold")}
            look |= {"measure": "Measure", "says": st.column_config.TextColumn("In words", width="large")}
            st.dataframe(frame, hide_index=True, width="stretch", column_config=look)
            ui.download("Evidence (CSV)", frame, f"{entry['name']}-evidence", key=f"own.evidence.{entry['name']}")
    changes = found.judged["comparison"]
    if changes:
        st.subheader("From table to table", anchor=False)
        for change in changes:
            st.markdown(_change(change))


def _change(change: dict[str, Any]) -> str:
    names = [ui.plain(palette.stage_label(change[k])) for k in ("before", "name")]
    parts = [f"standard deviation {change['std_before']:.3g} → {change['std']:.3g}"]
    if change["neighbours_kept"] is not None:
        parts.append(f"{100 * change['neighbours_kept']:.0f} % of the neighbours kept (chance {100 * change['neighbours_chance']:.1f} %)")
    if change["correlation"] is not None:
        parts.append(f"correlation {change['correlation']:.3f}".replace("-", "−"))
    return f"**{names[0]} → {names[1]}**: {'; '.join(parts)}."


def actions(found: Result) -> None:
    """Download the report, or open the tables in the laboratory."""
    row = st.container(horizontal=True, vertical_alignment="center")
    stem = found.name.rpartition(".")[0] or "tables"
    row.download_button(
        "Download the report (HTML)",
        lambda: found.report,
        file_name=f"{stem}-collapse.html",
        mime="text/html",
        icon=":material/download:",
        on_click="ignore",
        key="own.report",
    )
    pressed = row.button("Open in the collapse laboratory", type="primary", icon=":material/science:", disabled=found.problem is not None)
    if found.problem is not None:
        st.caption(ui.plain(found.problem))
    if pressed:
        run = own_data.to_laboratory(found)
        st.switch_page(loaders.ROOT / "pages" / "collapse.py", query_params=state.link(run=run.name))
