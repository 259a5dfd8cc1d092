"""The Compare page: which runs are on screen, what is said of them, and what is computed."""

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adrec.errors import RunError
from adrec.experiments.statistics import Comparison
from adrec.files import read_json, write_json
from adrec.runs import RunFolder
from app import loaders, projecting
from app.compare import answer, facts, kept, looks, measuring, table, users
from tests.app.pages import open_page, texts

TWO = "Does ADRec work, and what does diffusion add?"


def repeated(root: Path, name: str, *, ranks: np.ndarray | None = None, source: str = "ml-100k", **changes: Any) -> RunFolder:
    """A finished run of a person's own: a copy of a bundled one with these entries of run.json."""
    run = RunFolder(
        shutil.copytree(
            loaders.BUNDLED / source, root / name, ignore=shutil.ignore_patterns("projections", "film.npz", "lists.npz", "judged.json")
        )
    )
    info = {key: value for key, value in read_json(run.path / "run.json").items() if key not in ("question", "title", "purpose")}
    write_json(run.path / "run.json", {**info, **changes})
    if ranks is not None:
        np.save(run.path / "stages" / "finetune" / "test_ranks.npy", ranks)
    return run


def compared(app: Any) -> dict[str, Any]:
    """What the browser got of the table."""
    found = next(e for e in app.get("bidi_component") if e.proto.component_name == "adrec_comparison")
    return dict(json.loads(found.proto.json))


def test_the_page_opens_with_the_models_of_one_question_and_says_which_to_deploy() -> None:
    app = open_page("compare", question="none of these")
    assert not app.exception and not app.error
    shown = compared(app)
    names = ["Item-kNN, counting alone", "EASE, one linear map", "ADRec, the paper's settings", "SASRec+, no diffusion"]
    assert [row["name"] for row in shown["rows"]] == [*names, "Popularity, the same list for everybody"]
    said = texts(app)
    assert "is ahead: HR@10 15.88 %, 3.41 points above EASE" in said and "I would deploy" in said and "None of the item tables" in said
    assert "not known yet" not in said and "came without their model" not in said  # what they recommend is bundled with them


def test_what_the_models_of_the_first_question_recommend_is_there_when_the_page_opens() -> None:
    app = open_page("compare", look="lists", columns="lists")
    assert not app.exception and all(row["cells"]["coverage@10"]["text"] != "–" for row in compared(app)["rows"])


def test_one_run_of_a_link_brings_all_seeds_of_its_model_and_other_data_are_not_compared(root: Path) -> None:
    for seed in (1, 2):
        repeated(root, f"own-{seed}", train={**RunFolder(loaders.BUNDLED / "ml-100k").info["train"], "seed": seed}, seed=seed)
    other = {**RunFolder(loaders.BUNDLED / "ml-100k").info["dataset"], "hash": "0" * 64, "title": "Other films"}
    repeated(root, "elsewhere", source="sasrec", dataset=other)
    app = open_page("compare", runs="own-2,elsewhere,sasrec,gone")
    rows = {row["name"]: row for row in compared(app)["rows"]}
    assert set(rows) == {"own", "elsewhere", "SASRec+, no diffusion"} and "not here or not finished: gone" in texts(app)
    assert "2 seeds" in rows["own"]["about"] and "± 0.00 seeds" in rows["own"]["cells"]["hr@10"]["note"]
    assert rows["elsewhere"]["cells"]["difference"] == {"value": None, "text": "–", "note": "other data"}
    assert "1 of other data, another split or another way of ranking (elsewhere)" in texts(app)


@pytest.mark.parametrize("look", ["training", "users", "lists", "tables"])
def test_only_the_look_on_screen_is_computed(look: str, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[str] = []
    for name in ("training", "lists", "tables"):
        monkeypatch.setattr(looks, name, lambda *_, name=name: used.append(name))
    monkeypatch.setattr(users, "show", lambda *_: used.append("users"))
    assert not open_page("compare", look=look).exception and used == [look]


def test_every_look_and_every_set_of_columns_opens_with_all_bundled_runs() -> None:
    for parameters in ({"look": "training", "axis": "seconds"}, {"look": "users"}, {"look": "lists"}, {"look": "tables"}):
        app = open_page("compare", question="any", cost="training", **parameters)
        assert not app.exception and not app.error and len(compared(app)["rows"]) >= 16
    for columns in ("ranking", "lists", "whom"):
        app = open_page("compare", question="any", columns=columns, sort="hr@5-up")
        assert not app.exception and compared(app)["sort"] == "hr@5-up"


def group(name: str, value: float, seconds: float) -> facts.Group:
    known = facts.Facts(name, name, "adrec", "", "d", "h", {}, 1, {"hr@10": value, "users": 100}, 1.0, True, True)
    return facts.Group(name, (), (known,))


def outcome(difference: float, says: str) -> Comparison:
    return Comparison(difference, difference - 0.02, difference + 0.02, 0.0, 0.5, 0.001 if says != "no difference found" else 0.5)


@pytest.mark.parametrize(
    ("other", "seconds", "says", "broken", "chosen"),
    [
        (0.198, 0.001, "no difference found", {}, "**other**"),
        (0.198, 0.008, "no difference found", {}, "**best**"),
        (0.15, 0.001, "no difference found", {}, "**best**"),
        (0.198, 0.001, "lower", {}, "**best**"),
        (0.15, 0.02, "no difference found", {"best": "narrowing"}, "**other**"),
        (0.15, 0.02, "lower", {"best": "narrowing"}, "none"),
    ],
)
def test_the_best_is_deployed_unless_a_much_faster_one_hardly_differs_or_it_has_collapsed(
    other: float, seconds: float, says: str, broken: dict[str, str], chosen: str
) -> None:
    best, second = group("best", 0.2, 0.01), group("other", other, seconds)
    tests = {"other": outcome(other - 0.2, says)}
    said = answer.deploy(best, [best, second], "hr@10", tests, {"best": 0.01, "other": seconds}, broken)
    assert said.startswith(f"I would deploy {chosen}")


def test_who_gains_and_who_loses_adds_up_and_a_user_opens_with_both_models_side_by_side() -> None:
    app = open_page("compare", runs="ml-100k,noise-1", look="users", one="noise-1", other="ml-100k")
    one, other = (loaders.bundled(name) for name in ("noise-1", "ml-100k"))
    assert one is not None and other is not None and not app.exception
    found = facts.differences((one,), (other,), "hr@10")
    assert found is not None
    if kept.users(one) is not None:
        assert f"{(found > 0).sum()} gain" in texts(app) and f"{(found < 0).sum()} lose" in texts(app)
    link = users._link("7", [one, other])
    assert link == {"run": "noise-1", "view": "user", "user": "7", "compare": "run", "against": "ml-100k"}
    assert not open_page("denoising", **link).exception


def test_what_is_measured_in_the_background_is_kept_with_the_run_and_fills_the_columns(root: Path) -> None:
    run = repeated(root, "mine", source="sasrec")
    (run.path / "diagnosis.json").unlink()
    loaded = loaders.find_run("mine")
    assert loaded is not None
    if loaders.dataset(loaded)[0] is None:
        pytest.skip("the ratings are not on this machine")
    assert kept.missing(loaded) and "coverage@10" not in kept.measured(loaded)
    told: list[float] = []
    damaged = repeated(root, "damaged", source="sasrec")
    (damaged.path / "stages" / "finetune" / "model.safetensors").write_bytes(b"x")
    with pytest.raises(RunError, match="damaged"):  # when the others are done
        measuring.measure([damaged, RunFolder(run.path)], lambda share, words: told.append(share))
    assert told == [0.0, 0.5] and not kept.missing(loaded)
    assert 0 < kept.measured(loaded)["coverage@10"] <= 1 and kept.judgment(loaded) is not None
    mine = facts.Group("mine", (loaded,), (facts.facts(loaded),))  # type: ignore[arg-type]
    assert kept.seconds_a_user([mine], mine)[1]


def test_the_data_of_the_table_hold_every_number_in_plain_units() -> None:
    every, _ = facts.all_groups()
    shown = sorted((g for g in every if g.first.question == TWO), key=lambda g: -g.mean("hr@10"))
    frame = table.frame(shown, shown[0], "hr@10", facts.against(shown, shown[0], "hr@10"))
    assert frame["hr@10"].tolist() == [g.mean("hr@10") for g in shown] and frame["p_holm"].iloc[1] < 0.05
    assert {"training seconds", "table", "effective rank"} <= set(frame.columns)


def test_measuring_begins_on_a_press_with_the_runs_that_lack_something_and_shows_how_far_it_is(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repeated(root, "mine", source="sasrec")
    loaded = loaders.find_run("mine")
    assert loaded is not None
    if loaders.dataset(loaded)[0] is None:
        pytest.skip("the ratings are not on this machine")
    started: list[str] = []
    alive = projecting.Job(None, 0.25, "mine", reader=threading.current_thread())  # type: ignore[arg-type]
    monkeypatch.setattr(projecting, "start", lambda *runs, module: started.extend(run.name for run in runs))
    monkeypatch.setattr(projecting, "job", lambda *runs, module: alive if runs else None)
    app = open_page("compare", runs="mine")
    app = next(b for b in app.button if b.key == "compare.measure").click().run()
    assert started == ["mine"] and not app.exception and [b.key for b in app.button if "compare" in str(b.key)] == ["compare.cancel"]
