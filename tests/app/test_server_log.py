"""A browser that leaves is no failure, and who comes is nobody's business; faults stay in the log."""

import logging

import pytest
from starlette.websockets import WebSocketDisconnected

from app.serving.server_log import quiet


@pytest.mark.parametrize(("error", "logged"), [(WebSocketDisconnected("gone"), 0), (RuntimeError("a fault"), 1)])
def test_only_the_disconnection_is_dropped(caplog, error, logged):
    quiet()
    quiet()
    log = logging.getLogger("uvicorn.error")
    with caplog.at_level(logging.ERROR, logger="uvicorn.error"):
        try:
            raise error
        except RuntimeError:
            log.exception("Exception in ASGI application")
    assert len(caplog.records) == logged


@pytest.mark.parametrize("name", ["uvicorn.access", "uvicorn.error"])
def test_no_visitors_address_is_logged(caplog, name):
    quiet()
    with caplog.at_level(logging.INFO, logger=name):
        logging.getLogger(name).info('%s - "WebSocket %s" [accepted]', "192.0.2.7:1", "/_stcore/stream")
    assert not caplog.records


def test_what_a_visitor_sends_reaches_no_terminal_as_an_escape_and_writes_no_line_of_its_own(caplog):
    quiet()
    logging.getLogger("streamlit.any").warning("Rejecting request %s of %d", "a\x1b[31m\nERROR forged", 3)
    assert [record.getMessage() for record in caplog.records] == ["Rejecting request a?[31m ERROR forged of 3"]
