"""What the Denoising page reads and computes, cached. What needs torch is asked of the process beside the server (``app.computing``)."""

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from adrec import browser as browser_code
from adrec.data.dataset import SequenceDataset
from adrec.errors import DataError, RunError
from adrec.explain import answering, browser, scene
from adrec.explain.all_users import cached_all_users, denoiser_stage
from adrec.explain.records import Case, FewerSteps, SeedSweep, Trajectory
from adrec.parallel.threads import one_thread
from adrec.runs import RunFolder
from app import computing, loaders, ui
from app.serving.files import Part, model_url

if TYPE_CHECKING:
    from adrec.explain.past import Past

SEEDS = 50
"""Of a sweep."""


@dataclass(frozen=True)
class Subject:
    """Whose next item is predicted. index: position of the user whose noise is used, which differs from this user only in a comparison;
    None (like 0) for a composed history."""

    history: tuple[int, ...]
    target: int | None = None
    user_id: str | None = None
    index: int | None = None


@dataclass(frozen=True)
class Chance:
    """What the noise changes for one history. sweep: ``SEEDS`` seeds from the shown one on; fewer: the same seeds in fewer steps; one_step:
    how many of the shown top 10 one step gives too."""

    sweep: SeedSweep
    fewer: list[FewerSteps]
    one_step: int


@loaders.once
def missing(run: RunFolder) -> str | None:
    """Why a run cannot be denoised, as a key of the texts; None if it can."""
    if not {"denoise", "item_table"} <= run.abilities:
        return "none"
    if all(name == "pretrain" for name in run.stages):
        return "notYet"
    return None if run.has_model(denoiser_stage(run)) else "tables"


@loaders.once
def stage(run: RunFolder) -> str:
    """The last stage with a denoiser; RunError if there is none yet or the model has none."""
    if not {"denoise", "item_table"} <= run.abilities:
        raise RunError(f"The model of '{ui.run_name(run)}' has no reverse process: choose a run of a diffusion model.")
    found = denoiser_stage(run)
    if not run.has_model(found):
        raise RunError(f"'{ui.run_name(run)}' keeps item tables but no model: choose another run.")
    return found


def own_steps(run: RunFolder) -> int:
    """Denoising steps unless the visitor asks for another number; folders from before models had settings of their own name none."""
    settings = run.settings
    return int(settings.get("sampling_steps") or settings["timesteps"])


@loaders.once
def test_ranks(run: RunFolder, users: int) -> np.ndarray | None:
    """Rank of each user's test item as measured in training, or None."""
    try:
        ranks = run.test_ranks("finetune")
    except RunError:
        return None
    return ranks if len(ranks) == users else None


@loaders.once
def changed_users(run: RunFolder) -> np.ndarray | None:
    """Positions of users whose first item changes after step 1, measured with seed 0; None if not measured yet."""
    report = cached_all_users(run)
    return None if report is None else np.array(report["changed_users"], dtype=int)


@loaders.once
@loaders.of_run(16)
def user_ids(run: RunFolder) -> list[str]:
    """The ids of the users who can be shown, those with a test answer; none without the data."""
    users, _ = loaders.dataset(run)
    return [] if users is None else users.user_ids[users.evaluated("test")].tolist()


@loaders.once
@loaders.of_run(16)
def ranked(run: RunFolder) -> dict[str, str]:
    """What lists call the users whose ranks were measured: their ids and ranks."""
    ids = user_ids(run)
    users, _ = loaders.dataset(run)
    ranks = None if users is None else test_ranks(run, users.n_users)
    return {} if ranks is None else {user: f"{user} · rank {rank:,}" for user, rank in zip(ids, ranks[ranks > 0].tolist(), strict=True)}


def user(data: SequenceDataset, user_id: str, length: int) -> Subject:
    """A user's test case by the data set's own id."""
    index = data.position(user_id)
    return Subject(tuple(data.history(index, "test", length).tolist()), int(data.test[index]), user_id, index)


@loaders.once
@loaders.of_run(16)
def people(run: RunFolder) -> dict[str, tuple[str, Subject]]:
    """The lesson's example people, by key, each with a name; none where the catalogue lacks one of their films."""
    from adrec.lesson.people import PEOPLE
    from app.texts import texts

    names, found = texts("lesson")["people"], {}
    try:
        for person in PEOPLE:
            history, following = person.ids(loaders.items(run))
            found[person.key] = (names[person.key], Subject(tuple(history), following))
    except DataError:
        return {}
    return found


@loaders.once
def has_umap(run: RunFolder) -> bool:
    """Whether the run's UMAP is available."""
    return loaders.projection(run, "umap") is not None


# -- cached: every input an argument ------------------------------------------------------------------------------


def _weights(run: RunFolder, stage: str) -> answering.Weights:
    return answering.Weights(run.path.resolve(), stage, loaders.key(run)[1])


def _case(run: RunFolder, subject: Subject, seed: int) -> Case:
    return Case(subject.history, subject.target, seed, subject.index or 0, loaders.popular(run))


def walk(run: RunFolder, stage: str, subject: Subject, seed: int, steps: int) -> answering.Walk:
    """The question whose answer is ``trajectory``."""
    return answering.Walk(_weights(run, stage), steps, _case(run, subject, seed))


def trajectory(run: RunFolder, stage: str, subject: Subject, seed: int, steps: int) -> Trajectory:
    """The subject's reverse process."""
    found: Trajectory = computing.server.answer(walk(run, stage, subject, seed, steps))
    return found


def sweep(run: RunFolder, stage: str, subject: Subject, seed: int, steps: int) -> answering.Chance:
    """The question whose answer is ``chance``."""
    return answering.Chance(_weights(run, stage), steps, _case(run, subject, seed), SEEDS)


def chance(run: RunFolder, stage: str, subject: Subject, seed: int, steps: int) -> Chance:
    """This reverse process compared with other seeds and fewer steps."""
    many, fewer, single = computing.server.answer(sweep(run, stage, subject, seed, steps))
    return Chance(many, fewer, len(set(many.top_ten[-1, 0].tolist()) & set(single.tolist())))


def process(run: RunFolder, stage: str, item: int, seed: int, length: int) -> answering.Forward:
    """The question whose answer is ``forward``."""
    return answering.Forward(_weights(run, stage), item, seed, length)


def forward(run: RunFolder, stage: str, item: int, seed: int, length: int) -> answering.Forwards:
    """The run's noise schedule, what it does to an item, and to a sequence of this length."""
    found: answering.Forwards = computing.server.answer(process(run, stage, item, seed, length))
    return found


def invention(run: RunFolder, history: tuple[int, ...], seed: int, steps: int) -> answering.Invented:
    """The question whose answer is ``past``."""
    return answering.Invented(run.path.resolve(), loaders.key(run)[1], history, seed, steps)


def past(run: RunFolder, history: tuple[int, ...], seed: int, steps: int) -> "Past":
    """What the run's augmenter invents before a history."""
    found: Past = computing.server.answer(invention(run, history, seed, steps))
    return found


@loaders.of_run(8)
def layout(run: RunFolder, stage: str, method: str) -> scene.Layout:
    """The map of a stage: ``umap``, which must be cached, or ``pca``."""
    layouts = loaders.projection(run, "umap") if method == "umap" else None
    if method == "umap" and layouts is None:
        raise RunError("The UMAP of this run has not been computed yet; compute it on the Collapse page.")
    return scene.layout(loaders.tables(run), stage, layouts)


@loaders.once
@loaders.of_run(16)
def shared(run: RunFolder, stage: str, method: str) -> Part:
    """What all pictures on one map share."""
    of = {"model": run.info["model"], "diffusion": run.info.get("diffusion")}
    model = {"url": model_url(run, stage), "run": of} if again_in_browser(run, stage) else None
    return Part(scene.shared(layout(run, stage, method), loaders.title(run), model))


@cache
def worker() -> Part:
    """The script of the model in the visitor's browser."""
    return Part(browser_code.script("engine/worker.js").encode(), "text/javascript")


@loaders.once
def again_in_browser(run: RunFolder, stage: str) -> bool:
    """Whether the visitor's browser answers under other noise."""
    return browser.scored(run, stage) == "all"


def _again(run: RunFolder, stage: str, subject: Subject, method: str, name: str) -> dict[str, Any]:
    """What of the browser's answers (``Again`` in adrec/browser/types.d.ts) is not shared."""
    key = f"{loaders.link_name(run)} {stage} {subject} {method} {name}"
    return {"user": subject.index or 0, "key": hashlib.sha256(key.encode()).hexdigest()[:16]}


def question(run: RunFolder, stage: str, subject: Subject, seed: int, steps: int, method: str, name: str = "") -> bytes:
    """What the visitor's browser makes the scene from, with the model there; nothing is computed here. name: of one of two panels."""
    again, at = _again(run, stage, subject, method, name), shared(run, stage, method).url
    history, items = subject.history[-run.settings["length"] :], run.settings["n_items"]
    return scene.question(history, subject.target, loaders.popular(run), items, seed, steps, again, at, name)


def is_opening(run: RunFolder, subject: Subject, seed: int, steps: int) -> bool:
    """Whether this is an example person's first scene: the same for every visitor, so it is computed here, once, and needs no model in the
    browser."""
    return seed == 0 and steps == own_steps(run) and subject in [person for _, person in people(run).values()]


def picture(run: RunFolder, stage: str, subject: Subject, seed: int, steps: int, method: str, name: str = "") -> bytes:
    """The scrubber's scene. name: of one of two panels."""
    return _picture(run, stage, subject, seed, steps, method, name, shared(run, stage, method).url)


@loaders.of_run(512)
def _picture(run: RunFolder, stage: str, subject: Subject, seed: int, steps: int, method: str, name: str, shared_at: str) -> bytes:
    found, at = trajectory(run, stage, subject, seed, steps), layout(run, stage, method)
    again = _again(run, stage, subject, method, name) if again_in_browser(run, stage) else None
    with one_thread():
        return scene.blob(found, at, loaders.title(run), name, again, shared_at)
