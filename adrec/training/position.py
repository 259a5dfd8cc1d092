"""Where a training is, so that it can be saved and gone on with."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Position:
    """Where a training is: stage by index, epoch of the schedule, batch within it, and what selection remembers."""

    stage: int = 0
    epoch: int = 0
    batch: int = 0
    step: int = 0
    waited: int = 0
    best: float = -1.0
    best_epoch: int = 0
    best_metrics: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
