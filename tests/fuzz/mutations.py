# ruff: noqa: SIM905
"""Ways to break a file, each by a random generator: bytes, text, values before they are written, and members of archives."""

import bz2
import gzip
import io
import random
import re
import zipfile
from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.parquet

from tests.fuzz.seeds import Seed, parquet, zipped, zst

NUMBERS = """1_000 1__0 _1 ١٢٣ １２３ ½ ² nan NaN NAN -nan +nan nan(ind) inf -Infinity INF 1e999 -1e999 1e-999 1.7976931348623157e308
    1e308 5e-324 -0 -1 0 00 007 1. .5 +5 1e5 1E+2 1d3 0x10 0b1 1,5 1.000,5 12.0 99999999999999999999 9223372036854775807
    9223372036854775808 -9223372036854775808 18446744073709551616 253402300800 -62135596801 1e18 16777217.0 3.4e39 2147483648 32768
    True #N/A 1%""".split()
DATES = """epoch infinity now 0000-00-00 2020-02-30 2020-13-01 1/2/2020 24:00:00 10000-01-01 0001-01-01 31.12.2019 20200101
    2020-01-01T00:00:00+99:99""".split()
WORDS = [
    *"""NA N/A null NULL None <NA> NaT \\N - ? [] [1,2] {} () [nan] =1+1 <b> \\ \\' "" {}{0}%s ../../canary /etc/passwd""".split(),
    *DATES,
    *("9999-12-31 23:59:60", "2020-01-01 00:00:00 UTC", "", " ", "é" * 40, "x" * 600),
    *("\u00a0", "\ufeff", "\u202e", "\x1b[31m", "\x07", "\x00", "\u2028", "\x85"),
    *("'); copy (select 1) to 'canary'; --", "\"; copy (select 1) to 'canary'; --", "') or true --", "getenv('HOME')"),
    *("$(touch canary)", "__import__('os').system('touch canary')", "user_id", "item_id", "timestamp", "row", "c0", "_"),
]
NAMES = """user item time rating title id row c0 C0 value n u i t user_id item_id USER_ID Item timestamp date event vector embedding
    0 1 column1""".split()
SEPARATORS = (",", ";", "\t", "|", "::", " ", "  ", "\x00", "\x01", "·", "")
Rng = random.Random
Change = Callable[[Rng, bytes], bytes]


def _place(rng: Rng, data: bytes) -> int:
    return rng.randrange(len(data) + 1)


def flip(rng: Rng, data: bytes) -> bytes:
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        if found:
            found[rng.randrange(len(found))] = rng.choice((0, 255, 10, 34, 44, rng.randrange(256), rng.randrange(256)))
    return bytes(found)


def cut(rng: Rng, data: bytes) -> bytes:
    a, b = sorted((_place(rng, data), _place(rng, data)))
    return rng.choice((data[:a], data[a:], data[:a] + data[b:]))


def repeat(rng: Rng, data: bytes) -> bytes:
    a = _place(rng, data)
    b = min(len(data), a + rng.choice((1, 2, 8, 50, 400)))
    return data[:a] + data[a:b] * rng.choice((2, 3, 10, 100, 300)) + data[b:]


def insert(rng: Rng, data: bytes) -> bytes:
    a = _place(rng, data)
    return data[:a] + rng.choice((b'"', b"'", b"\n", b"\r", b"\r\n", b"\n\n", b"\0", b"\xff", b",", b"\t", b'""', b"\\")) + data[a:]


def number(rng: Rng, data: bytes) -> bytes:
    """Numbers made extreme: one, or all that are the same."""
    found = list(re.finditer(rb"[-+]?\d+(\.\d+)?", data))
    if not found:
        return insert(rng, data)
    new = rng.choice(NUMBERS).encode()
    if rng.random() < 0.2:
        return data.replace(rng.choice(found)[0], new)
    for hit in sorted(rng.sample(found, min(len(found), rng.choice((1, 1, 1, 3)))), key=lambda h: -h.start()):
        data = data[: hit.start()] + new + data[hit.end() :]
    return data


def word(rng: Rng, data: bytes) -> bytes:
    """A value replaced by a word that means something somewhere."""
    found = list(re.finditer(rb"[^\s,;|:\t\[\]{}]+", data))
    if not found:
        return insert(rng, data)
    hit = rng.choice(found)
    return data[: hit.start()] + rng.choice(WORDS).encode("utf-8", "surrogatepass") + data[hit.end() :]


def separator(rng: Rng, data: bytes) -> bytes:
    there = [s for s in (b",", b";", b"\t", b"|", b"::", b" ") if s in data] or [b"\n"]
    old, new = rng.choice(there), rng.choice(SEPARATORS).encode()
    return data.replace(old, new, rng.choice((-1, 1, 2)))


def lines(rng: Rng, data: bytes) -> bytes:
    """Lines dropped, repeated, swapped, emptied; the end of lines changed."""
    found = data.split(b"\n")
    a, b = rng.randrange(len(found)), rng.randrange(len(found))
    how = rng.randrange(9)
    if how == 0:
        return b"\n" * rng.choice((1, 2)) + data
    if how == 1:
        del found[0]
    elif how == 2:
        found[a], found[b] = found[b], found[a]
    elif how == 3:
        found[a:a] = [rng.choice((b"", b" ", b"\t", b'""', b"#", b","))] * rng.choice((1, 1, 3))
    elif how == 4:
        found[a:a] = found[:1] * rng.choice((1, 1, 50))
    elif how == 5:
        found[a] += rng.choice((b"\r", b",", b",1", b"\t", b" ", b'"'))
    elif how == 6:
        return data.replace(b"\n", rng.choice((b"\r\n", b"\r", b"\n\r", b"\n\n", b"\x0b")))
    elif how == 7:
        return data.rstrip(b"\n") if data.endswith(b"\n") else data + b"\n\n"
    else:
        found = found[: 1 + a % 3]
    return b"\n".join(found)


def quote(rng: Rng, data: bytes) -> bytes:
    found = list(re.finditer(rb"[^,;|\t\n]+", data))
    if not found:
        return b'"'
    for hit in sorted(rng.sample(found, min(len(found), rng.choice((1, 2, 10)))), key=lambda h: -h.start()):
        ways = (b'"%s"', b'"%s', b'%s"', b"'%s'", b'"%s\n"', b'x"%s"y', b'"%s""', b'\\"%s\\"', b'" %s', b'"""%s"""')
        data = data[: hit.start()] + (rng.choice(ways) % hit[0]) + data[hit.end() :]
    return data


def encoding(rng: Rng, data: bytes) -> bytes:
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        return flip(rng, data)
    if rng.random() < 0.3:
        whole = whole.replace(rng.choice("aeo15 "), rng.choice(("é", "ß", "🎵", "e\u0301", "\u200b", "\ud800", "İ")))
    names = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "utf-7", "cp037", "shift_jis")
    try:
        return whole.encode(rng.choice(names), "surrogatepass" if rng.random() < 0.5 else "replace")
    except (UnicodeEncodeError, LookupError):
        return whole.encode("utf-8", "surrogatepass")


def columns(rng: Rng, data: bytes) -> bytes:
    """A column dropped, doubled or renamed."""
    found = data.split(b"\n")
    mark = max((b",", b";", b"\t", b"|", b" "), key=found[0].count)
    fields = [line.split(mark) for line in found]
    at, how = rng.randrange(len(fields[0])), rng.randrange(4)
    if how == 0:
        fields = [f[:at] + f[at + 1 :] for f in fields]
    elif how == 1:
        fields = [f[: at + 1] + f[at:] for f in fields]
    elif how == 2:
        fields[0][at] = rng.choice((*NAMES, *WORDS)).encode("utf-8", "surrogatepass")
    else:
        fields = [f[::-1] if f != [b""] else f for f in fields]
    return b"\n".join(mark.join(f) for f in fields)


BYTES: Sequence[Change] = (flip, flip, cut, repeat, insert, number)
TEXT: Sequence[Change] = (flip, cut, repeat, insert, number, number, word, word, separator, lines, lines, quote, encoding, columns, columns)


TIMES = (pa.timestamp("us"), pa.time64("us"), pa.duration("s"))
METADATA = (b"", b"[]", b"{", b'{"index_columns": 3}', b'{"index_columns": [{}]}')


def typed(rng: Rng, data: bytes) -> bytes:
    """A Parquet file with odd values, types, names or metadata, rightly written."""
    table = pyarrow.parquet.read_table(io.BytesIO(data))
    at = rng.randrange(table.num_columns)
    name, values, rows = table.column_names[at], table.column(at).to_pylist(), table.num_rows
    some = rng.randrange(rows)
    how = rng.randrange(9)
    odd = rng.choice((None, float("nan"), float("inf"), -1, 2**62, 1e300, 0, 0.5))
    arrays: dict[int, Callable[[], pa.Array]] = {
        0: lambda: pa.array([odd if i == some else v for i, v in enumerate(values)], from_pandas=False),
        1: lambda: pa.array([rng.choice(WORDS).replace("\0", "") if i == some else str(v) for i, v in enumerate(values)]),
        2: lambda: pa.array([rng.choice(NUMBERS) if i == some else str(v) for i, v in enumerate(values)]).dictionary_encode(),
        3: lambda: pa.array([None] * rows, rng.choice((pa.null(), pa.int32(), pa.string(), pa.timestamp("ns")))),
        4: lambda: pa.array([rng.randrange(-(2**40), 2**40) for _ in values], rng.choice(TIMES)),
        5: lambda: pa.array([[v] * rng.randrange(4) for v in values]),
        6: lambda: pa.array([{"a": v} for v in values]),
        7: lambda: pa.array([str(v).encode() for v in values], rng.choice((pa.binary(), pa.large_binary()))),
        8: lambda: pa.array([rng.random() < 0.5 for _ in values]),
    }
    try:
        table = table.set_column(at, name, arrays[how]())
    except (pa.ArrowException, OverflowError, TypeError):
        table = table.remove_column(at)
    if rng.random() < 0.3 and table.num_columns:
        names = list(table.column_names)
        names[rng.randrange(len(names))] = rng.choice((*NAMES, *WORDS)).replace("\0", "")
        table = table.rename_columns(names)
    if rng.random() < 0.2:
        table = table.slice(0, rng.choice((0, 1, 2)))
    if rng.random() < 0.2:
        table = table.replace_schema_metadata({b"pandas": rng.choice(METADATA)})
    return parquet(table)


def members(rng: Rng, data: bytes) -> bytes:
    """An archive with one member broken, and its sums right again."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
        how = archive.infolist()[0].compress_type
    name = rng.choice(list(parts))
    parts[name] = rng.choice(BYTES)(rng, parts[name])
    if rng.random() < 0.1:
        del parts[name]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for member, part in parts.items():
            archive.writestr(member, part)
    return out.getvalue()


def header(rng: Rng, data: bytes) -> bytes:
    """npy or safetensors with a header that says something else, as long as it says."""
    start = 10 if data.startswith(b"\x93NUMPY") else 8
    length = int.from_bytes(data[8:10] if start == 10 else data[:8], "little")
    head = rng.choice((number, word, flip))(rng, data[start : start + length]).rstrip()
    head = head.ljust(length) if rng.random() < 0.8 else head
    size = len(head).to_bytes(2 if start == 10 else 8, "little")
    return data[: start - len(size)] + size + head + data[start + length :]


PACKED: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    ".gz": (gzip.decompress, lambda data: gzip.compress(data, mtime=0)),
    ".bz2": (bz2.decompress, bz2.compress),
    ".zst": (lambda data: pa.CompressedInputStream(pa.BufferReader(data), "zstd").read(), zst),
    ".zip": (lambda data: zipfile.ZipFile(io.BytesIO(data)).read("inside.csv"), zipped),
}


def broken(rng: Rng, seed: Seed, others: Sequence[Seed]) -> dict[str, bytes]:
    """The files of a seed with one of them broken, in one to three ways."""
    files = dict(seed.files)
    name = rng.choice(list(files))
    data, suffix = files[name], seed.suffix or name[name.rfind(".") :]
    if rng.random() < 0.02:
        files[name] = rng.choice(list(rng.choice(others).files.values()))
        return files
    if rng.random() < 0.03 and name:
        del files[name]
        return files
    unpack, pack = PACKED.get("." + suffix.rpartition(".")[2], (None, None))
    if unpack is not None and pack is not None and rng.random() < 0.75:
        files[name] = pack(_changed(rng, unpack(data), TEXT, others))
        return files
    changes: Sequence[Change] = BYTES
    if b"\0" not in data and (not suffix.startswith(".pkl")):
        changes = TEXT
    elif suffix in (".parquet", ".npz", ".pt", ".pth", ".ckpt", ".npy", ".safetensors") and rng.random() < 0.75:
        special = typed if suffix == ".parquet" else header if suffix in (".npy", ".safetensors") else members
        files[name] = special(rng, data)
        return files
    files[name] = _changed(rng, data, changes, others)
    return files


def _changed(rng: Rng, data: bytes, changes: Sequence[Change], others: Sequence[Seed]) -> bytes:
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if rng.random() < 0.04:  # spliced with another file
            other = rng.choice(list(rng.choice(others).files.values()))
            data = data[: _place(rng, data)] + other[_place(rng, other) :]
        else:
            data = rng.choice(changes)(rng, data)
    return data[: 2**20]
