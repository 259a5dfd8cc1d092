"""The opening of the Collapse page: three tables with a known fate beside the chosen one, and the bar of health."""

from typing import Any

from adrec.collapse.health import health
from adrec.collapse.kinds import KIND_WORDS
from adrec.lesson.models import RUNS
from adrec.pictures.tables import REFERENCES, Look, block, card, drawn, mark, shown_items, sign
from adrec.runs import RunFolder
from app import loaders, state
from app.collapse import data, items
from app.components.tables import tables
from app.texts import texts


def show(run: RunFolder, found: dict[str, dict[str, Any]]) -> None:
    """The tables side by side and the bar. found: the verdicts on the chosen run's tables."""

    def pick(name: str) -> None:
        state.put(run=name, stage=None, table=None, frame=None, direction=None)

    tables(_packed(run, found), pick, "collapse.tables")


@loaders.of_run(32)
def look(run: RunFolder, stage: str | None) -> Look:
    """A table of a run; None: the one by which the lesson shows it."""
    from adrec.lesson.answers import table_of

    found = data.distinct_tables(run)
    rows, groups = shown_items(loaders.items(run), found[data.stages(run).names[-1]])
    return drawn(table_of(run) if stage is None else found[stage], rows, groups, items.titles(run))


@loaders.of_run(16)
def _packed(run: RunFolder, found: dict[str, dict[str, Any]]) -> bytes:
    """The block for the browser."""
    words, shown = texts("collapse"), data.stages(run)
    looks: dict[str, Look] = {}
    cards, marks = [], []
    for key, reference in references().items():
        looks[key], verdict = look(reference, None), _reference(reference)
        own, title = reference.path.resolve() == run.path.resolve(), words["references"][key]["title"]
        cards.append(_card(key, title, words["references"][key]["says"], looks[key], reference, own))
        if verdict is not None:
            marks.append({"key": key, "name": title, "place": health(verdict).place, "glyph": sign(key)})
    if not any(card["own"] for card in cards):
        last = shown.names[-1]
        looks["own"] = look(run, last)
        cards.append(_card("own", words["own"], KIND_WORDS[found[last]["kind"]][1], looks["own"], run, True))
    for name in shown.names:
        marks.append(mark(f"stage {name}", shown.label(name), found[name], name))
    return block(cards, marks, looks)


def references() -> dict[str, RunFolder]:
    """The runs of REFERENCES that are bundled."""
    found = {part: loaders.bundled(RUNS[part]) for part in REFERENCES}
    return {part: run for part, run in found.items() if run is not None}


def _card(key: str, title: str, says: str, one: Look, run: RunFolder, own: bool) -> dict[str, Any]:
    name = loaders.info(run).get("title") or run.name
    return card(key, title, says, one, run="" if own else loaders.link_name(run), name=name, own=own, sign=sign(key))


@loaders.of_run(16, shared=False)
def _reference(run: RunFolder) -> dict[str, Any] | None:
    """The verdict on the table by which the lesson shows a run."""
    from adrec.collapse.diagnosis import cached_diagnosis
    from adrec.lesson.answers import end_of

    kept, end = cached_diagnosis(run), end_of(run)
    if kept is None:
        return None
    entries = kept["tables"] if end is None else [entry for entry in kept["snapshots"] if entry["epoch"] == end]
    found: dict[str, Any] = entries[-1]["verdict"]
    return found


def size_note() -> dict[str, str] | None:
    """What fills the note on size; None if a reference is missing."""
    found = references()
    if len(found) < len(REFERENCES):
        return None
    sizes = {key: look(run, None).size for key, run in found.items()}
    return {"times": f"{sizes['noise'] / sizes['healthy']:.0f}"}
