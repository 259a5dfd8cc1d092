"""Slow computations: run at once for few items, otherwise on the press of a button that says how long they take."""

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import streamlit as st

from adrec.runs import Progress
from app.collapse.data import AT_ONCE
from app.serving import visitors

KEPT = 24
PROBE = 0.7
"""Seconds for which a computation is tried out to estimate its total time."""


def _results(key: Any) -> OrderedDict[Any, Any]:
    """Where a result is kept: a visitor's own go with their session."""
    name = key[1][0] if key[0] == "seconds" else key[0]
    return _visitors_own() if visitors.holds(name) else _everybodys()


@st.cache_resource(show_spinner=False)
def _everybodys() -> OrderedDict[Any, Any]:
    return OrderedDict()


@st.cache_resource(show_spinner=False, scope="session")
def _visitors_own() -> OrderedDict[Any, Any]:
    return OrderedDict()


_lock = threading.Lock()


def known(key: Any) -> Any:
    """The result for ``key``, or None if it has not been computed."""
    with _lock:
        return _results(key).get(key)


def long(key: Any, items: int, what: str, compute: Callable[[Progress], Any]) -> Any:
    """The result of ``compute``, cached under ``key``; None until the user asks for it.

    Up to AT_ONCE items it is computed without asking. Above that, a button says how long it will take; a progress bar then shows the
    time left, and any other choice on the page cancels it.
    """
    found = known(key)
    if found is not None:
        return found
    place = st.empty()
    if items > AT_ONCE:
        seconds = known(("seconds", key)) or _keep(("seconds", key), probe(compute))
        if not place.button(f"Compute {what} ({duration(seconds)})", key=f"long.{key}", icon=":material/play_arrow:"):
            return None
        place.progress(0.0, f"{what}: starting")
    found = compute(_bar(place, what) if items > AT_ONCE else _silent)
    place.empty()
    return _keep(key, found)


def _keep(key: Any, found: Any) -> Any:
    with _lock:
        results = _results(key)
        results[key] = found
        while len(results) > KEPT:
            results.popitem(last=False)
    return found


class _Enough(Exception):
    """The probe has seen enough."""


def probe(compute: Callable[[Progress], Any]) -> float:
    """Estimates how many seconds ``compute`` takes on this machine, from the share done in PROBE seconds."""
    begun, done = time.perf_counter(), [0.0]

    def report(fraction: float, words: str) -> None:
        done[0] = fraction
        if time.perf_counter() - begun > PROBE:
            raise _Enough

    with contextlib.suppress(_Enough):
        compute(report)
        return time.perf_counter() - begun
    return (time.perf_counter() - begun) / done[0]


def _silent(fraction: float, words: str) -> None:
    """Nothing is shown."""


def _bar(place: Any, what: str) -> Progress:
    begun, last = time.monotonic(), [0.0]

    def report(fraction: float, words: str) -> None:
        now = time.monotonic()
        if now - last[0] < 0.25:
            return
        last[0] = now
        left = f"{duration((now - begun) * (1 - fraction) / fraction)} left" if fraction > 0.02 else "estimating the time left"
        place.progress(min(fraction, 1.0), f"{what}: {words}, {100 * fraction:.0f} %, {left}. Any other choice on the page cancels it.")

    return report


def duration(seconds: float) -> str:
    """A rounded duration for people."""
    if seconds < 1.5:
        return "about a second"
    if seconds < 90:
        return f"about {seconds:.0f} s" if seconds < 10 else f"about {5 * round(seconds / 5)} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
