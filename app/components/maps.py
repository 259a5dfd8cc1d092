"""The linked item maps and the neighbour lists under them: what they are sent, and the two components that draw it."""

from collections.abc import Callable, Mapping
from typing import Any

from app.components import component, handler

_maps = component("maps", '<div class="maps"></div>')
_lists = component("neighbours", '<div class="lists"></div>')


def maps(data: bytes, on_pick: Callable[[int], None], on_show: Callable[[str], None], on_select: Callable[[Any], None]) -> None:
    """Draw the maps. data: a block with the arrays that types.d.ts names. on_pick gets the row of a chosen point, on_show the stage of a
    map made large, on_select ``{"bits": text}``: base64 of one bit a point, the first lowest, or empty."""
    _maps(
        key="maps",
        data=data,
        on_pick_change=handler("maps", "pick", on_pick, int),
        on_show_change=handler("maps", "show", on_show, str),
        on_select_change=handler("maps", "select", on_select, dict),
    )


def lists(look: Mapping[str, Any], on_pick: Callable[[int], None]) -> None:
    """Draw the neighbour lists, and pass the item, its neighbours, the selection, the view and the stage on to the maps."""
    _lists(key="lists", data=dict(look), on_pick_change=handler("lists", "pick", on_pick, int))
