"""The denoising scrubber: all steps are in the page, so moving through them asks the server nothing."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from adrec import browser
from app.components import component

KEY = "denoising.scrubber"
HEIGHT = 545
"""Pixels at desktop width, kept while the model loads."""

_mount = component("scrubber", browser.text("scrubber.html"))


def scrubber(data: bytes, on_step: Callable[[int], None]) -> Any:
    """Show a scene (``explain.scene.packed``); ``on_step`` is told the step at which a person let go."""

    def released() -> None:
        step = st.session_state[KEY].get("step")
        if step is not None:
            on_step(int(step))

    return _mount(key=KEY, data=data, on_step_change=released)
