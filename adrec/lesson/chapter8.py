"""What we found: tables that the visitor has not seen, to be judged, and the findings for and against the paper with their figures."""

from pathlib import Path
from typing import Any

import numpy as np

from adrec.collapse.cooccurrence import Cooccurrence
from adrec.data import catalog
from adrec.lesson import chapter5, films, likeness
from adrec.lesson.answers import right_more
from adrec.lesson.models import run_of
from adrec.lesson.results import SURE, results
from adrec.maps.neighbours import neighbour_overlap, neighbour_sets, neighbours
from adrec.runs import RunFolder

UNSEEN = ("direct", "shrunk", "narrow")
"""The runs whose selected tables are to be judged, none of them shown before, by their parts."""
ASKED = ("Snow White and the Seven Dwarfs", "A Nightmare on Elm Street", "Titanic (1997)")
NEAREST = 4
EVER = "people whose first film ever differs"


def content(runs: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """``tables``: each with its place on the bar of health and what it is (``kind``: noise, healthy or narrow). Arrays: ``cosines``
    (tables, 40, 40) and ``near`` (tables, films of ``asked``, NEAREST) by id. ``findings``: figures by name, each with its source."""
    healthy = run_of(runs, "healthy")
    near = Cooccurrence.from_dataset(catalog.load_for_run(healthy.info))
    shown, asked, known = likeness.films(healthy.items), films.ids(healthy.items, ASKED), films.others(runs)
    tables, cosines, nearest = [], [], []
    for part in UNSEEN:
        run = run_of(runs, part)
        table = run.table("finetune")
        tables.append({"run": run.name, **chapter5.judged(table, near)})
        cosines.append(likeness.cosines(table, shown))
        nearest.append([known[neighbours(table, film - 1, NEAREST)[0] + 1] for film in asked])
    head = {"tables": tables, "asked": known[asked].tolist(), "nearest": NEAREST, "findings": findings(runs)}
    return head, {"cosines": np.concatenate(cosines), "near": np.array(nearest, np.uint16).reshape(-1)}


def findings(runs: Path) -> dict[str, dict[str, Any]]:
    """The figures of the findings on the bundled runs, and those over seeds."""
    return on_bundled(runs) | measured(results(runs))


def on_bundled(runs: Path) -> dict[str, dict[str, Any]]:
    """``sasrec``: people right, paired; ``token``: the same of one noise level for a whole row less one for each film; ``drift``: what
    the official warm-up does to the table; ``dreamrec``: how far its table moved."""
    healthy, sasrec, drift, dreamrec, one_level = (run_of(runs, part) for part in ("healthy", "sasrec", "drift", "noise", "one-level"))
    ranks = [run.test_ranks("finetune") for run in (healthy, sasrec)]
    before, after = drift.table("pretrain"), drift.table("warmup")
    kept = neighbour_overlap(neighbour_sets(before), neighbour_sets(after)).mean()
    start, end = dreamrec.table("initial"), dreamrec.table("finetune")
    return {
        "sasrec": {
            "ours": _one(100 * (ranks[0] <= 10).mean()),
            "theirs": _one(100 * (ranks[1] <= 10).mean()),
            **right_more(healthy, sasrec),
            **_source(healthy, sasrec),
        },
        "token": {**right_more(one_level, healthy), **_source(healthy, one_level)},
        "drift": {"kept": round(100 * kept), "smaller": round(100 * (1 - after.std() / before.std())), **_source(drift)},
        "dreamrec": {"correlation": f"{np.corrcoef(start.ravel(), end.ravel())[0, 1]:.4f}", **_source(dreamrec)},
    }


def measured(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """``push``: mean cosine with the squared error alone and with both losses; ``promise``: how many people's first film some noise
    changes; ``steps``: one step less all; ``diffusion``: no noise less the paper's, of how many people each is right, and whether these
    are the ``same``; ``stages``: what leaving out a stage costs if no such difference is beyond chance, else ``stage``: the clearest.
    ``detectable``: the largest difference that could have been missed."""
    cells, lambdas, left = (found[section] for section in ("cells", "lambdas", "leave_outs"))
    random, weights = cells["cells"]["random"], lambdas["lambdas"]
    alone, both = random["squared error"]["mean_cosine"], random["both losses"]["mean_cosine"]
    without, more = weights["0"]["hr@10"], weights["0"]["hr@10"]["less 0.001"]
    costs = {name: row["hr@10"]["less the whole"] for name, row in left["without"].items()}
    name, most = max(costs.items(), key=lambda cost: abs(cost[1]["value"]) / cost[1]["error"])
    shows = abs(most["value"]) > SURE * most["error"]
    return {
        "push": {
            "alone": f"{alone['value']:.2f}",
            "both": f"{both['value']:.2f}",
            "seeds": alone["seeds"],
            "source": _commands(cells["source"]),
        },
        "promise": {
            "ever": _one(weights["0.001"][EVER]["value"]),
            "loud": _one(weights["1"][EVER]["value"]),
            "noises": lambdas["noises"],
            "seeds": weights["0.001"][EVER]["seeds"],
            "source": _commands(lambdas["source"]),
        },
        "steps": _difference(weights["0.001"]["one step less all"]["hr@10"], lambdas["source"]),
        "diffusion": {
            **_difference(more, lambdas["source"]),
            "right": _one(without["value"]),
            "paper": _one(without["value"] - more["value"]),
            "same": more["value"] == 0 == more["error"],
        },
        "stage" if shows else "stages": {
            **_difference(most, left["source"]),
            "run": name,
            "detectable": _one(max(cost["detectable"] for cost in costs.values())),
        },
    }


def _difference(found: dict[str, Any], source: dict[str, Any]) -> dict[str, Any]:
    numbers = {name: _one(found[name]) for name in ("value", "error", "detectable")}
    return {**numbers, "seeds": found["seeds"], "source": _commands(source)}


def _commands(source: dict[str, Any]) -> dict[str, Any]:
    return {"command": "\n".join(source.get("commands", {}).values()), "seeds": source.get("seeds")}


def _one(value: float) -> float:
    return round(float(value), 1)


def _source(*runs: RunFolder) -> dict[str, Any]:
    """Where a figure on bundled runs comes from."""
    return {"seeds": 1, "source": {"command": "\n".join(run.info["command"] for run in runs), "seeds": [run.info["seed"] for run in runs]}}
