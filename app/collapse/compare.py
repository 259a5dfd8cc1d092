"""Compare: tables of two runs or files laid into one folder, which then opens like a run, with the same maps, spectra and verdicts."""

from typing import Any

import streamlit as st

from adrec.errors import AdrecError
from adrec.folders import runs_folder
from adrec.runs import RunFolder
from app import loaders, own_data, state, ui
from app.collapse import data

MOST = 6
"""Tables of a comparison: more share neither maps nor colours well."""


def chooser(run: RunFolder, place: Any) -> None:
    """A button beside the run that asks for the other run or file and which tables of both, and lays them side by side."""
    words = "Lay tables of two runs or files over each other in the same frames."
    if place.button("Compare", icon=":material/compare:", help=words, key=f"compare.{loaders.key(run)}"):
        _choose(run)


@st.dialog("Compare with another run or file")
@ui.guard()
def _choose(run: RunFolder) -> None:
    others = candidates(run)
    if not others:
        items, width = data.stages(run).items, data.stages(run).width
        st.caption(f"No other run or file here has tables of {items:,} items and width {width}, which sharing a map takes.")
        return
    st.caption("Both are then shown in the same frames, each table with its verdict. Files come in by the page 'Your embeddings'.")
    names = list(others)
    other = others[st.selectbox("With", names, format_func=lambda n: ui.run_title(others[n]), key=f"compare.with.{loaders.key(run)}")]
    first = _tables("Tables of this run", run, f"compare.of.{loaders.key(run)}")
    second = _tables(ui.plain(f"Tables of {other.name}"), other, f"compare.{loaders.key(run)}.{loaders.key(other)}")
    count = len(first) + len(second)
    wrong = "Choose at least one table of each." if not (first and second) else f"Choose {MOST} at most." if count > MOST else None
    if st.button("Show side by side", type="primary", disabled=wrong is not None, help=wrong, key="compare.go"):
        with st.spinner("Judging and comparing"):
            made = together(run, first, other, second)
        state.put(run=made.name, stage=None, table=None, frame=None, direction=None)
        st.rerun()


def _tables(label: str, run: RunFolder, key: str) -> list[str]:
    shown = data.stages(run)
    return st.multiselect(label, list(shown.names), default=[shown.names[-1]], format_func=shown.label, key=key)


def candidates(run: RunFolder) -> dict[str, RunFolder]:
    """The other runs and brought files whose tables are as large, by name."""
    here = data.stages(run)
    found: dict[str, RunFolder] = {}
    for other in loaders.all_runs():
        try:
            if other.path.resolve() != run.path.resolve() and other.table_names():
                shown = data.stages(other)
                if (shown.items, shown.width) == (here.items, here.width):
                    found[other.name] = other
        except AdrecError:
            continue  # a folder that cannot be read is no candidate
    return found


def together(run: RunFolder, first: list[str], other: RunFolder, second: list[str]) -> RunFolder:
    """The folder that holds the chosen tables of both, rows matched by item id; made once, among the person's own runs."""
    from adrec.embeddings.bring import bring, import_tables
    from adrec.embeddings.judging import judge

    wanted = {str(run.path.resolve()): first, str(other.path.resolve()): second}
    sources = [s for s in bring([run.path, other.path]) if s.run and s.run[1] in wanted[str(s.run[0].path.resolve())]]
    digests = [s.digest for s in sources]
    stem = own_data.NAME.sub("-", f"{run.name}-vs-{other.name}")[:60]
    for number in range(1, 1000):
        folder = RunFolder(runs_folder() / (stem if number == 1 else f"{stem}-{number}"))
        if folder.exists and _digests(folder) == digests:
            return folder
        if not folder.path.exists() and loaders.find_run(folder.name) is None:
            return import_tables(folder, sources, judge(sources))
    raise AdrecError(f"There are a thousand comparisons called '{stem}'; remove some of them.")


def _digests(folder: RunFolder) -> list[str]:
    found = folder.info.get("sources")
    return [str(s.get("sha256")) for s in found if isinstance(s, dict)] if isinstance(found, list) else []
