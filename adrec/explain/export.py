"""A trajectory to take along: JSON, a table, and one HTML file in which the scrubber works without a server."""

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
    from adrec.explain.seeds import Fan, FewerSteps
    from adrec.explain.trajectory import Trajectory

Title = Callable[[int], str]


@dataclass(frozen=True)
class Beside:
    """A second panel, B, beside that of a trajectory, A, with one thing changed under the same seed.

    kind, before, after: the change as ``words.change`` takes it. names: over the two panels. trajectory, layout, user: B's. scenes: of
    A and B.
    """

    kind: str
    before: str | None
    after: str | None
    names: tuple[str, str]
    trajectory: "Trajectory"
    layout: scene.Layout
    user: str | None
    scenes: bytes

    def told(self, one: "Trajectory", title: Title, style: words.Style) -> str:
        """What the change changed in A's answer, and whether both are made of the same noise."""
        lent = f"user {style.title(str(self.after))}" if self.kind == "user" else ""
        changed = words.change(self.kind, self.before, self.after, style)
        said = [words.of_pair(changed, one, self.trajectory, title, style), words.of_shared_noise(one, self.trajectory, lent)]
        if self.kind == "run" and len(self.trajectory.history) < len(one.history):
            said.insert(1, f"B reads only the last {len(self.trajectory.history)} items of the history.")
        return " ".join(said)

    def to_json(self, one: "Trajectory", title: Title) -> dict[str, Any]:
        """All of B, and ``common``: at each step of A, how many of the list's items B's has too, None while B is pure noise."""
        other = self.trajectory
        at = [math.floor(step * other.steps / one.steps + 0.5) for step in range(1, one.steps + 1)]
        return {
            "changed": self.kind,
            "before": self.before,
            "after": self.after,
            "headline": self.told(one, title, words.TEXT),
            "common": [len({*one.top[i].tolist()} & {*other.top[step - 1].tolist()}) if step else None for i, step in enumerate(at)],
            "names": list(self.names),
            "b": document(other, self.layout, title, self.user),
        }


def document(
    trajectory: "Trajectory",
    layout: scene.Layout | None,
    title: Title,
    user: str | None = None,
    fan: "Fan | None" = None,
    fewer: "Sequence[FewerSteps]" = (),
    beside: Beside | None = None,
) -> dict[str, Any]:
    """All that is shown, as one JSON object: the trajectory with its ``headline`` and its way on the ``map``, ``fan`` and ``fewer_steps``
    where measured, and ``comparison`` where there is a second panel. Without a layout ``map`` is None."""
    report = trajectory.to_json(title, user) | {"headline": words.headline(trajectory, title, words.TEXT)}
    report |= {"map": None if layout is None else scene.on_map(trajectory, layout, title)}
    if fan is not None:
        report |= {"fan": fan.to_json(title), "fewer_steps": [few.to_json() for few in fewer]}
    if beside is not None:
        report |= {"comparison": beside.to_json(trajectory, title)}
    return report


def table(trajectory: "Trajectory", title: Title, beside: Beside | None = None) -> pd.DataFrame:
    """The lists as rows, one for each place of each step's list, step 0 being the noise; what belongs to a step is repeated. Of two
    panels, with the panel."""
    if beside is not None:
        both = {"A": table(trajectory, title), "B": table(beside.trajectory, title)}
        return pd.concat(both, names=["panel"]).reset_index(level=0)
    told = trajectory.to_json(title)
    rows = []
    for number, step in enumerate([{"t": None, **told["start"]}, *told["steps"]]):
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
    beside: Beside | None = None,
) -> str:
    """One HTML file with everything in it, JSON and CSV too; it asks nothing of the network. name: of the run."""
    scenes = scene.blob(trajectory, layout, title) if beside is None else beside.scenes
    saved = {
        "json": ("application/json", json.dumps(document(trajectory, layout, title, user, beside=beside), ensure_ascii=False)),
        "csv": ("text/csv", csv_for_people(table(trajectory, title, beside))),
    }
    return browser.page(
        "trajectory.html",
        name=name,
        whose="a composed history" if user is None else f"user {user}",
        trajectory=trajectory,
        leads=[words.headline(trajectory, title, words.HTML)] + ([] if beside is None else [beside.told(trajectory, title, words.HTML)]),
        why=words.why(trajectory, words.HTML),
        title=title,
        stem=f"{name}-{user or 'composed'}-seed{trajectory.seed}",
        links={end: f"data:{kind};base64,{_base64(text.encode())}" for end, (kind, text) in saved.items()},
        definitions=words.DEFINITIONS,
        scene=_base64(scene.packed(scenes, trajectory.steps)),
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
