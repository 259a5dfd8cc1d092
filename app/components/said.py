"""The words about a denoising that the visitor's browser has computed, where the page has its words."""

from collections.abc import Callable, Mapping
from typing import Any

from app.components import component, handler

KEY = "denoising.said"
_mount = component("said", '<div class="words" aria-live="polite"><p class="answer"></p><p class="why"></p><p class="change"></p></div>')


def said(terms: Mapping[str, str], on_noise: Callable[[list[int]], None]) -> Any:
    """Show what the scrubber tells. terms: words and what they mean. on_noise gets another seed and number of steps chosen there."""
    return _mount(key=KEY, data={"terms": [*map(list, terms.items())]}, on_noise_change=handler(KEY, "noise", on_noise, list))
