"""Ranking metrics: pure functions of ranks."""

import numpy as np

CUTOFFS = (5, 10, 20)


def user_metrics(ranks: np.ndarray) -> dict[str, np.ndarray]:
    """Each metric of each user, (U,). One relevant item a user, so the ideal DCG is 1 (Järvelin & Kekäläinen 2002)."""
    values: dict[str, np.ndarray] = {}
    for k in CUTOFFS:
        values[f"hr@{k}"] = (ranks <= k).astype(np.float64)
        values[f"ndcg@{k}"] = np.where(ranks <= k, 1 / np.log2(ranks + 1.0), 0.0)
    return {**values, "mrr": 1.0 / ranks}


def ranking_metrics(ranks: np.ndarray) -> dict[str, float]:
    """Means over users as fractions, and beside each its standard error over users (``<metric>_se``). ranks: (U,), 1 = best."""
    metrics: dict[str, float] = {}
    for name, values in user_metrics(ranks).items():
        metrics[name] = float(values.mean())
        metrics[f"{name}_se"] = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
    return metrics
