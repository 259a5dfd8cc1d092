"""The models that run in the visitor's browser, by the names that chapters call them."""

from pathlib import Path
from typing import Any

import numpy as np

from adrec.explain import browser
from adrec.runs import RunFolder

STAGE = "finetune"
NAMES = {
    "healthy": "ml-100k",
    "lambda-1": "noise-1",
    "lambda-0.1": "noise-0.1",
    "narrow": "narrow",
    "noise": "dreamrec-harness-fixed",
}
"""The runs behind the names, in the order in which the chapters need them."""


def models(runs: Path) -> dict[str, RunFolder]:
    """Those of a folder's runs that have their weights."""
    found = {name: RunFolder(runs / run) for name, run in NAMES.items()}
    return {name: run for name, run in found.items() if run.exists and browser.scored(run, STAGE)}


def content(runs: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What people may read of each model."""
    return {name: {"run": run.name, "title": run.title, "purpose": run.info.get("purpose", "")} for name, run in models(runs).items()}, {}


def description(run: RunFolder) -> dict[str, Any]:
    """What the engine needs of run.json."""
    return {name: run.info.get(name) for name in ("model", "diffusion")}


def weights(run: RunFolder) -> Path:
    """Its weights, as they travel to the browser."""
    return run.weights_path(STAGE)
