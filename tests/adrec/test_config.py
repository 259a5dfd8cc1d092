"""Settings: what is allowed, the sentence that a wrong one gets, and JSON both ways."""

import dataclasses
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrec.config import (
    DENOISERS,
    DENOISERS_OF,
    INFER_FROM,
    LOSSES,
    MODELS,
    OBJECTIVES,
    PADDINGS,
    PRESETS,
    SCHEDULES,
    TARGETS,
    TIMESTEP_PER,
    ModelConfig,
    TrainConfig,
    from_json,
    settings,
    to_json,
)
from adrec.diffusion import betas
from adrec.errors import ConfigError

MODEL_BAD = {
    "n_items": [0, -1, 1.0, "7", True, None],
    "model": ["bert", "", 3, None],
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
    "denoiser": ["unet", "linear", None],
    "targets": ["first", "", None],
    "infer_from": ["decoder", None],
    "condition_drop": [-0.1, 1, float("nan"), "0.1", True],
    "guidance": [-1.0, 2.0, float("nan"), float("inf"), None],
}
TRAIN_BAD = {
    "seed": [-1, 2**32, 1.0, "1", True],
    "batch_size": [0, -1, 10**9, 5e2],
    "epochs": [0, 10**9, "9"],
    "warmup_epochs": [-1, 500, 501, 1.0],
    "lr": [0, -1e-3, 1.01, float("nan"), float("inf"), "1e-3", True],
    "weight_decay": [-1e-5, 1, float("nan"), None],
    "validate_every": [0, -5, 2.5],
    "patience": [0, -1, "4"],
    "max_steps": [0, -1, 1.0, "none", True],
    "pretrain": [0, 1, "false", None],
    "frozen_table": [0, 1, "true", None],
    "objective": ["none", "", "ce+mse", 1, None],
    "warmup_drift": [0, 1, "false", None],
    "pcgrad": [1, "true"],
    "loss": ["bpr", "", 1, None],
    "negatives": [0, -1, 10**9, 1.0, "8192", True],
    "sampling_steps": [-1, 10**9, 1.0],
    "checkpoint_seconds": [-1, float("nan"), float("inf"), "20"],
    "keep_weights": ["all", "", 1, None],
}


ADDED = {"timestep_per", "targets", "infer_from", "condition_drop", "guidance", "pretrain", "frozen_table", "objective"}
"""Settings that runs on people's disks do not have."""


def cases(table):
    return [pytest.param(field, value, id=f"{field}-{value!r}") for field, values in table.items() for value in values]


def assert_tells(message: str, field: str, value: object) -> None:
    """One sentence with the field, the value, and what is allowed."""
    assert re.fullmatch(rf"Setting '{field}' is {re.escape(repr(value))}; allowed is [^;]+\.", message)


def test_every_field_has_bad_values_tested_here():
    assert set(MODEL_BAD) == {f.name for f in dataclasses.fields(ModelConfig)}
    assert set(TRAIN_BAD) == {f.name for f in dataclasses.fields(TrainConfig)}


@pytest.mark.parametrize(("field", "value"), cases(MODEL_BAD))
def test_a_bad_model_field_is_told_with_its_value_and_what_is_allowed(field, value):
    with pytest.raises(ConfigError) as caught:
        ModelConfig(**{"n_items": 10, field: value})
    assert_tells(str(caught.value), field, value)


@pytest.mark.parametrize(("field", "value"), cases(TRAIN_BAD))
def test_a_bad_training_field_is_told_with_its_value_and_what_is_allowed(field, value):
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**{field: value})
    assert_tells(str(caught.value), field, value)


@pytest.mark.parametrize("odd", [9, 15])
def test_an_odd_width_is_refused(odd):
    with pytest.raises(ConfigError, match=rf"'hidden_size' is {odd}; allowed is an even number"):
        ModelConfig(n_items=1, hidden_size=odd, heads=1)


MODEL_WORDS = {
    "model": MODELS,
    "schedule": SCHEDULES,
    "denoiser": DENOISERS_OF["adrec"],
    "padding": PADDINGS,
    "timestep_per": TIMESTEP_PER,
    "targets": TARGETS,
    "infer_from": INFER_FROM,
}


@pytest.mark.parametrize(("field", "names"), MODEL_WORDS.items())
def test_a_wrong_word_is_answered_with_all_right_ones(field, names):
    with pytest.raises(ConfigError) as caught:
        ModelConfig(n_items=1, **{field: "wrong"})
    assert str(caught.value).endswith(f"allowed is one of {', '.join(names)}.")


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("timesteps", [2, 3, 20, 21, 32, 1000, 4000])
def test_a_config_is_allowed_exactly_where_its_schedule_exists(schedule, timesteps):
    def exists(make):
        try:
            make()
        except ConfigError:
            return False
        return True

    config = exists(lambda: ModelConfig(n_items=1, schedule=schedule, timesteps=timesteps))
    assert config == exists(lambda: betas(schedule, timesteps))


@pytest.mark.parametrize("config", [ModelConfig(n_items=5), TrainConfig()])
def test_a_config_does_not_change(config):
    field = dataclasses.fields(config)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(config, field, 1)


def fractions(top: float) -> st.SearchStrategy[float]:
    return st.floats(0, top, exclude_max=True, allow_nan=False)


model_configs = st.builds(
    lambda model, denoiser, heads, per_head, **fields: ModelConfig(
        model=model,
        denoiser=denoiser if denoiser in DENOISERS_OF.get(model, DENOISERS) else "mlp",
        heads=heads,
        hidden_size=2 * heads * per_head,
        **fields,
    ),
    heads=st.integers(1, 8),
    per_head=st.integers(1, 32),
    n_items=st.integers(1, 10**7),
    model=st.sampled_from(MODELS),
    blocks=st.integers(1, 8),
    length=st.integers(1, 500),
    positions=st.booleans(),
    padding=st.sampled_from(PADDINGS),
    dropout=fractions(1),
    embedding_dropout=fractions(1),
    timesteps=st.integers(21, 4000),
    schedule=st.sampled_from(SCHEDULES),
    noise_weight=st.floats(0, 1e6),
    timestep_per=st.sampled_from(TIMESTEP_PER),
    targets=st.sampled_from(TARGETS),
    infer_from=st.sampled_from(INFER_FROM),
    condition_drop=st.floats(0.01, 0.99),
    guidance=st.floats(0, 10),
    denoiser=st.sampled_from(DENOISERS),
)
train_configs = st.builds(
    lambda loss, drift, **fields: TrainConfig(loss=loss, warmup_drift=drift and loss == "full", **fields),
    drift=st.booleans(),
    pretrain=st.booleans(),
    frozen_table=st.booleans(),
    objective=st.sampled_from(OBJECTIVES),
    seed=st.integers(0, 2**32 - 1),
    batch_size=st.integers(1, 10**6),
    epochs=st.integers(6, 10**6),
    warmup_epochs=st.integers(0, 5),
    lr=st.floats(1e-12, 1),
    weight_decay=fractions(1),
    max_steps=st.none() | st.integers(1, 10**6),
    loss=st.sampled_from(LOSSES),
    negatives=st.integers(1, 10**7),
    checkpoint_seconds=st.floats(0, 1e6),
)


@given(model_configs | train_configs)
def test_a_config_survives_json(config):
    assert from_json(type(config), json.loads(json.dumps(to_json(config), allow_nan=False))) == config


@pytest.mark.parametrize("kind", [ModelConfig, TrainConfig])
def test_an_unknown_field_in_json_is_named(kind):
    with pytest.raises(ConfigError, match="Unknown setting 'wings'; known are .*seed|n_items"):
        from_json(kind, {"wings": 2})


def test_a_missing_field_in_json_is_named():
    with pytest.raises(ConfigError, match="Setting 'n_items' is missing"):
        from_json(ModelConfig, {"heads": 4})


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
    model, train = settings("paper", {key: text})
    got = {**to_json(train), **model}[key]
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
        settings("paper", {key: text})


def test_n_items_cannot_be_set():
    with pytest.raises(ConfigError, match="Unknown setting 'n_items'"):
        settings("paper", {"n_items": "5"})


def test_an_unknown_key_is_answered_with_all_known_ones():
    with pytest.raises(ConfigError) as caught:
        settings("paper", {"lerning_rate": "1"})
    known = {f.name for kind in (ModelConfig, TrainConfig) for f in dataclasses.fields(kind)} - {"n_items"}
    assert all(name in str(caught.value) for name in known)


def test_an_unknown_preset_is_answered_with_the_known_ones():
    with pytest.raises(ConfigError, match=f"Unknown preset 'slow'; known are {', '.join(PRESETS)}"):
        settings("slow", {})


def test_more_sampling_steps_than_timesteps_are_refused_before_anything_is_trained():
    with pytest.raises(ConfigError, match="'sampling_steps' is 9; allowed is at most timesteps = 8"):
        settings("paper", {"sampling_steps": "9", "timesteps": "8"})


def test_a_wrong_loss_is_answered_with_all_right_ones():
    with pytest.raises(ConfigError, match="'loss' is 'hinge'; allowed is one of full, sampled"):
        TrainConfig(loss="hinge")


def test_the_official_drift_of_the_whole_table_is_refused_where_only_touched_rows_are_updated():
    with pytest.raises(ConfigError, match="'warmup_drift' is True; allowed is false with loss = sampled"):
        settings("paper", {"loss": "sampled", "warmup_drift": "true"})


def test_the_loss_and_its_negatives_are_settable_by_text():
    train = settings("paper", {"loss": "sampled", "negatives": "512"})[1]
    assert (train.loss, train.negatives) == ("sampled", 512)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_the_defaults_with_its_own_fields(preset):
    model, train = settings(preset, {})
    assert {**dataclasses.asdict(TrainConfig()), **{k: v for k, v in PRESETS[preset].items() if k not in model}} == to_json(train)
    assert model == {k: v for k, v in PRESETS[preset].items() if k in {f.name for f in dataclasses.fields(ModelConfig)}}


def test_a_key_given_overrides_the_presets():
    assert settings("quick", {"epochs": "9", "hidden_size": "32"})[1].epochs == 9
    assert settings("quick", {"hidden_size": "32"})[0]["hidden_size"] == 32


@pytest.mark.parametrize("kind", [ModelConfig, TrainConfig])
def test_a_run_recorded_before_a_setting_existed_is_read_with_its_default(kind):
    old = {k: v for k, v in to_json(kind(n_items=9) if kind is ModelConfig else kind()).items() if k not in ADDED}
    assert len(old) == len(dataclasses.fields(kind)) - len(ADDED & {f.name for f in dataclasses.fields(kind)})
    assert from_json(kind, old) == (kind(n_items=9) if kind is ModelConfig else kind())


def test_the_usual_denoiser_of_a_model_is_taken_where_none_is_named():
    assert settings("paper", {"model": "dreamrec"})[0]["denoiser"] == "mlp"
    assert settings("paper", {"model": "dreamrec", "denoiser": "linear"})[0]["denoiser"] == "linear"
    with pytest.raises(ConfigError, match="'denoiser' is 'transformer'; allowed is one of mlp, linear"):
        settings("paper", {"model": "dreamrec", "denoiser": "transformer"})
