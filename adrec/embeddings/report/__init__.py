"""Verdicts on item tables as one HTML file that asks for nothing else: to read, to print, to attach to an issue.

Everything from outside (names, ids, options) is escaped; there is no script in it, and a policy in the page forbids any request.
"""

import html
import importlib.metadata
import math
import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from adrec.collapse.definitions import MEASURES
from adrec.collapse.kinds import KIND_WORDS
from adrec.embeddings.report import figures

PACKAGES = ("numpy", "scipy", "pandas", "safetensors")
MARKS = {"healthy": "✓", "concentrated": "✓", "weakly-learned": "!", "spectral-only": "!"}
"""The sign before a verdict; ✕ for collapse."""
CSS = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
CSS += "".join(f".c{i} {{stroke: var(--c{i})}} .tc{i} {{fill: var(--c{i}); color: var(--c{i})}}\n" for i in range(6))
WORDS = {
    "Embedding": "The list of numbers by which a model knows an item; all of them are the item table.",
    "Collapse": "Two opposite things: the table is still noise, so that an item's neighbours mean nothing; or it is narrow, so that items "
    "can hardly be told apart.",
    "Null": "What a table without structure or meaning would show: Gaussian tables of the same size for the spectrum, the same table with "
    "its rows dealt out anew for the neighbours.",
    "Threshold": "Where the rule draws its line. How often verdicts are right, and why the lines are where they are: docs/VERDICT.md.",
    "Confidence": "The chance that a table drawn anew in the same way falls on the same side of every comparison that decides; 50 % where "
    "the interactions are missing that could change the verdict.",
    "Direction": "A singular direction of the centred table: the strongest are those along which items differ most.",
    "Neighbours": "The items whose embeddings point most alike (cosine).",
}
SPECTRUM = (
    "How strong each direction of a table is, each curve over its own root mean square. Noise falls slowly, within the grey band. "
    "A steep start: a few directions carry much. A sudden drop: the rest is not used."
)
MAP = (
    "Each dot an item, on the two strongest axes (PCA). A map is a shadow: shrinking, a common offset and much of a loss of rank "
    "do not show on it."
)
COMPARISON = (
    "Neighbours kept: of every item's nearest by cosine, the share that was there in the table before. Correlation: of all entries; "
    "about 0 for tables that were trained apart. A dash: the tables' shapes or items do not allow it."
)


def report(judged: Mapping[str, Any], tables: Sequence[np.ndarray], command: str = "") -> str:
    """The HTML text. judged: from ``judging.judge``; tables: the (V, D) tables in the same order; command: what was typed, if anything."""
    entries = judged["tables"]
    first = entries[0]
    title = "Have these embeddings collapsed?"
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    body = [
        f"<h1>{title}</h1>",
        "".join(_card(e, k, len(entries) > 1) for k, e in enumerate(entries)),
        f"<h2>Spectrum</h2><p>{SPECTRUM}</p>",
        f"<figure>{figures.spectra([(e['name'], np.array(e['singular_values'])) for e in entries], _band(entries))}</figure>",
        f"<h2>Map</h2><p>{MAP}</p>",
        _maps(tables, [e["name"] for e in entries]),
        _comparison(judged["comparison"]) if judged["comparison"] else "",
        "<h2>Evidence</h2>",
        "".join(_evidence(e) for e in entries),
        _measures(entries),
        f"<h2>What the words mean</h2><dl>{''.join(f'<dt>{k}</dt><dd>{html.escape(v)}</dd>' for k, v in WORDS.items())}</dl>",
        _provenance(entries, command),
    ]
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head += f"<title>{title} {_e(first['name'])}</title>"
    secure = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return f'<!doctype html>\n<html lang="en"><head>{head}{secure}<style>{CSS}</style></head>\n<body>{"".join(body)}</body></html>\n'


def _e(text: object) -> str:
    return html.escape(str(text))


def _card(entry: Mapping[str, Any], place: int, several: bool) -> str:
    verdict = entry["verdict"]
    label = KIND_WORDS[verdict["kind"]][0]
    name = f'<span class="tc{place % 6}">{figures.GLYPHS[place % 6]}</span> {_e(entry["name"])}' if several else _e(entry["name"])
    size = f"{entry['items']:,} items × {entry['width']:,}"
    is_open = verdict["undecided"] and verdict["confidence"] <= 0.5
    sure = "open until the interactions are given" if is_open else _sure(verdict["confidence"])
    lines = [f'<p class="soft">{name} · {size}</p><p class="kind">{MARKS.get(verdict["kind"], "✕")} {label}</p>']
    lines.append(f'<p>{_e(verdict["says"])} <span class="soft">Confidence: {sure}.</span></p>')
    if verdict["undecided"]:
        lines.append("".join(f"<p><b>Not decided:</b> {_e(text)}</p>" for text in verdict["undecided"]))
    steps = "".join(f"<li>{_e(s['text'])}{_run(s['run'])}</li>" for s in verdict["next"])
    if steps:
        lines.append(f"<h3>What to try next</h3><ul>{steps}</ul>")
    return f'<section class="card">{"".join(lines)}</section>'


def _sure(confidence: float) -> str:
    return "above 99 %" if confidence > 0.99 else f"{confidence:.0%}".replace("%", " %")


def _run(name: str) -> str:
    return f" <small>(the explorer's run <code>{_e(name)}</code> shows the effect)</small>" if name else ""


def _band(entries: Sequence[Mapping[str, Any]]) -> tuple[np.ndarray, np.ndarray] | None:
    """Noise's band where all tables are of one size; otherwise there is not one band."""
    sizes = {(e["items"], e["width"]) for e in entries}
    return figures.noise_band(*sizes.pop()) if len(sizes) == 1 else None


def _maps(tables: Sequence[np.ndarray], names: Sequence[str]) -> str:
    found, shares, common = figures.layouts(tables)
    frame = "<p>All maps share their axes.</p>" if common and len(tables) > 1 else ""
    return frame + figures.maps(found, shares, names, common)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], words: int | None = None) -> str:
    """Cells are HTML already. words: the column that holds sentences."""
    kind = {words: ' class="words"'} if words is not None else {}
    top = "".join(f"<th scope='col'{kind.get(i, '')}>{cell}</th>" for i, cell in enumerate(head))
    body = "".join("<tr>" + "".join(f"<td{kind.get(i, '')}>{cell}</td>" for i, cell in enumerate(row)) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def number(value: float | None) -> str:
    """Three or four significant digits; a dash for None."""
    if value is None or not math.isfinite(value):
        return "–" if value is None else "∞"
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}".replace("-", "−")
    return f"{value:,.0f}".replace("-", "−") if 1000 <= abs(value) < 1e6 else f"{value:.4g}".replace("-", "−")


def _measure(key: str) -> str:
    name = MEASURES[key].name if key in MEASURES else key.replace("_", " ").capitalize()
    return f"<span title='{_e(MEASURES[key].meaning)}'>{name}</span>" if key in MEASURES else _e(name)


def _evidence(entry: Mapping[str, Any]) -> str:
    evidence = entry["verdict"]["evidence"]
    rows = [[_measure(e["measure"]), *(number(e[k]) for k in ("value", "null", "threshold")), _e(e["says"])] for e in evidence]
    sample = [f"{key.replace('_', ' ')} {count:,}" for key, count in entry["verdict"].get("sample", {}).items()]
    looked = f"<p class='soft'>Looked at: {', '.join(sample)}.</p>" if sample else ""
    return f"<h3>{_e(entry['name'])}</h3>{_table(['Measure', 'Value', 'Null', 'Threshold', 'In words'], rows, 4)}{looked}"


def _comparison(changes: Sequence[Mapping[str, Any]]) -> str:
    def percent(value: float | None) -> str:
        return "–" if value is None else f"{100 * value:.1f} %"

    rows = [
        [
            f"{_e(c['before'])} → {_e(c['name'])}",
            f"{number(c['std_before'])} → {number(c['std'])}",
            f"{percent(c['neighbours_kept'])} (chance {percent(c['neighbours_chance'])})",
            number(None if c["correlation"] is None else round(c["correlation"], 4)),
        ]
        for c in changes
    ]
    head = ["Tables", "Standard deviation", "Neighbours kept", "Correlation"]
    return f"<h2>From table to table</h2><p>{COMPARISON}</p>{_table(head, rows)}"


def _measures(entries: Sequence[Mapping[str, Any]]) -> str:
    rows = [[_measure(key), *(number(e["measures"].get(key)) for e in entries)] for key in MEASURES]
    meanings = "".join(
        f"<dt>{_e(m.name)}</dt><dd>{_e(m.meaning)} <code>{_e(m.formula)}</code> ({_e(m.source)})</dd>" for m in MEASURES.values()
    )
    table = _table(["Measure", *(_e(e["name"]) for e in entries)], rows)
    return f"<h2>All measures</h2>{table}<details><summary>What each measure says</summary><dl>{meanings}</dl></details>"


def _provenance(entries: Sequence[Mapping[str, Any]], command: str) -> str:
    lines = []
    for e in entries:
        told = [f"SHA-256 of its numbers <code>{e['sha256'][:16]}</code>", *(_e(note) for note in e["notes"])]
        data = e["interactions"]
        if data:
            counts = f"{data['users']:,} users, {data['training_interactions']:,} training interactions (each user's last two are left out)"
            seen = f"{data['items_seen']:,} items seen, content <code>{_e(data['hash'][:16])}</code>"
            told.append(f"Interactions: {_e(data['name'])}, {counts}, {seen}.")
        told.append("The table before training was given." if e["initial_given"] else "The table before training was not given.")
        lines.append(f"<h3>{_e(e['name'])}</h3><ul>{''.join(f'<li>{t}</li>' for t in told)}</ul>")
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in PACKAGES)
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    made = f"<p class='soft'>Made {when} with Python {platform.python_version()}, {versions}.</p>"
    typed = f"<p>Command: <code>{_e(command)}</code></p>" if command else ""
    return f"<h2>What this rests on</h2>{''.join(lines)}{typed}{made}"
