"""The table: one line a model, with spread, comparison with a baseline, cost, and what became of the item table."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from adrec.collapse.kinds import KIND_WORDS, KINDS
from adrec.pictures.verdicts import SIGNS
from adrec.runs import groups
from app import progress, state, ui
from app.compare import facts, kept
from app.compare.facts import Group
from app.components.comparison import comparison
from app.texts import texts

if TYPE_CHECKING:
    from adrec.experiments.statistics import Comparison

Cell = dict[str, Any]
"""``value``, by which a column is sorted, ``text``, and a smaller ``note``."""
VIEWS = ("short", "ranking", "lists", "whom")
EMPTY: Cell = {"value": None, "text": "–", "note": ""}
MARKS = {"higher": "▲", "lower": "▼", "no difference found": "="}


def show(shown: Sequence[Group], baseline: Group, metric: str, tests: "Mapping[str, Comparison]") -> None:
    """The table, what its marks mean, and its data."""
    words = texts("compare")["table"]
    row = st.container(horizontal=True, vertical_alignment="bottom")
    named: dict[str, Any] = {"format_func": words["views"].__getitem__, "required": True}
    view = row.segmented_control(words["view"], VIEWS, **named, **state.bound("columns", "short", VIEWS))
    columns = _columns(view, shown, baseline, metric, tests)
    rows = [
        {
            "key": group.key,
            "name": group.name,
            "glyph": group.glyph,
            "color": group.color,
            "about": about(group, baseline),
            "baseline": group.key == baseline.key,
            "cells": {column["key"]: cells[i] for column, cells in columns},
        }
        for i, group in enumerate(shown)
    ]
    head = [column for column, _ in columns]
    sort = str(state.get("sort", ""))
    comparison(
        {"columns": head, "rows": rows, "sort": sort, "filter": str(state.get("filter", "")), "words": words["component"]}, state.put
    )
    if view == "lists" and all(cell["value"] is None for _, cells in columns for cell in cells):
        st.caption(words["noLists"])
    st.caption(_marks(shown, baseline, metric))
    ui.download(words["csv"], lambda: frame(shown, baseline, metric, tests), "comparison")


def about(group: Group, baseline: Group) -> str:
    """Data and seeds, and what its settings change of the baseline's."""
    seeds = f"{len(group.runs)} seeds" if len(group.runs) > 1 else f"seed {group.first.seed}"
    parts = [facts.model_title(group.first.model), *([group.first.data] if group.first.data != baseline.first.data else []), seeds]
    changed = {} if group.key == baseline.key else groups.differences(baseline.first.recipe, group.first.recipe)
    changed = {name: values for name, values in changed.items() if name not in ("model", groups.DATA, "n_items")}
    listed = [f"{name} {_value(values[1])}" for name, values in changed.items()]
    return " · ".join([*parts, *listed[:4], *(["…"] if len(listed) > 4 else [])])


def _value(value: Any) -> str:
    return (
        "–"
        if value is None
        else str(value).lower()
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


# -- columns ------------------------------------------------------------------------------------------------------

Column = tuple[dict[str, Any], list[Cell]]


def _columns(view: str, shown: Sequence[Group], baseline: Group, metric: str, tests: "Mapping[str, Comparison]") -> list[Column]:
    main = [_metric(shown, metric), _difference(shown, baseline, metric, tests)]
    if view == "ranking":
        from app.compare.choose import metrics

        return main + [_metric(shown, each) for each in metrics() if each != metric]
    if view in ("lists", "whom"):
        return main + _measured(shown, view)
    second = "ndcg@10" if metric != "ndcg@10" else "hr@10"
    return [*main, _metric(shown, second), _training(shown), _inference(shown, baseline), *_tables(shown)]


def _head(key: str, label: str, meaning: str, down: bool = True) -> dict[str, Any]:
    """down: whether the first press sorts from high to low."""
    return {"key": key, "label": label, "meaning": meaning, "down": down}


def _metric(shown: Sequence[Group], metric: str) -> Column:
    from adrec.evaluation import METRICS

    entry = next(entry for _, entry in METRICS.items() if metric in entry.keys)
    cells = []
    for group in shown:
        spread = group.spread(metric)
        note = f"± {100 * (group.error(metric) if spread is None else spread):.2f} {'users' if spread is None else 'seeds'}"
        cells.append({"value": group.mean(metric), "text": f"{100 * group.mean(metric):.2f}", "note": note})
    meaning = f"{entry.title}, in percent. {texts('compare')['table']['spread']}"
    return _head(metric, f"{metric.upper()}, %", meaning), cells


def _difference(shown: Sequence[Group], baseline: Group, metric: str, tests: "Mapping[str, Comparison]") -> Column:
    words = texts("compare")["table"]
    cells = []
    for group in shown:
        found = tests.get(group.key)
        if group.key == baseline.key:
            cells.append({"value": 0.0, "text": words["isBaseline"], "note": ""})
        elif found is None:
            cells.append({"value": None, "text": "–", "note": words[_reason(group.first, baseline.first)]})
        else:
            text = f"{signed(100 * found.difference)} {MARKS[found.says]}"
            note = f"{signed(100 * found.low)} to {signed(100 * found.high)} · {words['says'][found.says]}"
            cells.append({"value": found.difference, "text": text, "note": note})
    return _head("difference", words["difference"].format(baseline=facts.short(baseline.name, 24)), words["differenceMeaning"]), cells


def _reason(one: facts.Facts, baseline: facts.Facts) -> str:
    """Why two runs are not compared."""
    if facts.comparable(one, baseline):
        return "noRanks"
    return "otherData" if one.data != baseline.data else "otherSplit" if one.data_hash != baseline.data_hash else "otherRanking"


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign."""
    text = f"{value:+.{digits}f}"
    return text.replace("-", "−") if float(text) else f"{0:.{digits}f}"


def _training(shown: Sequence[Group]) -> Column:
    words = texts("compare")["table"]
    cells = []
    for group in shown:
        given = group.first.recipe.get(groups.START) == "given"
        cells.append(
            {
                "value": group.seconds,
                "text": progress.duration(group.seconds) if group.seconds >= 1 else "< 1 s",
                "note": words["given"] if given else "",
            }
        )
    return _head("training", words["training"], words["trainingMeaning"], down=False), cells


def _inference(shown: Sequence[Group], baseline: Group) -> Column:
    words = texts("compare")["table"]
    found, alike = kept.seconds_a_user(shown, baseline)
    cells = [{"value": found[g.key], "text": milliseconds(found[g.key]), "note": ""} if np.isfinite(found[g.key]) else EMPTY for g in shown]
    return _head("user", words["user"], words["userMeasured" if alike else "userRecorded"], down=False), cells


def milliseconds(seconds: float) -> str:
    """Seconds a user as people say them."""
    if not np.isfinite(seconds):
        return "an unknown time"
    value = 1000 * seconds
    return f"{value:.3f} ms" if value < 0.1 else f"{value:.2f} ms" if value < 10 else f"{value:.0f} ms"


def _tables(shown: Sequence[Group]) -> list[Column]:
    words = texts("compare")["table"]
    kinds, ranks = [], []
    for group in shown:
        known = kept.judgments(group)
        has = any(facts.STAGE in run.table_names() for run in group.runs)
        if not known:
            kinds.append({**EMPTY, "note": words["unjudged" if has else "noTable"]})
            ranks.append(EMPTY)
            continue
        counts = Counter(one.kind for one in known)
        kind = counts.most_common(1)[0][0]
        note = "" if len(counts) == 1 else f"{counts[kind]} of {len(known)} seeds"
        note = note if len(known) == len(group.runs) else f"{len(known)} of {len(group.runs)} judged"
        kinds.append({"value": KINDS.index(kind), "text": f"{SIGNS[kind]} {KIND_WORDS[kind][0]}", "note": note})
        mean = float(np.mean([one.effective_rank for one in known]))
        ranks.append(
            {
                "value": mean,
                "text": f"{mean:.0f}",
                "note": "cosine " + f"{np.mean([one.mean_cosine for one in known]):.2f}".replace("-0.00", "0.00").replace("-", "−"),
            }
        )
    rank = _head("rank", words["rank"], words["rankMeaning"])
    return [(_head("table", words["table"], words["tableMeaning"]), kinds), (rank, ranks)]


def _measured(shown: Sequence[Group], view: str) -> list[Column]:
    from adrec.experiments.measures import all_measures
    from adrec.experiments.report import figure
    from adrec.experiments.tables import heading
    from adrec.experiments.tables import shown as written

    words = texts("compare")["table"]
    found = []
    values = {group.key: [kept.measured(run) for run in group.runs] for group in shown}
    for m in [m for m in all_measures() if m.group == view]:
        cells = []
        for group in shown:
            own = [one[m.name] for one in values[group.key] if m.name in one]
            text = written(m, figure(own)) if own else "–"
            mean, _, spread = text.replace("-", "−").partition(" ± ")
            why = words["tablesOnly"] if view == "lists" and not any(each.whole for each in group.facts) else ""
            cells.append(
                {"value": float(np.mean(own)) if own else None, "text": mean, "note": f"± {spread} seeds" if spread else "" if own else why}
            )
        found.append((_head(m.name, heading(m), f"{m.definition} ({m.source})", m.better >= 0), cells))
    return found


def _marks(shown: Sequence[Group], baseline: Group, metric: str) -> str:
    words = texts("compare")["table"]
    said = [words["marks"].format(baseline=facts.plain(baseline), users=f"{baseline.first.metrics['users']:,}")]
    others = [group for group in shown if not facts.comparable(group.first, baseline.first)]
    if others:
        names = ", ".join(facts.plain(group) for group in others[:4]) + (f" and {len(others) - 4} more" if len(others) > 4 else "")
        said.append(words["others"].format(count=len(others), names=names, data=ui.plain(baseline.first.data)))
    bare = [group for group in shown if not any(each.whole for each in group.facts) and not any(map(kept.lists, group.runs))]
    if bare:
        said.append(words["bare"].format(count=len(bare)))
    return " ".join(said)


def frame(shown: Sequence[Group], baseline: Group, metric: str, tests: "Mapping[str, Comparison]") -> pd.DataFrame:
    """All that the table knows, in plain units: fractions and seconds."""
    from app.compare.choose import metrics

    seconds, alike = kept.seconds_a_user(shown, baseline)
    rows = []
    for group in shown:
        row: dict[str, Any] = {
            "model": group.name,
            "kind": group.first.model,
            "data": group.first.data,
            "seeds": " ".join(map(str, group.seeds)),
            "runs": " ".join(each.name for each in group.facts),
        }
        for each in metrics():
            row |= {each: group.mean(each), f"{each} spread over seeds": group.spread(each), f"{each} error over users": group.error(each)}
        found = tests.get(group.key)
        row |= {f"{metric} less {baseline.name}": None if found is None else found.difference}
        row |= {name: None if found is None else getattr(found, name) for name in ("low", "high", "effect", "p", "p_holm", "says")}
        row |= {"training seconds": group.seconds, f"seconds a user, {'measured' if alike else 'recorded'}": seconds[group.key]}
        known = kept.judgments(group)
        row["table"] = ", ".join(sorted({one.kind for one in known}))
        row["effective rank"] = float(np.mean([one.effective_rank for one in known])) if known else None
        beyond: dict[str, list[float]] = {}
        for run in group.runs:
            for name, value in kept.measured(run).items():
                beyond.setdefault(name, []).append(value)
        row |= {name: float(np.mean(values)) for name, values in beyond.items()}
        rows.append(row)
    return pd.DataFrame(rows)
