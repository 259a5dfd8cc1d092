"""Training by several processes: the same as by one, written by the first alone, and an end for all when one is lost.

The processes are real ones, started by torchrun; this file is also the program that they run where a test needs more than the
command line tells (``train_all`` at its end).
"""

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from adrec import cli
from adrec.data import catalog
from adrec.data.batches import training_batch
from adrec.errors import ConfigError
from adrec.evaluation import answers, evaluate
from adrec.files import load_arrays
from adrec.models.loading import load_model
from adrec.models.rng import RandomSource
from adrec.parallel import processes as distributed
from adrec.parallel.processes import Processes, chosen_device, processes
from adrec.runs import STAGES, RunFolder
from adrec.training import recorder
from adrec.training.gradients import mean_gradient, separate_gradients
from adrec.training.session import describe_run, train_run
from tests.adrec.small import built, plan, varied

pytestmark = pytest.mark.slow
long = pytest.mark.long
ROOT = Path(__file__).parents[2]
SOURCE = "synthetic:items=60,users=97"  # the last batch has one user: a part for one process, none for the other
SIZE = {"hidden_size": 16, "heads": 2, "blocks": 1, "length": 10}
PLAN = plan(**SIZE, timesteps=4, seed=3, batch_size=32, epochs=5, warmup_epochs=2, validate_every=2)
JOBS = {"mean": PLAN, "pcgrad": varied(PLAN, pcgrad=True), "sampled": varied(PLAN, loss="sampled", negatives=20)}
LONG = ["epochs=16", "warmup_epochs=3", "validate_every=8", "seed=3", "batch_size=32", "checkpoint_seconds=0.1"]
LONG += ["hidden_size=16", "heads=2", "blocks=1", "length=10", "timesteps=4"]
CLOSE = 2e-4  # a step that was lost or repeated would move a weight by about lr = 1e-3
WORDS = ["--dataset", SOURCE, *(word for setting in LONG for word in ("--set", setting))]


def info_of(name: str) -> dict:
    return describe_run(catalog.load(SOURCE), SOURCE, JOBS[name], "test")


@contextmanager
def torchrun(*words: object) -> Iterator[subprocess.Popen]:
    """Two processes with these words, at a free port; none of them outlives the block."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([*launcher, *map(str, words)], cwd=ROOT, env=environment, **pipes)
    try:
        yield process
    finally:
        for left in [*ranks_of(process).values(), process]:
            left.kill()
        process.communicate()


def ranks_of(launcher: subprocess.Popen) -> dict[int, psutil.Process]:
    try:
        children = psutil.Process(launcher.pid).children()
        return {int(p.environ()["RANK"]): p for p in children if "RANK" in p.environ()}
    except psutil.Error:
        return {}


def train_by_two(folder: Path, *words: str) -> str:
    """Train to the end with the command line; returns what it said on standard error."""
    with torchrun("-m", "--", "adrec", "train", *WORDS, "--run", folder, *words) as process:
        said = process.communicate(timeout=120)[1]
        assert process.returncode == 0, said
        return said


def weights(run: RunFolder) -> dict[str, np.ndarray]:
    return {f"{s}/{k}": v for s in run.stages for k, v in load_arrays(run.weights_path(s)).items()}


def largest_difference(a: RunFolder, b: RunFolder) -> float:
    ours, theirs = weights(a), weights(b)
    assert ours.keys() == theirs.keys() and len(ours) > 10
    return max(float(np.abs(ours[k] - theirs[k]).max()) for k in ours)


# -- the same as one process ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Path:
    """A folder with ``two``, the jobs' runs by two processes, and ``one``, the same by one."""
    folder = tmp_path_factory.mktemp("pair")
    with torchrun(__file__, folder / "two") as process:
        printed, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    (folder / "printed").write_text(printed)
    train_all(folder / "one", Processes())
    return folder


def losses(run: RunFolder, stage: str) -> np.ndarray:
    steps = [e for e in run.events()[0] if e["kind"] == "step" and e["stage"] == stage]
    assert [e["step"] for e in steps] == list(range(1, len(steps) + 1))  # every step, once
    return np.array([[e["loss"], e["ce"], e.get("mse", 0.0)] for e in steps])


@pytest.mark.parametrize("name", JOBS)
def test_the_loss_curve_is_that_of_one_process(pair, name):
    for stage in STAGES:
        one, two = (losses(RunFolder(pair / who / name), stage) for who in ("one", "two"))
        assert one.shape == two.shape and len(one) >= 8 and np.ptp(one[:, 0]) > 1e-3
        np.testing.assert_allclose(two, one, atol=1e-5, rtol=0, err_msg=stage)


@pytest.mark.parametrize("name", JOBS)
def test_the_metrics_at_the_end_are_those_of_one_process(pair, name):
    for stage in STAGES:
        one, two = (RunFolder(pair / who / name).metrics(stage) for who in ("one", "two"))
        assert one["epoch"] == two["epoch"] and one["ended_by"] == two["ended_by"]
        assert {k: v for k, v in one["val"].items() if k != "seconds"} == {k: v for k, v in two["val"].items() if k != "seconds"}


def test_every_process_has_the_ranks_of_one(pair):
    one, *two = (np.load(pair / who) for who in ("one/ranks-0.npy", "two/ranks-0.npy", "two/ranks-1.npy"))
    assert len(one) == 97 and len(set(one)) > 10
    for ranks in two:
        assert np.array_equal(ranks, one)


def test_the_command_evaluate_prints_what_one_process_finds_once(pair):
    printed = json.loads((pair / "printed").read_text())
    ours = evaluate(load_model(RunFolder(pair / "two" / "mean")), catalog.load(SOURCE), "test").metrics
    assert {k: printed[k] for k in ours if k != "seconds"} == {k: v for k, v in ours.items() if k != "seconds"}


def test_the_first_process_alone_writes(pair):
    one, two = (pair / who / "mean" for who in ("one", "two"))
    assert files(one) == files(two)
    told = [[(e["kind"], e.get("stage"), e.get("step")) for e in RunFolder(run).events()[0]] for run in (one, two)]
    assert told[0] == told[1]
    assert json.loads((two / "status.json").read_text())["state"] == "finished"


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.mark.parametrize("name", JOBS)
def test_the_weights_at_the_end_are_those_of_one_process(pair, name):
    one, two = (RunFolder(pair / who / name) for who in ("one", "two"))
    assert largest_difference(one, two) < 1e-4


# -- interruption -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> RunFolder:
    """The run that the interrupted ones must equal: by one process, in one go."""
    return finished_by_one(tmp_path_factory.mktemp("whole") / "run")


def finished_by_one(folder: Path) -> RunFolder:
    assert cli.main(["train", *WORDS, "--run", str(folder), "--resume", "--device", "cpu"]) == 0
    return RunFolder(folder)


@contextmanager
def training(folder: Path) -> Iterator[subprocess.Popen]:
    """Two processes in the midst of a training that has a checkpoint."""
    with torchrun("-m", "--", "adrec", "train", *WORDS, "--run", folder) as process:
        until = time.monotonic() + 60
        while not (folder / "checkpoint.pt").exists():
            assert process.poll() is None and time.monotonic() < until, process.communicate()[1]
            time.sleep(0.02)
        yield process


def ended(process: subprocess.Popen) -> tuple[list[str], float]:
    """Our own lines on standard error, and how many seconds the processes took to end."""
    begin = time.monotonic()
    said = process.communicate(timeout=60)[1].replace("\r", "\n")
    assert f'File "{ROOT / "adrec"}' not in said, said
    return [line for line in said.splitlines() if line.startswith(("adrec:", "Run '"))], time.monotonic() - begin


@pytest.fixture(scope="module")
def stopped(tmp_path_factory) -> tuple[Path, list[str]]:
    """A run that SIGTERM to torchrun stopped, and what was said."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    with training(folder) as process:
        process.terminate()
        lines, _ = ended(process)
    return folder, lines


@long
def test_a_signal_to_torchrun_leaves_a_resumable_run(stopped):
    folder, lines = stopped
    assert lines == [f"Run '{folder}' is stopped; continue with --resume."]
    run = RunFolder(folder)
    assert run.status["state"] == "stopped" and run.events()[0][-1]["kind"] == "stopped"
    assert "finetune" not in run.stages


def test_one_process_goes_on_where_two_were_stopped(stopped, whole, tmp_path):
    assert largest_difference(finished_by_one(shutil.copytree(stopped[0], tmp_path / "run")), whole) < CLOSE


@long
def test_two_processes_go_on_where_two_were_stopped(stopped, whole, tmp_path):
    folder = shutil.copytree(stopped[0], tmp_path / "run")
    train_by_two(folder, "--resume")
    assert largest_difference(RunFolder(folder), whole) < CLOSE
    kinds = [e["kind"] for e in RunFolder(folder).events()[0]]
    assert kinds.count("resumed") == kinds.count("finished") == 1


@pytest.mark.parametrize("rank", [0, pytest.param(1, marks=long)])
def test_a_killed_process_ends_the_others_within_seconds_and_the_run_goes_on(whole, tmp_path, rank):
    folder = tmp_path / "run"
    with training(folder) as process:
        ranks_of(process)[rank].kill()
        lines, seconds = ended(process)
    assert lines == [f"adrec: {distributed.LOST}"]
    assert process.returncode != 0 and seconds < 10
    assert RunFolder(folder).status["state"] == "failed"
    assert largest_difference(finished_by_one(folder), whole) < CLOSE


@long
def test_a_failure_of_one_process_alone_ends_the_others(tmp_path):
    with torchrun(__file__, tmp_path / "full", "--disk-full") as process:
        lines, _ = ended(process)
    assert process.returncode != 0
    assert sorted(lines) == [f"adrec: {distributed.LOST}", "adrec: No space left on device."]
    assert "No space left" in RunFolder(tmp_path / "full" / "mean").status["error"]


@long
def test_a_failure_that_all_share_is_told_once(whole):
    with torchrun("-m", "--", "adrec", "train", *WORDS, "--run", whole.path) as process:
        lines, _ = ended(process)
    assert lines == [f"adrec: Run '{whole.path}' already exists; choose another folder, or continue with --resume."]
    assert whole.status["state"] == "finished"


def test_no_thread_of_the_group_outlives_it(pair):
    """One that does may meet an interpreter that is gone, and then the whole process aborts after its work is done."""
    for rank in (0, 1):
        assert (pair / "two" / f"threads-{rank}.txt").read_text() == ""


# -- the pieces -------------------------------------------------------------------------------------------------------


def test_a_program_that_torchrun_did_not_start_is_alone(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    with processes(torch.device("cpu")) as alone:
        assert (alone.rank, alone.size, alone.first) == (0, 1, True)
        assert alone.agree(object()) and alone.any(True) and not alone.any(False)


def test_parts_are_shared_without_remainder_or_repetition():
    shares = [list(Processes(rank, 3).share(range(10))) for rank in range(3)]
    assert shares == [[0, 3, 6, 9], [1, 4, 7], [2, 5, 8]]


def test_a_process_that_nobody_ends_tells_its_failure_too(monkeypatch, capsys):
    waited = []
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(cli.time, "sleep", waited.append)
    assert cli.main(["train", "--run", "x"]) == 2
    assert waited == [cli.REPORT_DELAY] and "adrec: Choose the data" in capsys.readouterr().err


def test_cuda_without_a_gpu_is_one_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="^There is no CUDA device for --device cuda; use auto or cpu.$"):
        chosen_device("cuda")
    assert chosen_device("auto") == chosen_device("cpu") == torch.device("cpu")


def test_more_processes_than_gpus_is_one_sentence(monkeypatch):
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ConfigError, match="^2 processes on this machine need a CUDA device each, but it has 1;"):
        chosen_device("cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert chosen_device("auto") == torch.device("cuda", 1)


class OneDevice(TorchDispatchMode):
    """Refuses an operation on tensors of two devices; moving one there is none. A CPU's scalar may meet any device."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor) and x.dim()]
        devices = {x.device.type for x in tensors}
        assert len(devices) < 2 or "copy" in function.__name__, f"{function} on {devices}"
        self.seen = getattr(self, "seen", set()) | devices
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("change", [{}, {"padding": "masked"}, {"denoiser": "mlp"}, {"model": "sasrec", "positions": True}], ids=str)
def test_training_and_inference_need_no_tensor_on_the_cpu(change):
    """On "meta" tensors, which have a shape and a device but no numbers: no GPU is needed to see that nothing is left behind."""
    data, device = catalog.load(SOURCE), torch.device("meta")
    model = built(plan(**SIZE, **change)).requires_grad_(True).to(device)
    trained = list(model.parameters())
    with OneDevice() as mode:
        batch = training_batch(data, np.arange(20), PLAN.config.length).split(50)[0].to(device)
        found = list(model.losses(batch, RandomSource(np.random.default_rng(0), device)).values())
        separate = separate_gradients(found, trained)  # projecting them asks for numbers, which these tensors lack
        for gradient in [*separate, mean_gradient(found, trained)]:
            for parameter, part in zip(trained, gradient, strict=True):
                parameter.grad = part
        torch.optim.Adam(trained, lr=1e-3, foreach=True).step()
        assert answers(model, batch).device == device
    assert "meta" in mode.seen


# -- the program that torchrun starts ---------------------------------------------------------------------------------


def train_all(folder: Path, together: Processes) -> None:
    """Every job into a folder of its own, every step logged, and every process's own ranks."""
    before, recorder.LOG_SECONDS = recorder.LOG_SECONDS, 0.0
    try:
        data = catalog.load(SOURCE)
        for name in JOBS:
            assert train_run(RunFolder(folder / name), data, info_of(name), processes=together) == "finished"
    finally:
        recorder.LOG_SECONDS = before
    model = load_model(RunFolder(folder / "mean"))
    np.save(folder / f"ranks-{together.rank}.npy", evaluate(model, data, "val", seed=7, share=together).ranks)


def names_of_threads() -> list[str]:
    return [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]


def disk_full(*args: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


if __name__ == "__main__":
    if sys.argv[2:]:
        recorder.Recorder.stage_ends = disk_full
        arguments = ["train", *WORDS[:2], "--run", f"{sys.argv[1]}/mean", "--set", "max_steps=2", "--set", "hidden_size=16"]
        sys.exit(cli.main(arguments))
    with processes(torch.device("cpu")) as group:
        train_all(Path(sys.argv[1]), group)
        distributed.processes = lambda device: nullcontext(group)  # processes join once
        assert cli.main(["evaluate", f"{sys.argv[1]}/mean", "--json"]) == 0
    left = [name for name in names_of_threads() if "gloo" in name]
    Path(sys.argv[1], f"threads-{group.rank}.txt").write_text(" ".join(left))
