"""One viewer: a page opened over the websocket as a browser opens it, and choices made on it."""

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import websockets
from streamlit.proto.Alert_pb2 import Alert as AlertProto
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

KEPT_RUNS = 2
"""For so many reruns without use the browser keeps a large message (``global.maxCachedMessageAge``)."""


class Page(NamedTuple):
    """A page as viewers use it. query: the address it is opened with. choice: the key of the list in which they choose something else;
    None on the lesson, where they ask for another person over HTTP."""

    query: str
    choice: str | None


PAGES = {
    "denoising": Page("view=user", "state.user"),
    "collapse": Page("", "state.item"),
    "learn": Page("", None),
    "train": Page("", "state.run."),
}
MIX = ("denoising", "collapse", "learn")


@dataclass
class Choices:
    """A list to choose from, as the page sent it last."""

    id: str
    options: list[str]
    fragment: str


@dataclass
class Viewer:
    """A session. ``complaints``: the errors that its page has shown."""

    url: str
    page: str
    random: Random
    complaints: list[str] = field(default_factory=list)
    _lists: dict[str, Choices] = field(default_factory=dict)
    _values: dict[str, str] = field(default_factory=dict)
    _kept: dict[str, tuple[int, str]] = field(default_factory=dict)
    _runs: int = 0
    _query: str = ""
    _page_hash: str = ""
    _socket: Any = None

    async def open(self) -> int:
        """Open the page; returns the bytes received when its first run has ended."""
        self._query = PAGES[self.page].query
        place = urlsplit(self.url)
        _, first = await fetched(f"{self.url}/{self.page}")
        streamlit, origin = websockets.Subprotocol("streamlit"), websockets.Origin(f"http://{place.netloc}")
        address = f"ws://{place.netloc}{place.path}/_stcore/stream"
        self._socket = await websockets.connect(address, subprotocols=[streamlit], origin=origin, max_size=2**28, ping_interval=None)
        return len(first) + await self._rerun()

    async def choose(self) -> int:
        """Choose something else; returns the bytes received when its rerun has ended."""
        key = PAGES[self.page].choice
        if key is None:
            status, answer = await fetched(f"{self.url}/person/any")
            if status != 200:
                self.complaints.append(answer.decode(errors="replace")[:200])
            return len(answer)
        lists = [self._lists[name] for name in sorted(self._lists) if name.startswith(key)]
        if not lists:
            raise LookupError(f"The page '{self.page}' shows no list '{key}'; its viewers cannot choose.")
        picked = self.random.choice([(found, option) for found in lists for option in found.options])
        self._values[picked[0].id] = picked[1]
        received = await self._rerun(picked[0].fragment)
        if picked[0].id.split("-", 2)[-1].startswith("state.run"):  # one choice spread over several lists; the page resets the others
            self._values.clear()
        return received

    async def close(self) -> None:
        """Leave the page."""
        if self._socket is not None:
            await self._socket.close()

    async def _rerun(self, fragment: str = "") -> int:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.fragment_id = self._query, fragment
        state.page_script_hash, state.page_name = self._page_hash, "" if self._page_hash else self.page
        state.cached_message_hashes.extend(self._kept)
        state.context_info.timezone, state.context_info.locale, state.context_info.color_scheme = "Europe/Berlin", "en-GB", "light"
        state.context_info.url = f"{self.url}/{self.page}"
        for name, value in self._values.items():
            state.widget_states.widgets.add(id=name, string_value=value)
        await self._socket.send(message.SerializeToString())
        received, begun = 0, False
        async for data in self._socket:
            received += len(data)
            answer = ForwardMsg.FromString(data)
            kind = answer.WhichOneof("type")
            begun |= kind == "new_session"
            self._note(answer, kind)
            if kind == "script_finished" and begun and answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                self._forget(fragment)
                return received
        raise ConnectionError("The server closed the connection.")

    def _note(self, answer: Any, kind: str | None) -> None:
        """Keep what a browser keeps of a message."""
        if kind == "navigation":
            self._page_hash = answer.navigation.page_script_hash
        elif kind == "page_info_changed":
            self._query = answer.page_info_changed.query_string
        elif kind == "ref_hash":
            self._kept[answer.ref_hash] = (self._runs, self._kept[answer.ref_hash][1])
        elif kind == "delta":
            if answer.metadata.cacheable:
                self._kept[answer.hash] = (self._runs, answer.delta.fragment_id)
            self._note_element(answer.delta)

    def _note_element(self, delta: Any) -> None:
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind in ("selectbox", "radio"):
            shown = getattr(element, kind)
            key = shown.id.split("-", 2)[-1]
            self._lists[key] = Choices(shown.id, list(shown.options), delta.fragment_id)
        elif kind == "exception" or (kind == "alert" and element.alert.format == AlertProto.ERROR):
            self.complaints.append(getattr(element, kind).message if kind == "exception" else element.alert.body)

    def _forget(self, fragment: str) -> None:
        """Drop messages that were not used for some reruns; a fragment's rerun ages only its own."""
        self._runs += 1
        old = [name for name, (used, of) in self._kept.items() if fragment in ("", of) and self._runs - used > KEPT_RUNS]
        for name in old:
            del self._kept[name]


async def fetched(url: str) -> tuple[int, bytes]:
    """The status and body of an address of this machine."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        writer.write(f"GET {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    finally:
        writer.close()
    return int(head.split(maxsplit=2)[1]), body
