"""``adrec experiment`` and ``tune``: grids of ordinary runs, and the same search over settings for every model."""

import argparse
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adrec.cli.options import command, data_options, own_line, pairs, print_json, tell
from adrec.errors import ConfigError

if TYPE_CHECKING:
    from adrec.experiments.queue import Queue

FILE_FORMAT = "The format of the file is described in adrec/experiments/file.py; those of this project are in experiments/."


def add(commands: Any) -> None:
    """Add the commands."""
    experiment = command(commands, "experiment", experiment_command, "train what a file asks for, and compare it", as_json=True)
    experiment.epilog = FILE_FORMAT
    experiment.add_argument("file", metavar="FILE.toml")
    experiment.add_argument(
        "--out", required=True, metavar="DIR", help="where its runs are written; what is finished there is not repeated"
    )
    experiment.add_argument("--jobs", type=int, metavar="N", help="processes at once, each with one thread (default: one a core)")
    experiment.add_argument("--budget", metavar="TIME", help="core time that this call may spend at most, such as 8h or 90min")
    where = "where trainings run: local (default), ray, or ray:ADDRESS of a cluster that sees the same folders"
    experiment.add_argument("--on", default="local", metavar="ENGINE", help=where)
    experiment.add_argument("--list", action="store_true", help="show the trainings, what is finished and what is expected; train nothing")
    experiment.add_argument(
        "--report", action="store_true", help="compare what is finished: report.md, .csv, .json and .tex; train nothing"
    )

    tune = command(commands, "tune", tune_command, "search a model's settings on validation, within a budget", as_json=True)
    tune.add_argument("--dataset", required=True, help="a named data set or the path of a file or folder")
    data_options(tune)
    tune.add_argument("--model", metavar="NAME", help="a model listed by 'adrec models' (default: the preset's)")
    tune.add_argument("--preset", metavar="NAME", help="where the search begins (default: the model's first preset)")
    tune.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting that the search leaves alone")
    tune.add_argument("--pretrained", metavar="RUN", help="take stage 1 of this run in every trial")
    tune.add_argument("--trials", type=int, default=10, metavar="N", help="how many trainings (default 10)")
    tune.add_argument("--budget", metavar="TIME", help="how long at most, such as 1h")
    tune.add_argument("--seed", type=int, default=0, metavar="N", help="of the search and of its trainings (default 0)")
    tune.add_argument("--out", required=True, metavar="DIR", help="the search's folder; a search that was interrupted there goes on")


def experiment_command(arguments: argparse.Namespace) -> int:
    from adrec.experiments.engines import engine_of
    from adrec.experiments.file import read, seconds_of
    from adrec.experiments.queue import Queue
    from adrec.training.watch import StopOnSignal

    if arguments.jobs is not None and arguments.jobs < 1:
        raise ConfigError(f"The number of jobs must be an integer of at least 1, not {arguments.jobs}.")
    experiment = read(arguments.file)
    budget = None if arguments.budget is None else seconds_of(arguments.budget)
    queue = Queue(experiment, Path(arguments.out), tell_people)
    if arguments.list:
        return _show(queue, arguments.json)
    if arguments.report:
        return _report(queue, arguments.json)
    if budget is not None:
        queue.check_budget(budget)
    with closing(engine_of(arguments.on)) as engine, StopOnSignal() as stop:
        jobs = arguments.jobs or engine.processes
        tell_people(_plan(queue, jobs))
        stopped = not queue.work(engine, jobs, budget, stop)
    failed = [job for job in queue.jobs if job.state == "failed"]
    for job in failed:
        tell_people(f"Failed: {job.cell}: {job.error}")
    left = [job for job in queue.jobs if job.state not in ("finished", "failed")]
    if left:
        tell_people(f"{len(left)} of {len(queue.jobs)} trainings are left; the same command goes on with them.")
    if arguments.json:
        print_json(_account(queue))
    return 130 if stopped else 1 if failed else 0


def _plan(queue: "Queue", jobs: int) -> str:
    """What there is to do, in a sentence."""
    from adrec.experiments.queue import duration

    missing = queue.missing
    if not missing:
        return f"All {len(queue.jobs)} trainings are finished."
    needed = sum(job.expected for job in missing)
    ready = len(queue.jobs) - len(missing)
    took = f"the others are expected to take {duration(needed)} of one core, {duration(needed / jobs)} with {jobs} at once"
    return f"{len(queue.jobs)} trainings, {ready} of them finished before; {took}."


def _account(queue: "Queue") -> dict[str, Any]:
    failed = [job.cell.name for job in queue.jobs if job.state == "failed"]
    totals = {"spent_seconds": queue.spent, "expected_seconds": sum(job.expected for job in queue.missing), "failed": failed}
    return {"experiment": str(queue.experiment.path), "cells": [job.to_json() for job in queue.jobs], **totals}


def _show(queue: "Queue", as_json: bool) -> int:
    from adrec.experiments.queue import duration

    if as_json:
        print_json(_account(queue))
        return 0
    for job in queue.jobs:
        where = f" in {job.run.path}" if job.run is not None and job.state == "finished" else ""
        what = f"finished{where}" if job.state == "finished" else f"expected to take {duration(job.expected)}"
        print(f"{job.cell.name:<40}  {what}")
    print(f"{len(queue.missing)} of {len(queue.jobs)} are missing: {sum(job.expected for job in queue.missing) / 3600:.2f} core-hours.")
    return 0


def _report(queue: "Queue", as_json: bool) -> int:
    from adrec.experiments import tables
    from adrec.experiments.report import of_experiment

    report = of_experiment(queue, tell_people)
    paths = tables.save(report, queue.out)
    if as_json:
        print_json(tables.to_json(report))
    else:
        print("\n".join(map(str, paths)))
    return 0


def tune_command(arguments: argparse.Namespace) -> int:
    from adrec.data import catalog
    from adrec.experiments.file import Budget, seconds_of
    from adrec.experiments.search import Tuner
    from adrec.models.base import MODELS
    from adrec.models.settings import find_preset, searched, settings
    from adrec.training.watch import StopOnSignal

    if arguments.trials < 1:
        raise ConfigError(f"The number of trials must be an integer of at least 1, not {arguments.trials}.")
    budget = Budget(arguments.trials, None if arguments.budget is None else seconds_of(arguments.budget))
    fixed = pairs(arguments.set)
    model, preset, _ = find_preset(arguments.preset, arguments.model)
    settings(preset, {**fixed, "seed": str(arguments.seed)}, model.name)
    source = catalog.identity(arguments.dataset)
    data = catalog.load(source, **pairs(arguments.data_option))
    tell(data)
    space = {key: values for key, values in searched(MODELS[model.name]).items() if key not in fixed}
    pretrained = str(Path(arguments.pretrained).resolve()) if arguments.pretrained else None
    how = {"seed": arguments.seed, "pretrained": pretrained, "command": own_line(arguments), "tell": tell_people}
    tuner = Tuner(Path(arguments.out), data, source, model.name, preset, fixed, space, **how)
    with StopOnSignal() as stop:
        found = tuner.run(budget, stop)
    if arguments.json:
        print_json({**found.record, "best": found.best})
    elif found.best is not None:
        chosen = ", ".join(f"{key} {value}" for key, value in found.texts.items())
        print(f"Best of {len(found.trials)}: ndcg@10 {found.best['value']:.4f} on validation with {chosen}.")
    return 0 if found.complete(budget) else 130


def tell_people(sentence: str) -> None:
    """Progress, on standard error."""
    print(sentence, file=sys.stderr, flush=True)
