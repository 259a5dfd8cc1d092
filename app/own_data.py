"""The computation behind the page for uploaded files: a separate process diagnoses them, and its results are deleted with the session."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

import streamlit as st

from adrec.data.readers import TEXT_OPTIONS
from adrec.embeddings.worker import ANSWER, LABORATORY, REPORT, REQUEST
from adrec.errors import RunError, WeightsError
from adrec.files import read_json, write_json
from adrec.folders import app_folder, runs_folder
from adrec.parallel.limited import OverLimit, run_limited
from adrec.runs import RunFolder
from app import loaders, reruns

MOST_TABLES = 12
MEMORY, SECONDS = 4 * 2**30, 600.0
"""Limits for diagnosing the files of one session: bytes of memory, and seconds."""
NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Upload:
    """An uploaded file. identity: identifies its content while it is there."""

    name: str
    identity: str
    file: Any

    @classmethod
    def of(cls, file: Any) -> "Upload":
        return cls(Path(file.name).name or "file", file.file_id, file)


@dataclass(frozen=True)
class Choices:
    """The other choices. keys: (identity of a file, name of the array in it). options: columns and filters of the interactions."""

    keys: tuple[tuple[str, str], ...] = ()
    padding: str = "auto"
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Result:
    """The result of ``adrec.embeddings.judging.judge`` on the tables, and the folder with the other outputs, kept for the session.

    problem: why the tables cannot be opened in the laboratory, or None.
    """

    name: str
    judged: dict[str, Any]
    problem: str | None
    folder: Path

    @property
    def report(self) -> bytes:
        """The report as HTML."""
        return (self.folder / REPORT).read_bytes()


@dataclass(frozen=True)
class Question:
    """A file with several candidate tables, for the user to choose from. candidates: name and shape."""

    upload: Upload
    candidates: dict[str, str]


def options(text: str) -> tuple[tuple[str, str], ...]:
    """``user=who, item=what`` as pairs; anything but columns and filters is a WeightsError."""
    pairs = [(key.strip(), equals, value.strip()) for key, equals, value in _split(text)]
    for key, equals, value in pairs:
        if not equals or not key or not value:
            raise WeightsError(f"'{text[:60]}' does not name columns; expected for instance user=customer, item=product, time=when.")
        if key not in TEXT_OPTIONS:
            raise WeightsError(f"'{key[:40]}' is not an option of the interactions; the options are {', '.join(TEXT_OPTIONS)}.")
    return tuple((key, value) for key, _, value in pairs)


def _split(text: str) -> list[tuple[str, str, str]]:
    """Parts between commas or semicolons before the next name: a value may hold both."""
    return [part.partition("=") for part in re.split(r"[,;]\s*(?=\w+\s*=)|(?<=[^=\s])\s*[,;]\s*$", text) if part.strip()]


def result(tables: Sequence[Upload], others: dict[str, Upload | None], choices: Choices) -> Result | Question:
    """The verdicts on uploaded tables, cached if the same files were diagnosed before. others: interactions, items, initial."""
    if len(tables) > MOST_TABLES:
        raise WeightsError(f"These are {len(tables)} tables; at most {MOST_TABLES} can be diagnosed at once.")
    given = {kind: upload for kind, upload in others.items() if upload is not None}
    identity = (*(t.identity for t in tables), *((kind, upload.identity) for kind, upload in given.items()))
    folder = Path(_judged(identity, choices, tuple(tables), given).name)
    found = read_json(folder / ANSWER)
    if "error" in found:
        raise WeightsError(found["error"])
    if "question" in found:
        asked = found["question"]
        if asked["option"] != "key":
            raise WeightsError(asked["says"])
        place = Path(asked["path"]).parent.name
        upload = tables[int(place)] if place.isdigit() else given[place]
        return Question(upload, dict(asked["candidates"]))
    return Result(tables[0].name, found["judged"], found["problem"], folder)


@st.cache_resource(max_entries=4, show_spinner=False, scope="session", on_release=tempfile.TemporaryDirectory.cleanup)
def _judged(
    identity: tuple[Any, ...], choices: Choices, _tables: Sequence[Upload], _others: dict[str, Upload]
) -> "tempfile.TemporaryDirectory[str]":
    """A folder with the worker's answer. Deleted when the session ends, or when a fifth set of files arrives."""
    folder = tempfile.TemporaryDirectory(prefix="adrec-", ignore_cleanup_errors=True)
    root = Path(folder.name).resolve()
    try:
        with st.spinner("Reading and measuring", show_time=True):
            paths = {place: _written(root / place, upload) for place, upload in chain(_placed(_tables), _others.items())}
            chosen = dict(choices.keys)
            uploads = dict(chain(_placed(_tables), _others.items()))
            request = {
                "targets": [paths[place] for place, _ in _placed(_tables)],
                "names": [upload.name for upload in _tables],
                "key": {paths[place]: chosen[u.identity] for place, u in uploads.items() if u.identity in chosen},
                "padding": choices.padding,
                "options": dict(choices.options),
                "table_options": {},
                "order": None,
                "transpose": False,
                **{kind: paths.get(kind) for kind in ("interactions", "items", "initial")},
            }
            write_json(root / REQUEST, request)
            command = [sys.executable, "-m", "adrec.embeddings.worker", str(root)]
            environment = os.environ | {"TMPDIR": str(root)}  # what a killed process leaves goes with the session
            run_limited(command, app_folder(), memory=MEMORY, seconds=SECONDS, on_poll=reruns.stop_if_superseded, env=environment)
        for place in paths:
            shutil.rmtree(root / place)
        return folder
    except OverLimit as error:
        folder.cleanup()
        raise WeightsError(f"'{_tables[0].name}' was not diagnosed: {error}.") from None
    except OSError as error:
        folder.cleanup()
        raise WeightsError(f"'{_tables[0].name}' was not diagnosed: {error.strerror or type(error).__name__}.") from None
    except BaseException:
        folder.cleanup()
        raise


def _placed(tables: Sequence[Upload]) -> list[tuple[str, Upload]]:
    """Each table with its position as text, which tells files of the same name apart."""
    return [(str(position), upload) for position, upload in enumerate(tables)]


def _written(folder: Path, upload: Upload) -> str:
    folder.mkdir()
    stem, dot, suffix = upload.name.rpartition(".")
    path = folder / (NAME.sub("_", stem)[:80] + dot + NAME.sub("_", suffix)[:12])
    path.write_bytes(upload.file.getbuffer())
    return str(path)


def to_laboratory(found: Result) -> RunFolder:
    """Copy the tables to a new folder among the user's runs, named after the first file."""
    stem = NAME.sub("-", Path(found.name).stem).strip("-._")[:40] or "tables"
    root, taken = runs_folder(), {run.name for run in loaders.all_runs()}
    copy = None
    try:
        root.mkdir(parents=True, exist_ok=True)
        copy = Path(tempfile.mkdtemp(dir=root, prefix=".brought-", suffix=".tmp"))
        shutil.copytree(found.folder / LABORATORY, copy, dirs_exist_ok=True)
        copy.chmod(0o755)
        name = next(n for n in chain([stem], (f"{stem}-{i}" for i in count(2))) if n not in taken and not (root / n).exists())
        return RunFolder(copy.rename(root / name))
    except OSError as error:
        if copy is not None:
            shutil.rmtree(copy, ignore_errors=True)
        raise RunError(f"The tables cannot be written to '{root}' ({error.strerror or type(error).__name__}).") from None
