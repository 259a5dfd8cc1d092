"""What torch computes for the app's pages, in a process of its own: ``python -m adrec.explain.answering``.

Batches of requests of one kind (``Walk``, ``Chance``, ``Forward``, ``Invented``) come pickled on standard input, from the server that
started the process; a list of answers, or an error in their place, goes out for each.
"""

import os
import pickle
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from adrec.errors import AdrecError
from adrec.explain.records import Case, NoisedItem, Schedule, Trajectory
from adrec.runs import RunFolder

if TYPE_CHECKING:
    from adrec.explain.past import Past
    from adrec.models.base import Model

MODELS = 4
"""Kept loaded."""


@dataclass(frozen=True)
class Weights:
    """A stage of a run as it was when ``changed``."""

    run: Path
    stage: str
    changed: int

    def load(self) -> Any:
        return _loaded(self)


@lru_cache(MODELS)
def _loaded(weights: Weights) -> "Model":
    from adrec.models.loading import load_model

    return load_model(RunFolder(weights.run), weights.stage)


@dataclass(frozen=True)
class Walk:
    """A trajectory. Those of one model and number of steps are computed together."""

    weights: Weights
    steps: int
    case: Case

    @property
    def together(self) -> object:
        return type(self), self.weights, self.steps

    @staticmethod
    def answers(requests: "Sequence[Walk]") -> list[Trajectory]:
        from adrec.explain.trajectory import trajectories

        first = requests[0]
        model = first.weights.load()
        alone = getattr(model.config, "codes", "") == "batch"  # its answers depend on the company
        parts = [[r] for r in requests] if alone else [requests]
        return [found for part in parts for found in trajectories(model, [r.case for r in part], steps=first.steps)]


class _Single:
    """A request that is answered by itself."""

    @property
    def together(self) -> object:
        return self

    def answer(self) -> Any:
        raise NotImplementedError

    @staticmethod
    def answers(requests: "Sequence[_Single]") -> list[Any]:
        return [request.answer() for request in requests]


@dataclass(frozen=True)
class Chance(_Single):
    """A sweep over so many seeds from the case's on, the same in fewer steps, and the top 10 after a single step."""

    weights: Weights
    steps: int
    case: Case
    seeds: int

    def answer(self) -> Any:
        from adrec.explain.seeds import fewer_steps, seed_sweep
        from adrec.explain.trajectory import trajectories

        model, case = self.weights.load(), self.case
        of: dict[str, Any] = {"seeds": range(case.seed, case.seed + self.seeds), "user": case.user}
        many = seed_sweep(model, case.history, case.target, steps=self.steps, **of)
        fewer = fewer_steps(model, case.history, case.target, known=many, **of)
        return many, fewer, trajectories(model, [case], steps=1)[0].top_ten[-1]


@dataclass(frozen=True)
class Forwards:
    """levels: of each token of a sequence, and ``per`` what the model drew one in training; None if only the next item is noised."""

    schedule: Schedule
    noised: NoisedItem
    levels: Mapping[str, np.ndarray] | None
    per: str | None


@dataclass(frozen=True)
class Forward(_Single):
    """The noise schedule, what it does to an item, and the noise levels of a sequence of this length."""

    weights: Weights
    item: int
    seed: int
    length: int

    def answer(self) -> Forwards:
        from adrec.explain.forward_process import noise_levels, noised, schedule

        model = self.weights.load()
        per = getattr(model.config, "timestep_per", None)
        levels = None if per is None else noise_levels(self.length, model.diffusion, self.seed)
        table = model.item_embedding.weight.numpy()
        return Forwards(schedule(model.diffusion), noised(table, self.item, model.diffusion, self.seed), levels, per)


@dataclass(frozen=True)
class Invented(_Single):
    """What a run's augmenter invents before a history, of the run as it was when ``changed``. Its model is loaded anew: it takes longer to
    invent."""

    run: Path
    changed: int
    history: tuple[int, ...]
    seed: int
    steps: int

    def answer(self) -> "Past":
        from adrec.explain.past import augmenter, invented_past

        return invented_past(augmenter(RunFolder(self.run)), list(self.history), seed=self.seed, steps=self.steps)


def serve(asked: BinaryIO, answered: BinaryIO) -> None:
    """Answer until the server closes its end."""
    from adrec.parallel.threads import one_thread

    while True:
        try:
            requests = pickle.load(asked)
        except EOFError:
            return
        try:
            with one_thread():
                found: Any = type(requests[0]).answers(requests)
        except (AdrecError, OSError) as error:
            found = error
        pickle.dump(found, answered)
        answered.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the server, which then closes its end
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    import torch  # noqa: F401  (so that the first visitor doesn't wait for it)

    from adrec.explain import answering

    answering.serve(sys.stdin.buffer, out)
