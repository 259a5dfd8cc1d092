"""When things happened in a data set: how many interactions of each part lie where, and what its split lets a model know too early."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

BINS = 100
"""Equal spans of time whose counts are kept."""
FINE = 1_000
"""Spans that each of these is divided into while counting: times closer than one of them count as the same moment."""
PARTS = ("train", "val", "test")


@dataclass
class Timeline:
    """Counts the rows of a data set by time; the data themselves keep no times.

    first, last: of all rows. counts: rows by part and fine span. seen: each item's first span. rows: all of them; tied: those with the same
    user and time as another.
    """

    first: float
    last: float
    items: int
    rows: int = 0
    tied: int = 0
    counts: np.ndarray = field(init=False)
    seen: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.counts = np.zeros((len(PARTS), BINS * FINE), dtype=np.int64)
        self.seen = np.full(self.items, BINS * FINE, dtype=np.int32)

    def add(self, user: np.ndarray, item: np.ndarray, t: np.ndarray, part: np.ndarray) -> None:
        """Count rows sorted by user and time. item: from 0. part: 0 for training, 1 for a validation answer, 2 for a test answer, -1 for
        other rows."""
        span = max(float(self.last) - float(self.first), 1.0)
        spans = ((t.astype(np.float64) - float(self.first)) / span * (BINS * FINE - 1)).astype(np.int32)
        for p, counts in enumerate(self.counts):
            counts += np.bincount(spans[part == p], minlength=len(counts))
        np.minimum.at(self.seen, item, spans)
        self.rows += len(user)
        same = (user[1:] == user[:-1]) & (t[1:] == t[:-1])
        self.tied += int(np.count_nonzero(np.append(same, False) | np.append(False, same)))

    def as_dict(self) -> dict[str, Any]:
        """As JSON types: ``counts`` by part, in ``BINS`` spans from the first time to the last; ``tied``, the share of all rows;
        and, for the answers of ``val`` and ``test``, the ``leaks``.

        before: how many of them lie before some training interaction. later: the training interactions after an answer, as a share, on
        average. unborn: the items first seen after an answer, likewise.
        """
        train = self.counts[0]
        born = np.bincount(self.seen, minlength=BINS * FINE + 1)[: BINS * FINE]
        leaks = {}
        for part, answers in zip(PARTS[1:], self.counts[1:], strict=True):
            later, unborn = (counts.sum() - np.cumsum(counts) for counts in (train, born))
            number = max(int(answers.sum()), 1)
            leaks[part] = {
                "before": int(answers[later > 0].sum()),
                "later": float(answers @ (later / max(int(train.sum()), 1))) / number,
                "unborn": float(answers @ (unborn / max(self.items, 1))) / number,
            }
        counts = {part: rows.reshape(BINS, FINE).sum(axis=1).tolist() for part, rows in zip(PARTS, self.counts, strict=True)}
        return {"counts": counts, "tied": self.tied / max(self.rows, 1), "leaks": leaks}


def by_time(counts: Mapping[str, Sequence[int]], shares: tuple[float, float, float]) -> dict[str, list[int]]:
    """About what a split by global time with these shares would make of the same rows: whole spans, by part."""
    every = np.sum([counts[part] for part in PARTS], axis=0)
    before = np.cumsum(every) / max(int(every.sum()), 1)
    part = np.searchsorted(np.cumsum(shares)[:-1], before, side="left")
    return {name: np.where(part == number, every, 0).tolist() for number, name in enumerate(PARTS)}


def checked(found: Any) -> dict[str, Any] | None:
    """What ``as_dict`` wrote, or None for anything else: accounts are kept in files."""
    try:
        counts = {part: [int(n) for n in found["counts"][part]] for part in PARTS}
        leaks = {
            part: {"before": int(of["before"]), "later": float(of["later"]), "unborn": float(of["unborn"])}
            for part, of in ((part, found["leaks"][part]) for part in PARTS[1:])
        }
        tied = float(found["tied"])
    except (TypeError, ValueError, KeyError, OverflowError):
        return None
    whole = all(len(rows) == BINS and min(rows) >= 0 for rows in counts.values()) and sum(map(sum, counts.values())) > 0
    shares = all(0 <= of[name] <= 1 for of in leaks.values() for name in ("later", "unborn"))
    return {"counts": counts, "tied": tied, "leaks": leaks} if whole and shares and 0 <= tied <= 1 else None
