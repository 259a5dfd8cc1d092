"""The answer for the models on screen, in sentences: who is ahead and by how much, which one to deploy, who has collapsed."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from adrec.collapse.kinds import COLLAPSED, KIND_WORDS
from app.compare import facts, kept
from app.compare.facts import Group
from app.compare.table import milliseconds, signed
from app.texts import STYLE, say, texts, unmarked

if TYPE_CHECKING:
    from adrec.experiments.statistics import Comparison

MANY = 4
"""Names in a list."""
SHARE = 0.05
"""A model this much below the best, as a share of the best, may be deployed in its place if it is not told apart from it ..."""
TIMES = 2.0
"""... and at least this many times as fast, as the sentences say."""


def show(shown: Sequence[Group], metric: str) -> None:
    """The answer in three steps. shown: best first."""
    first, second, third = answer(shown, metric)
    say(first)
    if second:
        say(second)
    if third:
        say(third, small=True)


def answer(shown: Sequence[Group], metric: str) -> tuple[str, str, str]:
    """For ``texts.say``: who is ahead; which one to deploy, and why; who has collapsed and what is not known."""
    words = texts("compare")["answer"]
    best = facts.leader(shown)
    rivals = [group for group in shown if facts.comparable(group.first, best.first)]
    broken = collapsed(shown)
    if len(rivals) < 2:
        said = words["single" if len(shown) < 2 else "apart"].format(best=name(best), metric=metric.upper(), value=percent(best, metric))
        return said, "", health(shown, broken)
    tests = facts.against(rivals, best, metric)
    costs, alike = kept.seconds_a_user(rivals, best)
    notes = [
        health(shown, broken),
        words["once"] if all(len(group.seeds) == 1 for group in rivals) else "",
        "" if alike else words["recorded"],
    ]
    first = ahead(best, rivals, metric, tests, costs)
    return first, deploy(best, rivals, metric, tests, kept.timed(rivals), broken), " ".join(filter(None, notes))


def name(group: Group) -> str:
    return f"**{unmarked(group.name)}**"


def percent(group: Group, metric: str) -> str:
    return f"{100 * group.mean(metric):.2f} %"


def names(groups: Sequence[Group]) -> str:
    """Names in a list for a sentence."""
    more = [f"{len(groups) - MANY} more"] if len(groups) > MANY else []
    every = [STYLE.title(group.name) for group in groups[:MANY]] + more
    return every[0] if len(every) == 1 else f"{', '.join(every[:-1])} and {every[-1]}"


def p_value(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def ahead(best: Group, rivals: Sequence[Group], metric: str, tests: "Mapping[str, Comparison]", costs: Mapping[str, float]) -> str:
    """Who is ahead of the next by how much, whether that is beyond noise, and at what cost."""
    words = texts("compare")["answer"]
    following = next(group for group in rivals if group.key != best.key)
    test = tests.get(following.key)
    beyond = words["untested" if test is None else "beyond" if test.says == "lower" else "within"]
    if test is not None:
        beyond = beyond.format(p=p_value(test.p_holm), users=f"{best.first.metrics['users']:,}")
    of = {"best": name(best), "next": STYLE.title(following.name), "metric": metric.upper(), "value": percent(best, metric)}
    gap = f"{100 * (best.mean(metric) - following.mean(metric)):.2f}"
    return words["ahead"].format(**of, gap=gap, beyond=beyond, cost=milliseconds(costs[best.key]))


def deploy(
    best: Group,
    rivals: Sequence[Group],
    metric: str,
    tests: "Mapping[str, Comparison]",
    costs: Mapping[str, float],
    broken: Mapping[str, str],
) -> str:
    """The best, or one that is not told apart from it, hardly lower and much faster; and what would be faster still. costs: as far as
    they were measured, since what trainings recorded is too rough to choose by."""
    words = texts("compare")["answer"]
    level = [g for g in rivals if g.key == best.key or (g.key in tests and tests[g.key].says == "no difference found")]
    sound = [group for group in level if group.key not in broken]
    if not sound:
        return str(words["none"])
    first = sound[0]
    near = [g for g in sound if g.mean(metric) >= (1 - SHARE) * best.mean(metric) and _faster(g, first, costs)]
    chosen = min(near, key=lambda group: costs[group.key]) if near else first
    others = [group for group in level if group.key != chosen.key]
    if chosen.key == best.key:
        known = all(group.key in costs for group in level)
        equals = words["equals" if known else "untimed"].format(others=names(others), share=f"{100 * SHARE:g}") if others else ""
        why = equals or words["alone"]
    else:
        seconds = [milliseconds(costs.get(group.key, np.nan)) for group in (chosen, best)]
        of = {"best": STYLE.title(best.name), "cost": seconds[0], "dear": seconds[1]}
        why = words["cheap" if near and first is best else "sound"].format(**of, share=f"{100 * SHARE:g}", **_interval(tests[chosen.key]))
    said = words["deploy"].format(chosen=name(chosen), why=why)
    faster = [g for g in sound if g.key in tests and _faster(g, chosen, costs)]
    if not faster:
        return str(said)
    cheap = max(faster, key=lambda group: group.mean(metric))
    more = words["faster"].format(cheap=STYLE.title(cheap.name), cost=milliseconds(costs[cheap.key]), **_interval(tests[cheap.key]))
    return f"{said} {more}"


def _faster(one: Group, other: Group, costs: Mapping[str, float]) -> bool:
    return one.key in costs and other.key in costs and costs[one.key] * TIMES <= costs[other.key]


def _interval(test: "Comparison") -> dict[str, str]:
    return {name: signed(100 * value) for name, value in (("difference", test.difference), ("low", test.low), ("high", test.high))}


def collapsed(shown: Sequence[Group]) -> dict[str, str]:
    """The groups of which at least half of the judged tables are broken, with the kind."""
    found = {}
    for group in shown:
        kinds = [one.kind for one in kept.judgments(group)]
        bad = [kind for kind in kinds if kind in COLLAPSED]
        if bad and 2 * len(bad) >= len(kinds):
            found[group.key] = max(set(bad), key=bad.count)
    return found


def health(shown: Sequence[Group], broken: Mapping[str, str]) -> str:
    """Who has collapsed, and how many tables nobody has judged."""
    words = texts("compare")["answer"]
    has = [group for group in shown if any(facts.STAGE in run.table_names() for run in group.runs)]
    judged = [group for group in has if kept.judgments(group)]
    said = []
    if broken:
        kinds: dict[str, list[Group]] = {}
        for group in shown:
            if group.key in broken:
                kinds.setdefault(broken[group.key], []).append(group)
        listed = "; ".join(f"{names(groups)} ({KIND_WORDS[kind][0].lower()})" for kind, groups in kinds.items())
        said.append(words["collapsed"].format(names=listed))
    elif judged:
        said.append(words["healthy"].format(count="" if len(judged) == len(has) else f"{len(judged)} judged "))
    if len(has) > len(judged):
        said.append(words["unjudged"].format(count=len(has) - len(judged)))
    return " ".join(said)
