"""The figures of a report as inline SVG: spectra with noise's band, and a map a table. Colours follow the page's theme by CSS classes."""

import html
from collections.abc import Sequence

import numpy as np

from adrec.collapse.measures import gaussian_spectrum

GLYPHS = ("●", "■", "▲", "◆", "★", "✚")
DASHES = ("", "9 4", "7 3 2 3", "2 3", "12 3 2 3", "5 3")
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 330, 46, 34, 12, 18
FLOOR = 1e-3
DRAWS = 20
MOST_POINTS = 3_000
SIDE = 300


def noise_band(items: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The least and the most of DRAWS Gaussian tables' spectra, each over its own root mean square: both (min(V, D),)."""
    drawn = np.stack([scaled(gaussian_spectrum(items, width, seed=i, draws=1)) for i in range(DRAWS)])
    return drawn.min(axis=0), drawn.max(axis=0)


def scaled(values: np.ndarray) -> np.ndarray:
    """A spectrum over its root mean square, so that only shapes compare; zeros stay."""
    size = float(np.sqrt((values**2).mean()))
    return values / size if size > 0 else values


def spectra(curves: Sequence[tuple[str, np.ndarray]], band: tuple[np.ndarray, np.ndarray] | None) -> str:
    """Spectra of (name, singular values) on a log scale; noise's band in grey behind them."""
    shown = [(name, scaled(np.asarray(values, dtype=float))) for name, values in curves]
    longest = max(2, *(len(v) for _, v in shown))
    every = np.concatenate([v for _, v in shown] + ([band[1], band[0]] if band else []))
    top = float(every.max()) or 1.0
    positive = every[every > top * FLOOR]
    low, high = np.log10(positive.min() if len(positive) else top * FLOOR) - 0.05, np.log10(top) + 0.08

    def place(i: np.ndarray, v: np.ndarray) -> list[str]:
        x = LEFT + (i / (longest - 1)) * (WIDTH - LEFT - RIGHT)
        y = TOP + (high - np.log10(np.maximum(v, 10**low))) / (high - low) * (HEIGHT - TOP - BOTTOM)
        return [f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True)]

    parts = [_axes(low, high, longest)]
    if band is not None:
        i = np.arange(len(band[0]))
        parts.append(f'<polygon class="band" points="{" ".join(place(i, band[1]) + place(i, band[0])[::-1])}"/>')
    for k, (_, values) in enumerate(shown):
        used = np.flatnonzero(values > 10**low)
        line = " ".join(place(used, values[used]))
        parts.append(f'<polyline class="line c{k % 6}" stroke-dasharray="{DASHES[k % 6]}" points="{line}"/>')
    names = [(f"c{k % 6}", GLYPHS[k % 6], name) for k, (name, _) in enumerate(shown)]
    names += [("grey", "▒", f"Gaussian noise, least and most of {DRAWS} tables")] if band is not None else []
    for row, (look, glyph, name) in enumerate(names[:8]):
        words = html.escape(name if len(name) < 52 else name[:24] + "…" + name[-24:])
        place_of = f'x="{WIDTH - RIGHT - 6}" y="{TOP + 16 + 18 * row}" text-anchor="end"'
        parts.append(f'<text class="name" {place_of}><tspan class="t{look}">{glyph}</tspan> {words}</text>')
    label = "Singular values of the tables, strongest direction first, on a log scale, beside Gaussian noise of the same size"
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _axes(low: float, high: float, longest: int) -> str:
    parts = []
    ticks = [digit * 10.0**power for power in range(-5, 4) for digit in (1, 2, 5)]
    for tick in ticks:
        if low <= np.log10(tick) <= high:
            y = TOP + (high - np.log10(tick)) / (high - low) * (HEIGHT - TOP - BOTTOM)
            parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in sorted({1, longest // 4, longest // 2, 3 * longest // 4, longest} - {0}):
        x = LEFT + (tick - 1) / (longest - 1) * (WIDTH - LEFT - RIGHT)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 18}" text-anchor="middle">{tick}</text>')
    parts.append(f'<text x="{(WIDTH + LEFT) / 2:.0f}" y="{HEIGHT - 3}" text-anchor="middle">direction, strongest first</text>')
    return "".join(parts)


def maps(layouts: Sequence[np.ndarray], shares: Sequence[float], names: Sequence[str], common: bool) -> str:
    """A map a table of (V, 2) positions: in one frame if they are ``common``, otherwise each about its own middle."""
    rows = [_sample(len(xy)) for xy in layouts]
    drawn = [xy[r] for xy, r in zip(layouts, rows, strict=True)]
    box = _box(np.concatenate(drawn)) if common else None
    figures = []
    for k, (xy, share, name) in enumerate(zip(drawn, shares, names, strict=True)):
        (x0, y0), span = box or _box(xy)
        at = np.clip((xy - [x0, y0]) / span * (SIDE - 16) + SIDE / 2, 3, SIDE - 3)
        dots = "".join(f"M{x:.0f} {SIDE - y:.0f}h0" for x, y in at)
        words = f"{html.escape(name)}: the two axes show {share:.0%} of the variance"
        part = "" if len(xy) == len(layouts[k]) else f"; {len(xy):,} of {len(layouts[k]):,} items, drawn at random"
        svg = f'<svg viewBox="0 0 {SIDE} {SIDE}" role="img" aria-label="Map of the items"><path class="dots c{k % 6}" d="{dots}"/></svg>'
        figures.append(f'<figure>{svg}<figcaption><span class="tc{k % 6}">{GLYPHS[k % 6]}</span> {words}{part}.</figcaption></figure>')
    return f'<div class="maps">{"".join(figures)}</div>'


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
