"""Attacks on a public server of this machine: ``python -m tests.measure.attack`` starts one, tries each, and prints a table.

Exit code 1 if one succeeded. Bounded: some thousand requests, 700 MB of uploads, seven minutes. ``--only WORD`` tries those with the word.
"""

import contextlib
import gzip
import io
import json
import os
import pickle
import re
import shutil
import socket
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import requests
from streamlit.proto.BackMsg_pb2 import BackMsg

from adrec.files import read_json, write_json
from adrec.folders import app_folder
from tests.measure.visitor import Visitor, server

PORT = 8799
PAGES = ("", "own", "collapse", "denoising", "train", "compare")
SECRET = "Zanzibar-4711"
"""Stands in what one visitor uploads; nobody else may ever see it."""


class Attack:
    """The server under attack: its process, its folder of published runs, and what must not come into being."""

    def __init__(self, process: psutil.Process, folder: Path, log: Path) -> None:
        self.process, self.runs, self.log = process, folder / "runs", log
        self.marker = folder / "executed"
        self.open: list[Visitor] = []
        self.roots = {str(app_folder()), str(folder), str(Path.home()), sys.prefix, "/etc/", "site-packages", "adrec-visitors-"} - {"/"}

    def visitor(self, **more: object) -> Visitor:
        self.open.append(Visitor(PORT, **more))  # type: ignore[arg-type]
        return self.open[-1]

    def leave(self) -> None:
        """Close all pages."""
        while self.open:
            with contextlib.suppress(Exception):
                self.open.pop().close()

    def leaks(self, data: bytes) -> str:
        """The first of this machine's paths in what was sent."""
        return next((root for root in sorted(self.roots) if root.encode() in data), "")

    def workers(self) -> int:
        """Processes that read files now."""
        found = 0
        for child in self.process.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                found += "adrec.embeddings.worker" in child.cmdline()
        return found


def pages_of(visitor: Visitor, page: str, query: str = "") -> str:
    visitor.ask(page, query)
    return visitor.said


def uploaded(attack: Attack, name: str, data: bytes, to: str = "own.tables", by: Visitor | None = None) -> Visitor:
    """Upload one file on Your embeddings, as a table or (beside a good table) as interactions, and let the page read it."""
    visitor = by or attack.visitor()
    visitor.ask("own")
    widgets: dict[str, object] = {}
    for place, file, content in [("own.tables", "good.npy", good())] * (to != "own.tables") + [(to, name, data)]:
        status, sent = visitor.upload(file, content)
        if status != 204:
            visitor.messages, visitor.received = [], f"HTTP {status}".encode()
            return visitor
        widgets[visitor.widget("file_uploader", place)] = [(sent, file)]
    visitor.ask("own", widgets=widgets, wait=300)
    return visitor


def good(titles: bool = False) -> bytes:
    """A table that can be read."""
    values = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    if titles:
        rows = "\n".join(f"{SECRET}-{i}," + ",".join(f"{v:.4f}" for v in row) for i, row in enumerate(values))
        return f"item,{','.join(f'v{i}' for i in range(8))}\n{rows}\n".encode()
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def sentence(visitor: Visitor) -> str:
    """What the page says about a file, in its first error or so."""
    for message in visitor.messages:
        element = message.delta.new_element
        if element.WhichOneof("type") == "alert" and "your files read" not in element.alert.body:
            return re.sub(r"\\(.)", r"\1", element.alert.body)[:110]
    if visitor.received.startswith(b"HTTP"):
        return visitor.received.decode()
    told = re.search(r"\*\*(What .*?)\*\*|### .*?\] (.*)", visitor.said)
    return f"the page: '{(told[1] or told[2]).strip()}'" if told else "a page without an error"


Outcome = tuple[str, bool]
ATTACKS: list[tuple[str, Callable[[Attack], Outcome]]] = []


def attempt(what: str) -> Callable[[Callable[[Attack], Outcome]], Callable[[Attack], Outcome]]:
    """Register an attack: a function of the server that returns what it got, and whether the promise held."""

    def register(function: Callable[[Attack], Outcome]) -> Callable[[Attack], Outcome]:
        ATTACKS.append((what, function))
        return function

    return register


# -- training -----------------------------------------------------------------------------------------------------


@attempt("open Train with a file, options and a run in the link")
def _(attack: Attack) -> Outcome:
    said = pages_of(visitor := attack.visitor(), "train", "run=kept&file=/etc/passwd&options=user=0")
    pressed = [message.delta.new_element.button.label for message in visitor.messages if message.delta.new_element.HasField("button")]
    return "why nothing is trained, and the command for home; no form", "trains nothing" in said and not pressed and "root:" not in said


@attempt("send the presses of Start, Stop, Resume and Delete from a page that has such buttons")
def _(attack: Attack) -> Outcome:
    from tests.app.pages import open_page

    os.environ |= {"ADREC_MODE": "own", "ADREC_RUNS": str(attack.runs)}
    own = open_page("train", run="kept")
    ids = [button.proto.id for button in own.button]
    wanted = [button for button in own.button if "train." in button.proto.id or button.label.startswith(("Start", "Add"))]
    visitor, before = attack.visitor(), sorted(path.name for path in attack.runs.glob("*"))
    visitor.ask("train", "run=kept")
    for button in ids:
        visitor.ask("train", "run=kept", widgets={button: "trigger"})
    after = sorted(path.name for path in attack.runs.glob("*"))
    return f"{len(ids)} presses, nothing changed", len(wanted) >= 3 and before == after and not (attack.runs / "kept" / "stop").exists()


# -- paths --------------------------------------------------------------------------------------------------------


@attempt("look for this machine's paths in every byte of all six pages")
def _(attack: Attack) -> Outcome:
    visitor, found, count = attack.visitor(), "", 0
    for page, query in [(page, query) for page in PAGES for query in ("", "run=kept&runs=kept")]:
        visitor.ask(page, query, wait=120)
        count += len(visitor.received)
        found = found or attack.leaks(visitor.received)
    return f"{count / 1e6:.1f} MB, no path" if not found else f"'{found}'", not found and count > 10_000


@attempt("name a run, a table or a person by a path in the link")
def _(attack: Attack) -> Outcome:
    visitor = attack.visitor()
    for page in ("collapse", "denoising", "train", "compare"):
        for wrong in ("../../../../etc", "/etc/passwd", str(attack.runs / "kept"), "ml-100k/../ml-100k", "%00", "kept/../../runs/kept"):
            visitor.ask(page, f"run={wrong}&runs={wrong}&user={wrong}&table={wrong}&compare={wrong}&other={wrong}")
            data = visitor.received.replace(wrong.encode(), b"")
            if attack.leaks(data) or b"root:" in data:
                return f"{page} with {wrong}: '{attack.leaks(data)}'", False
    return "24 links: 'There is no run called …', or the run that the page opens with", True


@attempt("put a script into the link")
def _(attack: Attack) -> Outcome:
    visitor = attack.visitor()
    for page in ("collapse", "denoising", "train"):
        visitor.ask(page, "run=<script>alert(1)</script>&history=<img src=x onerror=alert(1)>&user=<script>")
        bodies = [m.delta.new_element.html.body for m in visitor.messages if m.delta.new_element.HasField("html")]
        if any("alert(1)" in body for body in bodies) or "<script>alert" in visitor.said.replace("\\", ""):
            shown = next((line for line in visitor.said.splitlines() if "alert" in line), "")
            if "\\<script" not in shown:
                return f"{page}: {shown[:80]}", False
    return "shown as the characters that it is", True


@attempt("ask for files outside by paths of the web server")
def _(attack: Attack) -> Outcome:
    got = []
    ways = (
        "/../../../../etc/passwd",
        "/static/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/media/../../etc/passwd",
    )
    ways += (
        "/model/../../../etc/passwd",
        "/model/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/person/..%2f..%2fetc%2fpasswd",
        "/component/x/../../etc/passwd",
    )
    ways += (
        "/_stcore/bidi-components/x/../../../etc/passwd",
        "/\\\\host\\share",
        "/app/static/../script.py",
        "/static/%00",
        "/~root/.ssh/id_rsa",
    )
    for way in ways:
        with socket.create_connection(("localhost", PORT), timeout=20) as line:
            line.sendall(f"GET {way} HTTP/1.1\r\nHost: localhost:{PORT}\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: line.recv(65536), b""))
        got.append(answer.split(b" ", 2)[1].decode())
        if b"root:" in answer or b"import " in answer or attack.leaks(answer):
            return f"{way}: {answer[:80]!r}", False
    return f"{len(got)} ways: {', '.join(sorted(set(got)))}; where 200, the app's own first page", True


@attempt("ask /model for weights by a wrong or endless name, /person for nobody")
def _(attack: Attack) -> Outcome:
    names = ("0" * 64, "x" * 5000, "", "-1", "1e9", "9" * 400, "%00", "null", "any/../1")
    answers = [requests.get(f"http://localhost:{PORT}/{route}/{name}", timeout=20) for route in ("model", "person") for name in names]
    bad = [a for a in answers if a.status_code >= 500 and "bundled" not in a.text and "not on this machine" not in a.text]
    bad += [a for a in answers if attack.leaks(a.content)]
    return f"{sorted({a.status_code for a in answers})}, a sentence or null", not bad


@attempt("come under a foreign name, or from a page of another site")
def _(attack: Attack) -> Outcome:
    got = [
        requests.get(f"http://localhost:{PORT}/person/any", headers=headers, timeout=20).status_code
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"})
    ]
    try:
        attack.visitor(headers={"Host": "evil.example"}).close()
    except Exception as error:
        return f"{got}, the page's connection: {str(error)[:50]}", got == [403, 403]
    return f"{got}, and a connection", False


# -- messages that no page sends ----------------------------------------------------------------------------------


@attempt("clear the caches of all visitors; ask for the program's repository; switch on running at every save")
def _(attack: Attack) -> Outcome:
    visitor = attack.visitor()
    visitor.ask("collapse")
    visitor.listen(1)
    for fields in ({"clear_cache": True}, {"load_git_info": True}, {"set_run_on_save": True}, {"debug_shutdown_runtime": True}):
        visitor.send(BackMsg(**fields))
    answers = {message.WhichOneof("type") for message in visitor.listen(3)}
    begun = time.monotonic()
    visitor.ask("collapse")
    return f"not passed on, no answer; the next page after {time.monotonic() - begun:.1f} s", not answers and attack.process.is_running()


@attempt("have Streamlit install files in the app's folder")
def _(attack: Attack) -> Outcome:
    visitor, before = attack.visitor(), sorted(path.name for path in app_folder().iterdir())
    visitor.ask("own")
    visitor.listen(1)
    message = BackMsg()
    message.backend_operation_request.request_id = "1"
    message.backend_operation_request.install_skills.SetInParent()
    visitor.send(message)
    return "not passed on", not visitor.listen(3) and before == sorted(path.name for path in app_folder().iterdir())


@attempt("send noise, text and 300 MB as messages of a page")
def _(attack: Attack) -> Outcome:
    for data in (os.urandom(4096), "text", b"\x00" * 300_000_000):
        visitor = attack.visitor()
        visitor.ask("own")
        with contextlib.suppress(Exception):
            visitor.socket.send(data)
        visitor.listen(10)
        if attack.leaks(visitor.received):
            return "a traceback", False
    return "the connection is closed, no word about why", pages_of(attack.visitor(), "own") != ""


@attempt("run a fragment and a page that are not there, with 20,000 widgets of wrong kinds")
def _(attack: Attack) -> Outcome:
    visitor = attack.visitor()
    visitor.ask("collapse")
    visitor.ask("collapse", fragment="0" * 32, wait=20)
    visitor.ask("../../etc/passwd", wait=20)
    visitor.ask("own", widgets={f"$$ID-{i:032x}-own.tables": "x" * 20 for i in range(20_000)}, wait=60)
    leaks = attack.leaks(visitor.received)
    return "the page as usual", not leaks and pages_of(visitor, "own") != ""


# -- uploads ------------------------------------------------------------------------------------------------------


class Harmful:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


def refused(attack: Attack, name: str, data: bytes, to: str = "own.tables") -> Outcome:
    """Upload a file that is to be refused with a sentence, without paths, without anything run or written."""
    begun, peak = time.monotonic(), [0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            with contextlib.suppress(psutil.Error):
                peak[0] = max(peak[0], *(c.memory_info().rss for c in attack.process.children(recursive=True)), 0)

    threading.Thread(target=watch, daemon=True).start()
    visitor = uploaded(attack, name, data, to)
    done.set()
    took = f" ({time.monotonic() - begun:.0f} s, {peak[0] / 2**20:.0f} MiB)"
    held = not attack.leaks(visitor.received) and not attack.marker.exists() and b"root:" not in visitor.received
    return sentence(visitor) + took, held and bool(visitor.received) and peak[0] < 2 * 2**30


@attempt("upload pickles that run a command: .pkl, .pt, .npy")
def _(attack: Attack) -> Outcome:
    harmful = Harmful(f"touch {attack.marker}")
    stream = io.BytesIO()
    np.save(stream, np.array([harmful], dtype=object), allow_pickle=True)
    got = [refused(attack, "a.pt", pickle.dumps(harmful)), refused(attack, "a.npy", stream.getvalue())]
    got.append(refused(attack, "a.pkl", pickle.dumps(harmful), "own.interactions"))
    return got[1][0], all(held for _, held in got)


def packed(name: str, data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return stream.getvalue()


@attempt("upload an npz that unpacks to 20 GB")
def _(attack: Attack) -> Outcome:
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("t.npy", "w", force_zip64=True) as file,
    ):
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1_250_000, 4000)})
        file.write(header.getvalue())
        for _ in range(320):
            file.write(bytes(2**20))
    return refused(attack, "bomb.npz", stream.getvalue())


@attempt("upload a csv.gz that unpacks to 4 GB")
def _(attack: Attack) -> Outcome:
    block = gzip.compress(b"1,2,3\n" * 20_000_000)
    return refused(attack, "bomb.csv.gz", gzip.compress(b"user,item,time\n") + block * 33, "own.interactions")


@attempt("upload an archive with a symbolic link to /etc/passwd")
def _(attack: Attack) -> Outcome:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("ratings.csv")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return refused(attack, "link.csv.zip", stream.getvalue(), "own.interactions")


@attempt("upload an archive whose entries lie outside it")
def _(attack: Attack) -> Outcome:
    outside = "../" * 12 + str(attack.marker).lstrip("/")
    return refused(attack, "out.npz", packed(outside + ".npy", good()))


@attempt("upload JSON nested 200,000 deep")
def _(attack: Attack) -> Outcome:
    return refused(attack, "deep.jsonl", b"[" * 200_000 + b"]" * 200_000, "own.interactions")


@attempt("upload JSON of one line with 40 MB")
def _(attack: Attack) -> Outcome:
    line = json.dumps({"user": "a" * 40_000_000, "item": 1, "time": 2}).encode()
    return refused(attack, "long.jsonl", line, "own.interactions")


@attempt("upload numbers of 100,000 digits")
def _(attack: Attack) -> Outcome:
    return refused(attack, "digits.csv", b"user,item,time\n" + b"\n".join([b"1," + b"9" * 100_000 + b",3"] * 20), "own.interactions")


@attempt("upload an array that claims 10^12 rows, and safetensors with an endless header")
def _(attack: Attack) -> Outcome:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (10**12, 128)})
    got = [
        refused(attack, "claim.npy", header.getvalue() + bytes(1000)),
        refused(attack, "endless.safetensors", (2**62).to_bytes(8, "little")),
    ]
    return got[0][0], all(held for _, held in got)


@attempt("give files names with ../, ANSI escapes, line ends, 3,000 characters")
def _(attack: Attack) -> Outcome:
    for name in (
        "../../../../tmp/x.npy",
        "\x1b[31m\x1b]0;owned\x07.npy",
        "a\r\nb.npy",
        "x" * 3000 + ".npy",
        "..",
        "/etc/passwd.npy",
        "\u202egnp.npy",
    ):
        visitor = uploaded(attack, name, b"no table")
        if attack.leaks(visitor.received):
            return f"{name[:20]!r}: '{attack.leaks(visitor.received)}'", False
    escapes = b"\x1b]0;" in attack.log.read_bytes()
    return "each read as a file like any other; no escape in the log", not escapes


@attempt("upload more than a file may have, more than a visitor may, and without saying how much")
def _(attack: Attack) -> Outcome:
    visitor = attack.visitor()
    visitor.ask("own")
    large = visitor.upload("large.npy", bytes(51 * 2**20))[0]
    several = [visitor.upload(f"{i}.npy", bytes(45 * 2**20))[0] for i in range(4)]
    place = f"{visitor.address}/_stcore/upload_file/{visitor.session}/x"
    token = visitor.cookies.get("_streamlit_xsrf", "")
    unsaid = visitor.web.put(place, data=iter([b"x" * 1000]), headers={"X-Xsrftoken": token}, timeout=60).status_code
    visitor.close()
    return f"{large}; {several}; {unsaid}", large == 413 and several == [204, 204, 204, 413] and unsaid == 411


@attempt("send 40 files at once, each slowly")
def _(attack: Attack) -> Outcome:
    visitor = attack.visitor()
    visitor.ask("own")
    jar = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    token, lines, got = visitor.cookies.get("_streamlit_xsrf", ""), [], []
    for i in range(40):
        line = socket.create_connection(("localhost", PORT), timeout=10)
        head = f"PUT /_stcore/upload_file/{visitor.session}/{i} HTTP/1.1\r\nHost: localhost:{PORT}\r\n"
        head += f"Cookie: {jar}\r\nX-Xsrftoken: {token}\r\n"
        line.sendall(f"{head}Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n--x\r\n".encode())
        lines.append(line)
        time.sleep(0.01)
    for line in lines:
        line.settimeout(0.5)
        with contextlib.suppress(OSError):
            got.append(line.recv(100).split(b" ", 2)[1].decode())
        line.close()
    return f"{40 - len(got)} may wait, {got.count('413')} are refused", got.count("413") >= 30


# -- other visitors -----------------------------------------------------------------------------------------------


def keeps_tables(attack: Attack) -> tuple[Visitor, str]:
    """A visitor with tables in the laboratory, and their name there."""
    visitor = uploaded(attack, f"{SECRET}.csv", good(titles=True))
    visitor.ask("own", widgets={**visitor.last, visitor.widget("button", "Open in the collapse"): "trigger"})
    return visitor, SECRET


@attempt("open another visitor's tables by their name, and look for them in all pages")
def _(attack: Attack) -> Outcome:
    owner, name = keeps_tables(attack)
    owner.ask("collapse", f"run={name}", wait=120)
    theirs = SECRET.encode() in owner.received and f"{SECRET}-1".encode() in owner.received
    other = attack.visitor()
    for page in PAGES:
        other.ask(page, f"run={name}&table={name}&compare={name}&other={name}", wait=120)
        data = other.received
        if f"{SECRET}-1".encode() in data or attack.leaks(data):
            return f"{page}: '{attack.leaks(data) or 'shows them'}'", False
    reload = attack.visitor(cookies=owner.cookies)
    reload.ask("collapse", f"run={name}", wait=120)
    again = f"{SECRET}-1".encode() in reload.received
    return "'There is no run called …'; their owner sees them, after a reload too", theirs and again


@attempt("look at another visitor's tables without a cookie, with an invented one, and with one of another server")
def _(attack: Attack) -> Outcome:
    for cookie in ("", "0" * 32 + "." + "0" * 64, "../../x", "a" * 100_00, "\x1b[31m", "é"):
        with contextlib.suppress(Exception):
            visitor = attack.visitor(cookies={"adrec_visitor": cookie} if cookie else {})
            visitor.ask("collapse", f"run={SECRET}")
            if f"{SECRET}-1".encode() in visitor.received:
                return f"{cookie[:20]!r} shows them", False
    return "a new visitor each time", True


@attempt("upload into, delete from and read from another visitor's page")
def _(attack: Attack) -> Outcome:
    owner, other = attack.visitor(), attack.visitor()
    owner.ask("own")
    other.ask("own")
    status, file = owner.upload("mine.csv", good(titles=True))
    into, _ = other.upload("x.npy", good(), session=owner.session)
    token = other.cookies.get("_streamlit_xsrf", "")
    place = f"{other.address}/_stcore/upload_file/{owner.session}/{file}"
    away = other.web.delete(place, headers={"X-Xsrftoken": token}, timeout=30).status_code
    other.ask("own", widgets={other.widget("file_uploader", "own.tables"): [(file, "mine.csv")]}, wait=60)
    seen = SECRET.encode() in other.received
    owner.ask("own", widgets={owner.widget("file_uploader", "own.tables"): [(file, "mine.csv")]}, wait=150)
    return f"{into}, {away}, nothing to read; the file is still there", (status, into, away) == (204, 403, 403) and not seen


@attempt("take over a session by its number")
def _(attack: Attack) -> Outcome:
    from websockets.sync.client import connect

    owner, other = attack.visitor(), attack.visitor()
    owner.ask("own")
    token = other.cookies.get("_streamlit_xsrf", "")
    jar = "; ".join(f"{name}={value}" for name, value in other.cookies.items())
    address = f"ws://localhost:{PORT}/_stcore/stream"
    for wanted in (owner.session, "0" * 36):
        protocols = ["streamlit", token, wanted]
        other.socket = connect(address, subprotocols=protocols, origin=other.address, additional_headers={"Cookie": jar})  # type: ignore
        other.ask("own")
        if other.session == owner.session:
            return "the other's session", False
    return "a session of one's own", True


@attempt("delete what is published, what is bundled and what is another's")
def _(attack: Attack) -> Outcome:
    visitor = attack.visitor()
    for run in ("kept", "ml-100k", SECRET):
        visitor.ask("collapse", f"run={run}", wait=120)
        labels = [m.delta.new_element.button.id for m in visitor.messages if m.delta.new_element.HasField("button")]
        if any("train.delete" in label for label in labels):
            return f"a button for '{run}'", False
        visitor.ask("collapse", f"run={run}", widgets={"$$ID-" + "0" * 32 + "-train.delete": "trigger"})
    kept = (attack.runs / "kept" / "run.json").is_file() and (app_folder() / "assets" / "runs" / "ml-100k" / "run.json").is_file()
    return "no button, and a forged press does nothing", kept


# -- floods -------------------------------------------------------------------------------------------------------


@attempt("open 12 pages")
def _(attack: Attack) -> Outcome:
    first = attack.visitor()
    tabs = [attack.visitor(cookies=first.cookies) for _ in range(12)]
    told = ["pages of this server open already" in pages_of(tab, "own") for tab in tabs]
    for tab in tabs:
        tab.close()
    return f"{told.count(False)} pages, then: 'You have 8 pages of this server open already. …'", told.count(False) == 8


@attempt("run a page 200 times without a pause, while another visitor looks at one")
def _(attack: Attack) -> Outcome:
    visitor, other, told = attack.visitor(), attack.visitor(), False
    message = BackMsg()
    message.rerun_script.page_name = "own"
    begun = time.monotonic()
    for _ in range(200):
        visitor.ask("own", wait=30)
        told = told or "too much at once" in visitor.said
    for _ in range(500):
        visitor.send(message)
    took = time.monotonic() - begun
    begun = time.monotonic()
    other.ask("train")
    waited = time.monotonic() - begun
    return f"'That was too much at once for a shared server. …' within {took:.0f} s; the other waits {waited:.1f} s", told and waited < 30


@attempt("ask /person 500 times")
def _(attack: Attack) -> Outcome:
    session = requests.Session()
    got = [session.get(f"http://localhost:{PORT}/person/any", timeout=30).status_code for _ in range(500)]
    return f"{got.count(429)} of 500: 429, with the seconds to wait", got.count(429) >= 100


@attempt("have six visitors' files read at the same time")
def _(attack: Attack) -> Outcome:
    rng = np.random.default_rng(1)
    stream, most, said = io.BytesIO(), 0, list[str]()
    np.save(stream, rng.normal(size=(20_000, 64)).astype(np.float32))
    lock = threading.Lock()

    def one(number: int) -> None:
        visitor = uploaded(attack, f"t{number}.npy", stream.getvalue())
        with lock:
            said.append(visitor.said + sentence(visitor))

    threads = [threading.Thread(target=one, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        most = max(most, attack.workers())
        time.sleep(0.05)
    queued = sum("in the queue" in text for text in said)
    allowed = max(1, len(os.sched_getaffinity(0)) // 2)
    return f"{most} read at once, {queued} saw their place in the queue, all six were read", most <= allowed and queued >= 3 and sum(
        "### " in text for text in said
    ) == 6


@attempt("have files read again and again")
def _(attack: Attack) -> Outcome:
    visitor, told = attack.visitor(), 0
    for number in range(14):
        uploaded(attack, f"n{number}.npy", b"no table at all", by=visitor)
        told += "then one in half a minute" in sentence(visitor)
    return f"12 readings, then: '{sentence(visitor)}'", told == 2


@attempt("come as 500 new visitors from one address")
def _(attack: Attack) -> Outcome:
    got = [requests.get(f"http://localhost:{PORT}/", headers={"Accept": "text/html"}, timeout=30).status_code for _ in range(500)]
    return f"{got.count(429)} of 500: 429", got.count(429) >= 20


@attempt("close the page, and look for what is left of a visitor two minutes later")
def _(attack: Attack) -> Outcome:
    keeps_tables(attack)
    folders = [path for path in Path(tempfile.gettempdir()).glob("adrec-visitors-*") if _holds(path)]
    if not folders:
        return "nothing was there to begin with", False
    attack.leave()
    end = time.monotonic() + 280
    while any(map(_holds, folders)) and time.monotonic() < end:
        time.sleep(2)
    return "no folder, no file", not any(map(_holds, folders))


def _holds(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return any(SECRET in path.name for path in folder.rglob("*"))
    return False


def main() -> int:
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else ""
    folder = Path(tempfile.mkdtemp(prefix="attack-"))
    log, failed = folder / "server.log", 0
    try:
        shutil.copytree(app_folder() / "assets" / "runs" / "ml-100k", folder / "runs" / "kept")
        kept = read_json(folder / "runs" / "kept" / "run.json")
        kept["dataset"] |= {"name": str(folder / "private" / "our ratings.csv"), "title": None}  # published, and trained on a file
        write_json(folder / "runs" / "kept" / "run.json", kept)
        environment = {
            "ADREC_RUNS": str(folder / "runs"),
            "ADREC_HOME": os.environ.get("ADREC_HOME", str(folder / "home")),
            "log": str(log),
        }
        with server(PORT, "--public", **environment) as process:
            attack = Attack(process, folder, log)
            print("| attempt | what it got | |\n|---|---|---|")
            for what, function in ATTACKS:
                if only in what:
                    got, held = function(attack)
                    failed += not held
                    attack.leave()
                    print(f"| {what} | {got.replace('|', '/')} | {'held' if held else '**SUCCEEDED**'} |", flush=True)
            traces = log.read_text(errors="replace").count("Traceback")
            memory = process.memory_info().rss / 2**20
            print(f"\n{len(ATTACKS)} attempts, {failed} succeeded; memory {memory:.0f} MiB, {traces} tracebacks logged.")
    finally:
        if "--keep" not in sys.argv:
            shutil.rmtree(folder, ignore_errors=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
