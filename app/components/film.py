"""The film of a training: all frames are in the page, so playing and scrubbing ask the server nothing."""

from collections.abc import Callable

from adrec import browser
from app.components import component, handler

KEY = "collapse.film"
_mount = component("film", browser.text("film.html"))


def film(data: bytes, on_frame: Callable[[int], None]) -> None:
    """Show a film (from ``pack``); ``on_frame`` gets the frame at which a person lets go."""
    _mount(key=KEY, data=data, on_frame_change=handler(KEY, "frame", on_frame, int))
