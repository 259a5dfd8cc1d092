"""Whether a run is right more often where a person's last two ratings of MovieLens-100K came at once.

    python -m tests.measure.bursts RUN [RUN ...]

Prints HR@10 on test of each run for three groups of people: the test film was rated in the same second as the validation film, later, and
over a minute later. The runs are on ``ml-100k`` as it is named, whose histories are sorted by these times. Not a test.
"""

import sys

import numpy as np
import pandas as pd

from adrec.data import catalog
from adrec.errors import DataError
from adrec.folders import home
from adrec.runs import RunFolder

MINUTE = 60
WITHIN = 10


def gaps() -> np.ndarray:
    """Seconds from each user's validation film to the test film, (U,), in the data set's order."""
    data = catalog.load("ml-100k")
    rows = pd.read_csv(home() / "data" / "ml-100k" / "ml-100k.inter", sep="\t").set_axis(["user", "item", "rating", "time"], axis=1)
    times = rows.astype({"user": str, "item": str}).set_index(["user", "item"])["time"]
    raw = data.items.frame["item"].to_numpy()
    answers = [times.loc[list(zip(data.user_ids, raw[ids - 1], strict=True))].to_numpy() for ids in (data.val, data.test)]
    return np.asarray(answers[1] - answers[0])


def main() -> None:
    """Print a row for each run."""
    seconds = gaps()
    groups = {"all": seconds >= 0, "at once": seconds == 0, "later": seconds > 0, "over a minute later": seconds > MINUTE}
    print("run | " + " | ".join(f"{name} ({members.sum()} people)" for name, members in groups.items()))
    for path in sys.argv[1:]:
        ranks = RunFolder(path).test_ranks("finetune")
        if ranks is None or len(ranks) != len(seconds):
            raise DataError(f"'{path}' keeps no ranks of the {len(seconds)} people of ml-100k.")
        shares = [100 * float((ranks[members] <= WITHIN).mean()) for members in groups.values()]
        print(f"{path} | " + " | ".join(f"{share:.1f} %" for share in shares))


if __name__ == "__main__":
    main()
