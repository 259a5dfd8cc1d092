"""``/healthz``: whether a visitor's page would open at once. That the socket listens says nothing of it.

The server is its own first visitor: it opens every page as a browser would, which imports what they need and fills the caches of the run
that the app opens with. ``loaders`` is imported on use, as in people.py.
"""

import asyncio
import logging
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime
from streamlit.runtime.session_manager import SessionClient

from app import registry

log = logging.getLogger(__name__)
READY, STARTING, BROKEN = "ready", "starting", "broken"


class _Visitor(SessionClient):
    """Takes what the server sends to a page, and notes whether it came to its end without a failure."""

    def __init__(self) -> None:
        self.done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.failed = False

    def write_forward_msg(self, msg: ForwardMsg) -> None:
        kind = msg.WhichOneof("type")
        self.failed |= kind == "delta" and msg.delta.new_element.WhichOneof("type") == "exception"
        if kind == "script_finished" and msg.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN and not self.done.done():
            self.done.set_result(msg.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY and not self.failed)


async def opens(page: str) -> bool:
    """Whether a page comes to its end without a failure, for a visitor without a browser."""
    runtime, visitor, message = Runtime.instance(), _Visitor(), BackMsg()
    message.rerun_script.page_name = page
    session = runtime.connect_session(visitor, user_info={})
    try:
        runtime.handle_backmsg(session, message)
        return await visitor.done
    finally:
        runtime.close_session(session)


class Health:
    """What the server says of itself: ``starting`` until all its pages have opened once, ``broken`` if one did not."""

    def __init__(self) -> None:
        self.warming: asyncio.Task[bool] | None = None

    def warm(self) -> None:
        """Begin to open the pages, once."""
        if self.warming is None:
            self.warming = asyncio.get_running_loop().create_task(_all_open())

    async def word(self) -> str:
        self.warm()
        if self.warming is None or not self.warming.done():
            return STARTING
        return READY if self.warming.result() and await run_in_threadpool(_readable) else BROKEN


health = Health()


async def _all_open() -> bool:
    from app import loaders

    try:
        for path, _ in registry.pages(loaders.ROOT / "pages"):
            if not await opens(path.stem):
                log.error("The page '%s' does not open.", path.stem)
                return False
        return True
    except Exception:  # whatever it is, whoever asks gets a word
        log.exception("the pages do not open")
        return False


def _readable() -> bool:
    """Whether the run that the app opens with can be read."""
    from app import loaders

    run = loaders.bundled(loaders.FIRST)
    return run is not None and loaders.problem(run) is None


def route() -> Route:
    """Where the server answers, whatever its base path: it is for the proxy in front of it. Anyone may ask, by any name."""
    return Route("/healthz", answer, methods=["GET"])


async def answer(_: Request) -> PlainTextResponse:
    """One word: 200 when it is ``ready``, else 503."""
    word = await health.word()
    headers: dict[str, Any] = {"Cache-Control": "no-store"}
    return PlainTextResponse(word, 200 if word == READY else 503, headers)
