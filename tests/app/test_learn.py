"""The Learn page, and what is imported before the first paint."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.pages import ROOT, open_page


def test_the_learn_page_opens_without_an_error(root: Path) -> None:
    app = open_page()
    assert not app.exception and not app.error


SLOW = ["torch", "umap", "sklearn"]


@pytest.mark.slow
@pytest.mark.parametrize(("page", "modules"), [("learn", [*SLOW, "app.charts"]), ("train", SLOW)])
def test_no_page_imports_what_is_slow_before_its_first_paint(page: str, modules: list[str], tmp_path: Path) -> None:
    """Learn is one component, sent at once; on Train, what comes below the question may load what it needs."""
    code = (
        f"import os, sys; sys.path.insert(0, {str(ROOT)!r}); from streamlit.testing.v1 import AppTest; from app import ui\n"
        f"slow = lambda: [m for m in {modules} if m in sys.modules]\n"
        f"ui.header = lambda *texts, **more: (print(*slow(), file=sys.stderr, flush=True), os._exit(len(slow())))  # the first paint\n"
        f"app = AppTest.from_file({str(ROOT / 'app' / 'script.py')!r}, default_timeout=60)\n"
        f"app.switch_page({str(ROOT / 'pages' / (page + '.py'))!r}); app.run()\n"
        f"assert not app.exception; sys.exit(' '.join(slow()) or 0)"
    )
    environment = {"ADREC_RUNS": str(tmp_path), "PATH": "", "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
