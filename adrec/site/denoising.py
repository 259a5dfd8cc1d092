"""What the Denoising page is sent: the models that run in the browser, the maps of their items and the example people. Nobody's ratings."""

from collections.abc import Mapping
from typing import Any

from adrec import browser
from adrec.browser import wire
from adrec.data.titles import most_popular
from adrec.errors import DataError
from adrec.explain import COLORS, scene, words
from adrec.explain.browser import scored
from adrec.lesson import setup
from adrec.lesson.people import PEOPLE
from adrec.runs import RunFolder
from adrec.site.folder import Folder

STAGE = "finetune"
PERSON = "family"
"""Whom the page opens with, as in the app."""


def runs_here(run: RunFolder) -> bool:
    """Whether a run's reverse process runs in the browser, every step scored."""
    return "denoise" in run.abilities and scored(run, STAGE) == "all"


def data(folder: Folder, runs: Mapping[str, RunFolder], first: str, against: str) -> bytes:
    """first, against: the models that the page opens with, the second beside the first or ""."""
    lesson, glossary = setup.words("lesson"), setup.words("glossary")
    head = {
        "texts": {"people": lesson["people"], "parts": lesson["parts"], "site": setup.words("site")},
        "terms": [[word, glossary[key]["meaning"]] for word, key in words.TERMS.items()],
        "process": f"{words.PROCESS} {words.STEP}",
        "colors": COLORS,
        "scrubber": browser.text("scrubber.html"),
        "worker": folder.add("worker.js", browser.script("engine/worker.js").encode()),
        "models": [_model(folder, name, run) for name, run in runs.items()],
        "first": first,
        "against": against,
        "person": PERSON,
    }
    return wire.block(head, {})


def _model(folder: Folder, name: str, run: RunFolder) -> dict[str, Any]:
    items, settings = run.items, run.settings
    titles = [title or f"item {item}" for title, item in zip(items["title"], items["item"], strict=True)]
    layout = scene.layout(run.tables(), STAGE)
    url = folder.add(f"{name}.bin", run.weights_path(STAGE).read_bytes())
    model = {"url": url, "run": {"model": settings, "diffusion": run.info["diffusion"]}}
    return {
        "name": name,
        "title": run.info.get("title") or name,
        "data": str(run.info.get("dataset", {}).get("hash")),
        "shared": folder.add(f"{name}-map.bin", scene.shared(layout, lambda i: titles[i - 1], model)),
        **model,
        "length": int(settings["length"]),
        "items": len(items),
        "titles": ["", *titles],
        "popularity": [0, *(items["popularity"].tolist() if "popularity" in items else [0] * len(items))],
        "popular": most_popular(items),
        "people": _people(run),
    }


def _people(run: RunFolder) -> dict[str, Any]:
    """The example people by key; none where the catalogue lacks one of their films."""
    try:
        found = {person.key: person.ids(run.items) for person in PEOPLE}
    except DataError:
        return {}
    return {key: {"history": history, "next": following} for key, (history, following) in found.items()}
