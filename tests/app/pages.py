"""Running a page with AppTest through the app's own entry."""

import html
import re
from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]


def open_page(page: str = "", **parameters: str) -> AppTest:
    """The app on ``pages/<page>.py`` with a URL's parameters, run once."""
    app = AppTest.from_file(str(ROOT / "app" / "script.py"), default_timeout=60)
    for name, value in parameters.items():
        app.query_params[name] = value
    if page:
        app.switch_page(str(ROOT / "pages" / f"{page}.py"))
    return app.run()


def texts(app: AppTest) -> str:
    """All the words on the page that are prose, marks and Markdown's escapes resolved."""
    shown = [*app.title, *app.markdown, *app.caption, *app.info, *app.warning, *app.error]
    said = [e.proto.body for e in app.get("html") if "class='said" in e.proto.body]
    unmarked = [html.unescape(re.sub(r"<style>.*?</style>|<[^>]*>", "", body, flags=re.DOTALL)) for body in said]
    return "\n".join([*(plainly(str(element.value)) for element in shown), *unmarked])


def plainly(markdown: str) -> str:
    """Without Markdown's escapes."""
    return re.sub(r"\\([^\w\s]|_)", r"\1", markdown)


def offered(app: AppTest, parameter: str = "run") -> tuple[str | None, dict[str, list[str]]]:
    """What ``ui.choose_run`` offers: the chosen run's name, and the titles by question."""
    groups = [radio for radio in app.radio if str(radio.key).startswith(f"state.{parameter}.")]
    chosen = next((radio.value for radio in groups if radio.value is not None), None)
    return chosen, {plainly(str(radio.label)).strip("*"): [plainly(option) for option in radio.options] for radio in groups}


def pick(app: AppTest, name: str, parameter: str = "run") -> None:
    """Choose a run of ``ui.choose_run`` by its name, which its title holds. Nothing runs yet."""
    groups = [radio for radio in app.radio if str(radio.key).startswith(f"state.{parameter}.")]
    next(radio for radio in groups if any(name in plainly(option) for option in radio.options)).set_value(name)
