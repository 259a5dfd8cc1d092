"""Links under a figure that save it as PNG and SVG, made in the browser from what is on screen."""

from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).resolve().parent


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


_mount = st.components.v2.component(
    "adrec_pictures", html='<div class="pictures"></div>', css=_text("pictures.css"), js=_text("pictures.js")
)


def pictures(key: str, name: str) -> None:
    """Save the Plotly figure whose Streamlit key is ``key`` under the file name ``name``."""
    _mount(key=f"{key}.pictures", data={"figure": key, "name": name}, width="content")
