"""A model is one file: four of them, each written into a folder and made known by one import, with no other file changed."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from adrec.cli import main
from adrec.evaluation import evaluate
from adrec.explain.recommending import recommend
from adrec.explain.trajectory import user_trajectory
from adrec.files import load_arrays
from adrec.models.base import MODELS
from adrec.models.loading import load_model
from adrec.runs import RunFolder
from adrec.training.session import describe_run, train_run
from app import computing
from app.computing import Computing
from tests.adrec.small import in_pieces, plan
from tests.app.pages import open_page, texts

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SOURCE = "synthetic:items=60,users=80"
TRAIN = {"epochs": 3, "batch_size": 32, "validate_every": 1, "checkpoint_seconds": 0, "length": 10}

GRU = '''
"""A recurrent network reads the history."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from adrec.config import ModelConfig, require_integers, setting
from adrec.losses.full import next_item_loss
from adrec.models.base import Preset, register
from adrec.models.neural import NeuralModel


@dataclass(frozen=True)
class GRUConfig(ModelConfig):
    hidden_size: int = setting(16, "Width D", "How many numbers describe an item.", (16, 32))

    def __post_init__(self):
        super().__post_init__()
        require_integers(self, {"hidden_size": (2, 4096)})


@register
class GRU4Rec(NeuralModel):
    name = "recurrent"
    title = "Recurrent"
    source = "Hidasi et al. 2016 (arXiv 1511.06939)"
    Config = GRUConfig
    presets = {"recurrent": Preset("Recurrent", "A recurrent network reads the history.", {"lr": 0.01})}
    loss_names = ("ce",)

    def __init__(self, config):
        super().__init__(config)
        self.item_embedding = nn.Embedding(config.n_items + 1, config.hidden_size)
        self.gru = nn.GRU(config.hidden_size, config.hidden_size, batch_first=True)

    def forward(self, batch, rng=None):
        users = self.item_embedding(batch.items).split(batch.lengths.tolist())
        out, _ = self.gru(pad_sequence(users, batch_first=True))
        return torch.cat([row[:n] for row, n in zip(out, batch.lengths.tolist())])

    def losses(self, batch, rng):
        return {"ce": next_item_loss(self(batch, rng), self.item_embedding.weight, batch)}
'''

POPULARITY = '''
"""Popularity: the same list for everybody."""

import numpy as np

from adrec.models.base import Model, Preset, register


@register
class Popularity(Model):
    name = "counted"
    title = "Counted"
    source = "counts of the training data"
    presets = {"counted": Preset("Counted", "What most users took is recommended to everybody.")}

    def __init__(self, config):
        super().__init__(config)
        self.counts = np.zeros(config.n_items + 1, np.float32)

    def fit(self, data):
        self.counts = data.popularity.astype(np.float32)

    def answers(self, batch, steps=None, seed=0):
        return np.tile(self.counts, (len(batch.users), 1))

    def state_dict(self):
        return {"counts": self.counts}

    def load_state_dict(self, state):
        self.counts = np.array(state["counts"])
'''

PREFIXES = '''
"""Diffusion trained on a share of every history's prefixes, which answers without noise between its steps."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from adrec.config import require
from adrec.data.batches import pack
from adrec.diffusion import q_sample
from adrec.losses.full import token_error
from adrec.models.base import Preset, register
from adrec.models.neural import DiffusionConfig, DiffusionModel


@dataclass(frozen=True)
class PrefixConfig(DiffusionConfig):
    share: float = 0.5

    def __post_init__(self):
        super().__post_init__()
        require(0 < self.share <= 1, "share", self.share, "a number above 0 and at most 1")


@register
class PrefixDiffusion(DiffusionModel):
    name = "prefixes"
    title = "Diffusion on prefixes"
    source = "a test; the sampler is DDIM's (Song et al. 2021, arXiv 2010.02502, eq. 12)"
    Config = PrefixConfig
    presets = {"prefixes": Preset("Diffusion on prefixes", "A share of the prefixes.", {"hidden_size": 16, "timesteps": 4, "lr": 0.01})}
    loss_names = ("mse",)

    def __init__(self, config):
        super().__init__(config)
        self.item_embedding = nn.Embedding(config.n_items + 1, config.hidden_size)
        self.net = nn.Linear(2 * config.hidden_size, config.hidden_size)

    def training_batch(self, data, users, rng):
        histories, targets, owners = [], [], []
        for user in users:
            items = data.train(int(user))
            count = max(1, round(self.config.share * (len(items) - 1)))
            for end in rng.choice(np.arange(1, len(items)), count, replace=False):
                prefix = items[max(0, end - self.config.length) : end]
                histories.append(prefix)
                targets.append(np.append(prefix[1:], items[end]))
                owners.append(user)
        return pack(histories, self.config.length, targets, np.array(owners))

    def condition(self, batch):
        return torch.stack([rows.mean(0) for rows in self.item_embedding(batch.items).split(batch.lengths.tolist())])

    def losses(self, batch, rng):
        x_0 = self.item_embedding(batch.targets[batch.last])
        t = rng.timesteps(self.config.timesteps, len(x_0))
        x_t = q_sample(x_0, t, rng.normal(*x_0.shape), self.alpha_bar)
        return {"mse": token_error(self.net(torch.cat([x_t, self.condition(batch)], 1)), x_0, batch.user_weights)}

    def last_token(self, batch, copies=1):
        condition = self.condition(batch).repeat_interleave(copies, 0)
        return lambda x, t: self.net(torch.cat([x, condition], 1))

    def sample(self, predict, x_start, step_noise, diffusion, record=None):
        x = x_start
        for step in reversed(range(len(diffusion.timesteps))):
            t = int(diffusion.timesteps[step])
            x0_hat = predict(x, t)
            level, before = float(diffusion.alpha_bar[step]), float(diffusion.alpha_bar_before[step])
            noise = (x - level**0.5 * x0_hat) / (1 - level) ** 0.5
            x = before**0.5 * x0_hat + (1 - before) ** 0.5 * noise
            if record is not None:
                record(t, x0_hat, x)
        return x
'''

LENGTHENED = '''
"""Two models: one learns which item comes before another and lengthens every history, the other is trained on the longer ones."""

from dataclasses import dataclass, replace

import numpy as np
from torch import nn

from adrec.config import ModelConfig
from adrec.data.batches import pack
from adrec.losses.full import next_item_loss
from adrec.models.base import Preset, Stage, register
from adrec.models.neural import NeuralModel


@dataclass(frozen=True)
class MarkovConfig(ModelConfig):
    hidden_size: int = 16


class Forwards(NeuralModel):
    loss_names = ("ce",)

    def __init__(self, config):
        super().__init__(config)
        self.item_embedding = nn.Embedding(config.n_items + 1, config.hidden_size)
        self.net = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, batch, rng=None):
        return self.net(self.item_embedding(batch.items))

    def losses(self, batch, rng):
        return {"ce": next_item_loss(self(batch, rng), self.item_embedding.weight, batch)}


class Backwards(Forwards):
    title = "What came before"

    def training_batch(self, data, users, rng):
        reversed_ = [data.train(int(user))[::-1][: self.config.length + 1] for user in users]
        return pack([items[:-1] for items in reversed_], self.config.length, [items[1:] for items in reversed_], users)

    def augmented(self, data, rng):
        table = self.item_embedding.weight
        firsts = data.train_items[data.train_offsets[:-1]]
        scores = (self.net(table[firsts]) @ table[1:].T).detach().double().softmax(1).numpy()
        before = (rng.random((len(firsts), 1)) < scores.cumsum(1)).argmax(1) + 1
        items = [np.append(before[user], data.train(user)) for user in range(data.n_users)]
        offsets = data.train_offsets + np.arange(data.n_users + 1)
        return replace(data, train_items=np.concatenate(items).astype(np.int32), train_offsets=offsets)


@register
class Lengthened(Forwards):
    name = "lengthened"
    title = "Lengthened histories"
    source = "a test, after the reverse pre-training of Liu et al. 2021 (arXiv 2105.00522)"
    Config = MarkovConfig
    presets = {"lengthened": Preset("Lengthened histories", "A first model invents what came before.", {"lr": 0.01})}

    @classmethod
    def stages(cls, config, train):
        return [Stage("pretrain", Backwards, config, 0, train.epochs), Stage("finetune", cls, config, 0, train.epochs)]
'''

FILES = {"recurrent": GRU, "counted": POPULARITY, "prefixes": PREFIXES, "lengthened": LENGTHENED}
TRAINED = ("recurrent", "prefixes", "lengthened")


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The four files, imported; unknown again afterwards."""
    folder = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        for name, text in FILES.items():
            (folder / f"outside_{name}.py").write_text(text, encoding="utf-8")
            importlib.import_module(f"outside_{name}")
        yield folder
        for name in FILES:
            del MODELS._entries[name], sys.modules[f"outside_{name}"]


@pytest.fixture(scope="module")
def runs(folder, tiny_data, tmp_path_factory) -> dict[str, RunFolder]:
    """A finished run of each."""
    found = {}
    for name in FILES:
        run = found[name] = RunFolder(tmp_path_factory.mktemp("runs") / name)
        assert train_run(run, tiny_data, info_of(name, tiny_data)) == "finished"
    return found


def info_of(name: str, data) -> dict:
    (preset,) = MODELS[name].presets
    train = TRAIN if name in TRAINED else {"length": 10}
    return describe_run(data, SOURCE, plan(name, preset=preset, **{**MODELS[name].presets[preset].settings, **train}), "test")


def weights(run: RunFolder) -> dict[str, bytes]:
    return {f"{stage}/{k}": v.tobytes() for stage in run.stages for k, v in load_arrays(run.weights_path(stage)).items()}


@pytest.mark.parametrize("name", TRAINED)
def test_training_moves_every_weight(runs, name):
    run, stage = runs[name], runs[name].stages[0]
    assert not np.array_equal(run.table("initial"), run.table(stage))
    assert [e["stage"] for e in run.events()[0] if e["kind"] == "stage_end"] == run.stages


@pytest.mark.parametrize("name", TRAINED)
def test_a_run_stopped_after_every_few_steps_ends_the_same(runs, tiny_data, tmp_path, name):
    run, _ = in_pieces(tmp_path / "stopped", tiny_data, info_of(name, tiny_data), 2)
    assert weights(run) == weights(runs[name]) and run.metrics("finetune")["test"]["mrr"] == runs[name].metrics("finetune")["test"]["mrr"]


def test_what_has_nothing_to_train_is_finished_at_once_and_resumed_as_finished(runs, tiny_data):
    run = runs["counted"]
    assert [e["kind"] for e in run.events()[0]] == ["stage", "validation", "stage_end", "test", "finished"]
    assert train_run(run, tiny_data, run.info, resume=True) == "finished"


@pytest.mark.parametrize("name", FILES)
def test_the_evaluation_repeats_the_ranks_of_the_training(runs, tiny_data, name):
    found = evaluate(load_model(runs[name]), tiny_data, "test")
    assert np.array_equal(found.ranks, runs[name].test_ranks("finetune"))


def test_a_training_validates_and_tests_on_new_items_alone_if_asked(tiny_data, tmp_path):
    run = RunFolder(tmp_path / "run")
    train_run(run, tiny_data, describe_run(tiny_data, SOURCE, plan("counted", preset="counted", length=10, filter_seen=True), "test"))
    for split in ("val", "test"):
        told = evaluate(load_model(run), tiny_data, split, filter_seen=True).metrics
        assert run.metrics("finetune")[split]["mrr"] == told["mrr"]


@pytest.mark.parametrize("seen", [False, True])
def test_popularity_ranks_by_counts(runs, tiny_data, seen):
    found = evaluate(load_model(runs["counted"]), tiny_data, "test", filter_seen=seen).ranks
    for user in range(tiny_data.n_users):
        counts = tiny_data.popularity.astype(float)
        target = counts[tiny_data.test[user]]
        if seen:
            counts[[*tiny_data.train(user), tiny_data.val[user]]] = -1
        counts[tiny_data.test[user]] = target
        assert found[user] == np.sum(counts >= target)


@pytest.mark.parametrize("name", FILES)
def test_recommendations_are_the_best_scores_of_the_evaluation(runs, tiny_data, name):
    history = tiny_data.history(3, "test", 10).tolist()
    (answer,) = recommend(runs[name], [history], 60, users=[3])["users"]
    rank = evaluate(load_model(runs[name]), tiny_data, "test").ranks[3]
    scores = {item["id"]: item["score"] for item in answer["items"]}
    better = sum(score >= scores[int(tiny_data.test[3])] for score in scores.values())
    assert rank in (better, better + 1)  # the padding row is ranked too


@pytest.mark.parametrize("name", TRAINED)
def test_a_table_is_diagnosed(runs, capsys, name):
    assert main(["collapse", str(runs[name].path), "--json"]) == 0
    assert [table["name"] for table in json.loads(capsys.readouterr().out)["tables"]][-1] == "finetune"


def test_a_model_without_a_table_says_so(runs, capsys):
    assert main(["collapse", str(runs["counted"].path)]) == 2
    assert "holds no item table" in capsys.readouterr().err


def test_a_sampler_of_its_own_is_used_wherever_the_process_runs(runs, tiny_data):
    model = load_model(runs["prefixes"])
    found = user_trajectory(model, tiny_data, 5, seed=2)
    assert found.target_rank[-1] == evaluate(model, tiny_data, "test", seed=2).ranks[5]
    start = torch.randn(1, 16, generator=torch.Generator().manual_seed(0))
    ends = [model.sample(lambda x, t: 0.5 * x, start, torch.full((4, 1, 16), noise), model.diffusion) for noise in (0.0, 9.0)]
    assert torch.equal(*ends)  # no noise in between


def test_a_share_of_the_prefixes_is_trained_on(folder, tiny_data):
    model = MODELS["prefixes"](plan("prefixes", share=0.5, hidden_size=16).config)
    batch = model.training_batch(tiny_data, np.arange(5), np.random.default_rng(0))
    counts = {user: int((batch.users == user).sum()) for user in range(5)}
    assert counts == {user: max(1, round(0.5 * (len(tiny_data.train(user)) - 1))) for user in range(5)}


def test_the_second_model_is_trained_on_what_the_first_one_made(runs, tiny_data):
    made = load_arrays(runs["lengthened"].path / "stages/pretrain/sequences.safetensors")
    assert np.array_equal(np.diff(made["offsets"]), np.diff(tiny_data.train_offsets) + 1)
    assert np.array_equal(made["items"][1 : made["offsets"][1]], tiny_data.train(0))
    assert type(load_model(runs["lengthened"], "pretrain")).__name__ == "Backwards"


def test_an_unknown_setting_is_answered_with_those_of_this_model(capsys, tmp_path):
    words = ["train", "--dataset", SOURCE, "--run", str(tmp_path / "run"), "--model", "counted", "--set", "noise_weight=1"]
    assert main(words) == 2
    told = capsys.readouterr().err
    assert "Unknown setting 'noise_weight'; known are" in told and "hidden_size" not in told


@pytest.mark.parametrize("name", FILES)
def test_the_form_of_the_app_offers_it(name):
    app = open_page("train")
    app.selectbox(key="train.model").set_value(name).run()
    (preset,) = MODELS[name].presets.values()
    assert not app.exception and preset.line in texts(app)
    assert f"--model={name}" in app.code[-1].value


@pytest.mark.parametrize("name", ["prefixes", "counted", "lengthened"])
def test_pages_show_what_the_model_can_do(runs, folder, monkeypatch, name):
    monkeypatch.setenv("ADREC_RUNS", str(runs[name].path.parent))
    monkeypatch.setenv("ADREC_PLUGINS", f"outside_{name}")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    asked = Computing()  # whose process begins with these names
    monkeypatch.setattr(computing, "server", asked)
    denoising = open_page("denoising", run=name)
    asked.stop()
    assert not denoising.exception and not denoising.error and (len(denoising.info) == 0) == (name == "prefixes")
    train = open_page("train", run=name)
    assert not train.exception and not train.error and ("What its items look like" in texts(train)) == (name != "counted")
    collapse = open_page("collapse", run=name)
    assert not collapse.exception and ("keeps no vector for an item" in texts(collapse)) == (name == "counted")


def test_a_subprocess_knows_the_modules_that_the_environment_names(folder, tmp_path):
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "ADREC_PLUGINS": "outside_counted", "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "adrec", "train", "--dataset", SOURCE, "--run", str(tmp_path / "run"), "--model", "counted"]
    subprocess.run(words, check=True, env=environment, cwd=tmp_path, capture_output=True)
    run = RunFolder(tmp_path / "run")
    assert run.status["state"] == "finished" and run.abilities == {"recommend"} and run.info["preset"] == "counted"


def test_models_are_listed_with_what_they_can_do(capsys):
    assert main(["models", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(FILES) | {"adrec", "sasrec", "dreamrec"} <= set(found)
    assert [name for name, has in found["counted"]["abilities"].items() if has] == ["recommend"]
    assert found["prefixes"]["abilities"]["denoise"] and "quick" in found["adrec"]["presets"]
