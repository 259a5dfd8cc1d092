"""What an augmenter invents before a history, recorded at every step: from noise to items that nobody chose."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from adrec.data.titles import checked_ids
from adrec.errors import DataError, RunError
from adrec.explain.words import MARKDOWN, Style, listed
from adrec.models.base import Model
from adrec.models.loading import load_model
from adrec.models.neural import Augmenter
from adrec.models.settings import recorded
from adrec.runs import RunFolder


@dataclass(frozen=True)
class Past:
    """M invented items in S steps. timesteps: (S,), descending. items: (S, M), what the estimate of each step is rounded to, the oldest
    first. cosine: (S, M), of each estimate to its item. about_steps: the model's."""

    history: list[int]
    seed: int
    timesteps: np.ndarray
    items: np.ndarray
    cosine: np.ndarray
    about_steps: str

    @property
    def settled(self) -> int:
        """The first step, counted from 1, after which no item changes."""
        changed = np.flatnonzero((self.items[1:] != self.items[:-1]).any(1))
        return 1 if not len(changed) else int(changed[-1]) + 2


def augmenter(run: RunFolder) -> Augmenter:
    """The model of a run that invents items before histories; a RunError if it has none, or none yet."""
    names = [stage.name for stage in recorded(run.info).stages if "augment" in stage.model.abilities]
    if not names or names[-1] not in run.stages:
        raise RunError(f"'{run.name}' has no model yet that invents items." if names else f"'{run.name}' has no model that invents items.")
    return augmenting(load_model(run, names[-1]))


def augmenting(model: Model) -> Augmenter:
    """The model as one that invents items; a DataError if it is none."""
    if not isinstance(model, Augmenter):
        raise DataError(f"The model '{model.title}' invents no items before a history.")
    return model


def invented_past(model: Model, history: Sequence[int], *, seed: int = 0, steps: int | None = None) -> Past:
    """What the model invents before this history (ids 1..V, oldest first). seed: of the noise. steps: of denoising (default: the model's
    own)."""
    inventor, ids = augmenting(model), checked_ids(history, model.config.n_items)
    timesteps, items, cosine = [], [], []

    def record(t: int, x0_hat: Tensor, x: Tensor) -> None:
        found = inventor.rounded(x0_hat)[0]
        timesteps.append(t)
        items.append(found.numpy())
        cosine.append(torch.cosine_similarity(x0_hat.view(len(found), -1), inventor.table[found]).numpy())

    with torch.no_grad():
        inventor.invent([np.asarray(ids)], np.random.default_rng(seed), steps, record)
    return Past(ids, seed, np.array(timesteps), np.stack(items), np.stack(cosine), inventor.about_steps)


def describe(past: Past, title: Callable[[int], str], style: Style = MARKDOWN) -> str:
    """What was invented, how soon it was settled, and how much of it the history holds anyway."""
    last, count = past.items[-1].tolist(), len(past.timesteps)
    known = list(dict.fromkeys(item for item in last if item in past.history))
    settled = "at the first step" if past.settled == 1 else f"at step {past.settled} of {count}"
    made = style.strong(f"{len(last)} items were invented before this history, settled {settled}")
    names = listed([style.title(title(item)) for item in known]) if known else ""
    held = f"The history holds {names} too." if known else "None of them is in the history itself."
    distinct = len(set(last))
    repeats = "" if distinct == len(last) else f" Only {distinct} of them differ."
    return f"{made}. {held}{repeats}"
