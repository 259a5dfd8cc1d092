"""Which model, and how it is trained: from what a person asks for, or from what a run folder records."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adrec.config import ModelConfig, TrainConfig, from_json, parse_settings
from adrec.errors import ConfigError, RunError
from adrec.models import DEFAULT
from adrec.models.base import MODELS, Model, Preset, Space, Stage


@dataclass(frozen=True)
class Settings:
    """A model's class, its settings, those of its training, and the preset that they began from."""

    model: type[Model]
    config: ModelConfig
    train: TrainConfig = TrainConfig()
    preset: str | None = None

    @property
    def stages(self) -> list[Stage]:
        """The stages of the training, in order."""
        return self.model.stages(self.config, self.train)

    def sized(self, n_items: int) -> "Settings":
        """The same for a catalogue of this size."""
        return dataclasses.replace(self, config=dataclasses.replace(self.config, n_items=n_items))

    def to_json(self) -> dict[str, Any]:
        """As run.json records them."""
        config, train = dataclasses.asdict(self.config), dataclasses.asdict(self.train)
        return {"model": {"model": self.model.name, **config}, "train": train, "preset": self.preset}


def fields_of(model: type[Model]) -> dict[str, type[ModelConfig | TrainConfig]]:
    """Each setting of a model or of its training, and the config that it belongs to."""
    return {field.name: kind for kind in (TrainConfig, model.Config) for field in dataclasses.fields(kind)}


def searched(model: type[Model]) -> Space:
    """What a search may change of this model: its ``space``, as far as it has those settings."""
    return {name: values for name, values in model.space.items() if name in fields_of(model)}


def find_preset(preset: str | None, model: str | None = None) -> tuple[type[Model], str, Preset]:
    """The preset of this name, of this model or of whichever has it (the default model first); without a name a model's default one."""
    if model is not None or preset is None:
        candidates = [MODELS[DEFAULT if model is None else model]]
    else:
        candidates = [MODELS[DEFAULT], *(each for _, each in MODELS.items())]
    preset = next(iter(candidates[0].presets)) if preset is None else preset
    for each in candidates:
        if preset in each.presets:
            return each, preset, each.presets[preset]
    known = dict.fromkeys(name for each in candidates for name in each.presets)
    of = f" of the model '{model}'" if model is not None else ""
    raise ConfigError(f"Unknown preset '{preset}'{of}; known are {', '.join(known)}.")


def settings(preset: str | None = None, overrides: Mapping[str, str] | None = None, model: str | None = None) -> Settings:
    """A preset with ``key=value`` texts laid over it, for a catalogue whose size is still to be filled in (``sized``)."""
    kind, name, chosen = find_preset(preset, model)
    values = {**chosen.settings, **parse(kind, overrides or {})}
    found = Settings(kind, *_configs(kind, {"n_items": 1, **values}), name)
    assert found.stages  # checks what depends on both
    return found


def parse(model: type[Model], texts: Mapping[str, str]) -> dict[str, Any]:
    """``key=value`` texts as values of this model's settings and its training's; an unknown key is answered with the known ones."""
    return parse_settings((TrainConfig, model.Config), texts)


def recorded(info: Mapping[str, Any]) -> Settings:
    """The settings in run.json. Folders from before models had settings of their own record every model's settings for each, in
    either part; those that the model does not have meant nothing to it and are dropped."""
    given, train = info.get("model"), info.get("train")
    if not isinstance(given, dict) or not isinstance(train, dict):
        raise RunError("The run's run.json is damaged: it has no settings 'model' and 'train'.")
    name = given.get("model", DEFAULT)
    model = MODELS[str(name)]
    values = {**train, **given}
    values.pop("model", None)
    if "format" not in info:
        values = {key: value for key, value in values.items() if key in fields_of(model)}
    preset = info.get("preset")
    return Settings(model, *_configs(model, values), preset if isinstance(preset, str) else None)


def _configs(model: type[Model], values: Mapping[str, Any]) -> tuple[ModelConfig, TrainConfig]:
    homes = fields_of(model)
    parts: dict[type, dict[str, Any]] = {TrainConfig: {}, model.Config: {}}
    for key, value in values.items():
        parts[homes.get(key, model.Config)][key] = value
    return from_json(model.Config, parts[model.Config]), from_json(TrainConfig, parts[TrainConfig])
