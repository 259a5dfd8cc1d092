"""Two panels under the same noise, one thing changed: through AppTest, in words, and as the browser gets them."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adrec.browser import wire
from adrec.data.dataset import SequenceDataset
from adrec.data.titles import titled
from adrec.diffusion import Diffusion
from adrec.explain import export, scene, words
from adrec.explain.records import Trajectory
from adrec.explain.trajectory import trajectory
from adrec.files import load_arrays, save_arrays
from adrec.models.loading import load_model
from adrec.runs import ITEM_TABLE, RunFolder
from adrec.training.session import describe_run, train_run
from app.denoising import compare, controls, data
from tests.adrec.small import plan
from tests.app.pages import open_page, texts

SAME = "Both start from the same noise and get the same random numbers at every step (seed 3)."


@pytest.fixture
def run(root: Path, tiny_run: RunFolder) -> RunFolder:
    """The tiny run among the person's own runs."""
    shutil.copytree(tiny_run.path, root / "tiny")
    return RunFolder(root / "tiny")


@pytest.fixture
def peer(root: Path, tiny_data: SequenceDataset) -> RunFolder:
    """A run of the same data set, wider, of 25 steps, that reads 6 items."""
    fields = {"denoiser": "linear", "timesteps": 25, "schedule": "exp", "condition_drop": 0.1, "guidance": 2.0}
    wider = plan("dreamrec", hidden_size=32, heads=2, blocks=1, length=6, **fields, max_steps=2, batch_size=40)
    train_run(RunFolder(root / "peer"), tiny_data, describe_run(tiny_data, "synthetic:items=60,users=80", wider, "test"))
    return RunFolder(root / "peer")


@pytest.fixture(scope="module")
def walk(tiny_run: RunFolder) -> Callable[..., Trajectory]:
    """A trajectory of the tiny model."""
    model = load_model(tiny_run)
    return lambda history, **of: trajectory(model, history, **of)


def with_list(walked: Trajectory, *items: int) -> Trajectory:
    """The trajectory with this list at every step."""
    rows = np.tile(items, (walked.steps, 1))
    return replace(walked, top=rows, top_ten=rows)


def film(item: int) -> str:
    return f"film {item}"


# -- the page -----------------------------------------------------------------------------------------------------


def test_without_a_comparison_there_is_one_panel_and_its_scene_is_as_ever(run: RunFolder, walk: Callable[..., Trajectory]) -> None:
    app = open_page("denoising", run="tiny", view="own", history="4-5")
    assert app.selectbox(key="state.compare").value == "none" and "A is decided" not in texts(app) and "same noise" not in texts(app)
    subject = data.Subject((4, 5))
    alone = data.picture(run, "finetune", subject, 0, 4, "pca")
    assert "name" not in wire.unblock(alone)[0]


def test_another_user_is_shown_under_the_first_ones_noise(run: RunFolder, tiny_data: SequenceDataset) -> None:
    first, second = (str(tiny_data.user_ids[i]) for i in (5, 9))
    app = open_page("denoising", run="tiny", user=first, compare="user", other=second, seed="3")
    said = texts(app)
    assert f"Looking at user *{second}* instead of user *{first}*" in said and SAME in said and not app.exception
    assert f"On their own, user *{second}* would get different numbers." in said
    assert tiny_data.items.frame["title"][tiny_data.test[9]] in "".join(element.proto.body for element in app.get("html"))


def test_the_second_panel_has_the_noise_of_the_first_and_its_own_history(run: RunFolder, tiny_data: SequenceDataset) -> None:
    one, other = (data.user(tiny_data, str(tiny_data.user_ids[i]), 10) for i in (5, 9))
    lent = data.trajectory(run, "finetune", replace(other, index=one.index), 3, 4)
    a, alone = (data.trajectory(run, "finetune", subject, 3, 4) for subject in (one, other))
    np.testing.assert_array_equal(a.x_t[0], lent.x_t[0])
    assert lent.history == alone.history and (lent.x_t[0] != alone.x_t[0]).any()


def test_another_user_can_be_drawn(run: RunFolder, tiny_data: SequenceDataset) -> None:
    app = open_page("denoising", run="tiny", compare="user")
    app.button(key="compare.random").click().run()
    assert app.query_params["other"] in tiny_data.user_ids and f"user *{app.query_params['other']}*" in texts(app)


def test_a_composed_history_is_compared_with_a_user(run: RunFolder, tiny_data: SequenceDataset) -> None:
    app = open_page("denoising", run="tiny", view="own", history="4-5", compare="user", other=str(tiny_data.user_ids[2]))
    assert "instead of your own history" in texts(app) and not app.exception


def test_the_model_after_its_warm_up_is_compared_with_the_fine_tuned_one(run: RunFolder) -> None:
    app = open_page("denoising", run="tiny", compare="stage", seed="3")
    assert "Using the model after the warm-up instead of the one after the fine-tuning" in texts(app) and SAME in texts(app)


def test_a_run_whose_warm_up_has_no_model_says_so(run: RunFolder) -> None:
    kept = load_arrays(run.weights_path("warmup"), (ITEM_TABLE,))
    save_arrays(run.weights_path("warmup"), kept)
    app = open_page("denoising", run="tiny", compare="stage")
    assert "keeps only the item table of its warm-up" in texts(app) and not app.error


def test_a_run_without_an_earlier_stage_says_so(run: RunFolder) -> None:
    shutil.rmtree(run.path / "stages" / "finetune")
    assert "has no earlier stage with a denoiser" in texts(open_page("denoising", run="tiny", compare="stage"))


def test_another_run_of_other_width_and_steps_says_that_its_noise_differs(run: RunFolder, peer: RunFolder) -> None:
    history = "-".join(map(str, range(1, 10)))
    said = texts(open_page("denoising", run="tiny", view="own", history=history, compare="run", against="peer"))
    assert "Using the run *peer* instead of *tiny*" in said
    assert "The noise cannot be the same: vectors have 16 numbers in A and 32 in B." in said
    assert "The clock is A's; B is shown at the same fraction of its steps." in said
    assert "B reads only the last 6 items of the history." in said and "of 25" in said


def test_without_another_run_of_the_data_set_the_page_says_so(run: RunFolder) -> None:
    assert "No other run on the data of 'tiny'" in texts(open_page("denoising", run="tiny", compare="run"))


def test_an_item_of_the_history_is_removed_or_replaced(run: RunFolder) -> None:
    titles, of = run.items["title"], {"run": "tiny", "view": "own", "history": "9-3-20", "compare": "item", "seed": "3"}
    assert f"Removing *{titles[20]}*" in texts(open_page("denoising", **of))
    app = open_page("denoising", **of, place="1", by="7")
    assert f"Replacing *{titles[9]}* with *{titles[7]}*" in texts(app) and SAME in texts(app) and not app.warning
    app.selectbox(key="state.by").set_value(8).run()
    assert app.query_params["by"] == "8" and f"with *{titles[8]}*" in texts(app)


def test_the_only_item_of_a_history_can_be_replaced_and_not_removed(run: RunFolder) -> None:
    app = open_page("denoising", run="tiny", view="own", history="4", compare="item", by="0")
    assert "The link's new item '0' is not valid here; expected another item's id, 1 to 60." in texts(app)
    assert f"Replacing *{run.items['title'][4]}* with" in texts(app)


def test_of_a_large_catalogue_the_new_item_is_typed(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.denoising.controls.LISTED", 10)
    titles = run.items["title"]
    app = open_page("denoising", run="tiny", view="own", history="9-3", compare="item")
    next(field for field in app.text_input if field.label == "Replace it with").input(titles[8]).run()
    assert app.query_params["by"] == "8" and f"Replacing *{titles[3]}* with *{titles[8]}*" in texts(app)


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ({"compare": "moon"}, "comparison 'moon' is not valid here; expected one of none, user, stage, run, item."),
        ({"compare": "user", "other": "nobody"}, "other user 'nobody' is not valid here"),
        ({"compare": "item", "place": "99"}, "position in the history '99' is not valid here; expected 1 (the oldest) to 3."),
        ({"compare": "item", "by": "999"}, "new item '999' is not valid here; expected another item's id, 1 to 60, or 0 to remove it."),
        ({"compare": "item", "by": "x"}, "new item 'x' is not valid here"),
    ],
)
def test_what_a_link_names_wrongly_is_reported(run: RunFolder, link: dict[str, str], told: str) -> None:
    app = open_page("denoising", run="tiny", view="own", history="9-3-20", **link)
    assert told in texts(app) and "Its first choice is" in texts(app) and not app.exception and not app.error


@pytest.mark.usefixtures("root")
def test_the_page_opens_on_a_loud_and_a_faint_noise_before_the_same_person() -> None:
    app = open_page("denoising")
    loud, faint = re.findall(r"With λ = ([\d.]+) \([AB]\) [^,]+, and the steps replace (\w+)", texts(app))
    assert (loud[0], *faint) == ("1", "0.001", "none") and int(loud[1]) > 3
    assert app.query_params == {} and not app.exception and not app.error and not app.info
    assert [box.value for box in app.selectbox if box.label.endswith(": one training per λ")] == [1.0, 0.001]


@pytest.mark.parametrize(("link", "expanded"), [({}, False), ({"compare": "none"}, False), ({"compare": "item"}, True)])
def test_what_is_rarely_changed_is_shown_from_the_start_only_where_a_comparison_was_chosen(
    run: RunFolder, link: dict[str, str], expanded: bool
) -> None:
    (more,) = (box for box in open_page("denoising", run="tiny", **link).expander if box.label == controls.MORE)
    assert more.proto.expanded is expanded
    assert {"Compare with", "Map"} <= {box.label for box in more.selectbox} and "Noise seed" in [field.label for field in more.number_input]


@pytest.mark.usefixtures("root")
def test_each_of_the_two_noise_weights_can_be_turned_and_the_person_stays() -> None:
    app = open_page("denoising", person="trek", seed="3")

    def turn(label: str, weight: float) -> tuple[str, ...]:
        next(box for box in app.selectbox if box.label == f"{label}: one training per λ").set_value(weight).run()
        assert not app.exception and (app.query_params["person"], app.query_params["seed"]) == ("trek", "3")
        return tuple(app.query_params[name] for name in ("run", "compare", "against"))

    assert turn("A", 0.1) == ("noise-0.1", "run", "ml-100k")
    assert turn("B", 0.1) == ("ml-100k", "run", "noise-0.1")  # the two have swapped


# -- what the change changed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ((1, 2, 3), "**changes none of the 3 recommendations**, nor their order;"),
        ((3, 2, 1), "**changes none of the 3 recommendations**, only their order;"),
        ((1, 2, 9), "**changes 1 of the 3 recommendations** (*film 9* takes the place of *film 3*);"),
        ((1, 8, 9), "**changes 2 of the 3 recommendations**;"),
        ((7, 8, 9), "**changes all 3 recommendations**;"),
    ],
)
def test_the_words_count_the_recommendations_that_changed(walk: Callable[..., Trajectory], after: tuple[int, ...], said: str) -> None:
    one = walk([3, 17])
    told = words.describe_pair("Removing *x*", with_list(one, 1, 2, 3), with_list(one, *after), film)
    assert told.startswith(f"Removing *x* {said} both are decided at the first step.")


def test_the_words_tell_how_the_target_fares(walk: Callable[..., Trajectory]) -> None:
    one, other = walk([3, 17], target=7), walk([3, 18], target=7)
    up, down = (replace(one, target_rank=np.full(4, rank)) for rank in (3, 12))
    assert "*film 7*, rises from rank 12 to 3." in words.describe_pair("x", down, up, film)
    assert "*film 7*, falls from rank 3 to 12." in words.describe_pair("x", up, down, film)
    assert "*film 7*, stays at rank 3." in words.describe_pair("x", up, up, film)
    assert "For B, what really came next, *film 8*, " in words.describe_pair("x", one, walk([3, 18], target=8), film)
    assert "For B, its first choice is" in words.describe_pair("x", other, walk([3, 18]), film)


def test_the_words_tell_when_each_is_decided(walk: Callable[..., Trajectory]) -> None:
    one = with_list(walk([3, 17]), 1, 2, 3)
    late = replace(one, top_ten=np.array([[4, 2, 3], [4, 2, 3], [1, 2, 3], [1, 2, 3]]))
    sentence = words.describe_pair("x", one, late, film)
    assert "; A is decided at the first step, B at step 3 of 4. The first choice stays *film 1*." in sentence


def test_the_words_about_the_noise_follow_the_states(walk: Callable[..., Trajectory]) -> None:
    one = walk([3, 17], seed=3, user=5)
    assert words.describe_shared_noise(one, walk([9], seed=3, user=5)) == SAME
    assert words.describe_shared_noise(one, walk([9], seed=3, user=6)) == "A and B do not start from the same noise."
    fewer = walk([9], seed=3, user=5, steps=2)
    np.testing.assert_array_equal(one.x_t[0], fewer.x_t[0])
    assert "A takes 4 steps and B 2, so the noise drawn along the way differs." in words.describe_shared_noise(one, fewer)


def draws(walked: Trajectory, diffusion: Diffusion) -> np.ndarray:
    """The random numbers that a process was given on its way, worked out from its states (DDPM, algorithm 2, line 4)."""
    weight_x0, weight_xt = diffusion.posterior_coefficients
    steps = range(walked.steps - 1, 0, -1)  # without noise at t = 0
    means = [weight_x0[t] * walked.x0_hat[i] + weight_xt[t] * walked.x_t[i] for i, t in enumerate(steps)]
    return np.array([(walked.x_t[i + 1] - means[i]) / diffusion.posterior_std[t] for i, t in enumerate(steps)])


def test_two_histories_are_given_the_same_numbers_at_every_step(tiny_run: RunFolder, walk: Callable[..., Trajectory]) -> None:
    one, other = walk([3, 17], seed=3, user=5), walk([44], seed=3, user=5)
    diffusion = Diffusion.from_schedule(tiny_run.settings["schedule"], 4)
    np.testing.assert_array_equal(one.x_t[0], other.x_t[0])
    np.testing.assert_allclose(draws(one, diffusion), draws(other, diffusion), atol=1e-4)
    assert np.abs(one.x0_hat - other.x0_hat).max() > 0.1 and np.abs(draws(one, diffusion)).max() > 0.5


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ((1, 2, 3), (1, 2, 3), "**the steps replace none** of the first 3 items"),
        ((1, 2, 3), (1, 8, 9), "**the steps replace 2** of the first 3 items, the last at step 4 of 4"),
    ],
)
def test_of_two_noise_weights_the_words_count_what_the_steps_replace(
    walk: Callable[..., Trajectory], first: tuple[int, ...], last: tuple[int, ...], said: str
) -> None:
    lists = np.array([first, first, first, last])
    one = replace(walk([3, 17]), top=lists, top_ten=lists, noise_weight=1.0, noise_share=1.0)
    told = words.describe_weights(one, replace(with_list(one, 1, 2, 3), noise_weight=0.5, noise_share=0.5))
    assert f"**With λ = 1 (A)** the noise starts just as strong as the history, and {said}." in told


# -- what is taken along ------------------------------------------------------------------------------------------


@pytest.fixture
def beside(run: RunFolder) -> tuple[Trajectory, export.Comparison]:
    """A history and the same without its newest item."""
    one = compare.Side(run, "finetune", data.Subject((9, 3, 20)), 4, "As it is")
    other = replace(one, subject=data.Subject((9, 3)), name="Without it")
    found = compare.second_panel(compare.Pair(one, other, "item", "Film</script>", None), 3, "pca")
    assert found is not None
    return one.trajectory(3), found


def test_the_page_to_take_along_holds_both_scenes(beside: tuple[Trajectory, export.Comparison], run: RunFolder) -> None:
    scenes = wire.unblock(beside[1].scenes(beside[0], beside[1].layout, titled(run.items)))
    assert [s["name"] for s in scenes] == ["As it is", "Without it"]
    for got, walked in zip(scenes, (beside[0], beside[1].trajectory), strict=True):
        np.testing.assert_array_equal(got["top"].reshape(5, 10)[1:], walked.top)
        np.testing.assert_allclose(got["margin"], walked.margin, rtol=1e-6)


def test_the_json_holds_both_and_how_much_they_share(beside: tuple[Trajectory, export.Comparison], run: RunFolder) -> None:
    (one, second), title = beside, titled(run.items)
    told = export.document(one, second.layout, title, None, comparison=second)["comparison"]
    assert told["b"] == export.document(second.trajectory, second.layout, title)
    assert told["headline"].startswith("Removing Film</script> changes")
    assert told["common"] == [len(set(one.top[i]) & set(second.trajectory.top[i])) for i in range(4)]
    rows = export.table(one, title, second)
    assert rows["panel"].value_counts().to_dict() == {"A": 50, "B": 50}
    told = rows[rows["step"] > 0]
    assert told["id"].tolist() == [*one.top.ravel(), *second.trajectory.top.ravel()]


def test_the_json_places_each_panel_on_its_own_map(run: RunFolder) -> None:
    one = compare.Side(run, "finetune", data.Subject((9, 3, 20)), 4, "After the fine-tuning")
    earlier = compare.second_panel(compare.Pair(one, replace(one, stage="warmup"), "stage", "after", "before"), 3, "pca")
    assert earlier is not None
    told = earlier.to_json(one.trajectory(3), str)["b"]["map"]
    assert told == scene.on_map(earlier.trajectory, data.layout(run, "warmup", "pca"), str)
    assert told != scene.on_map(earlier.trajectory, data.layout(run, "finetune", "pca"), str)


def test_of_fewer_steps_the_shared_items_are_those_at_the_same_share_of_the_way(
    beside: tuple[Trajectory, export.Comparison], run: RunFolder
) -> None:
    one, second = beside
    few = replace(second, trajectory=data.trajectory(run, "finetune", data.Subject((9, 3)), 3, 1))
    last = [len(set(one.top[i]) & set(few.trajectory.top[0])) for i in range(4)]
    assert few.to_json(one, film)["common"] == [None, *last[1:]]  # a quarter of one step is still pure noise; a half counts as the step


def test_the_page_to_take_along_shows_both_and_breaks_on_no_title(beside: tuple[Trajectory, export.Comparison], run: RunFolder) -> None:
    one, second = beside
    title = titled(run.items)
    page = export.page(one, second.layout, title, name="tiny", comparison=second)
    assert page.count("</script>") == 2 and "Removing <em>Film&lt;/script&gt;</em> <strong>changes" in page
    assert export._base64(scene.packed(second.scenes(one, second.layout, title), 4)) in page
