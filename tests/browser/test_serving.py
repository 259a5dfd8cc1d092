"""What the running server answers to those who ask without a browser."""

import http.client
import time
import urllib.error
import urllib.request

import pytest

from tests.browser.conftest import Server


def health(server: Server) -> tuple[int, str]:
    """The status and the word of ``/healthz``."""
    try:
        with urllib.request.urlopen(f"{server.url}/healthz", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.slow
def test_the_server_is_ready_once_it_has_opened_every_page_itself(server: Server) -> None:
    end = time.time() + 300
    while (answer := health(server))[0] == 503 and answer[1] == "starting" and time.time() < end:
        time.sleep(0.2)
    assert answer == (200, "ready")


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:1"])
def test_no_page_of_another_site_connects(server: Server, origin: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    connection.request("GET", "/_stcore/stream", headers={**upgrade, "Origin": origin})
    assert connection.getresponse().status == 403
    connection.close()
