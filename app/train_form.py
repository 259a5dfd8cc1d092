"""The form of the Train page: data, preset, settings, and the equivalent command."""

import dataclasses
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from adrec.data import catalog
from adrec.errors import DataError, RunError
from adrec.models import DEFAULT
from adrec.models.base import MODELS, Model
from adrec.models.settings import settings
from app import jobs, loaders, state, train_data, ui
from app.texts import texts

TEXTS = texts("train")


def form(root: Path) -> None:
    """Choose data, preset and settings; start."""
    st.subheader("A new run", anchor=False)
    if started := st.session_state.pop("train.started", None):
        st.session_state["train.name"] = ""
        st.toast(ui.plain(f"'{started}' has been submitted: follow it at the top of this page."), icon=":material/check:")
    data = train_data.choose()
    model, preset = _preset()
    overrides = _settings(model, preset)
    suggested = _next_name(root, data.source)
    name = st.text_input("Run name", placeholder=suggested, key="train.name", max_chars=60).strip() or suggested
    arguments = [*data.arguments(), f"--model={model.name}", f"--preset={preset}", *_set(overrides)]
    busy = sum(job.state in ("running", "stopping") for job in jobs.jobs(root)) >= jobs.limit()
    pressed = st.button(
        "Add to the queue" if busy else "Start training",
        type="primary",
        width="stretch",
        disabled=not data.ready,
        icon=":material/play_arrow:",
    )
    if not data.ready:
        st.caption(TEXTS["data"][data.missing])
    elif busy:
        st.caption(f"{jobs.limit()} run at a time: this one starts when those ahead of it have ended.")
    with st.expander("As a command"):
        st.code(f"python -m adrec train {shlex.join([*arguments, f'--run={root.name}/{name}'])}", language="bash", wrap_lines=True)
    if pressed:
        _start(root, name, data.source, lambda: settings(preset, overrides, model.name), arguments)


def _start(root: Path, name: str, data: str, check: Callable[[], object], arguments: list[str]) -> None:
    with ui.guard():
        check()
        if catalog.named(data) is None and not Path(data).expanduser().exists():
            raise DataError(f"'{data}' is neither a named data set nor an existing file or folder.")
        if loaders.is_bundled_name(name):
            raise RunError(f"A run that came with the app is called '{name}': choose another name.")
        jobs.submit(root, name, arguments)
        state.put(run=name)
        st.session_state["train.started"] = name  # announced after the rerun, since the view may be off screen
        st.rerun()


def _preset() -> tuple[type[Model], str]:
    """The model and the name of one of its presets."""
    models = dict(MODELS.items())
    chosen = st.selectbox("Model", list(models), list(models).index(DEFAULT), format_func=lambda m: models[m].title, key="train.model")
    model, presets = models[chosen], models[chosen].presets
    usual = list(presets).index("quick") if "quick" in presets else 0
    card = "\n\n".join(ui.plain(text) for text in (f"After {model.source}.", f"Different here: {model.differences or 'nothing'}."))
    preset = st.selectbox("Preset", list(presets), usual, format_func=lambda p: presets[p].title, key=f"train.{chosen}.preset", help=card)
    st.caption(presets[preset].line)
    return model, preset


def _settings(model: type[Model], preset: str) -> dict[str, str]:
    """The settings that differ from the preset's, as texts."""
    usual = settings(preset, {}, model.name)
    changed: dict[str, Any] = {}
    with st.expander("Settings"):
        for config in (usual.train, usual.config):
            for field in dataclasses.fields(config):
                if "label" in field.metadata:
                    value = getattr(config, field.name)
                    chosen = _field(field.metadata, value, f"train.{model.name}.{preset}.{field.name}")
                    if chosen != value:
                        changed[field.name] = chosen
        other = st.text_area(
            "Other settings", placeholder="max_steps = 200", height=80, help=TEXTS["other"], key=f"train.{model.name}.{preset}.other"
        )
    return {key: f"{value:g}" if isinstance(value, float) else str(value).lower() for key, value in changed.items()} | _other(other)


def _field(about: Mapping[str, Any], value: Any, key: str) -> Any:
    """A control for one setting, of its type; each preset has its own, so that switching presets shows their values."""
    label, common = about["label"], {"help": about["text"], "key": key}
    if isinstance(value, bool):
        return st.toggle(label, value, **common)
    if about["choices"]:
        options = sorted({*about["choices"], value})
        return st.selectbox(label, options, options.index(value), format_func="{:g}".format, **common)
    return st.number_input(label, 0, 2**31 - 1, value, **common)


def _other(text: str) -> dict[str, str]:
    pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
    return {key.strip(): value.strip() for key, _, value in pairs}


def _set(overrides: dict[str, str]) -> list[str]:
    return [part for key, value in overrides.items() for part in ("--set", f"{key}={value}")]


def _next_name(root: Path, data: str) -> str:
    """A free name: the data set's and a number."""
    stem = re.sub(r"[^A-Za-z0-9_-]", "-", Path(data).stem.partition(":")[0][:40]).strip("-_") or "run"
    number = 1
    while (root / f"{stem}-{number}").exists() or loaders.is_bundled_name(f"{stem}-{number}"):
        number += 1
    return f"{stem}-{number}"
