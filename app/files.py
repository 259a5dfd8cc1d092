"""Weights for the visitor's browser, each file under an address made from its content, so that it travels once."""

import hashlib
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

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


def model_url(run: RunFolder, stage: str = "finetune") -> str:
    """The address at which the browser finds a stage's weights."""
    path = run.weights_path(stage)
    digest = _digest(path, changed(path))
    _offered[digest] = path
    return f"{address('model')}/{digest}"


def route() -> Route:
    """Where the server answers to these addresses."""
    return Route(f"{address('model')}/{{digest}}", weights, methods=["GET"])


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
    own = origin is None or urlsplit(origin).netloc == host
    return is_host_allowed(host) and (own or allow_all_cross_origin_requests() or is_allowed_origin(str(origin)))


def address(name: str) -> str:
    """The address of one of the server's routes."""
    prefix = st.get_option("server.baseUrlPath").strip("/")
    return f"/{prefix}/{name}" if prefix else f"/{name}"


@lru_cache(64)
def _digest(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
