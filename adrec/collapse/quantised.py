"""How a model that quantises histories uses its codes, in the words of `adrec.collapse.hubs.codes`."""

from typing import Any

import numpy as np

from adrec.data.dataset import SequenceDataset
from adrec.errors import AdrecError
from adrec.runs import RunFolder


def codes_of_run(run: RunFolder, stage: str, data: SequenceDataset) -> dict[str, Any] | None:
    """``code_use`` of a stage's model; None if it quantises nothing or has no weights here."""
    if "codes" not in run.abilities:
        return None  # without loading torch
    from adrec.models.loading import load_model

    try:
        found = load_model(run, stage).quantised(data)
    except AdrecError:
        return None
    return None if found is None else code_use(*found)


def code_use(codes: np.ndarray, book: np.ndarray) -> dict[str, Any]:
    """How many of a codebook's codes are in use, and whether they differ. codes: (U,) a code for each history; book: (K, W).

    size: K. used: codes in use. perplexity: exp of the entropy of their use. overlap: the mean cosine of a code in use with the nearest
    other one; None if there is only one.
    """
    size = len(book)
    counts = np.bincount(codes, minlength=size)
    shares = counts[counts > 0] / len(codes)
    perplexity = float(np.exp(-(shares * np.log(shares)).sum()))
    rows = np.asarray(book[counts > 0], dtype=np.float64)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    cosines = rows @ rows.T - 2 * np.eye(len(rows))
    overlap = float(cosines.max(axis=1).mean()) if len(rows) > 1 else None
    said = f"Its codebook: {len(rows):,} of {size:,} codes are used, as if {perplexity:,.1f} were used evenly; "
    said += "all histories share one." if overlap is None else f"the cosine of a code with the nearest other is {overlap:.2f} on average."
    return {"size": size, "used": len(rows), "perplexity": perplexity, "overlap": overlap, "says": said}
