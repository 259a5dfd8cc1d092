"""Imports go one way, pages -> app -> adrec, what is heavy is imported late, and every failure is an AdrecError."""

import ast
import functools
import importlib
import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from adrec import errors

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "umap", "numba", "streamlit", "plotly")
WITHOUT_TORCH = [
    "adrec",
    "adrec.explain.all_users",
    "adrec.cli",
    "adrec.collapse.measures",
    "adrec.config",
    "adrec.data.catalog",
    "adrec.data.readers",
    "adrec.errors",
    "adrec.embeddings.files",
    "adrec.maps.neighbours",
    "adrec.maps.projection",
    "adrec.explain.recommending",
    "adrec.runs",
    "adrec.data.titles",
]


def sources(*folders: str) -> list[Path]:
    return sorted(p for folder in folders for p in (ROOT / folder).rglob("*.py"))


@functools.cache
def nodes(path: Path) -> list[ast.AST]:
    """Everything in a file."""
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def calls(path: Path) -> list[ast.Call]:
    return [node for node in nodes(path) if isinstance(node, ast.Call)]


def called(path: Path) -> set[str]:
    """The names of the functions that a file calls, with their dots."""
    return {ast.unparse(call.func) for call in calls(path)}


def imports(path: Path) -> set[str]:
    """Every module a file imports, anywhere in it, with its dots."""
    names: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            names |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            base = ".".join([*package, *([node.module] if node.module else [])])
            names |= {base, *(f"{base}.{a.name}" for a in node.names)}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "import_module", "__import__"):
            names |= {str(a.value) for a in node.args if isinstance(a, ast.Constant)}
    return names


def tops(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


def loaded(program: str, *wanted: str) -> list[str]:
    """Which of the modules ``wanted`` are loaded after a program has run in a fresh interpreter."""
    ask = f"{program}\nimport sys\nprint('loaded', *[m for m in {wanted!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", ask], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].split()[1:]


# -- layers -----------------------------------------------------------------------------------------------------------


def test_the_layers_have_files():
    assert all(sources(folder) for folder in ("adrec", "app", "pages"))


def test_pages_do_not_import_each_other():
    assert [path for path in sources("pages") if tops(path) & {"pages", "tests"}] == []


OWN_PIPES = ("app/computing.py", "adrec/explain/answering.py")
"""What these two unpickle comes from each other, over a pipe that nobody else has."""


def test_nothing_unpickles_what_it_reads():
    banned = {"pickle.load", "pickle.loads", "eval", "exec", "joblib.load", "dill.load", "pd.read_pickle", "yaml.load"}
    found = [path.relative_to(ROOT).as_posix() for path in sources("adrec", "app", "pages") if banned & called(path)]
    assert sorted(found) == sorted(OWN_PIPES)


def test_what_torch_and_numpy_load_is_never_code():
    safe = {"torch.load": "weights_only=True", "np.load": "allow_pickle=False"}
    loads = [(path, call) for path in sources("adrec", "app", "pages") for call in calls(path) if ast.unparse(call.func) in safe]
    assert loads and [(path, call.lineno) for path, call in loads if safe[ast.unparse(call.func)] not in ast.unparse(call)] == []


def test_the_library_draws_no_global_random_number():
    banned = ("np.random.seed", "np.random.rand", "np.random.randn", "torch.manual_seed", "random.seed", "random.random")
    assert [path for path in sources("adrec") if called(path) & set(banned)] == []


def test_the_library_prints_only_on_the_command_line():
    printing = [path for path in sources("adrec") if "print" in called(path)]
    assert [path for path in printing if path.parent.name != "cli" and path.name != "paper.py"] == []  # paper.py is a program too


# -- late imports -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_reads_runs_and_tables_loads_neither_torch_nor_umap_nor_the_app():
    program = "\n".join(f"import {module}" for module in WITHOUT_TORCH)
    assert loaded(program, *HEAVY) == []


@pytest.mark.slow
def test_reading_a_runs_tables_does_not_load_torch(tiny_run):
    program = (
        f"from adrec.runs import RunFolder\nr = RunFolder({str(tiny_run.path)!r})\nr.tables(), r.items, r.settings, r.abilities, r.status"
    )
    assert loaded(program, *HEAVY) == []


@pytest.mark.slow
def test_collapse_on_the_command_line_does_not_load_torch(tiny_run):
    assert loaded(f"from adrec.cli import main\nassert main(['collapse', {str(tiny_run.path)!r}, '--json']) == 0", "torch", "umap") == []


@pytest.mark.slow
def test_the_probe_notices_what_is_loaded():
    assert loaded("import adrec.models.neural", *HEAVY) == ["torch"]


@pytest.mark.slow
def test_pages_that_only_read_a_run_load_neither_torch_nor_umap(tmp_path, monkeypatch):
    """The denoising page needs a model and the training page lists them all; both load torch."""
    monkeypatch.setenv("ADREC_RUNS", str(tmp_path))
    program = """
from streamlit.testing.v1 import AppTest
at = AppTest.from_file("app/script.py", default_timeout=120).run()
for page in ("collapse", "own"):
    assert not at.exception, at.exception
    at = at.switch_page(f"../pages/{page}.py").run()
assert not at.exception, at.exception
"""
    assert loaded(program, "torch", "umap") == []


# -- errors -----------------------------------------------------------------------------------------------------------


def kinds() -> list[type]:
    return [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]


def test_every_kind_of_failure_is_an_adrec_error():
    assert len(kinds()) >= 5
    assert all(issubclass(kind, errors.AdrecError) for kind in kinds())


def test_an_error_reads_as_its_sentence():
    assert {str(kind("This is wrong.")) for kind in kinds()} == {"This is wrong."}


def raised() -> list[tuple[Path, ast.Call]]:
    names = {kind.__name__ for kind in kinds()}
    found = []
    for path in sources("adrec"):
        for node in nodes(path):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and ast.unparse(node.exc.func) in names:
                found.append((path, node.exc))
    return found


def test_every_message_is_a_sentence():
    """It begins with a capital, a quoted name or a value, and ends with a full stop."""
    seen = 0
    for path, call in raised():
        (message,) = call.args
        if isinstance(message, ast.Constant):
            first, last = message.value, message.value
        elif isinstance(message, ast.JoinedStr):
            first, last = message.values[0], message.values[-1]
            first = first.value if isinstance(first, ast.Constant) else "'"
            last = last.value if isinstance(last, ast.Constant) else "."  # a value that is a sentence's end itself
        else:
            continue
        seen += 1
        told = f"{path.name}:{call.lineno}"
        assert first[0].isupper() or first[0] == "'", told
        assert last.endswith((".", "'")), told
    assert seen > 50


def test_every_module_says_what_it_is():
    assert [path for path in sources("adrec") if not ast.get_docstring(nodes(path)[0])] == []


def test_every_module_of_the_library_can_be_imported():
    for path in sources("adrec"):
        if path.name != "__main__.py":
            parts = path.relative_to(ROOT).with_suffix("").parts
            importlib.import_module(".".join(p for p in parts if p != "__init__"))


def test_what_a_file_holds_does_not_reach_a_terminal_as_control_characters() -> None:
    assert str(errors.DataError("'a\x1b[31m\u202e' has\nno \ud800.")) == "'a?[31m?' has no ?."
    assert len(str(errors.RunError("a, " * 20_000 + "."))) < 1200


def test_titles_do_not_reach_a_terminal_as_control_characters(tiny_run, tmp_path, capsys) -> None:
    from adrec.cli import main
    from adrec.runs import RunFolder

    run = RunFolder(shutil.copytree(tiny_run.path, tmp_path / "run"))
    run.items.assign(title=[f"{i} \x1b[31m\x1b]0\x07\u202e\u009b" for i in range(60)]).to_csv(run.path / "items.csv", quoting=2)
    for command in (
        ["trajectory", str(run.path), "--user", "1"],
        ["recommend", str(run.path), "--history", "1 \x1b[31m\x1b]0\x07\u202e\u009b"],
    ):
        assert main(command) == 0
        said = capsys.readouterr().out
        assert "?[31m?]0???" in said and not set(said) & set("\x1b\x07\u202e\u009b")
