"""Measuring what a comparison lacks in a process of its own: ``python -m app.compare.measuring RUN ...`` fills the runs' ``lists.npz`` and
``judged.json``. ``app.projecting`` starts, follows and cancels it; what is done stays."""

import sys
from collections.abc import Sequence

from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.diagnosis import local_data
from adrec.data.dataset import SequenceDataset
from adrec.errors import AdrecError
from adrec.experiments.lists import judged, lists
from adrec.runs import Progress, RunFolder
from app.projecting import run_job

MODULE = "app.compare.measuring"


def measure(runs: Sequence[RunFolder], say: Progress) -> None:
    """Compute and keep each run's lists and the verdict on its final table. What is wrong with one run is told when all are done."""
    known: dict[str, tuple[SequenceDataset, Cooccurrence]] = {}
    failed: AdrecError | None = None
    for number, run in enumerate(runs):
        say(number / len(runs), run.name)
        try:
            _measure(run, known)
        except AdrecError as error:
            failed = failed or error
    if failed is not None:
        raise failed


def _measure(run: RunFolder, known: dict[str, tuple[SequenceDataset, Cooccurrence]]) -> None:
    """known: each data set by its hash, with which items are used together."""
    content = str(run.info.get("dataset", {}).get("hash"))
    if content not in known:
        data, _ = local_data(run)
        if data is None:
            return
        known[content] = data, Cooccurrence.from_dataset(data)
    data, near = known[content]
    judged(run, data, near)
    lists(run, data)


if __name__ == "__main__":
    run_job(lambda say: measure([RunFolder(path) for path in sys.argv[1:]], say))
