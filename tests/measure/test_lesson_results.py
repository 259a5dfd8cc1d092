"""The lesson's figures: how uncertainty is counted, and that each names where it comes from."""

import numpy as np
import pytest

from adrec.files import read_json
from adrec.folders import app_folder
from tests.measure.lesson_results import POWER, command, difference, estimate

RESULTS = read_json(app_folder() / "assets" / "lesson" / "results.json")
RNG = np.random.default_rng(0)


def test_with_one_seed_the_error_is_the_standard_error_over_people():
    values = RNG.normal(5, 2, 400)
    assert estimate([values]) == {
        "value": pytest.approx(values.mean(), rel=1e-3),
        "error": pytest.approx(values.std(ddof=1) / 20, rel=1e-3),
        "seeds": 1,
        "by_seed": [pytest.approx(values.mean(), rel=1e-3)],
    }


def test_seeds_that_disagree_widen_the_error():
    people = RNG.normal(5, 2, 400)
    alike, apart = estimate([people, people, people]), estimate([people - 3, people, people + 3])
    assert apart["value"] == alike["value"]
    assert apart["error"] == pytest.approx((alike["error"] ** 2 + 3) ** 0.5, rel=1e-3)  # seeds at -3, 0, 3: 9 over 3 seeds


def test_a_difference_that_all_people_share_has_no_error_and_is_always_detectable():
    people = RNG.normal(5, 2, 400)
    found = difference([people + 1], [people])
    assert found["value"] == pytest.approx(1) and found["error"] == pytest.approx(0, abs=1e-9)
    assert found["detectable"] == pytest.approx(POWER * found["error"])


def test_a_command_names_folders_as_anyone_would():
    said = "python -m adrec train --run k/lambda-1-2 --seed 2 --resume --yes --pretrained k/paper-2"
    assert command(said) == "python -m adrec train --run runs/lambda-1-2 --seed 2 --pretrained runs/paper-2"
    bundled = "python -m adrec train --run runs/noise-1 --pretrained assets/runs/ml-100k"
    assert command(bundled) == bundled


ON_1M = ("hook", "larger", "recognition", "same_last", "genres")


@pytest.mark.parametrize(
    "section", [name for name, value in RESULTS.items() if isinstance(value, dict) and name not in ("data", "baselines")]
)
def test_every_section_names_its_data_and_what_was_trained_its_seeds_and_commands(section):
    named = RESULTS[section]["source"]
    assert named["data"] == ("MovieLens-1M: 6,040 people, 3,416 films" if section in ON_1M else "MovieLens-100K: 938 people, 1,008 films")
    assert section == "same_last" or (named["seeds"] and all(" train " in words for words in named["commands"].values()))
    assert set(named) <= {"data", "seeds", "runs", "commands"}
