"""What the bundled runs come with so that the app opens them at once: item maps, verdicts and, where they are there, all users' figures
and their lists.

``python -m tests.measure.derived FOLDER`` brings every run in the folder up to date; what still fits its run stays, and needs no data.
``--lists RUN ...`` makes the lists of all users too: of the bundled run that is called like each of these runs, which are whole.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from adrec.collapse.diagnosis import cached_diagnosis, diagnosis, local_data
from adrec.experiments.lists import keep_lists, kept_lists, lists
from adrec.explain.all_users import FILE, all_users
from adrec.maps.projection import project
from adrec.runs import RunFolder, list_runs


def take_lists(copy: RunFolder, whole: RunFolder) -> None:
    """Keep with a copy the lists of the run that it is of."""
    data, missing = local_data(whole)
    if data is None or not np.array_equal(copy.test_ranks("finetune"), whole.test_ranks("finetune")):
        sys.exit(missing or f"'{whole.path}' ranks otherwise than its copy '{copy.path}'.")
    made = lists(whole, data)
    assert made is not None, f"'{whole.path}' has no model"
    keep_lists(copy, data.content_hash, made)


def main(folder: str, whole: Sequence[Path] = ()) -> None:
    """All runs of the folder."""
    for path in whole:
        take_lists(RunFolder(Path(folder) / path.name), RunFolder(path))
    for run in list_runs(folder):
        data, missing = local_data(run)
        if data is None and cached_diagnosis(run) is None:
            sys.exit(missing)
        for method in ("pca", "umap"):
            project(run, method)
        diagnosis(run, data)
        if data is not None and (run.path / FILE).is_file():
            all_users(run, data)
        if data is not None and (run.path / "lists.npz").is_file() and kept_lists(run, data.content_hash) is None:
            lists(run, data)
        print(run.name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--lists", nargs="+", type=Path, default=[], metavar="RUN", help="whole runs, called like the folder's")
    given = parser.parse_args()
    main(given.folder, given.lists)
