"""The training loop: what each stage moves, when it ends, and that an interrupted run ends as an uninterrupted one."""

import dataclasses
import errno
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from adrec.config import TrainConfig
from adrec.data import catalog
from adrec.data.batches import training_batch
from adrec.errors import ConfigError, RunError, WeightsError
from adrec.evaluation import evaluate
from adrec.files import load_arrays
from adrec.models.counting import log_shares
from adrec.models.loading import load_model
from adrec.models.rng import RandomSource
from adrec.runs import RunFolder
from adrec.training.checkpoint import Position
from adrec.training.loop import learning_rate, shared
from adrec.training.recorder import Recorder
from adrec.training.session import describe_run, read_pretrained, recorded_request, train_run
from adrec.training.watch import ProgressBar
from tests.adrec.small import in_pieces, plan, varied

pytestmark = pytest.mark.slow
long = pytest.mark.long
SOURCE = "synthetic:items=60,users=90"
SIZE = {"hidden_size": 16, "heads": 2, "blocks": 1, "length": 10}
TRAIN = {"seed": 3, "batch_size": 32, "epochs": 7, "validate_every": 2, "patience": 9, "checkpoint_seconds": 0}
PLAN = plan(**SIZE, **TRAIN, timesteps=4, warmup_epochs=2)


@pytest.fixture(scope="module")
def data():
    return catalog.load(SOURCE)


def info_of(data, settings=PLAN, pretrained=None):
    return describe_run(data, SOURCE, settings, "test", pretrained)


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """A run that was never interrupted."""
    torch.set_num_threads(1)  # again: numba sets OpenMP's number for the whole process
    run = RunFolder(tmp_path_factory.mktemp("runs") / "whole")
    assert train_run(run, data, info_of(data)) == "finished"
    return run


def weights(run: RunFolder) -> dict[str, np.ndarray]:
    return {f"{s}/{k}": v for s in run.stages for k, v in load_arrays(run.weights_path(s)).items()}


def assert_same(a: RunFolder, b: RunFolder) -> None:
    ours, theirs = weights(a), weights(b)
    assert ours.keys() == theirs.keys()
    assert [k for k in ours if not np.array_equal(ours[k], theirs[k])] == []


def test_the_weights_do_not_depend_on_the_number_of_threads(whole, data, tmp_path):
    torch.set_num_threads(3)
    try:
        run = RunFolder(tmp_path / "threads")
        train_run(run, data, info_of(data))
        assert_same(run, whole)
    finally:
        torch.set_num_threads(1)


def test_three_stages_leave_their_weights_metrics_and_snapshots(whole):
    assert whole.stages == ["pretrain", "warmup", "finetune"]
    assert whole.table_names() == ["initial", "pretrain", "warmup", "finetune"]
    assert {(s, e) for s, e, _ in whole.snapshots()} == {
        ("pretrain", 3),
        ("pretrain", 5),
        ("pretrain", 7),
        ("warmup", 2),
        ("finetune", 3),
        ("finetune", 5),
        ("finetune", 7),
    }
    assert whole.metrics("finetune")["test"]["users"] == 90
    assert whole.status["state"] == "finished"
    assert not (whole.path / "checkpoint.pt").exists()


def test_a_stage_keeps_the_weights_of_its_best_validation(whole, data):
    recorded = whole.metrics("finetune")
    again = evaluate(load_model(whole), data, "val").metrics
    assert again["ndcg@10"] == recorded["val"]["ndcg@10"]
    seen = [e["metrics"]["ndcg@10"] for e in whole.events()[0] if e["kind"] == "validation" and e["stage"] == "finetune"]
    assert recorded["val"]["ndcg@10"] == max(seen)


def test_test_ranks_belong_to_the_test_metrics(whole):
    ranks = whole.test_ranks("finetune")
    assert whole.metrics("finetune")["test"]["hr@10"] == (ranks <= 10).mean()


def test_warmup_leaves_the_table_exactly_as_it_was(whole):
    assert np.array_equal(whole.table("pretrain"), whole.table("warmup"))
    assert not np.array_equal(whole.table("warmup"), whole.table("finetune"))


def test_warmup_takes_over_the_whole_table_but_no_other_weight(whole):
    assert set(load_arrays(whole.weights_path("warmup"))) > {"item_embedding.weight", "hist_norm.weight"}
    rows = [load_arrays(whole.weights_path(s), ("item_embedding.weight",))["item_embedding.weight"][0] for s in ("pretrain", "warmup")]
    assert np.array_equal(*rows)


def test_drift_moves_each_entry_by_about_the_learning_rate_a_step(data, tmp_path):
    train = varied(PLAN, warmup_drift=True, epochs=500, max_steps=4)
    run = RunFolder(tmp_path / "drift")
    train_run(run, data, info_of(data, train))
    before, after = run.table("pretrain"), run.table("warmup")
    large = np.abs(before) > 0.05
    moved = np.abs(before[large]) - np.abs(after[large])
    np.testing.assert_allclose(moved, 4 * train.train.lr, rtol=0.05)


def test_the_learning_rate_follows_a_cosine_over_all_epochs():
    config = TrainConfig(lr=2.0e-3, epochs=500)
    assert learning_rate(config, 0) == 2.0e-3
    assert math.isclose(learning_rate(config, 250), 1.0e-3)
    assert learning_rate(config, 500) < 1e-12


def test_stages_two_and_three_share_one_schedule():
    _, warmup, finetune = PLAN.stages
    assert (warmup.first_epoch, warmup.last_epoch, finetune.first_epoch, finetune.last_epoch) == (0, 2, 2, 7)
    assert warmup.frozen_table and finetune.continues and not finetune.frozen_table


def test_a_model_without_stages_trains_alone(data, tmp_path):
    run = RunFolder(tmp_path / "sasrec")
    train_run(run, data, info_of(data, plan("sasrec", **SIZE, **{**TRAIN, "epochs": 3}, positions=True)))
    assert run.stages == ["finetune"] and run.metrics("finetune")["test"]["steps"] == 0


def test_patience_ends_a_stage(data, tmp_path):
    run = RunFolder(tmp_path / "patient")
    train_run(run, data, info_of(data, varied(PLAN, lr=1e-12, patience=1, epochs=400, validate_every=1)))
    ended = {e["stage"]: (e["reason"], e["epoch"]) for e in run.events()[0] if e["kind"] == "stage_end"}
    assert ended["pretrain"] == ("patience", 3)


def test_max_steps_ends_each_stage_after_so_many(data, tmp_path):
    run = RunFolder(tmp_path / "short")
    train_run(run, data, info_of(data, varied(PLAN, max_steps=2)))
    assert [(e["reason"], e["step"]) for e in run.events()[0] if e["kind"] == "stage_end"] == [("max_steps", 2)] * 3


def test_pcgrad_changes_the_weights(whole, data, tmp_path):
    run = RunFolder(tmp_path / "pcgrad")
    train_run(run, data, info_of(data, varied(PLAN, pcgrad=True)))
    assert not np.array_equal(run.table("finetune"), whole.table("finetune"))


def test_another_seed_gives_other_weights(whole, data, tmp_path):
    run = RunFolder(tmp_path / "seed")
    train_run(run, data, info_of(data, varied(PLAN, seed=4)))
    assert not np.array_equal(run.table("initial"), whole.table("initial"))


@pytest.mark.parametrize("loss", ["full", pytest.param("sampled", marks=long)])
def test_training_beats_popularity_on_data_with_structure(tmp_path, loss):
    data = catalog.load("synthetic:items=80,users=300")
    size = {"n_items": 80, "hidden_size": 32, "length": 15, "timesteps": 4}
    settings = plan(**size, batch_size=100, epochs=24, warmup_epochs=3, lr=3e-3, loss=loss, negatives=20)
    run = RunFolder(tmp_path / "learns")
    train_run(run, data, info_of(data, settings))
    by_popularity = np.argsort(-data.popularity[1:], kind="stable") + 1
    baseline = np.isin(data.test, by_popularity[:10]).mean()
    assert run.metrics("finetune")["test"]["hr@10"] > 1.5 * baseline


# -- interruption -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("every", [pytest.param(1, marks=long), 5])
def test_a_run_stopped_after_every_few_steps_ends_the_same(whole, data, tmp_path, every):
    run, pieces = in_pieces(tmp_path / "stopped", data, info_of(data), every)
    assert pieces > 4
    assert_same(run, whole)


def test_a_share_of_the_users_is_trained_on_and_everybody_is_tested(data, tmp_path):
    popular, neural = (plan(model, preset=None, user_share=0.25, seed=3) for model in ("popularity", "sasrec"))
    run = RunFolder(tmp_path / "popularity")
    train_run(run, data, info_of(data, popular))
    sample = shared(data, popular.train)
    chosen = np.flatnonzero(np.diff(sample.train_offsets))
    assert len(chosen) == round(0.25 * data.n_users) and all(np.array_equal(sample.train(u), data.train(u)) for u in chosen)
    assert np.array_equal(load_arrays(run.weights_path("finetune"))["log_shares"], log_shares(sample.popularity))
    assert run.metrics("finetune")["test"]["users"] == data.n_users
    other = shared(data, dataclasses.replace(popular.train, seed=4))
    assert not np.array_equal(np.flatnonzero(np.diff(other.train_offsets)), chosen)
    small = varied(neural, **SIZE, **TRAIN | {"epochs": 4})
    once, twice = RunFolder(tmp_path / "once"), RunFolder(tmp_path / "twice")
    train_run(once, data, info_of(data, small))
    assert train_run(twice, data, info_of(data, small), stop=lambda: True) == "stopped"
    train_run(twice, data, info_of(data, small), resume=True)
    assert_same(once, twice)


class Killed(BaseException):
    """Stands for a power cut: nothing after it runs."""


CUTS = [("event", 2), ("checkpoint", 1), ("checkpoint", 2), ("begin", 1), ("stage_ends", 1), ("stage_ends", 2), ("test", 1)]
MORE_CUTS = [("event", 1), ("event", 3), ("checkpoint", 3), ("validation", 1), ("validation", 2), ("stage_ends", 3)]


@pytest.mark.parametrize(("method", "occurrence"), CUTS + [pytest.param(*cut, marks=long) for cut in MORE_CUTS])
def test_a_run_cut_off_inside_any_write_ends_the_same(whole, data, tmp_path, monkeypatch, method, occurrence):
    from adrec.training.recorder import Recorder

    run = RunFolder(tmp_path / "cut")
    original, calls = getattr(Recorder, method), []

    def cutting(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == occurrence:
            raise Killed
        return original(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, method, cutting)
        with pytest.raises(Killed):
            train_run(run, data, info_of(data))
    assert train_run(run, data, info_of(data), resume=True) == "finished"
    assert_same(run, whole)


def _command(run: Path, *more: str) -> list[str]:
    fields = {**dataclasses.asdict(PLAN.config), **dataclasses.asdict(PLAN.train)}
    given = [
        f"{k}={fields[k]}"
        for k in (
            "hidden_size",
            "heads",
            "blocks",
            "length",
            "timesteps",
            "seed",
            "batch_size",
            "epochs",
            "warmup_epochs",
            "validate_every",
            "patience",
            "checkpoint_seconds",
        )
    ]
    sets = [word for pair in given for word in ("--set", pair)]
    return [sys.executable, "-m", "adrec", "train", "--dataset", SOURCE, "--run", str(run), *sets, *more]


def _wait_for(run: RunFolder, condition, process: subprocess.Popen) -> None:
    for _ in range(6000):
        if process.poll() is not None or condition(run.events()[0]):
            return
        time.sleep(0.01)
    raise AssertionError("the run did not get there within a minute")


def _at(stage: str, kind: str):
    return lambda events: any(e["kind"] == kind and e.get("stage") == stage for e in events)


MOMENTS = [("pretrain", "stage"), ("warmup", "stage"), ("finetune", "stage_end")]


@pytest.mark.parametrize("moment", [("finetune", "validation"), *(pytest.param(moment, marks=long) for moment in MOMENTS)])
def test_a_run_killed_with_sigkill_and_resumed_ends_the_same(whole, tmp_path, moment):
    run = RunFolder(tmp_path / "killed")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(_command(run.path, "--resume"), env=environment, stderr=subprocess.DEVNULL)
    _wait_for(run, _at(*moment), process)
    process.kill()
    process.wait()
    assert run.status["state"] in ("failed", "finished")
    done = subprocess.run(_command(run.path, "--resume"), env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert_same(run, whole)
    kinds = [e["kind"] for e in run.events()[0]]
    assert kinds.count("finished") == 1


def test_sigterm_checkpoints_and_exits_0_as_stopped(tmp_path):
    run = RunFolder(tmp_path / "terminated")
    process = subprocess.Popen(_command(run.path, "--set", "epochs=400", "--set", "warmup_epochs=300"), stderr=subprocess.PIPE, text=True)
    _wait_for(run, _at("pretrain", "step"), process)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert run.status["state"] == "stopped" and (run.path / "checkpoint.pt").is_file()
    assert run.events()[0][-1]["kind"] == "stopped"


def test_resuming_a_finished_run_changes_nothing(whole, data):
    before = (whole.path / "events.jsonl").read_bytes()
    assert train_run(whole, data, info_of(data), resume=True) == "finished"
    assert (whole.path / "events.jsonl").read_bytes() == before


def test_events_after_the_checkpoint_are_cut_off_when_resuming(data, tmp_path):
    run = RunFolder(tmp_path / "tail")
    left = iter(range(3))
    train_run(run, data, info_of(data), stop=lambda: next(left, None) is None)
    with open(run.events_path, "ab") as file:
        file.write(b'{"kind": "validation", "epoch": 99}\n{"kind": "cut in the mid')
    train_run(run, data, info_of(data), resume=True)
    lines = run.events_path.read_text().splitlines()
    assert all(json.loads(line).get("epoch") != 99 for line in lines)


def test_an_existing_run_is_not_overwritten(whole, data):
    with pytest.raises(RunError, match="already exists"):
        train_run(whole, data, info_of(data))


def test_of_two_trainings_of_one_folder_the_second_is_refused(whole, data, tmp_path, monkeypatch):
    monkeypatch.setattr("adrec.runs.folder.LOCK_SECONDS", 0.1)
    run, refused = RunFolder(tmp_path / "two"), []

    def second(event):
        if event["kind"] == "stage":
            with pytest.raises(RunError, match="is being written by process") as error:
                train_run(run, data, info_of(data), resume=True)
            refused.append(error)

    assert train_run(run, data, info_of(data), listener=second) == "finished"
    assert len(refused) == 3
    assert_same(run, whole)


def test_a_request_in_the_folder_stops_a_training_after_its_step(data, tmp_path):
    run = RunFolder(tmp_path / "asked")
    state = train_run(run, data, info_of(data), listener=lambda event: event["kind"] == "stage" and run.ask_to_stop())
    assert state == run.status["state"] == "stopped"
    assert train_run(run, data, info_of(data), resume=True) == "finished"


def test_a_disk_that_is_full_from_the_start_leaves_no_folder(data, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "run.json")

    monkeypatch.setattr("adrec.runs.folder.write_json", full)
    with pytest.raises(OSError, match="No space left"):
        train_run(RunFolder(tmp_path / "full"), data, info_of(data))
    assert not (tmp_path / "full").exists()


def test_a_full_disk_under_the_checkpoint_is_told_as_such(data, tmp_path, monkeypatch):
    run = RunFolder(tmp_path / "full")

    def full(*_):
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 704 vs 598")  # as torch says it

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="disk is full"):
        train_run(run, data, info_of(data))
    assert "checkpoint.pt': The disk is full, or cannot be written." in run.status["error"]


def test_a_disk_that_fills_up_leaves_a_run_that_resumes(whole, data, tmp_path, monkeypatch):
    run = RunFolder(tmp_path / "full")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "status.json")

    def fill(event):
        if event["kind"] == "validation":
            monkeypatch.setattr("adrec.runs.folder.write_json", full)
            full()

    with pytest.raises(OSError, match="No space left"):
        train_run(run, data, info_of(data), listener=fill)
    monkeypatch.undo()
    assert run.status["state"] == "failed"
    assert train_run(run, data, info_of(data), resume=True) == "finished"
    assert_same(run, whole)


@long
@pytest.mark.skipif(sys.platform == "win32", reason="this system limits no file's size")
def test_a_training_that_the_system_lets_write_no_further_says_so_and_resumes(whole, tmp_path):
    run, most = RunFolder(tmp_path / "full"), whole.weights_path("pretrain").stat().st_size
    limited = (
        f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most})); from adrec.cli import main; sys.exit(main())"
    )
    command, environment = _command(run.path, "--resume"), {**os.environ, "OMP_NUM_THREADS": "1"}
    full = subprocess.run([sys.executable, "-c", limited, *command[3:]], env=environment, capture_output=True, text=True, check=False)
    assert full.returncode == 2 and full.stderr.splitlines()[-1].startswith("adrec: "), full.stderr
    assert run.status["state"] == "failed" and not list(run.path.rglob("*.tmp"))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert_same(run, whole)


def test_a_damaged_checkpoint_is_named(data, tmp_path):
    run = RunFolder(tmp_path / "damaged")
    left = iter(range(2))
    train_run(run, data, info_of(data), stop=lambda: next(left, None) is None)
    whole = (run.path / "checkpoint.pt").read_bytes()
    for content in (b"not a checkpoint", b"", whole[: len(whole) // 2], whole[:-1]):
        (run.path / "checkpoint.pt").write_bytes(content)
        with pytest.raises(RunError, match=r"checkpoint\.pt.*damaged"):
            train_run(run, data, info_of(data), resume=True)


def test_a_failure_is_recorded_in_the_status(data, tmp_path):
    run = RunFolder(tmp_path / "failing")

    def fail(event):
        raise RunError("the disk is full")

    with pytest.raises(RunError):
        train_run(run, data, info_of(data), listener=fail)
    assert run.status["state"] == "failed" and run.status["error"] == "the disk is full"


def test_resuming_with_other_settings_is_refused(whole):
    with pytest.raises(ConfigError, match="started with hidden_size = 16, not 32"):
        recorded_request(whole, None, {"hidden_size": "32"}, None, None)
    recorded_request(whole, "paper", {"hidden_size": "16"}, None, None)


# -- pre-trained tables -----------------------------------------------------------------------------------------------


def test_a_pretrained_table_skips_stage_one(whole, data, tmp_path):
    run = RunFolder(tmp_path / "given")
    train_run(run, data, info_of(data, pretrained=str(whole.path)))
    assert run.table_names() == ["pretrain", "warmup", "finetune"]
    assert np.array_equal(run.table("warmup"), whole.table("pretrain"))
    assert {e["stage"] for e in run.events()[0] if e["kind"] == "stage"} == {"warmup", "finetune"}
    assert np.array_equal(run.table("finetune"), whole.table("finetune"))


def test_a_pretrained_table_of_another_size_is_refused(whole):
    with pytest.raises(WeightsError, match=r"has shape \(61, 16\); data and settings need \(61, 32\)"):
        read_pretrained(whole.path, 61, 32)


@pytest.mark.data
def test_the_official_pretrained_weights_are_read():
    folder = os.environ.get("ADREC_TEST_DATA")
    if not folder:
        pytest.skip("ADREC_TEST_DATA is not set")
    table = read_pretrained(Path(folder) / "official/baby/pretrain.pth", 4732, 128)
    assert table.shape == (4732, 128) and torch.isfinite(table).all()


# -- one thing changed ------------------------------------------------------------------------------------------------


def test_a_preset_of_defaults_gives_the_weights_it_gave_before_there_were_others(whole):
    """Sums of |table| and the test metric, recorded on the training as it was before the settings of the ablations came."""
    sums = [float(np.abs(whole.table(name)).sum()) for name in whole.table_names()]
    np.testing.assert_allclose(sums, [77.6614, 76.4504, 76.4504, 76.2116], rtol=1e-5)
    assert math.isclose(whole.metrics("finetune")["test"]["ndcg@10"], 0.07640896417422303, rel_tol=0.02)


def trained(data, path, **changes) -> RunFolder:
    run = RunFolder(path)
    train_run(run, data, info_of(data, varied(PLAN, **changes)))
    return run


def test_without_pretraining_the_random_table_goes_into_the_warmup(data, tmp_path):
    run = trained(data, tmp_path / "run", pretrain=False)
    assert run.table_names() == ["initial", "warmup", "finetune"]
    assert np.array_equal(run.table("initial"), run.table("warmup")) and not np.array_equal(run.table("warmup"), run.table("finetune"))


def test_pretrained_weights_without_a_stage_for_them_are_refused(data):
    with pytest.raises(ConfigError, match="replaces the stage 'pretrain', but these settings have no such stage"):
        info_of(data, varied(PLAN, pretrain=False), pretrained="somewhere")


def test_a_frozen_random_table_is_the_same_at_the_end_while_the_rest_learns(data, tmp_path):
    run = trained(data, tmp_path / "run", pretrain=False, frozen_table=True)
    assert np.array_equal(run.table("initial"), run.table("finetune"))
    warm, fine = (load_arrays(run.weights_path(s), ("hist_norm.weight",))["hist_norm.weight"] for s in ("warmup", "finetune"))
    assert not np.array_equal(warm, fine)


@pytest.mark.parametrize("only", ["ce", "mse"])
def test_one_loss_alone_is_logged_and_minimised(data, tmp_path, monkeypatch, only):
    monkeypatch.setattr("adrec.training.recorder.LOG_SECONDS", 0.0)
    run = trained(data, tmp_path / "run", objective=only, lr=1e-2, epochs=12)
    steps = [e for e in run.events()[0] if e["kind"] == "step"]
    assert all("ce" in e for e in steps if e["stage"] == "pretrain")  # SASRec has no other
    fine = [e for e in steps if e["stage"] == "finetune"]
    assert {"ce", "mse"} & set(fine[0]) == {only} and fine[0]["loss"] == fine[0][only]
    assert np.mean([e[only] for e in fine[-6:]]) < np.mean([e[only] for e in fine[:6]])


def test_steps_of_two_stages_are_never_averaged(data, tmp_path):
    """Each stage's first logged step holds its own losses alone, however long ago the last one was logged."""
    recorder = Recorder(RunFolder(tmp_path), data.popularity)
    (first, second, _), place = PLAN.stages, Position()
    recorder.stage_begins(first, place, 1, 1, 1)
    recorder.step(first, place, {"ce": 100.0}, 1e-3, 1, 1.0)  # not logged yet: too soon
    recorder.stage_begins(second, place, 1, 1, 1)
    recorder._logged = -1e9
    recorder.step(second, place, {"mse": 2.0}, 1e-3, 1, 1.0)
    assert [(e["stage"], e["loss"]) for e in recorder.run.events()[0] if e["kind"] == "step"] == [("warmup", 2.0)]


class Drawn(Exception):
    """Ends a forward pass at its timesteps."""


def drawn_timesteps(per: str) -> list[torch.Tensor]:
    """The timesteps that ADRec's losses draw, by user."""
    batch, stage = training_batch(catalog.load(SOURCE), np.arange(6), 10), varied(PLAN, timesteps=1000, timestep_per=per).stages[-1]
    model = stage.model(stage.config)

    def forward(batch, t, *_):
        raise Drawn(t)

    model.forward = forward
    with pytest.raises(Drawn) as caught:
        model.losses(batch, RandomSource(np.random.default_rng(0)))
    return list(caught.value.args[0].split(batch.lengths.tolist()))


def test_with_one_t_a_sequence_its_tokens_share_it():
    each, shared = drawn_timesteps("token"), drawn_timesteps("sequence")
    assert all(len(set(t.tolist())) > 1 for t in each if len(t) > 3)
    assert all(len(set(t.tolist())) == 1 for t in shared) and len({int(t[0]) for t in shared}) > 3


def test_one_t_a_sequence_changes_the_training(whole, data, tmp_path):
    run = trained(data, tmp_path / "run", timestep_per="sequence")
    assert np.array_equal(run.table("warmup"), whole.table("warmup")) and not np.array_equal(run.table("finetune"), whole.table("finetune"))


def test_the_announced_latest_end_of_a_stage_is_where_it_ends(data, tmp_path):
    run = RunFolder(tmp_path / "ends")
    train_run(run, data, info_of(data, varied(PLAN, patience=1000)))
    events = run.events()[0]
    for stage in run.stages:
        own = [e for e in events if e.get("stage") == stage]
        begin, end = (next(e for e in own if e["kind"] == kind) for kind in ("stage", "stage_end"))
        assert (begin["last_step"], begin["validations"]) == (end["step"], sum(e["kind"] == "validation" for e in own))


def test_the_bar_says_what_a_step_takes_over_the_whole_stage(capsys):
    stage = {"kind": "stage", "stage": "finetune", "epoch": 0, "step": 0, "time": 0.0, "max_epochs": 40, "last_step": 400, "validations": 0}
    with ProgressBar() as bar:
        bar(stage)
        for step in range(1, 11):  # one epoch of 33 s
            bar({"kind": "step", "stage": "finetune", "epoch": step // 10, "step": step, "time": 3.3 * step, "loss": 4.0})
    assert "at most 21:27 left" in capsys.readouterr().err
