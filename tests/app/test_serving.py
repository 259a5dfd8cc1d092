"""What a server does for those who run it: health, a line a minute, and no answer to pages of other sites."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
import streamlit as st
from streamlit import net_util
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from app import health, pulse
from app.serving import origins
from tests.app.test_files import CONFIG


@pytest.fixture(autouse=True)
def settings() -> Iterator[None]:
    """The app's own allowed hosts."""
    allowed = st.get_option("server.allowedHosts")
    st.config.set_option("server.allowedHosts", CONFIG["server"]["allowedHosts"])
    yield
    st.config.set_option("server.allowedHosts", allowed)


# -- health ---------------------------------------------------------------------------------------------------------------------------


def words(monkeypatch: pytest.MonkeyPatch, opens: Any, readable: bool = True) -> list[str]:
    """What a fresh server says of itself when asked at once, and again a moment later."""
    monkeypatch.setattr(health, "health", health.Health())
    monkeypatch.setattr(health, "opens", opens)
    monkeypatch.setattr(health, "_readable", lambda: readable)

    async def ask() -> list[str]:
        answers = []
        for _ in range(2):
            answer = await health.answer(None)  # type: ignore[arg-type]
            answers.append(f"{answer.status_code} {bytes(answer.body).decode()}")
            await asyncio.sleep(0.05)
        return answers

    return asyncio.run(ask())


def test_a_server_is_ready_once_every_page_has_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    async def opens(page: str) -> bool:
        opened.append(page)
        return True

    assert words(monkeypatch, opens) == ["503 starting", "200 ready"]
    assert opened[0] == "learn" and {"denoising", "collapse", "compare", "own", "train"} <= set(opened)


def test_a_server_one_of_whose_pages_fails_is_never_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    async def opens(page: str) -> bool:
        return page != "own"

    async def breaks(page: str) -> bool:
        raise OSError(page)

    for way in (opens, breaks):
        assert words(monkeypatch, way) == ["503 starting", "503 broken"]


def test_a_server_whose_run_cannot_be_read_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    async def opens(_: str) -> bool:
        return True

    assert words(monkeypatch, opens, readable=False) == ["503 starting", "503 broken"]


# -- the line a minute ----------------------------------------------------------------------------------------------------------------


def pressed(auto: bool = False) -> bytes:
    message = BackMsg()
    message.rerun_script.is_auto_rerun = auto
    message.rerun_script.query_string = "run=secret&user=10"
    return message.SerializeToString()


def ended(early: bool = False) -> bytes:
    message = ForwardMsg(script_finished=ForwardMsg.FINISHED_EARLY_FOR_RERUN if early else ForwardMsg.FINISHED_SUCCESSFULLY)
    return message.SerializeToString()


async def connect(*messages: tuple[str, bytes]) -> None:
    """A page's connection over which these go, ``in`` from the browser or ``out`` to it."""
    waiting = [data for way, data in messages if way == "in"]

    async def app(_: Any, receive: Any, send: Any) -> None:
        for way, data in messages:
            if way == "in":
                await receive()
            else:
                await send({"type": "websocket.send", "bytes": data})

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.receive", "bytes": waiting.pop(0)}

    async def send(_: Any) -> None:
        pass

    await pulse.Listening(app)({"type": "websocket", "client": ("192.0.2.7", 1)}, receive, send)


def minute(monkeypatch: pytest.MonkeyPatch, *messages: tuple[str, bytes]) -> str | None:
    """The line after one connection."""
    monkeypatch.setattr(pulse, "pulse", pulse.Pulse())
    asyncio.run(connect(*messages))
    return pulse.pulse.line(memory=300 * 2**20, queue=2)


def test_the_line_counts_and_says_nothing_of_who_came(monkeypatch: pytest.MonkeyPatch) -> None:
    line = minute(monkeypatch, ("in", pressed()), ("out", b"x" * 500), ("out", ended()))
    assert line is not None and re.fullmatch(r"viewers 1, reruns 1, p95 \d\.\d\d s, memory 300 MiB, queue 2", line)
    assert pulse.pulse.line(0, 0) is None  # nobody is there any more


@pytest.mark.parametrize(
    ("messages", "reruns"),
    [
        ([("in", pressed()), ("out", ended(early=True)), ("in", pressed()), ("out", ended())], 1),
        ([("in", pressed(auto=True)), ("out", ended())], 0),
        ([("in", b"\xff\xff broken"), ("out", ended())], 0),
        ([("in", pressed()), ("out", ended()), ("in", pressed()), ("out", ended())], 2),
    ],
    ids=["a run that gives way to another", "a page that repeats itself", "no message", "two presses"],
)
def test_a_rerun_is_a_press_that_was_answered(monkeypatch: pytest.MonkeyPatch, messages: Any, reruns: int) -> None:
    assert f"reruns {reruns}," in str(minute(monkeypatch, *messages))


# -- pages of other sites -------------------------------------------------------------------------------------------------------------


def passes(kind: str, host: str = "localhost:8501", origin: str | None = None) -> bool:
    """Whether Streamlit gets to see it; otherwise it must have been refused."""
    seen, sent = [], []

    async def app(*_: Any) -> None:
        seen.append(1)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin is not None else [])
    asyncio.run(origins.OwnPages(app)({"type": kind, "method": "PUT", "path": "/", "headers": headers}, app, send))
    assert seen or sent[0].get("status") == 403 or sent[0].get("code") == 1008
    return bool(seen)


@pytest.mark.parametrize("kind", ["websocket", "http"])
@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:9999", "null", "http://[", ""])
def test_a_page_of_another_site_is_refused_and_nobody_else_is_asked(monkeypatch: pytest.MonkeyPatch, kind: str, origin: str) -> None:
    monkeypatch.setattr(net_util, "_make_blocking_http_get", lambda *_, **__: pytest.fail("asks the internet"))
    assert not passes(kind, origin=origin)


def test_a_connection_by_another_name_is_refused_but_a_load_balancer_may_ask_by_any() -> None:
    assert not passes("websocket", "evil.example", "http://evil.example") and not passes("websocket", "evil.example")
    assert passes("http", "192.0.2.7:8501")


@pytest.mark.parametrize("kind", ["websocket", "http"])
def test_the_apps_own_pages_pass(kind: str) -> None:
    assert passes(kind, origin="http://localhost:8501") and passes(kind, "127.0.0.1:8501", "https://127.0.0.1:8501") and passes(kind)


def test_an_origin_that_streamlits_options_trust_passes() -> None:
    st.config.set_option("server.corsAllowedOrigins", ["https://example.org"])
    try:
        assert passes("websocket", origin="https://example.org") and not passes("websocket", origin="https://example.com")
    finally:
        st.config.set_option("server.corsAllowedOrigins", [])
