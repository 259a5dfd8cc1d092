"""Shared page elements: question, answer, definitions, the run picker, figures, and errors as one sentence."""

import contextlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import streamlit as st

from adrec.errors import AdrecError, RunError, readable, refusal
from adrec.explain import words
from adrec.files import csv_for_people
from adrec.runs import RunFolder
from app import loaders, state
from app.components.pictures import pictures
from app.serving import modes, visitors
from app.texts import texts

log = logging.getLogger(__name__)


def plain(text: str) -> str:
    """Untrusted text as Markdown that shows it unchanged, on a public server without this machine's paths."""
    return words.plain(visitors.without_paths(text))


@contextlib.contextmanager
def guard() -> Iterator[None]:
    """Show failures as one sentence; the details go to the server's log."""
    try:
        yield
    except AdrecError as error:
        st.error(plain(str(error)), icon=":material/error:")
    except OSError as error:
        log.exception("refused by the operating system")
        st.error(plain(refusal(error)), icon=":material/error:")


def header(question: str) -> None:
    """The top of the page: its question as the title."""
    st.title(question, anchor=False)


def warn(sentence: str, place: Any = st) -> None:
    """Say what a link asks for in vain. It may hold anything: long words are shortened, control characters left out."""
    place.warning(plain(readable(sentence)), icon=":material/warning:")


def way_back() -> None:
    """On a page that was opened from the lesson (``from`` in the URL): the way back to that chapter."""
    chapter = state.get("from")
    if chapter is not None and state.here() != "learn":
        said = texts("lesson")["shell"]["wayBack"]
        label = said["chapter" if chapter else "start"].format(number=chapter)
        st.page_link(loaders.ROOT / "pages" / "learn.py", label=label, icon=":material/arrow_back:", query_params={"chapter": str(chapter)})


def run_picker(label: str = "Run", container: Any = None, tables: bool = False, first: str | None = None) -> loaders.LoadedRun | None:
    """Choose the run on screen (``run`` in the URL); None, with a message, if there is none. A damaged run raises a RunError.

    tables: whether to offer folders that hold item tables without a model. first: the run to open with, if it is there.
    """
    place = container if container is not None else st
    bundled_first = sorted(loaders.all_runs(), key=lambda run: not loaders.is_bundled(run))
    every = {loaders.link_name(run): run for run in bundled_first}
    runs = {name: run for name, run in every.items() if tables or not loaders.is_bare(run)}
    order = [first, *runs] if first in runs else list(runs)
    default = next((name for name in order if loaders.problem(runs[name]) is None), next(iter(runs), None))
    if default is None:
        place.info("There is no run yet: train one on the Train page.", icon=":material/info:")
        return None
    wanted = state.get("run")
    if wanted is not None and wanted not in runs:
        wrong = f"'{wanted}' holds item tables but no model" if wanted in every else f"There is no run called '{wanted}' here"
        warn(f"{wrong}; showing '{run_name(runs[default])}' instead.", place)
    chosen = choose_run(label, runs, "run", default, place)
    problem = loaders.problem(runs[chosen])
    if problem is not None:
        raise RunError(problem)
    return runs[chosen]


@dataclass(frozen=True)
class Offered:
    """Runs to choose from, by name, and what is said of them."""

    runs: Mapping[str, RunFolder]

    @cached_property
    def titles(self) -> dict[str, str]:
        return {name: plain(run_title(run)) for name, run in self.runs.items()}

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """Names by the question that the runs answer."""
        groups: dict[str, list[str]] = {}
        for name, run in self.runs.items():
            own = "Your files" if loaders.is_bare(run) else "Runs of this server" if modes.public() else "Your runs"
            groups.setdefault(_about(run, "question") or own, []).append(name)
        return groups

    @cached_property
    def purposes(self) -> dict[str, str]:
        return {name: plain(_about(run, "purpose")) for name, run in self.runs.items()}


def choose_run(label: str, runs: Mapping[str, RunFolder] | Offered, parameter: str, default: str, place: Any = st, url: bool = True) -> str:
    """Choose one of ``runs``, grouped by the question they answer, each with what it is there to show; its name.

    parameter: where the choice is kept: in the URL or, with ``url=False``, in the session.
    """
    offered = runs if isinstance(runs, Offered) else Offered(runs)
    kept = str(state.get(parameter) if url else st.session_state.get(parameter))
    chosen = kept if kept in offered.runs else default

    def write(key: str) -> None:
        if url:
            state.put(**{parameter: st.session_state.get(key, chosen)})
        else:
            st.session_state[parameter] = st.session_state.get(key, chosen)

    # The key changes with the choice, which closes the list.
    with place.popover(f"{label}: {offered.titles[chosen]}", key=f"choose.{parameter}.{chosen}", width="stretch"):
        for number, (question, names) in enumerate(offered.groups.items()):
            key = f"state.{parameter}.{number}"
            st.session_state[key] = chosen if chosen in names else None
            st.radio(
                f"**{plain(question)}**",
                names,
                format_func=offered.titles.__getitem__,
                captions=[offered.purposes[name] for name in names],
                key=key,
                on_change=write,
                args=(key,),
            )
    return chosen


def _about(run: RunFolder, what: str) -> str:
    """A text of run.json; empty where there is none, or no run yet."""
    return str(loaders.info(run).get(what) or "") if run.exists and loaders.problem(run) is None else ""


def run_title(run: RunFolder) -> str:
    """The run's title. A user's own run also shows its name and its data set, since titles may repeat."""
    if not run.exists:
        return run.name
    if loaders.problem(run) is not None:
        return f"{run.name} · unreadable"
    info = loaders.info(run)
    title = info.get("title")
    if title and loaders.is_bundled(run):
        return str(title)
    dataset = info.get("dataset", {})
    data = dataset.get("title") or dataset.get("name") or "unknown data"
    return f"{title} · {run.name} · {data}" if title else f"{run.name} · {data}"


def run_name(run: RunFolder) -> str:
    """What sentences call the run: a bundled one by its title, a user's own by the name that the user gave it."""
    return run_title(run) if loaders.is_bundled(run) else run.name


def figure(figure: Any, data: Any, name: str, alt: str, key: str | None = None, **kwargs: Any) -> Any:
    """A Plotly figure that follows the theme, with its data one click away. data: DataFrame; alt: what it shows, in words.

    With a key, it can be saved as PNG and SVG too.
    """
    shown = st.plotly_chart(figure, width="stretch", theme="streamlit", config={"displayModeBar": False}, key=key, alt=alt, **kwargs)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        download("Data (CSV)", data, name, key)
        if key:
            pictures(key, name)
    return shown


def download(label: str, data: Any, name: str, key: str | None = None) -> None:
    """A link that saves a DataFrame, or what a function makes when it is pressed, as CSV."""
    st.download_button(
        label,
        lambda: csv_for_people(data() if callable(data) else data),
        file_name=f"{name}.csv",
        mime="text/csv",
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
        key=f"{key or name}.csv",
    )
