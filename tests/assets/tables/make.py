"""Makes the files of this folder, each with the library that people save such files with: ``python make.py MAKER ...``.

A maker is a function below; each runs where its library is installed, and none is needed to run the tests.
"""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
TABLE = (np.random.default_rng(16).standard_normal((48, 6)) @ np.random.default_rng(17).standard_normal((6, 8))).astype(np.float32)
"""48 items in 8 dimensions, of which 6 are in use."""
NUMBERS = np.arange(48, dtype=np.int64) * 37 % 101 + 500
WORDS = [f"film-{n}" for n in NUMBERS.tolist()]


def numpy() -> None:
    np.savez_compressed(HERE / "numpy-words.npz", embeddings=TABLE, item_ids=np.array(WORDS), losses=np.arange(9.0))
    np.savez(HERE / "numpy-numbers.npz", vectors=TABLE, ids=NUMBERS, popularity=np.arange(48))


def ml_dtypes() -> None:
    from ml_dtypes import bfloat16

    np.save(HERE / "ml_dtypes-bfloat16.npy", TABLE.astype(bfloat16))


def safetensors() -> None:
    import json

    from safetensors.numpy import save_file

    folder = HERE / "safetensors-folder"
    folder.mkdir(exist_ok=True)
    parts = {"model-00001-of-00002.safetensors": {"user_emb.weight": TABLE[:5]}}
    parts["model-00002-of-00002.safetensors"] = {"item_emb": TABLE, "bias": TABLE[0]}
    for name, tensors in parts.items():
        save_file(tensors, folder / name)
    places = {tensor: name for name, tensors in parts.items() for tensor in tensors}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))


def faiss() -> None:
    from faiss import METRIC_L1, IndexFlat, IndexFlatIP, IndexFlatL2, IndexIDMap, IndexIDMap2, IndexPQ, write_index

    for name, index in {"l2": IndexFlatL2(8), "ip": IndexFlatIP(8), "l1": IndexFlat(8, METRIC_L1)}.items():
        index.add(TABLE)
        write_index(index, str(HERE / f"faiss-{name}.faiss"))
    for name, kind in {"ids": IndexIDMap, "ids2": IndexIDMap2}.items():
        index = kind(IndexFlatIP(8))
        index.add_with_ids(TABLE, NUMBERS)
        write_index(index, str(HERE / f"faiss-{name}.index"))
    packed = IndexPQ(8, 2, 4)
    packed.train(TABLE)
    packed.add(TABLE)
    write_index(packed, str(HERE / "faiss-packed.faiss"))


def gensim() -> None:
    from gensim.models import FastText, KeyedVectors, Word2Vec

    vectors = KeyedVectors(8)
    vectors.add_vectors(WORDS, TABLE)
    vectors.save_word2vec_format(str(HERE / "gensim-word2vec.bin"), binary=True)
    vectors.lifecycle_events = None  # it would say where it was made
    vectors.save(str(HERE / "gensim-whole.kv"))
    vectors.save(str(HERE / "gensim-parts.kv"), separately=["vectors"])
    for name, kind, how in (("fasttext", FastText, {"bucket": 20}), ("word2vec", Word2Vec, {})):
        model = kind(vector_size=8, min_count=1, epochs=1, workers=1, seed=1, **how)
        model.lifecycle_events = None
        model.build_vocab_from_freq({word: 100 - n for n, word in enumerate(WORDS)})
        model.wv.vectors[:] = TABLE[[WORDS.index(word) for word in model.wv.index_to_key]]
        model.wv.lifecycle_events = None
        model.save(str(HERE / f"gensim-{name}.model"))
    model.save(str(HERE / "gensim-parts.model"), sep_limit=300)


def arrow() -> None:
    import pyarrow as pa
    import pyarrow.feather

    columns = {"item_id": WORDS, **{f"d{i}": TABLE[:, i] for i in range(8)}}
    pyarrow.feather.write_feather(pa.table(columns), str(HERE / "arrow.feather"))
    lists = pa.table({"item_id": NUMBERS, "vector": list(TABLE)})
    with pa.OSFile(str(HERE / "arrow.arrow"), "wb") as file, pa.ipc.new_file(file, lists.schema) as out:
        out.write_table(lists, 20)
    with pa.OSFile(str(HERE / "arrow-stream.arrow"), "wb") as file, pa.ipc.new_stream(file, lists.schema) as out:
        out.write_table(lists)


def h5py() -> None:
    import h5py

    with h5py.File(HERE / "h5py-words.h5", "w") as file:
        file["model/vectors"] = TABLE.astype(">f8")
        file["model/words"] = WORDS
        file["model/losses"] = np.arange(9.0)
        file["elsewhere"] = h5py.ExternalLink("/etc/hostname", "/")
        file["same"] = h5py.SoftLink("/model/vectors")
    with h5py.File(HERE / "h5py-packed.hdf5", "w", userblock_size=512) as file:
        file.create_dataset("items", data=TABLE, chunks=(20, 5), compression="gzip", shuffle=True, fletcher32=True)
        file["users"] = TABLE[:5]
        file["ids"] = NUMBERS
    with h5py.File(HERE / "h5py-elsewhere.h5", "w") as file:
        layout = h5py.VirtualLayout((48, 8), TABLE.dtype)
        layout[:] = h5py.VirtualSource("h5py-packed.hdf5", "items", (48, 8))
        file.create_virtual_dataset("items", layout)
        file.create_dataset("outside", (48, 8), "f4", external=[("make.py", 0, 1536)])
        file["links"] = np.full((48, 8), file.ref, h5py.ref_dtype)
    with h5py.File(HERE / "h5py-latest.h5", "w", libver="latest") as file:
        file["table"] = TABLE
        file["ids"] = np.array(WORDS, dtype="S")
        file.create_dataset("packed", data=TABLE.astype("f2"), chunks=(20, 8), compression="gzip")


def pandas() -> None:
    """Through PyTables."""
    import pandas

    pandas.DataFrame(TABLE, WORDS).to_hdf(HERE / "pandas-fixed.h5", key="vectors", complevel=5)


def keras() -> None:
    """A table before a layer, and two towers, of which the second is of items, as Keras saves them in each of its ways."""
    import keras as library

    films = library.layers.Embedding(48, 8, name="films")
    model = library.Sequential([library.Input((), dtype="int32"), films, library.layers.Dense(3, name="item_tower", use_bias=False)])
    films.set_weights([TABLE])
    model.save(HERE / "keras.keras")
    model.save_weights(HERE / "keras.weights.h5")

    users, items = library.layers.Embedding(5, 8, name="users"), library.layers.Embedding(48, 8, name="films")
    a, b = library.Input((), dtype="int32"), library.Input((), dtype="int32")
    dense = library.layers.Dense(8, use_bias=False, name="item_tower")
    model = library.Model([a, b], library.layers.Dot(-1)([users(a), dense(items(b))]))
    items.set_weights([TABLE])
    model.save(HERE / "keras.h5")


def recbole() -> None:
    """A model that was not trained, with the table for its weights, and its data set, as RecBole saves both."""
    import os
    import tempfile

    import torch
    from recbole.config import Config
    from recbole.data import create_dataset
    from recbole.model.general_recommender import BPR
    from recbole.trainer import Trainer

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.mkdir("tiny")
        rows = [f"u{n % 5}\t{word}\t{n}" for n, word in enumerate(WORDS)]
        Path("tiny/tiny.inter").write_text("\n".join(["user_id:token\titem_id:token\ttimestamp:float", *rows]))
        settings = {"data_path": ".", "embedding_size": 8, "save_dataset": True, "use_gpu": False, "checkpoint_dir": "."}
        config = Config(model="BPR", dataset="tiny", config_dict=settings)
        data = create_dataset(config)
        model = BPR(config, data)
        with torch.no_grad():
            model.item_embedding.weight[1:] = torch.from_numpy(TABLE)
        trainer = Trainer(config, model)
        trainer.saved_model_file = str(HERE / "recbole.pth")
        trainer._save_checkpoint(0)
        data._dataloader = None
        data.save()
        Path("tiny-Dataset.pth").rename(HERE / "recbole-dataset.pth")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        globals()[name]()
