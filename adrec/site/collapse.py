"""What the Collapse page is sent: for each run, in a file of its own, its tables beside three with a known fate, maps, neighbours,
spectra, film and verdicts."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adrec import browser
from adrec.browser import wire
from adrec.collapse.diagnosis import diagnosis
from adrec.collapse.film import cached_film
from adrec.collapse.health import health
from adrec.collapse.kinds import COLLAPSED, KIND_WORDS
from adrec.collapse.spectra import null_band, spectrum
from adrec.data.titles import most_popular
from adrec.errors import RunError
from adrec.lesson import setup
from adrec.lesson.answers import end_of, table_of
from adrec.lesson.models import run_of
from adrec.maps.projection import cached, distinct_tables, pca_map
from adrec.maps.tables import unit_rows
from adrec.pictures import colours, film, looks, maps, spectra, tables, verdicts
from adrec.pictures.tables import REFERENCES
from adrec.runs import RunFolder
from adrec.site import dials
from adrec.site.folder import Folder

BUNDLED = setup.ASSETS / "runs"
PARTS = {
    "tables": ('<div class="tables"></div>', ("tables.css", "lesson/health.css", "lesson/likeness.css")),
    "maps": ('<div class="maps"></div>', ("maps.css",)),
    "lists": ('<div class="lists"></div>', ("neighbours.css",)),
    "spectra": ('<div class="spectra"></div>', ("spectrum.css",)),
    "dials": ('<div class="spectra"></div>', ("spectrum.css",)),
    "film": (browser.text("film.html"), ("film.css",)),
}
"""The app's components on this page, each with the HTML and the styles that it has there."""
NEIGHBOURS = 10
COSINES = 65_535
"""Steps from -1 to 1 in which cosines travel."""
Array = dict[str, np.ndarray]


def data(folder: Folder, runs: Mapping[str, RunFolder], first: str) -> bytes:
    """first: the run that the page opens with."""
    words, made = {name: setup.words(name) for name in ("collapse", "glossary", "site")}, dict[Path, str]()
    head = {
        "texts": {**words, "parts": setup.words("lesson")["parts"]},
        "parts": {name: {"html": html, "css": "".join(map(browser.text, css))} for name, (html, css) in PARTS.items()},
        "dials": dials.words(),
        "first": first,
        "runs": [
            {
                "name": name,
                "title": _title(run),
                "url": folder.add(f"{name}-collapse.bin", _run(name, run, {*runs}), pack=True),
                "dials": _dials(folder, run, made),
            }
            for name, run in runs.items()
        ],
    }
    return wire.block(head, {})


def _run(name: str, run: RunFolder, names: set[str]) -> bytes:
    """One run: a JSON object, and blocks for the components as arrays of bytes. names: of the runs on the page."""
    found, shown_by = distinct_tables(run.tables())
    if not found:
        raise RunError(f"The run '{run.path}' has no item table.")
    judged = {entry["name"]: entry["verdict"] for entry in diagnosis(run)["tables"]}
    items, last, merged = run.items, list(found)[-1], shown_by.get("warmup") == "pretrain"
    labels = {stage: looks.stage_label(stage, merged) for stage in found}
    titles = [title or f"item {item}" for title, item in zip(items["title"], items["item"], strict=True)]
    stages = [
        {"key": stage, "label": label, "glyph": looks.stage_glyph(stage), "color": looks.stage_color(stage), **_lines(stage, judged[stage])}
        for stage, label in labels.items()
    ]
    looked, layouts = _colouring(items), _layouts(run, found)
    of = {"run": name, "file": f"{name}-map"}
    parts = {
        "tables": _beside(run, names, found, judged, labels, titles),
        **{f"maps {m}": maps.block({**of, "frame": f"{name} {m}"}, stages, titles, xy, looked) for m, xy in layouts.items()},
        "spectra": spectra.block({s: spectrum(t, "centred") for s, t in found.items()}, labels, null_band(*found[last].shape, "centred")),
        **_film(name, run, titles, looked),
    }
    explained = pca_map(found).explained
    head = {
        "name": name,
        "stages": stages,
        "titles": ["", *titles],
        "popularity": [0, *(items["popularity"].tolist() if "popularity" in items else [0] * len(titles))],
        "strip": [{**stage, **verdicts.summary(str(stage["key"]), judged[str(stage["key"])])} for stage in stages],
        "answer": verdicts.answer(labels[last], judged[last]),
        "purpose": run.info.get("purpose") or "",
        "falls": spectra.falling(judged[next(iter(found))], judged[last]) or "",
        "shares": ", ".join(f"{100 * share:.0f} %" for share in explained.values()),
        "times": f"{_size('noise') / _size('healthy'):.0f}",
    }
    near = {key: array for stage, table in found.items() for key, array in _near(stage, table).items()}
    return wire.block(head, {**{key: np.frombuffer(part, np.uint8) for key, part in parts.items()}, **near})


def _title(run: RunFolder) -> str:
    return run.info.get("title") or run.name


def _dials(folder: Folder, run: RunFolder, made: dict[Path, str]) -> dict[str, str]:
    """Where a run's dials are, and why they are a healthy run's if its own table has collapsed. made: the addresses so far."""
    shown, instead = run, ""
    if _broken(run):
        shown = run_of(BUNDLED, "healthy")
        instead = setup.words("collapse")["broken"]["instead"].format(run=_title(shown))
    place = shown.path.resolve()
    if place not in made:
        made[place] = dials.data(folder, shown)
    return {"url": made[place], "instead": instead}


def _broken(run: RunFolder) -> bool:
    """Whether the run's last table has collapsed already."""
    last = list(distinct_tables(run.tables())[0])[-1]
    return any(entry["name"] == last and entry["verdict"]["kind"] in COLLAPSED for entry in diagnosis(run)["tables"])


def _lines(stage: str, verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Above a stage's map: its verdict."""
    said = verdicts.summary(stage, verdict)
    return {"lines": [[said["kind"], said["says"]]]}


def _colouring(items: pd.DataFrame) -> colours.Colouring:
    """The first column with few values, such as the genre; none: one group."""
    names = [c for c in items.columns if c not in ("item", "title", "popularity") and not colours.is_number(items[c])]
    return colours.column(items, names[0]) if names else colours.plain(len(items))


def _layouts(run: RunFolder, found: Mapping[str, np.ndarray]) -> dict[str, Array]:
    linear, curved = pca_map(found), cached(run, "umap")
    pca = {"pca": {name: linear.apply(table) for name, table in found.items()}}
    return pca if curved is None else {"umap": {name: curved[name] for name in found}, **pca}


def _near(stage: str, table: np.ndarray) -> Array:
    """Each item's nearest by cosine: rows and cosines, (V, NEIGHBOURS) each."""
    unit = unit_rows(table.astype(np.float64)).astype(np.float32)
    alike = unit @ unit.T
    np.fill_diagonal(alike, -np.inf)
    rows = np.argsort(-alike, axis=1, kind="stable")[:, :NEIGHBOURS]
    cosines = np.clip(np.take_along_axis(alike, rows, axis=1), -1, 1)
    return {f"near {stage}": rows.astype(np.int32), f"cosines {stage}": np.round((cosines + 1) / 2 * COSINES).astype(np.uint16)}


def _film(name: str, run: RunFolder, titles: list[str], looked: colours.Colouring) -> dict[str, bytes]:
    made = cached_film(run)
    if made is None:
        return {}
    kept = {(s["stage"], s["epoch"]): KIND_WORDS[s["verdict"]["kind"]][0] for s in diagnosis(run).get("snapshots", [])}
    of = {"run": name, "look": "genre", "frame": len(made) - 1}
    row = (most_popular(run.items) or 1) - 1
    return {"film": film.block(of, made, film.frames(made, kept), titles, looked, row)}


# -- the tables with a known fate ---------------------------------------------------------------------------------


@cache
def _reference(part: str) -> tuple[str, tables.Look, dict[str, Any]]:
    """A run's name, its look and the verdict on the table by which the lesson shows it."""
    run = run_of(BUNDLED, part)
    end, kept = end_of(run), diagnosis(run)
    entries = kept["tables"] if end is None else [entry for entry in kept["snapshots"] if entry["epoch"] == end]
    return run.name, _look(run, table_of(run)), entries[-1]["verdict"]


def _look(run: RunFolder, table: np.ndarray) -> tables.Look:
    rows, groups = tables.shown_items(run.items, table)
    return tables.drawn(table, rows, groups, [title or str(i) for i, title in run.items["title"].items()])


def _size(part: str) -> float:
    return _reference(part)[1].size


def _beside(
    run: RunFolder, names: set[str], found: Array, judged: Mapping[str, Any], labels: Mapping[str, str], titles: list[str]
) -> bytes:
    """The three tables with a known fate beside the run's own, and the bar of health."""
    words, cards, marks, drawn = setup.words("collapse"), [], [], {}
    bundled = run.path.resolve().parent == Path(BUNDLED).resolve()
    for part in REFERENCES:
        other, drawn[part], verdict = _reference(part)
        own, title = bundled and other == run.name, words["references"][part]["title"]
        cards.append(
            tables.card(
                part,
                title,
                words["references"][part]["says"],
                drawn[part],
                own=own,
                sign=tables.sign(part),
                run="" if own or other not in names else other,
            )
        )
        marks.append({"key": part, "name": title, "place": health(verdict).place, "glyph": tables.sign(part)})
    if not any(card["own"] for card in cards):
        last = list(found)[-1]
        rows, groups = tables.shown_items(run.items, found[last])
        drawn["own"] = tables.drawn(found[last], rows, groups, titles)
        cards.append(tables.card("own", words["own"], KIND_WORDS[judged[last]["kind"]][1], drawn["own"], own=True, sign=tables.sign("own")))
    marks += [tables.mark(f"stage {stage}", label, judged[stage], stage) for stage, label in labels.items()]
    return tables.block(cards, marks, drawn)
