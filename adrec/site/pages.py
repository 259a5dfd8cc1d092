"""The site's pages: what each is called, its address, and its HTML around data and code."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from adrec import browser
from adrec.lesson import setup
from adrec.site.folder import Folder

COMMENT = re.compile(r"^ */\*(?:(?!\*/).)*\*/ *\n", re.DOTALL | re.MULTILINE)
"""Comments on lines of their own, a fifth of what would travel."""
LESSON = sorted(f"lesson/{path.name}" for path in (browser.FOLDER / "lesson").glob("*.css") if path.name != "page.css")
CSS = {
    "learn": LESSON,
    "denoising": ["scrubber.css", "said.css", "lesson/lesson.css", "lesson/films.css", "site/laboratory.css"],
    "collapse": ["lesson/lesson.css", "lesson/films.css", "site/laboratory.css"],
}
"""Each page's styles, beside those that all have."""


def addresses(names: Sequence[str]) -> dict[str, str]:
    """Where each page is; the first is what opens at the folder's address."""
    return {name: f"{name}.html" if place else "index.html" for place, name in enumerate(names)}


def words() -> dict[str, Any]:
    """Those around all pages."""
    return setup.words("site")


def write(folder: Folder, data: Mapping[str, bytes], missing: str = "") -> None:
    """Add the pages. data: by page, in order, what it shows. missing: what else is not here, in a sentence."""
    places = addresses(list(data))
    shared = {
        "icon": folder.add("icon.svg", (setup.ASSETS / "icon.svg").read_bytes()),
        "fits": folder.add("fits.js", browser.text("site/fits.js").encode()),
        "pages": places,
        "words": words(),
        "missing": missing,
    }
    for name, content in data.items():
        script = COMMENT.sub("", browser.script(f"site/{name}.js"))
        code = f'"use strict";\n(() => {{\n{script}start();\n}})();\n'
        own = {"code": folder.add(f"{name}.js", code.encode()), "data": folder.add(f"{name}.bin", content, pack=True)}
        page = browser.page("site/site.html", name=name, css=CSS[name], **shared, **own)
        folder.files[places[name]] = page.encode()
