"""Prepare 20 million generated interactions and start from the folder: seconds and peak memory of the real commands.

Run it from the repository's root: ``python -m tests.measure.prepare [--interactions 20000000] [--text-ids] [--keep DIR]``, or with
``--imitate ml-1m`` on the synthetic data set that has the lengths and popularity of MovieLens-1M, without a file before.
Peak memory is the largest resident set of each command's own process, memory-mapped pages included.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

START = """
import json, sys, time
import numpy as np
from adrec.data import catalog
from adrec.data.batches import training_batch
begin = time.perf_counter()
data = catalog.load(sys.argv[1])
loaded = time.perf_counter()
told = data.content_hash, int(data.popularity.max())
known = time.perf_counter()
users = np.random.default_rng(0).permutation(data.n_users)[:512]
tokens = training_batch(data, users, 50).tokens
end = time.perf_counter()
print(json.dumps({"load": loaded - begin, "hash_and_popularity": known - loaded, "first_batch": end - known, "tokens": tokens}))
"""


def generate(path: Path, rows: int, text_ids: bool, seed: int = 0) -> None:
    """Interactions in the order of their time: log-normally active users, items of a Zipf-like popularity, ids that are not codes.

    A user has 80 rows and an item 160 on average; a sixth of the users have fewer than 5, so that the 5-core has work to do.
    """
    rng = np.random.default_rng(seed)
    n_users, n_items = max(rows // 80, 10), max(rows // 160, 10)
    activity = rng.lognormal(0, 1.6, n_users)
    popularity = (np.arange(n_items) + 20.0) ** -1.1
    users, items = (
        rng.permutation(3 * len(w))[np.searchsorted(np.cumsum(w), rng.random(rows) * w.sum()).clip(max=len(w) - 1)]
        for w in (activity, popularity)
    )
    ids = {"user_id": pa.array(users), "item_id": pa.array(items)}
    if text_ids:
        names = [np.char.add(letter, np.char.zfill(np.arange(3 * n).astype(str), 12)) for letter, n in (("A", n_users), ("B", n_items))]
        coded = [pa.DictionaryArray.from_arrays(pa.array(c), pa.array(n)) for c, n in zip((users, items), names, strict=True)]
        ids = {k: c.cast(pa.string()) for k, c in zip(ids, coded, strict=True)}
    times = 1_200_000_000 + np.sort(rng.integers(0, 500_000_000, rows))
    pq.write_table(pa.table({**ids, "timestamp": times, "rating": rng.integers(1, 6, rows).astype(np.float32)}), path)


def measured(*command: str) -> dict[str, object]:
    """Run a command; its seconds, its peak memory in GiB and what it printed. This process stays small, as a child starts with its size."""
    begin = time.perf_counter()
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:4])} ended with {process.returncode}")
    told = json.loads(printed) if printed.strip() else None
    return {"seconds": round(time.perf_counter() - begin, 2), "peak_gib": round(usage.ru_maxrss / 2**20, 2), "printed": told}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--interactions", type=int, default=20_000_000)
    options.add_argument("--imitate", metavar="NAME", help="the shape of the synthetic data set, such as ml-1m")
    options.add_argument("--split", default="leave-one-out", help="as the data option: time:0.8,0.1,0.1")
    options.add_argument("--text-ids", action="store_true", help="ids such as A000000123456 instead of whole numbers")
    options.add_argument("--file", type=Path, help=argparse.SUPPRESS)  # generate this file and stop: in a process of its own
    options.add_argument("--keep", type=Path, metavar="DIR", help="work in this folder and leave its files")
    given = options.parse_args()
    if given.file:
        generate(given.file, given.interactions, given.text_ids)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        path, out = str(folder / "interactions.parquet"), str(folder / "prepared")
        rows = ["--interactions", str(given.interactions), *(["--text-ids"] if given.text_ids else [])]
        steps = {
            "generate": ["-m", "tests.measure.prepare", "--file", path, *rows],
            "prepare": [
                "-m",
                "adrec",
                "data",
                "prepare",
                path,
                "--out",
                out,
                "--data-option",
                "k_core=5",
                "--data-option",
                f"split={given.split}",
            ],
            "describe": ["-m", "adrec", "data", "describe", out, "--json"],
            "start": ["-c", START, out],
        }
        if given.imitate:
            del steps["generate"]
            source = f"synthetic:like={given.imitate},interactions={given.interactions}"
            steps["prepare"] = ["-m", "adrec", "data", "prepare", source, "--out", out]
        for name, command in steps.items():
            print(json.dumps({name: measured(*command)}), flush=True)


if __name__ == "__main__":
    main()
