"""Three stages: the healthy run's timeline at its true length, what each start and loss lead to, and what leaving a stage out costs."""

from pathlib import Path
from typing import Any

import numpy as np

from adrec.collapse.thresholds import THRESHOLDS
from adrec.lesson.models import run_of
from adrec.lesson.results import results
from adrec.runs import RunFolder


def content(runs: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """``stages``: of each its steps and epochs, and its validations as [step, people right of 100 within ten films]. ``cells`` and
    ``leave_outs`` as measured. ``narrow``: the mean cosine above which a table is narrow."""
    found = results(runs)
    head = {
        "stages": timeline(run_of(runs, "healthy")),
        "cells": found["cells"],
        "leave_outs": found["leave_outs"],
        "narrow": THRESHOLDS.narrow,
    }
    return head, {}


def timeline(run: RunFolder) -> list[dict[str, Any]]:
    """The stages of a run in order, counted in steps of the optimiser."""
    events, _ = run.events()
    found = []
    for name in run.stages:
        own = [event for event in events if event.get("stage") == name]
        end = next(event for event in own if event["kind"] == "stage_end")
        seen = [[event["step"], round(100 * event["metrics"]["hr@10"], 1)] for event in own if event["kind"] == "validation"]
        epochs = len({event["epoch"] for event in own if event["kind"] == "step"})
        found.append({"stage": name, "steps": end["step"], "epochs": epochs, "kept": end["best_epoch"], "validations": seen})
    return found
