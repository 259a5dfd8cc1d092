"""A long computation ends where a newer run of its page waits."""

import pytest
from streamlit.testing.v1 import AppTest

from app import reruns


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
