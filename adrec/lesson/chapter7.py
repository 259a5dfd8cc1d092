"""From noise to ten films: when the lists of all test users stay as they are, what one step gives, and what other noise changes."""

from pathlib import Path
from typing import Any

import numpy as np

from adrec.files import read_json
from adrec.lesson.models import LAMBDAS, run_of
from adrec.lesson.people import PEOPLE
from adrec.lesson.results import results
from adrec.runs import RunFolder


def content(runs: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """``models``: by name, noisiest first, ``weight`` (lambda) and what was measured: ``decided``, the mean commit step, and
    ``by_steps``: with so many steps, of 100 people right within ten films and its error, and the films in common with the list after all.
    ``lambdas``: the same and more over several trainings. ``differs``: by person, at lambda 1, the noises that change the first film.
    ``films``: how many the models know."""
    found: dict[str, Any] = {}
    for name in reversed(LAMBDAS):
        run = run_of(runs, name)
        found[name] = {"weight": run.info["model"]["noise_weight"], **_measured(run)}
    measured = results(runs)["lambdas"]
    source = run_of(runs, "healthy").info["dataset"]["title"]
    differs = _differs(run_of(runs, "lambda-1"), measured["noises"])
    head = {"models": found, "lambdas": measured["lambdas"], "noises": measured["noises"], "differs": differs, "source": source}
    return head | {"films": len(run_of(runs, "healthy").items)}, {}


def _differs(run: RunFolder, noises: int) -> dict[str, int]:
    """For each example person, how many noises put another film first than the first noise does."""
    from adrec.explain.trajectory import trajectory
    from adrec.models.loading import load_model

    model: Any = load_model(run)
    differs = {}
    for person in PEOPLE:
        firsts = [int(trajectory(model, person.ids(run.items)[0], seed=seed).top[-1][0]) for seed in range(noises)]
        differs[person.key] = sum(film != firsts[0] for film in firsts)
    return differs


def _measured(run: RunFolder) -> dict[str, Any]:
    users = read_json(run.path / "all_users.json")
    by_steps = [
        {
            "steps": row["steps"],
            "right": round(100 * row["hr@10"], 1),
            "error": round(100 * row["hr@10_se"], 1),
            "common": round(row["common"], 1),
        }
        for row in users["by_steps"]
    ]
    return {"users": users["users"], "timesteps": users["timesteps"], "decided": round(users["mean_commit_step"], 1), "by_steps": by_steps}
