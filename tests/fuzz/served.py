"""A server of the app under watch, with runs of its own, and visitors who speak to it as a browser does, or worse."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from google.protobuf.message import Message
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.fuzz.trying import PICKLED, Watch, sentence

ROOT = Path(__file__).parents[2]
PATIENCE = 240.0
"""Seconds on the clock after which a rerun counts as hanging."""
COLOUR = re.compile(r"\x1b\[[\d;]*m")
FAULTS = ("Traceback (most recent call last)", "Uncaught app execution", "Exception in ASGI application")
"""What must not stand in the server's log."""
OWN_PROGRAMS = ("app.", "adrec")
CACHED = ("streamlit.", "app.", "adrec.", "numpy", "pandas", "pathlib", "collections", "copyreg")
"""Modules of what the server itself puts into its caches by pickling it."""
HERE = ("localhost", "127.0.0.1", "::1", "", None)


@dataclass
class Shown:
    """What a visitor got of one rerun. words: by kind of element (``error``, ``warning``, ``exception``), what it says."""

    words: list[tuple[str, str]] = field(default_factory=list)
    widgets: list[tuple[str, str]] = field(default_factory=list)
    fragments: set[str] = field(default_factory=set)
    elements: int = 0
    bytes: int = 0
    finished: bool = False


class Visitor:
    """One open tab: a websocket to the server."""

    def __init__(self, port: int, session: str = "") -> None:
        names: Any = ["streamlit", "x", session] if session else None
        patience: Any = {"open_timeout": PATIENCE, "close_timeout": 5, "ping_interval": None}
        opened = connect(f"ws://127.0.0.1:{port}/_stcore/stream", subprotocols=names, max_size=None, **patience)
        self.socket = opened.__enter__()
        self.session, self.closed = "", False

    def close(self) -> None:
        self.socket.close()

    def send(self, frame: bytes | str) -> None:
        """A frame, whatever it holds; nothing if the server has closed the connection."""
        try:
            self.socket.send(frame)
        except ConnectionClosed:
            self.closed = True

    def open(self, page: str, query: str, widgets: list[WidgetState] | None = None, fragment: str = "") -> Shown:
        """Ask for a page, or for what follows a press, and wait for all of it."""
        message = BackMsg()
        message.rerun_script.page_name, message.rerun_script.query_string = page, query
        message.rerun_script.fragment_id = fragment
        message.rerun_script.widget_states.widgets.extend(widgets or [])
        self.send(message.SerializeToString())
        shown = self.read()
        while shown.finished and not shown.elements and not self.closed:  # what ended was asked for before
            shown = self.read()
        return shown

    def read(self, patience: float = PATIENCE) -> Shown:
        """All that comes until a run of the script has ended, or the connection has."""
        shown, end = Shown(), time.monotonic() + patience
        while not shown.finished and (left := end - time.monotonic()) > 0:
            try:
                data = self.socket.recv(timeout=left)
            except TimeoutError:
                break
            except ConnectionClosed:
                self.closed = True
                break
            shown.bytes += len(data)
            message = ForwardMsg()
            message.ParseFromString(data if isinstance(data, bytes) else data.encode())
            self._note(message, shown)
        return shown

    def _note(self, message: ForwardMsg, shown: Shown) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.session = message.new_session.initialize.session_id or self.session
        elif kind == "script_finished":
            shown.finished = message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
        elif kind == "session_event" and message.session_event.WhichOneof("type") == "script_compilation_exception":
            shown.words.append(("exception", str(message.session_event.script_compilation_exception)))
        elif kind == "delta":
            if message.delta.fragment_id:
                shown.fragments.add(message.delta.fragment_id)
            if message.delta.WhichOneof("type") == "new_element":
                self._element(message.delta.new_element, shown)

    def _element(self, element: Message, shown: Shown) -> None:
        shown.elements += 1
        kind = element.WhichOneof("type")
        body = getattr(element, kind or "", None)
        if kind == "exception":
            shown.words.append((kind, f"{body.type}: {body.message} {' '.join(body.stack_trace)}"))
        elif kind == "alert":
            shown.words.append((("unused", "error", "warning", "info", "success")[body.format], body.body))
        if identity := getattr(body, "id", ""):
            shown.widgets.append((str(kind), identity))


class Served:
    """``adrec app`` in a folder of its own, in a process that reports what it does (``Watch``) beside what it logs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runs, self.home = folder.resolve(), folder.resolve() / "runs", folder.resolve() / "home"
        self.log, self.noted = self.folder / "server.log", self.folder / "seen.txt"
        for place in (self.runs, self.home, self.folder / "tmp"):
            place.mkdir(exist_ok=True, parents=True)
        self.process: subprocess.Popen[bytes] | None = None
        self._read = {self.log: 0, self.noted: 0}
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = int(found.getsockname()[1])

    def start(self) -> None:
        places = {"ADREC_RUNS": self.runs, "ADREC_HOME": self.home, "HOME": self.home, "TMPDIR": self.folder / "tmp"}
        environment = {**os.environ, **{name: str(place) for name, place in places.items()}, "PYTHONDONTWRITEBYTECODE": "1"}
        environment |= {"OMP_NUM_THREADS": "1", "NUMBA_CACHE_DIR": str(self.home)}
        command = [sys.executable, "-m", "tests.fuzz.served", str(self.folder), str(self.port)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"The server did not start: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.communicate()

    def answers(self) -> bool:
        """Whether it answers at all, at once."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_stcore/health", timeout=20) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    @property
    def own(self) -> psutil.Process:
        assert self.process is not None
        return psutil.Process(self.process.pid)

    def figures(self) -> dict[str, float]:
        """MiB of memory, file handles, threads, and seconds of CPU so far."""
        own = self.own
        with own.oneshot():
            times = own.cpu_times()
            memory = own.memory_info().rss / 2**20
            return {"mib": memory, "handles": own.num_fds(), "threads": own.num_threads(), "cpu": times.user + times.system}

    def faults(self) -> Iterator[str]:
        """What the log and the watch have told since the last call that should not be."""
        yield from (f"it did {line}" for line in self._new(self.noted).splitlines())
        raw = self._new(self.log)
        words = COLOUR.sub("", raw)
        if any(fault in words for fault in FAULTS):
            yield f"the server's log says: {words[-1500:]}"
        elif "\x1b" in raw:
            yield f"the server's log holds an escape: {raw[:300]!r}"

    def _new(self, path: Path) -> str:
        if not path.exists():
            return ""
        with open(path, "rb") as file:
            file.seek(self._read[path])
            data = file.read()
        self._read[path] += len(data)
        return data.decode("utf-8", "replace")


def wrong(shown: Shown) -> Iterator[str]:
    """What a visitor should not have got."""
    if not shown.finished:
        yield "the page did not end"
    if not shown.elements:
        yield "the page is empty"
    for kind, words in shown.words:
        plain = words.replace("\u2060", "").strip()
        if kind == "exception":
            yield f"a visitor saw an exception: {plain[:300]}"
        elif kind in ("error", "warning") and (odd := sentence(plain)):
            yield f"a visitor's {kind} {odd}: {plain[:300]!r}"


class _Watch(Watch):
    """The watch of a server: it may start the app's own processes, speak to this machine and load what is installed."""

    def __init__(self, folder: Path, told: Path) -> None:
        super().__init__(folder)
        self.file = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.installed = (sys.prefix, sys.base_prefix, os.path.realpath(sys.prefix), "/lib", "/usr/lib")

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        known = len(self.seen)
        if self.on and not self.usual(event, arguments):
            super().hook(event, arguments)
            for line in self.seen[known:]:
                os.write(self.file, f"{line!r}\n".encode())

    def usual(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event == "subprocess.Popen":
            command = arguments[1]
            return command[:2] == [sys.executable, "-m"] and str(command[2]).startswith(OWN_PROGRAMS)
        if event in ("os.remove", "os.rmdir", "os.mkdir", "os.chmod") and arguments[-1] >= 0:  # a name below an open folder
            return self.inside(os.path.join(os.readlink(f"/proc/self/fd/{arguments[-1]}"), os.fsdecode(arguments[0])))
        if event == PICKLED:
            return str(arguments[0]).startswith(CACHED)
        if event in ("socket.connect", "socket.bind"):
            return not isinstance(arguments[1], tuple) or arguments[1][0] in HERE
        if event == "socket.getaddrinfo":
            return arguments[0] in HERE
        if event == "ctypes.dlopen":
            return arguments[0] is None or str(arguments[0]).startswith(self.installed) or "/" not in str(arguments[0])
        return event == "open" and arguments[0] == os.devnull


def serve(folder: Path, port: int) -> None:
    """In the child."""
    from adrec.cli import main
    from adrec.system import end_with_parent

    end_with_parent()
    watch = _Watch(folder, folder / "seen.txt")
    watch.on = True
    sys.argv = ["adrec", "app", "--no-browser", "--port", str(port)]
    main(sys.argv[1:])


if __name__ == "__main__":
    serve(Path(sys.argv[1]).resolve(), int(sys.argv[2]))
