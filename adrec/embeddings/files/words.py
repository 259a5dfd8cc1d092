"""word2vec's binary format: a line with the numbers of words and of dimensions; then each word, a blank and its floats."""

import mmap
import re
from pathlib import Path

import numpy as np

from adrec.embeddings.files.checks import Matrix, check_shape
from adrec.errors import WeightsError
from adrec.reading.account import counted, shown
from adrec.reading.limits import LONGEST_ID

HEAD = re.compile(rb"(\d{1,12}) (\d{1,6})\r?\n")
LONGEST_HEAD = 24
FASTTEXT = (793712314).to_bytes(4, "little")
"""The first bytes of fastText's own models."""


def is_words(path: Path) -> bool:
    """Whether a file begins as word2vec's binary format does."""
    with open(path, "rb") as file:
        return HEAD.match(file.read(LONGEST_HEAD)) is not None


def is_fasttext(path: Path) -> bool:
    """Whether a file begins as fastText's own models do."""
    with open(path, "rb") as file:
        return file.read(len(FASTTEXT)) == FASTTEXT


def read_words(path: Path, key: str | None) -> Matrix:
    """The words as ids, and their vectors. The original program ends each vector with a line break; gensim does not."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        head = HEAD.match(data[:LONGEST_HEAD])
        if head is None:
            raise WeightsError(f"'{path}' is not in word2vec's binary format: its first line does not say how many words and dimensions.")
        rows, width = int(head[1]), int(head[2])
        check_shape(path, (rows, width), "its table")
        if len(data) < head.end() + rows * (4 * width + 2):
            raise WeightsError(f"'{path}' is cut short: {rows:,} words of {width:,} numbers do not fit into its {len(data):,} bytes.")
        table, labels, at = np.empty((rows, width), np.float32), [], head.end()
        for row in range(rows):
            blank = data.find(b" ", at, at + 4 * LONGEST_ID + 2)
            if blank < 0 or len(data) < blank + 1 + 4 * width:
                problem = "cut short" if len(data) < at + 4 * LONGEST_ID + 2 + 4 * width else "damaged"
                raise WeightsError(f"'{path}' is {problem}: word {row + 1:,} of {rows:,} is not followed by {counted(width, 'number')}.")
            word, at = data[at:blank].lstrip(b"\n"), blank + 1 + 4 * width
            try:
                labels.append(word.decode())
            except UnicodeDecodeError:
                raise WeightsError(f"'{path}' is damaged: word {row + 1:,}, {shown(word[:30])}, is not UTF-8 text.") from None
            table[row] = np.frombuffer(data[blank + 1 : at], "<f4")
        rest = len(data) - at - (data[at : at + 1] == b"\n")
    if rest:
        raise WeightsError(
            f"'{path}' is damaged: {counted(rest, 'byte')} follow its {counted(rows, 'word')} of {counted(width, 'number')}."
        )
    return Matrix(table, tuple(labels))
