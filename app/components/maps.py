"""The linked item maps and the neighbour lists under them: what they are sent, and the two components that draw it."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from app.components import component

_maps = component("maps", '<div class="maps"></div>')
_lists = component("neighbours", '<div class="lists"></div>')


def maps(data: bytes, on_pick: Callable[[int], None], on_show: Callable[[str], None], on_select: Callable[[Any], None]) -> None:
    """Draw the maps. data: a block with the arrays that types.d.ts names. on_pick is told the row of a chosen point, on_show the stage
    of a map made large, on_select ``{"bits": text}``, base64 of one bit a point, the first lowest, or empty."""
    told: dict[str, Any] = {
        f"on_{name}_change": _told("maps", name, act) for name, act in (("pick", on_pick), ("show", on_show), ("select", on_select))
    }
    _maps(key="maps", data=data, **told)


def lists(look: Mapping[str, Any], on_pick: Callable[[int], None]) -> None:
    """Draw the neighbour lists, and tell the maps the item, its neighbours, the selection, the view and the stage."""
    _lists(key="lists", data=dict(look), on_pick_change=_told("lists", "pick", on_pick))


def _told(key: str, name: str, act: Callable[[Any], None]) -> Callable[[], None]:
    def changed() -> None:
        value = st.session_state[key].get(name)
        if value is not None:
            act(value)

    return changed
