"""Text from outside is shown as it is: no link, no picture from another host, no tag, whatever a run, an upload or a link calls itself."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from adrec.data.dataset import ItemTable
from adrec.explain import words
from adrec.files import write_json
from adrec.runs import RunFolder
from app import state
from tests.app.pages import open_page, plainly

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("read_here")]

MARK = "evil.example"
NAME = f"[Log in]({MARK}) ![]({MARK}) <a href='{MARK}'> **b** `c` $x$ www.{MARK} a@{MARK}"
"""As a folder or file may be called."""
TITLE = f"{NAME} [Log in](https://{MARK}) ![](https://{MARK}/x.png) https://{MARK} <img src='https://{MARK}'> :red[x]\n\n# %{{y}}"
MARKDOWN = re.compile(r"\]\((evil|https|www)|!\[\]|(?<!\\)<(a|img) |\*\*b|`c`|\$x\$|:red\[|\n# ")
ADDRESSES = re.compile(r"https?://evil|www\.evil|@evil")
TAGS = re.compile(r"<(a|img) ")
AS_IT_IS = re.compile(
    r"(?<!radio)\.options$|\.(id|raw_values?|code_text|value|default|query_string|alt)$|^(bidi_component|arrow_data_frame)\."
)
"""Fields that the browser reads neither as Markdown nor as HTML nor for Plotly's tags."""


def write_hostile(root: Path, tiny_run: RunFolder) -> None:
    """A run, a folder of tables and a damaged run that try it wherever they are named."""
    run = RunFolder(root / NAME)
    shutil.copytree(tiny_run.path, run.path)
    frame = run.items
    numbers = np.arange(len(frame))
    frame = frame.assign(title=[f"{i} {TITLE}" for i in numbers], **{f"kind {NAME}": [f"{i % 3} {TITLE}" for i in numbers]})
    frame.to_csv(run.path / "items.csv", quoting=2)
    write_json(run.path / "run.json", {**run.info, "dataset": {**run.info["dataset"], "title": TITLE}})
    write_json(run.path / "status.json", {"state": "failed", "error": TITLE})
    rng = np.random.default_rng(0)
    tables = {f"{i} {TITLE}": rng.standard_normal((40, 4)) for i in (1, 2)}
    RunFolder(root / f"tables {NAME}").create_tables(tables, ItemTable.untitled([f"{i} {TITLE}" for i in range(40)]), {"dataset": {}})
    (root / f"half {NAME}").mkdir()
    (root / f"half {NAME}" / "run.json").write_text("{")


def check(app: AppTest) -> set[str]:
    """Fail if any text that holds the mark could be more than text; the fields that hold it."""
    assert not app.exception
    fields = set()
    for field, text in _shown(app):
        fields.add(field)
        if field == "html.body":
            assert not TAGS.search(text), field
        elif field == "plotly_chart.spec":
            assert not TAGS.search(json.dumps(json.loads(text), ensure_ascii=False)), field
        elif not AS_IT_IS.search(field):
            assert not MARKDOWN.search(text) and not ADDRESSES.search(plainly(text)), (field, text)
    return fields


def _shown(app: AppTest) -> Iterator[tuple[str, str]]:
    for node in app:
        proto = getattr(node, "proto", None)
        if isinstance(proto, Message):
            yield from ((f"{node.type}.{field}", text) for field, text in _texts(proto))


def _texts(message: Message, path: str = "") -> Iterator[tuple[str, str]]:
    for field, value in message.ListFields():
        name = f"{path}.{field.name}" if path else field.name
        for one in value if field.is_repeated else [value]:
            if field.type == FieldDescriptor.TYPE_MESSAGE and isinstance(one, Message):
                yield from _texts(one, name)
            elif isinstance(one, str) and "evil" in one:
                yield name, one


@pytest.mark.parametrize(
    ("page", "parameters", "field"),
    [
        ("collapse", {"run": NAME}, "bidi_component.json"),
        ("collapse", {"run": f"tables {NAME}", "tool": "directions"}, "plotly_chart.spec"),
        ("collapse", {"run": f"half {NAME}"}, "error.body"),
        ("denoising", {"run": NAME, "compare": "item"}, "html.body"),
        ("denoising", {"run": NAME, "compare": "stage", "look": "forward"}, "plotly_chart.spec"),
        ("train", {"run": NAME}, "error.body"),
        ("compare", {"runs": f"{quote(NAME)},sasrec", "look": "tables"}, "html.body"),
        ("compare", {"runs": f"{quote(NAME)},sasrec"}, "plotly_chart.spec"),
    ],
)
def test_what_a_run_calls_itself_is_only_text(root: Path, tiny_run: RunFolder, page: str, parameters: dict[str, str], field: str) -> None:
    write_hostile(root, tiny_run)
    assert field in check(open_page(page, **parameters))


@pytest.mark.parametrize("page", ["collapse", "denoising", "train", "compare"])
def test_what_a_link_says_is_only_text(root: Path, tiny_run: RunFolder, page: str) -> None:
    shutil.copytree(tiny_run.path, root / "tiny")
    assert "warning.body" in check(open_page(page, run=TITLE, runs=TITLE))
    check(
        open_page(page, **{**dict.fromkeys([*state.PARAMETERS, "look", "question", "baseline"], TITLE), "run": "tiny", "compare": "user"})
    )


def test_what_an_upload_is_called_is_only_text(root: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", **{f"item_emb {NAME}": np.eye(30, 4), "item_emb": np.eye(20, 4)})
    rows = "".join(f"x{i} {NAME},y{i} {NAME},{i * 0.7},{i % 3 + 0.2}\n" for i in range(30)).encode()
    for content, suffix, field in (
        ((tmp_path / "t.npz").read_bytes(), "npz", "radio.options"),
        (b"no archive", "npz", "error.body"),
        (f"id {NAME},code {NAME},e0,e1\n".encode() + rows, "csv", "radio.options"),
        (f"item_id,label {NAME},e0,e1\n".encode() + rows, "csv", "html.body"),
    ):
        app = open_page("own")
        tables = next(f for f in app.file_uploader if f.label == "Item tables")
        tables.set_value([(f"{NAME}.{suffix}", content, "application/octet-stream")]).run()
        assert field in check(app)


@pytest.mark.parametrize("text", ["M*A*S*H", "a_b [c](d) <e> `f` $g$ :h[i] & &lt; ~j~ #k 1. l", NAME])
def test_escaped_text_reads_as_it_was(text: str) -> None:
    assert plainly(words.plain(text)).replace("\u2060", "") == text
