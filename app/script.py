"""What Streamlit runs at every visit and at every change: the pages and the one that is open. main.py serves it."""

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parent.parent
if sys.path[0] != str(ROOT):  # first, because the folder that the app is started from may hold an app.py of its own
    sys.path.insert(0, str(ROOT))

from app import registry, sessions, state, ui  # noqa: E402  (needs the path above)
from app.serving import visitors  # noqa: E402  (needs the path above)


def fits(page: str, run: str) -> bool:
    """Whether a page opens with the run of another: Denoising opens with its own pair rather than with a table that has collapsed."""
    if page != "denoising":
        return True
    from app.collapse import healthy

    return not healthy.named_broken(run)


st.set_page_config(page_title="ADRec explorer", page_icon=str(ROOT / "assets" / "icon.svg"), layout="wide", initial_sidebar_state="auto")
sessions.watch()
if refused := visitors.refusal():
    st.info(refused, icon=":material/hourglass:")
    st.stop()
pages = [
    st.Page(path, title=card["title"], icon=card["icon"], url_path=path.stem, default=place == 0)
    for place, (path, card) in enumerate(registry.pages(ROOT / "pages"))
]
page = st.navigation(pages, position="top")
state.arrive(page.url_path or "learn", fits)
with ui.guard():
    ui.way_back()
    page.run()
