"""Keeps the server's log to what a person should act on, and visitors' addresses out of it."""

import logging


class _Worth(logging.Filter):
    """Drops the web server's notes on who connects, and the traceback that it logs when a browser leaves in the middle of a message:
    nothing failed."""

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        return record.levelno >= logging.WARNING and (kind is None or kind.__name__ != "WebSocketDisconnected")


def quiet() -> None:
    """Install the filter, once. Without it Streamlit logs every request with its address as soon as its settings are read again."""
    for name in ("uvicorn.error", "uvicorn.access"):
        log = logging.getLogger(name)
        if not any(isinstance(f, _Worth) for f in log.filters):
            log.addFilter(_Worth())
