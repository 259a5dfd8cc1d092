"""What shows a trajectory: its scene, its words, and the page elements that the app and the self-contained report share."""

from pathlib import Path

COLORS = {"target": "#D55E00", "answer": "#CC79A7", "history": "#8A929B"}
"""The marks of target, answer and history, on every page and in every report (Okabe and Ito)."""
STYLES = ("scrubber.css",)
SCRIPTS = ("scrubber_panels.js", "scrubber_map.js", "scrubber_panel.js", "scrubber.js")


def text(*names: str) -> str:
    """The files of this folder, one after the other."""
    return "\n".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in names)
