"""The queue of an experiment: one process a core, each an ordinary ``adrec train`` with one thread (`engines` says where).

The run folders are all that is remembered. Whoever starts the queue again, even while another one runs, finds what is finished, waits for
what is being trained and goes on with what was interrupted, so nothing is trained twice.
"""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adrec.data.dataset import SequenceDataset
from adrec.errors import ConfigError, RunError
from adrec.experiments import search
from adrec.experiments.cells import SEARCHES, Cell, Runs, cells_of, fits, known, load, seconds_of, state
from adrec.experiments.costs import START, Costs
from adrec.experiments.engines import Engine, Process
from adrec.experiments.file import Budget, Experiment, Texts
from adrec.models.settings import Settings
from adrec.runs import RunFolder
from adrec.runs.folder import ENDED

POLL, TOLD_EVERY, PATIENCE = 0.3, 60.0, 60.0
LOGS = "logs"
TRIES = 3
"""How often a training is started whose process is ended from outside."""
STOPPED = 130
"""The exit code of a search that was told to stop; one that was killed has a negative one."""
PREFIX = "adrec: "
"""Begins the command line's error messages."""
DONE, LEFT = ("finished", "failed"), "left out"


@dataclass
class Job:
    """A cell on its way. expected, spent: core-seconds; reused: it was finished before; elsewhere: another process trains it."""

    cell: Cell
    state: str = "waiting"
    run: RunFolder | None = None
    expected: float = 0.0
    spent: float = 0.0
    reused: bool = False
    elsewhere: bool = False
    error: str | None = None
    process: Process | None = None
    began: float = 0.0
    log_begin: int = 0
    tries: int = 0

    def to_json(self) -> dict[str, Any]:
        cell, run = self.cell, None if self.run is None else str(self.run.path)
        found = {"name": cell.name, "model": cell.variant.name, "data": cell.data.name, "seed": cell.seed, "run": run, "state": self.state}
        return found | {"reused": self.reused, "expected_seconds": self.expected, "seconds": self.spent, "error": self.error}


class Queue:
    """All cells of an experiment. tell: is given sentences about what happens."""

    def __init__(
        self,
        experiment: Experiment,
        out: Path,
        tell: Callable[[str], object] = lambda sentence: None,
        data: dict[str, SequenceDataset] | None = None,
    ) -> None:
        self.experiment, self.out, self.tell, self.processes = experiment, out, tell, 1
        self.data = load(experiment) if data is None else data
        self.runs, self.costs = Runs(out, experiment.reuse), Costs()
        for folder in experiment.reuse:
            if not folder.is_dir():
                tell(f"There is no folder '{folder}', whose runs could be reused; what it would hold counts as missing.")
        self.jobs = [Job(cell) for cell in cells_of(experiment)]
        for each in self.runs.finished():
            self.costs.learn(each)
        for job in self.jobs:
            self._look(job)
            job.reused = job.state == "finished"
        self._expect()

    # -- what is there --------------------------------------------------------------------------------------------

    def _job(self, cell: Cell, name: str, seed: int | None) -> Job | None:
        return next((j for j in self.jobs if (j.cell.variant.name, j.cell.data, j.cell.seed) == (name, cell.data, seed)), None)

    def before(self, job: Job) -> list[Job]:
        """The jobs that must be finished before this one can start."""
        cell, found = job.cell, []
        if cell.seed is not None:
            found.append(self._job(cell, cell.variant.name, None))
            if cell.variant.stage1 is not None:
                found.append(self._job(cell, cell.variant.stage1, cell.seed))
        elif cell.variant.stage1 is not None:  # a search shares the stage 1 of the first seed
            found.append(self._job(cell, cell.variant.stage1, self.experiment.seeds[0]))
        return [each for each in found if each is not None]

    def _found(self, cell: Cell) -> Texts:
        """The settings that the cell's search has found."""
        folder = self.search_folder(cell)
        return search.read(folder).texts if folder is not None else {}

    def search_folder(self, cell: Cell) -> Path | None:
        """Where the settings of a cell are searched, if they are."""
        job = self._job(cell, cell.variant.name, None)
        return None if job is None else self.out / SEARCHES / job.cell.name

    def stage1(self, cell: Cell) -> RunFolder | None:
        """The run whose stage 1 a cell takes."""
        if cell.variant.stage1 is None:
            return None
        job = self._job(cell, cell.variant.stage1, self.experiment.seeds[0] if cell.seed is None else cell.seed)
        return None if job is None else job.run

    def settings(self, cell: Cell, found: Texts) -> Settings:
        return cell.settings(found, self.data[cell.data.name].n_items)

    def _look(self, job: Job) -> None:
        """Whether the cell's run is there, finished or not."""
        if any(each.state != "finished" for each in self.before(job)):
            return
        cell = job.cell
        if cell.seed is None:
            job.state = "finished" if self._is_finished(job) else "waiting"
            return
        job.run = self.runs.find(self.settings(cell, self._found(cell)), self.data[cell.data.name], self.stage1(cell)) or job.run
        if job.run is not None and state(job.run) == "finished":
            job.state = "finished"

    def _expect(self) -> None:
        """How long every cell that is missing will take."""
        for job in self.jobs:
            cell, budget = job.cell, self.experiment.search
            searched = cell.seed is not None and all(each.state == "finished" for each in self.before(job))
            chosen = self.settings(cell, self._found(cell) if searched else {})
            seconds = self.costs.seconds(chosen, self.data[cell.data.name], cell.variant.stage1 is not None)
            job.expected = seconds if cell.seed is not None or budget is None else searched_seconds(budget, seconds)

    # -- plans ----------------------------------------------------------------------------------------------------

    @property
    def missing(self) -> list[Job]:
        return [job for job in self.jobs if job.state not in DONE]

    def fitting(self, budget: float) -> list[Job]:
        """The missing jobs that fit into a budget of core-seconds, in their order; one that needs another only fits with it."""
        found: list[Job] = []
        for job in self.missing:
            needs = [each for each in self.before(job) if each.state != "finished"]
            if all(each in found for each in needs) and sum(each.expected for each in found) + job.expected <= budget:
                found.append(job)
        return found

    def check_budget(self, budget: float) -> None:
        """Say what fits if not everything does; a ConfigError if nothing does."""
        missing, fit = self.missing, self.fitting(budget)
        if not missing or len(fit) == len(missing):
            return
        if not fit:
            least = min(job.expected for job in missing if not any(b.state != "finished" for b in self.before(job)))
            raise ConfigError(
                f"A budget of {duration(budget)} fits none of the {len(missing)} missing trainings: the shortest is expected to take "
                f"{duration(least)}, all of them {duration(sum(job.expected for job in missing))} of one core."
            )
        rest = [str(job.cell) for job in missing if job not in fit]
        self.tell(
            f"A budget of {duration(budget)} is expected to fit {len(fit)} of {len(missing)} trainings; left out: {'; '.join(rest)}. All "
            f"need {duration(sum(job.expected for job in missing))} of one core."
        )

    def command(self, job: Job) -> list[str]:
        """The command of a cell, without the interpreter; of one that goes on, only the folder, whose own settings decide."""
        cell, run = job.cell, job.run
        texts = cell.texts({})
        given = ["--dataset", cell.data.source, "--model", cell.variant.model, "--preset", cell.variant.preset]
        given += [word for key, value in cell.data.options.items() for word in ("--data-option", f"{key}={value}")]
        given += [word for key, value in texts.items() if key != "seed" for word in ("--set", f"{key}={value}")]
        first = self.stage1(cell)
        given += ["--pretrained", str(first.path)] if first is not None else []
        if cell.seed is None:
            budget = self.experiment.search
            assert budget is not None
            limits = ["--trials", str(budget.trials), *([] if budget.seconds is None else ["--budget", f"{budget.seconds:g}s"])]
            return ["-m", "adrec", "tune", "--out", str(self.out / SEARCHES / cell.name), *given, *limits]
        if run is not None and run.exists:
            return ["-m", "adrec", "train", "--run", str(run.path), "--resume", "--yes"]
        folder = self.search_folder(cell)
        given += ["--tuned", str(folder)] if folder is not None else []
        given += ["--seed", texts["seed"], "--title", cell.variant.name]
        given += ["--question", self.experiment.question] if self.experiment.question else []
        return ["-m", "adrec", "train", "--run", str(self._folder(job)), *given, "--resume", "--yes"]

    def _folder(self, job: Job) -> Path:
        """The folder of a new run: named after its cell, numbered if a run of other settings has that name."""
        names = [job.cell.name, *(f"{job.cell.name}.{i}" for i in range(2, 1000))]
        return next(path for name in names if not RunFolder(path := self.out / name).exists or self._is_its(path, job.cell))

    def _is_its(self, path: Path, cell: Cell) -> bool:
        """Whether a run that another process has begun this moment is this cell's."""
        own = known(RunFolder(path))
        return own is not None and fits(own, self.settings(cell, self._found(cell)), self.data[cell.data.name], self.stage1(cell))

    # -- working --------------------------------------------------------------------------------------------------

    def work(self, engine: Engine, processes: int, budget: float | None = None, stop: Callable[[], bool] = lambda: False) -> bool:
        """Train what is missing, so many processes at once; False if it was told to stop. budget: core-seconds that this call may spend."""
        (self.out / LOGS / SEARCHES).mkdir(parents=True, exist_ok=True)
        self.processes = processes
        told = time.monotonic()
        while True:
            for job in [job for job in self.jobs if job.state == "running"]:
                self._watch(job)
            self._fail_followers()
            spent = self.spent
            if stop() or (budget is not None and spent >= budget):
                self._end_all()
                return not stop()
            self._start(engine, budget)
            if not any(job.state == "running" for job in self.jobs):
                break
            if time.monotonic() - told > TOLD_EVERY:
                told = time.monotonic()
                self.tell(self.progress())
            time.sleep(POLL)
        for job in self.missing:
            job.state = LEFT
        return True

    @property
    def spent(self) -> float:
        """Core-seconds of this call so far."""
        return sum(job.spent + (time.monotonic() - job.began if job.process else 0.0) for job in self.jobs)

    def progress(self) -> str:
        """How far it is, in a sentence."""
        done, running = sum(job.state in DONE for job in self.jobs), [job for job in self.jobs if job.state == "running"]
        left = sum(job.expected for job in self.missing if job not in running)
        rest = [max(START, job.expected - (time.monotonic() - job.began)) for job in running]
        ahead = f"{len(running)} running, about {duration(max([*rest, (left + sum(rest)) / self.processes]))} left" if left or rest else ""
        return f"{done} of {len(self.jobs)} done{', ' if ahead else ''}{ahead}."

    def _start(self, engine: Engine, budget: float | None) -> None:
        running = [job for job in self.jobs if job.state == "running"]
        for job in [job for job in self.jobs if job.state == "waiting"]:
            if len(running) >= self.processes:
                return
            if any(each.state != "finished" for each in self.before(job)):
                continue
            ahead = self.spent + sum(max(0.0, each.expected - (time.monotonic() - each.began)) for each in running if each.process)
            if budget is not None and ahead + job.expected > budget:
                continue
            self.runs.refresh()
            self._look(job)
            if job.state == "finished":
                job.reused = True
                continue
            job.began, job.state = time.monotonic(), "running"
            if job.run is not None and job.run.held:
                job.elsewhere = True
                self.tell(f"{job.cell}: another process is training it in '{job.run.path}'.")
            else:
                self._spawn(job, engine)
            running.append(job)

    def _spawn(self, job: Job, engine: Engine) -> None:
        command = self.command(job)
        if job.cell.seed is not None and (job.run is None or not job.run.exists):
            job.run = RunFolder(command[command.index("--run") + 1])
        job.elsewhere = False
        log = self._log(job)
        job.log_begin = log.stat().st_size if log.is_file() else 0
        job.tries += 1
        job.process = engine.start(command, log)

    def _watch(self, job: Job) -> None:
        """Notice that a running job has ended."""
        if job.process is None:
            assert job.run is not None
            if not job.run.held:  # whoever trained it has ended
                job.elsewhere = False
                ended = state(job.run) == "finished"
                job.state, job.reused = ("finished", True) if ended else ("waiting", False)
            return
        code = job.process.poll()
        if code is None:
            return
        job.spent += time.monotonic() - job.began
        job.process = None
        done = self._is_finished(job)
        if not done and job.run is not None and job.run.held:  # another process was quicker to begin it
            job.elsewhere = True
            return
        if not done and self._interrupted(job, code) and job.tries < TRIES:
            job.state = "waiting"
            return
        job.state = "finished" if done else "failed"
        if done:
            self._learn(job)
            self.tell(f"{job.cell}: finished after {duration(job.spent)}. {self.progress()}")
        else:
            job.error = self._reason(job)
            self.tell(f"{job.cell}: failed: {job.error}")

    def _interrupted(self, job: Job, code: int) -> bool:
        """Whether a training or search was ended from outside, with its machine for instance, so that it can go on."""
        if job.cell.seed is None:
            return code < 0 or code == STOPPED
        try:
            status = {} if job.run is None or not job.run.exists else job.run.status
        except RunError:
            return False
        return status.get("state") == "stopped" or (status.get("state") == "failed" and status.get("error") == ENDED)

    def _is_finished(self, job: Job) -> bool:
        if job.cell.seed is None:
            folder, budget = self.out / SEARCHES / job.cell.name, self.experiment.search
            found = search.read(folder) if search.exists(folder) else None
            return found is not None and budget is not None and found.complete(budget) and found.best is not None
        return job.run is not None and state(job.run) == "finished"

    def _learn(self, job: Job) -> None:
        """Better expectations of what is still missing."""
        own = known(job.run) if job.run is not None else None
        if own is not None:
            self.costs.learn(own)
            self.costs.starts.append(max(0.0, job.spent - seconds_of(own.run)))
        self._expect()

    def _log(self, job: Job) -> Path:
        folder = self.out / LOGS / (SEARCHES if job.cell.seed is None else "")  # the search of "A-1" and "A" with seed 1 have one name
        return folder / f"{job.cell.name}.txt"

    def _reason(self, job: Job) -> str:
        """Why a job failed, in a sentence: what its run records, or what its process said last."""
        recorded = None
        if job.run is not None and job.run.exists:
            try:
                recorded = job.run.status.get("error")
            except RunError as error:
                recorded = str(error)
        if recorded and recorded != ENDED:
            return str(recorded)
        try:
            lines = self._log(job).read_bytes()[job.log_begin :].decode("utf-8", "replace").strip().splitlines()
        except OSError:
            lines = []
        said = [line.removeprefix(PREFIX) for line in lines if line.startswith(PREFIX)]
        return said[-1] if said else (lines[-1] if lines else ENDED)

    def _fail_followers(self) -> None:
        for job in self.jobs:
            failed = next((each for each in self.before(job) if each.state == "failed"), None)
            if job.state == "waiting" and failed is not None:
                job.state, job.error = "failed", f"it needs {failed.cell}, which failed."

    def _end_all(self) -> None:
        """Ask the processes to leave resumable runs, and wait for them."""
        running = [job for job in self.jobs if job.process is not None]
        for job in running:
            assert job.process is not None
            job.process.terminate()
        for job in running:
            assert job.process is not None
            try:
                job.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                job.process.kill()
                job.process.wait()
            job.spent += time.monotonic() - job.began
            job.process = None
            job.state = "finished" if self._is_finished(job) else "stopped"
        for job in self.missing:
            job.state = job.state if job.state == "stopped" else LEFT


def searched_seconds(budget: Budget, training: float) -> float:
    """What a search is expected to take, at most."""
    return min(budget.trials * training, budget.seconds or float("inf"))


def duration(seconds: float) -> str:
    """A length of time in words."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
