"""Collapse by degrees: the kinds, and which pictures notice, in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from adrec.pictures.numbers import number

if TYPE_CHECKING:
    from adrec.collapse.dials import PictureChange


TITLE = "Collapse it yourself"


LEAD = "Damage a healthy table, here the {table} one, and see which pictures notice."


SPECTRAL = "Without interactions, only the spectral half of the verdict is decided."


MAP = "PCA of the changed table, shifted, rotated and scaled to match the old one, which is grey."


SPECTRUM = "Each curve relative to its own root mean square; grey: before."


KINDS = {
    "noise": ("Noise", "Replaces a share of every column's variance with random numbers."),
    "rank": ("Cut directions", "Keeps only the strongest directions."),
    "offset": ("Common offset", "Adds the same vector to every item, so that it makes up most of their length."),
    "shrink": ("Shrink", "Scales all numbers down, by up to a factor of a thousand."),
    "duplicate": ("Duplicates", "Turns a share of the items into copies of others."),
}


DEGREES = (0, 10, 25, 50, 75, 90, 100)
"""The settings of the dial, in percent."""


START = 75
"""Where the dial stands at first: something is to be seen."""


PICTURES = {
    "map": ("the map", "Map: how differently the points lie (0 to 1)"),
    "centred spectrum": ("the centred spectrum", "Centred spectrum: effective rank"),
    "uncentred spectrum": ("the uncentred spectrum", "Uncentred spectrum: effective rank"),
    "spikes": ("the spikes", "Spikes above the noise edge"),
    "mean cosine": ("the mean cosine", "Mean cosine"),
    "scale": ("the scale", "Scale (standard deviation)"),
    "neighbours": ("the neighbours", "Ten nearest neighbours: share lost"),
    "verdict": ("the verdict", "Verdict"),
    "ranking": ("the ranking", "Ranking: HR@10"),
}


LINES = "A picture counts as noticing if the map's Procrustes disparity is above 0.1; an effective rank or the scale changes by more than "
LINES += "a tenth; a spike appears or disappears; the mean cosine changes by more than 0.1; over a fifth of the neighbours are lost; the "
LINES += "verdict changes; HR@10 changes by more than chance (McNemar, p < 0.05). These limits are judgement calls, the same for all."


Row = tuple[str, str, str, bool]
"""Picture, before, after, noticed."""


def rows_of(found: "Sequence[PictureChange]", before: str, after: str, ranks: tuple[np.ndarray, np.ndarray] | None = None) -> list[Row]:
    """What each picture, the verdict and, if measured, the ranking show before and after. before, after: the verdicts' kinds."""
    from adrec.collapse.kinds import KIND_WORDS

    rows: list[Row] = [(n.picture, number(n.before), number(n.after), n.noticed) for n in found]
    rows.append(("verdict", KIND_WORDS[before][0], KIND_WORDS[after][0], before != after))
    if ranks is not None:
        from adrec.collapse.replaced import difference

        moved = difference(*ranks)
        rows.append(("ranking", f"{100 * moved.before:.1f} %", f"{100 * moved.after:.1f} %", moved.chance < 0.05))
    return rows


def says(kind: str, degree: int, shape: tuple[int, ...]) -> str:
    """What a dial does to a table (V, D), at its degree in percent."""
    from adrec.collapse.dials import SHRUNK, directions_kept

    kept = directions_kept((shape[0], shape[1]), degree / 100)
    extra = {"rank": f" {kept} of {min(shape)} remain.", "shrink": f" Now scaled by {SHRUNK ** (degree / 100):.3g}."}
    return KINDS[kind][1] + extra.get(kind, "")


def lesson(rows: Sequence[Row], degree: int) -> str:
    """One sentence: whether the map looks the same, and what noticed."""
    if degree == 0:
        return "Nothing has changed yet: move the slider."
    by = {picture: noticed for picture, _, _, noticed in rows}
    eye = "The map looks different" if by.pop("map") else "The map looks the same"
    saw, blind = ([PICTURES[picture][0] for picture, seen in by.items() if seen is wanted] for wanted in (True, False))
    if not saw:
        return f"{eye}, and nothing else noticed."
    rest = f", {_listed(blind)} did not" if blind else ""
    return f"{eye}; {_listed(saw)} noticed{rest}."


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
