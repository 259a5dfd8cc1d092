"""What each measure of a table means, its formula, its source, and which direction is worrying."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """A definition. worrying: ``low``, ``high``, ``both`` (each end is a different kind of collapse) or ``none`` (for comparison only)."""

    name: str
    meaning: str
    formula: str
    source: str
    worrying: str


MEASURES: dict[str, Measure] = {
    "effective_rank": Measure(
        "Effective rank",
        "How many directions the items really use. Near the width: noise, or a very even table; near 1: everything lies on one line.",
        "exp(-Σ p ln p), p = σ / Σσ, σ the singular values of the centred table",
        "Roy & Vetterli 2007",
        "both",
    ),
    "effective_rank_uncentred": Measure(
        "Effective rank, not centred",
        "The same without subtracting the mean. Far below the centred one: all items share one large common direction.",
        "exp(-Σ p ln p), p = σ / Σσ, σ the singular values of the uncentred table",
        "Roy & Vetterli 2007",
        "low",
    ),
    "rankme": Measure(
        "RankMe",
        "The effective rank as used in self-supervised learning; a tiny constant keeps its logarithm finite.",
        "exp(-Σ p ln p), p = σ / Σσ + 1e-7",
        "Garrido et al. 2023, arXiv 2210.02885",
        "both",
    ),
    "information_abundance": Measure(
        "Information abundance",
        "The sum of all singular values over the largest. 1: a single direction; the width: all directions equally strong.",
        "Σσ / max σ",
        "Guo et al. 2024, arXiv 2310.04400",
        "low",
    ),
    "stable_rank": Measure(
        "Stable rank",
        "The total variance over that of the strongest direction. Low: one direction dominates.",
        "Σλ / max λ, λ = σ²",
        "Rudelson & Vershynin 2007",
        "low",
    ),
    "participation_ratio": Measure(
        "Participation ratio",
        "How many directions share the variance, weak ones counting little. Falls earlier than the effective rank when a few take over.",
        "(Σλ)² / Σλ², λ = σ²",
        "Rudman et al. 2022, arXiv 2108.07344",
        "low",
    ),
    "isoscore": Measure(
        "IsoScore",
        "How evenly the variance is spread over the directions, from 0 (one direction) to 1 (all equal, as in noise).",
        "(participation ratio - 1) / (D - 1)",
        "Rudman et al. 2022, arXiv 2108.07344",
        "both",
    ),
    "condition_number": Measure(
        "Condition number",
        "How much longer the cloud of items is along its longest direction than along its shortest. Infinite: some direction is unused.",
        "max σ / min σ",
        "Golub & Van Loan, Matrix Computations, section 2.6",
        "high",
    ),
    "mean_cosine": Measure(
        "Mean cosine",
        "The mean cosine of two random items. 0: no common direction; near 1: all items sit in a narrow cone and are hard to tell apart.",
        "mean of cos(w_i, w_j) over all pairs i ≠ j",
        "Ethayarajh 2019, arXiv 1909.00512",
        "high",
    ),
    "offset": Measure(
        "Offset",
        "The share of the items' squared length that comes from one common vector. A map does not show it.",
        "|μ|² / mean |w|², μ the mean row",
        "Mu & Viswanath 2018, arXiv 1702.01417",
        "high",
    ),
    "isotropy": Measure(
        "Isotropy",
        "Whether the items look the same from every direction: 1 if they do. Depends on the table's scale.",
        "min over max of Z(a) = Σ exp(a·w), a over ± the eigenvectors of WᵀW",
        "Mu & Viswanath 2018, arXiv 1702.01417",
        "low",
    ),
    "uniformity": Measure(
        "Uniformity",
        "How well the items spread over all directions. About -4: spread out; near 0: they crowd into one direction.",
        "ln mean exp(-2 |x - y|²), rows to unit length",
        "Wang & Isola 2020, arXiv 2005.10242",
        "high",
    ),
    "spikes": Measure(
        "Directions above noise",
        "How many directions are stronger than any in pure noise of this size. 0: the spectrum looks like noise.",
        "number of eigenvalues of ZᵀZ / V above (1 + √(D/V))² by more than noise's 99.9 % fluctuation, Z z-scored by columns",
        "Marchenko & Pastur 1967; Johnstone 2001; Martin & Mahoney 2018, arXiv 1810.01075",
        "low",
    ),
    "largest_over_edge": Measure(
        "Strongest direction over noise",
        "The strongest direction's variance over the most that noise of this size would give. 1 or less: like noise.",
        "max eigenvalue of ZᵀZ / V over (1 + √(D/V))², Z z-scored by columns",
        "Martin & Mahoney 2018, arXiv 1810.01075",
        "low",
    ),
    "gaussian_kl": Measure(
        "Distance from a Gaussian's covariance",
        "How far the columns are from uncorrelated, in nats. Near 0: like noise. Unlike the notebook's version, it never saturates.",
        "½ (tr C - D - ln det C), C the covariance of the z-scored table",
        "Kullback & Leibler 1951, closed form for Gaussians",
        "both",
    ),
    "variance": Measure(
        "Variance of the entries",
        "The scale of the table, squared. Shrinking alone changes no neighbours and is not a collapse.",
        "mean of (w - mean w)² over all entries",
        "textbook",
        "none",
    ),
    "std": Measure(
        "Standard deviation of the entries",
        "The scale of the table. Compare it with the start of training; on its own it means nothing.",
        "√variance",
        "textbook",
        "none",
    ),
}

OFFICIAL: dict[str, Measure] = {
    "variance": Measure("Variance", "The scale of the table.", "mean of the columns' variances", "official notebook", "none"),
    "cosine": Measure(
        "Cosine",
        "The mean cosine of two items, including each item with itself.",
        "mean cosine over all V² pairs",
        "official notebook",
        "high",
    ),
    "distance": Measure(
        "Distance",
        "How far apart two items are, including each item with itself.",
        "mean |x - y| over all V² pairs",
        "official notebook",
        "none",
    ),
    "sv_entropy": Measure(
        "Entropy of singular values",
        "How evenly the directions are used; its exponential is an effective rank.",
        "-Σ p ln p, p = σ / Σσ, columns z-scored",
        "official notebook",
        "both",
    ),
    "sv_variance": Measure(
        "Variance of singular values",
        "How unequal the directions are: near 0 for noise.",
        "var(σ), columns z-scored",
        "official notebook",
        "both",
    ),
    "isotropy": Measure(
        "Isotropy, spectral",
        "The weakest direction's variance over the strongest's.",
        "min λ / max λ of the covariance, columns z-scored",
        "official notebook",
        "low",
    ),
    "kl_gaussian": Measure(
        "KL to a Gaussian",
        "How far the columns are from uncorrelated; its 1e-9 caps it at about 10.36 on every trained table.",
        "½ (tr C - D - ln(det C + 1e-9))",
        "official notebook",
        "both",
    ),
    "mutual_info": Measure(
        "Entropy of the first component",
        "How evenly the items spread along the strongest direction. The notebook calls it mutual information, but it is an entropy.",
        "entropy in nats of a 10-bin histogram of the first principal component's scores",
        "official notebook",
        "none",
    ),
    "cov_entropy": Measure(
        "Entropy of the covariance",
        "How evenly the variance is spread over the directions; its exponential is an effective number of directions.",
        "-Σ p ln p, p = λ / Σλ of the covariance",
        "official notebook",
        "both",
    ),
}
"""The official notebook's nine, under its own keys (see ``collapse.official_measures``)."""
