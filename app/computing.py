"""What torch must compute for pages, in one process beside the server: a queue with a place for everybody who waits, and batches.

A question that nobody waits for any more is dropped before it is computed. If the process dies or hangs, another one is started, and each
question of the batch is asked of it alone; whose question ends that one too is told so in a sentence.
"""

import logging
import pickle
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from adrec.errors import AdrecError
from adrec.folders import app_folder
from app import reruns

log = logging.getLogger(__name__)
MODULE = "adrec.explain.answering"
TOGETHER = 32
"""At most so many questions are computed in one batch."""
WAITING = 200
"""At most so many wait; who comes then is asked to come back."""
KEPT = 256
"""Answers that are kept for all sessions."""
PATIENCE = 600.0
"""Seconds after which a process that has not answered is ended."""
LOOK = 0.1
"""Seconds between two looks at a question that was asked."""
FULL = "Too many people are waiting for the server's model at the moment; please try again in a minute."
DIED = "The process that computes answers ended unexpectedly; it has been started again, so please choose once more."


class Lost(AdrecError):
    """The question has no answer, through no fault of whoever asked."""


class Asked:
    """A question on its way. people: how many wait for it."""

    def __init__(self, request: Any) -> None:
        self.request, self.people, self.done = request, 0, threading.Event()
        self.answer: Any = None


class Computing:
    """The process and its queue. start: how the process is started."""

    def __init__(self, start: Callable[[], "subprocess.Popen[bytes]"] | None = None) -> None:
        self.start = start or _start
        self.changed = threading.Condition()
        self.waiting: OrderedDict[Any, Asked] = OrderedDict()
        self.running: list[Asked] = []
        self.kept: OrderedDict[Any, Asked] = OrderedDict()
        self.process: subprocess.Popen[bytes] | None = None
        self.thread: threading.Thread | None = None

    def ask(self, request: Any) -> Asked:
        """Put a question in the queue, or join those who ask the same; ``leave`` it afterwards."""
        with self.changed:
            found = self.kept.get(request) or self.waiting.get(request) or next((a for a in self.running if a.request == request), None)
            if request in self.kept:
                self.kept.move_to_end(request)
            if found is None:
                if len(self.waiting) >= WAITING:
                    raise Lost(FULL)
                found = self.waiting[request] = Asked(request)
            found.people += 1
            if self.thread is None:
                self.thread = threading.Thread(target=self._work, daemon=True)
                self.thread.start()
            self.changed.notify_all()
            return found

    def leave(self, asked: Asked) -> None:
        """No longer wait for an answer."""
        with self.changed:
            asked.people -= 1
            if not asked.people and self.waiting.get(asked.request) is asked:
                del self.waiting[asked.request]

    def ahead(self, asked: Asked) -> int:
        """How many questions are answered first."""
        with self.changed:
            return [*self.waiting].index(asked.request) + len(self.running) if asked.request in self.waiting else 0

    def answer(self, *requests: Any, on_place: Callable[[int], object] = lambda ahead: None) -> Any:
        """The answer to the first of these questions, when all are answered; an AdrecError if one has none. on_place: told from time to
        time how many are ahead."""
        asked: list[Asked] = []
        try:
            for request in requests:
                asked.append(self.ask(request))
            for one in asked:
                while not one.done.wait(LOOK):
                    reruns.stop_if_superseded()
                    on_place(self.ahead(one))
        finally:
            for one in asked:
                self.leave(one)
        failed = next((one.answer for one in asked if isinstance(one.answer, Exception)), None)
        if failed is not None:
            raise failed
        return asked[0].answer

    def _next(self) -> list[Asked]:
        """The oldest question, and those that are computed with it."""
        with self.changed:
            while not self.waiting:
                self.changed.wait()
            first = next(iter(self.waiting.values())).request
            along = [a for a in self.waiting.values() if a.request.together == first.together][:TOGETHER]
            for one in along:
                del self.waiting[one.request]
            self.running = along
            return along

    def _work(self) -> None:
        while True:
            asked = self._next()
            found = self._computed([a.request for a in asked])
            with self.changed:
                self.running = []
                for one, answer in zip(asked, found, strict=True):
                    one.answer = answer
                    if not isinstance(answer, Exception):
                        self.kept[one.request] = one
                        while len(self.kept) > KEPT:
                            self.kept.popitem(last=False)
                    one.done.set()

    def _computed(self, requests: Sequence[Any]) -> list[Any]:
        try:
            if self.process is None or self.process.poll() is not None:
                self.process = self.start()
            assert self.process.stdin is not None and self.process.stdout is not None
            hangs = threading.Timer(PATIENCE, self.process.kill)
            hangs.daemon = True
            hangs.start()
            try:
                pickle.dump(list(requests), self.process.stdin)
                self.process.stdin.flush()
                found = pickle.load(self.process.stdout)
            finally:
                hangs.cancel()
        except Exception:  # whatever a pipe raises that has lost its other end
            log.exception("the process that computes answers is lost")
            self.stop()
            found = Lost(DIED)
        if isinstance(found, Exception):
            return [found] if len(requests) == 1 else [self._computed([one])[0] for one in requests]
        answers: list[Any] = found
        return answers

    def stop(self) -> None:
        """End the process; the next question starts another."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.communicate()


def _start() -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", MODULE], cwd=app_folder(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)


server = Computing()
"""The server's own."""


def waited(ahead: int) -> str:
    """What is said to somebody who waits."""
    return "The server's model is answering." if ahead <= 0 else f"The server's model answers one after the other: {ahead:,} ahead of you."
