"""Whom a server is for."""

import pytest

from adrec.errors import ConfigError
from app.serving import modes


@pytest.mark.parametrize(
    ("given", "mode", "public", "classroom"),
    [("", "own", False, False), ("public", "public", True, False), ("classroom", "classroom", True, True)],
)
def test_the_mode_is_what_the_server_was_started_with(monkeypatch, given, mode, public, classroom):
    monkeypatch.setenv("ADREC_MODE", given)
    assert (modes.mode(), modes.public(), modes.classroom()) == (mode, public, classroom)


def test_an_unknown_mode_is_refused(monkeypatch):
    monkeypatch.setenv("ADREC_MODE", "open")
    with pytest.raises(ConfigError, match="ADREC_MODE is 'open'; it must be one of own, public, classroom"):
        modes.mode()
