"""The verdicts on a run's tables: the answer in one sentence, a card for each table, and the evidence."""

import html
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from adrec.runs import RunFolder
from app import loaders, palette, state, ui
from app.collapse import data
from app.texts import say, texts

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

CSS = """<style>
.strip {display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: .5rem}
.strip .card {border: 1px solid rgba(128, 138, 148, .35); border-top: 4px solid var(--mark); border-radius: 6px; padding: .5rem}
.strip .stage, .strip .says {font-size: .85rem; line-height: 1.35}
.strip .verdict {font-weight: 600; font-size: 1.05rem; margin: .1rem 0}
.strip .sure {font-size: .8rem; opacity: .75; margin-top: .25rem}
</style>"""


@loaders.of_run(32, shared=False)
def kept(run: RunFolder) -> dict[str, dict[str, Any]] | None:
    """Each table's verdict as kept in the run folder; None if there is none."""
    from adrec.collapse.diagnosis import cached_diagnosis

    found = cached_diagnosis(run)
    return None if found is None else {entry["name"]: entry["verdict"] for entry in found["tables"]}


@loaders.of_run(32, spinner="Diagnosing the item tables", shared=False)
def _judged(run: RunFolder, known: bool) -> dict[str, dict[str, Any]]:
    """known: whether the interactions are available."""
    from adrec.collapse.diagnosis import table_verdicts

    near, users = (loaders.together(run), loaders.dataset(run)[0]) if known else (None, None)
    found = table_verdicts(data.distinct_tables(run), near, follows=not loaders.is_bare(run), data=users)
    return {name: verdict.to_json() for name, verdict in found}


def verdicts(run: RunFolder) -> dict[str, dict[str, Any]]:
    """Each table's verdict as JSON, by name: kept in the run folder, or computed now."""
    found = kept(run)
    return _judged(run, loaders.together(run) is not None) if found is None else found


def answer(run: RunFolder, found: Mapping[str, Mapping[str, Any]]) -> str:
    """The state of the last table, in one sentence with its numbers."""
    from adrec.collapse.verdict import KIND_WORDS

    shown = data.stages(run)
    last = found[shown.names[-1]]
    label = shown.label(shown.names[-1])
    table = "its random start, the only table so far" if label == "Initial" else f"the {ui.plain(label.lower())} table"
    return f"**{KIND_WORDS[last['kind']][0]}**: {table}. {ui.plain(last['says'])} {_numbers(last)}"


def _numbers(verdict: Mapping[str, Any]) -> str:
    by_name = {e["measure"]: e for e in verdict["evidence"]}
    parts = []
    for measure, words in NUMBERS:
        if measure in by_name:
            null = by_name[measure]["null"]
            noise = f" (noise: {null:.0f})" if null is not None and measure == "effective_rank" else ""
            parts.append(words.format(by_name[measure]["value"]) + noise)
    middling = f" {texts('collapse')['middling']}" if verdict["kind"] in NARROW else ""
    return f"Measured: {', '.join(parts)}.{middling}"


def strip(run: RunFolder, found: Mapping[str, Mapping[str, Any]]) -> None:
    """One card a table, in the tables' order."""
    shown = data.stages(run)
    cards = "".join(_card(shown.label(name), name, found[name]) for name in shown.names)
    st.html(f"{CSS}<div class='strip' role='list'>{cards}</div>")


def _card(label: str, name: str, verdict: Mapping[str, Any]) -> str:
    from adrec.collapse.verdict import KIND_WORDS

    start = name == "initial" and verdict["kind"] == "noise-like"
    sign, says = ("○", START) if start else (SIGNS[verdict["kind"]], verdict["says"])
    bare = verdict["undecided"] and not any(e["measure"] == "alignment" for e in verdict["evidence"])
    half = " Without interactions, only the spectral half is decided." if bare else ""
    head = f"<div class='stage'>{palette.stage_glyph(name)} {html.escape(label)}</div>"
    kind = f"<div class='verdict'>{sign} {html.escape(KIND_WORDS[verdict['kind']][0])}</div>"
    rest = f"<div class='says'>{html.escape(says)}</div><div class='sure'>{_sure(verdict)}{half}</div>"
    return f"<div class='card' role='listitem' style='--mark: {palette.stage_color(name)}'>{head}{kind}{rest}</div>"


def _sure(verdict: Mapping[str, Any]) -> str:
    from adrec.collapse.verdict import KIND_WORDS

    rather = f", rather than {KIND_WORDS[verdict['instead']][0].lower()}" if verdict["confidence"] > 0.5 else ""
    return html.escape(f"Confidence {100 * verdict['confidence']:.0f} %{rather}.")


def evidence(run: RunFolder) -> None:
    """Every table's verdict and its evidence: each measure's value, null and threshold, what is undecided, and what to try next."""
    shown, found = data.stages(run), verdicts(run)
    strip(run, found)
    for tab, name in zip(st.tabs([ui.plain(shown.label(name)) for name in shown.names]), shown.names, strict=True):
        with tab:
            _evidence(found[name])
            if (codes := data.codes(run, name)) is not None:
                st.markdown(f"**Codes.** {ui.plain(codes)}")
    rows = [{"table": name, **row} for name in shown.names for row in found[name]["evidence"]]
    ui.download("Evidence (CSV)", pd.DataFrame(rows), f"{run.name}-evidence")
    say(texts("collapse")["evidenceSays"], small=True)


def _evidence(verdict: Mapping[str, Any]) -> None:
    rows = "".join(
        f"<tr><th scope='row'>{html.escape(e['measure'].replace('_', ' '))}</th>"
        + "".join(f"<td>{_number(e[key])}</td>" for key in ("value", "null", "threshold"))
        + f"<td class='words'>{html.escape(e['says'])}</td></tr>"
        for e in verdict["evidence"]
    )
    head = "<tr><th>Measure</th><th>Value</th><th>Null</th><th>Threshold</th><th class='words'>In words</th></tr>"
    st.html(f"{EVIDENCE_CSS}<div class='evidence'><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>")
    for text in verdict["undecided"]:
        st.markdown(f"**Undecided.** {ui.plain(text)}")
    for remedy in verdict["next"]:
        st.markdown(f"**Try this.** {ui.plain(remedy['text'])}{_link(remedy['run'])}")


EVIDENCE_CSS = """<style>
.evidence {overflow-x: auto} .evidence table {border-collapse: collapse; width: 100%; font-size: .85rem}
.evidence th, .evidence td {padding: 3px 8px; text-align: right; border-bottom: 1px solid rgba(128, 138, 148, .3); vertical-align: top}
.evidence th:first-child, .evidence .words {text-align: left} .evidence .words {min-width: 18rem} .evidence tbody th {font-weight: 400}
</style>"""


def _link(run: str) -> str:
    """A link to the bundled run that shows the effect; empty if that run is missing."""
    if not run or loaders.find_run(run) is None:
        return ""
    return f" [Look at {ui.plain(run)}](?{urlencode(state.link(run=run))})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
