"""What the noise weight λ does, over seeds: the table of docs/RESULTS.md, from run folders.

    python -m tests.measure.noise_weight runs/a-1,runs/a-2,runs/a-3 runs/b-1,runs/b-2,runs/b-3 ...

One argument for each noise weight: its runs, joined by commas. Means over the runs with the smallest and largest, of the figures of
``adrec trajectory RUN --all``, which are measured first where they are not there yet. Not a test.
"""

import argparse
from typing import Any

import numpy as np

from adrec.explain.all_users import all_users
from adrec.runs import RunFolder

COLUMNS = {"hr@20": ("HR@20, %", 100, 2), "ndcg@10": ("NDCG@10, %", 100, 2), "distinct_items": ("distinct items", 1, 0)}
COLUMNS |= {"mean_commit_step": ("commit step", 1, 2), "common": ("of the top 10 of all steps", 1, 2)}


def cell(values: list[float], factor: float, digits: int) -> str:
    """Mean (smallest to largest)."""
    scaled = factor * np.array(values)
    return f"{scaled.mean():.{digits}f} ({scaled.min():.{digits}f} to {scaled.max():.{digits}f})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+")
    print("| λ | seeds | steps | " + " | ".join(title for title, _, _ in COLUMNS.values()) + " |")
    print("|" + "---|" * (3 + len(COLUMNS)))
    for names in parser.parse_args().runs:
        runs = [RunFolder(name) for name in names.split(",")]
        reports: list[dict[str, Any]] = [all_users(run) for run in runs]
        (weight,) = {run.settings["noise_weight"] for run in runs}
        seeds = ", ".join(str(run.info["seed"]) for run in runs)
        for rows in zip(*(report["by_steps"] for report in reports), strict=True):
            cells = [cell([row[name] for row in rows], factor, digits) for name, (_, factor, digits) in COLUMNS.items()]
            print(f"| {weight:g} | {seeds} | {rows[0]['steps']} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
