"""The tables to judge and the findings."""

from pathlib import Path
from typing import Any

from adrec.browser import wire
from adrec.lesson import chapter8, setup

RUNS = Path("assets/runs")


def test_one_unseen_table_of_each_kind_is_judged() -> None:
    content = wire.unblock(setup.bundled())[0]
    assert sorted(table["kind"] for table in content["8"]["tables"]) == ["healthy", "narrow", "noise"]
    assert len(content["8.cosines"]) == 3 * 1600 and len(content["8.near"]) == 3 * 3 * chapter8.NEAREST


def test_the_first_table_to_judge_is_none_of_those_that_chapter_5_names() -> None:
    content = wire.unblock(setup.bundled())[0]
    assert chapter8.UNSEEN[0] not in [table["key"] for table in content["5"]["tables"]]


def test_findings_on_bundled_runs_name_their_commands() -> None:
    found = chapter8.on_bundled(RUNS)
    assert found["sasrec"]["ours"] > found["sasrec"]["theirs"]
    assert found["drift"]["smaller"] > 0 and found["dreamrec"]["correlation"] == "1.0000"
    assert abs(found["token"]["value"]) < 1.96 * found["token"]["error"]  # the text says so
    assert all(finding["source"]["command"].startswith("python -m adrec train") for finding in found.values())


ONE = {"value": 0.34, "error": 0.26, "seeds": 3, "detectable": 0.7}


def results(noise: dict[str, float] = ONE, **without: dict[str, float]) -> dict[str, Any]:
    """What was measured. noise: without noise less with the paper's; without: a stage left out less the whole."""
    costs = without or {"no-warmup": ONE}
    return {
        "lambdas": {
            "source": {},
            "noises": 20,
            "lambdas": {
                "0": {"hr@10": {"value": 12.0, "less 0.001": noise}},
                "0.001": {"one step less all": {"hr@10": ONE}, chapter8.EVER: ONE},
                "1": {chapter8.EVER: ONE | {"value": 53.0}},
            },
        },
        "cells": {"source": {}, "cells": {"random": {"squared error": {"mean_cosine": ONE}, "both losses": {"mean_cosine": ONE}}}},
        "leave_outs": {
            "source": {"commands": {"a": "one", "b": "two"}},
            "without": {name: {"hr@10": {"less the whole": cost}} for name, cost in costs.items()},
        },
    }


def test_findings_over_seeds_name_the_commands_of_all_their_trainings() -> None:
    made = chapter8.measured(results())
    assert made.keys() == {"push", "promise", "steps", "diffusion", "stages"}
    assert made["stages"]["source"]["command"] == "one\ntwo"
    assert (made["promise"]["ever"], made["promise"]["loud"]) == (0.3, 53.0)
    assert (made["diffusion"]["right"], made["diffusion"]["paper"]) == (12.0, 11.7)


def test_a_stage_whose_absence_shows_is_named() -> None:
    made = chapter8.measured(results(**{"no-warmup": ONE, "no-finetune": ONE | {"value": -6.0}}))
    assert made["stage"]["run"] == "no-finetune" and made["stage"]["value"] == -6.0


def test_people_are_the_very_same_only_if_nothing_differs_before_rounding() -> None:
    found = [chapter8.measured(results(ONE | {"value": value, "error": error})) for value, error in ((0.0, 0.0), (0.04, 0.04), (0.0, 0.3))]
    assert [made["diffusion"]["same"] for made in found] == [True, False, False]
