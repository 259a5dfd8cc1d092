"""HDF5 and what Keras keeps in it, read by their documented layout; no library is asked, because HDF5's own crashes on damaged files.

Read is what h5py, PyTables, pandas and Keras write if not told otherwise: groups with a symbol table or links in their header, whole or
chunked data, packed by gzip or not. Nothing outside the file is opened: external links are passed over, external data and
virtual data sets refused. Every place and length is checked against the file before it is used.
"""

import math
import mmap
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np

from adrec.embeddings.files.arrays import BOMB_BYTES, BOMB_RATIO
from adrec.embeddings.files.beside import ids_beside
from adrec.embeddings.files.checks import MOST_ARRAYS, Matrix, as_numbers, check_shape, choose, is_item_table, taken
from adrec.errors import WeightsError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
NOWHERE = 2**64 - 1
DEEPEST = 32
MOST_BLOCKS = 100_000
"""Pieces of headers, groups and chunks that are looked at in one file."""
MOST_TEXTS = 10_000_000
INSTEAD = "numpy.save(FILE, h5py.File(THIS)[NAME][:]) is always read"
INSTEAD_OF_KERAS = "numpy.save(FILE, model.get_layer(NAME).get_weights()[0]) is always read"
LONGEST_NAME = 4096
KERAS = "model.weights.h5"
"""What a .keras archive calls its weights."""
OPTIMIZER = ("optimizer", "optimizer_weights")
WEIGHTS = re.compile(r"(?:^|/)([^/]+)/(?:vars/0|(embeddings(?::0)?))$")
"""The first weights of a layer of Keras, as its third version numbers them, or as those of an Embedding were called before."""
NUMBERED = re.compile(r"embedding(_[0-9]+)?")
"""What Keras calls an Embedding that is no attribute of the model."""
FLOATS = {(2, 5, 10): "f2", (4, 8, 23): "f4", (8, 11, 52): "f8", (2, 8, 7): "V2"}
"""By bytes, bits of exponent and of mantissa; V2 is bfloat16."""
GZIP, SHUFFLE, CHECKSUM = 1, 2, 3
DATASPACE, LINK_INFO, DATATYPE, LINK, EXTERNAL, LAYOUT, FILTERS, ATTRIBUTE, CONTINUED, TABLE = 1, 2, 3, 6, 7, 8, 11, 12, 16, 17


class Damaged(Exception):
    """The file is not what HDF5's layout asks for; the message says how."""


@dataclass
class Array:
    """One data set. dtype: None for what is no array of numbers or texts; O stands for texts kept elsewhere in the file."""

    shape: tuple[int, ...] = ()
    dtype: np.dtype | None = None
    layout: bytes = b""
    filters: list[int] = field(default_factory=list)
    elsewhere: bool = False

    @property
    def matrix(self) -> bool:
        return len(self.shape) == 2 and min(self.shape) > 0 and self.dtype is not None and self.dtype.kind in "fiuV"


def read_hdf5(path: Path, key: str | None) -> Matrix:
    """One matrix of an HDF5 file, or of a model that Keras wrote as such, with the ids that stand beside it."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _read(path, memoryview(data).tobytes() if len(data) < 2**20 else data, key, INSTEAD)


def read_keras(path: Path, key: str | None) -> Matrix:
    """One table of a .keras archive: of its weights, which are HDF5. Its model is not built, and its settings are not read."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.filename: member for member in archive.infolist()}
            if KERAS not in members:
                raise WeightsError(f"'{path}' has no {KERAS} in it; expected what model.save wrote.")
            member = members[KERAS]
            if member.file_size > max(BOMB_BYTES, BOMB_RATIO * member.compress_size):
                unpacked = f"its weights unpack to {member.file_size:,} bytes from {member.compress_size:,}"
                raise WeightsError(f"'{path}': {unpacked}; must be at most {BOMB_RATIO} times.")
            return _read(path, archive.read(member), key, INSTEAD_OF_KERAS)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise WeightsError(f"'{path}' is damaged, or not what Keras's model.save wrote ({type(error).__name__}).") from None


def _read(path: Path, data: bytes | mmap.mmap, key: str | None, instead: str) -> Matrix:
    try:
        file = File(data)
        arrays, layers = _named(file)
        shapes = {name: array.shape if array.matrix else () for name, array in arrays.items()}
        if layers and key is None:
            shapes = {name: shapes[name] for name in layers}
        name = choose(path, shapes, key)
        check_shape(path, arrays[name].shape, f"'{name}'")
        if not arrays[name].matrix:
            raise Damaged("entries that are no real numbers, or none at all")
        table = as_numbers(file.values(arrays[name]))
        kinds = {other: (_letter(array), array.shape) for other, array in arrays.items()}
        labels, notes = ids_beside(kinds, len(table), lambda other: file.values(arrays[other]))
    except (Damaged, IndexError, ValueError, OverflowError) as error:
        how = str(error) if isinstance(error, Damaged) else "a part of it is cut short"
        raise WeightsError(f"'{path}' is damaged, or HDF5 of a kind that is not read: {how}; {instead}.") from None
    return Matrix(table, labels, (*taken(name, {name: array.shape for name, array in arrays.items()}), *notes), padded=is_item_table(name))


def _letter(array: Array) -> str:
    return "" if array.dtype is None else {"O": "U", "V": "f"}.get(array.dtype.kind, array.dtype.kind)


def _named(file: "File") -> tuple[dict[str, Array], list[str]]:
    """The arrays by name, and which of them are the tables of Keras's Embedding layers: these are called like their layer.

    Keras numbers a layer's weights and, where it has no attribute of the model, also the layer. What its optimizer keeps is left out.
    """
    found: dict[str, Array] = {}
    layers = []
    for name, array in file.arrays.items():
        if name.split("/")[0] in OPTIMIZER:
            continue
        weights = WEIGHTS.search(name) if array.matrix else None
        called = name.removesuffix("axis1") + "index" if name.endswith("/axis1") else name  # pandas' index
        if weights is not None:
            layer, embeddings = weights.groups()
            numbered = NUMBERED.fullmatch(layer) is not None
            layer = file.names.get(name.rpartition("/")[0], layer) if numbered else layer
            called = name if layer in found else layer
            layers += [called] if numbered or embeddings else []
        found[called] = array
    return found, layers


class File:
    """The groups and data sets of an HDF5 file. names: what Keras calls the layer whose weights a group holds."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        self.data = data
        self.arrays: dict[str, Array] = {}
        self.names: dict[str, str] = {}
        self.base = 0
        self.seen: set[int] = set()
        self.blocks = self.texts = 0
        self.heaps: dict[int, dict[int, tuple[int, int]]] = {}
        self._group(self._root(), "", 0)

    # -- bytes

    def at(self, place: int, count: int) -> bytes:
        """Bytes of the file, from an address."""
        if count < 0 or place < 0 or place + self.base + count > len(self.data):
            raise Damaged("it points beyond its end")
        return self.data[self.base + place : self.base + place + count]

    def block(self, place: int, count: int, name: bytes) -> bytes:
        """A piece that begins with its name."""
        self.blocks += 1
        if self.blocks > MOST_BLOCKS:
            raise Damaged(f"it has more than {MOST_BLOCKS:,} pieces")
        found = self.at(place, count)
        if found[: len(name)] != name:
            raise Damaged(f"no {name.decode()} where one is to lie")
        return found

    def _root(self) -> int:
        """The address of the first group's header."""
        start = next((s for s in (0, 512, 1024, 2048) if self.data[s : s + 8] == SIGNATURE), None)
        if start is None:
            raise Damaged("it does not begin like HDF5")
        self.base = start
        version, *sizes = self.at(8, 6)
        if version in (0, 1) and sizes[-1] == 8 and self.at(14, 1) == b"\x08":
            begin = 24 + 4 * version
            base, end, root = _int(self.at(begin, 8)), self.at(begin + 16, 8), self.at(begin + 40, 8)
        elif version in (2, 3) and sizes[:2] == [8, 8]:
            base, end, root = _int(self.at(12, 8)), self.at(28, 8), self.at(36, 8)
        else:
            raise Damaged(f"its first block has version {version}")
        if _int(end) > len(self.data):
            raise Damaged("it is cut short")
        self.base = base if base else start
        return _int(root)

    # -- headers

    def messages(self, place: int) -> Iterator[tuple[int, int, bytes]]:
        """What the header at an address says: kind, flags and content of each message."""
        start = self.block(place, 16, b"")
        if start[:4] == b"OHDR":
            flags = start[5]
            begin = 6 + (16 if flags & 32 else 0) + (4 if flags & 16 else 0)
            width = 1 << (flags & 3)
            parts = [(place + begin + width, _int(self.at(place + begin, width)))]
            head, extra = 4, 2 if flags & 4 else 0
        elif start[0] == 1:
            parts, head, extra = [(place + 16, _int(start[8:12]))], 8, 0
        else:
            raise Damaged("no header where one is to lie")
        for begin, length in parts:
            part, where = self.block(begin, length, b""), 0
            while where + head + extra <= len(part):
                if head == 8:
                    kind, size, flag = _int(part[where : where + 2]), _int(part[where + 2 : where + 4]), part[where + 4]
                else:
                    kind, size, flag = part[where], _int(part[where + 1 : where + 3]), part[where + 3]
                where += head + extra
                content, where = part[where : where + size], where + size
                if len(content) < size:
                    break
                if kind == CONTINUED:
                    if len(parts) > 1000:
                        raise Damaged("a header has no end")
                    following, size = _int(content[:8]), _int(content[8:16])
                    if head == 4:
                        self.block(following, 4, b"OCHK")
                    parts.append((following, size) if head == 8 else (following + 4, size - 8))
                else:
                    yield kind, flag, content

    def _group(self, place: int, name: str, depth: int) -> None:
        """Add what a header describes: a group with all that is in it, or a data set."""
        if place in self.seen:
            return
        self.seen.add(place)
        if depth > DEEPEST or len(self.arrays) > MOST_ARRAYS:
            raise Damaged(f"it has more than {DEEPEST} levels or {MOST_ARRAYS:,} arrays")
        array, is_array, below = Array(), False, []
        for kind, flags, content in self.messages(place):
            if kind == DATASPACE:
                array.shape = _shape(content)
            elif kind == DATATYPE:
                array.dtype = None if flags & 2 else _dtype(content)
            elif kind == LAYOUT:
                array.layout, is_array = content, True
            elif kind == FILTERS:
                array.filters = _filters(content)
            elif kind == EXTERNAL:
                array.elsewhere = True
            elif kind == TABLE:
                below += self._table(_int(content[:8]), _int(content[8:16]))
            elif kind == LINK:
                below += _link(content)
            elif kind == LINK_INFO and _int(content[2 + 8 * (content[1] & 1) :][:8]) != NOWHERE:
                raise Damaged("a group of it keeps its names in a heap, as of version 1.8 if asked to")
            elif kind == ATTRIBUTE:
                self._attribute(name, content)
        if is_array:
            self.arrays[name] = array
        for inner, where in below:
            self._group(where, f"{name}/{inner}" if name else inner, depth + 1)

    def _table(self, tree: int, heap: int) -> list[tuple[str, int]]:
        """The names in a group's symbol table, with the addresses of their headers."""
        header = self.block(heap, 32, b"HEAP")
        names = self.at(_int(header[24:32]), _int(header[8:16]))
        found = []
        for _, leaf in self._leaves(tree, 0, 8):
            node = self.block(leaf, 8, b"SNOD")
            count = _int(node[6:8])
            entries = self.at(leaf + 8, 40 * count)
            for entry in (entries[i : i + 40] for i in range(0, len(entries), 40)):
                where = _int(entry[8:16])
                if where != NOWHERE:  # else a link to another name
                    found.append((_text(names[_int(entry[:8]) :][:LONGEST_NAME]), where))
        return found

    def _leaves(self, place: int, kind: int, key: int) -> Iterator[tuple[bytes, int]]:
        """The keys and addresses in the leaves of a tree, whose keys have so many bytes."""
        rest = [(place, 256)]
        while rest:
            place, above = rest.pop()
            node = self.block(place, 24, b"TREE")
            level, count = node[5], _int(node[6:8])
            if node[4] != kind or level >= above:
                raise Damaged("a tree of it is none")
            part = self.at(place + 24, count * (key + 8))
            pairs = [(part[i : i + key], _int(part[i + key : i + key + 8])) for i in range(0, len(part), key + 8)]
            if level:
                rest += [(where, level) for _, where in reversed(pairs)]
            else:
                yield from pairs

    # -- attributes: Keras's names of layers

    def _attribute(self, group: str, content: bytes) -> None:
        version = content[0]
        name, kind, space = (_int(content[i : i + 2]) for i in (2, 4, 6))
        where = 9 if version == 3 else 8
        step = 8 if version == 1 else 1
        parts = []
        for size in (name, kind, space):
            parts.append(content[where : where + size])
            where += -(-size // step) * step
        dtype = _dtype(parts[1])
        if _text(parts[0]) != "name" or not group.endswith("vars") or dtype is None or dtype.kind not in "SO" or _shape(parts[2]) != ():
            return
        text = content[where : where + dtype.itemsize] if dtype.kind == "S" else self._kept(content[where : where + 16])
        self.names[group] = _text(text)

    def _kept(self, place: bytes) -> bytes:
        """A text that lies in the file's heap: its length, the address of its part of the heap, and its number there."""
        length, where, number = _int(place[:4]), _int(place[4:12]), _int(place[12:16])
        if not length or where in (0, NOWHERE):
            return b""
        if where not in self.heaps:
            self.heaps[where] = dict(self._heap(where))
        at, size = self.heaps[where].get(number, (0, 0))
        if size < length:
            raise Damaged("a text is not where it is to lie")
        return self.at(at, length)

    def _heap(self, where: int) -> Iterator[tuple[int, tuple[int, int]]]:
        """The numbers of the texts in a part of the heap, with the address and length of each."""
        at, end = where + 16, where + _int(self.block(where, 16, b"GCOL")[8:16])
        while at + 16 <= end:
            header = self.at(at, 16)
            number, size = _int(header[:2]), _int(header[8:16])
            self.texts += 1
            if self.texts > MOST_TEXTS:
                raise Damaged(f"it has more than {MOST_TEXTS:,} texts")
            if not number:
                return
            yield number, (at + 16, size)
            at += 16 + -(-size // 8) * 8

    # -- numbers

    def values(self, array: Array) -> np.ndarray:
        """The numbers or texts of a data set."""
        if array.dtype is None:
            raise Damaged("entries that are neither numbers nor texts")
        if array.dtype.kind == "O":
            flat = self._flat(array, np.dtype("V16"))
            return np.array([_text(self._kept(bytes(x))) for x in flat.ravel()], dtype=np.str_).reshape(array.shape)
        return self._flat(array, array.dtype)

    def _flat(self, array: Array, dtype: np.dtype) -> np.ndarray:
        count, layout = math.prod(array.shape), array.layout
        version, kind = layout[0], layout[1]
        if array.elsewhere or kind == 3:
            raise Damaged("its data lie in other files")
        if version not in (3, 4) or kind > 2 or (version == 4 and kind == 2):
            raise Damaged("its data lie as h5py keeps them with libver='latest'")
        if kind == 2:
            return self._chunks(array, dtype)
        if array.filters:
            raise Damaged("data of one piece that are packed")
        if kind == 0:
            data = layout[4 : 4 + _int(layout[2:4])]
        elif _int(layout[2:10]) == NOWHERE:  # nothing was ever written
            raise Damaged("an array that was never filled")
        else:
            data = self.at(_int(layout[2:10]), count * dtype.itemsize)
        if len(data) < count * dtype.itemsize:
            raise Damaged("it is cut short")
        return np.frombuffer(data, dtype, count).reshape(array.shape)

    def _chunks(self, array: Array, dtype: np.dtype) -> np.ndarray:
        rank = array.layout[2] - 1
        sides = [_int(array.layout[11 + 4 * i : 15 + 4 * i]) for i in range(rank)]
        whole = math.prod(sides) * dtype.itemsize
        if rank != len(array.shape) or not whole or (whole > BOMB_BYTES and whole > 4 * math.prod(array.shape) * dtype.itemsize):
            raise Damaged("chunks that do not fit its array")
        if set(array.filters) - {GZIP, SHUFFLE, CHECKSUM}:
            raise Damaged("its numbers are packed otherwise than by gzip")
        needed = math.prod(array.shape) * dtype.itemsize
        if needed > BOMB_BYTES and needed > BOMB_RATIO * len(self.data):
            raise Damaged(f"{needed:,} bytes out of {len(self.data):,} are more than {BOMB_RATIO} times")
        steps = product(*(range(0, size, side) for size, side in zip(array.shape, sides, strict=True)))
        missing = math.prod(-(-size // side) for size, side in zip(array.shape, sides, strict=True))
        if missing > MOST_BLOCKS:
            raise Damaged(f"it has more than {MOST_BLOCKS:,} pieces")
        open_places, table = set(steps), np.zeros(array.shape, dtype)
        for head, where in self._leaves(_int(array.layout[3:11]), 1, 16 + 8 * rank):
            place = tuple(_int(head[8 + 8 * i : 16 + 8 * i]) for i in range(rank))
            if place not in open_places:
                raise Damaged("chunks that do not fit its array")
            open_places.remove(place)
            used = [f for i, f in enumerate(array.filters) if not _int(head[4:8]) >> i & 1]
            chunk = np.frombuffer(_unpacked(self.at(where, _int(head[:4])), used, whole, dtype.itemsize), dtype).reshape(sides)
            inside = tuple(slice(0, min(side, size - at)) for side, size, at in zip(sides, array.shape, place, strict=True))
            table[tuple(slice(at, at + part.stop) for at, part in zip(place, inside, strict=True))] = chunk[inside]
        if open_places:
            raise Damaged("not all of its numbers are there")
        return table


def _unpacked(data: bytes, filters: list[int], size: int, width: int) -> bytes:
    """The ``size`` bytes of a chunk."""
    for kind in reversed(filters):
        if kind == CHECKSUM:
            data = data[:-4]
        elif kind == GZIP:
            try:
                data = zlib.decompressobj().decompress(data, size + 4)
            except zlib.error:
                raise Damaged("packed numbers that do not unpack") from None
        else:
            whole = len(data) // width * width
            data = np.frombuffer(data[:whole], np.uint8).reshape(width, -1).T.tobytes() + data[whole:]
    if len(data) != size:
        raise Damaged("it is cut short")
    return data


def _int(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _text(data: bytes) -> str:
    return bytes(data).partition(b"\0")[0].decode("utf-8", "replace")


def _shape(content: bytes) -> tuple[int, ...]:
    if content[0] not in (1, 2) or content[1] > DEEPEST:
        raise Damaged("an array whose shape is not given as it is to be")
    begin = 8 if content[0] == 1 else 4
    return tuple(_int(content[begin + 8 * i : begin + 8 * i + 8]) for i in range(content[1]))


def _dtype(content: bytes) -> np.dtype | None:
    """Whole numbers, floats, texts of one length (S) and of any (O); None for everything else."""
    kind, bits, size = content[0] & 15, content[1], _int(content[4:8])
    order = ">" if bits & 1 else "<"
    if kind == 0 and size in (1, 2, 4, 8) and _int(content[8:12]) == size * 8 << 16:
        return np.dtype(f"{order}{'i' if bits & 8 else 'u'}{size}")
    if kind == 1 and not bits & 64:
        found = FLOATS.get((size, content[13], content[15])) if len(content) > 15 else None
        return None if found is None else np.dtype(found if found == "V2" else order + found)
    if kind == 3 and 0 < size <= LONGEST_NAME:
        return np.dtype(f"S{size}")
    if kind == 5 and size == 2:  # how h5py keeps bfloat16, whose name it does not know
        return np.dtype("V2")
    return np.dtype("O") if kind == 9 and bits & 15 == 1 else None


def _filters(content: bytes) -> list[int]:
    """The numbers of the filters that data went through."""
    version, count = content[0], content[1]
    where, found = (8 if version == 1 else 2), []
    for _ in range(count):
        number = _int(content[where : where + 2])
        named = version == 1 or number >= 256
        length = _int(content[where + 2 : where + 4]) if named else 0
        where += 4 if named else 2
        values = _int(content[where + 2 : where + 4])
        where += 4 + (-(-length // 8) * 8 if version == 1 else length) + 4 * (values + (values % 2 if version == 1 else 0))
        found.append(number)
    return found


def _link(content: bytes) -> list[tuple[str, int]]:
    """The name and address of a link within the file; nothing for one that leads elsewhere."""
    flags, where = content[1], 2
    if flags & 8:
        if content[where]:
            return []
        where += 1
    where += (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
    width = 1 << (flags & 3)
    length = _int(content[where : where + width])
    where += width
    return [(_text(content[where : where + length]), _int(content[where + length : where + length + 8]))]
