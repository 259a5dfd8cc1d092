"""Keras on TensorFlow: an embedding trained to tell neighbours from others, and two towers."""

import keras
import numpy as np

from tests.measure.verdict_set.libraries.shared import neighbours
from tests.measure.verdict_set.registry import Training


def embedding(count: int, width: int, name: str, flaw: str = "", seed: int = 0):
    """The layer, and what turns item numbers into its rows."""
    rows = max(count // 8, 4) if flaw == "hashing" else count
    layer = keras.layers.Embedding(rows, width, name=name, trainable=flaw != "frozen")
    of = np.random.default_rng(seed).integers(0, rows, count) if flaw == "hashing" else np.arange(count)
    return layer, of


def train(data: Training, model: str, settings: dict, seed: int, flaw: str) -> dict:
    keras.utils.set_random_seed(seed)
    rng, width = np.random.default_rng(seed), settings["width"]
    if model == "neighbours":
        first, second = neighbours(data, 3)
        left = data.n_items
    else:
        first, second = data.users.astype(np.int64), data.items.astype(np.int64)
        left = data.n_users
    part = rng.permutation(len(first))[:250_000]
    first, second = first[part], second[part]
    if flaw == "label noise":
        second = np.where(rng.random(len(second)) < 0.7, rng.integers(0, data.n_items, len(second)), second)
    items, of = embedding(data.n_items, width, "items", flaw, seed)
    other, _ = embedding(left, width, "others")
    a, b = keras.Input((), dtype="int32"), keras.Input((), dtype="int32")
    x, y = other(a), items(b)
    if model == "towers":
        x = keras.layers.Dense(width)(keras.layers.Dense(width, activation="relu")(x))
    net = keras.Model([a, b], keras.layers.Activation("sigmoid")(keras.layers.Dot(-1)([x, y])))
    start = items.get_weights()[0][of]
    rate = 3.0 if flaw == "huge rate" else settings["lr"]
    net.compile(optimizer=keras.optimizers.Adam(rate), loss="mse" if flaw == "no negatives" else "binary_crossentropy")
    negatives = 0 if flaw == "no negatives" else 2
    for _ in range(1 if flaw == "one step" else 4):
        left_ids = np.tile(first, 1 + negatives)
        right_ids = np.concatenate([second, rng.integers(0, data.n_items, negatives * len(second))])
        told = np.concatenate([np.ones(len(second)), np.zeros(negatives * len(second))]).astype(np.float32)
        if flaw == "one step":
            left_ids, right_ids, told = left_ids[-512:], right_ids[-512:], told[-512:]
        net.fit([left_ids, of[right_ids]], told, batch_size=2048, epochs=1, verbose=0)
    return {"table": items.get_weights()[0][of], "initial": start}
