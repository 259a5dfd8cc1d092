"""A trajectory packed into the bytes that the scrubber reads. Pure functions of arrays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from adrec.browser import wire
from adrec.explain import COLORS

if TYPE_CHECKING:
    from adrec.explain.records import Trajectory
    from adrec.maps.placing import Placer

TITLED = 5000
"""Catalogues up to this size send every title, so that each point on the map has one; larger ones send only the titles shown."""
TOP = 10
NEAREST = 10
NEIGHBOURS = 3
"""Nearest items listed next to the map."""
METHODS = {"pca": "PCA", "umap": "UMAP"}


@dataclass(frozen=True)
class Layout:
    """A map of a stage's items. items: (V, 2) positions. placer: puts new vectors on the map. note: how it does so, for people."""

    method: str
    items: np.ndarray
    note: str
    placer: "Placer"


def layout(tables: Mapping[str, np.ndarray], stage: str, umap: Mapping[str, np.ndarray] | None = None) -> Layout:
    """The map of one stage: its UMAP layout if there is one, else PCA of the run's tables."""
    from adrec.maps.placing import Placer  # imports scipy, so not before the page's first paint
    from adrec.maps.projection import pca_map

    if umap is not None:
        note = "UMAP of the final item table; x̂₀ and xₜ lie among their 10 nearest items by cosine (weighted geometric median)"
        return Layout("umap", umap[stage], note, Placer(tables[stage], umap[stage], k=NEAREST))
    linear = pca_map(tables)
    note = (
        f"The two axes show {100 * linear.explained[stage]:.0f} % of the item table's variance; x̂₀ and xₜ are rescaled to the items' "
        "mean length, which leaves the ranking unchanged, and projected onto the axes"
    )
    items = linear.apply(tables[stage])
    return Layout("pca", items, note, Placer(tables[stage], items, linear, NEAREST))


def shared(layout: Layout, title: Callable[[int], str], model: Mapping[str, Any] | None = None) -> bytes:
    """What is the same in the scenes of all histories on one map, as a block. model: where the browser finds the weights and what run.json
    says of them (``Again`` in adrec/browser/types.d.ts), if it answers under other noise."""
    head, arrays = _shared(layout, title, model is not None)
    return wire.block(head | ({"model": model} if model else {}), arrays)


def _shared(layout: Layout, title: Callable[[int], str], again: bool) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    items = len(layout.items)
    titles = {"titles": {i: title(i) for i in range(1, items + 1)}} if items <= TITLED or again else {}
    return (
        {
            "items": items,
            **titles,
            "colors": COLORS,
            **(_linear(layout) if again else {}),
            "method": METHODS[layout.method],
            "method_note": layout.note,
        },
        {"layout": layout.items.astype("<f4")},
    )


def blob(
    trajectory: "Trajectory",
    layout: Layout,
    title: Callable[[int], str],
    name: str = "",
    again: Mapping[str, Any] | None = None,
    shared_at: str = "",
) -> bytes:
    """Everything the scrubber shows except its current step. name: the panel's, if there are two. again: how the browser answers under
    other noise (``Again`` in adrec/browser/types.d.ts), if it can. shared_at: where the browser finds what ``shared`` gives; without it,
    that is in here too."""
    arrays = _arrays(trajectory, layout)
    shown = {*trajectory.history, *(i for name in ("top", "near", "rival") for i in arrays[name].ravel().tolist())}
    shown |= {i for i in (trajectory.target, trajectory.popular) if i}
    same, fixed = _shared(layout, title, again is not None)
    head = {
        "k": arrays["top"].shape[1],
        "steps": trajectory.steps,
        "timesteps": trajectory.timesteps.tolist(),
        "decided": 1 if trajectory.swaps else trajectory.commit_step,
        "history": trajectory.history,
        "target": trajectory.target,
        "popular": trajectory.popular,
        "near_k": arrays["near"].shape[1],
        **({} if "titles" in same else {"titles": {i: title(i) for i in sorted(shown)}}),
        **({"name": name} if name else {}),
        "seed": trajectory.seed,
        **({"again": again} if again else {}),
        **({"shared": shared_at} if shared_at else same),
    }
    return wire.block(head, arrays if shared_at else arrays | fixed)


def question(
    history: Sequence[int],
    target: int | None,
    popular: int | None,
    items: int,
    seed: int,
    steps: int,
    again: Mapping[str, Any],
    shared_at: str,
    name: str = "",
) -> bytes:
    """A scene without all that depends on the noise: the browser's model answers. history: what the model reads of it. items: in the
    catalogue."""
    head = {
        "k": min(TOP, items),
        "steps": steps,
        "history": list(history),
        "target": target,
        "popular": popular,
        "near_k": min(NEIGHBOURS, items),
        **({"name": name} if name else {}),
        "seed": seed,
        "again": again,
        "shared": shared_at,
    }
    return wire.block(head, {})


def _linear(layout: Layout) -> dict[str, Any]:
    """What puts vectors on a PCA map."""
    linear = layout.placer.linear
    if linear is None:
        return {}
    return {"linear_mean": linear.mean.tolist(), "linear_axes": linear.components.ravel().tolist(), "linear_length": layout.placer.length}


def packed(scenes: bytes, step: int, again: Mapping[str, Any] | None = None) -> bytes:
    """One ``blob`` or ``question``, or two concatenated, preceded by the step of the first one that the clock opens at. again: for scenes
    that the browser can have again, ``worker``, where it finds adrec/browser/engine/worker.js, and ``sayings``, which words need there."""
    return step.to_bytes(4, "little") + scenes + (wire.block(again, {}) if again else b"")


def on_map(trajectory: "Trajectory", layout: Layout, title: Callable[[int], str]) -> dict[str, Any]:
    """Positions of the states (S + 1) and the estimates (S) on the map, as plain lists. lost: share of the vector's nearest items that
    are not nearest on the map. nearest: by cosine, nearest first."""

    def positions(vectors: np.ndarray) -> list[dict[str, Any]]:
        found = layout.placer(vectors)
        rows = zip(found.positions.tolist(), found.errors.tolist(), (found.near + 1).tolist(), strict=True)
        return [{"at": at, "lost": lost, "nearest": [{"id": i, "title": title(i)} for i in near]} for at, lost, near in rows]

    about = {"method": METHODS[layout.method], "note": layout.note}
    return about | {"x_t": positions(trajectory.x_t), "x0_hat": positions(trajectory.x0_hat)}


def _arrays(trajectory: "Trajectory", layout: Layout) -> dict[str, np.ndarray]:
    """Arrays by name, float32 or int32. Those with S + 1 rows begin with the noise itself, ranked as if it were an answer."""
    points, steps = np.concatenate([trajectory.x0_hat, trajectory.x_t]), len(trajectory.x0_hat)
    (x0_path, xt_path), (x0_near, xt_near), (x0_error, xt_error) = (np.split(part, [steps]) for part in layout.placer(points))
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
