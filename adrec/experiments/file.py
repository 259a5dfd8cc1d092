"""The file of an experiment: models x data x seeds x settings. A mistake is refused with its line, before anything trains.

    question = "Does a wider table help?"       # runs with the same question are shown together
    core_hours = 1.5                            # what it was estimated to take
    seeds = [1, 2, 3]
    data = ["ml-100k", { name = "Baby", source = "prepared/baby" }]
    baseline = "ADRec"                          # which model the others are compared with
    reuse = ["runs/lesson"]                     # folders whose finished runs are taken instead of training the same again

    [settings]                                  # of every model
    patience = 6

    [tune]                                      # the same search for every model and data set, before the seeds are trained
    trials = 10
    budget = "1h"

    [[models]]
    name = "ADRec"                              # default: the preset's name
    preset = "paper"                            # or ``model``, or both, as of ``adrec train``
    settings = { lr = 0.002 }
    grid = { hidden_size = [64, 128] }          # one model for each combination
    stage1 = "ADRec"                            # take stage 1 of that model's run of the same data and seed
    steps = [1, 32]                             # also compared with fewer denoising steps

A data set may have ``options`` (``--data-option``) and ``settings`` (say, ``user_share``). Paths are as on the command line.
"""

import itertools
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adrec.config import LARGEST_SEED
from adrec.data import catalog
from adrec.data.named import DATASETS
from adrec.data.options import Options
from adrec.errors import AdrecError, ConfigError, DataError
from adrec.evaluation.metrics import METRICS
from adrec.experiments.lines import Place, nearest, refuse
from adrec.models.base import MODELS
from adrec.models.settings import fields_of, find_preset, parse, searched, settings
from adrec.runs.shapes import check_texts

TOP = ("title", "question", "core_hours", "seeds", "data", "baseline", "reuse", "metrics", "settings", "tune", "models")
MODEL = ("name", "model", "preset", "settings", "grid", "stage1", "steps")
DATA = ("name", "source", "options", "settings")
TUNE = ("trials", "budget")
UNITS = {"d": 86400.0, "h": 3600.0, "min": 60.0, "m": 60.0, "s": 1.0}
DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(d|h|min|m|s)")
COMPARED = ("hr@10", "ndcg@10")
Texts = Mapping[str, str]
"""Settings as ``key=value`` texts of the command line."""


@dataclass(frozen=True)
class Data:
    """A data set of the grid. name: shown; source, options: as of ``adrec train``; settings: of every training on it."""

    name: str
    source: str
    options: Texts = field(default_factory=dict)
    settings: Texts = field(default_factory=dict)


@dataclass(frozen=True)
class Variant:
    """A model of the grid with its settings. stage1: the variant whose stage 1 it takes; steps: also compared with these."""

    name: str
    model: str
    preset: str
    settings: Texts = field(default_factory=dict)
    stage1: str | None = None
    steps: tuple[int, ...] = ()


@dataclass(frozen=True)
class Budget:
    """Of a search: how many trainings, and how many seconds at most (None: no limit)."""

    trials: int
    seconds: float | None = None


@dataclass(frozen=True)
class Experiment:
    """What a file asks for, checked. metrics: those that are tested against the baseline."""

    path: Path
    title: str
    question: str | None
    core_hours: float | None
    seeds: tuple[int, ...]
    data: tuple[Data, ...]
    variants: tuple[Variant, ...]
    baseline: str
    reuse: tuple[Path, ...] = ()
    metrics: tuple[str, ...] = COMPARED
    search: Budget | None = None


def seconds_of(text: str) -> float:
    """A length of time such as "8h", "90 min" or "1h 30m"."""
    words = text.strip().lower()
    if not words or DURATION.sub("", words).strip():
        raise ConfigError(f"'{text}' is no length of time: expected one such as 8h, 90min or 1h 30min.")
    return sum(float(number) * UNITS[unit] for number, unit in DURATION.findall(words))


def read(path: str | Path) -> Experiment:
    """The experiment in a file."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"'{path}' cannot be read as an experiment file ({type(error).__name__}): expected a TOML file.") from None
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line, what = (f", line {place[1]}", str(error)[: place.start()].strip()) if place else ("", str(error))
        raise ConfigError(f"'{path}'{line}: {what}; expected TOML.") from None
    return _Reader(path, text).experiment(given)


class _Reader:
    """Checks what a file says, knowing where it says it."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text = path, text

    def refuse(self, place: Place, what: str, value: object = None) -> Any:
        refuse(self.path, self.text, place, what, value)

    def experiment(self, given: dict[str, Any]) -> Experiment:
        self.given = given
        self.keys(given, (), TOP, "a key of an experiment")
        for key in ("data", "models"):
            if not given.get(key):
                raise ConfigError(f"'{self.path}' has no {key}: an experiment needs 'data' and at least one [[models]].")
        seeds = self.list(given, "seeds", self._seed, [1])
        data = self.list(given, "data", self._data)
        common = self.texts(given.get("settings", {}), ("settings",))
        tables = self.typed(given, ("models",), list, "a list of tables, each begun with [[models]]")
        found = [(i, variant) for i, table in enumerate(tables) for variant in self._variants(table, i, common)]
        variants = [variant for _, variant in found]
        self.unique([v.name for v in variants], ("models",), "model")
        self.unique([d.name for d in data], ("data",), "data set")
        search = self._search(given["tune"]) if "tune" in given else None
        self._together(found, data)
        for i, variant in found:
            self._stage1(variant, ("models", i, "stage1"), variants)
        names = [v.name for v in variants]
        baseline = given.get("baseline", names[0])
        if baseline not in names:
            self.refuse(("baseline",), f"there is no model named '{baseline}'; {nearest(baseline, names)}")
        known = [key for _, entry in METRICS.items() for key in entry.keys]
        metrics = self.list(given, "metrics", lambda value, place: self.word(value, place, known, "metric"), list(COMPARED))
        reuse = self.list(given, "reuse", lambda value, place: Path(self.string(value, place)), [])
        hours = given.get("core_hours")
        if hours is not None and not (isinstance(hours, int | float) and hours > 0):
            self.refuse(("core_hours",), f"core_hours is {hours!r}; it must be a number above 0.")
        title = self.string(given.get("title", self.path.stem), ("title",))
        question = self.string(given["question"], ("question",)) if "question" in given else None
        for i, variant in found:
            self.about({"title": variant.name}, ("models", i, "name"))
        self.about({"question": question}, ("question",))
        return Experiment(
            self.path, title, question, hours, tuple(seeds), tuple(data), tuple(variants), baseline, tuple(reuse), tuple(metrics), search
        )

    # -- parts ----------------------------------------------------------------------------------------------------

    def _seed(self, value: Any, place: Place) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST_SEED:
            self.refuse(place, f"the seed is {value!r}; it must be an integer from 0 to {LARGEST_SEED}.", value)
        return int(value)

    def _data(self, value: Any, place: Place) -> Data:
        if isinstance(value, str):
            value = {"source": value}
        if not isinstance(value, dict):
            self.refuse(place, f"{value!r} is no data set: expected a name or path, or a table with 'source'.", value)
        self.keys(value, place, DATA, "a key of a data set")
        if "source" not in value:
            self.refuse(place, "a data set needs 'source', a name or a path.")
        source = self.string(value["source"], (*place, "source"))
        try:
            ready = catalog.named(source) or catalog.available(source)
            options = self.texts(value.get("options", {}), (*place, "options"))
            Options.check(options)
        except DataError as error:
            return self.refuse((*place, "options"), str(error))
        if not ready:
            names = ", ".join(DATASETS)
            near = nearest(source, DATASETS) if "/" not in source else f"the named data sets are {names}."
            self.refuse(place, f"'{source}' is neither a named data set nor an existing file or folder; {near}", source)
        name = self.string(value.get("name", source), (*place, "name"))
        return Data(name, source, options, self.texts(value.get("settings", {}), (*place, "settings")))

    def _search(self, given: Any) -> Budget:
        place: Place = ("tune",)
        if not isinstance(given, dict):
            self.refuse(place, "'tune' must be a table with 'trials' and perhaps 'budget'.")
        self.keys(given, place, TUNE, "a key of [tune]")
        trials = given.get("trials")
        if not isinstance(trials, int) or isinstance(trials, bool) or trials < 1:
            self.refuse((*place, "trials"), f"trials is {trials!r}; it must be an integer of at least 1.")
        budget = given.get("budget")
        try:
            return Budget(int(trials), None if budget is None else seconds_of(self.string(budget, (*place, "budget"))))
        except ConfigError as error:
            return self.refuse((*place, "budget"), str(error))

    def _variants(self, table: Any, i: int, common: Texts) -> Iterable[Variant]:
        place: Place = ("models", i)
        if not isinstance(table, dict):
            self.refuse(place, "a model must be a table, begun with [[models]].")
        self.keys(table, place, MODEL, "a key of a model")
        model, preset = self._model(table, place)
        own = self.texts(table.get("settings", {}), (*place, "settings"))
        grid = table.get("grid", {})
        if not isinstance(grid, dict) or not all(isinstance(values, list) and values for values in grid.values()):
            self.refuse((*place, "grid"), "a grid must give a list of values for each setting, such as { lr = [0.001, 0.01] }.")
        texts = {key: [self.text_of(value, (*place, "grid", key)) for value in values] for key, values in grid.items()}
        for key, values in texts.items():
            for value in values:
                self.check(model, key, value, (*place, "grid"))
        for where, given in ((("settings",), common), ((*place, "settings"), own)):
            for key, value in given.items():
                self.check(model, key, value, where)
        steps = table.get("steps", [])
        if not isinstance(steps, list) or not all(isinstance(s, int) and not isinstance(s, bool) and s > 0 for s in steps):
            self.refuse((*place, "steps"), f"steps is {steps!r}; it must be a list of integers of at least 1.")
        if steps and "denoise" not in MODELS[model].abilities:
            self.refuse((*place, "steps"), f"the model '{model}' has no reverse process, so it has no number of steps.")
        name = self.string(table.get("name", preset), (*place, "name"))
        for combination in itertools.product(*texts.values()):
            chosen = dict(zip(texts, combination, strict=True))
            words = ", ".join(f"{key} {value}" for key, value in chosen.items())
            of = f"{name}, {words}" if words else name
            yield Variant(of, model, preset, {**common, **own, **chosen}, table.get("stage1"), tuple(steps))

    def _model(self, table: Mapping[str, Any], place: Place) -> tuple[str, str]:
        """The names of the model and the preset of one entry."""
        model, preset = (self.string(table[key], (*place, key)) if key in table else None for key in ("model", "preset"))
        if model is None and preset is None:
            self.refuse(place, "a model needs 'model' or 'preset', as 'adrec models' lists them.")
        if model is not None:
            self.word(model, (*place, "model"), list(MODELS), "model")
        candidates = list(MODELS) if model is None else [model]
        presets = [name for each in candidates for name in MODELS[each].presets]
        if preset is not None:
            self.word(preset, (*place, "preset"), presets, "preset")
        kind, preset, _ = find_preset(preset, model)
        return kind.name, preset

    def _stage1(self, variant: Variant, place: Place, variants: Sequence[Variant]) -> None:
        if variant.stage1 is None:
            return
        of = self.word(self.string(variant.stage1, place), place, [v.name for v in variants], "model")
        first = next(v for v in variants if v.name == of)
        if first.stage1 is not None:
            self.refuse(place, f"'{of}' takes its stage 1 from '{first.stage1}' itself; name that one.")
        for each in (variant, first):
            if settings(each.preset, each.settings, each.model).stages[0].name != "pretrain":
                self.refuse(place, f"'{each.name}' has no stage 1, so none can be shared.")

    def _together(self, found: Sequence[tuple[int, Variant]], data: Sequence[Data]) -> None:
        """All settings of a training must fit together; what is wrong is reported at the setting that the message names."""
        for (i, variant), (j, each) in itertools.product(found, enumerate(data)):
            for key, value in each.settings.items():
                self.check(variant.model, key, value, ("data", j, "settings"))
            try:
                settings(variant.preset, {**each.settings, **variant.settings}, variant.model)
            except AdrecError as error:
                named = re.search(r"[Ss]etting '(\w+)'", str(error))
                self.refuse(self._place_of(named[1] if named else "", i, j), f"{variant.name}: {error}")

    def _place_of(self, key: str, i: int, j: int) -> Place:
        """Where the file gives a setting of a model and a data set; if it doesn't, the model."""
        places: list[Place] = [("models", i, "grid", key), ("models", i, "settings", key), ("data", j, "settings", key), ("settings", key)]
        for place in places:
            table: Any = self.given
            for part in place:
                known = isinstance(table, dict) and part in table or isinstance(table, list) and isinstance(part, int)
                table = table[part] if known else None
            if table is not None:
                return place
        return ("models", i)

    def check(self, model: str, key: str, value: str, place: Place) -> None:
        """A setting must be one of the model's, and of its kind."""
        known = [name for name in fields_of(MODELS[model]) if name not in ("n_items", "seed")]
        if key not in known:
            why = "the seeds are in 'seeds'." if key == "seed" else nearest(key, known)
            self.refuse((*place, key), f"'{key}' is no setting of the model '{model}'; {why}")
        try:
            parse(MODELS[model], {key: value})
        except ConfigError as error:
            self.refuse((*place, key), str(error))

    # -- values ---------------------------------------------------------------------------------------------------

    def keys(self, table: Mapping[str, Any], place: Place, known: Collection[str], what: str) -> None:
        for key in table:
            if key not in known:
                self.refuse((*place, key), f"'{key}' is not {what}; {nearest(key, known)}")

    def typed(self, table: Mapping[str, Any], place: Place, kind: type, expected: str) -> Any:
        value = table[str(place[-1])]
        return value if isinstance(value, kind) else self.refuse(place, f"'{place[-1]}' must be {expected}.")

    def list(self, table: Mapping[str, Any], key: str, read: Callable[[Any, Place], Any], default: Any = None) -> list[Any]:
        values = table.get(key, default)
        if not isinstance(values, list) or not values and key in table and key != "reuse":
            self.refuse((key,), f"'{key}' must be a list{'' if key == 'reuse' else ' with at least one entry'}.")
        found = [read(value, (key, i)) for i, value in enumerate(values)]
        if key == "seeds":
            self.unique(found, (key,), "seed")
        return found

    def unique(self, names: Sequence[Any], place: Place, what: str) -> None:
        """Names must differ, also as names of folders."""
        for i, name in enumerate(names):
            if name in names[:i]:
                self.refuse((*place, i), f"there are two {what}s '{name}'; give each its own name.", name)
            alike = next((other for other in names[:i] if slug(str(other)) == slug(str(name))), None)
            if alike is not None:
                self.refuse((*place, i), f"the {what}s '{alike}' and '{name}' would share a folder; name one otherwise.", name)

    def word(self, value: Any, place: Place, known: Sequence[str], what: str) -> str:
        if value not in known:
            self.refuse(place, f"there is no {what} '{value}'; {nearest(value, known)}", value)
        return str(value)

    def string(self, value: Any, place: Place) -> str:
        return value if isinstance(value, str) and value else self.refuse(place, f"{value!r} must be a text.", value)

    def about(self, texts: Mapping[str, str | None], place: Place) -> None:
        """Texts that runs are given to show to people."""
        try:
            check_texts(texts)
        except ConfigError as error:
            self.refuse(place, str(error))

    def texts(self, table: Any, place: Place) -> dict[str, str]:
        if not isinstance(table, dict):
            self.refuse(place, f"'{place[-1]}' must be a table, such as {{ lr = 0.001 }}.")
        return {key: self.text_of(value, (*place, key)) for key, value in table.items()}

    def text_of(self, value: Any, place: Place) -> str:
        """A value as the command line writes it."""
        if isinstance(value, bool):
            return str(value).lower()
        if not isinstance(value, str | int | float):
            self.refuse(place, f"'{place[-1]}' is {value!r}; a setting must be a number, a word, true or false.")
        return str(value)


def fixed_by(variant: Variant, data: Data) -> set[str]:
    """Settings that a search leaves alone, since the file gives them."""
    return set(variant.settings) | set(data.settings)


def space_of(variant: Variant, data: Data) -> dict[str, Any]:
    """What a search may change of a variant."""
    return {key: values for key, values in searched(MODELS[variant.model]).items() if key not in fixed_by(variant, data)}


def slug(name: str) -> str:
    """A name as part of a folder's: letters, digits, '.', '-' and '_'."""
    spelled = name.replace("+", " plus ").strip()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", Path(spelled).name if "/" in spelled else spelled).strip("-.") or "x"
