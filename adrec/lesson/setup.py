"""What the browser is told beside the content: the words, the colours, and where the models are."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

from adrec import browser
from adrec.browser import wire
from adrec.explain import COLORS
from adrec.folders import app_folder

ASSETS = app_folder() / "assets"


def words(name: str) -> dict[str, Any]:
    """A file of words."""
    found: dict[str, Any] = json.loads((ASSETS / "texts" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def texts() -> dict[str, Any]:
    """All the lesson's words, by chapter, and the glossary of the whole app."""
    return {**words("lesson"), "glossary": words("glossary")}


def bundled() -> bytes:
    """The content made from the bundled runs."""
    return (ASSETS / "lesson" / "content.bin").read_bytes()


def data(
    content: bytes,
    mode: Literal["app", "file", "site", "class"],
    models: Mapping[str, Any] | None = None,
    base: str | None = None,
    persons: str | None = None,
    pages: Mapping[str, str] | None = None,
) -> bytes:
    """All that the lesson is sent: the setup and the content, one block each.

    models: by name, ``run`` (its run.json) and ``url`` or ``element``, where its weights are. base: the app's address, for doors in a
    file; None if it is not known. persons: the address of real people's histories; None where there are none. pages: where a site has the
    pages that doors lead to.
    """
    setup = {
        "texts": texts(),
        "colors": COLORS,
        "mode": mode,
        "base": base,
        "persons": persons,
        "pages": dict(pages or {}),
        "worker": browser.script("engine/worker.js"),
        "models": dict(models or {}),
        "content": hashlib.sha256(content).hexdigest()[:16],
    }
    return wire.block(setup, {}) + content
