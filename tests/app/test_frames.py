"""Over a page's connection come messages that the app sends, and widgets' own values; nothing else reaches Streamlit."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import WStates

from app.serving import frames


def message(**fields: Any) -> bytes:
    return BackMsg(**fields).SerializeToString()


def asked() -> bytes:
    found = BackMsg()
    found.rerun_script.query_string = "run=one"
    return found.SerializeToString()


def operation(kind: str) -> bytes:
    found = BackMsg()
    getattr(found.backend_operation_request, kind).SetInParent()
    return found.SerializeToString()


def passed(*given: bytes | str) -> tuple[list[bytes], list[int]]:
    """Which of these frames the gate lets through, and with which codes it closes the connection."""
    waiting: list[dict[str, Any]] = [
        {"type": "websocket.receive", "bytes" if isinstance(frame, bytes) else "text": frame} for frame in given
    ]
    through, closed = list[bytes](), list[int]()

    async def app(_: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        while (got := await receive())["type"] == "websocket.receive":
            through.append(got["bytes"])

    async def receive() -> dict[str, Any]:
        return waiting.pop(0) if waiting else {"type": "websocket.disconnect", "code": 1000}

    async def send(said: Any) -> None:
        closed.append(said["code"])

    asyncio.run(frames.OwnMessages(app)({"type": "websocket"}, receive, send))
    return through, closed


@pytest.mark.parametrize("frame", [asked(), message(app_heartbeat=True), message(stop_script=True), operation("deferred_file")])
def test_what_a_page_sends_passes(frame: bytes) -> None:
    assert passed(frame) == ([frame], [])


@pytest.mark.parametrize(
    "frame",
    [
        message(clear_cache=True),  # of all visitors
        message(load_git_info=True),  # starts git four times and tells the branch
        message(set_run_on_save=True),
        message(debug_shutdown_runtime=True),
        operation("install_skills"),  # writes into the app's folder
        operation("dismiss_skills_nudge"),
        b"",
    ],
)
def test_what_no_page_sends_is_dropped(frame: bytes) -> None:
    assert passed(frame, asked()) == ([asked()], [])


@pytest.mark.parametrize("frame", ["text", "", b"\x01\xff\x03", asked()[:-3], b"\n" + b"\xff" * 30])
def test_who_sends_what_is_no_message_is_cut_off(frame: bytes | str) -> None:
    assert passed(frame, asked()) == ([], [frames.PROTOCOL_ERROR])


def test_a_larger_message_than_any_page_sends_cuts_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "get_max_widget_state_size_bytes", lambda: 5)
    assert passed(asked()) == ([], [frames.PROTOCOL_ERROR])


def test_downloads_are_paced_as_reruns_are(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = list[float]()
    monkeypatch.setattr(frames.Pace, "wait", lambda *_: waits.append(0.0) or 0.0)
    passed(asked(), operation("deferred_file"), message(app_heartbeat=True))
    assert len(waits) == 2


def test_a_few_reruns_go_at_once_and_very_many_one_after_the_other() -> None:
    pace = frames.Pace()
    waits = [pace.wait(now=100.0) for _ in range(frames.AT_ONCE + 10)]
    assert waits[: frames.AT_ONCE] == [0.0] * frames.AT_ONCE and waits[-1] == pytest.approx(10 / frames.A_SECOND)
    assert pace.wait(now=200.0) == 0.0


def value(given: WidgetState, kind: str = "string_value") -> Any:
    """What a widget of this kind, whose first value is "first", reads of a state."""
    frames.check_values()
    states = WStates()
    states.set_widget_from_proto(given)
    about: Any = WidgetMetadata("w", lambda v: "first" if v is None else v.upper(), lambda v: v, kind)  # type: ignore[arg-type]
    states.set_widget_metadata(about)
    read = states["w"]
    assert states.widget_metadata["w"].value_type == kind and states["w"] == read
    return read


def test_a_widget_takes_its_own_kind_of_value_and_no_other() -> None:
    assert value(WidgetState(id="w", string_value="a")) == "A"
    assert [value(WidgetState(id="w", **given)) for given in ({"double_value": float("nan")}, {"trigger_value": True})] == ["first"] * 2


def test_a_field_of_numbers_takes_whole_ones_and_others() -> None:
    frames.check_values()
    for given, wanted in (({"int_value": 2}, 2), ({"double_value": 2.5}, 2.5), ({"string_value": "2"}, 0)):
        states = WStates()
        states.set_widget_from_proto(WidgetState(id="w", **given))
        states.set_widget_metadata(WidgetMetadata("w", lambda v: 0 if v is None else v, lambda v: v, "double_value"))  # as st.number_input
        assert states["w"] == wanted


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a": 1e}'])
def test_a_component_keeps_its_value_when_what_comes_is_no_json(text: str) -> None:
    assert value(WidgetState(id="w", json_value=text), "json_value") == "first"
