"""A run makes way for a newer one in the middle of a long computation, and garbage is collected when nobody waits."""

import gc
import threading
import time
import tomllib

import pytest
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.testing.v1 import AppTest

from adrec.runs import RunFolder
from app import reruns
from app.denoising import data, view
from app.loaders import ROOT
from tests.app.pages import open_page


def test_the_many_seeds_make_way_and_are_computed_when_they_are_wanted_again(tiny_run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    of = (tiny_run, "finetune", data.Subject((9, 3)), 7, 4)
    steps = []

    def interrupted() -> None:
        steps.append(1)
        if len(steps) == 5:
            raise RerunException(RerunData())

    with monkeypatch.context() as patched:
        patched.setattr(reruns, "make_way", interrupted)
        with pytest.raises(RerunException):
            data.chance(*of)
    assert len(steps) == 5 and data.chance(*of).sweep.top_ten.shape == (4, data.SEEDS, 10)


def test_outside_of_a_run_there_is_nothing_to_make_way_for(caplog: pytest.LogCaptureFixture) -> None:
    reruns.make_way()
    assert caplog.records == []  # as Streamlit would complain of


def test_a_run_ends_at_the_place_where_it_makes_way() -> None:
    def script() -> None:
        import streamlit as st
        from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

        from app import reruns

        runs: list[str] = st.session_state.setdefault("runs", [])
        if not runs:
            runs.append("first")
            ctx = reruns.get_script_run_ctx()
            assert ctx is not None and ctx.script_requests is not None
            newer = RerunData(query_string=ctx.query_string, page_script_hash=ctx.page_script_hash)
            ctx.script_requests.request_rerun(newer)
            reruns.make_way()
            runs.append("behind")
        else:
            runs.append("second")

    assert AppTest.from_function(script).run().session_state["runs"] == ["first", "second"]


def test_garbage_is_collected_once_nothing_has_run_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    collected = threading.Event()
    monkeypatch.setattr(reruns, "IDLE", 0.05)
    monkeypatch.setattr(reruns, "_last", time.monotonic())
    monkeypatch.setattr("app.reruns.gc.collect", collected.set)
    reruns.idle()
    assert collected.wait(10)
    collected.clear()
    reruns.idle()
    reruns.busy()
    assert not collected.wait(0.3)


def test_where_runs_never_cease_garbage_is_collected_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    collected: list[int] = []
    monkeypatch.setattr("app.reruns.gc.collect", lambda: collected.append(1))
    monkeypatch.setattr(reruns, "_last", time.monotonic() - reruns.LATEST - 1)
    reruns.idle()
    reruns.idle()  # the last time is too near
    reruns.busy()
    assert collected == [1]


def test_python_makes_no_full_collection_during_a_run_and_does_between_runs() -> None:
    """A page that draws its progress by itself for hours, without a whole run, must not gather garbage."""
    reruns.busy()
    assert gc.get_threshold() == (*reruns._usual[:2], 1_000_000)
    reruns.idle()
    assert gc.get_threshold() == reruns._usual and reruns._usual[2] < 100
    reruns.busy()
    gc.set_threshold(*reruns._usual)


@pytest.mark.parametrize("ends", [RerunException(RerunData()), RuntimeError("a fault")])
def test_a_run_that_is_broken_off_ends_too(ends: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(reruns, "busy", lambda: told.append("busy"))
    monkeypatch.setattr(reruns, "idle", lambda: told.append("idle"))

    def broken(*_: object) -> None:
        if len(told) == 1:
            raise ends

    monkeypatch.setattr("app.ui.header", broken)
    open_page("denoising")
    assert told[:2] == ["busy", "idle"]


def test_every_run_of_a_page_puts_the_collection_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reruns, "_last", time.monotonic())
    open_page("start")
    first = reruns._waiting
    open_page("start")
    second = reruns._waiting
    assert first is not None and second is not None and first.finished.is_set() and not second.finished.is_set()
    reruns.busy()


def test_streamlit_leaves_the_collection_to_us() -> None:
    assert tomllib.loads((ROOT / "app" / ".streamlit" / "config.toml").read_text())["runner"] == {"postScriptGC": False}


def test_while_the_browser_paints_a_newer_run_may_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(reruns, "make_way", lambda: asked.append(1))
    monkeypatch.setattr(view.st, "session_state", {})
    view.let_paint(b"one")
    once = len(asked)
    view.let_paint(b"one")  # nothing new to paint
    assert once > 1 and len(asked) == once
