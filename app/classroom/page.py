"""The pages of a class: the lesson as ``adrec lesson`` writes it, but its data and weights come from addresses made from their content."""

import gzip
import hashlib
from functools import cache
from typing import NamedTuple

import segno

from adrec import browser
from adrec.lesson import models, setup
from app import files


class Data(NamedTuple):
    """What the lesson's page fetches, compressed once."""

    digest: str
    plain: bytes
    packed: bytes


@cache
def data() -> Data:
    """Setup and content, as in the app; nobody real is offered, and the presenter alone has doors, to the app beside the class."""
    from app import loaders  # main.py needs the routes before there is a runtime, which its caches look for

    runs = models.models(loaders.BUNDLED)
    sources = {name: {"run": models.description(run), "url": files.model_url(run, models.STAGE)} for name, run in runs.items()}
    plain = setup.data(setup.bundled(), "class", sources)
    return Data(hashlib.sha256(plain).hexdigest(), plain, gzip.compress(plain, mtime=0))


@cache
def lesson(code: str | None) -> bytes:
    """The lesson for those who follow the class of this code; None: for its presenter."""
    words = setup.texts()["shell"]
    found = browser.page(
        "lesson/class.html",
        title=words["title"],
        unreachable=words["class"]["unreachable"],
        role="leads" if code is None else "follows",
        code=code or "",
        address=files.address("class"),
        data=f"{files.address('class')}/data/{data().digest}",
    )
    return gzip.compress(found.encode(), mtime=0)


def entrance(asked: str | None) -> str:
    """Where the code is typed. asked: a code that no class has."""
    return browser.page("lesson/entrance.html", words=setup.texts()["shell"]["class"], asked=asked, address=files.address("class"))


def picture(address: str) -> dict[str, str | int]:
    """An address as a QR code: ``size``, its cells a side, and ``path``, the dark ones as an SVG path."""
    rows = segno.make(address, micro=False, error="m", boost_error=False).matrix
    runs = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            length = next((far for far, cell in enumerate(row[x:]) if cell != row[x]), len(row) - x)
            if row[x]:
                runs.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return {"size": len(rows), "path": "".join(runs)}
