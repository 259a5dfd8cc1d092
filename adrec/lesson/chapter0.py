"""The hook: two people, three models, six lists; and how many different films each model lists for many people."""

from pathlib import Path
from typing import Any

import numpy as np

from adrec.lesson import likeness
from adrec.lesson.answers import TEN, model_of, ranking, table_of
from adrec.lesson.models import RUNS, run_of
from adrec.lesson.people import PEOPLE
from adrec.lesson.results import results

COLUMNS = ("noise", "healthy", "narrow")
"""In the order of the bar of health."""
SHOWN = ("family", "horror")
"""The two people, by their keys."""


def content(runs: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """``KEY.lists``: both people's ten films by each model, each person with noise of their own. ``KEY.cosines``: the likeness matrices.
    ``counted``: how different the lists of many people are, as measured, by model."""
    arrays = {}
    for key in COLUMNS:
        run = run_of(runs, key)
        model, users = model_of(run), [place for place, person in enumerate(PEOPLE) if person.key in SHOWN]
        histories = [PEOPLE[user].ids(run.items)[0] for user in users]
        arrays[f"{key}.lists"] = ranking(model, histories, users)[:, :TEN].astype(np.uint16).reshape(-1)
        arrays[f"{key}.cosines"] = likeness.cosines(table_of(run), likeness.films(run.items))
    return {"people": [*SHOWN], "models": {key: RUNS[key] for key in COLUMNS}, "counted": results(runs)["hook"]}, arrays
