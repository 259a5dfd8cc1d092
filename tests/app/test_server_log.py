"""A browser that leaves is no failure; everything else stays in the log."""

import logging

import pytest
from starlette.websockets import WebSocketDisconnected

from app.server_log import quiet_disconnects


@pytest.mark.parametrize(("error", "logged"), [(WebSocketDisconnected("gone"), 0), (RuntimeError("a fault"), 1)])
def test_only_the_disconnection_is_dropped(caplog, error, logged):
    quiet_disconnects()
    quiet_disconnects()
    log = logging.getLogger("uvicorn.error")
    with caplog.at_level(logging.ERROR, logger="uvicorn.error"):
        try:
            raise error
        except RuntimeError:
            log.exception("Exception in ASGI application")
    assert len(caplog.records) == logged
