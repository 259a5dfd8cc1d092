"""Packing modules into one script, numbers for the browser, and the templates."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from adrec import browser
from adrec.browser import pack, wire

ENTRIES = ("scrubber.js", "film.js", "maps.js", "neighbours.js", "pictures.js", "lesson/lesson.js", "lesson/class.js")


def modules(folder: Path, **texts: str) -> Path:
    """Modules by name; returns the path of ``entry``."""
    for name, text in texts.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return folder / "entry.js"


def refusal(entry: Path) -> str:
    with pytest.raises(pack.PackError) as caught:
        pack.script(entry)
    return str(caught.value)


def evaluated(script: str, expression: str) -> str:
    """What node prints for an expression after a classic script."""
    done = subprocess.run(
        ["node", "-e", f'"use strict";\n{script}\nconsole.log({expression});'], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_modules_are_written_once_each_after_those_that_they_import(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    modules(tmp_path, dom="/* first */\nexport const dom = 1;\n")
    entry = modules(
        tmp_path / "folder",
        entry='import { near } from "./near.js";\nimport {\n  dom,\n} from "../dom.js";\n\nexport const mount = () => near + dom;\n',
        near='import { dom } from "../dom.js";\nexport const near = dom;\n',
    )
    assert pack.script(entry).split("\n") == [
        *["const $module0 = (() => {", "/* first */", "const dom = 1;", "return { dom };", "})();"],
        *["const $module1 = (() => {", "const { dom } = $module0;", "const near = dom;", "return { near };", "})();"],
        *["const { mount } = (() => {", "const { near } = $module1;", "const {", "  dom,", "} = $module0;", ""],
        *["const mount = () => near + dom;", "return { mount };", "})();", ""],
    ]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_exports_of_one_name_are_imported_under_others(tmp_path: Path) -> None:
    entry = modules(
        tmp_path,
        entry='import { part as first } from "./a.js";\nimport { part as second } from "./b.js";\nexport const both = first + second;\n',
        a="export const part = 1;\n",
        b="export const part = 2;\n",
    )
    assert evaluated(pack.script(entry), "both") == "3"


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_two_modules_may_use_one_name_for_different_things(tmp_path: Path) -> None:
    entry = modules(
        tmp_path,
        entry='import { a } from "./a.js";\nconst b = 10;\nexport const sum = () => a() + b;\n',
        a="export const a = () => b;\nconst b = 1;\n",
    )
    assert evaluated(pack.script(entry), "sum()") == "11"


def test_modules_that_import_each_other_in_a_circle_are_refused(tmp_path: Path) -> None:
    entry = modules(
        tmp_path,
        entry='import { a } from "./a.js";\n',
        a='import { b } from "./b.js";\nexport const a = b;\n',
        b='import { a } from "./a.js";\nexport const b = a;\n',
    )
    assert refusal(entry) == "Modules must not import each other in a circle: a.js imports b.js imports a.js."


def test_an_import_that_is_not_exported_is_refused(tmp_path: Path) -> None:
    entry = modules(tmp_path, entry='import { a, b } from "./a.js";\n', a="export const a = 1;\nconst b = 2;\n")
    assert refusal(entry) == "entry.js imports b from a.js, which does not export it."


def test_a_module_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refusal(modules(tmp_path, entry='import { a } from "./a.js";\n')) == f"There is no module a.js in {tmp_path}."


@pytest.mark.parametrize(
    "line",
    [
        'import a from "./a.js";',
        'import * as a from "./a.js";',
        'import * as b from "./a.js";',
        'import "./a.js";',
        'import { a } from "a";',
        "export default function mount() {}",
        "export { a };",
        'export * from "./a.js";',
        "export const { a } = window;",
        "export let a = 1;",
    ],
)
def test_what_cannot_be_packed_is_refused_and_named(tmp_path: Path, line: str) -> None:
    entry = modules(tmp_path, entry=f"{line}\n", a="export const a = 1;\n")
    assert refusal(entry) == f'entry.js: "{line}" cannot be packed; see adrec/browser/pack.py for the forms that can.'


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_component_is_one_script_that_imports_nothing_and_ends_no_element(entry: str) -> None:
    script = browser.component(entry)
    assert "\nexport default (component) => {" in script and "\nfunction mount(" in script
    assert "\nimport " not in script and "import(" not in script and script.count("export ") == 1
    assert "</script" not in script and "<!--" not in script


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize("entry", ENTRIES)
def test_every_component_is_valid_as_a_module_and_as_a_classic_script(entry: str, tmp_path: Path) -> None:
    (tmp_path / "module.mjs").write_text(browser.component(entry), encoding="utf-8")
    (tmp_path / "classic.cjs").write_text(f'(() => {{ "use strict";\n{browser.script(entry)}}})();', encoding="utf-8")
    for name in ("module.mjs", "classic.cjs"):
        subprocess.run(["node", "--check", tmp_path / name], check=True)


def test_the_engines_worker_is_one_script_that_imports_nothing_and_ends_no_element() -> None:
    script = browser.script("engine/worker.js")
    assert "self.onmessage =" in script and "\nimport " not in script and "export " not in script
    assert "</script" not in script and "<!--" not in script


def test_a_block_gives_back_the_object_and_its_arrays() -> None:
    arrays = {
        "codes": np.arange(5, dtype=np.uint8),
        "steps": np.arange(3, dtype=np.uint16),
        "rows": np.array([-1, 2], dtype=np.int32),
        "xy": np.random.default_rng(0).standard_normal((4, 2)).astype(np.float32)[::2],
    }
    first, second = wire.unblock(b"head" + wire.block({"title": "é\u2028</script>"}, arrays) + wire.block({}, {}), 4)
    assert first["title"] == "é\u2028</script>" and second == {"arrays": {}}
    for name, array in arrays.items():
        assert first[name].dtype == array.dtype
        np.testing.assert_array_equal(first[name], array.ravel())


def test_arrays_begin_where_the_browser_can_view_them() -> None:
    data = wire.block({"titles": ["é"] * 3}, {"a": np.zeros(3, np.uint8), "b": np.zeros(3, np.uint16), "c": np.zeros(1, np.float32)})
    (got,) = wire.unblock(data)
    assert int.from_bytes(data[4:8], "little") % 4 == 0 and [offset for _, offset, _ in got["arrays"].values()] == [0, 4, 12]


def test_the_digest_of_a_block_changes_with_its_numbers() -> None:
    one, same, other = (wire.block({}, {"a": np.array([v], dtype=np.float32)})[:4] for v in (1, 1, 2))
    assert one == same != other


def test_an_array_of_a_type_that_the_browser_does_not_read_is_refused() -> None:
    with pytest.raises(ValueError, match="float32, int32, uint16, uint8, not float64"):
        wire.block({}, {"a": np.zeros(2)})
