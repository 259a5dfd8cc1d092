"""What is known of the runs that are compared, cached by run. Reading it computes nothing; torch is imported by the statistics."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from adrec.errors import RunError
from adrec.pictures import looks
from adrec.runs import groups
from app import loaders, palette, ui
from app.loaders import LoadedRun
from app.serving import visitors

if TYPE_CHECKING:
    from adrec.experiments.statistics import Comparison

STAGE = "finetune"
OWN = "Your runs"


@dataclass(frozen=True)
class Facts:
    """A finished run. name: in links; metrics: of the test users; seconds: of its training; plain: whether ranks are among all items."""

    name: str
    title: str
    model: str
    question: str
    data: str
    data_hash: str
    recipe: dict[str, Any]
    seed: int
    metrics: dict[str, Any]
    seconds: float
    denoises: bool
    whole: bool

    @property
    def plain(self) -> bool:
        return not self.recipe.get("filter_seen")


@loaders.of_run(1024)
def facts(run: LoadedRun) -> Facts | None:
    """What is known of a run; None if it is damaged, holds no model's results or has not finished."""
    if loaders.is_bare(run) or loaders.problem(run) is not None or STAGE not in run.stages:
        return None
    info, found = run.info, run.metrics(STAGE).get("test", {})
    if "hr@10" not in found or not found.get("users"):
        return None
    data = info.get("dataset", {})
    return Facts(
        name=loaders.link_name(run),
        title=str(info.get("title") or run.name),
        model=str(info["model"].get("model", "adrec")) if isinstance(info.get("model"), dict) else "adrec",
        question=str(info.get("question") or OWN),
        data=visitors.without_paths(str(data.get("title") or data.get("name") or "unknown data")),
        data_hash=str(data.get("hash")),
        recipe=groups.recipe(info),
        seed=int(info.get("seed") or 0),
        metrics=found,
        seconds=sum(float(run.metrics(stage).get("seconds", 0.0)) for stage in run.stages),
        denoises="denoise" in run.abilities,
        whole=run.has_model(STAGE),
    )


@dataclass(frozen=True)
class Group:
    """Runs of the same settings under different seeds. number: by which it looks the same everywhere; beyond the palette it is grey."""

    name: str
    runs: tuple[LoadedRun, ...]
    facts: tuple[Facts, ...]
    number: int = 0

    @property
    def key(self) -> str:
        """Its name in links: that of its first run."""
        return self.facts[0].name

    @property
    def first(self) -> Facts:
        return self.facts[0]

    @cached_property
    def seeds(self) -> list[int]:
        return sorted({each.seed for each in self.facts})

    @property
    def color(self) -> str:
        return looks.OTHER_COLORS[self.number] if self.marked else palette.NULL_COLOR

    @property
    def glyph(self) -> str:
        return looks.OTHER_GLYPHS[self.number] if self.marked else "•"

    @property
    def marked(self) -> bool:
        """Whether it has a look of its own; the others are grey."""
        return self.number < len(looks.OTHER_COLORS)

    def values(self, metric: str) -> list[float]:
        """Of each run, a fraction."""
        return [float(each.metrics.get(metric, np.nan)) for each in self.facts]

    def mean(self, metric: str) -> float:
        return float(np.mean(self.values(metric)))

    def spread(self, metric: str) -> float | None:
        """Standard deviation over seeds; None of one."""
        found = self.values(metric)
        return float(np.std(found, ddof=1)) if len(found) > 1 else None

    def error(self, metric: str) -> float:
        """Standard error over users of a single run."""
        return float(self.first.metrics.get(f"{metric}_se", 0.0))

    @property
    def seconds(self) -> float:
        """Of a training, mean over runs."""
        return float(np.mean([each.seconds for each in self.facts]))


def all_groups() -> tuple[list[Group], list[LoadedRun]]:
    """Every finished run, in groups, and the runs with a model that have no results (yet)."""
    found: dict[str, list[tuple[LoadedRun, Facts]]] = {}
    rest = []
    for run in loaders.all_runs():
        known = facts(run)
        if known is None:
            rest += [run] if not loaders.is_bare(run) else []
        else:
            place = "bundled" if loaders.is_bundled(run) else "own"
            found.setdefault(f"{place} {groups.same(known.recipe)} {known.question}", []).append((run, known))
    made = []
    for pairs in found.values():
        pairs.sort(key=lambda pair: (pair[1].seed, pair[1].name))
        made.append(Group(_named(pairs), tuple(run for run, _ in pairs), tuple(known for _, known in pairs)))
    return _unique(made), rest


def _named(pairs: Sequence[tuple[LoadedRun, Facts]]) -> str:
    """A bundled run's title up to what it is there to show; a person's own runs go by what their folders' names have in common."""
    run, known = pairs[0]
    return known.title.split(":")[0] if loaders.is_bundled(run) else groups.stem([run.name for run, _ in pairs])


def _unique(made: list[Group]) -> list[Group]:
    """Where several would be called the same, each is called by its first run too."""
    names = [group.name for group in made]
    return [g if names.count(g.name) == 1 else Group(f"{g.name} · {g.key}", g.runs, g.facts) for g in made]


@st.cache_data(max_entries=64, show_spinner=False)
def model_title(name: str) -> str:
    """What a model is called."""
    from adrec.models.base import MODELS

    try:
        return MODELS[name].title
    except Exception:  # a model of a module that is not here now
        return name


# -- over users -------------------------------------------------------------------------------------------------------


@loaders.of_run(512)
def ranks(run: LoadedRun) -> np.ndarray | None:
    """Of the test users who have an answer; None where they are missing."""
    try:
        found = run.test_ranks(STAGE)
    except RunError:
        return None
    return found[found > 0]


def events_of(run: LoadedRun) -> list[dict[str, Any]]:
    """The run's events; none where they are damaged, which the Train page tells."""
    try:
        return run.events()[0]
    except RunError:
        return []


def _by_seed(runs: Sequence[LoadedRun], metric: str) -> dict[int, np.ndarray]:
    from adrec.evaluation import user_metrics

    found = {run.info["seed"]: ranks(run) for run in runs}
    return {seed: user_metrics(own)[metric] for seed, own in found.items() if own is not None}


@loaders.of_run(1024)
def differences(one: tuple[LoadedRun, ...], other: tuple[LoadedRun, ...], metric: str) -> np.ndarray | None:
    """Each test user's value of ``one`` less that of ``other``, mean over seeds; None unless both ranked the same users."""
    from adrec.experiments.report import differences

    own, others = _by_seed(one, metric), _by_seed(other, metric)
    lengths = {len(values) for values in (*own.values(), *others.values())}
    return differences(own, others) if own and others and len(lengths) == 1 else None


@loaders.of_run(1024)
def compared(one: tuple[LoadedRun, ...], other: tuple[LoadedRun, ...], metric: str) -> "Comparison | None":
    """The paired test of ``one`` against ``other``, not yet corrected."""
    from adrec.experiments.statistics import paired

    found = differences(one, other, metric)
    return None if found is None else paired(found, np.random.default_rng(17))


def leader(shown: Sequence[Group]) -> Group:
    """The best of the data that most of those on screen are of. shown: best first."""
    kinds = [(group.first.data_hash, group.first.plain) for group in shown]
    most = max(kinds, key=kinds.count)
    return shown[kinds.index(most)]


def comparable(one: Facts, other: Facts) -> bool:
    """Whether both ranked the same answers among the same items."""
    return one.data_hash == other.data_hash and one.plain == other.plain


def against(shown: Sequence[Group], baseline: Group, metric: str) -> "dict[str, Comparison]":
    """Every other group that can be compared with the baseline, by its key, corrected over all of them."""
    from adrec.experiments.statistics import corrected

    others = [group for group in shown if group.key != baseline.key and comparable(group.first, baseline.first)]
    found = [(group.key, compared(group.runs, baseline.runs, metric)) for group in others]
    known = [(key, one) for key, one in found if one is not None]
    return dict(zip((key for key, _ in known), corrected([one for _, one in known]), strict=True))


def short(text: str, most: int = 34) -> str:
    """A name as it fits into a figure."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def plain(group: Group) -> str:
    """The group's name for Markdown."""
    return ui.plain(group.name)
