"""How soon one run of a page is over, since the next one, and what a person chose, waits for it."""

import gc
import threading
import time

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

IDLE, LATEST = 2.0, 30.0
"""Seconds after a run until garbage is collected, if none follows, and since the last time if they never cease."""
_last = time.monotonic()
_usual = gc.get_threshold()
_lock = threading.Lock()
_waiting: threading.Timer | None = None


def make_way() -> None:
    """End this run here if a newer one waits; for the middle of long computations.

    Streamlit looks for one whenever a page reads the session's state or shows something.
    """
    if get_script_run_ctx(suppress_warning=True) is not None:  # a download is made outside of runs
        st.session_state.get("reruns")


def busy() -> None:
    """A run begins: until it ends there is no full collection, which is the slow one."""
    global _waiting
    gc.set_threshold(*_usual[:2], 1_000_000)
    with _lock:
        if _waiting is not None:
            _waiting.cancel()
            _waiting = None


def idle() -> None:
    """A run has ended: collect garbage if none begins within IDLE seconds, or at once if that did not happen for LATEST seconds.

    Streamlit would do it at the end of every run (``runner.postScriptGC``), 120 ms over all objects there are, and the next run, whose
    picture somebody wants to see, would wait for it. What a page draws by itself meanwhile, such as a training's progress, is collected as
    Python usually does.
    """
    global _waiting
    busy()
    gc.set_threshold(*_usual)
    if time.monotonic() - _last > LATEST:
        _collect()
        return
    with _lock:
        _waiting = threading.Timer(IDLE, _collect)
        _waiting.daemon = True
        _waiting.start()


def _collect() -> None:
    global _last
    gc.collect()
    _last = time.monotonic()
