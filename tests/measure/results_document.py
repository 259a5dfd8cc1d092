"""The experiments' sections of docs/RESULTS.md, by one command in the folder in which the experiments run:

    python -m tests.measure.results_document RUNS

RUNS/NAME is the folder that ``adrec experiment experiments/NAME.toml --out`` was given; whatever part of it is finished is measured, and
kept as docs/results/NAME.json; so is that nothing is finished. Without RUNS the document is written again from what is kept. The words
are those of experiments/NAME.md, a paragraph of which may hold, in braces, what comes from the report:

    hr@10 of ADRec                              the mean over seeds, in the measure's unit
    hr@10 ± of ADRec                            with its spread over seeds
    hr@10 less of ADRec                         the difference to the baseline, in % points, with its interval
    hr@10 p of ADRec                            its p after Holm's correction
    hr@10 of ADRec is no difference found       nothing, but refused if the report says another thing (higher, lower)
    verdict of ADRec; verdict of ADRec is healthy     the item table's verdict; nothing, but refused if it is another
    comparisons                                 how many the correction was over
    table hr@10 ndcg@10 verdict                 all rows with these measures, the tested ones marked
    compared                                    all rows less the baseline

Of several data sets one is named after the model: ``of ADRec on baby``. ``NAME: hr@10 of ADRec`` is another experiment's, as all are in
experiments/paper.md. A paragraph about a training that is not finished waits, and says so.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from adrec.errors import AdrecError, ConfigError
from adrec.experiments.file import read
from adrec.experiments.measures import all_measures
from adrec.experiments.queue import Queue
from adrec.experiments.report import Figure, of_experiment
from adrec.experiments.tables import MARKS, grid, heading, shown
from adrec.files import read_json, write_text

ROOT = Path(__file__).parents[2]
DOCUMENT, KEPT, EXPERIMENTS = ROOT / "docs" / "RESULTS.md", ROOT / "docs" / "results", ROOT / "experiments"
MEASURES = {m.name: m for m in all_measures()}
SECTION = re.compile(r"(?<=<!-- experiments/)(\w[\w-]*)(\.md: written by tests\.measure\.results_document -->\n).*?(?=<!-- end -->)", re.S)
FIELD = re.compile(r"\{([^{}]+)\}")
OF = re.compile(r"(?P<what>\S+)(?: (?P<form>±|less|p))? of (?P<row>.+?)(?: is (?P<claim>[a-z -]+))?")
Rows = Mapping[tuple[str, str], Mapping[str, Any]]


class Waiting(Exception):
    """A paragraph is about a training that is not finished: which one."""


class Found:
    """One experiment as docs/results/NAME.json tells it."""

    def __init__(self, name: str, kept: Mapping[str, Any]) -> None:
        self.name, self.kept = name, kept
        self.several = len(kept["data"]) > 1
        self.rows: Rows = {(row["data"], row["model"]): row for row in kept["rows"]}
        self.known = [(data, model) for data in kept["data"] for model in (*kept["models"], *kept["steps"])]

    def row(self, words: str) -> Mapping[str, Any]:
        """The row of "MODEL" or "MODEL on DATA"."""
        places = {(f"{name} on {data}" if self.several else name): (data, name) for data, name in self.known}
        if words not in places:
            raise ConfigError(f"{self.name}.toml has no '{words}'; expected one of: {', '.join(sorted(places))}.")
        if places[words] not in self.rows:
            raise Waiting(words)
        return self.rows[places[words]]

    # -- what stands in braces ------------------------------------------------------------------------------------

    def field(self, words: str) -> str:
        """What comes in the place of a field."""
        if words.startswith("table "):
            return self.table(words.split()[1:])
        if words in ("compared", "comparisons") and not any(row["against"] for row in self.rows.values()):
            raise Waiting(f"{self.kept['baseline']} and what is compared with it")
        if words == "compared":
            return self.compared()
        if words == "comparisons":
            return str(sum(len(row["against"]) for row in self.rows.values()))
        parts = OF.fullmatch(words)
        if parts is None or (parts["what"] != "verdict" and parts["what"] not in MEASURES):
            raise ConfigError(f"'{{{words}}}' is no field.")
        row, what = self.row(parts["row"]), parts["what"]
        if what == "verdict" or parts["claim"]:
            said = row["verdict"] if what == "verdict" else self._against(row, what)["says"]
            if parts["claim"] and said != parts["claim"]:
                raise ConfigError(f"The report says '{said}' where the words say '{parts['claim']}': {words}.")
            return "" if parts["claim"] else str(said)
        if parts["form"] == "less":
            return difference(self._against(row, what))
        if parts["form"] == "p":
            p = self._against(row, what)["p_holm"]
            return f"{p:.3f}" if p >= 0.001 else "< 0.001"
        figure = _figure(row, what)
        return shown(MEASURES[what], figure) if parts["form"] else shown(MEASURES[what], Figure(figure.mean, None, ()) if figure else None)

    def _against(self, row: Mapping[str, Any], metric: str) -> Mapping[str, Any]:
        if metric not in row["against"]:
            raise Waiting(f"the comparison of {row['model']} with {self.kept['baseline']}")
        found: Mapping[str, Any] = row["against"][metric]
        return found

    def table(self, names: Iterable[str]) -> str:
        """All rows with these measures. A measure that none has is left out."""
        names = list(names)
        unknown = [name for name in names if name != "verdict" and name not in MEASURES]
        if unknown:
            raise ConfigError(f"There is no measure '{unknown[0]}'; expected verdict, {', '.join(MEASURES)}.")
        if not self.rows:
            raise Waiting("its trainings")
        chosen = [n for n in names if n == "verdict" or any(n in row["measures"] for row in self.rows.values())]
        lines = []
        for row in self.rows.values():
            cells = [*([row["data"]] if self.several else []), row["model"], ", ".join(map(str, row["seeds"]))]
            for name in chosen:
                mark = MARKS[row["against"][name]["says"]] if name in row["against"] else ""
                cells.append((row["verdict"] or "") if name == "verdict" else f"{shown(MEASURES[name], _figure(row, name))} {mark}".strip())
            lines.append(cells)
        heads = ["verdict" if name == "verdict" else heading(MEASURES[name]) for name in chosen]
        return grid([*(["data"] if self.several else []), "model", "seeds", *heads], lines)

    def compared(self) -> str:
        """All rows less the baseline."""
        lines = []
        for row in self.rows.values():
            for metric, against in row["against"].items():
                numbers = [difference(against), self.field(f"{metric} p of {self._called(row)}"), against["says"]]
                lines.append([*([row["data"]] if self.several else []), row["model"], MEASURES[metric].title, *numbers])
        head = ["model", "metric", f"less {self.kept['baseline']}, % points (95 % interval)", "p, Holm", "it is"]
        return grid([*(["data"] if self.several else []), *head], lines)

    def _called(self, row: Mapping[str, Any]) -> str:
        return f"{row['model']} on {row['data']}" if self.several else str(row["model"])

    # -- the section ----------------------------------------------------------------------------------------------

    def heading(self) -> str:
        """Question, command, how far it is, what it took."""
        kept, trainings = self.kept, self.kept["trainings"]
        command = f"adrec experiment experiments/{self.name}.toml --out runs/{self.name}"
        parts = [f"## {kept['question']}", f"```\n{command}\npython -m tests.measure.results_document runs\n```"]
        done = sum(len(row["seeds"]) for (_, model), row in self.rows.items() if model in kept["models"])
        far = f"All {trainings} trainings are finished."
        if done < trainings:
            far = f"**{done} of {trainings} trainings are finished.**" if done else f"**None of its {trainings} trainings is finished.**"
        took = f"its own runs and searches took {kept['spent']:.1f} hours of one process, on a machine shared with other work"
        reused = f", those taken over from other experiments {kept['reused']:.1f}" if kept["reused"] else ""
        parts.append(f"{far} Estimated before at {kept['core_hours']:g} core-hours{f'; {took}{reused}' if done else ''}.")
        notes = [f"{self._called(row)}: {note}." for row in self.rows.values() for note in row["notes"]]
        if notes:
            parts.append("\n".join(f"- {note}" for note in dict.fromkeys(notes)))
        return "\n\n".join(parts)


def difference(against: Mapping[str, Any]) -> str:
    """A difference in % points with its interval."""
    return f"{100 * against['difference']:+.2f} ({100 * against['low']:+.2f} to {100 * against['high']:+.2f})"


def _figure(row: Mapping[str, Any], name: str) -> Figure | None:
    found = row["measures"].get(name)
    return None if found is None else Figure(found[0], found[1], ())


# -- what is kept of a report -----------------------------------------------------------------------------------------


def reduced(queue: Queue) -> dict[str, Any]:
    """What the document needs of an experiment, and of what is finished of it."""
    experiment, trainings = queue.experiment, [job for job in queue.jobs if job.cell.seed is not None]
    steps = [f"{v.name}, {n} step{'s' * (n != 1)}" for v in experiment.variants for n in v.steps]
    told: dict[str, Any] = {
        "question": experiment.question,
        "core_hours": experiment.core_hours,
        "baseline": experiment.baseline,
        "data": [data.name for data in experiment.data],
        "models": [variant.name for variant in experiment.variants],
        "steps": steps,
        "trainings": len(trainings),
    }
    if not any(job.state == "finished" for job in trainings):
        return {**told, "spent": 0.0, "reused": 0.0, "rows": []}
    report = of_experiment(queue, print)
    rows = []
    for row in report.rows:
        measures = {name: [_short(f.mean), None if f.spread is None else _short(f.spread)] for name, f in row.figures.items()}
        against = {metric: {k: _short(v) for k, v in c.to_json().items()} for metric, c in row.against.items()}
        about = {"data": row.data, "model": row.name, "seeds": list(row.seeds), "verdict": row.verdict, "notes": list(row.notes)}
        rows.append({**about, "measures": measures, "against": against})
    return {**told, "spent": _short(report.spent), "reused": _short(report.reused), "rows": rows}


def keep(name: str, found: dict[str, Any]) -> None:
    """Write it, a line for each row."""
    lines = [f"  {json.dumps(row, ensure_ascii=False)}" for row in found.pop("rows")]
    rows = "[\n" + ",\n".join(lines) + "\n ]" if lines else "[]"
    write_text(KEPT / f"{name}.json", f'{json.dumps(found, ensure_ascii=False)[:-1]},\n "rows": {rows}}}\n')


def _short(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


# -- the document -----------------------------------------------------------------------------------------------------


def known() -> dict[str, Found]:
    """All experiments that are kept, by the names of their files."""
    return {path.stem: Found(path.stem, read_json(path)) for path in sorted(KEPT.glob("*.json"))}


def section(words: str, own: Found | None, all_found: Mapping[str, Found]) -> str:
    """Words with their fields filled. own: the experiment that they are about."""
    paragraphs = [] if own is None else [own.heading()]
    waiting: list[str] = []

    def filled(match: re.Match[str]) -> str:
        name, _, rest = match[1].partition(": ")
        found = all_found.get(name) if rest else own
        if found is None:
            raise ConfigError(f"'{{{match[1]}}}' names no experiment.")
        return found.field(rest or match[1])

    for paragraph in words.strip().split("\n\n"):
        try:
            paragraphs.append(FIELD.sub(filled, paragraph))
        except Waiting as on:
            waiting.append(str(on))
    if waiting and (own is None or own.rows):
        paragraphs.append(f"More will be said here when these are finished: {'; '.join(dict.fromkeys(waiting))}.")
    return "\n\n".join(paragraphs) + "\n"


def rewritten(document: str, found: Mapping[str, Found], words: Callable[[str], str]) -> str:
    """The document with its sections written again. words: of an experiment's name."""

    def write(match: re.Match[str]) -> str:
        name = match[1]
        try:
            return f"{name}{match[2]}{section(words(name), found.get(name), found)}"
        except AdrecError as error:
            raise ConfigError(f"experiments/{name}.md: {error}") from None

    return SECTION.sub(write, document)


def words_of(name: str) -> str:
    return (EXPERIMENTS / f"{name}.md").read_text(encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="?", type=Path, help="the folder with the experiments' folders")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="measure only these")
    arguments = parser.parse_args()
    for path in sorted(EXPERIMENTS.glob("*.md")) if arguments.runs is not None else []:
        if path.stem in (arguments.only or [path.stem]) and (toml := path.with_suffix(".toml")).is_file():
            try:
                keep(path.stem, reduced(Queue(read(toml), arguments.runs / path.stem, print)))
            except AdrecError as error:
                print(f"{path.stem} stays as it was: {error}")
    try:
        write_text(DOCUMENT, rewritten(DOCUMENT.read_text(encoding="utf-8"), known(), words_of))
    except AdrecError as error:
        sys.exit(f"The document stays as it was. {error}")


if __name__ == "__main__":
    main()
