"""What the page for brought files computes: uploads become tables, judged once by content. Nothing uploaded outlives the computation."""

import hashlib
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from adrec.embeddings.bring import Source, bring, import_tables
from adrec.embeddings.files import AmbiguousTable
from adrec.errors import AdrecError, WeightsError
from adrec.folders import runs_folder
from adrec.runs import RunFolder
from app import loaders

LARGEST_MB = 200
MOST_TABLES = 12
NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Upload:
    """A file that somebody sent: its name, and its content under the hash that stands for it."""

    name: str
    digest: str
    content: memoryview

    @classmethod
    def of(cls, file: Any) -> "Upload":
        content = file.getbuffer()
        return cls(Path(file.name).name or "file", hashlib.sha256(content).hexdigest(), content)


@dataclass(frozen=True)
class Choices:
    """What else was chosen. keys: (digest of a file, name of the array in it). options: column names of the interactions."""

    keys: tuple[tuple[str, str], ...] = ()
    padding: str = "auto"
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Result:
    """Sources in order, and what ``adrec.embeddings.judging.judge`` says of them."""

    sources: list[Source]
    judged: dict[str, Any]


@dataclass(frozen=True)
class Question:
    """A file with several arrays that may be the table: which one? candidates: name and shape."""

    upload: Upload
    candidates: dict[str, tuple[int, ...]]


def options(text: str) -> tuple[tuple[str, str], ...]:
    """``user=who, item=what`` as pairs; anything else is a WeightsError."""
    pairs = [part.partition("=") for part in text.replace(";", ",").split(",") if part.strip()]
    for key, equals, value in pairs:
        if not equals or not key.strip() or not value.strip():
            raise WeightsError(f"'{text[:60]}' does not name columns; accepted is, for instance, user=customer, item=product, time=when.")
    return tuple((key.strip(), value.strip()) for key, _, value in pairs)


def result(tables: Sequence[Upload], others: dict[str, Upload | None], choices: Choices) -> Result | Question:
    """The verdicts on uploaded tables, from the cache if the same files were judged before. others: interactions, items, initial."""
    if len(tables) > MOST_TABLES:
        raise WeightsError(f"These are {len(tables)} tables; accepted are at most {MOST_TABLES} at once.")
    identity = (*((t.name, t.digest) for t in tables), *((k, u.name, u.digest) for k, u in others.items() if u is not None))
    try:
        return _judged(identity, choices, tuple(tables), others)
    except AmbiguousTable as error:
        place = int(error.path.parent.name)
        return Question(tables[place], error.candidates)


@st.cache_resource(max_entries=4, show_spinner=False)
def _judged(identity: tuple[Any, ...], choices: Choices, _tables: Sequence[Upload], _others: dict[str, Upload | None]) -> Result:
    from adrec.embeddings.judging import judge

    with tempfile.TemporaryDirectory(prefix="adrec-") as folder, st.spinner("Reading and measuring"):
        try:
            paths = [_written(Path(folder) / str(place), upload) for place, upload in enumerate(_tables)]
            keys = {path: key for path, t in zip(paths, _tables, strict=True) for digest, key in choices.keys if digest == t.digest}
            others = {kind: _written(Path(folder) / kind, upload) for kind, upload in _others.items() if upload is not None}
            names = [upload.name for upload in _tables]
            sources = bring(paths, **others, key=keys, padding=choices.padding, names=names, options=dict(choices.options))
            return Result(sources, judge(sources))
        except AmbiguousTable:
            raise
        except AdrecError as error:
            words = re.sub(re.escape(folder) + r"/\w+/", "", str(error))  # nobody knows the temporary place
            raise type(error)(words) from None


def _written(folder: Path, upload: Upload) -> Path:
    folder.mkdir(exist_ok=True)
    stem, dot, suffix = upload.name.rpartition(".")
    path = folder / (NAME.sub("_", stem)[:80] + dot + NAME.sub("_", suffix)[:12])
    path.write_bytes(upload.content)
    return path


def to_laboratory(found: Result) -> RunFolder:
    """The tables as a new folder among this person's runs, named after the first file."""
    stem = NAME.sub("-", Path(found.sources[0].name).stem).strip("-._")[:40] or "tables"
    root = runs_folder()
    taken = {run.name for run in loaders.all_runs()}
    names = [stem, *(f"{stem}-{i}" for i in range(2, 1000))]
    name = next(n for n in names if n not in taken and not (root / n).exists())
    return import_tables(RunFolder(root / name), found.sources, found.judged)
