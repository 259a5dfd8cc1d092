"""Progress from a run's events: curves, how far each stage is, how long it may still take. Pure functions, no Streamlit."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adrec.runs import STAGES, RunFolder
from adrec.training.pace import Pace

Event = Mapping[str, Any]


class Follower:
    """Reads a growing events file incrementally; starts over if resuming has cut it. All who watch a training share one."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self._events: tuple[Event, ...] = ()
        self._offset = 0
        self._last = b""
        self._reading = threading.Lock()

    def events(self) -> tuple[Event, ...]:
        """All events so far, each once, even with several readers."""
        with self._reading:
            if self._last != self._before(self._offset):
                self._events, self._offset = (), 0
            new, self._offset = self.run.events(self._offset)
            self._events += tuple(new)
            self._last = self._before(self._offset)
            return self._events

    def _before(self, offset: int) -> bytes:
        """Up to 200 bytes that end at ``offset``: used to recognise a rewritten file."""
        try:
            with open(self.run.events_path, "rb") as file:
                file.seek(max(0, offset - 200))
                return file.read(min(offset, 200))
        except FileNotFoundError:
            return b""


@dataclass
class StageProgress:
    """The progress of one stage. ``fraction`` is of the longest it may take; ``left`` the seconds for that, by ``Pace``."""

    name: str
    state: str = "waiting"
    epoch: int = 0
    first_epoch: int = 0
    max_epochs: int = 0
    fraction: float = 0.0
    left: float | None = None
    left_with_validation: bool = False
    seconds: float = 0.0
    best: float | None = None
    best_epoch: int | None = None
    reason: str | None = None
    steps: list[tuple[float, float]] = field(default_factory=list)
    validations: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)

    @property
    def epochs_done(self) -> int:
        return max(0, self.epoch - self.first_epoch)


def summarise(events: Sequence[Event], alive: bool) -> list[StageProgress]:
    """The three stages in order, from the events. ``alive`` decides between running and interrupted."""
    stages = {name: StageProgress(name) for name in STAGES}
    per_epoch = {name: 1 for name in STAGES}
    pace: Pace | None = None
    for event in events:
        stage = stages.get(str(event.get("stage")))
        if stage is None:
            continue
        _take(stage, event, per_epoch)
        if event.get("kind") == "stage":
            pace = Pace(event)
        elif event.get("kind") in ("step", "validation") and pace is not None:
            pace.take(event)
            longest = pace.stage.get("last_step") or (stage.max_epochs - stage.first_epoch) * per_epoch[stage.name]
            stage.fraction = min(1.0, event["step"] / longest) if longest else 0.0
            stage.left, stage.left_with_validation = pace.left, pace.measured
    order = list(stages.values())
    begun = [i for i, s in enumerate(order) if s.state != "waiting"]
    for i, stage in enumerate(order):
        if stage.state == "waiting" and begun and i < begun[-1]:
            stage.state = "skipped"
        if stage.state == "running" and not alive:
            stage.state = "interrupted"
    return order


def _take(stage: StageProgress, event: Event, per_epoch: dict[str, int]) -> None:
    kind = event.get("kind")
    if kind == "stage":
        stage.state = "running"
        stage.max_epochs = event["max_epochs"]
        stage.first_epoch = event.get("first_epoch", 0)
        stage.epoch = event["epoch"]
        per_epoch[stage.name] = max(1, event["steps_per_epoch"])
    elif kind == "step":
        stage.epoch = event["epoch"]
        stage.steps.append((event["step"] / per_epoch[stage.name], event["loss"]))
    elif kind == "validation":
        stage.epoch = event["epoch"]
        value = event["metrics"]["ndcg@10"]
        stage.validations.append((event["epoch"] - stage.first_epoch, event["metrics"]))
        if stage.best is None or value > stage.best:
            stage.best, stage.best_epoch = value, event["epoch"] - stage.first_epoch
    elif kind == "stage_end":
        stage.state, stage.fraction, stage.left = "done", 1.0, None
        stage.seconds, stage.reason = event["seconds"], event["reason"]


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min" if seconds >= 600 else f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def thin(points: Sequence[tuple[float, float]], most: int = 400) -> list[tuple[float, float]]:
    """At most ``most`` points, each the mean of its neighbours: a curve that keeps its shape and stays light."""
    if len(points) <= most:
        return list(points)
    size = -(-len(points) // most)
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [(sum(p[0] for p in g) / len(g), sum(p[1] for p in g) / len(g)) for g in groups]
