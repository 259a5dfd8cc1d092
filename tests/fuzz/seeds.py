"""Small files in every format that is read, from which the fuzz harness makes broken ones."""

import bz2
import gzip
import io
import json
import pickle
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

USERS, EACH, ITEMS, WIDTH = 8, 5, 12, 4
LIBRARIES = Path(__file__).parents[1] / "assets/tables"
MADE = (
    *("numpy-words.npz", "ml_dtypes-bfloat16.npy", "gensim-word2vec.bin", "gensim-whole.kv", "gensim-word2vec.model"),
    *("arrow.feather", "arrow.arrow", "arrow-stream.arrow", "recbole.pth", "faiss-l1.faiss", "faiss-ids.index"),
    *("h5py-words.h5", "h5py-packed.hdf5", "keras.keras"),
)
"""Files of libraries, of every reader one."""
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Seed:
    """One readable path. files: its bytes, under '' if it is a file, else under the names in its folder. reader: a key of READERS."""

    kind: str
    suffix: str
    reader: str
    files: dict[str, bytes]


def interactions() -> Rows:
    """Users, items, ratings, times and titles; the titles hold marks that readers trip over."""
    random = np.random.default_rng(5)
    rows: Rows = []
    for user in range(USERS):
        for item in random.permutation(ITEMS)[:EACH].tolist():
            stamp = 1_500_000_000 + int(random.integers(10**8))
            rows.append({"user_id": 100 + user, "item_id": 5000 + item, "rating": item % 5 + 1, "timestamp": stamp, "title": title(item)})
    return rows


def title(item: int) -> str:
    return ("Plain", 'The "Best" of', "Rock, Pop", "Schön; naïve", "It's | here", "50%")[item % 6] + f" {item}"


def table() -> np.ndarray:
    return np.random.default_rng(7).standard_normal((ITEMS, WIDTH)).round(4)


def text(rows: Rows, separator: str = ",", names: bool = True, quoted: bool = False, end: str = "\n") -> bytes:
    """Rows as text. quoted: titles in quotation marks, as CSV has them."""
    lines = [separator.join(rows[0])] if names else []
    for row in rows:
        fields = [str(v) for v in row.values()]
        lines.append(separator.join('"' + f.replace('"', '""') + '"' if quoted and not f.isdigit() else f for f in fields))
    return (end.join(lines) + end).encode()


def only(*names: str) -> Rows:
    return [{name: row[name] for name in names} for row in interactions()]


def parquet(frame: pd.DataFrame | pa.Table, **how: Any) -> bytes:
    out = io.BytesIO()
    whole = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame)
    pyarrow.parquet.write_table(whole, out, **how)
    return out.getvalue()


def zipped(data: bytes, name: str = "inside.csv") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


def zst(data: bytes) -> bytes:
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as stream:
        stream.write(data)
    return out.getvalue().to_pybytes()


def of_interactions() -> list[Seed]:
    whole, short = interactions(), only("user_id", "item_id", "timestamp")
    iso = [{**row, "timestamp": str(np.datetime64(row["timestamp"], "s"))} for row in short]
    dated = [{**row, "timestamp": pd.Timestamp(row["timestamp"], unit="s").strftime("%d/%m/%Y %H:%M")} for row in short]
    atomic = [{f"{n}:{'float' if n == 'timestamp' else 'token'}": v for n, v in row.items()} for row in short]
    pairs = only("user_id", "item_id")
    lists = {u: [r["item_id"] for r in pairs if r["user_id"] == u] for u in {r["user_id"] for r in pairs}}
    objects = "".join(json.dumps(row) + "\n" for row in whole).encode()
    nested = "".join(json.dumps({"user": u, "items": items}) + "\n" for u, items in lists.items()).encode()
    frame = pd.DataFrame(whole)
    indexed = frame.set_index("user_id").assign(timestamp=pd.to_datetime(frame["timestamp"].to_numpy(), unit="s"))
    of_lists = pa.table({"user": list(lists), "items": list(lists.values())})
    plain = {
        "csv": (".csv", text(whole, quoted=True)),
        "csv, dates": (".csv", text(iso, ";")),
        "csv, day first": (".csv", text(dated, end="\r\n")),
        "tsv": (".tsv", text(whole, "\t")),
        "dat, ::": (".dat", text(only("user_id", "item_id", "rating", "timestamp"), "::", names=False)),
        "txt, |": (".txt", text(short, "|")),
        "txt, pairs": (".txt", text(pairs, " ", names=False)),
        "txt, lists": (".txt", "".join(f"{u} {' '.join(map(str, items))}\n" for u, items in lists.items()).encode()),
        "inter": (".inter", text(atomic, "\t")),
        "jsonl": (".jsonl", objects),
        "jsonl, lists": (".jsonl", nested),
        "json": (".json", json.dumps(whole).encode()),
        "parquet": (".parquet", parquet(frame)),
        "parquet, index": (".parquet", parquet(indexed)),
        "parquet, lists": (".parquet", parquet(of_lists)),
        "csv.gz": (".csv.gz", gzip.compress(text(short), mtime=0)),
        "tsv.bz2": (".tsv.bz2", bz2.compress(text(short, "\t"))),
        "csv.zst": (".csv.zst", zst(text(short))),
        "csv.zip": (".zip", zipped(text(short))),
        "dataset.pkl": (".pkl", official(pickled=2)),
        "dataset.pkl, 4": (".pkl", official(pickled=4)),
    }
    return [Seed(kind, suffix, "interactions", {"": data}) for kind, (suffix, data) in plain.items()]


def official(pickled: int) -> bytes:
    """The official code's dataset.pkl."""
    by_user: dict[int, list[int]] = {}
    for row in interactions():
        by_user.setdefault(row["user_id"] - 99, []).append(row["item_id"] - 4999)
    parts = {"train": {u: i[:-2] for u, i in by_user.items()}, "val": {u: i[-2:-1] for u, i in by_user.items()}}
    whole = {**parts, "test": {u: i[-1:] for u, i in by_user.items()}}
    maps = {"umap": {f"u{u}": u for u in by_user}, "smap": {f"i{i}": i for i in range(1, ITEMS + 1)}}
    return pickle.dumps({**whole, **maps}, pickled)


def of_folders() -> list[Seed]:
    """Folders that ``data prepare`` wrote, and RecBole's."""
    from adrec.data import prepared
    from adrec.data.readers import read_dataset

    folder = Path(tempfile.mkdtemp(prefix="adrec-seeds-"))
    try:
        (folder / "a.csv").write_bytes(text(only("user_id", "item_id", "timestamp")))
        made = {"prepared folder": {}, "prepared folder, by time": {"split": "time:0.6,0.2,0.2"}}
        for kind, options in made.items():
            prepared.save(read_dataset(folder / "a.csv", **options), folder / kind)
        files = {kind: {file.name: file.read_bytes() for file in sorted((folder / kind).iterdir())} for kind in made}
    finally:
        shutil.rmtree(folder)
    names = ("user_id:token", "item_id:token", "timestamp:float")
    rows = [dict(zip(names, row.values(), strict=True)) for row in only("user_id", "item_id", "timestamp")]
    items = [{"item_id:token": 5000 + i, "title:token_seq": title(i), "class:token_seq": "A B"} for i in range(ITEMS)]
    recbole = {"a.inter": text(rows, "\t"), "a.item": text(items, "\t")}
    return [*(Seed(kind, "", "interactions", files[kind]) for kind in made), Seed("recbole folder", "", "interactions", recbole)]


def of_items() -> list[Seed]:
    rows = [{"item_id": 5000 + i, "title": title(i), "genres": "A|B", "year": 1990 + i} for i in range(ITEMS)]
    atomic = [{f"{n}:{'token' if n == 'item_id' else 'token_seq'}": v for n, v in row.items()} for row in rows]
    files = {
        ".csv": text(rows, quoted=True),
        ".tsv": text(rows, "\t"),
        ".item": text(atomic, "\t"),
        ".parquet": parquet(pd.DataFrame(rows)),
        ".jsonl": "".join(json.dumps(row) + "\n" for row in rows).encode(),
    }
    return [Seed(f"items{suffix}", suffix, "items", {"": data}) for suffix, data in files.items()]


def of_histories() -> list[Seed]:
    lines = b"5000; 5001;5002\n5003 ;5004\nPlain 0\n"
    return [
        Seed("histories.csv", ".csv", "histories", {"": text(only("user_id", "item_id", "timestamp"))}),
        Seed("histories.txt", ".txt", "histories", {"": lines}),
    ]


def array(value: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, value)
    return out.getvalue()


def of_tables() -> list[Seed]:
    """Tables of vectors."""
    values, ids = table(), [str(5000 + i) for i in range(ITEMS)]
    named: Rows = [{"item_id": i, **{f"d{k}": v for k, v in enumerate(row)}} for i, row in zip(ids, values.tolist(), strict=True)]
    spoken: Rows = [{"movie": title(i), **{f"d{k}": v for k, v in enumerate(row)}} for i, row in enumerate(values.tolist())]
    listed = pd.DataFrame({"item_id": ids, "embedding": values.tolist()})
    vectors = "\n".join(f"{i} {' '.join(map(str, row))}" for i, row in zip(ids, values.tolist(), strict=True))
    atomic = "iid:token\titem_emb:float_seq\n" + "\n".join(line.replace(" ", "\t", 1) for line in vectors.split("\n"))
    arrays = io.BytesIO()
    np.savez(arrays, item_emb=values.astype(np.float32), ids=np.arange(ITEMS))
    files = {
        "table.csv": text(named),
        "table, labels.csv": text(spoken, quoted=True),
        "table, index.csv": ("," + ",".join(map(str, range(WIDTH))) + "\n" + vectors.replace(" ", ",") + "\n").encode(),
        "table.tsv": text([{k: v for k, v in row.items() if k != "item_id"} for row in named], "\t", names=False),
        "table, list.csv": listed.to_csv(index=False).encode(),
        "word2vec.txt": f"{ITEMS} {WIDTH}\n{vectors}\n".encode(),
        "glove.txt": (vectors + "\n").encode(),
        "word2vec.vec": f"{ITEMS} {WIDTH}\n{vectors}\n".encode(),
        "table.itememb": atomic.encode(),
        "table.parquet": parquet(pd.DataFrame(named).set_index("item_id")),
        "table, list.parquet": parquet(listed),
        "table.jsonl": listed.to_json(orient="records", lines=True).encode(),
        "table.npy": array(values.astype(np.float32)),
        "table, whole.npy": array(np.arange(ITEMS * WIDTH).reshape(ITEMS, WIDTH)),
        "table, turned.npy": array(np.asfortranarray(values)),
        "table.npz": arrays.getvalue(),
        "table.csv.gz": gzip.compress(text(named), mtime=0),
        **tensors(values),
        **{name: (LIBRARIES / name).read_bytes() for name in MADE},
    }
    folder = {file.name: file.read_bytes() for file in sorted((LIBRARIES / "safetensors-folder").iterdir())}
    several = [Seed("safetensors folder", "", "table", folder)]
    return several + [Seed(kind, kind[kind.index(".") :], "table", {"": data}) for kind, data in files.items()]


def tensors(values: np.ndarray) -> dict[str, bytes]:
    """safetensors and torch files; one of these holds settings beside the tensors, and one a command to run."""
    import torch
    from safetensors.torch import save

    from tests.adrec.hostile import Code

    weight = torch.tensor(values, dtype=torch.float32)
    found = {
        "table.safetensors": save({"item_emb.weight": weight, "pos_emb.weight": weight[:3].clone()}),
        "table, bfloat.safetensors": save({"w": weight.to(torch.bfloat16)}),
    }
    config = {"lr": 0.1, "name": "SASRec", "sizes": (1, 2)}
    for kind, value in {
        "tensor.pt": weight.t(),
        "state.pth": {"item_embedding.weight": weight, "bias": weight[0].clone()},
        "checkpoint.ckpt": {"state_dict": {"item_embedding.weight": weight.half()}, "config": config, "epoch": 3},
        "command.pt": {"item_embedding.weight": weight, "run": Code(Path("canary"))},
    }.items():
        out = io.BytesIO()
        torch.save(value, out)
        found[kind] = out.getvalue()
    return found


@cache
def seeds() -> tuple[Seed, ...]:
    """All of them, always in the same order."""
    return (*of_interactions(), *of_folders(), *of_items(), *of_histories(), *of_tables())
