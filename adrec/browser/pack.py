"""Packs ES modules into one script: each module in a scope of its own, after those that it imports.

Requirements: imports list names, also ``a as b``, and give a path from the module's own folder; exports precede a declaration of one name,
which is not ``let``, because importers get a copy. Anything else is refused.
"""

import re
from functools import cache
from pathlib import Path

IMPORT = re.compile(r'^import \{(\s*[\w$]+(?: as [\w$]+)?(?:,\s*[\w$]+(?: as [\w$]+)?)*,?\s*)\} from "(\.\.?/[\w./-]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:(?:async )?function\*?|class) [\w$]+|const [\w$]+ = )", re.MULTILINE)
EXPORTED = re.compile(r"^export (?:async )?(?:function\*?|class|const) ([\w$]+)", re.MULTILINE)
LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


class PackError(ValueError):
    """Modules that cannot become one script; the message says why."""


@cache
def script(entry: Path) -> str:
    """A module and all that it imports as one classic script, which declares the module's exports. Kept for the life of the process."""
    order: list[Path] = []
    _visit(entry.resolve(), (), order)
    names = {path: f"$module{place}" for place, path in enumerate(order)}
    return "".join(_scope(path, names, path == order[-1]) for path in order)


def _text(path: Path) -> str:
    if not path.is_file():
        raise PackError(f"There is no module {path.name} in {path.parent}.")
    return path.read_text(encoding="utf-8").replace("\r\n", "\n")


def _visit(path: Path, above: tuple[Path, ...], order: list[Path]) -> None:
    """Append a module's imports to ``order``, then the module. above: the chain of modules that leads here."""
    if path in above:
        circle = " imports ".join(p.name for p in (*above[above.index(path) :], path))
        raise PackError(f"Modules must not import each other in a circle: {circle}.")
    if path in order:
        return
    for names, other in IMPORT.findall(_text(path)):
        imported = (path.parent / other).resolve()
        _visit(imported, (*above, path), order)
        exported = EXPORTED.findall(_text(imported))
        missing = [name for name in re.findall(r"([\w$]+)(?: as [\w$]+)?", names) if name not in exported]
        if missing:
            raise PackError(f"{path.name} imports {', '.join(missing)} from {imported.name}, which does not export it.")
    order.append(path)


def _scope(path: Path, names: dict[Path, str], entry: bool) -> str:
    """A module as a function that is called at once and returns its exports."""
    text = _text(path)

    def imported(found: re.Match[str]) -> str:
        return f"const {{{found[1].replace(' as ', ': ')}}} = {names[(path.parent / found[2]).resolve()]};\n"

    body = EXPORT.sub("", IMPORT.sub(imported, text))
    if left := LEFT.search(body):
        raise PackError(f'{path.name}: "{left[0]}" cannot be packed; see adrec/browser/pack.py for the forms that can.')
    exports = f"{{ {', '.join(EXPORTED.findall(text))} }}"
    return f"const {exports if entry else names[path]} = (() => {{\n{body}return {exports};\n}})();\n"
