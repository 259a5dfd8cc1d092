"""The verdicts on a run's tables: the answer in one sentence, a card for each table, and the evidence."""

import html
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from adrec.pictures import looks
from adrec.pictures import verdicts as verdicts_
from adrec.runs import RunFolder
from app import loaders, state, ui
from app.collapse import data
from app.texts import say, texts

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
    shown = data.stages(run)
    last = shown.names[-1]
    return verdicts_.answer(shown.label(last), found[last], ui.plain)


def strip(run: RunFolder, found: Mapping[str, Mapping[str, Any]]) -> None:
    """One card a table, in the tables' order."""
    shown = data.stages(run)
    cards = "".join(_card(shown.label(name), name, found[name]) for name in shown.names)
    st.html(f"{CSS}<div class='strip' role='list'>{cards}</div>")


def _card(label: str, name: str, verdict: Mapping[str, Any]) -> str:
    said = {key: html.escape(text) for key, text in verdicts_.summary(name, verdict).items()}
    head = f"<div class='stage'>{looks.stage_glyph(name)} {html.escape(label)}</div><div class='verdict'>{said['kind']}</div>"
    rest = f"<div class='says'>{said['says']}</div><div class='sure'>{said['sure']}</div>"
    return f"<div class='card' role='listitem' style='--mark: {looks.stage_color(name)}'>{head}{rest}</div>"


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
