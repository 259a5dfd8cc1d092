"""A real person's history for the lesson: one at a time, without the film that is held back, for the app's own pages."""

import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from adrec.data import catalog
from adrec.data.dataset import SequenceDataset
from adrec.lesson import setup
from adrec.lesson.films import others
from app import loaders, people
from app.serving import files


def ask(number: str, origin: str | None = None) -> Response:
    """What a browser gets that asks for this person."""
    headers = [(b"host", b"localhost:8501")] + ([(b"origin", origin.encode())] if origin is not None else [])
    scope = {"type": "http", "method": "GET", "path": files.address("person") + f"/{number}", "headers": headers}
    _, found = people.route().matches(scope)
    return people.person(Request(scope | found))


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch, tiny_data: SequenceDataset) -> SequenceDataset:
    """The data that the server has."""
    monkeypatch.setattr(loaders, "dataset", lambda run: (tiny_data, ""))
    return tiny_data


def person(answer: Response) -> dict[str, Any]:
    """The person in an answer."""
    found: dict[str, Any] = json.loads(answer.body)
    return found


def test_a_person_is_all_they_chose_but_the_last_film_which_comes_next_by_the_lessons_numbers(users: SequenceDataset) -> None:
    found, numbers = person(ask(users.user_ids[3])), others(loaders.BUNDLED)
    assert [found["number"], found["next"]] == [users.user_ids[3], numbers[users.test[3]]]
    assert found["history"] == numbers[[*users.train(3), users.val[3]][-50:]].tolist()


def test_a_drawn_person_is_one_of_the_data(users: SequenceDataset) -> None:
    assert {person(ask(people.ANY))["number"] for _ in range(20)} <= set(users.user_ids)


def test_a_number_that_nobody_has_is_answered_with_nobody(users: SequenceDataset) -> None:
    answer = ask("nobody")
    assert answer.status_code == 200 and json.loads(bytes(answer.body)) is None


def test_a_page_of_another_site_gets_nobody(users: SequenceDataset) -> None:
    assert ask(users.user_ids[3], origin="http://elsewhere.example").status_code == 403


def test_without_the_ratings_nobody_is_offered_and_the_reason_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "available", lambda name: False)
    answer = ask("1")
    assert people.url() is None
    assert answer.status_code == 503 and b"are not on this machine" in bytes(answer.body)


def test_without_the_lessons_run_nobody_is_offered_and_the_reason_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaders, "bundled", lambda name: None)
    answer = ask("1")
    assert people.url() is None
    assert answer.status_code == 503 and b"is not bundled" in bytes(answer.body)


def test_a_lesson_in_a_file_offers_nobody_real() -> None:
    assert b'"persons": null' in setup.data(setup.bundled(), "file")
