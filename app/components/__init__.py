"""Parts of the pages that run in the browser. What is in them is in adrec/browser/; here is what they are sent and what comes back."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from adrec import browser
from app.serving.files import Part

LOADER = """const { default: mount } = await import(new URL("ADDRESS", location.origin));
export default mount;
"""
"""All of a component that goes with its data at every rerun; the rest is fetched once."""

_code: list[Part] = []


def component(name: str, html: str, css: str | None = None, module: str | None = None) -> Any:
    """Register a component; returns the function that mounts it. css, module: the styles, and the module in adrec/browser/; by default
    those that have its name."""
    styles = browser.text(f"{name}.css") if css is None else css
    code = Part(browser.component(module or f"{name}.js", styles, html).encode(), "text/javascript")
    _code.append(code)
    return st.components.v2.component(f"adrec_{name}", js=LOADER.replace("ADDRESS", code.url))


def handler(key: str, name: str, act: Callable[[Any], None], kind: type) -> Callable[[], None]:
    """For a mounted component's ``on_<name>_change``: passes the value that the browser sent on to ``act`` if it is of this kind."""

    def changed() -> None:
        value = (st.session_state.get(key) or {}).get(name)
        if isinstance(value, kind):
            act(value)

    return changed
