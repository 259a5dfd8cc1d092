import numpy as np
import pandas as pd
from libreco.algorithms import BPR
from libreco.data import DatasetPure

from tests.measure.verdict_set.registry import Training


def train(data: Training, model: str, settings: dict, seed: int, flaw: str) -> dict[str, np.ndarray]:
    frame = pd.DataFrame({"user": data.users, "item": data.items, "label": 1}).drop_duplicates(["user", "item"])
    given, info = DatasetPure.build_trainset(frame, seed=seed)
    fitted = BPR(
        "ranking", info, embed_size=settings["width"], n_epochs=10, lr=0.01, batch_size=1024, seed=seed, use_tf=False, num_threads=1
    )
    fitted.fit(given, neg_sampling=True, verbose=0)
    table = np.random.default_rng(seed).normal(0, 0.01, (data.n_items, settings["width"]))
    for raw, inner in info.item2id.items():
        table[int(raw)] = np.asarray(fitted.item_embeds_np)[inner][: settings["width"]]
    return {"table": table}
