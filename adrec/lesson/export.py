"""The lesson as one HTML file that works without a server and without a network, and the teacher's page."""

import base64

from adrec import browser
from adrec.lesson import models, setup


def page(content: bytes, base: str | None = None, inside: bool = True) -> str:
    """The lesson. base: the address of an app, to which the doors to the laboratory then lead. inside: whether with the models' weights."""
    runs = models.models(setup.ASSETS / "runs") if inside else {}
    sources = {name: {"run": models.description(run), "element": f"weights-{name}"} for name, run in runs.items()}
    return browser.page(
        "lesson/lesson.html",
        title=setup.texts()["shell"]["title"],
        content=_base64(setup.data(content, "file", sources, base)),
        weights={f"weights-{name}": _base64(models.weights(run).read_bytes()) for name, run in runs.items()},
    )


def teacher(base: str | None = None) -> str:
    """Learning goals, questions with answers and exercises, on two printed pages. base: as above, for the exercises."""
    words, lesson = setup.words("teacher"), setup.texts()
    for exercise in words["exercises"]["items"]:
        number = exercise["chapter"]
        exercise |= {"title": f"{number}. {lesson[str(number)]['title']}", "name": lesson["shell"]["pages"][exercise["page"]]}
    return browser.page("lesson/teacher.html", words=words, base=base)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
