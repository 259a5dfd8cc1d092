"""Chapter 6's timeline."""

from pathlib import Path

from adrec.lesson.chapter6 import timeline
from adrec.lesson.models import run_of
from adrec.lesson.results import SURE, results
from adrec.runs import STAGES

HEALTHY = run_of(Path("assets/runs"), "healthy")


def test_the_timeline_has_every_stage_with_its_steps_and_what_was_seen_within_them() -> None:
    found = timeline(HEALTHY)
    assert [one["stage"] for one in found] == list(STAGES)
    for one in found:
        assert one["validations"] and all(0 < step <= one["steps"] for step, _ in one["validations"])


def test_the_warm_up_is_ten_steps_long() -> None:
    assert timeline(HEALTHY)[1]["steps"] == 10


def test_every_epoch_of_a_stage_has_two_steps_on_movielens_100k() -> None:
    assert all(one["steps"] == 2 * one["epochs"] for one in timeline(HEALTHY))


def test_the_start_makes_no_difference_beyond_chance_to_the_people_right() -> None:
    cells = results(Path("assets/runs"))["cells"]["cells"]
    for loss in ("squared error", "both losses"):
        random, pretrained = (cells[start][loss]["end"] for start in ("random", "pretrained"))
        assert abs(random["value"] - pretrained["value"]) <= SURE * (random["error"] ** 2 + pretrained["error"] ** 2) ** 0.5


def test_no_stages_absence_shows_beyond_chance_as_the_chapters_sentence_says() -> None:
    for metrics in results(Path("assets/runs"))["leave_outs"]["without"].values():
        less = metrics["hr@10"]["less the whole"]
        assert abs(less["value"]) <= SURE * less["error"]
