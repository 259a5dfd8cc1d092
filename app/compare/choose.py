"""Which runs are on screen: by question, model and data, then one by one. The link holds the choice."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

import streamlit as st

from app import loaders, state, ui
from app.compare import facts, kept
from app.compare.facts import Group
from app.texts import texts

ANY = "any"
KEEP: dict[str, Callable[[Group], str]] = {
    "question": lambda group: group.first.question,
    "model": lambda group: group.first.model,
    "data": lambda group: group.first.data,
}
METRIC = "hr@10"


def metrics() -> list[str]:
    """The measures that a model may be judged by."""
    from adrec.evaluation import METRICS

    return [key for _, entry in METRICS.items() for key in entry.keys]


def runs(place: Any, every: Sequence[Group]) -> list[Group]:
    """The groups on screen, chosen in ``place``, best first; each has its place, by which it looks the same in every figure."""
    words = texts("compare")["choose"]
    named = _named(every)
    default = ANY if named else _default(every)
    shown = [group for group in every if group.key in named] if named else _filtered(every, default)
    label = words["shown"].format(count=len(shown), runs=sum(len(group.runs) for group in shown))
    with place.popover(label, icon=":material/checklist:", width="stretch"):
        st.caption(words["says"])
        for name, of in KEEP.items():
            _filter(name, of, every, default)
        options = {group.key: group for group in every}
        key = "compare.runs"
        st.session_state[key] = [group.key for group in shown]
        st.multiselect(
            words["models"], list(options), format_func=lambda name: _label(options[name]), key=key, on_change=_write, args=(key,)
        )
    metric = state.get("metric", METRIC)
    chosen = metric if metric in metrics() else METRIC
    best = sorted(shown, key=lambda group: -group.mean(chosen))
    if best:
        first = facts.leader(best).first
        best.sort(key=lambda group: not facts.comparable(group.first, first))  # those that can be compared with the best come first
    numbers = {group.key: number for number, group in enumerate(_striking(best))}
    return [replace(group, number=numbers[group.key]) for group in best]


def _striking(best: Sequence[Group]) -> list[Group]:
    """The order in which models get a look of their own: the leader, the baseline, the best of every verdict, then the best."""
    if not best:
        return []
    first = {facts.leader(best).key, state.get("baseline")}
    seen: set[str] = set()
    for group in best:
        kinds = {one.kind for one in kept.judgments(group)}
        first |= {group.key} if kinds - seen else set()
        seen |= kinds
    return sorted(best, key=lambda group: group.key not in first)


def _default(every: Sequence[Group]) -> str:
    """The question whose models are shown if the link names none: that of the run that comes along, or else of the first there is."""
    wanted = state.get("run")
    along = next((group for group in every if wanted in [each.name for each in group.facts]), None)
    return (along or next(iter(every))).first.question


def _filtered(every: Sequence[Group], question: str) -> list[Group]:
    """Those that fit the link's choices; what it names in vain counts as not chosen."""
    chosen = {}
    for name, of in KEEP.items():
        wanted = state.get(name)
        chosen[name] = wanted if wanted in {ANY, *map(of, every)} else question if name == "question" else ANY
    return [group for group in every if all(chosen[name] in (ANY, of(group)) for name, of in KEEP.items())]


def _filter(name: str, of: Callable[[Group], str], every: Sequence[Group], question: str) -> None:
    words = texts("compare")["choose"]
    counts: dict[str, int] = {}
    for group in every:
        counts[of(group)] = counts.get(of(group), 0) + 1
    options = [ANY, *counts]

    def written(value: str) -> str:
        if value == ANY:
            return str(words["any"][name])
        return f"{facts.model_title(value) if name == 'model' else value} ({counts[value]})"

    bound = state.bound(name, question if name == "question" else ANY, options)
    change = bound.pop("on_change")

    def changed() -> None:
        change()
        state.put(runs=None)

    st.selectbox(words[name], options, format_func=written, on_change=changed, **bound)


def _label(group: Group) -> str:
    seeds = f" · {len(group.runs)} seeds" if len(group.runs) > 1 else ""
    return f"{group.name} · {group.first.data}{seeds}"


def _write(key: str) -> None:
    state.put(runs=joined(st.session_state.get(key, ())) or None)


def joined(names: Iterable[str]) -> str:
    """Names of runs as one text for a link."""
    return ",".join(quote(name, safe=" ()") for name in names)


def _named(every: Sequence[Group]) -> set[str]:
    """The keys of the groups that the link names, by any of their runs; what it names in vain is told."""
    given = [unquote(name) for name in str(state.get("runs", "")).split(",") if name]
    of = {each.name: group.key for group in every for each in group.facts}
    lost = [name for name in given if name not in of]
    if lost:
        ui.warn(texts("compare")["choose"]["lost"].format(names=", ".join(lost[:5])))
    return {of[name] for name in given if name in of}


def judged_by(row: Any, shown: Sequence[Group]) -> tuple[str, Group]:
    """The metric and the baseline, chosen in ``row``."""
    words, known = texts("compare")["choose"], metrics()
    named: dict[str, Any] = {"format_func": str.upper, "width": 150, "help": words["metricHelp"]}
    metric = row.selectbox(words["metric"], known, **named, **state.bound("metric", METRIC, known))
    keys = {group.key: group for group in shown}
    usual = facts.leader(shown).key
    bound = state.bound("baseline", usual, list(keys))
    chosen = row.selectbox(
        words["baseline"],
        keys,
        format_func=lambda key: keys[key].name + words["best"] * (key == usual),
        help=words["baselineHelp"],
        **bound,
    )
    return metric, keys[chosen]


def left_out(rest: Sequence[loaders.LoadedRun]) -> None:
    """Which runs are not offered, and why."""
    if rest:
        names = ", ".join(ui.plain(run.name) for run in rest[:5]) + (f" and {len(rest) - 5} more" if len(rest) > 5 else "")
        st.caption(texts("compare")["choose"]["rest"].format(count=len(rest), names=names))
