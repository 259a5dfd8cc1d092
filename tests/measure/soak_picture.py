"""The picture of a soak: ``python -m tests.measure.soak_picture SOAK.csv OUT.svg``, from what ``python -m tests.measure.soak`` writes.

Viewers, memory, file handles, and the time to an answer, one above the other over the same minutes.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from adrec.errors import AdrecError, DataError
from adrec.files import atomic
from adrec.pictures.looks import STAGE_COLORS
from tests.measure.growth_picture import INK, LINE, SOFT
from tests.measure.soak import rows

WIDTH, HEIGHT, LEFT, TOP, GAP = 720, 110, 70, 34, 44
PANELS = (
    ("viewers", "viewers", STAGE_COLORS["pretrain"]),
    ("rss_mib", "MiB of memory", STAGE_COLORS["finetune"]),
    ("handles", "file handles", STAGE_COLORS["warmup"]),
    ("p95", "seconds to an answer, 95th percentile", STAGE_COLORS["finetune"]),
)


def draw(found: Sequence[dict[str, float]]) -> str:
    """All panels as SVG text."""
    width, height = LEFT + WIDTH + 30, len(PANELS) * (TOP + HEIGHT) + GAP
    body = "".join(
        f'<g transform="translate({LEFT} {i * (TOP + HEIGHT) + TOP})">{_panel(found, name, words, color)}</g>'
        for i, (name, words, color) in enumerate(PANELS)
    )
    last = found[-1]["second"] / 60 if found else 0
    y = len(PANELS) * (TOP + HEIGHT) + 18
    axis = f'<text x="{LEFT}" y="{y}" font-size="12" fill="{SOFT}">0</text>'
    axis += f'<text x="{LEFT + WIDTH}" y="{y}" font-size="12" text-anchor="end" fill="{SOFT}">{last:.0f}</text>'
    axis += f'<text x="{LEFT + WIDTH / 2}" y="{y}" font-size="13" text-anchor="middle" fill="{INK}">minutes</text>'
    font = "font-family=\"'Source Sans Pro','Source Sans 3',system-ui,sans-serif\""
    ground = f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {font}>{ground}{body}{axis}</svg>\n'


def _panel(found: Sequence[dict[str, float]], name: str, words: str, color: str) -> str:
    """One panel, from nought to a little above its highest value."""
    last, top = max(row["second"] for row in found) or 1.0, 1.1 * max(row[name] for row in found) or 1.0
    points = [f"{row['second'] / last * WIDTH:.1f} {HEIGHT - row[name] / top * HEIGHT:.1f}" for row in found]
    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="{LINE}"/>']
    parts.append(f'<path d="M{"L".join(points)}" fill="none" stroke="{color}" stroke-width="2.5"/>')
    parts.append(f'<text x="0" y="-8" font-size="13" font-weight="600" fill="{INK}">{words}</text>')
    for value in (0.0, top / 1.1):
        text = f"{value:,.0f}" if top > 10 else f"{value:.2g}"
        parts.append(
            f'<text x="-6" y="{HEIGHT - value / top * HEIGHT + 4:.0f}" font-size="12" text-anchor="end" fill="{SOFT}">{text}</text>'
        )
    return "".join(parts)


def main(report: Path, out: Path) -> None:
    """Write the picture."""
    try:
        picture = draw(rows(report))
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"'{report}' is not what 'python -m tests.measure.soak' writes ({type(error).__name__}).") from None
    with atomic(out) as file:
        file.write(picture.encode())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m tests.measure.soak_picture SOAK.csv OUT.svg")
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except AdrecError as error:
        sys.exit(str(error))
