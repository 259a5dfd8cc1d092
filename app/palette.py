"""What Plotly adds to the look of every figure, `adrec.pictures.looks`: markers, and the marks of target, answer and history."""

from adrec.explain import COLORS
from adrec.pictures import looks

STAGE_MARKERS = {"initial": "x-thin", "pretrain": "circle", "warmup": "square", "finetune": "triangle-up"}

NULL_COLOR = "#8A929B"
NULL_DASH = "dash"

TARGET_COLOR, TARGET_MARKER = COLORS["target"], "star"
ANSWER_COLOR, ANSWER_MARKER = COLORS["answer"], "diamond"
HISTORY_COLOR, HISTORY_MARKER = COLORS["history"], "circle-open"

OTHER_MARKERS = ("circle", "square", "triangle-up", "diamond", "star", "cross")


def stage_marker(stage: str) -> str:
    """Its marker, as Plotly calls it."""
    return STAGE_MARKERS.get(stage) or OTHER_MARKERS[looks.numbered(stage)]
