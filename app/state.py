"""The visitor's choices, kept in the URL and nowhere else, so that a copied link shows the same thing.

One rule: the URL is the truth. A widget takes its value from it before it is drawn and writes to it when it changes, so
links, the sidebar and the browser's Back all lead to the same picture. Leaving a page by the sidebar empties the URL; what the page
last showed is put back on return, and the run goes along to the other pages.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

PARAMETERS: dict[str, Callable[[str], Any]] = {
    "run": str,
    "stage": str,
    "user": str,
    "step": int,
    "steps": int,
    "seed": int,
    "item": int,
    "method": str,
    "colour": str,
    "view": str,
    "history": str,
    "selected": str,
    "metric": str,
    "before": str,
    "after": str,
    "movers": str,
    "spectrum": str,
    "scale": str,
    "table": str,
    "direction": int,
    "frame": int,
    "dial": str,
    "degree": int,
    "compare": str,
    "other": str,
    "against": str,
    "place": int,
    "by": int,
    "tool": str,
    "example": str,
    "from": int,
    "file": str,
    "options": str,
}
"""The parameters that a link may carry and how their text is read; a page may use others through the same functions."""

SHARED = ("run",)
OF_THE_BROWSER = ("chapter", "from")
"""Not kept for a return to a page: the lesson's chapter, which changes without a rerun, and the chapter that a page was opened from."""
_MEMORY = "state.memory"
_PAGE = "state.page"


def arrive(page: str, fits: Callable[[str, str], bool] = lambda page, run: True) -> None:
    """Note the page; on arrival from another page with an empty URL, restore this page's last choices and the shared ones. fits: whether
    a run that was chosen on another page is one to open this page with."""
    memory = st.session_state.setdefault(_MEMORY, {})
    if st.session_state.get(_PAGE) != page and not st.query_params.to_dict():
        own, shared = memory.get(page, {}), memory.get("", {})
        along = shared.get("run") in (None, own.get("run")) or fits(page, shared["run"])
        restored = {**own, **(shared if along else {})}
        if restored:
            st.query_params.from_dict(restored)
    st.session_state[_PAGE] = page
    _remember()


def here() -> str:
    """The page that is open."""
    page: str = st.session_state.get(_PAGE, "learn")
    return page


def get(name: str, default: Any = None) -> Any:
    """The parameter's value from the URL, or the default if it is absent or unreadable."""
    text = st.query_params.get(name)
    if text is None or text == "":
        return default
    try:
        return PARAMETERS.get(name, str)(text)
    except ValueError:
        return default


def put(**values: Any) -> None:
    """Write choices to the URL; None removes one. Unchanged values are not written."""
    for name, value in values.items():
        text = None if value is None else str(value)
        if text is None:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != text:
            st.query_params[name] = text
    _remember()


def bound(name: str, default: Any, options: Sequence[Any] | None = None, of: Any = None) -> dict[str, Any]:
    """``key`` and ``on_change`` of a widget whose value is the URL's ``name``.

    ``st.selectbox("Run", names, **state.bound("run", names[0], names))``. A value that is not among the options counts as
    the default; what was never chosen is not in the URL. of: what a long list lists; while that stays the same and the widget has the
    value already, the widget is told nothing, and the list that the browser keeps need not be sent again.
    """
    key = f"state.{name}"
    value = get(name, default)
    if options is not None and value not in options:
        value = default
    known = of is not None and st.session_state.get(f"{key}.of") == of and st.session_state.get(key) == value
    if not known:
        st.session_state[key] = value
        st.session_state[f"{key}.of"] = of

    def write() -> None:
        chosen = st.session_state.get(key)  # gone if the page was drawn without the widget before the press arrived
        if key in st.session_state and (options is None or chosen in options):
            put(**{name: chosen})

    return {"key": key, "on_change": write}


def link(**values: Any) -> dict[str, str]:
    """Query parameters for ``st.page_link`` and ``st.switch_page``: the shared choices, overridden by ``values``."""
    chosen = {name: get(name) for name in SHARED} | values
    return {name: str(value) for name, value in chosen.items() if value is not None}


def _remember() -> None:
    memory = st.session_state.setdefault(_MEMORY, {})
    current = {name: value for name, value in st.query_params.to_dict().items() if name not in OF_THE_BROWSER}
    memory[here()] = current
    memory[""] = {**memory.get("", {}), **{k: v for k, v in current.items() if k in SHARED}}
