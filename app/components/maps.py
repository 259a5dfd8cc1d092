"""The linked item maps and the neighbour lists under them: what they are sent, and the two components that draw it."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

FOLDER = Path(__file__).resolve().parent


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


SCRIPTS = ("maps_draw.js", "maps_select.js", "maps_export.js", "maps.js")
_maps = st.components.v2.component("adrec_maps", html='<div class="maps"></div>', css=_text("maps.css"), js="".join(map(_text, SCRIPTS)))
_lists = st.components.v2.component(
    "adrec_neighbours", html='<div class="lists"></div>', css=_text("neighbours.css"), js=_text("neighbours.js")
)


def pack(header: Mapping[str, Any], layouts: Sequence[np.ndarray], codes: np.ndarray, *extra: np.ndarray) -> bytes:
    """One buffer for the browser: length and text of the header, each layout (V, 2) as float32, extra arrays of 4-byte numbers, codes."""
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)  # float32 arrays begin at a multiple of 4
    arrays = [np.ascontiguousarray(xy, dtype="<f4") for xy in layouts] + [np.ascontiguousarray(array) for array in extra]
    codes = np.ascontiguousarray(codes, dtype=np.uint8)
    return b"".join([len(text).to_bytes(4, "little"), text, *(array.tobytes() for array in (*arrays, codes))])


def maps(data: bytes, on_pick: Callable[[int], None], on_show: Callable[[str], None], on_select: Callable[[Any], None]) -> None:
    """Draw the maps. data: from ``pack``. on_pick is told the row of a chosen point, on_show the stage of a map made large, on_select
    ``{"bits": text}``, base64 of one bit a point, the first lowest, or empty."""
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
