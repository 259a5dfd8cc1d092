"""A trajectory as the scrubber takes it: one block of bytes. Pure functions of arrays."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from adrec.browser import wire
from adrec.explain import COLORS

if TYPE_CHECKING:
    from adrec.explain.trajectory import Trajectory
    from adrec.maps.placing import Placer

TITLED = 5000
"""Items up to which every title is sent, so that each point of the map has one; above, only those that are shown."""
NEAREST = 10
NEIGHBOURS = 3
"""Nearest items that are named beside the map."""
METHODS = {"pca": "PCA", "umap": "UMAP"}


@dataclass(frozen=True)
class Layout:
    """A map of a stage's items. items: (V, 2); note: how new vectors get their place, which ``place`` gives them."""

    method: str
    items: np.ndarray
    note: str
    place: "Placer"


def layout(tables: Mapping[str, np.ndarray], stage: str, umap: Mapping[str, np.ndarray] | None = None) -> Layout:
    """The map of a stage among a run's tables: its UMAP layout, if it is at hand, or PCA."""
    from adrec.maps.placing import Placer  # brings scipy: not before the page's first words
    from adrec.maps.projection import pca_map

    if umap is not None:
        note = "UMAP of the final item table; x̂₀ and xₜ are amid their 10 nearest items by cosine (weighted geometric median)"
        return Layout("umap", umap[stage], note, Placer(tables[stage], umap[stage], k=NEAREST))
    linear = pca_map(tables)
    note = (
        f"The two axes show {100 * linear.explained[stage]:.0f} % of the item table's variance; x̂₀ and xₜ are projected on them, "
        "brought to the items' mean length, which changes no ranking"
    )
    items = linear.apply(tables[stage])
    return Layout("pca", items, note, Placer(tables[stage], items, linear, NEAREST))


def blob(trajectory: "Trajectory", layout: Layout, title: Callable[[int], str], name: str = "") -> bytes:
    """Everything that the scrubber shows but the step it stands at. name: of one of two panels."""
    arrays = _arrays(trajectory, layout)
    shown = {*trajectory.history, *(i for name in ("top", "near", "rival") for i in arrays[name].ravel().tolist())}
    shown |= {i for i in (trajectory.target, trajectory.popular) if i}
    items = len(layout.items)
    known = range(1, items + 1) if items <= TITLED else sorted(shown)
    head = {
        "items": items,
        "k": arrays["top"].shape[1],
        "steps": trajectory.steps,
        "timesteps": trajectory.timesteps.tolist(),
        "decided": trajectory.commit_step,
        "history": trajectory.history,
        "target": trajectory.target,
        "popular": trajectory.popular,
        "near_k": arrays["near"].shape[1],
        "titles": {i: title(i) for i in known},
        "colors": COLORS,
        **({"name": name} if name else {}),
        "method": METHODS[layout.method],
        "method_note": layout.note,
        "rank_label": f"Rank over {trajectory.steps} steps; the values are in the list of each step.",
    }
    return wire.block(head, arrays)


def packed(scenes: bytes, step: int) -> bytes:
    """A ``blob``, or two one after the other, with the step that the clock opens at, which is the first one's."""
    return step.to_bytes(4, "little") + scenes


def on_map(trajectory: "Trajectory", layout: Layout, title: Callable[[int], str]) -> dict[str, Any]:
    """Where ``blob`` puts the states (S + 1) and the estimates (S) on the map, as plain lists. lost: of the vector's nearest items, how
    much is not nearest on the map. nearest: by cosine, nearest first."""

    def places(vectors: np.ndarray) -> list[dict[str, Any]]:
        found = layout.place(vectors)
        rows = zip(found.positions.tolist(), found.errors.tolist(), (found.near + 1).tolist(), strict=True)
        return [{"at": at, "lost": lost, "nearest": [{"id": i, "title": title(i)} for i in near]} for at, lost, near in rows]

    about = {"method": METHODS[layout.method], "note": layout.note}
    return about | {"x_t": places(trajectory.x_t), "x0_hat": places(trajectory.x0_hat)}


def _arrays(trajectory: "Trajectory", layout: Layout) -> dict[str, np.ndarray]:
    """By name, float32 or int32. Rows of S + 1 begin with the noise itself, ranked as if it were an answer."""
    points, steps = np.concatenate([trajectory.x0_hat, trajectory.x_t]), len(trajectory.x0_hat)
    (x0_path, xt_path), (x0_near, xt_near), (x0_error, xt_error) = (np.split(part, [steps]) for part in layout.place(points))
    found: dict[str, Any] = {
        "top": np.vstack([trajectory.start_top, trajectory.top]),
        "probability": np.vstack([trajectory.start_probabilities, trajectory.top_probabilities]),
        "answer_rank": trajectory.answer_rank,
        "entropy": trajectory.entropy,
        "margin": trajectory.margin,
        "rival": trajectory.rival,
        "cosine_to_final": trajectory.cosine_to_final,
        "cosine_to_history": trajectory.cosine_to_history,
        "near": np.vstack([xt_near[:1], x0_near])[:, :NEIGHBOURS] + 1,
        "layout": layout.items,
        "x0_path": x0_path,
        "xt_path": xt_path,
        "x0_error": x0_error,
        "xt_error": xt_error,
    }
    if trajectory.cosine_to_popular is not None:
        found["cosine_to_popular"] = trajectory.cosine_to_popular
    if trajectory.target_rank is not None and trajectory.target_probability is not None:
        found["rank"] = np.array([trajectory.start_target_rank, *trajectory.target_rank])
        found["target_probability"] = np.array([trajectory.start_target_probability, *trajectory.target_probability])
        found["cosine_to_target"] = trajectory.cosine_to_target
    return {n: np.ascontiguousarray(a, dtype="<i4" if np.asarray(a).dtype.kind in "iu" else "<f4") for n, a in found.items()}
