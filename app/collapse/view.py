"""The table of measures on the Collapse page, and their definitions."""

import html
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from adrec.collapse.definitions import MEASURES, OFFICIAL, Measure
from adrec.pictures import looks
from adrec.pictures.numbers import number
from adrec.runs import RunFolder
from app import ui
from app.collapse import data

# -- measures -----------------------------------------------------------------------------------------------------

TABLE_CSS = """<style>
.measures {overflow-x: auto} .measures table {border-collapse: collapse; width: 100%; font-size: .9rem}
.measures th, .measures td {padding: 4px 8px; text-align: right; border-bottom: 1px solid rgba(128, 138, 148, .3)}
.measures td {font-variant-numeric: tabular-nums}
.measures thead th {font-weight: 600; vertical-align: bottom; white-space: nowrap} .measures tbody th {font-weight: 400}
.measures th:first-child {text-align: left; min-width: 8rem} .measures abbr {text-decoration: underline dotted; cursor: help}
@media (max-width: 640px) {
 .measures table {font-size: .8rem} .measures thead th {white-space: normal}
 .measures th, .measures td {padding: 4px 3px} .measures th:first-child {min-width: 6rem}
}
</style>"""


def measures_view(run: RunFolder) -> None:
    """All measures of every table, next to those of noise."""
    _measures_table(run, "measures", data.measures(run), MEASURES)


def definitions_view(run: RunFolder) -> None:
    """What the measures mean, and the notebook's nine measures."""
    shown = data.stages(run)
    with st.expander("What each measure means"):
        _definitions(MEASURES)
    with st.expander("The nine measures of the official notebook"):
        every = "They compare every pair of items, which takes a while at this size."
        if shown.items <= data.AT_ONCE or st.button("Compute", key="nine", help=every):
            _measures_table(run, "notebook-measures", data.official(run), OFFICIAL)
            _definitions(OFFICIAL)


def _measures_table(run: RunFolder, name: str, found: Mapping[str, Mapping[str, float]], registry: Mapping[str, Measure]) -> None:
    shown = data.stages(run)
    table([_column(shown, column) for column in found], list(found.values()), registry)
    frame = pd.DataFrame({"measure": list(registry), **{column: [values[key] for key in registry] for column, values in found.items()}})
    ui.download("Data (CSV)", frame, f"{run.name}-{name}")


def table(heads: Sequence[str], columns: Sequence[Mapping[str, float]], registry: Mapping[str, Measure]) -> None:
    """Measures side by side. heads: HTML above each column."""
    head = "".join(f"<th scope='col'>{text}</th>" for text in heads)
    body = "".join(
        f"<tr><th scope='row'><abbr title=\"{html.escape(m.meaning)}\">{html.escape(m.name)}</abbr></th>"
        + "".join(f"<td>{number(values[key])}</td>" for values in columns)
        + "</tr>"
        for key, m in registry.items()
    )
    rows = f"<table><thead><tr><th scope='col'>Measure</th>{head}</tr></thead><tbody>{body}</tbody></table>"
    st.html(f"{TABLE_CSS}<div class='measures'>{rows}</div>")


def _column(shown: data.Stages, name: str) -> str:
    if name == data.NULL:
        return "<span title='One table of random numbers of the same size, at the first table&#39;s scale'>Gaussian noise</span>"
    return f"<span style='color:{looks.stage_color(name)}'>{looks.stage_glyph(name)}</span> {html.escape(shown.label(name))}"


def _definitions(registry: Mapping[str, Measure]) -> None:
    st.markdown("\n".join(f"- **{m.name}**: {m.meaning} `{m.formula}` *({m.source})*" for m in registry.values()))
