"""The items of the Collapse page: titles, neighbours in each stage, facts. Cached by run."""

from typing import Any

import numpy as np

from adrec.runs import RunFolder
from app import loaders
from app.collapse.data import NEIGHBOURS, distinct_tables


@loaders.of_run(8)
def titles(run: RunFolder) -> list[str]:
    """A title for every item, row by row, or the data set's own id if there is none (shared: do not modify)."""
    frame = loaders.items(run)
    return [title or f"item {item}" for title, item in zip(frame["title"], frame["item"], strict=True)]


@loaders.of_run(8)
def alphabetical(run: RunFolder) -> list[int]:
    """The ids of all items, sorted by title (shared: do not modify)."""
    found = titles(run)
    return [i + 1 for i in sorted(range(len(found)), key=lambda i: found[i].casefold())]


def first_item(run: RunFolder) -> int:
    """The item shown by default: the most popular, or else the first."""
    frame = loaders.items(run)
    return 1 + int(frame["popularity"].to_numpy().argmax()) if "popularity" in frame and len(frame) else 1


METRICS = {"cosine": "Cosine", "dot": "Dot product", "euclidean": "Euclidean distance"}


@loaders.of_run(512, shared=False)
def neighbours(run: RunFolder, row: int, metric: str = "cosine") -> dict[str, list[dict[str, Any]]]:
    """The item's exact nearest neighbours in embedding space, by table: row, number (cosine, dot product or distance), and whether it
    was also a neighbour in the previous table."""
    from adrec.maps.neighbours import neighbours

    found: dict[str, list[dict[str, Any]]] = {}
    before: set[int] | None = None
    for name, table in distinct_tables(run).items():
        rows, numbers = neighbours(table, row, NEIGHBOURS, metric)
        kept = [None if before is None else int(r) in before for r in rows]
        numbers = -numbers if metric == "euclidean" else numbers
        found[name] = [{"row": int(r), "number": float(c), "kept": k} for r, c, k in zip(rows, numbers, kept, strict=True)]
        before = {int(r) for r in rows}
    return found


def facts(run: RunFolder, row: int) -> dict[str, str]:
    """An item's number, its id in the data set, how often it occurs, and its other columns."""
    frame = loaders.items(run)
    record = frame.iloc[row]
    found = {"Item number": f"{row + 1}", "Id in the data set": str(record["item"])}
    if "popularity" in frame:
        times = frame["popularity"].to_numpy()
        rank = 1 + int(np.count_nonzero(times > record["popularity"]))
        found["In training histories"] = f"{int(record['popularity']):,} times (rank {rank:,} of {len(frame):,})"
    for column in frame.columns:
        if column not in ("item", "title", "popularity"):
            found[column.replace("_", " ").capitalize()] = str(record[column]).replace("|", ", ") or "unknown"
    return found
