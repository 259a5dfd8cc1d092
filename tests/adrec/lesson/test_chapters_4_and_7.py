"""Chapters 4 and 7: the picture's first numbers, the share of noise, and what was measured of the steps."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from adrec.diffusion import user_noise
from adrec.lesson import chapter4, chapter7, chapter8
from adrec.lesson.answers import TEN
from adrec.lesson.models import ANSWERING, LAMBDAS
from adrec.lesson.people import PEOPLE
from adrec.lesson.results import SURE
from adrec.models.loading import load_model
from adrec.runs import RunFolder

RUNS = Path("assets/runs")


@pytest.fixture(scope="module")
def model_page() -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    return chapter4.content(RUNS)


@pytest.fixture(scope="module")
def player() -> dict[str, Any]:
    return chapter7.content(RUNS)[0]


def test_the_pictures_first_scores_rank_its_first_list(model_page: Any) -> None:
    head, arrays = model_page
    assert np.argsort(-arrays["scores"][1:], kind="stable")[:TEN].tolist() == [film - 1 for film in head["top"]]


def test_the_picture_has_one_condition_a_film(model_page: Any) -> None:
    _, arrays = model_page
    assert arrays["condition"].size == len(PEOPLE[0].history) * arrays["x0"].size


def test_the_share_of_noise_grows_with_lambda(model_page: Any) -> None:
    shares = model_page[0]["shares"]
    assert shares.keys() == {*ANSWERING} and [shares[name]["share"] for name in LAMBDAS] == sorted(
        shares[name]["share"] for name in LAMBDAS
    )
    for share in shares.values():
        assert share["share"] == pytest.approx(100 * share["weight"], rel=0.1)  # noise and condition are about as long as each other


def test_the_first_noise_is_the_one_that_the_browser_draws(model_page: Any) -> None:
    arrays = model_page[1]
    model: Any = load_model(RunFolder(RUNS / "ml-1m"))
    assert torch.allclose(
        torch.from_numpy(arrays["x"]), user_noise(0, [0], model.config.timesteps, arrays["x"].size)[0].flatten()[: arrays["x"].size]
    )


def test_the_models_of_chapter_7_come_noisiest_first_with_what_was_measured(player: Any) -> None:
    models = player["models"]
    assert [models[name]["weight"] for name in models] == sorted((model["weight"] for model in models.values()), reverse=True)
    for model in models.values():
        steps = [row["steps"] for row in model["by_steps"]]
        assert (steps[0], steps[-1]) == (1, model["timesteps"]) and 1 <= model["decided"] <= model["timesteps"]


def test_other_noise_changes_the_first_film_of_some_example_person(player: Any) -> None:
    differs = player["differs"]
    assert list(differs) == [person.key for person in PEOPLE] and max(differs.values()) > 0


def test_the_cards_of_the_three_models_say_of_how_many_people_each_is_right(model_page: Any) -> None:
    kin = model_page[0]["kin"]
    assert kin.keys() == chapter4.KIN.keys()
    assert kin["dreamrec"]["right"] < kin["sasrec"]["right"] < kin["adrec"]["right"] and all(0 < one["error"] < 2 for one in kin.values())


def test_one_noise_level_for_all_films_makes_no_difference_beyond_chance(model_page: Any) -> None:
    found = model_page[0]["one_level"]
    assert abs(found["value"]) <= SURE * found["error"]


def test_one_step_and_all_make_no_difference_beyond_chance_at_the_papers_lambda(player: Any) -> None:
    found = player["lambdas"]["0.001"]["one step less all"]["hr@10"]
    assert abs(found["value"]) <= SURE * found["error"]


def test_at_the_papers_lambda_hardly_anybody_gets_another_first_film_from_other_noise(player: Any) -> None:
    assert player["lambdas"]["0.001"][chapter8.EVER]["value"] < 1 < 50 < player["lambdas"]["1"][chapter8.EVER]["value"]
