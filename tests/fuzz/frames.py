"""``python -m tests.fuzz.frames``: what no browser sends over the websocket of a running server.

Messages before the first rerun, of other sessions, of other pages; widgets that are not there and values of other kinds; forged fragments;
noise, cut and huge frames; a hundred reruns at once. Whoever sends them may be cut off; whoever comes next gets the page, the log holds
no traceback, and the server keeps to its size.
"""

import random
import shutil
import sys
from collections.abc import Callable

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.fuzz.pages import PAGES, names, query, value
from tests.fuzz.parts import Tried, main, trained
from tests.fuzz.served import Served, Shown, Visitor, wrong

CASES = 600
RERUNS = 150
HUGE = 4 << 20
SIMPLE = ("clear_cache", "set_run_on_save", "stop_script", "load_git_info", "app_heartbeat")
SIMPLE += ("debug_disconnect_websocket", "debug_shutdown_runtime")
SESSIONS = ("", "nobody", "../x", "a" * 10_000, "\x1b[31m")
Messages = list[BackMsg | bytes | str]


def rerun(rng: random.Random, widgets: list[WidgetState], fragment: str = "", page: str | None = None) -> BackMsg:
    """A message that asks for a run of the script, with these widgets."""
    message = BackMsg()
    state = message.rerun_script
    state.page_name, state.query_string = rng.choice(PAGES) if page is None else page, query(rng)[:20_000] if rng.random() < 0.5 else ""
    state.fragment_id = fragment
    state.widget_states.widgets.extend(widgets)
    return message


def widget(rng: random.Random, known: Shown) -> WidgetState:
    """A widget of the page or of none, with a value of any kind."""
    chosen = WidgetState()
    chosen.id = rng.choice(known.widgets)[1] if known.widgets and rng.random() < 0.85 else f"$$ID-{value(rng, '')[:200]}-None"
    text, number = value(rng, rng.choice(names())), rng.choice((0, -1, 7, 2**31, -(2**63), 2**63 - 1))
    kind = rng.choice([field.name for field in WidgetState.DESCRIPTOR.fields if field.name != "id"])
    if kind in ("trigger_value", "bool_value"):
        setattr(chosen, kind, rng.random() < 0.7)
    elif kind == "double_value":
        chosen.double_value = rng.choice((0.5, -1e308, float("nan"), float("inf"), 1e308))
    elif kind == "int_value":
        chosen.int_value = number
    elif kind in ("string_value", "json_value", "json_trigger_value"):
        setattr(chosen, kind, text)
    elif kind == "bytes_value":
        chosen.bytes_value = rng.randbytes(rng.choice((0, 10, 10_000)))
    elif kind == "double_array_value":
        chosen.double_array_value.data.extend([float("nan"), 1e308, *[1.0] * rng.choice((0, 2, 1000))])
    elif kind == "int_array_value":
        chosen.int_array_value.data.extend([number] * rng.choice((1, 2, 1000)))
    elif kind == "string_array_value":
        chosen.string_array_value.data.extend([text[:1000]] * rng.choice((1, 2, 100)))
    elif kind == "file_uploader_state_value":
        chosen.file_uploader_state_value.uploaded_file_info.add(name=text[:1000], file_id="nobody's")
    elif kind == "string_trigger_value":
        chosen.string_trigger_value.data = text
    elif kind == "chat_input_value":
        chosen.chat_input_value.data = text
    else:
        chosen.arrow_value.data = rng.randbytes(100)
    return chosen


def widgets(rng: random.Random, known: Shown) -> Messages:
    """Forged widgets, a few or very many."""
    return [rerun(rng, [widget(rng, known) for _ in range(rng.choice((1, 3, 10, 300)))]) for _ in range(rng.choice((1, 1, 3)))]


def fragments(rng: random.Random, known: Shown) -> Messages:
    """Fragments of this page asked for on another, and forged ones."""
    ids = [*known.fragments, "nobody's", value(rng, "")[:5000]]
    return [rerun(rng, [widget(rng, known)] if rng.random() < 0.5 else [], rng.choice(ids)) for _ in range(rng.choice((1, 5, 30)))]


def rapid(rng: random.Random, known: Shown) -> Messages:
    """Very many reruns at once."""
    return [rerun(rng, [widget(rng, known)] if rng.random() < 0.3 else []) for _ in range(RERUNS)]


def simple(rng: random.Random, known: Shown) -> Messages:
    """The messages that are a mere sign."""
    found: Messages = []
    for _ in range(rng.choice((1, 3, 20))):
        message = BackMsg()
        setattr(message, rng.choice(SIMPLE), rng.random() < 0.8)
        found.append(message)
    return found


def operations(rng: random.Random, known: Shown) -> Messages:
    """Requests for files and rows of nobody or of somebody else, and to write on the server."""
    message = BackMsg()
    if rng.random() < 0.3:
        asked = message.file_urls_request
        asked.request_id, asked.session_id = value(rng, "")[:100], rng.choice(SESSIONS)
        asked.file_names.extend([value(rng, "")[:300] for _ in range(rng.choice((1, 100, 5000)))])
        return [message]
    request = message.backend_operation_request
    request.request_id, request.session_id = value(rng, "")[:100], rng.choice((*SESSIONS, "OWN", "OWN", "OWN"))
    kind = rng.choice(("deferred_file", "dataframe_chunk", "install_skills", "dismiss_skills_nudge", ""))
    if kind == "deferred_file":
        request.deferred_file.file_id = value(rng, "run")
    elif kind == "dataframe_chunk":
        request.dataframe_chunk.source_id, request.dataframe_chunk.offset = value(rng, "run"), rng.choice((0, 2**31 - 1, 10**6))
        request.dataframe_chunk.limit = rng.choice((0, 2**31 - 1, 10**6))
    elif kind:
        getattr(request, kind).SetInParent()
    return [message]


def noise(rng: random.Random, known: Shown) -> Messages:
    """Bytes that are no message, or half of one, or text."""
    whole = rerun(rng, [widget(rng, known) for _ in range(20)]).SerializeToString()
    at = rng.randrange(len(whole))
    flipped = whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :]
    return [rng.choice((rng.randbytes(rng.choice((0, 1, 7, 1000, 60_000))), whole[:at], flipped, flipped, "text", "", '{"a": 1}'))]


def huge(rng: random.Random, known: Shown) -> Messages:
    """Messages far larger than any page sends."""
    message = rerun(rng, [])
    if rng.random() < 0.3:
        message.rerun_script.cached_message_hashes.extend(str(i) for i in range(50_000))
    elif rng.random() < 0.5:
        message.rerun_script.query_string = "run=" + "a" * HUGE
    else:
        chosen = widget(rng, known)
        chosen.string_value = "x" * rng.choice((HUGE, 60 << 20))
        message.rerun_script.widget_states.widgets.append(chosen)
    return [message]


def surroundings(rng: random.Random, known: Shown) -> Messages:
    """What a browser says of itself."""
    message = rerun(rng, [])
    about = message.rerun_script.context_info
    about.timezone, about.locale, about.url = value(rng, "")[:3000], value(rng, "")[:3000], value(rng, "")[:30_000]
    about.timezone_offset, about.color_scheme = rng.choice((0, 2**31 - 1, -(2**31))), value(rng, "")[:3000]
    message.rerun_script.page_script_hash = value(rng, "")[:3000]
    message.rerun_script.is_auto_rerun = message.rerun_script.is_history_navigation = True
    return [message]


KINDS: dict[str, tuple[int, Callable[[random.Random, Shown], Messages]]] = {
    "forged widgets": (8, widgets),
    "forged fragments": (3, fragments),
    "many reruns": (1, rapid),
    "signs": (2, simple),
    "requests": (3, operations),
    "noise": (4, noise),
    "huge": (1, huge),
    "surroundings": (1, surroundings),
}
FIRST = 0.15
"""Of so many, nothing is asked for before."""


def tried(served: Served, number: int) -> Tried:
    """Such messages in a tab that has a page open, or has nothing; then the same tab and another must be shown a page."""
    rng = random.Random(number)
    kind = rng.choices(list(KINDS), [weight for weight, _ in KINDS.values()])[0]
    visitor, told, page = Visitor(served.port), list[str](), rng.choice(PAGES)
    known = Shown() if rng.random() < FIRST else visitor.open(page, "run=tiny")
    messages = KINDS[kind][1](rng, known)
    for message in messages:
        if isinstance(message, BackMsg):
            for request in (message.backend_operation_request, message.file_urls_request):
                if request.session_id == "OWN":
                    request.session_id = visitor.session
        visitor.send(message.SerializeToString() if isinstance(message, BackMsg) else message)
    visitor.read(patience=2.0)
    for found in (visitor.open(page, "run=tiny") if not visitor.closed else None, fresh(served, page)):
        told += [] if found is None else wrong(found)
    visitor.close()
    return Tried(kind, [page, bool(known.elements), [repr(message)[:2000] for message in messages[:20]]], told)


def fresh(served: Served, page: str) -> Shown:
    """What somebody else is shown meanwhile."""
    visitor = Visitor(served.port)
    shown = visitor.open(page, "run=tiny")
    visitor.close()
    return shown


def prepare(served: Served) -> None:
    run = trained(served.runs / "tiny")
    shutil.copytree(run.path, served.runs / "other")


if __name__ == "__main__":
    sys.exit(main("frames", str(__doc__), tried, prepare, CASES))
