"""The entrance of a public server: gives each visitor a cookie, turns away whoever asks or sends too much, and keeps to itself where the
program lies. What people read on a page that is refused is from ``visitors.refusal``."""

import contextlib
from pathlib import Path
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime

from app.serving import files, modes, visitors
from app.serving.limits import Rate, limits

TRY_LATER = 1013  # IANA, WebSocket Close Code Numbers
MEGABYTE = 2**20
SCRIPT = str(Path(__file__).resolve().parent.with_name("script.py"))
UPLOADS = 8
"""Files that may arrive at the same time."""
BUSY = "Too much at once for a shared server; try again in {seconds:.0f} seconds."
FULL = "This server has no room for this file now: at most {upload} MB each and {held} MB in all, and less while many others are here."


class Turnstile:
    """Middleware; on one's own server it does nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.requests, self.newcomers = Rate(most=100, every=0.25), Rate(most=400, every=0.5)
        self.open = self.arriving = self.bytes_arriving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handle: Any = {"http": self._request, "websocket": self._page}.get(scope["type"]) if modes.public() else None
        await (handle or self.app)(scope, receive, send)

    # -- requests -------------------------------------------------------------------------------------------------

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = HTTPConnection(scope)
        who = visitors.known(asked.cookies.get(visitors.COOKIE))
        address = f"address {asked.client.host if asked.client else ''}"
        place = [*scope["path"].removeprefix(files.address("").rstrip("/")).split("/"), ""]
        if place[1:3] == ["_stcore", "upload_file"] and scope["method"] in ("PUT", "DELETE"):
            await self._upload(asked, place, who, receive, send)
            return
        if place[1] in ("model", "part", "person") and (wait := self.requests.take(who or address)):
            await _busy(wait)(scope, receive, send)
            return
        if who is None and "text/html" in asked.headers.get("accept", ""):
            if wait := self.newcomers.take(address):
                await _busy(wait)(scope, receive, send)
                return
            secure = "https" in (asked.url.scheme, asked.headers.get("x-forwarded-proto"))
            send = _with_cookie(send, secure)
        await self.app(scope, receive, send)

    async def _upload(self, asked: HTTPConnection, place: list[str], who: str | None, receive: Receive, send: Send) -> None:
        """A file for a session of the one who sends it, if there is room for it; or one that they take back."""
        session, comes = place[3], asked.scope["method"] == "PUT"
        size = asked.headers.get("content-length", "") if comes else "0"
        owner, most = visitors.owner(session), limits()
        answer: Any = self.app
        if owner is None or owner not in (who, visitors.of_session(session)):
            answer = PlainTextResponse("This page is not open here; load it again.", 403)
        elif not size.isdecimal():
            answer = PlainTextResponse("The size of the file must come first.", 411)
        elif wait := self.requests.take(owner):
            answer = _busy(wait)
        elif self.arriving >= UPLOADS or not _fits(int(size), self.bytes_arriving, owner):
            answer = PlainTextResponse(FULL.format(upload=most.upload, held=most.held), 413)
        if answer is not self.app:
            await answer(asked.scope, receive, send)
            return
        self.arriving += 1
        self.bytes_arriving += int(size)
        try:
            with contextlib.suppress(ClientDisconnect):  # the visitor has left, which is no failure
                await self.app(asked.scope, receive, send)
        finally:
            self.arriving -= 1
            self.bytes_arriving -= int(size)

    # -- pages ----------------------------------------------------------------------------------------------------

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.open >= 2 * limits().open:  # up to this, a page says that there is no room
            await WebSocketClose(TRY_LATER)(scope, receive, send)
            return

        who = visitors.known(HTTPConnection(scope).cookies.get(visitors.COOKIE))
        headers = MutableHeaders(scope=scope)
        protocols = [part.strip() for part in headers.get("sec-websocket-protocol", "").split(",")]
        if len(protocols) > 2 and not visitors.may_resume(protocols[2], who):  # Streamlit takes the number of a session for a right to it
            headers["sec-websocket-protocol"] = ", ".join(protocols[:2])

        async def send_one(message: Message) -> None:
            await send({**message, "bytes": _without_script(message["bytes"])} if message.get("bytes") else message)

        self.open += 1
        try:
            await self.app(scope, receive, send_one)
        finally:
            self.open -= 1


def _without_script(data: bytes) -> bytes:
    """A message to a page; where Streamlit says in it which script runs, without the folder."""
    if SCRIPT.encode() not in data:
        return data
    message = ForwardMsg.FromString(data)
    if message.WhichOneof("type") == "new_session":
        message.new_session.main_script_path = Path(SCRIPT).name
    return message.SerializeToString()


def _fits(size: int, arriving: int, owner: str) -> bool:
    """Whether there is room for a file of so many bytes while others arrive."""
    most = limits()
    stored = getattr(Runtime.instance().uploaded_file_mgr, "file_storage", {}) if Runtime.exists() else {}
    held = {session: sum(len(file.data) for file in list(kept.values())) for session, kept in list(stored.items())}
    own = sum(held.get(session, 0) for session in visitors.sessions_of(owner))
    return own + size <= most.held * MEGABYTE and sum(held.values()) + arriving + size <= most.held_by_all * MEGABYTE


def _with_cookie(send: Send, secure: bool) -> Send:
    """Give a cookie with a page, which then nobody may keep for others."""

    async def with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("content-type", "").startswith("text/html"):
                path = files.address("").rstrip("/") or "/"
                headers.append(
                    "set-cookie", f"{visitors.COOKIE}={visitors.issue()}; Path={path}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"
                )
                headers["cache-control"] = "no-store"
        await send(message)

    return with_cookie


def _busy(seconds: float) -> PlainTextResponse:
    return PlainTextResponse(BUSY.format(seconds=max(1.0, seconds)), 429, {"Retry-After": f"{max(1.0, seconds):.0f}"})
