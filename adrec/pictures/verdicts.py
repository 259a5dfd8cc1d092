"""A verdict in a sign, and in one sentence with its numbers."""

from collections.abc import Callable, Mapping
from typing import Any

from adrec.collapse.kinds import KIND_WORDS
from adrec.pictures.texts import texts

SIGNS = {
    "healthy": "✓",
    "concentrated": "✓",
    "weakly-learned": "◐",
    "spectral-only": "◐",
    "narrowing": "✗",
    "low-rank": "✗",
    "noise-like": "✗",
    "complete-collapse": "✗",
}
"""Shown with the words, so that colour is not the only signal."""


START = "Random numbers, before any training."


NUMBERS = (
    ("mean_cosine", "mean cosine {:.2f}"),
    ("spikes", "directions above noise {:.0f}"),
    ("effective_rank", "effective rank {:.0f}"),
    ("neighbour_lift", "nearest neighbours share users {:.1f} times as often as random pairs"),
)
"""The measures that sum up a verdict: how alike the items are, enough structure in the spectrum, and meaningful neighbours."""


NARROW = ("complete-collapse", "narrowing")
"""Kinds whose items share one vector, which the effective rank leaves out."""


def _measured(verdict: Mapping[str, Any]) -> str:
    by_name = {e["measure"]: e for e in verdict["evidence"]}
    parts = []
    for measure, words in NUMBERS:
        if measure in by_name:
            null = by_name[measure]["null"]
            noise = f" (noise: {null:.0f})" if null is not None and measure == "effective_rank" else ""
            parts.append(words.format(by_name[measure]["value"]) + noise)
    middling = f" {texts('collapse')['middling']}" if verdict["kind"] in NARROW else ""
    return f"Measured: {', '.join(parts)}.{middling}"


def answer(label: str, verdict: Mapping[str, Any], plain: Callable[[str], str] = str) -> str:
    """The state of a table in one sentence with its numbers. label: the table's; plain: marks up what is not ours."""
    table = "its random start, the only table so far" if label == "Initial" else f"the {plain(label.lower())} table"
    return f"**{KIND_WORDS[verdict['kind']][0]}**: {table}. {plain(verdict['says'])} {_measured(verdict)}"


def summary(name: str, verdict: Mapping[str, Any]) -> dict[str, str]:
    """A table's verdict on a card: sign and name of the kind, what it says, how sure it is."""
    start = name == "initial" and verdict["kind"] == "noise-like"
    sign, says = ("○", START) if start else (SIGNS[verdict["kind"]], verdict["says"])
    bare = verdict["undecided"] and not any(e["measure"] == "alignment" for e in verdict["evidence"])
    half = " Without interactions, only the spectral half is decided." if bare else ""
    return {"kind": f"{sign} {KIND_WORDS[verdict['kind']][0]}", "says": str(says), "sure": f"{_sure(verdict)}{half}"}


def _sure(verdict: Mapping[str, Any]) -> str:
    rather = f", rather than {KIND_WORDS[verdict['instead']][0].lower()}" if verdict["confidence"] > 0.5 else ""
    return f"Confidence {100 * verdict['confidence']:.0f} %{rather}."
