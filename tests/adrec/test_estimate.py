"""What a training will need is said before it starts: by theory of what was measured, above a limit only with consent."""

import pytest

from adrec.cli import main
from adrec.data import catalog
from adrec.errors import ConfigError
from adrec.training.estimate import GB, LIMITS, Needs, check, estimate
from tests.adrec.small import plan


@pytest.fixture(scope="module")
def data():
    return catalog.load("synthetic:items=40,users=20")


def test_the_estimate_is_near_what_a_training_took(data):
    needs = estimate(data, plan(hidden_size=512, max_steps=1))
    assert needs.memory == pytest.approx(0.99 * GB, rel=0.2)  # its resident memory on one thread
    assert 0.298 * GB < needs.disk < 3 * 0.298 * GB  # the folder as seen ten times a second; half a checkpoint more for an instant


@pytest.mark.parametrize("change", [{"hidden_size": 256}, {"blocks": 8}])
def test_a_larger_model_needs_more_of_everything(data, change):
    small, large = (estimate(data, plan(**{"hidden_size": 64, **fields})) for fields in ({}, change))
    assert small.memory < large.memory and small.disk < large.disk


def test_keeping_every_epochs_model_is_counted(data):
    best, every = (estimate(data, plan(hidden_size=64, keep_weights=kept)) for kept in ("best", "every"))
    assert every.disk > 2 * best.disk and every.memory == best.memory


def test_what_cannot_fit_is_refused_even_with_consent(tmp_path):
    with pytest.raises(ConfigError, match=r"needs about 1000000\.0 GB of memory, but only .* GB are free"):
        check(Needs(1e15, 1, 1), tmp_path / "new", agreed=True)
    with pytest.raises(ConfigError, match=r"needs about 1000000000\.0 GB of disk"):
        check(Needs(1, 1e18, 1), tmp_path / "new", agreed=True)


def test_what_is_above_a_limit_starts_with_consent_alone(tmp_path):
    long = Needs(1, 1, LIMITS.seconds + 1)
    with pytest.raises(ConfigError, match="48 h 0 min.* start it with --yes"):
        check(long, tmp_path / "new", agreed=False)
    check(long, tmp_path / "new", agreed=True)


def test_a_huge_model_on_tiny_data_is_refused_before_anything_is_written(capsys, tmp_path):
    words = ["train", "--dataset", "synthetic:items=40,users=20", "--run", str(tmp_path / "run"), "--set", "hidden_size=4096", "--set"]
    assert main([*words, "blocks=64"]) == 2
    assert "GB are free;" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_without_a_terminal_nothing_is_asked(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("adrec.training.estimate.LIMITS", Needs(1.0, 1.0, 1.0))
    assert main(["train", "--dataset", "synthetic:items=40,users=20", "--run", str(tmp_path / "run"), "--set", "hidden_size=16"]) == 2
    assert "start it with --yes" in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_frames_with_pads_and_batches_in_one_piece_are_counted(data):
    size = {"hidden_size": 64, "heads": 2, "blocks": 2, "batch_size": 20, "prefix_share": 1.0, "epochs": 10, "validate_every": 10}
    short, long = (estimate(data, plan("diffurec", **size, length=length)) for length in (50, 500))
    assert long.seconds > 3 * short.seconds  # histories are no longer, but their frames are
    one, whole = (estimate(data, plan(model, **size, length=200)) for model in ("diffurec", "diqdiff"))
    assert whole.memory > 1.5 * one.memory
