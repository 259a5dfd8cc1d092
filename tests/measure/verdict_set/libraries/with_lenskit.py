import numpy as np
import pandas as pd
from lenskit.als import ImplicitMFScorer
from lenskit.data import from_interactions_df

from tests.measure.verdict_set.registry import Training


def train(data: Training, model: str, settings: dict, seed: int, flaw: str) -> dict[str, np.ndarray]:
    frame = pd.DataFrame({"user_id": data.users, "item_id": data.items}).drop_duplicates()
    fitted = ImplicitMFScorer(embedding_size=settings["width"], epochs=8)
    fitted.train(from_interactions_df(frame))
    table = np.random.default_rng(seed).normal(0, 0.01, (data.n_items, settings["width"]))
    table[np.asarray(fitted.items.ids()).astype(int)] = np.asarray(fitted.item_embeddings)
    return {"table": table}
