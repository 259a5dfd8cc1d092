"""Turns away what pages of other sites send, before Streamlit looks at it.

Streamlit's own check asks a machine on the internet for this server's public address before it refuses a connection, and nobody else is
served until that has answered.
"""

from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from app.serving import files

VIOLATION = 1008  # RFC 6455, 7.4.1


class OwnPages:
    """Middleware: a page's connection, and a request that says where it comes from, must be by one of the app's own pages."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: Any = self.app
        if scope["type"] in ("http", "websocket"):
            asked, page = HTTPConnection(scope), scope["type"] == "websocket"
            if (page or "origin" in asked.headers) and not files.from_own_page(asked):
                answer = WebSocketClose(VIOLATION) if page else PlainTextResponse(files.FOREIGN, 403)
        await answer(scope, receive, send)
