"""The lesson: everything is in the page, so the server hears of nothing but a door to another page."""

from typing import Any

from adrec import browser
from app.components import component

KEY = "lesson"
_mount = component("lesson", '<section class="lesson"></section>', browser.styles("lesson"), "lesson/lesson.js")


def lesson(data: bytes) -> dict[str, Any] | None:
    """Show the lesson (data: from adrec.lesson.setup). Returns the door that was just pressed: ``page`` and ``parameters``."""
    door = _mount(key=KEY, data=data, on_door_change=lambda: None).door
    return door if isinstance(door, dict) else None
