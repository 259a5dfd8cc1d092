"""Item tables side by side, and the bar of health below them."""

from collections.abc import Callable

from adrec import browser
from app.components import component, handler

STYLES = ("tables.css", "lesson/health.css", "lesson/likeness.css")
_mount = component("tables", '<div class="tables"></div>', "".join(map(browser.text, STYLES)))


def tables(data: bytes, on_pick: Callable[[str], None], key: str) -> None:
    """Draw the tables of a block (see types.d.ts); ``on_pick`` gets the name of the run whose card was pressed."""
    _mount(key=key, data=data, on_pick_change=handler(key, "pick", on_pick, str))
