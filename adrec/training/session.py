"""Start or resume the training of a run folder."""

import contextlib
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import adrec
from adrec.data import catalog
from adrec.data.batches import trainable_users
from adrec.data.dataset import SequenceDataset
from adrec.diffusion import Diffusion
from adrec.errors import ConfigError, RunError, WeightsError, refusal
from adrec.files import load_arrays
from adrec.models.loading import read_state_dict
from adrec.models.settings import Settings, parse, recorded
from adrec.parallel.processes import Processes
from adrec.runs import ITEM_TABLE, RunFolder
from adrec.runs.shapes import LONGEST, check_texts
from adrec.training import checkpoint
from adrec.training.loop import Trainer
from adrec.training.recorder import Bystander, Recorder

LIBRARIES = ("torch", "numpy", "pandas", "safetensors")


def describe_run(
    data: SequenceDataset,
    source: str,
    settings: Settings,
    command: str,
    pretrained: str | None = None,
    about: Mapping[str, str | None] | None = None,
) -> dict[str, Any]:
    """The contents of run.json. source: the data set's name or path as requested. about: ``title``, ``purpose``, ``question``; title and
    purpose default to the preset's."""
    settings = settings.sized(data.n_items)
    if pretrained is not None and settings.stages[0].name != "pretrain":
        raise ConfigError("The option --pretrained replaces the stage 'pretrain', but these settings have no such stage.")
    named = catalog.named(source)
    counts = {"users": data.n_users, "items": data.n_items, "interactions": data.n_interactions}
    preset = settings.model.presets.get(settings.preset or "")
    usual = {"title": preset.title, "purpose": preset.line} if preset else {}
    return {
        **usual,
        **check_texts(about or {}),
        **settings.to_json(),
        "abilities": list(settings.model.abilities),
        "seed": settings.train.seed,
        "dataset": {
            "name": source,
            "title": named[0].title if named and not named[1] else data.name,
            "options": dict(data.options),
            **counts,
            "hash": data.content_hash,
            **({} if data.account is None else {"account": dict(data.account)}),
        },
        "pretrained": pretrained,
        "versions": {"adrec": adrec.__version__, "python": platform.python_version(), **{p: version(p) for p in LIBRARIES}},
        "command": command,
        "credit": named[0].credit if named else None,
        "diffusion": coefficients(settings),
    }


def coefficients(settings: Settings) -> dict[str, Any] | None:
    """The coefficients of the model's reverse process, for use outside Python; None if it has none."""
    if "denoise" not in settings.model.abilities:
        return None
    config: Any = settings.config
    return Diffusion.from_schedule(config.schedule, config.timesteps).to_json()


def read_pretrained(path: str | Path, rows: int, width: int) -> Tensor:
    """The item table (V + 1, D) of stage 1: a run folder, our safetensors, or a state dict of the official code."""
    path = Path(path)
    if path.is_dir():
        path = RunFolder(path).weights_path("pretrain")
    if path.suffix == ".safetensors":
        table = torch.from_numpy(load_arrays(path, (ITEM_TABLE,))[ITEM_TABLE]).float()
    else:
        weights = read_state_dict(path)
        if ITEM_TABLE not in weights:
            raise WeightsError(f"'{path}' has no item table '{ITEM_TABLE}'.")
        table = weights[ITEM_TABLE].float()
    if tuple(table.shape) != (rows, width):
        shapes = f"{tuple(table.shape)}; data and settings need {(rows, width)} (row 0 is padding)"
        raise WeightsError(f"The item table in '{path}' has shape {shapes}.")
    if not torch.isfinite(table).all():
        raise WeightsError(f"The item table in '{path}' holds values that are not finite.")
    return table


def train_run(
    run: RunFolder,
    data: SequenceDataset,
    info: Mapping[str, Any],
    *,
    resume: bool = False,
    stop: Callable[[], bool] = lambda: False,
    listener: Callable[[dict[str, Any]], None] | None = None,
    processes: Processes | None = None,
) -> str:
    """Train all stages of ``info`` (``describe_run``) into ``run``. Returns the final state: finished or stopped.

    resume: continue from the last checkpoint of an existing folder (its own run.json decides), or start it if there is none. stop: called
    after every step; ``RunFolder.ask_to_stop`` is checked too. processes: those that train this run together; only the first writes the
    folder. A failure is recorded in status.json and raised again.
    """
    processes = processes or Processes()
    if run.exists and not resume:
        raise RunError(f"Run '{run.path}' already exists; choose another folder, or continue with --resume.")
    if any(stage.trains for stage in recorded(run.info if run.exists else info).stages):
        trainable_users(data)
    with run.owned(exist_ok=resume) if processes.first else contextlib.nullcontext():
        return _train_owned(run, data, info, resume and run.exists, stop, listener, processes)


def _train_owned(
    run: RunFolder,
    data: SequenceDataset,
    info: Mapping[str, Any],
    going_on: bool,
    stop: Callable[[], bool],
    listener: Callable[[dict[str, Any]], None] | None,
    processes: Processes,
) -> str:
    finished = going_on and run.status["state"] == "finished"
    info = run.info if going_on else info
    if not processes.agree([going_on, finished, info["model"], info["train"], data.content_hash]):  # before anyone writes
        raise RunError(f"The processes of this training do not see the same data and run folder '{run.path}'; all of them must.")
    if finished:
        return "finished"
    weights = info.get("pretrained")
    if weights and going_on and run.weights_path("pretrain").is_file():
        weights = run.weights_path("pretrain")  # the same table; the original file may be gone
    settings = recorded(info)
    table = read_pretrained(weights, settings.config.n_items + 1, getattr(settings.config, "hidden_size", 0)) if weights else None
    if not processes.first:
        return _state(_train(Bystander(run, data.popularity), data, settings, table, going_on, stop, processes))
    if not going_on:
        run.create(info, data.items, data.popularity)
    run.write_status("running")
    try:
        recorder = Recorder(run, data.popularity, listener)
        finished = _train(recorder, data, settings, table, going_on, lambda: stop() or run.stop_asked is not None, processes)
    except BaseException as error:
        asked = isinstance(error, KeyboardInterrupt)  # a second signal does not wait for a checkpoint
        reason = refusal(error) if isinstance(error, OSError) else f"{error}" or type(error).__name__
        with contextlib.suppress(OSError):  # the disk may be full: the failure itself is what to report
            run.write_status("stopped" if asked else "failed", None if asked else reason)
        raise
    run.write_status(_state(finished))
    if finished:  # only now, so that a kill before this line leaves a resumable run
        (run.path / checkpoint.FILE).unlink(missing_ok=True)
    return _state(finished)


def _state(finished: bool) -> str:
    return "finished" if finished else "stopped"


def _train(
    recorder: Recorder,
    data: SequenceDataset,
    settings: Settings,
    table: Tensor | None,
    going_on: bool,
    stop: Callable[[], bool],
    processes: Processes,
) -> bool:
    state = recorder.resume() if going_on else None
    trainer = Trainer(data, settings, recorder, stop, table, processes)
    if state is not None:
        trainer.restore(state)
    if not processes.agree({**vars(trainer.position), "seconds": None}):
        raise RunError(f"The processes of this training do not see the same '{recorder.run.path / checkpoint.FILE}'; all of them must.")
    if state is None:
        recorder.begin(trainer.model.table, table)
    finished = trainer.run()
    recorder.event(_state(finished))
    return finished


def recorded_request(
    run: RunFolder,
    preset: str | None,
    given: Mapping[str, str],
    pretrained: str | None = None,
    model: str | None = None,
    about: Mapping[str, str | None] | None = None,
) -> None:
    """A ConfigError unless everything requested agrees with the run's recorded settings, which a resumed run keeps."""
    info = run.info
    settings = recorded(info)
    known = {**asdict(settings.config), **asdict(settings.train), "model": settings.model.name, "preset": settings.preset}
    known |= {name: info.get(name) for name in LONGEST}
    asked: dict[str, Any] = {**parse(settings.model, given), **check_texts(about or {})}
    if model is not None:
        asked["model"] = model
    if preset is not None:
        asked["preset"] = preset
    for key, value in asked.items():
        if known.get(key) != value:
            raise ConfigError(f"Run '{run.path}' was started with {key} = {known.get(key)}, not {value}; resuming cannot change it.")
    weights = info["pretrained"]
    if pretrained is not None and weights not in (pretrained, str(Path(pretrained).resolve())):
        started = f"the pretrained weights '{weights}', not '{pretrained}'"
        raise ConfigError(f"Run '{run.path}' was started with {started}; resuming cannot change them.")
