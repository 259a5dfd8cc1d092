"""What is kept of the compared runs, measured when somebody asked for it: lists, verdicts on item tables, and what follows from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from adrec.data import catalog
from adrec.files import changed
from adrec.folders import home
from app import loaders
from app.compare import facts
from app.compare.facts import STAGE, Group
from app.loaders import LoadedRun

if TYPE_CHECKING:
    from adrec.experiments.lists import Lists
    from adrec.experiments.measures import Users


def _kept(run: LoadedRun, *names: str) -> int:
    """When one of these was last kept, with the run or elsewhere."""
    return max(max(changed(run.path / name), changed(home() / name.partition(".")[0])) for name in names)


@dataclass(frozen=True)
class Judgment:
    """What is known of a run's final item table."""

    kind: str
    effective_rank: float
    mean_cosine: float


def judgment(run: LoadedRun) -> Judgment | None:
    """The kept verdict on the run's final table; None if there is none."""
    return _judgment(run, _kept(run, "judged.json", "diagnosis.json"))


@loaders.of_run(1024)
def _judgment(run: LoadedRun, kept: int) -> Judgment | None:
    from adrec.collapse.diagnosis import cached_diagnosis
    from adrec.experiments.lists import kept_judgment

    if STAGE not in run.table_names():
        return None
    found = kept_judgment(run, str(run.info["dataset"].get("hash")))
    if found is not None:
        return Judgment(found["verdict"], found["effective_rank"], found["mean_cosine"])
    whole = cached_diagnosis(run)
    table = next((t for t in whole["tables"] if t["name"] == STAGE), None) if whole else None
    if table is None:
        return None
    return Judgment(table["verdict"]["kind"], table["measures"]["effective_rank"], table["measures"]["mean_cosine"])


def judgments(group: Group) -> list[Judgment]:
    """Those of its runs, as far as they are kept."""
    return [one for run in group.runs if (one := judgment(run)) is not None]


def lists(run: LoadedRun) -> "Lists | None":
    """The kept lists of the test users; None if they have not been computed."""
    return _lists(run, _kept(run, "lists.npz"))


@loaders.of_run(128)
def _lists(run: LoadedRun, kept: int) -> "Lists | None":
    from adrec.experiments.lists import kept_lists

    return kept_lists(run, str(run.info["dataset"].get("hash")))


def missing(run: LoadedRun) -> bool:
    """Whether something of the run could still be measured: its lists, or the verdict on its table."""
    known = facts.facts(run)
    return known is not None and ((known.whole and lists(run) is None) or (STAGE in run.table_names() and judgment(run) is None))


@st.cache_resource(max_entries=8, show_spinner=False)
def _users(content: str, _run: LoadedRun, available: bool) -> "Users | None":
    from adrec.experiments.measures import Users

    data, _ = loaders.dataset(_run) if available else (None, "")
    return None if data is None or data.content_hash != content else Users(data)


def users(run: LoadedRun) -> "Users | None":
    """What is known of a run's test users; None if its interactions are not here."""
    entry = loaders.info(run).get("dataset", {})
    return _users(str(entry.get("hash")), run, catalog.available(str(entry.get("name"))))


def measured(run: LoadedRun) -> dict[str, float]:
    """The run's measures beyond those in its metrics, as far as its interactions and its lists are here."""
    of = users(run)
    return {} if of is None else _measured(run, _kept(run, "lists.npz"))


@loaders.of_run(1024)
def _measured(run: LoadedRun, kept: int) -> dict[str, float]:
    from adrec.experiments.measures import Evidence, all_measures

    of, own = users(run), facts.ranks(run)
    if of is None or own is None or len(own) != len(of.users):
        return {}
    evidence = Evidence(of, own, lists(run))
    found = {m.name: m.value(evidence) for m in all_measures() if m.value is not None and m.group != "ranking"}
    return {name: value for name, value in found.items() if value is not None and np.isfinite(value)}


# -- seconds a user -----------------------------------------------------------------------------------------------


def timed(shown: Sequence[Group]) -> dict[str, float]:
    """Seconds a user in one thread, measured when the lists were made, of those groups of which all runs have them; by key."""
    found = {group.key: [one.seconds for run in group.runs if (one := lists(run)) is not None] for group in shown}
    return {group.key: float(np.mean(found[group.key])) for group in shown if len(found[group.key]) == len(group.runs)}


def seconds_a_user(shown: Sequence[Group], among: Group) -> tuple[dict[str, float], bool]:
    """Of each group, by its key; and whether all that can be compared with ``among`` are ``timed``, rather than recorded in training."""
    found = timed(shown)
    alike = all(group.key in found for group in shown if facts.comparable(group.first, among.first))
    recorded = [group for group in shown if not alike or group.key not in found]
    return found | {group.key: float(np.mean([_recorded(run) for run in group.runs])) for group in recorded}, alike


@loaders.of_run(1024)
def _recorded(run: LoadedRun) -> float:
    """The fastest of the validations of the last stage and its test, in seconds a user: what else the machine did matters least to it."""
    events = [e["metrics"] for e in facts.events_of(run) if e.get("kind") == "validation" and e.get("stage") == STAGE]
    timed = [*events, *run.metrics(STAGE).values()] if STAGE in run.stages else events
    found = [m["seconds"] / m["users"] for m in timed if isinstance(m, dict) and m.get("seconds") and m.get("users")]
    return min(found, default=float("nan"))
