"""A closed page's session is given back, and with it the uploads."""

import threading
import time
from types import SimpleNamespace

import pytest
from streamlit.runtime import caching
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.session_manager import SessionInfo

from app import sessions
from tests.app.pages import open_page


class Session:
    """What is used of Streamlit's."""

    id = "one"

    def __init__(self) -> None:
        self.session_state = {"own.tables": [b"an upload"]}
        self.shut_down = False

    def shutdown(self) -> None:
        self.shut_down = True


def test_a_session_that_cannot_come_back_is_given_back() -> None:
    storage = MemorySessionStorage(ttl_seconds=0)
    session = Session()
    storage.save(SessionInfo(client=None, session=session, script_run_count=1))  # type: ignore[arg-type]
    time.sleep(0.01)
    sessions.forget(SimpleNamespace(_storage_lock=threading.Lock(), _session_storage=storage))
    assert session.shut_down and not session.session_state


def test_a_session_that_can_still_come_back_is_left_alone() -> None:
    storage, session = MemorySessionStorage(), Session()
    storage.save(SessionInfo(client=None, session=session, script_run_count=1))  # type: ignore[arg-type]
    sessions.forget(SimpleNamespace(_storage_lock=threading.Lock(), _session_storage=storage))
    assert storage.get("one") is not None and not session.shut_down and session.session_state


def test_the_end_of_a_session_that_may_have_uploaded_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    noticed = threading.Event()
    monkeypatch.setattr(sessions, "RECONNECT", -5.0)
    monkeypatch.setattr(sessions, "_ended", None)  # nobody else has left
    monkeypatch.setattr(sessions, "forget_ended", noticed.set)
    open_page("own")
    caching.clear_session_resource_cache("test session id")
    assert noticed.wait(10)
