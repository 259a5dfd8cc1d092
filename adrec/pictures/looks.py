"""How tables look in every figure: the stages' names, colours (Okabe and Ito), dashes and glyphs, and those of categories."""

import re

STAGE_NAMES = {"initial": "Initial", "pretrain": "Pre-train", "warmup": "Warm-up", "finetune": "Fine-tune"}


STAGE_COLORS = {"initial": "#56B4E9", "pretrain": "#0072B2", "warmup": "#E69F00", "finetune": "#009E73"}


STAGE_DASHES = {"initial": "dot", "pretrain": "dashdot", "warmup": "longdash", "finetune": "solid"}


STAGE_GLYPHS = {"initial": "✕", "pretrain": "●", "warmup": "■", "finetune": "▲"}
"""The markers as characters, for labels and the stage strip."""


CATEGORIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442", "#8A929B")


CATEGORY_MARKERS = ("circle", "square", "triangle-up", "diamond", "cross", "x", "star", "hexagon")


OTHER_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")


OTHER_DASHES = ("solid", "longdash", "dashdot", "dot", "longdashdot", "dash")


OTHER_GLYPHS = ("●", "■", "▲", "◆", "★", "✚")
"""Looks of tables that are not stages, by number."""


NUMBERED = re.compile(r"(\d{1,4}) (.+)", re.DOTALL)


def stage_label(stage: str, merged: bool = False) -> str:
    """The stage's name for people. merged: the pre-train table, which the warm-up left unchanged. Other tables keep their own names."""
    if merged and stage == "pretrain":
        return "Pre-train = warm-up"
    found = NUMBERED.fullmatch(stage)
    return STAGE_NAMES.get(stage) or (found[2] if found else stage)


def stage_color(stage: str) -> str:
    """The colour of a stage or of any other table (see ``_index``)."""
    return STAGE_COLORS.get(stage) or OTHER_COLORS[numbered(stage)]


def stage_dash(stage: str) -> str:
    """The dash of its line, as Plotly calls it."""
    return STAGE_DASHES.get(stage) or OTHER_DASHES[numbered(stage)]


def stage_glyph(stage: str) -> str:
    """Its marker as a character."""
    return STAGE_GLYPHS.get(stage) or OTHER_GLYPHS[numbered(stage)]


def numbered(name: str) -> int:
    """Compared tables are named ``1 first file``, ``2 second file``, ...: the number selects the look; without one, the first."""
    found = NUMBERED.fullmatch(name)
    return (int(found[1]) - 1 if found else 0) % len(OTHER_COLORS)
