"""Examples for the page of uploaded files, so that it shows a verdict before anybody uploads: bundled tables, sent the way of an upload."""

import io

import numpy as np
import pandas as pd
import streamlit as st

from adrec.collapse.kinds import KIND_WORDS
from adrec.lesson.models import RUNS
from adrec.runs import RunFolder
from app import loaders, state
from app.collapse.headline import kept
from app.own_data import Upload
from app.texts import texts

EXAMPLES = {"narrow": False, "noise": True, "healthy": True}
"""The parts of the bundled runs whose last tables are shown, and whether their interactions and starts come with them."""


def source(part: str) -> RunFolder | None:
    """The run of an example, if it is bundled and its interactions are at hand where they are wanted."""
    run = loaders.bundled(RUNS[part])
    return run if run is not None and (not EXAMPLES[part] or loaders.dataset(run)[0] is not None) else None


def shown() -> bool:
    """Whether an example is on the page: it is asked for, and nobody has uploaded a table."""
    return state.get("example") in EXAMPLES and not st.session_state.get("own.tables")


def offer() -> tuple[list[Upload], dict[str, Upload | None]]:
    """Buttons that load an example; the one in the URL as uploads, or nothing."""
    words, chosen = texts("own"), state.get("example")
    buttons = st.empty()  # they go at once, where a container's would stay until everything is measured
    if chosen in EXAMPLES:
        st.button(words["clear"], type="tertiary", icon=":material/close:", on_click=_load, args=(None,), key="own.example.clear")
    found = {part: source(part) for part in EXAMPLES}
    run = found.get(chosen)
    if run is not None:
        verdict = (kept(run) or {}).get(run.stages[-1])
        known = words["kept"].format(verdict=KIND_WORDS[verdict["kind"]][0]) if verdict else ""
        st.info(f"{words['examples'][chosen]['says']} {known}", icon=":material/science:")
        return _uploads(chosen, run)
    place = buttons.container()
    place.markdown(words["offer"])
    row = place.container(horizontal=True)
    for key, one in found.items():
        if one is not None:
            label = words["examples"][key]["label"]
            row.button(label, icon=":material/science:", on_click=_load, args=(key,), key=f"own.example.{key}")
    return [], {}


def _load(key: str | None) -> None:
    state.put(example=key)


def _uploads(key: str, run: RunFolder) -> tuple[list[Upload], dict[str, Upload | None]]:
    table = _upload(run, key, run.stages[-1], texts("own")["examples"][key]["file"])
    if not EXAMPLES[key]:
        return [table], {}
    others: dict[str, Upload | None] = {
        "interactions": Upload("interactions.csv", f"example {key} interactions", io.BytesIO(_interactions(run)), True)
    }
    if "initial" in run.table_names():
        others["initial"] = _upload(run, key, "initial", "before_training.npy")
    return [table], others


def _upload(run: RunFolder, key: str, table: str, name: str) -> Upload:
    """A table of the run as a file."""
    stream = io.BytesIO()
    np.save(stream, run.table(table))
    return Upload(name, f"example {key} {table}", stream, True)


@loaders.of_run(2)
def _interactions(run: RunFolder) -> bytes:
    """The run's users with their items as row numbers from 0, in the order of time."""
    users, _ = loaders.dataset(run)
    assert users is not None
    lengths = users.known("test") + (users.test > 0)
    columns = {"user": np.repeat(np.arange(users.n_users), lengths), "item": users.interactions - 1}
    frame = pd.DataFrame({**columns, "time": np.concatenate([np.arange(length) for length in lengths])})
    return frame.to_csv(index=False).encode()
