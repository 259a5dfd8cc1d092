"""A real person's history for the lesson, one at a time and only on request; the data stay on the server.

``loaders`` is imported on use: app/main.py needs the route before there is a runtime, which caches look for when they are declared.
"""

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from adrec.data import catalog
from adrec.errors import DataError
from app import files

ANY = "any"


def url() -> str | None:
    """The address below which the browser finds a person by number, or ``ANY`` for one drawn at random; None without the ratings."""
    from app import loaders

    return files.address("person") if catalog.available(loaders.FIRST) else None


def route() -> Route:
    """Where the server answers to these addresses."""
    return Route(f"{files.address('person')}/{{number}}", person, methods=["GET"])


def person(request: Request) -> Response:
    """``number``, ``history`` (the ids of as many films as the lesson's model reads, oldest first) and ``next``, the test film;
    null if nobody has the number, which is an answer and no failure."""
    from app import loaders

    if not files.from_own_page(request):
        return PlainTextResponse(files.FOREIGN, 403)
    run, number = loaders.LoadedRun(loaders.BUNDLED / loaders.FIRST), request.path_params["number"]
    users, reason = loaders.dataset(run)
    if users is None:
        return PlainTextResponse(reason, 503)
    try:
        position = int(np.random.default_rng().integers(users.n_users)) if number == ANY else users.position(number)
    except DataError:
        return JSONResponse(None)
    history = users.history(position, "test", run.info["model"]["length"]).tolist()
    found = {"number": users.user_ids[position], "history": history, "next": int(users.test[position])}
    return JSONResponse(found, headers={"Cache-Control": "no-store"})
