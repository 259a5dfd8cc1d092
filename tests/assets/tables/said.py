"""What `adrec collapse` says of every file of this folder: ``python -m tests.assets.tables.said`` writes README.md."""

import tempfile
from pathlib import Path

import numpy
import pandas
import safetensors.numpy
import torch

from adrec.embeddings.bring import bring
from adrec.embeddings.files import TableDoubt
from adrec.embeddings.judging import judge
from adrec.errors import WeightsError
from tests.assets.tables.make import HERE, TABLE, WORDS

README = HERE / "README.md"
BESIDE = (".py", ".md", ".npy")
"""What is no file of its own: scripts, this list, and what gensim writes beside its files."""
FRAME = pandas.DataFrame(TABLE, WORDS, [f"d{i}" for i in range(8)]).rename_axis("item_id")
LISTS = pandas.DataFrame({"item_id": WORDS, "vector": TABLE.tolist()})
KNOWN = {"TABLE": TABLE, "FRAME": FRAME, "LISTS": LISTS, "numpy": numpy, "safetensors": safetensors, "torch": torch, "Path": Path}
COMMANDS = {
    "numpy.npy": "numpy.save(FILE, TABLE)",
    "torch.pt": "torch.save(torch.tensor(TABLE), FILE)",
    "torch.pth": "torch.save({'items.weight': torch.tensor(TABLE), 'bias': torch.zeros(48)}, FILE)",
    "torch.ckpt": "torch.save({'epoch': 3, 'state_dict': {'items.weight': torch.tensor(TABLE)}, 'lr': 0.1}, FILE)",
    "torch.bin": "torch.save({'items.weight': torch.tensor(TABLE).half()}, FILE)",
    "safetensors.safetensors": "safetensors.numpy.save_file({'items': TABLE}, FILE)",
    "pandas.csv": "FRAME.to_csv(FILE)",
    "pandas.tsv": "FRAME.to_csv(FILE, sep='\\t')",
    "pandas.csv.gz": "FRAME.to_csv(FILE)",
    "pandas.parquet": "FRAME.to_parquet(FILE)",
    "pandas.jsonl": "LISTS.to_json(FILE, orient='records', lines=True)",
    "glove.txt": "FRAME.to_csv(FILE, sep=' ', header=False)",
    "word2vec.vec": "Path(FILE).write_text('48 8\\n' + FRAME.to_csv(sep=' ', header=False))",
}
"""Files of the libraries that are here anyway, and what makes each from what is KNOWN."""
HEAD = """# Tables as libraries save them

`python make.py MAKER` makes the files, each with the library of that name; `python -m tests.assets.tables.said` writes this list, and makes
the first files of it. All hold the same 48 items in 8 dimensions, of which 6 are in use, and nobody gives their interactions, so that a
spectrum is all there is to judge. TABLE is an array of them, FRAME a frame with a row an item, LISTS one with a column of lists.

| file | made by | ids | `adrec collapse FILE` says |
|---|---|---|---|
"""


def names() -> list[str]:
    """The files to judge, and the folder."""
    found = sorted(path.name for path in HERE.iterdir() if path.suffix not in BESIDE and not path.name.startswith("_"))
    return ["ml_dtypes-bfloat16.npy", *(name for name in found if name != "recbole-dataset.pth")]


def said(path: Path) -> tuple[str, str]:
    """The ids and the verdict, or the refusal; where a name is asked for, of the first."""
    key, asked = None, ""
    try:
        try:
            (source,) = bring([path])
        except TableDoubt as doubt:
            key = doubt.candidates[0][0]
            (source,) = bring([path], key=key)
            asked = f"asks which, of {', '.join(name for name, _ in doubt.candidates)}; with `--key {key}` "
    except WeightsError as error:
        return "", f"refused: {str(error).replace(str(path), path.name)}"
    verdict = judge([source])["tables"][0]["verdict"]
    return ", ".join((source.labels or ("",))[:2]), f"{asked}{verdict['kind']}, {verdict['confidence']:.2f}"


def rows() -> str:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name, command in COMMANDS.items():
            path = Path(folder) / name
            eval(command, {**KNOWN, "FILE": str(path)})
            found.append((name, command, *said(path)))
    for name in names():
        maker = name.partition("-")[0].partition(".")[0]
        found.append((name, f"make.py {maker}", *said(HERE / name)))
    lines = (f"| `{name}` | `{how}` | {ids + ', ...' if ids else ''} | {verdict} |\n" for name, how, ids, verdict in found)
    return HEAD + "".join(lines)


if __name__ == "__main__":
    README.write_text(rows(), encoding="utf-8")
