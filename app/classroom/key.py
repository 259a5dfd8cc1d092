"""How a presenter is recognised, and how a class is called: a secret that outlives a restart of the server, and a code made from it."""

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import time
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from filelock import FileLock

from adrec.cli.app import LOCAL
from adrec.folders import home
from app.serving import files

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Of a code: no vowels, which make words, and nothing that looks like a digit."""
LENGTH = 4
LASTS = 12 * 3600.0
"""Seconds for which a server that is started again goes on with the same class."""
ORIGIN = re.compile(r"https?://[\w.:\[\]-]{1,200}", re.A)


@cache
def key() -> str:
    """The presenter's secret. It lies beside the runs for a day's teaching, readable by its owner alone, the same for all servers that
    start there; where nothing can be written it lasts as long as this server."""
    path = home("data") / "classroom.key"
    made = secrets.token_urlsafe(16)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock"), timeout=5):
            if found := _kept(path):
                return found
            path.unlink(missing_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(made)
    return made


def _kept(path: Path) -> str | None:
    """The secret of a server that was started before, if it still holds."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        found = path.read_text(encoding="ascii").strip()
        if re.fullmatch(r"[\w-]{20,40}", found, re.A) and 0 <= time.time() - path.stat().st_mtime < LASTS:
            return found
    return None


def is_key(given: str | None) -> bool:
    """Whether a presenter asks, by the request's header ``Authorization: Bearer KEY``."""
    return given is not None and hmac.compare_digest(given.encode(), f"Bearer {key()}".encode())


@cache
def code() -> str:
    """What the class types."""
    number = int.from_bytes(hashlib.sha256(f"class {key()}".encode()).digest(), "big")
    return "".join(LETTERS[number // len(LETTERS) ** place % len(LETTERS)] for place in range(LENGTH))


def presenters_address() -> str:
    """What the presenter opens on this machine. The secret stands behind #, which browsers send to nobody."""
    return f"http://localhost:{st.get_option('server.port')}{files.address('class')}/present#key={key()}"


def class_address(origin: str) -> str | None:
    """The class's address, without its code, for a presenter whose page is at ``origin``; None if only this machine could open it."""
    if urlsplit(origin).hostname not in LOCAL:
        return f"{origin}{files.address('class')}"
    named = st.get_option("browser.serverAddress")
    if named in LOCAL or named is None:
        return None
    host = f"[{named}]" if ":" in named else named
    return f"http://{host}:{st.get_option('server.port')}{files.address('class')}"
