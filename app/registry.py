"""The app's pages: each is one file in ``pages/`` that says its own title, icon and place in the navigation."""

import ast
from pathlib import Path
from typing import Any

import streamlit as st


def card(path: Path) -> dict[str, Any]:
    """The literal ``PAGE`` of a page's file: ``title``, ``icon`` and ``order``. Nothing of the file is run."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PAGE":
            found: dict[str, Any] = ast.literal_eval(node.value)
            return found
    raise LookupError(f"'{path}' has no PAGE: expected PAGE = {{'title': ..., 'icon': ..., 'order': ...}} at its top level.")


def pages(folder: Path) -> list[Any]:
    """Every page of ``folder`` for ``st.navigation``, by its ``order``; the first one opens at the bare address."""
    cards = sorted(((card(path), path) for path in folder.glob("*.py")), key=lambda pair: pair[0]["order"])
    first = cards[0][1]
    return [st.Page(path, title=c["title"], icon=c["icon"], url_path=path.stem, default=path == first) for c, path in cards]
