"""The noise weight λ: trainings that differ only in it, and its effect on all users."""

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from adrec.errors import AdrecError
from adrec.explain import words
from adrec.explain.all_users import cached_all_users
from adrec.runs import RunFolder
from app import loaders, state, ui
from app.loaders import LoadedRun

HELP = (
    "How strongly the noised token is added to the history in the denoiser's input. Each value is a separately trained model, so "
    "the run and its map change; user, seed and step stay the same."
)
KEY = "denoising.weight"
ONE = "One training per λ"
"""The label of the choice; with two panels, each has its letter before it."""


def trainings(row: Any, run: RunFolder, among: Mapping[float, RunFolder], other: RunFolder | None) -> None:
    """A choice among the runs' noise weights in ``row``, if there are several: one for each panel where the two differ only in it.

    among: ``alike`` of the run. other: the run of the second panel, if another run is shown there. Choosing the weight that the other
    panel has swaps the two.
    """
    runs = {weight: of for weight, of in among.items() if of.has_model("finetune")}
    if len(runs) < 2:
        return
    paired = differ_only_in_weight(run, other)
    shown = {"run": run, **({"against": other} if other is not None and paired else {})}

    def turn(panel: str) -> None:
        user = st.session_state.get("state.user", state.get("user"))  # otherwise the other run would open with its own default user
        now = {name: loaders.link_name(of) for name, of in shown.items()}
        chosen = loaders.link_name(runs[st.session_state[f"{KEY}.{panel}"]])
        swapped = {name: now[panel] for name in now if now[name] == chosen}
        state.put(**now | swapped | {panel: chosen}, user=user, **({"compare": "run"} if paired else {}))

    row = row.container(horizontal=True, width=358) if paired else row  # the two stay beside each other, on a phone too
    for panel, of in shown.items():
        key, label = f"{KEY}.{panel}", f"{'A' if panel == 'run' else 'B'}: {ONE.lower()}" if paired else ONE
        st.session_state[key] = _settings(of)["noise_weight"]
        more: dict[str, Any] = {"format_func": "λ = {:g}".format, "width": 171, "help": HELP, "on_change": turn, "args": (panel,)}
        row.selectbox(label, list(runs), key=key, **more)


def differ_only_in_weight(run: RunFolder, other: RunFolder | None) -> bool:
    """Whether two runs were trained alike but for another noise weight."""
    return other is not None and _alike(run, other) and _settings(run)["noise_weight"] != _settings(other)["noise_weight"]


def alike(run: LoadedRun, every: Iterable[LoadedRun]) -> dict[float, LoadedRun]:
    """Those of ``every`` run that differ from this one only in noise weight, by noise weight, smallest first: data, settings and seed are
    the same."""
    found: dict[float, LoadedRun] = {}
    for other in (run, *every):
        if _alike(run, other):
            found.setdefault(_settings(other)["noise_weight"], other)
    return dict(sorted(found.items()))


def _alike(run: RunFolder, other: RunFolder) -> bool:
    """Whether two runs were trained alike, whatever their noise weights."""
    ours, theirs = _settings(run), _settings(other)
    both = ours.keys() & theirs.keys() - {"noise_weight"}  # a setting missing from one of them had its default value
    return bool(both) and all(ours[key] == theirs[key] for key in both)


@loaders.once
@loaders.of_run(512)
def _settings(run: RunFolder) -> dict[str, Any]:
    """Everything but chance that a run's answers depend on; empty for one that has no noise weight, no answers yet or is unreadable."""
    try:
        if "finetune" not in run.stages or "denoise" not in run.abilities or "noise_weight" not in run.settings:
            return {}
        return {**run.settings, "data": run.info.get("dataset", {}).get("hash")}
    except AdrecError:
        return {}


def effect(runs: Mapping[float, RunFolder]) -> None:
    """The effect of the noise weight on all users, in words and as a table of these runs."""
    from app.denoising import charts

    reports = {weight: cached_all_users(other) for weight, other in runs.items()}
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
            "One training run for each λ, with the same data, settings and first table; each number of steps is a separate process. "
            "docs/RESULTS.md in the repository compares three seeds of each."
        )
    if absent:
        st.info(
            f"Not measured yet for λ = {', '.join(absent)}: choose that training, then All users.",
            icon=":material/info:",
        )
