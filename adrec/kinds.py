"""The seven kinds of verdict in words, and what to try next, each tied to a run of this repository that shows its effect."""

from dataclasses import dataclass

KINDS = ("complete-collapse", "noise-like", "low-rank", "spectral-only", "weakly-learned", "concentrated", "healthy")
"""In the order in which the rule looks for them."""

KIND_WORDS: dict[str, tuple[str, str]] = {
    "complete-collapse": ("Completely collapsed", "All items share one direction, and what tells them apart is small beside it."),
    "noise-like": ("Like noise", "The table cannot be told from random numbers: no direction stands out and neighbours mean nothing."),
    "low-rank": ("Low rank", "Few directions, or few different vectors, carry everything, and neighbours mean little."),
    "spectral-only": ("Structure without meaning", "Some directions are stronger than noise, but items used together do not lie together."),
    "weakly-learned": ("Weakly learned", "Items used together lie a little closer than chance: learning has begun, noise still rules."),
    "concentrated": ("Meaningful, concentrated", "Few directions carry most of the table, and neighbours mean something: no collapse."),
    "healthy": ("Healthy", "Many directions are in use and items used together lie together."),
}
"""Kind: (a short label, one plain sentence)."""


@dataclass(frozen=True)
class Remedy:
    """Something to try next. run: the bundled run that shows its effect, "" where there is none."""

    text: str
    run: str


REMEDIES: dict[str, tuple[Remedy, ...]] = {
    "complete-collapse": (
        Remedy("Add a loss that tells items apart, such as cross-entropy; squared error alone can be met by one point.", "ce-only"),
        Remedy("Compare with training on squared error alone.", "mse-only"),
    ),
    "noise-like": (
        Remedy("Train longer before judging: few steps leave the table at its start.", "dreamrec-long"),
        Remedy("Start from a table that a sequential recommender has trained.", "ml-100k"),
        Remedy("Compare with a random table that is kept frozen.", "frozen-random"),
    ),
    "low-rank": (
        Remedy("Start from a table that a sequential recommender has trained.", "sasrec"),
        Remedy("Compare with training without that start.", "no-pretrain"),
        Remedy("Compare with squared error alone, which gains from a shrinking table.", "mse-only"),
    ),
    "spectral-only": (
        Remedy("Look at what the leading directions order: popularity and norm are the usual suspects.", ""),
        Remedy("Check that the rows are in the order of the interactions' item ids; a shuffled table looks exactly like this.", ""),
        Remedy("Compare with a sequential recommender's table.", "sasrec"),
    ),
    "weakly-learned": (
        Remedy("Train longer, and watch alignment rise.", "dreamrec-long"),
        Remedy("Start from a table that a sequential recommender has trained.", "ml-100k"),
    ),
    "concentrated": (Remedy("Nothing needs repair; compare with the table that the same training began from.", "ml-100k"),),
    "healthy": (),
}

EROSION = Remedy("Keep the table truly frozen while the rest warms up: a gradient of zeros still decays it in Adam.", "warmup-drift")
