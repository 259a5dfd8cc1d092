"""Verdicts on item tables as one HTML file that asks for nothing else: to read, to print, to attach to an issue.

Everything from outside (names, ids, options) is escaped; there is no script in it, and a policy in the page forbids any request.
"""

import importlib.metadata
import math
import platform
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from adrec import browser
from adrec.collapse.definitions import MEASURES
from adrec.collapse.kinds import KIND_WORDS
from adrec.embeddings.report import figures

PACKAGES = ("numpy", "scipy", "pandas", "safetensors")
SIGNS = {"healthy": "✓", "concentrated": "✓", "weakly-learned": "!", "spectral-only": "!"}
"""The sign before a verdict; ✕ for collapse."""
WORDS = {
    "Embedding": "The list of numbers by which a model knows an item; all of them are the item table.",
    "Collapse": "Two opposite things: the table is still noise, so that an item's neighbours mean nothing; or it is narrow, so that items "
    "can hardly be told apart.",
    "Null": "What a table without structure or meaning would show: Gaussian tables of the same size for the spectrum, the same table with "
    "its rows dealt out anew for the neighbours.",
    "Threshold": "Where the rule draws its line. How often verdicts are right, and why the lines are where they are: docs/VERDICT.md.",
    "Confidence": "The chance that a table drawn anew in the same way falls on the same side of every comparison that decides; 50 % where "
    "the interactions are missing that could change the verdict.",
    "Direction": "A singular direction of the centred table: the strongest are those along which items differ most.",
    "Neighbours": "The items whose embeddings point most alike (cosine).",
}
TEXTS = {
    "spectrum": "How strong each direction of a table is, each curve over its own root mean square. Noise falls slowly, within the grey "
    "band. A steep start: a few directions carry much. A sudden drop: the rest is not used.",
    "map": "Each dot an item, on the two strongest axes (PCA). A map is a shadow: shrinking, a common offset and much of a loss of rank "
    "do not show on it.",
    "comparison": "Neighbours kept: of every item's nearest by cosine, the share that was there in the table before. Correlation: of all "
    "entries; about 0 for tables that were trained apart. A dash: the tables' shapes or items do not allow it.",
}


def report(judged: Mapping[str, Any], tables: Sequence[np.ndarray], command: str = "") -> str:
    """The HTML text. judged: from ``judging.judge``; tables: the (V, D) tables in the same order; command: what was typed, if anything."""
    entries = judged["tables"]
    layouts, shares, common = figures.layouts(tables)
    return browser.page(
        "embeddings.html",
        tables=entries,
        signs=SIGNS,
        kinds=KIND_WORDS,
        words=WORDS,
        texts=TEXTS,
        measures=MEASURES,
        glyphs=figures.GLYPHS,
        dashes=figures.DASHES,
        spectra=figures.spectra([(e["name"], np.array(e["singular_values"])) for e in entries], _band(entries)),
        maps=figures.maps(layouts, shares, common),
        common=common,
        comparison=[_change(c) for c in judged["comparison"] or ()],
        values=lambda key: [number(e["measures"].get(key)) for e in entries],
        number=number,
        confidence=_confidence,
        command=command,
        when=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        python=platform.python_version(),
        versions=", ".join(f"{p} {importlib.metadata.version(p)}" for p in PACKAGES),
    )


def _confidence(verdict: Mapping[str, Any]) -> str:
    sure: float = verdict["confidence"]
    if verdict["undecided"] and sure <= 0.5:
        return "open until the interactions are given"
    return "above 99 %" if sure > 0.99 else f"{100 * sure:.0f} %"


def _band(entries: Sequence[Mapping[str, Any]]) -> tuple[np.ndarray, np.ndarray] | None:
    """Noise's band where all tables are of one size; otherwise there is not one band."""
    sizes = {(e["items"], e["width"]) for e in entries}
    return figures.noise_band(*sizes.pop()) if len(sizes) == 1 else None


def number(value: float | None) -> str:
    """Three or four significant digits; a dash for None."""
    if value is None or not math.isfinite(value):
        return "–" if value is None else "∞"
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}".replace("-", "−")
    return f"{value:,.0f}".replace("-", "−") if 1000 <= abs(value) < 1e6 else f"{value:.4g}".replace("-", "−")


def _change(c: Mapping[str, Any]) -> list[str]:
    """From one table to the next: a row of the table of changes."""

    def percent(value: float | None) -> str:
        return "–" if value is None else f"{100 * value:.1f} %"

    return [
        f"{c['before']} → {c['name']}",
        f"{number(c['std_before'])} → {number(c['std'])}",
        f"{percent(c['neighbours_kept'])} (chance {percent(c['neighbours_chance'])})",
        number(None if c["correlation"] is None else round(c["correlation"], 4)),
    ]
