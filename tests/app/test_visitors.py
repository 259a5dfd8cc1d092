"""A public server: who somebody is, what is theirs, and what gets in."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from adrec.data.dataset import ItemTable
from adrec.errors import RunError
from adrec.folders import app_folder
from adrec.runs import RunFolder
from app import loaders, projecting, ui
from app.serving import limits, turnstile, visitors
from app.serving.turnstile import Turnstile
from tests.app.pages import offered, open_page, plainly, texts


@pytest.fixture
def public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A public server whose visitors' folder is this one."""
    folder = tmp_path / "adrec-visitors-x"
    folder.mkdir()
    monkeypatch.setenv("ADREC_MODE", "public")
    monkeypatch.delenv("ADREC_RUNS", raising=False)
    monkeypatch.setattr(visitors, "place", lambda: folder)
    for kept in (visitors._tabs, visitors._left, visitors._were, visitors._reruns._until, visitors._readings._until):
        kept.clear()
    yield folder
    visitors._tabs.clear()


def tables(folder: Path, name: str) -> RunFolder:
    """Item tables that somebody brought."""
    run = RunFolder(folder / name)
    rng = np.random.default_rng(0)
    run.create_tables({"table": rng.normal(size=(30, 4)).astype(np.float32)}, ItemTable.untitled([f"thing-{i}" for i in range(30)]), {})
    return run


def test_a_cookie_is_known_only_if_this_server_issued_it() -> None:
    cookie = visitors.issue()
    assert visitors.known(cookie) == cookie.split(".")[0] and len(cookie.split(".")[0]) == 32
    name, signature = cookie.split(".")
    for other in (None, "", name, f"{name}.", f"{'0' * 32}.{signature}", f"../x.{signature}", "é.é", f"{name}.{signature}x"):
        assert visitors.known(other) is None


def test_on_ones_own_server_everything_is_ones_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ADREC_RUNS", str(tmp_path))
    assert visitors.me() == "" and list(visitors.folders()) == [visitors.folder()] == [tmp_path] and visitors.refusal() is None


def test_a_visitor_sees_their_own_tables_and_what_is_published_and_nobody_elses(
    public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = tmp_path / "published"
    tables(published, "for-all")
    tables(public / visitors.of_session("test session id"), "mine")
    tables(public / "another", "theirs")
    names = {run.name for run in loaders.all_runs()}
    assert not names & {"for-all", "theirs"}  # without a page, nobody in particular
    found = offered(open_page("collapse", run="mine"))[1]
    assert any("mine" in title for title in found["Your files"]) and not any(
        "theirs" in t or "for-all" in t for ts in found.values() for t in ts
    )
    assert "There is no run called 'theirs' here" in texts(open_page("collapse", run="theirs"))
    monkeypatch.setenv("ADREC_RUNS", str(published))
    assert any("for-all" in title for title in offered(open_page("collapse"))[1]["Your files"])


def test_what_a_visitor_brought_is_cached_for_their_session_only(public: Path) -> None:
    run, counted = tables(public / "someone", "mine"), list[str]()

    @loaders.of_run(4)
    def read(run: RunFolder) -> str:
        counted.append(run.name)
        return run.name

    everybodys = loaders.bundled(loaders.FIRST)
    assert everybodys is not None
    for one in (run, run, everybodys, everybodys):
        read(one)
    assert counted == ["mine", "mine", everybodys.name]  # outside of a session, nothing of the visitor's is kept


def test_tables_are_deleted_by_their_visitor_after_a_question(public: Path) -> None:
    mine = public / visitors.of_session("test session id")
    tables(mine, "mine")
    app = open_page("collapse", run="mine")
    app.button(key="train.delete").click().run()
    assert not app.exception and not (mine / "mine").exists()
    assert "train.delete" not in [button.key for button in open_page("collapse", run=loaders.FIRST).button]


def test_only_so_many_sets_of_tables_are_kept(public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PUBLIC", limits.Limits(folders=2))
    visitors.check_room()
    for name in ("one", "two"):
        tables(visitors.folder(), name)
    with pytest.raises(RunError, match="You keep 2 sets of tables here"):
        visitors.check_room()


def test_what_a_visitor_brought_goes_when_their_last_page_has_been_closed_for_a_while(public: Path) -> None:
    for who in ("here", "gone", "just-gone"):
        tables(public / who, "t")
    (public / f"{visitors.READING}x").mkdir()
    visitors._tabs["session"] = "here"
    visitors._left |= {"here": 0.0, "gone": time.monotonic() - 10, "just-gone": time.monotonic()}
    visitors.clear(after=5)
    assert sorted(path.name for path in public.iterdir()) == ["here", "just-gone", f"{visitors.READING}x"]


def test_folders_of_a_server_that_was_killed_are_deleted_and_those_in_use_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left, used, fresh = (tmp_path / f"{visitors.PREFIX}{name}" for name in ("left", "used", "fresh"))
    for folder in (left, used, fresh):
        (folder / "someone").mkdir(parents=True)
    for folder in (left, used):
        os.utime(folder, (1, 1))
    (tmp_path / f"{visitors.PREFIX}link").symlink_to(used)
    with FileLock(used / ".lock"):
        os.utime(used, (1, 1))
        monkeypatch.setattr(visitors.tempfile, "gettempdir", lambda: str(tmp_path))
        made = visitors.place.__wrapped__()
    os.utime(made, (1, 1))
    visitors._remove_if_left(made)  # as another server does that starts later
    assert not left.exists() and used.is_dir() and fresh.is_dir() and made.is_dir()


def test_a_visitor_with_too_many_pages_is_told_so(public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PUBLIC", limits.Limits(tabs=1, open=2))
    me = visitors.of_session("test session id")
    visitors._tabs["another"] = me
    assert "You have 1 pages of this server open already" in texts(open_page("own"))
    visitors._tabs.update({"another": "someone", "third": "someone else"})
    assert "2 pages of this server are open" in texts(open_page("own"))
    visitors._tabs.clear()
    assert "Have your embeddings collapsed?" in texts(open_page("own")) and visitors._tabs == {"test session id": me}


def test_a_visitor_who_asks_too_much_is_told_when_it_goes_on(public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "_reruns", limits.Rate(most=1, every=29.0))
    open_page("own")
    app = open_page("own")
    assert "It goes on for you in 2" in texts(app) and not app.get("file_uploader")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("'/etc/passwd' is no table", "'passwd' is no table"),
        ("'{place}/someone/my tables/a.npy' is damaged", "'a.npy' is damaged"),
        ("cannot read /usr/lib/python3/x.py, line 3", "cannot read x.py, line 3"),
        ("see https://example.org/a/b and 1/2 of AC/DC", "see https://example.org/a/b and 1/2 of AC/DC"),
    ],
)
def test_no_sentence_of_a_public_server_names_a_folder(public: Path, said: str, shown: str) -> None:
    visitors._roots.cache_clear()
    assert visitors.without_paths(said.format(place=public)) == shown
    assert plainly(ui.plain("'/etc/passwd'")) == "'passwd'"
    visitors._roots.cache_clear()


def test_only_who_started_a_computation_ends_it_and_only_so_many_run(public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, ended = RunFolder(public / "x"), list[int]()
    process = SimpleNamespace(kill=lambda: ended.append(1))
    job = projecting.Job(process, owner="someone", reader=SimpleNamespace(is_alive=lambda: True))  # type: ignore[arg-type]
    monkeypatch.setattr(projecting, "_jobs", {(projecting.MODULE, str(run.path.resolve())): job})
    projecting.cancel(run)
    assert not ended and not job.mine
    monkeypatch.setattr(limits, "PUBLIC", limits.Limits(at_once=1))
    with pytest.raises(limits.OverLimits, match="computes something for another visitor"):
        projecting.start(RunFolder(public / "y"))
    monkeypatch.setattr(visitors, "me", lambda: "someone")
    projecting.cancel(run)
    assert ended == [1]
    run.path.mkdir(parents=True)
    projecting.forget_gone()
    assert projecting.job(run) is job and ended == [1]
    run.path.rmdir()  # the visitor has left
    projecting.forget_gone()
    assert projecting.job(run) is None and ended == [1, 1]


# -- the entrance -------------------------------------------------------------------------------------------------


class Inside:
    """What stands behind the entrance: notes requests, answers with a page."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html; charset=utf-8")]})
        await send({"type": "http.response.body", "body": b"page"})


def ask(entrance: Turnstile, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer."""
    sent: list[Any] = []
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": named, "query_string": b"", "client": ("192.0.2.1", 1)}

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(entrance(scope, receive, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


def test_a_page_brings_a_cookie_that_no_proxy_keeps_and_only_once(public: Path) -> None:
    entrance = Turnstile(Inside())
    status, headers = ask(entrance, accept="text/html")
    cookie = headers["set-cookie"].split(";")[0].removeprefix("adrec_visitor=")
    assert status == 200 and headers["cache-control"] == "no-store" and "HttpOnly" in headers["set-cookie"] and visitors.known(cookie)
    assert "set-cookie" not in ask(entrance, accept="text/html", cookie=f"adrec_visitor={cookie}")[1]
    assert "set-cookie" in ask(entrance, accept="text/html", cookie="adrec_visitor=mine")[1]
    assert "set-cookie" not in ask(entrance)[1]
    assert (
        "Secure" not in headers["set-cookie"] and "Secure" in ask(entrance, accept="text/html", x_forwarded_proto="https")[1]["set-cookie"]
    )


def test_ones_own_server_lets_everything_in_as_it_is() -> None:
    inside = Inside()
    assert "set-cookie" not in ask(Turnstile(inside), accept="text/html")[1] and inside.seen == ["/"]


def test_a_flood_of_requests_is_turned_away_with_the_time_to_wait(public: Path) -> None:
    entrance = Turnstile(Inside())
    entrance.requests, entrance.newcomers = limits.Rate(2, 30.0), limits.Rate(1, 30.0)
    answers = [ask(entrance, "/person/any") for _ in range(3)]
    assert [status for status, _ in answers] == [200, 200, 429] and answers[-1][1]["retry-after"] == "30"
    assert [ask(entrance, accept="text/html")[0] for _ in range(2)] == [200, 429]
    assert ask(entrance, "/static/x.js")[0] == 200


def test_files_come_only_for_ones_own_page_and_only_so_many(public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, cookie = "session", visitors.issue()
    visitors._tabs[mine] = str(visitors.known(cookie))
    visitors._tabs["bare"] = visitors.of_session("bare")  # a browser that keeps no cookies
    entrance, inside = Turnstile(inside := Inside()), inside
    held = {mine: {"old": SimpleNamespace(data=bytes(2 * 2**20))}}
    runtime = SimpleNamespace(uploaded_file_mgr=SimpleNamespace(file_storage=held))
    monkeypatch.setattr(turnstile, "Runtime", SimpleNamespace(exists=lambda: True, instance=lambda: runtime))
    monkeypatch.setattr(limits, "PUBLIC", limits.Limits(held=4, held_by_all=5))

    def put(session: str, size: str | None = "100", method: str = "PUT", of: str = cookie) -> int:
        length = {} if size is None else {"content_length": size}
        return ask(entrance, f"/_stcore/upload_file/{session}/file", method, cookie=f"adrec_visitor={of}", **length)[0]

    assert (put(mine), put("bare", of=""), put(mine, method="DELETE", size=None)) == (200, 200, 200)
    assert (put(mine, of=visitors.issue()), put("bare"[::-1]), put(mine, method="DELETE", of="")) == (403, 403, 403)
    assert (put(mine, None), put(mine, "-1"), put(mine, "1e3")) == (411, 411, 411)
    assert (put(mine, str(2**21)), put(mine, str(2**21 + 1)), put("bare", str(3 * 2**20 + 1), of="")) == (200, 413, 413)
    assert len(inside.seen) == 4 and entrance.arriving == entrance.bytes_arriving == 0


def test_a_session_is_gone_back_to_by_its_own_browser_only(public: Path) -> None:
    cookie, seen = visitors.issue(), list[str]()
    visitors._tabs["open"] = str(visitors.known(cookie))
    visitors._were["closed"] = str(visitors.known(cookie)), time.monotonic()

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["headers"])[b"sec-websocket-protocol"].decode())

    async def nothing(*_: Any) -> Any:
        raise AssertionError

    for session, of in (("open", cookie), ("closed", cookie), ("unknown", ""), ("open", ""), ("closed", visitors.issue())):
        headers = [(b"sec-websocket-protocol", f"streamlit, token, {session}".encode()), (b"cookie", f"adrec_visitor={of}".encode())]
        asyncio.run(Turnstile(inside)({"type": "websocket", "path": "/_stcore/stream", "headers": headers}, nothing, nothing))
    own, others = [f"streamlit, token, {session}" for session in ("open", "closed", "unknown")], ["streamlit, token"] * 2
    assert seen == own + others


def test_connections_beyond_all_limits_are_refused(public: Path) -> None:
    entrance, sent = Turnstile(Inside()), list[str]()
    entrance.open = 2 * limits.limits().open

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(entrance({"type": "websocket", "path": "/_stcore/stream", "headers": []}, lambda: None, send))
    assert sent == ["websocket.close"]


def test_what_streamlit_says_of_its_script_goes_out_without_the_folder() -> None:
    message = ForwardMsg()
    message.new_session.main_script_path = turnstile.SCRIPT
    assert ForwardMsg.FromString(turnstile._without_script(message.SerializeToString())).new_session.main_script_path == "script.py"
    assert turnstile._without_script(b"other") == b"other"


@pytest.mark.parametrize("page", ["own", "collapse", "denoising", "train", "compare"])
def test_nothing_that_a_page_sends_says_where_the_program_lies(public: Path, page: str) -> None:
    def sent(block: Any) -> bytes:
        own = block.proto.SerializeToString() if getattr(block, "proto", None) is not None else b""
        return own + b"".join(sent(child) for child in getattr(block, "children", {}).values())

    data = sent(open_page(page)._tree)
    assert len(data) > 2000 and str(app_folder()).encode() not in data
