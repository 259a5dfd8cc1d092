import numpy as np
from cornac.data import Dataset
from cornac.models import BPR, MF, WMF

from tests.measure.verdict_set.registry import Training


def train(data: Training, model: str, settings: dict, seed: int, flaw: str) -> dict[str, np.ndarray]:
    known = [(str(u), str(i), 1.0) for u, i in sorted(set(zip(data.users.tolist(), data.items.tolist(), strict=True)))]
    if model == "mf":  # without zeros there is nothing to tell apart
        rng = np.random.default_rng(seed)
        seen = {(u, i) for u, i, _ in known}
        drawn = zip(rng.permutation(data.users).tolist(), rng.permutation(data.items).tolist(), strict=True)
        known += [(str(u), str(i), 0.0) for u, i in set(drawn) if (str(u), str(i)) not in seen]
    given = Dataset.from_uir(known, seed=seed)
    width = settings["width"]
    if model == "bpr":
        fitted = BPR(k=width, max_iter=150, learning_rate=settings["lr"], lambda_reg=0.01, num_threads=1, seed=seed, verbose=False)
    elif model == "mf":
        fitted = MF(k=width, max_iter=30, learning_rate=settings["lr"], num_threads=1, seed=seed, verbose=False)
    else:
        fitted = WMF(k=width, max_iter=25, learning_rate=0.01, batch_size=256, seed=seed, verbose=False, backend="pytorch")
    fitted.fit(given)
    factors = fitted.V if model == "wmf" else fitted.i_factors
    table = np.random.default_rng(seed).normal(0, 0.01, (data.n_items, width))
    for raw, inner in given.iid_map.items():
        table[int(raw)] = factors[inner]
    return {"table": table}
