"""Keeps the server's log to what a person should act on."""

import logging


class _Disconnects(logging.Filter):
    """Drops the traceback that the web server logs when a browser leaves in the middle of a message: nothing failed."""

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        return kind is None or kind.__name__ != "WebSocketDisconnected"


def quiet_disconnects() -> None:
    """Install the filter once."""
    log = logging.getLogger("uvicorn.error")
    if not any(isinstance(f, _Disconnects) for f in log.filters):
        log.addFilter(_Disconnects())
