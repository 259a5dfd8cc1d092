"""A monitor as a callback of Lightning, Keras and RecBole, each imported only when its callback is made.

table: where the item table is: a dotted name of the model's weight, or a function of the model.
"""

import sys
from collections.abc import Callable
from functools import reduce
from importlib import import_module
from typing import Any

import pandas as pd

from adrec.errors import ConfigError
from adrec.monitor.watching import Collapsed, CollapseMonitor

Table = str | Callable[[Any], Any]


def lightning_callback(monitor: CollapseMonitor, table: Table) -> Any:
    """For ``Trainer(callbacks=[...])``; a rule to stop on sets ``trainer.should_stop``, and ``monitor.stopped`` says why."""
    name = next((name for name in ("lightning.pytorch", "pytorch_lightning") if name in sys.modules), "lightning.pytorch")
    base: Any = _imported(name).Callback

    class MonitorCallback(base):
        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            monitor(trainer.global_step, _table(pl_module, table))

        def on_train_batch_end(self, trainer: Any, pl_module: Any, *rest: Any) -> None:
            if not _looked(monitor, trainer.global_step, pl_module, table):
                trainer.should_stop = True

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            monitor.finish(trainer.global_step, _table(pl_module, table))

    return MonitorCallback()


def keras_callback(monitor: CollapseMonitor, table: Table) -> Any:
    """For ``model.fit(callbacks=[...])``; a rule to stop on sets ``model.stop_training``, and ``monitor.stopped`` says why.

    A name is that of an Embedding layer.
    """
    base: Any = _imported("keras").callbacks.Callback

    def found(model: Any) -> Any:
        weight = table(model) if callable(table) else model.get_layer(table).embeddings
        return weight.value if hasattr(weight, "value") and not callable(weight.value) else weight

    class MonitorCallback(base):
        step = 0

        def on_train_begin(self, logs: Any = None) -> None:
            monitor(self.step, found(self.model))

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.step += 1
            if not _looked(monitor, self.step, self.model, found):
                self.model.stop_training = True

        def on_train_end(self, logs: Any = None) -> None:
            monitor.finish(self.step, found(self.model))

    return MonitorCallback()


def recbole_monitor(trainer: Any, train_data: Any, table: Table = "item_embedding.weight", **options: Any) -> CollapseMonitor:
    """A monitor of a RecBole ``trainer``, to be made before ``trainer.fit``; options: of `CollapseMonitor`.

    It looks after every step of the optimizer, knows RecBole's numbering of the items, and takes the interactions to train on from
    ``train_data``. A rule to stop on raises `Collapsed` out of ``fit``. After it, ``monitor.finish()`` waits for the last picture.
    """
    data = train_data.dataset
    users, items = (data.inter_feat[name].numpy() for name in (data.uid_field, data.iid_field))
    log = pd.DataFrame({"user": users, "item": items})
    if getattr(data, "time_field", None) in data.inter_feat:
        log["time"] = data.inter_feat[data.time_field].numpy()
    names = [str(token) for token in data.field2id_token[data.iid_field]]
    log["item"] = [names[item] for item in items]
    monitor = CollapseMonitor(**{"interactions": log, "ids": names, **options})
    monitor(0, _table(trainer.model, table))
    steps = iter(range(1, sys.maxsize))
    trainer.optimizer.register_step_post_hook(lambda *call: _look(monitor, next(steps), trainer.model, table))
    return monitor


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise ConfigError(f"This callback needs '{name.partition('.')[0]}', which is not installed.") from None


def _table(model: Any, table: Table) -> Any:
    if callable(table):
        return table(model)
    try:
        return reduce(getattr, table.split("."), model)
    except AttributeError:
        raise ConfigError(f"The model has no '{table}'; expected the dotted name of its item table, or a function of the model.") from None


def _look(monitor: CollapseMonitor, step: int, model: Any, table: Table) -> None:
    if monitor.due(step):
        monitor(step, _table(model, table))


def _looked(monitor: CollapseMonitor, step: int, model: Any, table: Table) -> bool:
    """Whether training may go on."""
    try:
        _look(monitor, step, model, table)
    except Collapsed:
        return False
    return True
