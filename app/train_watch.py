"""What the Train page shows of a run beside its curves: which parts a stage freezes, its item table as it is now, and what came out."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from adrec.files import changed
from adrec.pictures import looks
from adrec.runs import RunFolder
from adrec.runs.snapshots import load_snapshot
from app import loaders
from app.collapse import data, headline, overview, tables
from app.components.spectrum import spectrum
from app.components.tables import tables as mount
from app.jobs import Job
from app.texts import say, texts

if TYPE_CHECKING:
    from adrec.collapse.cooccurrence import Cooccurrence
    from adrec.data.dataset import SequenceDataset

PARTS = ("table", "reader", "denoiser")
SIGNS = {"learns": "↻", "frozen": "🔒", "drifts": "↘", "absent": "–"}
SHORT = 60
"""Epochs of fine-tuning below which a run is called short."""


def parts(run: RunFolder, stage: str) -> dict[str, str]:
    """What happens to each part of the model in a stage, a key of SIGNS; empty for a run that does not say how it is trained."""
    info = loaders.info(run) if run.exists else {}
    model, train = info.get("model") or {}, info.get("train") or {}
    if not model or stage == "initial":
        return {}
    drifts = "drifts" if model.get("warmup_drift") else "frozen"
    has_table = "item_table" in run.abilities
    still = stage == "warmup" or (stage == "finetune" and train.get("frozen_table"))
    denoises = "denoise" in info.get("abilities", []) and stage != "pretrain"
    table = "absent" if not has_table else drifts if still else "learns"
    return {"table": table, "reader": "learns", "denoiser": "learns" if denoises else "absent"}


# -- the item table as it is now --------------------------------------------------------------------------------------


def tables_view(job: Job) -> None:
    """The first item table beside the newest one, their places on the bar of health, and their spectra."""
    run, words = job.run, texts("train")
    if run.exists and "item_table" not in run.abilities:
        return
    first = run.path / "snapshots" / "initial.safetensors"
    st.markdown(f"**{words['items']}**")
    found = newest(run, job.alive)
    if found is None or loaders.is_bare(run):
        st.caption(words["nothing"])
        return
    if len(loaders.items(run)) > data.AT_ONCE:
        st.caption(words["large"].format(most=f"{data.AT_ONCE:,}"))
        return
    stage, label, path = found
    shown = {"initial": (words["start"], first)} if first.exists() and path != first else {}
    shown |= {stage: (label, path)}
    kept = None if job.alive else headline.kept(run)
    near = None if kept is not None else loaders.together(run)
    files = tuple((key, name, str(p), changed(p)) for key, (name, p) in shown.items())
    users = None if near is None else loaders.dataset(run)[0]
    block, spectra = _packed(run.path, files, kept, near is not None, near, users)
    mount(block, lambda name: None, "train.tables")
    spectrum(spectra, "train.spectra")


def newest(run: RunFolder, alive: bool) -> tuple[str, str, Path] | None:
    """Stage, words and file of the newest item table: while training the last one saved, afterwards the one kept."""
    words, saved = texts("train"), run.snapshots()
    if run.stages and (not alive or not saved or saved[-1][0] not in (run.stages[-1], "finetune")):
        stage = run.stages[-1]
        return stage, words["kept"].format(stage=looks.STAGE_NAMES[stage]), run.weights_path(stage)
    if saved:
        stage, epoch, path = saved[-1]
        return stage, words["now"].format(stage=looks.STAGE_NAMES[stage], epoch=epoch), path
    first = run.path / "snapshots" / "initial.safetensors"
    return ("initial", words["start"], first) if first.exists() else None


@st.cache_data(max_entries=64, show_spinner=False)
def _judged(path: str, written: int, known: bool, _near: "Cooccurrence | None", _users: "SequenceDataset | None") -> dict[str, Any]:
    """The verdict on a saved table. known: whether ``_near``, the items that are used together, is, and ``_users``, by whom."""
    from adrec.collapse.verdict import diagnose

    table, rows = load_snapshot(Path(path))
    return diagnose(table, cooccurrence=_near, data=None if rows is not None else _users).to_json()


@st.cache_data(max_entries=64, show_spinner=False)
def _packed(
    folder: Path,
    shown: tuple[tuple[str, str, str, int], ...],
    kept: Mapping[str, Any] | None,
    known: bool = False,
    _near: "Cooccurrence | None" = None,
    _users: "SequenceDataset | None" = None,
) -> tuple[bytes, bytes]:
    """The blocks of the tables and of the spectra. kept: the verdicts kept with the run. known, _near, _users: for others, as above."""
    from adrec.collapse.kinds import KIND_WORDS
    from adrec.collapse.spectra import null_band
    from adrec.collapse.spectra import spectrum as spectrum_of
    from app.collapse import items

    run = loaders.LoadedRun(folder)
    saved = {key: load_snapshot(Path(path))[0] for key, _, path, _ in shown}
    last = saved[shown[-1][0]]
    rows, groups = tables.shown_items(loaders.items(run), last)
    cards, marks, pictures = [], [], {}
    for key, name, path, written in shown:
        verdict = (kept or {}).get(key) or _judged(path, written, known, _near, _users)
        pictures[key] = tables.drawn(saved[key], rows, groups, items.titles(run))
        label, says = KIND_WORDS[verdict["kind"]]
        cards.append(tables.card(key, name, f"{label}: {says}", pictures[key], sign=looks.stage_glyph(key)))
        marks.append(tables.mark(key, name, verdict, key, main=key == shown[-1][0]))
    curves = {key: spectrum_of(table, "centred") for key, table in saved.items()}
    names = {key: name for key, name, _, _ in shown}
    return tables.block(cards, marks, pictures), overview.block(curves, names, null_band(*last.shape, "centred"))


# -- what it means ----------------------------------------------------------------------------------------------------


def drop_view(job: Job) -> None:
    """Why the ranking is worse after the warm-up, if it is."""
    said = drop(_ndcg(job.run, "pretrain"), _ndcg(job.run, "warmup"))
    if said and "denoise" in job.run.abilities:  # otherwise the second stage trains something else
        say(said, small=True)


def drop(before: float | None, after: float | None) -> str:
    """The same in words; empty if there is nothing to explain."""
    if before is None or after is None or after >= before:
        return ""
    return str(texts("train")["drop"].format(before=_percent(before), after=_percent(after)))


def result_view(job: Job) -> None:
    """What a finished run's figures mean, next to chance and to its own first stage."""
    if job.state == "finished":
        say(" ".join(result(job.run)))


def result(run: RunFolder) -> list[str]:
    """The sentences."""
    words, said = texts("train")["result"], []
    count = len(loaders.items(run))
    if count > 10 and run.metrics("finetune").get("test"):
        said.append(words["chance"].format(chance=_percent(10 / count)))
    before, now = (run.metrics(stage).get("val", {}) for stage in ("pretrain", "finetune"))
    if "ndcg@10" not in before or "ndcg@10" not in now:
        return said + _why(run, "")
    se = max(before.get("ndcg@10_se", 0.0), now.get("ndcg@10_se", 0.0))
    gain = now["ndcg@10"] - before["ndcg@10"]
    kind = "ahead" if gain > se else "behind" if gain < -se else "same"
    said.append(words[kind].format(before=_percent(before["ndcg@10"]), now=_percent(now["ndcg@10"]), se=_percent(se)))
    return said if kind == "ahead" else said + _why(run, kind)


def _why(run: RunFolder, kind: str) -> list[str]:
    """Why a run's later stages brought little, as far as its settings tell. kind: how it ranks beside its first stage."""
    words, info, said = texts("train")["result"], loaders.info(run), []
    model, train = info.get("model") or {}, info.get("train") or {}
    if model.get("objective") == "mse":
        said.append(words["mse"])
    if train.get("frozen_table"):
        said.append(words["frozen"])
    epochs, reference = run.metrics("finetune").get("epochs"), loaders.bundled(loaders.FIRST)
    if reference is None or (info.get("dataset") or {}).get("hash") != loaders.info(reference).get("dataset", {}).get("hash"):
        return said
    if kind == "same":
        said.append(words["lesson"])
    if epochs is not None and epochs < SHORT:
        kept = reference.metrics("finetune")
        best, name = _percent(kept["val"]["ndcg@10"]), loaders.info(reference)["title"]
        said.append(words["short"].format(epochs=epochs, reference=f"‘{name}’", long=kept["epochs"], best=best))
    return said


def _ndcg(run: RunFolder, stage: str) -> float | None:
    found = run.metrics(stage).get("val", {}).get("ndcg@10")
    return None if found is None else float(found)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
