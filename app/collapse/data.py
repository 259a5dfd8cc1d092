"""The data behind the Collapse page, as arrays and text: stages, spectra, measures, maps. Cached by run."""

from dataclasses import dataclass

import numpy as np

from adrec.errors import WeightsError
from adrec.folders import home
from adrec.parallel.threads import one_thread
from adrec.pictures import looks
from adrec.runs import RunFolder
from app import loaders

NEIGHBOURS = 10
NULL = "null"
AT_ONCE = 10_000
"""Up to this many items, slow computations (such as those over all pairs of items) run without asking first."""


@dataclass(frozen=True)
class Stages:
    """The tables shown, in order. merged: one table stands for both pre-training and warm-up."""

    names: tuple[str, ...]
    merged: bool
    items: int
    width: int

    def label(self, name: str) -> str:
        return "Gaussian noise" if name == NULL else looks.stage_label(name, self.merged)


def stages(run: RunFolder) -> Stages:
    """The run's distinct tables; WeightsError if there are none."""
    tables, names = loaders.distinct(run)
    if not tables:
        raise WeightsError(f"The run '{run.name}' has no item table yet; the first is saved when training begins.")
    items, width = next(iter(tables.values())).shape
    return Stages(tuple(tables), names.get("warmup") == "pretrain", items, width)


@loaders.of_run(64)
def codes(run: RunFolder, name: str) -> str | None:
    """How a stage's model uses its codes, in words; None where it quantises nothing or its data are not here."""
    from adrec.collapse.quantised import codes_of_run

    dataset, _ = loaders.dataset(run)
    with one_thread():
        found = None if dataset is None else codes_of_run(run, name, dataset)
    return None if found is None else found["says"]


# -- spectra and measures -----------------------------------------------------------------------------------------


def measures(run: RunFolder) -> dict[str, dict[str, float]]:
    """``adrec.collapse.definitions`` of one Gaussian table (seed 0, the first table's scale) and of each table."""
    return {name: _measures(run, name) for name in (NULL, *stages(run).names)}


def official(run: RunFolder) -> dict[str, dict[str, float]]:
    """The official notebook's nine measures of the same tables."""
    return {name: _official(run, name) for name in (NULL, *stages(run).names)}


def distinct_tables(run: RunFolder) -> dict[str, np.ndarray]:
    """The run's distinct tables, by name."""
    return loaders.distinct(run)[0]


def _table(run: RunFolder, name: str) -> np.ndarray:
    """A table by name; the null is one Gaussian table of the first table's size and scale."""
    tables = distinct_tables(run)
    if name != NULL:
        return tables[name]
    first = next(iter(tables.values()))
    return np.random.default_rng(0).standard_normal(first.shape) * float(first.std())


@loaders.of_run(64, spinner="Measuring the item tables", shared=False)
def _measures(run: RunFolder, name: str) -> dict[str, float]:
    from adrec.collapse.measures import measures

    return measures(_table(run, name))


@loaders.of_run(64, spinner="Measuring all pairs of items", shared=False)
def _official(run: RunFolder, name: str) -> dict[str, float]:
    from adrec.collapse.measures import official_measures

    return official_measures(_table(run, name))


# -- words --------------------------------------------------------------------------------------------------------


Line = tuple[str, str]
"""A few words and what they mean in full."""


def stage_lines(run: RunFolder, name: str) -> list[Line]:
    """The lines above a stage's map: how its models rank, what the warm-up changes though no item moves, how many neighbours are kept."""
    if loaders.is_bare(run):
        return _stayed(run, name)
    if name == "initial":
        random = ("Random numbers, before any training", "Every item starts as a draw from a Gaussian.")
        kept = [stage for stage, shown in loaders.distinct(run)[1].items() if shown == "initial" != stage]
        return [random, *(_ranking(run, stage, f"The model using them, after {looks.stage_label(stage).lower()}") for stage in kept)]
    merged = stages(run).merged and name == "pretrain"
    lines = [_ranking(run, stage, f"After {looks.stage_label(stage).lower()}") for stage in ([name, "warmup"] if merged else [name])]
    if merged or name == "warmup":
        lines += _error(run)
    return [*lines, *_stayed(run, name)]


def _ranking(run: RunFolder, stage: str, when: str) -> Line:
    found = loaders.metrics(run).get(stage, {}).get("val", {})
    if "ndcg@10" not in found:
        return f"{when}: not validated yet", "Validation runs every few epochs."
    parts = [f"{name} {100 * found[key]:.1f} %" for name, key in (("NDCG@10", "ndcg@10"), ("HR@10", "hr@10")) if key in found]
    errors = [f"{100 * found[key]:.1f}" for key in ("ndcg@10_se", "hr@10_se") if key in found]
    hint = f"Rank of the next item, averaged over {found.get('users', 0):,} validation users"
    return f"{when}: {', '.join(parts)} on validation", hint + (f"; standard errors {' and '.join(errors)} points." if errors else ".")


def _error(run: RunFolder) -> list[Line]:
    first, last = _warmup_error(run)
    if first is None or last is None:
        return []
    hint = "Mean squared error per coordinate of the denoiser's estimate of the next item's x₀, at the first and last warm-up step."
    return [(f"Error of x̂₀ in the warm-up: {first:.2f} → {last:.2f}", hint)]


def _stayed(run: RunFolder, name: str) -> list[Line]:
    shown = stages(run)
    index = shown.names.index(name)
    if index == 0 or shown.items > AT_ONCE or shown.items < 2:
        return []
    share = _overlap(run, shown.names[index - 1], name)
    chance = min(1.0, NEIGHBOURS / (shown.items - 1))
    hint = f"The share of each item's {NEIGHBOURS} nearest (cosine) kept from the previous stage; {100 * chance:.1f} % by chance."
    return [(f"{100 * share:.0f} % of neighbours kept", hint)]


@loaders.of_run(64, shared=False)
def _overlap(run: RunFolder, before: str, after: str) -> float:
    from adrec.maps.neighbours import neighbour_overlap, neighbour_sets

    tables = distinct_tables(run)
    k = min(NEIGHBOURS, len(tables[after]) - 1)
    return float(neighbour_overlap(neighbour_sets(tables[before], k), neighbour_sets(tables[after], k)).mean())


@loaders.of_run(64, shared=False)
def _warmup_error(run: RunFolder) -> tuple[float | None, float | None]:
    steps = [e["mse"] for e in run.events()[0] if e.get("kind") == "step" and e.get("stage") == "warmup" and "mse" in e]
    return (float(steps[0]), float(steps[-1])) if steps else (None, None)


# -- maps ---------------------------------------------------------------------------------------------------------


def layouts(run: RunFolder, method: str) -> dict[str, np.ndarray] | None:
    """Each table's (V, 2) float32 positions in one frame: PCA at once; UMAP if it has been computed, else None."""
    if method == "pca":
        return _pca(run)[0]
    return _umap(run, _projections_changed(run)) if _projections_changed(run) else None


def explained(run: RunFolder) -> dict[str, float]:
    """The share of each table's variance that the two PCA axes show."""
    return _pca(run)[1]


@loaders.of_run(8)
def _pca(run: RunFolder) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    from adrec.maps.projection import pca_map

    tables = distinct_tables(run)
    linear = pca_map(tables)
    return {name: linear.apply(table) for name, table in tables.items()}, linear.explained


def _projections_changed(run: RunFolder) -> int:
    """When a projection was last saved, for this run or in the cache; 0 for never."""

    folders = (run.path / "projections", home() / "projections")
    return max((f.stat().st_mtime_ns for f in folders if f.is_dir()), default=0)


@loaders.of_run(8)
def _umap(run: RunFolder, saved: int) -> dict[str, np.ndarray] | None:
    from adrec.maps.projection import cached

    found = cached(run, "umap")
    return None if found is None else {name: found[name] for name in distinct_tables(run)}
