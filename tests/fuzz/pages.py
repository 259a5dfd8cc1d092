"""``python -m tests.fuzz.pages``: 2,000 addresses that nobody would write, opened at a running server as a browser opens them.

Every page, every parameter that a page reads; values of other parameters, of other runs, of no kind at all. No visitor may get a
traceback or nothing, nor may the log hold one; nothing may hang, start a program, or be written outside the server's own folders.
"""

import random
import re
import shutil
import sys
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path
from urllib.parse import quote, quote_plus

from app.state import PARAMETERS
from tests.fuzz.parts import ROOT, Tried, main, trained
from tests.fuzz.served import Served, Visitor, wrong

CASES = 2000
READ = re.compile(r"""(?:state\.(?:get|bound|put)|query_params\.(?:get|pop))\(\s*"(\w+)"|query_params\["(\w+)"\]""")
FORMS = re.compile(r"PARAMETERS\s*(?:\[|\|=)")
ESCAPES = ("\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "a\x00b", "\r\nSet-Cookie: a=b", "\x7f\x80\x9b31m", "\u202egnp.exe", "\u2028\u2029")
NUMBERS = ("0", "-1", "1", "3", "007", "1e9", "1.5", "nan", "inf", "-inf", "٣", "²", "1_000", " 5 ", "0x10", "true", "None")
NUMBERS += ("2147483648", "-9223372036854775809", "18446744073709551616", "9" * 30, "9" * 4299, "9" * 5000, "-" + "9" * 400, "1" * 100_000)
PATHS = ("../../../etc/passwd", "/etc/passwd", "..%2f..%2fetc", "C:\\Windows\\win.ini", "~/.ssh/id_rsa", "/dev/zero", "/proc/self/mem", ".")
PATHS += ("file:///etc/passwd", "https://evil.example/x", "//evil.example", "\\\\evil\\share", "a/../b", "tiny/../tiny", "tiny/", "./tiny")
CODE = ("{{7*7}}", "${7*7}", "__import__('os')", "'; DROP TABLE users;--", "<script>alert(1)</script>", "[x](javascript:alert(1))", "%s%n")
CODE += ("' or 1=1", "$(touch x)", "`touch x`", ":red[x]", "# x\n\n* y", "![](x)", "\\", "%", "%zz", "&", "=", "+", ";", ",", ",,,", "::")
CODE += ("a:b:c", "1,2,3")
LONG = ("a" * 300, "é" * 5000, "a," * 20_000, "1," * 20_000, "%41" * 2000, " " * 9000, "\U0001f9e8" * 3000)
DEEP = ("[" * 50_000, '{"a":' * 20_000, '{"a": NaN}', '{"$ref": "#"}', "[1, 2", '"' * 99, "null", "[]", "{}", '{"header": "none"}')
KNOWN = {
    "run": ("tiny", "tables", "cut", "ml-100k", "narrow", "sasrec", "popularity", "ml-1m-dreamrec", "noise-0", "one-t"),
    "runs": ("tiny,sasrec", "ml-100k", "sasrec,popularity,ease", "tiny,tiny", "item-knn,cut"),
    "stage": ("initial", "pretrain", "warmup", "finetune"),
    "view": ("person", "user", "own", "umap", "pca", "side", "one"),
    "method": ("umap", "pca", "ddim", "strided", "full"),
    "compare": ("user", "item", "run", "stage", "steps", "lambda", "remove", "replace"),
    "look": ("forward", "seeds", "steps", "tables", "users", "cost", "fan"),
    "tool": ("film", "moves", "directions", "ranking", "compare", "dials"),
    "dial": ("cut", "offset", "noise", "mix", "shrink"),
    "history": ("1,2,3", "60,59", "1,1,1,1", "999999", "0", "-1", "1.5,2", "1,x"),
    "selected": ("1,2,3", "1-60", "60,61", "0", "all"),
    "metric": ("hr@10", "ndcg@10", "cosine", "euclidean", "hr@5", "mrr"),
    "colour": ("popularity", "title", "category", "genre", "none"),
    "scale": ("log", "linear"),
    "spectrum": ("centred", "raw"),
    "example": ("healthy", "narrow", "noise", "collapsed", "random"),
    "person": ("family", "action", "nobody"),
    "user": ("1", "80", "81", "u1", "user 3"),
}
PAGES = ("", "learn", "collapse", "own", "denoising", "train", "compare")
ODD_PAGES = ("nosuch", "../collapse", "collapse/", "COLLAPSE", "_stcore/health", "%2e%2e", "é", "a" * 5000, "collapse?run=tiny", "\x1b[31m")
ROUTES = ("model/{}", "person/{}", "media/{}", "_stcore/upload_file/{}/{}", "component/{}/{}", "static/{}", "{}")
ROUTES += ("_stcore/{}", "app/static/{}")
METHODS = ("GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
MOST_QUERY = 500_000


@cache
def names() -> tuple[str, ...]:
    """Every parameter that the app's code reads."""
    files = [*(ROOT / "app").rglob("*.py"), *(ROOT / "pages").glob("*.py")]
    read = {name for file in files for pair in READ.findall(file.read_text(encoding="utf-8")) for name in pair if name}
    return tuple(sorted({*PARAMETERS, *read, "chapter", "question", "model", "data", "embed", "embed_options", "__streamlit"}))


def value(rng: random.Random, name: str) -> str:
    """A value of a parameter: often one that it may have, or that another may."""
    roll = rng.random()
    if roll < 0.45 and name in KNOWN:
        return rng.choice(KNOWN[name])
    if roll < 0.55:
        return rng.choice(rng.choice(list(KNOWN.values())))
    chosen = rng.choice(rng.choice((NUMBERS, NUMBERS, NUMBERS, ESCAPES, PATHS, CODE, LONG, DEEP, ("",))))
    return mixed(rng, chosen) if rng.random() < 0.2 else chosen


def mixed(rng: random.Random, text: str) -> str:
    """The text with something put in, cut or doubled."""
    at = rng.randrange(len(text) + 1)
    return rng.choice((text[:at] + rng.choice(ESCAPES + CODE) + text[at:], text[:at], text[at:], text + "," + text))[:120_000]


def query(rng: random.Random) -> str:
    """A query string: some parameters, sometimes again, escaped by one rule, another or none."""
    chosen = [rng.choice(names()) if rng.random() < 0.95 else value(rng, "")[:200] for _ in range(rng.choice((1, 1, 2, 3, 5, 9)))]
    if rng.random() < 0.6 and "run" not in chosen:
        chosen.insert(0, "run")
    if rng.random() < 0.1:
        chosen += [rng.choice(chosen)] * rng.choice((1, 2, 50))
    if rng.random() < 0.02:
        chosen = [rng.choice(names()) for _ in range(rng.choice((900, 1500)))]
    escaped = rng.choice((quote, quote, quote_plus, quote_plus, lambda text: text))
    return "&".join(f"{escaped(name)}={escaped(value(rng, name))}" for name in chosen)[:MOST_QUERY]


def page(served: Served, number: int) -> Tried:
    """A page at such an address; now and then a second one in the same tab, as a link or the browser's Back opens it."""
    rng = random.Random(number)
    visits = [(rng.choice(ODD_PAGES) if rng.random() < 0.05 else rng.choice(PAGES), query(rng)) for _ in range(rng.choice((1, 1, 1, 2)))]
    told = []
    visitor = Visitor(served.port)
    for name, asked in visits:
        told += list(wrong(visitor.open(name, asked)))
    visitor.close()
    return Tried(f"page {visits[0][0] if visits[0][0] in PAGES else 'of no name'}", visits, told)


def route(served: Served, number: int) -> Tried:
    """A request to one of the server's routes; it is answered, and not with a failure of the server's."""
    rng = random.Random(number)
    words = [quote(value(rng, rng.choice(names()))[:3000], safe=rng.choice(("", "/", "/.%"))) for _ in range(2)]
    path = "/" + rng.choice(ROUTES).format(*words)
    method = rng.choice(METHODS)
    address = f"http://127.0.0.1:{served.port}{path}"
    headers = {"Host": rng.choice((f"127.0.0.1:{served.port}", "evil.example"))} if rng.random() < 0.3 else {}
    try:
        request = urllib.request.Request(address, method=method, headers=headers, data=b"x" * 100 if method in ("POST", "PUT") else None)
        with urllib.request.urlopen(request, timeout=30) as answer:
            code, body = answer.status, answer.read(1 << 20)
    except urllib.error.HTTPError as error:
        code, body = error.code, error.read(1 << 20)
    except (OSError, ValueError) as error:
        return Tried("route", [method, path], [f"no answer: {error!r}"])
    told = [f"it is answered with {code}"] if code >= 500 and not path.startswith("/person/") else []  # nobody's ratings are here
    told += ["it is answered with a file of this machine"] if b"root:x:" in body or b"Traceback" in body else []
    return Tried("route", [method, path, code], told)


def tried(served: Served, number: int) -> Tried:
    """Of ten addresses, one is a route's and nine are pages'."""
    return route(served, number) if number % 10 == 9 else page(served, number)


def prepare(served: Served) -> None:
    """A small run whose people are known, the same with a stage cut, and a folder of tables."""
    run = trained(served.runs / "tiny")
    shutil.copytree(run.path, served.runs / "cut")
    file = Path(served.runs / "cut" / "stages" / "finetune" / "model.safetensors")
    file.write_bytes(file.read_bytes()[:500])
    tables(served.runs / "tables")


def tables(path: Path) -> None:
    """A folder of item tables without a model."""
    import numpy as np

    from adrec.data.dataset import ItemTable
    from adrec.runs import RunFolder

    rng = np.random.default_rng(0)
    made = {"a": rng.standard_normal((40, 8)), "b": rng.standard_normal((40, 8))}
    RunFolder(path).create_tables(made, ItemTable.untitled([str(i) for i in range(40)]), {"dataset": {}})


if __name__ == "__main__":
    sys.exit(main("pages", str(__doc__), tried, prepare, CASES))
