"""The view of the Train page that follows one run: sentence, stage strip, curves, log."""

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from adrec.config import TrainConfig
from adrec.errors import AdrecError
from adrec.files import changed
from adrec.pictures import looks
from adrec.runs import RunFolder
from app import jobs, loaders, train_about, train_watch, ui
from app.jobs import Job
from app.progress import Follower, StageProgress, duration, summarise, thin
from app.serving import modes
from app.texts import CSS, term, texts

TERMS = {"pretrain": "pre-train", "warmup": "warm-up", "finetune": "fine-tune"}
"""The glossary's keys of the stages."""
REASONS = {"patience": "validation stopped improving", "epochs": "all epochs done", "max_steps": "step limit reached"}


def sentence(job: Job, stages: list[StageProgress]) -> str:
    """The run's state in one sentence with its number."""
    name = f"**{ui.plain(ui.run_name(job.run))}**"
    if job.state == "queued":
        return f"{name} is waiting: {_runs(job.ahead)} ahead of it."
    if job.state in ("running", "stopping"):
        current = next((s for s in reversed(stages) if s.state == "running"), None)
        if job.state == "stopping":
            return f"{name} is stopping: it finishes its current step and saves."
        if current is None and all(stage.state in ("done", "skipped") for stage in stages):
            return f"{name} has done its last stage and is being tested."
        if current is None and any(stage.state == "done" for stage in stages):
            return f"{name} goes on to its next stage."
        if current is None:
            return f"{name} has started and is reading its data."
        best = f"; best NDCG@10 on validation so far {100 * current.best:.2f} %" if current.best is not None else ""
        return f"{name} is in its {looks.STAGE_NAMES[current.name].lower()} stage, epoch {current.epochs_done + 1}{best}."
    if job.state == "finished":
        test = job.run.metrics("finetune").get("test")
        if test and "hr@10" in test and "users" in test:
            found = f"{100 * test['hr@10']:.1f} % of {test['users']:,} test users"
            return f"{name} has finished: the right item is in the top ten for {found} (HR@10 of this one training)."
        return f"{name} has finished."
    if job.state == "stopped":
        return (
            f"{name} is stopped and can be resumed where it left off."
            if job.run.exists
            else f"{name} was removed from the queue before it started."
        )
    return f"{name} has failed."


def _runs(number: int) -> str:
    return "no run is" if number == 0 else "one run is" if number == 1 else f"{number} runs are"


def follow(root: Path, job: Job) -> None:
    """The live view: sentence, stage strip, curves, log; refreshes every second while the run is alive."""
    problem = loaders.problem(job.run) if job.run.exists else None
    if problem is not None:
        st.error(ui.plain(problem), icon=":material/error:")
        return
    follower = _follower(str(job.run.path))

    @st.fragment(run_every=1.0 if job.alive else None)
    @ui.guard()
    def view() -> None:
        jobs.ensure_worker(root)
        now = jobs.job(job.run.path.parent, job.name) or job
        if now.state != job.state:
            st.rerun()
        stages = _summary(now, follower)
        st.markdown(sentence(now, stages))
        strip(now, stages)
        if now.error:
            st.error(ui.plain(now.error), icon=":material/error:")
        train_watch.result_view(now)
        _controls(root, now)
        _curves(now, stages)
        train_watch.drop_view(now)

    @st.fragment(run_every=1.0 if job.alive else None)  # apart, so that a new table's verdict holds up no curve
    @ui.guard()
    def items() -> None:
        now = jobs.job(job.run.path.parent, job.name) or job
        train_watch.tables_view(now)
        _log(now)

    view()
    items()


@st.cache_resource(max_entries=32, show_spinner=False)
def _follower(path: str) -> Follower:
    return Follower(jobs.RunFolder(path))


def _summary(job: Job, follower: Follower) -> list[StageProgress]:
    stages = summarise(follower.events(), job.state in ("running", "stopping"))
    for stage in stages:  # a compact copy has weights but no events
        if stage.state == "waiting" and stage.name in job.run.stages:
            stage.state, stage.fraction = "done", 1.0
            stage.best = job.run.metrics(stage.name).get("val", {}).get("ndcg@10")
    return stages


STRIP_CSS = """<style>
.strip {display: grid; grid-template-columns: repeat(4, 1fr); gap: 6px 18px; margin: 4px 0 2px}
.strip .bar {height: 7px; border-radius: 4px; background: rgba(128,138,148,.25); overflow: hidden; margin-bottom: 6px}
.strip .bar i {display: block; height: 100%; border-radius: 4px}
.strip b {font-weight: 600; white-space: nowrap} .strip p {margin: 0; font-size: .86rem; line-height: 1.35; min-height: 2.7em; opacity: .85}
.strip .parts {display: flex; flex-wrap: wrap; gap: 3px; margin-top: 2px}
.strip .part {font-size: .78rem; line-height: 1.3; padding: 1px 6px; border-radius: 4px; white-space: nowrap;
 border: 1px solid rgba(128,138,148,.6)}
.strip .part.is-frozen, .strip .part.is-drifts {border-style: dashed; background: rgba(128,138,148,.18)}
.strip .part.is-absent {opacity: .6}
@media (max-width: 640px) {.strip {grid-template-columns: repeat(2, 1fr)}}
</style>"""


def strip(job: Job, stages: list[StageProgress]) -> None:
    """The stages in order, each with its colour, mark and progress."""
    begun = any(s.state != "waiting" for s in stages)
    given = job.run.exists and bool(loaders.info(job.run).get("pretrained"))
    cells = [_cell("initial", 1.0 if begun else 0.0, "random start" if begun else "waiting", {})]
    cells += [
        _cell(s.name, s.fraction, stage_words(s, given), {} if s.state == "skipped" else train_watch.parts(job.run, s.name)) for s in stages
    ]
    about = html.escape(ui.run_name(job.run))
    st.html(CSS + STRIP_CSS + f'<div class="strip" role="list" aria-label="Stages of {about}">{"".join(cells)}</div>')


def _parts(found: Mapping[str, str]) -> str:
    """The model's parts in a row: what learns, and what is locked."""
    words, boxes = texts("train"), ""
    for part, what in found.items():
        said = words["partStates"][what].format(part=words["parts"][part])
        about = f'class="part is-{what}" title="{html.escape(said)}" aria-label="{html.escape(said)}" role="img"'
        boxes += f"<span {about}>{train_watch.SIGNS[what]} {html.escape(words['parts'][part])}</span>"
    return f'<div class="parts">{boxes}</div>' if boxes else ""


def _cell(stage: str, fraction: float, words: str, found: Mapping[str, str]) -> str:
    color, glyph = looks.STAGE_COLORS[stage], looks.STAGE_GLYPHS[stage]
    bar = f'<div class="bar"><i style="width:{100 * fraction:.0f}%;background:{color}"></i></div>'
    explained = looks.STAGE_NAMES[stage] if stage == "initial" else term(looks.STAGE_NAMES[stage], TERMS[stage])
    name = f'<b><span style="color:{color}">{glyph}</span> {explained}</b>'
    return f'<div class="said" role="listitem">{bar}{name}<p>{html.escape(words)}</p>{_parts(found)}</div>'


def stage_words(stage: StageProgress, given: bool = False) -> str:
    """A stage's state in a few words. given: whether the item table came from another run."""
    if stage.state == "done":
        took = f" in {duration(stage.seconds)}" if stage.seconds else ""
        why = f": {REASONS.get(stage.reason, stage.reason)}" if stage.reason else ""
        return f"done{took}{why}"
    if stage.state == "skipped":
        return "skipped: the item table was given" if given and stage.name == "pretrain" else "left out in this run's settings"
    if stage.state == "waiting":
        return "waiting"
    place = f"epoch {stage.epochs_done + 1} of at most {max(1, stage.max_epochs - stage.first_epoch)}"
    if stage.state == "interrupted":
        return f"interrupted in {place}"
    if stage.left is None:
        return place
    return f"{place}, at most {duration(stage.left)} left" + ("" if stage.left_with_validation else ", plus validation")


def _controls(root: Path, job: Job) -> None:
    row = st.container(horizontal=True, vertical_alignment="center")
    if not modes.public():
        _change(root, job, row)
    if job.state == "finished":
        row.page_link(
            loaders.ROOT / "pages" / "collapse.py",
            label="See its embeddings",
            icon=":material/scatter_plot:",
            query_params={"run": loaders.link_name(job.run)},
        )
        if _denoises(job.run):
            row.page_link(
                loaders.ROOT / "pages" / "denoising.py",
                label="Step through its denoising",
                icon=":material/blur_on:",
                query_params={"run": loaders.link_name(job.run)},
            )


def _change(root: Path, job: Job, row: Any) -> None:
    """What its owner may do with it."""
    if loaders.is_bundled(job.run):
        row.caption("This run came with the app: it can be neither renamed nor deleted.")
    elif job.can_stop:
        words = "Remove from the queue" if job.state == "queued" else "Stop"
        if row.button(words, icon=":material/stop:", help="Finishes the current step, saves, and can be resumed.", key="train.stop"):
            jobs.stop(root, job.name)
            st.rerun()
    elif job.state == "stopping":
        if not job.can_force:
            row.button("Stopping", icon=":material/stop:", disabled=True, help="Finishes the current step and saves.", key="train.stopping")
        elif row.button("Stop now", icon=":material/stop:", help="Can be resumed from its last checkpoint.", key="train.force"):
            jobs.stop(root, job.name, force=True)
            st.rerun()
    elif job.asks and row.button("Start anyway", type="primary", icon=":material/play_arrow:", key="train.agree"):
        jobs.resume(root, job.name, "--yes")
        st.rerun()
    elif not job.asks and job.can_resume and row.button("Resume", type="primary", icon=":material/play_arrow:", key="train.resume"):
        jobs.resume(root, job.name)
        st.rerun()
    if not loaders.is_bundled(job.run):
        train_about.about(root, job.run, row)


def _denoises(run: RunFolder) -> bool:
    """Whether the Denoising page can open the run."""
    from app.denoising import data

    try:
        return bool(data.stage(run))
    except AdrecError:
        return False


Curve = tuple[Any, pd.DataFrame] | None
"""A figure with its data; None if there is nothing to draw."""


def _curves(job: Job, stages: list[StageProgress]) -> None:
    loss, ranking = _drawn(stages) if job.alive else _kept(job.run, changed(job.run.events_path), stages)
    left, right = st.columns(2)
    with left:
        st.markdown("**Loss** in training", help=texts("train")["curves"]["loss"])
        if loss is not None:
            ui.figure(*loss, f"{job.name}-loss", "Training loss of each stage over the epochs", key="train.loss")
        else:
            _space("The curve starts with the first step." if job.alive else "No steps were recorded.")
    with right:
        st.markdown("**Ranking** on validation, NDCG@10 in %", help=texts("train")["curves"]["validation"])
        if ranking is not None:
            ui.figure(*ranking, f"{job.name}-validation", "NDCG@10 on validation over the epochs", key="train.validation")
        else:
            _space(f"The first validation comes after epoch {_first_validation(job)}." if job.alive else "No validation was recorded.")


@loaders.of_run(64)
def _kept(run: RunFolder, written: int, _stages: list[StageProgress]) -> tuple[Curve, Curve]:
    """The curves of a run that does not train now. written: when its last event was."""
    return _drawn(_stages)


def _drawn(stages: list[StageProgress]) -> tuple[Curve, Curve]:
    """The loss in training and the ranking on validation over all epochs."""
    from app import charts

    offsets, total = {}, 0.0
    for stage in stages:
        offsets[stage.name] = total
        total += max([x for x, _ in stage.steps[-1:]] + [float(e) for e, _ in stage.validations[-1:]], default=0.0)
    losses = {s.name: thin(s.steps) for s in stages if s.steps}
    validations = {s.name: [(float(e), m["ndcg@10"]) for e, m in s.validations] for s in stages if s.validations}
    best = {s.name: float(s.best_epoch) for s in stages if s.best_epoch is not None}

    def rows(curves: Mapping[str, charts.Curve], value: str) -> pd.DataFrame:
        return pd.DataFrame([(s, e, y) for s, points in curves.items() for e, y in points], columns=["stage", "epoch_in_stage", value])

    loss = (charts.loss_curves(losses, offsets), rows(losses, "loss")) if losses else None
    ranking = (charts.validation_curves(validations, offsets, best), rows(validations, "ndcg@10")) if validations else None
    return loss, ranking


def _first_validation(job: Job) -> int:
    return 1 + (job.run.settings["validate_every"] if job.run.exists else TrainConfig().validate_every)


def _space(words: str) -> None:
    """Reserve a figure's space, so that nothing jumps when it appears."""
    with st.container(height=320, border=True, vertical_alignment="center", horizontal_alignment="center"):
        st.caption(words)


def _log(job: Job) -> None:
    text, words = jobs.log_tail(job.run), texts("train")["noLog"]
    with st.expander("Log", expanded=job.state == "failed"):
        st.code(text or words["alive" if job.alive else "ended"], language=None, wrap_lines=True, height=220)
