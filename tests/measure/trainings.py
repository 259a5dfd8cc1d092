"""Train the runs behind the lesson, one after another; a run that is finished is left as it is, and one that was stopped goes on.

    python -m tests.measure.trainings ml-100k runs [--seeds 1,2,3] [--only narrow,paper] [--list]
    python -m tests.measure.trainings ml-1m runs --dataset prepared/ml-1m

Each run is an ordinary ``adrec train``, which ``--list`` prints. A run that starts from stage 1 of the paper's run takes that of the same
seed. On one core without a GPU a run on MovieLens-100K takes 5 to 15 minutes, one on MovieLens-1M several hours. Not a test.
"""

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

# 254 steps are 127 epochs of MovieLens-100K on the paper's schedule of 500: long enough for a collapse, and no early stop hides it.
LONG = {"warmup_epochs": 0, "lr": 0.003, "max_steps": 254, "patience": 1000, "keep_weights": "every"}
ALONE = LONG | {"pretrain": "false", "objective": "mse"}

# name: (settings, whether it starts from stage 1 of the paper's run of the same seed)
GRIDS: dict[str, dict[str, tuple[dict[str, object], bool]]] = {
    "ml-100k": {
        "paper": ({}, False),
        # The four cells: random or pre-trained start, squared error or both losses.
        "narrow": (ALONE, False),
        "random-both": (LONG | {"pretrain": "false"}, False),
        "pretrained-mse": (LONG | {"objective": "mse"}, True),
        "pretrained-both": (LONG, True),
        # What is to blame for the narrow table: one change each.
        "narrow-held": (ALONE | {"frozen_table": "true"}, False),
        "narrow-lambda-0": (ALONE | {"noise_weight": 0}, False),
        "narrow-lambda-1": (ALONE | {"noise_weight": 1}, False),
        # How much noise reaches the denoiser.
        "lambda-0": ({"noise_weight": 0}, True),
        "lambda-1": ({"noise_weight": 1}, True),
        "lambda-0.1": ({"noise_weight": 0.1}, True),
        "lambda-0.01": ({"noise_weight": 0.01}, True),
        # A stage left out.
        "no-pretrain": ({"pretrain": "false"}, False),
        "no-warmup": ({"warmup_epochs": 0}, True),
        "no-finetune": ({"frozen_table": "true"}, True),
    },
    "ml-1m": {
        "paper": ({"keep_weights": "every"}, False),
        "narrow": ({**ALONE, "max_steps": 492}, False),  # 41 epochs of 12 steps: a step moves the table as far as one of MovieLens-100K
        "dreamrec-harness-fixed": ({"preset": "dreamrec-harness-fixed"}, False),
    },
}


def command(dataset: str, folder: Path, name: str, seed: int, settings: dict[str, object], pretrained: bool) -> list[str]:
    """The ``adrec train`` of one run, without the interpreter."""
    words = ["-m", "adrec", "train", "--dataset", dataset, "--run", str(folder / f"{name}-{seed}"), "--seed", str(seed)]
    settings = {"preset": "paper", **settings}
    words += ["--preset", str(settings.pop("preset"))]
    words += [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    return words + (["--pretrained", str(folder / f"paper-{seed}")] if pretrained else [])


def finished(run: Path) -> bool:
    """Whether the run's training has ended by itself."""
    status = run / "status.json"
    return status.is_file() and json.loads(status.read_text(encoding="utf-8"))["state"] == "finished"


def main() -> None:
    """Train what is missing, seed by seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("grid", choices=GRIDS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dataset", help="default: the grid's name")
    parser.add_argument("--seeds", default="1", type=lambda text: [int(word) for word in text.split(",")])
    parser.add_argument("--only", default="", help="names of the grid, joined by commas")
    parser.add_argument("--list", action="store_true", help="print the commands and train nothing")
    given = parser.parse_args()
    names = given.only.split(",") if given.only else list(GRIDS[given.grid])
    for seed in given.seeds:
        for name in names:
            words = command(given.dataset or given.grid, given.folder, name, seed, *GRIDS[given.grid][name])
            if given.list:
                print("python " + shlex.join(words))
            elif not finished(given.folder / f"{name}-{seed}"):
                subprocess.run([sys.executable, *words, "--resume", "--yes"], check=True)


if __name__ == "__main__":
    main()
