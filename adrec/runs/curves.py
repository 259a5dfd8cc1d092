"""Validations along a training, counted in steps, epochs and seconds over all its stages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

AXES = ("steps", "epochs", "seconds")


@dataclass
class Curve:
    """One entry a validation: how far the whole training was, and what was measured."""

    steps: list[int] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    metrics: list[Mapping[str, float]] = field(default_factory=list)


def validations(events: Iterable[Mapping[str, Any]]) -> Curve:
    """The validations among a run's events. Seconds leave out the time between an interruption and the training's return."""
    found, seconds, before = Curve(), 0.0, None
    done, now, first = {"steps": 0, "epochs": 0}, {"steps": 0, "epochs": 0}, 0
    stage = None
    for event in events:
        kind, time = event.get("kind"), event.get("time")
        if isinstance(time, int | float):
            seconds += max(0.0, time - before) if before is not None and kind != "resumed" else 0.0
            before = time
        if kind == "stage" and event["stage"] != stage:
            stage, first = event["stage"], event.get("first_epoch", 0)
            done = {name: done[name] + now[name] for name in done}
            now = dict.fromkeys(now, 0)
        elif kind in ("step", "validation"):
            now = {"steps": event["step"], "epochs": event["epoch"] - first}
        if kind == "validation":
            found.steps.append(done["steps"] + now["steps"])
            found.epochs.append(done["epochs"] + now["epochs"])
            found.seconds.append(seconds)
            found.stages.append(str(event.get("stage")))
            found.metrics.append(event["metrics"])
    return found
