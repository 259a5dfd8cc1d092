"""The parts of the page for uploaded files before anything is found: uploads, choices, and what was read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from adrec.data.readers import ROWS
from adrec.embeddings import orders
from adrec.embeddings.files import PADDINGS, SUFFIXES, rows_and_columns
from adrec.reading.account import Account
from adrec.reading.opened import PACKED
from adrec.reading.roles import ROLES
from adrec.reading.vectors import LABEL, VECTOR
from app import own_data, reading_view, ui
from app.own_data import Choices, Question, Upload
from app.serving import limits, modes
from app.texts import say, texts

TABLE_TYPES = [s[1:] for s in SUFFIXES]
INTERACTION_TYPES = [s[1:] for s in (*ROWS, *PACKED, ".pkl")]
ITEM_TYPES = [s[1:] for s in (*ROWS, ".item", *PACKED)]
TABLE_ROLES = ("item", "title")
PADDING_WORDS = {
    "auto": "Left out if the file says so or it is all zeros",
    "first": "Not an item: leave it out",
    "none": "An item: keep it",
}
SIDES = {"": "The rows, as usual", "no": "The rows, surely", "yes": "The columns"}
FILTERS = "own.filters"
"""The field with more options of the interactions."""
STACKED = 3
"""More tables than these are told of in tabs."""
ANSWERS = "own.answers"
"""Answers to questions about how tables are joined, until the widgets that hold them are drawn."""
ANSWERED = "own.answered"
"""The options that were answered for the tables there are."""


def uploads(example: bool) -> tuple[list[Upload], dict[str, Upload | None], Choices]:
    """The files and choices so far; the table comes first, the rest is optional. example: whether an example is shown in their place."""
    for option, value in st.session_state.pop(ANSWERS, {}).items():
        st.session_state[f"own.{option}"] = value
    complete = st.session_state.get("own.tables") and st.session_state.get("own.interactions")
    with st.expander(texts("own")["files"], expanded=not (example or complete)):
        found = _uploads()
        say(texts("own")["shared" if modes.public() else "privacy"].format(**vars(limits.limits())), small=True)
    return found


def answered(answers: Mapping[str, str]) -> None:
    """Keep answers to questions about the tables, and run the page again, which judges the tables with them."""
    if answers:
        st.session_state[ANSWERS] = dict(answers)
        st.session_state[ANSWERED] = {*st.session_state.get(ANSWERED, ()), *answers}
        st.rerun()


def _forget() -> None:
    """Answers about tables are no answers about others."""
    for option in st.session_state.pop(ANSWERED, ()):
        st.session_state[f"own.{option}"] = ""


def _uploads() -> tuple[list[Upload], dict[str, Upload | None], Choices]:
    left, right = st.columns(2, gap="large")
    tables = left.file_uploader(
        "Item tables",
        TABLE_TYPES,
        accept_multiple_files=True,
        key="own.tables",
        on_change=_forget,
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
        chosen = st.session_state.get("own.order", "")
        order = columns[1].selectbox(
            "Order of rows without ids",
            ["", *orders.WORDS, *([] if chosen in ("", *orders.WORDS) else [chosen])],
            format_func=_order_words,
            key="own.order",
            disabled=files["interactions"] is None,
            help="Which row is which item, where the table has no ids. One of those tried is used if it alone fits.",
        )
        filters = reading_view.filters(FILTERS, columns[1])
        side = columns[0].selectbox("The items are", SIDES, format_func=SIDES.__getitem__, key="own.transpose")
    uploaded = [Upload.of(f) for f in tables or []]
    others = {kind: None if file is None else Upload.of(file) for kind, file in files.items()}
    return uploaded, others, Choices(padding, order or None, {"yes": True, "no": False}.get(side), tuple(filters.items()))


def _order_words(order: str) -> str:
    """An order of ``--order`` for people: with the row of the first item, if it says so."""
    name, _, row = order.partition(":")
    words = orders.WORDS.get(orders.basic(name), name).capitalize()
    return "Not known: each is tried" if not order else f"{words}, from row {row}" if row else words


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
    if answer and question.doubt["option"] == "transpose":
        answered(answer)
    elif answer:
        reading_view.settle(key, {**reading_view.chosen(key), **answer})


def read(tables: Sequence[Upload], others: Mapping[str, Upload | None], accounts: Mapping[str, Any]) -> None:
    """What was read of each file, and the columns to change: tables on the left, interactions on the right, as they are uploaded."""
    left, right = st.columns(2, gap="small")
    initial, interactions = others.get("initial"), others.get("interactions")
    shown = [table for table in (*tables, *([initial] if initial else [])) if _known(table, accounts)]
    places = left.tabs([ui.plain(table.name) for table in shown]) if len(shown) > STACKED else [left] * len(shown)
    for place, table in zip(places, shown, strict=False):
        with place:
            _file(table, accounts.get(table.identity), TABLE_ROLES, "--table-option")
    if interactions is not None and _known(interactions, accounts):
        with right:
            _file(interactions, accounts.get(interactions.identity), ROLES, "--data-option")


def _known(upload: Upload, accounts: Mapping[str, Any]) -> bool:
    return upload.identity in accounts or bool(reading_view.chosen(_key(upload)))


def _file(upload: Upload, account: Mapping[str, Any] | None, roles: Sequence[str], flag: str) -> None:
    """One file in one line; pressed, its first rows, how it was read, and the columns to change.

    Without an account, because the file could not be read with the options that were chosen, they can be taken back.
    """
    key, name = _key(upload), ui.plain(upload.name)
    options = reading_view.chosen(key)
    read = None if account is None else Account.from_dict(dict(account))
    label = name if read is None else f"{name} · {reading_view.headline(read)}"
    with st.expander(label, expanded=bool(options), key=f"{key}.file", type="compact"):
        if read is not None:
            reading_view.first_rows(read.head, [use.column for use in read.uses])
            reading_view.told(read)
            st.session_state[f"{key}.columns"] = _columns(upload, read)
        columns = st.session_state.get(f"{key}.columns", [])
        if columns:
            needed = [role for role in reading_view.NEEDED if roles is ROLES]
            reading_view.settle(key, reading_view.roles(read or Account(upload.name, ""), columns, options, key, roles, needed))
        filters = reading_view.options(st.session_state.get(FILTERS, "")) if roles is ROLES else {}
        reading_view.as_options(filters | {option: value for option, value in options.items() if option != own_data.KEY}, flag)
        reading_view.start_over(key)
    if read is not None:
        reading_view.remarks(read)


def _columns(upload: Upload, read: Account) -> list[str]:
    """The columns that may be chosen: the first ones, those in use and those that are not. None in arrays and in labels with vectors."""
    if not rows_and_columns(Path(upload.name)) or (read.head and list(read.head[0]) == [LABEL, VECTOR]):
        return []
    return read.columns
