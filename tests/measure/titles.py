"""What each bundled run is there to show, in words, and its run.json in today's format.

``python -m tests.measure.titles FOLDER`` brings every run in the folder up to date. The figures are those of docs/RESULTS.md. Runs on
MovieLens-1M get readable titles and years of films, and the name that ``ml_1m`` gives their data.
"""

import csv
import sys
from typing import Any

from adrec.explain import all_users
from adrec.files import atomic, read_json, write_json
from adrec.models.settings import recorded
from adrec.runs import RunFolder, list_runs
from adrec.runs.shapes import FORMAT, LONGEST
from adrec.training.session import coefficients
from tests.measure.lesson_results import command
from tests.measure.ml_1m import readable

WORKS = "Does ADRec work, and what does diffusion add?"
PARTS = "What is each part of ADRec good for?"
NOISE = "Does the noise matter?"
NARROW = "What makes an item table narrow?"
LARGER = "What does ADRec learn from ten times the ratings?"
ON_1M = ("ml-1m", "ml-1m-narrow", "ml-1m-dreamrec")
DREAMREC = "Have the embeddings of an earlier diffusion model collapsed?"
SITE = ("ml-1m", "ml-100k", "narrow", "dreamrec-harness-fixed", "dreamrec-long", "sasrec", "no-pretrain", "warmup-drift")
"""The runs on the site's Collapse page, at most eight."""
TEXTS = {  # by folder: title, purpose, question
    "ml-1m": (
        "ADRec on MovieLens-1M: films with neighbours of their kind",
        "A million ratings of 3,416 films: HR@10 is 22.1 %. A film shares 0.61 of its genres with its ten nearest, 0.17 at the start.",
        LARGER,
    ),
    "ml-1m-narrow": (
        "ADRec on MovieLens-1M, squared error alone from a random start: a narrow table",
        "Kept after 21 of 41 epochs. All films lie along one direction, and 302 people get 11 different films in their tens.",
        LARGER,
    ),
    "ml-1m-dreamrec": (
        "DreamRec on MovieLens-1M, as ADRec's authors compare it, with its encoder in use: still at its start",
        "Kept after 16 epochs, its films are where chance put them. HR@10 is 1.1 %; the ten most popular films reach 1.9 %.",
        LARGER,
    ),
    "ml-100k": (
        "ADRec, the paper's settings: a healthy table",
        "All three stages as published. The reference: 21.7 % of users have their next film among the first 20, and the table is healthy.",
        WORKS,
    ),
    "sasrec": (
        "SASRec+, no diffusion: a healthy table too",
        "The plain sequence model. This seed ranks 4.6 ± 1.4 points of HR@20 below ADRec; the best of three is within chance of it.",
        WORKS,
    ),
    "item-knn": (
        "Item-kNN, counting alone: ahead of ADRec here",
        "It counts which films follow one another. HR@10 is 15.9 %, ADRec's 12.2 %, mostly for people who rate many films at once.",
        WORKS,
    ),
    "ease": (
        "EASE, one linear map: not told apart from ADRec",
        "Each film's choice as a weighted sum of the other films in a history, solved in one step. HR@10 is 12.5 %, ADRec's 12.2 %.",
        WORKS,
    ),
    "popularity": (
        "Popularity, the same list for everybody",
        "How often each film was chosen: what any recommender has to beat. HR@10 is 5.3 %.",
        WORKS,
    ),
    "no-pretrain": (
        "ADRec without pre-training: slower, and as healthy",
        "The table starts at random. It takes 252 steps instead of 182 and ends as meaningful; the difference in ranking is within chance.",
        PARTS,
    ),
    "no-warmup": (
        "ADRec without warm-up: no difference to be seen",
        "The untrained denoiser moves the table from the first step. The difference in ranking is within chance, with this one seed.",
        PARTS,
    ),
    "warmup-drift": (
        "ADRec, the official code's drifting warm-up: the table recovers",
        "Weight decay moves the table that the warm-up should leave alone. Fine-tuning repairs it; the ranking differs within chance.",
        PARTS,
    ),
    "one-t": (
        "ADRec, one noise level a history: no difference to be seen",
        "Without the paper's noise level for each token. At λ = 0.001 the noise hardly enters, so who gets how much of it hardly matters.",
        PARTS,
    ),
    "ce-only": (
        "ADRec, cross-entropy alone: ranks as well",
        "Without the squared error. HR@20 is 1.0 ± 0.7 points higher, within chance: on these data cross-entropy carries the training.",
        PARTS,
    ),
    "mse-only": (
        "ADRec, squared error alone: ranks worse",
        "Without cross-entropy HR@20 falls by 6.5 ± 1.5 points, and the table narrows into a cone: its early stop alone keeps it healthy.",
        NARROW,
    ),
    "narrow": (
        "ADRec, squared error alone from a random start: a narrow table",
        "Targets may move and nothing pushes them apart: after 126 epochs the films' mean cosine is 0.98, and all get the same ten films.",
        NARROW,
    ),
    "frozen-random": (
        "ADRec on a frozen random table: noise",
        "The table is never trained. HR@20 falls to 8.0 %, four times chance: items that nobody may move can lend nothing to each other.",
        PARTS,
    ),
    "noise-0": (
        "ADRec, λ = 0: no noise at all",
        "Neither noise nor time reaches the denoiser, in training or in use. HR@20 is 21.7 %, that of the paper's λ = 0.001.",
        NOISE,
    ),
    "noise-0.1": (
        "ADRec, λ = 0.1: the list settles after two thirds of the steps",
        "A hundred times the paper's noise weight. The list is decided at step 23 of 32 on average, at no cost that can be shown.",
        NOISE,
    ),
    "noise-1": (
        "ADRec, λ = 1: the list settles at the very end",
        "Noise at full weight: the list is decided at step 31 of 32. Over three seeds HR@20 falls by 1.0 ± 0.5 points against λ = 0.001.",
        NOISE,
    ),
    "dreamrec-harness-fixed": (
        "DreamRec, as ADRec's authors compare it, with its encoder in use: still at its start",
        "Selected after 12 steps, it keeps its random start: nothing was there to collapse. Over three seeds HR@20 is 3.8 ± 0.4 %.",
        DREAMREC,
    ),
    "dreamrec-original": (
        "DreamRec, original settings: the table shrinks",
        "11,800 steps without weight decay: the table ends at a sixth of its scale and as a cone; the ranking stays at chance.",
        DREAMREC,
    ),
    "dreamrec-long": (
        "DreamRec, trained long: the table shrinks and means next to nothing",
        "Every position a target, 3,000 steps, no early stop: the table's scale falls to a third, and its neighbours stay those of noise.",
        DREAMREC,
    ),
}


def readable_films(run: RunFolder) -> None:
    """Write the titles of MovieLens-1M as people write them, unless that was done before."""
    if "year" in run.items:
        return
    items = readable(run.items)
    columns = [name for name in items if name not in ("year", "popularity")] + ["year", "popularity"]
    with atomic(run.path / "items.csv", "w") as file:
        items[columns].to_csv(file, quoting=csv.QUOTE_NONNUMERIC)


def upgrade(run: RunFolder) -> None:
    """Write run.json as this version does. What was measured over all users is known by the settings, so its key follows."""
    path = run.path / all_users.FILE
    found = read_json(path) if path.is_file() else None
    fits = found is not None and found["key"] == all_users._cache_key(run, found["stage"], found["seed"])
    info, settings = run.info, recorded(run.info)
    texts: dict[str, Any] = dict(zip(LONGEST, TEXTS[run.name], strict=True))
    if run.name in ON_1M:
        readable_films(run)
        data = {**info["dataset"], "name": "prepared/ml-1m", "title": "MovieLens-1M", "options": {"k_core": 5}}
        info = {**info, "command": command(info["command"]), "dataset": data}
    now = {"abilities": list(settings.model.abilities), "diffusion": coefficients(settings)}
    if run.name in SITE:
        texts["site"] = True
    write_json(run.path / "run.json", {"format": FORMAT, **texts, **info, **settings.to_json(), **texts, **now})
    if found is not None and fits:
        write_json(path, {**found, "key": all_users._cache_key(run, found["stage"], found["seed"])})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.measure.titles FOLDER")
    for run in list_runs(sys.argv[1]):
        upgrade(run)
        print(run.name)
