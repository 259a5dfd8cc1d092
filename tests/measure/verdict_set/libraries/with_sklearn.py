import numpy as np
from sklearn.decomposition import NMF, FactorAnalysis, TruncatedSVD

from tests.measure.verdict_set.libraries.shared import matrix
from tests.measure.verdict_set.registry import Training


def train(data: Training, model: str, settings: dict, seed: int, flaw: str) -> dict[str, np.ndarray]:
    by_item, width = matrix(data).T.tocsr(), settings["width"]
    if model == "svd":
        if not settings["binary"]:  # rare users tell more
            by_item = by_item.multiply(1 / np.sqrt(np.maximum(np.asarray(by_item.sum(axis=0)), 1))).tocsr()
        return {"table": TruncatedSVD(width, random_state=seed).fit_transform(by_item)}
    if model == "nmf":
        return {"table": NMF(width, init="nndsvda", max_iter=60, random_state=seed).fit_transform(by_item)}
    # the items' factors from a dense sample of the users
    users = np.random.default_rng(seed).choice(data.n_users, min(data.n_users, 800), replace=False)
    dense = np.asarray(by_item[:, users].todense(), dtype=np.float64)
    return {"table": FactorAnalysis(width, max_iter=30, random_state=seed).fit_transform(dense)}
