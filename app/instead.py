"""Where a page has nothing to show of a run: one sentence, and where to go."""

import streamlit as st

from adrec.runs import RunFolder
from app import loaders, state
from app.collapse import healthy
from app.texts import texts


def show(run: RunFolder, what: str, why: str) -> None:
    """what: "noise" or "table", which the page is about; why: a key of its texts."""
    words = texts("instead")
    st.info(words[what][why], icon=":material/info:")
    go, row = words["go"], st.container(horizontal=True, vertical_alignment="center", gap="medium")
    other = healthy.healthy_run()
    if other is not None:
        row.button(go[what], on_click=state.put, kwargs={"run": loaders.link_name(other)}, key="instead.open")
    pages = {"collapse": what == "noise" and bool(run.table_names()), "compare": bool(run.stages), "train": True}
    for page, there in pages.items():
        if there:
            row.page_link(loaders.ROOT / "pages" / f"{page}.py", label=go[page], query_params=state.link())
