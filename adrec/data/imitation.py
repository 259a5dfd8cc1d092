"""Generated sequences of any size whose counts, lengths and popularity are those of a known data set.

Users drift through clusters as in the small synthetic data set: a step leads to the item's successor, to another item of the cluster, of
the next cluster, or of any. All clusters have the same popularity profile, so that every step keeps the popularity of items as it is
wanted; unlike there, a user may take an item again.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from adrec.data.dataset import ItemTable, windows
from adrec.errors import DataError

FOLLOW, STAY, NEXT, JUMP = 0.3, 0.25, 0.35, 0.1
"""Probabilities of the four moves: the item's successor, another item of the cluster, the preferred next cluster, any cluster."""
CHUNK = 2_000_000
"""Interactions that are generated at a time."""


@dataclass(frozen=True)
class Shape:
    """Marginals. users, items, interactions: counts. least, half, most: quantiles of the interactions of a user. top_1, top_10: the share
    of all interactions that the most popular 1 and 10 % of the items have."""

    users: int
    items: int
    interactions: int
    least: int
    half: int
    most: int
    top_1: float
    top_10: float

    def sized(self, given: Mapping[str, int]) -> "Shape":
        """The same shape with these counts; interactions and users follow each other, and longest histories their mean."""
        mean = self.interactions / self.users
        users = given.get("users") or (round(given["interactions"] / mean) if "interactions" in given else self.users)
        interactions = given.get("interactions") or round(users * mean)
        new = interactions / users
        if new < self.least + 1:
            raise DataError(
                f"{interactions:,} interactions are too few for {users:,} users, who have at least {self.least} each here; "
                f"must be at least {(self.least + 1) * users:,}."
            )
        grown = (new - self.least) / (mean - self.least)
        half, most = (round(self.least + (n - self.least) * grown) for n in (self.half, self.most))
        return replace(self, users=users, items=given.get("items", self.items), interactions=interactions, half=half, most=most)


SHAPES = {
    "ml-100k": Shape(938, 1_008, 54_413, 5, 39, 365, 0.071, 0.385),
    "baby": Shape(11_761, 4_731, 92_823, 5, 6, 87, 0.109, 0.428),
    "beauty": Shape(10_553, 6_086, 94_148, 5, 6, 140, 0.092, 0.402),
    "ml-1m": Shape(6_040, 3_706, 1_000_209, 20, 96, 2_314, 0.089, 0.445),
}
"""As ``adrec data describe`` says of the official code's files and of MovieLens-1M."""


@dataclass(frozen=True)
class World:
    """Clusters of items. sizes: (C,) items of each, the most popular first; ids: (places, C) of each, 0 for none; following: (C,) the
    preferred next cluster; base: (places,) running sum of the probabilities of a place in a cluster, before successors are followed."""

    sizes: np.ndarray
    ids: np.ndarray
    following: np.ndarray
    base: np.ndarray

    @classmethod
    def of(cls, shape: Shape, rng: np.random.Generator) -> "World":
        clusters = max(4, round(shape.items**0.5))
        places = -(-shape.items // clusters)
        ids = np.zeros(places * clusters, dtype=np.int32)
        ids[: shape.items] = rng.permutation(shape.items) + 1
        cycle = rng.permutation(clusters)
        following = np.empty_like(cycle)
        following[cycle] = np.roll(cycle, -1)
        wanted = popularity(places, shape.top_1, shape.top_10)
        base = np.maximum(wanted - FOLLOW * np.roll(wanted, 1), 0)  # a step to the successor moves its share one place on
        sizes = np.full(clusters, places) - (np.arange(clusters) >= shape.items - (places - 1) * clusters)
        return cls(sizes, ids.reshape(places, clusters), following, np.cumsum(base) / base.sum())

    def table(self) -> ItemTable:
        """The items with their cluster."""
        place, cluster = np.nonzero(self.ids)
        order = np.argsort(self.ids[place, cluster])
        names = [pd.Series(of[order] + 1).astype(str) for of in (cluster, place)]
        columns = {"item": names[0] + "-" + names[1], "title": "Cluster " + names[0] + " · item " + names[1], "cluster": names[0]}
        return ItemTable(pd.DataFrame(columns).set_axis(pd.RangeIndex(1, len(order) + 1, name="id")))

    def walks(self, lengths: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Ids of users with these numbers of steps, concatenated. Users go step by step together, the longest first."""
        order = np.argsort(-lengths, kind="stable")
        begins = (np.cumsum(lengths) - lengths)[order]
        going = np.searchsorted(-lengths[order], -np.arange(lengths.max()), side="left")  # users with more than so many steps
        clusters = len(self.sizes)
        walk = np.empty(lengths.sum(), dtype=np.int32)
        cluster = rng.integers(clusters, size=len(lengths))
        place = self._draw(rng, cluster)
        for step, n in enumerate(going.tolist()):
            cluster, place = cluster[:n], place[:n]
            if step:
                move = rng.random(n)
                drawn = np.where(move < FOLLOW + STAY, cluster, self.following[cluster])
                drawn = np.where(move >= FOLLOW + STAY + NEXT, rng.integers(clusters, size=n), drawn)
                place = np.where(move < FOLLOW, (place + 1) % self.sizes[cluster], self._draw(rng, drawn))
                cluster = drawn
            walk[begins[:n] + step] = self.ids[place, cluster]
        return walk

    def _draw(self, rng: np.random.Generator, cluster: np.ndarray) -> np.ndarray:
        return np.minimum(np.searchsorted(self.base, rng.random(len(cluster)), side="right"), self.sizes[cluster] - 1)


def popularity(places: int, top_1: float, top_10: float) -> np.ndarray:
    """Probabilities of the places of a cluster, (places,), in the form (place + b)^-a of Zipf and Mandelbrot, of which the first tenth has
    the share ``top_10`` and the first hundredth as nearly as can be ``top_1``."""
    at, best = np.arange(places), (np.inf, np.full(places, 1 / places))
    for b in np.geomspace(0.3, 2 * places, 40):
        low, high = 0.0, 20.0
        for _ in range(40):
            a = (low + high) / 2
            p = np.exp(-a * np.log((at + b) / b))
            low, high = (a, high) if _first(p, 0.1) < top_10 else (low, a)
        best = min(best, (abs(_first(p, 0.01) - top_1), p / p.sum()), key=lambda found: found[0])
    return best[1]


def _first(p: np.ndarray, share: float) -> float:
    """What the first share of the places has, parts of a place included."""
    return float(np.interp(share * len(p), np.arange(len(p) + 1), np.append(0, np.cumsum(p))) / p.sum())


def lengths_of(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Interactions of each user, (users,): log-normal above the least, with the wanted median and exactly the wanted sum."""
    room, half = shape.interactions - shape.least * shape.users, max(shape.half - shape.least, 1)
    spread = np.sqrt(2 * max(np.log(room / shape.users / half), 0.0))
    drawn = np.minimum(np.exp(spread * rng.standard_normal(shape.users)), (shape.most - shape.least) / half)
    ends = np.cumsum(drawn)
    ends = np.floor(ends / ends[-1] * room + 0.5).astype(np.int64)  # rounded together, so that the sum is exact
    return shape.least + np.diff(ends, prepend=0)


Array = Callable[[str, int, str], np.ndarray]


def write(shape: Shape, rng: np.random.Generator, array: Array) -> tuple[dict[str, Any], World]:
    """The arrays of a data set split by leave-one-out, filled chunk by chunk. array(name, length, type): an array to fill."""
    world, lengths = World.of(shape, rng), lengths_of(shape, rng)
    users = shape.users
    offsets = array("train_offsets", users + 1, "<i8")
    np.cumsum(lengths - 2, out=offsets[1:])
    train, val, test = (array(n, m, "<i4") for n, m in (("train_items", int(offsets[-1])), ("val", users), ("test", users)))
    for chunk in _chunks(lengths):
        walk, ends = world.walks(lengths[chunk], rng), np.cumsum(lengths[chunk])
        val[chunk], test[chunk] = walk[ends - 2], walk[ends - 1]
        train[offsets[chunk.start] : offsets[chunk.stop]] = walk[windows(ends - 2, lengths[chunk] - 2)]
    return {"train_items": train, "train_offsets": offsets, "val": val, "test": test}, world


def _chunks(lengths: np.ndarray) -> Iterator[slice]:
    """Consecutive users with about ``CHUNK`` interactions together."""
    ends = np.cumsum(lengths)
    cuts = np.unique(np.searchsorted(ends, np.arange(CHUNK, ends[-1], CHUNK), side="right"))
    bounds = np.unique([0, *cuts.tolist(), len(lengths)]).tolist()
    return (slice(a, b) for a, b in zip(bounds, bounds[1:], strict=False))
