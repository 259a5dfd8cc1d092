"""A line a minute in the server's log while people are there: how many, how often they asked, how long it took; nothing of who they are."""

import asyncio
import logging
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import numpy as np
import psutil
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from adrec.folders import runs_folder
from app import jobs

MINUTE = 60.0
SHORT = 200
"""Bytes: a message that ends a run is shorter, so longer ones are not looked into."""
log = logging.getLogger("adrec.pulse")


class Pulse:
    """What has happened since the last line: connections that are open, and for each rerun that ended the seconds from the press on."""

    def __init__(self) -> None:
        self.viewers = self.most_viewers = 0
        self.seconds: list[float] = []

    def came(self) -> None:
        self.viewers += 1
        self.most_viewers = max(self.most_viewers, self.viewers)

    def left(self) -> None:
        self.viewers -= 1

    def line(self, memory: int, queue: int) -> str | None:
        """The line of this minute, from bytes of memory and waiting trainings; None if nobody came. The next minute begins."""
        viewers, seconds = self.most_viewers, self.seconds
        self.most_viewers, self.seconds = self.viewers, []
        if not viewers:
            return None
        slow = f"{np.quantile(seconds, 0.95):.2f} s" if seconds else "-"
        return f"viewers {viewers}, reruns {len(seconds)}, p95 {slow}, memory {memory / 2**20:.0f} MiB, queue {queue}"


pulse = Pulse()


class Listening:
    """Middleware that counts in ``pulse`` what goes over a page's connection."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            return await self.app(scope, receive, send)
        asked: list[float] = []

        async def heard() -> MutableMapping[str, Any]:
            message = await receive()
            if message["type"] == "websocket.receive" and _pressed(message.get("bytes") or b""):
                asked.append(time.monotonic())
            return message

        async def said(message: MutableMapping[str, Any]) -> None:
            await send(message)
            if asked and message["type"] == "websocket.send" and _ended(message.get("bytes") or b""):
                pulse.seconds.append(time.monotonic() - asked[0])
                asked.clear()  # what was pressed meanwhile was answered by the same run

        pulse.came()
        try:
            await self.app(scope, heard, said)
        finally:
            pulse.left()


def _pressed(data: bytes) -> bool:
    """Whether a visitor asks for a rerun; those that a page repeats by itself don't count."""
    message = BackMsg()
    try:
        message.ParseFromString(data)
    except Exception:  # whatever the parser raises, Streamlit refuses the message itself
        return False
    return message.WhichOneof("type") == "rerun_script" and not message.rerun_script.is_auto_rerun


def _ended(data: bytes) -> bool:
    if len(data) > SHORT:
        return False
    message = ForwardMsg()
    message.ParseFromString(data)
    return message.WhichOneof("type") == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN


async def report() -> None:
    """Write the lines, until cancelled."""
    if not log.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        log.propagate = False
    while True:
        await asyncio.sleep(MINUTE)
        if pulse.most_viewers:
            memory = psutil.Process().memory_info().rss
            waiting = await run_in_threadpool(lambda: sum(job.state == "queued" for job in jobs.jobs(runs_folder())))
            line = pulse.line(memory, waiting)
            if line is not None:
                log.info(line)
