"""Server-sent events: a stream tells the state whenever it has changed, and ends when its reader is gone or too slow, or by itself."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from contextlib import AbstractContextManager

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

HEARTBEAT = 15.0
"""Seconds of silence after which a stream says that it is still there; class.js takes three times as long for an end."""
LASTS = 60.0
"""Seconds, and up to half as many again, after which a stream ends and its reader asks for the next: whoever left without a word, as a
phone that lost its network does, is then known to be gone, and no proxy has a reason to end it in the middle of a message."""
SLOW = 10.0
"""Seconds that a message may wait for its reader."""
HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # a proxy passes every message on at once
    "x-content-type-options": "nosniff",
}


class Events(Response):
    """A stream of ``message()`` at the start and whenever the event that ``opened`` gives is set, at most once in ``pause`` seconds."""

    def __init__(
        self,
        opened: AbstractContextManager[asyncio.Event],
        message: Callable[[], bytes],
        ended: Callable[[], bool],
        pause: float,
    ) -> None:
        super().__init__(headers=HEADERS)
        self.raw_headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        self.opened, self.message, self.ended, self.pause = opened, message, ended, pause

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        end = asyncio.get_running_loop().time() + LASTS * random.uniform(1, 1.5)  # noqa: S311 (spreads the next requests)
        with self.opened as changed:
            left = asyncio.create_task(self._leave(receive, changed))
            try:
                with contextlib.suppress(TimeoutError, OSError):  # the reader is too slow, or has gone
                    await self._tell(send, changed, lambda: left.done() or self.ended(), end)
            finally:
                left.cancel()

    async def _tell(self, send: Send, changed: asyncio.Event, over: Callable[[], bool], end: float) -> None:
        await _send(send, {"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        last, now = b"", asyncio.get_running_loop().time
        while not over() and now() < end:
            changed.clear()
            message = self.message()
            await _send(send, _part(b": still here\n\n" if message == last else b"data: " + message + b"\n\n"))
            last = message
            await asyncio.sleep(self.pause)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, min(HEARTBEAT, end - now()))):
                    await changed.wait()
        await _send(send, _part(b"", more=False))

    @staticmethod
    async def _leave(receive: Receive, changed: asyncio.Event) -> None:
        """Wait until the reader has gone."""
        while (await receive())["type"] != "http.disconnect":
            pass
        changed.set()


def _part(body: bytes, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _send(send: Send, message: Message) -> None:
    async with asyncio.timeout(SLOW):
        await send(message)
