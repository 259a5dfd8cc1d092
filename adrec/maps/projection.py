"""Item tables of several stages on one map: PCA and UMAP in a common frame, so that an item's movement means something.

Tables are (V, D) with one row per item, the same items in each; layouts are (V, 2) float32. docs/MAPS.md says why these methods.
"""

import hashlib
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.linalg import orthogonal_procrustes

from adrec.errors import ConfigError, WeightsError
from adrec.files import load_npz, save_npz
from adrec.maps.neighbours import nearest, neighbour_overlap
from adrec.maps.tables import as_table, principal_axes, unit_rows
from adrec.runs import Progress, RunFolder
from adrec.runs.cache import Cache

METHODS = ("pca", "umap")
VERSION = 1
"""Part of the cache key; raised when a method changes."""
NEIGHBOURS, MIN_DIST, SPREAD = 15, 0.1, 1.0
JOINED = 0.15
"""Tables that share at least this mean fraction of neighbours are laid out together."""
FEWEST = 4
LOADING, COMPARING, MOVING = 7.0, 0.045, 4.7
"""Seconds UMAP takes to load, per 1e9 products in the neighbour search, and per million items moved in one epoch."""
_umap_lock = threading.Lock()
"""Two of our threads must not enter numba's default thread pool at once: numba would end the process."""


def distinct_tables(tables: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Tables without duplicates, each under its first name, and for every name the name its table is shown under."""
    shown: dict[str, np.ndarray] = {}
    names: dict[str, str] = {}
    for name, table in tables.items():
        names[name] = next((other for other, seen in shown.items() if np.array_equal(seen, table)), name)
        shown.setdefault(names[name], table)
    return shown, names


def _checked(tables: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    if not tables:
        raise WeightsError("No item table to project; expected at least one.")
    shown, names = distinct_tables(tables)
    checked = {name: as_table(table, f"'{name}'") for name, table in shown.items()}
    shapes = {name: table.shape for name, table in checked.items()}
    if len(set(shapes.values())) > 1:
        listed = ", ".join(f"'{name}' {shape}" for name, shape in shapes.items())
        raise WeightsError(f"Tables of different shapes cannot share a map: {listed}.")
    return checked, names


# -- PCA --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LinearMap:
    """A linear projection of any vector: (x - mean) components^T.

    mean: (D,), the last table's mean row; components: (2, D), orthonormal; explained: the share of each table's variance that the two
    axes show, by table name.
    """

    mean: np.ndarray
    components: np.ndarray
    explained: dict[str, float]

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Vectors (P, D) on the map: (P, 2) float32."""
        return ((np.asarray(points, dtype=np.float64) - self.mean) @ self.components.T).astype(np.float32)

    def share(self, covariance: np.ndarray) -> float:
        """The share of variance that the two axes show of a table with this covariance (D, D); 0 if there is no variance."""
        total = float(np.trace(covariance))
        return float(np.trace(self.components @ covariance @ self.components.T) / total) if total > 0 else 0.0


def pca_map(tables: Mapping[str, np.ndarray]) -> LinearMap:
    """The two axes with the most variance over all distinct tables, each centred and scaled to the same total variance.

    So a table's size does not decide the axes, and shrinking and a common offset, which the axes ignore, stay visible on the map.
    Signs: a component's largest entry is positive. The second axis of a table of width 1 is zero. Pearson 1901.
    """
    shown, names = _checked(tables)
    mean = shown[names[list(tables)[-1]]].mean(axis=0)
    items, width = next(iter(shown.values())).shape
    if items * len(shown) < width:
        return _wide_map(shown, names, mean)
    covariances = {name: np.cov(table, rowvar=False, ddof=0).reshape(width, width) for name, table in shown.items()}
    linear = pooled_axes(list(covariances.values()), mean)
    return replace(linear, explained={name: linear.share(covariances[names[name]]) for name in tables})


def pooled_axes(covariances: Sequence[np.ndarray], mean: np.ndarray) -> LinearMap:
    """``pca_map`` from the tables' covariances (D, D), with its origin at ``mean`` (D,); ``explained`` stays empty."""
    width = len(mean)
    totals = [float(np.trace(c)) for c in covariances]
    pooled = sum((c / total for c, total in zip(covariances, totals, strict=True) if total > 0), np.zeros((width, width)))
    _, vectors = np.linalg.eigh(pooled)
    return _linear_map(mean, vectors[:, ::-1])


def _wide_map(shown: Mapping[str, np.ndarray], names: Mapping[str, str], mean: np.ndarray) -> LinearMap:
    """``pca_map`` of tables with more columns than they have rows in total, without any (D, D) matrix."""
    centred = {name: table - table.mean(axis=0) for name, table in shown.items()}
    unit = {name: rows / (float(np.linalg.norm(rows)) or 1.0) for name, rows in centred.items()}
    linear = _linear_map(mean, principal_axes(np.concatenate(list(unit.values())))[1])
    return replace(linear, explained={name: float(((unit[names[name]] @ linear.components.T) ** 2).sum()) for name in names})


def _linear_map(mean: np.ndarray, axes: np.ndarray) -> LinearMap:
    """The map onto the first two of these axes (D, K)."""
    components = np.zeros((2, len(mean)))
    components[: min(2, axes.shape[1])] = axes.T[:2]
    largest = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, None], axis=1)
    components *= np.where(largest < 0, -1.0, 1.0)
    return LinearMap(mean, components, {})


def project_pca(tables: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each table on the axes of ``pca_map``, (V, 2) float32 by name."""
    linear = pca_map(tables)
    return {name: linear.apply(table) for name, table in tables.items()}


# -- UMAP -------------------------------------------------------------------------------------------------------------


def project_umap(tables: Mapping[str, np.ndarray], seed: int = 0, progress: Progress | None = None) -> dict[str, np.ndarray]:
    """Aligned UMAP layouts (McInnes et al. 2018, arXiv 1802.03426), cosine metric, (V, 2) float32 by name.

    Consecutive tables that share at least JOINED of their neighbours are laid out together: each has its own neighbour graph, joined
    to the next by the neighbour pairs that both have and by a link from each item to itself, weighted by the share of neighbours it
    kept. Items that did not change stay in place; items that lost their neighbours are free to move. Tables that share fewer neighbours
    are laid out separately. Each layout is centred and rotated or reflected (never scaled) onto the next. Equal tables get the same
    layout.
    """
    shown, names = _checked(tables)
    items = len(next(iter(shown.values())))
    if items < FEWEST:
        raise WeightsError(f"UMAP cannot lay out {items} items; it needs at least {FEWEST}.")
    report = progress or (lambda fraction, words: None)
    with _umap_lock:
        report(0.0, "loading UMAP")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ImportWarning)  # about TensorFlow, which only parametric UMAP needs
            import umap  # noqa: F401 - takes seconds, so never before the app's first paint
        neighbours, graphs = [], []
        for i, (name, table) in enumerate(shown.items()):
            report(0.05 + 0.25 * i / len(shown), f"neighbours of {name}")
            indices, graph = _neighbour_graph(unit_rows(table), seed)
            neighbours.append(indices)
            graphs.append(graph)
        layouts: list[np.ndarray] = []
        for group in _groups(neighbours):
            start = _start(list(shown.values())[group[-1]], len(group), seed)
            joined = _joined([graphs[g] for g in group], [neighbours[g] for g in group])
            bar = _Epochs(items, report, 0.3 + 0.69 * len(layouts) / len(shown), 0.69 * len(group) / len(shown))
            layouts += np.split(_optimise(joined, start, seed, bar).astype(np.float64), len(group))
    by_name = dict(zip(shown, _aligned(layouts), strict=True))
    report(1.0, "done")
    return {name: by_name[names[name]] for name in tables}


def umap_seconds(items: int, tables: int, width: int) -> float:
    """Roughly how many seconds ``project_umap`` takes for tables (V, D) on two cores, as measured by tests/measure/umap_times.py."""
    comparisons, moves = items**2 * width / 1e9, items * _epochs(items) / 1e6
    return LOADING + tables * (COMPARING * comparisons + MOVING * moves)


def _groups(neighbours: list[np.ndarray]) -> list[list[int]]:
    """Runs of consecutive tables that share at least JOINED of their neighbours."""
    groups = [[0]]
    for i, (a, b) in enumerate(pairwise(neighbours), start=1):
        if neighbour_overlap(a, b).mean() >= JOINED:
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


def _neighbour_graph(unit: np.ndarray, seed: int) -> tuple[np.ndarray, sparse.coo_matrix]:
    """The neighbours (V, k) of unit rows, excluding the item itself, and UMAP's fuzzy graph (V, V) of them."""
    from umap import umap_

    k = min(NEIGHBOURS, len(unit) - 1)
    indices, similarities = nearest(unit, k - 1, "cosine")
    distances = np.column_stack([np.zeros(len(unit)), (1 - similarities).clip(min=0)]).astype(np.float32)
    itself = np.column_stack([np.arange(len(unit)), indices])  # UMAP counts an item as its own first neighbour
    graph, _, _ = umap_.fuzzy_simplicial_set(unit, k, np.random.RandomState(seed), "cosine", {}, itself, distances)
    return indices, graph


def _joined(graphs: list[sparse.coo_matrix], neighbours: list[np.ndarray]) -> sparse.coo_matrix:
    """One graph over the items of all tables: each table's own graph, and between consecutive tables the links they share."""
    blocks: list[list[sparse.spmatrix | None]] = [[None] * len(graphs) for _ in graphs]
    for i, graph in enumerate(graphs):
        blocks[i][i] = graph
    for i, (a, b) in enumerate(pairwise(graphs)):
        kept = neighbour_overlap(neighbours[i], neighbours[i + 1])
        between = (a.tocsr().multiply(b.tocsr()).sqrt() + sparse.diags(kept)).tocsr()
        blocks[i][i + 1], blocks[i + 1][i] = between, between.T
    return sparse.block_array(blocks, format="coo").astype(np.float32)


def _start(table: np.ndarray, copies: int, seed: int) -> np.ndarray:
    """The common start of a group's layouts: one table's first two principal axes, with a little noise to separate equal points."""
    start = project_pca({"": table})[""].astype(np.float64)
    start = start / max(np.abs(start).max(), np.finfo(np.float64).tiny)
    stacked = np.concatenate([start] * copies)
    return stacked + np.random.default_rng(seed).normal(scale=1e-4, size=stacked.shape)


def _epochs(items: int) -> int:
    """UMAP's own choice."""
    return 500 if items <= 10_000 else 200


class _Epochs:
    """The number of epochs of a layout, and the file object that UMAP's progress bar writes its count to."""

    def __init__(self, items: int, report: Progress, done: float, share: float) -> None:
        self.epochs = _epochs(items)
        self.report, self.done, self.share = report, done, share

    def write(self, text: str) -> None:
        if text.strip().isdigit():
            self.report(self.done + self.share * min(int(text) / self.epochs, 1.0), "laying out")

    def flush(self) -> None:
        """Nothing is buffered."""


def _optimise(graph: sparse.coo_matrix, start: np.ndarray, seed: int, epochs: _Epochs) -> np.ndarray:
    from umap import umap_

    a, b = umap_.find_ab_params(SPREAD, MIN_DIST)
    bar = {"disable": False, "file": epochs, "bar_format": "{n}", "mininterval": 0.2}
    layout, _ = umap_.simplicial_set_embedding(
        None, graph, 2, 1.0, a, b, 1.0, 5, epochs.epochs, start, np.random.RandomState(seed), "cosine", {}, False, {}, False, tqdm_kwds=bar
    )
    return np.asarray(layout)


def _aligned(layouts: list[np.ndarray]) -> list[np.ndarray]:
    """Each layout centred and rotated or reflected onto the next; the last one is only centred."""
    layouts = [layout - layout.mean(axis=0) for layout in layouts]
    for i in range(len(layouts) - 2, -1, -1):
        turn, _ = orthogonal_procrustes(layouts[i], layouts[i + 1])
        layouts[i] = layouts[i] @ turn
    return [layout.astype(np.float32) for layout in layouts]


# -- a run's projections, cached --------------------------------------------------------------------------------------


def _cache(run: RunFolder, method: str, seed: int, tables: Mapping[str, np.ndarray]) -> Cache:
    """The file of a projection of these tables, named by their contents."""
    if method not in METHODS:
        raise ConfigError(f"Unknown projection '{method}'; must be one of {', '.join(METHODS)}.")
    digest = hashlib.sha256(f"{VERSION} {method} {NEIGHBOURS} {MIN_DIST} {SPREAD} {JOINED}".encode())
    for name, table in tables.items():
        digest.update(f"{name} {table.shape}".encode())
        digest.update(np.ascontiguousarray(table, dtype="<f4").tobytes())
    file = f"projections/{method}-{seed if method == 'umap' else 0}-{digest.hexdigest()[:16]}.npz"
    return Cache(run, file, file)


def cached(run: RunFolder, method: str, seed: int = 0) -> dict[str, np.ndarray] | None:
    """The run's cached projection by table name, each (V, 2) float32, or None; never computes."""
    tables = run.tables()

    def holds(found: dict[str, np.ndarray]) -> bool:
        return all(found[n].shape == (len(t), 2) and found[n].dtype == np.float32 for n, t in tables.items())

    return _cache(run, method, seed, tables).load(lambda path: load_npz(path, tables), holds) if tables else None


def project(run: RunFolder, method: str, seed: int = 0, progress: Progress | None = None) -> dict[str, np.ndarray]:
    """The run's projection by table name, each (V, 2) float32, from the cache or else computed and cached by content."""
    found = cached(run, method, seed)
    if found is not None:
        return found
    tables = run.tables()
    if not tables:
        raise WeightsError(f"The run '{run.name}' has no item table yet; a map needs the one before training or a finished stage.")
    layouts = project_pca(tables) if method == "pca" else project_umap(tables, seed, progress)
    _cache(run, method, seed, tables).save(lambda path: save_npz(path, layouts))
    return layouts
