"""What pages show of a file that was read: the account, the columns to change, and an open question."""

from typing import Any

from streamlit.testing.v1 import AppTest

from adrec.reading.account import Account, Doubt, Use
from app import reading_view
from tests.app.pages import texts

DOUBT = Doubt(
    "'x.csv' has no header line.", "user", [("column1", "whole numbers"), ("column2", "text")], {"user": "column1", "item": "column2"}
)


def page(kind: str, given: "dict[str, Any]") -> None:
    """A page with one element; it shows what came back as a caption."""
    import streamlit as st

    from app import reading_view

    chosen = reading_view.chosen("file")
    if kind == "account":
        reading_view.account(given)
    elif kind == "roles":
        # The file says the time by itself, unless an option does.
        uses = [use for use in given["uses"] if use["role"] not in chosen]
        uses += [{"column": value, "role": role, "why": "as asked"} for role, value in chosen.items() if value != "none"]
        found = reading_view.roles({**given, "uses": uses}, ["user_id", "item_id", "timestamp", "when"], chosen, "file")
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
    assert "Read 5,400 rows**: 400 users and 300 items" in texts(app) and "11 rows left out" in texts(app)
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
