"""What a visitor may send over a page's connection: messages that the app's pages send, and values of the kinds that its widgets have.

Streamlit trusts its own browser code. Anybody else can have it clear what is cached for all, start git, or hand a page a value of
another kind, and each ends with a traceback in the log.
"""

import asyncio
import json
import time
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.errors import StreamlitAPIException
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime.runtime_util import get_max_widget_state_size_bytes
from streamlit.runtime.state.session_state import Serialized, Value, WStates

MESSAGES = {"rerun_script", "stop_script", "app_heartbeat", "file_urls_request", "backend_operation_request"}
OPERATIONS = {"deferred_file", "dataframe_chunk"}
PACED = {"rerun_script", "backend_operation_request"}
AT_ONCE, A_SECOND = 20, 10.0
"""Reruns, downloads and pieces of tables that one page may ask for at once, and how many a second on and on; more have to wait, since each
takes a thread."""
PROTOCOL_ERROR = 1002  # RFC 6455, 7.4.1
JSON = ("json_value", "json_trigger_value")
NUMBERS = ("int_value", "double_value")
"""Which of the two a field for numbers sends, and which one its widget names, depends on the number."""
UNREADABLE = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError, StreamlitAPIException)


class OwnMessages:
    """Middleware: a message of no use to the app is dropped, who sends what is no message is cut off, and who asks too often waits."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            return await self.app(scope, receive, send)
        closed, pace = False, Pace()

        async def heard() -> MutableMapping[str, Any]:
            nonlocal closed
            while True:
                message = await receive()
                if message["type"] != "websocket.receive":
                    return message
                kind = kind_of(message.get("bytes"))
                if kind in PACED:
                    await asyncio.sleep(pace.wait(time.monotonic()))
                if kind in MESSAGES:
                    return message
                if kind is None:
                    closed = True
                    await send({"type": "websocket.close", "code": PROTOCOL_ERROR})
                    return {"type": "websocket.disconnect", "code": PROTOCOL_ERROR}

        async def said(message: MutableMapping[str, Any]) -> None:
            if closed:
                raise OSError("the connection is closed")
            await send(message)

        await self.app(scope, heard, said)


class Pace:
    """How long the next of many requests must wait."""

    def __init__(self) -> None:
        self.left, self.last = float(AT_ONCE), 0.0

    def wait(self, now: float) -> float:
        """Seconds until it may begin."""
        self.left = min(AT_ONCE, self.left + (now - self.last) * A_SECOND) - 1
        self.last = now
        return max(0.0, -self.left / A_SECOND)


def kind_of(data: bytes | None) -> str | None:
    """What kind of message this is; None if it is none, or a larger one than any page sends."""
    if data is None or len(data) > get_max_widget_state_size_bytes():  # text frames have no bytes
        return None
    message = BackMsg()
    try:
        message.ParseFromString(data)
    except Exception:  # whatever the parser raises
        return None
    kind = message.WhichOneof("type") or "nothing"
    if kind == "backend_operation_request" and message.backend_operation_request.WhichOneof("payload") not in OPERATIONS:
        return "nothing"
    return kind


def check_values() -> None:
    """From now on, a widget to which a visitor gives a value that it cannot have keeps the one that it begins with."""
    if WStates.__getitem__ is not _value:
        WStates.__getitem__ = _value  # type: ignore[method-assign]


_read = WStates.__getitem__


def _value(states: WStates, key: str) -> Any:
    given, about = states.states.get(key), states.widget_metadata.get(key)
    if not isinstance(given, Serialized) or about is None:
        return _read(states, key)
    kind = given.value.WhichOneof("value")
    try:
        if kind not in (None, about.value_type) and not {kind, about.value_type} <= {*NUMBERS}:
            raise TypeError(kind)
        if kind in JSON:
            json.loads(getattr(given.value, kind))
        return _read(states, key)
    except UNREADABLE:
        own = about.deserializer(None)
        states.states[key] = Value(own)
        return own
