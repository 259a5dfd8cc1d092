"""In which line of a TOML file a key stands: ``tomllib`` keeps no lines, so they are found by the tables' headers and the keys' names."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from adrec.errors import ConfigError

HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
Place = tuple[str | int, ...]
"""Where something is in a file: keys, and positions in lists, such as ("models", 2, "settings", "lr")."""


def line_of(text: str, place: Place, value: object = None) -> int | None:
    """The line, from 1, of what is at ``place``, or of a ``value`` in it; None if it isn't written as one would expect."""
    lines = text.splitlines()
    begin, end, names = 0, len(lines), [str(part) for part in place if isinstance(part, str)]
    for span, own in _sections(lines, place):
        begin, end, names = *span, own
    for name in names:  # each is looked for behind the one that holds it
        key = re.compile(rf"""(?<![\w"'-])["']?{re.escape(name)}["']?\s*=""")
        begin = next((i for i in range(begin, end) if key.search(_code(lines[i]))), begin)
    if value is not None:
        words = re.compile(rf"""(?<![\w.-])["']?{re.escape(str(value))}["']?(?![\w.-])""")
        begin = next((i for i in range(begin, end) if words.search(_code(lines[i]))), begin)
    return begin + 1 if lines else None


def _code(line: str) -> str:
    return line if line.count('"') % 2 or "#" not in line else re.sub(r"""#[^"']*$""", "", line)


def _sections(lines: list[str], place: Place) -> Iterable[tuple[tuple[int, int], list[str]]]:
    """The lines of the tables whose header leads to ``place``, outermost first, and the names that are still to be found in them."""
    counts: dict[str, int] = {}
    headers: list[tuple[int, Place]] = []
    for i, line in enumerate(lines):
        found = HEADER.match(line)
        if found is None:
            continue
        header: list[str | int] = []
        parts = [part.strip().strip("\"'") for part in found[2].split(".")]
        for depth, part in enumerate(parts):
            whole, last = ".".join(parts[: depth + 1]), depth == len(parts) - 1
            header.append(part)
            if found[1] == "[[" and last:
                counts[whole] = counts.get(whole, -1) + 1
            if whole in counts:
                header.append(counts[whole])
        headers.append((i, tuple(header)))
    stops = [*(i for i, _ in headers[1:]), len(lines)][: len(headers)]
    top = headers[0][0] if headers else len(lines)
    yield (0, top), [str(part) for part in place if isinstance(part, str)]
    for (i, path), stop in zip(headers, stops, strict=True):
        if place[: len(path)] == path:
            yield (i, stop), [str(part) for part in place[len(path) :] if isinstance(part, str)]


def nearest(name: object, known: Iterable[str]) -> str:
    """The end of a sentence: the closest of the known names, or all of them."""
    names = list(known)
    near = difflib.get_close_matches(str(name), names, 1, 0.5)
    return f"did you mean '{near[0]}'?" if near else f"expected one of {', '.join(names)}."


def refuse(path: Path, text: str, place: Place, what: str, value: object = None) -> NoReturn:
    """A ConfigError that names the file, the line and what is wrong."""
    line = line_of(text, place, value)
    raise ConfigError(f"'{path}'{'' if line is None else f', line {line}'}: {what}")
