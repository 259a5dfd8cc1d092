"""How soon one run of a page is over, since the next one, and what a person chose, waits for it."""

import gc
import threading

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

IDLE = 2.0
"""Seconds after a run until garbage is collected."""
_lock = threading.Lock()
_waiting: threading.Timer | None = None


def make_way() -> None:
    """End this run here if a newer one waits; for the middle of long computations.

    Streamlit looks for one whenever a page reads the session's state or shows something.
    """
    if get_script_run_ctx(suppress_warning=True) is not None:  # a download is made outside of runs
        st.session_state.get("reruns")


def busy() -> None:
    """A run begins: garbage has to wait."""
    global _waiting
    with _lock:
        if _waiting is not None:
            _waiting.cancel()
            _waiting = None


def idle() -> None:
    """A run has ended: collect garbage if none begins within IDLE seconds.

    Streamlit would do it at the end of every run (``runner.postScriptGC``), 120 ms over all objects there are, and the next run, whose
    picture somebody wants to see, would wait for it.
    """
    global _waiting
    busy()
    with _lock:
        _waiting = threading.Timer(IDLE, gc.collect)
        _waiting.daemon = True
        _waiting.start()
