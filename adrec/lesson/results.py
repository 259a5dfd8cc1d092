"""The figures of assets/lesson/results.json, each with its uncertainty, seeds, data and command."""

from pathlib import Path
from typing import Any

from adrec.errors import DataError
from adrec.files import read_json

SURE = 1.96
"""Standard errors beyond which a difference is taken for one: an interval that holds the truth in 95 of 100 cases."""


def results(runs: Path) -> dict[str, Any]:
    """All sections, for content made from the runs in this folder, beside which ``lesson`` lies."""
    path = runs.parent / "lesson" / "results.json"
    if not path.is_file():
        raise DataError(f"'{path}' does not exist; python -m tests.measure.lesson_results writes it.")
    return read_json(path)
