"""Long computations stop for a newer run of their page: what a visitor chose last never waits for what nobody wants any more."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx


def stop_if_superseded() -> None:
    """End this run here if a newer one waits; to be called between the steps of a long computation.

    Streamlit looks for one whenever a page reads the session's state or shows something.
    """
    if get_script_run_ctx(suppress_warning=True) is not None:  # a download is made outside of runs
        st.session_state.get("reruns")
