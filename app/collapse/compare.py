"""Compare: copies tables of two runs or files into one folder, which opens like a run, with the same maps, spectra and verdicts."""

from typing import Any

import streamlit as st

from adrec.errors import AdrecError
from adrec.runs import RunFolder
from app import loaders, own_data, state, train_about, ui
from app.collapse import data
from app.serving import visitors

MOST = 6
"""Tables in a comparison; more would not fit on the maps or in the palette."""


def chooser(run: RunFolder, place: Any) -> None:
    """A button next to the run that asks for the other run or file and the tables of both to show side by side."""
    words = "Show tables of two runs or files on the same axes."
    if place.button("Compare", icon=":material/compare:", help=words, key=f"compare.{loaders.tag(run)}"):
        _choose(run)
    if loaders.is_bare(run) and run.path.parent == visitors.folder():
        with place.popover("Delete", icon=":material/delete:", type="tertiary"), ui.guard():
            train_about.delete(visitors.folder(), run)


@st.dialog("Compare with another run or file")
@ui.guard()
def _choose(run: RunFolder) -> None:
    others = candidates(run)
    if not others:
        items, width = data.stages(run).items, data.stages(run).width
        st.caption(f"No other run or file has tables of {items:,} items and width {width}, as a shared map requires.")
        return
    st.caption("Both are shown on the same axes, each table with its verdict. To add files, use the page 'Your embeddings'.")
    other = others[ui.choose_run("With", others, f"compare.with.{loaders.tag(run)}", next(iter(others)), url=False)]
    first = _tables("Tables of this run", run, f"compare.of.{loaders.tag(run)}")
    second = _tables(ui.plain(f"Tables of {ui.run_name(other)}"), other, f"compare.{loaders.tag(run)}.{loaders.tag(other)}")
    count = len(first) + len(second)
    wrong = "Choose at least one table from each." if not (first and second) else f"Choose at most {MOST}." if count > MOST else None
    if st.button("Show side by side", type="primary", disabled=wrong is not None, help=wrong, key="compare.go"):
        with st.spinner("Diagnosing and comparing"):
            made = together(run, first, other, second)
        state.put(run=made.name, stage=None, table=None, frame=None, direction=None)
        st.rerun()


def _tables(label: str, run: RunFolder, key: str) -> list[str]:
    shown = data.stages(run)
    return st.multiselect(label, list(shown.names), default=[shown.names[-1]], format_func=shown.label, key=key)


def candidates(run: RunFolder) -> dict[str, RunFolder]:
    """The other runs and uploaded files with tables of the same size, by name."""
    here = data.stages(run)
    found: dict[str, RunFolder] = {}
    for other in loaders.all_runs():
        try:
            if other.path.resolve() != run.path.resolve() and other.table_names():
                shown = data.stages(other)
                if (shown.items, shown.width) == (here.items, here.width):
                    found[other.name] = other
        except AdrecError:
            continue  # skip unreadable folders
    return found


def together(run: RunFolder, first: list[str], other: RunFolder, second: list[str]) -> RunFolder:
    """The folder with the chosen tables of both, rows matched by item id; created once, among the visitor's own runs."""
    from adrec.embeddings.bring import bring, import_tables
    from adrec.embeddings.judging import judge

    wanted = {str(run.path.resolve()): first, str(other.path.resolve()): second}
    sources = [s for s in bring([run.path, other.path]) if s.run and s.run[1] in wanted[str(s.run[0].path.resolve())]]
    digests = [s.digest for s in sources]
    stem = own_data.NAME.sub("-", f"{run.name}-vs-{other.name}")[:60]
    for number in range(1, 1000):
        folder = RunFolder(visitors.folder() / (stem if number == 1 else f"{stem}-{number}"))
        if folder.exists and _digests(folder) == digests:
            return folder
        if not folder.path.exists() and loaders.find_run(folder.name) is None:
            visitors.check_room()
            visitors.check_readings()
            with own_data.turn(visitors.me()):
                return import_tables(folder, sources, judge(sources))
    raise AdrecError(f"There are already a thousand comparisons called '{stem}'; delete some of them.")


def _digests(folder: RunFolder) -> list[str]:
    found = folder.info.get("sources")
    return [str(s.get("sha256")) for s in found if isinstance(s, dict)] if isinstance(found, list) else []
