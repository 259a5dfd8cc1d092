"""The comparisons behind a verdict: each measure of a table with its null, its threshold and a sentence."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.moments import Moments, blocks
from adrec.collapse.nulls import bulk_distance, correlation_spectrum, gaussian_null, permuted_columns, ranks
from adrec.collapse.semantics import Neighbourhood, Rows, alignment, overlap, overlap_of_popularity, popularity_basis, sampled
from adrec.collapse.thresholds import JUDGEMENT, START_IS_CHANCE, Thresholds

SPECTRAL = {"distance": "bulk_distance", "largest": "largest_eigenvalue"}
FAR = 40.0
"""The largest margin: beyond this, the normal distribution's tail is zero in float64."""
CONTRADICTS = 1.5
"""Neighbours contradict an alignment of chance if their odds of being used together are this many times those of popularity alone,"""
CONTRADICTS_WEAK = 4.0
"""and a weak alignment if they are this many times as high: alignment is the more sensitive of the two, so they may well differ."""
SATURATED = 0.8
"""Where more than this share of all pairs is used together, neighbours cannot show that they are closer."""


@dataclass(frozen=True)
class Evidence:
    """One comparison. null: the value of a table without structure or meaning, or None. threshold: the rule's, or None."""

    measure: str
    value: float
    null: float | None
    threshold: float | None
    says: str

    def to_json(self) -> dict[str, Any]:
        return {"measure": self.measure, "value": self.value, "null": self.null, "threshold": self.threshold, "says": self.says}


@dataclass
class Findings:
    """Evidence collected so far, and the margins that the rule reads: how far a measure is past its threshold, in units of its spread.

    A positive margin means yes: ``common`` (all items alike), ``cone`` (the items are narrowing), ``twins`` (most items have a twin),
    ``structure`` (the spectrum is not noise), ``few`` (few directions), ``meaning`` (items used together lie together), ``focused``
    (neighbours mean enough for few directions), ``learned`` (alignment is not weak). The last three need interactions. contradiction: how
    the two tests of meaning, alignment and neighbours, contradict each other; "" if they do not.
    """

    evidence: list[Evidence] = field(default_factory=list)
    margins: dict[str, float] = field(default_factory=dict)
    sample: dict[str, int] = field(default_factory=dict)
    contradiction: str = ""

    def value(self, measure: str) -> float | None:
        """The value of a measure; None if it was not measured."""
        return next((e.value for e in self.evidence if e.measure == measure), None)

    def add(self, measure: str, value: float, null: float | None, threshold: float | None, says: str) -> None:
        numbers = [None if x is None or not np.isfinite(x) else float(x) for x in (null, threshold)]
        self.evidence.append(Evidence(measure, float(value), numbers[0], numbers[1], says))


def judgement_margin(value: float, threshold: float) -> float:
    """Margin of a positive value over a judged threshold: ln(value / threshold) / JUDGEMENT."""
    return float(np.clip(np.log(max(value, 1e-300) / threshold) / JUDGEMENT, -FAR, FAR))


def null_margin(value: float, threshold: float, spread: float) -> float:
    """Margin of a value over a threshold in standard deviations of its null."""
    return float(np.clip((value - threshold) / max(spread, 1e-12), -FAR, FAR))


def add_spectral(
    findings: Findings,
    table: np.ndarray,
    moments: Moments,
    t: Thresholds,
    seed: int,
    start: np.ndarray | None = None,
    first: Moments | None = None,
    idle: np.ndarray | None = None,
) -> None:
    """Add what the spectrum and the common direction show; this needs only the table (V, D).

    idle: whether each column is constant or the copy of another; spectra and their nulls are of the others, the width in use.
    start: the table before training, first: its moments. If chance put its spectrum near the threshold, the table must exceed the start's
    by half a standard deviation of the null. A start clearly above the threshold (by ``START_IS_CHANCE``) is not noise and raises nothing.
    """
    shared, cosine = moments.offset, moments.mean_cosine
    whole = table.shape[1]
    if idle is not None and idle.any() and not idle.all():
        table, start = table[:, ~idle], None if start is None else start[:, ~idle]
        moments, first = Moments.from_table(table), None
    n, width = table.shape
    lam = moments.spectrum
    findings.margins["common"] = FAR if not lam.any() else max(-judgement_margin(1 - x, 1 - t.common) for x in (shared, cosine))
    findings.margins["cone"] = FAR if not lam.any() else max(judgement_margin(x, t.narrow) for x in (shared, cosine))
    for measure, value, expected, words in (
        ("offset", shared, 1 / n, f"{shared:.0%} of the items' squared length is one common vector"),
        ("mean_cosine", cosine, 0.0, f"Two random items have a cosine of {cosine:.3f}"),
    ):
        said = f"{words}; above {t.narrow:g} a table is narrow, above {t.common:g} collapsed."
        findings.add(measure, value, expected, t.common if value > t.common else t.narrow, said)
    null = gaussian_null(n, width, seed=seed)
    uneven = permuted_columns(table, t.noise, seed=seed)
    eigenvalues = correlation_spectrum(table, moments)
    distance, largest = bulk_distance(eigenvalues, n, width), float(eigenvalues[0])
    before = None if start is None else correlation_spectrum(start, first or Moments.from_table(start))
    of_start = {} if before is None else {"distance": bulk_distance(before, n, width), "largest": float(before[0])}
    margins, lines = [], {}
    for measure, value, drawn, excess, words in (
        ("distance", distance, null.distance, uneven[0], "The spectrum lies {0:.3f} from that of noise"),
        ("largest", largest, null.largest, uneven[1], "The strongest direction has {0:.2f} times a column's variance"),
    ):
        line, spread = null.line(measure, t.noise) + excess, float(drawn.std())
        if measure in of_start and of_start[measure] < line + START_IS_CHANCE * spread:
            line = max(line, of_start[measure] + spread / 2)
        lines[measure] = line
        margins.append(null_margin(value, line, spread))
        said = f"{words.format(value)}; noise tables stay below {line:.3g}."
        findings.add(SPECTRAL[measure], value, float(drawn.mean()), line, said)
    above = int((eigenvalues > lines["largest"]).sum())
    findings.add("spikes", above, 0.0, 1.0, f"{above} directions are stronger than any in noise.")
    findings.margins["structure"] = max(margins)
    rank, ratio = ranks(lam)
    few = []
    for measure, value, expected, share, words in (
        ("effective_rank", rank, null.effective_rank, t.rank, "directions are in use"),
        ("participation_ratio", ratio, null.participation_ratio, t.participation, "directions share the variance"),
    ):
        few.append(-judgement_margin(value / max(expected, 1e-300), share))
        findings.add(measure, value, expected, share * expected, f"{value:.1f} {words}; noise of this size has {expected:.1f}.")
    if width < whole:
        few.append(-judgement_margin(width / whole, t.participation))
        said = f"{width:,} of {whole:,} columns are in use; the spectrum is compared with noise of this width."
        findings.add("width_in_use", width, whole, t.participation * whole, said)
    findings.margins["few"] = max(few)


def add_semantic(
    findings: Findings, table: np.ndarray, moments: Moments, cooccurrence: Cooccurrence | None, t: Thresholds, seed: int
) -> None:
    """Add what the neighbours show: whether items have twins and, with interactions, whether closeness means anything."""
    n = len(table)
    centred = Rows(table, moments, np.full((n, 1), n**-0.5))
    found = Neighbourhood.from_rows(centred, seed)
    findings.sample["neighbours_of"] = len(found.queries)
    part = "" if len(found.queries) == n else f" (a sample of {len(found.queries):,} of {n:,} items)"
    findings.margins["twins"] = judgement_margin(found.twins, t.twins)
    findings.add("twins", found.twins, 0.0, t.twins, f"{found.twins:.0%} of the items have a twin with the same dot products{part}.")
    if cooccurrence is None or not len(cooccurrence.pairs):
        return
    pairs = sampled(cooccurrence.pairs, seed)
    findings.sample |= {"pairs": len(pairs), "of_pairs": len(cooccurrence.pairs)}
    part_pairs = "" if len(pairs) == len(cooccurrence.pairs) else f" (a sample of {len(pairs):,} of {len(cooccurrence.pairs):,} pairs)"
    plain = alignment(centred, pairs)
    apart = 1 - 2 * len(cooccurrence.pairs) / (n * (n - 1))
    strength = (plain.value - plain.null) / apart if apart > 0 else 0.0  # relative to pairs not used together
    basis = popularity_basis(cooccurrence.popularity)
    beyond = alignment(centred.without(basis), pairs) if basis.shape[1] > 1 else plain
    near = overlap(found, cooccurrence)
    lift = near.value / near.null if near.null > 0 else 1.0
    findings.margins["meaning"] = null_margin(beyond.z, t.z, 1.0)
    odds = _odds(near.value) / _odds(near.null)
    findings.margins["focused"] = judgement_margin(odds, t.meaningful)
    findings.margins["learned"] = judgement_margin(strength, t.strength)
    findings.add(
        "alignment", plain.value, plain.null, plain.null + t.strength * apart,
        f"Items used together have a mean cosine of {plain.value:.4f}; with shuffled rows it is {plain.null:.4f}{part_pairs}.",
    )  # fmt: skip
    findings.add("alignment_z", plain.z, 0.0, t.z, f"That is {plain.z:.1f} standard deviations of shuffled rows.")
    findings.add(
        "alignment_z_beyond_popularity", beyond.z, 0.0, t.z,
        f"Without what popularity explains, {beyond.z:.1f} standard deviations remain.",
    )  # fmt: skip
    findings.add(
        "neighbour_overlap", near.value, near.null, None,
        f"{near.value:.1%} of the nearest neighbours are items used together; by chance it would be {near.null:.1%}{part}.",
    )  # fmt: skip
    findings.add("neighbour_lift", lift, 1.0, None, f"That is {lift:.2f} times chance ({near.z:.1f} standard deviations).")
    findings.add("neighbour_odds", odds, 1.0, t.meaningful, f"The odds are {odds:.2f} times those of chance; odds cannot saturate.")
    weak = beyond.z < t.z or strength < t.strength
    if weak and near.z >= t.z:
        popular = overlap_of_popularity(found, cooccurrence)
        said = f"With popularity alone, {popular:.1%} of the nearest neighbours would be items used together."
        findings.add("overlap_of_popularity", popular, near.null, None, said)
        times = CONTRADICTS if beyond.z < t.z else CONTRADICTS_WEAK
        if near.value - popular >= t.z * near.spread and _odds(near.value) >= times * _odds(popular):
            findings.contradiction = (
                f"{near.value:.1%} of the nearest neighbours are items used together, where popularity alone gives {popular:.1%}, but the "
                f"mean cosine of items used together is only {strength:.4f} above that of others ({beyond.z:.1f} standard deviations "
                "beyond popularity)"
            )
    elif not weak and findings.margins["structure"] > 0 and near.z < t.z and near.null < SATURATED:
        findings.contradiction = (
            f"items used together have a mean cosine {beyond.z:.1f} standard deviations above that of shuffled rows, but only "
            f"{near.value:.1%} of the nearest neighbours are items used together, and by chance it would be {near.null:.1%}"
        )
    explained = _explained_by_popularity(table, moments, basis)
    said = f"Popularity explains {explained:.0%} of the strongest direction."
    findings.add("popularity_share", explained, (basis.shape[1] - 1) / n, None, said)


def _odds(share: float) -> float:
    share = min(max(share, 1e-9), 1 - 1e-9)
    return share / (1 - share)


def _explained_by_popularity(table: np.ndarray, moments: Moments, basis: np.ndarray) -> float:
    """R squared of the leading direction's scores on log popularity and its square."""
    scores = moments.leading_scores(table)
    total = float(scores @ scores)
    return min(float(((basis[:, 1:].T @ scores) ** 2).sum()) / total, 1.0) if total > 0 else 0.0


def add_changes(
    findings: Findings,
    table: np.ndarray,
    moments: Moments,
    given: dict[str, np.ndarray],
    of_given: dict[str, Moments],
    t: Thresholds,
    seed: int,
) -> None:
    """Add what changed since the table ``initial`` (before training) and ``before`` (one stage earlier): scale, correlation, neighbours.

    of_given: the moments of these tables.
    """
    for key, other in given.items():
        words = "before training" if key == "initial" else "one stage earlier"
        theirs = of_given[key]
        ratio = moments.std / theirs.std if theirs.std > 0 else float("inf")
        if np.isfinite(ratio):
            findings.add(f"std_over_{key}", ratio, 1.0, None, f"The table's scale is {ratio:.3g} times what it was {words}.")
        if key == "initial":
            r = correlation(table, moments, other, theirs)
            findings.add("correlation_with_initial", r, 0.0, t.start, f"The table's correlation with the one {words} is {r:.4f}.")
        else:
            kept, chance = neighbours_kept(table, moments, other, theirs, seed)
            findings.add("neighbours_kept", kept, chance, t.kept, f"{kept:.0%} of the nearest neighbours are the same as {words}.")


def correlation(table: np.ndarray, moments: Moments, other: np.ndarray, theirs: Moments) -> float:
    """Pearson's correlation of all entries of two tables (V, D); 0 if one is constant."""
    a, b = float((moments.mean).mean()), float(theirs.mean.mean())
    product = first = second = 0.0
    for (_, x), (_, y) in zip(blocks(table), blocks(other), strict=True):
        x, y = x / moments.scale - a, y / theirs.scale - b
        product, first, second = product + float((x * y).sum()), first + float((x**2).sum()), second + float((y**2).sum())
    return product / float(np.sqrt(first * second)) if first > 0 and second > 0 else 0.0


def neighbours_kept(table: np.ndarray, moments: Moments, other: np.ndarray, theirs: Moments, seed: int) -> tuple[float, float]:
    """Mean share of an item's nearest neighbours that two tables of the same V items have in common, and that of unrelated tables."""
    constant = np.full((len(table), 1), len(table) ** -0.5)
    a = Neighbourhood.from_rows(Rows(table, moments, constant), seed).rows
    b = Neighbourhood.from_rows(Rows(other, theirs, constant), seed).rows
    return float((a[:, :, None] == b[:, None, :]).any(axis=2).mean()), a.shape[1] / (len(table) - 1)
