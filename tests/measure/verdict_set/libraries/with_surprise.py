import numpy as np
import pandas as pd
from surprise import NMF, SVD, Dataset, Reader

from tests.measure.verdict_set.registry import Training


def train(data: Training, model: str, settings: dict, seed: int, flaw: str) -> dict[str, np.ndarray]:
    """Ratings: 1 for what a user had, 0 for as many random items; the library's models predict ratings."""
    rng = np.random.default_rng(seed)
    known = pd.DataFrame({"user": data.users, "item": data.items, "rating": 1.0})
    other = pd.DataFrame({"user": data.users, "item": rng.integers(0, data.n_items, len(data.items)), "rating": 0.1})
    ratings = pd.concat([known, other]).drop_duplicates(["user", "item"]).sample(frac=1.0, random_state=seed)
    full = Dataset.load_from_df(ratings, Reader(rating_scale=(0, 1))).build_full_trainset()
    width = settings["width"]
    if model == "svd":
        fitted = SVD(n_factors=width, n_epochs=25, lr_all=settings["lr"], reg_all=0.02, random_state=seed).fit(full)
    else:
        fitted = NMF(n_factors=width, n_epochs=25, random_state=seed).fit(full)
    table = np.random.default_rng(seed).normal(0, 0.1, (data.n_items, width))
    for inner in full.all_items():
        table[int(full.to_raw_iid(inner))] = fitted.qi[inner]
    return {"table": table}
