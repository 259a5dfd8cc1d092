"""The bundled runs by the parts that they play, and the models that run in the visitor's browser."""

from pathlib import Path
from typing import Any

from adrec.runs import RunFolder

STAGE = "finetune"
RUNS = {
    "people": "ml-1m",
    "people-narrow": "ml-1m-narrow",
    "people-noise": "ml-1m-dreamrec",
    "healthy": "ml-100k",
    "lambda-1": "noise-1",
    "lambda-0.1": "noise-0.1",
    "narrow": "narrow",
    "noise": "dreamrec-harness-fixed",
    "sasrec": "sasrec",
    "drift": "warmup-drift",
    "direct": "no-pretrain",
    "shrunk": "dreamrec-long",
    "one-level": "one-t",
}
"""The bundled run behind every part in the lesson and on the pages. Those whose part begins with ``people`` are on MovieLens-1M and speak
where films and people are to be recognised; all others are on MovieLens-100K, where everything was trained in many ways. ``drift``: the
official warm-up; ``direct``: without pre-training; ``shrunk``: the noise table after a long training; ``one-level``: one noise level for
a whole sequence."""
LAMBDAS = ("healthy", "lambda-0.1", "lambda-1")
"""Those that differ in lambda alone, by growing lambda."""
ANSWERING = ("people", *LAMBDAS)
"""Those whose models the browser runs."""


def run_of(runs: Path, part: str) -> RunFolder:
    """The run of a folder that plays a part."""
    return RunFolder(runs / RUNS[part])


def models(runs: Path) -> dict[str, RunFolder]:
    """The runs of ANSWERING by their parts."""
    return {part: run_of(runs, part) for part in ANSWERING}


def description(run: RunFolder) -> dict[str, Any]:
    """What the engine needs of run.json."""
    return {name: run.info.get(name) for name in ("model", "diffusion")}


def weights(run: RunFolder) -> Path:
    """Its weights, as they travel to the browser."""
    return run.weights_path(STAGE)
