"""The lines that the verdict draws. Why they lie where they do, and what errors they cost: docs/VERDICT.md."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """The rule's thresholds; docs/VERDICT.md gives the errors each one costs."""

    common: float = 0.95
    """Offset or mean cosine above this: what items share drowns out what separates them."""
    narrow: float = 0.3
    """Offset or mean cosine above this: the items sit in a cone. Healthy tables stay below 0.04."""
    twins: float = 0.5
    """Share of items with a twin above this: most items cannot be told apart from another."""
    noise: float = 4.0
    """A spectrum this many standard deviations above the mean of the Gaussian null is more than noise: none of 100 draws gets there."""
    z: float = 3.0
    """Alignment beyond popularity this many standard deviations above that of permuted rows is more than luck: 1 false alarm in 740."""
    participation: float = 0.25
    """Participation ratio over the null's below this: few directions carry the variance."""
    rank: float = 0.5
    """Effective rank over the null's below this: few directions carry anything."""
    meaningful: float = 2.0
    """Odds that a neighbour co-occurs with its item, over the odds by chance, above this: few directions are concentrated meaning."""
    strength: float = 0.01
    """Mean cosine of items used together minus that of other items below this: weakly learned."""
    hardly: float = 0.05
    """Share of a plain factorisation's meaning: an interval that begins below this leaves open whether anything was learnt."""
    little: float = 0.2
    """Share of a plain factorisation's meaning below this: the table means little, whatever its spectrum."""
    much: float = 0.5
    """Share of a plain factorisation's meaning above this: the table means much, however close its items are."""
    surest: float = 0.96
    """No verdict with interactions is surer: the lower end of the interval of how often such verdicts were right on tables of others."""
    surest_alone: float = 0.95
    """The same without interactions."""
    start: float = 0.9
    """Correlation with the initial table above this: never left its initialisation."""
    kept: float = 0.5
    """Share of neighbours kept from the previous table below this, with the scale below ``shrunk``: eroded."""
    shrunk: float = 0.8
    """Scale over that of the previous table below this: shrunk."""
    fewest: int = 5
    """Items with fewer training occurrences are ignored: they have barely moved from their initial position."""


THRESHOLDS = Thresholds()
JUDGEMENT = 0.1
"""One unit of margin for a threshold that is a judgement, not a quantile, as a share of its value."""
START_IS_CHANCE = 3.0
"""A random start's spectrum up to this many standard deviations of the null above the threshold counts as chance."""
FEWEST_ITEMS = 20
"""Rare items are ignored only if at least this many items occur often enough."""
