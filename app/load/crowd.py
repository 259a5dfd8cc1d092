"""The viewers of one server, and how long each of their choices took."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

import websockets

from app.load.viewer import Viewer


@dataclass(eq=False)
class Sample:
    """One choice, or one opening of a page. seconds: None while it lasts."""

    page: str
    opening: bool
    begun: float
    seconds: float | None = None
    received: int = 0


@dataclass
class Crowd:
    """The viewers of one server, who choose while ``choosing`` is set."""

    url: str
    seed: int
    pages: tuple[str, ...]
    pause: tuple[float, float]
    stay: float | None = None
    samples: list[Sample] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    choosing: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self) -> None:
        """Let one more viewer come; every page has its turn."""
        number = len(self._tasks)
        self._tasks.append(asyncio.create_task(self._visit(number)))

    async def leave(self) -> None:
        """Let all viewers leave."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def unfinished(self, opening: bool) -> Iterator[Sample]:
        """What viewers wait for now."""
        return (sample for sample in self.samples if sample.opening is opening and sample.seconds is None)

    async def _visit(self, number: int) -> None:
        """A viewer who leaves after ``stay`` is followed by another; so is one who lost the connection."""
        visit = 0
        while True:
            random = Random(f"{self.seed} {number} {visit}")
            viewer = Viewer(self.url, self.pages[number % len(self.pages)], random, self.complaints)
            try:
                await self._look(viewer)
            except (OSError, LookupError, websockets.WebSocketException) as error:
                self.complaints.append(str(error) or type(error).__name__)
                await asyncio.sleep(1)
            finally:
                await viewer.close()
            visit += 1

    async def _look(self, viewer: Viewer) -> None:
        end = time.monotonic() + self.stay * viewer.random.uniform(0.5, 1.5) if self.stay else float("inf")
        await self._timed(viewer, opening=True)
        await asyncio.sleep(viewer.random.uniform(0, self.pause[1]))
        while time.monotonic() < end:
            await self.choosing.wait()
            following = time.monotonic() + viewer.random.uniform(*self.pause)
            await self._timed(viewer, opening=False)
            await asyncio.sleep(max(0.0, following - time.monotonic()))

    async def _timed(self, viewer: Viewer, opening: bool) -> None:
        sample = Sample(viewer.page, opening, time.monotonic())
        self.samples.append(sample)
        try:
            sample.received = await (viewer.open() if opening else viewer.choose())
        except BaseException:
            self.samples.remove(sample)
            raise
        sample.seconds = time.monotonic() - sample.begun
