"""The recorded numbers of the official code, and that verify notices when they are not met."""

import json
from pathlib import Path

import numpy as np
import pytest

from adrec.errors import DataError, RunError
from adrec.official.verify import error, tolerance, verify_file, verify_folder

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = ["adrec", "adrec_lambda1", "adrec_mlp", "adrec_pcgrad", "diffurec", "dreamrec", "pretrain", "sasrec", "metrics", "schedules"]


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_quantity_is_reproduced(name):
    errors = verify_file(GOLDEN / f"{name}.npz")
    assert errors
    assert {k: v for k, v in errors.items() if v > tolerance(k)} == {}


def test_what_a_full_adrec_file_is_compared_in():
    errors = verify_file(GOLDEN / "adrec.npz")
    assert {"cond", "x_t", "x0_hat", "ce", "mse", "traj_x", "traj_x0", "last", "scores"} <= set(errors)
    assert sum(k.startswith("grad/") for k in errors) > 50


def test_what_a_dreamrec_file_is_compared_in():
    assert set(verify_file(GOLDEN / "dreamrec.npz")) == {"cond", "x_t", "x0_hat", "loss", "last", "scores"}


def test_what_a_diffurec_file_is_compared_in():
    assert set(verify_file(GOLDEN / "diffurec.npz")) == {"x_t", "out", "ce", "last", "scores"}


def test_the_recorded_dreamrec_skips_its_encoder_at_inference(tmp_path):
    """So with the encoder's output as the condition the recorded answer is missed, and everything else is not."""

    def from_the_encoder(config):
        return np.array(json.dumps({**json.loads(str(config)), "infer_from": "encoder"}))

    errors = verify_file(_changed(tmp_path, "dreamrec", config=from_the_encoder))
    assert {k for k, v in errors.items() if v > tolerance(k)} == {"last", "scores"}


def _changed(tmp_path: Path, name: str, **changes) -> Path:
    with np.load(GOLDEN / f"{name}.npz") as file:
        record = {k: file[k] for k in file.files}
    np.savez(tmp_path / "changed.npz", **{**record, **{k: change(record[k]) for k, change in changes.items()}})
    return tmp_path / "changed.npz"


def test_a_changed_number_is_noticed(tmp_path):
    _changed(tmp_path, "adrec", traj_x=lambda a: a + 1e-3)
    report = verify_folder(tmp_path)
    assert not report["ok"] and report["worst"] > 1e-4


def test_a_changed_weight_shows_in_every_output(tmp_path):
    key = "sd/diffu.ag_encoder.transformer_blocks.0.attention.linear_layers.1.weight"
    errors = verify_file(_changed(tmp_path, "adrec", **{key: lambda a: a.T.copy()}))
    assert all(errors[k] > tolerance(k) for k in ("cond", "x0_hat", "ce", "last"))


def test_the_file_name_does_not_matter_but_the_config_does(tmp_path):
    def at_lambda_1(config):
        return np.array(json.dumps({**json.loads(str(config)), "noise_weight": 1.0}))

    errors = verify_file(_changed(tmp_path, "adrec", config=at_lambda_1))
    assert errors["cond"] < tolerance("cond") and errors["x0_hat"] > tolerance("x0_hat")


def test_a_model_that_is_not_built_is_said_so(tmp_path):
    _changed(tmp_path, "pretrain", config=lambda c: np.array(json.dumps({**json.loads(str(c)), "model": "unheard of"})))
    report = verify_folder(tmp_path)
    assert report["changed.npz"] == "not implemented" and report["ok"]


def test_error_is_relative_to_the_largest_recorded_value_but_at_least_to_1():
    assert error([1.0, 5.0], [1.0, 4.0]) == 0.25
    assert error([0.0, 0.25], [0.0, 0.5]) == 0.25
    assert error([np.nan], [1.0]) == np.inf
    assert error([1.0], [1.0, 2.0]) == np.inf


def test_a_folder_without_recordings_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no recorded files"):
        verify_folder(tmp_path)


def test_a_damaged_recording_is_refused(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(RunError, match="x.npz"):
        verify_folder(tmp_path)
