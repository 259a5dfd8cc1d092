"""The app's pages: each is one file in ``pages/`` that says its own title, icon and place in the navigation."""

import ast
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

from adrec.files import changed

_parsing = threading.Lock()
"""Python 3.11's parser counts its depth for all threads together and fails when two parse at once."""


def card(path: Path) -> dict[str, Any]:
    """The literal ``PAGE`` of a page's file: ``title``, ``icon`` and ``order``. Nothing of the file is run."""
    with _parsing:
        return _card(path, changed(path))


@lru_cache(64)
def _card(path: Path, _changed: int) -> dict[str, Any]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PAGE":
            found: dict[str, Any] = ast.literal_eval(node.value)
            return found
    raise LookupError(f"'{path}' has no PAGE: expected PAGE = {{'title': ..., 'icon': ..., 'order': ...}} at its top level.")


def pages(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Every page of ``folder`` with its card, by ``order``; the first one opens at the bare address."""
    return sorted(((path, card(path)) for path in folder.glob("*.py")), key=lambda page: page[1]["order"])
