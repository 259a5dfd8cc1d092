"""Data for the browser: a JSON object and arrays as one block of bytes, read by wire.js. Blocks can be concatenated."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

TYPES = ("float32", "int32", "uint16", "uint8")


def block(head: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Digest and length of the JSON (4 bytes each), the JSON with type, offset and size of each array, the arrays. Each part starts at a
    multiple of 4. Arrays must have one of TYPES; their shapes are not kept."""
    parts = {name: np.ascontiguousarray(a).astype(a.dtype.newbyteorder("<"), copy=False) for name, a in arrays.items()}
    offsets = np.cumsum([0, *(-(-a.nbytes // 4) * 4 for a in parts.values())]).tolist()
    described = {name: (a.dtype.name, offset, a.size) for (name, a), offset in zip(parts.items(), offsets, strict=False)}
    if unknown := {kind for kind, _, _ in described.values()} - {*TYPES}:
        raise ValueError(f"Arrays for the browser must have one of the types {', '.join(TYPES)}, not {', '.join(unknown)}.")
    text = json.dumps({**head, "arrays": described}, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    body = text + b"".join(a.tobytes() + b"\0" * (-a.nbytes % 4) for a in parts.values())
    return hashlib.sha256(body).digest()[:4] + len(text).to_bytes(4, "little") + body


def unblock(data: bytes, start: int = 0) -> list[dict[str, Any]]:
    """The inverse, as in the browser: the JSON object of each block, with the flat arrays as fields."""
    found = []
    while start < len(data):
        body = start + 8 + int.from_bytes(data[start + 4 : start + 8], "little")
        head = json.loads(data[start + 8 : body])
        arrays = {name: np.frombuffer(data, kind, count, body + offset) for name, (kind, offset, count) in head["arrays"].items()}
        start = body + sum(-(-a.nbytes // 4) * 4 for a in arrays.values())
        found.append(head | arrays)
    return found
