"""What the Collapse page shows of a run's items: titles, neighbours in each stage, facts. Cached by run."""

from typing import Any

import numpy as np

from adrec.runs import RunFolder
from app import loaders
from app.collapse.data import NEIGHBOURS, distinct_tables


@loaders.of_run(8)
def titles(run: RunFolder) -> list[str]:
    """A title for every item, row by row; the data set's own id where there is none (shared: never change it)."""
    frame = loaders.items(run)
    return [title or f"item {item}" for title, item in zip(frame["title"], frame["item"], strict=True)]


@loaders.of_run(8)
def alphabetical(run: RunFolder) -> list[int]:
    """The ids of all items in the order of their titles (shared: never change it)."""
    found = titles(run)
    return [i + 1 for i in sorted(range(len(found)), key=lambda i: found[i].casefold())]


def first_item(run: RunFolder) -> int:
    """The item shown until one is chosen: the most popular, or else the first."""
    frame = loaders.items(run)
    return 1 + int(frame["popularity"].to_numpy().argmax()) if "popularity" in frame and len(frame) else 1


METRICS = {"cosine": "Cosine", "dot": "Dot product", "euclidean": "Euclidean distance"}


@loaders.of_run(512, shared=False)
def neighbours(run: RunFolder, row: int, metric: str = "cosine") -> dict[str, list[dict[str, Any]]]:
    """By table, the item's nearest in the original space, exactly: row, number (the cosine, dot product or distance), and whether it was
    there in the table before."""
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
    """What is known of an item: its number here, its id in the data set, how often it occurs and its other columns."""
    frame = loaders.items(run)
    record = frame.iloc[row]
    found = {"Number here": f"{row + 1}", "Id in the data": str(record["item"])}
    if "popularity" in frame:
        times = frame["popularity"].to_numpy()
        place = 1 + int(np.count_nonzero(times > record["popularity"]))
        found["In training histories"] = f"{int(record['popularity']):,} times (place {place:,} of {len(frame):,})"
    for column in frame.columns:
        if column not in ("item", "title", "popularity"):
            found[column.replace("_", " ").capitalize()] = str(record[column]).replace("|", ", ") or "unknown"
    return found
