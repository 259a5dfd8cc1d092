"""Things looked up by name."""

import sys

import pytest

from adrec.errors import ConfigError
from adrec.registry import PLUGINS, Registry


def test_entries_are_listed_in_the_order_of_their_registration():
    shapes: Registry[int] = Registry("shape")
    shapes.register("square", 4)
    shapes.register("line", 2)
    assert list(shapes) == ["square", "line"] and shapes.items() == [("square", 4), ("line", 2)]


def test_an_unknown_name_is_answered_with_the_nearest_known_one():
    shapes: Registry[int] = Registry("shape")
    shapes.register("square", 4)
    with pytest.raises(ConfigError, match=r"^Unknown shape 'sqare'; did you mean 'square'\? Known: square\.$"):
        shapes["sqare"]


def test_a_name_cannot_be_taken_twice():
    shapes: Registry[int] = Registry("shape")
    shapes.register("square", 4)
    with pytest.raises(ConfigError, match="two shapes named 'square'"):
        shapes.register("square", 5)


def test_modules_named_in_the_environment_are_imported_before_the_first_look_up(tmp_path, monkeypatch):
    (tmp_path / "outside_entry.py").write_text("seen = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv(PLUGINS, "outside_entry")
    assert "anything" not in Registry("shape")
    assert sys.modules["outside_entry"].seen


def test_a_named_module_that_cannot_be_imported_is_one_sentence(monkeypatch):
    monkeypatch.setenv(PLUGINS, "no_such_module_here")
    with pytest.raises(ConfigError, match="ADREC_PLUGINS names the module 'no_such_module_here', which cannot be imported"):
        list(Registry("shape"))
