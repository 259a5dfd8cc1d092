"""Checkpoints: what a stopped training needs to resume as if it had never stopped."""

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from adrec.errors import RunError
from adrec.files import atomic
from adrec.runs import RunFolder

FILE = "checkpoint.pt"


@dataclass
class Position:
    """The position of a training: stage index, epoch of the schedule, batch within it, and the state of model selection."""

    stage: int = 0
    epoch: int = 0
    batch: int = 0
    step: int = 0
    waited: int = 0
    best: float = -1.0
    best_epoch: int = 0
    best_metrics: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


def save_checkpoint(run: RunFolder, state: Mapping[str, Any]) -> None:
    """Save the trainer's ``state`` with the length of the events that belong to it."""
    size = run.events_path.stat().st_size if run.events_path.exists() else 0
    with atomic(run.path / FILE) as file:
        try:
            torch.save({**state, "events": size}, file)
        except RuntimeError as error:  # how torch reports a full disk
            raise OSError(errno.EIO, "The disk is full, or cannot be written", str(run.path / FILE)) from error


def load_checkpoint(run: RunFolder) -> tuple[dict[str, Any] | None, int]:
    """The last saved state and the length of its events; None and 0 if the run has none yet."""
    path = run.path / FILE
    if not path.is_file():
        return None, 0
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return state, int(state["events"])
    except Exception as error:  # on damage, torch's reader may raise anything
        raise RunError(f"'{path}' is damaged and cannot be resumed from ({type(error).__name__}).") from None
