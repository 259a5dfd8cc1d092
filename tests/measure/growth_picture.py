"""The picture of the documentation that shows growth: ``python -m tests.measure.growth_picture GROWTH.json OUT.svg``.

GROWTH.json is what ``python -m adrec bench --growth --json`` prints. One column an axis; time above, memory below, both
logarithmic; the dashed line has the slope that the formulas expect and goes through the largest size.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from adrec.errors import AdrecError, DataError
from adrec.files import atomic
from adrec.pictures.looks import STAGE_COLORS
from app.palette import NULL_COLOR

SIDE, GAP, LEFT, TOP, BOTTOM = 240, 76, 60, 64, 46
INK, SOFT, LINE = "#1b2530", "#5b6670", "#d5dbe1"
NAMES = {"users": "users", "length": "history length", "items": "catalogue", "width": "hidden width"}
TRAINING, EVALUATION = STAGE_COLORS["finetune"], STAGE_COLORS["pretrain"]


def draw(growth: Mapping[str, Any]) -> str:
    """All panels as SVG text."""
    columns = [_column(axis, entry, first=i == 0) for i, (axis, entry) in enumerate(growth.items())]
    width, height = LEFT + len(columns) * (SIDE + GAP) - GAP + 60, 2 * (TOP + SIDE + BOTTOM)
    body = "".join(f'<g transform="translate({LEFT + i * (SIDE + GAP)} 0)">{column}</g>' for i, column in enumerate(columns))
    font = "font-family=\"'Source Sans Pro','Source Sans 3',system-ui,sans-serif\""
    ground = f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {font}>{ground}{body}</svg>\n'


def _column(axis: str, entry: Mapping[str, Any], first: bool) -> str:
    x, least = entry["values"], [low for low, _ in entry["seconds_spread"]]
    tested = entry["evaluate"]
    times = [
        ("training", TRAINING, least, entry["exponent"], entry["theory"]),
        ("evaluation", EVALUATION, [low for low, _ in tested["seconds_spread"]], tested["exponent"], tested["theory"]),
    ]
    above = [peak - start for peak, start in zip(entry["memory_mib"], entry["start_memory_mib"], strict=True)]
    memory = [("training", TRAINING, above, entry["memory_exponent"], entry["memory_theory"])]
    upper = _panel(x, times, NAMES[axis], "seconds an epoch, seconds an evaluation" if first else "")
    lower = _panel(x, memory, NAMES[axis], "MiB above the empty process" if first else "")
    return f'{upper}<g transform="translate(0 {TOP + SIDE + BOTTOM})">{lower}</g>'


def _panel(x: Sequence[float], series: Sequence[tuple[str, str, Sequence[float], float, float]], below: str, above: str) -> str:
    """One panel; each series is its name, colour, values, fitted and expected exponent. It spans whole decades."""
    every = np.concatenate([values for _, _, values, _, _ in series])
    low, high = np.floor(np.log10(every.min())), np.ceil(np.log10(every.max()))
    left, right = np.log10(x[0]), np.log10(x[-1])

    def at(value: float, cost: float) -> str:
        across, up = (np.log10(value) - left) / (right - left), (np.log10(cost) - low) / max(1, high - low)
        return f"{12 + across * (SIDE - 24):.1f} {SIDE - up * SIDE:.1f}"

    parts = [f'<rect width="{SIDE}" height="{SIDE}" fill="none" stroke="{LINE}"/>']
    heads = []
    for row, (name, color, values, fitted, expected) in enumerate(series):
        begin = max(x[0], x[-1] * (10**low / values[-1]) ** (1 / expected)) if expected > 0 else x[0]  # within the panel
        theory = f"M{at(begin, values[-1] * (begin / x[-1]) ** expected)}L{at(x[-1], values[-1])}"
        parts.append(f'<path d="{theory}" fill="none" stroke="{NULL_COLOR}" stroke-width="2" stroke-dasharray="5 5"/>')
        points = [at(a, b) for a, b in zip(x, values, strict=True)]
        parts.append(f'<path d="M{"L".join(points)}" fill="none" stroke="{color}" stroke-width="2.5"/>')
        parts += [f'<circle cx="{p.split()[0]}" cy="{p.split()[1]}" r="4" fill="{color}"/>' for p in points]
        words = f"{name}: exponent {fitted:z.2f}, expected {expected:z.2f}"
        heads.append(f'<text y="{TOP - 26 + 17 * row - 17 * (len(series) - 1) + 17}" font-size="13" fill="{color}">{words}</text>')
    for tick in range(int(low), int(high) + 1):
        y = SIDE - (tick - low) / max(1, high - low) * SIDE
        parts.append(f'<text x="-6" y="{y + 4:.0f}" font-size="12" text-anchor="end" fill="{SOFT}">{10.0**tick:g}</text>')
    for value, anchor, place in ((x[0], "start", 0), (x[-1], "end", SIDE)):
        parts.append(f'<text x="{place}" y="{SIDE + 18}" font-size="12" text-anchor="{anchor}" fill="{SOFT}">{value:,}</text>')
    parts.append(f'<text x="{SIDE / 2}" y="{SIDE + 18}" font-size="13" text-anchor="middle" fill="{INK}">{below}</text>')
    title = f'<text x="{-LEFT + 6}" y="14" font-size="13" font-weight="600" fill="{INK}">{above}</text>'
    return title + "".join(heads) + f'<g transform="translate(0 {TOP})">{"".join(parts)}</g>'


def main(report: Path, out: Path) -> None:
    """Write the picture."""
    try:
        growth = json.loads(report.read_text(encoding="utf-8"))["growth"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        told = type(error).__name__
        raise DataError(f"'{report}' is not what 'python -m adrec bench --growth --json' prints ({told}).") from None
    with atomic(out) as file:
        file.write(draw(growth).encode())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m tests.measure.growth_picture GROWTH.json OUT.svg")
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except AdrecError as error:
        sys.exit(str(error))
