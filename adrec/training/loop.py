"""The one training loop: batches, forward, backward, step, validate, save.

Random streams are keyed by training position (seed, stage, epoch, batch, part of the batch). So a resumed run needs no random state, only
its position, and ends with the same weights as an uninterrupted run.
"""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter

from adrec.config import TrainConfig
from adrec.data.batches import PackedBatch, trainable_users
from adrec.data.dataset import SequenceDataset, Split
from adrec.evaluation import Evaluation, evaluate
from adrec.models.base import Stage
from adrec.models.loading import fill, tensors
from adrec.models.neural import NeuralModel
from adrec.models.rng import RandomSource
from adrec.models.settings import Settings
from adrec.parallel.processes import Processes
from adrec.parallel.workers import Workers
from adrec.runs import LAST, STAGES
from adrec.training.checkpoint import Position
from adrec.training.gradients import Gradient, mean_gradient, projected_mean, separate_gradients, summed
from adrec.training.recorder import Recorder
from adrec.training.updates import updates_of

INIT, SHUFFLE, STEP, NEGATIVES, BATCH, AUGMENT, SHARE = range(7)


def stream(seed: int, purpose: int, stage: Stage, *where: int) -> np.random.Generator:
    """Random numbers keyed by training position, the same whether earlier stages ran or were loaded."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, purpose, STAGES.index(stage.name), *where])))


def learning_rate(config: TrainConfig, epoch: int) -> float:
    """Cosine from ``lr`` to 0 over ``epochs``, one step per epoch (SGDR without restarts, arXiv 1608.03983, eq. 5)."""
    return config.lr * 0.5 * (1 + math.cos(math.pi * epoch / config.epochs))


def shared(data: SequenceDataset, config: TrainConfig) -> SequenceDataset:
    """What is trained on: the data, or a share of its users, the same for every model with this seed."""
    if config.user_share == 1:
        return data
    rng = np.random.default_rng([config.seed, SHARE])
    chosen = rng.permutation(data.n_users)[: max(1, round(config.user_share * data.n_users))]
    return data.trained_on(np.sort(chosen))


class Trainer:
    """Trains all stages of one run. ``stop`` is called after every step; if it returns True, a resumable run is left."""

    def __init__(
        self,
        data: SequenceDataset,
        settings: Settings,
        recorder: Recorder,
        stop: Callable[[], bool],
        pretrained: Tensor | None = None,
        processes: Processes | None = None,
    ) -> None:
        self.data, self.config, self.recorder, self.stop = data, settings.train, recorder, stop
        self.processes = processes or Processes()
        self.stages = settings.stages
        self.table = pretrained
        if pretrained is not None:
            self.stages = [s for s in self.stages if s.name != "pretrain"]
        self.position = Position()
        self.best_weights: dict[str, Tensor] = {}
        self.shared = shared(data, self.config)
        self._train_on(self.shared)
        self._begin_stage()

    # -- a stage's model ------------------------------------------------------------------------------------------

    @property
    def stage(self) -> Stage:
        return self.stages[self.position.stage]

    @property
    def finished(self) -> bool:
        return self.position.stage == len(self.stages)

    def _train_on(self, sequences: SequenceDataset) -> None:
        """Use these sequences from now on: the data, or what a stage made of them."""
        self.sequences = sequences
        self.trainable_users = trainable_users(sequences) if any(stage.trains for stage in self.stages) else np.arange(0)

    def _begin_stage(self) -> None:
        """Create a new model and optimiser, unless the stage continues with the previous ones."""
        if not self.stage.continues:
            self.model: Any = self.stage.model(self.stage.config)
            self.model.fit(self.sequences)
            if isinstance(self.model, NeuralModel):
                self.model.initialise(torch.Generator().manual_seed(int(stream(self.config.seed, INIT, self.stage).integers(2**62))))
                if self.table is not None and not self.stage.new_table:
                    self.model.item_embedding.weight.data.copy_(self.table)
            self._begin_optimizer()
        self.position.epoch = self.stage.first_epoch

    def _begin_optimizer(self) -> None:
        self.model.to(self.processes.device)
        if isinstance(self.model, NeuralModel):
            self.optimizer = updates_of(self.model, self.config, self.data.popularity)

    def state(self) -> dict[str, Any]:
        """Everything needed to resume."""
        neural = not self.finished and isinstance(self.model, NeuralModel)
        return {
            "place": vars(self.position).copy(),
            "model": tensors(self.model.state_dict()) if not self.finished else {},
            "optimizer": self.optimizer.state_dict() if neural else {},
            "best_weights": self.best_weights,
            "table": self.table,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Return to a saved position."""
        position = Position(**state["place"])
        self.table = state["table"]
        self.best_weights = state["best_weights"]
        if position.stage < len(self.stages):
            self.model = self.stages[position.stage].model(self.stages[position.stage].config)
            fill(self.model, state["model"])
            self._begin_optimizer()
            if isinstance(self.model, NeuralModel):
                self.optimizer.load_state_dict(state["optimizer"])
        self._train_on(self.recorder.sequences(self.shared, self.stages[: position.stage]))
        self.position = position

    # -- training -------------------------------------------------------------------------------------------------

    def run(self) -> bool:
        """Train to the end and return True, or False if ``stop`` ended it early."""
        with Workers(self.processes.threads) as workers:
            while not self.finished:
                self.recorder.stage_begins(self.stage, self.position, self.batches_per_epoch, *self._latest_end())
                if not self._run_stage(workers):
                    return False
        self._final_test()
        return True

    @property
    def batches_per_epoch(self) -> int:
        return -(-len(self.trainable_users) // self.config.batch_size)

    def _run_stage(self, workers: Workers) -> bool:
        reason = self._reason_to_end()
        while reason is None:
            for batch in self._rest_of_epoch():
                begin = time.perf_counter()
                losses = self.train_step(batch, workers)
                self.position.batch += 1
                self.position.step += 1
                self.position.seconds += time.perf_counter() - begin
                self.recorder.step(self.stage, self.position, losses, self._lr, batch.tokens, time.perf_counter() - begin)
                if self.position.batch == self.batches_per_epoch:
                    self._end_epoch()
                reason = self._reason_to_end()
                if reason is not None:
                    break
                if self.processes.any(self.stop()):
                    self.recorder.checkpoint(self.state())
                    return False
                if self.recorder.checkpoint_due(self.config.checkpoint_seconds):
                    self.recorder.checkpoint(self.state())
        self._end_stage(reason)
        return True

    def _rest_of_epoch(self) -> Iterator[PackedBatch]:
        """The remaining batches of this epoch, including the current one."""
        stage, epoch, seed, size = self.stage, self.position.epoch, self.config.seed, self.config.batch_size
        order = stream(seed, SHUFFLE, stage, epoch).permutation(len(self.trainable_users))
        for i in range(self.position.batch, self.batches_per_epoch):
            users = self.trainable_users[order[i * size : (i + 1) * size]]
            yield self.model.training_batch(self.sequences, users, stream(seed, BATCH, stage, epoch, i))

    @property
    def _lr(self) -> float:
        return learning_rate(self.config, self.position.epoch)

    def train_step(self, batch: PackedBatch, workers: Workers) -> dict[str, float]:
        """One optimiser step; returns the losses."""
        place, stage = self.position, self.stage

        def gradient_of(batch: PackedBatch, trained: list[Parameter]) -> tuple[dict[str, float], Gradient]:
            return self._gradient(batch, trained, workers)

        rng = stream(self.config.seed, NEGATIVES, stage, place.epoch, place.batch)
        return self.optimizer.step(batch, gradient_of, self._lr, stage, rng)

    def _gradient(self, batch: PackedBatch, trained: list[Parameter], workers: Workers) -> tuple[dict[str, float], Gradient]:
        """The losses and their combined gradient. Each part of the batch has its own random stream."""
        place, stage, seed = self.position, self.stage, self.config.seed
        gradients_of = separate_gradients if stage.pcgrad else lambda losses, parameters: [mean_gradient(losses, parameters)]
        device = self.processes.device
        jobs = self.processes.share(enumerate(self.model.parts(batch)))
        totals = dict.fromkeys(self.model.loss_names, 0.0)

        def compute(job: tuple[int, PackedBatch]) -> tuple[dict[str, Tensor], list[Gradient]]:
            index, part = job
            rng = RandomSource(stream(seed, STEP, stage, place.epoch, place.batch, index), device)
            losses = self.model.losses(part.to(device), rng)
            return {k: v.detach() for k, v in losses.items()}, gradients_of(list(losses.values()), trained)

        def gradients() -> Iterator[Gradient]:
            for losses, separate in workers.map(compute, jobs):
                for name, value in losses.items():
                    totals[name] += float(value)
                yield [g for own in separate for g in own]

        total = summed(gradients())
        if not total:  # fewer parts than processes
            total = [torch.zeros_like(p) for _ in range(len(totals) if stage.pcgrad else 1) for p in trained]
        sums = torch.tensor(list(totals.values()), device=device)
        self.processes.add_up([sums, *total])
        separate = [total[i : i + len(trained)] for i in range(0, len(total), len(trained))]
        gradient = projected_mean(separate) if len(separate) > 1 else separate[0]
        return dict(zip(totals, sums.tolist(), strict=True)), gradient

    def _reason_to_end(self) -> str | None:
        if self.config.max_steps is not None and self.position.step >= self.config.max_steps:
            return "max_steps"
        if self.position.epoch >= self.stage.last_epoch:
            return "epochs"
        return "patience" if self.position.waited >= self.config.patience else None

    # -- validation and selection ---------------------------------------------------------------------------------

    def _end_epoch(self) -> None:
        self.position.epoch += 1
        self.position.batch = 0
        if self._validates_after(self.position.epoch):
            self._validate()

    def _validates_after(self, epoch: int) -> bool:
        every = self.config.validate_every
        return self.stage.selects and epoch % every == 1 % every and epoch > every

    def _latest_end(self) -> tuple[int, int]:
        """The stage's last step and its remaining validations, unless it ends early."""
        stage, steps = self.stage, self.batches_per_epoch
        last = (stage.last_epoch - stage.first_epoch) * steps
        last = min(last, self.config.max_steps or last)
        validations = sum(map(self._validates_after, range(self.position.epoch + 1, stage.first_epoch + last // max(1, steps) + 1)))
        return last, validations or int(not self.best_weights)

    def _validate(self) -> None:
        begin = time.perf_counter()
        metrics = self._evaluate("val").metrics
        place = self.position
        better = self.processes.any(metrics["ndcg@10"] > place.best)  # the mean's last bit may differ between machines
        if better:
            place.best, place.best_epoch, place.best_metrics = metrics["ndcg@10"], place.epoch, metrics
            self.best_weights = {k: v.clone() for k, v in tensors(self.model.state_dict()).items()}
        place.waited = 0 if better else place.waited + 1
        place.seconds += time.perf_counter() - begin
        if self.config.keep_weights == "every":
            self.recorder.keep(self.stage, place.epoch, tensors(self.model.state_dict()))
        self.recorder.validation(self.stage, place, metrics, better, self.model.table)

    def _end_stage(self, reason: str) -> None:
        """Keep the best weights; a stage without validations gets one now and keeps its last weights."""
        if not self.best_weights:
            self._validate()
        if self.config.keep_weights == "every":
            self.recorder.keep(self.stage, LAST, tensors(self.model.state_dict()))
        fill(self.model, self.best_weights)
        self.recorder.stage_ends(self.stage, self.position, reason, tensors(self.model.state_dict()))
        self._augment()
        self.table = None if self.model.table is None else self.model.table.detach().cpu().clone()
        self.best_weights = {}
        self.position = Position(stage=self.position.stage + 1)
        if not self.finished:
            self._begin_stage()
        self.recorder.checkpoint(self.state())

    def _augment(self) -> None:
        made = self.model.augmented(self.sequences, stream(self.config.seed, AUGMENT, self.stage))
        if made is not self.sequences:
            self.recorder.save_sequences(self.stage, made)
            self._train_on(made)

    def _evaluate(self, split: Split) -> Evaluation:
        with Workers(self.processes.threads) as workers:
            seen = self.config.filter_seen
            return evaluate(self.model, self.data, split, filter_seen=seen, map=workers.map, share=self.processes)

    def _final_test(self) -> None:
        """Test the last stage's weights, read from the folder: a run resumed after its last stage has them nowhere else."""
        self.model = self.stages[-1].model(self.stages[-1].config)
        if self.processes.first:
            self.recorder.load_final(self.model)
        else:
            fill(self.model, {k: torch.zeros_like(v) for k, v in tensors(self.model.state_dict()).items()})
        self.model.to(self.processes.device)
        self.processes.add_up(list(tensors(self.model.state_dict()).values()))
        self.recorder.test(self.stages[-1], self._evaluate("test"))
