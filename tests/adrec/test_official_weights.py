"""State dicts of the official code: read without running anything, every misfit named, the published figures met."""

import io
import json
import os
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from adrec.cli import main
from adrec.errors import AdrecError, ConfigError, RunError, WeightsError
from adrec.files import load_arrays, save_arrays
from adrec.models.loading import load_model, load_weights, read_state_dict
from adrec.official.importing import import_official
from adrec.official.weights import model_from_state_dict, to_official_names
from adrec.runs import ITEM_TABLE
from adrec.training.session import read_pretrained
from tests.adrec.small import built, plan

KINDS = {
    "adrec": {},
    "mlp": {"denoiser": "mlp"},
    "sasrec": {"model": "sasrec"},
    "sasrec with positions": {"model": "sasrec", "positions": True},
}
QUERY = "diffu.ag_encoder.transformer_blocks.0.attention.linear_layers.0.weight"


def official(**fields) -> dict[str, Tensor]:
    """An official state dict of a small model with random weights."""
    size = {"hidden_size": 16, "heads": 2, "blocks": 1, "length": 10} | ({} if fields.get("model") == "sasrec" else {"timesteps": 4})
    model = built(plan(**{**size, **fields}), seed=1)
    return {k: v.detach().clone() for k, v in to_official_names(model, dict(model.named_parameters())).items()}


def saved(path: Path, weights: object) -> Path:
    torch.save(weights, path)
    return path


class Trap:
    """Unpickled, it leaves a folder behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


# -- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_is_recognised_by_its_names_and_shapes(kind):
    fields = KINDS[kind]
    model = model_from_state_dict(official(**fields), heads=2, length=10, **({"positions": True} if "positions" in fields else {}))
    assert (model.config.n_items, model.config.hidden_size, model.config.blocks) == (60, 16, 1)
    assert model.name == fields.get("model", "adrec")


@pytest.mark.parametrize("kind", KINDS)
def test_every_tensor_comes_back_under_its_official_name(kind):
    fields = KINDS[kind]
    weights = official(**fields)
    model = model_from_state_dict(weights, heads=2, length=10, **({"positions": True} if "positions" in fields else {}))
    back = to_official_names(model, dict(model.named_parameters()))
    assert back.keys() == weights.keys()
    assert all(torch.equal(back[k], weights[k]) for k in weights)


@pytest.mark.parametrize("wrap", ["state_dict", "model"])
def test_a_state_dict_inside_a_checkpoint_is_found(tmp_path, wrap):
    path = saved(tmp_path / "x.pth", {wrap: {"a": torch.ones(2)}, "epoch": 3})
    assert list(read_state_dict(path)) == ["a"]


def test_a_file_in_torchs_old_format_is_read(tmp_path):
    torch.save({"a": torch.ones(2)}, tmp_path / "x.pth", _use_new_zipfile_serialization=False)
    assert torch.equal(read_state_dict(tmp_path / "x.pth")["a"], torch.ones(2))


@pytest.mark.parametrize("new_format", [True, False])
def test_code_in_a_torch_file_is_refused_and_not_run(tmp_path, new_format):
    torch.save({"a": torch.ones(2), "b": Trap(tmp_path / "ran")}, tmp_path / "x.pth", _use_new_zipfile_serialization=new_format)
    with pytest.raises(WeightsError, match="cannot|can be read without running code"):
        read_state_dict(tmp_path / "x.pth")
    assert not (tmp_path / "ran").exists()


def test_code_in_a_plain_pickle_is_refused_and_not_run(tmp_path):
    (tmp_path / "x.pth").write_bytes(pickle.dumps(Trap(tmp_path / "ran")))
    with pytest.raises(WeightsError, match="without running code"):
        read_state_dict(tmp_path / "x.pth")
    assert not (tmp_path / "ran").exists()


def test_the_trap_itself_works(tmp_path):
    pickle.loads(pickle.dumps(Trap(tmp_path / "ran")))
    assert (tmp_path / "ran").is_dir()


def _zip_without_data() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "hello")
    return buffer.getvalue()


BROKEN = {
    "empty": b"",
    "text": b"weights, trust me\n",
    "zeros": bytes(1000),
    "a zip of something else": _zip_without_data(),
    "json": b'{"item_embedding.weight": [[1, 2]]}',
    "a pickled number": pickle.dumps(7),
    "a pickled list": pickle.dumps([1, 2]),
    "a pickled dict of lists": pickle.dumps({"item_embedding.weight": [[1.0]]}),
    "an empty dict": pickle.dumps({}),
    "a cut pickle": pickle.dumps({"a": list(range(100))})[:50],
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_file_without_a_state_dict_is_told_by_its_name(tmp_path, what):
    (tmp_path / "x.pth").write_bytes(BROKEN[what])
    with pytest.raises(WeightsError, match=r"x\.pth' (is not|holds no)"):
        read_state_dict(tmp_path / "x.pth")


@pytest.mark.parametrize("keep", [0.3, 0.999])
@pytest.mark.parametrize("new_format", [True, False])
def test_a_truncated_file_is_reported(tmp_path, keep, new_format):
    torch.save(official(), tmp_path / "x.pth", _use_new_zipfile_serialization=new_format)
    content = (tmp_path / "x.pth").read_bytes()
    (tmp_path / "x.pth").write_bytes(content[: int(keep * len(content))])
    with pytest.raises(WeightsError, match=r"x\.pth"):
        read_state_dict(tmp_path / "x.pth")


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=5), st.booleans())
def test_a_file_with_changed_bytes_is_read_or_told(tmp_path_factory, changes, new_format):
    buffer = io.BytesIO()
    torch.save({"a": torch.ones(2, 3), "b": torch.ones(4)}, buffer, _use_new_zipfile_serialization=new_format)
    content = bytearray(buffer.getvalue())
    for place, value in changes:
        content[place % len(content)] = value
    path = tmp_path_factory.mktemp("changed") / "x.pth"
    path.write_bytes(content)
    try:
        assert all(isinstance(v, Tensor) for v in read_state_dict(path).values())
    except WeightsError as error:
        assert "x.pth" in str(error)


@pytest.mark.parametrize("value", [{"a": 1}, {"a": torch.ones(1), "b": "text"}, [torch.ones(1)], torch.ones(3)])
def test_something_else_than_names_with_tensors_is_reported(tmp_path, value):
    with pytest.raises(WeightsError, match="expected names with tensors"):
        read_state_dict(saved(tmp_path / "x.pth", value))


def test_a_folder_is_no_state_dict(tmp_path):
    with pytest.raises(WeightsError, match="is not a file; expected a torch state dict"):
        read_state_dict(tmp_path)


# -- misfits ----------------------------------------------------------------------------------------------------------


def refused(weights: dict[str, Tensor], **fields) -> str:
    with pytest.raises(AdrecError) as caught:
        model_from_state_dict(weights, **{"heads": 2, **fields})
    return str(caught.value)


@pytest.mark.parametrize("name", ["hist_norm.bias", QUERY, "diffu.net.time_embed.2.weight"])
def test_a_missing_tensor_is_named(name):
    weights = official()
    del weights[name]
    assert f"lacks {name}." in refused(weights)


@pytest.mark.parametrize("name", [ITEM_TABLE, QUERY, "hist_norm.bias", "diffu.net.time_embed.2.weight"])
def test_a_misshapen_tensor_is_named_with_both_shapes(name):
    weights = official()
    good = tuple(weights[name].shape)
    weights[name] = weights[name][..., :-1] if name != ITEM_TABLE else weights[name][..., None]
    message = refused(weights)
    assert f"'{name}'" in message
    if name != ITEM_TABLE:
        assert f"{tuple(weights[name].shape)}; the model needs {good}" in message


def test_a_tensor_without_dimensions_is_named():
    assert f"'{QUERY}' has shape ()" in refused({**official(), QUERY: torch.tensor(1.0)})


def test_a_surplus_tensor_is_named():
    assert "has extra.weight, which this model does not have" in refused({**official(), "extra.weight": torch.ones(2)})


def test_missing_and_surplus_tensors_are_named_together():
    weights = official()
    weights["renamed"] = weights.pop("hist_norm.bias")
    message = refused(weights)
    assert "lacks hist_norm.bias" in message and "has renamed" in message


def test_of_many_missing_tensors_some_are_named_and_the_rest_counted():
    weights = {k: v for k, v in official().items() if ".attention." not in k}
    assert " and 13 more" in refused(weights)


def test_the_unused_position_table_of_sasrec_without_positions_is_accepted():
    weights = {**official(model="sasrec"), "position_embedding.weight": torch.ones(10, 16)}
    assert model_from_state_dict(weights, heads=2).config.positions is False


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_tensor_that_is_not_finite_is_named(bad):
    weights = official()
    weights[QUERY][0, 0] = bad
    assert f"'{QUERY}' holds values that are not finite" in refused(weights)


def test_a_state_dict_of_another_model_is_refused():
    assert "not from ADRec, DreamRec or SASRec" in refused({ITEM_TABLE: torch.ones(5, 4)})
    assert "no item table" in refused({"conv.weight": torch.ones(5, 4)})


def test_heads_that_do_not_divide_the_width_are_reported():
    with pytest.raises(ConfigError, match="'heads' is 3; it must be a divisor of hidden_size = 16"):
        model_from_state_dict(official(), heads=3)


# -- import -----------------------------------------------------------------------------------------------------------


def imported(path: Path, data, weights: dict[str, Tensor], **overrides: str):
    diffusion = {"timesteps": "4"} if any(name.startswith("diffu.") for name in weights) else {}
    settings = {"heads": "2", "length": "10", **diffusion, **overrides}
    return import_official(saved(path / "x.pth", weights), data, "synthetic:items=60,users=80", path / "run", settings, "test")


@pytest.mark.parametrize("kind", KINDS)
def test_an_imported_run_is_a_finished_run_with_these_weights(tmp_path, tiny_data, kind):
    fields = KINDS[kind]
    weights = official(**fields)
    run = imported(tmp_path, tiny_data, weights, **({"positions": "true"} if "positions" in fields else {}))
    assert run.status["state"] == "finished" and run.stages == ["finetune"]
    np.testing.assert_array_equal(run.table("finetune"), weights[ITEM_TABLE][1:])
    model = load_model(run)
    assert all(torch.equal(v, weights[k]) for k, v in to_official_names(model, dict(model.named_parameters())).items())


def test_weights_for_another_number_of_items_are_refused(tmp_path, tiny_data):
    with pytest.raises(WeightsError, match=r"ranks 59 items; the data set 'synthetic:items=60,users=80' has 60"):
        imported(tmp_path, tiny_data, official(n_items=59))
    assert not (tmp_path / "run").exists()


def test_an_existing_run_is_not_imported_into(tmp_path, tiny_data):
    imported(tmp_path, tiny_data, official())
    with pytest.raises(RunError, match="already exists; choose another folder"):
        imported(tmp_path, tiny_data, official())


# -- our own weights --------------------------------------------------------------------------------------------------


def changed_weights(run, path: Path, change) -> Path:
    arrays = load_arrays(run.weights_path("finetune"))
    change(arrays)
    save_arrays(path / "x.safetensors", arrays)
    return path / "x.safetensors"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda a: a.pop("hist_norm.bias"), "lacks hist_norm.bias"),
        (lambda a: a.update(extra=np.ones(2)), "has the unknown extra"),
        (lambda a: a.update({"hist_norm.bias": np.ones(3)}), r"'hist_norm.bias' has shape \(3,\); the model needs \(16,\)"),
    ],
)
def test_weights_of_ours_that_do_not_fit_are_told_by_tensor(tiny_run, tmp_path, change, told):
    with pytest.raises(WeightsError, match=told):
        load_weights(load_model(tiny_run), changed_weights(tiny_run, tmp_path, change))


def test_weights_in_half_precision_become_float32(tiny_run, tmp_path):
    def halve(arrays):
        arrays.update({k: v.astype(np.float16) for k, v in arrays.items()})

    model = load_model(tiny_run)
    load_weights(model, changed_weights(tiny_run, tmp_path, halve))
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_a_loaded_model_has_no_gradients(tiny_run):
    assert not any(p.requires_grad for p in load_model(tiny_run).parameters())


def test_each_stage_loads_as_the_model_it_trained(tiny_run):
    assert [load_model(tiny_run, s).name for s in tiny_run.stages] == ["sasrec", "adrec", "adrec"]


def test_a_stage_without_weights_is_told_with_those_there_are(tiny_run, tmp_path):
    run = type(tiny_run)(shutil.copytree(tiny_run.path, tmp_path / "copy"))
    shutil.rmtree(run.path / "stages/finetune")
    with pytest.raises(RunError, match="no weights of stage 'finetune'; it has pretrain, warmup"):
        load_model(run)


# -- pre-trained tables -----------------------------------------------------------------------------------------------


def test_a_pretrained_table_is_read_from_a_run_a_file_of_ours_or_an_official_file(tiny_run, tmp_path):
    table = load_arrays(tiny_run.weights_path("pretrain"))[ITEM_TABLE]
    theirs = saved(tmp_path / "x.pth", {ITEM_TABLE: torch.from_numpy(table)})
    for source in (tiny_run.path, tiny_run.weights_path("pretrain"), theirs):
        np.testing.assert_array_equal(read_pretrained(source, 61, 16), table)


def test_a_pretrained_table_of_another_size_is_told_with_both_sizes(tiny_run):
    with pytest.raises(WeightsError, match=r"has shape \(61, 16\); data and settings need \(501, 128\)"):
        read_pretrained(tiny_run.path, 501, 128)


def test_a_pretrained_table_that_is_not_finite_is_reported(tmp_path):
    with pytest.raises(WeightsError, match="not finite"):
        read_pretrained(saved(tmp_path / "x.pth", {ITEM_TABLE: torch.full((3, 2), torch.nan)}), 3, 2)


def test_a_pretrained_file_without_item_table_is_reported(tmp_path):
    with pytest.raises(WeightsError, match=f"no item table '{ITEM_TABLE}'"):
        read_pretrained(saved(tmp_path / "x.pth", {"other": torch.ones(3, 2)}), 3, 2)


# -- the real files ---------------------------------------------------------------------------------------------------


@pytest.mark.data
def test_the_pretrained_table_of_baby_is_read(test_data):
    table = read_pretrained(test_data / "official/baby/pretrain.pth", 4732, 128)
    assert table.dtype == torch.float32 and 0.05 < float(table.std()) < 0.2


@pytest.mark.data
def test_the_pretrained_weights_of_baby_are_sasrec_without_positions(test_data):
    model = model_from_state_dict(read_state_dict(test_data / "official/baby/pretrain.pth"))
    assert (model.name, model.config.n_items, model.config.blocks, model.config.positions) == ("sasrec", 4731, 2, False)


@pytest.mark.data
def test_weights_of_movielens_do_not_fit_the_baby_data(test_data, tmp_path, capsys):
    checkpoint, data = test_data / "official/ml-100k/adrec_trained.pth", test_data / "official/baby/dataset.pkl"
    assert main(["import-official", str(checkpoint), "--dataset", str(data), "--run", str(tmp_path / "run")]) == 2
    assert "ranks 1,008 items" in capsys.readouterr().err


@pytest.mark.data
def test_the_official_checkpoint_has_the_official_metrics(test_data, tmp_path, capsys):
    folder, run = test_data / "official/ml-100k", tmp_path / "run"
    assert main(["import-official", str(folder / "adrec_trained.pth"), "--dataset", str(folder / "dataset.pkl"), "--run", str(run)]) == 0
    assert main(["evaluate", str(run), "--split", "test", "--steps", "32", "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert (metrics["users"], metrics["steps"]) == (938, 32)
    assert 0.2215 <= metrics["hr@20"] <= 0.2255
