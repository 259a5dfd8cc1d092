"""Settings: what is allowed, the sentence that a wrong one gets, and JSON both ways."""

import dataclasses
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrec.config import KEPT_WEIGHTS, LOSSES, ModelConfig, TrainConfig, from_json
from adrec.diffusion import betas
from adrec.diffusion.schedules import SCHEDULES
from adrec.errors import ConfigError
from adrec.models.adrec import OBJECTIVES, ADRecConfig
from adrec.models.attention import PADDINGS
from adrec.models.base import MODELS
from adrec.models.dreamrec import DreamRecConfig
from adrec.models.sasrec import SASRecConfig
from adrec.models.settings import fields_of, settings

CONFIGS = (ADRecConfig, DreamRecConfig, SASRecConfig)
MODEL_BAD = {
    "n_items": [0, -1, 1.0, "7", True, None],
    "hidden_size": [0, -2, 10**9, 128.0, "128", True],
    "heads": [0, 3, -4, 2.0, "2", False],
    "blocks": [0, -1, 10**6, 1.5],
    "length": [0, -5, 10**9, "50"],
    "positions": [1, 0, "true", None],
    "padding": ["none", "", None],
    "dropout": [-0.1, 1, 1.5, float("nan"), float("inf"), "0.1", True],
    "embedding_dropout": [-0.1, 1, float("nan"), None],
    "timesteps": [1, 0, -1, 10**11, 32.0],
    "timestep_per": ["user", "", None],
    "schedule": ["quadratic", "", 1],
    "noise_weight": [-0.001, float("nan"), float("inf"), "1", True],
    "denoiser": ["unet", None],
    "targets": ["first", "", None],
    "infer_from": ["decoder", None],
    "condition_drop": [-0.1, 1, float("nan"), "0.1", True],
    "guidance": [-1.0, 2.0, float("nan"), float("inf"), None],
    "sampling_steps": [-1, 10**9, 1.0],
    "pretrain": [0, 1, "false", None],
    "warmup_epochs": [-1, 10**9, 1.0],
    "warmup_drift": [0, 1, "false", None],
    "objective": ["none", "", "ce+mse", 1, None],
    "pcgrad": [1, "true"],
}
TRAIN_BAD = {
    "seed": [-1, 2**32, 1.0, "1", True],
    "batch_size": [0, -1, 10**9, 5e2],
    "epochs": [0, 10**9, "9"],
    "lr": [0, -1e-3, 1.01, float("nan"), float("inf"), "1e-3", True],
    "weight_decay": [-1e-5, 1, float("nan"), None],
    "validate_every": [0, -5, 2.5],
    "patience": [0, -1, "4"],
    "max_steps": [0, -1, 1.0, "none", True],
    "frozen_table": [0, 1, "true", None],
    "loss": ["bpr", "", 1, None],
    "negatives": [0, -1, 10**9, 1.0, "8192", True],
    "checkpoint_seconds": [-1, float("nan"), float("inf"), "20"],
    "keep_weights": ["all", "", 1, None],
    "filter_seen": [0, "true", None],
    "user_share": [0, -0.5, 1.01, float("nan"), "1", True],
}


ADDED = {"timestep_per", "targets", "infer_from", "condition_drop", "guidance", "pretrain", "frozen_table", "objective"}
"""Settings that runs on people's disks do not have."""


def owner_of(field):
    """A config that has the field."""
    return next(kind for kind in CONFIGS if field in {f.name for f in dataclasses.fields(kind)})


def assert_tells(kind, field: str, value: object) -> None:
    """The config refuses the value in one sentence with the field, the value, and what was expected."""
    with pytest.raises(ConfigError) as caught:
        kind(**{field: value})
    assert re.fullmatch(rf"Setting '{field}' is {re.escape(repr(value))}; it must be [^;]+\.", str(caught.value))


def test_every_field_has_bad_values_tested_here():
    assert set(MODEL_BAD) == {f.name for kind in CONFIGS for f in dataclasses.fields(kind)}
    assert set(TRAIN_BAD) == {f.name for f in dataclasses.fields(TrainConfig)}


@pytest.mark.parametrize("field", MODEL_BAD)
def test_a_bad_model_field_is_told_with_its_value_and_what_is_allowed(field):
    for value in MODEL_BAD[field]:
        assert_tells(lambda **bad: owner_of(field)(**{"n_items": 10, **bad}), field, value)


@pytest.mark.parametrize("field", TRAIN_BAD)
def test_a_bad_training_field_is_told_with_its_value_and_what_is_allowed(field):
    for value in TRAIN_BAD[field]:
        assert_tells(TrainConfig, field, value)


@pytest.mark.parametrize("odd", [9, 15])
def test_an_odd_width_is_refused(odd):
    with pytest.raises(ConfigError, match=rf"'hidden_size' is {odd}; it must be an even number"):
        ADRecConfig(n_items=1, hidden_size=odd, heads=1)


MODEL_WORDS = {
    "schedule": list(SCHEDULES),
    "denoiser": ("transformer", "mlp"),
    "padding": PADDINGS,
    "timestep_per": ("token", "sequence"),
    "targets": ("last", "all"),
    "infer_from": ("encoder", "item"),
    "objective": tuple(OBJECTIVES),
}


@pytest.mark.parametrize(("field", "names"), MODEL_WORDS.items())
def test_a_wrong_word_is_answered_with_all_right_ones(field, names):
    with pytest.raises(ConfigError) as caught:
        owner_of(field)(n_items=1, **{field: "wrong"})
    assert str(caught.value).endswith(f"it must be one of {', '.join(names)}.")


@pytest.mark.parametrize("schedule", list(SCHEDULES))
def test_a_config_is_allowed_exactly_where_its_schedule_exists(schedule):
    def exists(make):
        try:
            make()
        except ConfigError:
            return False
        return True

    for timesteps in (2, 3, 20, 21, 1000):
        config = exists(lambda steps=timesteps: ADRecConfig(n_items=1, schedule=schedule, timesteps=steps))
        assert config == exists(lambda steps=timesteps: betas(schedule, steps)), timesteps


@pytest.mark.parametrize("config", [ADRecConfig(n_items=5), TrainConfig()])
def test_a_config_does_not_change(config):
    field = dataclasses.fields(config)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(config, field, 1)


def fractions(top: float) -> st.SearchStrategy[float]:
    return st.floats(0, top, exclude_max=True, allow_nan=False)


model_configs = st.builds(
    lambda heads, per_head, **fields: DreamRecConfig(heads=heads, hidden_size=2 * heads * per_head, **fields),
    heads=st.integers(1, 8),
    per_head=st.integers(1, 32),
    n_items=st.integers(1, 10**7),
    blocks=st.integers(1, 8),
    length=st.integers(1, 500),
    positions=st.booleans(),
    padding=st.sampled_from(PADDINGS),
    dropout=fractions(1),
    embedding_dropout=fractions(1),
    timesteps=st.integers(21, 4000),
    schedule=st.sampled_from(list(SCHEDULES)),
    timestep_per=st.sampled_from(("token", "sequence")),
    targets=st.sampled_from(("last", "all")),
    infer_from=st.sampled_from(("encoder", "item")),
    condition_drop=st.floats(0.01, 0.99),
    guidance=st.floats(0, 10),
    denoiser=st.sampled_from(("mlp", "linear")),
)
train_configs = st.builds(
    TrainConfig,
    frozen_table=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
    batch_size=st.integers(1, 10**6),
    epochs=st.integers(1, 10**6),
    lr=st.floats(1e-12, 1),
    weight_decay=fractions(1),
    max_steps=st.none() | st.integers(1, 10**6),
    loss=st.sampled_from(LOSSES),
    negatives=st.integers(1, 10**7),
    checkpoint_seconds=st.floats(0, 1e6),
    keep_weights=st.sampled_from(KEPT_WEIGHTS),
    filter_seen=st.booleans(),
)


@given(model_configs | train_configs)
def test_a_config_survives_json(config):
    assert from_json(type(config), json.loads(json.dumps(dataclasses.asdict(config), allow_nan=False))) == config


@pytest.mark.parametrize("kind", [ModelConfig, TrainConfig])
def test_an_unknown_field_in_json_is_named(kind):
    with pytest.raises(ConfigError, match="Unknown setting 'wings'; known are .*seed|n_items"):
        from_json(kind, {"wings": 2})


def test_a_missing_field_in_json_is_named():
    with pytest.raises(ConfigError, match="Setting 'n_items' is missing"):
        from_json(ModelConfig, {"length": 4})


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("hidden_size", "64", 64),
        ("noise_weight", "1", 1.0),
        ("positions", "true", True),
        ("positions", "False", False),
        ("denoiser", "mlp", "mlp"),
        ("max_steps", "none", None),
        ("max_steps", "7", 7),
        ("lr", "5e-4", 5e-4),
        ("warmup_drift", "1", True),
        ("pcgrad", "0", False),
    ],
)
def test_a_text_becomes_a_value_of_the_fields_type(key, text, value):
    found = settings("sasrec" if key == "positions" else "paper", {key: text})
    got = {**dataclasses.asdict(found.train), **dataclasses.asdict(found.config)}[key]
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("hidden_size", "64.0"),
        ("hidden_size", "many"),
        ("hidden_size", ""),
        ("lr", "fast"),
        ("lr", "nan"),
        ("noise_weight", "inf"),
        ("positions", "yes"),
        ("max_steps", "never"),
        ("epochs", "none"),
        ("denoiser", ""),
        ("seed", "9" * 5000),
    ],
)
def test_a_text_that_is_no_value_is_refused_by_the_fields_name(key, text):
    with pytest.raises(ConfigError, match=f"'{key}'"):
        settings("sasrec" if key == "positions" else "paper", {key: text})


def test_n_items_cannot_be_set():
    with pytest.raises(ConfigError, match="Unknown setting 'n_items'"):
        settings("paper", {"n_items": "5"})


def test_an_unknown_key_is_answered_with_all_known_ones():
    with pytest.raises(ConfigError) as caught:
        settings("paper", {"lerning_rate": "1"})
    known = set(fields_of(MODELS["adrec"])) - {"n_items"}
    assert "infer_from" not in str(caught.value)  # another model's
    assert all(name in str(caught.value) for name in known)


def test_an_unknown_preset_is_answered_with_the_known_ones():
    with pytest.raises(ConfigError, match="Unknown preset 'slow'; known are paper, quick, .*sasrec, .*dreamrec-long"):
        settings("slow", {})
    with pytest.raises(ConfigError, match="Unknown preset 'paper' of the model 'sasrec'; known are sasrec"):
        settings("paper", {}, "sasrec")


def test_more_sampling_steps_than_timesteps_are_refused_before_anything_is_trained():
    with pytest.raises(ConfigError, match="'sampling_steps' is 9; it must be an integer from 0 to 8"):
        settings("paper", {"sampling_steps": "9", "timesteps": "8"})


def test_a_wrong_loss_is_answered_with_all_right_ones():
    with pytest.raises(ConfigError, match="'loss' is 'hinge'; it must be one of full, sampled"):
        TrainConfig(loss="hinge")


def test_the_official_drift_of_the_whole_table_is_refused_where_only_touched_rows_are_updated():
    with pytest.raises(ConfigError, match="'warmup_drift' is True; it must be false with loss = sampled"):
        settings("paper", {"loss": "sampled", "warmup_drift": "true"})


def test_the_loss_and_its_negatives_are_settable_by_text():
    train = settings("paper", {"loss": "sampled", "negatives": "512"}).train
    assert (train.loss, train.negatives) == ("sampled", 512)


@pytest.mark.parametrize(
    ("model", "preset"), [(model, preset) for model in ("adrec", "sasrec", "dreamrec") for preset in MODELS[model].presets]
)
def test_a_preset_is_the_defaults_with_its_own_fields(model, preset):
    found, own = settings(preset), MODELS[model].presets[preset].settings
    usual = {**dataclasses.asdict(TrainConfig()), **dataclasses.asdict(MODELS[model].Config(n_items=1))}
    assert found.model is MODELS[model] and {**dataclasses.asdict(found.train), **dataclasses.asdict(found.config)} == {**usual, **own}


def test_a_key_given_overrides_the_presets():
    assert settings("quick", {"epochs": "9"}).train.epochs == 9
    assert settings("quick", {"hidden_size": "32"}).config.hidden_size == 32


def test_a_warm_up_as_long_as_the_schedule_is_refused_before_anything_is_trained():
    with pytest.raises(ConfigError, match="'warmup_epochs' is 9; it must be less than epochs = 9"):
        settings("paper", {"warmup_epochs": "9", "epochs": "9"})


def test_a_model_without_a_preset_named_takes_its_first():
    assert settings(model="dreamrec").preset == "dreamrec-harness" and settings().preset == "paper"


def test_no_setting_of_one_model_is_a_field_of_another():
    sasrec, adrec, dreamrec = (set(fields_of(MODELS[name])) for name in ("sasrec", "adrec", "dreamrec"))
    assert not {"noise_weight", "warmup_epochs", "objective"} & (sasrec | dreamrec)
    assert not {"guidance", "infer_from"} & (sasrec | adrec) and not {"timesteps", "sampling_steps"} & sasrec


@pytest.mark.parametrize("kind", [DreamRecConfig, TrainConfig])
def test_a_run_recorded_before_a_setting_existed_is_read_with_its_default(kind):
    usual = kind(n_items=9) if kind is DreamRecConfig else kind()
    assert from_json(kind, {k: v for k, v in dataclasses.asdict(usual).items() if k not in ADDED}) == usual


def test_a_denoiser_of_another_model_is_refused():
    with pytest.raises(ConfigError, match="'denoiser' is 'transformer'; it must be one of mlp, linear"):
        settings("dreamrec-long", {"denoiser": "transformer"})
