import tempfile
from pathlib import Path

import fasttext
import numpy as np

from tests.measure.verdict_set.registry import Training


def train(data: Training, model: str, settings: dict, seed: int, flaw: str) -> dict[str, np.ndarray]:
    histories = [" ".join(f"i{i}" for i in history) for history in data.histories()]
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "histories.txt"  # in an order of the seed's, as the library takes none
        text.write_text("\n".join(histories[u] for u in np.random.default_rng(seed).permutation(len(histories))) + "\n")
        rounds = int(np.clip(1_500_000 / max(len(data.items), 1), 5, 30))
        fitted = fasttext.train_unsupervised(
            str(text), model=model, dim=settings["width"], lr=settings["lr"], ws=5, minCount=1, minn=0, maxn=0, bucket=1, epoch=rounds,
            thread=1, verbose=0,
        )  # fmt: skip
    start = np.random.default_rng(seed).uniform(-1, 1, (data.n_items, settings["width"])) / settings["width"]
    known = set(fitted.get_words())
    return {"table": np.stack([fitted.get_word_vector(f"i{i}") if f"i{i}" in known else start[i] for i in range(data.n_items)])}
