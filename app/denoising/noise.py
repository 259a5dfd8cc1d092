"""The noise weight λ as a dial: runs that were trained with another one and are the same otherwise, and what it does to all users."""

from typing import Any

import streamlit as st

from adrec.errors import AdrecError
from adrec.explain import words
from adrec.explain.all_users import cached_all_users
from adrec.runs import RunFolder
from app import loaders, state, ui

HELP = (
    "How loudly the noised token is added to the history in the denoiser's input. Each value is a model of its own, trained with it, so "
    "the run changes, and its map too; user, seed and step stay as they are."
)
KEY = "denoising.weight"


def dial(row: Any, run: RunFolder) -> None:
    """In ``row`` a choice among the runs' noise weights, if there is one to be made."""
    runs = alike(run)
    if len(runs) < 2:
        return
    st.session_state[KEY] = run.settings["noise_weight"]

    def turn() -> None:
        shown = st.session_state.get("state.user", state.get("user"))  # else another run would open with a user of its own
        state.put(run=loaders.link_name(runs[st.session_state[KEY]]), user=shown)

    of: dict[str, Any] = {"format_func": "{:g}".format, "required": True, "help": HELP, "key": KEY, "on_change": turn}
    row.segmented_control("Trained with noise weight λ", list(runs), **of)


def alike(run: RunFolder) -> dict[float, RunFolder]:
    """By noise weight, smallest first, the runs that differ from ``run`` in nothing else: data, settings and seed are the same."""
    settings = _settings(run)
    if "noise_weight" not in settings or "denoise" not in run.abilities:
        return {}
    found = {settings["noise_weight"]: run}
    for other in loaders.all_runs():
        theirs = {} if loaders.is_bare(other) or "finetune" not in other.stages else _settings(other)
        both = settings.keys() & theirs.keys() - {"noise_weight"}  # what one of them does not record was the default then
        if "noise_weight" in theirs and all(settings[key] == theirs[key] for key in both):
            found.setdefault(theirs["noise_weight"], other)
    return dict(sorted(found.items()))


def _settings(run: RunFolder) -> dict[str, Any]:
    """All that a run's answers depend on but chance; nothing of a run that can't be read."""
    try:
        return {**run.settings, "data": loaders.info(run).get("dataset", {}).get("hash")}
    except AdrecError:
        return {}


def effect(run: RunFolder) -> None:
    """What the noise weight does to all users, in words and as a table of the runs of the dial."""
    from app.denoising import charts

    reports = {weight: cached_all_users(other) for weight, other in alike(run).items()}
    measured = {weight: report for weight, report in reports.items() if report is not None}
    absent = [f"{weight:g}" for weight, report in reports.items() if report is None]
    if measured:
        st.markdown(words.describe_noise_weights(measured))
        number = st.column_config.NumberColumn
        columns: dict[str, Any] = {
            "weight": number("λ", format="%g"),
            "steps": number("Steps"),
            "hr": number("HR@20, %", format="%.2f"),
            "ndcg": number("NDCG@10, %", format="%.2f"),
            "items": number("Distinct items"),
            "commit": number("Commit step, mean", format="%.1f"),
            "common": number("Same items in the top 10 as after all steps", format="%.1f"),
        }
        table = charts.weights_table(measured)
        st.dataframe(table, hide_index=True, height="content", column_config=columns, key="denoising.weights.table")
        ui.download("Data (CSV)", table, "noise-weights", key="denoising.weights")
        st.caption(
            "One training for each λ, the same data, settings and first table; each number of steps is a reverse process of its own. "
            "Three seeds of each are compared in docs/RESULTS.md of the repository."
        )
    if absent:
        st.info(
            f"All users are not measured yet for λ = {', '.join(absent)}: turn the dial there and choose All users.", icon=":material/info:"
        )
