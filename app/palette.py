"""One look for every figure: that of `adrec.pictures.looks`, Plotly's markers, and the marks of target, answer and history."""

from adrec.explain import COLORS
from adrec.pictures import looks

CATEGORIES = looks.CATEGORIES
CATEGORY_MARKERS = looks.CATEGORY_MARKERS
OTHER_COLORS = looks.OTHER_COLORS
OTHER_DASHES = looks.OTHER_DASHES
OTHER_GLYPHS = looks.OTHER_GLYPHS
STAGE_COLORS = looks.STAGE_COLORS
STAGE_DASHES = looks.STAGE_DASHES
STAGE_GLYPHS = looks.STAGE_GLYPHS
STAGE_NAMES = looks.STAGE_NAMES
stage_color = looks.stage_color
stage_dash = looks.stage_dash
stage_glyph = looks.stage_glyph
stage_label = looks.stage_label

STAGE_ORDER = ("initial", "pretrain", "warmup", "finetune")
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
