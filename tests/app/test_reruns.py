"""A long computation ends where a newer run of its page waits."""

import pytest
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.testing.v1 import AppTest

from adrec.runs import RunFolder
from app import reruns
from app.denoising import data


def test_the_many_seeds_stop_for_a_newer_run_and_start_over_when_asked_again(tiny_run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    of = (tiny_run, "finetune", data.Subject((9, 3)), 7, 4)
    steps = []

    def interrupted() -> None:
        steps.append(1)
        if len(steps) == 5:
            raise RerunException(RerunData())

    with monkeypatch.context() as patched:
        patched.setattr(reruns, "stop_if_superseded", interrupted)
        with pytest.raises(RerunException):
            data.chance(*of)
    assert len(steps) == 5 and data.chance(*of).sweep.top_ten.shape == (4, data.SEEDS, 10)


def test_outside_of_a_run_nothing_is_stopped(caplog: pytest.LogCaptureFixture) -> None:
    reruns.stop_if_superseded()
    assert caplog.records == []  # as Streamlit would complain of


def test_a_superseded_run_ends_where_it_asks() -> None:
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
            reruns.stop_if_superseded()
            runs.append("behind")
        else:
            runs.append("second")

    assert AppTest.from_function(script).run().session_state["runs"] == ["first", "second"]
