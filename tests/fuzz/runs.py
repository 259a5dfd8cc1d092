"""``python -m tests.fuzz.runs``: 800 broken run folders, opened at a running server.

One file of a run, or the folder itself, is missing, empty, cut, of another kind, a link, endless, or holds what it should not. Whoever
opens the run is told in a sentence; whoever opens another sees it as before. Nothing is executed, hangs, or is written elsewhere.
"""

import json
import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from adrec.files import write_json
from tests.fuzz.pages import ESCAPES, tables
from tests.fuzz.parts import ROOT, Tried, main, trained
from tests.fuzz.served import Served, Visitor, wrong

CASES = 800
SOUND = ("tiny", "bundled", "queued", "tables")
OPENED = ("collapse", "denoising", "train", "compare")
LOOKS = (
    "",
    "",
    "&look=tables",
    "&look=forward",
    "&compare=stage",
    "&tool=film",
    "&tool=moves",
    "&view=user",
    "&look=users",
    "&method=umap",
)
NAMES = (
    "broken",
    "broken",
    "broken",
    "a b",
    "é",
    "it's",
    "%2e%2e",
    "a&b=c",
    "#",
    "-x",
    "a\nb",
    "\x1b[31m",
    "\u202egnp",
    "a" * 200,
    "[a](b)",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**30,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x",
    "\x1b[31m",
    [],
    {},
    [[]],
    {"a": {}},
    "a" * 100_000,
)
LINKS = ("/etc/passwd", "/dev/zero", "/dev/null", "/proc/self/environ", "nowhere", ".", "..", "OWN", "SOUND")
SPARSE = 3 << 30


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where there is something in a JSON value."""
    found = [path] if path else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value[:20]) if isinstance(value, list) else ()
    for key, inner in pairs:
        found += leaves(inner, (*path, key))
    return found


def changed(rng: random.Random, text: str) -> str:
    """A JSON text with one value replaced or taken away."""
    data = json.loads(text)
    at = rng.choice(leaves(data) or [()])
    if not at:
        return "[]"
    inner = data
    for key in at[:-1]:
        inner = inner[key]
    if rng.random() < 0.3 and isinstance(inner, dict):
        del inner[at[-1]]
    else:
        inner[at[-1]] = rng.choice(VALUES)
    return json.dumps(data)


def as_json(rng: random.Random, path: Path) -> None:
    """A value of a JSON file, or of a line of one, of another kind; of other files, a line of text."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".json":
        path.write_text(changed(rng, text))
        return
    lines = text.splitlines(keepends=True) or [""]
    at = rng.randrange(len(lines))
    if path.suffix == ".jsonl":
        lines[at] = changed(rng, lines[at]) + "\n"
    else:
        lines[at] = rng.choice((str(rng.choice(VALUES)), rng.choice(ESCAPES), '"', "," * 50, "1,1", "")) + "\n"
    path.write_text("".join(lines), encoding="utf-8", errors="replace")


def header(rng: random.Random, path: Path) -> None:
    """A byte of its beginning, where formats say what follows."""
    data = bytearray(path.read_bytes() or b"x")
    for _ in range(rng.choice((1, 1, 8))):
        data[rng.randrange(min(len(data), 300))] = rng.randrange(256)
    path.write_bytes(data)


def emptied(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def link(rng: random.Random, path: Path) -> None:
    target = rng.choice(LINKS)
    beside = path.with_name(f"{path.name}.real")
    if target == "SOUND":
        path.rename(beside)
    else:
        emptied(path)
    path.symlink_to({"OWN": path, "SOUND": beside}.get(target, Path(target)))


def sparse(_: random.Random, path: Path) -> None:
    with open(path, "r+b") as file:
        file.truncate(SPARSE)


def replaced(make: Callable[[Path], object]) -> Callable[[random.Random, Path], None]:
    def act(_: random.Random, path: Path) -> None:
        emptied(path)
        make(path)

    return act


def written(texts: tuple[str, ...]) -> Callable[[random.Random, Path], None]:
    return lambda rng, path: path.write_text(rng.choice(texts), encoding="utf-8") and None


DAMAGES: dict[str, tuple[int, Callable[[random.Random, Path], None]]] = {
    "a value of another kind": (12, as_json),
    "bytes of its beginning": (6, header),
    "missing": (3, lambda _, path: path.unlink()),
    "empty": (3, lambda _, path: path.write_bytes(b"") and None),
    "cut": (4, lambda rng, path: os.truncate(path, rng.randrange(path.stat().st_size + 1))),
    "noise": (2, lambda rng, path: path.write_bytes(rng.randbytes(rng.choice((1, 8, 5000)))) and None),
    "deep or endless": (
        2,
        written(("[" * 100_000, '{"a":' * 50_000, "9" * 6000, '{"seed": ' + "9" * 5000 + "}", "{" + '"a": 1,' * 300_000 + '"b": 2}')),
    ),
    "a folder": (2, replaced(lambda path: path.mkdir())),
    "a link": (4, link),
    "a pipe": (1, replaced(os.mkfifo)),
    "three gigabytes": (1, sparse),
}


def broken(rng: random.Random, served: Served) -> tuple[str, str, str]:
    """A broken run in the server's folder: its name, what is broken, and how."""
    source = served.runs / rng.choice(SOUND)
    name = rng.choice(NAMES)
    shutil.copytree(source, served.runs / name)
    if rng.random() < 0.03:
        emptied(served.runs / name)
        (served.runs / name).symlink_to(rng.choice(("/etc", "nowhere", str(source), ".")))
        return name, source.name, "the folder is a link"
    files = sorted(path for path in (served.runs / name).rglob("*") if path.is_file())
    path = rng.choice([file for file in files if rng.random() < 0.3 or file.suffix in (".json", ".jsonl", ".csv")] or files)
    how = rng.choices(list(DAMAGES), [weight for weight, _ in DAMAGES.values()])[0]
    DAMAGES[how][1](rng, path)
    return name, f"{source.name}/{path.relative_to(served.runs / name)}", how


def tried(served: Served, number: int) -> Tried:
    """Such a run, opened on two pages, and a page beside it."""
    rng = random.Random(number)
    name, what, how = broken(rng, served)
    visits = [(page, f"run={quote(name)}&runs={quote(quote(name))},tiny" + rng.choice(LOOKS)) for page in rng.sample(OPENED, 2)]
    visits.append((rng.choice(OPENED), rng.choice(("", "run=tiny"))))
    told = []
    for page, query in visits:
        visitor = Visitor(served.port)
        told += [f"{page}: {odd}" for odd in wrong(visitor.open(page, query))]
        visitor.close()
    emptied(served.runs / name)
    return Tried(how, [name, what, how, visits], told)


def prepare(served: Served) -> None:
    """A run with all that a training writes, a bundled one with what was computed from it, one that waits, and a folder of tables."""
    trained(served.runs / "tiny")
    shutil.copytree(ROOT / "assets" / "runs" / "ml-100k", served.runs / "bundled")
    queued = served.runs / "queued"
    shutil.copytree(served.runs / "tiny", queued)
    write_json(queued / "job.json", {"arguments": ["--dataset=synthetic:items=40,users=60"], "submitted": 1.0, "queued": 1.0, "pid": 2**22})
    write_json(queued / "status.json", {"state": "stopped", "error": None})
    (queued / "log.txt").write_text("one\ntwo\n")
    tables(served.runs / "tables")


if __name__ == "__main__":
    sys.exit(main("runs", str(__doc__), tried, prepare, CASES))
