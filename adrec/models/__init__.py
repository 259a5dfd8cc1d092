"""The models, one file each, and the registry that names them."""

from adrec.config import ModelConfig
from adrec.models.adrec import ADRec
from adrec.models.base import DiffusionModel, Model
from adrec.models.dreamrec import DreamRec
from adrec.models.sasrec import SASRec

REGISTRY: dict[str, type[Model]] = {"adrec": ADRec, "sasrec": SASRec, "dreamrec": DreamRec}


def build(config: ModelConfig) -> Model:
    """The model that ``config.model`` names, its weights not yet set."""
    return REGISTRY[config.model](config)


__all__ = ["REGISTRY", "ADRec", "DiffusionModel", "DreamRec", "Model", "SASRec", "build"]
