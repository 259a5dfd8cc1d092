"""``adrec site`` for the bundled runs: the lesson, Denoising and Collapse."""

from pathlib import Path

from adrec.errors import RunError
from adrec.lesson import models, setup
from adrec.lesson.models import LAMBDAS, RUNS, run_of
from adrec.parallel.threads import one_thread
from adrec.runs import RunFolder, list_runs
from adrec.site import collapse, denoising, pages
from adrec.site.folder import Folder

PAGES = ("learn", "denoising", "collapse")
DENOISING = (*reversed(LAMBDAS), "people")
"""The parts of the models on the Denoising page; it opens with the first, where the noise is loud, beside the one where it is faint."""
BUNDLED = setup.ASSETS / "runs"


@one_thread()
def of_run(path: Path) -> tuple[Folder, str]:
    """The site of any run: Collapse, and Denoising if its model runs in the browser; a sentence that says if it does not."""
    run, folder = RunFolder(path), Folder()
    if not run.exists:
        raise RunError(f"'{path}' is no run: there is no run.json in it.")
    shown, missing = {"collapse": collapse.data(folder, {run.name: run}, run.name)}, ""
    if denoising.runs_here(run):
        shown["denoising"] = denoising.data(folder, {run.name: run}, run.name, "")
    else:
        missing = f"{pages.words()['still']} "
    pages.write(folder, shown, missing)
    return folder, missing.strip()


@one_thread()
def site() -> Folder:
    """The site of the bundled runs."""
    folder = Folder()
    runs = {RUNS[part]: run_of(BUNDLED, part) for part in DENOISING}
    shown = denoising.data(folder, runs, RUNS["lambda-1"], RUNS["healthy"])
    laboratory = {run.name: run for run in list_runs(BUNDLED) if run.info.get("site")}
    tables = collapse.data(folder, laboratory, RUNS["healthy"])
    pages.write(folder, {"learn": lesson(folder), "denoising": shown, "collapse": tables})
    return folder


def lesson(folder: Folder) -> bytes:
    """What the lesson is sent; its models' weights are files of their own."""
    sources = {part: {"run": models.description(run), "url": _weights(folder, run)} for part, run in models.models(BUNDLED).items()}
    return setup.data(setup.bundled(), "site", sources, pages=pages.addresses(PAGES))


def _weights(folder: Folder, run: RunFolder) -> str:
    return folder.add(f"{run.name}.bin", models.weights(run).read_bytes())
