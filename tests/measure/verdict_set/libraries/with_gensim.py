import numpy as np
from gensim.models import Doc2Vec, FastText, Word2Vec
from gensim.models.doc2vec import TaggedDocument

from tests.measure.verdict_set.registry import Training


def train(data: Training, model: str, settings: dict, seed: int, flaw: str) -> dict[str, np.ndarray]:
    common = {"vector_size": settings["width"], "alpha": settings["lr"], "window": 5, "min_count": 1, "workers": 1, "seed": seed + 1}
    rounds = int(np.clip(1_500_000 / max(len(data.items), 1), 5, 30))
    if model == "doc2vec":  # a document is an item, its words are its users
        users = [[] for _ in range(data.n_items)]
        for user, item in zip(data.users, data.items, strict=True):
            users[item].append(f"u{user}")
        documents = [TaggedDocument(words, [item]) for item, words in enumerate(users)]
        fitted = Doc2Vec(documents, dm=0, epochs=rounds, **common)
        return {"table": fitted.dv.vectors}
    kind = {"word2vec": Word2Vec, "fasttext": FastText}[model]
    extra = {} if model == "word2vec" else {"min_n": 0, "max_n": 0, "bucket": 10}
    fitted = kind(data.sentences(), sg=settings["sg"], epochs=rounds, **common, **extra)
    start = np.random.default_rng(seed).uniform(-0.5, 0.5, (data.n_items, settings["width"])) / settings["width"]
    table = np.stack([fitted.wv[str(i)] if str(i) in fitted.wv.key_to_index else start[i] for i in range(data.n_items)])
    return {"table": table}
