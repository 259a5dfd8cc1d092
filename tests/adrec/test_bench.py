"""The benchmark: what it counts, what it reports, and that its baseline computes the same as what it is compared with."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from adrec import bench
from adrec.bench import growth, parts, table
from adrec.bench.operations import evaluation_operations, forward_operations, pairs, training_operations
from adrec.cli import main
from adrec.data.batches import evaluation_batches, training_batch
from adrec.errors import AdrecError, ConfigError, DataError
from adrec.models.adrec import ADRecConfig
from adrec.models.sasrec import SASRecConfig
from tests.adrec.plain import plain_adrec, plain_sasrec
from tests.adrec.small import build

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SIZE = {"hidden_size": 16, "heads": 2, "blocks": 2, "length": 9}
SMALL = ADRecConfig(n_items=30, **SIZE, timesteps=5)
BOTH = {"adrec": SMALL, "sasrec": SASRecConfig(n_items=30, **SIZE)}
BLOCKS = 4
TINY = bench.Effort(seconds=0.0, at_least=2, padded_batches=1, padded_batch=4, padded_users=2)


def model_of(config: ADRecConfig | SASRecConfig):
    model = build(config)
    model.initialise(torch.Generator().manual_seed(0))
    return model


# -- useful operations ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("padding", ["sink", "masked"])
def test_pairs_are_those_counted_one_by_one(padding):
    config = replace(SMALL, padding=padding)
    lengths = np.array([1, 4, 9, 9, 2])
    counted = 0
    for n in lengths:
        for query in range(n):
            counted += sum(key <= query for key in range(n))
            counted += padding == "sink" and n < config.length
    assert pairs(config, lengths) == counted


@pytest.mark.parametrize("kind", ["adrec", "sasrec"])
def test_forward_operations_are_what_torch_counts_of_the_padded_model(kind):
    """Full histories leave no pads: the padded model does only the pairs with the future, and time's features, beyond the useful."""
    users, config = 3, BOTH[kind]
    width, length = SMALL.hidden_size, SMALL.length
    seq, tgt = (torch.randint(1, config.n_items + 1, (users, length)) for _ in range(2))
    with FlopCounterMode(display=False) as counter:
        if kind == "sasrec":
            plain_sasrec(model_of(config)).losses(seq, tgt, None)
        else:
            plain_adrec(model_of(config)).losses(seq, tgt, torch.Generator())
    stacks = 1 if kind == "sasrec" else 2
    future = stacks * config.blocks * users * 4 * width * (length * (length - 1) // 2)
    time = 0 if kind == "sasrec" else 16 * width**2 * users * length
    assert counter.get_total_flops() - future - time == forward_operations(config, np.full(users, length), BLOCKS if kind == "adrec" else 2)


def test_the_backward_pass_has_two_products_for_each_of_the_forward_pass():
    """Torch counts it so, except that nothing is propagated into what has no gradient: time's features."""
    model, length = plain_adrec(model_of(SMALL)), SMALL.length
    seq, tgt = (torch.randint(1, SMALL.n_items + 1, (2, length)) for _ in range(2))
    with FlopCounterMode(display=False) as forward:
        found = model.losses(seq, tgt, torch.Generator())
    with FlopCounterMode(display=False) as backward:
        torch.stack(found).mean().backward()
    into_features = 8 * SMALL.hidden_size**2 * 2 * length
    assert backward.get_total_flops() == 2 * forward.get_total_flops() - into_features
    lengths = np.full(2, length)
    assert training_operations(SMALL, lengths, BLOCKS) == 3 * forward_operations(SMALL, lengths, BLOCKS)


def test_evaluation_operations_are_those_counted_layer_by_layer():
    lengths, steps, width = np.array([1, 4, 9]), 5, SMALL.hidden_size
    token, pair, counted = 24 * width**2, 4 * width, 0
    for n in lengths:
        sink = int(n < SMALL.length)
        for _ in range(SMALL.blocks):  # the encoder, every token
            counted += sum(token + pair * (query + 1 + sink) for query in range(n))
        for layer in range(SMALL.blocks):  # the denoiser, the tokens before the last; of the last block keys and values only
            last = layer + 1 == SMALL.blocks
            counted += sum(4 * width**2 if last else token + pair * (query + 1 + sink) for query in range(n - 1))
        counted += steps * SMALL.blocks * (token + pair * (n + sink))
        counted += 2 * width * (SMALL.n_items + 1)
    assert evaluation_operations(SMALL, lengths, steps) == counted


# -- the parts --------------------------------------------------------------------------------------------------------


def test_training_counts_the_tokens_that_its_batches_hold(tiny_data):
    trainer = parts.trainer_of(tiny_data, "finetune", hidden_size=16, heads=2, length=10)
    assert trainer.stage.name == "finetune"
    held = sum(training_batch(tiny_data, trainer.trainable_users[i : i + 7], 10).tokens for i in range(0, len(trainer.trainable_users), 7))
    assert parts.training_lengths(tiny_data, 10).sum() == held


def test_an_epoch_makes_every_step_and_trains(tiny_data):
    trainer = parts.trainer_of(tiny_data, "pretrain", hidden_size=16, heads=2, length=10)
    before = trainer.model.item_embedding.weight.detach().clone()
    parts._epoch(trainer)
    assert trainer.stage.name == "pretrain" and not torch.equal(before, trainer.model.item_embedding.weight)


def test_random_data_have_exactly_the_size_asked_for():
    data = parts.random_data(users=6, length=9, items=30)
    assert (data.n_users, data.n_items) == (6, 30)
    assert parts.training_lengths(data, 100).tolist() == [9] * 6
    assert [b.lengths.tolist() for b in evaluation_batches(data, "val", 9)] == [[9] * 6]


def test_peak_memory_grows_by_what_was_held():
    before = parts.peak_memory_mib()
    block = np.ones(64 * 2**20, dtype=np.uint8)
    assert parts.peak_memory_mib() >= min(before + 60, parts.memory_mib()) and block[-1] == 1


def test_a_measured_part_killed_by_the_system_is_one_sentence():
    with pytest.raises(AdrecError, match="system killed"):
        bench.measure("peak_memory_mib", None, unexpected=_Killer())


class _Killer:
    """Ends the process that receives it."""

    def __reduce__(self):
        return os._exit, (1,)


def test_a_part_runs_in_a_process_of_its_own_with_the_threads_asked_for():
    told = bench.measure("products", 2 if (os.cpu_count() or 1) > 1 else 1, n_items=30, effort=TINY)
    assert told["threads"] == min(2, os.cpu_count() or 1) and torch.get_num_threads() == 1


def test_what_goes_wrong_in_a_part_is_the_same_error_outside():
    with pytest.raises(ConfigError, match="hidden_size"):
        bench.measure("growth_point", None, users=4, length=4, items=30, width=1, effort=TINY)


# -- reports ----------------------------------------------------------------------------------------------------------


def here(part: str, threads: int | None, **arguments) -> dict:
    """A part in this process: quicker, and its memory is the tests'."""
    return getattr(parts, part)(**arguments)


@pytest.fixture(scope="module")
def report() -> dict:
    """A whole report on 60 items and 80 users, with the paper's settings but hardly any repetition."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "QUICK", TINY)
        patch.setattr(bench, "measure", here)
        return bench.run(["synthetic:items=60,users=80"], quick=True, threads=1)


def test_a_report_has_the_promised_keys(report):
    (name,) = report["train"]
    assert name == "synthetic:items=60,users=80"
    assert {"machine", "threads", "sgemm_gflops", "sgemm_gflops_spread", "products", "train", "evaluate", "trajectory"} <= set(report)
    promised = {"tokens_per_second", "epoch_seconds", "epoch_seconds_spread", "share_of_peak", "speedup_over_padded", "peak_memory_mib"}
    assert promised <= set(report["train"][name]) and promised <= set(report["train"][name]["pretrain"])
    assert {"users", "steps", "seconds", "seconds_spread", "users_per_second", "speedup_over_padded"} <= set(report["evaluate"][name])
    assert {"seeds", "steps", "seconds", "seconds_spread"} <= set(report["trajectory"])
    assert report["threads"] == 1
    json.dumps(report, allow_nan=False)


def test_a_reports_figures_fit_together(report):
    (entry,), (tested,) = report["train"].values(), report["evaluate"].values()
    low, high = entry["epoch_seconds_spread"]
    assert low <= entry["epoch_seconds"] <= high and entry["repetitions"] == 2
    assert entry["share_of_peak"] == pytest.approx(entry["useful_gflop"] / entry["epoch_seconds"] / report["sgemm_gflops"])
    assert entry["speedup_over_padded"] == pytest.approx(entry["padded"]["epoch_seconds"] / entry["epoch_seconds"])
    assert entry["padded"]["batches_measured"] == 1 and entry["padded"]["users_per_batch"] == 4
    assert entry["padded"]["epoch_seconds"] == pytest.approx(entry["padded"]["batch_seconds"] / 4 * entry["users"])
    assert (tested["users"], tested["steps"], tested["padded"]["users_measured"]) == (80, 32, 2)
    assert (report["trajectory"]["seeds"], report["trajectory"]["steps"]) == (50, 32)
    assert 50 < entry["start_memory_mib"] < entry["peak_memory_mib"]


def test_the_table_names_every_data_set_and_figure(report):
    text = "\n".join(table.lines(report))
    (name,) = report["train"]
    assert text.count(name) == 4  # two stages, evaluation, trajectory
    for words in ("tokens/s", "of peak", "x padded", "GFLOP/s", f"{report['evaluate'][name]['peak_memory_mib']:,.0f}"):
        assert words in text


def test_the_official_codes_seconds_are_quoted_only_for_its_data_sets(report):
    assert all("official" not in entry for entry in report["train"].values())
    assert bench.OFFICIAL["baby", 11761].epochs == (130.0, 160.0)


# -- growth -----------------------------------------------------------------------------------------------------------


def test_an_exponent_is_the_slope_of_the_larger_half():
    values = [1, 2, 4, 8, 16, 32]
    assert growth.exponent(values, [50, 50, 50, 8**1.5, 16**1.5, 32**1.5]) == pytest.approx(1.5)


def test_growth_varies_one_size_and_holds_the_others(monkeypatch):
    monkeypatch.setattr(growth, "measure", here)
    monkeypatch.setattr(growth, "EFFORT", TINY)
    axes = {"length": ([4, 8, 16], {"users": 8, "items": 30, "width": 16})}
    found = growth.run(axes, threads=1)
    entry = found["growth"]["length"]
    assert entry["values"] == [4, 8, 16] and entry["fixed"] == {"users": 8, "items": 30, "width": 16}
    assert len(entry["seconds"]) == len(entry["memory_mib"]) == len(entry["evaluate"]["seconds"]) == 3
    assert 1 < entry["theory"] < 2 and entry["memory_theory"] == pytest.approx(0, abs=1e-9)
    assert "length" in "\n".join(table.lines(found))
    json.dumps(found, allow_nan=False)


def test_the_formulas_exponents_approach_their_asymptotes():
    sizes = [10**6, 10**7, 10**8]
    for axis, field in {"items": "n_items", "length": "length", "width": "hidden_size"}.items():
        values = [4, 64, 4096] if axis == "width" else sizes
        configs = [replace(SMALL, heads=2, **{field: v}) if axis != "length" else SMALL for v in values]
        lengths = [np.array([v if axis == "length" else 9]) for v in values]
        costs = [training_operations(c, n, BLOCKS) for c, n in zip(configs, lengths, strict=True)]
        assert growth.exponent(values, costs) == pytest.approx(growth.ASYMPTOTES[axis], abs=0.05)


# -- the command line -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--dataset", "nowhere"], "nowhere"),
        (["--threads", "0"], "cores, not 0"),
        (["--threads", "many"], "threads"),
        (["--growth", "--threads", "9999"], "cores, not 9999"),
        (["--growth", "--quick"], "--growth"),
        (["--dataset", "synthetic", "--dataset", "synthetic"], "second data set named"),
    ],
)
def test_a_wrong_command_line_is_one_sentence(capsys, words, told):
    assert main(["bench", *words]) == 2
    out, err = capsys.readouterr()
    assert told in err and out == "" and err.count("\n") == 1


def test_a_data_set_that_cannot_be_read_is_told_before_anything_is_measured(monkeypatch):
    monkeypatch.setattr(bench, "measure", lambda *a, **k: pytest.fail("measured"))
    with pytest.raises(DataError):
        bench.run(["synthetic", "nowhere"])


def test_json_is_one_object_on_standard_output(report, monkeypatch, capsys):
    asked = {}
    monkeypatch.setattr(bench, "run", lambda sources, **options: asked.update(sources=sources, **options) or report)
    assert main(["bench", "--quick", "--json", "--threads", "1"]) == 0
    assert json.loads(capsys.readouterr().out) == report
    assert asked == {"sources": ["synthetic"], "quick": True, "threads": 1}


def test_the_measuring_process_is_started_by_one_without_torch():
    ask = "import adrec.bench, adrec.bench.growth, adrec.bench.table, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "False"
