"""Which models answer in the visitor's browser: decided here, for every page and the lesson. The others answer on the server."""

from typing import Literal

from adrec.runs import RunFolder

ALL_SCORES = 4_000_000
"""Numbers in an item table up to which every step's scores take a fraction of a second."""
LAST_SCORES = 13_000_000
"""Up to which a table travels to the browser at all (26 MB in half precision), and a single step is scored at once."""


def scored(run: RunFolder, stage: str = "finetune") -> Literal["all", "last"] | None:
    """Which denoising steps the browser scores, as the engine's option of this name; None if the model answers on the server.

    It needs the ability "browser", its whole weights, coefficients in run.json where it denoises, and a table that is not too large.
    """
    abilities = run.abilities
    if "browser" not in abilities or stage == "pretrain" or stage not in run.stages or not run.has_model(stage):  # stage 1 is another model
        return None
    if "denoise" in abilities and not run.info.get("diffusion"):
        return None
    items, width = run.table_shapes()[stage]
    size = items * width
    return "all" if size <= ALL_SCORES else "last" if size <= LAST_SCORES else None
