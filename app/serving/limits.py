"""What one visitor may use of the server, and all together."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from adrec.errors import AdrecError
from adrec.system import processors
from app.serving import modes


class OverLimits(AdrecError):
    """Somebody asks for more than there is room for; the message says when to come back."""


@dataclass(frozen=True)
class Limits:
    """upload, held, held_by_all: megabytes of a file, of a visitor's files, of everybody's. tables: of one diagnosis. memory, seconds: of
    the process that reads files, in bytes and seconds. folders: sets of tables kept for the laboratory. at_once, waiting: processes that
    read, and visitors who wait for one. tabs, open: pages of a visitor, and of all."""

    upload: int = 200
    held: int = 100_000
    held_by_all: int = 100_000
    tables: int = 12
    memory: int = 4 * 2**30
    seconds: float = 600.0
    folders: int = 1000
    at_once: int = processors()
    waiting: int = 20
    tabs: int = 1000
    open: int = 1000


OWN = Limits()
PUBLIC = Limits(
    upload=50,
    held=150,
    held_by_all=1500,
    tables=6,
    memory=3 * 2**29,
    seconds=120.0,
    folders=10,
    at_once=max(1, processors() // 2),
    tabs=8,
    open=300,
)


def limits() -> Limits:
    """Those of this server's mode."""
    return PUBLIC if modes.public() else OWN


class Rate:
    """So many requests at once, then one every ``every`` seconds; each asker is counted alone. Who asks for more pauses for ``pause``
    seconds longer."""

    KEPT = 10_000

    def __init__(self, most: int, every: float, pause: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.most, self.every, self.pause, self._clock = most, every, pause, clock
        self._until: dict[str, float] = {}
        self._pausing: set[str] = set()
        self._lock = threading.Lock()

    def take(self, who: str) -> float:
        """0.0 if the request is within the rate; else the seconds until the next one is."""
        with self._lock:
            now = self._clock()
            if len(self._until) > self.KEPT:
                self._until = {one: until for one, until in self._until.items() if until > now}
                self._pausing &= self._until.keys()
            until = max(self._until.get(who, now), now) + self.every
            early = until - now - self.most * self.every
            if early <= 1e-9:
                self._until[who] = until
                self._pausing.discard(who)
                return 0.0
            if who not in self._pausing:
                self._pausing.add(who)
                self._until[who] += self.pause
                early += self.pause
            return early


class Turns:
    """Visitors take turns in the order in which they come: ``at_once`` of them at a time, each with one thing."""

    POLL = 0.2

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[object, str]] = []
        self._busy: list[tuple[object, str]] = []

    @contextmanager
    def turn(self, who: str, on_wait: Callable[[int], object]) -> Iterator[None]:
        """Wait for a turn and hold it for the block. on_wait: called again and again with the place in the queue, from 1; what it raises
        gives the place up. An OverLimits if too many wait."""
        mine = (object(), who)
        with self._lock:
            if len(self._waiting) >= limits().waiting:
                raise OverLimits(f"{len(self._waiting)} visitors wait to have their files read already; please try again in a few minutes.")
            self._waiting.append(mine)
        try:
            while (place := self._place(mine)) > 0:
                on_wait(place)
                time.sleep(self.POLL)
            yield
        finally:
            with self._lock:
                for line in (self._waiting, self._busy):
                    if mine in line:
                        line.remove(mine)

    def _place(self, mine: tuple[object, str]) -> int:
        """The place in the queue; 0 once the turn has come."""
        with self._lock:
            free = limits().at_once - len(self._busy)
            held = {who for _, who in self._busy if who}
            for ticket in self._waiting:
                if free <= 0 or ticket is mine:
                    break
                if ticket[1] not in held:  # its turn has come; it will see so
                    free -= 1
                    held |= {ticket[1]} - {""}
            if free > 0 and mine[1] not in held:
                self._waiting.remove(mine)
                self._busy.append(mine)
                return 0
            return self._waiting.index(mine) + 1


reading = Turns()
"""Processes that read what people bring."""
