"""The eight kinds of verdict in words, and what to try next, each with a bundled run that shows its effect."""

from dataclasses import asdict, dataclass

KINDS = ("complete-collapse", "narrowing", "noise-like", "low-rank", "spectral-only", "weakly-learned", "concentrated", "healthy")
"""In the order in which the rule checks them."""
COLLAPSED = ("complete-collapse", "narrowing", "noise-like", "low-rank")
"""Those of a table that is broken, beyond what is undecided or has only begun to learn."""

KIND_WORDS: dict[str, tuple[str, str]] = {
    "complete-collapse": ("Completely collapsed", "All items share one direction, and their differences are small next to it."),
    "narrowing": ("Narrowing", "The items sit in a cone: much of every item is one direction that all of them share."),
    "noise-like": ("Never learnt", "The table looks like random numbers: no direction stands out and neighbours mean nothing."),
    "low-rank": ("Low rank", "A few directions, or a few distinct vectors, carry everything, and neighbours mean little."),
    "spectral-only": ("Structure without meaning", "Some directions are stronger than noise, but items used together are not close."),
    "weakly-learned": ("Weakly learned", "Items used together are a little closer than chance: learning has begun, noise still dominates."),
    "concentrated": ("Meaningful, concentrated", "A few directions carry most of the table, but neighbours are meaningful: no collapse."),
    "healthy": ("Healthy", "Many directions are in use, and items used together are close together."),
}
"""Kind: (short label, one sentence)."""


@dataclass(frozen=True)
class Remedy:
    """Something to try next. run: the bundled run that shows its effect, "" if there is none; source: the paper that says so, else "".

    Without either it is a check, which needs nobody's word.
    """

    text: str
    run: str
    source: str = ""

    def to_json(self) -> dict[str, str]:
        return asdict(self)


REMEDIES: dict[str, tuple[Remedy, ...]] = {
    "complete-collapse": (
        Remedy(
            "Add a loss that pushes items apart (cross-entropy over all of them, negative samples): on it alone, they stay apart.",
            "ce-only",
        ),
        Remedy("Compare with a loss that only pulls together (squared error alone): under it, items contract into a cone.", "mse-only"),
    ),
    "narrowing": (
        Remedy("Subtract the mean of all rows and rank again: adrec repair FILE --by centre.", "", "Mu and Viswanath 2018"),
        Remedy(
            "Push items apart (cross-entropy over all of them, more negative samples): on such a loss alone, they stay apart.", "ce-only"
        ),
        Remedy(
            "Stop early, or hold the table still, if the loss only pulls together: on squared error alone it goes on contracting.",
            "mse-only",
        ),
    ),
    "noise-like": (
        Remedy("Check that gradients reach the table: a loss that ranks items against others makes a random start healthy.", "no-pretrain"),
        Remedy("Start from a table that another model has learnt, with a loss that ranks items: the start alone does not hold.", "ml-100k"),
        Remedy("A loss that only pulls together does not help, however long: squared error alone gave little meaning.", "dreamrec-long"),
        Remedy("Compare with a frozen random table, and with how well it ranks.", "frozen-random"),
    ),
    "low-rank": (
        Remedy("Compare with a table that a sequential recommender has learnt from such data: it uses many directions.", "sasrec"),
    ),
    "spectral-only": (
        Remedy("Look at what the leading directions sort by: popularity and norm are the usual suspects.", ""),
        Remedy("Check that the rows follow the interactions' item ids; a shuffled table looks exactly like this.", ""),
        Remedy("Compare with a sequential recommender's table.", "sasrec"),
    ),
    "weakly-learned": (
        Remedy("Train longer with a loss that ranks items against others, and watch alignment rise.", "no-pretrain"),
        Remedy("Start from a table that another model has learnt, with a loss that ranks items: the start alone does not hold.", "ml-100k"),
    ),
    "concentrated": (Remedy("Nothing needs fixing; compare with the table that the same training started from.", "ml-100k"),),
    "healthy": (
        Remedy(
            "Nothing needs fixing. If the loss only pulls together, keep the early stop: it is what kept such a table healthy.", "mse-only"
        ),
    ),
}
"""In words that suit any trainer: losses that push items apart or rank them (cross-entropy, negative sampling), and such that only pull."""

FACT_REMEDIES: dict[str, Remedy] = {
    "not-finite": Remedy(
        "Clip the gradients and scale the loss in half precision, then train again.", "", "Pascanu et al. 2013; Micikevicius et al. 2018"
    ),
    "dead-columns": Remedy("Push variance into every column with a variance and a covariance term.", "", "VICReg, Bardes et al. 2022"),
    "duplicate-columns": Remedy("Decorrelate the columns during training.", "", "Barlow Twins, Zbontar et al. 2021"),
    "heavy-column": Remedy("Open this column: an id, a count or a price must be left out before anything else is believed.", ""),
    "dead-rows": Remedy("Check that the optimiser gets these rows and that no mask or padding index sets them to zero.", ""),
    "duplicate-rows": Remedy(
        "If ids are hashed, give each item a combination of rows that it shares with no other.",
        "",
        "Shi et al. 2020, compositional embeddings",
    ),
    "giant-row": Remedy("Look at this item: padding or an unknown token that was trained along is the usual reason.", ""),
    "quantised": Remedy("Judge the table from before it was quantised, or subtract the zero point and multiply by the scale.", ""),
    "integer-values": Remedy("Check that this array is the item table and not the codes or ids beside it.", ""),
    "small-scale": Remedy("Take the table out of the weight decay, which shrinks it even where gradients are zero.", "warmup-drift"),
    "large-scale": Remedy("Normalise the rows, and learn a temperature in place of their length.", "", "NormFace, Wang et al. 2017"),
    "unmoved-rows": Remedy(
        "Check that the optimiser gets these rows: one that nothing moves stays noise and ranks badly.", "frozen-random"
    ),
    "popularity-first": Remedy(
        "Subtract the log of how often an item is sampled from its score in a sampled softmax.", "", "Yi et al. 2019, logQ correction"
    ),
    "never-used": Remedy("Give these items vectors from their content.", "", "DropoutNet, Volkovs et al. 2017"),
}
"""What to try where a plain fact (``adrec.collapse.facts``) holds, by its code."""

EROSION = Remedy("Really freeze the table during the warm-up: with zero gradients, Adam's weight decay still shrinks it.", "warmup-drift")
