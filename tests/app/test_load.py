"""The load test's viewers against a small server that speaks Streamlit's protocol, its figures, and the whole once on the real server."""

import asyncio
import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from adrec.cli import main
from adrec.errors import ConfigError
from app.load import measure, server
from app.load.crowd import Sample
from app.load.viewer import PAGES, Viewer

FRAGMENT = "fragment-1"


def messages(asked: Any, run: int) -> list[ForwardMsg]:
    """What a page with one list in a fragment and one large element sends; the element that the viewer has kept goes as a reference."""
    begun, where, page, chosen, large, end = (ForwardMsg() for _ in range(6))
    begun.new_session.SetInParent()
    where.navigation.page_script_hash = "page-7"
    page.page_info_changed.query_string = f"item={run}"
    chosen.delta.fragment_id = FRAGMENT
    chosen.delta.new_element.selectbox.id = "$$ID-0123-state.item"
    chosen.delta.new_element.selectbox.options.extend(["Alien", "Brazil"])
    if "large" in asked.cached_message_hashes:
        large.ref_hash = "large"
    else:
        large.hash, large.metadata.cacheable = "large", True
        large.delta.new_element.html.body = "x" * 20_000
    end.script_finished = ForwardMsg.FINISHED_SUCCESSFULLY
    stale = ForwardMsg()  # of the run before, which this one has superseded
    stale.script_finished = ForwardMsg.FINISHED_EARLY_FOR_RERUN
    return [stale, begun, where, page, chosen, large, end]


def visited(choices: int, answer: Callable[[Any, int], list[ForwardMsg]] = messages) -> tuple[list[Any], list[int], Viewer]:
    """What a viewer of Collapse asks for, what each answer weighs, and the viewer."""
    asked: list[Any] = []

    async def serve(socket: Any) -> None:
        async for data in socket:
            asked.append(BackMsg.FromString(data).rerun_script)
            for message in answer(asked[-1], len(asked)):
                await socket.send(message.SerializeToString())

    async def visit() -> tuple[list[int], Viewer]:
        kinds: Any = ["streamlit"]
        async with websockets.serve(serve, "127.0.0.1", 0, subprotocols=kinds, process_request=home) as served:
            port = served.sockets[0].getsockname()[1]
            viewer = Viewer(f"http://127.0.0.1:{port}", "collapse", Random(0))
            sizes = [await viewer.open(), *[await viewer.choose() for _ in range(choices)]]
            await viewer.close()
        return sizes, viewer

    def home(connection: Any, request: Any) -> Any:
        return None if "Upgrade" in request.headers else connection.respond(200, "the page")

    sizes, viewer = asyncio.run(visit())
    return asked, sizes, viewer


def test_a_viewer_asks_as_a_browser_does() -> None:
    asked, sizes, viewer = visited(2)
    assert [(a.page_name, a.page_script_hash) for a in asked] == [("collapse", ""), ("", "page-7"), ("", "page-7")]
    assert [a.fragment_id for a in asked] == ["", FRAGMENT, FRAGMENT]
    assert [a.query_string for a in asked] == ["", "item=1", "item=2"]
    assert [list(a.cached_message_hashes) for a in asked] == [[], ["large"], ["large"]]
    assert [w.string_value in ("Alien", "Brazil") for w in asked[1].widget_states.widgets] == [True]
    assert sizes[0] > 20_000 > 1_000 > max(sizes[1:])
    assert viewer.complaints == []


def test_an_error_on_a_page_is_a_complaint() -> None:
    def broken(asked: Any, run: int) -> list[ForwardMsg]:
        failed = ForwardMsg()
        failed.delta.new_element.alert.body, failed.delta.new_element.alert.format = "Out of films.", 1
        return [*messages(asked, run)[:-1], failed, messages(asked, run)[-1]]

    assert visited(1, broken)[2].complaints == ["Out of films."] * 2


def test_what_still_lasts_counts_with_the_time_it_has_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure.time, "monotonic", lambda: 100.0)
    times = measure._times([*(Sample("collapse", False, 0.0, 0.1 * n, n) for n in range(1, 20)), Sample("collapse", False, 60.0)])
    assert (times["count"], times["unfinished"], times["bytes"]) == (20, 1, 10)
    assert (times["p50"], times["p95"], times["longest"]) == pytest.approx((1.0, 1.9, 40.0))


@pytest.mark.parametrize("url", ["http://example.org:80", "https://127.0.0.1:1", "http://127.0.0.1"])
def test_only_a_server_of_this_machine_is_put_under_load(url: str) -> None:
    with pytest.raises(ConfigError, match="on this machine"):
        server.running(url)


@pytest.mark.parametrize("options", [["--viewers", "5,1"], ["--viewers", "many"], ["--viewers", "1,5000"], ["--seconds", "0"]])
def test_an_impossible_load_is_refused_in_one_sentence(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "app", *options]) != 0
    said = capsys.readouterr().err
    assert "must be" in said and said.count("\n") == 1


@pytest.mark.slow
def test_the_load_test_starts_a_server_measures_it_and_ends_it(capfd: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    log = tmp_path / "log.csv"
    assert main(["bench", "app", "--viewers", "1,2", "--seconds", "6", "--page", "collapse", "--log", str(log), "--json"]) == 0
    report = json.loads(capfd.readouterr().out)
    levels = report["servers"][0]["levels"]
    assert [level["viewers"] for level in levels] == [1, 2] and all(level["complaints"] == 0 for level in levels)
    opened, chose = levels[0]["opening"], levels[0]["pages"]["collapse"]
    assert chose["count"] and chose["bytes"] < opened["bytes"] / 4, "a choice of item reruns one fragment, not the page"
    assert levels[1]["rss_mib"] > 100
    assert log.read_text().startswith("second,viewers,choices,p50")
    assert set(PAGES) >= set(levels[0]["pages"])
