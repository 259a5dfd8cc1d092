"""The decision rule: has this item table collapsed, how, and how sure are we?

docs/VERDICT.md has the rule's error rates and the reasons for its thresholds. The first match wins; every comparison is kept as evidence
with its null and its threshold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from adrec.collapse.columns import RAW, raw_column
from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.evidence import FAR, Evidence, Findings, add_changes, add_semantic, add_spectral
from adrec.collapse.facts import BYTE_ZERO, LEVELS, Fact, facts, idle_columns, in_a_byte, spoken, without_offset, zero_point
from adrec.collapse.kinds import EROSION, KIND_WORDS, KINDS, REMEDIES, Remedy
from adrec.collapse.moments import Moments
from adrec.collapse.reference import Meaning, meaning
from adrec.collapse.thresholds import FEWEST_ITEMS, THRESHOLDS, Thresholds
from adrec.data.dataset import SequenceDataset
from adrec.errors import WeightsError
from adrec.maps.tables import checked

__all__ = ["KINDS", "KIND_WORDS", "THRESHOLDS", "Evidence", "Remedy", "Thresholds", "Verdict", "diagnose"]


@dataclass(frozen=True)
class Verdict:
    """The kind of a table (one of KINDS), the evidence for it, and what remains open.

    confidence: 0.5 to 1. The chance that a table drawn again in the same way falls on the same side of every deciding comparison: the
    normal distribution at the smallest margin, in standard deviations of the null or, for judged thresholds, in tenths of the threshold.
    It does not say whether the threshold is right, so it is never above the lower end of the interval of how often verdicts were right on
    tables of other people's libraries (docs/VERDICT.md). 0.5 if the missing interactions could change the kind, or if two tests of meaning
    contradict each other. instead: the kind that it would be on the other side of the comparison with the smallest margin, which may be
    as good a kind.
    sample: counts of what was examined (``items``, ``of_items``, ``neighbours_of``, ``pairs``, ``of_pairs``). facts: plain facts about the
    whole table, the heaviest first; ``says`` names the two that matter most. core: the part of ``says`` that is about the kind. meaning:
    what the verdict was weighed by.
    """

    kind: str
    confidence: float
    instead: str
    evidence: tuple[Evidence, ...]
    undecided: tuple[str, ...]
    says: str
    core: str
    next_steps: tuple[Remedy, ...]
    sample: dict[str, int] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()
    meaning: Meaning | None = None

    def to_json(self) -> dict[str, Any]:
        """One JSON object, all numbers finite."""
        return {
            "kind": self.kind,
            "confidence": round(self.confidence, 4),
            "instead": self.instead,
            "evidence": [e.to_json() for e in self.evidence],
            "undecided": list(self.undecided),
            "says": self.says,
            "core": self.core,
            "next": [remedy.to_json() for remedy in self.next_steps],
            "sample": self.sample,
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any], plain: Sequence[Fact] = ()) -> "Verdict":
        """From ``to_json``, which leaves out the facts and the meaning."""
        steps = tuple(Remedy(**step) for step in found["next"])
        evidence = tuple(Evidence(**compared) for compared in found["evidence"])
        known = {name: found[name] for name in ("kind", "confidence", "instead", "says", "core", "sample")}
        return cls(**known, evidence=evidence, undecided=tuple(found["undecided"]), next_steps=steps, facts=tuple(plain))

    def value(self, measure: str) -> float | None:
        """The value of one measure of the evidence; None if it was not measured."""
        return next((e.value for e in self.evidence if e.measure == measure), None)

    def weighed(self, meaning: Meaning) -> "Verdict":
        """The same with the meaning's share as evidence, which may overrule how much closeness alone seemed to mean.

        Few directions that reach more than a little of what a factorisation reaches are no plain collapse, although in so few directions
        many items come close to another by chance; only equal rows are one. What reaches little is not healthy, what reaches much not weak.
        """
        if self.value("meaning_share") is not None:
            return self
        found = replace(self, evidence=(*self.evidence, meaning.evidence), meaning=meaning)
        if any(fact.code == "heavy-column" for fact in self.facts):  # of which alone the share would be
            return found
        share = f"{meaning.share:.2f} ({meaning.low:.2f} to {meaning.high:.2f})"
        reaches = f"the table reaches {share} of what a plain factorisation of the same interactions reaches"
        equal = any(fact.code == "duplicate-rows" and fact.count > THRESHOLDS.twins * fact.of for fact in self.facts)
        if self.kind == "low-rank" and not equal:
            if meaning.share < THRESHOLDS.little:
                return found._no_surer(meaning, THRESHOLDS.little, "concentrated")
            found = found._called("low-rank", f"A few directions carry everything, but they mean something: {reaches}.")
            return found.doubted((f"Whether this is a collapse: {reaches}, so it may well be concentrated.",))
        if self.kind in ("healthy", "concentrated"):
            found = found._no_surer(meaning, THRESHOLDS.little, "weakly-learned")
            if meaning.share < THRESHOLDS.little:
                found = found._called("weakly-learned", f"Items used together are closer than chance, but that means little: {reaches}.")
        if self.kind == "narrowing":
            means = "still mean something" if meaning.share >= THRESHOLDS.little else "mean little"
            return found._called("narrowing", f"{KIND_WORDS['narrowing'][1]} Neighbours {means}: {reaches}.")
        if found.kind == "weakly-learned" and meaning.low < THRESHOLDS.hardly:
            return found.doubted((f"Whether anything has been learnt: {reaches}.",))
        if self.kind == "weakly-learned":
            few = any(e.value < e.threshold for e in self.evidence if e.measure in FEW and e.threshold is not None)
            better = "concentrated" if few else "healthy"
            found = found._no_surer(meaning, THRESHOLDS.much, better)
            if meaning.share > THRESHOLDS.much:
                said = f"Items used together are only a little closer than others, but that means much: {reaches}."
                return found._called(better, said)
        return found

    def _no_surer(self, meaning: Meaning, line: float, other: str) -> "Verdict":
        """The same, no surer than the share of meaning is of lying on its side of a line, beyond which the table is of another kind."""
        margin = abs(meaning.share - line) * 2 * INTERVAL / max(meaning.high - meaning.low, 1e-9)
        sure = float(ndtr(margin))
        return self if sure >= self.confidence else replace(self, confidence=sure, instead=other)

    def _called(self, kind: str, said: str) -> "Verdict":
        """The same as another kind, with another sentence about it."""
        instead = self.instead if kind == self.kind else self.kind
        return replace(self, kind=kind, instead=instead, core=said, says=self.says.replace(self.core, said), next_steps=REMEDIES[kind])

    @property
    def sure(self) -> str:
        """The confidence in words, with the kind that it is a margin to; that this is open, where it is."""
        return sure({"kind": self.kind, "confidence": self.confidence, "instead": self.instead, "undecided": self.undecided})

    @property
    def examined(self) -> str:
        """Which items rank, spread and neighbours are of, where rare ones are left out; else ""."""
        items, of_items = self.sample.get("items", 0), self.sample.get("of_items", 0)
        if items >= of_items:
            return ""
        kept = f"{items:,} of {of_items:,} items with at least {THRESHOLDS.fewest} training occurrences"
        return f"Ranks, spread and neighbours are of the {kept}."

    def doubted(self, questions: tuple[str, ...]) -> "Verdict":
        """The same with open questions about what the table is, which leave its confidence at 0.5."""
        return replace(self, undecided=(*questions, *self.undecided), confidence=0.5) if questions else self


def diagnose(
    table: ArrayLike,
    *,
    cooccurrence: Cooccurrence | None = None,
    data: SequenceDataset | None = None,
    initial: ArrayLike | None = None,
    before: ArrayLike | None = None,
    seed: int = 0,
    name: str = "the table",
    thresholds: Thresholds = THRESHOLDS,
) -> Verdict:
    """The verdict on a table (V, D) without its padding row. It is deterministic in table, data and seed.

    cooccurrence: from the training histories, with row i of the table being item row i; without it only the spectral half is decided.
    data: the data set that it is from, whose held-out items then say how much the table means, by which the verdict is weighed. initial:
    the table before training, before: the table one stage earlier; both (V, D). The table is read in blocks and never copied, so a
    memory-mapped one may be larger than memory. Tables that cannot be measured or do not match are WeightsErrors.
    """
    array = checked(table, name)
    others = {"initial": initial, "before": before}
    given = {key: checked(other, f"the {key} table") for key, other in others.items() if other is not None}
    for key, other in given.items():
        if other.shape != array.shape:
            raise WeightsError(f"The {key} table has shape {other.shape} and {name} {array.shape}; the shapes must be equal.")
    if cooccurrence is not None and cooccurrence.n_items != len(array):
        counts = f"{len(array):,} rows and the interactions are of {cooccurrence.n_items:,} items"
        raise WeightsError(f"Cannot judge {name} by interactions: it has {counts}; expected one row per item.")
    found = facts(array, popularity=None if cooccurrence is None else cooccurrence.popularity, initial=given.get("initial"))
    verdict = _of_items(array, given, cooccurrence, found, thresholds, seed)
    told = {code for code, words in TOLD.items() if words in verdict.says}
    plain = [fact.says for fact in spoken([fact for fact in found if fact.code not in told])]
    said = [*plain, verdict.says] if zero_point(found) is not None else [verdict.says, *plain]
    verdict = replace(verdict, says=" ".join(said), facts=tuple(found))
    known = None if data is None else meaning(without_offset(array, found), data)
    return verdict if known is None else verdict.weighed(known)


def sure(verdict: Mapping[str, Any]) -> str:
    """``confidence 0.81, rather than healthy`` of a verdict as JSON types: how surely it is this kind and not the nearest other one."""
    rather = f", rather than {verdict['instead']}" if verdict["confidence"] > 0.5 else " (open)" if verdict["undecided"] else ""
    return f"confidence {verdict['confidence']:.2f}{rather}"


def _of_items(
    array: np.ndarray,
    given: dict[str, np.ndarray],
    cooccurrence: Cooccurrence | None,
    found: list[Fact],
    thresholds: Thresholds,
    seed: int,
) -> Verdict:
    """The verdict on the items that occur often enough, without the zero point of a quantised table."""
    total, idle, array = len(array), idle_columns(found, array), without_offset(array, found)
    if cooccurrence is not None:
        items = np.flatnonzero(cooccurrence.popularity >= thresholds.fewest)
        if FEWEST_ITEMS <= len(items) < total:
            cooccurrence = cooccurrence.among(items)
            array, given = array[items], {key: other[items] for key, other in given.items()}
    verdict = _judged(array, given, cooccurrence, total, thresholds, seed, idle)
    if verdict.kind in ("complete-collapse", "narrowing") and _bytes(array, found):
        without = _judged(array - np.float32(BYTE_ZERO), {}, cooccurrence, total, thresholds, seed, idle)
        if without.kind != verdict.kind:
            said = f"with a zero point of {BYTE_ZERO:.0f} taken out the table is {without.kind} ({KIND_WORDS[without.kind][0]})"
            return verdict.doubted((f"Whether the entries are bytes with an offset: {said}. Dequantise the table.",))
    if verdict.kind == "healthy":
        return verdict
    column, times = raw_column(array)
    if times < (UNEVEN if verdict.undecided and cooccurrence is not None else RAW):
        return verdict
    rest = {key: np.delete(other, column, axis=1) for key, other in given.items()}
    without = _judged(np.delete(array, column, axis=1), rest, cooccurrence, total, thresholds, seed, np.delete(idle, column))
    if without.kind == verdict.kind:
        return verdict
    said = f"{KIND_WORDS[without.kind][0]}, confidence {without.confidence:.2f}"
    return verdict.doubted(
        (
            f"Whether column {column + 1} of the {array.shape[1]} dimensions is one: it has {times:,.0f} times the scale of any other, and "
            f"the verdict rests on it alone; without it the table is {without.kind} ({said}). An id, a count or a price must be left out.",
        )
    )


def _bytes(array: np.ndarray, found: list[Fact]) -> bool:
    """Whether all entries are whole numbers that an unsigned byte can hold, more than a few."""
    return any(fact.code == "integer-values" for fact in found) and in_a_byte(array.min(), array.max()) and array.max() > LEVELS


TOLD = {"popularity-first": "Popularity explains", "unmoved-rows": "It never left its initialisation"}
"""Facts that the verdict's sentence has already told, by its words."""
INTERVAL = 1.96
"""Standard errors from the middle of a 95 % interval to its ends."""
FEW = ("effective_rank", "participation_ratio", "width_in_use")
NEAR = "Most items cannot be told apart from another, although neighbours are items used together."
UNEVEN = 1.5
"""Where two tests of meaning contradict each other, a column of this many times the scale of every other is tried as the reason."""


def _judged(
    array: np.ndarray,
    given: dict[str, np.ndarray],
    cooccurrence: Cooccurrence | None,
    total: int,
    thresholds: Thresholds,
    seed: int,
    idle: np.ndarray,
) -> Verdict:
    moments, theirs = Moments.from_table(array), {key: Moments.from_table(other) for key, other in given.items()}
    findings = Findings(sample={"items": len(array), "of_items": total})
    add_spectral(findings, array, moments, thresholds, seed, given.get("initial"), theirs.get("initial"), idle)
    add_semantic(findings, array, moments, cooccurrence, thresholds, seed)
    add_changes(findings, array, moments, given, theirs, thresholds, seed)
    return _decided(findings, thresholds)


def _rules(m: dict[str, float]) -> dict[str, float]:
    """The margin of each kind's rule, positive if it is met: the smallest over its conditions, the largest over its alternatives."""
    if "meaning" not in m:
        return {
            "complete-collapse": m["common"],
            "narrowing": m["cone"],
            "low-rank": max(m["twins"], m["few"]),
            "noise-like": -m["structure"],
            "spectral-only": m["structure"],
        }
    return {
        "complete-collapse": m["common"],
        "narrowing": m["cone"],
        "noise-like": min(-m["structure"], -m["meaning"], -m["twins"]),
        "low-rank": max(m["twins"], min(m["few"], -m["focused"])),
        "spectral-only": -m["meaning"],
        "weakly-learned": max(-m["structure"], -m["learned"]),
        "concentrated": m["few"],
        "healthy": FAR,
    }


def _first(rules: Mapping[str, float]) -> str:
    """The first kind whose rule is met, or the last."""
    return next((kind for kind, met in rules.items() if met > 0), list(rules)[-1])


def _beyond(kind: str, margins: dict[str, float], margin: float) -> str:
    """What a table of this kind would be if the comparison that its rule hangs on came out the other way."""
    turned = _first(_rules({name: -met if abs(met) == margin else met for name, met in margins.items()}))
    without = {name: met for name, met in _rules(margins).items() if name != kind}
    return turned if turned != kind else _first(without)


def _decided(findings: Findings, thresholds: Thresholds) -> Verdict:
    rules = _rules(findings.margins)
    kind = _first(rules)
    looked_at = list(rules.values())[: list(rules).index(kind) + 1]
    margin = min(abs(met) for met in looked_at)
    nearest = next(k for k, met in rules.items() if abs(met) == margin)
    instead = nearest if nearest != kind else _beyond(kind, findings.margins, margin)
    undecided = _undecided(kind, findings)
    most = thresholds.surest if "meaning" in findings.margins else thresholds.surest_alone
    confidence = 0.5 if undecided else min(float(ndtr(margin)), most)
    steps = REMEDIES[kind] + ((EROSION,) if _eroded(findings, thresholds) else ())
    said = _says(kind, findings, undecided, thresholds)
    return Verdict(kind, confidence, instead, tuple(findings.evidence), undecided, said, said, steps, findings.sample)


def _eroded(findings: Findings, thresholds: Thresholds) -> bool:
    """Whether the table shrank and lost its neighbours since the previous stage."""
    kept, scale = findings.value("neighbours_kept"), findings.value("std_over_before")
    return kept is not None and scale is not None and kept < thresholds.kept and scale < thresholds.shrunk


def _undecided(kind: str, findings: Findings) -> tuple[str, ...]:
    """What missing interactions would decide, and where the tests of meaning contradict each other."""
    if findings.contradiction and kind not in ("complete-collapse", "low-rank"):
        return ("Whether closeness means anything, because two tests of it contradict each other: look at some items that you know.",)
    if "meaning" in findings.margins or kind in ("complete-collapse", "narrowing"):
        return ()
    open_questions = {
        "noise-like": "Whether items used together are a little closer (weakly-learned), which a spectrum cannot show.",
        "low-rank": "Whether the few directions carry meaning (concentrated).",
        "spectral-only": "Whether the structure means anything: healthy and weakly-learned tables have such a spectrum too.",
    }
    return (open_questions[kind] + " Add the interactions to decide this.",)


def _says(kind: str, findings: Findings, undecided: tuple[str, ...], thresholds: Thresholds) -> str:
    """The verdict in words, including what the other tables show."""
    said = KIND_WORDS[kind][1]
    if undecided and findings.contradiction:
        said = {
            "noise-like": "The spectrum looks like that of random numbers",
            "spectral-only": "Some directions are stronger than noise",
            "concentrated": "A few directions carry most of the table",
            "healthy": "Many directions are in use",
        }.get(kind, said.removesuffix("."))
        return f"{said}, but the tests of meaning disagree: {findings.contradiction}."
    if undecided:
        said = {
            "noise-like": "The spectrum looks like that of random numbers.",
            "low-rank": "A few directions, or a few distinct vectors, carry everything.",
            "spectral-only": "Some directions are stronger than noise; whether they mean anything is open.",
        }[kind]
    if kind == "narrowing" and "meaning" in findings.margins:
        said += " Neighbours still mean something." if findings.margins["meaning"] > 0 else " Neighbours mean nothing beyond popularity."
    if kind == "low-rank" and findings.margins.get("focused", -1.0) > 0:
        said = NEAR
    near, alone = findings.value("neighbour_overlap"), findings.value("overlap_of_popularity")
    if kind in ("noise-like", "spectral-only") and near is not None and alone is not None:
        said += f" {near:.1%} of the nearest neighbours are used together, but popularity alone gives {alone:.1%}."
    popular = findings.value("popularity_share")
    if kind == "spectral-only" and popular is not None and popular > 0.5:
        said += f" Popularity explains {popular:.0%} of the strongest one."
    start, kept = findings.value("correlation_with_initial"), findings.value("neighbours_kept")
    if start is not None and start > thresholds.start:
        said += " It never left its initialisation." if kind == "noise-like" else " It is still close to its initialisation."
    elif kind == "noise-like" and start is None:
        said += " The table before training is missing; any random table would look like this."
    if kept is not None and _eroded(findings, thresholds):
        said += f" It eroded since the previous stage: it shrank, and only {kept:.0%} of the nearest neighbours are left."
    return said
