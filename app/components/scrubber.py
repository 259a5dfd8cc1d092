"""The denoising scrubber: all steps are in the page, so moving through them asks the server nothing."""

from collections.abc import Callable
from typing import Any

from adrec import browser
from app.components import component, handler

KEY = "denoising.scrubber"
HEIGHT = 545
"""Pixels at desktop width, kept while the model loads."""

_mount = component("scrubber", browser.text("scrubber.html"))


def scrubber(data: bytes, on_step: Callable[[int], None], on_noise: Callable[[list[int]], None], on_refused: Callable[[bool], None]) -> Any:
    """Show a scene (``explain.scene.packed``). on_step gets the step at which a person lets go, on_noise another seed and number of steps;
    on_refused is told that the model doesn't run in this browser."""
    act = {
        "on_step_change": handler(KEY, "step", on_step, int),
        "on_noise_change": handler(KEY, "noise", on_noise, list),
        "on_refused_change": handler(KEY, "refused", on_refused, bool),
    }
    return _mount(key=KEY, data=data, **act)
