"""What UMAP costs: ``python -m tests.measure.umap_times [ITEMS ...]`` (a quiet machine; 5 min).

Two tables of each number of items, width 128, each in a process of its own as the app does it. Seconds by part, beside what
``projection.umap_seconds`` says before. Not a test.
"""

import json
import subprocess
import sys
import time

import numpy as np

from adrec.maps.projection import project_umap, umap_seconds

WIDTH, TABLES = 128, 2
SIZES = (1_000, 5_000, 10_000, 20_000, 40_000)


def tables(items: int) -> dict[str, np.ndarray]:
    """A clustered table, and the same with some noise."""
    rng = np.random.default_rng(0)
    first = rng.standard_normal((items // 50 + 1, WIDTH))[rng.integers(items // 50 + 1, size=items)] + rng.standard_normal((items, WIDTH))
    return {"first": first.astype(np.float32), "second": (first + 0.3 * rng.standard_normal(first.shape)).astype(np.float32)}


def measure(items: int) -> dict[str, float]:
    """Seconds of loading, of the neighbours and of the layout."""
    begun, first = time.perf_counter(), {}

    def progress(fraction: float, words: str) -> None:
        first.setdefault(words, time.perf_counter() - begun)

    project_umap(tables(items), progress=progress)
    loading, laying = first["neighbours of first"], first["laying out"]
    return {"loading": loading, "neighbours": laying - loading, "layout": first["done"] - laying}


def main() -> None:
    """Print the table."""
    if sys.argv[1:2] == ["--one"]:
        json.dump(measure(int(sys.argv[2])), sys.stdout)
        return
    print("| items | loading | neighbours | layout | in all, s | said before |")
    print("|" + "---|" * 6)
    for items in [int(text) for text in sys.argv[1:]] or SIZES:
        ran = subprocess.run([sys.executable, "-m", __spec__.name, "--one", str(items)], capture_output=True, text=True, check=True)
        parts = json.loads(ran.stdout)
        cells = [f"{seconds:.1f}" for seconds in (*parts.values(), sum(parts.values()), umap_seconds(items, TABLES, WIDTH))]
        print(f"| {items:,} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
