"""Judges one half of the third-party set, with and without interactions, as a person would: a file, the interactions, an answer.

``python -m tests.measure.verdict_set.judge FOLDER tune`` (the project's environment). First ``FOLDER/expected-HALF.json`` is written,
by the rule of ``expected.py`` alone; then, and again after every trained table, ``FOLDER/judged-HALF.json`` and ``.md``. Each trained
table comes as it is, in three further orders of its rows and with four further breakages, in turn, so that all occur equally often.
``--joins`` tells the rows of 40 tables in every order apart instead, without verdicts. ``--tables N`` takes fewer, evenly, and
``--only TEXT`` those named so. The held-out half is judged once, when the rule is frozen: it asks for ``--the-rule-is-frozen COMMIT``.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adrec.data import catalog
from adrec.embeddings import judging
from adrec.embeddings.bring import Source, bring
from adrec.errors import AdrecError
from tests.measure.verdict_set.breakages import JOINS, NUMBERS, Given, Trained
from tests.measure.verdict_set.expected import FEWEST, Geometry, Ranker, Ranking, geometry, kinds
from tests.measure.verdict_set.registry import UNTRAINED, Training, half

ORDERS, DAMAGES = 3, 4
"""Besides the table as it is, by position and with ids."""
JOINED = 0.95
"""The share of interactions whose item must have found its own row."""
WITHHELD = 0.5
"""The confidence that says: it cannot be told."""

FIRST = (next(iter(JOINS)), next(iter(NUMBERS)))


@dataclass(frozen=True)
class Case:
    trained: str
    breakage: str
    make: Callable[[Trained], Given]


class Tables:
    """The trained tables of one half, and what belongs to their data sets."""

    def __init__(self, folder: Path, which: str) -> None:
        self.folder = folder
        self.about: dict[str, dict[str, Any]] = {}
        self.known: dict[str, tuple[Ranking, Geometry]] = {}
        for noted in sorted((folder / "tables").glob("*.json")):
            about = json.loads(noted.read_text())
            if "error" not in about and half(about["library"], about["data"]) == which:
                self.about[about["name"]] = about

    @cache  # noqa: B019 (as long as the program)
    def training(self, data: str) -> Training:
        return Training.load(self.folder / "data" / data / "train.npz")

    @cache  # noqa: B019
    def ranker(self, data: str) -> Ranker:
        return Ranker(self.training(data))

    def interactions(self, data: str) -> Path:
        return self.folder / "data" / data / "interactions.csv"

    @cache  # noqa: B019
    def first_seen(self, data: str) -> np.ndarray:
        ids = {raw: i for i, raw in enumerate(self.training(data).ids.tolist())}
        seen = pd.read_csv(self.interactions(data), dtype=str)["item"]
        return np.array([ids[raw] for raw in pd.unique(seen)])

    def __getitem__(self, name: str) -> Trained:
        about = self.about[name]
        given, ranker = self.training(about["data"]), self.ranker(about["data"])
        with np.load(self.folder / "tables" / f"{name}.npz") as stored:
            arrays = {key: stored[key] for key in stored.files}
        known = {key: arrays.get(key) for key in ("initial", "users")}
        untrained = about["flaw"] in UNTRAINED
        first = self.first_seen(about["data"])
        return Trained(arrays["table"], given.ids.tolist(), ranker.popularity, first, about["seed"], untrained=untrained, **known)

    def measured(self, case: Case, given: Given) -> tuple[Ranking, Geometry]:
        """How well what is meant ranks, and its geometry; in every order of its rows a table is meant to be the same."""
        key = case.trained if case.breakage in JOINS else f"{case.trained} | {case.breakage}"
        if key not in self.known:
            ranker = self.ranker(self.about[case.trained]["data"])
            self.known[key] = ranker(given.meant), geometry(given.meant, ranker.popularity)
        return self.known[key]

    def learnt(self, name: str) -> bool:
        """Whether the table ranks as it was trained."""
        whole = Case(name, FIRST[0], JOINS[FIRST[0]])
        return self.ranker(self.about[name]["data"]).level(self.measured(whole, whole.make(self[name]))[0]) != "none"


def cases(tables: Tables, joins: bool, most: int, only: str = "") -> list[Case]:
    names = [name for name in tables.about if only in name]
    most = min(most, 40) if joins else most
    names = [names[i] for i in np.unique(np.linspace(0, len(names) - 1, min(most, len(names))).astype(int))]
    orders, damages = ([name for name in group if name not in FIRST] for group in (JOINS, NUMBERS))
    found = []
    for i, name in enumerate(names):
        chosen = [orders[(ORDERS * i + k) % len(orders)] for k in range(len(orders) if joins else ORDERS)]
        chosen += [] if joins else [damages[(DAMAGES * i + k) % len(damages)] for k in range(DAMAGES)]
        first = FIRST[:1] if joins else FIRST
        found += [Case(name, breakage, (JOINS | NUMBERS)[breakage]) for breakage in (*first, *chosen)]
    return found


# -- what is expected -------------------------------------------------------------------------------------------------


def expectation(case: Case, given: Given, tables: Tables) -> dict[str, Any]:
    """The rule's answer, with and without interactions, and everything it rests on."""
    about = tables.about[case.trained]
    ranker = tables.ranker(about["data"])
    ranking, shape = tables.measured(case, given)
    level = ranker.level(ranking)
    noise = given.untrained and level == "none"  # a start that ranks is none: its training has got through after all
    expected: dict[str, Any] = {
        "trained": case.trained, "breakage": case.breakage, "group": "join" if case.breakage in JOINS else "numbers",
        "auc": round(ranking.auc, 4), "auc_error": round(ranking.error, 4), "auc_reference": round(ranker.reference.auc, 4), "level": level,
        "geometry": {key: round(value, 4) for key, value in vars(shape).items()}, "untrained": noise, "facts": list(given.facts),
        "refuse": given.refuse, "unjoinable": given.scrambled,
    }  # fmt: skip
    finite = np.isfinite(given.table).all() and given.as_given and given.table.shape[0] == len(ranker.popularity)
    damaged = geometry(np.asarray(given.table, dtype=np.float32), ranker.popularity) if finite else None
    for key, known in (("with", "none" if given.scrambled else level), ("without", None)):
        right, also = kinds(noise, known, shape)
        if damaged is not None:
            one, two = kinds(noise, known, damaged)
            also = also | one | two
        if known is None:  # which rows are hardly trained only the interactions say
            one, two = kinds(noise, None, geometry(given.meant, np.full(len(given.meant), FEWEST)))
            also = also | one | two
        if given.partly and known == "none" and tables.learnt(case.trained):
            also = also | {"weakly-learned"}
        expected[key] = {"right": sorted(right), "acceptable": sorted(also - right)}
    return expected


# -- what is said -----------------------------------------------------------------------------------------------------


def written(table: np.ndarray, ids: list[str] | None, path: Path) -> Path:
    if ids is None:
        np.save(path.with_suffix(".npy"), table)
        return path.with_suffix(".npy")
    frame = pd.DataFrame(table, columns=[f"d{i}" for i in range(table.shape[1])])
    frame.insert(0, "item_id", ids)
    frame.to_parquet(path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


WHOLE: dict[Path, dict[str, int]] = {}
"""By file, how often each item occurs in the training interactions as they were read, before any join."""


def _labels(given: Given) -> list[str] | None:
    return (given.labels or given.truth) if given.with_ids else None


def joined(source: Source, given: Given, data: Path) -> float | None:
    """The share of the interactions whose item was joined to its own row, whatever the join is called."""
    if source.data is None:
        return None
    table = given.table.T if given.table.shape[1] == len(given.truth) != given.table.shape[0] else given.table
    items: dict[bytes, set[str]] = {}
    for row, item in zip(np.ascontiguousarray(table, dtype=np.float32), given.truth, strict=True):
        items.setdefault(row.tobytes(), set()).add(item)
    popularity = source.data.popularity[1:]
    said = source.data.items.frame["item"].tolist()
    own = [said[i] in items.get(np.ascontiguousarray(source.table[i], dtype=np.float32).tobytes(), ()) for i in range(len(source.table))]
    known = set(given.truth)  # an item with a row in the file counts, also if the join lost it
    total = sum(count for item, count in WHOLE[data].items() if item in known)
    return float(popularity[np.array(own)].sum() / max(total, 1))


def said(case: Case, given: Given, data: Path, interactions: bool, folder: Path) -> dict[str, Any]:
    """The answer to one file: a verdict and how it was reached, or the sentence that refuses."""
    path = written(given.table, _labels(given), folder / "table")
    start = None
    if given.initial is not None:
        start = written(given.initial, _labels(given), folder / "start")
    began = time.perf_counter()
    try:
        sources = bring([path], interactions=data if interactions else None, initial=start)
        entry = judging.judge(sources)["tables"][0]
    except AdrecError as error:
        return {"refused": str(error), "seconds": round(time.perf_counter() - began, 2)}
    verdict = entry["verdict"]
    return {
        "kind": verdict["kind"], "confidence": verdict["confidence"], "says": verdict["says"], "undecided": verdict["undecided"],
        "notes": entry["notes"], "join": entry.get("join"), "facts": [fact["code"] for fact in entry.get("facts") or []],
        "meaning": entry.get("meaning"), "joined": joined(sources[0], given, data), "seconds": round(time.perf_counter() - began, 2),
    }  # fmt: skip


def told_apart(case: Case, given: Given, data: Path, folder: Path) -> dict[str, Any]:
    """Only which row is taken for which item, without a verdict: several times as fast."""
    try:
        source = bring([written(given.table, _labels(given), folder / "table")], interactions=data)[0]
    except AdrecError as error:
        return {"refused": str(error)}
    join, own = source.join, joined(source, given, data)
    sure = own is not None and (join is None or join.doubt is None) and not source.undecided
    known = {"joined": own, "join": None if join is None else join.to_json(), "undecided": list(source.undecided)}
    return {"kind": "joined" if sure else "doubted", "confidence": 1.0 if sure else WITHHELD, **known}


def outcome(expected: dict[str, Any], answer: dict[str, Any], interactions: bool) -> str:
    """right, acceptable, withheld, refused or wrong."""
    if "refused" in answer:
        if expected["refuse"]:
            return "right"
        return "refused" if expected["group"] == "join" and interactions else "wrong"
    if answer["confidence"] <= WITHHELD:
        return "withheld"
    named = expected["with" if interactions else "without"]
    meaningful = expected["level"] != "none" and not expected["unjoinable"]
    if answer["joined"] is None:  # what it says, it says without the interactions
        named = expected["without"]
    elif meaningful and answer["joined"] < JOINED and answer["kind"] != "complete-collapse":
        return "wrong"  # whatever it says, it says of other items
    return "right" if answer["kind"] in named["right"] else "acceptable" if answer["kind"] in named["acceptable"] else "wrong"


def join_outcome(expected: dict[str, Any], answer: dict[str, Any], interactions: bool) -> str:
    """The same for the join alone: of rows in no order to be found, or without meaning, nothing can be known."""
    if "refused" in answer or answer["confidence"] <= WITHHELD:
        return "refused" if "refused" in answer else "withheld"
    if expected["unjoinable"] or expected["level"] == "none":
        return "acceptable" if not expected["unjoinable"] else "wrong"
    return "right" if answer["joined"] >= JOINED else "wrong"


# -- the report -------------------------------------------------------------------------------------------------------

BINS = ((0.5, 0.7), (0.7, 0.9), (0.9, 0.99), (0.99, 1.0001))
GOOD = ("right", "acceptable")


def interval(rows: list[dict[str, Any]], good: Callable[[dict[str, Any]], bool], draws: int = 2000) -> tuple[float, float, float]:
    """The share of good rows, and its 95 % interval by bootstrap over trained tables."""
    by: dict[str, list[int]] = {}
    for row in rows:
        count = by.setdefault(row["trained"], [0, 0])
        count[0] += good(row)
        count[1] += 1
    counts = np.array(list(by.values()))
    drawn = counts[np.random.default_rng(0).integers(0, len(counts), (draws, len(counts)))].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return float(counts[:, 0].sum() / counts[:, 1].sum()), float(low), float(high)


def share(rows: list[dict[str, Any]], good: Callable[[dict[str, Any]], bool]) -> str:
    if not rows:
        return ""
    value, low, high = interval(rows, good)
    return f"{value:.1%} ({low:.1%} to {high:.1%})"


def is_good(row: dict[str, Any]) -> bool:
    return row["outcome"] in GOOD


def is_right(row: dict[str, Any]) -> bool:
    return row["outcome"] == "right"


def reliability(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield "| confidence | judgments | trained tables | right or acceptable | right |\n|---|---|---|---|---|"
    for low, high in BINS:
        chosen = [r for r in rows if "kind" in r and r["outcome"] != "withheld" and low <= r["confidence"] < high]
        tables = len({r["trained"] for r in chosen})
        yield f"| {low} to {min(high, 1.0)} | {len(chosen)} | {tables} | {share(chosen, is_good)} | {share(chosen, is_right)} |"
    stated = [r for r in rows if "kind" in r and r["outcome"] != "withheld"]
    tables = len({r["trained"] for r in stated})
    yield f"| all above 0.5 | {len(stated)} | {tables} | {share(stated, is_good)} | {share(stated, is_right)} |"


def by_breakage(rows: list[dict[str, Any]]) -> Iterator[str]:
    outcomes = ("right", "acceptable", "withheld", "refused", "wrong")
    yield "| breakage | " + " | ".join(outcomes) + " |\n|" + "---|" * (len(outcomes) + 1)
    for name in dict.fromkeys(r["breakage"] for r in rows):
        counts = [sum(r["breakage"] == name and r["outcome"] == o for r in rows) for o in outcomes]
        yield f"| {name} | " + " | ".join(str(c or "") for c in counts) + " |"


def joins_table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Where the table ranks, so that a right join can be known."""
    yield "| rows | files | joined rightly | of them doubted | joined wrongly, confident | withheld or refused |\n|---|---|---|---|---|---|"
    for name in (*JOINS, FIRST[1]):
        chosen = [r for r in rows if r["breakage"] == name and r["level"] in ("some", "much") and not r["unjoinable"]]
        if chosen:
            mine = [r for r in chosen if (r.get("joined") or 0) >= JOINED]
            doubted = sum(r["confidence"] <= WITHHELD for r in mine)
            wrong = sum("kind" in r and (r["joined"] or 0) < JOINED and r["confidence"] > WITHHELD for r in chosen)
            yield f"| {name} | {len(chosen)} | {len(mine)} | {doubted} | {wrong} | {len(chosen) - len(mine) - wrong} |"


def facts_table(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield "| breakage | fact | named | of |\n|---|---|---|---|"
    for name, code in dict.fromkeys((r["breakage"], code) for r in rows for code in r["facts_expected"]):
        chosen = [r for r in rows if r["breakage"] == name and code in r["facts_expected"] and "kind" in r]
        yield f"| {name} | {code} | {sum(code in r['facts'] for r in chosen)} | {len(chosen)} |"
    plain = [r for r in rows if r["breakage"] == FIRST[1] and "kind" in r]
    named: dict[str, int] = {}
    for row in plain:
        for code in row["facts"]:
            named[code] = named.get(code, 0) + 1
    yield f"\nNamed of the {len(plain)} tables as trained: {', '.join(f'{c} {n}' for c, n in sorted(named.items())) or 'nothing'}."


def wrong_ones(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in sorted((r for r in rows if r["outcome"] == "wrong"), key=lambda r: (r["breakage"], r["trained"])):
        measured = f"ranks {row['auc']:.3f}, reference {row['auc_reference']:.3f} ({row['level']}); cone {row['geometry']['cone']:.2f}, "
        measured += f"directions {row['geometry']['few']:.2f} of the line of few"
        found = f"refused: {row['refused']}" if "refused" in row else f"**{row['kind']}** {row['confidence']:.2f}"
        wanted = " or ".join(row["named"]["right"])
        place = "" if row.get("joined") is None else f", {row['joined']:.0%} joined rightly"
        as_what = f" (as '{row['join']['used']}')" if row.get("join") else ""
        yield f"- {row['breakage']} | {row['trained']}: {found}{place}{as_what}; expected {wanted}; {measured}"


def report(rows: list[dict[str, Any]], which: str, failed: int) -> str:
    out = [f"# The third-party set, half '{which}'", ""]
    trained = sorted({r["trained"] for r in rows})
    out.append(
        f"{len(rows):,} judgments of {len(trained)} trained tables; breakages: {len({r['breakage'] for r in rows})}; "
        f"trainings that failed: {failed}."
    )
    for known, words in ((True, "With interactions"), (False, "Without interactions")):
        mine = [r for r in rows if r["interactions"] == known]
        if not mine:
            continue
        counts = {o: sum(r["outcome"] == o for r in mine) for o in ("right", "acceptable", "withheld", "refused", "wrong")}
        out += ["", f"## {words}", "", ", ".join(f"{n} {o}" for o, n in counts.items()) + ".", "", *reliability(mine)]
        for number, title in enumerate(("Rows joined", "Facts") if known else ()):
            out += ["", f"### {title}", "", *(facts_table if number else joins_table)(mine)]
        out += ["", "### By breakage", "", *by_breakage(mine), "", "### Wrong", "", *wrong_ones(mine)]
    return "\n".join(out) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("half", choices=("tune", "held"))
    parser.add_argument("--joins", action="store_true", help="every order of the rows of 40 tables")
    parser.add_argument("--tables", type=int, default=1_000_000, help="at most so many trained tables, evenly")
    parser.add_argument("--only", default="", help="only trained tables whose name holds this text")
    parser.add_argument("--the-rule-is-frozen", metavar="COMMIT", help="needed once, to judge the held-out half")
    asked = parser.parse_args()
    if asked.half == "held" and not asked.the_rule_is_frozen:
        parser.error("the held-out half is judged once, when the rule is frozen: --the-rule-is-frozen COMMIT")
    tables = Tables(asked.folder, asked.half)
    chosen = cases(tables, asked.joins, asked.tables, asked.only)
    turn = {one: place for place, one in zip(np.random.default_rng(0).permutation(len(tables.about)), tables.about, strict=True)}
    chosen.sort(key=lambda case: turn[case.trained])  # mixed, so that what there is after a while stands for all
    name = "-".join(filter(None, (asked.half, "joins" if asked.joins else "", asked.only)))
    expected = [expectation(case, case.make(tables[case.trained]), tables) for case in chosen]
    (asked.folder / f"expected-{name}.json").write_text(json.dumps(expected, indent=0) + "\n")
    print(f"{len(chosen)} files of {len(tables.about)} trained tables; what is expected is written", flush=True)
    catalog.load = cache(catalog.load)  # the same interactions for all files of a data set
    judging.table_report = lambda name, table: {"name": name}  # the measures beside the verdict take most of the time
    judging.more = lambda table, data: {}
    failed = sum("error" in json.loads(p.read_text()) for p in (asked.folder / "tables").glob("*.json"))
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        for i, (case, wanted) in enumerate(zip(chosen, expected, strict=True)):
            given, path = case.make(tables[case.trained]), tables.interactions(tables.about[case.trained]["data"])
            data = catalog.load(str(path))
            WHOLE.setdefault(path, dict(zip(data.items.frame["item"], data.popularity[1:].tolist(), strict=True)))
            for interactions in (True,) if asked.joins else (True, False):
                if asked.joins:
                    answer = told_apart(case, given, path, Path(temporary))
                else:
                    answer = said(case, given, path, interactions, Path(temporary))
                row = {**wanted, "facts_expected": wanted["facts"], "facts": [], **answer, "interactions": interactions}
                row["named"] = wanted["with" if interactions else "without"]
                rows.append({**row, "outcome": (join_outcome if asked.joins else outcome)(wanted, answer, interactions)})
            outcomes = " and ".join(row["outcome"] for row in rows[-1 if asked.joins else -2 :])
            print(f"{len(rows)} {case.trained} | {case.breakage}: {outcomes}", flush=True)
            if i + 1 == len(chosen) or chosen[i + 1].trained != case.trained:
                kept = {"half": asked.half, "frozen": asked.the_rule_is_frozen, "judgments": rows}
                (asked.folder / f"judged-{name}.json").write_text(json.dumps(kept, indent=0) + "\n")
                (asked.folder / f"judged-{name}.md").write_text(report(rows, name, failed))


if __name__ == "__main__":
    main()
