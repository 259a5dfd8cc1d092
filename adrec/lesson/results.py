"""The figures of assets/lesson/results.json, each with its uncertainty, seeds, data and command."""

from pathlib import Path
from typing import Any

from adrec.files import read_json

SURE = 1.96
"""Standard errors beyond which a difference is taken for one: an interval that holds the truth in 95 of 100 cases."""


def results(runs: Path) -> dict[str, Any]:
    """All sections, for content made from the runs in this folder, beside which ``lesson`` lies; empty if nothing was measured yet."""
    path = runs.parent / "lesson" / "results.json"
    return read_json(path) if path.is_file() else {}
