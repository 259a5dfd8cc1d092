"""What a run recommends to given histories, and files of histories."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adrec.cli import main
from adrec.data.dataset import SequenceDataset
from adrec.data.readers import read_dataset
from adrec.data.titles import RawId
from adrec.errors import ConfigError, DataError
from adrec.evaluation import evaluate
from adrec.explain.recommending import read_histories, recommend
from adrec.explain.trajectory import trajectory
from adrec.files import write_json
from adrec.models.loading import load_model
from adrec.models.sasrec import SASRecConfig
from adrec.models.settings import recorded
from adrec.runs import RunFolder

HISTORIES = [[3, 17, 42, 5], [8], [1, 1, 1, 2], list(range(1, 31)), [9, 8]]


def ids(report: dict) -> list[list[int]]:
    return [[item["id"] for item in user["items"]] for user in report["users"]]


@pytest.fixture
def untitled(tiny_run: RunFolder, tmp_path: Path) -> RunFolder:
    """The tiny run, its weights read as a model without a reverse process."""
    run, info = RunFolder(tmp_path / "sasrec"), tiny_run.info
    known = {key: value for key, value in info["model"].items() if key in SASRecConfig.__dataclass_fields__}
    write_json(run.path / "run.json", info | {"model": known | {"model": "sasrec"}, "abilities": ["recommend", "item_table"]})
    frame = tiny_run.items.assign(title=tiny_run.items["item"])
    frame[["item", "title"]].to_csv(run.path / "items.csv")
    (run.path / "stages" / "finetune").mkdir(parents=True)
    (run.path / "stages" / "finetune" / "model.safetensors").write_bytes(tiny_run.weights_path("pretrain").read_bytes())
    return run


@pytest.mark.parametrize("steps", [None, 1, 3])
def test_each_history_gets_the_final_list_of_its_trajectory(tiny_run, steps):
    model = load_model(tiny_run)
    for history, user in zip(HISTORIES, recommend(tiny_run, HISTORIES, 7, seed=4, steps=steps)["users"], strict=True):
        alone = trajectory(model, history, seed=4, steps=steps, top=7)
        assert [h["id"] for h in user["history"]] == alone.history
        assert [i["id"] for i in user["items"]] == alone.top[-1].tolist()
        np.testing.assert_allclose([i["score"] for i in user["items"]], alone.top_scores[-1], rtol=1e-4)
        np.testing.assert_allclose([i["probability"] for i in user["items"]], alone.top_probabilities[-1], rtol=1e-4)


def test_with_a_users_noise_its_recommendation_is_what_evaluation_ranks(tiny_run: RunFolder, tiny_data: SequenceDataset):
    users = range(20)
    ranks = evaluate(load_model(tiny_run), tiny_data, "test", seed=1, filter_padding=True).ranks
    histories = [tiny_data.history(u, "test", 10).tolist() for u in users]
    lists = ids(recommend(tiny_run, histories, tiny_data.n_items, seed=1, users=users))
    assert [lists[u].index(int(tiny_data.test[u])) + 1 for u in users] == ranks[:20].tolist()


def test_titles_raw_ids_and_ids_name_the_same_history(tiny_run):
    items = tiny_run.items
    by_title, by_raw = "; ".join(items["title"][[3, 7]]), items["item"][[3, 7]].tolist()
    first, *others = ids(recommend(tiny_run, [by_title, by_raw, [3, 7]]))
    assert others == [first, first]


def test_seen_items_are_excluded_even_those_too_far_back_to_be_read(tiny_run):
    history = list(range(1, 31))
    everything, unseen = (ids(recommend(tiny_run, [history], 60, exclude_seen=e))[0] for e in (False, True))
    assert sorted(everything) == list(range(1, 61))
    assert unseen == [i for i in everything if i > 30]


def test_histories_in_several_batches_get_the_same_items(tiny_run, monkeypatch):
    whole = ids(recommend(tiny_run, HISTORIES))
    monkeypatch.setattr("adrec.explain.recommending.HISTORIES", 2)
    monkeypatch.setattr("adrec.explain.recommending.SCORES", 61)
    assert ids(recommend(tiny_run, HISTORIES)) == whole


def test_a_history_of_five_hundred_items_is_cut_to_what_the_model_reads(tiny_run):
    long = (list(range(1, 61)) * 9)[:500]
    (user,) = recommend(tiny_run, [long])["users"]
    assert [h["id"] for h in user["history"]] == long[-10:] and ids(recommend(tiny_run, [long[-10:]]))[0] == [
        i["id"] for i in user["items"]
    ]


def test_a_run_without_titles_or_reverse_process_recommends_by_its_ids(untitled):
    assert recorded(untitled.info).model.name == "sasrec"
    (user,) = recommend(untitled, [untitled.items["item"][4]])["users"]
    assert len(user["items"]) == 10 and user["history"] == [{"id": 4, "title": untitled.items["item"][4]}]
    with pytest.raises(ConfigError, match=r"The model 'SASRec\+' has no reverse process, so the number of steps cannot be set"):
        recommend(untitled, [[4]], steps=4)


@pytest.mark.parametrize(
    ("histories", "words"),
    [
        ([], "No history given"),
        ([[1], []], "History 2: The history is empty"),
        ([[1], " ; "], "History 2: The history is empty"),
        ([[61]], "^Item id 61 is not in the catalogue; ids are 1 to 60"),
        ({"u7": ["zzzz"]}, "User 'u7': 'zzzz' is neither a title nor an id in the catalogue"),
        (["Cluster 1 item"], "the closest titles are"),
    ],
)
def test_an_unusable_history_is_named(tiny_run, histories, words):
    with pytest.raises(DataError, match=words):
        recommend(tiny_run, histories)


@pytest.mark.parametrize(
    ("options", "words"), [({"k": 0}, "at least 1, not 0"), ({"steps": 5}, "must be 1 to 4, not 5"), ({"users": [1, 2]}, "one position")]
)
def test_an_impossible_setting_is_refused(tiny_run, options, words):
    with pytest.raises(ConfigError, match=words):
        recommend(tiny_run, [[1]], **options)


# -- files ------------------------------------------------------------------------------------------------------------


def test_a_file_has_one_history_a_line(tmp_path):
    (tmp_path / "h.txt").write_text("Toy Story; Alien ;\n3;4;3\n\n")
    assert read_histories(tmp_path / "h.txt")[0] == [["Toy Story", "Alien"], ["3", "4", "3"]]


def test_a_line_ends_only_where_a_line_ends(tmp_path):
    (tmp_path / "h.txt").write_bytes("Ran\u2028the film; Alien\x85\r\n3\n\n \n".encode())
    histories, account = read_histories(tmp_path / "h.txt")
    assert histories == [["Ran\u2028the film", "Alien"], ["3"]]
    assert account.lines == {"total": 4, "header": 0, "rows": 2, "blank": 2, "inside_quotes": 0} and account.read == 2


def test_a_table_has_a_user_and_an_item_in_each_row_in_its_order(tmp_path):
    (tmp_path / "h.csv").write_text('user_id,title\nb,"Man, The"\na,Alien\nb,Alien\n')
    assert read_histories(tmp_path / "h.csv")[0] == {"b": ["Man, The", "Alien"], "a": ["Alien"]}


def test_a_parquet_table_is_read_like_text(tmp_path):
    pd.DataFrame({"user_id": ["b", "a"], "title": ["Ran", "Alien"]}).to_parquet(tmp_path / "h.parquet")
    assert read_histories(tmp_path / "h.parquet")[0] == {"b": ["Ran"], "a": ["Alien"]}


def test_a_time_column_decides_the_order(tmp_path):
    (tmp_path / "h.tsv").write_text("user\titem\ttimestamp\na\t1\t30\nb\t5\t1\na\t2\t10\n")
    assert read_histories(tmp_path / "h.tsv")[0] == {"a": ["2", "1"], "b": ["5"]}


def test_a_column_of_titles_is_titles_however_it_is_named(tmp_path):
    (tmp_path / "h.csv").write_text("user_id,item_id,title,what\na,1,Alien,Ran\n")
    for options, item, kind in (({}, "1", RawId), ({"item": "title"}, "Alien", str), ({"title": "what"}, "Ran", str)):
        (found,) = read_histories(tmp_path / "h.csv", **options)[0]["a"]
        assert (found, type(found)) == (item, kind)


def test_rows_without_a_user_an_item_or_a_time_are_left_out_on_request(tmp_path):
    (tmp_path / "h.csv").write_text("user,item,timestamp\na,1,1400000003\n,2,1400000000\na,,1400000000\na,3,\na,4,1400000001\n")
    histories, account = read_histories(tmp_path / "h.csv", missing="drop")
    assert histories == {"a": ["4", "1"]}
    assert (account.rows, account.read, account.left_out) == (5, 2, {"without a user, an item or a time": 3})
    with pytest.raises(DataError, match="missing=drop .1 row left out"):
        read_histories(tmp_path / "h.csv")


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("h.csv", {"events": "view"}, "The option events is not one of histories; these are separator, "),
        ("h.csv", {"k_core": 5}, "k_core is not one of histories"),
        ("h.csv", {"missing": "keep"}, "missing is drop"),
        ("h.csv", {"item": "item", "title": "what"}, "not both"),
        ("h.txt", {"user": "user"}, "one history per line, which takes no option such as user"),
        ("h.data", {"separator": ","}, "takes no option such as separator"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(tmp_path, name, options, words):
    (tmp_path / name).write_text("user,item\na,1\n")
    with pytest.raises(DataError, match=words):
        read_histories(tmp_path / name, **options)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("h.txt", "", "is empty"),
        ("h.txt", "1;2\n;\n3\n", "line 2 is empty"),
        ("h.csv", "user,what\na,1\n", "no column that looks like the item"),
        ("h.csv", "what,item\na,1\n", "no column that looks like the user"),
        ("h.csv", "user,item\na,1\nb,\n", "has no item in row 2"),
    ],
)
def test_a_file_without_histories_is_named(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=words):
        read_histories(tmp_path / name)


# -- the command ------------------------------------------------------------------------------------------------------


def test_the_command_prints_what_the_function_gives(tiny_run, tmp_path, capsys):
    (tmp_path / "h.csv").write_text("user,item\nann,{}\nbob,{}\n".format(*tiny_run.items["item"][[5, 9]]))
    assert main(["recommend", str(tiny_run.path), "--file", str(tmp_path / "h.csv"), "--top", "3", "--exclude-seen", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [u["user"] for u in printed["users"]] == ["ann", "bob"] and set(printed["users"][0]["items"][0]) == {
        "id",
        "title",
        "score",
        "probability",
    }
    assert ids(printed) == ids(recommend(tiny_run, [[5], [9]], 3, exclude_seen=True))


def test_the_command_names_a_file_that_is_not_there(tiny_run, capsys):
    assert main(["recommend", str(tiny_run.path), "--file", "nowhere.txt"]) == 2
    assert capsys.readouterr().err == "adrec: There is no file 'nowhere.txt'.\n"


def test_the_command_takes_options_with_a_file_only(tiny_run, capsys):
    assert main(["recommend", str(tiny_run.path), "--history", "1", "--data-option", "user=u"]) == 2
    assert "needs --file" in capsys.readouterr().err


def test_the_command_says_which_rows_it_left_out(tiny_run, tmp_path, capsys):
    (tmp_path / "h.csv").write_text("user,item\nann,{}\nann,\n,{}\n".format(*tiny_run.items["item"][[5, 9]]))
    assert main(["recommend", str(tiny_run.path), "--file", str(tmp_path / "h.csv"), "--data-option", "missing=drop", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == "adrec: Left out: 2 rows without a user, an item or a time.\n"
    assert json.loads(out)["left_out"] == ["2 rows without a user, an item or a time."]


@pytest.fixture
def books(tiny_run: RunFolder, test_data: Path, tmp_path: Path) -> RunFolder:
    """The tiny run with the first items of ``books.csv``, among them item 42, "Book 42", and item 7, titled "42"."""
    run = RunFolder(tmp_path / "books")
    shutil.copytree(tiny_run.path, run.path)
    frame = read_dataset(test_data / "brought" / "books.csv").items.frame
    frame = frame.sort_values("item", key=lambda ids: ids.astype(int)).head(len(tiny_run.items))[["item", "title"]]
    frame.set_axis(tiny_run.items.index[: len(frame)]).to_csv(run.path / "items.csv")
    return run


def test_an_id_in_a_column_of_ids_is_never_a_title(books: RunFolder, test_data: Path) -> None:
    histories = read_histories(test_data / "brought" / "new_users.csv")[0]
    assert histories == {"new1": ["30", "42"], "new2": ["30", "77"]} and all(type(i) is RawId for h in histories.values() for i in h)
    first = recommend(books, {"new1": histories["new1"]})["users"][0]
    assert [(item["id"], item["title"]) for item in first["history"]] == [(30, "Book 30"), (42, "Book 42")]
    assert books.items.loc[7, "title"] == "42"


def test_users_without_unknown_items_are_served_and_the_others_named(books: RunFolder, test_data: Path) -> None:
    histories = read_histories(test_data / "brought" / "new_users_one_unknown_item.csv")[0]
    report = recommend(books, histories, serve_rest=True)
    assert [user["user"] for user in report["users"]] == ["new1", "new3"]
    assert report["left_out"] == ["User 'new2': '9999' is not among the ids of the catalogue."]
    with pytest.raises(DataError, match="User 'new2': '9999'"):
        recommend(books, histories)
