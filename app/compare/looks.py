"""A closer look below the table: cost, training, lists, item tables. One at a time is computed."""

import html
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from adrec.collapse.definitions import MEASURES
from adrec.runs import curves
from adrec.runs.groups import START
from app import loaders, state, ui
from app.collapse import spectra_data, view
from app.compare import answer, facts, kept, users
from app.compare.facts import Group
from app.loaders import LoadedRun
from app.texts import say, texts


def _look(group: Group) -> Any:
    from app.compare.charts import look

    return look(facts.short(group.name), group.number)


def cost(shown: Sequence[Group], baseline: Group, metric: str) -> None:
    """Cost against quality, with the Pareto front."""
    from adrec.experiments.overlap import front
    from app.compare import charts

    words = texts("compare")["cost"]
    st.subheader(words["title"], anchor=False)
    axes = words["axes"]
    chosen = st.segmented_control(
        words["axis"],
        list(axes),
        format_func=axes.__getitem__,
        required=True,
        label_visibility="collapsed",
        **state.bound("cost", "user", list(axes)),
    )
    own = [group for group in shown if facts.comparable(group.first, baseline.first)]
    seconds = kept.seconds_a_user(own, baseline)[0] if chosen == "user" else {group.key: group.seconds for group in own}
    known = [(group, seconds[group.key]) for group in own if np.isfinite(seconds[group.key]) and seconds[group.key] > 0]
    if not known:
        return
    groups, costs = [group for group, _ in known], [1000 * s if chosen == "user" else s / 60 for _, s in known]
    quality = [100 * group.mean(metric) for group in groups]
    errors = [100 * (group.error(metric) if (spread := group.spread(metric)) is None else spread) for group in groups]
    best, broken = front(costs, quality), answer.collapsed(groups)
    titles = (words[chosen], f"{metric.upper()}, %")
    hollow = [group.key in broken for group in groups]
    figure = charts.cost([_look(group) for group in groups], costs, quality, errors, best, hollow, titles)
    columns = {"model": [g.name for g in groups], words[chosen]: costs, titles[1]: quality, "±": errors}
    frame = pd.DataFrame({**columns, "on the front": [i in best for i in range(len(groups))]})
    alt = words["alt"].format(metric=metric.upper(), names=", ".join(groups[i].name for i in best))
    ui.figure(figure, frame, "cost-and-quality", alt, key="compare.cost")
    given = chosen == "training" and any(group.first.recipe.get(START) == "given" for group in groups)
    notes = [words["front"], words["others"] if len(own) < len(shown) else "", words["given"] if given else ""]
    say(" ".join(filter(None, notes)), small=True)


def look(shown: Sequence[Group], baseline: Group, metric: str) -> None:
    """The choice and what is chosen."""
    words = texts("compare")["looks"]
    st.subheader(words["title"], anchor=False)
    options: dict[str, Callable[[], None]] = {
        "training": lambda: training(shown, baseline, metric),
        "users": lambda: users.show(shown, baseline, metric),
        "lists": lambda: lists(shown),
        "tables": lambda: tables(shown),
    }
    named: dict[str, Any] = {"format_func": words["options"].__getitem__, "required": True, "label_visibility": "collapsed"}
    options[st.segmented_control(words["title"], list(options), **named, **state.bound("look", "training", list(options)))]()


# -- training -----------------------------------------------------------------------------------------------------


@loaders.of_run(1024)
def _curve(run: LoadedRun) -> tuple[curves.Curve, int | None]:
    """The run's validations, and the position of the kept one."""
    events, epoch = facts.events_of(run), run.metrics(facts.STAGE).get("epoch")
    places = [(e["stage"], e["epoch"]) for e in events if e.get("kind") == "validation"]
    return curves.validations(events), places.index((facts.STAGE, epoch)) if (facts.STAGE, epoch) in places else None


def training(shown: Sequence[Group], baseline: Group, metric: str) -> None:
    """Every training's validations over one axis, on the baseline's data."""
    from app.compare import charts

    words = texts("compare")["training"]
    axes = words["axes"]
    axis = st.segmented_control(
        words["axis"], list(axes), format_func=axes.__getitem__, required=True, **state.bound("axis", "epochs", list(axes))
    )
    lines, rows = [], []
    own_data = [group for group in shown if facts.comparable(group.first, baseline.first)]
    for group in own_data:
        own = []
        for run in group.runs:
            found, best = _curve(run)
            at, values = getattr(found, axis), [100 * float(m.get(metric, np.nan)) for m in found.metrics]
            if at:
                own.append((at, values, best))
            rows += [{"model": group.name, "run": run.name, axis: a, f"{metric}, %": v} for a, v in zip(at, values, strict=True)]
        lines.append(own)
    if not rows:
        st.caption(words["nothing"])
        return
    figure = charts.curves([_look(group) for group in own_data], lines, (axes[axis].lower(), words["metric"].format(metric=metric.upper())))
    alt = words["alt"].format(count=sum(len(group.runs) for group in own_data), axis=axes[axis].lower())
    ui.figure(figure, pd.DataFrame(rows), f"training-over-{axis}", alt, key="compare.training")
    st.caption(words["says"] + (f" {texts('compare')['cost']['others']}" if len(own_data) < len(shown) else ""))


# -- lists --------------------------------------------------------------------------------------------------------


def lists(shown: Sequence[Group]) -> None:
    """How alike the models' lists are, and how much of the catalogue they use."""
    words = texts("compare")["lists"]
    known = [(group, own) for group in shown if (own := [run for run in group.runs if kept.lists(run) is not None])]
    if known:
        content = known[0][0].first.data_hash
        known = [(group, own) for group, own in known if group.first.data_hash == content]
    if not known:
        st.info(words["waiting"], icon=":material/info:")
        return
    left, right = st.columns(2, gap="large")
    with left:
        _agreement(known)
    with right:
        _coverage(known)
    there = {group.key for group, _ in known}
    missing = [group for group in shown if group.key not in there]
    if missing:
        st.caption(words["left"].format(names=", ".join(facts.plain(group) for group in missing)))


@loaders.of_run(4096, shared=False)
def _shared(one: LoadedRun, other: LoadedRun) -> float:
    """How many of ten items two runs share; NaN if they ranked other users."""
    from adrec.experiments.overlap import agreement

    own, others = kept.lists(one), kept.lists(other)
    return agreement(own, others) if own is not None and others is not None and len(own.items) == len(others.items) else float("nan")


def _agreement(known: Sequence[tuple[Group, list[LoadedRun]]]) -> None:
    from app.compare import charts

    words = texts("compare")["lists"]
    st.markdown(f"**{words['agreement']}**")
    shared = np.full((len(known), len(known)), np.nan)
    for i, (_, own) in enumerate(known):
        if len(own) > 1:
            shared[i, i] = _shared(own[0], own[1])
        for j in range(i):
            shared[i, j] = shared[j, i] = _shared(own[0], known[j][1][0])
    names = [group.name for group, _ in known]
    frame = pd.DataFrame(shared, index=names, columns=names).reset_index(names="model")
    ui.figure(
        charts.agreement(names, shared), frame, "list-agreement", words["agreementAlt"].format(count=len(names)), key="compare.agreement"
    )
    st.caption(words["agreementSays"])


def _coverage(known: Sequence[tuple[Group, list[LoadedRun]]]) -> None:
    from adrec.experiments.overlap import coverage, used
    from app.compare import charts

    words = texts("compare")["lists"]
    st.markdown(f"**{words['coverage']}**")
    items = int(known[0][1][0].settings["n_items"])
    lines = [coverage(used(found, items)) for _, own in known if (found := kept.lists(own[0])) is not None]
    counts = loaders.items(known[0][1][0]).get("popularity")
    took = None if counts is None else coverage(counts.to_numpy())
    titles = (words["coverageAxis"], words["coverageShare"])
    figure = charts.coverage([_look(group) for group, _ in known], lines, took, titles, words["took"])
    names = {group.name: values for (group, _), values in zip(known, lines, strict=True)} | ({} if took is None else {words["took"]: took})
    frame = pd.DataFrame({"items": np.arange(items + 1), **names})
    ui.figure(figure, frame, "catalogue-use", words["coverageAlt"].format(count=len(known)), key="compare.coverage")
    several = any(len(own) > 1 for _, own in known)
    say(words["coverageSays"] + (f" {words['seeds']}" if several else ""), small=True)


# -- item tables --------------------------------------------------------------------------------------------------


@loaders.of_run(64, spinner="Decomposing the item tables")
def _spectrum(run: LoadedRun) -> np.ndarray:
    from adrec.collapse.spectra import spectrum

    return spectrum(run.table(facts.STAGE), "centred")


@loaders.of_run(64, spinner="Measuring the item tables")
def _measures(run: LoadedRun) -> dict[str, float]:
    from adrec.collapse.measures import measures

    return measures(run.table(facts.STAGE))


def tables(shown: Sequence[Group]) -> None:
    """The final tables' spectra over the band of noise, and their measures side by side."""
    from app.compare import charts

    words = texts("compare")["tables"]
    having = [group for group in shown if facts.STAGE in group.runs[0].table_names()]
    drawn = [group for group in having if group.marked] or having[:1]
    if not drawn:
        st.info(words["nothing"], icon=":material/info:")
        return
    shapes = [group.runs[0].table_shapes()[facts.STAGE] for group in drawn]
    values = [_spectrum(group.runs[0]) for group in drawn]
    band = spectra_data.noise_band(*shapes[0], "centred")
    figure = charts.spectra([_look(group) for group in drawn], values, band)
    size = max(len(v) for v in values)
    columns = {group.name: np.pad(v, (0, size - len(v)), constant_values=np.nan) for group, v in zip(drawn, values, strict=True)}
    frame = pd.DataFrame({"direction": np.arange(1, size + 1), **columns})
    ui.figure(figure, frame, "spectra", words["alt"].format(count=len(drawn)), key="compare.spectra")
    st.caption(words["says"] + (f" {words['widths']}" if len(set(shapes)) > 1 else ""))
    st.markdown(f"**{words['measures']}**")
    heads = [f"<span style='color:{group.color}'>{group.glyph}</span> {html.escape(facts.short(group.name))}" for group in drawn]
    found = dict(zip((group.name for group in drawn), [_measures(group.runs[0]) for group in drawn], strict=True))
    view.table(heads, list(found.values()), MEASURES)
    ui.download(
        "Data (CSV)", pd.DataFrame({"measure": list(MEASURES), **{n: [v[k] for k in MEASURES] for n, v in found.items()}}), "table-measures"
    )
    st.caption(words["first"])
