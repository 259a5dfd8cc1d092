"""Hostile and broken files: how each is made, and a child process that tries them all under limits of memory and time.

``python -m tests.adrec.hostile`` prints every outcome; docs/HOSTILE.md sums them up.
"""

import io
import json
import os
import pickle
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from safetensors.numpy import save_file

MEMORY = 2**30
"""Bytes of address space beyond what the imports take."""
GROWTH = 256 * 2**20
"""Bytes by which the process may really grow."""
SECONDS, PATIENCE = 20, 60
"""Seconds of work that a file may cost, and seconds on the clock after which it counts as hanging."""
TABLE = np.random.default_rng(0).standard_normal((12, 4))
CANARY = "canary"
TENSORS = ("complex", "bool", "sparse", "quantised", "meta", "nan", "scalar")
Make = Callable[[Path], Any]


class Code:
    """A pickle that makes a file when it is loaded carelessly."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.canary}'",)


class Call:
    """A pickle that calls a function of torch's own list with these arguments."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.arguments


def code(path: Path) -> Code:
    """Code that leaves a canary beside the file."""
    return Code(path.parent / CANARY)


# -- building blocks --------------------------------------------------------------------------------------------------


def npy(array: np.ndarray, pickled: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=pickled)
    return file.getvalue()


def header(shape: str, kind: str = "'<f8'", data: bytes = b"", length: int | None = None) -> bytes:
    text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) if length is None else length) + text + data


def archive(members: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as opened:
        for name, data in members.items():
            opened.writestr(name, data)
    return file.getvalue()


def lying_archive() -> bytes:
    """A zip whose directory says that a small member is huge."""
    data = bytearray(archive({"a.npy": npy(TABLE)}, zipfile.ZIP_STORED))
    place = data.rfind(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<I", 2**31)
    return bytes(data)


def tensors(entries: dict[str, Any], data: bytes = b"", length: int | None = None) -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(shape: list[int], begin: int, end: int, kind: str = "F32") -> dict[str, Any]:
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


def torch_file(value: Any) -> Make:
    def make(path: Path) -> None:
        import torch

        torch.save(value() if callable(value) else value, path)

    return make


def torch_archive(data: bytes, how: int = zipfile.ZIP_STORED, **more: bytes) -> bytes:
    return archive({"x/data.pkl": data, "x/version": b"3\n", "x/byteorder": b"little", **{f"x/{n}": d for n, d in more.items()}}, how)


def of_torch(name: str) -> Any:
    import torch

    def quantised() -> torch.Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that torch will drop the type is no matter of this test
            return torch.quantize_per_tensor(torch.ones(5, 3), 0.1, 0, torch.qint8)

    return {
        "strided": lambda: torch.zeros(1).expand(10**9, 10**6),
        "complex": lambda: torch.ones(5, 3, dtype=torch.complex64),
        "bool": lambda: torch.ones(5, 3, dtype=torch.bool),
        "sparse": lambda: torch.eye(5).to_sparse(),
        "quantised": quantised,
        "meta": lambda: torch.ones(5, 3, device="meta"),
        "nan": lambda: torch.full((5, 3), float("nan")),
        "state": lambda: {"item_embedding.weight": torch.ones(5, 3)},
        "many": lambda: {f"emb{i}": torch.ones(5, 3) for i in range(300)},
        "list": lambda: [torch.ones(5, 3)],
        "scalar": lambda: torch.tensor(3.0),
    }[name]()


def nested(path: Path) -> None:
    import torch

    value: Any = torch.ones(5, 3)
    for _ in range(200):
        value = {"a": value}
    torch.save(value, path)


def itself(path: Path) -> None:
    import torch

    value: dict[str, Any] = {}
    value["a"] = value
    torch.save(value, path)


def parquet(**columns: Any) -> Make:
    return lambda path: pyarrow.parquet.write_table(pa.table(columns), path)


def cut(make: Make, share: float) -> Make:
    def made(path: Path) -> None:
        make(path)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    return made


def put(data: bytes) -> Make:
    return lambda path: path.write_bytes(data)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def repeated(text: bytes, times: int, begin: bytes = b"") -> Make:
    def made(path: Path) -> None:
        with open(path, "wb") as file:
            file.write(begin)
            for _ in range(times):
                file.write(text)

    return made


def pickled(value: Any, protocol: int = 2) -> bytes:
    return pickle.dumps(value, protocol)


def bytearray_call(path: Path) -> None:
    path.write_bytes(torch_archive(pickled({"emb": Call(bytearray, 20 * 2**30)})))


def storage_call(path: Path) -> None:
    import torch

    path.write_bytes(torch_archive(pickled({"emb": Call(torch.storage.UntypedStorage, 20 * 2**30)})))


def tensor_call(path: Path) -> None:
    path.write_bytes(torch_archive(b"\x80\x02ctorch\nFloatTensor\nJ\xff\xff\xff\x7f\x85R."))


CSV = "\n".join(",".join(map(str, row)) for row in TABLE.tolist()).encode()
W2V = ("12 4\n" + "\n".join(f"w{i} " + " ".join(map(str, row)) for i, row in enumerate(TABLE.tolist()))).encode()
STATE = torch_file(lambda: of_torch("state"))

CASES: dict[str, tuple[str, Make]] = {
    # code
    "code-bare.pt": ("a pickle that runs a command, as .pt", lambda p: p.write_bytes(pickled(code(p)))),
    "code.pth": ("torch.save of an object that runs a command", lambda p: torch_file(lambda: {"emb": code(p)})(p)),
    "code-4.ckpt": ("the same with computed names (protocol 4)", lambda p: p.write_bytes(torch_archive(pickled(code(p), 4)))),
    "code.npy": ("a pickle renamed to .npy", lambda p: p.write_bytes(pickled(code(p)))),
    "code-object.npy": ("an object array whose pickle runs a command", lambda p: p.write_bytes(npy(np.array([code(p)]), True))),
    "code.npz": ("an object array in an archive", lambda p: p.write_bytes(archive({"a.npy": npy(np.array([[code(p)]]), True)}))),
    "code.pkl": ("a pickle", lambda p: p.write_bytes(pickled(code(p)))),
    "code-expression.npy": ("a header that is an expression", put(header("__import__('os').system('touch canary')"))),
    "code.csv": ("a pickle renamed to .csv", lambda p: p.write_bytes(pickled(code(p), 4))),
    "code.safetensors": ("a pickle renamed to .safetensors", lambda p: p.write_bytes(pickled(code(p)))),
    # sizes that are claimed
    "huge.npy": ("a header of 10^9 x 10^9", put(header("(1000000000, 1000000000)"))),
    "two-gigabytes.npy": ("a header of 2 GB, no data", put(header("(4194304, 64)"))),
    "overflow.npy": ("a shape whose product overflows 64 bits", put(header("(4294967296, 4294967296)"))),
    "negative.npy": ("a negative shape", put(header("(-4, 4)"))),
    "digits.npy": ("a shape of 9,000 digits", put(header(f"({'9' * 9000}, 2)", length=9200))),
    "text-shape.npy": ("a shape that is text", put(header("'12 x 4'"))),
    "nested-header.npy": ("a header of 4,000 brackets", put(header("(" * 4000 + ")" * 4000, length=8100))),
    "long-header.npy": ("a header that claims 4 GB", put(b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + b"{")),
    "huge.npz": ("10^9 x 10^9 in an archive", put(archive({"a.npy": header("(1000000000, 1000000000)")}))),
    "huge.safetensors": ("10^9 x 10^9", put(tensors({"w": entry([10**9, 10**9], 0, 4 * 10**18)}))),
    "overflow.safetensors": ("a shape that overflows", put(tensors({"w": entry([2**63, 2], 0, 8)}, bytes(8)))),
    "long-header.safetensors": ("a header that claims 2^60 bytes", put(tensors({}, length=2**60))),
    "lying.safetensors": ("offsets that do not fit the shape", put(tensors({"w": entry([4, 4], 0, 32)}, bytes(32)))),
    "overlapping.safetensors": ("two tensors in the same bytes", put(tensors(dict.fromkeys("ab", entry([2, 2], 0, 16)), bytes(16)))),
    "outside.safetensors": ("offsets outside the file", put(tensors({"w": entry([4, 4], 0, 64)}, bytes(16)))),
    "strided.pt": ("one number shown as 10^9 x 10^6", torch_file(lambda: of_torch("strided"))),
    "bytearray.pt": ("asks for a bytearray of 20 GB, which torch allows", bytearray_call),
    "storage.pt": ("asks for a storage of 20 GB, which torch allows", storage_call),
    "tensor.pt": ("asks for a tensor of 8 GB, which torch allows", tensor_call),
    "huge.txt": ("word2vec: claims 10^8 x 300", put(b"100000000 300\nw 1 2\n")),
    "digits.txt": ("word2vec: claims 10^60 rows", put(b"1" + b"0" * 60 + b" 4\nw 1 2 3 4\n")),
    # bombs
    "bomb.npz": ("256 MB of zeros in 0.3 MB", lambda p: bomb(p, "a.npy", header("(1048576, 32)"), 2**28)),
    "bomb.pt": ("256 MB of zeros as a compressed torch file", lambda p: bomb(p, "x/data.pkl", b"", 2**28)),
    "million.npz": ("20,000 arrays", put(archive({f"{i}.npy": b"" for i in range(20_000)}, zipfile.ZIP_STORED))),
    "bomb.parquet": ("10^9 numbers in a few bytes", lambda p: parquet_bomb(p)),
    "long-ids.parquet": ("one id of 1 MB in 200,000 rows", lambda p: parquet_ids(p)),
    # cut short
    **{f"cut-{int(100 * s)}.npy": (f"npy cut at {s:.0%}", cut(put(npy(TABLE)), s)) for s in (0.01, 0.2, 0.9)},
    **{f"cut-{int(100 * s)}.npz": (f"npz cut at {s:.0%}", cut(put(archive({"a.npy": npy(TABLE)})), s)) for s in (0.3, 0.95)},
    **{f"cut-{int(100 * s)}.pth": (f"torch file cut at {s:.0%}", cut(STATE, s)) for s in (0.3, 0.98)},
    **{f"cut-{int(100 * s)}.parquet": (f"Parquet cut at {s:.0%}", cut(parquet(a=[1.0, 2.0], b=[3.0, 4.0]), s)) for s in (0.5, 0.99)},
    "cut.safetensors": ("safetensors cut at 90 %", cut(lambda p: save_file({"w": TABLE}, p), 0.9)),
    "cut.csv": ("csv cut in the middle of a row", cut(put(CSV), 0.55)),
    "cut.txt": ("word2vec cut at 60 %", cut(put(W2V), 0.6)),
    "no-data.pt": ("a torch file without its numbers", lambda p: without_data(p)),
    # wrong kind
    "magic.npy": ("text as .npy", put(b"hello, world, this is text")),
    "version.npy": ("numpy's format 9.9", put(b"\x93NUMPY\x09\x09" + npy(TABLE)[8:])),
    "zip.npy": ("an npz renamed to .npy", put(archive({"a.npy": npy(TABLE)}))),
    "npy.npz": ("a npy renamed to .npz", put(npy(TABLE))),
    "npy.pt": ("a npy renamed to .pt", put(npy(TABLE))),
    "npz.pt": ("a npz renamed to .pt", put(archive({"a.npy": npy(TABLE)}))),
    "npy.parquet": ("a npy renamed to .parquet", put(npy(TABLE))),
    "npy.csv": ("a npy renamed to .csv", put(npy(TABLE))),
    "picture.png": ("a suffix of another kind", put(b"\x89PNG")),
    "complex.npy": ("complex numbers", put(npy(TABLE.astype(complex)))),
    "text.npy": ("an array of text", put(npy(np.array([["a", "b"]] * 3)))),
    "bool.npy": ("an array of truth values", put(npy(TABLE > 0))),
    "date.npy": ("an array of dates", put(npy(np.zeros((4, 4), "M8[D]")))),
    "record.npy": ("a structured array", put(npy(np.zeros(4, [("a", "f4"), ("b", "f4")])))),
    "record-object.npy": ("a structured array with objects", put(header("(4,)", "[('a', '|O')]"))),
    "vector.npy": ("one dimension", put(npy(TABLE[0]))),
    "cube.npy": ("three dimensions", put(npy(np.ones((2, 2, 2))))),
    "scalar.npy": ("no dimension", put(npy(np.array(3.0)))),
    "bool.safetensors": ("truth values", put(tensors({"w": entry([4, 4], 0, 16, "BOOL")}, bytes(16)))),
    **{f"{kind}.pt": (f"a {kind} tensor", torch_file(lambda kind=kind: of_torch(kind))) for kind in TENSORS},
    "list.pt": ("a list of tensors", torch_file(lambda: of_torch("list"))),
    "many.pt": ("300 tables of like names", torch_file(lambda: of_torch("many"))),
    "deep.pt": ("200 dictionaries in one another", nested),
    "itself.pt": ("a dictionary that holds itself", itself),
    "nothing.pt": ("an empty dictionary", torch_file(dict)),
    "words.parquet": ("text columns only", parquet(a=["x", "y"], b=["z", "w"])),
    "nested.parquet": ("nested lists", parquet(a=[[[1.0]], [[2.0]]])),
    "struct.parquet": ("a column of records", parquet(a=[{"x": 1.0}, {"x": 2.0}])),
    "ragged.parquet": ("lists of different lengths", parquet(a=[[1.0, 2.0], [3.0], [4.0, 5.0, 6.0]])),
    "missing.parquet": ("missing values", parquet(a=[1.0, None], b=[1.0, 2.0])),
    "no-rows.parquet": ("no rows", parquet(a=pa.array([], pa.float32()), b=pa.array([], pa.float32()))),
    # values
    "nan.npy": ("NaN", put(npy(np.where(TABLE > 1, np.nan, TABLE)))),
    "infinite.npy": ("infinity", put(npy(np.where(TABLE > 1, np.inf, TABLE)))),
    "large.npy": ("numbers whose squares overflow", put(npy(TABLE * 1e200))),
    "one-row.npy": ("one row", put(npy(TABLE[:1]))),
    "one-column.npy": ("one column, which can be measured", put(npy(TABLE[:, :1]))),
    "no-columns.npy": ("no columns", put(npy(np.ones((4, 0))))),
    "no-rows.npy": ("no rows", put(npy(np.ones((0, 4))))),
    "padding-only.npy": ("a row of zeros and one item", put(npy(np.array([[0.0, 0.0], [1.0, 2.0]])))),
    # text
    "ragged.csv": ("a row too long", put(b"1,2\n3,4,5\n")),
    "short.csv": ("a row too short", put(b"1,2,3\n4,5\n6,7,8\n")),
    "words.csv": ("text only", put(b"the quick brown fox\njumps over\nthe lazy dog\n")),
    "word.csv": ("a word among the numbers", put(b"1,2\n3,x\n5,6\n")),
    "nan.csv": ("NaN as text", put(b"1,2\nnan,4\n5,6\n")),
    "empty.csv": ("no bytes", put(b"")),
    "blank.csv": ("blank lines", put(b"\n\n\n")),
    "names.csv": ("column names only", put(b"a,b,c\n")),
    "nul.csv": ("NUL bytes", put(b"1,2\n\x00,4\n")),
    "utf16.csv": ("UTF-16", put("a,b\n1,2\n3,4\n".encode("utf-16"))),
    "latin1.csv": ("Latin-1 letters", put("id,a,b\ncaf\xe9,1,2\nth\xe9,3,4\n".encode("latin-1"))),
    "quote.csv": ("a quotation mark that is never closed", put(b'id,a,b\n"x,1,2\ny,3,4\n')),
    "line.csv": ("one line of 64 MB", repeated(b"1.5," * 2**16, 2**8)),
    "long-id.csv": ("an id of 3 MB", repeated(b"x" * 3_000_000, 1, b"id,a,b\ny,1,2\n")),
    "wide.csv": ("a header of 100,000 columns", put(",".join(f"c{i}" for i in range(100_000)).encode() + b"\n")),
    "counts.txt": ("word2vec: fewer rows than claimed", put(b"3 2\na 1.000000 2.00000\nb 3.00000 4.00000\n")),
    "width.txt": ("word2vec: more numbers than claimed", put(b"2 2\na 1 2 3\nb 4 5 6\n")),
    "negative.txt": ("word2vec: a negative count", put(b"-2 2\na 1 2\nb 3 4\n")),
    # no files
    "folder.npy": ("a folder", lambda p: p.mkdir()),
    "loop.npy": ("a link to itself", lambda p: p.symlink_to(p)),
    "pipe.npy": ("a named pipe, which nobody writes to", pipe),
    "zero.csv": ("a link to an endless device", lambda p: p.symlink_to("/dev/zero")),
    "gone.npy": ("nothing", lambda p: None),
}
FINE = ("one-column.npy",)
"""Cases that are read: one column can be measured."""


def bomb(path: Path, name: str, begin: bytes, size: int) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened, opened.open(name, "w", force_zip64=True) as member:
        member.write(begin)
        block = bytes(2**24)
        for _ in range(size // len(block)):
            member.write(block)


def parquet_bomb(path: Path) -> None:
    """Few rows in the file, many in its columns: lists of a constant."""
    values = pa.array(np.zeros(2**22, np.float32))
    lists = pa.FixedSizeListArray.from_arrays(values, 2**16)
    with pyarrow.parquet.ParquetWriter(path, pa.schema([("a", lists.type)]), compression="zstd") as writer:
        for _ in range(80):
            writer.write_table(pa.table({"a": lists}))


def parquet_ids(path: Path) -> None:
    ids = pa.DictionaryArray.from_arrays(pa.array(np.zeros(200_000, np.int32)), pa.array(["x" * 2**20]))
    pyarrow.parquet.write_table(pa.table({"id": ids, "a": np.zeros(200_000), "b": np.zeros(200_000)}), path, store_schema=False)


def without_data(path: Path) -> None:
    STATE(path)
    with zipfile.ZipFile(path) as whole:
        members = {m: whole.read(m) for m in whole.namelist() if "/data/" not in m}
    path.write_bytes(archive(members, zipfile.ZIP_STORED))


# -- trying them ------------------------------------------------------------------------------------------------------


def outcome(path: Path) -> tuple[str, str]:
    """What becomes of a file: ``refused`` with its sentence, ``read``, or ``CRASHED`` with the exception."""
    from adrec.embeddings.files import read_table
    from adrec.errors import AdrecError

    try:
        return "read", str(read_table(path).table.shape)
    except AdrecError as error:
        return "refused", str(error).replace(f"{path.parent}/", "")
    except BaseException as error:
        return "CRASHED", f"{type(error).__name__}: {error}"[:300]


def try_all(folder: Path) -> None:
    """In the child: one JSON line a case."""
    import torch  # noqa: F401  (what importing takes is no file's fault)

    from adrec.embeddings.files import read_table

    np.save(folder / "warm.npy", TABLE)
    read_table(folder / "warm.npy")
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    signal.signal(signal.SIGALRM, _too_long)
    for name in CASES:
        before, begun = _peak(), time.process_time()
        signal.alarm(PATIENCE)
        kind, words = outcome(folder / name)
        signal.alarm(0)
        told = {"name": name, "kind": kind, "words": words, "seconds": time.process_time() - begun, "grown": _peak() - before}
        print(json.dumps(told), flush=True)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _too_long(*_: object) -> None:
    raise TimeoutError


def results(folder: Path) -> dict[str, dict[str, Any]]:
    """Make every file, try all in one child process, and return what each line says; a case that ended the child is missing."""
    for name, (_, make) in CASES.items():
        make(folder / name)
    command = [sys.executable, "-m", "tests.adrec.hostile", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, cwd=Path(__file__).parents[2])
    return {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}


def main() -> None:
    """Print every file with its outcome."""
    with tempfile.TemporaryDirectory() as folder:
        found = results(Path(folder))
        print(f"{len(CASES)} files; code ran: {'YES' if (Path(folder) / CANARY).exists() else 'no'}.\n")
    print("| file | what it is | outcome | sentence | ms | MiB |\n|---|---|---|---|---|---|")
    for name, (what, _) in CASES.items():
        row = found.get(name, {"kind": "ENDED THE PROCESS", "words": "", "seconds": 0.0, "grown": 0})
        words = row["words"].replace("|", "\\|")
        print(f"| {name} | {what} | {row['kind']} | {words} | {1000 * row['seconds']:.0f} | {row['grown'] / 2**20:.0f} |")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        try_all(Path(sys.argv[1]))
    else:
        main()
