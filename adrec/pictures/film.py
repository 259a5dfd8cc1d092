"""The film of a training, as the browser draws it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from adrec.browser import wire
from adrec.collapse.film import Film
from adrec.pictures import colours, looks, maps
from adrec.runs.folder import WATCHED

SHOWN: dict[str, tuple[str, str, int, bool]] = {
    "effective_rank": ("Effective rank", "How many directions the items really use; noise uses nearly all.", 1, False),
    "largest_over_edge": ("Largest over noise edge", "The strongest direction relative to the strongest in noise; noise: 1.", 2, False),
    "spikes": ("Spikes", "Directions stronger than any in noise.", 0, False),
    "mean_cosine": ("Mean cosine", "The mean cosine of two random items; 0: unrelated.", 3, False),
    "std": ("Scale", "Standard deviation of all numbers in the table.", 4, False),
    "kept": ("Neighbours kept", "The share of each item's ten nearest neighbours kept since the stage began.", 0, True),
    "ndcg@10": ("NDCG@10", "How well the next item is ranked on validation.", 1, True),
}
"""By key: name, meaning, digits, whether it is a percentage."""


def _listed(values: np.ndarray) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]


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


def block(
    of: Mapping[str, Any], found: Film, frames: Sequence[Mapping[str, Any]], titles: Sequence[str], looked: colours.Colouring, row: int
) -> bytes:
    """A film. of: ``run``, ``look`` and ``frame``, which name what is shown. frames: from ``frames``. titles, looked: of all items. row:
    the chosen item."""
    from adrec.collapse.spectra import null_band, over_rms

    place, categories = np.flatnonzero(found.rows == row), looked.categories if looked.label else ("all items",)
    header = {
        **of,
        "frames": list(frames),
        "n": len(found.rows),
        "d": found.values.shape[1],
        "item": int(place[0]) if len(place) else -1,
        "titles": [titles[r] for r in found.rows],
        "legend": looked.label,
        "categories": categories,
        "colours": maps.category_colours(categories),
        "markers": looks.CATEGORY_MARKERS[: max(len(categories), 1)],
        "glyphs": ["●", "■", "▲", "◆", "✚", "✕", "★", "⬢"],
        "low": looked.low,
        "high": looked.high,
        "ramp": {theme: maps.ramp(*ends) for theme, ends in maps.RAMPS.items()},
        "random": null_band(len(found.rows), found.values.shape[1])[1].tolist(),
        "measures": [
            {"name": name, "meaning": meaning, "digits": digits, "percent": percent, "values": _listed(found.measure(key))}
            for key, (name, meaning, digits, percent) in SHOWN.items()
            if np.isfinite(found.measure(key)).any()
        ],
    }
    return pack(header, found.positions, over_rms(found.values), looked.codes[found.rows])


def frames(found: Film, verdicts: Mapping[tuple[str, int], str]) -> list[dict[str, Any]]:
    """Each frame in words, with its mark and, if known, its verdict in a word or two by stage and epoch."""
    listed = []
    for stage, epoch, best in zip(found.stages.tolist(), found.epochs.tolist(), found.best.tolist(), strict=True):
        name = looks.stage_label(stage)
        words = "Before any training" if stage == "initial" else f"{name}, epoch {epoch}" + (", kept" if best else "")
        words = f"Step {epoch:,}" if stage == WATCHED else words
        mark = {"glyph": looks.stage_glyph(stage), "color": looks.stage_color(stage)}
        listed.append({"stage": stage, "epoch": epoch, "label": name, "words": words, "kind": verdicts.get((stage, epoch), ""), **mark})
    return listed
