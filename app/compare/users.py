"""Who is helped and who is hurt by one model instead of another; a press opens a user on Denoising with both."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from app import loaders, state, ui
from app.compare import facts, kept
from app.compare.facts import Group
from app.compare.table import signed
from app.loaders import LoadedRun
from app.texts import texts

if TYPE_CHECKING:
    from adrec.experiments.helped import Part

LISTED = 8


def show(shown: Sequence[Group], baseline: Group, metric: str) -> None:
    """The two models, what changes for whom, and the users for whom it changes most."""
    words = texts("compare")["users"]
    pair = _pair(shown, baseline)
    if pair is None:
        st.info(words["pick"], icon=":material/info:")
        return
    one, other = pair
    found = facts.differences(one.runs, other.runs, metric)
    if found is None:
        st.info(words["noRanks"], icon=":material/info:")
        return
    of = kept.users(one.runs[0])
    if of is None or len(of.users) != len(found):
        st.info(words["noData"].format(data=ui.plain(one.first.data)), icon=":material/info:")
        return
    parts = _parts(one.runs, other.runs, metric)
    names = {"one": facts.plain(one), "other": facts.plain(other), "metric": metric.upper(), "users": f"{len(found):,}"}
    won, lost = int((found > 0).sum()), int((found < 0).sum())
    kind = "saysMetric" if not metric.startswith("hr@") else "says" if len(one.seeds) == len(other.seeds) == 1 else "saysSeeds"
    said = words[kind].format(**names, won=f"{won:,}", lost=f"{lost:,}", same=f"{len(found) - won - lost:,}")
    st.markdown(f"{said} {_most(parts, float(found.mean()))}")
    left, right = st.columns([3, 2], gap="large")
    with left:
        _figure(parts, float(found.mean()), metric)
    with right:
        _people(one, other, metric)


def _pair(shown: Sequence[Group], baseline: Group) -> tuple[Group, Group] | None:
    """The two models, chosen from those on screen; by default the baseline and the next best."""
    words = texts("compare")["users"]
    keys = {group.key: group for group in shown if facts.comparable(group.first, baseline.first)}
    if len(keys) < 2:
        return None
    row = st.container(horizontal=True, vertical_alignment="bottom")
    named: dict[str, Any] = {"format_func": lambda key: keys[key].name}
    one = row.selectbox(words["one"], keys, **named, **state.bound("one", next(key for key in keys if key != baseline.key), list(keys)))
    others = [key for key in keys if key != one]
    usual = baseline.key if baseline.key in others else others[0]
    other = row.selectbox(words["other"], others, **named, **state.bound("other", usual, others))
    return keys[one], keys[other]


@loaders.of_run(64)
def _parts(one: tuple[LoadedRun, ...], other: tuple[LoadedRun, ...], metric: str) -> "list[Part]":
    from adrec.experiments.helped import parts

    of, found = kept.users(one[0]), facts.differences(one, other, metric)
    return [] if of is None or found is None else parts(of, found)


def _most(parts: "Sequence[Part]", overall: float) -> str:
    """The group that stands out most from the mean, if any does."""
    words = texts("compare")["users"]
    apart = [part for part in parts if part.low < part.high and not part.low <= overall <= part.high]
    if not apart:
        return str(words["even"].format(all=len(parts)))
    part = max(apart, key=lambda part: abs(part.difference - overall) / (part.high - part.low))
    of = {"count": len(apart), "all": len(parts), "chance": f"{max(1, round(0.05 * len(parts)))}", "users": f"{part.users:,}"}
    of["difference"] = signed(100 * part.difference, 1)
    return str(words["most"].format(**of, name=f"*{ui.plain(part.by.lower())}: {ui.plain(part.name)}*"))


def _figure(parts: "Sequence[Part]", overall: float, metric: str) -> None:
    from app.compare import charts

    words = texts("compare")["users"]
    columns = ("by", "name", "users", "difference", "low", "high")
    frame = pd.DataFrame([{name: getattr(part, name) for name in columns} for part in parts], columns=columns)
    figure = charts.differences(parts, overall, words["axis"].format(metric=metric.upper()))
    ui.figure(figure, frame, "who-is-helped", words["alt"], key="compare.users")
    st.caption(words["figure"])


def _people(one: Group, other: Group, metric: str) -> None:
    """The users for whom most changes, each a press away from Denoising."""
    words = texts("compare")["users"]
    sides = _sides(one, other)
    if not sides:
        why = words["bare" if one.first.denoises or other.first.denoises else "noProcess"]
        st.caption(words["openNone"].format(why=why))
    else:
        st.caption(words["open"] if len(sides) > 1 else words["openOne"].format(name=facts.plain(sides[0][0])))
    first, second = _same_seed(one, other)
    before, after = facts.ranks(second), facts.ranks(first)
    of, title = kept.users(first), loaders.title(first)
    if before is None or after is None or of is None:
        return
    moved = np.log(before) - np.log(after)
    order = np.argsort(-moved, kind="stable")
    for name, rows in (("helped", order[:LISTED]), ("hurt", order[::-1][:LISTED])):
        st.markdown(f"**{words[name]}**")
        rows = rows[moved[rows] > 0] if name == "helped" else rows[moved[rows] < 0]
        for row in rows.tolist():
            user = str(of.data.user_ids[of.users[row]])
            of_words = {"user": ui.plain(user), "before": f"{before[row]:,}", "after": f"{after[row]:,}"}
            label = words["user"].format(**of_words, title=ui.plain(facts.short(title(int(of.targets[row])), 40)))
            if not sides:
                st.caption(label)
            else:
                link = _link(user, [run for _, run in sides])
                st.page_link(loaders.ROOT / "pages" / "denoising.py", label=label, icon=":material/blur_on:", query_params=link)
        if not len(rows):
            st.caption(words["nobody"])


def _same_seed(one: Group, other: Group) -> tuple[LoadedRun, LoadedRun]:
    """A run of each, of a seed that both have, if there is one."""
    seed = next((each.seed for each in one.facts if each.seed in other.seeds), None)
    pick = [next((run for run, f in zip(g.runs, g.facts, strict=True) if f.seed == seed), g.runs[0]) for g in (one, other)]
    return pick[0], pick[1]


def _sides(one: Group, other: Group) -> list[tuple[Group, LoadedRun]]:
    """Those of the two that Denoising can show."""
    runs = zip((one, other), _same_seed(one, other), strict=True)
    return [(group, run) for group, run in runs if (own := facts.facts(run)) is not None and own.denoises and own.whole]


def _link(user: str, runs: Sequence[LoadedRun]) -> dict[str, str]:
    """Denoising for a user, with both models side by side if both can be shown."""
    names = [loaders.link_name(run) for run in runs]
    second = {"compare": "run", "against": names[1]} if len(names) > 1 else {}
    return state.link(run=names[0], view="user", user=user, **second)
