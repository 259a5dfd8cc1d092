"""The hook: two people, three models, six lists; and how many different films each model lists for many people."""

from pathlib import Path
from typing import Any

import numpy as np

from adrec.lesson import likeness
from adrec.lesson.answers import TEN, model_of, ranking, table_of
from adrec.lesson.people import PEOPLE
from adrec.lesson.results import results
from adrec.runs import RunFolder

RUNS = {"noise": "dreamrec-harness-fixed", "healthy": "ml-100k", "narrow": "narrow"}
"""The runs of the three columns, in the order of the bar of health."""
SHOWN = ("family", "horror")


def content(runs: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """``KEY.lists``: both people's ten films by each model, each person with noise of their own. ``KEY.cosines``: the likeness matrices.
    ``counted``: how different the lists of many people are, as measured, by model."""
    hook = results(runs).get("hook", {})
    arrays = {}
    for key, name in RUNS.items():
        run = RunFolder(runs / name)
        model, users = model_of(run), [place for place, person in enumerate(PEOPLE) if person.key in SHOWN]
        histories = [PEOPLE[user].ids(run.items)[0] for user in users]
        arrays[f"{key}.lists"] = ranking(model, histories, users)[:, :TEN].astype(np.uint16).reshape(-1)
        arrays[f"{key}.cosines"] = likeness.cosines(table_of(model), likeness.films(run.items))
    return {"people": [*SHOWN], "models": RUNS, "counted": hook}, arrays
