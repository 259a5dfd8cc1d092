"""What the chapters show, as one block for the browser, prebuilt from runs: nothing is computed when a visitor comes."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from adrec.browser import wire
from adrec.errors import DataError
from adrec.lesson.models import RUNS

PARTS = ("films", "people", "likeness", *(f"chapter{number}" for number in range(9)))
"""The modules of this package with a ``content(runs)``: it returns a JSON object and arrays by name. The browser finds them under the
module's name, a chapter's under its number."""
MOST_BYTES = 1_000_000


def content(runs: Path) -> bytes:
    """All parts from the runs in a folder, as one block, beside ``runs``: their names by the parts that they play."""
    head: dict[str, Any] = {"runs": RUNS}
    arrays: dict[str, np.ndarray] = {}
    for part in PARTS:
        name = part.removeprefix("chapter")
        head[name], found = importlib.import_module(f"adrec.lesson.{part}").content(runs)
        arrays |= {f"{name}.{key}": array for key, array in found.items()}
    made = wire.block(head, arrays)
    if len(made) > MOST_BYTES:
        raise DataError(f"The lesson's content has {len(made):,} bytes; it may have {MOST_BYTES:,}.")
    return made
