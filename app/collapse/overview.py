"""What the Collapse page opens with: tables side by side, the verdict, the spectra, and why the spread may fall while the verdict rises."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from adrec.browser import wire
from adrec.runs import RunFolder
from app import loaders, palette
from app.collapse import data, headline, tables
from app.collapse import spectra_data as spectra
from app.components.spectrum import spectrum
from app.texts import say, texts

DASHES = {"dot": "2 4", "dashdot": "9 3 2 3", "longdash": "11 4", "solid": "", "longdashdot": "11 3 2 3", "dash": "7 4"}
"""Plotly's dashes as SVG's."""
FALL = 1.0
"""Directions by which the effective rank must fall before the fall is explained."""


def opening(run: RunFolder, place: Any) -> None:
    """The tables side by side, the bar of health, and the verdict on the last table, in ``place``."""
    found = headline.verdicts(run)
    with place:
        tables.show(run, found)
        note = tables.size_note()
        if note is not None:
            say(texts("collapse")["note"].format(**note), small=True)
        st.markdown(headline.answer(run, found))


def spectra_view(run: RunFolder) -> None:
    """The tables' spectra over the band of random tables."""
    words = texts("collapse")
    st.subheader(words["spectra"], anchor=False)
    say(words["spectraSays"], small=True)
    spectrum(_packed(run), "collapse.overview")
    said = falling(run)
    if said is not None:
        say(said)


@loaders.of_run(16)
def _packed(run: RunFolder) -> bytes:
    shown = data.stages(run)
    return block(spectra.values(run, "centred"), {name: shown.label(name) for name in shown.names}, spectra.band(run, "centred"))


def block(values: Mapping[str, np.ndarray], names: Mapping[str, str], band: np.ndarray) -> bytes:
    """Spectra by table, their names and the band of noise (3, K), for the browser. A table's look is that of its stage."""
    words = texts("collapse")
    curves = [
        {
            "key": key,
            "name": name,
            "glyph": palette.stage_glyph(key),
            "color": palette.stage_color(key),
            "dash": DASHES[palette.stage_dash(key)],
        }
        for key, name in names.items()
    ]
    said = {key: words[key] for key in ("direction", "strength", "random")}
    said["alt"] = words["spectraAlt"].format(tables=", ".join(names.values()))
    arrays = {f"values {key}": v.astype(np.float32) for key, v in values.items()} | {"band": band.astype(np.float32).ravel()}
    return wire.block({"curves": curves, "count": band.shape[1], "words": said}, arrays)


def falling(run: RunFolder) -> str | None:
    """Why the spread falls although the table gets better; None if neither happens."""
    names, found = data.stages(run).names, headline.verdicts(run)
    first, last = ({e["measure"]: e["value"] for e in found[name]["evidence"]} for name in (names[0], names[-1]))
    better = found[names[-1]]["kind"] in ("healthy", "concentrated") and first["effective_rank"] - last["effective_rank"] > FALL
    numbers = {"first": f"{first['effective_rank']:.0f}", "last": f"{last['effective_rank']:.0f}"}
    return texts("collapse")["falls"].format(**numbers) if better else None
