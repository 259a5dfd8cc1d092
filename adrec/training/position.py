"""The position of a training, saved so that it can be resumed."""

from dataclasses import dataclass, field
from typing import Any


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
