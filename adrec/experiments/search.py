"""A search over a model's settings: the same budget for every model, on validation only.

Optuna proposes (its tree-structured Parzen estimator, Bergstra et al. 2011) and ends trainings that are behind the median of the earlier
ones. The first trial is the preset as it is. ``search.json`` in the search's folder records what was searched and found, each trial is an
ordinary run beside it, and from these alone an interrupted search goes on: trial n depends on the earlier ones and the seed, nothing else.
"""

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from adrec.data.dataset import SequenceDataset
from adrec.errors import AdrecError, ConfigError, RunError
from adrec.experiments.cells import comparable
from adrec.experiments.file import Budget, Texts
from adrec.files import read_json, write_json
from adrec.models.base import Between, Space
from adrec.models.settings import Settings, recorded, settings
from adrec.runs import RunFolder
from adrec.training.session import describe_run, train_run

if TYPE_CHECKING:
    import optuna

FILE, LOCK = "search.json", ".lock"
WAIT = 1.0
"""Seconds between two tries to get a search's folder."""
RANDOM = 4
"""Trials before the model of earlier ones proposes, and before any is ended early."""
DIGITS = 3
SELECTED = "ndcg@10"
METHOD = f"the preset, then TPE after {RANDOM} trials; ended early if behind the earlier trials' median; {SELECTED} on validation"


@dataclass(frozen=True)
class Search:
    """What a search has found so far."""

    record: Mapping[str, Any]

    @property
    def trials(self) -> list[dict[str, Any]]:
        return list(self.record["trials"])

    @property
    def spent(self) -> float:
        return float(sum(trial["seconds"] for trial in self.trials))

    @property
    def best(self) -> dict[str, Any] | None:
        """The trial with the highest value of those that were not ended early."""
        done = [trial for trial in self.trials if trial["state"] in ("finished", "out of time") and trial["value"] is not None]
        return max(done, key=lambda trial: trial["value"], default=None)

    @property
    def texts(self) -> Texts:
        """The settings that it found, as texts; a RunError if no trial was finished."""
        if self.best is None:
            raise RunError("The search has not finished a single trial.")
        return {key: _text(value) for key, value in self.best["settings"].items()}

    def complete(self, budget: Budget) -> bool:
        """Whether the budget is used up, or nothing that was tried can be trained."""
        out_of_time = budget.seconds is not None and self.spent >= budget.seconds
        return len(self.trials) >= budget.trials or (bool(self.trials) and out_of_time)

    def summary(self) -> dict[str, Any]:
        """What a run that was trained with these settings records of the search."""
        best = self.best or {}
        kept = {key: self.record[key] for key in ("space", "method", "seed", "preset", "fixed")}
        found = {"trials": len(self.trials), "seconds": self.spent, "settings": dict(best.get("settings", {})), "value": best.get("value")}
        return {**kept, **found, "selected_by": SELECTED}


def exists(folder: Path) -> bool:
    return (folder / FILE).is_file()


def read(folder: Path) -> Search:
    """The search in a folder; a RunError if it is missing or damaged."""
    record = read_json(folder / FILE)
    known = all(isinstance(record.get(key), kind) for key, kind in (("trials", list), ("space", dict), ("fixed", dict)))
    if not known or not all(_is_trial(trial) for trial in record["trials"]):
        raise RunError(f"'{folder / FILE}' is damaged: it has no trials.")
    return Search(record)


def _is_trial(trial: Any) -> bool:
    kinds = {"state": str, "value": int | float | None, "settings": dict, "seconds": int | float, "error": str | None, "validations": list}
    return isinstance(trial, dict) and all(key in trial and isinstance(trial[key], kind) for key, kind in kinds.items())


@dataclass
class Tuner:
    """Searches the settings of one model on one data set, in ``folder``.

    source: the data set's name or path as recorded in runs. preset, fixed: where it starts, and settings that it leaves alone. space: what
    it may change. pretrained: a run whose stage 1 every trial takes. tell: is given a sentence after each trial.
    """

    folder: Path
    data: SequenceDataset
    source: str
    model: str
    preset: str
    fixed: Texts
    space: Space
    seed: int = 0
    pretrained: str | None = None
    command: str = ""
    tell: Callable[[str], object] = lambda sentence: None

    def run(self, budget: Budget, stop: Callable[[], bool] = lambda: False) -> Search:
        """Try until the budget is used up or ``stop`` says so."""
        if not self.space:
            raise ConfigError(f"There is nothing to search: the model '{self.model}' has no setting to change that is not given.")
        _optuna()
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / LOCK)
        while not stop():
            try:
                with lock.acquire(WAIT):
                    return self._run(budget, stop)
            except Timeout:  # another process searches here; what it finds is taken
                continue
        return self._begun()

    def _run(self, budget: Budget, stop: Callable[[], bool]) -> Search:
        found = self._begun()
        while not found.complete(budget) and not stop():
            trial = self._trial(found, budget, stop)
            if trial is None:  # told to stop
                break
            found = Search({**found.record, "trials": [*found.trials, trial]})
            write_json(self.folder / FILE, found.record)
            value = "" if trial["value"] is None else f", {SELECTED} {trial['value']:.4f}"
            chosen = ", ".join(f"{key} {_text(v)}" for key, v in trial["settings"].items())
            self.tell(f"Trial {len(found.trials)} of {budget.trials}: {trial['state']}{value} ({chosen}).")
        if found.complete(budget) and found.best is None:
            raise RunError(f"None of {len(found.trials)} trials in '{self.folder}' could be trained; the last: {found.trials[-1]['error']}")
        return found

    def _begun(self) -> Search:
        """What was found before, or a new record."""
        what = {"model": self.model, "preset": self.preset, "fixed": dict(self.fixed), "seed": self.seed, "method": METHOD}
        what |= {"dataset": {"name": self.source, "hash": self.data.content_hash}, "space": _described(self.space)}
        what |= {"pretrained": self.pretrained}
        if not exists(self.folder):
            write_json(self.folder / FILE, {**what, "command": self.command, "trials": []})
        found = read(self.folder)
        differs = next((key for key, value in what.items() if found.record.get(key) != value), None)
        if differs is not None:
            raise ConfigError(
                f"'{self.folder}' holds a search with another {differs}: choose another folder, or repeat that search as it was."
            )
        return found

    def _trial(self, found: Search, budget: Budget, stop: Callable[[], bool]) -> dict[str, Any] | None:
        """The next trial's record; None if it was told to stop, so that it goes on the next time."""
        number, began = len(found.trials), time.monotonic()
        trial = self._ask(found, number)
        values = {key: _rounded(value) for key, value in trial.params.items()}
        before = found.spent
        run = RunFolder(self.folder / f"trial-{number + 1}")
        told: list[list[Any]] = []
        ending: list[str] = []

        def listen(event: Mapping[str, Any]) -> None:
            if event["kind"] != "validation" or event["stage"] != "finetune":
                return
            told.append([event["epoch"], event["metrics"][SELECTED]])
            trial.report(told[-1][1], told[-1][0])
            if trial.should_prune():
                ending.append("ended early")

        def over() -> bool:
            late = budget.seconds is not None and before + time.monotonic() - began >= budget.seconds
            if late and (told or found.best is not None):
                ending.append("out of time")
            return bool(ending) or stop()

        record: dict[str, Any] = {"run": run.name, "settings": values, "state": "finished", "value": None, "error": None}
        try:
            chosen = settings(self.preset, {**_texts(values), **self.fixed, "seed": str(self.seed)}, self.model)
            self._train(run, chosen, listen, over)
            ended = str(run.status["state"])
            if ended == "stopped" and not ending:
                return None
            record["state"] = ending[0] if ended == "stopped" else "finished"
            values_seen = [value for _, value in told]
            record["value"] = run.metrics("finetune")["val"][SELECTED] if ended == "finished" else max(values_seen, default=None)
        except AdrecError as error:
            record |= {"state": "failed", "error": str(error)}
        return {**record, "validations": told, "seconds": time.monotonic() - began}

    def _train(self, run: RunFolder, chosen: Settings, listen: Callable[[dict[str, Any]], None], over: Callable[[], bool]) -> None:
        about = {"title": f"{run.name} of a search", "purpose": f"One of the settings tried for the model '{self.model}'."}
        info = describe_run(self.data, self.source, chosen, self.command, self.pretrained, about)
        if run.exists:
            if comparable(recorded(run.info)) != comparable(chosen.sized(self.data.n_items)):
                raise ConfigError(f"'{run.path}' was begun with other settings than this search now proposes; choose another folder.")
            for event in run.events()[0]:
                listen(event)
            while run.held and not over():  # a process whose search was lost still trains it
                time.sleep(1)
        train_run(run, self.data, info, resume=True, listener=listen, stop=over)

    def _ask(self, found: Search, number: int) -> "optuna.Trial":
        """The proposal for the next trial, from the record of the earlier ones."""
        optuna = _optuna()
        distributions = {key: _distribution(values) for key, values in self.space.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(seed=self.seed + number, n_startup_trials=RANDOM)
            study = optuna.create_study(direction="maximize", sampler=sampler, pruner=optuna.pruners.MedianPruner(n_startup_trials=RANDOM))
        if not found.trials:
            chosen = settings(self.preset, self.fixed, self.model)
            known = vars(chosen.train) | vars(chosen.config)
            study.enqueue_trial({key: known[key] for key, values in self.space.items() if known[key] in values})
        for past in found.trials:
            study.add_trial(_past(past, distributions))
        return study.ask(distributions)


def _past(trial: Mapping[str, Any], distributions: Mapping[str, Any]) -> Any:
    """A recorded trial as Optuna knows it."""
    optuna = _optuna()
    states = {"failed": optuna.trial.TrialState.FAIL, "ended early": optuna.trial.TrialState.PRUNED}
    state = states.get(trial["state"], optuna.trial.TrialState.COMPLETE if trial["value"] is not None else optuna.trial.TrialState.FAIL)
    values = {"value": trial["value"]} if state != optuna.trial.TrialState.FAIL else {}
    return optuna.create_trial(
        params=dict(trial["settings"]),
        distributions=dict(distributions),
        state=state,
        intermediate_values={int(epoch): value for epoch, value in trial["validations"]},
        **values,
    )


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise ConfigError("A search needs Optuna: install it with 'pip install adrec-explorer[tune]'.") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _distribution(values: Between | tuple[Any, ...]) -> Any:
    optuna = _optuna()
    if not isinstance(values, Between):
        return optuna.distributions.CategoricalDistribution(values)
    if isinstance(values.low, int) and isinstance(values.high, int):
        return optuna.distributions.IntDistribution(values.low, values.high, log=values.log)
    return optuna.distributions.FloatDistribution(values.low, values.high, log=values.log)


def _described(space: Space) -> dict[str, Any]:
    """A space as search.json and run.json record it."""
    return {key: vars(values).copy() if isinstance(values, Between) else list(values) for key, values in space.items()}


def _rounded(value: Any) -> Any:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {key: _text(value) for key, value in values.items()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
