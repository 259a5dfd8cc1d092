"""A trajectory to take along: JSON, a table, and one HTML file in which the scrubber works without a server."""

import base64
import html
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from adrec import explorer
from adrec.explorer import scene, words

if TYPE_CHECKING:
    import numpy as np

    from adrec.fan import Fan, FewerSteps
    from adrec.trajectory import Trajectory

Title = Callable[[int], str]


def document(
    trajectory: "Trajectory", title: Title, user: str | None = None, fan: "Fan | None" = None, fewer: "Sequence[FewerSteps]" = ()
) -> dict[str, Any]:
    """All that is shown, as one JSON object: the trajectory with its ``headline``, and ``fan`` and ``fewer_steps`` where measured."""
    report = trajectory.to_json(title, user) | {"headline": words.headline(trajectory, title, words.TEXT)}
    if fan is not None:
        report |= {"fan": fan.to_json(title), "fewer_steps": [few.to_json() for few in fewer]}
    return report


def table(trajectory: "Trajectory", title: Title) -> pd.DataFrame:
    """The same as rows, one for each place of each step's list; what belongs to a step is repeated."""
    rows = []
    for number, step in enumerate(trajectory.to_json(title)["steps"], 1):
        once: dict[str, Any] = {"step": number} | {k: v for k, v in step.items() if isinstance(v, int | float) or v is None}
        once |= {"rival": step["rival"]["title"], "entered": _listed(step["entered"]), "left": _listed(step["left"])}
        rows += [once | {"place": place} | item for place, item in enumerate(step["top"], 1)]
    return pd.DataFrame(rows)


def _listed(items: Sequence[dict[str, Any]]) -> str:
    return "; ".join(item["title"] for item in items)


def page(
    trajectory: "Trajectory", embeddings: "np.ndarray", layout: scene.Layout, title: Title, *, name: str, user: str | None = None
) -> str:
    """One HTML file with everything in it, JSON and CSV too; it asks nothing of the network. embeddings: (V + 1, D). name: of the run."""
    blob = scene.packed(scene.blob(trajectory, embeddings, layout, title), trajectory.steps)
    whose = "a composed history" if user is None else f"user {user}"
    stem = f"{name}-{user or 'composed'}-seed{trajectory.seed}"
    saved = {
        "json": ("application/json", json.dumps(document(trajectory, title, user), ensure_ascii=False)),
        "csv": ("text/csv", table(trajectory, title).to_csv(index=False)),
    }
    links = " · ".join(
        f'<a download="{html.escape(stem)}.{end}" href="data:{kind};base64,{_base64(text.encode())}">{end.upper()}</a>'
        for end, (kind, text) in saved.items()
    )
    values = {
        "NAME": html.escape(f"{name}, {whose}"),
        "HEADLINE": words.headline(trajectory, title, words.HTML),
        "ABOUT": html.escape(f"Run {name}, {whose}, seed {trajectory.seed}, {trajectory.steps} denoising steps."),
        "HISTORY": _cards(trajectory, title),
        "LINKS": links,
        "DEFINITIONS": "".join(f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in words.DEFINITIONS.items()),
        "STYLE": explorer.text("report.css", *explorer.STYLES),
        "SCRUBBER": explorer.text("scrubber.html"),
        "SCENE": _base64(blob),
        "SCRIPT": explorer.text(*explorer.SCRIPTS),
    }
    template = explorer.text("report.html")
    for part in template.split("{{")[1:]:
        key = part.partition("}}")[0]
        template = template.replace("{{" + key + "}}", values[key], 1)
    return template


def _cards(trajectory: "Trajectory", title: Title) -> str:
    past = "".join(f"<li>{html.escape(title(item))}</li>" for item in trajectory.history)
    return past if trajectory.target is None else f'{past}<li class="next">★ Came next: {html.escape(title(trajectory.target))}</li>'


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
