"""From noise to ten films: when the lists of all test users stay as they are, what one step gives, and what other noise changes."""

from pathlib import Path
from typing import Any

import numpy as np

from adrec.files import read_json
from adrec.lesson.models import NAMES
from adrec.lesson.results import results
from adrec.runs import RunFolder

MODELS = ("lambda-1", "lambda-0.1", "healthy", "lambda-0")


def content(runs: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """``models``: by name, noisiest first, ``weight`` (lambda) and what was measured: ``decided``, the mean commit step, and
    ``by_steps``: with so many steps, of 100 people right within ten films and its error, and the films in common with the list after all.
    ``lambdas``: the same and more over several trainings."""
    found: dict[str, Any] = {}
    for name in MODELS:
        run = RunFolder(runs / NAMES.get(name, name))
        if not run.exists or not run.has_model("finetune"):
            continue
        found[name] = {"weight": run.info["model"]["noise_weight"], **_measured(run)}
    measured = results(runs).get("lambdas", {})
    source = RunFolder(runs / NAMES["healthy"]).info["dataset"]["title"]
    return {"models": found, "lambdas": measured.get("lambdas", {}), "noises": measured.get("noises"), "source": source}, {}


def _measured(run: RunFolder) -> dict[str, Any]:
    path = run.path / "all_users.json"
    if not path.is_file():
        return {}
    users = read_json(path)
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
