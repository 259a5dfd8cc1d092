"""A class, and requests to it as a browser sends them, without a server."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from starlette.routing import Router

from app.classroom import key, relay

PLACE: dict[str, Any] = {"chapter": 2, "step": 0, "history": [1, 2, 3], "film": None, "seed": 0, "weighed": None}


@dataclass
class Answer:
    """What came back."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode()


class Stream:
    """An open stream of events."""

    def __init__(self, answer: Answer, parts: "asyncio.Queue[bytes]", task: "asyncio.Task[None]") -> None:
        self.answer, self.parts, self.task = answer, parts, task

    async def next(self, seconds: float = 30) -> dict[str, Any]:
        """The next state that is told."""
        async with asyncio.timeout(seconds):
            while not (part := await self.parts.get()).startswith(b"data: "):
                pass
        told: dict[str, Any] = json.loads(part.removeprefix(b"data: "))
        return told


class Server:
    """The class's routes."""

    def __init__(self) -> None:
        self.router = Router(relay.routes())

    def scope(self, method: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
        path, _, query = path.partition("?")
        sent = {"host": "localhost:8501", **headers}
        encoded = [(name.lower().encode(), value.encode()) for name, value in sent.items()]
        return {
            **{"type": "http", "method": method, "path": f"/class{path}", "query_string": query.encode(), "headers": encoded},
            **{"scheme": "http", "root_path": "", "server": ("localhost", 8501), "client": ("127.0.0.1", 5)},
        }

    async def ask(self, method: str, path: str, body: bytes | Any = b"", **headers: str) -> Answer:
        """One request."""
        answer, data = Answer(), body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message: Any) -> None:
            _take(answer, message)
            answer.body += message.get("body", b"")

        await self.router(self.scope(method, path, named), receive, send)
        return answer

    async def move(self, place: Any = PLACE, **headers: str) -> Answer:
        """The presenter moves."""
        return await self.ask("POST", "/place", place, **{"authorization": f"Bearer {key.key()}", **headers})

    async def guess(self, name: str, guesses: Any) -> Answer:
        """A phone guesses."""
        return await self.ask("POST", f"/guesses?code={key.code()}", guesses, phone=name)

    @asynccontextmanager
    async def stream(self, name: str | None = None, slow: bool = False, **headers: str) -> AsyncIterator[Stream]:
        """A stream: of the phone with this name, or of the presenter. slow: its reader takes nothing."""
        answer, parts, gone = Answer(), asyncio.Queue[bytes](), asyncio.Event()
        named = {"authorization": f"Bearer {key.key()}"} if name is None else {"phone": name}

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            _take(answer, message)
            if slow:
                await asyncio.Event().wait()
            if message["type"] == "http.response.body":
                await parts.put(message["body"])

        scope = self.scope("GET", f"/events?code={key.code()}", {**named, **headers})
        task = asyncio.create_task(self.router(scope, receive, send))
        async with asyncio.timeout(30):
            while not answer.status and not task.done():
                await asyncio.sleep(0)
        yield Stream(answer, parts, task)
        gone.set()
        async with asyncio.timeout(30):
            await task


def _take(answer: Answer, message: Any) -> None:
    if message["type"] == "http.response.start":
        answer.status = message["status"]
        answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}


def phone(number: int) -> str:
    """A phone's name."""
    return f"{number:032d}"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that has just started, with a key of its own."""
    monkeypatch.setenv("ADREC_HOME", str(tmp_path))
    monkeypatch.setattr(relay, "_arrivals", relay.Rate(most=1000, every=0.001))
    allowed = st.get_option("server.allowedHosts")
    st.config.set_option("server.allowedHosts", ["localhost"])
    for kept in (key.key, key.code, relay.led):
        kept.cache_clear()
    yield Server()
    st.config.set_option("server.allowedHosts", allowed)
    for kept in (key.key, key.code, relay.led):
        kept.cache_clear()
