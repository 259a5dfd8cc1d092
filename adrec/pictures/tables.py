"""Tables side by side and the bar of health, as the browser draws them. Pure functions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from adrec.browser import wire
from adrec.collapse.health import LEARNED, NARROW, NULL_BAND, health
from adrec.collapse.kinds import KIND_WORDS
from adrec.pictures import looks
from adrec.pictures.texts import texts

FILMS, DOTS = 40, 4000


REFERENCES = ("noise", "narrow", "healthy")
"""The parts of the bundled runs that stand beside every other."""


@dataclass(frozen=True)
class Look:
    """What is drawn of a table. xy: (at most DOTS, 2) around zero; cosines: (n * n,) uint8; films: their titles, in groups."""

    items: int
    xy: np.ndarray
    cosines: np.ndarray
    films: list[str]
    groups: list[dict[str, Any]]
    size: float


def drawn(table: np.ndarray, rows: list[int], groups: list[dict[str, Any]], titles: list[str]) -> Look:
    """How a table (V, D) looks. rows, groups: from ``shown_items``."""
    from adrec.lesson.likeness import cosines
    from adrec.maps.tables import principal_axes, typical_length

    xy = (table @ principal_axes(table.astype(np.float64))[1][:, :2]).astype(np.float32)
    xy *= np.where(np.append(xy[:, :1].mean(axis=0), xy[rows[0], 1]) < 0, -1, 1)
    shown = [titles[row] for row in rows]
    return Look(len(xy), xy[:: 1 + len(xy) // DOTS], cosines(table, [row + 1 for row in rows]), shown, groups, typical_length(table))


def shown_items(frame: pd.DataFrame, table: np.ndarray) -> tuple[list[int], list[dict[str, Any]]]:
    """The rows whose likenesses are shown, and their groups: the lesson's films or, in other data, the most popular items, ordered so that
    those alike in the table (V, D) lie together."""
    from adrec.errors import DataError
    from adrec.lesson.likeness import GROUPS, films
    from adrec.maps.tables import unit_rows

    try:
        ids = films(frame)
        return [i - 1 for i in ids], [{"label": texts("lesson")["groups"][key], "count": len(group)} for key, group in GROUPS.items()]
    except DataError:
        counts = frame["popularity"].to_numpy() if "popularity" in frame else np.arange(len(frame))[::-1]
        rows = np.argsort(-counts, kind="stable")[:FILMS]
    unit = unit_rows(table[rows].astype(np.float64))
    alike = unit @ unit.T
    order = np.argsort(np.linalg.eigh(alike - alike.mean(axis=0) - alike.mean(axis=1)[:, None])[1][:, -1])
    return rows[order].tolist(), [{"label": "", "count": len(rows)}]


def mark(key: str, name: str, verdict: dict[str, Any], stage: str, main: bool = True) -> dict[str, Any]:
    """A stage's table on the bar of health."""
    place, style = health(verdict).place, {"glyph": looks.stage_glyph(stage), "color": looks.stage_color(stage)}
    return {"key": key, "name": f"{name}: {KIND_WORDS[verdict['kind']][0].lower()}", "place": place, "main": main, **style}


def block(cards: list[dict[str, Any]], marks: list[dict[str, Any]], looks: dict[str, Look]) -> bytes:
    """Cards, marks on the bar and what the cards draw, for the browser."""
    words = texts("collapse")
    places = [f"{mark['name']} {words['barPlace'][side(mark['place'])]}" for mark in marks]
    said = {key: words[key] for key in ("pick", "size")} | {"sizeHelp": texts("glossary")["size"]["meaning"]}
    said["bar"] = {"band": words["band"], **{kind: kinds["word"] for kind, kinds in texts("lesson")["kinds"].items()}}
    said["barAlt"] = words["barAlt"].format(places="; ".join(places))
    arrays = {f"xy {key}": one.xy for key, one in looks.items()} | {f"cosines {key}": one.cosines for key, one in looks.items()}
    return wire.block({"cards": cards, "marks": marks, "band": NULL_BAND, "narrow": NARROW, "words": said}, arrays)


def side(place: float) -> str:
    """Where on the bar a place is, by the name of its words."""
    if place < NULL_BAND[1]:
        return "noise"
    if place >= NARROW:
        return "narrow"
    return "weak" if place < LEARNED else "towards" if place > -LEARNED else "healthy"


def card(key: str, title: str, says: str, one: Look, **more: Any) -> dict[str, Any]:
    """A card as the browser wants it. more: ``sign``, and ``run``, ``name`` and ``own`` where it stands for a run."""
    words = texts("collapse")
    return {
        "key": key,
        "title": title,
        "says": says,
        "films": one.films,
        "groups": one.groups,
        "size": one.size,
        "sizeWords": f"{one.size:.2g}",
        "mapWords": words["map"].format(items=f"{one.items:,}"),
        "likeness": words["likeness"].format(count=len(one.films)),
        "mapAlt": words["mapAlt"].format(title=title),
        "likenessAlt": words["likenessAlt"].format(title=title, count=len(one.films)),
        "run": "",
        "name": "",
        "own": False,
        **more,
    }


def sign(key: str) -> str:
    """The sign of a reference's card, and of any other."""
    return texts("lesson")["kinds"][key]["sign"] if key in REFERENCES else "●"
