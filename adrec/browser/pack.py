"""Packs ES modules into one script: each module follows those it imports, with imports and exports removed.

Requirements: top-level names are unique across modules, whatever their folder; imports list names and give a path from the module's own
folder (./ or ../); exports precede a declaration, and a top-level declaration declares one name. Anything else is refused.
"""

import re
from functools import cache
from pathlib import Path

IMPORT = re.compile(r'^import \{(\s*[\w$]+(?:,\s*[\w$]+)*,?\s*)\} from "(\.\.?/[\w./-]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let) ?)", re.MULTILINE)
DECLARED = re.compile(r"^(export )?(?:async )?(?:function\*?|class|const|let|var) ([\w$]+)", re.MULTILINE)
LEFT = re.compile(r"^(?:import|export)\b.*|^(?:const|let|var) (?:[{\[]|[\w$]+ = [^\n({\[]*, [\w$]+ =).*", re.MULTILINE)


class PackError(ValueError):
    """Modules that cannot become one script; the message says why."""


@cache
def script(entry: Path) -> str:
    """The text of a module and of all that it imports, as one classic script. Kept for the life of the process."""
    order: list[Path] = []
    _visit(entry.resolve(), (), order)
    owners: dict[str, Path] = {}
    for path in order:
        for _, name in DECLARED.findall(_text(path)):
            if owners.setdefault(name, path) != path:
                raise PackError(f"{path.name} and {owners[name].name} both declare {name} at top level; rename one of them.")
    return "\n".join(_body(path) for path in order)


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
        exported = {name for export, name in DECLARED.findall(_text(imported)) if export}
        missing = [name for name in re.findall(r"[\w$]+", names) if name not in exported]
        if missing:
            raise PackError(f"{path.name} imports {', '.join(missing)} from {imported.name}, which does not export it.")
    order.append(path)


def _body(path: Path) -> str:
    body = EXPORT.sub("", IMPORT.sub("", _text(path)))
    if left := LEFT.search(body):
        raise PackError(f'{path.name}: "{left[0]}" cannot be packed; see adrec/browser/pack.py for the forms that can.')
    return body
