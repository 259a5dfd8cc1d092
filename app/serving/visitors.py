"""Who visits a public server: a random id in a cookie of the browser, signed by this process. What a visitor brings lies in a folder under
that id, shown to nobody else, and is deleted when the last of their pages has gone. On one's own server everything belongs to one person.
"""

import atexit
import hashlib
import hmac
import os
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import streamlit as st
from filelock import FileLock, Timeout
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from adrec.errors import RunError
from adrec.folders import app_folder, home, runs_folder
from app.serving import modes
from app.serving.limits import Rate, limits

COOKIE = "adrec_visitor"
PREFIX = "adrec-visitors-"
READING = "reading-"
"""Starts the names of folders of files that are being read, or were for a session."""
NEW = 60.0
"""Seconds in which a folder of this kind may not have been locked yet."""
_held: list[FileLock] = []
"""The lock of this process's folder: forgotten, it would be given up, and the next server would delete the folder."""
_secret = secrets.token_bytes(32)
_lock = threading.Lock()
_tabs: dict[str, str] = {}
"""Whose session is open."""
_left: dict[str, float] = {}
"""When a visitor's page was last closed."""
_were: dict[str, tuple[str, float]] = {}
"""Whose a closed session was, which its browser may still come back to, and when it was closed."""
_reruns = Rate(most=60, every=0.25, pause=10.0)
_readings = Rate(most=12, every=30.0)


# -- who it is ----------------------------------------------------------------------------------------------------


def issue() -> str:
    """A cookie for somebody new."""
    name = secrets.token_hex(16)
    return f"{name}.{_signature(name)}"


def known(cookie: str | None) -> str | None:
    """The id in a cookie that this process has issued."""
    name, _, signature = (cookie or "").partition(".")
    return name if hmac.compare_digest(signature.encode(), _signature(name).encode()) else None


def _signature(name: str) -> str:
    return hmac.new(_secret, name.encode(), hashlib.sha256).hexdigest()


def me() -> str:
    """The visitor whose page runs; empty on one's own server. Where the browser keeps no cookies, each page is a visitor."""
    context = get_script_run_ctx(suppress_warning=True) if modes.public() else None
    return "" if context is None else known(_cookie()) or of_session(context.session_id)


def _cookie() -> str | None:
    return st.context.cookies.get(COOKIE)


def of_session(session: str) -> str:
    """The id of a session without a cookie."""
    return hashlib.sha256(session.encode()).hexdigest()[:32]


def owner(session: str) -> str | None:
    """Whose open session it is."""
    with _lock:
        return _tabs.get(session)


def may_resume(session: str, who: str | None) -> bool:
    """Whether a browser with this cookie's id may come back to a session."""
    with _lock:
        whose = _tabs.get(session) or _were.get(session, (None,))[0]
    return whose in (None, who, of_session(session))


def sessions_of(visitor: str) -> list[str]:
    """The open sessions of a visitor."""
    with _lock:
        return [session for session, who in _tabs.items() if who == visitor]


# -- what is theirs -----------------------------------------------------------------------------------------------


@cache
def place() -> Path:
    """This process's folder for all that people bring, deleted when it ends; those of processes that were killed are deleted before."""
    for old in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        _remove_if_left(old)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    lock = FileLock(folder / ".lock")
    lock.acquire()
    _held.append(lock)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _remove_if_left(folder: Path) -> None:
    try:
        if folder.is_symlink() or time.time() - folder.stat().st_mtime < NEW:
            return
        with FileLock(folder / ".lock", blocking=False):
            shutil.rmtree(folder, ignore_errors=True)
    except (OSError, Timeout):
        return  # another's, or in use


def folder() -> Path:
    """Where this visitor's runs and tables are kept."""
    return place() / (me() or "nobody") if modes.public() else runs_folder()


def folders() -> Sequence[Path]:
    """Where the runs lie that this visitor sees beside the bundled ones: their own, and those that ADREC_RUNS publishes."""
    published = os.environ.get("ADREC_RUNS")
    return [folder(), *([runs_folder()] if published else [])] if modes.public() else [runs_folder()]


def holds(path: str | Path) -> bool:
    """Whether a visitor of a public server has brought what lies there, so that nothing of it may stay."""
    return modes.public() and str(path).startswith(str(place()))


def check_room() -> None:
    """A RunError if this visitor keeps as many tables here as there is room for."""
    kept, most = folder(), limits().folders
    if kept.is_dir() and sum(entry.is_dir() and not entry.name.startswith(".") for entry in os.scandir(kept)) >= most:
        raise RunError(f"You keep {most} sets of tables here, and no more fit: delete one of them on the Collapse page.")


def clear(after: float) -> None:
    """Delete what belongs to visitors whose last page was closed at least ``after`` seconds ago; what is being read goes by itself."""
    if not modes.public():
        return
    with _lock:
        for session in [one for one in _tabs if Runtime.exists() and not Runtime.instance().is_active_session(one)]:
            del _tabs[session]  # one whose page ran once more while it was closed
        here, ago = set(_tabs.values()), time.monotonic() - after
        for entry in place().iterdir():
            theirs = entry.is_dir() and not entry.name.startswith(READING)
            if theirs and entry.name not in here and _left.get(entry.name, ago) <= ago:
                shutil.rmtree(entry, ignore_errors=True)
        for who in [who for who, closed in _left.items() if closed <= ago]:
            del _left[who]
        for session in [session for session, (_, closed) in _were.items() if closed <= ago]:
            del _were[session]


# -- how much they may use ------------------------------------------------------------------------------------------


def refusal() -> str | None:
    """Why this page is not shown now, as a sentence; None if it may be."""
    context = get_script_run_ctx(suppress_warning=True)
    if not modes.public() or context is None:
        return None
    who, most = me(), limits()
    with _lock:
        if context.session_id not in _tabs:
            if sum(one == who for one in _tabs.values()) >= most.tabs:
                return f"You have {most.tabs} pages of this server open already. Close one of them, then load this one again."
            if len(_tabs) >= most.open:
                return f"{most.open} pages of this server are open, and no more fit. Please load this one again in a few minutes."
        _tabs[context.session_id] = who
    _open(context.session_id)
    seconds = _reruns.take(who)
    return f"That was too much at once for a shared server. It goes on for you in {max(1.0, seconds):.0f} seconds." if seconds else None


@st.cache_resource(scope="session", show_spinner=False, on_release=lambda session: _closed(session))
def _open(session: str) -> str:
    """Notice when this session's page is closed."""
    return session


def _closed(session: str) -> None:
    with _lock:
        who = _tabs.pop(session, "")
        _left[who] = time.monotonic()
        _were[session] = who, time.monotonic()


def check_readings() -> None:
    """A RunError if this visitor has had files read too often."""
    seconds = _readings.take(me()) if modes.public() else 0.0
    if seconds:
        raise RunError(
            f"This server reads {_readings.most} sets of files for a visitor, then one in half a minute: wait {seconds:.0f} seconds."
        )


# -- what they are told -----------------------------------------------------------------------------------------


PATH = re.compile(r"(?<![\w/:.])/(?:[\w.@+~-]+/)+[\w.@+~-]*")
"""An absolute path of at least two parts."""


def without_paths(text: str) -> str:
    """A sentence without this machine's paths on a public server: of each only the last part."""
    if not modes.public():
        return text
    return PATH.sub(_last, _roots().sub(_last, text))


def _last(found: re.Match[str]) -> str:
    return found[0].rstrip("/").rpartition("/")[2]


@cache
def _roots() -> re.Pattern[str]:
    """Paths below the folders that this process uses, which may have spaces in their names."""
    used = [place(), app_folder(), runs_folder(), home(), home("data"), Path.home(), Path.cwd(), Path(tempfile.gettempdir())]
    names = sorted({str(one) for path in used for one in (path, path.resolve()) if len(path.parts) > 1}, key=len, reverse=True)
    root = "(?:" + "|".join(map(re.escape, names)) + ")"
    return re.compile(rf"(?<='){root}(?:/[^']*)?(?=')|{root}(?:/[^\s'\"`]*)?")
