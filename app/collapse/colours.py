"""Colourings of the maps: the items' columns, and what is computed from their embeddings, as groups of points. Cached by run."""

from collections.abc import Mapping

import numpy as np

from adrec.pictures.colours import STEPS, UNKNOWN, Colouring, is_number, plain, words_of
from adrec.pictures.colours import column as in_column
from adrec.runs import Progress, RunFolder
from app import loaders
from app.collapse import points
from app.collapse.data import NEIGHBOURS
from app.collapse.long import long

NOT_COLOURS = ("item", "title")


COMPUTED = {
    "by:norm": ("Length (norm)", "Length of the embedding"),
    "by:cluster": ("Cluster", "Cluster in the last table"),
    "by:overlap": ("Neighbours kept", f"Share of the {NEIGHBOURS} nearest neighbours (cosine) kept from the previous table"),
    "by:trust": ("Trust in the map", f"Trustworthiness of the map around an item ({NEIGHBOURS} neighbours, cosine)"),
}
"""Colourings computed from the tables: name in the list, and legend."""
CLUSTERS = 7
SLOW = {"by:overlap": "neighbours kept", "by:trust": "trust in the map"}


def colour_options(run: RunFolder) -> dict[str, str]:
    """Colourings and their labels: columns, categories first; popularity; computed ones."""
    kinds = _kinds(run)
    names = sorted(kinds, key=kinds.__getitem__) + [c for c in ["popularity"] if c in loaders.items(run)]
    return {**{c: words_of(c) for c in names}, **{key: label for key, (label, _) in COMPUTED.items()}}


def categories(run: RunFolder) -> dict[str, str]:
    """The categorical columns and their labels."""
    return {c: words_of(c) for c, number in _kinds(run).items() if not number}


@loaders.of_run(8)
def _kinds(run: RunFolder) -> dict[str, bool]:
    """The columns other than popularity, and whether each is numeric."""
    frame = loaders.items(run)
    return {c: is_number(frame[c]) for c in frame.columns if c not in (*NOT_COLOURS, "popularity")}


def colouring(run: RunFolder, column: str | None, method: str) -> Colouring:
    """Groups the points by a column or a computed colouring; None, or one not computed yet, puts all points into one group."""
    if column in COMPUTED:
        found = _computed(run, column, method)
        return plain(points.count(run)) if found is None else found
    return _column(run, column)


@loaders.of_run(32)
def _column(run: RunFolder, column: str | None) -> Colouring:
    frame, shown = loaders.items(run), points.rows(run)
    if column is None:
        return plain(points.count(run))
    return in_column(frame, column, shown)


# -- computed from the tables -------------------------------------------------------------------------------------


def _computed(run: RunFolder, column: str, method: str) -> Colouring | None:
    """The quick ones at once, the slow ones through ``long``."""
    tables = points.tables(run)
    if column == "by:norm":
        norms = np.stack([np.linalg.norm(table, axis=1) for table in tables.values()])
        return _scale(COMPUTED[column][1], norms, float(norms.min()), float(norms.max()), "length")
    if column == "by:cluster":
        return _clusters(run)
    key = (*loaders.key(run), column, method if column == "by:trust" else "")
    layouts = points.layouts(run, method)
    if layouts is None or points.count(run) <= 2 * NEIGHBOURS:
        return None

    def compute(progress: Progress) -> Colouring:
        if column == "by:overlap":
            return _scale(COMPUTED[column][1], overlaps(tables, progress), 0.0, 1.0, "kept")
        trust = trusts(tables, layouts, progress)
        return _scale(COMPUTED[column][1], trust, float(trust.min()), 1.0, "trust")

    found: Colouring | None = long(key, points.count(run), SLOW[column], compute)
    return found


def overlaps(tables: Mapping[str, np.ndarray], progress: Progress) -> np.ndarray:
    """The share of each item's nearest neighbours kept from the previous table: (tables, P), NaN in the first."""
    from adrec.maps.neighbours import neighbour_overlap, neighbour_sets

    sets = [neighbour_sets(table, NEIGHBOURS, "cosine", part(progress, i, len(tables))) for i, table in enumerate(tables.values())]
    first = np.full(len(sets[0]), np.nan)
    return np.stack([first, *(neighbour_overlap(a, b) for a, b in zip(sets, sets[1:], strict=False))])


def trusts(tables: Mapping[str, np.ndarray], layouts: Mapping[str, np.ndarray], progress: Progress) -> np.ndarray:
    """The trustworthiness of the map around each item: (tables, P)."""
    from adrec.collapse.distortion import point_trustworthiness as trust

    each = enumerate(tables.items())
    return np.stack([trust(t, layouts[name], NEIGHBOURS, "cosine", part(progress, i, len(tables))) for i, (name, t) in each])


def part(progress: Progress, index: int, parts: int) -> Progress:
    """The progress of one of ``parts`` equal parts, as progress of the whole."""
    return lambda fraction, words: progress((index + fraction) / parts, words)


def _scale(label: str, values: np.ndarray, low: float, high: float, unit: str) -> Colouring:
    """Numbers per table, on one scale for all tables."""
    known = np.isfinite(values)
    share = (np.where(known, values, low) - low) / ((high - low) or 1.0)
    codes = np.where(known, np.minimum(share * STEPS, STEPS - 1).astype(np.uint8), UNKNOWN).astype(np.uint8)
    return Colouring(label, codes, [], (), f"{low:.3g}", f"{high:.3g}", values.astype(np.float32), unit)


@loaders.of_run(8)
def _clusters(run: RunFolder) -> Colouring:
    table = list(points.tables(run).values())[-1]
    found = clusters(table)
    sizes = np.bincount(found)
    names = [f"{i + 1} ({size:,} items)" for i, size in enumerate(sizes)]
    label = f"{COMPUTED['by:cluster'][1]}, k-means of unit rows with k = {len(names)}"
    return Colouring(label, found.astype(np.uint8), [f"cluster {i + 1}" for i in found], tuple(names))


def clusters(table: np.ndarray) -> np.ndarray:
    """k-means (scikit-learn, seed 0) of a table's unit rows, so that distance follows the cosine: (P,), the largest cluster is 0."""
    from sklearn.cluster import KMeans, MiniBatchKMeans

    from adrec.maps.tables import unit_rows

    unit = unit_rows(table)
    k = min(CLUSTERS, len(np.unique(unit, axis=0)))
    method = KMeans(k, n_init=4, random_state=0) if len(unit) <= 10_000 else MiniBatchKMeans(k, n_init=3, random_state=0)
    labels = method.fit_predict(unit)
    order = np.argsort(-np.bincount(labels, minlength=k), kind="stable")
    return np.asarray(np.argsort(order)[labels])
