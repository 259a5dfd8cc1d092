"""A trajectory to take along: JSON, table and the self-contained page."""

import base64
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adrec import browser
from adrec.browser import wire
from adrec.cli import main
from adrec.data.titles import most_popular, titled
from adrec.explain import export, scene, words
from adrec.explain.records import Trajectory
from adrec.explain.seeds import fewer_steps, seed_sweep
from adrec.explain.trajectory import trajectory, user_trajectory
from adrec.models.loading import load_model


@pytest.fixture(scope="module")
def walk(tiny_run, tiny_data) -> Trajectory:
    return user_trajectory(load_model(tiny_run), tiny_data, 5, seed=2, popular=most_popular(tiny_run.items))


@pytest.fixture(scope="module")
def title(tiny_run):
    return titled(tiny_run.items)


@pytest.fixture(scope="module")
def layout(tiny_run) -> scene.Layout:
    return scene.layout(tiny_run.tables(), "finetune")


@pytest.fixture(scope="module")
def page(walk, layout, title) -> str:
    return export.page(walk, layout, title, name="tiny", user="u<5>")


def saved(page: str, kind: str) -> str:
    return base64.b64decode(re.search(f'href="data:{kind};base64,([^"]*)"', page)[1]).decode()


def test_the_exported_page_is_complete_and_makes_no_request(page):
    assert re.findall(r'(?:src|href)="(?!data:)[^"]*"', page) == [] and "import(" not in page
    assert "url(" not in page and not re.search(r"\{\{ \w+ \}\}|\{%", page) and "default-src 'none'" in page
    assert all(browser.text(name) in page for name in ("trajectory.css", "scrubber.css", "scrubber.html"))
    assert browser.script("scrubber.js") in page


def test_the_page_carries_the_scene_that_the_app_shows(page, walk, title, tiny_run):
    data = base64.b64decode(re.search(r'id="scene">([^<]*)<', page)[1])
    step, (got,) = int.from_bytes(data[:4], "little"), wire.unblock(data, 4)
    assert (step, got["steps"], got["target"], got["popular"]) == (4, 4, walk.target, walk.popular)
    np.testing.assert_array_equal(got["top"].reshape(5, 10)[1:], walk.top)
    for name in ("margin", "cosine_to_history", "cosine_to_popular", "cosine_to_target", "entropy"):
        np.testing.assert_allclose(got[name], getattr(walk, name), rtol=1e-6)
    assert got["rival"].tolist() == walk.rival.tolist()
    assert {str(i) for name in ("top", "near", "rival") for i in got[name].tolist()} <= set(got["titles"])


def test_the_nearest_items_of_the_scene_are_nearest_by_cosine(walk, title, layout, tiny_run):
    table = load_model(tiny_run).item_embedding.weight.numpy()
    (got,) = wire.unblock(scene.blob(walk, layout, title))
    near = got["near"].reshape(5, got["near_k"])
    unit = table[1:] / np.linalg.norm(table[1:], axis=1, keepdims=True)
    for row, vector in zip(near, [walk.x_t[0], *walk.x0_hat], strict=True):
        assert row.tolist() == (np.argsort(-(unit @ vector), kind="stable")[:3] + 1).tolist()


def test_every_number_of_the_scene_is_in_the_json(walk, title, layout):
    (got,) = wire.unblock(scene.blob(walk, layout, title))
    told = export.document(walk, layout, title)
    steps, on_map = told["steps"], told["map"]
    rows = [told["start"], *steps]
    everywhere = {
        "top": [[item["id"] for item in row["top"]] for row in rows],
        "probability": [[item["probability"] for item in row["top"]] for row in rows],
        "rank": [row["target_rank"] for row in rows],
        "target_probability": [row["target_probability"] for row in rows],
        "answer_rank": [row["answer_rank"] for row in rows],
        "rival": [step["rival"]["id"] for step in steps],
        "near": [[item["id"] for item in place["nearest"][:3]] for place in (on_map["x_t"][0], *on_map["x0_hat"])],
        "x0_path": [place["at"] for place in on_map["x0_hat"]],
        "xt_path": [place["at"] for place in on_map["x_t"]],
        "x0_error": [place["lost"] for place in on_map["x0_hat"]],
        "xt_error": [place["lost"] for place in on_map["x_t"]],
        **{name: [step[name] for step in steps] for name in got["arrays"] if name.startswith("cosine") or name in ("entropy", "margin")},
    }
    assert {*everywhere} == {*got["arrays"]} - {"layout"}  # the items' own places are no result of the trajectory
    for name, values in everywhere.items():
        np.testing.assert_allclose(got[name], np.ravel(values), rtol=1e-5, atol=1e-5, err_msg=name)
    assert on_map["method"] == "PCA" and on_map["note"] == layout.note


def test_the_page_holds_json_and_table_of_the_trajectory(page, walk, title, layout):
    assert json.loads(saved(page, "application/json")) == json.loads(json.dumps(export.document(walk, layout, title, "u<5>")))
    assert saved(page, "text/csv") == export.table(walk, title).to_csv(index=False)
    assert "u&lt;5&gt;" in page and "<title>How noise becomes a recommendation: tiny, user u&lt;5&gt;</title>" in page


HOSTILE = "</script><b>{{SCENE}} {% raw %} {{ scene }} \u2028 ]]> <!-- ' \" &amp;"


def test_a_title_cannot_bring_markup_or_end_the_script(walk, layout):
    evil = export.page(walk, layout, lambda i: f"{HOSTILE}{i}", name=HOSTILE, user=HOSTILE)
    plain = export.page(walk, layout, lambda i: f"title {i}", name="x", user="y")
    assert evil.count("</script>") == 2 and "<b>{" not in evil and "<!--" not in evil
    tags = [re.sub(r'(download|href)="[^"]*"', "", tag) for tag in re.findall(r"<[^>]*>", plain)]
    assert [re.sub(r'(download|href)="[^"]*"', "", tag) for tag in re.findall(r"<[^>]*>", evil)] == tags


def test_any_title_reaches_the_scene_and_the_downloads_unchanged(walk, layout):
    evil = export.page(walk, layout, lambda i: f"{HOSTILE}{i}", name="x")
    (got,) = wire.unblock(base64.b64decode(re.search(r'id="scene">([^<]*)<', evil)[1]), 4)
    assert got["titles"]["1"] == f"{HOSTILE}1"
    assert json.loads(saved(evil, "application/json"))["steps"][0]["top"][0]["title"].startswith(HOSTILE)


def test_the_table_has_a_row_for_each_place_of_each_step(walk, title):
    rows = export.table(walk, title)
    assert len(rows) == 5 * 10 and rows["id"].tolist() == [*walk.start_top, *walk.top.ravel()]
    np.testing.assert_allclose(rows["probability"], [*walk.start_probabilities, *walk.top_probabilities.ravel()])
    noise, *_ = rows[rows["place"] == 1].to_dict("records")
    assert (noise["step"], noise["target_rank"]) == (0, walk.start_target_rank) and pd.isna(noise["t"]) and pd.isna(noise["margin"])
    assert list(rows)[:4] == ["step", "t", "target_rank", "answer_rank"] and list(rows)[-5:] == [
        "place",
        "id",
        "title",
        "score",
        "probability",
    ]
    assert [line.split(",")[1] for line in rows.to_csv(index=False).splitlines()[1::10]] == ["", "3", "2", "1", "0"]
    first = rows[(rows["place"] == 1) & (rows["step"] > 0)]
    for name in ("margin", "entropy", "target_rank", "cosine_to_history", "cosine_to_final"):
        np.testing.assert_allclose(first[name], getattr(walk, name))
    assert first["answer_rank"].tolist() == walk.answer_rank[1:].tolist()
    assert first["t"].tolist() == walk.timesteps.tolist() and first["rival"].tolist() == [title(i) for i in walk.rival]


def test_the_document_has_headline_seed_sweep_and_fewer_steps(walk, title, layout, tiny_run):
    model = load_model(tiny_run)
    many, few = seed_sweep(model, walk.history, walk.target, seeds=3), fewer_steps(model, walk.history, walk.target, seeds=3)
    told = export.document(walk, layout, title, "5", many, few)
    assert told["headline"] == words.headline(walk, title, words.TEXT) and "*" not in told["headline"]
    assert told["seed_sweep"] == many.to_json(title) and [f["steps"] for f in told["fewer_steps"]] == [1, 2, 4]
    assert "seed_sweep" not in export.document(walk, layout, title)


def test_without_a_target_or_popularity_the_scene_leaves_them_out(tiny_run, title, layout):
    alone = trajectory(load_model(tiny_run), [4])
    page = export.page(alone, layout, title, name="x")
    (got,) = wire.unblock(base64.b64decode(re.search(r'id="scene">([^<]*)<', page)[1]), 4)
    assert got["target"] is got["popular"] is None and "rank" not in got and "cosine_to_popular" not in got
    assert "a composed history" in page and "Came next" not in page


def test_the_command_writes_report_table_and_seeds(tiny_run, tiny_data, tmp_path: Path, capsys):
    out, csv = tmp_path / "out.html", tmp_path / "out.csv"
    files = ["--report", str(out), "--csv", str(csv)]
    assert main(["trajectory", str(tiny_run.path), "--index", "5", "--seed", "2", "--seeds", "4", "--json", *files]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["seed_sweep"]["seeds"]) == 4 and told["fewer_steps"][-1]["common"] == 10
    assert json.loads(saved(out.read_text(), "application/json"))["steps"] == told["steps"]
    assert pd.read_csv(csv)["margin"][10] == pytest.approx(told["steps"][0]["margin"])


def test_without_a_map_the_rest_is_still_reported(tiny_run, tmp_path, capsys):
    run = Path(shutil.copytree(tiny_run.path, tmp_path / "run"))
    (run / "stages" / "pretrain" / "model.safetensors").write_bytes(b"broken")
    of = ["trajectory", str(run), "--history", tiny_run.items["item"][1]]
    assert main(of) == 0 and "Its first choice is" in capsys.readouterr().out
    assert main([*of, "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["map"] is None and shown.err.startswith("adrec: There is no map: ")
    assert main([*of, "--report", str(tmp_path / "out.html")]) == 2 and not (tmp_path / "out.html").exists()


def test_a_report_that_cannot_be_written_is_one_sentence(tiny_run, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["trajectory", str(tiny_run.path), "--history", "1;2", "--report", str(tmp_path / "file" / "x.html")]) == 2
    assert capsys.readouterr().err.startswith("adrec: ")


def test_a_run_without_titles_shows_ids(tiny_run, tmp_path, capsys):
    run = Path(shutil.copytree(tiny_run.path, tmp_path / "untitled"))
    items = tiny_run.items
    items[["item"]].assign(title=items["item"]).to_csv(run / "items.csv")
    assert main(["trajectory", str(run), "--history", f"{items['item'][3]};{items['item'][3]}", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [h["title"] for h in told["history"]] == [items["item"][3]] * 2 and told["popular"] is None
