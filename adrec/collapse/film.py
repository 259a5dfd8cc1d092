"""The film of a training: its item table at every snapshot on common axes, with spectrum, measures and validation.

The axes are principal axes pooled over all frames (``projection.pooled_axes``), so the table moves and the camera never does.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from adrec.collapse.measures import mean_cosine, singular_values, spikes
from adrec.collapse.ranks import effective_rank
from adrec.errors import RunError
from adrec.files import load_npz, save_npz
from adrec.maps.neighbours import neighbour_overlap, neighbour_sets
from adrec.maps.projection import pooled_axes
from adrec.maps.tables import as_table
from adrec.runs import Progress, RunFolder
from adrec.runs.cache import Cache
from adrec.runs.snapshots import load_snapshot, spread

MOST_ITEMS = 10_000
"""Items shown; a larger table is sampled evenly over popularity."""
VERSION = 1
FILE = "film.npz"
NEIGHBOURS = 10
MEASURES = ("effective_rank", "largest_over_edge", "spikes", "mean_cosine", "std", "kept", "ndcg@10")
"""Measures of every frame. kept: the share of every item's 10 nearest by cosine that were there when the stage began; ndcg@10: on
validation, from the events. Both are NaN where not measured."""


@dataclass(frozen=True)
class Film:
    """K frames of n items, in the order of training.

    stages (K,) str; epochs (K,) int, within the stage; best (K,) bool, the table that the stage kept; rows (n,) zero-based item rows;
    positions (K, n, 2) float16; explained (K,), the share of each table's variance that the two axes show; values (K, D) float32, centred
    singular values; measures (K, len(MEASURES)) float32.
    """

    stages: np.ndarray
    epochs: np.ndarray
    best: np.ndarray
    rows: np.ndarray
    positions: np.ndarray
    explained: np.ndarray
    values: np.ndarray
    measures: np.ndarray

    def __len__(self) -> int:
        return len(self.stages)

    def measure(self, name: str) -> np.ndarray:
        """One measure at every frame, (K,)."""
        return np.asarray(self.measures[:, MEASURES.index(name)])


ARRAYS = tuple(field.name for field in fields(Film))


@dataclass(frozen=True)
class _Frame:
    stage: str
    epoch: int
    best: bool
    table: Callable[[], np.ndarray]


def film(run: RunFolder, progress: Progress | None = None) -> Film:
    """The run's film, from the cache or else computed and cached. Fewer than two frames are a RunError."""
    found = cached_film(run)
    if found is not None:
        return found
    frames, rows = _frames(run)
    if len(frames) < 2:
        raise RunError(f"'{run.path}' has {len(frames)} item tables of its training; a film needs at least two.")
    made = _filmed(run, frames, rows, progress or (lambda fraction, words: None))
    _cache(run).save(lambda path: save_film(made, path))
    return made


def save_film(made: Film, path: Path) -> None:
    """Write a film atomically. The film in a copied run may show more snapshots than the copy holds."""
    save_npz(path, {name: getattr(made, name) for name in ARRAYS})


def cached_film(run: RunFolder) -> Film | None:
    """The cached film of the run's current tables, or None; never computes."""
    return _cache(run).load(lambda path: Film(**load_npz(path, ARRAYS)), lambda found: _fits(found) and _is_current(found, run))


def frame_count(run: RunFolder) -> int:
    """The number of frames of the run's film."""
    return len(_frames(run)[0])


# -- frames -----------------------------------------------------------------------------------------------------------


def _frames(run: RunFolder) -> tuple[list[_Frame], np.ndarray]:
    """The tables in the order of training, and the rows that all of them have and the film shows.

    A stage ends with the table of its best epoch, which may lie between two of the snapshots that a compact copy kept.
    """
    saved = run.snapshots()
    if run.bare_tables is not None and not saved:
        return [], np.zeros(0, dtype=np.int64)
    rows = _rows(run, load_snapshot(saved[0][2])[1] if saved else None)
    if run.bare_tables is not None:
        return [_Frame(stage, step, i == 0, partial(_snapshot, path, rows)) for i, (stage, step, path) in enumerate(saved)], rows
    best = {stage: int(epoch) for stage in run.stages if (epoch := run.metrics(stage).get("epoch")) is not None}
    frames = []
    if "initial" in run.table_names():
        frames.append(_Frame("initial", 0, True, lambda: run.table("initial")[rows]))
    for stage in ("pretrain", "warmup", "finetune"):
        own = {epoch: path for name, epoch, path in saved if name == stage}
        last = best.get(stage, max(own, default=0) + 1)
        for epoch in sorted({*own, *([last] if stage in run.stages else [])}):
            table = partial(_snapshot, own[epoch], rows) if epoch in own else (lambda stage=stage: run.table(stage)[rows])
            frames.append(_Frame(stage, epoch, epoch == last and stage in run.stages, table))
    return frames, rows


def _snapshot(path: Path, rows: np.ndarray) -> np.ndarray:
    table, sample = load_snapshot(path)
    return np.asarray(table[rows if sample is None else np.searchsorted(sample, rows)])


def _rows(run: RunFolder, sample: np.ndarray | None) -> np.ndarray:
    """Up to MOST_ITEMS of the rows, ascending, spread evenly over popularity if it is known."""
    frame = run.items
    rows = np.arange(len(frame)) if sample is None else sample
    if len(rows) <= MOST_ITEMS:
        return rows
    return np.asarray(rows[spread(frame["popularity"].to_numpy()[rows] if "popularity" in frame else rows, MOST_ITEMS)])


# -- measuring --------------------------------------------------------------------------------------------------------


def _filmed(run: RunFolder, frames: list[_Frame], rows: np.ndarray, report: Progress) -> Film:
    """Compute the film in two passes, one table in memory at a time: first measures and axes, then positions."""
    covariances, means, values, measured = [], [], [], []
    ranking = _validation(run)
    start: np.ndarray | None = None  # neighbours when the stage began
    kept: np.ndarray | None = None
    stage = frames[0].stage
    for frame, table in _loaded(frames, report, 0.0, 0.9):
        if frame.stage != stage:
            start, stage = kept, frame.stage
        sets = neighbour_sets(table, min(NEIGHBOURS, len(table) - 1))
        if frame.best:
            kept = sets
        covariances.append(np.cov(table, rowvar=False, ddof=0).reshape(table.shape[1], -1))
        means.append(table.mean(axis=0))
        values.append(singular_values(table))
        above, largest = spikes(table)
        stayed = np.nan if start is None else float(neighbour_overlap(start, sets).mean())
        ndcg = ranking.get((frame.stage, frame.epoch), np.nan)
        measured.append((effective_rank(values[-1]), largest, above, mean_cosine(table), float(table.std()), stayed, ndcg))
    linear = pooled_axes(covariances, means[-1])
    positions = [linear.apply(table).astype(np.float16) for _, table in _loaded(frames, report, 0.9, 1.0)]
    return Film(
        stages=np.array([f.stage for f in frames]),
        epochs=np.array([f.epoch for f in frames]),
        best=np.array([f.best for f in frames]),
        rows=rows,
        positions=np.stack(positions),
        explained=np.array([linear.share(c) for c in covariances], dtype=np.float32),
        values=np.stack(values).astype(np.float32),
        measures=np.array(measured, dtype=np.float32),
    )


def _loaded(frames: list[_Frame], report: Progress, begin: float, end: float) -> Iterator[tuple[_Frame, np.ndarray]]:
    for i, frame in enumerate(frames):
        report(begin + (end - begin) * i / len(frames), f"{frame.stage}, epoch {frame.epoch}")
        yield frame, as_table(frame.table(), f"{frame.stage}, epoch {frame.epoch}")
    report(end, "done" if end == 1 else "axes")


def _validation(run: RunFolder) -> dict[tuple[str, int], float]:
    """ndcg@10 on validation by stage and epoch."""
    found: dict[tuple[str, int], Any] = {}
    for event in run.events()[0]:
        value = (event.get("metrics") or {}).get("ndcg@10")
        if event.get("kind") == "validation" and isinstance(value, float):
            found[(str(event.get("stage")), int(event.get("epoch", -1)))] = value
    return found


# -- the cache --------------------------------------------------------------------------------------------------------


def _cache(run: RunFolder) -> Cache:
    """The film's file; its name outside the run folder is a digest of its sources."""
    digest = hashlib.sha256(f"{VERSION} {MOST_ITEMS}".encode())
    for path in [*(p for _, _, p in run.snapshots()), *(run.weights_path(stage) for stage in run.stages)]:
        digest.update(f"{path.parent.name}/{path.name} {path.stat().st_size}".encode())
    if run.exists:
        digest.update((run.path / "run.json").read_bytes())
    return Cache(run, FILE, f"films/{digest.hexdigest()[:32]}.npz")


def _fits(found: Film) -> bool:
    frames, items = len(found.stages), len(found.rows)
    shapes = {"epochs": (frames,), "best": (frames,), "positions": (frames, items, 2), "measures": (frames, len(MEASURES))}
    return found.values.shape[:1] == (frames,) and all(getattr(found, name).shape == shape for name, shape in shapes.items())


def _is_current(found: Film, run: RunFolder) -> bool:
    """Whether a film shows every snapshot of the run and ends with the run's current table."""
    frames = set(zip(found.stages.tolist(), found.epochs.tolist(), strict=True))
    if not frames.issuperset((stage, epoch) for stage, epoch, _ in run.snapshots()) or not run.stages:
        return bool(frames) and not run.stages and len(frames) == frame_count(run)
    last = np.flatnonzero((found.stages == run.stages[-1]) & found.best)
    table = run.table(run.stages[-1])
    if not len(last) or found.rows[-1] >= len(table):
        return False
    return bool(np.isclose(found.measure("std")[last[-1]], table[found.rows].std(), rtol=1e-3))
