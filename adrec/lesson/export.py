"""The lesson as one HTML file that works without a server and without a network."""

import base64

from adrec import browser
from adrec.lesson import setup


def page(content: bytes, base: str | None = None) -> str:
    """The file's text. base: the address of an app, to which doors then lead."""
    return browser.page(
        "lesson/lesson.html",
        title=setup.texts()["0"]["title"],
        content=base64.b64encode(setup.data(content, "file", base=base)).decode(),
        models={},
    )
