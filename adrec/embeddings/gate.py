"""Judgments as a gate: which tables fail a rule, and what changed since an earlier judgment by more than chance."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adrec.collapse.kinds import COLLAPSED, KINDS
from adrec.collapse.verdict import sure
from adrec.errors import ConfigError, DataError, refusal

WORSE, JOIN = "worse", "join"
"""Beside the kinds, what ``--fail-on`` may name: a table became worse than in the baseline; its rows belong to other items than said."""
SURE = 0.9
"""A verdict of less confidence may be another by chance."""
SPREADS = 3.0
"""Counts change by more than chance if they differ by this many standard deviations of a binomial."""
LEAST = 0.01
"""A smaller share of the rows or columns is no change."""
RANKS = {kind: 2 if kind in COLLAPSED else 1 if kind in ("spectral-only", "weakly-learned") else 0 for kind in KINDS}
"""How bad a kind is."""


def rules(text: str, baseline: bool) -> tuple[str, ...]:
    """Kinds, separated by commas, on which a gate fails; an unknown one is a ConfigError."""
    found = tuple(dict.fromkeys(word for word in text.replace(",", " ").split()))
    for word in found:
        if word not in (*KINDS, JOIN, WORSE):
            known = f"{', '.join(KINDS)}, '{JOIN}', or '{WORSE}' with a baseline"
            raise ConfigError(f"'{word[:40]}' is not a kind of verdict; must be one of {known}.")
    if not found:
        raise ConfigError(f"The option --fail-on names nothing; expected kinds such as {', '.join(COLLAPSED)}.")
    if WORSE in found and not baseline:
        raise ConfigError(f"The option --fail-on {WORSE} compares with an earlier judgment, so it needs --baseline.")
    return found


def read_baseline(path: Path) -> list[dict[str, Any]]:
    """The tables' entries in what ``collapse --json`` printed earlier."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        tables = found["tables"]
        for entry in tables:
            RANKS[entry["verdict"]["kind"]], float(entry["verdict"]["confidence"]), str(entry["name"])
            for fact in entry["facts"]:
                str(fact["code"]), int(fact["count"]), int(fact["of"]), str(fact["says"])
            if entry["meaning"] is not None:
                [float(entry["meaning"][key]) for key in ("share", "low", "high")]
    except OSError as error:
        raise DataError(refusal(error)) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise DataError(f"'{path}' is not a judgment; expected what 'adrec collapse --json' printed.") from None
    if not tables:
        raise DataError(f"'{path}' holds no table; expected what 'adrec collapse --json' printed.")
    return list(tables)


def changes(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What changed by more than chance, as ``{"name", "what", "says", "worse"}``. Tables are the same by name, or as the only ones.

    what: ``kind``, ``join``, ``meaning`` or the code of a fact. A kind changed if both verdicts are at least SURE, a meaning if its
    intervals are apart, a fact if it came, went, or counts otherwise by SPREADS standard deviations.
    """
    by_name = {entry["name"]: entry for entry in before}
    found = []
    for entry in after:
        earlier = before[0] if len(before) == len(after) == 1 else by_name.get(entry["name"])
        if earlier is not None:
            found += [{"name": entry["name"], **change} for change in _changed(earlier, entry)]
    return found


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    verdicts = [entry["verdict"] for entry in (before, after)]
    old, new = (verdict["kind"] for verdict in verdicts)
    if old != new and min(verdict["confidence"] for verdict in verdicts) >= SURE:
        found.append({"what": "kind", "says": f"It was {old} and is {new}.", "worse": RANKS[new] > RANKS[old]})
    if _misjoined(after) and not _misjoined(before):
        found.append({"what": JOIN, "says": after["join"]["says"], "worse": True})
    then, now = before["meaning"], after["meaning"]
    if then is not None and now is not None and (now["low"] > then["high"] or now["high"] < then["low"]):
        was, is_ = (f"{m['share']:.2f} ({m['low']:.2f} to {m['high']:.2f})" for m in (then, now))
        says = f"Of what a plain factorisation reaches it reached {was} and reaches {is_}."
        found.append({"what": "meaning", "says": says, "worse": now["share"] < then["share"]})
    facts = [{fact["code"]: fact for fact in entry["facts"]} for entry in (before, after)]
    for code in dict.fromkeys([*facts[0], *facts[1]]):
        gone, come = facts[0].get(code), facts[1].get(code)
        if gone is None and come is not None:
            found.append({"what": code, "says": f"New: {come['says']}", "worse": True})
        elif come is None and gone is not None:
            found.append({"what": code, "says": f"No longer: {gone['says']}", "worse": False})
        elif gone is not None and come is not None and _counts_differ(gone, come):
            says = f"{come['says']} They were {gone['count']:,} of {gone['of']:,}."
            found.append({"what": code, "says": says, "worse": come["count"] / come["of"] > gone["count"] / gone["of"]})
    return found


def _misjoined(entry: Mapping[str, Any]) -> bool:
    """Whether the rows belong to other items than was said, or nothing tells to which."""
    join = entry.get("join")
    return join is not None and (join["fix"] is not None or join["doubt"] is not None)


def _counts_differ(was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    shares = [fact["count"] / max(fact["of"], 1) for fact in (was, now)]
    pooled = (was["count"] + now["count"]) / max(was["of"] + now["of"], 1)
    spread = math.sqrt(max(pooled * (1 - pooled), 0.0) * (1 / max(was["of"], 1) + 1 / max(now["of"], 1)))
    return abs(shares[1] - shares[0]) > max(SPREADS * spread, LEAST)


def failure(
    tables: Sequence[Mapping[str, Any]], fail_on: Sequence[str], least: float, changed: Sequence[Mapping[str, Any]] = ()
) -> str | None:
    """Why the tables fail, as one line; None if they pass. least: the confidence from which a verdict counts."""
    reasons = []
    for entry in tables:
        verdict = entry["verdict"]
        if verdict["kind"] in fail_on and verdict["confidence"] >= least:
            reasons.append(f"'{entry['name']}' is {verdict['kind']}, {sure(verdict)}.")
        if JOIN in fail_on and _misjoined(entry):
            reasons.append(f"'{entry['name']}': {entry['join']['doubt'] or entry['join']['says']}")
    if WORSE in fail_on:
        reasons += [f"'{change['name']}' became worse: {change['says']}" for change in changed if change["worse"]]
    if not reasons:
        return None
    return reasons[0] if len(reasons) == 1 else f"{reasons[0]} And {len(reasons) - 1} more."
