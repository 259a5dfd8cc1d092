"""The models, one file each, and the registry that names them."""

from adrec.config import ModelConfig
from adrec.models.adrec import ADRec
from adrec.models.sasrec import SASRec

REGISTRY: dict[str, type[ADRec] | type[SASRec]] = {"adrec": ADRec, "sasrec": SASRec}
Model = ADRec | SASRec


def build(config: ModelConfig) -> Model:
    """The model that ``config.model`` names, its weights not yet set."""
    return REGISTRY[config.model](config)


__all__ = ["REGISTRY", "ADRec", "Model", "SASRec", "build"]
