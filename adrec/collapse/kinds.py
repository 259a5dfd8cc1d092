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
        Remedy("Add cross-entropy over all items, which must tell them apart: trained on it alone, they stay apart.", "ce-only"),
        Remedy("Compare with squared error alone, under which items draw together into a cone as training goes on.", "mse-only"),
    ),
    "noise-like": (
        Remedy("Train with cross-entropy over all items: it makes a healthy table of a random start.", "no-pretrain"),
        Remedy("Start from a table that a sequential recommender has trained.", "ml-100k"),
        Remedy("Squared error alone is no cure, however long: here it shrank the table and gave it little meaning.", "dreamrec-long"),
        Remedy("Compare with a random table that is kept frozen, and with how it ranks.", "frozen-random"),
    ),
    "low-rank": (Remedy("Start from a table that a sequential recommender has trained: it uses many directions.", "sasrec"),),
    "spectral-only": (
        Remedy("Look at what the leading directions order: popularity and norm are the usual suspects.", ""),
        Remedy("Check that the rows are in the order of the interactions' item ids; a shuffled table looks exactly like this.", ""),
        Remedy("Compare with a sequential recommender's table.", "sasrec"),
    ),
    "weakly-learned": (
        Remedy("Train on with cross-entropy over all items, and watch alignment rise.", "no-pretrain"),
        Remedy("Start from a table that a sequential recommender has trained.", "ml-100k"),
    ),
    "concentrated": (Remedy("Nothing needs repair; compare with the table that the same training began from.", "ml-100k"),),
    "healthy": (),
}

EROSION = Remedy("Keep the table truly frozen while the rest warms up: a gradient of zeros still decays it in Adam.", "warmup-drift")
