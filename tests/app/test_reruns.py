"""A run makes way for a newer one in the middle of a long computation, and ends without walking through what modules hold."""

import gc
import sys

import pytest
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.testing.v1 import AppTest

from adrec.runs import RunFolder
from app import reruns
from app.denoising import data


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
    assert len(steps) == 5 and data.chance(*of).fan.top_ten.shape == (4, data.SEEDS, 10)


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


def test_imported_modules_are_left_out_of_the_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reruns, "_modules", 0)
    try:
        reruns.spare_imports()
        spared = gc.get_freeze_count()
        assert spared > 10_000 and reruns._modules == len(sys.modules)
        reruns.spare_imports()  # nothing was imported since
        assert gc.get_freeze_count() <= spared
    finally:
        gc.unfreeze()
