"""What the Collapse page shows of a run, as arrays and words: stages, spectra, measures, maps, colourings, neighbours. Cached by run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from adrec.errors import WeightsError
from adrec.runs import RunFolder
from app import loaders, palette

NEIGHBOURS = 10
NULL = "null"
NINE_AT_ONCE = 10_000
"""Items up to which what looks at every pair of items is computed without being asked for."""
ALIKE = 0.9
"""Correlation with the start above which a table counts as never having left it, and share that makes a narrow cone."""
CONCENTRATED = 0.25
"""Participation ratio over noise's below which a table is called concentrated; as the bounds above, from the literature, not calibrated."""
JUDGE = "Whether neighbours mean anything, no spectrum can tell: look at the lists below."


@dataclass(frozen=True)
class Stages:
    """The tables on show in order, and whether one of them stands for pre-training and warm-up together."""

    names: tuple[str, ...]
    merged: bool
    items: int
    width: int

    def label(self, name: str) -> str:
        return "Gaussian noise" if name == NULL else palette.stage_label(name, self.merged)


def stages(run: RunFolder) -> Stages:
    """The run's different tables; a run without any is a WeightsError."""
    tables, names = loaders.distinct(run)
    if not tables:
        raise WeightsError(f"The run '{run.name}' has no item table yet: its first appears when training begins.")
    items, width = next(iter(tables.values())).shape
    return Stages(tuple(tables), names.get("warmup") == "pretrain", items, width)


# -- spectra and measures -----------------------------------------------------------------------------------------


def spectra(run: RunFolder) -> dict[str, np.ndarray]:
    """Centred singular values of the null (key ``null``) and of each table, each over its own root mean square: only shapes compare."""
    return _spectra(*loaders.key(run))


def measures(run: RunFolder) -> dict[str, dict[str, float]]:
    """``adrec.collapse.measures`` of one Gaussian table (seed 0, the first table's scale) and of each table."""
    return _measures(*loaders.key(run))


def official(run: RunFolder) -> dict[str, dict[str, float]]:
    """The official notebook's nine of the same tables."""
    return _official(*loaders.key(run))


def likeness(run: RunFolder) -> float | None:
    """Correlation of the last table's entries with the table before training; None without both."""
    return _likeness(*loaders.key(run))


def _tables(path: str) -> dict[str, np.ndarray]:
    return loaders.distinct(RunFolder(path))[0]


def _with_null(path: str) -> dict[str, np.ndarray]:
    tables = _tables(path)
    first = next(iter(tables.values()))
    noise = np.random.default_rng(0).standard_normal(first.shape) * float(first.std())
    return {NULL: noise, **tables}


@st.cache_data(max_entries=16, show_spinner=False)
def _spectra(path: str, changed: int) -> dict[str, np.ndarray]:
    from adrec.collapse import gaussian_spectrum, singular_values

    tables = _tables(path)
    found = {NULL: gaussian_spectrum(*next(iter(tables.values())).shape)}
    found.update({name: singular_values(table) for name, table in tables.items()})
    scales = {name: float(np.sqrt((v**2).mean())) for name, v in found.items()}
    return {name: v / scales[name] if scales[name] > 0 else v for name, v in found.items()}


@st.cache_data(max_entries=16, show_spinner="Measuring the tables")
def _measures(path: str, changed: int) -> dict[str, dict[str, float]]:
    from adrec.collapse import measures

    return {name: measures(table) for name, table in _with_null(path).items()}


@st.cache_data(max_entries=16, show_spinner="Measuring all pairs of items")
def _official(path: str, changed: int) -> dict[str, dict[str, float]]:
    from adrec.collapse import official_measures

    return {name: official_measures(table) for name, table in _with_null(path).items()}


@st.cache_data(max_entries=64, show_spinner=False)
def _likeness(path: str, changed: int) -> float | None:
    tables = _tables(path)
    if len(tables) < 2 or "initial" not in tables:
        return None
    first, last = tables["initial"].ravel(), list(tables.values())[-1].ravel()
    return float(np.corrcoef(first, last)[0, 1]) if first.std() > 0 and last.std() > 0 else None


# -- words --------------------------------------------------------------------------------------------------------


def answer(run: RunFolder) -> str:
    """What the last table's measures say, in one sentence with its numbers, and what they cannot say."""
    shown, found = stages(run), measures(run)
    last = shown.names[-1]
    now, null = found[last], found[NULL]
    rank = f"effective rank {now['effective_rank']:.1f} of {shown.width} (noise: {null['effective_rank']:.1f})"
    spikes = int(now["spikes"])
    above = "no direction" if spikes == 0 else "one direction" if spikes == 1 else f"{spikes} directions"
    above = f"{above} above the noise edge (noise: {int(null['spikes'])})"
    cosine = f"mean cosine {now['mean_cosine']:.2f}"
    table = f"The {shown.label(last).lower()} table of **{run.name}**"
    alike = likeness(run)
    if last == "initial":
        return f"**{run.name}** has only its random start so far: {rank}, {above}, {cosine}."
    if max(now["mean_cosine"], now["offset"]) > ALIKE:
        common = f"{100 * now['offset']:.0f} % of the squared length is the same in all items"
        return f"{table} sits in one narrow cone: {cosine}, {common}; {rank}."
    if alike is not None and alike > ALIKE:
        return f"{table} has hardly left its random start (correlation {alike:.3f}): {rank}, {above}, {cosine}."
    if spikes == 0:
        return f"{table} has the spectrum of noise: {rank}, {above}, {cosine}. {JUDGE}"
    if now["participation_ratio"] < CONCENTRATED * null["participation_ratio"]:
        ratio = f"participation ratio {now['participation_ratio']:.1f} (noise: {null['participation_ratio']:.1f})"
        return f"{table} is concentrated in few directions: {ratio}, {above}, {rank}, {cosine}. {JUDGE}"
    return f"{table} is neither noise nor one narrow cone: {above}, {rank}, {cosine}. {JUDGE}"


Line = tuple[str, str]
"""A few words and what they mean in full."""


def stage_lines(run: RunFolder, name: str) -> list[Line]:
    """What stands above a stage's map: how its models rank, what the warm-up changes though no item moves, how many neighbours stayed."""
    if name == "initial":
        return [("Random numbers, before any training", "Every item starts as a draw from a Gaussian.")]
    merged = stages(run).merged and name == "pretrain"
    lines = [_ranking(run, name, "SASRec" if name == "pretrain" else "ADRec")]
    if merged:
        lines.append(_ranking(run, "warmup", "ADRec after warm-up"))
    if merged or name == "warmup":
        lines += _error(run)
    return [*lines, *_stayed(run, name)]


def _ranking(run: RunFolder, stage: str, model: str) -> Line:
    found = loaders.metrics(run).get(stage, {}).get("val", {})
    if "ndcg@10" not in found:
        return f"{model}: not validated yet", "It is validated every few epochs."
    parts = [f"{name} {100 * found[key]:.1f} %" for name, key in (("NDCG@10", "ndcg@10"), ("HR@10", "hr@10"))]
    errors = [f"{100 * found[key]:.1f}" for key in ("ndcg@10_se", "hr@10_se") if key in found]
    hint = f"Mean over {found.get('users', 0):,} users of the place that {model} gives to the next item, on validation"
    return f"{model}: {', '.join(parts)}", hint + (f"; standard errors {' and '.join(errors)} points." if errors else ".")


def _error(run: RunFolder) -> list[Line]:
    first, last = _warmup_error(*loaders.key(run))
    if first is None or last is None:
        return []
    hint = "Mean squared error per number of the denoiser's guess at the next item's embedding x₀, at the warm-up's first and last step."
    return [(f"Error of x̂₀ in the warm-up: {first:.2f} → {last:.2f}", hint)]


def _stayed(run: RunFolder, name: str) -> list[Line]:
    shown = stages(run)
    place = shown.names.index(name)
    if place == 0 or shown.items > NINE_AT_ONCE or shown.items < 2:
        return []
    share = _overlap(*loaders.key(run), shown.names[place - 1], name)
    chance = min(1.0, NEIGHBOURS / (shown.items - 1))
    hint = f"Of every item's {NEIGHBOURS} nearest by cosine, the share that was there in the stage before; by chance {100 * chance:.1f} %."
    return [(f"{100 * share:.0f} % of all neighbours stayed", hint)]


@st.cache_data(max_entries=64, show_spinner=False)
def _overlap(path: str, changed: int, before: str, after: str) -> float:
    from adrec.neighbours import neighbour_overlap, neighbour_sets

    tables = _tables(path)
    k = min(NEIGHBOURS, len(tables[after]) - 1)
    return float(neighbour_overlap(neighbour_sets(tables[before], k), neighbour_sets(tables[after], k)).mean())


@st.cache_data(max_entries=64, show_spinner=False)
def _warmup_error(path: str, changed: int) -> tuple[float | None, float | None]:
    steps = [e["mse"] for e in RunFolder(path).events()[0] if e.get("kind") == "step" and e.get("stage") == "warmup" and "mse" in e]
    return (float(steps[0]), float(steps[-1])) if steps else (None, None)


# -- maps ---------------------------------------------------------------------------------------------------------


def layouts(run: RunFolder, method: str) -> dict[str, np.ndarray] | None:
    """Each table's (V, 2) float32 positions in one frame: PCA at once, UMAP if somebody computed it, else None."""
    if method == "pca":
        return _pca(*loaders.key(run))[0]
    return _umap(*loaders.key(run), _projections_changed(run)) if _projections_changed(run) else None


def explained(run: RunFolder) -> dict[str, float]:
    """The share of each table's variance that the two PCA axes show."""
    return _pca(*loaders.key(run))[1]


@st.cache_resource(max_entries=8, show_spinner=False)
def _pca(path: str, changed: int) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    from adrec.projection import pca_map

    tables = _tables(path)
    linear = pca_map(tables)
    return {name: linear.apply(table) for name, table in tables.items()}, linear.explained


def _projections_changed(run: RunFolder) -> int:
    """When a projection was last saved, for this run or in the cache; 0 for never."""
    from adrec.data import catalog

    folders = (run.path / "projections", catalog.home() / "projections")
    return max((f.stat().st_mtime_ns for f in folders if f.is_dir()), default=0)


@st.cache_resource(max_entries=8, show_spinner=False)
def _umap(path: str, changed: int, saved: int) -> dict[str, np.ndarray] | None:
    from adrec.projection import cached

    found = cached(RunFolder(path), "umap")
    return None if found is None else {name: found[name] for name in _tables(path)}


# -- items --------------------------------------------------------------------------------------------------------


def titles(run: RunFolder) -> list[str]:
    """A title for every item, row by row; ids where the table has none."""
    frame = loaders.items(run)
    column = frame["title"] if "title" in frame else frame["item"] if "item" in frame else pd.Series(frame.index, index=frame.index)
    return [str(title) or f"item {i}" for title, i in zip(column, frame.index, strict=True)]


def first_item(run: RunFolder) -> int:
    """The item shown until one is chosen: the most popular, or else the first."""
    frame = loaders.items(run)
    return 1 + int(frame["popularity"].to_numpy().argmax()) if "popularity" in frame and len(frame) else 1


def neighbours(run: RunFolder, row: int) -> dict[str, list[dict[str, Any]]]:
    """By table, the item's nearest by cosine in the original space: row, cosine, and whether it was there in the table before."""
    return _neighbours(*loaders.key(run), row)


@st.cache_data(max_entries=512, show_spinner=False)
def _neighbours(path: str, changed: int, row: int) -> dict[str, list[dict[str, Any]]]:
    from adrec.neighbours import neighbours

    found: dict[str, list[dict[str, Any]]] = {}
    before: set[int] | None = None
    for name, table in _tables(path).items():
        rows, cosines = neighbours(table, row, NEIGHBOURS)
        kept = [None if before is None else int(r) in before for r in rows]
        found[name] = [{"row": int(r), "cosine": float(c), "kept": k} for r, c, k in zip(rows, cosines, kept, strict=True)]
        before = {int(r) for r in rows}
    return found


# -- colourings ---------------------------------------------------------------------------------------------------

NOT_COLOURS = ("item", "title")
OTHER = "other"


@dataclass(frozen=True)
class Colouring:
    """A column as the maps draw it. codes: (V,) uint8, the group of each item (255: unknown). words: each item's own value.

    categories: names, the most common first, the last ``other`` if there are more; empty if the column is a number, whose range
    is then ``low`` to ``high`` over ``STEPS`` groups.
    """

    label: str
    codes: np.ndarray
    words: list[str]
    categories: tuple[str, ...] = ()
    low: str = ""
    high: str = ""


STEPS = 12
UNKNOWN = 255


def colour_options(run: RunFolder) -> dict[str, str]:
    """The columns to colour by and their labels, categories first, popularity last."""
    frame = loaders.items(run)
    columns = [c for c in frame.columns if c not in (*NOT_COLOURS, "popularity")]
    numbers = [c for c in columns if _is_number(frame[c])]
    names = [c for c in columns if c not in numbers] + numbers + [c for c in ["popularity"] if c in frame]
    return {c: c.replace("_", " ").capitalize() for c in names}


def colouring(run: RunFolder, column: str | None) -> Colouring:
    """The column as groups; None gives every item the same."""
    return _colouring(*loaders.key(run), column)


@st.cache_resource(max_entries=32, show_spinner=False)
def _colouring(path: str, changed: int, column: str | None) -> Colouring:
    frame = loaders.items(RunFolder(path))
    if column is None:
        return Colouring("", np.zeros(len(frame), dtype=np.uint8), [""] * len(frame), ("item",))
    if column == "popularity":
        return _number(frame[column], "Times in the training histories", np.log1p)
    if _is_number(frame[column]):
        return _number(pd.to_numeric(frame[column], errors="coerce"), column.capitalize(), lambda x: x)
    return _category(frame[column], column.capitalize())


def _is_number(column: pd.Series) -> bool:
    values = pd.to_numeric(column[column != ""], errors="coerce")
    return bool(values.notna().all() and values.nunique() > 2 * len(palette.CATEGORIES))


def _number(values: pd.Series, label: str, scale: Callable[[Any], Any]) -> Colouring:
    numbers = values.to_numpy(dtype=np.float64)
    known = np.isfinite(numbers)
    codes = np.full(len(numbers), UNKNOWN, dtype=np.uint8)
    low, high = (numbers[known].min(), numbers[known].max()) if known.any() else (0.0, 0.0)
    if known.any():
        span = float(scale(high) - scale(low)) or 1.0
        codes[known] = np.minimum((scale(numbers[known]) - scale(low)) / span * STEPS, STEPS - 1).astype(np.uint8)
    words = [f"{v:g}" if k else "unknown" for v, k in zip(numbers, known, strict=True)]
    return Colouring(label, codes, words, (), f"{low:g}", f"{high:g}")


def _category(column: pd.Series, label: str) -> Colouring:
    several = bool(column.str.contains("|", regex=False).any())
    first = column.str.split("|").str[0].replace("", "unknown")
    common = list(first.value_counts().index)
    most = len(palette.CATEGORIES)
    categories = common if len(common) < most else [c for c in common if c != OTHER][: most - 1] + [OTHER]
    place = {name: i for i, name in enumerate(categories)}
    codes = first.map(lambda name: place.get(name, len(categories) - 1)).to_numpy(dtype=np.uint8)
    words = [value.replace("|", ", ") or "unknown" for value in column]
    return Colouring(f"First {label.lower()}" if several else label, codes, words, tuple(str(c) for c in categories))
