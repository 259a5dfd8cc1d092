"""The figures of the lesson: assets/lesson/results.json, from run folders.

    python -m tests.measure.lesson_runs RUNS KEPT
    python -m tests.measure.lesson_runs assets/runs KEPT --only ml-100k,noise-0,noise-0.1,noise-1,no-pretrain,no-warmup
    python -m tests.measure.lesson_results KEPT LARGER assets/runs assets/lesson/results.json

KEPT is what ``lesson_runs`` measured of the runs of ``experiments/lesson.toml``, LARGER the folder of those of
``experiments/lesson-1m.toml``. Bundled runs, of one seed, stand in for what none of those has yet. Every section names its data, its seeds
and the commands behind it; a figure is ``{"value", "error", "seeds"}`` in its ``unit``. Shares of people are percentages. Not a test.
"""

import argparse
import shlex
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.measures import measures
from adrec.collapse.verdict import diagnose
from adrec.data import catalog
from adrec.data.dataset import SequenceDataset
from adrec.evaluation import user_metrics
from adrec.files import read_json, write_json
from adrec.lesson.answers import TEN, ranking
from adrec.lesson.chapter2 import genre_sets
from adrec.lesson.chapter3 import random_like, recognised
from adrec.lesson.models import run_of
from adrec.lesson.people import PEOPLE
from adrec.lesson.results import SURE
from adrec.models.loading import load_model
from adrec.runs import RunFolder
from adrec.runs.snapshots import table_at
from tests.measure.lesson_runs import FILM_MEASURES, FRAMES, NOISES, STEPS, answered, genres_shared

SHOWN = ("hr@10", "hr@20", "ndcg@10")
POWER = SURE + 0.84
"""Standard errors of the smallest difference that a test at 5 % finds four times in five."""
LEVELS = (0, 1, 2, 3, 4, 6)
DRAWS = 50
NARROW = ("narrow", "narrow-held", "narrow-lambda-0", "narrow-lambda-1", "random-both", "pretrained-mse", "pretrained-both")
CELLS = {"random": ("narrow", "random-both"), "pretrained": ("pretrained-mse", "pretrained-both")}
LEFT_OUT = ("no-pretrain", "no-warmup", "no-finetune")
BUNDLED = {"ml-100k": "paper", "baseline": "paper", "noise-0": "lambda-0", "noise-0.1": "lambda-0.1", "noise-1": "lambda-1"}
BUNDLED |= {"no-pretrain": "no-pretrain", "no-warmup": "no-warmup"}
"""Runs of the seed of the bundled ones that stand in for trainings of the same settings. ``baseline`` is the paper's settings from the
bundled stage 1, from which the others started too; where it was trained, it takes the place of ``ml-100k``."""
LAMBDAS = {"0": "lambda-0", "0.001": "paper", "0.01": "lambda-0.01", "0.1": "lambda-0.1", "1": "lambda-1"}
LARGER = {"healthy": "paper-1", "narrow": "narrow-1", "noise": "dreamrec-harness-fixed-1"}
"""The trainings on MovieLens-1M by the parts that they play."""
ASKED = slice(None, None, 20)
"""Of whom it is counted how different their lists are."""

Measured = Mapping[str, Any]
"""What ``lesson_runs`` wrote of one run."""


# -- one figure -------------------------------------------------------------------------------------------------------


def estimate(values: Sequence[np.ndarray]) -> dict[str, Any]:
    """A mean over users and seeds. values: of every seed, of every user. The error adds the spread between users and that between seeds,
    each as the standard error of its mean; with one seed the latter is unknown."""
    by_seed = np.array([v.mean() for v in values])
    mean = np.mean(values, axis=0)
    square = float(mean.var(ddof=1) / len(mean))
    if len(values) > 1:
        square += float(by_seed.var(ddof=1) / len(by_seed))
    return {"value": _r(by_seed.mean()), "error": _r(square**0.5), "seeds": len(values), "by_seed": [_r(v) for v in by_seed]}


def difference(values: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> dict[str, Any]:
    """``estimate`` of the paired difference, and the smallest that would have been found four times in five."""
    found = estimate([a - b for a, b in zip(values, others, strict=True)])
    return found | {"detectable": _r(POWER * found["error"])}


def over_seeds(values: Iterable[float]) -> dict[str, Any]:
    """A figure with one number a seed."""
    array = np.array(list(values), dtype=float)
    error = _r(float(array.std(ddof=1) / len(array) ** 0.5)) if len(array) > 1 else None
    return {"value": _r(array.mean()), "error": error, "seeds": len(array), "by_seed": [_r(v) for v in array]}


def percent(ranks: Sequence[int], name: str) -> np.ndarray:
    """Each user's value of a metric, in percent."""
    return 100 * user_metrics(np.asarray(ranks))[name]


def _r(value: float) -> float:
    return float(f"{value:.4g}")


# -- sections ---------------------------------------------------------------------------------------------------------


class Runs:
    """What was measured, by name and seed."""

    def __init__(self, kept: Path) -> None:
        self.trained: dict[str, dict[int, Measured]] = defaultdict(dict)
        self.bundled: dict[str, dict[int, Measured]] = defaultdict(dict)
        for name, of in BUNDLED.items():
            if (kept / f"{name}.json").is_file():
                one = read_json(kept / f"{name}.json")
                self.bundled[of][int(one["seed"])] = one
        for path in sorted(kept.glob("*.json")):
            if path.stem not in BUNDLED:
                one = read_json(path)
                self.trained[path.stem.rpartition("-")[0]][int(one["seed"])] = one

    def of(self, *names: str) -> list[list[Measured]]:
        """Of each name the runs of the seeds that all of them have; of bundled runs if no seed of the trainings is common to all."""
        for found in (self.trained, self.bundled):
            seeds = sorted(set.intersection(*(set(found.get(name, {})) for name in names)))
            if seeds:
                break
        return [[found[name][seed] for seed in seeds] for name in names]


def source(data: SequenceDataset, *groups: Sequence[Measured]) -> dict[str, Any]:
    """Where figures come from: the data, the seeds, and the command of the first run of each group (others differ in their seed)."""
    runs = [run for group in groups for run in group]
    commands = {group[0]["name"]: command(group[0]["command"]) for group in groups if group}
    return {"data": described(data), "seeds": sorted({run["seed"] for run in runs}), "commands": commands}


def command(recorded: str) -> str:
    """A run's command with folders as anyone would call them."""
    words = [word for word in shlex.split(recorded) if word not in ("--resume", "--yes")]
    for i, word in enumerate(words[1:], start=1):
        if words[i - 1] in ("--run", "--pretrained") and not word.startswith("assets/"):
            words[i] = f"runs/{Path(word).name}"
    return shlex.join(words)


def described(data: SequenceDataset) -> str:
    """The data set in a few words."""
    return f"MovieLens-{data.name.rpartition('-')[2].upper()}: {data.n_users:,} people, {data.n_items:,} films"


def film(runs: Sequence[Measured]) -> list[dict[str, Any]]:
    """The frames that every seed has, each a mean over seeds."""
    by_epoch: dict[int, list[Measured]] = defaultdict(list)
    for run in runs:
        for frame in run["frames"]:
            by_epoch[frame["epoch"]].append(frame)
    found = []
    for epoch in (epoch for epoch in FRAMES if len(by_epoch[epoch]) == len(runs)):
        own = by_epoch[epoch]
        row: dict[str, Any] = {"epoch": epoch} | {name: over_seeds(f[name] for f in own) for name in (*FILM_MEASURES, "genres")}
        if all(f["ndcg@10"] is not None for f in own):
            row["ndcg@10 on validation"] = over_seeds(100 * f["ndcg@10"] for f in own)
        if all("ranks" in f for f in own):
            row |= {"hr@10": estimate([percent(f["ranks"], "hr@10") for f in own])}
            row |= {name: over_seeds(f[name] for f in own) for name in ("error", "constant", "share")}
        found.append(row)
    return found


def narrow(runs: Runs, data: SequenceDataset) -> dict[str, Any]:
    """The narrow table and what is to blame for it; ``lists`` are the ten films of the lesson's people in the first seed's frames."""
    rows, groups = {}, []
    for name in NARROW:
        (own,) = runs.of(name)
        groups.append(own)
        if own:
            kept = [run["epoch"] for run in own]
            best = estimate([percent(run["ranks"], "hr@10") for run in own])
            rows[name] = {"seeds": [run["seed"] for run in own], "frames": film(own), "epochs kept": kept, "kept": best}
    (first,) = runs.of(NARROW[0])
    lists = {str(frame["epoch"]): frame["lists"] for frame in first[0]["frames"]} if first else {}
    return {"source": source(data, *groups), "runs": rows, "lists": lists}


def cells(runs: Runs, data: SequenceDataset) -> dict[str, Any]:
    """Random or pre-trained start, squared error or both losses: the table at the end, and people right at the end and at its best."""
    rows: dict[str, dict[str, Any]] = {}
    groups = []
    for start, names in CELLS.items():
        for loss, name in zip(("squared error", "both losses"), names, strict=True):
            (own,) = runs.of(name)
            groups.append(own)
            if own:
                cosine = over_seeds(run["frames"][-1]["mean_cosine"] for run in own)
                end = estimate([percent(run["frames"][-1]["ranks"], "hr@10") for run in own])
                best = estimate([percent(run["ranks"], "hr@10") for run in own])
                rows.setdefault(start, {})[loss] = {"seeds": [run["seed"] for run in own], "mean_cosine": cosine, "end": end, "kept": best}
    return {"source": source(data, *groups), "cells": rows}


def leave_outs(runs: Runs, data: SequenceDataset) -> dict[str, Any]:
    """Each stage left out, paired against the whole with the same seeds."""
    rows, groups = {}, []
    for name in LEFT_OUT:
        own, whole = runs.of(name, "paper")
        groups.append(own)
        if own:
            rows[name] = {"seeds": [run["seed"] for run in own]} | {
                metric: {"value": estimate(a), "less the whole": difference(a, b)}
                for metric in SHOWN
                for a, b in [[[percent(run["ranks"], metric) for run in group] for group in (own, whole)]]
            }
    (whole,) = runs.of("paper")
    together = {metric: estimate([percent(run["ranks"], metric) for run in whole]) for metric in SHOWN} if whole else {}
    return {"source": source(data, whole, *groups), "whole": together, "without": rows}


def lambdas(runs: Runs, data: SequenceDataset) -> dict[str, Any]:
    """How much of the noise reaches the denoiser, and what it changes."""
    rows, groups = {}, []
    for weight, name in LAMBDAS.items():
        own, paper = runs.of(name, "paper")
        groups.append(own)
        if not own:
            continue
        row: dict[str, Any] = {"run": own[0]["name"], "seeds": [run["seed"] for run in own]}
        for metric in SHOWN:
            values, others = ([percent(run["ranks"], metric) for run in group] for group in (own, paper))
            row[metric] = estimate(values) | ({} if name == "paper" else {"less 0.001": difference(values, others)})
        noises = [run["noise"] for run in own]
        row["commit step"] = over_seeds(n["commit_step"] for n in noises)
        row["first film differs from noise 0's"] = over_seeds(100 * n["first_differs"] for n in noises)
        row["people whose first film ever differs"] = over_seeds(100 * n["first_ever_differs"] for n in noises)
        row["first films a person"] = over_seeds(n["first_films"] for n in noises)
        row["steps"] = {
            str(steps): {metric: estimate([percent(n["steps"][str(steps)], metric) for n in noises]) for metric in SHOWN} for steps in STEPS
        }
        last = STEPS[-1]
        row["one step less all"] = {
            metric: difference([percent(n["steps"]["1"], metric) for n in noises], [percent(n["steps"][str(last)], metric) for n in noises])
            for metric in SHOWN
        }
        rows[weight] = row
    return {"source": source(data, *groups), "noises": NOISES, "steps": list(STEPS), "lambdas": rows}


# -- MovieLens-1M -----------------------------------------------------------------------------------------------------


def hook(runs: Mapping[str, RunFolder], data: SequenceDataset, films: pd.DataFrame) -> dict[str, Any]:
    """Three models, the same people: how different their lists are; ``lists`` are the ten films of the lesson's people, with noise of their
    own. films: the catalogue with titles as the lesson has them."""
    columns, histories = {}, [person.ids(films)[0] for person in PEOPLE]
    for column, run in runs.items():
        model = load_model(run)
        ((ranks, tens, _),) = answered(model, data, np.arange(data.n_users), [(STEPS[-1], 0)])
        asked = tens[ASKED]
        member = np.zeros((len(asked), data.n_items + 1))
        np.put_along_axis(member, asked, 1, axis=1)
        shared = float((member @ member.T)[np.triu_indices(len(asked), 1)].mean())
        composed = ranking(model, histories, list(range(len(PEOPLE))))[:, :TEN]
        columns[column] = {
            "run": run.name,
            "different films": len(np.unique(asked)),
            "films that two people share": _r(shared),
            "hr@10": estimate([percent(ranks, "hr@10")]),
            "lists": {person.key: ten.tolist() for person, ten in zip(PEOPLE, composed, strict=True)},
        }
    return {"source": trained(data, *runs.values()), "people": len(asked), "who": "every twentieth", "columns": columns}


def larger(runs: Mapping[str, RunFolder], data: SequenceDataset) -> dict[str, Any]:
    """The tables along the narrow training, and all three at their ends."""
    narrow = runs["narrow"]
    epochs = [0, *(epoch for stage, epoch, _ in narrow.snapshots() if stage == "finetune")]
    rows = [{"epoch": epoch} | _measures(table_at(narrow, "finetune", epoch)) for epoch in epochs]
    ends = {}
    for name, run in runs.items():
        metrics = run.metrics("finetune")
        found = metrics["test"]
        test = {metric: {"value": _r(100 * found[metric]), "error": _r(100 * found[f"{metric}_se"])} for metric in SHOWN}
        ends[name] = {"epoch": metrics["epoch"], **_measures(run.table("finetune")), **test}
    return {"source": trained(data, *runs.values()), "narrow": rows, "ends": ends}


def _measures(table: np.ndarray) -> dict[str, float]:
    values = measures(table)
    return {name: _r(float(values[name])) for name in FILM_MEASURES}


def trained(data: SequenceDataset, *runs: RunFolder) -> dict[str, Any]:
    """Where a section on trainings that are not measured beforehand comes from."""
    commands = {run.name: command(run.info["command"]) for run in runs}
    return {"data": described(data), "seeds": sorted({run.info["seed"] for run in runs}), "commands": commands}


# -- the bundled runs -------------------------------------------------------------------------------------------------


def bundled(assets: Path, data: SequenceDataset, parts: Iterable[str]) -> dict[str, Any]:
    """Where a section on the bundled runs that play these parts comes from."""
    infos = {run.name: run.info for run in (run_of(assets, part) for part in parts)}
    commands = {name: info["command"] for name, info in infos.items()}
    seeds = sorted({info["seed"] for info in infos.values()})
    return {"data": described(data), "seeds": seeds, "runs": [f"assets/runs/{name}" for name in infos], "commands": commands}


def baselines(data: SequenceDataset) -> dict[str, Any]:
    """Lists without a model: chance, the ten most popular, and the ten most popular that a person has not seen."""
    order = np.argsort(-data.popularity[1:], kind="stable") + 1
    popular = 100.0 * np.isin(data.test, order[:10])
    unseen = np.zeros(data.n_users)
    for user in range(data.n_users):
        seen = set(data.history(user, "test", len(data.train_items)).tolist())
        unseen[user] = 100.0 * (data.test[user] in [film for film in order.tolist() if film not in seen][:10])
    found = {"popular": estimate([popular]), "popular and unseen": estimate([unseen])}
    return {"source": {"data": described(data)}, "chance": _r(1000 / data.n_items)} | {n: _one(f) for n, f in found.items()}


def _one(figure: dict[str, Any]) -> dict[str, Any]:
    """A figure without training, hence without seeds."""
    return {"value": figure["value"], "error": figure["error"]}


def same_last(data: SequenceDataset) -> dict[str, Any]:
    """Of two people with the same last films, how often they chose different next ones: over all pairs, by number of films."""
    whole = [np.append(data.history(user, "test", len(data.train_items)), data.test[user]).tolist() for user in range(data.n_users)]
    rows = {}
    for last in (1, 2, 3):
        chosen: dict[tuple[int, ...], dict[int, int]] = defaultdict(dict)
        for user, films in enumerate(whole):
            for i in range(last, len(films)):
                chosen[tuple(films[i - last : i])].setdefault(user, films[i])
        groups = [list(films.values()) for films in chosen.values() if len(films) > 1]
        pairs = sum(len(g) * (len(g) - 1) // 2 for g in groups)
        alike = sum(count * (count - 1) // 2 for g in groups for count in np.unique(g, return_counts=True)[1].tolist())
        rows[str(last)] = {"differ": _r(100 * (1 - alike / max(1, pairs))), "pairs": pairs, "histories": len(groups)}
    return {"source": {"data": described(data)}, "films": rows}


def recognition(run: RunFolder, data: SequenceDataset) -> dict[str, Any]:
    """How often a noised film is still nearest to itself, by cosine: of the healthy table, and of a random one of its size."""
    table, kept = run.table("finetune"), np.array(run.info["diffusion"]["alpha_bar"])
    rows = {}
    for name, of in (("healthy", table), ("random", random_like(table))):
        shares = recognised(of, kept[list(LEVELS)], DRAWS)
        rows[name] = {str(level): _r(100 * share) for level, share in zip(LEVELS, shares, strict=True)}
    return {"source": trained(data, run), "draws": DRAWS, "levels": len(kept), "recognised": rows}


def genres(run: RunFolder, data: SequenceDataset) -> dict[str, Any]:
    """Genres shared by a film and its ten nearest: of the whole training's start and end."""
    sets = genre_sets(run.items)
    found = {when: over_seeds([genres_shared(run.table(name), sets)]) for when, name in (("start", "initial"), ("end", "finetune"))}
    return {"source": trained(data, run), "nearest": 10} | found


def verdicts(assets: Path, data: SequenceDataset) -> dict[str, Any]:
    """What the rule says of the bundled narrow run's frames."""
    run, near = run_of(assets, "narrow"), Cooccurrence.from_dataset(data)
    start, rows = run.table("initial"), []
    for epoch in FRAMES:
        found = diagnose(table_at(run, "finetune", epoch), cooccurrence=near, initial=start)
        rows.append({"epoch": epoch, "kind": found.kind, "confidence": _r(found.confidence)})
    return {"source": bundled(assets, data, ["narrow"]), "frames": rows}


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("kept", "larger", "assets", "out"):
        parser.add_argument(name, type=Path)
    given = parser.parse_args()
    runs, data = Runs(given.kept), catalog.load_for_run(run_of(given.assets, "healthy").info)
    large = {part: RunFolder(given.larger / name) for part, name in LARGER.items()}
    million = catalog.load_for_run(large["healthy"].info)
    if not runs.trained:
        sys.exit(f"'{given.kept}' holds nothing measured: run tests.measure.lesson_runs first.")
    found = {
        "made_by": "python -m tests.measure.lesson_results",
        "data": {one.name: {"people": one.n_users, "films": one.n_items, "hash": one.content_hash} for one in (million, data)},
        "hook": hook(large, million, run_of(given.assets, "people").items),
        "larger": larger(large, million),
        "baselines": {"ml-1m": baselines(million), "ml-100k": baselines(data)},
        "narrow": narrow(runs, data),
        "verdicts": verdicts(given.assets, data),
        "cells": cells(runs, data),
        "leave_outs": leave_outs(runs, data),
        "lambdas": lambdas(runs, data),
        "recognition": recognition(large["healthy"], million),
        "same_last": same_last(million),
        "genres": genres(large["healthy"], million),
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(given.out, found)


if __name__ == "__main__":
    main()
