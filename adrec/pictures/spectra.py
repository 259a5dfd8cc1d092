"""Spectra of tables over the band of random ones, as the browser draws them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from adrec.browser import wire
from adrec.pictures import looks
from adrec.pictures.texts import texts

DASHES = {"dot": "2 4", "dashdot": "9 3 2 3", "longdash": "11 4", "solid": "", "longdashdot": "11 3 2 3", "dash": "7 4"}
"""Plotly's dashes as SVG's."""


def block(
    values: Mapping[str, np.ndarray], names: Mapping[str, str], band: np.ndarray, styles: Mapping[str, Mapping[str, str]] | None = None
) -> bytes:
    """Spectra by table, their names and the band of noise (3, K), for the browser. styles: glyph, color and dash of each, by default of
    the stage that it is named after."""
    words = texts("collapse")
    curves = [{"key": key, "name": name, **(_style(key) if styles is None else styles[key])} for key, name in names.items()]
    said = {key: words[key] for key in ("direction", "strength", "random")}
    said["alt"] = words["spectraAlt"].format(tables=", ".join(names.values()))
    arrays = {f"values {key}": v.astype(np.float32) for key, v in values.items()} | {"band": band.astype(np.float32).ravel()}
    return wire.block({"curves": curves, "count": band.shape[1], "words": said}, arrays)


def _style(stage: str) -> dict[str, str]:
    return {"glyph": looks.stage_glyph(stage), "color": looks.stage_color(stage), "dash": DASHES[looks.stage_dash(stage)]}


FALL = 1.0
"""Directions by which the effective rank must fall before the fall is explained."""


def falling(first: Mapping[str, Any], last: Mapping[str, Any]) -> str | None:
    """Why the spread falls although the table gets better, from the verdicts on a run's first and last table; None if neither happens."""
    start, end = ({e["measure"]: e["value"] for e in verdict["evidence"]} for verdict in (first, last))
    better = last["kind"] in ("healthy", "concentrated") and start["effective_rank"] - end["effective_rank"] > FALL
    numbers = {"first": f"{start['effective_rank']:.0f}", "last": f"{end['effective_rank']:.0f}"}
    return texts("collapse")["falls"].format(**numbers) if better else None
