"""Experiment files, their cells and their queue."""

import json
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from adrec.cli import main
from adrec.data import catalog
from adrec.errors import ConfigError
from adrec.experiments.cells import SEARCHES, Runs, cells_of, fits, known, state
from adrec.experiments.costs import START, Costs
from adrec.experiments.engines import Local, engine_of
from adrec.experiments.file import read, seconds_of
from adrec.experiments.lines import line_of
from adrec.experiments.queue import Queue
from adrec.files import write_json
from adrec.models.settings import settings
from adrec.runs import RunFolder
from adrec.training.session import describe_run, train_run

DATA = "synthetic:users=40,items=30"
FILES = Path(__file__).parents[2] / "experiments"
FILE = f"""\
question = "Does it help?"
seeds = [1, 2]
data = ["{DATA}"]
baseline = "plain"

[settings]           # of all
epochs = 2
hidden_size = 8

[[models]]
name = "plain"
model = "sasrec"
settings = {{ dropout = 0.0 }}

[[models]]
name = "ADRec"
preset = "paper"
stage1 = "whole"
settings = {{ warmup_epochs = 1 }}
grid = {{ noise_weight = [0, 1] }}

[[models]]
name = "whole"
preset = "paper"
settings = {{ warmup_epochs = 1 }}
"""


def written(folder: Path, text: str = FILE, **changes: str) -> Path:
    """The file with parts of it replaced."""
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    path = folder / "grid.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_grid_is_every_model_with_every_seed_and_a_shared_stage_1_comes_first(tmp_path):
    names = [cell.name for cell in cells_of(read(written(tmp_path)))]
    each = ["whole", "plain", "ADRec-noise_weight-0", "ADRec-noise_weight-1"]
    assert names == [f"{name}-{seed}" for seed in (1, 2) for name in each]


def test_no_two_cells_have_the_same_folder_or_log(tmp_path, tiny_data):
    data = ", ".join(f'{{ name = "{name}", source = "{DATA}" }}' for name in ("C", "B-C", "C-1"))
    named = [f'\n[[models]]\nname = "{name}"\nmodel = "sasrec"\n' for name in ("A", "A-B", "A-B@C", "A-1", "B C")]
    path = tmp_path / "grid.toml"
    path.write_text(f"seeds = [1, 2]\ndata = [{data}]\n[tune]\ntrials = 1\n{''.join(named)}", encoding="utf-8")
    experiment = read(path)
    queue = Queue(experiment, tmp_path / "out", data={each.name: tiny_data for each in experiment.data})
    folders = [queue.out / (SEARCHES if job.cell.seed is None else "") / job.cell.name for job in queue.jobs]
    assert len(queue.jobs) == len(set(folders)) == len({queue._log(job) for job in queue.jobs}) == 5 * 3 * 3


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("seeds =", "sedes =", 2, "did you mean 'seeds'?"),
        ("[1, 2]", "[1, -2]", 2, "must be an integer from 0"),
        ("[1, 2]", "[1, 1]", 2, "two seeds '1'"),
        (f'["{DATA}"]', '["sinthetic"]', 3, "did you mean 'synthetic'?"),
        (f'["{DATA}"]', '["nowhere/at-all"]', 3, "neither a named data set nor an existing file"),
        (f'["{DATA}"]', f'[{{ source = "{DATA}", setings = 1 }}]', 3, "did you mean 'settings'?"),
        ('"plain"\n\n', '"plian"\n\n', 4, "did you mean 'plain'?"),
        ("epochs = 2", "epoch = 2", 7, "did you mean 'epochs'?"),
        ("epochs = 2", 'epochs = "two"', 7, "must be an integer"),
        ('"sasrec"', '"sasrek"', 12, "did you mean 'sasrec'?"),
        ("dropout = 0.0", "dropout = 1.5", 13, "'dropout'"),
        ("dropout = 0.0", "noise_weight = 0.0", 13, "no setting of the model 'sasrec'"),
        ('"paper"\nstage1', '"papre"\nstage1', 17, "did you mean 'paper'?"),
        ('stage1 = "whole"', 'stage1 = "hole"', 18, "did you mean 'whole'?"),
        ('stage1 = "whole"', 'stage1 = "plain"', 18, "'plain' has no stage 1"),
        ('stage1 = "whole"', "steps = [0]", 18, "integers of at least 1"),
        ("[0, 1]", "[0, -1]", 20, "must be a number of at least 0"),
        ('name = "whole"', 'name = "plain"', None, "two models 'plain'"),
        ('name = "whole"', 'name = "plain!"', None, "would share a folder"),
        ("[settings]", "[tune]\ntrials = 0\n[settings]", 7, "integer of at least 1"),
        ("[settings]", '[tune]\ntrials = 1\nbudget = "long"\n[settings]', 8, "no length of time"),
        ("seeds = [1, 2]", "seeds = [1, 2", 3, "expected TOML"),
        (FILE, 'data = ["synthetic"]\nmodels = 1', 2, "a list of tables"),
    ],
)
def test_a_mistake_is_refused_with_its_line_and_the_nearest_name(tmp_path, old, new, line, said):
    path = written(tmp_path, change=(old, new))
    with pytest.raises(ConfigError) as refused:
        read(path)
    assert said in str(refused.value) and str(path) in str(refused.value)
    assert line is None or f"line {line}:" in str(refused.value)


def test_lines_are_found_in_nested_tables_and_not_in_comments():
    text = '# lr = 1\n[settings]\nlr = 2\n[[models]]\n[models.settings]\nlr = 3 # lr\n[[models]]\n[models.settings]\n"lr" = 4\n'
    assert line_of(text, ("settings", "lr")) == 3
    assert line_of(text, ("models", 0, "settings", "lr")) == 6
    assert line_of(text, ("models", 1, "settings", "lr")) == 9


def test_a_length_of_time_is_read_in_any_unit():
    assert [seconds_of(text) for text in ("8h", "90 min", "1h 30m", "2.5s")] == [28800, 5400, 5400, 2.5]
    for text in ("", "8", "h", "8 parsecs", "-1h"):
        with pytest.raises(ConfigError):
            seconds_of(text)


def test_a_run_is_a_cells_if_settings_data_and_stage_1_are_its_whatever_it_is_called(tmp_path):
    data = catalog.load(DATA)
    given = {"epochs": "2", "hidden_size": "8", "seed": "1", "dropout": "0.1", "checkpoint_seconds": "3"}
    run = RunFolder(tmp_path / "elsewhere" / "any name")
    info = describe_run(data, DATA, settings("sasrec", given), "")
    run.create(info, data.items, data.popularity)
    run.write_status("finished")
    own = known(run)
    assert own is not None
    wanted = settings("sasrec", given | {"checkpoint_seconds": "20"}).sized(data.n_items)
    assert fits(own, wanted, data) and Runs(tmp_path / "out", [tmp_path / "elsewhere"]).find(wanted, data) is not None
    assert not fits(own, settings("sasrec", given | {"seed": "2"}).sized(data.n_items), data)
    assert not fits(own, settings("sasrec", given | {"keep_weights": "every"}).sized(data.n_items), data)
    assert not fits(own, wanted, catalog.load("synthetic:users=41,items=30"))
    assert not fits(own, wanted, data, stage1=run)


def test_a_cell_is_expected_to_take_what_the_same_took_with_another_seed_or_else_its_share_of_the_estimate(tmp_path, monkeypatch):
    data, costs = catalog.load(DATA), Costs()
    given = {"hidden_size": "8", "epochs": "9", "seed": "1"}
    first, other, wide = (settings("sasrec", given | more).sized(30) for more in ({}, {"seed": "2"}, {"hidden_size": "12"}))
    monkeypatch.setattr(costs, "estimated", lambda chosen, data, pretrained: 100.0 * chosen.config.hidden_size)
    run = RunFolder(tmp_path / "run")
    run.create(describe_run(data, DATA, first, ""), data.items, data.popularity)
    monkeypatch.setattr("adrec.experiments.costs.seconds_of", lambda run: 200.0)
    assert costs.seconds(wide, data, False) == START + 1200
    write_json(run.path / "stages" / "finetune" / "metrics.json", {"epochs": 3, "epoch": 1})
    costs.learn(known(run))
    assert costs.seconds(other, data, False) == START + 200 and costs.seconds(wide, data, False) == pytest.approx(START + 400)
    assert costs.seconds(other, data, True) == pytest.approx(START + 800 * 3 / 9), "not the same: it was given a stage 1"
    costs.starts.append(30.0)
    assert costs.seconds(other, data, False) == 230


def test_a_budget_says_what_fits_and_is_refused_if_nothing_does(tmp_path):
    told: list[str] = []
    queue = Queue(read(written(tmp_path)), tmp_path / "out", told.append)
    for job in queue.jobs:
        job.expected = 100.0
    assert [job.cell.name for job in queue.fitting(250)] == ["whole-1", "plain-1"]
    queue.check_budget(250)
    assert "2 of 8" in told[-1] and "ADRec, noise_weight 1" in told[-1]
    with pytest.raises(ConfigError, match="the shortest is expected to take 2 min"):
        queue.check_budget(50)


def test_a_cell_that_needs_a_failed_one_fails_too_and_the_rest_goes_on(tmp_path, monkeypatch):
    queue = Queue(read(written(tmp_path)), tmp_path / "out")
    ended = SimpleNamespace(poll=lambda: 0)
    monkeypatch.setattr(queue, "_spawn", lambda job, engine: setattr(job, "process", ended))
    monkeypatch.setattr(queue, "_learn", lambda job: None)
    monkeypatch.setattr(queue, "_is_finished", lambda job: "plain" in job.cell.name and job.process is None and job.began > 0)
    assert queue.work(Local(), 1)
    states = {job.cell.name: job.state for job in queue.jobs}
    assert states["plain-1"] == states["plain-2"] == "finished"
    assert {state for name, state in states.items() if "plain" not in name} == {"failed"}


KILLED = f"""\
seeds = [1, 2]
data = ["{DATA}"]
[settings]
hidden_size = 8
[[models]]
model = "sasrec"
settings = {{ epochs = 60, batch_size = 8, patience = 100, checkpoint_seconds = 0.2 }}
"""


def assert_trained_once(run: RunFolder) -> None:
    """Every validation of ``KILLED`` is there once."""
    events = run.events()[0]
    assert [event["epoch"] for event in events if event["kind"] == "validation"] == list(range(6, 61, 5))
    assert sum(event["kind"] == "finished" for event in events) == 1


@pytest.mark.long
def test_after_a_kill_a_grid_goes_on_and_trains_nothing_twice(tmp_path):
    path, out = written(tmp_path, KILLED), tmp_path / "out"
    command = [sys.executable, "-m", "adrec", "experiment", str(path), "--out", str(out), "--jobs", "1", "--json"]
    first = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    second, deadline = RunFolder(out / "sasrec-2"), time.monotonic() + 300
    while not (second.path / "checkpoint.pt").is_file():
        assert first.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    family = [*psutil.Process(first.pid).children(recursive=True), psutil.Process(first.pid)]
    for process in family:
        process.kill()
    first.wait()
    psutil.wait_procs(family, 30)
    assert state(RunFolder(out / "sasrec-1")) == "finished" and state(second) == "failed"
    ended = (out / "sasrec-1" / "status.json").stat().st_mtime_ns
    other = [subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)]  # at once
    outcomes = [process.communicate(timeout=300) for process in other]
    assert [process.returncode for process in other] == [0, 0], outcomes
    reports = [json.loads(output) for output, _ in outcomes]
    assert all(cell["state"] == "finished" for report in reports for cell in report["cells"])
    assert (out / "sasrec-1" / "status.json").stat().st_mtime_ns == ended
    assert {p.name for p in out.iterdir() if p.is_dir()} == {"sasrec-1", "sasrec-2", "logs"}
    assert_trained_once(second)


@pytest.mark.slow
def test_finished_runs_elsewhere_are_reused_a_failed_cell_is_named_in_the_end_and_the_rest_is_compared(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    data = catalog.load(DATA)
    text = (
        f'seeds = [1]\ndata = ["{DATA}"]\nreuse = ["{tmp_path / "old"}"]\n[settings]\nepochs = 1\nhidden_size = 8\n[[models]]\n'
        'model = "sasrec"\n[[models]]\nname = "too wide"\nmodel = "sasrec"\nsettings = { hidden_size = 12, length = 40 }\n'
    )
    path = written(tmp_path, text)
    chosen = settings("sasrec", {"epochs": "1", "hidden_size": "8", "seed": "1"})
    train_run(RunFolder(tmp_path / "old" / "x"), data, describe_run(data, DATA, chosen, ""))
    blocked = tmp_path / "out" / "too-wide-1"
    blocked.parent.mkdir()
    blocked.write_text("a file where the run's folder should be")
    assert main(["experiment", str(path), "--out", str(tmp_path / "out"), "--json"]) == 1
    printed = capsys.readouterr()
    cells = {cell["name"]: cell for cell in json.loads(printed.out)["cells"]}
    assert cells["sasrec-1"]["reused"] and cells["sasrec-1"]["run"] == str(tmp_path / "old" / "x")
    assert cells["too-wide-1"]["state"] == "failed" and "Failed: too wide on" in printed.err
    assert main(["experiment", str(path), "--out", str(tmp_path / "out"), "--report", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["missing"] == [f"too wide on {DATA}, seed 1"] and [row["model"] for row in report["rows"]] == ["sasrec"]
    ranks = RunFolder(tmp_path / "old" / "x").test_ranks("finetune")
    assert report["rows"][0]["measures"]["hr@10"]["mean"] == pytest.approx((ranks <= 10).mean())
    hours = report["core_hours"]
    assert hours["spent"] == 0 and hours["reused"] == pytest.approx(RunFolder(tmp_path / "old" / "x").metrics("finetune")["seconds"] / 3600)
    kept = tmp_path / "old" / "x" / "lists.npz"
    before, text = kept.stat().st_mtime_ns, (tmp_path / "out" / "report.md").read_text("utf-8")
    assert main(["experiment", str(path), "--out", str(tmp_path / "out"), "--report"]) == 0
    assert kept.stat().st_mtime_ns == before and (tmp_path / "out" / "report.md").read_text("utf-8") == text


@pytest.mark.parametrize("name", sorted(path.name for path in FILES.glob("*.toml")))
def test_a_committed_experiment_is_one_that_can_be_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for source in re.findall(r'source = "([^"]+)"', (FILES / name).read_text("utf-8")):
        if "/" in source:
            (tmp_path / source).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / source).touch()
    assert cells_of(read(FILES / name))


def test_the_committed_experiments_are_estimated_at_no_more_than_60_core_hours_besides_the_lessons():
    hours = {path.stem: tomllib.loads(path.read_text("utf-8"))["core_hours"] for path in FILES.glob("*.toml")}
    assert 0 < sum(value for name, value in hours.items() if not name.startswith("lesson")) <= 60


def test_a_training_that_is_ended_from_outside_is_started_again_but_not_for_ever(tmp_path, monkeypatch):
    queue = Queue(read(written(tmp_path, KILLED)), tmp_path / "out")
    run, started = RunFolder(tmp_path / "out" / "sasrec-1"), []
    chosen = queue.settings(queue.jobs[0].cell, {})
    run.create(describe_run(catalog.load(DATA), DATA, chosen, ""), catalog.load(DATA).items, None)
    run.write_status("running")  # and nobody holds it

    class Killing(Local):
        def start(self, command, log):
            started.append(command[command.index("--run") + 1])
            return SimpleNamespace(poll=lambda: -9)

    assert queue.work(Killing(), 1)
    assert started.count(str(run.path)) == 3 and queue.jobs[0].state == "failed"
    assert "ended unexpectedly" in str(queue.jobs[0].error)


@pytest.mark.parametrize(("code", "starts"), [(-9, 3), (130, 3), (1, 1)])
def test_a_search_that_is_ended_from_outside_is_started_again_and_one_that_fails_is_not(tmp_path, code, starts):
    queue = Queue(read(written(tmp_path, KILLED + "[tune]\ntrials = 2\n")), tmp_path / "out")
    started = []

    class Ended(Local):
        def start(self, command, log):
            started.append(command)
            return SimpleNamespace(poll=lambda: code)

    assert queue.work(Ended(), 1)
    assert [command[2] for command in started] == ["tune"] * starts and {job.state for job in queue.jobs} == {"failed"}


def test_an_unknown_engine_is_refused():
    with pytest.raises(ConfigError, match="expected local, ray or ray:ADDRESS"):
        engine_of("slurm")


@pytest.mark.slow
def test_on_ray_a_grid_goes_on_when_a_worker_is_lost_and_trains_nothing_twice(tmp_path):
    pytest.importorskip("ray")
    path, out = written(tmp_path, KILLED), tmp_path / "out"
    done = subprocess.run([sys.executable, "-c", ON_RAY, str(path), str(out)], capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {"lost": True, "states": ["finished", "finished"]}
    for name in ("sasrec-1", "sasrec-2"):
        assert_trained_once(RunFolder(out / name))


ON_RAY = """
import json, sys, threading, time
from pathlib import Path
import psutil
from ray.cluster_utils import Cluster
from adrec.experiments.engines import engine_of
from adrec.experiments.file import read
from adrec.experiments.queue import Queue

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
engine = engine_of(f"ray:{cluster.address}")
queue = Queue(read(sys.argv[1]), Path(sys.argv[2]), lambda sentence: print(sentence, file=sys.stderr))
lost = []

def lose():
    while not (queue.out / "sasrec-1" / "checkpoint.pt").is_file():
        time.sleep(0.05)
    run = json.loads((queue.out / "sasrec-1" / "status.json").read_text())["pid"]
    above = {process.pid for process in psutil.Process(run).parents()}
    node = next(n for n in nodes if {p.process.pid for own in n.all_processes.values() for p in own} & above)
    cluster.remove_node(node, allow_graceful=False)
    psutil.Process(run).kill()
    lost.append(node)

threading.Thread(target=lose, daemon=True).start()
queue.work(engine, 2)
states = [job.state for job in queue.jobs]
engine.close()
cluster.shutdown()
print(json.dumps({"lost": bool(lost), "states": states}))
"""
