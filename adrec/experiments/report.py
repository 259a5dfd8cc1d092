"""The one table of an experiment: every model on every data set, means and spread over seeds, compared with a baseline."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adrec.collapse.cooccurrence import Cooccurrence
from adrec.data.dataset import SequenceDataset
from adrec.errors import ConfigError, DataError
from adrec.experiments import search
from adrec.experiments.cells import seconds_of
from adrec.experiments.lists import TABLE_MEASURES, filters, judged, lists
from adrec.experiments.measures import Evidence, Measure, Users, all_measures
from adrec.experiments.queue import Queue
from adrec.experiments.statistics import Comparison, corrected, paired
from adrec.runs import RunFolder

Seeds = Mapping[int, np.ndarray]
"""Each user's value of a metric, by seed."""


@dataclass(frozen=True)
class Entry:
    """What is one line of the table: the runs of one model. steps: denoising steps, if not the model's own. extra: seconds that a run
    took besides its own stages, of a stage 1 that it was given; search: seconds of the search for its settings."""

    name: str
    runs: Sequence[RunFolder]
    steps: int | None = None
    extra: Callable[[RunFolder], float] = lambda run: 0.0
    search: float | None = None


@dataclass(frozen=True)
class Figure:
    """One measure over seeds. spread: standard deviation over seeds, None of one."""

    mean: float
    spread: float | None
    by_seed: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        return {"mean": self.mean, "spread": self.spread, "by_seed": list(self.by_seed)}


@dataclass(frozen=True)
class Row:
    """A line of the table. against: comparisons with the baseline by metric; notes: what a reader must know."""

    data: str
    name: str
    seeds: tuple[int, ...]
    runs: tuple[str, ...]
    figures: Mapping[str, Figure]
    verdict: str | None
    against: Mapping[str, Comparison] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        found = {"data": self.data, "model": self.name, "seeds": list(self.seeds), "runs": list(self.runs), "verdict": self.verdict}
        figures = {name: figure.to_json() for name, figure in self.figures.items()}
        return found | {"measures": figures, "against": {k: c.to_json() for k, c in self.against.items()}, "notes": list(self.notes)}


@dataclass(frozen=True)
class Report:
    """rows: all lines; missing: cells that are not finished. estimate: core-hours that the file says; spent, reused: hours of one process
    that the experiment's own runs and searches took, and those that it took over from elsewhere."""

    title: str
    question: str | None
    baseline: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
    missing: tuple[str, ...] = ()
    estimate: float | None = None
    spent: float = 0.0
    reused: float = 0.0

    @property
    def measures(self) -> list[Measure]:
        """Those that at least one line has."""
        return [m for m in all_measures() if any(m.name in row.figures for row in self.rows)]


class Comparer:
    """Measures runs on one data set, each once."""

    def __init__(self, data: SequenceDataset, metrics: Sequence[str]) -> None:
        self.data, self.metrics, self.of = data, tuple(metrics), Users(data)
        self.near = Cooccurrence.from_dataset(data)
        self.users: dict[tuple[str, str], dict[int, np.ndarray]] = {}
        self.rules: dict[str, set[bool]] = {}
        """Of each entry, whether its runs rank new items only."""

    def row(self, shown: str, entry: Entry) -> Row:
        """One line without its comparisons. shown: the data set's name."""
        values: dict[str, list[float]] = {}
        verdicts, notes = [], []
        for run in entry.runs:
            one, table = self._of_run(entry, run)
            for name, value in one.items():
                values.setdefault(name, []).append(value)
            verdicts += [table["verdict"]] if table is not None else []
            notes += [f"seed {run.info['seed']} not converged: its best epoch is its last"] if unconverged(run) else []
        self.rules[entry.name] = {filters(run) for run in entry.runs}
        if True in self.rules[entry.name]:
            notes.append(
                "it ranks only items that are new to the user (filter_seen), which makes its ranks better where nobody repeats; it is "
                "compared only with what ranks by the same rule"
            )
        figures = {name: figure(found[:1] if name == "search" else found) for name, found in values.items()}
        counted = Counter(verdicts).most_common()
        kinds = [kind if len(counted) == 1 else f"{kind} ({count} of {len(verdicts)})" for kind, count in counted]
        seeds = tuple(int(run.info["seed"]) for run in entry.runs)
        return Row(shown, entry.name, seeds, tuple(str(r.path) for r in entry.runs), figures, ", ".join(kinds) or None, notes=tuple(notes))

    def _of_run(self, entry: Entry, run: RunFolder) -> tuple[dict[str, float], dict[str, Any] | None]:
        """A run's measures, and what is known of its table."""
        if run.info["dataset"]["hash"] != self.data.content_hash:
            raise DataError(f"The run '{run.path}' was trained on another data set than those it is compared with.")
        own = lists(run, self.data, entry.steps)
        if entry.steps is not None and own is None:
            raise ConfigError(f"The run '{run.path}' holds no model, so it cannot be compared at {entry.steps} steps.")
        ranks = own.ranks if own is not None and entry.steps is not None else run.test_ranks("finetune")[self.of.users]
        evidence = Evidence(self.of, ranks, own)
        for metric in self.metrics:
            self.users.setdefault((entry.name, metric), {})[int(run.info["seed"])] = evidence.metric(metric)
        found = {m.name: m.value(evidence) for m in all_measures() if m.value is not None}
        found["training"] = seconds_of(run) + entry.extra(run)
        found["search"] = entry.search
        found["inference"] = None if own is None else 1000 * own.seconds
        table = judged(run, self.data, self.near)
        found |= {name: table[name] if table else None for name in TABLE_MEASURES}
        return {name: float(value) for name, value in found.items() if value is not None and np.isfinite(value)}, table

    def against(self, name: str, baseline: str) -> dict[str, Comparison]:
        """An entry's metrics compared with the baseline's, if both rank by the same rule."""
        if name == baseline or self.rules.get(name) != self.rules.get(baseline):
            return {}
        found = {}
        for i, metric in enumerate(self.metrics):
            own, other = self.users.get((name, metric)), self.users.get((baseline, metric))
            if own and other:
                found[metric] = paired(differences(own, other), np.random.default_rng([i, 17]))
        return found


def differences(own: Seeds, other: Seeds) -> np.ndarray:
    """Each user's difference, mean over the seeds that both have; without one in common each's mean over its own seeds."""
    common = sorted(set(own) & set(other))
    pairs = [(own[seed], other[seed]) for seed in common] or [(np.mean(list(own.values()), 0), np.mean(list(other.values()), 0))]
    return np.mean([a - b for a, b in pairs], axis=0)


def figure(values: Sequence[float]) -> Figure:
    """Mean and spread over seeds."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Figure(float(np.mean(values)), spread, tuple(values))


def unconverged(run: RunFolder) -> bool:
    """Whether a training ended at its last epoch while its validations still got better."""
    ended = run.metrics("finetune")
    if ended.get("ended_by") not in ("epochs", "max_steps") or not ended.get("epochs"):
        return False
    validated = [event["epoch"] for event in run.events()[0] if event["kind"] == "validation" and event["stage"] == "finetune"]
    return len(validated) > 1 and ended.get("epoch") == max(validated)


def compared(groups: Mapping[str, tuple[SequenceDataset, Sequence[Entry]]], baseline: str, metrics: Sequence[str]) -> list[Row]:
    """All lines with their comparisons, corrected over the whole table. groups: by data set's name, the entries to compare on it."""
    rows: list[Row] = []
    for shown, (data, entries) in groups.items():
        comparer = Comparer(data, metrics)
        own = [comparer.row(shown, entry) for entry in entries if entry.runs]
        rows += [Row(**{**vars(row), "against": comparer.against(row.name, baseline)}) for row in own]
    places = [(i, metric) for i, row in enumerate(rows) for metric in row.against]
    for (i, metric), found in zip(places, corrected([rows[i].against[metric] for i, metric in places]), strict=True):
        rows[i] = Row(**{**vars(rows[i]), "against": {**rows[i].against, metric: found}})
    return rows


def of_experiment(queue: Queue, tell: Callable[[str], object] = lambda sentence: None) -> Report:
    """The table of what is finished of an experiment."""
    experiment = queue.experiment
    groups: dict[str, tuple[SequenceDataset, list[Entry]]] = {}
    for data in experiment.data:
        entries = []
        for variant in experiment.variants:
            jobs = [j for j in queue.jobs if j.cell.variant is variant and j.cell.data is data and j.cell.seed is not None]
            done = [job for job in jobs if job.state == "finished" and job.run is not None]
            first = {str(job.run.path): queue.stage1(job.cell) for job in done if job.run is not None}

            def extra(run: RunFolder, first: Mapping[str, RunFolder | None] = first) -> float:
                given = first.get(str(run.path))
                return 0.0 if given is None else float(given.metrics("pretrain").get("seconds", 0.0))

            folder = queue.search_folder(jobs[0].cell)
            spent = search.read(folder).spent if folder is not None and search.exists(folder) else None
            runs = [job.run for job in done if job.run is not None]
            for steps in (None, *variant.steps):
                name = variant.name if steps is None else f"{variant.name}, {steps} step{'s' * (steps != 1)}"
                entries.append(Entry(name, runs, steps, extra, spent))
        tell(f"Measuring {sum(len(e.runs) for e in entries)} entries on {data.name}.")
        groups[data.name] = (queue.data[data.name], entries)
    rows = compared(groups, experiment.baseline, experiment.metrics)
    missing = tuple(str(job.cell) for job in queue.jobs if job.state != "finished")
    spent, reused = hours(queue)
    about = experiment.title, experiment.question, experiment.baseline, experiment.metrics
    return Report(*about, tuple(rows), missing, experiment.core_hours, spent, reused)


def hours(queue: Queue) -> tuple[float, float]:
    """Hours of one process that the runs and searches of the experiment's own folder took, and those of runs that lie elsewhere."""
    runs = {job.run.path: job.run for job in queue.jobs if job.run is not None and job.state == "finished"}
    own, elsewhere = 0.0, 0.0
    for path, run in runs.items():
        if path.parent == queue.out:
            own += seconds_of(run)
        else:
            elsewhere += seconds_of(run)
    folders = [folder for job in queue.jobs if job.cell.seed is None and (folder := queue.search_folder(job.cell)) is not None]
    own += sum(search.read(folder).spent for folder in folders if search.exists(folder))
    return own / 3600, elsewhere / 3600
