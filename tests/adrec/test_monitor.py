"""A monitor in a loop: what it follows, writes and stops on, and how frameworks call it; these are small stand-ins here."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from adrec.collapse.film import film
from adrec.collapse.verdict import diagnose
from adrec.data.named import synthetic
from adrec.errors import ConfigError, RunError, WeightsError
from adrec.monitor import Collapsed, CollapseMonitor, keras_callback, lightning_callback, recbole_monitor
from adrec.monitor.sample import Sample
from adrec.runs import RunFolder
from tests.adrec.verdict_fixtures import planted

RNG = np.random.default_rng(0)
TABLE = RNG.standard_normal((300, 8)).astype(np.float32)
CONE = TABLE + 20
LOG = pd.DataFrame({"user": np.repeat(np.arange(60), 20), "item": RNG.integers(100, 300, 1200)})


def watched(monitor: CollapseMonitor, tables: list[Any], every: int = 10) -> None:
    """Every table in turn, each picture waited for."""
    for i, table in enumerate(tables):
        monitor(i * every, table)
        monitor.finish()


def test_a_picture_is_taken_at_the_first_call_and_every_so_many_steps() -> None:
    monitor = CollapseMonitor(every=10)
    for step in range(5, 40):
        monitor(step, TABLE)
        monitor.finish()
    assert [picture.step for picture in monitor.pictures] == [5, 15, 25, 35]
    assert monitor.finish(39, TABLE) == monitor.last and monitor.pictures[-1].step == 39


def test_a_loop_never_waits_for_a_picture() -> None:
    monitor = CollapseMonitor(every=1)
    monitor(0, TABLE)
    monitor.finish()
    monitor._idle.clear()  # as if one were in work
    monitor(1, TABLE)
    monitor._idle.set()
    monitor(2, TABLE)
    monitor.finish()
    assert [picture.step for picture in monitor.pictures] == [0, 2]


def test_a_picture_is_the_verdict_on_the_rows_of_that_step_though_training_goes_on() -> None:
    weight = torch.nn.Parameter(torch.tensor(TABLE))
    monitor = CollapseMonitor(every=1)
    monitor(0, weight)
    with torch.no_grad():
        weight += 20
    picture = monitor.finish()
    assert picture is not None and picture.says == diagnose(TABLE, initial=TABLE).says


def test_a_picture_is_weighed_by_what_the_table_means_like_a_whole_table() -> None:
    data = synthetic.generate(items=200, users=300, seed=3)
    table = planted(data.items.frame["cluster"].to_numpy().astype(int) - 1, 32, 0.5, 0) + 1  # a cone
    ids = data.items.frame["item"].tolist()
    log = pd.DataFrame([(u, ids[i - 1]) for u in range(300) for i in data.train(u)], columns=["user", "item"])
    monitor = CollapseMonitor(log, ids=ids)
    monitor(0, table)
    picture = monitor.finish()
    assert picture is not None and picture.kind == "narrowing" and "of what a plain factorisation" in picture.says


def test_the_rows_followed_have_interactions_and_are_spread_over_popularity() -> None:
    whole, part = Sample.of(TABLE, LOG, None, 300), Sample.of(TABLE, LOG, None, 50)
    assert whole.data is not None and part.data is not None and part.pairs is not None
    often = dict(zip(whole.rows.tolist(), whole.data.popularity[1:].tolist(), strict=True))
    assert set(often) <= set(LOG["item"]) and len(part.rows) == 50
    assert part.data.popularity[1:].tolist() == [often[row] for row in part.rows]
    assert {min(often.values()), max(often.values())} <= {often[row] for row in part.rows}
    padded = np.concatenate([np.zeros((1, 8)), TABLE])
    assert Sample.of(padded, None, None, 1000).rows.tolist() == list(range(1, 301))


def test_ids_say_which_row_is_which_item() -> None:
    names = [f"item {i}" for i in range(300)]
    named = LOG.assign(item=[names[i] for i in LOG["item"]])
    np.testing.assert_array_equal(Sample.of(TABLE, named, names, 300).rows, Sample.of(TABLE, LOG, None, 300).rows)


def test_a_first_row_that_may_be_padding_is_asked_about() -> None:
    log = LOG.assign(item=LOG["item"] - 100)
    with pytest.raises(WeightsError, match=r"Say ids=\[None, \*range\(200\)\] if it is"):
        Sample.of(np.concatenate([np.zeros((1, 8), np.float32), TABLE[:200]]), log, None, 300)
    padded = Sample.of(np.concatenate([np.zeros((1, 8), np.float32), TABLE[:200]]), log, [None, *range(200)], 300)
    np.testing.assert_array_equal(padded.first, Sample.of(TABLE[:200], log, None, 300).first)


def test_the_folder_has_a_line_a_picture_and_opens_as_a_film_while_the_loop_runs(tmp_path: Path) -> None:
    scalars: list[tuple[str, float, int]] = []
    writer = SimpleNamespace(add_scalar=lambda *given: scalars.append(given))
    monitor = CollapseMonitor(LOG, every=10, out=tmp_path / "watched", writer=writer)
    tables = [TABLE, TABLE + 0.2 * RNG.standard_normal(TABLE.shape).astype(np.float32), CONE]
    for i, table in enumerate(tables):
        monitor(10 * i, table)
        monitor._idle.wait()
    run = RunFolder(tmp_path / "watched")
    made = film(run)
    assert made.stages.tolist() == ["step"] * 3 and made.epochs.tolist() == [0, 10, 20]
    assert made.measure("mean_cosine")[-1] > 0.9 > made.measure("mean_cosine")[0]
    lines = [json.loads(line) for line in run.events_path.read_text().splitlines()]
    assert [line["picture"]["step"] for line in lines] == [0, 10, 20] and lines[-1]["picture"]["kind"] == "complete-collapse"
    assert run.bare_tables == ["first", "latest"] and run.status["state"] == "finished"
    np.testing.assert_array_equal(run.table("latest"), CONE[monitor.sample.rows])  # type: ignore[union-attr]
    assert ("collapse/offset", pytest.approx(lines[-1]["picture"]["values"]["offset"]), 20) in scalars
    monitor.finish()
    assert [entry["name"] for entry in json.loads((run.path / "diagnosis.json").read_text())["tables"]] == ["first", "latest"]
    with pytest.raises(RunError, match="already exists"):
        CollapseMonitor(out=tmp_path / "watched")


def test_a_rule_stops_the_loop_with_its_reason_but_never_on_the_first_picture() -> None:
    monitor = CollapseMonitor(every=10, stop_on=["complete-collapse"], patience=2)
    watched(monitor, [CONE, CONE])
    watched(monitor, [])
    monitor(20, CONE)
    monitor.finish()
    with pytest.raises(Collapsed, match="At step 20 the item table is complete-collapse, as in 2 pictures in a row"):
        monitor(21, CONE)
    assert monitor.stopped is not None
    monitor(22, CONE)  # said once


def test_a_table_that_holds_nan_is_a_picture_and_a_rule() -> None:
    broken = TABLE.copy()
    broken[3] = np.nan
    monitor = CollapseMonitor(every=10, stop_on="not-finite", patience=1)
    watched(monitor, [TABLE, broken])
    assert monitor.pictures[-1].says == "1 of the 300 rows that are followed hold NaN or infinity."
    with pytest.raises(Collapsed, match="not-finite"):
        monitor(11, broken)


def test_a_notebook_shows_the_verdicts_so_far_and_the_last_report() -> None:
    monitor = CollapseMonitor(every=10)
    assert "No picture yet" in monitor._repr_html_()
    watched(monitor, [TABLE, CONE])
    shown = monitor._repr_html_()
    assert "<td>10</td><td>Completely collapsed</td>" in shown and "<iframe srcdoc=" in shown


def test_what_cannot_be_watched_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="cannot stop on 'bad'"):
        CollapseMonitor(stop_on=["bad"])
    with pytest.raises(ConfigError, match="'every' is 0"):
        CollapseMonitor(every=0)
    with pytest.raises(WeightsError, match="3 ids for 300 rows"):
        CollapseMonitor(ids=[1, 2, 3])(0, TABLE)
    with pytest.raises(WeightsError, match="expected a table with one row per item"):
        CollapseMonitor()(0, TABLE[0])
    monitor = CollapseMonitor(every=1)
    watched(monitor, [TABLE])
    with pytest.raises(WeightsError, match="expected the same"):
        monitor(5, TABLE[:10])


# -- frameworks -------------------------------------------------------------------------------------------------------


class Base:
    """The callback of a framework."""

    model: Any = None


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **holds: Any) -> None:
    module = ModuleType(name)
    module.__dict__.update(holds)
    monkeypatch.setitem(sys.modules, name, module)


def test_lightnings_callback_watches_and_stops_the_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, "pytorch_lightning", Callback=Base)
    monitor = CollapseMonitor(every=1, stop_on=["complete-collapse"], patience=1)
    callback = lightning_callback(monitor, "items.weight")
    module = SimpleNamespace(items=SimpleNamespace(weight=torch.tensor(CONE)))
    trainer = SimpleNamespace(global_step=0, should_stop=False)
    assert isinstance(callback, Base)
    callback.on_train_start(trainer, module)
    for trainer.global_step in (1, 2, 3):
        monitor._idle.wait()
        callback.on_train_batch_end(trainer, module, None, None, 0)
    callback.on_train_end(trainer, module)
    assert trainer.should_stop and monitor.stopped is not None and [p.step for p in monitor.pictures] == [0, 1, 3]


def test_kerass_callback_watches_a_layer_and_stops_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, "keras", callbacks=SimpleNamespace(Callback=Base))
    monitor = CollapseMonitor(every=1, stop_on=["complete-collapse"], patience=1)
    callback = keras_callback(monitor, "items")
    layer = SimpleNamespace(embeddings=SimpleNamespace(value=CONE))
    callback.model = SimpleNamespace(get_layer={"items": layer}.__getitem__, stop_training=False)
    callback.on_train_begin()
    for batch in range(3):
        monitor._idle.wait()
        callback.on_train_batch_end(batch)
    callback.on_train_end()
    assert callback.model.stop_training and [p.step for p in monitor.pictures] == [0, 1, 3]


def test_a_framework_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(ConfigError, match="needs 'keras', which is not installed"):
        keras_callback(CollapseMonitor(), "items")


class Log(dict):
    """RecBole's Interaction: columns of tensors by name."""


def test_recboles_monitor_looks_after_every_step_and_knows_its_numbering() -> None:
    model = torch.nn.Module()
    model.item_embedding = torch.nn.Embedding(300, 8)
    columns = {"user_id": LOG["user"], "item_id": LOG["item"]}
    data = SimpleNamespace(
        uid_field="user_id",
        iid_field="item_id",
        time_field="timestamp",
        field2id_token={"item_id": np.array(["[PAD]", *(f"token {i}" for i in range(1, 300))])},
        inter_feat=Log({name: torch.tensor(column.to_numpy()) for name, column in columns.items()}),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    trainer = SimpleNamespace(model=model, optimizer=optimizer)
    monitor = recbole_monitor(trainer, SimpleNamespace(dataset=data), every=2)
    for _ in range(4):
        optimizer.zero_grad()
        model.item_embedding.weight.sum().backward()
        optimizer.step()
        monitor._idle.wait()
    assert [p.step for p in monitor.pictures] == [0, 2, 4]
    assert monitor.sample is not None and set(monitor.sample.items.frame["item"]) == {f"token {i}" for i in set(LOG["item"])}
    with pytest.raises(ConfigError, match="has no 'other.weight'"):
        recbole_monitor(trainer, SimpleNamespace(dataset=data), "other.weight")
