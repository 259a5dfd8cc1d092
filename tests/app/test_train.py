"""The Train page through AppTest, on run folders that are really there."""

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from adrec.data.dataset import ItemTable
from adrec.errors import ConfigError, RunError
from adrec.files import write_json
from adrec.models.base import MODELS
from adrec.runs import RunFolder
from app import charts, jobs, loaders, train_data
from app.progress import Follower, StageProgress, duration, summarise, thin
from app.serving import visitors
from app.texts import texts as words
from app.train_form import _next_name
from app.train_view import sentence, stage_words
from tests.app.conftest import LONG, state, trains, wait_for
from tests.app.pages import offered, open_page, plainly, texts


def write_run(root: Path, name: str, state: str, events: list[dict[str, object]], error: str | None = None) -> RunFolder:
    """A run folder with these events, as the trainer writes it."""
    run = RunFolder(root / name)
    info = {"dataset": {"name": "synthetic", "title": "Synthetic"}, "train": {"max_steps": None}, "preset": "quick"}
    run.create(info, ItemTable.untitled(["a", "b"]), np.array([0, 1, 2]))
    write_json(run.path / "status.json", {"state": state, "error": error})
    run.events_path.write_text("".join(json.dumps(e) + "\n" for e in events))
    return run


def half_way(now: float = 100.0) -> list[dict[str, object]]:
    """Pre-training done, warm-up skipped by having none, fine-tuning in its third epoch of ten."""
    metrics = {"ndcg@10": 0.25, "seconds": 2.0}
    longest = {"first_epoch": 0, "max_epochs": 10, "steps_per_epoch": 2, "last_step": 20, "validations": 1}
    return [
        {"time": now, "kind": "stage", "stage": "pretrain", "epoch": 0, "step": 0, **longest},
        {"time": now + 1, "kind": "step", "stage": "pretrain", "epoch": 0, "step": 1, "loss": 5.0},
        {"time": now + 9, "kind": "validation", "stage": "pretrain", "epoch": 6, "step": 12, "metrics": metrics, "best": True},
        {"time": now + 10, "kind": "stage_end", "stage": "pretrain", "epoch": 6, "step": 12, "seconds": 10.0, "reason": "patience"},
        {"time": now + 10, "kind": "stage", "stage": "finetune", "epoch": 0, "step": 0, **longest},
        {"time": now + 15, "kind": "step", "stage": "finetune", "epoch": 2, "step": 5, "loss": 3.0},
    ]


def test_without_a_run_the_page_says_what_to_do(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.loaders.BUNDLED", root / "none")
    app = open_page("train")
    assert not app.exception and "There is no run yet" in texts(app)


def test_a_failed_run_shows_its_sentence_and_can_be_resumed(root: Path) -> None:
    write_run(root, "bad", "failed", [], "The file 'x.csv' has no column for the item.")
    app = open_page("train", run="bad")
    assert plainly(app.error[0].value) == "The file 'x.csv' has no column for the item." and app.button(key="train.resume")


def test_between_two_stages_nothing_is_said_to_be_read() -> None:
    job = cast(Any, SimpleNamespace(run=RunFolder(Path("x")), state="running"))
    done, waiting = StageProgress("pretrain", "done"), StageProgress("finetune")
    assert "is being tested" in sentence(job, [done]) and "next stage" in sentence(job, [done, waiting])
    assert "reading its data" in sentence(job, [waiting])


def test_a_stopped_run_says_that_it_can_be_resumed(root: Path) -> None:
    write_run(root, "half", "stopped", half_way())
    assert "**half** is stopped and can be resumed where it left off." in texts(open_page("train", run="half"))


def test_a_finished_run_leads_to_its_embeddings_and_its_denoising(root: Path, tiny_run: RunFolder) -> None:
    shutil.copytree(tiny_run.path, root / "done")
    links = {e.proto.label: e.proto.query_string for e in open_page("train", run="done").get("page_link")}
    assert links == {"See its embeddings": "run=done", "Step through its denoising": "run=done"}


def test_a_run_that_cannot_be_denoised_is_not_sent_there(root: Path) -> None:
    write_run(root, "done", "finished", half_way())
    assert [e.proto.label for e in open_page("train", run="done").get("page_link")] == ["See its embeddings"]


def test_the_page_opens_with_the_first_bundled_run_or_with_ones_own(root: Path) -> None:
    assert offered(open_page("train"))[0] == loaders.FIRST
    write_run(root, "mine", "stopped", half_way())
    chosen, groups = offered(open_page("train"))
    assert chosen == "mine" and list(groups)[0] == "Your runs" and len(groups["Your runs"]) == 1


def test_runs_are_offered_by_the_question_they_answer_with_what_each_shows(root: Path) -> None:
    app = open_page("train")
    _, groups = offered(app)
    every = [title for titles in groups.values() for title in titles]
    assert all(question.endswith("?") for question in groups) and len(groups) > 3
    assert sorted(every) == sorted(run.title for run in loaders.all_runs())
    assert all(caption.endswith(".") for radio in app.radio for caption in radio.proto.captions)


def test_a_sentence_calls_a_bundled_run_by_its_title(root: Path) -> None:
    assert "SASRec+, no diffusion: a healthy table too has finished" in texts(open_page("train", run="sasrec")).replace("*", "")


def test_a_run_is_named_on_the_page_and_offered_by_its_title_and_question(root: Path) -> None:
    write_run(root, "mine", "stopped", half_way())
    app = open_page("train", run="mine")
    app.text_input(key="train.title.mine").set_value("Mine, wider")
    app.text_input(key="train.purpose.mine").set_value("To see what width does.")
    app.text_input(key="train.question.mine").set_value("How wide?")
    app.button(key="train.save").click().run()
    _, groups = offered(open_page("train", run="mine"))
    assert len(groups["How wide?"]) == 1 and groups["How wide?"][0].startswith("Mine, wider · mine")
    assert jobs.RunFolder(root / "mine").info["purpose"] == "To see what width does."


def test_a_title_that_is_too_long_is_refused_in_a_sentence(root: Path) -> None:
    write_run(root, "mine", "stopped", half_way())
    with pytest.raises(ConfigError, match="title has 101 characters; it must be one line of at most 100"):
        jobs.describe(root, "mine", {"title": "x" * 101})


def test_a_run_is_deleted_after_one_question(root: Path) -> None:
    write_run(root, "mine", "stopped", half_way())
    app = open_page("train", run="mine")
    assert "is deleted for good" in texts(app) and (root / "mine").is_dir()
    app.button(key="train.delete").click().run()
    assert not (root / "mine").exists() and not app.exception and offered(app)[0] == loaders.FIRST


def test_a_run_that_trains_is_neither_named_nor_deleted(root: Path) -> None:
    run = write_run(root, "mine", "running", half_way())
    with run.owned(exist_ok=True):
        for refused in (lambda: jobs.delete(root, "mine"), lambda: jobs.describe(root, "mine", {"title": "Mine"})):
            with pytest.raises(RunError, match=r"'mine' is training or waiting to: stop it before (deleting|naming) it\."):
                refused()
    assert run.exists and run.title != "Mine"


def test_a_bundled_run_offers_neither_name_nor_end_and_says_so(root: Path) -> None:
    app = open_page("train", run=loaders.FIRST)
    assert "it can be neither renamed nor deleted" in texts(app)
    assert not {button.key for button in app.button} & {"train.save", "train.delete"}


def test_the_curves_are_there_and_carry_the_stages_names(root: Path) -> None:
    write_run(root, "half", "stopped", half_way())
    specs = [json.loads(chart.proto.spec) for chart in open_page("train", run="half").get("plotly_chart")]
    assert len(specs) == 2 and "Fine-tune" in json.dumps(specs[0]["layout"]["annotations"])


def test_an_unknown_run_in_the_link_is_named(root: Path) -> None:
    write_run(root, "half", "stopped", half_way())
    assert "There is no run called 'gone' here." in texts(open_page("train", run="gone"))


@pytest.mark.slow
def test_pressing_start_trains_with_the_chosen_settings(root: Path) -> None:
    app = open_page("train")
    app.selectbox(key="train.data").set_value("synthetic").run()
    app.text_area(key="train.adrec.quick.other").set_value("max_steps = 2\ntimesteps = 4\nlength = 10").run()
    app.selectbox(key="train.adrec.quick.hidden_size").set_value(32).run()
    next(b for b in app.button if b.label == "Start training").click().run()
    wait_for(lambda: state(root, "synthetic-1") == "finished", 120)
    info = RunFolder(root / "synthetic-1").info
    assert (info["model"]["hidden_size"], info["model"]["timesteps"], info["train"]["max_steps"]) == (32, 4, 2)


def test_no_folder_of_the_machine_is_shown_and_a_finished_run_without_a_log_is_not_said_to_write_one_yet(root: Path) -> None:
    app = open_page("train", run="ml-100k")
    assert all(str(root.parent) not in code.value for code in app.code)
    assert words("train")["noLog"]["ended"] in [code.value for code in app.code]


def test_a_typed_name_survives_another_choice_of_data(root: Path) -> None:
    app = open_page("train")
    app.text_input(key="train.name").set_value("mine").run()
    app.selectbox(key="train.data").set_value("synthetic").run()
    assert app.text_input(key="train.name").value == "mine" and f"--run={root.name}/mine" in app.code[-1].value


def test_an_impossible_setting_is_refused_in_one_sentence_and_queues_nothing(root: Path) -> None:
    app = open_page("train")
    app.text_area(key="train.adrec.quick.other").set_value("speed = 9").run()
    next(b for b in app.button if b.label == "Start training").click().run()
    assert plainly(app.error[0].value).startswith("Unknown setting 'speed'") and jobs.jobs(root) == []


def test_a_missing_file_is_refused_before_anything_is_queued(root: Path) -> None:
    app = open_page("train")
    app.selectbox(key="train.data").set_value(train_data.OWN).run()
    app.text_input(key="train.path").set_value("/no/such.csv").run()
    next(b for b in app.button if b.label == "Start training").click().run()
    assert "'/no/such.csv' is neither" in plainly(app.error[0].value) and jobs.jobs(root) == []


def read_on_the_page(root: Path, path: Path) -> AppTest:
    """The Train page with a person's own file."""
    app = open_page("train")
    app.selectbox(key="train.data").set_value(train_data.OWN).run()
    app.text_input(key="train.path").set_value(str(path)).run()
    assert not app.exception
    return app


def interactions(path: Path, time: str) -> Path:
    """A file of 40 users with five interactions each, whose times are in the column ``time``."""
    lines = [f"u{user},i{(user + at) % 12},{1_500_000_000 + 1000 * at}" for user in range(40) for at in range(5)]
    path.write_text(f"user_id,item_id,{time}\n" + "\n".join(lines) + "\n")
    return path


@pytest.mark.slow
@pytest.mark.usefixtures("read_here")
def test_a_file_is_read_before_anything_is_trained_and_a_changed_column_goes_to_the_training(root: Path, tmp_path: Path) -> None:
    app = read_on_the_page(root, interactions(tmp_path / "mine.csv", "timestamp"))
    start = next(b for b in app.button if b.label == "Start training")
    assert "Read 200 rows**: 40 users and 12 items" in texts(app) and len(app.dataframe[0].value) == 5 and not start.disabled
    next(box for box in app.selectbox if box.label == "Time").set_value("none").run()
    assert "Rows are taken in file order, as asked." in texts(app)
    assert "--data-option time=none" in [code.value for code in app.code] and "--data-option=time=none" in app.code[-1].value


@pytest.mark.slow
@pytest.mark.usefixtures("read_here")
def test_filters_and_the_path_are_kept_and_go_to_the_training(root: Path, tmp_path: Path) -> None:
    path = interactions(tmp_path / "mine.csv", "timestamp")
    app = open_page("train", file=str(path), options="time=none")  # as after a reload
    assert "--data-option time=none" in [code.value for code in app.code]
    next(field for field in app.text_input if field.label == "Filters of the interactions").set_value("drop_users=u1").run()
    assert "Read 195 rows" in texts(app) and "Left out: 5 rows of users in drop_users" in texts(app)
    assert "--data-option drop_users=u1 --data-option time=none" in [code.value for code in app.code]
    assert "--data-option=drop_users=u1" in app.code[-1].value
    next(field for field in app.text_input if field.label == "Filters of the interactions").set_value("speed=9").run()
    assert "'speed' is not an option" in plainly(app.error[0].value)


@pytest.mark.slow
@pytest.mark.usefixtures("read_here")
def test_an_open_question_about_a_file_is_settled_before_a_training_may_start(root: Path, tmp_path: Path) -> None:
    app = read_on_the_page(root, interactions(tmp_path / "mine.csv", "event_timestamp"))
    assert next(b for b in app.button if b.label == "Start training").disabled
    assert "Which column holds the times?" in texts(app) and "Answer the question about your data above to start." in texts(app)
    next(radio for radio in app.radio if str(radio.key).endswith(".time.candidate")).set_value(0).run()
    next(b for b in app.button if b.label == "Use this").click().run()
    start = next(b for b in app.button if b.label == "Start training")
    assert not start.disabled and "--data-option=time=event_timestamp" in app.code[-1].value
    start.click().run()
    assert "--data-option=time=event_timestamp" in json.loads((root / "mine-1" / "job.json").read_text())["arguments"]


def test_a_new_run_cannot_be_called_like_a_bundled_one(root: Path) -> None:
    app = open_page("train")
    app.text_input(key="train.name").set_value(loaders.FIRST).run()
    next(b for b in app.button if b.label == "Start training").click().run()
    assert "choose another name" in plainly(app.error[0].value) and jobs.jobs(root) == []


def test_a_bundled_run_stays_itself_beside_a_persons_run_of_that_name(root: Path) -> None:
    write_run(root, loaders.FIRST, "failed", [], "Mine went wrong.")
    assert "Mine went wrong." not in texts(open_page("train", run=loaders.FIRST))
    assert "Mine went wrong." in texts(open_page("train", run=f"{loaders.FIRST} (own)"))


def test_an_untouched_form_asks_for_nothing_but_the_preset(root: Path) -> None:
    app = open_page("train")
    for model, kind in MODELS.items():
        app.selectbox(key="train.model").set_value(model).run()
        for preset in kind.presets:
            choice = app.selectbox(key=f"train.{model}.preset")
            if choice.value != preset:
                choice.set_value(preset).run()
            assert not app.exception
            assert f"--model={model} --preset={preset} --run=" in app.code[-1].value
        card = plainly(app.selectbox(key=f"train.{model}.preset").help).replace("\u2060", "")  # which keeps @ from making links
        assert kind.source in card and kind.differences in card


def test_describing_the_data_counts_it_and_a_named_set_is_split_by_time_where_it_can_be(root: Path) -> None:
    app = open_page("train")
    app.selectbox(key="train.data").set_value("ml-100k").run()
    app.selectbox(key="train.split.ml-100k").set_value(train_data.OFFERED).run()
    assert "--dataset=ml-100k --data-option=split=time:0.8,0.1,0.1" in app.code[-1].value
    app.selectbox(key="train.data").set_value("synthetic").run()
    app.button(key="train.describe").click().run()
    assert not app.exception and "1,000 users, 500 items, 19,430 interactions" in texts(app)


@pytest.mark.usefixtures("read_here")
def test_what_own_data_are_like_is_shown_with_when_they_happened_and_they_are_split_by_time_where_asked(root: Path, tmp_path: Path) -> None:
    app = read_on_the_page(root, interactions(tmp_path / "x.csv", "timestamp"))
    assert "40 users, 12 items, 200 interactions: 41.7 % of all pairs." in texts(app)
    assert "No test answer lies before a training interaction." in texts(app)
    next(box for box in app.selectbox if box.label == "Split").set_value(train_data.OFFERED).run()
    assert "cannot be split as time:0.8,0.1,0.1" in plainly(app.error[0].value)  # everybody chose at the same five times
    next(box for box in app.selectbox if box.label == "Split").set_value(None).run()
    assert not app.error and "split=" not in app.code[-1].value
    later = [f"u{user},i{(user + at) % 12},{1_500_000_000 + 1000 * user + 7000 * at}" for user in range(40) for at in range(5)]
    (tmp_path / "y.csv").write_text("\n".join(["user_id,item_id,timestamp", *later]))
    app.text_input(key="train.path").set_value(str(tmp_path / "y.csv")).run()
    next(box for box in app.selectbox if box.label == "Split").set_value(train_data.OFFERED).run()
    assert "Split at " in texts(app) and "--data-option=split=time:0.8,0.1,0.1" in app.code[-1].value
    figure = charts.timeline({"A": {"train": [3, 1], "val": [0, 1], "test": [0, 0]}}, None, None)
    assert [list(bar.customdata) for bar in figure.data] == [[3, 1], [0, 1], [0, 0]]


@pytest.mark.slow
def test_stop_and_resume_buttons_do_what_they_say(root: Path) -> None:
    jobs.submit(root, "one", LONG)
    wait_for(lambda: trains(root, "one"))
    app = open_page("train", run="one")
    app.button(key="train.stop").click().run()
    wait_for(lambda: state(root, "one") == "stopped")
    app = open_page("train", run="one")
    app.button(key="train.resume").click().run()
    wait_for(lambda: state(root, "one") == "running")


def test_the_time_left_follows_from_the_pace_of_the_stage() -> None:
    stages = {s.name: s for s in summarise(half_way(), alive=True)}
    assert stages["finetune"].left == pytest.approx(15.0)  # 5 of 20 steps took 5 seconds
    assert stage_words(stages["finetune"]) == "epoch 3 of at most 10, at most 15 s left, plus validation"


def test_the_time_left_counts_a_validation_as_what_it_took() -> None:
    metrics = {"ndcg@10": 0.25, "seconds": 30.0}
    events = half_way()[:-1] + [
        {"time": 110.0, "kind": "stage", "stage": "finetune", "epoch": 0, "step": 0, "first_epoch": 0, "max_epochs": 10}
        | {"steps_per_epoch": 2, "last_step": 20, "validations": 3},
        {"time": 120.0, "kind": "step", "stage": "finetune", "epoch": 5, "step": 10, "loss": 3.0},
        {"time": 150.0, "kind": "validation", "stage": "finetune", "epoch": 5, "step": 10, "metrics": metrics, "best": True},
    ]
    finetune = summarise(events, alive=True)[2]
    assert finetune.left == pytest.approx(10.0 + 2 * 30.0) and finetune.left_with_validation


def test_max_steps_shortens_what_is_left() -> None:
    events = half_way()
    events[-2] |= {"last_step": 10}
    assert summarise(events, alive=True)[2].fraction == 0.5


def test_a_stage_that_was_passed_over_is_skipped() -> None:
    stages = summarise(half_way(), alive=True)
    assert [s.state for s in stages] == ["done", "skipped", "running"]
    assert stage_words(stages[1]) == stage_words(stages[1], given=True) == "left out in this run's settings"


def test_pre_training_is_skipped_where_the_table_was_given() -> None:
    first = summarise(half_way(), alive=True)[0]
    first.state = "skipped"
    assert (stage_words(first), stage_words(first, given=True)) == ("left out in this run's settings", "skipped: the item table was given")


def test_a_stage_without_its_process_is_interrupted() -> None:
    assert summarise(half_way(), alive=False)[2].state == "interrupted"


def test_following_begins_anew_when_resuming_cut_the_file(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    lines = [json.dumps({"kind": "step", "step": i, "time": 1.0, "epoch": 0, "loss": 1.0}) + "\n" for i in range(6)]
    run.events_path.write_text("".join(lines))
    follower = Follower(run)
    assert len(follower.events()) == 6
    run.events_path.write_text("".join(lines[:3]) + json.dumps({"kind": "resumed"}) + "\n" + "".join(lines[3:]))
    assert [e.get("step") for e in follower.events()] == [0, 1, 2, None, 3, 4, 5]


def test_two_who_watch_one_training_see_every_event_once(tmp_path: Path) -> None:
    class Slow(RunFolder):
        def events(self, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
            found = super().events(offset)
            time.sleep(0.1)  # while the other one asks too
            return found

    run = Slow(tmp_path)
    lines = [json.dumps({"kind": "step", "step": i, "time": 1.0, "epoch": 0, "loss": 1.0}) + "\n" for i in range(5)]
    run.events_path.write_text("".join(lines))
    follower = Follower(run)
    with ThreadPoolExecutor(2) as tabs:
        seen = list(tabs.map(lambda _: follower.events(), range(2)))
    assert [len(events) for events in seen] == [5, 5]


def test_thinning_keeps_the_mean_of_a_curve() -> None:
    points = [(float(i), float(i % 7)) for i in range(2000)]
    kept = thin(points, 400)
    assert len(kept) <= 400 and np.mean([y for _, y in kept]) == pytest.approx(np.mean([y for _, y in points]))


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (1500, "25 min"), (7260, "2 h 1 min")])
def test_durations_read_as_a_person_says_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize("data", ["/data/" + "x" * 300 + ".csv", "/data/Größe 日本.csv", "synthetic:items=40", "..."])
def test_the_suggested_name_is_one_that_is_allowed(root: Path, data: str) -> None:
    jobs.check_name(root, _next_name(root, data))


def test_the_thousandth_run_of_one_data_set_gets_a_name(root: Path) -> None:
    for number in range(1, 1000):
        (root / f"synthetic-{number}").mkdir()
    assert _next_name(root, "synthetic") == "synthetic-1000"


@pytest.mark.parametrize("mode", ["public", "classroom"])
def test_a_public_page_says_how_to_train_at_home_and_offers_nothing_that_changes_a_run(
    root: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADREC_MODE", mode)
    monkeypatch.setattr(visitors, "_cookie", lambda: None)  # AppTest's are no cookies
    write_run(root, "half", "stopped", half_way())
    app = open_page("train", run="half", file="/etc/passwd")
    assert not app.exception and "This server trains nothing" in texts(app)
    assert "adrec train --dataset=ml-100k" in app.code[-1].value
    assert not app.text_input and not [button for button in app.button if not str(button.key).startswith("state.")]
