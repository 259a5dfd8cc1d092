"""How much a model's lists depend on who else is asked about, in batches of several sizes, drawn twice each.

    python -m tests.measure.company RUN

For every test user: items that the top tens of the two draws share, first items that differ, and HR@10. Not a test.
"""

import argparse

import numpy as np
import torch

from adrec.data import catalog
from adrec.data.batches import pack
from adrec.data.dataset import SequenceDataset
from adrec.evaluation import answers, top_items
from adrec.models.base import Model
from adrec.models.loading import load_model
from adrec.runs import RunFolder

SIZES = (1, 8, 64, 512)
TEN = 10


@torch.no_grad()
def lists(model: Model, data: SequenceDataset, size: int, draw: int) -> np.ndarray:
    """Each user's top ten, (U, 10), answered in batches of ``size`` users drawn at random."""
    found = np.zeros((data.n_users, TEN), dtype=np.int64)
    order = np.random.default_rng(draw).permutation(data.n_users)
    for start in range(0, data.n_users, size):
        users = order[start : start + size]
        batch = pack([data.history(int(user), "test", model.config.length) for user in users], model.config.length, users=users)
        table = model.table
        assert table is not None
        found[batch.users] = top_items((answers(model, batch) @ table.T)[:, 1:], TEN)[1] + 1
    return found


def main() -> None:
    """Print one line a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=RunFolder)
    run = parser.parse_args().run
    data, model = catalog.load_for_run(run.info), load_model(run)
    alone = lists(model, data, 1, 0)
    for size in SIZES:
        one, other = lists(model, data, size, 1), lists(model, data, size, 2)
        common = (one[:, :, None] == other[:, None]).any(1).sum(1).mean()
        kept = (one[:, :, None] == alone[:, None]).any(1).sum(1).mean()
        first, hits = (one[:, 0] != other[:, 0]).mean(), (one == data.test[:, None]).any(1).mean()
        print(f"batches of {size}: {common:.1f} of 10 items in common, first item differs {first:.1%}, in common with the answer alone "
              f"{kept:.1f}, HR@10 {hits:.2%}")  # fmt: skip


if __name__ == "__main__":
    main()
