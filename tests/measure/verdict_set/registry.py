"""What is trained on what, and which half it belongs to. Written before any table of the set was judged; imports nothing but numpy.

The held-out half is whole libraries and whole data sets: a table belongs to it if its library or its data set is in ``HELD``. Nobody may
judge it before the rule is frozen; ``judge.py`` asks for a written word before it does.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class DataSet:
    """source: in ADREC_TEST_DATA or generated. users: at most so many, evenly. ids: a style of raw ids. by_time: the file's order."""

    source: str
    users: int = 1_000_000
    ids: str = "own"
    by_time: bool = False


DATA_SETS = {
    "ml-100k": DataSet("recbole/ml-100k"),
    "beauty": DataSet("official/beauty/dataset.pkl", ids="letters"),
    "synthetic-small": DataSet("synthetic:items=400,users=800,seed=11", ids="from 0"),
    "ml-1m": DataSet("diffurec/ml-1m.pkl", users=1500, by_time=True),
    "synthetic-middle": DataSet("synthetic:items=2500,users=3000,seed=12", by_time=True),
    "baby": DataSet("official/baby/dataset.pkl", ids="gaps"),
    "beauty-large": DataSet("diffurec/amazon-beauty.pkl", users=16000, ids="letters", by_time=True),
    "synthetic-sparse": DataSet("synthetic:items=6000,users=2500,seed=13", ids="gaps"),
    "synthetic-dense": DataSet("synthetic:items=250,users=3000,seed=14"),
}
"""MovieLens-1M by 1,500 of its 6,040 users, the larger cut of Beauty by 16,000 of 22,363: each training is to take about a minute."""

HELD = {
    "libraries": ("cornac", "cmfrec", "keras", "lightning", "fasttext", "lenskit", "libreco"),
    "data": ("baby", "beauty-large", "synthetic-sparse", "synthetic-dense"),
}

W16, W32, W64, W128 = ({"width": w} for w in (16, 32, 64, 128))

MODELS: dict[str, dict[str, list[dict[str, Any]]]] = {
    "implicit": {
        "als": [W64 | {"reg": 0.05, "alpha": 10}, W32 | {"reg": 1.0, "alpha": 1}, W128 | {"reg": 0.01, "alpha": 40}],
        "bpr": [W64 | {"lr": 0.05}, W32 | {"lr": 0.1}, W64 | {"lr": 0.01}],
        "lmf": [W32 | {"lr": 1.0}, W64 | {"lr": 0.5}],
    },
    "gensim": {
        "word2vec": [W64 | {"sg": 1, "lr": 0.025}, W128 | {"sg": 0, "lr": 0.05}, W32 | {"sg": 1, "lr": 0.05}],
        "fasttext": [W64 | {"sg": 1, "lr": 0.05}, W32 | {"sg": 0, "lr": 0.05}],
        "doc2vec": [W64 | {"lr": 0.05}, W32 | {"lr": 0.025}],
    },
    "sklearn": {
        "svd": [W32 | {"binary": True}, W64 | {"binary": False}, W128 | {"binary": True}],
        "nmf": [W32, W16],
        "factors": [W16, W32],
    },
    "surprise": {"svd": [W64 | {"lr": 0.01}, W32 | {"lr": 0.005}, W128 | {"lr": 0.02}], "nmf": [W16, W32]},
    "lightfm": {"warp": [W32 | {"lr": 0.05}, W64 | {"lr": 0.05}], "bpr": [W64 | {"lr": 0.05}, W32 | {"lr": 0.1}]},
    "recbole": {"BPR": [W64, W32], "LightGCN": [W64, W32], "SASRec": [W64, W32], "GRU4Rec": [W64, W32]},
    "torch": {
        "transformer": [W64 | {"lr": 2e-3}, W128 | {"lr": 1e-3}, W32 | {"lr": 5e-3}],
        "bpr": [W64 | {"lr": 5e-3}, W32 | {"lr": 1e-2}],
        "skipgram": [W64 | {"lr": 1e-2}, W128 | {"lr": 5e-3}],
    },
    "cornac": {"bpr": [W64 | {"lr": 0.05}, W32 | {"lr": 0.02}], "wmf": [W32, W64], "mf": [W32 | {"lr": 0.02}, W64 | {"lr": 0.02}]},
    "cmfrec": {"implicit": [W32 | {"alpha": 1}, W64 | {"alpha": 10}], "explicit": [W32, W64]},
    "keras": {"neighbours": [W64 | {"lr": 5e-3}, W32 | {"lr": 1e-2}], "towers": [W32 | {"lr": 5e-3}, W64 | {"lr": 2e-3}]},
    "lightning": {"gru": [W64 | {"lr": 3e-3}, W32 | {"lr": 5e-3}], "autoencoder": [W64 | {"lr": 2e-3}, W128 | {"lr": 2e-3}]},
    "fasttext": {"skipgram": [W64 | {"lr": 0.05}, W32 | {"lr": 0.1}], "cbow": [W64 | {"lr": 0.05}, W128 | {"lr": 0.1}]},
    "lenskit": {"als": [W32, W64]},
    "libreco": {"bpr": [W32, W16]},
}
"""Library: model: settings, of which each data set gets the next."""

FLAWS: dict[str, tuple[tuple[str, str], ...]] = {
    "torch": (
        *(("transformer", flaw) for flaw in ("frozen", "one step", "tiny rate", "huge rate", "label noise", "all labels noise")),
        *(("transformer", flaw) for flaw in ("wrong index", "dropout 0.99", "stale", "untied input", "untied output", "hashing")),
        *(("transformer", flaw) for flaw in ("half precision overflow", "weight decay", "no negatives", "temperature 100")),
        *(("bpr", flaw) for flaw in ("frozen", "huge rate", "hashing")),
        ("skipgram", "wrong index"),
    ),
    "lightning": tuple(
        ("gru", flaw)
        for flaw in ("frozen", "stale", "label noise", "huge rate", "dropout 0.99", "no negatives", "weight decay", "wrong index")
    ),
    "keras": (
        *(("neighbours", flaw) for flaw in ("frozen", "one step", "huge rate", "label noise")),
        *(("towers", flaw) for flaw in ("no negatives", "hashing", "frozen")),
    ),
}
"""What goes wrong in training, which no transformation of a good table gives; on two data sets each."""

UNTRAINED = ("frozen", "one step", "tiny rate")
"""Flaws after which the table is its random start."""


@dataclass(frozen=True)
class Job:
    """One training. Its name is that of its files."""

    library: str
    model: str
    data: str
    seed: int
    settings: dict[str, Any] = field(hash=False)
    flaw: str = ""

    @property
    def name(self) -> str:
        parts = [self.library, self.model, self.data, self.flaw.replace(" ", "-") or "plain", str(self.seed)]
        return "_".join(parts)

    @property
    def half(self) -> str:
        return half(self.library, self.data)


def half(library: str, data: str) -> str:
    return "held" if library in HELD["libraries"] or data in HELD["data"] else "tune"


def plan(rounds: int = 2) -> list[Job]:
    """All trainings: each model on each data set with another of its settings, then the flaws, then all again with another seed."""
    jobs = []
    for seed in range(rounds):
        for library, models in MODELS.items():
            for m, (model, settings) in enumerate(models.items()):
                for d, data in enumerate(DATA_SETS):
                    jobs.append(Job(library, model, data, seed, settings[(d + m + seed) % len(settings)]))
        for library, flaws in FLAWS.items():
            names = list(DATA_SETS)
            for f, (model, flaw) in enumerate(flaws):
                settings = MODELS[library][model]
                for data in (names[f % 5], names[5 + f % 4]) if seed == 0 else ():
                    jobs.append(Job(library, model, data, seed, settings[f % len(settings)], flaw))
    return jobs


@dataclass(frozen=True)
class Training:
    """What a library is given. items: (N,) zero-based rows, the histories concatenated, user u's from offsets[u] to offsets[u + 1]."""

    items: np.ndarray
    offsets: np.ndarray
    ids: np.ndarray
    answers: np.ndarray

    @property
    def n_users(self) -> int:
        return len(self.offsets) - 1

    @property
    def n_items(self) -> int:
        return len(self.ids)

    @property
    def users(self) -> np.ndarray:
        return np.repeat(np.arange(self.n_users), np.diff(self.offsets))

    def histories(self) -> Iterator[np.ndarray]:
        for a, b in zip(self.offsets[:-1], self.offsets[1:], strict=True):
            yield self.items[a:b]

    def sentences(self) -> list[list[str]]:
        return [[str(i) for i in h] for h in self.histories()]

    @classmethod
    def load(cls, path: Any) -> "Training":
        with np.load(path, allow_pickle=False) as stored:
            return cls(stored["items"], stored["offsets"], stored["ids"], stored["answers"])
