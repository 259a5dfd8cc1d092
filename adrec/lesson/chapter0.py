"""The hook: two people, three models, six lists; and how many different films each model lists for many people."""

from pathlib import Path
from typing import Any

import numpy as np

from adrec.lesson import likeness
from adrec.lesson.models import RUNS, run_of
from adrec.lesson.results import results

COLUMNS = {"noise": "people-noise", "healthy": "people", "narrow": "people-narrow"}
"""The parts of the runs, in the order of the bar of health."""
SHOWN = ("family", "horror")
"""The two people, by their keys."""


def content(runs: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """``KEY.lists``: both people's ten films by each model. ``KEY.cosines``: the likeness matrices. ``counted``: how different the lists of
    many people are, as measured, by model."""
    arrays, counted = {}, results(runs)["hook"]
    for key, part in COLUMNS.items():
        run, lists = run_of(runs, part), counted["columns"][key]["lists"]
        arrays[f"{key}.lists"] = np.array([lists[person] for person in SHOWN], np.uint16).reshape(-1)
        arrays[f"{key}.cosines"] = likeness.cosines(run.table("finetune"), likeness.films(run.items))
    return {"people": [*SHOWN], "models": {key: RUNS[part] for key, part in COLUMNS.items()}, "counted": counted}, arrays
