"""The cells of an experiment: each one ordinary run, found again wherever it lies by its settings, its data and its stage 1."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adrec.config import TrainConfig
from adrec.data import catalog
from adrec.data.dataset import SequenceDataset
from adrec.errors import AdrecError, RunError
from adrec.experiments.file import Data, Experiment, Texts, Variant, slug, space_of
from adrec.models.settings import Settings, recorded, settings
from adrec.runs import RunFolder, list_runs

SEARCHES = "searches"
"""The folder of an experiment's searches, in that of its runs."""


@dataclass(frozen=True)
class Cell:
    """One training: a model on a data set with a seed; or, without a seed, the search for its settings."""

    variant: Variant
    data: Data
    seed: int | None
    several_data: bool = False

    @property
    def name(self) -> str:
        """The name of its folder, where that is free: no other cell's, for no model's or data set's name holds a '@'."""
        what = slug(self.variant.name) + (f"@{slug(self.data.name)}" if self.several_data else "")
        return what if self.seed is None else f"{what}-{self.seed}"

    def __str__(self) -> str:
        return f"{self.variant.name} on {self.data.name}, " + ("search" if self.seed is None else f"seed {self.seed}")

    def texts(self, found: Texts) -> dict[str, str]:
        """Its settings as texts. found: those that a search has found."""
        return {**found, **self.data.settings, **self.variant.settings, **({} if self.seed is None else {"seed": str(self.seed)})}

    def settings(self, found: Texts, n_items: int) -> Settings:
        return settings(self.variant.preset, self.texts(found), self.variant.model).sized(n_items)


def cells_of(experiment: Experiment) -> list[Cell]:
    """All trainings, in the order in which they are started: searches first, then seed by seed, those of a shared stage 1 before others."""
    several = len(experiment.data) > 1
    shared = {v.stage1 for v in experiment.variants}
    first = sorted(experiment.variants, key=lambda v: v.name not in shared)
    searches = [Cell(v, d, None, several) for d in experiment.data for v in first if experiment.search and space_of(v, d)]
    return searches + [Cell(v, d, seed, several) for seed in experiment.seeds for d in experiment.data for v in first]


def comparable(chosen: Settings) -> tuple[Any, ...]:
    """What decides a training's result, of its settings."""
    usual = TrainConfig()
    train = dataclasses.replace(chosen.train, checkpoint_seconds=usual.checkpoint_seconds, keep_weights=usual.keep_weights)
    return chosen.model.name, chosen.config, train


@dataclass(frozen=True)
class Known:
    """A run folder that exists, with what decides its result."""

    run: RunFolder
    settings: Settings
    data_hash: str
    pretrained: bool


class Runs:
    """The runs that lie in an experiment's folder and in those whose runs it may take; ``refresh`` looks again."""

    def __init__(self, out: Path, reuse: Sequence[Path] = ()) -> None:
        self.out = out
        self.elsewhere = [each for run in list_runs(*reuse) if state(run) == "finished" and (each := known(run)) is not None]
        self.refresh()

    def refresh(self) -> None:
        """Look for runs that have begun since."""
        self.own = [each for run in list_runs(self.out) if (each := known(run)) is not None]

    def finished(self) -> list[Known]:
        """All that are finished."""
        return [each for each in self.own if state(each.run) == "finished"] + self.elsewhere

    def find(self, chosen: Settings, data: SequenceDataset, stage1: RunFolder | None = None) -> RunFolder | None:
        """The run with these settings, data and stage 1: a finished one, or one of the experiment's own folder that is to go on."""
        fitting = [each.run for each in (*self.own, *self.elsewhere) if fits(each, chosen, data, stage1)]
        return next((run for run in fitting if state(run) == "finished"), next(iter(fitting), None))


def fits(each: Known, chosen: Settings, data: SequenceDataset, stage1: RunFolder | None = None) -> bool:
    """Whether a run is that of these settings, data and stage 1."""
    every = chosen.train.keep_weights == "every"
    return (
        each.data_hash == data.content_hash
        and comparable(each.settings) == comparable(chosen)
        and (not every or each.settings.train.keep_weights == "every")
        and each.pretrained == (stage1 is not None)
        and (stage1 is None or _same_start(each.run, stage1))
    )


def known(run: RunFolder) -> Known | None:
    """A run with what decides its result; None if it is damaged, of another kind, or of a model that is not here."""
    try:
        info = run.info
        return Known(run, recorded(info), str(info["dataset"]["hash"]), bool(info.get("pretrained")))
    except (AdrecError, KeyError, TypeError):
        return None


def _same_start(run: RunFolder, stage1: RunFolder) -> bool:
    try:
        return np.array_equal(run.table("pretrain"), stage1.table("pretrain"))
    except RunError:
        return False


def state(run: RunFolder) -> str:
    """The run's state in one word; "failed" if it cannot be read."""
    try:
        return str(run.status["state"])
    except RunError:
        return "failed"


def load(experiment: Experiment) -> dict[str, SequenceDataset]:
    """The experiment's data sets by name, each read once."""
    return {each.name: catalog.load(catalog.identity(each.source), **each.options) for each in experiment.data}


def seconds_of(run: RunFolder) -> float:
    """How long its own stages took, in seconds: steps and validations, without a stage 1 that it was given."""
    return sum(float(run.metrics(stage).get("seconds", 0.0)) for stage in run.stages)
