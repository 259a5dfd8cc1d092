import numpy as np
from lightfm import LightFM

from tests.measure.verdict_set.libraries.shared import matrix
from tests.measure.verdict_set.registry import Training


def train(data: Training, model: str, settings: dict, seed: int, flaw: str) -> dict[str, np.ndarray]:
    fitted = LightFM(no_components=settings["width"], loss=model, learning_rate=settings["lr"], random_state=seed)
    fitted.fit(matrix(data).tocoo(), epochs=20, num_threads=1)
    return {"table": fitted.item_embeddings, "users": fitted.user_embeddings}
