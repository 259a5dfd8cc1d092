"""Parts of the pages that run in the browser. What is in them is in adrec/browser/; here is what they are sent and what they tell."""

from typing import Any

import streamlit as st

from adrec import browser


def component(name: str, html: str) -> Any:
    """Register the component of a module and a style of adrec/browser/ that have this name; returns the function that mounts it."""
    return st.components.v2.component(f"adrec_{name}", html=html, css=browser.text(f"{name}.css"), js=browser.component(f"{name}.js"))
