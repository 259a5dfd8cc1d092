"""What pages show of a file that was read: the account, the columns to change, and an open question."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from adrec.errors import DataError
from adrec.reading.account import Account, Doubt, Use
from app import reading_view
from tests.app.pages import plainly, texts

DOUBT = Doubt(
    "'x.csv' has no header line.", "user", [("column1", "whole numbers"), ("column2", "text")], {"user": "column1", "item": "column2"}
)


def page(kind: str, given: "dict[str, Any]") -> None:
    """A page with one element; it shows what came back as a caption."""
    import streamlit as st

    from adrec.reading.account import Account
    from app import reading_view

    chosen = reading_view.chosen("file")
    if kind == "account":
        reading_view.account(Account.from_dict(given))
    elif kind == "roles":
        # The file says the time by itself, unless an option does.
        uses = [use for use in given["uses"] if use["role"] not in chosen]
        uses += [{"column": value, "role": role, "why": "as asked"} for role, value in chosen.items() if value != "none"]
        found = reading_view.roles(Account.from_dict({**given, "uses": uses}), ["user_id", "item_id", "timestamp", "when"], chosen, "file")
        reading_view.settle("file", found)
        reading_view.as_options(found)
        reading_view.start_over("file")
    else:
        st.text(str(reading_view.question(given, "file")))


def read() -> Account:
    found = Account("x.csv", "CSV", rows=5411, read=5400, left_out={"without a time": 11}, users=400, items=300)
    found.uses = [Use("user_id", "user", "named so"), Use("item_id", "item", "named so"), Use("timestamp", "time", "named so")]
    found.head = [{"user_id": "1", "item_id": "7", "timestamp": "5", "when": "*x*"}]
    return found


def opened(kind: str, given: dict[str, Any]) -> AppTest:
    app = AppTest.from_function(page, args=(kind, given), default_timeout=30).run()
    assert not app.exception
    return app


def test_an_account_shows_its_size_its_sentences_and_the_first_rows() -> None:
    app = opened("account", read().as_dict())
    assert "Read 5,400 rows**: 400 users and 300 items" in texts(app) and "Left out: 11 rows without a time" in texts(app)
    assert all(sentence in texts(app) for sentence in read().sentences())
    assert app.dataframe[0].value.to_dict("records") == read().head


def test_a_changed_column_is_an_option_and_what_the_file_says_by_itself_is_none() -> None:
    app = opened("roles", read().as_dict())
    assert [box.value for box in app.selectbox[:3]] == ["user_id", "item_id", "timestamp"] and not app.code
    app.selectbox(key="file.time.timestamp").set_value("when").run()
    assert app.code[0].value == "--data-option time=when" and app.selectbox(key="file.time.when").value == "when"
    app.selectbox(key="file.time.when").set_value("timestamp").run()
    assert not app.code and not app.exception


def test_choices_are_forgotten_on_request() -> None:
    app = opened("roles", read().as_dict())
    app.selectbox(key="file.time.timestamp").set_value("none").run()
    assert app.code[0].value == "--data-option time=none"
    app.button(key="file.again").click().run()
    assert not app.code and app.selectbox(key="file.time.timestamp").value == "timestamp"


def test_a_question_is_settled_by_a_candidate_by_all_that_is_proposed_or_by_another_value() -> None:
    for picked, typed, settled in (
        (0, "", {"user": "column1", "item": "column2"}),
        (2, "", {"user": "column2"}),
        (3, "column9", {"user": "column9"}),
    ):
        app = opened("question", DOUBT.as_dict())
        assert app.text[0].value == "None" and app.button[0].disabled
        app.radio[0].set_value(picked).run()
        if typed:
            app.text_input[0].set_value(typed).run()
        app.button[0].click().run()
        assert app.text[0].value == str(settled)


def test_a_question_that_names_every_value_asks_for_no_other() -> None:
    doubt = Doubt("'x.csv' has dates.", "dates", [("dmy", "the day first"), ("mdy", "the month first")])
    assert len(opened("question", doubt.as_dict()).radio[0].options) == 2


def test_options_are_quoted_for_a_shell() -> None:
    assert reading_view.command_options({"time": "date+time of day"}) == "--data-option 'time=date+time of day'"


def test_another_option_may_settle_a_question_and_no_command_is_spoken() -> None:
    doubt = Doubt("'x.csv' has no time in row 2", "missing", [("drop", "1 row left out")], instead=("time", "none", "all rows"))
    app = opened("question", doubt.as_dict())
    assert [plainly(option) for option in app.radio[0].options] == ["1 row left out", "All rows"]
    assert "missing=drop" not in texts(app) and "has no time in row 2." in texts(app)
    app.radio[0].set_value(1).run()
    app.button[0].click().run()
    assert app.text[0].value == "{'time': 'none'}"


def test_what_may_change_what_one_wants_is_seen_and_kinds_of_events_are_a_choice() -> None:
    found = read()
    found.remarks, found.events = ["No column holds times, so rows are taken in file order."], ["view", "buy"]
    assert any("rows are taken in file order" in note.value for note in opened("account", found.as_dict()).markdown)
    app = opened("roles", found.as_dict())
    app.multiselect[0].set_value(["buy"]).run()
    assert app.code[0].value == "--data-option events=buy" and app.multiselect[0].value == ["buy"]
    app.multiselect[0].set_value(["buy", "view"]).run()
    assert not app.code and not app.exception


@pytest.mark.parametrize("path", ["/etc/passwd", "/no/such/file.csv"])
def test_no_text_names_a_file_of_the_server(path: str) -> None:
    with pytest.raises(DataError, match="'items' is not an option of the interactions") as caught:
        reading_view.options(f"items={path}, category=password")
    assert path not in str(caught.value)


@pytest.mark.parametrize("text", ["user", "=x", "user="])
def test_options_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="does not name options"):
        reading_view.options(text)


def test_columns_and_filters_are_options() -> None:
    assert reading_view.options("user=a item; k_core=5") == {"user": "a item", "k_core": "5"}
    assert reading_view.options("events=purchase,view; separator=;, drop_users=1,2,") == {
        "events": "purchase,view",
        "separator": ";",
        "drop_users": "1,2",
    }
