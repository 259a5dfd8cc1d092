"""The film of a training: all frames are in the page, so playing and scrubbing ask the server nothing."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from adrec import browser
from adrec.browser import wire
from app.components import component, handler

KEY = "collapse.film"
_mount = component("film", browser.text("film.html"))


def pack(header: Mapping[str, Any], positions: np.ndarray, values: np.ndarray, codes: np.ndarray) -> bytes:
    """One block for the browser: positions (K, n, 2) as 16-bit steps of the header's ``box`` [left, right, low, high], which is added
    here, values (K, D) as float32, codes (n,) as bytes."""
    xy = positions.astype(np.float32)
    low, high = xy.min(axis=(0, 1)), xy.max(axis=(0, 1))
    span = np.where(high > low, high - low, 1.0)
    steps = np.round((xy - low) / span * 65535).astype(np.uint16)
    box = [float(low[0]), float(low[0] + span[0]), float(low[1]), float(low[1] + span[1])]
    arrays = {"values": values.astype(np.float32), "positions": steps, "codes": codes.astype(np.uint8)}
    return wire.block({**header, "box": box}, arrays)


def film(data: bytes, on_frame: Callable[[int], None]) -> None:
    """Show a film (from ``pack``); ``on_frame`` gets the frame at which a person lets go."""
    _mount(key=KEY, data=data, on_frame_change=handler(KEY, "frame", on_frame, int))
