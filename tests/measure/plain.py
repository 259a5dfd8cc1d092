"""`adrec.paper` and the fast path on the same data with the same settings: the table of docs/RESULTS.md.

    python -m tests.measure.plain [--seeds 0 1 2] [--threads 2]

Best validation NDCG@10 of each stage, test metrics and CPU seconds, seed by seed.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import fields
from pathlib import Path

from adrec import paper
from adrec.runs import RunFolder

STAGES, SHOWN = ("pretrain", "warmup", "finetune"), ("ndcg@10", "hr@10")
DATASET = "synthetic:" + ",".join(f"{key}={value}" for key, value in paper.DATA.items())
CHANGED = {f.name: getattr(paper.DEMO, f.name) for f in fields(paper.DEMO) if getattr(paper.DEMO, f.name) != f.default}
SETTINGS = [word for key, value in CHANGED.items() if key != "n_items" for word in ("--set", f"{key}={value}")]


def plain(seed: int, threads: int) -> list[float]:
    """``python -m adrec.paper``: each stage's best validation, then the test metrics."""
    command = [sys.executable, "-m", "adrec.paper", "--seed", str(seed)]
    out = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)}).stdout
    stages = [max(float(v) for v in re.findall(rf"^{stage} .* NDCG@10 ([\d.]+)$", out, re.M)) for stage in STAGES]
    test = next(line for line in out.splitlines() if line.startswith("ADRec"))
    return stages + [float(re.search(rf"\b{name.upper()} ([\d.]+)", test)[1]) for name in SHOWN]  # type: ignore[index]


def fast(seed: int, threads: int) -> list[float]:
    """The same with ``adrec train``."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [sys.executable, "-m", "adrec", "train", "--dataset", DATASET, "--run", str(run), "--seed", str(seed)]
        subprocess.run(command + SETTINGS, capture_output=True, check=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)})
        metrics = [RunFolder(run).metrics(stage) for stage in STAGES]
    return [m["val"]["ndcg@10"] for m in metrics] + [metrics[-1]["test"][name] for name in SHOWN]


def cpu_seconds() -> float:
    """Of the processes started so far: unlike the clock's, hardly more on a busy machine."""
    spent = os.times()
    return spent.children_user + spent.children_system


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    print(" ".join(["adrec train --dataset", DATASET, *SETTINGS]), flush=True)
    print("| | seed | " + " | ".join((*STAGES, *(f"test {name.upper()}" for name in SHOWN), "CPU seconds")) + " |\n|" + "---|" * 8)
    for seed in options.seeds:
        for name, train in (("plain", plain), ("fast", fast)):
            begin = cpu_seconds()
            values = train(seed, options.threads)
            print(f"| {name} | {seed} | " + " | ".join(f"{v:.4f}" for v in values) + f" | {cpu_seconds() - begin:.0f} |", flush=True)


if __name__ == "__main__":
    main()
