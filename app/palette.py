"""One look for every figure: stage colours (Okabe and Ito), dashes, markers, and the marks of target, answer and history."""

STAGE_ORDER = ("initial", "pretrain", "warmup", "finetune")
STAGE_NAMES = {"initial": "Initial", "pretrain": "Pre-train", "warmup": "Warm-up", "finetune": "Fine-tune"}
STAGE_COLORS = {"initial": "#56B4E9", "pretrain": "#0072B2", "warmup": "#E69F00", "finetune": "#009E73"}
STAGE_DASHES = {"initial": "dot", "pretrain": "dashdot", "warmup": "longdash", "finetune": "solid"}
STAGE_MARKERS = {"initial": "x-thin", "pretrain": "circle", "warmup": "square", "finetune": "triangle-up"}
STAGE_GLYPHS = {"initial": "✕", "pretrain": "●", "warmup": "■", "finetune": "▲"}
"""The markers as characters, for labels and the stage strip."""

NULL_COLOR = "#8A929B"
NULL_DASH = "dash"

TARGET_COLOR, TARGET_MARKER = "#D55E00", "star"
ANSWER_COLOR, ANSWER_MARKER = "#CC79A7", "diamond"
HISTORY_COLOR, HISTORY_MARKER = "#8A929B", "circle-open"

CATEGORIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442", "#8A929B")
CATEGORY_MARKERS = ("circle", "square", "triangle-up", "diamond", "cross", "x", "star", "hexagon")


def stage_label(stage: str, merged: bool = False) -> str:
    """The stage's name for a person; merged: the pre-train table that the warm-up left as it was."""
    return "Pre-train = warm-up" if merged and stage == "pretrain" else STAGE_NAMES[stage]
