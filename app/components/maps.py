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


_maps = st.components.v2.component(
    "adrec_maps", html='<div class="maps"></div>', css=_text("maps.css"), js=_text("maps_draw.js") + _text("maps.js")
)
_lists = st.components.v2.component(
    "adrec_neighbours", html='<div class="lists"></div>', css=_text("neighbours.css"), js=_text("neighbours.js")
)


def pack(header: Mapping[str, Any], layouts: Sequence[np.ndarray], codes: np.ndarray) -> bytes:
    """One buffer for the browser: length and text of the header, each layout (V, 2) as float32, codes (V,) as bytes."""
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)  # float32 arrays begin at a multiple of 4
    arrays = b"".join(np.ascontiguousarray(xy, dtype="<f4").tobytes() for xy in layouts)
    return len(text).to_bytes(4, "little") + text + arrays + np.ascontiguousarray(codes, dtype=np.uint8).tobytes()


def maps(data: bytes, on_pick: Callable[[int], None], on_show: Callable[[str], None]) -> None:
    """Draw the maps. data: from ``pack``. on_pick is told the row of a chosen point, on_show the stage of a map made large."""
    _maps(key="maps", data=data, on_pick_change=_told("maps", "pick", on_pick), on_show_change=_told("maps", "show", on_show))


def lists(look: Mapping[str, Any], on_pick: Callable[[int], None]) -> None:
    """Draw the neighbour lists, and tell the maps the item, its neighbours, the view and the stage."""
    _lists(key="lists", data=dict(look), on_pick_change=_told("lists", "pick", on_pick))


def _told(key: str, name: str, act: Callable[[Any], None]) -> Callable[[], None]:
    def changed() -> None:
        value = st.session_state[key].get(name)
        if value is not None:
            act(value)

    return changed
