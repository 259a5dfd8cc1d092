"""The denoising scrubber: all steps are in the page, so moving through them asks the server nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

KEY = "denoising.scrubber"
HEIGHT = 545
"""Pixels at desktop width, kept while the model loads."""


def _text(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


_mount = st.components.v2.component(
    "scrubber",
    html=_text("scrubber.html"),
    css=_text("scrubber.css"),
    js="\n".join(map(_text, ("scrubber_panels.js", "scrubber_map.js", "scrubber.js"))),
)


def scrubber(data: bytes, on_step: Callable[[int], None]) -> Any:
    """Show a scene (``denoising_scene.packed``); ``on_step`` is told the step at which a person let go."""

    def released() -> None:
        step = st.session_state[KEY].get("step")
        if step is not None:
            on_step(int(step))

    return _mount(key=KEY, data=data, on_step_change=released)
