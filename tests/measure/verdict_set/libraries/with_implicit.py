import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.lmf import LogisticMatrixFactorization

from tests.measure.verdict_set.libraries.shared import matrix
from tests.measure.verdict_set.registry import Training


def train(data: Training, model: str, settings: dict, seed: int, flaw: str) -> dict[str, np.ndarray]:
    common = {"factors": settings["width"], "random_state": seed + 1, "num_threads": 1}
    if model == "als":
        fitted = AlternatingLeastSquares(regularization=settings["reg"], alpha=settings["alpha"], iterations=10, **common)
    elif model == "bpr":
        fitted = BayesianPersonalizedRanking(learning_rate=settings["lr"], regularization=0.01, iterations=60, **common)
    else:
        fitted = LogisticMatrixFactorization(learning_rate=settings["lr"], regularization=0.6, iterations=20, **common)
    fitted.fit(matrix(data), show_progress=False)
    return {"table": fitted.item_factors, "users": fitted.user_factors}
