"""The README's picture of a run's stages, docs/stages.svg: ``python -m tests.measure.picture RUN OUT``."""

import html
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adrec.pictures.looks import STAGE_COLORS, STAGE_GLYPHS, STAGE_NAMES, stage_label
from adrec.runs import RunFolder
from app.palette import NULL_COLOR

SIDE, GAP, TOP, BOTTOM = 300, 30, 58, 34
DASHES = {"initial": "2 4", "pretrain": "9 3 2 3", "warmup": "12 4", "finetune": "", "null": "5 5"}
INK, SOFT, LINE = "#1b2530", "#5b6670", "#d5dbe1"
TITLE, SMALL, TICK = 20, 16, 14


@dataclass(frozen=True)
class Content:
    """What is drawn: maps and spectra by table name, the null's spectrum, and the numbers under the maps."""

    layouts: dict[str, np.ndarray]
    spectra: dict[str, np.ndarray]
    null: np.ndarray
    ranks: dict[str, float]
    merged: bool


def content(run: RunFolder) -> Content:
    """Read and measure the run's different tables."""
    from adrec.collapse.measures import measures, singular_values
    from adrec.collapse.spectra import null_band, over_rms
    from adrec.maps.projection import distinct_tables, project

    tables, names = distinct_tables(run.tables())
    layouts = project(run, "umap")
    values = {name: singular_values(table) for name, table in tables.items()}
    items, width = next(iter(tables.values())).shape
    return Content(
        layouts={name: layouts[name] for name in tables},
        spectra={name: over_rms(v) for name, v in values.items()},
        null=null_band(items, width)[1],
        ranks={name: float(measures(table)["effective_rank"]) for name, table in tables.items()},
        merged=names.get("warmup") == "pretrain",
    )


def draw(content: Content) -> str:
    """The picture as SVG text."""
    order = [name for name in STAGE_NAMES if name in content.layouts]
    panels = [_map_panel(content, name) for name in order] + [_spectra_panel(content, order)]
    width, height = len(panels) * (SIDE + GAP) - GAP, SIDE + TOP + BOTTOM
    body = "".join(f'<g transform="translate({i * (SIDE + GAP)} 0)">{panel}</g>' for i, panel in enumerate(panels))
    font = "font-family=\"'Source Sans Pro','Source Sans 3',system-ui,sans-serif\""
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" {font}>{body}</svg>\n'


def _map_panel(content: Content, name: str) -> str:
    """One dot an item; all maps share centre and scale, and are in one coordinate frame."""
    every = np.concatenate(list(content.layouts.values()))
    low, high = np.percentile(every, 0.5, axis=0), np.percentile(every, 99.5, axis=0)
    span = float((high - low).max())
    xy = (content.layouts[name] - (low + high) / 2) / span * (SIDE - 16) + SIDE / 2
    xy = np.clip(xy, 4, SIDE - 4)
    dots = "".join(f"M{x:.0f} {SIDE - y:.0f}h0" for x, y in xy)
    color = STAGE_COLORS[name]
    pen = f'stroke="{color}" stroke-width="4" stroke-linecap="round" stroke-opacity=".65"'
    dots = f'<path d="{dots}" {pen} fill="none"/>'
    frame = f'<rect x=".5" y=".5" width="{SIDE - 1}" height="{SIDE - 1}" rx="6" fill="none" stroke="{LINE}"/>'
    mark = f'<tspan fill="{color}">{STAGE_GLYPHS[name]}</tspan> {html.escape(stage_label(name, content.merged))}'
    rank = f"effective rank {content.ranks[name]:.1f} of {content.spectra[name].size}"
    return _titled(mark, rank) + f'<g transform="translate(0 {TOP})">{frame}{dots}</g>'


def _titled(title: str, subtitle: str) -> str:
    return (
        f'<text y="22" font-size="{TITLE}" font-weight="600" fill="{INK}">{title}</text>'
        f'<text y="47" font-size="{SMALL}" fill="{SOFT}">{subtitle}</text>'
    )


def _spectra_panel(content: Content, order: list[str]) -> str:
    """Singular values, largest first, on a log scale; the legend stands where falling curves leave room."""
    lines = {**{name: content.spectra[name] for name in order}, "null": content.null}
    positive = np.concatenate([v[v > 0] for v in lines.values()])
    low, high = np.log10(max(positive.min(), positive.max() / 1e3)) - 0.04, np.log10(positive.max()) + 0.04
    left, size = 38, SIDE - 38

    def path(values: np.ndarray) -> str:
        x = left + np.arange(values.size) / max(1, values.size - 1) * size
        y = (high - np.log10(np.maximum(values, 10**low))) / (high - low) * SIDE
        return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))

    small = f'font-size="{TICK}" text-anchor="end" fill="{SOFT}"'
    parts = [f'<path d="M{left} 0V{SIDE}H{SIDE}" fill="none" stroke="{LINE}"/>']
    for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10):
        if low < np.log10(tick) < high:
            y = (high - np.log10(tick)) / (high - low) * SIDE
            parts.append(f'<text x="{left - 6}" y="{y + 5:.0f}" {small}>{tick:g}</text>')
    for row, (name, values) in enumerate(lines.items()):
        color = NULL_COLOR if name == "null" else STAGE_COLORS[name]
        stroke = f'fill="none" stroke="{color}" stroke-width="2.5" stroke-dasharray="{DASHES[name]}"'
        words = "Gaussian noise" if name == "null" else stage_label(name)
        y = 20 + 24 * row
        parts.append(f'<path d="{path(values)}" {stroke}/><path d="M{left + 70} {y - 5}h34" {stroke}/>')
        parts.append(f'<text x="{left + 112}" y="{y}" font-size="{TICK}" fill="{INK}">{html.escape(words)}</text>')
    axis = f'<text x="{SIDE}" y="{SIDE + 22}" {small}>direction, largest first</text>'
    return _titled("Spectra", "singular values, scaled alike") + f'<g transform="translate(0 {TOP})">{"".join(parts)}{axis}</g>'


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m tests.measure.picture RUN OUT")
    Path(sys.argv[2]).write_text(draw(content(RunFolder(sys.argv[1]))), encoding="utf-8")
