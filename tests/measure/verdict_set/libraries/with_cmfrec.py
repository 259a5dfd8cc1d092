import numpy as np
from cmfrec import CMF, CMF_implicit

from tests.measure.verdict_set.libraries.shared import matrix
from tests.measure.verdict_set.registry import Training


def train(data: Training, model: str, settings: dict, seed: int, flaw: str) -> dict[str, np.ndarray]:
    known = matrix(data).tocoo().astype(np.float64)
    if model == "implicit":
        fitted = CMF_implicit(
            k=settings["width"], lambda_=1.0, alpha=settings["alpha"], niter=8, nthreads=1, random_state=seed + 1, verbose=False
        )
    else:
        rng = np.random.default_rng(seed)
        other = known.copy()
        other.col, other.data = rng.permutation(known.col), np.zeros(len(known.data))
        known.row, known.col = np.concatenate([known.row, other.row]), np.concatenate([known.col, other.col])
        known.data = np.concatenate([known.data, other.data])
        fitted = CMF(k=settings["width"], lambda_=5.0, niter=8, nthreads=1, random_state=seed + 1, verbose=False, method="als")
    fitted.fit(known)
    return {"table": fitted.B_, "users": fitted.A_}
