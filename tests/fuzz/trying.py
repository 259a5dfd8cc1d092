"""Broken files tried one after the other in a process of its own, under limits; what became of each."""

import gc
import json
import os
import random
import re
import resource
import sys
import time
import traceback
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tests.fuzz.mutations import broken
from tests.fuzz.seeds import Seed, seeds

SECONDS = 1.0
"""CPU seconds that a file may cost."""
HARD_SECONDS = 20
"""CPU seconds after which the process is ended."""
MEMORY = 3 << 30
"""Bytes of address space beyond what the imports take; the engine reserves much of it without using it."""
GROWTH = 512 << 20
"""Bytes by which the process may really grow over all its files."""
LONGEST = 1500
"""Characters of a sentence."""
STEMS = ("a", "a", "a", "a b", "it's", "a*[b]?", "a\\b", "é", '"', "-", "%s{}", "a;b")
OPTIONS = {
    "time": ("none", "timestamp", "title"),
    "missing": ("drop", "keep"),
    "repeats": ("keep", "consecutive", "first", "exact"),
    "header": ("none", "first"),
    "dates": ("dmy", "mdy"),
    "unit": ("s", "ms"),
    "separator": (",", "tab", "blank", "|"),
    "quotes": ("double", "none", "backslash"),
    "k_core": ("2", "3"),
    "split": ("time:0.6,0.2,0.2",),
    "min_rating": ("3",),
    "user": ("item_id",),
}
NEVER = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.startfile", "pty.spawn", "ctypes.dlopen")
PICKLED = "pickle.find_class"
NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.bind", "urllib.Request")
CHANGES = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "shutil.rmtree")
WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def read_interactions(path: Path, options: dict[str, str]) -> str:
    from adrec.data.card import card, sentences
    from adrec.data.options import Options
    from adrec.data.readers import read_dataset

    known = {f.name for f in fields(Options)}
    data = read_dataset(path, **{k: v for k, v in options.items() if k in known})
    sentences(card(data))
    account: dict[str, Any] = getattr(data, "account", None) or {}
    if account:
        accounted(account)
    return f"{len(data.user_ids)} users"


def read_items(path: Path, options: dict[str, str]) -> str:
    from adrec.data.item_files import read_items

    found, account = read_items(path)
    accounted(account.as_dict())
    return f"{len(found)} items"


def read_histories(path: Path, options: dict[str, str]) -> str:
    from adrec.explain.recommending import read_histories

    found, account = read_histories(path)
    accounted(account.as_dict())
    return f"{len(found)} histories"


def read_table(path: Path, options: dict[str, str]) -> str:
    from adrec.embeddings import files

    known = getattr(files, "OPTIONS", ())
    found = files.read_table(path, options={k: v for k, v in options.items() if k in known})
    if getattr(found, "account", None) is not None:
        accounted(found.account.as_dict())
    return str(found.table.shape)


SETTLED = ("interactions", "table")
"""Readers that take options."""
READERS: dict[str, Callable[[Path, dict[str, str]], str]] = {
    "interactions": read_interactions,
    "items": read_items,
    "histories": read_histories,
    "table": read_table,
}


def accounted(account: dict[str, Any]) -> None:
    """What was read and what was left out are the rows of the file, and its kinds of lines are its lines."""
    rows, read, left = account["rows"], account["read"], account["left_out"]
    if rows != read + sum(left.values()):
        raise AssertionError(f"{rows} rows in the file, but {read} read and {left} left out")
    lines = account["lines"]
    if lines and lines["total"] != sum(n for kind, n in lines.items() if kind != "total"):
        raise AssertionError(f"lines do not add up: {lines}")


class Watch:
    """Python's own report of what the process does: starting programs, reaching the network, writing outside its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.on, self.seen = str(folder.resolve()), False, list[str]()
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event in NEVER or event in NETWORK or event == PICKLED:
            self.seen.append(f"{event}{arguments!r}"[:200])
        elif event == "open":
            path, mode, flags = arguments
            writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (mode is None and (flags or 0) & WRITE_FLAGS)
            if writes and not self.inside(path):
                self.seen.append(f"open {path!r} to write")
        elif event in CHANGES and not self.inside(arguments[0]):
            self.seen.append(f"{event} {arguments[0]!r}")

    def inside(self, path: object) -> bool:
        return isinstance(path, int) or os.path.abspath(os.fsdecode(path)).startswith(self.folder)  # type: ignore[arg-type]


def sentence(words: str) -> str | None:
    """What is wrong with these words as one sentence for a person; None if nothing is."""
    if not words.strip():
        return "says nothing"
    odd = next((c for c in words if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs") and c not in "\u200b\u200d"), None)
    if odd is not None:
        return f"holds the control character {odd!r}"
    if len(words) > LONGEST:
        return f"has {len(words)} characters"
    if "Traceback" in words or not re.search(r"[.)?]$", words):
        return "is no sentence"
    return None


@dataclass(frozen=True)
class Case:
    """A broken file. stem: its name without the suffix. options: what is said to the reader."""

    number: int
    seed: Seed
    files: dict[str, bytes]
    stem: str
    options: dict[str, str]


def cases(first: int, step: int, end: int) -> Iterator[Case]:
    """The broken files of these numbers: always the same for a number."""
    all_of_them = seeds()
    for number in range(first, end, step):
        rng = random.Random(number)
        seed = all_of_them[number % len(all_of_them)]
        files = broken(rng, seed, all_of_them)
        options = {}
        if rng.random() < 0.25:
            name = rng.choice(list(OPTIONS))
            options = {name: rng.choice(OPTIONS[name])}
        yield Case(number, seed, files, rng.choice(STEMS), options)


def laid(folder: Path, seed: Seed, files: dict[str, bytes], stem: str) -> Path:
    """The broken file, or folder, on the disk."""
    path = folder / f"{stem}{seed.suffix}"
    if "" in files:
        path.write_bytes(files[""])
        return path
    path.mkdir()
    for name, data in files.items():
        (path / name).write_bytes(data)
    return path


def outcome(path: Path, reader: str, options: dict[str, str]) -> tuple[str, str]:
    """What becomes of a file: answered, refused, asked (a doubt that its own candidates settle), or FAILED with the reason."""
    from adrec.errors import AdrecError

    try:
        return "answered", READERS[reader](path, options)
    except AdrecError as error:
        words = str(error)
        wrong = sentence(words)
        if wrong:
            return "FAILED", f"the sentence {wrong}: {words[:300]!r}"
        option, candidates = getattr(error, "option", None), getattr(error, "candidates", [])
        if option is None or isinstance(candidates, dict) or reader not in SETTLED:
            return "refused", words
        if not candidates:
            return "FAILED", f"a doubt without candidates: {words}"
        answer = getattr(error, "proposed", None) or {option: candidates[0][0]}
        return settled(path, reader, options, answer, words)
    except BaseException as error:
        place = [line for line in traceback.extract_tb(error.__traceback__) if "adrec/" in line.filename][-1:]
        where = f" at {place[0].filename.rpartition('adrec/')[2]}:{place[0].lineno}" if place else ""
        return "FAILED", f"{type(error).__name__}{where}: {error}"[:400]


def settled(path: Path, reader: str, options: dict[str, str], answer: dict[str, str], words: str) -> tuple[str, str]:
    """A doubt: what it proposes, given as options, must not be met with the same doubt."""
    from adrec.errors import AdrecError

    try:
        READERS[reader](path, {**options, **answer})
    except AdrecError as error:
        if str(error) == words:
            return "FAILED", f"{answer} does not settle the doubt: {words}"
        if sentence(str(error)):
            return "FAILED", f"the sentence {sentence(str(error))}: {str(error)[:300]!r}"
    return "asked", words


def try_all(folder: Path, first: int, step: int, end: int) -> None:
    """In the child: a JSON line when a file begins and one when it is done. folder: empty, and the only place that may change."""
    own, scratch = folder / "own", folder / "scratch"
    for place in (own, scratch):
        place.mkdir(exist_ok=True)
    os.environ["TMPDIR"] = str(scratch)
    os.chdir(folder)
    warnings.simplefilter("error")
    for seed in seeds():  # what is loaded at the first use is no broken file's fault
        print(json.dumps({"begun": None}), flush=True)
        path = laid(own, seed, seed.files, f"warm {seed.kind[:3]}")
        kind, words = outcome(path, seed.reader, {})
        if kind == "FAILED":
            print(json.dumps({"number": -1, "kind": seed.kind, "outcome": kind, "words": words, "seconds": 0.0, "grown": 0}), flush=True)
        _cleared(own)
    watch = Watch(folder)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    start = _peak()
    for case in cases(first, step, end):
        print(json.dumps({"begun": case.number}), flush=True)
        limit = int(time.process_time()) + HARD_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        told = tried(case, own, watch)
        grown = _peak() - start
        if told["outcome"] != "FAILED" and grown > GROWTH:
            told |= {"outcome": "FAILED", "words": f"the process grew by {grown >> 20} MiB: {told['words']}"}
        print(json.dumps({**told, "grown": grown}), flush=True)


def tried(case: Case, own: Path, watch: Watch) -> dict[str, Any]:
    """What became of a broken file, which is laid into the folder ``own`` and removed again."""
    path = laid(own, case.seed, case.files, case.stem)
    watch.seen, watch.on = [], True
    before, begun = _inside(watch.folder), time.process_time()
    kind, words = outcome(path, case.seed.reader, case.options)
    seconds = time.process_time() - begun
    if _inside(watch.folder) != before:
        gc.collect()
    watch.on = False
    left = _inside(watch.folder) ^ before
    if watch.seen or left:
        kind, words = "FAILED", f"it did {'; '.join(watch.seen) or f'leave or take {sorted(left)[:3]}'}"
    elif kind != "FAILED" and seconds > SECONDS * (2 if kind == "asked" else 1):  # a doubt is two readings
        kind, words = "FAILED", f"it took {seconds:.1f} s of CPU: {words[:200]}"
    _cleared(own)
    told = {"number": case.number, "kind": case.seed.kind, "outcome": kind, "words": words, "seconds": seconds}
    return told | {"options": case.options, "name": path.name}


def _inside(folder: str) -> set[str]:
    return {os.path.join(at, name) for at, folders, files in os.walk(folder) for name in (*folders, *files)}


def _cleared(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            for file in path.iterdir():
                file.unlink()
            path.rmdir()
        else:
            path.unlink()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    try_all(Path(sys.argv[1]), *map(int, sys.argv[2:5]))
