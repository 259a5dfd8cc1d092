"""Exports of a trajectory: JSON, a table, and one HTML file in which the scrubber works without a server."""

import base64
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from adrec import browser
from adrec.explain import scene, words
from adrec.files import csv_for_people

if TYPE_CHECKING:
    from adrec.explain.records import FewerSteps, SeedSweep, Trajectory

Title = Callable[[int], str]


@dataclass(frozen=True)
class Comparison:
    """A trajectory B to compare with a trajectory A: one thing changed, same seed.

    kind, before, after: the change, as in ``words.change``. names: headings of the two panels. trajectory, layout, user: B's.
    """

    kind: str
    before: str | None
    after: str | None
    names: tuple[str, str]
    trajectory: "Trajectory"
    layout: scene.Layout
    user: str | None

    def summary(self, one: "Trajectory", title: Title, style: words.Style) -> str:
        """How the change affects A's answer, and whether both share the same noise."""
        lent = f"user {style.title(str(self.after))}" if self.kind == "user" else ""
        changed = words.change(self.kind, self.before, self.after, style)
        sentences = [
            words.describe_pair(changed, one, self.trajectory, title, style),
            words.describe_shared_noise(one, self.trajectory, lent),
        ]
        if self.kind == "run" and len(self.trajectory.history) < len(one.history):
            sentences.insert(1, f"B reads only the last {len(self.trajectory.history)} items of the history.")
        return " ".join(sentences)

    def scenes(self, one: "Trajectory", layout: scene.Layout, title: Title) -> bytes:
        """A's scene and B's."""
        first, second = self.names
        return scene.blob(one, layout, title, first) + scene.blob(self.trajectory, self.layout, title, second)

    def to_json(self, one: "Trajectory", title: Title) -> dict[str, Any]:
        """All of B, and ``common``: the number of items that both lists share at each step of A, None while B is pure noise."""
        other = self.trajectory
        at = [math.floor(step * other.steps / one.steps + 0.5) for step in range(1, one.steps + 1)]
        return {
            "changed": self.kind,
            "before": self.before,
            "after": self.after,
            "headline": self.summary(one, title, words.TEXT),
            "common": [len({*one.top[i].tolist()} & {*other.top[step - 1].tolist()}) if step else None for i, step in enumerate(at)],
            "names": list(self.names),
            "b": document(other, self.layout, title, self.user),
        }


def document(
    trajectory: "Trajectory",
    layout: scene.Layout | None,
    title: Title,
    user: str | None = None,
    sweep: "SeedSweep | None" = None,
    fewer: "Sequence[FewerSteps]" = (),
    comparison: Comparison | None = None,
) -> dict[str, Any]:
    """Everything shown, as one JSON object: the trajectory with its ``headline`` and its path on the ``map`` (None without a layout),
    ``seed_sweep`` and ``fewer_steps`` if measured, and ``comparison`` if there is a second panel."""
    report = trajectory.to_json(title, user) | {"headline": words.headline(trajectory, title, words.TEXT)}
    report |= {"map": None if layout is None else scene.on_map(trajectory, layout, title)}
    if sweep is not None:
        report |= {"seed_sweep": sweep.to_json(title), "fewer_steps": [few.to_json() for few in fewer]}
    if comparison is not None:
        report |= {"comparison": comparison.to_json(trajectory, title)}
    return report


def table(trajectory: "Trajectory", title: Title, comparison: Comparison | None = None) -> pd.DataFrame:
    """The lists as rows, one per step and place in its list, step 0 being the noise; values of the whole step are repeated. With a
    second panel, a ``panel`` column tells A from B."""
    if comparison is not None:
        both = {"A": table(trajectory, title), "B": table(comparison.trajectory, title)}
        return pd.concat(both, names=["panel"]).reset_index(level=0)
    report = trajectory.to_json(title)
    rows = []
    for number, step in enumerate([{"t": None, **report["start"]}, *report["steps"]]):
        once: dict[str, Any] = {"step": number} | {k: v for k, v in step.items() if isinstance(v, int | float) or v is None}
        if number:
            once |= {"rival": step["rival"]["title"], "entered": _listed(step["entered"]), "left": _listed(step["left"])}
        rows += [once | {"place": place} | item for place, item in enumerate(step["top"], 1)]
    return pd.DataFrame(rows, columns=list(rows[-1])).astype({"t": "Int64"})


def _listed(items: Sequence[dict[str, Any]]) -> str:
    return "; ".join(item["title"] for item in items)


def page(
    trajectory: "Trajectory",
    layout: scene.Layout,
    title: Title,
    *,
    name: str,
    user: str | None = None,
    comparison: Comparison | None = None,
) -> str:
    """One self-contained HTML file with the JSON and CSV inside; it makes no network request. name: the run's."""
    scenes = scene.blob(trajectory, layout, title) if comparison is None else comparison.scenes(trajectory, layout, title)
    saved = {
        "json": ("application/json", json.dumps(document(trajectory, layout, title, user, comparison=comparison), ensure_ascii=False)),
        "csv": ("text/csv", csv_for_people(table(trajectory, title, comparison))),
    }
    return browser.page(
        "trajectory.html",
        name=name,
        whose="a composed history" if user is None else f"user {user}",
        trajectory=trajectory,
        leads=[
            words.headline(trajectory, title, words.HTML),
            *([] if comparison is None else [comparison.summary(trajectory, title, words.HTML)]),
        ],
        why=words.why(trajectory, words.HTML),
        title=title,
        stem=f"{name}-{user or 'composed'}-seed{trajectory.seed}",
        links={end: f"data:{kind};base64,{_base64(text.encode())}" for end, (kind, text) in saved.items()},
        definitions=words.definitions(),
        scene=_base64(scene.packed(scenes, trajectory.steps)),
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
