"""What the cells of an experiment will take: measured where the same was trained with another seed, otherwise estimated."""

import dataclasses
from collections import defaultdict
from typing import Any

from adrec.data.dataset import SequenceDataset
from adrec.experiments.cells import Known, comparable, seconds_of
from adrec.models.settings import Settings
from adrec.parallel.threads import one_thread
from adrec.training.estimate import estimate

START = 5.0
"""Seconds until a process has imported everything and read its data, as long as none has been watched."""


class Costs:
    """Seconds of one process with one thread, by what was measured so far."""

    def __init__(self) -> None:
        self.same: dict[Any, list[float]] = defaultdict(list)
        self.shares: dict[str, list[float]] = defaultdict(list)
        self.starts: list[float] = []
        """Seconds that finished processes took besides their steps and validations."""
        self._estimates: dict[Any, float] = {}

    def learn(self, known: Known) -> None:
        """Take a finished run into account."""
        seconds, share = seconds_of(known.run), trained_share(known)
        if seconds:
            self.same[_key(known.settings, known.data_hash, known.pretrained)].append(seconds)
        if share is not None:
            self.shares[known.settings.model.name].append(share)

    def seconds(self, chosen: Settings, data: SequenceDataset, pretrained: bool) -> float:
        """What a training will take: the mean of those that differ only in their seed; otherwise the estimate, which is an upper bound,
        times the share of its epochs that other trainings of this model made or, without any, those of other models."""
        same = self.same.get(_key(chosen, data.content_hash, pretrained))
        if same:
            return self.start + sum(same) / len(same)
        shares = self.shares.get(chosen.model.name) or [share for own in self.shares.values() for share in own] or [1.0]
        return self.start + self.estimated(chosen, data, pretrained) * sum(shares) / len(shares)

    @property
    def start(self) -> float:
        return sum(self.starts) / len(self.starts) if self.starts else START

    def estimated(self, chosen: Settings, data: SequenceDataset, pretrained: bool) -> float:
        key = _key(chosen, data.content_hash, pretrained)
        if key not in self._estimates:
            with one_thread():
                self._estimates[key] = max(estimate(data, chosen, pretrained=pretrained).seconds, 0.01)
        return self._estimates[key]


def _key(chosen: Settings, data_hash: str, pretrained: bool) -> Any:
    model, config, train = comparable(chosen)
    return model, config, dataclasses.replace(train, seed=0), data_hash, pretrained


def trained_share(known: Known) -> float | None:
    """The share of its epochs after which a run ended, by patience; None if their number was limited or nothing is learnt by gradient.
    It says nothing about seconds, which a busy machine stretches."""
    done = total = 0
    for stage in known.settings.stages if known.settings.train.max_steps is None else []:
        ended = known.run.metrics(stage.name)
        if stage.trains and stage.selects and "epochs" in ended:
            done, total = done + ended["epochs"] - stage.first_epoch, total + stage.last_epoch - stage.first_epoch
    return done / total if total else None
