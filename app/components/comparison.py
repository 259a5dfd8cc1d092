"""The table of compared models: sorted and filtered in the browser, cards on a narrow screen."""

from collections.abc import Callable, Mapping
from typing import Any

from app.components import component, handler

KEY = "comparison"
_mount = component("comparison", '<div class="comparison"></div>')


def comparison(data: Mapping[str, Any], on_look: Callable[..., None]) -> None:
    """Draw a table (see types.d.ts). ``on_look`` gets ``sort`` or ``filter`` when a person has changed it."""

    def looked(value: dict[str, Any]) -> None:
        on_look(**{name: str(value[name])[:200] or None for name in ("sort", "filter") if name in value})

    _mount(key=KEY, data=dict(data), on_look_change=handler(KEY, "look", looked, dict))
