"""The parts of the page for uploaded files: uploads, the verdict in plain words, its evidence, and actions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from adrec.collapse.kinds import KIND_WORDS
from adrec.data.readers import ROWS
from adrec.embeddings import orders
from adrec.embeddings.files import PADDINGS, SUFFIXES, rows_and_columns
from adrec.reading.account import Account
from adrec.reading.opened import PACKED
from adrec.reading.roles import ROLES
from adrec.reading.vectors import LABEL, VECTOR
from app import loaders, own_data, palette, reading_view, sessions, state, ui
from app.own_data import Choices, Question, Result, Upload

TABLE_TYPES = [s[1:] for s in SUFFIXES]
INTERACTION_TYPES = [s[1:] for s in (*ROWS, *PACKED, ".pkl")]
ITEM_TYPES = [s[1:] for s in (*ROWS, ".item", *PACKED)]
TABLE_ROLES = ("item", "title")
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
    with st.expander("More: titles, the table before training, padding, order of rows, filters"):
        columns = st.columns(2, gap="large")
        files["items"] = columns[0].file_uploader("Item titles", ITEM_TYPES, key="own.items")
        files["initial"] = columns[1].file_uploader("The table before training", TABLE_TYPES, key="own.initial")
        padding = columns[0].selectbox("Row 0 of a table", PADDINGS, format_func=PADDING_WORDS.__getitem__, key="own.padding")
        order = columns[1].selectbox(
            "Order of rows without ids (--order)",
            ["", *orders.WORDS],
            format_func=lambda name: orders.WORDS[name].capitalize() if name else "Not known: each is tried",
            key="own.order",
            disabled=files["interactions"] is None,
            help="Which row is which item, where the table has no ids. One of those tried is used if it alone fits.",
        )
        named = columns[1].text_input("Filters of the interactions", placeholder="k_core=5, drop_users=-1", key="own.filters")
        transpose = columns[0].checkbox("The columns are the items (--transpose)", key="own.transpose")
    uploaded = [Upload.of(f) for f in tables or []]
    others = {kind: None if file is None else Upload.of(file) for kind, file in files.items()}
    return uploaded, others, Choices(padding, order or None, transpose, own_data.options(named))


def chosen(choices: Choices, tables: Sequence[Upload], others: Mapping[str, Upload | None]) -> Choices:
    """The choices with the options of each file, which are made where the page shows how it was read."""
    options = {upload.identity: reading_view.chosen(_key(upload)) for upload in (*tables, *others.values()) if upload is not None}
    return replace(choices, of_files=tuple((identity, tuple(pairs.items())) for identity, pairs in options.items() if pairs))


def _key(upload: Upload) -> str:
    """Under which the session keeps what was chosen for a file."""
    return f"own.{upload.identity}"


def ask(question: Question) -> None:
    """Ask what only the owner of the file knows."""
    key = _key(question.upload)
    answer = reading_view.question(question.doubt, key)
    if question.doubt["head"]:
        reading_view.first_rows(question.doubt["head"])
    if answer:
        reading_view.settle(key, {**reading_view.chosen(key), **answer})


def read(tables: Sequence[Upload], others: Mapping[str, Upload | None], accounts: Mapping[str, Any]) -> None:
    """What was read of each file, and the columns to change: tables on the left, interactions on the right, as they are uploaded."""
    left, right = st.columns(2, gap="large")
    initial, interactions = others.get("initial"), others.get("interactions")
    shown = [table for table in (*tables, *([initial] if initial else [])) if _known(table, accounts)]
    places = left.tabs([ui.plain(table.name) for table in shown]) if len(shown) > 1 else [left]
    for place, table in zip(places, shown, strict=False):
        with place:
            if len(shown) == 1:
                st.caption(ui.plain(table.name))
            _file(table, accounts.get(table.identity), TABLE_ROLES, "--table-option")
    if interactions is not None and _known(interactions, accounts):
        with right:
            st.caption(ui.plain(interactions.name))
            _file(interactions, accounts.get(interactions.identity), ROLES, "--data-option")


def _known(upload: Upload, accounts: Mapping[str, Any]) -> bool:
    return upload.identity in accounts or bool(reading_view.chosen(_key(upload)))


def _file(upload: Upload, account: Mapping[str, Any] | None, roles: Sequence[str], flag: str) -> None:
    """One file. Without an account, because it could not be read with the options that were chosen, they can be taken back."""
    key = _key(upload)
    if account is not None:
        used = [use["column"] for use in account["uses"]]
        head = [{**{column: row[column] for column in used if column in row}, **row} for row in account["head"]]
        reading_view.account({**account, "head": head})
        st.session_state[f"{key}.columns"] = _columns(upload, account)
    columns = st.session_state.get(f"{key}.columns", [])
    options = reading_view.chosen(key)
    if columns:
        needed = [role for role in reading_view.NEEDED if roles is ROLES]
        known = account or Account(upload.name, "").as_dict()
        reading_view.settle(key, reading_view.roles(known, columns, options, key, roles, needed))
    reading_view.as_options({option: value for option, value in options.items() if option != own_data.KEY}, flag)
    reading_view.start_over(key)


def _columns(upload: Upload, account: Mapping[str, Any]) -> list[str]:
    """The columns that may be chosen: the first ones, those in use and those that are not. None in arrays and in labels with vectors."""
    if not rows_and_columns(Path(upload.name)) or (account["head"] and list(account["head"][0]) == [LABEL, VECTOR]):
        return []
    return Account.from_dict(dict(account)).columns


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
            told = entry["account"]["notes"] if entry["account"] else []  # is shown with the file
            for note in entry["notes"]:
                if note not in told:
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
