"""Frees what a closed page leaves behind: Streamlit keeps a session with its uploads until another session starts or ends."""

import gc
import threading
import time
from typing import Any

import streamlit as st
from streamlit.runtime import Runtime

from app.serving import visitors

RECONNECT = 120.0
"""Seconds for which Streamlit keeps a session whose connection broke, so that it can come back."""
_lock = threading.Lock()
_ended: float | None = None
"""When the last of the connections ended that nobody has looked after yet."""


@st.cache_resource(scope="session", show_spinner=False, on_release=lambda _: _left())
def watch() -> None:
    """Make sure that what this session holds is freed soon after its page is closed: what is cached lives as long as its connection."""


def _left() -> None:
    """A connection has ended. It and those that end meanwhile are looked after together, once they cannot come back."""
    global _ended
    with _lock:
        first, _ended = _ended is None, time.monotonic()
    if first:
        _wait(RECONNECT + 5)


def _wait(seconds: float) -> None:
    later = threading.Timer(seconds, _look_after)
    later.daemon = True
    later.start()


def _look_after() -> None:
    global _ended
    from app import projecting  # on use: it needs SciPy

    forget_ended()
    visitors.clear(RECONNECT)
    projecting.forget_gone()
    with _lock:
        left = (_ended or 0.0) + RECONNECT + 5 - time.monotonic()
        if left <= 0:
            _ended = None
    if left > 0:
        _wait(left)


def forget_ended() -> None:
    """Free what is held by sessions that can no longer reconnect."""
    manager = getattr(Runtime.instance(), "_session_mgr", None) if Runtime.exists() else None
    if manager is not None:  # AppTest's runtime has none
        forget(manager)


def forget(manager: Any) -> None:
    """Of these sessions, whose storage drops nothing by itself."""
    with manager._storage_lock:
        ended = manager._session_storage._cache.expire()
    for _, info in ended:
        info.session.shutdown()
        info.session.session_state.clear()
    gc.collect()  # those that the storage dropped before; a session and its parts refer to each other
