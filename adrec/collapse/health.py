"""Where a table lies between the two ways to collapse: -1 noise, 0 healthy, 1 narrow. It reads a verdict's evidence and measures nothing.

Each comparison of the evidence counts as its share of the way from the null to the threshold, so that 1 is the threshold itself, and the
thresholds have fixed places on the bar. Noise of the table's size lies in ``NULL_BAND``; from ``NARROW`` on a table is narrow.

- *narrow side*, if a narrow rule is met: from ``NARROW`` at its threshold to 1 at a complete collapse. What narrows counts even if its
  neighbours mean nothing, so a film may pass from noise to narrow without ever having been healthy.
- *noise side*, if neighbours mean no more than chance (without interactions: if the spectrum is noise's): from -1 to ``NULL_BAND[1]``.
- *between*, as long as the spectrum is noise's or the meaning weak: up to ``LEARNED``.
- *healthy*: ``LEARNED`` over the weakest of the three comparisons, plus what of the way to narrow is covered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from adrec.collapse.thresholds import THRESHOLDS, Thresholds

NULL_BAND = (-1.0, -0.5)
"""Where random tables lie: none of 100 gets beyond its end (four standard deviations of the null, as in the verdict)."""
LEARNED, NARROW = -0.25, 0.5


@dataclass(frozen=True)
class Health:
    """A place on the bar. decided: False if only interactions could tell a healthy table from one whose neighbours mean nothing."""

    place: float
    decided: bool


def health(verdict: Mapping[str, Any], t: Thresholds = THRESHOLDS) -> Health:
    """The place of a table from its verdict (``Verdict.to_json()``, or an entry's ``verdict`` in ``diagnosis.json``)."""
    of = {e["measure"]: e for e in verdict["evidence"]}
    known = "alignment" in of
    narrow, cone = _narrow(of, t)
    if narrow >= NARROW:
        return Health(min(narrow, 1.0), True)
    structure = max(_share(of["bulk_distance"]), _share(of["largest_eigenvalue"]))
    meaning = of["alignment_z_beyond_popularity"]["value"] / t.z if known else structure
    weakest = min(structure, meaning, _share(of["alignment"])) if known else structure
    if meaning < 1:
        low, high = NULL_BAND
        return Health(low + (high - low) * max(meaning, 0.0), known)
    if weakest < 1:
        return Health(NULL_BAND[1] + (LEARNED - NULL_BAND[1]) * max(weakest, 0.0), known)
    return Health(LEARNED / weakest + NARROW * cone, known)


def _share(e: Mapping[str, Any]) -> float:
    """The share of the way from the null to the threshold."""
    return float((e["value"] - e["null"]) / max(e["threshold"] - e["null"], 1e-12))


def _narrow(of: Mapping[str, Mapping[str, Any]], t: Thresholds) -> tuple[float, float]:
    """The place on the narrow side, below NARROW if no narrow rule is met; and the share of the way to a cone."""
    common = max(of["offset"]["value"], of["mean_cosine"]["value"], 0.0)
    places = [np.interp(common, (0, t.narrow, t.common), (0, NARROW, 1))]
    places.append(np.interp(of["twins"]["value"], (t.twins, 1), (NARROW, 1)) if of["twins"]["value"] > t.twins else 0.0)
    if "neighbour_odds" not in of or of["neighbour_odds"]["value"] < t.meaningful:
        left = min(of[m]["value"] / max(of[m]["threshold"], 1e-12) for m in ("effective_rank", "participation_ratio"))
        places.append(1 - (1 - NARROW) * left if left < 1 else 0.0)
    return float(max(places)), float(min(common / t.narrow, 1.0))
