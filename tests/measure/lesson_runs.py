"""Measure every run behind the lesson, each once: what ``lesson_results`` puts together.

    python -m tests.measure.lesson_runs RUNS KEPT [--only narrow-1,paper-1]

RUNS is the folder of the runs of ``experiments/lesson.toml``, or that of the bundled runs; each finished run is written to KEPT/NAME.json
and measured again only when its weights change. Seconds a run, a minute for films and for those that differ in λ. Not a test.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from adrec.collapse.measures import measures
from adrec.data import catalog
from adrec.data.batches import PART_TOKENS, pack
from adrec.data.dataset import SequenceDataset
from adrec.diffusion import user_noise
from adrec.errors import RunError
from adrec.evaluation import ranks_of, top_items
from adrec.explain.all_users import all_users
from adrec.files import read_json, write_json
from adrec.lesson.answers import END, TEN, ranking
from adrec.lesson.chapter2 import genre_sets, shared_genres
from adrec.lesson.people import PEOPLE
from adrec.maps.neighbours import neighbour_sets
from adrec.models.base import Model
from adrec.models.loading import load_model
from adrec.models.neural import denoising
from adrec.models.settings import recorded
from adrec.runs import RunFolder, list_runs
from adrec.runs.snapshots import table_at
from adrec.training.loop import INIT, stream

VERSION = 1
FRAMES = (0, 26, 51, 76, 101, END)
"""Epochs of the long trainings; 0 is the random start."""
STEPS = (1, 2, 4, 8, 16, 32)
NOISES = 20
FILM_MEASURES = ("mean_cosine", "participation_ratio", "effective_rank", "std")
EVERY_THIRD = slice(None, None, 3)
NOISE_RUNS = ("paper", "lambda-", "ml-100k", "baseline", "noise-")


Answered = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Of every user asked: the next film's rank (U,), the ten films of the list (U, 10), the answer (U, D)."""


@torch.no_grad()
def answered(model: Model, data: SequenceDataset, users: np.ndarray, ways: Sequence[tuple[int, int]]) -> list[Answered]:
    """The test answers for these users, in their order, for each way: the number of steps and the noise's seed. Histories are read once."""
    diffuser = denoising(model)
    table, length = diffuser.table, model.config.length
    found = [
        (np.zeros(len(users), np.int64), np.zeros((len(users), TEN), np.int64), np.zeros((len(users), table.shape[1]), np.float32))
        for _ in ways
    ]
    place = {user: i for i, user in enumerate(users.tolist())}
    for part in pack([data.history(user, "test", length) for user in users], length, users=users).split(PART_TOKENS):
        rows, targets = [place[user] for user in part.users.tolist()], torch.from_numpy(data.test[part.users].astype(np.int64))
        predict = diffuser.last_token(part)
        for (steps, seed), (ranks, tens, vectors) in zip(ways, found, strict=True):
            x_start, step_noise = user_noise(seed, part.users, steps, table.shape[1])
            answer = diffuser.sample(predict, x_start, step_noise, diffuser.diffusion.strided(steps))
            scores = answer @ table.T
            ranks[rows], tens[rows], vectors[rows] = ranks_of(scores, targets), top_items(scores[:, 1:], TEN)[1] + 1, answer
    return found


def squared_error(answer: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """Per number: the error of the answers (U, D), that of the best constant guess, and the one as a share of the other."""
    error, constant = float(((answer - target) ** 2).mean()), float(((target - target.mean(axis=0)) ** 2).mean())
    return {"error": error, "constant": constant, "share": error / constant}


def genres_shared(table: np.ndarray, genres: list[set[str]]) -> float:
    """Genres that a film shares with its ten nearest. table: (V, D)."""
    return shared_genres(neighbour_sets(table, TEN), genres)


def untrained(run: RunFolder) -> Model:
    """The model that the last stage began with, of a run without pre-training."""
    chosen = recorded(run.info)
    stage = next(stage for stage in chosen.stages if stage.name == "finetune")
    model: Any = stage.model(stage.config)
    model.initialise(torch.Generator().manual_seed(int(stream(chosen.train.seed, INIT, stage).integers(2**62))))
    model.item_embedding.weight.data[1:] = torch.from_numpy(run.table("initial"))
    return cast(Model, model.requires_grad_(False))


def frame_model(run: RunFolder, epoch: int | str) -> Model | None:
    """The whole model after an epoch, if it was saved; at 0 the random start, where it can be made again."""
    try:
        if epoch == 0:
            return None if "pretrain" in run.stages or run.info.get("pretrained") else untrained(run)
        return load_model(run, epoch=epoch)
    except RunError:
        return None


def ranked(model: Model, data: SequenceDataset) -> dict[str, Any]:
    """A model over all test users: ranks, and its squared error."""
    ((ranks, _, found),) = answered(model, data, np.arange(data.n_users), [(STEPS[-1], 0)])
    target = cast(torch.Tensor, model.table)[torch.from_numpy(data.test.astype(np.int64))].numpy()
    return {"ranks": ranks.tolist()} | squared_error(found, target)


def lists(run: RunFolder, model: Model) -> dict[str, list[int]]:
    """The ten films that the model gives each of the lesson's people, by id."""
    ranked = ranking(model, [person.ids(run.items)[0] for person in PEOPLE])
    return {person.key: films.tolist() for person, films in zip(PEOPLE, ranked[:, :TEN], strict=True)}


def frames(run: RunFolder, data: SequenceDataset) -> Iterator[dict[str, Any]]:
    """The film of a long training at ``FRAMES``."""
    seen = {e["epoch"]: e["metrics"]["ndcg@10"] for e in run.events()[0] if e["kind"] == "validation" and e["stage"] == "finetune"}
    genres, saved = genre_sets(run.items), {0, *(epoch for stage, epoch, _ in run.snapshots() if stage == "finetune")}
    for epoch in (epoch for epoch in FRAMES if epoch in saved):
        table, model = table_at(run, "finetune", epoch), frame_model(run, epoch)
        values = measures(table)
        found = {name: values[name] for name in FILM_MEASURES} | {"genres": genres_shared(table, genres)}
        said = {} if model is None else ranked(model, data) | {"lists": lists(run, model)}
        yield {"epoch": epoch, "ndcg@10": seen.get(epoch)} | found | said


def noise(run: RunFolder, data: SequenceDataset) -> dict[str, Any]:
    """What the steps and the noise change: ranks by number of steps, the commit step, and the first film of every third person under
    ``NOISES`` noises."""
    model, users = load_model(run), np.arange(data.n_users)
    by_steps = answered(model, data, users, [(steps, 0) for steps in STEPS])
    noised = answered(model, data, users[EVERY_THIRD], [(STEPS[-1], seed) for seed in range(NOISES)])
    first = np.stack([tens[:, 0] for _, tens, _ in noised])
    different = np.array([len(set(films)) for films in first.T.tolist()])
    return {
        "steps": {str(steps): ranks.tolist() for steps, (ranks, _, _) in zip(STEPS, by_steps, strict=True)},
        "commit_step": all_users(run, data)["mean_commit_step"],
        "noises": NOISES,
        "people": first.shape[1],
        "first_differs": float((first[1:] != first[0]).mean()),
        "first_ever_differs": float((different > 1).mean()),
        "first_films": float(different.mean()),
    }


def measured(run: RunFolder, data: SequenceDataset) -> dict[str, Any]:
    """All of the above of one finished run."""
    genres, end = genre_sets(run.items), run.table("finetune")
    found: dict[str, Any] = {"name": run.name, "seed": run.info["seed"], "epoch": run.metrics("finetune")["epoch"]}
    found["command"] = run.info["command"]
    found["ranks"] = run.test_ranks("finetune").tolist()
    found["genres"] = {"start": genres_shared(run.table(run.table_names()[0]), genres), "end": genres_shared(end, genres)}
    if len(run.weight_epochs("finetune")) >= len(FRAMES):
        found["frames"] = list(frames(run, data))
    if run.name.startswith(NOISE_RUNS):
        found["noise"] = noise(run, data)
    return found


def main() -> None:
    """Measure what is new."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("kept", type=Path)
    parser.add_argument("--only", default="", help="names of runs, joined by commas")
    given = parser.parse_args()
    given.kept.mkdir(parents=True, exist_ok=True)
    for run in sorted(list_runs(given.runs), key=lambda run: run.name):
        if run.status["state"] != "finished" or (given.only and run.name not in given.only.split(",")):
            continue
        key, path = [VERSION, run.weights_path("finetune").stat().st_mtime_ns], given.kept / f"{run.name}.json"
        if not path.is_file() or read_json(path)["key"] != key:
            write_json(path, {"key": key} | measured(run, catalog.load_for_run(run.info)))
            print(run.name, flush=True)


if __name__ == "__main__":
    main()
