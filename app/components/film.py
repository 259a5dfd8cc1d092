"""The film of a training: all frames are in the page, so playing and scrubbing ask the server nothing."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

FOLDER = Path(__file__).resolve().parent
KEY = "collapse.film"


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


_mount = st.components.v2.component(
    "adrec_film", html=_text("film.html"), css=_text("film.css"), js=_text("film_draw.js") + _text("film.js")
)


def pack(header: Mapping[str, Any], positions: np.ndarray, values: np.ndarray, codes: np.ndarray) -> bytes:
    """One buffer for the browser: length and text of the header, values (K, D) as float32, positions (K, n, 2) as 16-bit steps of the
    header's ``box`` [left, right, low, high], which is added here, and codes (n,) as bytes."""
    xy = positions.astype(np.float32)
    low, high = xy.min(axis=(0, 1)), xy.max(axis=(0, 1))
    span = np.where(high > low, high - low, 1.0)
    steps = np.round((xy - low) / span * 65535).astype("<u2")
    box = [float(low[0]), float(low[0] + span[0]), float(low[1]), float(low[1] + span[1])]
    text = json.dumps({**header, "box": box}, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)  # float32 arrays begin at a multiple of 4
    body = np.ascontiguousarray(values, dtype="<f4").tobytes() + steps.tobytes() + np.ascontiguousarray(codes, dtype=np.uint8).tobytes()
    return len(text).to_bytes(4, "little") + text + body


def film(data: bytes, on_frame: Callable[[int], None]) -> None:
    """Show a film (from ``pack``); ``on_frame`` is told the frame at which a person let go."""

    def released() -> None:
        frame = st.session_state[KEY].get("frame")
        if isinstance(frame, int | float):
            on_frame(int(frame))

    _mount(key=KEY, data=data, on_frame_change=released)
