"""How much a table means, as a share of what a plain factorisation of the same interactions reaches.

Both are asked the same question about items that were held out: how far does each person's next item lie above the next items of others,
seen from the items before it? The factorisation has seen only the training histories; pairs of the training histories would reward it for
remembering them, and how much depends on its weights (docs/VERDICT.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import eigh
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from adrec.collapse.cooccurrence import MOST_INTERACTIONS, WINDOW
from adrec.collapse.evidence import Evidence
from adrec.collapse.moments import Moments
from adrec.collapse.semantics import Rows, popularity_basis
from adrec.collapse.thresholds import FEWEST_ITEMS, THRESHOLDS
from adrec.data.dataset import SequenceDataset, Split, histories_of

WIDTH = 32
"""Directions of the factorisation."""
DENSE = 1_000
"""Up to so many items the factorisation is computed from the whole matrix of items by items."""
MOST_USERS = 10_000
"""The held-out items of at most this many evenly spaced users are asked for."""
FEWEST_USERS = 30
GROUPS, DRAWS = 100, 1_000
"""Users, and apart from that held-out items, are dealt into GROUPS, which are drawn DRAWS times with replacement for the interval."""
BLOCK = 4_096


@dataclass(frozen=True)
class Meaning:
    """share: of what the reference reaches, 0 to 1 and more, with its 95 % interval, low to high, over users and items.

    value, reference: what the table and the factorisation reach: how far the next item's mean cosine with the five items before it lies
    above that of other users' next items, in standard deviations of these, popularity projected out; 0 for random tables. users: asked.
    """

    share: float
    low: float
    high: float
    value: float
    reference: float
    users: int

    @property
    def says(self) -> str:
        share, low, high = (f"{x:.2f}".replace("-0.00", "0.00") for x in (self.share, self.low, self.high))
        return (
            f"In telling each person's next items from other people's, the table reaches {share} ({low} to {high}) of what a plain "
            "factorisation of the same interactions reaches."
        )

    @property
    def evidence(self) -> Evidence:
        """As a comparison of the verdict's evidence."""
        return Evidence("meaning_share", round(self.share, 4), 0.0, None, self.says)

    def to_json(self) -> dict[str, Any]:
        numbers = {name: round(getattr(self, name), 4) for name in ("share", "low", "high", "value", "reference")}
        return {**numbers, "users": self.users, "says": self.says}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Meaning":
        return cls(**{name: value for name, value in found.items() if name != "says"})


def meaning(table: np.ndarray, data: SequenceDataset) -> Meaning | None:
    """The meaning of a checked table (V, D) whose row i is item i + 1 of the data.

    None if too few items or users are held out, or if the factorisation itself does not tell the next item from others: then the
    interactions cannot say what a table should know.
    """
    asked, reference = _reference(data)
    if asked is None or reference is None:
        return None
    found = Separation.of(np.asarray(table[asked.items]), asked)
    share = found.value / reference.value
    low, high = interval(share, found.drawn / reference.drawn)
    return Meaning(share, low, high, found.value, reference.value, asked.users)


@dataclass(frozen=True)
class Questions:
    """What is asked of a table: E held-out items of so many users.

    items: (n,) rows in use. recent: (E, WINDOW) the items before the held-out one, as places in ``items``, -1 for none. following: (E,) the
    held-out items. groups: (2, E) of each question's user and of its held-out item. basis: (n, m), of popularity. same: how often another
    user's held-out item is the very item that it is compared with, as a share. removed: how much more the projection lowers the cosine of
    a question than of others, if the rows mean nothing.
    """

    items: np.ndarray
    recent: np.ndarray
    following: np.ndarray
    groups: np.ndarray
    basis: np.ndarray
    same: float
    removed: float
    users: int

    @classmethod
    def of(cls, data: SequenceDataset) -> "Questions | None":
        """The held-out items of a data set that occur often enough to be known; None if there are too few."""
        popularity = data.popularity[1:]
        items = np.flatnonzero(popularity >= THRESHOLDS.fewest)
        users = np.arange(0, data.n_users, max(-(-data.n_users // MOST_USERS), 1))
        if len(items) < FEWEST_ITEMS:
            return None
        place = np.full(data.n_items + 1, -1, dtype=np.int64)
        place[items + 1] = np.arange(len(items))
        splits: tuple[Split, Split] = ("val", "test")
        recent = place[np.concatenate([_last_items(data, users, split) for split in splits])]
        following = place[np.concatenate([data.answers(split)[users] for split in splits])]
        asked = np.tile(np.arange(len(users)), 2)
        recent = np.where(recent == following[:, None], -1, recent)
        usable = (following >= 0) & (recent >= 0).any(axis=1)
        if len(np.unique(asked[usable])) < FEWEST_USERS:
            return None
        recent, following, asked = recent[usable], following[usable], asked[usable]
        dealt = np.random.default_rng(0).permutation(len(items))[following]
        basis = popularity_basis(popularity[items])
        share = (recent >= 0) / (recent >= 0).sum(axis=1, keepdims=True)
        seen = np.bincount(recent.ravel().clip(0), share.ravel(), len(items)) / len(following)
        held = np.bincount(following, minlength=len(items)) / len(following)
        plain = basis[:, 1:]
        own = ((plain[recent] * share[:, :, None]).sum(axis=1) * plain[following]).sum() / len(following)
        same = float(seen @ held)
        others = ((seen @ plain) @ (held @ plain) - (seen * held) @ (plain**2).sum(axis=1)) / (1 - same)
        return cls(items, recent, following, np.stack([asked, dealt]) % GROUPS, basis, same, float(own - others), len(users))


def _last_items(data: SequenceDataset, users: np.ndarray, split: Split) -> np.ndarray:
    """The WINDOW items before each user's answer, the last first, 0 where there are fewer: (n, WINDOW)."""
    known, offsets = data.histories(users, split, WINDOW)
    back = offsets[1:, None] - 1 - np.arange(WINDOW)
    return np.where(back >= offsets[:-1, None], np.append(known, 0)[back], 0)


@dataclass(frozen=True)
class Separation:
    """How far held-out items lie above others. value: over all; drawn: (2, DRAWS), over users drawn again and over held-out items."""

    value: float
    drawn: np.ndarray

    @classmethod
    def of(cls, table: np.ndarray, asked: Questions) -> "Separation":
        """Of the table (n, D) of the items in use."""
        rows = Rows(table, Moments.from_table(table), asked.basis)
        n, width = len(asked.following), min(table.shape)
        count, own, sums, grams = (np.zeros((2, *shape)) for shape in ((GROUPS,), (GROUPS,), (2, GROUPS, width), (width, width)))
        for start in range(0, n, BLOCK):
            part = slice(start, start + BLOCK)
            recent = asked.recent[part]
            before = np.zeros((len(recent), width))
            for places in recent.T:
                vectors = rows.unit(places)
                vectors *= (places >= 0)[:, None]
                before += vectors
            before /= (recent >= 0).sum(axis=1, keepdims=True)
            pair = before, rows.unit(asked.following[part])
            close = (pair[0] * pair[1]).sum(axis=1)
            for by, group in enumerate(asked.groups[:, part]):
                deal = sparse.csr_array((np.ones(len(group)), (group, np.arange(len(group)))), (GROUPS, len(group)))
                count[by] += deal.sum(axis=1)
                own[by] += deal @ close
                for side, vectors in enumerate(pair):
                    sums[by, side] += deal @ vectors
            grams += [vectors.T @ vectors for vectors in pair]
        mean = float(sums[0, 0].sum(axis=0) @ sums[0, 1].sum(axis=0)) / n**2
        spread = float(np.sqrt(max(float((grams[0] * grams[1]).sum()) / n**2 - mean**2, 0.0)))
        spread = spread if spread > 1e-9 else np.inf  # all rows alike
        found = np.zeros((2, 1 + DRAWS))
        for by, weights in enumerate(_redrawn()):
            total = np.maximum(weights @ count[by], 1)
            first, second = (weights @ s / total[:, None] for s in sums[by])
            others = ((first * second).sum(axis=1) - asked.same) / (1 - asked.same)
            found[by] = (weights @ own[by] / total - others + asked.removed) / spread
        return cls(float(found[0, 0]), found[:, 1:])


@cache
def _redrawn() -> list[np.ndarray]:
    """How often each of the GROUPS of users, and of items, is in the sample and in samples drawn again: (1 + DRAWS, GROUPS) each."""
    rng, equal = np.random.default_rng(0), np.full(GROUPS, 1 / GROUPS)
    return [np.concatenate([np.ones((1, GROUPS)), rng.multinomial(GROUPS, equal, DRAWS)]) for _ in range(2)]


def interval(value: float, drawn: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of a value whose deviations by users and by items, (2, DRAWS), add up."""
    low, high = np.quantile(value + (drawn - value).sum(axis=0), (0.025, 0.975))
    return float(min(low, value)), float(max(high, value))


def factorisation(data: SequenceDataset, items: np.ndarray) -> np.ndarray:
    """The items' vectors in a truncated singular value decomposition of the training histories: (n, WIDTH).

    Entry (u, i) of the matrix is 1 / sqrt(items of u x users of i) if u has used i, so neither busy people nor popular items rule it.
    """
    rows, offsets = data.train_items, data.train_offsets
    step = max(-(-len(rows) // MOST_INTERACTIONS), 1)
    if step > 1:
        rows, offsets = histories_of(np.arange(0, data.n_users, step), rows, offsets)
    place = np.full(data.n_items + 1, -1, dtype=np.int64)
    place[items + 1] = np.arange(len(items))
    column, row = place[rows], np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    used = sparse.csr_array((np.ones((column >= 0).sum()), (row[column >= 0], column[column >= 0])), (len(offsets) - 1, len(items)))
    used.data[:] = 1  # however often
    people, often = (np.asarray(used.sum(axis=axis)).clip(1) for axis in (1, 0))
    used.data /= np.sqrt(np.repeat(people, np.diff(used.indptr)) * often[used.indices])
    used = used.astype(np.float32)
    back, n = used.T.tocsr(), len(items)
    if n <= DENSE:  # exact, also where many directions are equally strong
        values, vectors = eigh((back @ used).toarray(), subset_by_index=(max(n - WIDTH, 0), n - 1))
    else:
        start = np.random.default_rng(0).standard_normal(n).astype(np.float32)
        square = LinearOperator((n, n), matvec=lambda x: back @ (used @ x.ravel()), dtype=np.float32)
        try:
            values, vectors = eigsh(square, WIDTH, v0=start, tol=0.01)
        except ArpackNoConvergence as found:
            values, vectors = found.eigenvalues, found.eigenvectors
    return np.asarray(vectors * np.sqrt(values.clip(min=0)), dtype=np.float64)


_latest: dict[str, tuple[Questions | None, Separation | None]] = {}


def _reference(data: SequenceDataset) -> tuple[Questions | None, Separation | None]:
    """What is asked of tables of these data, and the factorisation's answer if it has one; those of the latest data are kept."""
    key = data.content_hash
    found = _latest.get(key)
    if found is None:
        asked = Questions.of(data)
        answer = None if asked is None else Separation.of(factorisation(data, asked.items), asked)
        found = asked, answer if answer is not None and interval(answer.value, answer.drawn)[0] > 0 else None
        _latest.clear()
        _latest[key] = found
    return found
