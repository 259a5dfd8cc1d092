"""JSON: an object a row, every key a column, whatever row it comes in first."""

from pathlib import Path

import pytest

from adrec.errors import DataError
from adrec.reading.account import Doubt
from adrec.reading.engine import connect
from adrec.reading.jsonlines import MOST_FIELDS
from adrec.reading.limits import LONGEST_LINE
from adrec.reading.rows import open_rows
from tests.adrec.reading.reading import names, read, written


def test_every_key_is_a_column_and_every_value_a_text(tmp_path: Path):
    lines = ['{"u":"é\\n","n":12345678901234567890123}', "", '{"n":5.0,"x y\\"z":true,"l":[1,"2"],"o":{"a":null}}', '{"u":null,"$.a":"b"}']
    path = written(tmp_path / "a.jsonl", "\r\n".join(lines))
    assert names(path) == ["u", "n", 'x y"z', "l", "o.a", "$.a"]
    assert read(path) == [
        ("é\n", "12345678901234567890123", None, None, None, None),
        (None, "5.0", "true", '[1,"2"]', None, None),
        (None, None, None, None, None, "b"),
    ]
    with open_rows(path) as rows:
        assert rows.lists == {"l": "json"}


def test_a_json_array_of_objects_is_read_too(tmp_path: Path):
    assert read(written(tmp_path / "a.json", '[\n {"u": 1},\n {"u": 2}\n]\n')) == [("1",), ("2",)]


def test_an_array_may_be_one_long_line_and_an_object_may_not(tmp_path: Path):
    many = ", ".join(f'{{"u": "{i:09}"}}' for i in range(250_000))
    assert len(many) > LONGEST_LINE
    with open_rows(written(tmp_path / "a.json", f"[{many}]")) as rows, connect(threads=1) as con:
        rows.check(con)
        assert rows.account.rows == 250_000
    with pytest.raises(DataError, match="has a row of more than 16 MiB"):
        open_rows(written(tmp_path / "b.json", '[{"u": "' + "x" * (40 << 20) + '"}]'))


def test_fields_of_objects_are_columns_and_an_object_is_no_value(tmp_path: Path):
    lines = [
        '{"t":1,"user":{"id":"a","on":{"os":"x"}},"l":[{"q":1}]}',
        '{"t":2,"user":{"id":null},"page":{"a/b":3}}',
        '{"user":7,"page":{}}',
    ]
    path = written(tmp_path / "a.jsonl", "\n".join(lines))
    assert names(path) == ["t", "user", "user.id", "user.on.os", "l", "page.a/b"]
    assert [row[:4] + row[5:] for row in read(path)] == [
        ("1", None, "a", "x", None),
        ("2", None, None, None, "3"),
        (None, "7", None, None, None),
    ]
    with open_rows(path) as rows:
        assert rows.lists == {}


def test_a_mapping_of_many_keys_is_not_taken_apart(tmp_path: Path):
    row = ", ".join(f'"{i}": 1' for i in range(MOST_FIELDS + 1))
    assert names(written(tmp_path / "a.jsonl", f'{{"u": 1, "m": {{{row}}}}}\n')) == ["u", "m"]


def test_text_that_begins_like_a_list_is_no_list(tmp_path: Path):
    for notes, lists in (('"[" "[a" "["', set()), ("[1] [1,2] [1]", {"note"})):
        lines = [f'{{"user":{i // 3},"item":"x","note":{note}}}' for i, note in enumerate(notes.split() * 2)]
        with open_rows(written(tmp_path / "a.jsonl", "\n".join(lines))) as rows:
            assert set(rows.lists) == lists


def test_a_last_line_cut_short_is_asked_about_and_counted_if_left_out(tmp_path: Path):
    path = written(tmp_path / "a.jsonl", '{"u":1}\n\n{"u":2}\n{"u\n\n')
    with pytest.raises(Doubt, match=r"Line 4 .* say cut=drop \(the last line is left out\)"):
        open_rows(path)
    with open_rows(path, cut="drop") as rows, connect(threads=1) as con:
        rows.check(con)
        assert rows.account.lines == {"total": 5, "header": 0, "rows": 2, "blank": 2, "inside_quotes": 0, "cut": 1}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"a":1}\n\n{"a":2\n', "Line 3 of '.*', the last one, is not one whole JSON object"),
        ('{\n "a": 1\n}\n', "Line 1 of '.*' is not one whole JSON object"),
        ("{'a': 1}\n", "Line 1 of '.*' is Python's notation"),
        ('{"a":1}\n[1]\n', "Row 2 of '.*' is not an object"),
        ('{"a":1,"a":2}\n', "Row 1 of '.*' has the key 'a' more than once"),
        ("{}\n{}\n", "no object with a key"),
        ("a,b\n", "neither JSON lines"),
        ("[1, 2]", "Row 1 of '.*' is not an object"),
        ('{"a":1}\n{"a":"\\ud800"}\n', "a.jsonl"),
    ],
)
def test_what_is_no_json_of_rows_is_refused_with_the_line(tmp_path: Path, text: str, sentence: str):
    with pytest.raises(DataError, match=sentence):
        open_rows(written(tmp_path / "a.jsonl", text))
