"""The three stages as records: what each trains, what it takes over, when it is validated."""

from dataclasses import dataclass, replace

from adrec.config import ModelConfig, TrainConfig


@dataclass(frozen=True)
class Stage:
    """One stage of the training.

    model: which architecture is trained; first_epoch, last_epoch: its part of the learning-rate schedule, counted from 0
    and exclusive; continues: goes on with the previous stage's model and optimiser, otherwise it starts a new model that
    takes over the item table; frozen_table: the table gets no gradient; selects: validated along the way, ends when
    validation stops improving, and keeps its best weights (otherwise validated once, at its end).
    """

    name: str
    model: str
    first_epoch: int
    last_epoch: int
    continues: bool = False
    frozen_table: bool = False
    selects: bool = True

    def config(self, model: ModelConfig) -> ModelConfig:
        """The architecture of this stage: stage 1 is SASRec of the same size."""
        return replace(model, model=self.model)


def stages_of(model: ModelConfig, train: TrainConfig) -> list[Stage]:
    """ADRec's three stages, or the one stage of a model that is trained alone."""
    if model.model != "adrec":
        return [Stage("finetune", model.model, 0, train.epochs, frozen_table=train.frozen_table)]
    pretrain = [Stage("pretrain", "sasrec", 0, train.epochs)] if train.pretrain else []
    warmup = [Stage("warmup", "adrec", 0, train.warmup_epochs, frozen_table=True, selects=False)] if train.warmup_epochs else []
    return [
        *pretrain,
        *warmup,
        Stage("finetune", "adrec", train.warmup_epochs, train.epochs, continues=bool(warmup), frozen_table=train.frozen_table),
    ]
