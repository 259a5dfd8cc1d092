"""Which way of laying several tables out in one UMAP frame shows the movement that is there, and none that is not.

    ADREC_TEST_DATA=/path/to/data python -W ignore -m tests.measure.alignment [ml-100k] [baby]

Four stages: ``initial`` (Gaussian noise), ``perturbed`` (trained weights plus half of that noise), ``trained`` (official weights) and
``rescaled`` (trained times 0.37: every cosine is the same, so nothing may move). Written up in docs/MAPS.md; not a test.

Columns: how far ``rescaled`` lies from ``trained`` (Procrustes disparity, and the mean distance moved over the layout's radius, which is
what an eye sees); the same for ``perturbed``; *shown agreement*: the share of 10 nearest neighbours on the map that two layouts have in
common minus the same share in the tables, for initial-perturbed and perturbed-trained (0 is honest, above hides change, below invents it);
trustworthiness of each layout; seconds. Before it, the share of each table's variance that three choices of PCA axes show. After it, from
which share of kept neighbours on two tables gain by being laid out together.

With the argument ``run`` instead of a data set: how well the bundled run's map shows where its answers lie.
"""

import os
import sys
import time
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from scipy.spatial import procrustes
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from adrec.data import catalog
from adrec.data.batches import evaluation_batches
from adrec.evaluation import answers
from adrec.maps import placing, projection
from adrec.maps.neighbours import neighbour_overlap, neighbour_sets
from adrec.maps.projection import pca_map, project, project_umap
from adrec.models.loading import load_model
from adrec.runs import RunFolder

FILES = {"ml-100k": "official/ml-100k/adrec_trained.pth", "baby": "official/baby/pretrain.pth"}
SETTINGS = {"n_neighbors": 15, "min_dist": 0.1, "metric": "cosine"}


def stages(path: Path) -> dict[str, np.ndarray]:
    trained = torch.load(path, weights_only=True, map_location="cpu")["item_embedding.weight"].numpy()[1:]
    noise = np.random.default_rng(0).standard_normal(trained.shape).astype(np.float32) * trained.std()
    return {"initial": noise, "perturbed": trained + noise / 2, "trained": trained, "rescaled": trained * np.float32(0.37)}


def unit(table: np.ndarray) -> np.ndarray:
    table = table.astype(np.float64)
    return (table / np.linalg.norm(table, axis=1, keepdims=True)).astype(np.float32)


def fit(table: np.ndarray, init: np.ndarray | str, seed: int) -> np.ndarray:
    import umap

    return umap.UMAP(**SETTINGS, n_jobs=1, init=init, random_state=seed).fit_transform(unit(table))


def fresh_seeds(tables: list[np.ndarray]) -> list[np.ndarray]:
    return [fit(t, "spectral", seed) for seed, t in enumerate(tables)]


def fresh_one_seed(tables: list[np.ndarray]) -> list[np.ndarray]:
    return [fit(t, "spectral", 0) for t in tables]


def aligned_umap(tables: list[np.ndarray], regularisation: float = 0.01) -> list[np.ndarray]:
    import umap

    relations = [{i: i for i in range(len(t))} for t in tables[1:]]
    model = umap.AlignedUMAP(**SETTINGS, random_state=0, alignment_regularisation=regularisation)
    return list(model.fit([unit(t) for t in tables], relations=relations).embeddings_)


def aligned_umap_tenfold(tables: list[np.ndarray]) -> list[np.ndarray]:
    return aligned_umap(tables, 0.1)


def joint_rows(tables: list[np.ndarray]) -> list[np.ndarray]:
    return np.split(fit(np.concatenate(tables), "pca", 0), len(tables))


def chained(tables: list[np.ndarray]) -> list[np.ndarray]:
    layouts = [fit(tables[0], "spectral", 0)]
    for table in tables[1:]:
        layouts.append(fit(table, layouts[-1], 0))
    return layouts


def common_pca_start(tables: list[np.ndarray]) -> list[np.ndarray]:
    start = PCA(2, random_state=0).fit_transform(unit(tables[2]))
    return [fit(t, start, 0) for t in tables]


def common_umap_start(tables: list[np.ndarray]) -> list[np.ndarray]:
    start = fit(tables[2], "pca", 0)
    return [fit(t, start, 0) for t in tables]


def joined_graphs(tables: list[np.ndarray]) -> list[np.ndarray]:
    return list(project_umap({str(i): t for i, t in enumerate(tables)}).values())


METHODS = [
    fresh_seeds, fresh_one_seed, chained, common_pca_start, common_umap_start,
    aligned_umap, aligned_umap_tenfold, joint_rows, joined_graphs,
]  # fmt: skip


def moved(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b, axis=1).mean() / np.sqrt(((b - b.mean(axis=0)) ** 2).sum(axis=1).mean()))


def row(tables: list[np.ndarray], layouts: list[np.ndarray], seconds: float) -> str:
    trust = [trustworthiness(unit(t), y, n_neighbors=10, metric="cosine") for t, y in zip(tables[:3], layouts[:3], strict=True)]
    gaps = [procrustes(layouts[2], layout)[2] for layout in layouts]
    real = [neighbour_sets(t) for t in tables[:3]]
    near = [neighbour_sets(y, metric="euclidean") for y in layouts[:3]]
    shown = [neighbour_overlap(near[i], near[i + 1]).mean() - neighbour_overlap(real[i], real[i + 1]).mean() for i in (0, 1)]
    cells = [
        f"{gaps[3]:.4f}, {moved(layouts[3], layouts[2]):.3f}",
        f"{gaps[1]:.3f}, {moved(layouts[1], layouts[2]):.3f}",
        f"{shown[0]:+.3f}, {shown[1]:+.3f}",
        ", ".join(f"{t:.3f}" for t in trust),
        f"{seconds:.0f}",
    ]
    return " | ".join(cells)


def axes(named: dict[str, np.ndarray]) -> None:
    """The share of each table's variance on the two axes of the last table, of all rows as they are, and of ``pca_map``."""
    series = {"initial": named["initial"], "perturbed": named["perturbed"] * np.float32(3), "trained": named["trained"]}
    centred = {name: t - t.mean(axis=0) for name, t in series.items()}
    choices = {
        "last": PCA(2).fit(series["trained"]).components_,
        "all rows": PCA(2).fit(np.concatenate(list(centred.values()))).components_,
        "pca_map": pca_map(series).components,
    }
    for choice, components in choices.items():
        shares = [((t @ components.T) ** 2).sum() / (t**2).sum() for t in centred.values()]
        print(f"axes of {choice} | {' '.join(f'{name} {share:.3f}' for name, share in zip(series, shares, strict=True))}")


def apart(named: dict[str, np.ndarray]) -> None:
    """Two tables laid out together and apart, the fewer neighbours they share the noisier the first."""
    trained = named["trained"]
    print("noise | kept | trustworthiness of the noisy table: together, apart | shown agreement: together, apart")
    for noise in (0.5, 0.75, 1, 1.5, 2, 4):
        tables = {"noisy": trained + noise * named["initial"], "trained": trained}
        kept = neighbour_overlap(*map(neighbour_sets, tables.values())).mean()
        cells = []
        for joined in (0.0, 2.0):
            with mock.patch.object(projection, "JOINED", joined):
                layouts = list(project_umap(tables).values())
            shown = neighbour_overlap(*(neighbour_sets(y, metric="euclidean") for y in layouts)).mean() - kept
            cells.append((trustworthiness(unit(tables["noisy"]), layouts[0], n_neighbors=10, metric="cosine"), shown))
        print(f"{noise} | {kept:.2f} | {cells[0][0]:.3f}, {cells[1][0]:.3f} | {cells[0][1]:+.3f}, {cells[1][1]:+.3f}", flush=True)


def of_the_run() -> None:
    """The bundled run's answers to all its users on its map: neighbour error of a ``Placer``, and of a weighted mean in its stead."""
    run = RunFolder(Path(__file__).parents[2] / "assets/runs/ml-100k")
    model, data = load_model(run), catalog.load_for_run(run.info)
    found = np.concatenate([answers(model, batch).numpy() for batch in evaluation_batches(data, "test", model.config.length)])
    table, layout = run.table("finetune"), project(run, "umap")["finetune"]
    for name, rounds in (("mean", 1), ("median", 100)):
        median = partial(placing._geometric_median, rounds=rounds)
        with mock.patch.object(placing, "_geometric_median", median):
            print(f"placing by the weighted {name} | neighbour error {placing.Placer(table, layout)(found).errors.mean():.2f}")


def main() -> None:
    if sys.argv[1:] == ["run"]:
        return of_the_run()
    root = Path(os.environ["ADREC_TEST_DATA"])
    joined_graphs([np.random.default_rng(0).standard_normal((50, 8))])  # compile first, so that seconds compare
    for name in sys.argv[1:] or FILES:
        named = stages(root / FILES[name])
        tables = list(named.values())
        sets = [neighbour_sets(t) for t in tables[:3]]
        kept = [neighbour_overlap(sets[i], sets[i + 1]).mean() for i in (0, 1)]
        print(f"\n{name} {tables[0].shape}; kept of 10 neighbours: initial to perturbed {kept[0]:.2f}, perturbed to trained {kept[1]:.2f}")
        axes(named)
        print("method | rescaled: disparity, moved | perturbed: disparity, moved | shown agreement | trustworthiness | seconds")
        for method in METHODS:
            start = time.perf_counter()
            layouts = method(tables)
            seconds = time.perf_counter() - start
            print(f"{method.__name__} | {row(tables, layouts, seconds)}", flush=True)
        apart(named)


if __name__ == "__main__":
    main()
