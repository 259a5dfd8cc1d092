"""Frees what a closed page leaves behind: Streamlit keeps a session with its uploads until another session starts or ends."""

import gc
import threading
from typing import Any

import streamlit as st
from streamlit.runtime import Runtime

RECONNECT = 120.0
"""Seconds for which Streamlit keeps a session whose connection broke, so that it can come back."""


def _left(_: None) -> None:
    later = threading.Timer(RECONNECT + 5, forget_ended)
    later.daemon = True
    later.start()


@st.cache_resource(scope="session", show_spinner=False, on_release=_left)
def watch() -> None:
    """Make sure that this session's uploads are deleted soon after its page is closed: what is cached lives as long as its connection."""


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
