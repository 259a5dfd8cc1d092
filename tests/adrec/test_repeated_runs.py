"""Runs that repeat each other, and validations along a training."""

from pathlib import Path
from typing import Any

import pytest

from adrec.runs import RunFolder
from adrec.runs.curves import validations
from adrec.runs.groups import differences, recipe, same, stem

BUNDLED = Path(__file__).parents[2] / "assets" / "runs"
INFO: dict[str, Any] = {
    "model": {"model": "adrec", "noise_weight": 0.1},
    "train": {"seed": 1, "lr": 0.1, "keep_weights": "best"},
    "dataset": {"hash": "x"},
}


def changed(part: str, **values: Any) -> dict[str, Any]:
    return {**INFO, part: {**INFO[part], **values}}


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        (changed("train", seed=2, keep_weights="every"), True),
        (changed("train", lr=0.2), False),
        (changed("model", noise_weight=1), False),
        (changed("dataset", hash="y"), False),
        ({**INFO, "pretrained": "k/paper-1"}, False),
    ],
)
def test_runs_repeat_each_other_if_only_the_seed_and_what_is_kept_differ(other: dict[str, Any], equal: bool) -> None:
    assert (same(recipe(INFO)) == same(recipe(other))) is equal


def test_the_difference_of_two_recipes_is_the_settings_or_the_model() -> None:
    assert differences(recipe(INFO), recipe(changed("model", noise_weight=1))) == {"noise_weight": (0.1, 1)}
    assert differences(recipe(INFO), recipe({**changed("model", model="sasrec"), "pretrained": "x"})) == {"model": ("adrec", "sasrec")}


@pytest.mark.parametrize(
    ("names", "common"), [(["wide-1", "wide-2"], "wide"), (["l-0.1-1", "l-0.1-3"], "l-0.1"), (["one-1"], "one-1"), (["a", "b"], "a")]
)
def test_repeated_runs_are_called_what_their_names_have_in_common(names: list[str], common: str) -> None:
    assert stem(names) == common


def test_a_curve_counts_over_stages_and_leaves_out_an_interruption() -> None:
    def event(time: float, kind: str, stage: str = "pretrain", **values: Any) -> dict[str, Any]:
        return {"time": time, "kind": kind, "stage": stage, **values}

    score = {"ndcg@10": 0.1}
    found = validations(
        [
            event(0, "stage", epoch=0, step=0, first_epoch=0),
            event(10, "validation", epoch=2, step=4, metrics=score),
            event(11, "stage", "finetune", epoch=5, step=0, first_epoch=5),
            event(12, "step", "finetune", epoch=5, step=1),
            {"time": 1000, "kind": "resumed"},
            event(1001, "stage", "finetune", epoch=5, step=1, first_epoch=5),
            event(1003, "validation", "finetune", epoch=6, step=2, metrics=score),
        ]
    )
    assert (found.steps, found.epochs, found.seconds) == ([4, 6], [2, 3], [10, 15])


def test_a_bundled_trainings_curve_ends_with_its_stages_seconds() -> None:
    run = RunFolder(BUNDLED / "ml-100k")
    found = validations(run.events()[0])
    assert found.stages[0] == "pretrain" and found.stages[-1] == "finetune"
    assert found.seconds[-1] == pytest.approx(sum(run.metrics(stage)["seconds"] for stage in run.stages), rel=0.02)
