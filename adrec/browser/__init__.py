"""Browser code: ES modules, styles and HTML, shared by the app's components and the exported files.

Modules are packed into one script on use (``pack``); templates escape every value.
"""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adrec.browser import pack

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent
COMPONENT = """
const filled = new WeakSet();
export default (component) => {
  const { parentElement } = component;
  if (!filled.has(parentElement)) {
    filled.add(parentElement);
    const parts = document.createElement("template");
    parts.innerHTML = PARTS;
    parentElement.append(parts.content);
  }
  return mount(component);
};
"""


def text(name: str) -> str:
    """A file of this folder: a style, or a fixed piece of HTML."""
    return (FOLDER / name).read_text(encoding="utf-8")


def styles(folder: str) -> str:
    """All the styles of a folder, in the order of their names, but for ``page.css``, which only a page of its own needs."""
    return "".join(path.read_text(encoding="utf-8") for path in sorted((FOLDER / folder).glob("*.css")) if path.name != "page.css")


def script(module: str) -> str:
    """A module that exports ``mount``, with all that it imports, as one classic script."""
    return pack.script(FOLDER / module)


def component(module: str, css: str = "", html: str = "") -> str:
    """The same for a Streamlit component: a module whose default export mounts it. The first time, it puts its styles and its HTML in
    place; given to Streamlit, they would travel at every rerun."""
    return script(module) + COMPONENT.replace("PARTS", json.dumps(f"<style>{css}</style>{html}"))


def page(template: str, **values: Any) -> str:
    """An HTML file from a template in this folder. Every value is escaped unless the template marks it as HTML."""
    return _templates().get_template(template).render(values)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # only an export needs it
    from markupsafe import Markup

    made = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.globals |= {read.__name__: lambda path, read=read: Markup(read(path)) for read in (text, styles, script)}
    return made
