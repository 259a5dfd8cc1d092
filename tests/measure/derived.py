"""What the bundled runs come with so that the app opens them at once: item maps, verdicts and, where one is there, all users' figures.

``python -m tests.measure.derived FOLDER`` brings every run in the folder up to date; what still fits its run stays, and needs no data.
"""

import sys

from adrec.collapse.diagnosis import cached_diagnosis, diagnosis, local_data
from adrec.explain.all_users import FILE, all_users
from adrec.maps.projection import project
from adrec.runs import list_runs


def main(folder: str) -> None:
    """All runs of the folder."""
    for run in list_runs(folder):
        data, missing = local_data(run)
        if data is None and cached_diagnosis(run) is None:
            sys.exit(missing)
        for method in ("pca", "umap"):
            project(run, method)
        diagnosis(run, data)
        if data is not None and (run.path / FILE).is_file():
            all_users(run, data)
        print(run.name)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.measure.derived FOLDER")
    main(sys.argv[1])
