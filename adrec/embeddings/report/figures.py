"""The figures of a report, in SVG pixels: spectra with the noise band, and a map of each table."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from adrec.collapse.spectra import over_rms

GLYPHS = ("●", "■", "▲", "◆", "★", "✚")
DASHES = ("", "9 4", "7 3 2 3", "2 3", "12 3 2 3", "5 3")
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 330, 46, 34, 12, 18
FLOOR = 1e-3
MOST_POINTS = 3_000
SIDE = 300


def spectra(curves: Sequence[tuple[str, np.ndarray]], band: np.ndarray | None) -> dict[str, Any]:
    """Spectra of (name, singular values) on a log scale, with the band of ``spectra.null_band``: what the template draws, in its pixels."""
    shown = [(name, over_rms(np.asarray(values, dtype=float))) for name, values in curves]
    longest = max(2, *(len(v) for _, v in shown))
    every = np.concatenate([*(v for _, v in shown), *([] if band is None else band)])
    top = float(every.max()) or 1.0
    positive = every[every > top * FLOOR]
    low, high = np.log10(positive.min() if len(positive) else top * FLOOR) - 0.05, np.log10(top) + 0.08

    def x(i: Any) -> Any:
        return np.round(LEFT + (i / (longest - 1)) * (WIDTH - LEFT - RIGHT), 1)

    def y(v: Any) -> Any:
        return np.round(TOP + (high - np.log10(np.maximum(v, 10**low))) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    def points(i: np.ndarray, v: np.ndarray) -> list[str]:
        return [f"{a},{b}" for a, b in zip(x(i).tolist(), y(v).tolist(), strict=True)]

    used = [np.flatnonzero(values > 10**low) for _, values in shown]
    names = [(f"c{k % 6}", GLYPHS[k % 6], name if len(name) < 52 else name[:24] + "…" + name[-24:]) for k, (name, _) in enumerate(shown)]
    area = []
    if band is not None:
        names.append(("grey", "▒", "Gaussian noise, 1 % to 99 %"))
        low_edge, _, high_edge = band
        i = np.arange(len(low_edge))
        area = points(i, high_edge) + points(i, low_edge)[::-1]
    ticks = [digit * 10.0**power for power in range(-5, 4) for digit in (1, 2, 5)]
    return {
        "rows": [(float(y(t)), f"{t:g}") for t in ticks if low <= np.log10(t) <= high],
        "columns": [(float(x(t - 1)), t) for t in sorted({1, longest // 4, longest // 2, 3 * longest // 4, longest} - {0})],
        "band": " ".join(area),
        "curves": [" ".join(points(i, values[i])) for i, (_, values) in zip(used, shown, strict=True)],
        "names": names[:8],
        **{"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT, "top": TOP},
    }


def maps(layouts: Sequence[np.ndarray], shares: Sequence[float], common: bool) -> list[dict[str, Any]]:
    """A map of each table's (V, 2) positions: on shared axes if ``common``, otherwise each centred on its own. path: one dot per
    item; share: of the variance."""
    drawn = [xy[_sample(len(xy))] for xy in layouts]
    box = _box(np.concatenate(drawn)) if common else None
    found = []
    for xy, share, whole in zip(drawn, shares, layouts, strict=True):
        (x0, y0), span = box or _box(xy)
        at = np.clip((xy - [x0, y0]) / span * (SIDE - 16) + SIDE / 2, 3, SIDE - 3)
        path = "".join(f"M{x:.0f} {SIDE - y:.0f}h0" for x, y in at)
        found.append({"side": SIDE, "path": path, "share": share, "shown": len(xy), "count": len(whole)})
    return found


def _sample(n: int) -> np.ndarray:
    return np.arange(n) if n <= MOST_POINTS else np.sort(np.random.default_rng(0).choice(n, MOST_POINTS, replace=False))


def _box(xy: np.ndarray) -> tuple[tuple[float, float], float]:
    low, high = np.percentile(xy, 0.5, axis=0), np.percentile(xy, 99.5, axis=0)
    return ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2), float((high - low).max()) or 1.0


def layouts(tables: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[float], bool]:
    """PCA positions, the shares of the variance they show, and whether all tables share the axes."""
    from adrec.maps.projection import pca_map

    one_frame = len({t.shape for t in tables}) == 1
    groups = [tables] if one_frame else [[t] for t in tables]
    found: list[np.ndarray] = []
    shares: list[float] = []
    for group in groups:
        named = {str(i): np.asarray(t) for i, t in enumerate(group)}
        linear = pca_map(named)
        found += [linear.apply(t) for t in group]
        shares += [linear.explained[name] for name in named]
    return found, shares, one_frame
