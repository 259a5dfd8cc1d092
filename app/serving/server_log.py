"""Keeps the server's log to what a person should act on, and visitors' addresses out of it."""

import logging
from typing import Any

from adrec.errors import printable

UNASKED = "MediaFileStorageError"
"""A file that no page has offered was asked for."""


class _Worth(logging.Filter):
    """Drops the web server's notes on who connects, and the traceback that it logs when a browser leaves in the middle of a message, or
    Streamlit when somebody asks for a file that nobody offered: nothing failed."""

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        return record.levelno >= logging.WARNING and (kind is None or kind.__name__ not in ("WebSocketDisconnected", UNASKED))


def quiet() -> None:
    """Install the filter, once. Without it Streamlit logs every request with its address as soon as its settings are read again."""
    logging.setLogRecordFactory(_record)
    for name in ("uvicorn.error", "uvicorn.access", "streamlit.runtime.backend_operation_handler"):
        log = logging.getLogger(name)
        if not any(isinstance(f, _Worth) for f in log.filters):
            log.addFilter(_Worth())


def _record(*given: Any, **more: Any) -> logging.LogRecord:
    """A record in which what visitors have sent is plain text on one line, whoever logs it."""
    record = logging.LogRecord(*given, **more)
    if isinstance(record.args, tuple):
        record.args = tuple(printable(value) if isinstance(value, str) else value for value in record.args)
    return record
