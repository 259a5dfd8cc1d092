"""The seven kinds of verdict in words, and what to try next, each with a bundled run that shows the effect."""

from dataclasses import dataclass

KINDS = ("complete-collapse", "noise-like", "low-rank", "spectral-only", "weakly-learned", "concentrated", "healthy")
"""In the order in which the rule checks them."""

KIND_WORDS: dict[str, tuple[str, str]] = {
    "complete-collapse": (
        "Completely collapsed",
        "All items share one direction, and the differences between them are small in comparison.",
    ),
    "noise-like": ("Like noise", "The table looks like random numbers: no direction stands out and neighbours mean nothing."),
    "low-rank": ("Low rank", "A few directions, or a few distinct vectors, carry everything, and neighbours mean little."),
    "spectral-only": (
        "Structure without meaning",
        "Some directions are stronger than noise, but items used together are not close together.",
    ),
    "weakly-learned": (
        "Weakly learned",
        "Items used together are slightly closer than chance: learning has begun, but noise still dominates.",
    ),
    "concentrated": (
        "Meaningful, concentrated",
        "A few directions carry most of the variance, but neighbours are meaningful: this is not collapse.",
    ),
    "healthy": ("Healthy", "Many directions are in use, and items used together are close together."),
}
"""Kind: (a short label, one plain sentence)."""


@dataclass(frozen=True)
class Remedy:
    """Something to try next. run: the bundled run that shows its effect, "" where there is none."""

    text: str
    run: str


REMEDIES: dict[str, tuple[Remedy, ...]] = {
    "complete-collapse": (
        Remedy(
            "Add cross-entropy over all items, which forces the model to tell them apart: trained on it alone, they stay distinct.",
            "ce-only",
        ),
        Remedy("Compare with squared error alone: as training goes on, the items contract into a cone.", "mse-only"),
    ),
    "noise-like": (
        Remedy("Train with cross-entropy over all items: it turns a random start into a healthy table.", "no-pretrain"),
        Remedy("Start from a table pre-trained by a sequential recommender.", "ml-100k"),
        Remedy(
            "Don't rely on squared error alone, however long you train: here it shrank the table and added little meaning.", "dreamrec-long"
        ),
        Remedy("Compare with a random table kept frozen, and with how well it ranks.", "frozen-random"),
    ),
    "low-rank": (Remedy("Start from a table pre-trained by a sequential recommender: it uses many directions.", "sasrec"),),
    "spectral-only": (
        Remedy("Look at what the leading directions encode: popularity and norm are the usual suspects.", ""),
        Remedy("Check that the rows are in the order of the interactions' item ids; a shuffled table looks exactly like this.", ""),
        Remedy("Compare with a sequential recommender's table.", "sasrec"),
    ),
    "weakly-learned": (
        Remedy("Keep training with cross-entropy over all items, and watch the alignment rise.", "no-pretrain"),
        Remedy("Start from a table pre-trained by a sequential recommender.", "ml-100k"),
    ),
    "concentrated": (Remedy("Nothing needs fixing; compare with the table from which the same training started.", "ml-100k"),),
    "healthy": (),
}

EROSION = Remedy(
    "Really freeze the table during the warm-up: with a gradient of zeros, Adam's weight decay still shrinks it.", "warmup-drift"
)
