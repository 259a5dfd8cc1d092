"""The addresses below ``/class``: pages, the stream of events, and what the presenter and the phones say."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, wraps
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from app.classroom import key, page
from app.classroom.place import Malformed, lesson, read_guesses, read_json, read_place
from app.classroom.state import Class, Refused
from app.classroom.stream import Events
from app.serving import files
from app.serving.limits import Rate

MOST_BYTES = 4096
PATIENCE = 10.0
"""Seconds in which a body must have come."""
PHONE = "Phone"
"""The header with the random name that a phone's page gave itself."""
PAUSES = {"follows": 0.05, "leads": 0.25}
NO_CLASS = "There is no class {code} here; the code stands on the presenter's screen."
NO_PRESENTER = "This browser is not the presenter's; open the address that the server printed when it started."
PAGE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_arrivals = Rate(most=400, every=0.02)
"""Streams and guesses of all phones together: a class that comes at once, and again after a restart."""


@cache
def led() -> Class:
    """This server's class."""
    return Class(lesson())


def routes() -> list[Route]:
    """Where the server answers."""
    address = files.address("class")
    return [
        Route(address, entrance, methods=["GET"]),
        Route(f"{address}/present", presenter, methods=["GET"]),
        Route(f"{address}/events", events, methods=["GET"]),
        Route(f"{address}/invitation", invitation, methods=["GET"]),
        Route(f"{address}/place", place, methods=["POST"]),
        Route(f"{address}/guesses", guesses, methods=["POST"]),
        Route(f"{address}/file/{{digest}}", file, methods=["GET"]),
        Route(f"{address}/{{code}}", follower, methods=["GET"]),
    ]


def own(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Answers the class's own pages alone, and refuses what it can't read with a sentence."""

    @wraps(answer)
    async def answered(request: Request) -> Response:
        if not files.from_own_page(request):
            return PlainTextResponse(files.FOREIGN, 403)
        try:
            return await answer(request)
        except Malformed as error:
            return PlainTextResponse(str(error), 400)
        except Refused as error:
            return PlainTextResponse(str(error), error.status)

    return answered


@own
async def entrance(request: Request) -> Response:
    """A form for the code, and the class to which a typed code leads."""
    typed = request.query_params.get("code", "").strip().upper()
    if typed == key.code():
        return RedirectResponse(f"{files.address('class')}/{typed}", 303)
    return HTMLResponse(page.entrance(typed[:12] or None), 404 if typed else 200, PAGE)


@own
async def presenter(request: Request) -> Response:
    """The presenter's page; whether it is theirs is asked when it says something."""
    return _sent(request, await asyncio.to_thread(page.lesson, None), PAGE)


@own
async def follower(request: Request) -> Response:
    """The phones' page."""
    typed = request.path_params["code"]
    if typed != key.code():
        return RedirectResponse(f"{files.address('class')}?{urlencode({'code': typed[:12]})}", 303)
    return _sent(request, await asyncio.to_thread(page.lesson, typed), PAGE)


@own
async def file(request: Request) -> Response:
    """What the pages fetch, under an address made from it."""
    found = (await asyncio.to_thread(page.found)).get(request.path_params["digest"])
    if found is None:
        return PlainTextResponse("This lesson is not here any more; load the page again.", 404)
    return _sent(request, found, files.HEADERS)


@own
async def events(request: Request) -> Response:
    """The stream: of the class's place for a phone, of phones and guesses too for the presenter."""
    if "authorization" in request.headers:
        _check_key(request)
        return Events(led().leading(), led().shown, lambda: led().closed, PAUSES["leads"])
    _check_code(request)
    if _arrivals.take("all"):
        raise Refused(429, "Too many come at once; try again in a second.")
    phone = _phone(request)
    led().admit(phone)
    return Events(led().following(phone), led().told, lambda: led().closed, PAUSES["follows"])


@own
async def place(request: Request) -> Response:
    """The presenter moves the class."""
    _check_key(request)
    return JSONResponse({"version": led().move(read_place(await _json(request), led().lesson))})


@own
async def guesses(request: Request) -> Response:
    """A phone says what it has guessed so far."""
    _check_code(request)
    if _arrivals.take("all"):
        raise Refused(429, "Too many guesses at once; try again in a second.")
    led().guess(_phone(request), read_guesses(await _json(request), led().lesson))
    return Response(status_code=204)


@own
async def invitation(request: Request) -> Response:
    """How the class comes: address, code, and both as a picture; ``address`` is null if no other machine could open it."""
    _check_key(request)
    origin = request.query_params.get("origin", "")
    if not key.ORIGIN.fullmatch(origin):
        raise Malformed("The origin must be the scheme, name and port of the presenter's page.")
    address = key.class_address(origin)
    own = f"{origin}{files.address('class')}"
    return JSONResponse({"address": address, "own": own, "code": key.code(), **page.picture(f"{address or own}/{key.code()}")})


def _check_key(request: Request) -> None:
    if not key.is_key(request.headers.get("authorization")):
        raise Refused(403, NO_PRESENTER)


def _check_code(request: Request) -> None:
    typed = request.query_params.get("code", "")
    if typed != key.code():
        raise Refused(404, NO_CLASS.format(code=repr(typed[:12])))


def _phone(request: Request) -> str:
    name = request.headers.get(PHONE, "")
    if not (len(name) == 32 and name.isascii() and name.isalnum()):
        raise Malformed(f"The header {PHONE} must be 32 letters and digits.")
    return name


async def _json(request: Request) -> Any:
    """The request's body, if it is short and comes at once."""
    body = b""
    try:
        async with asyncio.timeout(PATIENCE):
            async for part in request.stream():
                body += part
                if len(body) > MOST_BYTES:
                    raise Refused(413, f"The body may have {MOST_BYTES} bytes.")
    except TimeoutError:
        raise Refused(408, f"The body did not come within {PATIENCE:.0f} seconds.") from None
    return read_json(body)


def _sent(request: Request, file: page.File, headers: Mapping[str, str]) -> Response:
    """A file, compressed where that is understood; Streamlit would compress it anew for everybody."""
    packed = "gzip" in request.headers.get("accept-encoding", "")
    told = {**headers, "Content-Encoding": "gzip" if packed else "identity", "Vary": "Accept-Encoding"}
    return Response(file.packed if packed else file.plain, media_type=file.media, headers=told)
