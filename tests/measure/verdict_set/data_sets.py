"""The data sets of the third-party set, as plain arrays and as the file of interactions that a person would give.

``ADREC_TEST_DATA=... python -m tests.measure.verdict_set.data_sets FOLDER`` (the project's environment) writes ``FOLDER/data/NAME/``:
``train.npz`` for the trainings (zero-based rows of all users' training items, offsets, the two last items of each user) and
``interactions.csv`` (user, item, timestamp) for the judging, which holds all interactions; both sides leave out the same two last ones.
"""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from adrec.data import catalog
from adrec.data.dataset import SequenceDataset
from tests.measure.verdict_set.registry import DATA_SETS


def users_of(data: SequenceDataset, most: int) -> list[np.ndarray]:
    """All items of evenly spaced users, zero-based, oldest first."""
    chosen = np.unique(np.linspace(0, data.n_users - 1, min(most, data.n_users)).astype(int))
    return [np.concatenate([data.train(u), [data.val[u], data.test[u]]]).astype(np.int64) - 1 for u in chosen]


def raw_ids(style: str, names: list[str], seed: int) -> list[str]:
    """What the data set calls its items: its own names, letters and digits as a shop would, numbers with gaps, or 0 to V - 1."""
    rng, count = np.random.default_rng(seed), len(names)
    if style == "own":
        return names
    if style == "from 0":
        return [str(i) for i in range(count)]
    if style == "gaps":
        return [str(i) for i in rng.choice(np.arange(1, 40 * count), count, replace=False)]
    letters = np.array(list("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    codes: dict[str, None] = {}
    while len(codes) < count:
        codes["B0" + "".join(rng.choice(letters, 8))] = None
    return list(codes)


def write(name: str, folder: Path) -> None:
    given = DATA_SETS[name]
    data = catalog.load(given.source if given.source.startswith("synthetic") else Path(os.environ["ADREC_TEST_DATA"]) / given.source)
    histories = users_of(data, given.users)
    used = np.unique(np.concatenate(histories))
    names = data.items.frame["item"].to_numpy()[used].tolist()
    ids = raw_ids(given.ids, names, len(name))
    numbers = all(i.isdigit() for i in ids)
    order = sorted(range(len(ids)), key=lambda i: int(ids[i])) if numbers else sorted(range(len(ids)), key=lambda i: ids[i])
    new = np.full(int(used.max()) + 1, -1)
    new[used[order]] = np.arange(len(used))
    ids = [ids[i] for i in order]
    histories = [new[h] for h in histories]
    rng = np.random.default_rng(1)
    starts = rng.integers(0, 10_000_000, len(histories))
    rows = pd.DataFrame(
        {
            "user": np.repeat([f"u{u + 1}" for u in range(len(histories))], [len(h) for h in histories]),
            "item": np.array(ids, dtype=object)[np.concatenate(histories)],
            "timestamp": np.concatenate([1_100_000_000 + s + 60 * np.arange(len(h)) for s, h in zip(starts, histories, strict=True)]),
        }
    )
    if given.by_time:
        rows = rows.sort_values("timestamp", kind="stable")
    folder.mkdir(parents=True, exist_ok=True)
    rows.to_csv(folder / "interactions.csv", index=False)
    train = [h[:-2] for h in histories]
    np.savez(
        folder / "train.npz",
        items=np.concatenate(train).astype(np.int32),
        offsets=np.concatenate([[0], np.cumsum([len(h) for h in train])]),
        answers=np.array([h[-2:] for h in histories], dtype=np.int32),
        ids=np.array(ids),
    )
    print(f"{name}: {len(histories):,} users, {len(ids):,} items, {len(rows):,} interactions", flush=True)


if __name__ == "__main__":
    for one in DATA_SETS:
        if not (Path(sys.argv[1]) / "data" / one / "train.npz").is_file():
            write(one, Path(sys.argv[1]) / "data" / one)
