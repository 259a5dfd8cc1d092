"""Turns a state dict of the official code into a run folder."""

from collections.abc import Mapping
from pathlib import Path

from adrec.config import parse_settings
from adrec.data.dataset import SequenceDataset
from adrec.errors import WeightsError
from adrec.files import save_arrays
from adrec.models.loading import read_state_dict
from adrec.models.settings import Settings
from adrec.official.weights import kind_of, model_from_state_dict
from adrec.runs import RunFolder
from adrec.training.session import describe_run


def import_official(
    checkpoint: Path, data: SequenceDataset, source: str, path: Path, overrides: Mapping[str, str], command: str
) -> RunFolder:
    """Write a finished run to ``path`` with the official weights as its last stage."""
    run = RunFolder(path)
    with run.owned():
        weights = read_state_dict(checkpoint)
        model = model_from_state_dict(weights, **parse_settings((kind_of(weights).Config,), overrides))
        if model.config.n_items != data.n_items:
            raise WeightsError(f"'{checkpoint}' ranks {model.config.n_items:,} items; the data set '{data.name}' has {data.n_items:,}.")
        info = describe_run(data, source, Settings(type(model), model.config, preset="official"), command)
        save_arrays(run.weights_path("finetune"), {k: v.numpy() for k, v in model.state_dict().items()})
        run.create(info, data.items, data.popularity)
        run.write_status("finished")
    return run
