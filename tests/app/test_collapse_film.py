"""Film, dials and comparisons on the Collapse page."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from adrec.browser import wire
from adrec.collapse.film import film
from adrec.monitor import CollapseMonitor
from adrec.pictures.film import pack
from adrec.runs import RunFolder
from app import loaders
from app.collapse import compare, dials, ranking
from app.collapse import film as collapse_film
from tests.app.pages import open_page, texts
from tests.app.test_collapse import CLUSTERS, NOISE, make_run


@pytest.fixture
def run(root: Path, tiny_run: RunFolder) -> RunFolder:
    """The tiny run among the person's own runs."""
    shutil.copytree(tiny_run.path, root / "tiny")
    return RunFolder(root / "tiny")


def test_the_browser_gets_places_to_a_65000th_of_the_picture() -> None:
    xy = np.random.default_rng(0).standard_normal((3, 5, 2)).astype(np.float16)
    values, codes = np.arange(12, dtype=np.float32).reshape(3, 4), np.arange(5, dtype=np.uint8)
    (got,) = wire.unblock(pack({"titles": ["é"] * 5}, xy, values, codes))
    left, right, low, high = got["box"]
    steps = got["positions"].reshape(3, 5, 2)
    back = np.stack([left + steps[..., 0] / 65535 * (right - left), low + steps[..., 1] / 65535 * (high - low)], axis=-1)
    np.testing.assert_allclose(back, xy, atol=1e-4)
    np.testing.assert_array_equal(got["values"], values.ravel())
    assert got["codes"].tolist() == codes.tolist() and got["titles"] == ["é"] * 5


def test_frames_say_stage_epoch_and_which_was_kept(run: RunFolder) -> None:
    listed = collapse_film.frames(run, film(run))
    assert listed[0]["words"] == "Before any training"
    kept = [f["words"] for f in listed if f["words"].endswith(", kept")]
    assert len(kept) == 3 and kept[-1] == f"Fine-tune, epoch {run.metrics('finetune')['epoch']}, kept"


def test_the_page_plays_the_film_from_the_frame_in_the_link(run: RunFolder) -> None:
    app = open_page("collapse", run="tiny", frame="1", item="3")
    assert not app.exception and not app.error
    shown = next(c.proto for c in app.get("bidi_component") if c.proto.component_name == "adrec_film")
    (head,) = wire.unblock(shown.bytes)
    assert head["frame"] == 1 and head["item"] == 2 and len(head["frames"]) == len(film(run))


def test_the_film_of_a_loop_elsewhere_is_told_in_its_steps_and_verdicts(root: Path) -> None:
    table = np.random.default_rng(0).standard_normal((200, 8))
    monitor = CollapseMonitor(every=1_000, out=root / "watched")
    for step, seen in ((0, table), (1_000, table + 20)):
        monitor(step, seen)
        monitor._idle.wait()
    app = open_page("collapse", run="watched", tool="film")
    assert not app.exception and not app.error
    shown = next(c.proto for c in app.get("bidi_component") if c.proto.component_name == "adrec_film")
    (head,) = wire.unblock(shown.bytes)
    assert [(f["words"], f["kind"]) for f in head["frames"]] == [("Step 0", "Never learnt"), ("Step 1,000", "Completely collapsed")]


# -- dials --------------------------------------------------------------------------------------------------------


def test_the_lesson_says_what_saw_and_what_did_not() -> None:
    rows = [("map", "", "", False), ("centred spectrum", "", "", False), ("uncentred spectrum", "", "", True), ("verdict", "", "", True)]
    assert dials.lesson(rows, 90) == "The map looks the same; the uncentred spectrum and the verdict noticed, the centred spectrum did not."
    assert dials.lesson(rows, 0) == "Nothing has changed yet: move the slider."


def test_an_offset_on_the_page_changes_the_verdict_but_not_the_map(root: Path) -> None:
    make_run(root / "made", initial=NOISE, finetune=CLUSTERS)
    app = open_page("collapse", run="made", dial="offset", degree="100")
    assert not app.exception and not app.error
    assert "The map looks the same; the uncentred spectrum" in texts(app) and "the verdict" in texts(app)


def test_a_broken_table_is_not_damaged_further_but_a_healthy_one(root: Path) -> None:
    app = open_page("collapse", run="narrow")
    assert not app.exception and not app.error
    assert "This starts from a healthy one: ADRec, the paper's settings" in texts(app) and "noticed" in texts(app)
    assert "nothing else noticed" not in texts(app)


def test_ranking_at_every_degree_uses_the_models_own_evaluator(run: RunFolder) -> None:
    app = open_page("collapse", run="tiny", dial="duplicate", degree="100")
    app = next(b for b in app.button if b.label.startswith("Rank ")).click().run()
    assert not app.exception and not app.error and "HR@10 of" in texts(app)
    ranks = ranking.known(run, "finetune", "dial duplicate 100", dials.USERS)
    assert ranks is not None and (ranks >= len(run.items)).all()  # all items alike: every answer is last


# -- comparing ----------------------------------------------------------------------------------------------------


def test_two_runs_lie_side_by_side_in_one_folder(root: Path) -> None:
    one = make_run(root / "one", initial=NOISE, finetune=CLUSTERS)
    two = make_run(root / "two", initial=CLUSTERS, finetune=NOISE + 1)
    made = compare.together(one, ["finetune"], two, ["initial", "finetune"])
    assert made.table_names() == ["1 one finetune", "2 two initial", "3 two finetune"] and loaders.is_bare(made)
    np.testing.assert_allclose(made.table("3 two finetune"), NOISE + 1, rtol=1e-6)
    assert compare.together(one, ["finetune"], two, ["initial", "finetune"]).path == made.path  # made once


def test_a_comparison_opens_like_a_run(root: Path) -> None:
    one, two = make_run(root / "one", initial=NOISE, finetune=CLUSTERS), make_run(root / "two", initial=NOISE, finetune=CLUSTERS)
    made = compare.together(one, ["finetune"], two, ["finetune"])
    app = open_page("collapse", run=made.name, tool="film")
    assert not app.exception and not app.error and "there is nothing to play" in texts(app)


def test_only_tables_of_the_same_size_are_offered(root: Path) -> None:
    one = make_run(root / "one", initial=NOISE)
    make_run(root / "fits", initial=CLUSTERS)
    make_run(root / "narrow", initial=NOISE[:, :8])
    make_run(root / "short", initial=NOISE[:100])
    found = compare.candidates(one)
    assert "fits" in found and not {"one", "narrow", "short"} & set(found)
