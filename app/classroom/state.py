"""The class: where its presenter is, which phones are here and what they guessed. It is in memory alone, and forgets phones that left.

All of it happens in the event loop, one thing at a time, so nothing is locked. What is told is always the whole state as it is now and
never a change of it: whoever misses a message or gets one twice is right again with the next.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from app.classroom.place import Lesson
from app.serving.limits import Rate

MOST_PHONES = 300
MOST_STREAMS = 3
"""Streams of one phone: a page that is loaded again comes before its old stream is known to be gone."""
GRACE = 5.0
"""Seconds for which a phone still counts as here when its stream has ended: it asks for the next."""
FORGOTTEN = 600.0
"""Seconds after which the guesses of a phone that left are forgotten."""


class Refused(Exception):
    """What is not done, as one sentence, and with which status of HTTP."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass
class Phone:
    """One browser's tab, by the random name that it gave itself. left: when it came or its last stream ended."""

    left: float
    guesses: dict[int, int] = field(default_factory=dict)
    streams: int = 0


class Class:
    """One class."""

    def __init__(self, lesson: Lesson, clock: Callable[[], float] = time.monotonic) -> None:
        self.lesson, self.clock = lesson, clock
        self.server = secrets.token_hex(4)
        """Tells browsers that the server was started anew, so that they say again what they had said."""
        self.place: dict[str, Any] | None = None
        self.version = 0
        self.phones: dict[str, Phone] = {}
        self.closed = False
        self._guesses = Rate(most=10, every=1.0, clock=clock)
        self._following: set[asyncio.Event] = set()
        self._leading: set[asyncio.Event] = set()
        self._told: bytes | None = None

    def move(self, place: dict[str, Any]) -> int:
        """The presenter is somewhere else. Returns the place's number."""
        self.place, self._told = place, None
        self.version += 1
        self._wake(self._following | self._leading)
        return self.version

    def guess(self, name: str, guesses: dict[int, int]) -> None:
        """All that a phone has guessed, in place of what it had; what it guessed at a question whose answer is on the screen stays."""
        phone = self.phones.get(name)
        if phone is None or not self._is_here(phone):
            raise Refused(409, "Only a phone that follows the class can guess.")
        if self._guesses.take(name):
            raise Refused(429, "That was too often; try again in a second.")
        answered = self.place["chapter"] if self.place is not None and self.place["step"] > 0 else None
        phone.guesses = guesses | {question: choice for question, choice in phone.guesses.items() if question == answered}
        self._wake(self._leading)

    def here(self) -> int:
        """How many phones follow."""
        return sum(map(self._is_here, self.phones.values()))

    def _is_here(self, phone: Phone) -> bool:
        return phone.streams > 0 or self.clock() - phone.left < GRACE

    def tallies(self) -> dict[int, list[int]]:
        """For every question that somebody guessed at, how many chose what."""
        counts: dict[int, list[int]] = {}
        for phone in self.phones.values():
            for question, choice in phone.guesses.items():
                counts.setdefault(question, [0] * self.lesson.choices[question])[choice] += 1
        return counts

    def told(self) -> bytes:
        """What phones are told, made once for all of them."""
        if self._told is None:
            self._told = _json({"server": self.server, "version": self.version, "place": self.place})
        return self._told

    def shown(self) -> bytes:
        """What the presenter is told."""
        told = {"server": self.server, "version": self.version, "place": self.place}
        return _json({**told, "phones": self.here(), "tallies": self.tallies()})

    def admit(self, name: str) -> None:
        """Make room for a stream of this phone."""
        self._forget()
        phone = self.phones.get(name)
        if (phone is None or not self._is_here(phone)) and self.here() >= MOST_PHONES:
            raise Refused(503, f"The class is full: {MOST_PHONES} phones follow it.")
        if phone is not None and phone.streams >= MOST_STREAMS:
            raise Refused(429, f"This phone follows the class {MOST_STREAMS} times already.")
        if phone is None:
            self.phones[name] = Phone(self.clock())

    @contextmanager
    def following(self, name: str) -> Iterator[asyncio.Event]:
        """The stream of a phone that was admitted: gives what is set at every move."""
        phone = self.phones[name]
        phone.streams += 1
        self._wake(self._leading)
        try:
            with self._listening(self._following) as event:
                yield event
        finally:
            phone.streams -= 1
            phone.left = self.clock()
            self._wake(self._leading)

    @contextmanager
    def leading(self) -> Iterator[asyncio.Event]:
        """A presenter's page with a stream: gives what is set at every move, guess and arrival."""
        with self._listening(self._leading) as event:
            yield event

    def close(self) -> None:
        """End all streams: the server stops."""
        self.closed = True
        self._wake(self._following | self._leading)

    def _forget(self) -> None:
        """Drop the phones that left long ago, and the oldest of those that left if there are many."""
        gone = sorted((phone.left, name) for name, phone in self.phones.items() if not phone.streams)
        for place, (left, name) in enumerate(gone):
            if self.clock() - left > FORGOTTEN or place < len(gone) - MOST_PHONES:
                del self.phones[name]

    @staticmethod
    @contextmanager
    def _listening(among: set[asyncio.Event]) -> Iterator[asyncio.Event]:
        event = asyncio.Event()
        among.add(event)
        try:
            yield event
        finally:
            among.discard(event)

    @staticmethod
    def _wake(events: set[asyncio.Event]) -> None:
        for event in events:
            event.set()


def _json(told: dict[str, Any]) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode()
