"""Weights for the browser: at an address made from their content, for the app's own pages alone."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from adrec.runs import RunFolder
from app.serving import files

CONFIG = tomllib.loads((Path(files.__file__).parents[1] / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def nothing_offered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that has just started, with the app's own settings."""
    monkeypatch.setattr(files, "_offered", {})
    allowed = st.get_option("server.allowedHosts")
    st.config.set_option("server.allowedHosts", CONFIG["server"]["allowedHosts"])
    yield
    st.config.set_option("server.allowedHosts", allowed)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run whose weights are a few bytes."""
    run = RunFolder(tmp_path / "run")
    run.weights_path("finetune").parent.mkdir(parents=True)
    run.weights_path("finetune").write_bytes(b"weights")
    return run


def get(address: str, host: str = "localhost:8501", origin: str | None = None) -> Response:
    """What a browser gets that asks for this address."""
    headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin is not None else [])
    scope = {"type": "http", "method": "GET", "path": address, "headers": headers}
    for route in files.routes():
        match, found = route.matches(scope)
        if match == Match.FULL:
            answered: Response = route.endpoint(Request(scope | found))
            return answered
    return Response(status_code=404)


def test_weights_are_what_the_file_holds_and_stay_in_the_browser(run: RunFolder) -> None:
    answer = get(files.model_url(run))
    assert answer.body == b"weights" and "immutable" in answer.headers["cache-control"]


def test_other_weights_have_another_address_and_the_old_one_gives_nothing(run: RunFolder) -> None:
    before = files.model_url(run)
    run.weights_path("finetune").write_bytes(b"other weights")
    assert get(before).status_code == 404
    assert files.model_url(run) != before and get(files.model_url(run)).body == b"other weights"


def test_weights_that_no_page_has_offered_are_not_served(run: RunFolder) -> None:
    address = files.model_url(run)
    files._offered.clear()
    for asked in (address, "/model/", f"/model/{run.weights_path('finetune')}", "/model/../run/run.json"):
        assert get(asked).status_code == 404


@pytest.mark.parametrize("origin", [None, "http://evil.example", "http://evil.example:8501"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:8501", "localhost.evil.example:8501"])
def test_a_site_whose_name_leads_to_this_machine_gets_no_weights(run: RunFolder, host: str, origin: str | None) -> None:
    answer = get(files.model_url(run), host, origin)
    assert answer.status_code == 403 and answer.body != b"weights"


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:9999", "null"])
def test_a_page_of_another_site_gets_no_weights(run: RunFolder, origin: str) -> None:
    assert get(files.model_url(run), origin=origin).status_code == 403


def test_no_page_of_another_site_can_show_or_run_weights_as_its_own(run: RunFolder) -> None:
    headers = get(files.model_url(run)).headers
    assert (headers["cross-origin-resource-policy"], headers["x-content-type-options"]) == ("same-origin", "nosniff")


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1:8501", "[::1]:8501"])
def test_the_apps_own_pages_get_them_by_any_name_of_this_machine(run: RunFolder, host: str) -> None:
    assert get(files.model_url(run), host, f"http://{host}").body == b"weights"
