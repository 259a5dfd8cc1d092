"""The app's entry: ``adrec app``, or ``streamlit run app/main.py``."""

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parent.parent
if sys.path[0] != str(ROOT):  # first, because the folder that the app is started from may hold an app.py of its own
    sys.path.insert(0, str(ROOT))

from app import reruns, server_log, state, ui  # noqa: E402  (needs the path above)

st.set_page_config(page_title="ADRec explorer", page_icon=str(ROOT / "assets" / "icon.svg"), layout="wide", initial_sidebar_state="auto")
pages = [
    st.Page(ROOT / "pages/start.py", title="Start", icon=":material/home:", url_path="start", default=True),
    st.Page(ROOT / "pages/collapse.py", title="Collapse", icon=":material/scatter_plot:", url_path="collapse"),
    st.Page(ROOT / "pages/own.py", title="Your embeddings", icon=":material/upload_file:", url_path="own"),
    st.Page(ROOT / "pages/denoising.py", title="Denoising", icon=":material/blur_on:", url_path="denoising"),
    st.Page(ROOT / "pages/train.py", title="Train", icon=":material/model_training:", url_path="train"),
]
server_log.quiet_disconnects()
reruns.busy()
page = st.navigation(pages, position="top")
state.arrive(page.url_path or "start")
try:
    with ui.guard():
        page.run()
finally:  # however it ends
    reruns.idle()
