"""The pages of a class: the lesson as ``adrec lesson`` writes it, but its data and weights come from addresses made from their content."""

import gzip
import hashlib
from functools import cache
from typing import NamedTuple

import segno

from adrec import browser
from adrec.lesson import models, setup
from app.serving import files


class File(NamedTuple):
    """What a page fetches, compressed once."""

    media: str
    plain: bytes
    packed: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.plain).hexdigest()

    @property
    def url(self) -> str:
        return f"{files.address('class')}/file/{self.digest}"


def _file(media: str, data: bytes) -> File:
    return File(media, data, gzip.compress(data, mtime=0))


@cache
def data() -> File:
    """Setup and content, as in the app; nobody real is offered, and the presenter alone has doors, to the app beside the class."""
    from app import loaders  # main.py needs the routes before there is a runtime, which its caches look for

    runs = models.models(loaders.BUNDLED)
    sources = {name: {"run": models.description(run), "url": files.model_url(run, models.STAGE)} for name, run in runs.items()}
    return _file("application/octet-stream", setup.data(setup.bundled(), "class", sources))


@cache
def code() -> File:
    """The script of both pages."""
    script = f'"use strict";\n(() => {{\n{browser.script("lesson/class.js")}mount(document.querySelector(".lesson"));\n}})();\n'
    return _file("text/javascript", script.encode())


@cache
def found() -> dict[str, File]:
    """These files by their digests."""
    return {file.digest: file for file in (data(), code())}


@cache
def lesson(class_code: str | None) -> File:
    """The lesson for those who follow the class of this code; None: for its presenter."""
    words = setup.texts()["shell"]
    html = browser.page(
        "lesson/class.html",
        title=words["title"],
        unreachable=words["class"]["unreachable"],
        role="leads" if class_code is None else "follows",
        code=class_code or "",
        address=files.address("class"),
        data=data().url,
        script_url=code().url,
    )
    return _file("text/html", html.encode())


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
