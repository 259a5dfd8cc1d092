"""Measuring what a comparison lacks in a process of its own: ``python -m app.compare.measuring RUN ...`` fills the runs' ``lists.npz`` and
``judged.json``. ``app.projecting`` starts, follows and cancels it; what is done stays."""

import sys
from collections.abc import Sequence

from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.diagnosis import local_data
from adrec.data.dataset import SequenceDataset
from adrec.experiments.lists import judged, lists
from adrec.runs import Progress, RunFolder
from app.projecting import run_job

MODULE = "app.compare.measuring"


def measure(runs: Sequence[RunFolder], say: Progress) -> None:
    """Compute and keep each run's lists and the verdict on its final table."""
    known: dict[str, tuple[SequenceDataset, Cooccurrence]] = {}
    for number, run in enumerate(runs):
        say(number / len(runs), run.name)
        content = str(run.info.get("dataset", {}).get("hash"))
        if content not in known:
            data, _ = local_data(run)
            if data is None:
                continue
            known[content] = data, Cooccurrence.from_dataset(data)
        data, near = known[content]
        judged(run, data, near)
        say((number + 0.3) / len(runs), run.name)
        lists(run, data)


if __name__ == "__main__":
    run_job(lambda say: measure([RunFolder(path) for path in sys.argv[1:]], say))
