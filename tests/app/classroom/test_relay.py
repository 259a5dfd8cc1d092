"""The relay: phones are told where the class is, the presenter what they guess; nobody else moves it, and nothing grows without bound."""

import asyncio
import gzip
import json
import re
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.classroom import key, page, relay, state, stream
from app.classroom.place import FIELDS, lesson
from tests.app.classroom.conftest import PLACE, Server, phone

MOVES = {**PLACE, "chapter": 5, "step": 2}


def run(what: Coroutine[Any, Any, None]) -> None:
    """In an event loop and a thread of its own: Playwright's loop may run in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, what).result()


def test_a_phone_is_told_the_place_at_once_and_at_every_move(server: Server) -> None:
    async def tried() -> None:
        async with server.stream(phone(1)) as early:
            assert (await early.next())["place"] is None
            await server.move()
            assert (await early.next())["place"] == PLACE
            async with server.stream(phone(2)) as late:
                assert (await late.next())["place"] == PLACE
                await server.move(MOVES)
                assert [(await each.next())["place"] for each in (early, late)] == [MOVES, MOVES]

    run(tried())


def test_a_phone_learns_neither_the_guesses_nor_who_is_here_nor_the_key(server: Server) -> None:
    async def tried() -> None:
        await server.move()
        async with server.stream(phone(1)) as followed:
            assert {*await followed.next()} == {"server", "version", "place"}
        assert key.key().encode() not in page.lesson(key.code()).plain

    run(tried())


def test_the_presenter_sees_phones_and_guesses_and_a_changed_guess_counts_once(server: Server) -> None:
    async def tried() -> None:
        async with server.stream() as led, server.stream(phone(1)), server.stream(phone(2)):
            for name, guesses in [(1, {"0": 2}), (2, {"0": 2, "1": 11}), (1, {"0": 1}), (1, {"0": 1})]:
                assert (await server.guess(phone(name), guesses)).status == 204
            while (told := await led.next())["tallies"].get("0") != [0, 1, 1]:
                pass
            assert told["phones"] == 2 and told["tallies"]["1"] == [0] * 11 + [1]

    run(tried())


def test_a_guess_stays_as_it_was_while_its_answer_is_on_the_screen(server: Server) -> None:
    async def tried() -> None:
        async with server.stream(phone(1)):
            await server.guess(phone(1), {"2": 0, "3": 0})
            await server.move({**PLACE, "step": 1})
            await server.guess(phone(1), {"2": 1, "3": 1})
        assert relay.led().tallies() == {2: [1, 0, 0], 3: [0, 1, 0]}

    run(tried())


def test_a_phone_that_came_back_is_the_same_phone_and_one_that_left_is_forgotten_after_a_while(server: Server, monkeypatch: Any) -> None:
    async def tried() -> None:
        for _ in range(3):
            async with server.stream(phone(1)):
                await server.guess(phone(1), {"0": 1})
        assert relay.led().tallies() == {0: [0, 1, 0]} and relay.led().here() == 1
        monkeypatch.setattr(state, "FORGOTTEN", -1)
        async with server.stream(phone(2)) as followed:
            await followed.next()
        assert relay.led().tallies() == {}

    run(tried())


def test_a_server_that_starts_again_knows_the_same_presenter_and_code_and_says_that_it_is_new(server: Server) -> None:
    before = key.key(), key.code(), relay.led().server
    for kept in (key.key, key.code, relay.led):
        kept.cache_clear()
    assert (key.key(), key.code()) == before[:2] and relay.led().server != before[2]


def test_another_day_has_another_class(server: Server, monkeypatch: Any) -> None:
    before = key.key(), key.code()
    monkeypatch.setattr(key, "LASTS", -1)
    key.key.cache_clear(), key.code.cache_clear()
    assert key.key() != before[0] and key.code() != before[1]


def test_the_secret_is_its_owners_alone_and_is_made_even_where_nothing_can_be_kept(
    server: Server, tmp_path: Path, monkeypatch: Any
) -> None:
    made = key.key()
    assert (tmp_path / "classroom.key").read_text() == made and (tmp_path / "classroom.key").stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("ADREC_HOME", str(tmp_path / "classroom.key" / "no folder"))
    key.key.cache_clear()
    assert len(key.key()) >= 20 and key.key() != made


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer x", "bearer {key}", "{key}", "Bearer {key} ", "Bearer {key}é"])
def test_nobody_but_the_presenter_moves_the_class_or_sees_the_guesses(server: Server, given: str) -> None:
    async def tried() -> None:
        wrong = given.format(key=key.key())
        for method, path in (("POST", "/place"), ("GET", "/events"), ("GET", "/invitation?origin=http://localhost:8501")):
            answer = await server.ask(method, path, PLACE, authorization=wrong)
            assert answer.status == 403 and answer.text == relay.NO_PRESENTER
        assert relay.led().place is None

    run(tried())


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"origin": "null"}, {"host": "evil.example"}])
def test_a_page_of_another_site_is_refused_whatever_it_asks(server: Server, headers: dict[str, str]) -> None:
    async def tried() -> None:
        named = {"authorization": f"Bearer {key.key()}", "phone": phone(1), **headers}
        asked = [("GET", path) for path in ("", "/present", f"/{key.code()}", "/events", "/invitation", "/file/0")]
        for method, path in [*asked, ("POST", "/place"), ("POST", "/guesses")]:
            assert (await server.ask(method, path, PLACE, **named)).status == 403
        assert relay.led().place is None

    run(tried())


BROKEN = [
    *[b"", b"{", b"\xff", b"null", b"[]", b"1" * 4000, b"[" * 4000, b"NaN", b'{"chapter": 1}'],
    *[{**PLACE, name: value} for name in FIELDS for value in (True, -1, 1.0, 10**9 * 10**9, "1", [[]], {}, "\u001b[31m")],
    *[{**PLACE, "step": 4}, {**PLACE, "history": [0] * 101}, {**PLACE, "history": [1, True]}, {**PLACE, "name": "Ada"}],
]


@pytest.mark.parametrize("body", BROKEN)
def test_a_place_that_is_none_is_refused_with_one_sentence(server: Server, body: Any) -> None:
    async def tried() -> None:
        answer = await server.move(body)
        assert answer.status == 400 and answer.text.endswith(".") and "\n" not in answer.text and len(answer.text) < 200
        assert relay.led().place is None

    run(tried())


@pytest.mark.parametrize("guesses", [{"9": 0}, {"0": 3}, {"1": 12}, {"0": None}, {"0": True}, {"00": 0}, {"0": "1"}, [0], "0", None])
def test_a_guess_that_is_none_of_the_choices_is_refused_with_one_sentence(server: Server, guesses: Any) -> None:
    async def tried() -> None:
        async with server.stream(phone(1)):
            answer = await server.guess(phone(1), guesses)
        assert answer.status == 400 and answer.text.endswith(".") and relay.led().tallies() == {}

    run(tried())


def test_a_body_is_read_no_further_than_it_may_be_long(server: Server) -> None:
    async def tried() -> None:
        answer = await server.move(b" " * (relay.MOST_BYTES + 1))
        assert answer.status == 413 and answer.text == "The body may have 4096 bytes."

    run(tried())


def test_a_phone_counts_and_can_guess_while_it_asks_for_its_next_stream_but_no_longer(server: Server, monkeypatch: Any) -> None:
    async def tried() -> None:
        async with server.stream(phone(1)) as followed:
            await followed.next()
        assert (await server.guess(phone(1), {"0": 1})).status == 204 and relay.led().here() == 1
        monkeypatch.setattr(state, "GRACE", 0)
        assert (await server.guess(phone(1), {"0": 1})).status == 409 and relay.led().here() == 0

    run(tried())


def test_only_phones_that_follow_can_guess_and_not_too_often(server: Server) -> None:
    async def tried() -> None:
        assert (await server.guess(phone(1), {"0": 1})).status == 409
        async with server.stream(phone(1)):
            found = [(await server.guess(phone(1), {"0": 1})).status for _ in range(12)]
        assert found[:10] == [204] * 10 and found[-1] == 429
        for name in ("", "x", "x" * 33, "ä" * 32):
            assert (await server.ask("POST", f"/guesses?code={key.code()}", {}, phone=name)).status == 400

    run(tried())


@pytest.mark.parametrize("code", ["", "BCDF0", "\u001b[31m", "x" * 3000])
def test_a_wrong_code_gets_a_sentence_and_no_class(server: Server, code: str) -> None:
    async def tried() -> None:
        from urllib.parse import quote

        answer = await server.ask("GET", f"/events?code={quote(code)}", phone=phone(1))
        assert answer.status == 404 and answer.text.startswith("There is no class") and "\x1b" not in answer.text

    run(tried())


def test_a_code_is_found_however_it_is_typed_and_a_wrong_one_is_asked_for_again(server: Server) -> None:
    async def tried() -> None:
        found = await server.ask("GET", f"?code=+{key.code().lower()}")
        assert (found.status, found.headers["location"]) == (303, f"/class/{key.code()}")
        assert (await server.ask("GET", "/WRONG")).headers["location"] == "/class?code=WRONG"
        asked = await server.ask("GET", "?code=%3Cb%3E")
        assert asked.status == 404 and "No class here has the code &lt;B&gt;" in asked.text

    run(tried())


def test_a_full_class_says_so_and_takes_the_next_phone_when_one_leaves(server: Server, monkeypatch: Any) -> None:
    monkeypatch.setattr(state, "MOST_PHONES", 2)
    monkeypatch.setattr(state, "GRACE", 0)

    async def tried() -> None:
        async with server.stream(phone(1)):
            async with server.stream(phone(2)):
                refused = await server.ask("GET", f"/events?code={key.code()}", phone=phone(3))
                assert (refused.status, refused.text) == (503, "The class is full: 2 phones follow it.")
            async with server.stream(phone(3)) as followed:
                assert (await followed.next())["place"] is None

    run(tried())


def test_what_the_class_remembers_is_bounded_however_many_come_and_go(server: Server, monkeypatch: Any) -> None:
    monkeypatch.setattr(state, "MOST_PHONES", 5)
    monkeypatch.setattr(state, "GRACE", 0)

    async def tried() -> None:
        for number in range(15):
            async with server.stream(phone(number)) as followed:
                await followed.next()
        assert len(relay.led().phones) <= 2 * 5
        assert not relay.led()._following

    run(tried())


def test_a_reader_that_takes_nothing_is_dropped(server: Server, monkeypatch: Any) -> None:
    monkeypatch.setattr(stream, "SLOW", 0.05)
    monkeypatch.setattr(state, "GRACE", 0)

    async def tried() -> None:
        async with server.stream(phone(1), slow=True) as followed:
            async with asyncio.timeout(30):
                await followed.task
            assert relay.led().here() == 0

    run(tried())


def test_a_stream_says_that_it_is_there_and_ends_in_time(server: Server, monkeypatch: Any) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.02)
    monkeypatch.setattr(stream, "LASTS", 0.3)

    async def tried() -> None:
        async with server.stream(phone(1)) as followed:
            async with asyncio.timeout(30):
                await followed.task
            parts = [followed.parts.get_nowait() for _ in range(followed.parts.qsize())]
        assert parts[0].startswith(b"data: ") and parts[1] == b": still here\n\n" and parts[-1] == b""

    run(tried())


def test_a_server_that_stops_ends_all_streams(server: Server) -> None:
    async def tried() -> None:
        async with server.stream(phone(1)) as followed, server.stream() as led:
            await followed.next()
            relay.led().close()
            async with asyncio.timeout(30):
                await asyncio.gather(followed.task, led.task)

    run(tried())


def test_a_stream_is_passed_on_at_once_and_kept_nowhere(server: Server) -> None:
    async def tried() -> None:
        async with server.stream(phone(1)) as followed:
            await followed.next()
            headers = followed.answer.headers
        assert headers["content-type"] == "text/event-stream" and "content-length" not in headers
        assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")

    run(tried())


def test_every_question_of_the_lesson_has_its_choices_and_every_chapter_its_steps() -> None:
    assert lesson().choices == {0: 3, 1: 12, 2: 3, 3: 3, 4: 3, 5: 3, 6: 4, 7: 3, 8: 3}
    assert {*lesson().steps} == {*range(9)} and min(lesson().steps.values()) > 2


@pytest.mark.parametrize(
    ("origin", "named", "address"),
    [
        ("http://localhost:8501", "localhost", None),
        ("http://localhost:8501", "10.0.0.7", "http://10.0.0.7:8501/class"),
        ("http://127.0.0.1:8501", "fd00::7", "http://[fd00::7]:8501/class"),
        ("https://lesson.example.org", "localhost", "https://lesson.example.org/class"),
    ],
)
def test_the_class_comes_by_the_address_that_other_machines_can_open(
    server: Server, monkeypatch: Any, origin: str, named: str, address: str | None
) -> None:
    options = {"browser.serverAddress": named, "server.port": 8501, "server.baseUrlPath": "", "server.allowedHosts": ["localhost"]}
    monkeypatch.setattr("streamlit.get_option", options.__getitem__)

    async def tried() -> None:
        found = json.loads((await server.ask("GET", f"/invitation?origin={origin}", authorization=f"Bearer {key.key()}")).body)
        assert (found["address"], found["code"]) == (address, key.code()) and found["path"].startswith("M0 0h7v1h-7z")

    run(tried())


def test_what_pages_fetch_has_an_address_made_from_it_and_is_compressed_where_that_is_understood(server: Server) -> None:
    async def tried() -> None:
        for held in page.found().values():
            packed = await server.ask("GET", f"/file/{held.digest}", accept_encoding="gzip, br")
            plain = await server.ask("GET", f"/file/{held.digest}")
            assert gzip.decompress(packed.body) == plain.body == held.plain and "immutable" in packed.headers["cache-control"]
            assert (packed.headers["content-encoding"], plain.headers["content-encoding"]) == ("gzip", "identity")
        assert (await server.ask("GET", "/file/0")).status == 404

    run(tried())


def test_the_pages_run_no_script_but_the_classes_file(server: Server) -> None:
    for html in (page.lesson(None).plain.decode(), page.lesson("BCDF").plain.decode(), page.entrance("x")):
        assert re.findall("<script[^>]*>", html) == ([f'<script src="{page.code().url}">'] if "lesson" in html else [])
        assert "default-src 'none'" in html and "script-src 'unsafe-inline'" not in html
