"""The Denoising page through AppTest, its words, and the scene that its scrubber is given."""

import re
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from adrec.browser import wire
from adrec.data.dataset import SequenceDataset
from adrec.data.titles import titled
from adrec.errors import AdrecError, DataError
from adrec.evaluation import evaluate
from adrec.explain import scene, words
from adrec.explain.all_users import all_users, cached_all_users, with_outcome
from adrec.explain.records import Trajectory
from adrec.explain.trajectory import user_trajectory
from adrec.files import save_arrays, write_json
from adrec.models.loading import load_model
from adrec.parallel.threads import one_thread
from adrec.runs import ITEM_TABLE, RunFolder
from adrec.training.session import describe_run, train_run
from app import computing, loaders, measuring, projecting
from app.denoising import data, view
from tests.adrec.small import plan
from tests.app.conftest import wait_for
from tests.app.pages import open_page, pick, plainly, texts

TRAINING = "One training per λ"


@pytest.fixture
def run(root: Path, tiny_run: RunFolder) -> RunFolder:
    """The tiny run among the person's own runs."""
    shutil.copytree(tiny_run.path, root / "tiny")
    return RunFolder(root / "tiny")


@pytest.mark.parametrize("noise", [[], [3], [3, "4"], [{}, 4], [[], []], [1, 2, 3]])
def test_a_forged_choice_of_noise_changes_nothing(noise: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view.state, "put", lambda **_: pytest.fail("is noted"))
    view.renoise(4, noise)


@pytest.fixture(scope="module")
def found(tiny_run: RunFolder, tiny_data: SequenceDataset) -> Trajectory:
    """The first user's trajectory."""
    return user_trajectory(load_model(tiny_run), tiny_data, 0)


@pytest.fixture(scope="module")
def table(tiny_run: RunFolder) -> np.ndarray:
    """The final item table with its padding row."""
    return load_model(tiny_run).item_embedding.weight.detach().numpy()


@pytest.fixture(scope="module")
def layout(tiny_run: RunFolder) -> scene.Layout:
    """The PCA of the final stage."""
    return scene.layout(tiny_run.tables(), "finetune")


def history_of(app: object) -> str:
    """The cards."""
    return "".join(element.proto.body for element in app.get("html"))  # type: ignore[attr-defined]


# -- the page -----------------------------------------------------------------------------------------------------


def test_a_link_names_the_user_whose_last_token_is_denoised(run: RunFolder, tiny_data: SequenceDataset) -> None:
    user = str(tiny_data.user_ids[5])
    app = open_page("denoising", run="tiny", user=user)
    assert not app.exception and not app.error and tiny_data.items.frame["title"][tiny_data.test[5]] in texts(app)


def test_the_headline_names_the_rank_that_evaluation_finds(run: RunFolder, tiny_data: SequenceDataset) -> None:
    rank = evaluate(load_model(run), tiny_data, "test").ranks[7]
    expected = "its first choice" if rank == 1 else f"rank {rank}"
    assert expected in texts(open_page("denoising", run="tiny", user=str(tiny_data.user_ids[7])))


def test_a_user_who_is_not_in_the_data_is_told_in_a_sentence(run: RunFolder) -> None:
    app = open_page("denoising", run="tiny", user="nobody")
    assert "User 'nobody' is not among the 80 users" in texts(app) and not app.exception


@pytest.mark.parametrize("outcome", ["hit", "near miss", "miss"])
def test_drawing_an_outcome_gives_a_user_with_that_outcome(run: RunFolder, tiny_data: SequenceDataset, outcome: str) -> None:
    ranks = data.test_ranks(run, tiny_data.n_users)
    assert ranks is not None and len(with_outcome(ranks, outcome))
    app = open_page("denoising", run="tiny")
    app.selectbox(key="denoising.kind").set_value(f"A {outcome}").run()
    app.button(key="denoising.random").click().run()
    rank = ranks[tiny_data.position(app.query_params["user"])]
    assert (rank <= 10, 10 < rank <= 50, rank > 50) == (outcome == "hit", outcome == "near miss", outcome == "miss")


def test_without_test_ranks_the_draws_leave_outcomes_out_and_say_why(run: RunFolder) -> None:
    (run.path / "stages" / "finetune" / "test_ranks.npy").unlink()
    kinds = open_page("denoising", run="tiny").selectbox(key="denoising.kind")
    assert not any(kind.startswith("A hit") for kind in kinds.options) and "become available when this run's training ends" in kinds.help


def test_a_composed_history_keeps_its_order(run: RunFolder) -> None:
    app = open_page("denoising", run="tiny", view="own", history="9-3-20")
    assert len(app.selectbox(key="denoising.place").options) == 4 and not app.exception
    cards, titles = history_of(app), RunFolder(run.path).items["title"]
    assert cards.index(titles[20]) < cards.index(titles[3]) < cards.index(titles[9])  # the newest is read first


def test_a_composed_history_can_be_reordered_and_shortened(run: RunFolder) -> None:
    app = open_page("denoising", run="tiny", view="own", history="9-3-20")
    app.selectbox(key="denoising.place").set_value(2).run()
    app.button(key="denoising.earlier").click().run()
    assert app.query_params["history"] == "9-20-3"
    app.button(key="denoising.earlier").click().run()  # the place goes along
    assert app.query_params["history"] == "20-9-3" and app.button(key="denoising.earlier").disabled
    app.button(key="denoising.remove").click().run()
    assert app.query_params["history"] == "9-3"
    app.selectbox(key="denoising.place").set_value(-1).run()
    app.button(key="denoising.remove").click().run()  # the newest
    assert app.query_params["history"] == "9" and not app.exception


@pytest.mark.parametrize(("press", "history"), [("earlier", "9-20-3-5"), ("later", "9-3-5-20"), ("remove", "9-3-5")])
def test_a_press_that_overtakes_the_page_is_about_the_place_just_chosen(run: RunFolder, press: str, history: str) -> None:
    app = open_page("denoising", run="tiny", view="own", history="9-3-20-5")
    app.selectbox(key="denoising.place").set_value(1).run()  # the buttons are drawn with this place
    app.selectbox(key="denoising.place").set_value(2)
    app.button(key=f"denoising.{press}").set_value(True).run()  # both reach the server before it has drawn anything
    assert app.query_params["history"] == history and not app.exception


def test_a_press_that_overtakes_the_page_puts_the_item_at_the_place_just_chosen(run: RunFolder) -> None:
    app = open_page("denoising", run="tiny", view="own", history="9-3-20-5")
    app.selectbox(key="denoising.place").set_value(1)
    app.selectbox(key="denoising.add").set_value(7).run()
    assert app.query_params["history"] == "9-7-20-5" and not app.exception


def test_a_press_that_overtakes_the_page_moves_nothing_beyond_the_ends(run: RunFolder) -> None:
    app = open_page("denoising", run="tiny", view="own", history="9-3-20-5")
    app.selectbox(key="denoising.place").set_value(0)
    app.button(key="denoising.earlier").set_value(True).run()  # drawn for the last place, where it could be pressed
    assert app.query_params["history"] == "9-3-20-5" and not app.exception


def test_another_seed_follows_the_one_just_typed(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adrec.explain.browser.ALL_SCORES", 0)  # otherwise the picture offers other noise
    app = open_page("denoising", run="tiny")
    app.number_input(key="state.seed").set_value(5)
    app.button(key="denoising.reseed").set_value(True).run()
    assert app.query_params["seed"] == "6" and "computed on the server" in texts(app)


def test_a_history_is_not_carried_into_a_run_chosen_in_between(run: RunFolder) -> None:
    shutil.copytree(run.path, run.path.parent / "other")
    app = open_page("denoising", run="tiny", view="own", history="9-3-20")
    pick(app, "other")
    app.button(key="denoising.remove").set_value(True).run()
    assert (app.query_params["run"], app.query_params["history"]) == ("other", "9-3-20")
    app = open_page("denoising", run="tiny")
    pick(app, "other")
    app.button(key="denoising.edit").set_value(True).run()
    assert app.query_params["run"] == "other" and "history" not in app.query_params


def test_of_a_history_longer_than_the_model_reads_a_link_keeps_the_newest(run: RunFolder) -> None:
    app = open_page("denoising", run="tiny", view="own", history="-".join(map(str, range(1, 16))))
    assert f"History of {10}" in history_of(app) and not app.exception


def test_picking_items_writes_the_history_to_the_url(run: RunFolder) -> None:
    app = open_page("denoising", run="tiny", view="own")
    assert "Pick one or more items" in texts(app)
    app.selectbox(key="denoising.add").select_index(3).run()
    assert app.query_params["history"] == "4" and "Its first choice is" in texts(app)


def test_an_item_can_take_anothers_place_and_come_twice(run: RunFolder) -> None:
    app = open_page("denoising", run="tiny", view="own", history="9-3-20")
    app.selectbox(key="denoising.place").select_index(2).run()
    app.selectbox(key="denoising.add").select_index(19).run()
    assert app.query_params["history"] == "9-20-20" and "Its first choice is" in texts(app)


def test_ids_of_a_link_that_are_not_in_the_catalogue_are_reported(run: RunFolder) -> None:
    app = open_page("denoising", run="tiny", view="own", history="9-999-3")
    assert "Left out because they are not in the catalogue: 999." in texts(app) and "History of 2" in history_of(app)


def test_of_a_large_catalogue_titles_are_typed(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.denoising.controls.LISTED", 10)
    titles = run.items["title"]
    app = open_page("denoising", run="tiny", view="own")
    app.text_input[0].input(f"{titles[8]}; {titles[2]}; {titles[8]}").run()
    assert app.query_params["history"] == "8-2-8" and "Its first choice is" in texts(app)


def test_a_title_that_is_not_there_is_told_with_the_closest(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.denoising.controls.LISTED", 10)
    app = open_page("denoising", run="tiny", view="own")
    app.text_input[0].input("Cluster 1 item").run()
    assert "'Cluster 1 item' is neither a title nor an id" in plainly(app.error[0].value)
    assert app.text_input[0].value == "Cluster 1 item"  # to be mended, not typed again
    app.text_input[0].input(run.items["item"][9]).run()
    assert app.query_params["history"] == "9" and not app.error


def test_what_was_typed_is_not_lost_by_a_button_pressed_at_once(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.denoising.controls.LISTED", 10)
    app = open_page("denoising", run="tiny", view="own", history="9-3-20-5")
    ids = run.items["item"]
    app.text_input[0].input("; ".join(ids[i] for i in (7, 8, 11)))
    app.button(key="denoising.remove").set_value(True).run()
    assert app.query_params["history"] in ("7-8", "7-8-11") and not app.exception  # the order of two changes in one message is not said


def test_without_the_ratings_composing_is_the_only_way_and_the_page_says_so(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adrec.data.catalog.available", lambda name: False)
    app = open_page("denoising", run="tiny", history="4-5")
    assert "there are no users to choose from. Compose a history instead." in texts(app)
    assert "Its first choice is" in texts(app) and not app.exception


def test_a_run_without_a_denoiser_is_told_in_a_sentence(run: RunFolder) -> None:
    for stage in ("warmup", "finetune"):
        shutil.rmtree(run.path / "stages" / stage)
    app = open_page("denoising", run="tiny")
    assert not app.error and "This run has no denoiser yet" in texts(app)


def test_after_the_warm_up_the_page_shows_that_model_and_says_so(run: RunFolder) -> None:
    shutil.rmtree(run.path / "stages" / "finetune")
    app = open_page("denoising", run="tiny", view="own", history="4-5")
    assert "the model after its warm-up" in texts(app) and "Its first choice is" in texts(app)


def test_fewer_steps_come_from_the_url_and_are_what_the_headline_counts(run: RunFolder) -> None:
    assert "Decided in the only step" in texts(open_page("denoising", run="tiny", steps="1"))


def test_an_impossible_number_of_steps_in_a_link_counts_as_all(run: RunFolder) -> None:
    app = open_page("denoising", run="tiny", steps="99", seed="-5", step="77")
    assert (
        not app.exception
        and app.number_input(key="state.seed").value == 0
        and re.search(r"the other 3 |step \d of 4|last step, 4", texts(app))
    )


# -- chance, steps and lambda -------------------------------------------------------------------------------------


def first_user(tiny_data: SequenceDataset) -> data.Subject:
    return data.user(tiny_data, str(tiny_data.user_ids[0]), 10)


def test_with_lambda_zero_one_step_and_every_seed_give_the_same_list(run: RunFolder, tiny_data: SequenceDataset) -> None:
    info = run.info
    info["model"]["noise_weight"] = 0.0
    write_json(run.path / "run.json", info)
    found = data.chance(run, "finetune", first_user(tiny_data), 0, 4)
    assert (found.one_step, found.sweep.distinct_lists) == (10, 1)


def test_with_lambda_one_the_seeds_differ_and_the_first_is_the_one_shown(run: RunFolder, tiny_data: SequenceDataset) -> None:
    found = data.chance(run, "finetune", first_user(tiny_data), 3, 4)
    assert found.sweep.distinct_lists > 1
    shown = data.trajectory(run, "finetune", first_user(tiny_data), 3, 4)
    assert found.sweep.top_ten[:, 0].tolist() == shown.top_ten.tolist() and len(found.sweep.seeds) == data.SEEDS


@pytest.mark.parametrize(
    ("one_step", "seeds", "said"),
    [
        (10, (10, 10), "each of **2 other seeds** gives the same 10. So the noise changes nothing here"),
        (9, (10, 10), "the later steps replace 1 of the first 10, and no seed changes the list"),
        (4, (10, 10, 8), "half of **3 other seeds** give the same 10, all of them at least 8"),
        (4, (9, 9, 8), "half of **3 other seeds** give at least 9 of the same 10, all of them at least 8"),
        (10, (3, 8), "one step is enough, and another seed replaces up to 7"),
    ],
)
def test_the_words_about_the_noise_follow_its_figures(one_step: int, seeds: tuple[int, ...], said: str) -> None:
    assert said in words.describe_noise(32, one_step, seeds)


def test_one_step_is_not_called_enough_where_the_list_is_decided_late() -> None:
    for seeds in ((10, 10), (3, 8)):
        said = words.describe_noise(32, 10, seeds, decided=32)
        assert "one step is enough" not in said and "left and came back until step 32" in said


@pytest.mark.parametrize(
    ("share", "commit", "said"),
    [
        (0.001, 1, "here 0.1 % as strong as the history: the history alone settles the list"),
        (0.1, 3, "here 10 % as strong as the history: faint, but enough to tip a close call"),
        (1.06, 3, "here 1.1 times as strong as the history: strong enough for every step to revise the guess"),
        (1.06, 1, "for this history that does not change the list"),
        (None, 3, "gets the noised vector at full strength"),
    ],
)
def test_why_it_was_decided_then_follows_from_how_loud_the_noise_is(found: Trajectory, share: float | None, commit: int, said: str) -> None:
    lists = np.tile(np.arange(1, 11), (4, 1))
    lists[: commit - 1, 0] = 40
    walk = replace(found, top_ten=lists, noise_weight=None if share is None else 0.5, noise_share=share)
    assert walk.commit_step == commit and said in words.why(walk) and ("λ" in words.why(walk)) == (share is not None)


def test_of_a_list_that_only_changed_its_order_no_more_is_said_than_that(found: Trajectory) -> None:
    lists = np.tile(np.arange(1, 11), (4, 1))
    lists[0, :2] = 2, 1
    walk = replace(found, top_ten=lists, noise_weight=0.1, noise_share=0.1)
    assert (walk.commit_step, walk.order_commit_step) == (1, 2)
    assert "the history alone settles the ten items; the other steps may still reorder them" in words.why(walk)


@pytest.mark.parametrize("part", ["seeds", "forward", "everyone"])
def test_every_closer_look_can_be_linked_to(run: RunFolder, part: str) -> None:
    app = open_page("denoising", run="tiny", look=part)
    assert not app.exception and not app.error
    said = {"seeds": "other seeds", "forward": "signal", "everyone": "Not measured yet"}[part]
    assert said in texts(app)


def test_all_users_are_shown_once_they_are_measured(run: RunFolder) -> None:
    report = all_users(run)
    app = open_page("denoising", run="tiny", look="everyone")
    assert words.describe_all_users(report).replace("**", "") in texts(app) and not app.exception
    assert "All users" not in app.selectbox(key="denoising.kind").help


@pytest.mark.slow
def test_the_measurement_runs_in_a_process_of_its_own(run: RunFolder) -> None:
    job = projecting.start(run, module=measuring.MODULE)
    assert projecting.job(run, module=measuring.MODULE) is job and projecting.job(run) is None
    wait_for(lambda: not job.alive)
    assert job.error is None and job.fraction == 1
    assert cached_all_users(run) is not None


def test_a_cancelled_measurement_leaves_nothing(run: RunFolder) -> None:
    job = projecting.start(run, module=measuring.MODULE)
    projecting.cancel(run, module=measuring.MODULE)
    wait_for(lambda: not job.alive)
    assert job.cancelled and job.error is None and cached_all_users(run) is None


def test_who_changed_their_mind_can_be_drawn(run: RunFolder, tiny_data: SequenceDataset) -> None:
    report = all_users(run)
    app = open_page("denoising", run="tiny")
    app.selectbox(key="denoising.kind").set_value("Changed its mind").run()
    assert tiny_data.position(app.query_params["user"]) in report["changed_users"]


@pytest.mark.parametrize(("kind", "low", "high"), [("short", 0.0, 0.25), ("long", 0.75, 1.0)])
def test_a_short_or_long_history_can_be_drawn(run: RunFolder, tiny_data: SequenceDataset, kind: str, low: float, high: float) -> None:
    lengths = np.diff(tiny_data.train_offsets)
    app = open_page("denoising", run="tiny")
    app.selectbox(key="denoising.kind").set_value(f"A {kind} history").run()
    length = lengths[tiny_data.position(app.query_params["user"])]
    assert np.quantile(lengths, low) <= length <= np.quantile(lengths, high)


def test_a_users_history_can_be_taken_over_to_be_changed(run: RunFolder, tiny_data: SequenceDataset) -> None:
    app = open_page("denoising", run="tiny", user=str(tiny_data.user_ids[5]))
    app.button(key="denoising.edit").click().run()
    assert app.query_params["view"] == "own"
    assert app.query_params["history"] == "-".join(map(str, tiny_data.history(5, "test", 10)))


def test_a_press_that_overtakes_the_page_takes_over_the_user_just_chosen(run: RunFolder, tiny_data: SequenceDataset) -> None:
    app = open_page("denoising", run="tiny", user=str(tiny_data.user_ids[5]))
    app.selectbox(key="state.user").set_value(str(tiny_data.user_ids[7]))
    app.button(key="denoising.edit").set_value(True).run()
    assert app.query_params["history"] == "-".join(map(str, tiny_data.history(7, "test", 10)))


# -- trainings at other noise weights ------------------------------------------------------------------------------


def with_weight(run: RunFolder, name: str, weight: float, **train: object) -> RunFolder:
    """A copy of the run that says it was trained with another noise weight (and other settings)."""
    other = RunFolder(shutil.copytree(run.path, run.path.parent / name))
    info = other.info
    settings = {"model": info["model"] | {"noise_weight": weight}, "train": info["train"] | train}
    write_json(other.path / "run.json", info | settings)
    return other


def test_choosing_a_training_leads_to_the_run_with_that_noise_weight_and_keeps_the_rest(run: RunFolder, tiny_data: SequenceDataset) -> None:
    with_weight(run, "quiet", 0.001)
    with_weight(run, "other", 0.1, lr=0.5)
    user = str(tiny_data.user_ids[5])
    app = open_page("denoising", run="tiny", user=user, seed="3")
    (choice,) = (box for box in app.selectbox if box.label == TRAINING)
    assert (choice.options, choice.value) == (["λ = 0.001", "λ = 1"], 1.0)
    choice.set_value(0.001).run()
    assert not app.exception and (app.query_params["run"], app.query_params["user"], app.query_params["seed"]) == ("quiet", user, "3")


def test_choosing_a_training_keeps_a_user_whom_nobody_chose(run: RunFolder, tiny_data: SequenceDataset) -> None:
    with_weight(run, "quiet", 0.001)
    app = open_page("denoising", run="tiny")
    shown = next(box.value for box in app.selectbox if box.label == "User")
    next(box for box in app.selectbox if box.label == TRAINING).set_value(0.001).run()
    assert app.query_params["user"] == shown


def test_without_another_training_there_is_none_to_choose(run: RunFolder) -> None:
    with_weight(run, "other", 0.1, lr=0.5)
    app = open_page("denoising", run="tiny", look="weights")
    assert not app.exception and TRAINING not in [box.label for box in app.selectbox]
    assert "other seeds" in texts(app)


def test_what_the_noise_weight_does_is_told_of_the_runs_that_are_measured(run: RunFolder) -> None:
    quiet = with_weight(run, "quiet", 0.001)
    report = all_users(run)
    app = open_page("denoising", run="tiny", look="weights")
    assert words.describe_noise_weights({1.0: report}) in texts(app) and "Not measured yet for λ = 0.001:" in texts(app)
    both = {0.001: all_users(quiet), 1.0: report}
    app = open_page("denoising", run="tiny", look="weights")
    assert words.describe_noise_weights(both) in texts(app) and "Not measured yet" not in texts(app)
    (table,) = app.dataframe
    assert table.value["weight"].tolist() == [0.001, 0.001, 1.0, 1.0] and table.value["commit"].iloc[-1] == both[1.0]["mean_commit_step"]


@pytest.mark.parametrize(("other", "said"), [(0.25, "points, no more than chance"), (0.5, "points, more than chance")])
def test_a_noise_weight_is_called_better_only_beyond_chance(other: float, said: str) -> None:
    def report(rate: float) -> dict:
        rows = [{"hr@20": rate, "common": 9.0, "mean_commit_step": 2.0}]
        return {"by_steps": rows, "timesteps": 32, "users": 900}

    words_ = words.describe_noise_weights({0.001: report(0.22), 1.0: report(other)})
    assert said in words_ and "λ = 1 has the highest HR@20 and λ = 0.001 the lowest" in words_


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("link", [{"history": "50-100"}, {"history": "50-100", "seed": "3", "steps": "4"}, {"person": "trek", "seed": "3"}])
def test_what_the_visitors_browser_answers_costs_the_server_no_model(monkeypatch: pytest.MonkeyPatch, link: dict[str, str]) -> None:
    def fails(request: object) -> None:
        raise DataError("The model is not needed here.")

    monkeypatch.setattr(computing.server, "ask", fails)
    app = open_page("denoising", view="person" if "person" in link else "own", **link)
    assert not app.exception and not app.error and "the server sent the history" in texts(app)


def test_other_seeds_are_computed_once_they_are_asked_for(run: RunFolder) -> None:
    app = open_page("denoising", run="tiny")
    assert "other seeds**" not in texts(app)
    app.button(key="denoising.ask").click().run()
    assert "other seeds** " in texts(app) and not app.exception
    app.selectbox(key="state.user").select_index(3).run()
    assert "other seeds** " not in texts(app)  # of another person they are another question


# -- other models -------------------------------------------------------------------------------------------------


def trained(root: Path, data: SequenceDataset, **fields: object) -> None:
    """A run of a peer, of two steps."""
    peer = plan(hidden_size=16, heads=2, blocks=1, length=10, max_steps=2, batch_size=40, **fields)  # type: ignore[arg-type]
    info = describe_run(data, "synthetic:items=60,users=80", peer, "test")
    train_run(RunFolder(root / "peer"), data, info)


def test_a_dreamrec_run_is_denoised_over_its_own_steps(root: Path, tiny_data: SequenceDataset) -> None:
    trained(root, tiny_data, model="dreamrec", denoiser="linear", timesteps=25, schedule="exp", condition_drop=0.1, guidance=2.0)
    user = str(tiny_data.user_ids[3])
    app = open_page("denoising", run="peer", user=user)
    assert not app.exception and not app.error
    assert re.search(r"the other 24 |step \d+ of 25|last step, 25", texts(app)) and "gets the noised vector at full strength" in texts(app)
    rank = evaluate(load_model(RunFolder(root / "peer")), tiny_data, "test").ranks[3]
    assert ("its first choice" if rank == 1 else f"rank {rank}") in texts(app)


def test_a_copy_without_a_model_says_so(run: RunFolder) -> None:
    for stage in run.stages:
        table = run.table(stage)
        save_arrays(run.weights_path(stage), {ITEM_TABLE: np.vstack([0 * table[:1], table])})
    app = open_page("denoising", run="tiny")
    assert not app.error and "This run is here with its item tables alone" in texts(app)


def test_a_model_that_failed_to_load_is_tried_again(run: RunFolder, tiny_data: SequenceDataset) -> None:
    weights, of = run.weights_path("finetune"), ("finetune", data.user(tiny_data, str(tiny_data.user_ids[4]), 10), 9, 4)
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AdrecError):
        data.trajectory(run, *of)
    weights.write_bytes(whole)
    assert data.trajectory(run, *of).steps == 4


def test_a_model_without_a_reverse_process_says_so_and_where_to_go(root: Path, tiny_data: SequenceDataset) -> None:
    trained(root, tiny_data, model="sasrec", positions=True)
    app = open_page("denoising", run="peer")
    assert not app.error and "This model goes from a history to a list at once" in texts(app)
    links = [link.proto.label for link in app.get("page_link")]
    assert links[-3:] == ["See its item table", "Compare what it recommends", "See its training"]
    app = app.button(key="instead.open").click().run()
    assert not app.exception and app.query_params["run"] == loaders.FIRST and app.get("bidi_component")


# -- the headline -------------------------------------------------------------------------------------------------


def with_lists(found: Trajectory, *rows: list[int]) -> Trajectory:
    """The trajectory with these top lists instead."""
    return replace(found, top=np.array(rows), top_ten=np.array(rows), timesteps=np.arange(len(rows))[::-1], target=None, target_rank=None)


def test_the_headline_names_what_overtook_what(found: Trajectory) -> None:
    changing = with_lists(found, [1, 2, 3], [1, 2, 4], [1, 2, 4])
    said = words.headline(changing, lambda i: f"film {i}")
    assert said.startswith("**Decided at step 2 of 3**: *film 4* took the place of *film 3* in the top 10, and stayed.")


def test_near_ties_that_take_turns_do_not_make_a_list_undecided(found: Trajectory) -> None:
    swapping = replace(with_lists(found, [1, 2, 3], [1, 2, 4], [1, 2, 3]), swaps=(3, 4), noise_share=0.001, noise_weight=0.001)
    said = words.headline(swapping, lambda i: f"film {i}")
    assert said.startswith("**Decided at the first step, but for a near tie**: *film 3* and *film 4* take turns at the end of the top 10")
    assert words.why(swapping).endswith("all that it still tips is a near tie.")
    assert "**the steps replace none** of the first 3 items but for a near tie" in words.describe_weights(swapping, swapping)


def test_the_headline_says_when_only_the_order_still_changes(found: Trajectory) -> None:
    said = words.headline(with_lists(found, [1, 2, 3], [1, 2, 3], [2, 1, 3]), str)
    assert "**Decided at the first step**: the other 2 change none of its ten items, only their order, last at step 3." in said


def test_titles_with_asterisks_stay_titles() -> None:
    assert words.plain("M*A*S*H [1970]") == r"M\*A\*S\*H \[1970\]"


# -- the scene ----------------------------------------------------------------------------------------------------


def test_the_browser_gets_every_step_as_the_trajectory_has_it(found: Trajectory, layout: scene.Layout, tiny_run: RunFolder) -> None:
    (got,) = wire.unblock(scene.blob(found, layout, titled(tiny_run.items)))
    assert (got["steps"], got["target"], got["decided"]) == (4, found.target, found.commit_step)
    np.testing.assert_array_equal(got["top"].reshape(5, 10)[1:], found.top)
    np.testing.assert_array_equal(got["rank"][1:], found.target_rank)
    np.testing.assert_allclose(got["probability"].reshape(5, 10)[1:], found.top_probabilities, rtol=1e-6)


def test_step_zero_ranks_the_items_by_the_noise_itself(
    found: Trajectory, table: np.ndarray, layout: scene.Layout, tiny_run: RunFolder
) -> None:
    (got,) = wire.unblock(scene.blob(found, layout, titled(tiny_run.items)))
    scores = {i: float(found.x_t[0] @ table[i]) for i in range(1, len(table))}
    assert got["top"][:10].tolist() == sorted(scores, key=lambda i: -scores[i])[:10]


def test_a_step_does_not_change_the_scene_that_the_browser_keeps(found: Trajectory, layout: scene.Layout, tiny_run: RunFolder) -> None:
    blob = scene.blob(found, layout, titled(tiny_run.items))
    assert scene.packed(blob, 1) == b"\1\0\0\0" + blob and scene.packed(blob, 2)[4:] == blob


def test_a_picture_is_computed_on_one_thread_and_others_get_theirs_back() -> None:
    found = []

    def work() -> None:  # as a page's script does: on a thread that has not used torch yet
        with one_thread():
            found.append(torch.get_num_threads())
        found.append(torch.get_num_threads())

    torch.set_num_threads(3)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        torch.set_num_threads(1)
    assert found == [1, 3]
