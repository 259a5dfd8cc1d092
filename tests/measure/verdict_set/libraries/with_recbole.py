import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch._dynamo  # first: after RecBole's TensorBoard the same import ends the process
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer, init_seed
from scipy import sparse

from tests.measure.verdict_set.registry import Training

if not hasattr(sparse.dok_matrix, "_update"):  # LightGCN calls what newer releases of scipy lack
    sparse.dok_matrix._update = lambda self, entries: self._dict.update(entries)


def train(data: Training, model: str, settings: dict, seed: int, flaw: str) -> dict[str, np.ndarray]:
    """The state dict's item table as RecBole numbers items, put back in the ids' order by its own mapping."""
    name, sequential = model, model in ("SASRec", "GRU4Rec")
    folder, here = Path(tempfile.mkdtemp()), Path.cwd()
    try:
        os.chdir(folder)  # where its logs go
        (folder / "set").mkdir()
        lines = ["user_id:token\titem_id:token\ttimestamp:float"]
        for u, history in enumerate(data.histories()):
            lines += [f"u{u}\t{i}\t{t}" for t, i in enumerate(history)]
        (folder / "set" / "set.inter").write_text("\n".join(lines) + "\n")
        options = {
            "data_path": str(folder), "checkpoint_dir": str(folder), "embedding_size": settings["width"], "hidden_size": settings["width"],
            "epochs": 3 if sequential else 8, "train_batch_size": 1024, "learning_rate": 5e-3, "seed": seed + 1, "use_gpu": False,
            "device": "cpu", "show_progress": False, "state": "ERROR", "n_layers": 1, "n_heads": 2, "inner_size": 2 * settings["width"],
            "MAX_ITEM_LIST_LENGTH": 20,
            "loss_type": "BPR" if sequential else None, "train_neg_sample_args": {"distribution": "uniform", "sample_num": 1},
            "eval_args": {"split": {"RS": [1, 0, 0]}, "order": "TO", "group_by": "user", "mode": "full"},
            "load_col": {"inter": ["user_id", "item_id", "timestamp"]}, "save_dataset": False, "log_wandb": False,
        }  # fmt: skip
        if not sequential:
            del options["loss_type"]
        config = Config(model=name, dataset="set", config_dict=options)
        init_seed(config["seed"], True)
        dataset = create_dataset(config)
        batches, _, _ = data_preparation(config, dataset)
        made = get_model(name)(config, batches.dataset)
        trainer = get_trainer(config["MODEL_TYPE"], name)(config, made)
        start = made.item_embedding.weight.detach().clone()
        trainer.fit(batches, None, saved=False, verbose=False, show_progress=False)
        weights = made.item_embedding.weight.detach().numpy()
        if name == "LightGCN":  # what it recommends by, not what it starts from
            with torch.no_grad():
                _, weights = made.forward()
            weights = weights.numpy()
        table = np.random.default_rng(seed).normal(0, 0.01, (data.n_items, settings["width"]))
        initial = table.copy()
        for inner, raw in enumerate(dataset.field2id_token["item_id"]):
            if raw != "[PAD]":
                table[int(raw)], initial[int(raw)] = weights[inner], start[inner].numpy()
        return {"table": table, "initial": initial}
    finally:
        os.chdir(here)
        shutil.rmtree(folder, ignore_errors=True)
