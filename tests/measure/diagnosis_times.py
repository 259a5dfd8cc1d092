"""What a diagnosis of 50,000 x 128 with interactions costs: ``python -m tests.measure.diagnosis_times [--against CHECKOUT] [--times N]``.

Each repetition is a process of its own, with one thread. With another checkout, its code and this one's take turns. Not a test.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ITEMS, WIDTH, USERS, LENGTH, GROUPS = 50_000, 128, 40_000, 40, 500


def measured() -> dict[str, tuple[float, float]]:
    """Seconds and processor seconds of each part, in the order in which a table is judged."""
    from adrec.collapse.cooccurrence import Cooccurrence
    from adrec.collapse.facts import facts
    from adrec.collapse.reference import meaning
    from adrec.collapse.verdict import diagnose
    from adrec.data.dataset import ItemTable, SequenceDataset
    from adrec.embeddings.matching import matched
    from adrec.embeddings.source import Source

    rng = np.random.default_rng(0)
    place = (ITEMS // GROUPS * rng.random((USERS, LENGTH + 2)) ** 2).astype(np.int32)
    items = 1 + place * GROUPS + rng.integers(GROUPS, size=(USERS, 1), dtype=np.int32)  # people of one group, its popular items more often
    known = ItemTable.untitled([str(i) for i in range(1, ITEMS + 1)])
    offsets = np.arange(USERS + 1) * LENGTH
    data = SequenceDataset("made", items[:, :-2].ravel(), offsets, items[:, -2], items[:, -1], known, np.arange(USERS).astype(str))
    initial = rng.standard_normal((ITEMS, WIDTH)).astype(np.float32)
    table = (initial + 0.5 * rng.standard_normal((GROUPS, WIDTH))[np.arange(ITEMS) % GROUPS]).astype(np.float32)
    found: dict[str, tuple[float, float]] = {}

    def timed(what: str, run: Callable[[], Any]) -> Any:
        begin = time.perf_counter(), time.process_time()
        result = run()
        found[what] = time.perf_counter() - begin[0], time.process_time() - begin[1]
        return result

    timed("which row is which item", lambda: matched(data, Source("made", table)))
    pairs = timed("pairs of items used together", lambda: Cooccurrence.from_dataset(data))
    timed("plain facts", lambda: facts(table, popularity=data.popularity[1:], initial=initial))
    timed("facts and verdict, first", lambda: diagnose(table, cooccurrence=pairs, initial=initial))
    timed("facts and verdict, another table", lambda: diagnose(table, cooccurrence=pairs, initial=initial))
    timed("share of meaning, first", lambda: meaning(table, data))
    timed("share of meaning, another table", lambda: meaning(table, data))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", metavar="CHECKOUT", type=Path, help="another checkout, measured in turn")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        print(json.dumps(measured()))
        return
    checkouts = [*([arguments.against] if arguments.against else []), Path.cwd()]
    single = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    runs: dict[Path, list[dict[str, tuple[float, float]]]] = {checkout: [] for checkout in checkouts}
    for checkout in checkouts * arguments.times:
        environment = {**os.environ, **single, "PYTHONPATH": str(checkout.resolve())}
        said = subprocess.run(
            [sys.executable, __file__, "--once"], env=environment, cwd=checkout, capture_output=True, text=True, check=True
        )
        runs[checkout].append(json.loads(said.stdout))
    for checkout, several in runs.items():
        print(f"{checkout}: median seconds (processor time) of {arguments.times}; load {os.getloadavg()[0]:.1f}")
        for what in several[0]:
            seconds, processor = np.median([run[what] for run in several], axis=0)
            print(f"  {what}: {seconds:.2f} ({processor:.2f})")


if __name__ == "__main__":
    main()
