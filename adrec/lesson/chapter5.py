"""How it goes wrong: the narrow run in five frames, and three tables side by side, each at its own scale, with its place on the bar of
health."""

from pathlib import Path
from typing import Any

import numpy as np

from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.health import LEARNED, NARROW, NULL_BAND, health
from adrec.collapse.verdict import diagnose
from adrec.data import catalog
from adrec.lesson.answers import END, table_of
from adrec.lesson.chapter0 import SHOWN
from adrec.lesson.films import others
from adrec.lesson.likeness import cosines, films
from adrec.lesson.models import run_of
from adrec.lesson.results import results
from adrec.maps.tables import principal_axes, typical_length
from adrec.runs import RunFolder
from adrec.runs.snapshots import table_at

TABLES = ("noise", "narrow", "healthy")
"""The three tables, in the order in which they are shown: not that of the bar."""
EPOCHS = (0, 26, 51, 76, END)
HALF = 32767
MEASURES = {"cosine": "mean_cosine", "rank": "effective_rank", "above": "spikes", "together": "alignment_z_beyond_popularity"}
"""What is shown of a verdict's evidence, by short names."""
CONTROLS = ("narrow-lambda-0", "narrow-lambda-1", "narrow-held", "random-both")
"""The trainings beside which the narrow run is shown."""


def content(runs: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Arrays: ``likeness`` (frames, 40 * 40) and ``lists`` (frames, people, 10) of the narrow run; ``tables.likeness`` (tables, 40 * 40)
    and ``tables.xy`` (tables, V, 2), seen along the two strongest directions from the origin, which lies at HALF, at each table's scale.
    ``size``: typical length of a film; ``start``: correlation with the random start; ``steps``: of
    training until the table. ``popular``, ``whole``: of how many people the ten most popular films and all three stages are right."""
    narrow = run_of(runs, "narrow")
    ids, near = films(narrow.items), Cooccurrence.from_dataset(catalog.load_for_run(narrow.info))
    measured_all, known = results(runs), others(runs)
    found = measured_all["narrow"]
    trained = found["runs"]
    measured = {frame["epoch"]: frame for frame in trained["narrow"]["frames"]}
    frames, likeness, lists = [], [], []
    for epoch in EPOCHS:
        table = table_at(narrow, "finetune", epoch)
        frames.append({"epoch": epoch, **judged(table, near), "measured": measured[epoch]})
        likeness.append(cosines(table, ids))
        lists.append([known[found["lists"][str(epoch)][person]] for person in SHOWN])
    tables, alike, places = [], [], []
    for key in TABLES:
        run = run_of(runs, key)
        table = table_of(run)
        start = float(np.corrcoef(run.table("initial").ravel(), table.ravel())[0, 1])
        tables.append({"key": key, "size": typical_length(table), "start": start, "steps": steps_of(run), **judged(table, near)})
        alike.append(cosines(table, ids))
        places.append(seen(table))
    head = {
        "frames": frames,
        "tables": tables,
        "people": [*SHOWN],
        "bar": {"null": NULL_BAND, "narrow": NARROW},
        "source": found["source"],
        "popular": measured_all["baselines"]["ml-100k"]["popular"],
        "whole": measured_all["leave_outs"]["whole"]["hr@10"],
        "controls": {
            name: [{key: frame[key] for key in ("epoch", "mean_cosine")} for frame in trained[name]["frames"]] for name in CONTROLS
        },
    }
    arrays = {
        "likeness": np.concatenate(likeness),
        "lists": np.array(lists, np.uint16).reshape(-1),
        "tables.likeness": np.concatenate(alike),
        "tables.xy": np.concatenate(places).reshape(-1),
    }
    return head, arrays


def steps_of(run: RunFolder) -> int:
    """Training steps until the table that was selected."""
    events, _ = run.events()
    end = next(event for event in events if event["kind"] == "stage_end" and event["stage"] == "finetune")
    return int(next(event["step"] for event in events if event["kind"] == "validation" and event["epoch"] == end["best_epoch"]))


def judged(table: np.ndarray, near: Cooccurrence) -> dict[str, Any]:
    """The place on the bar of health, what a table there is (``kind``), and the values of MEASURES by their short names."""
    found = diagnose(table, cooccurrence=near)
    values = {short: found.value(name) for short, name in MEASURES.items()}
    rounded = {short: None if value is None else round(value, 3) for short, value in values.items()}
    place = round(health(found.to_json()).place, 3)
    return {"place": place, "kind": kind(place), **rounded}


def kind(place: float) -> str:
    """What a table at a place on the bar of health is: noise, healthy or narrow."""
    return "narrow" if place >= NARROW else "noise" if place <= LEARNED else "healthy"


def seen(table: np.ndarray) -> np.ndarray:
    """A table (V, D) along the two strongest directions of its rows, not centred: (V, 2) as uint16 with the origin at HALF."""
    w = table.astype(np.float64)
    _, axes = principal_axes(w)
    xy = w @ axes[:, :2]
    return np.rint(xy / np.abs(xy).max() * HALF + HALF).astype(np.uint16)
