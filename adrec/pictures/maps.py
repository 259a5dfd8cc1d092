"""The item maps, as the browser draws them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from adrec.browser import wire
from adrec.pictures import colours, looks

RAMPS = {"light": ("#b9d3e6", "#08306b"), "dark": ("#274664", "#a9d6ff")}
"""The ends of the numeric colour scale, from low to high."""


def category_colours(categories: tuple[str, ...]) -> list[str]:
    """A colour for each category; grey for the rest, which is always last."""
    grey = looks.CATEGORIES[-1]
    return [grey if name == colours.OTHER else looks.CATEGORIES[i] for i, name in enumerate(categories)]


def ramp(first: str, last: str) -> list[str]:
    ends = [np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) for c in (first, last)]
    mixed = [ends[0] + (ends[1] - ends[0]) * t for t in np.linspace(0, 1, colours.STEPS)]
    return ["#" + "".join(f"{round(v):02x}" for v in color) for color in mixed]


def block(
    of: Mapping[str, str],
    stages: Sequence[Mapping[str, Any]],
    titles: Sequence[str],
    layouts: Mapping[str, np.ndarray],
    colouring: colours.Colouring,
    rows: np.ndarray | None = None,
) -> bytes:
    """Maps (P, 2) of a run's stages. of: ``run``, ``frame`` and ``file``, which name what is shown. stages: as the components show them.
    rows: those of ``titles`` that are on the maps; None for all."""
    header = {
        **of,
        "stages": list(stages),
        "titles": list(titles) if rows is None else [titles[row] for row in rows],
        "words": colouring.words,
        "legend": colouring.label,
        "unit": colouring.unit,
        "categories": colouring.categories,
        "colours": category_colours(colouring.categories),
        "markers": looks.CATEGORY_MARKERS[: len(colouring.categories)],
        "low": colouring.low,
        "high": colouring.high,
        "ramp": {theme: ramp(*ends) for theme, ends in RAMPS.items()},
    }
    values, codes = colouring.values, colouring.codes.astype(np.uint8)
    arrays: dict[str, np.ndarray] = {f"xy {name}": xy.astype(np.float32) for name, xy in layouts.items()}
    if rows is not None:
        arrays["rows"] = rows.astype(np.int32)
    for i, name in enumerate(layouts):
        arrays |= {} if values is None else {f"values {name}": values[i]}
        arrays |= {f"codes {name}": codes[i]} if codes.ndim > 1 else {"codes": codes}
    return wire.block(header, arrays)
