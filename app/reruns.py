"""Stops long computations when a newer run of their page waits, so that the latest choice never waits for outdated work."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx


def stop_if_superseded() -> None:
    """End this run here if a newer one waits; call it between the steps of a long computation.

    Streamlit looks for one whenever a page reads the session's state or shows something.
    """
    if get_script_run_ctx(suppress_warning=True) is not None:  # a download is made outside of runs
        st.session_state.get("reruns")
