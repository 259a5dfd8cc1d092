"""How long a stage may still take, from its own events."""

from collections.abc import Mapping
from typing import Any


class Pace:
    """Seconds per step and per validation, measured in this stage since it began or was resumed.

    stage: its event of kind ``stage``, with the ``last_step`` and the number of ``validations`` that remain at most.
    """

    def __init__(self, stage: Mapping[str, Any]) -> None:
        self.stage, self.step, self.time = stage, stage["step"], stage["time"]
        self.validations, self.validating = 0, 0.0

    def take(self, event: Mapping[str, Any]) -> None:
        """Update from a later event of this stage."""
        if "step" in event:
            self.step, self.time = event["step"], event["time"]
        if event["kind"] == "validation":
            self.validations += 1
            self.validating += event["metrics"]["seconds"]

    @property
    def left(self) -> float | None:
        """Seconds to the stage's latest end, excluding validations until one was ``measured``; None before the first step."""
        done = self.step - self.stage["step"]
        if done <= 0 or "last_step" not in self.stage:
            return None
        a_step = (self.time - self.stage["time"] - self.validating) / done
        a_validation = self.validating / max(self.validations, 1)
        return max(0.0, (self.stage["last_step"] - self.step) * a_step + (self.stage["validations"] - self.validations) * a_validation)

    @property
    def measured(self) -> bool:
        """Whether ``left`` includes the validations."""
        return self.validations > 0
