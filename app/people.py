"""A real person's history for the lesson, one at a time and only on request; the data stay on the server.

``loaders`` is imported on use: app/main.py needs the route before there is a runtime, which caches look for when they are declared.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from adrec.data import catalog
from adrec.errors import DataError
from adrec.lesson.films import others
from adrec.lesson.models import RUNS
from adrec.runs import RunFolder
from app.serving import files

ANY = "any"


def url() -> str | None:
    """The address below which the browser finds a person by number, or ``ANY`` for one drawn at random; None without the ratings."""
    from app import loaders

    run = _run()
    available = run is not None and catalog.available(loaders.info(run)["dataset"]["name"])
    return files.address("person") if available else None


def _run() -> RunFolder | None:
    """The run whose people are shown."""
    from app import loaders

    return loaders.bundled(RUNS["healthy"])


def route() -> Route:
    """Where the server answers to these addresses."""
    return Route(f"{files.address('person')}/{{number}}", person, methods=["GET"])


@lru_cache(2)
def _ids(runs: Path) -> np.ndarray:
    """``others``, which reads two item tables."""
    return others(runs)


def person(request: Request) -> Response:
    """``number``, ``history`` (the lesson's ids of as many films as its models read, oldest first) and ``next``, the test film, without the
    few that MovieLens-1M lacks; null if nobody has the number, which is an answer and no failure."""
    from app import loaders

    if not files.from_own_page(request):
        return PlainTextResponse(files.FOREIGN, 403)
    run, large, number = _run(), loaders.bundled(RUNS["people"]), request.path_params["number"]
    if run is None or large is None:
        return PlainTextResponse(f"The run '{RUNS['healthy']}' is not bundled, so there is nobody to show.", 503)
    users, reason = loaders.dataset(run)
    if users is None:
        return PlainTextResponse(reason, 503)
    try:
        position = int(np.random.default_rng().integers(users.n_users)) if number == ANY else users.position(number)
    except DataError:
        return JSONResponse(None)
    films = _ids(loaders.BUNDLED)[[*users.history(position, "test", run.info["model"]["length"]), users.test[position]]]
    *history, following = films[films <= len(loaders.items(large))].tolist()
    found = {"number": users.user_ids[position], "history": history, "next": following}
    return JSONResponse(found, headers={"Cache-Control": "no-store"})
