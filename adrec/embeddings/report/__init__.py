"""Verdicts on item tables as one self-contained HTML file: to read, to print, to attach to an issue.

All untrusted text (names, ids, options) is escaped; there is no script, and the page's policy forbids any request.
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
from adrec.collapse.spectra import null_band
from adrec.embeddings.judging import beside, examined, told
from adrec.embeddings.report import figures

PACKAGES = ("numpy", "scipy", "pandas", "safetensors")
SIGNS = {"healthy": "✓", "concentrated": "✓", "weakly-learned": "!", "spectral-only": "!"}
"""The sign before a verdict; ✕ for collapse."""
WORDS = {
    "Embedding": "The list of numbers that represents an item; all embeddings together are the item table.",
    "Collapse": "Two opposite failures: the table never learnt, so an item's neighbours mean nothing; or it is too narrow, so items "
    "can hardly be told apart.",
    "Null": "The value for a table without structure or meaning: Gaussian tables of the same size for the spectrum, the same table with "
    "shuffled rows for the neighbours.",
    "Threshold": "The value at which the rule decides. docs/VERDICT.md explains the thresholds and how often verdicts are right.",
    "Confidence": "The probability that another table produced in the same way falls on the same side of every deciding comparison; 50 % "
    "if missing interactions could change the verdict.",
    "Direction": "A singular direction of the centred table; items differ most along the strongest ones.",
    "Plain factorisation": "A truncated singular value decomposition of the same interactions, 32 wide: what little effort reaches. It "
    "and the table are asked how far each person's next item lies above other people's next items, seen from the items before it.",
    "Neighbours": "The items whose embeddings have the highest cosine.",
}
TEXTS = {
    "spectrum": "The strength of each direction of a table, relative to the table's root mean square. Noise falls slowly, within the grey "
    "band. A steep start: a few directions dominate. A sudden drop: the rest is unused.",
    "map": "Each dot is an item, on the two strongest axes (PCA). A 2-D map hides most of what matters: it shows neither shrinking nor a "
    "common offset, and little of a loss of rank.",
    "comparison": "Neighbours kept: the share of every item's nearest neighbours (cosine) kept from the previous table. Correlation: of "
    "all entries; about 0 for tables trained separately. A dash: the tables' shapes or items do not allow it.",
}


def report(judged: Mapping[str, Any], tables: Sequence[np.ndarray], command: str = "") -> str:
    """The HTML text. judged: from ``judging.judge``; tables: the (V, D) tables in the same order; command: the command line, if any."""
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
        read=told,
        beside=beside,
        examined=examined,
        confidence=_confidence,
        command=command,
        when=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        python=platform.python_version(),
        versions=", ".join(f"{p} {importlib.metadata.version(p)}" for p in PACKAGES),
    )


def _confidence(verdict: Mapping[str, Any]) -> str:
    sure: float = verdict["confidence"]
    if verdict["undecided"] and sure <= 0.5:
        return "undecided"
    return f"{100 * sure:.0f} %, rather than {KIND_WORDS[verdict['instead']][0].lower()}"


def _band(entries: Sequence[Mapping[str, Any]]) -> np.ndarray | None:
    """The noise band, (3, min(V, D)), if all tables have the same size, else None."""
    sizes = {(e["items"], e["width"]) for e in entries}
    return null_band(*sizes.pop()) if len(sizes) == 1 else None


def number(value: float | None) -> str:
    """Three or four significant digits; a dash for None."""
    if value is None or not math.isfinite(value):
        return "–" if value is None else "∞"
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}".replace("-", "−")
    return f"{value:,.0f}".replace("-", "−") if 1000 <= abs(value) < 1e6 else f"{value:.4g}".replace("-", "−")


def _change(c: Mapping[str, Any]) -> list[str]:
    """A row of the table of changes, from one table to the next."""

    def percent(value: float | None) -> str:
        return "–" if value is None else f"{100 * value:.1f} %"

    return [
        f"{c['before']} → {c['name']}",
        f"{number(c['std_before'])} → {number(c['std'])}",
        f"{percent(c['neighbours_kept'])} (chance {percent(c['neighbours_chance'])})",
        number(None if c["correlation"] is None else round(c["correlation"], 4)),
    ]
