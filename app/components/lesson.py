"""The lesson: everything is in the page, so it asks the server for nothing but a door to another page."""

from typing import Any

import streamlit as st

from adrec import browser

KEY = "lesson"
_mount = st.components.v2.component(
    "adrec_lesson",
    html='<section class="lesson"></section>',
    css=browser.styles("lesson"),
    js=browser.component("lesson/lesson.js"),
)


def lesson(data: bytes) -> dict[str, Any] | None:
    """Show the lesson (data: from adrec.lesson.setup). Returns the door that was just pressed: ``page`` and ``parameters``."""
    door = _mount(key=KEY, data=data, on_door_change=lambda: None).door
    return door if isinstance(door, dict) else None
