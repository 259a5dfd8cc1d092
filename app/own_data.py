"""The computation behind the page for uploaded files: a separate process diagnoses them, and its results are deleted with the session."""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

import streamlit as st

from adrec.embeddings.worker import ANSWER, LABORATORY, READ, REPORT, REQUEST
from adrec.errors import RunError, WeightsError
from adrec.files import read_json, write_json
from adrec.parallel.limited import OverLimit, run_worker
from adrec.runs import RunFolder
from app import loaders, reruns
from app.serving import limits, visitors
from app.serving.limits import OverLimits
from app.texts import texts

KEY = "key"
"""The option of a file with several arrays that names one."""
NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Upload:
    """An uploaded file. identity: identifies its content while it is there. bundled: whether it is no upload but came with the app, so that
    one answer serves everybody."""

    name: str
    identity: str
    file: Any
    bundled: bool = False

    @classmethod
    def of(cls, file: Any) -> "Upload":
        return cls(Path(file.name).name or "file", file.file_id, file)


Pairs = tuple[tuple[str, str], ...]
"""Options and their values."""


@dataclass(frozen=True)
class Choices:
    """The other choices. of_files: the options of each file, by its identity. filters: more options of the interactions."""

    padding: str = "auto"
    order: str | None = None
    transpose: bool | None = None
    filters: Pairs = ()
    of_files: tuple[tuple[str, Pairs], ...] = ()


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
    """What only the owner of a file knows. doubt: as ``Doubt.as_dict`` gives it."""

    upload: Upload
    doubt: dict[str, Any]


def result(
    tables: Sequence[Upload], others: dict[str, Upload | None], choices: Choices, on_read: Callable[[Mapping[str, Any]], object]
) -> Result | Question:
    """The verdicts on uploaded tables, cached if the same files were diagnosed before. others: interactions, items, initial.

    on_read: called once the files are read, before anything is measured, with the account of each file by its identity; where a file
    could not be read, with the others'.
    """
    most = limits.limits()
    if len(tables) > most.tables:
        raise WeightsError(f"These are {len(tables)} tables; at most {most.tables} can be diagnosed at once.")
    given = {kind: upload for kind, upload in others.items() if upload is not None}
    uploads = dict(chain(_placed(tables), given.items()))
    identity = tuple((place, upload.identity) for place, upload in uploads.items())
    everybodys = choices == Choices() and all(upload.bundled for upload in uploads.values())
    folder = _everybodys if everybodys else _folder
    root = Path(folder(identity, choices, uploads).name).resolve()
    told: list[dict[str, Any]] = []

    def poll() -> None:
        reruns.stop_if_superseded()
        if not told and (root / READ).exists():
            read = {uploads[Path(path).parent.name].identity: account for path, account in read_json(root / READ).items()}
            told.append(read)
            on_read(read)

    try:
        if not (root / ANSWER).exists():
            if not everybodys:
                visitors.check_readings()
            with turn(str(root) if everybodys else visitors.me()), st.spinner("Reading and measuring", show_time=True):
                if not (root / ANSWER).exists():  # while somebody waited for the same
                    run_worker("adrec.embeddings.worker", root, memory=most.memory, seconds=most.seconds, on_poll=poll)
                    for place in uploads:
                        shutil.rmtree(root / place)
    except (OverLimits, RunError):
        if not everybodys:  # another may be reading there
            folder.clear(identity, choices, uploads)
        raise
    except (OverLimit, OSError) as error:
        folder.clear(identity, choices, uploads)
        why = error.strerror or type(error).__name__ if isinstance(error, OSError) else error
        raise WeightsError(f"'{tables[0].name}' was not diagnosed: {why}.") from None
    poll()
    found = read_json(root / ANSWER)
    if "error" in found:
        raise WeightsError(found["error"])
    if "question" in found:
        return Question(uploads[Path(found["question"]["path"]).parent.name], found["question"])
    return Result(tables[0].name, found["judged"], found["problem"], root)


@contextmanager
def turn(who: str) -> Iterator[None]:
    """Wait for one's turn to have files read, with one's place in the queue on the page. who: a visitor; or what all wait for."""
    line = st.empty()

    def waits(position: int) -> None:
        reruns.stop_if_superseded()
        line.info(texts("own")["queue"].format(place=position), icon=":material/hourglass:")

    with limits.reading.turn(who, waits):
        line.empty()
        yield


@st.cache_resource(max_entries=4, show_spinner=False, scope="session", on_release=tempfile.TemporaryDirectory.cleanup)
def _folder(identity: Pairs, choices: Choices, _uploads: Mapping[str, Upload]) -> "tempfile.TemporaryDirectory[str]":
    """A folder with the files and the request, later the answer. Deleted when the session ends, or when a fifth set of files arrives."""
    return _made(_uploads, choices)


@st.cache_resource(max_entries=8, show_spinner=False, on_release=tempfile.TemporaryDirectory.cleanup)
def _everybodys(identity: Pairs, choices: Choices, _uploads: Mapping[str, Upload]) -> "tempfile.TemporaryDirectory[str]":
    """The same of files that came with the app, for all sessions."""
    return _made(_uploads, choices)


def _made(uploads: Mapping[str, Upload], choices: Choices) -> "tempfile.TemporaryDirectory[str]":
    folder = tempfile.TemporaryDirectory(prefix=visitors.READING, dir=visitors.place(), ignore_cleanup_errors=True)
    root = Path(folder.name).resolve()
    try:
        paths = {place: _written(root / place, upload) for place, upload in uploads.items()}
        write_json(root / REQUEST, _request(uploads, paths, choices))
        return folder
    except OSError as error:
        folder.cleanup()
        name = next(iter(uploads.values())).name
        raise WeightsError(f"'{name}' was not diagnosed: {error.strerror or type(error).__name__}.") from None
    except BaseException:
        folder.cleanup()
        raise


def _request(uploads: Mapping[str, Upload], paths: Mapping[str, str], choices: Choices) -> dict[str, Any]:
    """What the process is asked to do with the files at these paths."""
    of_files = {identity: dict(pairs) for identity, pairs in choices.of_files}
    chosen = {place: of_files.get(upload.identity, {}) for place, upload in uploads.items()}
    tables = [place for place in uploads if place.isdigit()]
    options: dict[str, dict[str, str]] = {place: chosen[place] for place in (*tables, "initial") if chosen.get(place)}
    bare = {paths[place]: {name: value for name, value in pairs.items() if name != KEY} for place, pairs in options.items()}
    return {
        "targets": [paths[place] for place in tables],
        "names": [uploads[place].name for place in tables],
        "key": {paths[place]: pairs[KEY] for place, pairs in options.items() if KEY in pairs},
        "table_options": {path: pairs for path, pairs in bare.items() if pairs},
        "options": dict(choices.filters) | chosen.get("interactions", {}),
        "padding": choices.padding,
        "order": choices.order if "interactions" in paths else None,
        "transpose": choices.transpose,
        **{kind: paths.get(kind) for kind in ("interactions", "items", "initial")},
    }


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
    """Copy the tables to a new folder among the visitor's runs, named after the first file."""
    visitors.check_room()
    stem = NAME.sub("-", Path(found.name).stem).strip("-._")[:40] or "tables"
    root, taken = visitors.folder(), {run.name for run in loaders.all_runs()}
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
