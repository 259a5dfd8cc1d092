"""How soon one run of a page is over, since the next one, and what a person chose, waits for it."""

import gc
import sys

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

GROWN = 50
"""Imported modules that are worth another collection."""
_modules = 0


def make_way() -> None:
    """End this run here if a newer one waits; for the middle of long computations.

    Streamlit looks for one whenever a page reads the session's state or shows something.
    """
    if get_script_run_ctx(suppress_warning=True) is not None:  # a download is made outside of runs
        st.session_state.get("reruns")


def spare_imports() -> None:
    """Leave what imported modules brought, which stays, out of the collections to come.

    Streamlit collects garbage after every run, over all objects there are, and the next run waits: 120 ms with everything imported, 6
    without what the modules hold (docs/PERFORMANCE.md).
    """
    global _modules
    if len(sys.modules) >= _modules + GROWN:
        _modules = len(sys.modules)
        gc.collect()
        gc.freeze()
