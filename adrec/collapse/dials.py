"""Collapse by degrees: one kind of collapse applied to a table, from none to complete, and which pictures show it.

Each kind is a pure function of the table, the degree 0..1 and a seed. Degree 0 returns the table itself; with the same seed, a higher
degree is more of the same collapse.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import procrustes

from adrec.collapse.measures import mean_cosine, singular_values, spikes
from adrec.collapse.ranks import effective_rank
from adrec.errors import ConfigError
from adrec.maps.neighbours import neighbour_overlap, neighbour_sets
from adrec.maps.projection import project_pca
from adrec.maps.tables import as_table, principal_axes

DIALS = ("noise", "rank", "offset", "shrink", "duplicate")
DEGREES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
LARGEST_OFFSET = 0.999
SHRUNK = 1e-3
NEIGHBOURS = 10


def dial(table: ArrayLike, kind: str, degree: float, seed: int = 0) -> np.ndarray:
    """The table (V, D) with a collapse applied, float64.

    noise: the share ``degree`` of each column's variance becomes Gaussian noise; mean and scale stay. rank: of K = min(V, D) centred
    directions, the strongest K^(1 - degree) are kept; the mean stays. offset: a common vector is added until the items share at least
    0.999 ``degree`` of their squared length. shrink: all numbers times 1000^-degree. duplicate: the share ``degree`` of the items become
    copies of others; at 1, all copy a single one. Unknown kinds and degrees are ConfigErrors.
    """
    if kind not in DIALS:
        raise ConfigError(f"Unknown kind of collapse '{kind}'; must be one of {', '.join(DIALS)}.")
    if not 0 <= degree <= 1:
        raise ConfigError(f"The degree of a collapse must be 0 to 1, not {degree}.")
    w = as_table(table)
    if degree == 0:
        return w
    rng = np.random.default_rng([seed, 1 + DIALS.index(kind)])
    if kind == "noise":
        return _noise(w, degree, rng)
    if kind == "rank":
        return _rank(w, directions_kept(w.shape, degree))
    if kind == "offset":
        return _offset(w, LARGEST_OFFSET * degree, rng)
    return w * SHRUNK**degree if kind == "shrink" else w[copied_from(len(w), degree, rng)]


def directions_kept(shape: tuple[int, int], degree: float) -> int:
    """How many directions the dial ``rank`` keeps: all at 0, one at 1, log-linear in between."""
    return max(1, round(min(shape) ** (1 - degree)))


def _noise(w: np.ndarray, degree: float, rng: np.random.Generator) -> np.ndarray:
    mean, std = w.mean(axis=0), w.std(axis=0)
    return np.asarray(mean + np.sqrt(1 - degree) * (w - mean) + np.sqrt(degree) * std * rng.standard_normal(w.shape))


def _rank(w: np.ndarray, kept: int) -> np.ndarray:
    mean = w.mean(axis=0)
    axes = principal_axes(w - mean)[1][:, :kept]
    return np.asarray(mean + (w - mean) @ axes @ axes.T)


def _offset(w: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    mean = w.mean(axis=0)
    spread = ((w - mean) ** 2).sum() / len(w)
    wanted = np.sqrt(spread * share / (1 - share))  # norm of the mean row that gives this share
    across = rng.standard_normal(w.shape[1])
    if w.shape[1] > 1 and mean @ mean > 0:
        across -= (across @ mean) / (mean @ mean) * mean  # orthogonal to the common vector that is there already
    added = np.sqrt(max(wanted**2 - mean @ mean, 0.0))
    return np.asarray(w + added * across / np.linalg.norm(across))


def copied_from(items: int, degree: float, rng: np.random.Generator) -> np.ndarray:
    """The row that each of ``items`` rows becomes a copy of, (V,); the copies at a higher degree include those at a lower one."""
    order, copies = rng.permutation(items), round(degree * (items - 1))
    later = np.arange(items)
    later[:-1] += rng.integers(1, items - np.arange(items - 1))
    for i in range(copies - 1, -1, -1):  # a copy of a copy becomes a copy of its source
        if later[i] < copies:
            later[i] = later[later[i]]
    source = np.arange(items)
    source[:copies] = later[:copies]
    found = np.empty(items, dtype=np.int64)
    found[order] = order[source]
    return found


# -- which pictures show it -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pictures:
    """What the pictures show of a table: PCA map (V, 2), spectra, spikes, mean cosine, scale and neighbours (V, k)."""

    map: np.ndarray
    centred: np.ndarray
    raw: np.ndarray
    spikes: int
    mean_cosine: float
    std: float
    neighbours: np.ndarray

    @classmethod
    def from_table(cls, table: ArrayLike) -> "Pictures":
        w = as_table(table)
        raw, centred = singular_values(w, centred=False), singular_values(w)
        near = neighbour_sets(w, min(NEIGHBOURS, len(w) - 1))
        return cls(project_pca({"": w})[""], centred, raw, spikes(w)[0], mean_cosine(w), float(w.std()), near)


@dataclass(frozen=True)
class PictureChange:
    """One picture before and after as numbers, and whether the change is noticeable."""

    picture: str
    before: float
    after: float
    noticed: bool


NOTICEABLE = {
    "map": 0.1,
    "centred spectrum": 0.1,
    "uncentred spectrum": 0.1,
    "spikes": 0.5,
    "mean cosine": 0.1,
    "scale": 0.1,
    "neighbours": 0.2,
}
"""The change above which a picture counts as showing the collapse. map: Procrustes disparity, 0 to 1, which ignores position, rotation and
size. Spectra: relative change of the effective rank. spikes, mean cosine: absolute change. scale: relative change of the standard
deviation. neighbours: share of the ten nearest that are gone. These are judgements, the same for every kind of collapse."""


def picture_changes(before: Pictures, after: Pictures) -> list[PictureChange]:
    """How each picture changes between two tables of the same items, in the order of ``NOTICEABLE``."""
    ranks = [(effective_rank(b), effective_rank(a)) for b, a in ((before.centred, after.centred), (before.raw, after.raw))]
    gone = 1 - float(neighbour_overlap(before.neighbours, after.neighbours).mean())
    pairs = {
        "map": (0.0, disparity(before.map, after.map)),
        "centred spectrum": ranks[0],
        "uncentred spectrum": ranks[1],
        "spikes": (float(before.spikes), float(after.spikes)),
        "mean cosine": (before.mean_cosine, after.mean_cosine),
        "scale": (before.std, after.std),
        "neighbours": (0.0, gone),
    }
    relative = ("centred spectrum", "uncentred spectrum", "scale")
    found = []
    for picture, (b, a) in pairs.items():
        change = abs(a - b) / (abs(b) if picture in relative and b else 1.0)
        found.append(PictureChange(picture, b, a, change > NOTICEABLE[picture]))
    return found


def aligned(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The map ``after`` (V, 2) shifted, rotated or reflected, and scaled onto ``before``, as the eye would compare them."""
    a, b = before - before.mean(axis=0), after - after.mean(axis=0)
    turn, _ = orthogonal_procrustes(b, a)
    size = np.sqrt((a**2).sum() / (b**2).sum()) if (b**2).sum() > 0 else 1.0
    return np.asarray(before.mean(axis=0) + size * b @ turn)


def disparity(before: np.ndarray, after: np.ndarray) -> float:
    """Procrustes disparity of two maps (V, 2): 0, the same picture up to shift, rotation, reflection and size; 1, nothing in common."""
    if not (np.ptp(before, axis=0).any() and np.ptp(after, axis=0).any()):
        return 0.0 if not np.ptp(before, axis=0).any() and not np.ptp(after, axis=0).any() else 1.0
    found = float(procrustes(before.astype(np.float64), after.astype(np.float64))[2])
    return found if found > 1e-9 else 0.0  # rounding
