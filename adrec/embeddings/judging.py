"""Judges people's tables: measures and a verdict for each, and how consecutive tables differ."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.diagnosis import diagnosis
from adrec.collapse.evidence import correlation, neighbours_kept
from adrec.collapse.facts import Fact, facts, without_offset
from adrec.collapse.hubs import more
from adrec.collapse.measures import MANY, table_report
from adrec.collapse.moments import Moments
from adrec.collapse.nulls import null_draws
from adrec.collapse.quantised import codes_of_run
from adrec.collapse.reference import meaning
from adrec.collapse.thresholds import THRESHOLDS
from adrec.collapse.verdict import Verdict, diagnose, sure
from adrec.data.dataset import ItemTable
from adrec.embeddings.bring import Source, named
from adrec.embeddings.orders import WORDS, basic
from adrec.errors import WeightsError
from adrec.reading.account import Account
from adrec.runs import Progress, RunFolder

CONTINUED = 0.2
"""A table whose entries correlate more than this with another's counts as a later state of it. In the bundled runs, states of one
training have 0.49 or more, trainings from different starts less than 0.01 (tests/adrec/test_bring.py)."""

MOST_CHOICES = 6
"""Candidates that a question names at most."""

MOST_SECONDS = 180.0
"""A stranger's tables are judged only if the estimate is at most this long."""


def estimated_seconds(items: int, width: int) -> float:
    """Roughly how long `judge` takes for a table (V, D) on two cores, from measurements: noise spectra, products, pairs of items."""
    side, entries = min(items, width), items * width
    draws = null_draws(side)
    pairs = items**2 if items <= MANY else 0
    seconds = 2.5e-10 * side**3 * (draws + 10) + entries * (1e-7 + 1e-9 * side) + pairs * (3e-9 + 5e-11 * width)
    return seconds + (draws * entries * (3e-8 + 1e-10 * side) if items <= width else 0.0)


def check_cost(sources: Sequence[Source], most: float = MOST_SECONDS) -> None:
    """A WeightsError if judging the sources would take more than about ``most`` seconds."""
    seconds = sum(estimated_seconds(*source.table.shape) for source in sources)
    if seconds > most:
        items, width = max((source.table.shape for source in sources), key=lambda shape: estimated_seconds(*shape))
        what = f"tables as large as {items:,} x {width:,}" if len(sources) > 1 else f"a table of {items:,} x {width:,}"
        took = f"about {seconds / 60:,.0f} minutes; the limit is {most / 60:.0f}"
        raise WeightsError(f"Judging {what} would take {took}. Use fewer columns or fewer items.")


def judge(
    sources: Sequence[Source],
    seed: int = 0,
    progress: Progress | None = None,
    on_facts: Callable[[int, Sequence[Fact]], object] = lambda number, found: None,
) -> dict[str, Any]:
    """``{"tables": [...], "comparison": [...]}`` as JSON types; tables as in ``collapse --json``, each with its ``verdict``.

    A table's entry also has plain ``facts``, the heaviest first, with examples by title, its ``meaning`` (or None) and ``more``
    (``adrec.collapse.hubs``), and records what its numbers are based on: ``account`` (of a file), ``notes``, ``sha256``, ``interactions``
    (or None) and ``join``: which row is which item (``joins.Join``, or None). ``questions`` are those of the verdict's ``undecided`` that
    an option settles: ``option``, ``says`` and ``candidates``, values of the option with what they mean.
    ``comparison`` compares every table but the first with the one before it. on_facts: called with each table's number and its facts,
    which still hold every row that they are about.
    """
    names = named(sources)
    kept = _of_one_run(sources)
    changes = [compare(a, b, seed) for a, b in pairwise(sources)]
    pairs: dict[tuple[str, int], Cooccurrence] = {}  # by the histories and the rows, which tables of the same items share
    tables = []
    for i, source in enumerate(sources):
        if progress is not None:
            progress(i / len(sources), f"measuring {names[i]}")
        known: dict[str, Any] = {"sha256": source.digest, "notes": list(source.notes), "interactions": _described(source)}
        known["account"] = None if source.account is None else source.account.as_dict()
        known["join"] = None if source.join is None else source.join.to_json()
        known["initial_given"] = source.initial is not None
        if kept is not None:
            popularity = None if source.data is None else source.data.popularity[1:]
            plain = facts(source.table, popularity=popularity, initial=source.initial)
            on_facts(i, plain)
            means = None if source.data is None else meaning(source.table, source.data)
            known |= {"facts": _named(plain, source), "questions": [], "more": _more(source.table, source)}
            tables.append({**kept[source.name], **known, "meaning": None if means is None else means.to_json()})
            continue
        data = source.data
        cooccurrence = None if data is None else pairs.get((data.content_hash, data.n_items))
        if data is not None and cooccurrence is None:
            cooccurrence = pairs[data.content_hash, data.n_items] = Cooccurrence.from_dataset(data)
        before = sources[i - 1].table if i and changes[i - 1]["continued"] else None
        verdict_of = partial(diagnose, source.table, initial=source.initial, before=before, seed=seed, name=f"'{names[i]}'")
        verdict = verdict_of(cooccurrence=cooccurrence, data=data)
        if source.join is not None:
            verdict = source.join.applied(verdict, verdict_of)
            if source.join.doubt in verdict.undecided:  # nothing about meaning can be said
                source, known["interactions"] = replace(source, data=None), None
        verdict = verdict.doubted(source.undecided)
        on_facts(i, verdict.facts)
        known |= {"facts": _named(verdict.facts, source), "questions": _questions(source, verdict)}
        table = without_offset(source.table, verdict.facts)
        known |= {"verdict": verdict.to_json(), "more": _more(table, source)}
        known["meaning"] = None if verdict.meaning is None else verdict.meaning.to_json()
        tables.append({**table_report(names[i], table), **known})
    comparison = [{"name": names[i + 1], "before": names[i], **change} for i, change in enumerate(changes)]
    return {"tables": tables, "comparison": comparison}


def _more(table: np.ndarray, source: Source) -> dict[str, Any]:
    """What else there is to know of a table, and of its run the codes, if it has any."""
    found = more(table, source.data)
    if source.run is not None and source.data is not None:
        found["codes"] = codes_of_run(*source.run, source.data) or found["codes"]
    return found


def beside(entry: Mapping[str, Any]) -> list[str]:
    """What else an entry of ``judge`` shows beside the spectrum, in words."""
    return [found["says"] for found in (entry.get("more") or {}).values() if found is not None]


def examined(entry: Mapping[str, Any]) -> str:
    """Which items the verdict's numbers describe, if rare ones are left out; else \"\"."""
    return Verdict.from_json(entry["verdict"]).examined


def told(entry: Mapping[str, Any]) -> list[str]:
    """What was read for a table of ``judge``, in words: its file's account, then the notes."""
    account = Account.from_dict(entry["account"]).sentences() if entry.get("account") else []
    return account + [note for note in entry["notes"] if note not in account]


def _questions(source: Source, verdict: Verdict) -> list[dict[str, Any]]:
    """What the verdict leaves open and an option settles."""
    found = []
    if source.sideways is not None and source.sideways in verdict.undecided:
        rows, columns = source.table.shape
        choices = [["yes", f"the {columns:,} columns are the items"], ["no", f"the {rows:,} rows are the items"]]
        found.append({"option": "transpose", "says": source.sideways, "candidates": choices})
    join = source.join
    if join is not None and join.doubt is not None and join.doubt in verdict.undecided:
        orders = [c for c in join.candidates if basic(c["name"]) in WORDS]
        if all(c["z"] < THRESHOLDS.z for c in orders):  # chance: the usual orders first, none of which a shift has made up
            orders.sort(key=lambda c: ":" in c["name"])
        choices = [[c["name"], f"{c['words']}: {c['z']:.1f} standard deviations from shuffled rows"] for c in orders[:MOST_CHOICES]]
        found += [{"option": "order", "says": join.doubt, "candidates": choices}] if choices else []
    return found


def rows_of(fact: Fact, source: Source) -> pd.DataFrame | None:
    """Every row that a fact is about, by its number in the file, with the item's id and title where known; None if it is not about rows."""
    if fact.every is None:
        return None
    items, labels = _known(fact, source)
    frame = pd.DataFrame({"row": source.numbers[fact.every]})
    if items is not None:
        known = items.frame.iloc[fact.every]
        named = {"item": known["item"].to_numpy(), "title": known["title"].to_numpy()}
        frame = frame.assign(**named if (known["item"] != known["title"]).any() else {"item": named["item"]})
    elif labels is not None:
        frame = frame.assign(item=[labels[i] for i in fact.every])
    return frame


def _known(fact: Fact, source: Source) -> tuple[ItemTable | None, Sequence[str] | None]:
    """The items of the rows, or what the file calls them, as far as known for a fact.

    Where it is in doubt which row is which item, only the rows of what no file says are known, but of items that never occur the items.
    """
    join = source.join
    if join is not None and join.doubt is not None and join.used != "ids" and fact.code != "never-used":
        return None, None
    return source.items or (source.data.items if source.data else None), source.labels


def in_words(entry: Mapping[str, Any]) -> list[str]:
    """All that ``judge`` found about a table, as lines: the join, the facts, the verdict, then what else is known."""
    name, verdict = entry["name"], entry["verdict"]
    join = [] if entry["join"] is None else [entry["join"]["says"]]
    found = [] if entry["meaning"] is None else [entry["meaning"]["says"]]
    return [
        *(f"{name}: {says}" for says in [*join, *(fact["says"] for fact in entry["facts"])]),
        f"{name} ({entry['items']} items x {entry['width']}): {verdict['kind']}, {sure(verdict)}",
        verdict["says"].removeprefix("".join(join)).strip(),
        *([examined(entry)] if examined(entry) else []),
        *found,
        *beside(entry),
        *verdict["undecided"],
        *(line for line in told(entry) if line not in join),
    ]


def _named(plain: Sequence[Fact], source: Source) -> list[dict[str, Any]]:
    """The facts as JSON, with examples by title where titles or ids are known, and rows by their numbers in the file."""
    named = []
    for fact in plain:
        items, labels = _known(fact, source)
        named.append(fact.named(labels if items is None else items.frame["title"].tolist(), source.numbers).to_json())
    return named


def _of_one_run(sources: Sequence[Source]) -> dict[str, dict[str, Any]] | None:
    """The entries of ``adrec.collapse.diagnosis`` by table, if the sources are one run's tables with the run's own data; else None."""
    runs = {s.run[0].path for s in sources if s.run}
    if len(runs) != 1 or not all(s.run and s.own for s in sources):
        return None
    return {entry["name"]: entry for entry in diagnosis(RunFolder(runs.pop()), sources[0].data)["tables"]}


def _described(source: Source) -> Mapping[str, Any] | None:
    if source.data is None:
        return None
    data = source.data
    return {
        "name": data.name,
        "users": data.n_users,
        "training_interactions": len(data.train_items),
        "items_seen": int((data.popularity > 0).sum()),
        "hash": data.content_hash,
        "options": {k: v for k, v in data.options.items() if v is not None},
    }


def compare(first: Source, second: Source, seed: int = 0) -> dict[str, Any]:
    """What changed from one table to the next, over all items.

    std_ratio: scale over the first's. correlation: Pearson's, over all entries. neighbours_kept: the mean share of an item's nearest items
    (centred cosine) that are also nearest in the first table, for a sample of items in large tables; neighbours_chance: the same for
    unrelated tables. continued: whether the second counts as a later state of the first. Values that need equal shapes are None otherwise.
    """
    a, b = Moments.from_table(first.table), Moments.from_table(second.table)
    ratio = b.std / a.std if a.std > 0 else None
    change: dict[str, Any] = {"std_before": a.std, "std": b.std, "std_ratio": ratio, "correlation": None}
    change |= {"neighbours_kept": None, "neighbours_chance": None, "continued": False}
    if len(first.table) != len(second.table) or (first.labels and second.labels and first.labels != second.labels):
        return change
    change["neighbours_kept"], change["neighbours_chance"] = neighbours_kept(second.table, b, first.table, a, seed)
    if first.table.shape == second.table.shape:
        change["correlation"] = correlation(second.table, b, first.table, a)
        stages = first.run is not None and second.run is not None and first.run[0].path == second.run[0].path
        change["continued"] = (stages and first.name != "initial") or change["correlation"] > CONTINUED
    return change
