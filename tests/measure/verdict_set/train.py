"""Trains the tables of the third-party set, in an environment of its own that has the libraries but not the project.

``python -m tests.measure.verdict_set.train FOLDER [--only TEXT] [--half tune|held]``. What is there is not trained again. A table is
``FOLDER/tables/NAME.npz`` (``table``; ``initial`` and ``users`` where the library shows them) with ``NAME.json`` beside it; a training
that failed leaves its JSON with ``error``, and ``--again`` tries those once more. Each library is a process of its own with one thread,
and each training has a limit of processor time.
"""

import argparse
import importlib
import importlib.metadata
import json
import os
import resource
import subprocess
import sys
import time
import traceback
from pathlib import Path

for name in (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "NUMBA_NUM_THREADS",
):
    os.environ.setdefault(name, "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402

from tests.measure.verdict_set.registry import Job, Training, plan  # noqa: E402

PACKAGES = {"fasttext": "fasttext-wheel", "sklearn": "scikit-learn", "surprise": "scikit-surprise", "libreco": "LibRecommender"}
SECONDS = 150
"""Processor time of one training, generously; most take 1 to 30."""
UNENDED = "it did not end: out of time or memory, or stopped"


def one(folder: Path, job: Job, data: Training) -> None:
    library = importlib.import_module(f"tests.measure.verdict_set.libraries.with_{job.library}")
    began = time.process_time()
    made = library.train(data, job.model, dict(job.settings), job.seed, job.flaw)
    table = np.asarray(made.pop("table"))
    if table.ndim != 2 or len(table) != data.n_items:
        raise ValueError(f"a table of shape {table.shape} for {data.n_items} items")
    arrays = {"table": table.astype(np.float32), **{k: np.asarray(v, dtype=np.float32) for k, v in made.items() if v is not None}}
    about = {
        "name": job.name, "library": job.library, "version": importlib.metadata.version(PACKAGES.get(job.library, job.library)),
        "model": job.model, "data": job.data, "seed": job.seed, "settings": job.settings, "flaw": job.flaw, "half": job.half,
        "shape": list(table.shape), "seconds": round(time.process_time() - began, 1),
    }  # fmt: skip
    place = folder / "tables" / job.name
    np.savez(place.with_suffix(".part.npz"), **arrays)
    os.replace(place.with_suffix(".part.npz"), place.with_suffix(".npz"))
    place.with_suffix(".json").write_text(json.dumps(about, indent=1) + "\n")


def wanted(folder: Path, only: str, half: str, again: bool) -> list[Job]:
    def there(job: Job) -> bool:
        noted = folder / "tables" / f"{job.name}.json"
        return noted.is_file() and not (again and "error" in json.loads(noted.read_text()))

    return [job for job in plan() if only in job.name and half in ("", job.half) and not there(job)]


def group(folder: Path, library: str, only: str, half: str, again: bool) -> None:
    """All missing trainings of one library, in this process."""
    given: dict[str, Training] = {}
    for job in wanted(folder, only, half, again):
        if job.library != library:
            continue
        if job.data not in given:
            given = {job.data: Training.load(folder / "data" / job.data / "train.npz")}
        used = resource.getrusage(resource.RUSAGE_SELF)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + SECONDS, resource.RLIM_INFINITY))
        noted = folder / "tables" / f"{job.name}.json"
        noted.write_text(json.dumps({"name": job.name, "error": UNENDED}) + "\n")
        try:
            one(folder, job, given[job.data])
            print(job.name, json.loads(noted.read_text())["seconds"], "s", flush=True)
        except Exception as error:
            noted.write_text(json.dumps({"name": job.name, "error": f"{type(error).__name__}: {error}"[:300]}) + "\n")
            print(job.name, "FAILED", traceback.format_exc(limit=-3), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="only trainings whose name holds this text")
    parser.add_argument("--half", default="", choices=("", "tune", "held"))
    parser.add_argument("--again", action="store_true", help="try those that failed once more")
    parser.add_argument("--group", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    asked.folder = asked.folder.resolve()
    (asked.folder / "tables").mkdir(parents=True, exist_ok=True)
    if asked.group:
        group(asked.folder, asked.group, asked.only, asked.half, asked.again)
        return
    todo = wanted(asked.folder, asked.only, asked.half, asked.again)
    libraries = list(dict.fromkeys(job.library for job in todo))
    print(f"{len(todo)} trainings of {len(libraries)} libraries: {', '.join(libraries)}", flush=True)
    rest = [a for a in sys.argv[2:] if a != "--again"]
    for job in todo:
        (asked.folder / "tables" / f"{job.name}.json").unlink(missing_ok=True)
    for library in libraries:
        while any(job.library == library for job in wanted(asked.folder, asked.only, asked.half, False)):
            command = [sys.executable, "-m", "tests.measure.verdict_set.train", str(asked.folder), *rest, "--group", library]
            if subprocess.run(command, check=False).returncode == 0:
                break  # otherwise one training ended the process: the others go on in another


if __name__ == "__main__":
    main()
