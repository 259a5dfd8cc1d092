"""The search over a model's settings."""

import json

import pytest
from filelock import FileLock

from adrec.cli import main
from adrec.data import catalog
from adrec.errors import ConfigError, RunError
from adrec.experiments import search
from adrec.experiments.file import Budget
from adrec.experiments.search import Tuner
from adrec.files import write_json
from adrec.models.base import MODELS, Between
from adrec.models.neural import NeuralModel
from adrec.models.settings import find_preset, searched, settings
from adrec.runs import RunFolder

DATA = "synthetic:users=40,items=30"


@pytest.mark.parametrize("name", list(MODELS))
def test_every_value_that_a_search_may_try_is_a_setting_that_its_model_accepts(name):
    model = MODELS[name]
    space = searched(model)
    assert set(model.space) - set(space) <= set(NeuralModel.space), "a name of its own that is no setting"
    for key, values in space.items():
        for value in (values.low, values.high) if isinstance(values, Between) else values:
            assert settings(None, {key: str(value)}, name)


@pytest.mark.parametrize("name", list(MODELS))
def test_a_models_own_settings_lie_in_what_is_searched(name):
    chosen = settings(find_preset(None, name)[1], {}, name)
    known = vars(chosen.train) | vars(chosen.config)
    assert all(known[key] in values for key, values in searched(MODELS[name]).items())


@pytest.mark.slow
def test_an_interrupted_search_finds_what_an_uninterrupted_one_finds(tmp_path):
    pytest.importorskip("optuna")
    data = catalog.load(DATA)
    space = {"lr": Between(1e-3, 1e-1, log=True), "dropout": Between(0.0, 0.5), "blocks": (1, 2)}
    fixed = {"hidden_size": "8", "epochs": "12", "batch_size": "16", "validate_every": "1"}

    def search(folder, budget, stop=lambda: False):
        return Tuner(tmp_path / folder, data, DATA, "sasrec", "sasrec", fixed, space, seed=3).run(budget, stop)

    whole = search("whole", Budget(6))
    calls = iter(range(10_000))
    first = search("cut", Budget(6), lambda: next(calls) > 70)
    assert 0 < len(first.trials) < 6
    again = search("cut", Budget(6))
    compared = [[{k: t[k] for k in ("settings", "state", "value", "validations")} for t in found.trials] for found in (whole, again)]
    assert compared[0] == compared[1]
    assert whole.trials[0]["settings"] == {"lr": 0.001, "dropout": 0.1, "blocks": 2}, "the first trial is the preset"
    assert whole.best["value"] == max(t["value"] for t in whole.trials if t["state"] == "finished")
    assert all(t["value"] <= whole.best["value"] for t in whole.trials if t["state"] == "finished")
    assert whole.complete(Budget(6)) and not whole.complete(Budget(7)) and whole.complete(Budget(7, whole.spent))
    with pytest.raises(ConfigError, match="another fixed"):
        Tuner(tmp_path / "cut", data, DATA, "sasrec", "sasrec", {}, space, seed=3).run(Budget(6))


@pytest.mark.slow
def test_a_run_with_tuned_settings_records_the_search(tmp_path, capsys):
    pytest.importorskip("optuna")
    fixed = ["--set", "hidden_size=8", "--set", "epochs=2", "--set", "dropout=0.2"]
    where = ["--dataset", DATA, "--model", "sasrec"]
    assert main(["tune", *where, *fixed, "--trials", "2", "--out", str(tmp_path / "search"), "--json"]) == 0
    best = json.loads(capsys.readouterr().out)["best"]
    assert set(best["settings"]) == {"lr", "blocks", "embedding_dropout"}, "what is given is not searched"
    train = ["train", *where, "--tuned", str(tmp_path / "search"), "--set", "hidden_size=8", "--set", "epochs=2", "--seed", "5"]
    assert main([*train, "--run", str(tmp_path / "run")]) == 0
    run = RunFolder(tmp_path / "run")
    assert run.info["search"]["settings"] == best["settings"] and run.info["search"]["trials"] == 2
    assert run.settings["lr"] == best["settings"]["lr"] and run.settings["seed"] == 5


def test_a_search_waits_while_another_process_searches_in_its_folder_and_damage_is_told(tmp_path, monkeypatch):
    pytest.importorskip("optuna")
    monkeypatch.setattr(search, "WAIT", 0.01)
    tried = {"state": "finished", "value": 0.5, "settings": {}, "seconds": 1.0, "error": None, "validations": []}
    monkeypatch.setattr(Tuner, "_trial", lambda *_: tried)
    tuner = Tuner(tmp_path, catalog.load(DATA), DATA, "sasrec", "sasrec", {}, {"blocks": (1, 2)})
    with FileLock(tmp_path / search.LOCK):
        calls = iter(range(10))
        assert not tuner.run(Budget(2), lambda: next(calls) > 5).trials and next(calls) > 5
    assert tuner.run(Budget(2)).trials == [tried, tried]
    for key, wrong in (("settings", None), ("seconds", "1"), ("validations", {}), ("value", [])):
        write_json(tmp_path / search.FILE, {"space": {}, "fixed": {}, "trials": [tried | {key: wrong}]})
        with pytest.raises(RunError, match="damaged"):
            search.read(tmp_path)


def test_a_model_without_a_space_has_nothing_to_search(tmp_path):
    with pytest.raises(ConfigError, match="nothing to search"):
        Tuner(tmp_path, catalog.load(DATA), DATA, "sasrec", "sasrec", {}, {}).run(Budget(2))
