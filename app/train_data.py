"""The data of a new run on the Train page: chosen and, if they are a person's own, read before anything is trained on them."""

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from adrec.data import card, catalog, timeline
from adrec.data.named import DATASETS
from adrec.data.options import BY_TIME, LEAVE_ONE_OUT
from adrec.data.worker import ANSWER, REQUEST
from adrec.errors import DataError
from adrec.files import read_json, write_json
from adrec.parallel.limited import OverLimit, run_worker
from adrec.reading.account import Account
from app import charts, reading_view, reruns, state, ui
from app.texts import texts

WORDS = texts("train")["data"]
OWN = WORDS["own"]
BESIDE = (0.8, 0.1, 0.1)
"""The split by global time that is drawn beside leave-one-out, and offered."""
OFFERED = BY_TIME + ",".join(map(str, BESIDE))
MEMORY, SECONDS = 8 * 2**30, 600.0
"""Limits for reading a person's data on this page: bytes of memory, and seconds. A training has none."""


@dataclass(frozen=True)
class Data:
    """The chosen data: a data set's name or an absolute path (empty for none yet), and the options to read them with.

    missing: what is still to be done before a training may start, as a key of the page's texts; empty if nothing is.
    """

    source: str
    options: dict[str, str] = field(default_factory=dict)
    missing: str = ""

    @property
    def ready(self) -> bool:
        return not self.missing

    def arguments(self) -> list[str]:
        """The data as arguments of ``adrec train``."""
        return [f"--dataset={self.source}", *(f"--data-option={option}={value}" for option, value in self.options.items())]


def choose() -> Data:
    """A named data set, or a path on this machine, which is read and shown."""
    kept = state.get("file", "")
    if kept and "train.data" not in st.session_state:
        st.session_state["train.data"], st.session_state["train.path"] = OWN, kept
    choice = st.selectbox("Data", [*DATASETS, OWN], key="train.data")
    if choice == OWN:
        typed = st.text_input(WORDS["path"], key="train.path", placeholder="/data/ratings.csv").strip()
        state.put(file=typed or None, **({} if typed == kept else {"options": None}))  # answers are about one file
        st.caption(WORDS["formats"])
        return _own(_absolute(typed))
    state.put(file=None, options=None)
    chosen = DATASETS[choice]
    st.caption(ui.plain(f"{chosen.title}. {chosen.description} Source: {chosen.source}."))
    split = _split(f"train.split.{choice}") if "split" in chosen.options else None
    if st.button("Describe the data", type="tertiary", icon=":material/info:", key="train.describe"):
        with ui.guard(), st.spinner(WORDS["reading"]):
            _card(describe(choice, split), choice)
    return Data(choice, {} if split is None else {"split": split})


def _split(key: str, **changing: Any) -> str | None:
    """The split as an option's value: None for leave-one-out."""
    offered = list(dict.fromkeys([None, OFFERED, st.session_state.get(key)]))
    chosen: str | None = st.selectbox(WORDS["split"], offered, format_func=_called, key=key, help=WORDS["splitting"], **changing)
    return chosen


def _split_of(key: str, answers: dict[str, str]) -> None:
    """The split among the answers about a person's file."""
    place = f"{key}.split"
    st.session_state[place] = answers.get("split")

    def change() -> None:
        split, others = st.session_state[place], {option: value for option, value in answers.items() if option != "split"}
        reading_view.keep(key, others | ({} if split is None else {"split": split}))

    _split(place, on_change=change)


def _called(split: str | None) -> str:
    """A split in words."""
    return str(WORDS["splits"]["leave_one_out"] if split is None else WORDS["splits"]["time"].format(shares=split.partition(":")[2]))


@st.cache_data(show_spinner=False, max_entries=16, ttl=600)
def describe(name: str, split: str | None = None) -> dict[str, Any]:
    """The card of a named data set, as ``python -m adrec data describe`` gives it."""
    return card.card(catalog.load(name, **({} if split is None else {"split": split})))


def _card(found: dict[str, Any], key: str) -> None:
    """What a data set is like, a sentence a line, and when its parts happened."""
    reading_view.listed(card.sentences(found))
    if found["times"] is None:
        return
    counts = found["times"]["counts"]
    own = WORDS["by_time"] if found["split"] != LEAVE_ONE_OUT else WORDS["leave_one_out"]
    splits = {own: counts} | ({WORDS["beside"]: timeline.by_time(counts, BESIDE)} if found["split"] == LEAVE_ONE_OUT else {})
    rows = [(split, part, span, n) for split, of in splits.items() for part, ns in of.items() for span, n in enumerate(ns, 1)]
    frame = pd.DataFrame(rows, columns=["split", "part", "span of time", "interactions"])
    ui.figure(charts.timeline(splits, found["first"], found["last"]), frame, "timeline", WORDS["timeline"], f"train.timeline.{key}")
    st.caption(WORDS["timeline"])


def _absolute(data: str) -> str:
    """A path made absolute, since the training runs in another folder; a data set's name unchanged."""
    path = os.path.abspath(os.path.expanduser(data))
    return path if data and os.path.exists(path) else data


def _own(source: str) -> Data:
    """What was read from a path, with the choices about it."""
    if not source or catalog.named(source) is not None or not os.path.exists(source):
        return Data(source, missing="" if source else "source")  # a path without a file is refused when a training is to start
    changed = _changed(Path(source))
    key = f"train.read.{source}.{changed}"
    read, below = st.container(), st.container()
    try:
        reading_view.begin(key, reading_view.options(state.get("options", "")))
        answers = reading_view.chosen(key)
        options = reading_view.filters(f"{key}.filters", below) | answers
    except DataError as error:
        st.error(ui.plain(str(error)), icon=":material/error:")
        return Data(source, missing="readable")
    state.put(options=",".join(f"{option}={value}" for option, value in options.items()) or None)
    with read, st.spinner(WORDS["reading"], show_time=True):
        found = _read(source, changed, tuple(options.items()))
    with read:
        missing = _shown(found, source, key, answers)
    reading_view.as_options(options)
    reading_view.start_over(key)
    return Data(source, options, missing)


def _shown(found: dict[str, Any], source: str, key: str, answers: dict[str, str]) -> str:
    """Show the worker's answer, with the columns to change; what is still to be done, or nothing."""
    name, missing = Path(source).name, ""
    if "unread" in found:
        st.warning(ui.plain(found["unread"]), icon=":material/warning:")
        return missing
    if "question" in found:
        asked = found["question"]
        answer = reading_view.question({**asked, "problem": asked["problem"].replace(source, name)}, key)
        if answer is not None:
            reading_view.settle(key, answers | answer)
        return "answer"
    if "account" in found:
        read = Account.from_dict(found["account"])
        reading_view.account(read)
        with st.expander(WORDS["card"]):
            _card(found["card"], key)
    else:
        read, missing = Account(source, ""), "readable"
        st.error(ui.plain(found["error"].replace(source, name)), icon=":material/error:")
        reading_view.first_rows(found["head"])
    if "split" in answers or found.get("card", {}).get("times") is not None:
        _split_of(key, answers)
    if found["columns"]:
        reading_view.settle(key, reading_view.roles(read, found["columns"], answers, key))
    return missing


def _changed(path: Path) -> int:
    """When a file, or the newest file of a folder, was last changed, in nanoseconds; 0 if that cannot be told."""
    try:
        return max(p.stat().st_mtime_ns for p in ([path, *path.iterdir()] if path.is_dir() else [path]))
    except OSError:
        return 0  # reading says what is wrong


@st.cache_data(show_spinner=False, max_entries=16)
def _read(source: str, changed: int, options: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """The worker's answer on these data as they were at ``changed``; ``{"unread"}``, a sentence, where reading takes too much."""
    with tempfile.TemporaryDirectory(prefix="adrec-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        write_json(folder / REQUEST, {"source": source, "options": dict(options)})
        try:
            run_worker("adrec.data.worker", folder, memory=MEMORY, seconds=SECONDS, on_poll=reruns.stop_if_superseded)
        except OverLimit as error:
            return {"unread": WORDS["unread"].format(path=f"'{source}'", why=error)}
        return read_json(folder / ANSWER)
