"""Links under a figure that save it as PNG and SVG, made in the browser from what is on screen."""

from app.components import component

_mount = component("pictures", '<div class="pictures"></div>')


def pictures(key: str, name: str) -> None:
    """Save the Plotly figure whose Streamlit key is ``key`` under the file name ``name``."""
    _mount(key=f"{key}.pictures", data={"figure": key, "name": name}, width="content")
