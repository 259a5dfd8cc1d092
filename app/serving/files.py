"""What is the same for every visitor: weights, code and the still parts of pictures, each under an address made from its content, so that
it travels once."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from weakref import WeakValueDictionary

import streamlit as st
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from streamlit.web.server.server_util import allow_all_cross_origin_requests, is_allowed_origin
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from adrec.files import changed
from adrec.runs import RunFolder

HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Encoding": "identity",  # half-precision numbers hardly shrink, and compressing them takes longer than sending them
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
FOREIGN = "This address is for the app's own pages."
_offered: dict[str, Path] = {}
"""By digest, the files that pages have given an address to; nothing else is served."""


@dataclass(frozen=True, eq=False)
class Part:
    """Bytes that the browser fetches once, for as long as somebody here holds this object."""

    data: bytes = field(repr=False)
    media: str = "application/octet-stream"

    def __post_init__(self) -> None:
        _parts[self.digest] = self

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def url(self) -> str:
        """The address at which the browser finds them."""
        return f"{address('part')}/{self.digest}"


_parts: "WeakValueDictionary[str, Part]" = WeakValueDictionary()


def model_url(run: RunFolder, stage: str = "finetune") -> str:
    """The address at which the browser finds a stage's weights."""
    path = run.weights_path(stage)
    digest = _digest(path, changed(path))
    _offered[digest] = path
    return f"{address('model')}/{digest}"


def routes() -> list[Route]:
    """Where the server answers to these addresses."""
    answered = {"model": weights, "part": part}
    return [Route(f"{address(name)}/{{digest}}", answer, methods=["GET"]) for name, answer in answered.items()]


def part(request: Request) -> Response:
    """The bytes whose digest the address names; for the app's own pages, as ``weights``."""
    if not from_own_page(request):
        return PlainTextResponse(FOREIGN, 403)
    found = _parts.get(request.path_params["digest"])
    if found is None:
        return PlainTextResponse("This part is not here; load the page again.", 404)
    return Response(found.data, media_type=found.media, headers=HEADERS)


def weights(request: Request) -> Response:
    """The file whose digest the address names. A page of another site gets nothing, whatever name it reaches this machine by."""
    if not from_own_page(request):
        return PlainTextResponse(FOREIGN, 403)
    digest = request.path_params["digest"]
    path = _offered.get(digest)
    data = path.read_bytes() if path is not None and path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != digest:  # a training that goes on has written another one
        return PlainTextResponse("These weights are not here; load the page again.", 404)
    return Response(data, media_type="application/octet-stream", headers=HEADERS)


def from_own_page(request: HTTPConnection) -> bool:
    """Whether one of the app's own pages asks, by a name of this machine that the server allows; or one that Streamlit's options trust."""
    host, origin = request.headers.get("host"), request.headers.get("origin")
    own = origin is None or origin.partition("://")[2] == host
    return is_host_allowed(host) and (own or allow_all_cross_origin_requests() or is_allowed_origin(str(origin)))


def address(name: str) -> str:
    """The address of one of the server's routes."""
    prefix = st.get_option("server.baseUrlPath").strip("/")
    return f"/{prefix}/{name}" if prefix else f"/{name}"


@lru_cache(64)
def _digest(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
