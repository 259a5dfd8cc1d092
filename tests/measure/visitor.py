"""A visitor as the server sees one: Streamlit's messages over a websocket, without a browser. For measurements and attacks on this machine.

``server`` starts the app; a ``Visitor`` opens a page, presses what is on it, uploads, and keeps all that the server sends.
"""

import contextlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def server(port: int, *options: str, **environment: str) -> Iterator[psutil.Process]:
    """The app on this port of this machine, ready; its process. Ended with all that it started."""
    command = [sys.executable, "-m", "adrec", "app", f"--port={port}", "--no-browser", *options]
    with open(os.devnull, "wb") as nowhere:
        log = environment.pop("log", "")
        out = open(log, "ab") if log else nowhere  # noqa: SIM115  (closed with the process)
        child = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=out, stderr=out)
    try:
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"http://localhost:{port}/_stcore/health", timeout=2).ok:
                    break
            if time.monotonic() > end or child.poll() is not None:
                raise RuntimeError("the app did not start")
            time.sleep(0.2)
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(20)


class Visitor:
    """One browser tab: ``messages`` and ``received`` (the same as bytes) since the last ``ask``."""

    def __init__(self, port: int, cookies: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> None:
        self.web = requests.Session()
        if mine := (cookies or {}).get("adrec_visitor"):
            self.web.cookies.set("adrec_visitor", mine, domain="localhost.local", path="/")
        self.address = f"http://localhost:{port}"
        self.web.get(f"{self.address}/", headers={"Accept": "text/html"}, timeout=30)
        self.web.get(f"{self.address}/_stcore/health", timeout=30)  # brings the token against forged requests
        self.web.get(f"{self.address}/_stcore/host-config", timeout=30)
        jar = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.web.cookies)
        token = self.web.cookies.get("_streamlit_xsrf") or self.web.cookies.get("_xsrf") or ""
        self.socket: Any = connect(
            f"ws://localhost:{port}/_stcore/stream",
            subprotocols=["streamlit", token] if token else ["streamlit"],  # type: ignore[list-item]
            origin=Origin(self.address),
            additional_headers={**({"Cookie": jar} if jar else {}), **(headers or {})},
            max_size=None,
            open_timeout=30,
        )
        self.messages: list[ForwardMsg] = []
        self.last: dict[str, Any] = {}
        """The widgets' values of the last ``ask``."""
        self.received = b""
        self.session = ""
        self.every: dict[str, float] = {}
        """Fragments that ask to be run again, and after how many seconds."""

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.name: str(cookie.value) for cookie in self.web.cookies}

    def send(self, message: BackMsg) -> None:
        self.socket.send(message.SerializeToString())

    def ask(
        self, page: str = "", query: str = "", widgets: Mapping[str, Any] | None = None, fragment: str = "", wait: float = 60
    ) -> list[ForwardMsg]:
        """Run a page with widgets' values, and return what the server sends until it is done."""
        message = BackMsg()
        message.rerun_script.page_name, message.rerun_script.query_string = page, query
        message.rerun_script.fragment_id = fragment
        message.rerun_script.context_info.url = f"{self.address}/{page}"
        self.last = dict(widgets or {})
        for key, value in self.last.items():
            state = message.rerun_script.widget_states.widgets.add(id=key)
            if value is True or value is False:
                state.bool_value = value
            elif value == "trigger":
                state.trigger_value = True
            elif isinstance(value, int):
                state.int_value = value
            elif isinstance(value, str):
                state.string_value = value
            elif isinstance(value, list):  # files
                for file, name in value:
                    one = state.file_uploader_state_value.uploaded_file_info.add(file_id=file, name=name, size=1)
                    one.file_urls.file_id = file
        self.send(message)
        return self.listen(wait)

    def listen(self, wait: float = 60) -> list[ForwardMsg]:
        """What comes until the script has finished or ``wait`` seconds are over."""
        self.messages, parts, end = [], [], time.monotonic() + wait
        while (left := end - time.monotonic()) > 0:
            try:
                data = self.socket.recv(left)
            except (TimeoutError, ConnectionClosed):
                break
            one = ForwardMsg()
            one.ParseFromString(data)
            parts.append(data)
            self.messages.append(one)
            kind = one.WhichOneof("type")
            if kind == "new_session":
                self.session = one.new_session.initialize.session_id or self.session
            elif kind == "auto_rerun":
                self.every[one.auto_rerun.fragment_id] = one.auto_rerun.interval
            elif kind == "script_finished":
                break
        self.received = b"".join(parts)
        return self.messages

    @property
    def said(self) -> str:
        """All text on the page, as far as it is prose."""
        found = []
        for message in self.messages:
            element = message.delta.new_element
            kind = element.WhichOneof("type")
            if kind in ("markdown", "alert", "html", "heading", "code", "text"):
                part = getattr(element, kind)
                found.append(str(getattr(part, "body", "") or getattr(part, "code_text", "")))
        return "\n".join(found)

    def widget(self, kind: str, part: str = "") -> str:
        """The id of a widget of this kind whose id or label holds ``part``."""
        for message in self.messages:
            element = message.delta.new_element
            if element.WhichOneof("type") == kind:
                found = getattr(element, kind)
                if part in found.id or part in getattr(found, "label", ""):
                    return str(found.id)
        return ""

    def upload(self, name: str, data: bytes, session: str | None = None, file: str | None = None) -> tuple[int, str]:
        """Send a file to the server as its uploader does; the status and the file's id."""
        file = file or secrets.token_hex(8)
        token = self.web.cookies.get("_streamlit_xsrf") or self.web.cookies.get("_xsrf") or ""
        place = f"{self.address}/_stcore/upload_file/{session or self.session}/{file}"
        answer = self.web.put(place, files={"file": (name, data)}, headers={"X-Xsrftoken": token}, timeout=120)
        return answer.status_code, file

    def close(self) -> None:
        self.socket.close()
        self.web.close()
