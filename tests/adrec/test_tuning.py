"""The search over a model's settings."""

import pytest

from adrec.models.base import MODELS, Between
from adrec.models.neural import NeuralModel
from adrec.models.settings import find_preset, searched, settings


@pytest.mark.parametrize("name", list(MODELS))
def test_every_value_that_a_search_may_try_is_a_setting_that_its_model_accepts(name):
    model = MODELS[name]
    space = searched(model)
    assert set(model.space) - set(space) <= set(NeuralModel.space), "a name of its own that is no setting"
    for key, values in space.items():
        for value in (values.low, values.high) if isinstance(values, Between) else values:
            assert settings(None, {key: str(value)}, name)


@pytest.mark.parametrize("name", list(MODELS))
def test_a_models_own_settings_lie_in_what_is_searched(name):
    chosen = settings(find_preset(None, name)[1], {}, name)
    known = vars(chosen.train) | vars(chosen.config)
    assert all(known[key] in values for key, values in searched(MODELS[name]).items())
