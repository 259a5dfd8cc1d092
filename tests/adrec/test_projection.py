"""Maps: one frame for all stages, nothing moves that did not change, nothing is computed twice."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from adrec.errors import AdrecError, ConfigError, WeightsError
from adrec.files import save_arrays
from adrec.maps import projection
from adrec.maps.projection import cached, distinct_tables, pca_map, project, project_pca, project_umap
from adrec.runs import ITEM_TABLE, RunFolder

pytestmark = pytest.mark.slow

Layouts = dict[str, np.ndarray]


def clusters(seed: int = 0, items: int = 120, width: int = 8) -> np.ndarray:
    """Four clusters of items."""
    rng = np.random.default_rng(seed)
    return (3 * rng.standard_normal((4, width))[np.arange(items) % 4] + rng.standard_normal((items, width))).astype(np.float32)


def stages() -> Layouts:
    noise = np.random.default_rng(1).standard_normal((120, 8)).astype(np.float32)
    return {"initial": noise, "pretrain": clusters(), "warmup": clusters(), "finetune": np.float32(0.37) * clusters()}


@pytest.fixture(scope="module")
def umap_layouts() -> Layouts:
    return project_umap(stages())


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setenv("ADREC_HOME", str(tmp_path / "home"))
    folder = RunFolder(tmp_path / "run")
    for name, table in stages().items():
        path = folder.path / "snapshots" / "initial.safetensors" if name == "initial" else folder.weights_path(name)
        save_arrays(path, {ITEM_TABLE: np.vstack([np.zeros(8, np.float32), table])})
    return folder


def radius(layout: np.ndarray) -> float:
    return float(np.sqrt(((layout - layout.mean(axis=0)) ** 2).sum(axis=1).mean()))


# -- which tables


def test_equal_tables_are_shown_once() -> None:
    shown, names = distinct_tables(stages())
    assert list(shown) == ["initial", "pretrain", "finetune"] and names["warmup"] == "pretrain"


def test_tables_that_differ_in_one_entry_are_both_shown() -> None:
    other = clusters()
    other[3, 3] += 1e-3
    assert list(distinct_tables({"pretrain": clusters(), "warmup": other})[0]) == ["pretrain", "warmup"]


# -- PCA


def test_pca_of_one_table_is_scikit_learns_up_to_sign() -> None:
    table = clusters().astype(np.float64)
    assert np.abs(project_pca({"a": table})["a"]) == pytest.approx(np.abs(PCA(2).fit_transform(table)), abs=1e-5)


def test_pca_places_a_vector_exactly_where_its_item_is() -> None:
    tables = stages()
    assert np.array_equal(pca_map(tables).apply(tables["finetune"][5:6]), project_pca(tables)["finetune"][5:6])


def test_a_rescaled_table_shrinks_on_the_pca_map() -> None:
    layouts = project_pca(stages())
    assert radius(layouts["finetune"]) == pytest.approx(0.37 * radius(layouts["pretrain"]), rel=1e-4)


@given(st.floats(-4, 4))
@settings(max_examples=20, deadline=None)
def test_a_tables_size_does_not_turn_the_pca_axes(exponent: float) -> None:
    tables = stages()
    resized = {**tables, "initial": tables["initial"].astype(np.float64) * 10**exponent}
    assert pca_map(resized).components == pytest.approx(pca_map(tables).components, abs=1e-4)


def test_a_stage_shown_twice_does_not_turn_the_pca_axes() -> None:
    tables = stages()
    once = {name: table for name, table in tables.items() if name != "warmup"}
    assert np.array_equal(pca_map(tables).components, pca_map(once).components)


def test_a_common_offset_displaces_the_pca_map_as_a_whole() -> None:
    table = clusters().astype(np.float64)
    axis = pca_map({"a": table, "b": table}).components[0]
    layouts = project_pca({"a": table + 7 * axis, "b": table})
    assert layouts["a"] - layouts["b"] == pytest.approx(np.tile([7.0, 0.0], (120, 1)), abs=1e-4)


def test_the_sign_of_a_pca_axis_is_fixed_by_its_largest_entry() -> None:
    components = pca_map(stages()).components
    assert (components[[0, 1], np.abs(components).argmax(axis=1)] > 0).all()


def test_pca_says_what_share_of_the_variance_it_shows() -> None:
    table = clusters().astype(np.float64)
    assert pca_map({"a": table}).explained["a"] == pytest.approx(PCA(2).fit(table).explained_variance_ratio_.sum())


@pytest.mark.parametrize("table", [np.ones((6, 4)), np.zeros((6, 4)), np.arange(6.0)[:, None]], ids=["constant", "zeros", "one column"])
def test_a_degenerate_table_has_a_finite_pca_map(table: np.ndarray) -> None:
    assert np.isfinite(project_pca({"a": table})["a"]).all()


# -- UMAP


def test_a_merely_rescaled_table_hardly_moves_on_the_umap(umap_layouts: Layouts) -> None:
    moved = np.linalg.norm(umap_layouts["finetune"] - umap_layouts["pretrain"], axis=1).mean()
    assert moved < 0.05 * radius(umap_layouts["pretrain"])


def test_equal_tables_have_the_same_umap(umap_layouts: Layouts) -> None:
    assert np.array_equal(umap_layouts["warmup"], umap_layouts["pretrain"])


def test_each_stages_umap_keeps_its_neighbours(umap_layouts: Layouts) -> None:
    assert trustworthiness(clusters(), umap_layouts["finetune"], n_neighbors=10, metric="cosine") > 0.85


def test_noise_takes_no_clusters_from_the_other_stages(umap_layouts: Layouts) -> None:
    labels = np.arange(120) % 4
    near = projection.nearest(umap_layouts["initial"], 10, "euclidean")[0]
    assert (labels[near] == labels[:, None]).mean() < 0.4


def test_umap_is_the_same_for_the_same_seed(umap_layouts: Layouts) -> None:
    again = project_umap(stages())
    assert all(np.array_equal(again[name], umap_layouts[name]) for name in again)


def test_umap_differs_for_another_seed(umap_layouts: Layouts) -> None:
    assert not np.allclose(project_umap(stages(), seed=1)["pretrain"], umap_layouts["pretrain"])


def test_two_threads_can_ask_for_a_umap_at_once(umap_layouts: Layouts) -> None:
    found: list[Layouts] = []
    threads = [threading.Thread(target=lambda: found.append(project_umap(stages()))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [np.array_equal(f["finetune"], umap_layouts["finetune"]) for f in found] == [True, True]


def test_umap_progress_rises_from_zero_to_one() -> None:
    seen: list[float] = []
    project_umap({"finetune": clusters()}, progress=lambda fraction, words: seen.append(fraction))
    assert seen == sorted(seen) and (seen[0], seen[-1]) == (0.0, 1.0) and len(seen) > 3


def test_umap_can_be_cancelled_from_its_progress() -> None:
    def cancel(fraction: float, words: str) -> None:
        if words == "laying out":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        project_umap({"finetune": clusters()}, progress=cancel)


@pytest.mark.parametrize(
    "table",
    [np.ones((9, 4)), np.zeros((9, 4)), clusters(items=4), np.arange(1.0, 31.0)[:, None], clusters(items=20).astype(np.float16)],
    ids=["constant", "zeros", "four items", "one column", "half precision"],
)
def test_a_degenerate_table_has_a_finite_umap(table: np.ndarray) -> None:
    assert np.isfinite(project_umap({"initial": table, "finetune": clusters(5, len(table), table.shape[1])})["initial"]).all()


@pytest.mark.parametrize("method", [project_pca, project_umap])
@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({}, "No item table"),
        ({"a": clusters(), "b": clusters(items=40)}, "different shapes"),
        ({"a": np.full((9, 3), np.nan)}, "'a'.*NaN"),
    ],
    ids=["none", "shapes", "nan"],
)
def test_tables_that_cannot_share_a_map_are_refused(method: object, tables: Layouts, words: str) -> None:
    with pytest.raises(WeightsError, match=words):
        method(tables)  # type: ignore[operator]


def test_three_items_are_too_few_for_a_umap() -> None:
    with pytest.raises(WeightsError, match="3 items; it needs at least 4"):
        project_umap({"a": clusters(items=3)})


def test_umap_is_imported_only_when_it_is_used() -> None:
    modules = "adrec.maps.projection, adrec.collapse.measures, adrec.embeddings.files"
    code = f"import sys, {modules}; sys.exit(bool({{'umap', 'torch'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0


# -- the cache


@pytest.mark.parametrize("method", ["pca", "umap"])
def test_nothing_is_cached_before_it_is_computed(run: RunFolder, method: str) -> None:
    assert cached(run, method) is None


@pytest.mark.parametrize("method", ["pca", "umap"])
def test_a_projection_is_cached_for_every_table(run: RunFolder, method: str) -> None:
    made = project(run, method)
    found = cached(run, method)
    assert found is not None and list(found) == run.table_names() and all(np.array_equal(found[name], made[name]) for name in made)


def test_a_cached_umap_is_not_computed_again(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    made = project(run, "umap")
    monkeypatch.setattr(projection, "project_umap", lambda *_: pytest.fail("computed again"))
    assert np.array_equal(project(run, "umap")["finetune"], made["finetune"])


def test_each_seed_is_cached_separately(run: RunFolder) -> None:
    project(run, "umap", seed=0)
    assert cached(run, "umap", seed=1) is None


def test_a_changed_table_is_projected_again(run: RunFolder) -> None:
    project(run, "pca")
    save_arrays(run.weights_path("finetune"), {ITEM_TABLE: np.vstack([np.zeros(8, np.float32), clusters(9)])})
    assert cached(run, "pca") is None


def test_a_damaged_cache_is_computed_again(run: RunFolder) -> None:
    made = project(run, "pca")
    (path,) = (run.path / "projections").iterdir()
    path.write_bytes(path.read_bytes()[:100])
    assert cached(run, "pca") is None and np.array_equal(project(run, "pca")["finetune"], made["finetune"])


def test_a_run_that_cannot_be_written_is_cached_at_home(run: RunFolder) -> None:
    (run.path / "projections").write_text("a file where the folder should be")
    project(run, "pca")
    assert cached(run, "pca") is not None


def test_a_copied_run_keeps_its_cached_maps(run: RunFolder, tmp_path: Path) -> None:
    project(run, "pca")
    run.path.rename(tmp_path / "elsewhere")
    assert cached(RunFolder(tmp_path / "elsewhere"), "pca") is not None


def test_an_unknown_method_is_named(run: RunFolder) -> None:
    with pytest.raises(ConfigError, match="'tsne'; must be one of pca, umap"):
        project(run, "tsne")


def test_a_run_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AdrecError, match="no item table yet"):
        project(RunFolder(tmp_path), "pca")
