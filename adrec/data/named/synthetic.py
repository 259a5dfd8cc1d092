"""A generated data set with known latent structure: clusters of items that users drift through; in any size, by `adrec.data.imitation`."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from adrec.data.dataset import ItemTable, SequenceDataset, split
from adrec.data.imitation import FOLLOW, NEXT, SHAPES, STAY, write
from adrec.data.named import DATASETS, NamedDataset
from adrec.errors import DataError

DEFAULTS = {"items": 500, "users": 1000, "seed": 0}
LIMITS = {"items": (20, 5_000_000), "users": (10, 5_000_000), "seed": (0, 2**32 - 1), "interactions": (100, 200_000_000)}
LIKE = "beauty"
"""What is imitated if only the number of interactions is asked for."""
SHORTEST_HISTORY, MEAN_LENGTH, LONGEST_HISTORY = 6, 20, 60
CHUNK = 50_000
ITEM_BYTES, USER_BYTES, WALK_BYTES = 300, 700, 4600
"""Measured memory per item, per user, and per user while their walk is generated, which happens for ``CHUNK`` users at a time."""
CHUNK_BYTES = 300 << 20
"""The same of an imitation while a chunk is generated."""


def load(settings: str, folder: Path, into: Path | None = None) -> SequenceDataset:
    """The data set of these settings. into: a folder for the arrays of an imitation, which are then mapped instead of held in memory."""
    like, given = parse(settings)
    return generate(**given) if like is None else imitate(like, given, into)


def parse(text: str) -> tuple[str | None, dict[str, int]]:
    """What is to be imitated, or None, and the counts and the seed in ``items=60000,users=5000,seed=1``."""
    settings: dict[str, int] = {}
    like = None
    for part in filter(None, text.split(",")):
        key, _, value = (s.strip() for s in part.partition("="))
        if key == "like":
            if value not in SHAPES:
                raise DataError(f"The synthetic data set's 'like' must be {', '.join(SHAPES)}, not '{value}'.")
            like = value
            continue
        if key not in LIMITS:
            raise DataError(
                f"The synthetic data set has no setting '{key}'; must be items, users, interactions, like or seed, as in "
                "synthetic:items=60000,seed=1."
            )
        low, high = LIMITS[key]
        if not (value.isascii() and value.isdigit() and len(value) < 12 and low <= int(value) <= high):
            raise DataError(f"The synthetic data set's '{key}' must be an integer from {low:,} to {high:,}, not '{value}'.")
        settings[key] = int(value)
    return like or (LIKE if "interactions" in settings else None), settings


def imitate(like: str, given: Mapping[str, int], into: Path | None = None) -> SequenceDataset:
    """Sequences with the lengths and the popularity of a known data set, in its size or in the one that is given."""
    shape, seed = SHAPES[like].sized(given), given.get("seed", 0)
    name = "synthetic:" + ",".join([f"like={like}", *(f"{key}={value}" for key, value in given.items() if key != "seed" or value)])
    _check_memory(name, ITEM_BYTES * shape.items + 100 * shape.users + CHUNK_BYTES + (0 if into else 4 * shape.interactions))

    def array(file: str, length: int, kind: str) -> np.ndarray:
        if into is None:
            return np.zeros(length, dtype=kind)
        return np.lib.format.open_memmap(into / f"{file}.npy", mode="w+", dtype=kind, shape=(length,))

    arrays, world = write(shape, np.random.default_rng(seed), array)
    counts = {"users": shape.users, "items": shape.items, "interactions": shape.interactions}
    return SequenceDataset(
        name=name,
        **arrays,
        items=world.table(),
        user_ids=np.arange(1, shape.users + 1).astype(f"<U{len(str(shape.users))}"),
        options={"like": like, **counts, "seed": seed, "clusters": len(world.sizes)},
    )


def _check_memory(name: str, need: float) -> None:
    free = psutil.virtual_memory().available
    if need > free:
        raise DataError(f"'{name}' needs about {need / 1e9:.1f} GB of memory, but only {free / 1e9:.1f} GB are free.")


def generate(items: int = 500, users: int = 1000, seed: int = 0) -> SequenceDataset:
    """Users drift through about sqrt(items) clusters, each with a preferred next cluster.

    Within a cluster, items are chosen with long-tailed popularity or as the successor of the previous item. No user takes an item twice.
    So the next item is far more predictable from the last ones than from popularity. Same seed, same data. All ``items`` are in the item
    table, whether or not anyone took them; its column ``cluster`` holds the latent cluster.
    """
    _check_memory(name_of(items, users, seed), ITEM_BYTES * items + USER_BYTES * users + WALK_BYTES * min(users, CHUNK))
    rng = np.random.default_rng(seed)
    n_clusters = max(4, round(items**0.5))
    members = np.array_split(rng.permutation(items), n_clusters)
    sizes = np.array([len(m) for m in members])
    ids = np.concatenate(members) + 1
    cycle = rng.permutation(n_clusters)
    following = np.empty_like(cycle)
    following[cycle] = np.roll(cycle, -1)
    parts = [_histories(rng, min(CHUNK, users - first), sizes, following) for first in range(0, users, CHUNK)]
    lengths = np.concatenate([p[1] for p in parts])
    train_items, train_offsets, val, test = split(ids[np.concatenate([p[0] for p in parts])], lengths)
    return SequenceDataset(
        name=name_of(items, users, seed),
        train_items=train_items,
        train_offsets=train_offsets,
        val=val,
        test=test,
        items=_item_table(ids, sizes),
        user_ids=np.arange(1, users + 1).astype(str),
        options={"items": items, "users": users, "seed": seed, "clusters": n_clusters},
    )


def name_of(items: int, users: int, seed: int) -> str:
    """The name for these settings, naming only what differs from the defaults."""
    settings = {"items": items, "users": users, "seed": seed}
    changed = ",".join(f"{key}={value}" for key, value in settings.items() if value != DEFAULTS[key])
    return f"synthetic:{changed}" if changed else "synthetic"


def _histories(rng: np.random.Generator, users: int, sizes: np.ndarray, following: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The users' distinct slots, concatenated, and each user's length (users,)."""
    walk = _walk(rng, users, sizes, following)
    frame = pd.DataFrame({"user": np.repeat(np.arange(users), walk.shape[1]), "slot": walk.ravel()}).drop_duplicates()
    wanted = SHORTEST_HISTORY + rng.geometric(1 / (MEAN_LENGTH - SHORTEST_HISTORY + 1), users) - 1
    frame = frame[frame.groupby("user").cumcount().to_numpy() < np.minimum(wanted, LONGEST_HISTORY)[frame["user"]]]
    return frame["slot"].to_numpy(), np.bincount(frame["user"], minlength=users)


def _walk(rng: np.random.Generator, users: int, sizes: np.ndarray, following: np.ndarray) -> np.ndarray:
    """Each user's walk over slots (positions of items sorted by cluster): (users, steps)."""
    starts = np.cumsum(sizes) - sizes
    popular = np.cumsum(1 / np.arange(1, sizes.max() + 1) ** 0.9)
    attraction = np.cumsum(1 / np.arange(1, len(sizes) + 1) ** 0.5)
    cluster = _draw(rng, attraction, np.full(users, len(sizes)))
    place = _draw(rng, popular, sizes[cluster])
    slots = np.empty((users, 2 * LONGEST_HISTORY), dtype=np.int64)
    slots[:, 0] = starts[cluster] + place
    for step in range(1, slots.shape[1]):
        move = rng.random(users)
        cluster = np.where(move >= FOLLOW + STAY, following[cluster], cluster)
        cluster = np.where(move >= FOLLOW + STAY + NEXT, _draw(rng, attraction, np.full(users, len(sizes))), cluster)
        place = np.where(move < FOLLOW, (place + 1) % sizes[cluster], _draw(rng, popular, sizes[cluster]))
        slots[:, step] = starts[cluster] + place
    return slots


def _draw(rng: np.random.Generator, cumulative: np.ndarray, among: np.ndarray) -> np.ndarray:
    """For each n in ``among``, a random index below n, with probabilities whose running sum is ``cumulative``."""
    return np.searchsorted(cumulative, rng.random(len(among)) * cumulative[among - 1], side="right").clip(max=among - 1)


def _item_table(ids: np.ndarray, sizes: np.ndarray) -> ItemTable:
    clusters = pd.Series(np.repeat(np.arange(1, len(sizes) + 1), sizes)).astype("str")
    places = pd.Series(np.concatenate([np.arange(1, n + 1) for n in sizes])).astype("str")
    columns = {"item": clusters + "-" + places, "title": "Cluster " + clusters + " · item " + places, "cluster": clusters}
    frame = pd.DataFrame(columns).set_axis(ids).sort_index()
    return ItemTable(frame.set_axis(pd.RangeIndex(1, len(ids) + 1, name="id")))


DATASETS.register(
    "synthetic",
    NamedDataset(
        title="Synthetic clusters",
        description="Users drifting through clusters of items; 500 items and 1,000 users, or as named, "
        "for example synthetic:items=60000,users=5000,seed=1. With lengths and popularity of a known data set: synthetic:like=beauty "
        f"({', '.join(SHAPES)}), in any size up to 200 million interactions: synthetic:like=ml-1m,interactions=100000000.",
        source="generated by this package",
        licence="as the code's",
        load=load,
        mapped=True,
    ),
)
