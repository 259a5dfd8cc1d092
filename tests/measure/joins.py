"""How often the right join is found: real and made tables stored in eight wrong orders, and how often a right join is doubted.

    ADREC_TEST_DATA=/path/to/data python -m tests.measure.joins [--quick]

Prints docs/VERDICT.md's figures. Without ADREC_TEST_DATA only made tables take part. Not a test.

A join is *named* if the evidence is said to stand behind it and the rows used are exactly those of the items, *wrong* if they are not, and
*untold* if no join is said to stand out. Every wrong order is tried twice: with nothing said, and with ``--order appearance`` asked for,
which is wrong there. Tables align if items used together lie together by at least ``joins.CLEAR`` in the right join; others (random starts,
frozen and meaningless ones) cannot show their join, and there only *wrong* is an error.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402  (after the number of threads is set)
import scipy.sparse as sp  # noqa: E402

from adrec.data import catalog  # noqa: E402
from adrec.data.dataset import ItemTable, SequenceDataset, split  # noqa: E402
from adrec.embeddings.joins import CLEAR, Whole, placed, scores  # noqa: E402
from adrec.embeddings.matching import matched  # noqa: E402
from adrec.embeddings.orders import Numbering, numberings  # noqa: E402
from adrec.embeddings.source import Source  # noqa: E402
from adrec.errors import AdrecError  # noqa: E402
from adrec.runs import list_runs  # noqa: E402
from tests.adrec.verdict_fixtures import official_data, official_table  # noqa: E402

RUNS = Path(__file__).parents[2] / "assets" / "runs"
SIZES = [(200, 16), (500, 32), (1_000, 64), (2_000, 128), (5_000, 64)]
SIGNALS = (1.0, 0.3, 0.0)


def made(items: int, width: int, signal: float, seed: int) -> tuple[np.ndarray, SequenceDataset]:
    """A planted table and interactions of items whose ids are numbers in no order of anything; popularity falls as in real data."""
    rng = np.random.default_rng([items, seed, int(10 * signal)])
    clusters = items // 10
    cluster = rng.permutation(np.arange(items) % clusters)
    weight = 1 / (rng.permutation(items) + items / 20)
    lengths = rng.integers(8, 30, 2 * items)
    sequences = []
    for length in lengths:
        pool = np.flatnonzero(np.isin(cluster, rng.choice(clusters, 3)))
        sequences.append(rng.choice(pool, length, p=weight[pool] / weight[pool].sum()))
    flat = np.concatenate(sequences)
    first = np.unique(flat, return_index=True)
    order = first[0][np.argsort(first[1])]
    number = np.zeros(items, dtype=np.int64)
    number[order] = np.arange(1, len(order) + 1)
    ids = [str(i + 1) for i in rng.permutation(items)[: len(order)]]
    train_items, offsets, val, test = split(number[flat], lengths)
    users = np.array([f"u{i}" for i in range(len(lengths))])
    data = SequenceDataset("made", train_items, offsets, val, test, ItemTable.untitled(ids), users)
    centres = rng.standard_normal((clusters, width))[cluster[order]]
    return (np.sqrt(signal) * centres + np.sqrt(1.5 - signal) * rng.standard_normal((len(order), width))).astype(np.float32), data


def factorised(data: SequenceDataset, width: int) -> np.ndarray:
    """Item vectors of a truncated singular value decomposition of who used what."""
    users = np.repeat(np.arange(data.n_users), np.diff(data.train_offsets))
    matrix = sp.csr_matrix((np.ones(len(users)), (users, data.train_items - 1)), shape=(data.n_users, data.n_items))
    matrix.data[:] = 1.0
    _, s, items = sp.linalg.svds(matrix, k=width, random_state=0)
    return np.asarray(items.T * np.sqrt(s), dtype=np.float32)


def tables(root: Path | None, quick: bool) -> Iterator[tuple[str, np.ndarray, SequenceDataset, Path | None]]:
    """Name, table in the data set's order, interactions and, if it is one that tells more orders, their file."""
    for items, width in SIZES[: 2 if quick else None]:
        for signal in SIGNALS:
            yield f"planted {items:,} x {width}, signal {signal:g}", *made(items, width, signal, 0), None
    if root is None:
        return
    file = root / "recbole" / "ml-100k" / "ml-100k.inter"
    films = catalog.load(file, min_rating=4, k_core=5)
    for run in list_runs(RUNS):
        if run.info["dataset"].get("hash") == films.content_hash:
            stages = list(run.tables())
            for name in stages[-1:] if quick else [name for name in ("pretrain", "finetune") if name in stages]:
                yield f"{run.name}, {name}", np.asarray(run.table(name)), films, file
    for name, path in (("ADRec", "adrec_trained.pth"), ("DreamRec", "dreamrec_item_table.npy")):
        yield f"official ML-100K, {name}", official_table(root, f"ml-100k/{path}"), official_data(root, "ml-100k"), None
    yield "official Baby, stage 1", official_table(root, "baby/pretrain.pth"), official_data(root, "baby"), None
    others = {"Baby": official_data(root, "baby"), "Beauty": official_data(root, "beauty")}
    others |= {name: catalog.load(root / "diffurec" / f"{name}.pkl") for name in ("ml-1m", "amazon-beauty")}
    for name, data in others.items():
        yield f"{name}, factorised", factorised(data, 32), data, None


# -- eight wrong orders ------------------------------------------------------------------------------------------------


def wrong(table: np.ndarray, data: SequenceDataset, numbered: dict[str, Numbering]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and the source's fields of the table stored in other orders than ``--order appearance`` says."""
    rng = np.random.default_rng(1)

    def noise(rows: int) -> np.ndarray:
        return (rng.standard_normal((rows, table.shape[1])) * table.std() + table.mean(axis=0)).astype(table.dtype)

    yield "a row too many", {"table": np.concatenate([noise(1), table[:-1], table[-1:]])}
    yield "the first row missing", {"table": table[1:]}
    yield "an item taken for padding", {"table": table[1:], "removed": table[0], "padded": True}
    for name in ("text", "numeric", "popularity"):
        if name in numbered and not np.array_equal(numbered[name].places, numbered["appearance"].places):
            yield name, {"table": table[np.argsort(numbered[name].places, kind="stable")]}
    if not np.array_equal(numbered["users"].places, numbered["appearance"].places):
        yield "user after user", {"table": table[np.argsort(numbered["users"].places, kind="stable")]}
    elif "time" in numbered:
        yield "in time", {"table": table[np.argsort(numbered["time"].places, kind="stable")]}
    yield "users before items", {"table": np.concatenate([noise(data.n_users), table])}


def right(table: np.ndarray, data: SequenceDataset) -> Iterator[tuple[str, dict[str, Any], str | None]]:
    """Names, the source's fields and the order asked for."""
    rows = np.random.default_rng(2).permutation(len(table))
    ids = data.items.frame["item"].to_numpy()
    yield "nothing said", {"table": table}, None
    yield "asked for", {"table": table}, "appearance"
    yield "after a padding row", {"table": table, "removed": np.zeros(table.shape[1], table.dtype), "padded": True}, "appearance"
    yield "by ids", {"table": table[rows], "labels": tuple(ids[rows])}, None


def outcome(table: np.ndarray, data: SequenceDataset, fields: dict[str, Any], order: str | None, numbered: Sequence[Numbering]) -> str:
    """named, untold or wrong."""
    source = Source("table", **fields)
    try:
        found = matched(data, source, order, lambda: numbered)
    except AdrecError:
        return "untold"
    if "data" not in found or not found["join"].clear:
        return "untold"
    used = found.get("table", source.table)
    there = np.ones(len(data.train_items), dtype=bool)
    if len(found["data"].train_items) != len(there):
        there = data.train_items != 1  # the item whose row is missing
    mine = found["data"].train_items
    if len(mine) != there.sum():
        return "wrong"
    return "named" if np.array_equal(used[mine - 1], table[data.train_items[there] - 1]) else "wrong"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    root = Path(os.environ["ADREC_TEST_DATA"]) if "ADREC_TEST_DATA" in os.environ else None
    counts: dict[str, Counter[str]] = {}
    total: dict[str, Counter[str]] = {}
    begun, seen, aligned, longest = time.time(), 0, 0, 0.0

    held: dict[int, tuple[SequenceDataset, list[Numbering]]] = {}
    for name, table, data, path in tables(root, quick):
        if id(data) not in held:
            held[id(data)] = data, numberings(data, path)
        orders = held[id(data)][1]
        numbered = {n.name: n for n in orders}
        whole = Whole(table)
        z = float(scores(whole, data, [placed(numbered["appearance"], whole)])[0])
        seen, aligned = seen + 1, aligned + (z >= CLEAR)
        group = "aligned" if z >= CLEAR else "not aligned"
        of: list[str] = []
        cases = [(f"wrong, {said}", case, fields, order) for case, fields in wrong(table, data, numbered) for said, order in SAID]
        cases += [("right", case, fields, order) for case, fields, order in right(table, data)]
        for kind, case, fields, order in cases:
            start = time.time()
            if kind == "wrong, asked for another" and order is not None and "removed" not in fields:
                surplus = len(fields["table"]) - len(table)
                order = "appearance:0" if surplus else order
            got = outcome(table, data, fields, order, orders)
            longest = max(longest, time.time() - start)
            counts.setdefault(f"{group} | {kind} | {case}", Counter())[got] += 1
            total.setdefault(f"{group} | {kind}", Counter())[got] += 1
            if got == "wrong" or (group == "aligned" and got != "named"):
                of.append(f"{kind}, {case}: {got}")
        print(f"{name}: {z:.1f}; {'; '.join(of) or 'as it should be'}", file=sys.stderr, flush=True)
    print(f"{seen} tables, {aligned} of them aligned; {time.time() - begun:.0f} s, the slowest join {longest:.1f} s\n")
    print("| table | case | named | untold | wrong |\n|---|---|---|---|---|")
    for key, found in [*total.items(), *counts.items()]:
        group, *case = key.split(" | ")
        print(f"| {group} | {': '.join(case)} | {found['named']} | {found['untold']} | {found['wrong']} |")


SAID = (("nothing said", None), ("asked for another", "appearance"))


if __name__ == "__main__":
    main()
