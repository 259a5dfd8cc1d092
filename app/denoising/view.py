"""The parts of the Denoising page: the history as cards, the scrubber, the downloads."""

import html
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from adrec.explain import export, scene
from adrec.files import csv_for_people
from adrec.runs import RunFolder
from app import computing, loaders, palette, state
from app.components.scrubber import HEIGHT, scrubber
from app.denoising import data

if TYPE_CHECKING:
    from app.denoising.sides import Side

RENOISED, REFUSED = "denoising.renoised", "denoising.refused"
CARDS_CSS = """
.cards{display:flex;gap:12px;align-items:stretch;font-size:.85rem;line-height:1.25}
.cards .past{display:flex;flex-direction:row-reverse;gap:8px;overflow-x:auto;flex:0 1 auto;min-width:0;padding-bottom:6px;
 scrollbar-width:thin}
.cards .from-start{flex-direction:row}
.cards .card{flex:none;width:138px;border:1px solid color-mix(in srgb,currentColor 22%,transparent);border-radius:6px;padding:6px 8px;
 display:flex;flex-direction:column;justify-content:space-between;min-height:4.6rem;box-sizing:border-box}
.cards b{font-weight:600;display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical;overflow:hidden}
.cards small{opacity:.72;font-size:.76rem;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.cards .next{display:flex;gap:12px;flex:0 0 auto;align-items:center;padding-bottom:6px}
.cards .next .card{border-width:2px;border-color:VAR_TARGET;align-self:stretch}
.cards .unknown{border-style:dashed;border-color:color-mix(in srgb,currentColor 40%,transparent)}
.cards .panel{flex:none;align-self:start;color:Canvas;background:CanvasText;border-radius:4px;padding:0 7px;font-size:.95rem}
.cards .arrow{opacity:.6;font-size:1.2rem}
@media(max-width:700px){.cards .card{width:116px}.cards{gap:8px}.cards .next{gap:8px}}
""".replace("VAR_TARGET", palette.TARGET_COLOR)
"""Of ``cards``: part of the page, not of every history."""


def cards(subject: data.Subject, run: RunFolder, panel: str = "", invented: tuple[int, ...] = ()) -> None:
    """The history as a row of cards, newest last, and what came next. panel: a panel's letter to put before them. invented: items that a
    model put before the history, which are then in sight first."""
    texts = _texts(run)
    shown = [_card(*texts[i - 1]) for i in subject.history[::-1]] + [_card(*texts[i - 1], "✎ Invented", "unknown") for i in invented[::-1]]
    past, kind = ("".join(shown[::-1]), "past from-start") if invented else ("".join(shown), "past")
    unknown = '<div class="card unknown"><b>?</b><small>Next item unknown</small></div>'
    target = unknown if subject.target is None else _card(*texts[subject.target - 1], "★ Came next")
    name = f"History of {len(subject.history)} items, newest on the right and read first"
    name = f"{len(invented)} invented items and a history of {len(subject.history)}, newest on the right" if invented else name
    row = f'<div class="{kind}" role="list" tabindex="0" aria-label="{name}">{past}</div>'
    letter = f'<b class="panel">{panel}</b>' if panel else ""
    st.html(f'<div class="cards">{letter}{row}<div class="next"><span class="arrow">→</span>{target}</div></div>')


def _card(name: str, rest: str, above: str = "", kind: str = "") -> str:
    over = f"<small>{html.escape(above)}</small>" if above else ""
    return f'<div class="card {kind}" role="listitem" title="{name}, {rest}">{over}<b>{name}</b><small>{rest}</small></div>'


@loaders.once
@loaders.of_run(8)
def _texts(run: RunFolder) -> list[tuple[str, str]]:
    """Of every item, in order: the title, and whatever else is known, as HTML."""
    items = loaders.items(run)
    columns = [c for c in ("year", *items.columns.drop(["item", "title", "year", "popularity"], errors="ignore")) if c in items]

    def escaped(title: object, *more: object) -> tuple[str, str]:
        known = [str(value).replace("|", ", ") for value in more]
        return html.escape(str(title)), html.escape(" · ".join(text for text in known if text))

    return [escaped(*row) for row in items[["title", *columns]].itertuples(index=False)]


def wait_for(questions: Sequence[Any], words: Any, space: Any = None) -> None:
    """Wait until the process beside the server has answered; meanwhile say in ``words`` how many are ahead, and reserve the picture's
    ``space``. Earlier content stays until it is replaced."""
    said, held = words.empty(), None if space is None else space.empty()
    shown: list[int] = []

    def tell(ahead: int) -> None:
        if held is not None and not shown:
            box = held.container(height=HEIGHT, border=True, vertical_alignment="center", horizontal_alignment="center")
            box.markdown(":material/hourglass_empty: The answer is on its way.")
        if shown[-1:] != [ahead]:
            said.markdown(computing.waited(ahead))
            shown.append(ahead)

    computing.server.answer(*questions, on_place=tell)
    if shown:
        said.empty()
        if held is not None:
            held.empty()


def asks_browser(sides: "Sequence[Side]", seed: int) -> bool:
    """Whether the visitor's browser makes the scenes: of bundled runs whose models run there, unless it has refused to, or everybody sees
    the same ones."""
    able = all(side.in_browser and loaders.is_bundled(side.run) for side in sides)
    return able and REFUSED not in st.session_state and not all(side.is_opening(seed) for side in sides)


def renoise(steps: int, noise: list[int]) -> None:
    """Note the seed and the number of steps that were chosen in the browser, unless a forged message names others. steps: shown before."""
    match noise:
        case [int(seed), int(chosen)]:
            state.put(seed=seed, steps=chosen if chosen != steps else state.get("steps"))


@st.fragment
def clock(scenes: bytes, steps: int, in_browser: bool, sayings: Mapping[str, Any] | None) -> None:
    """The scrubber for one scene or two. Releasing the slider reruns only this fragment; other noise or fewer steps rerun the page for its
    words, since the browser has answered by then. in_browser: whether it answers there. sayings: of ``compare``, if words are made there
    too."""
    step = min(max(state.get("step", steps), 0), steps)

    def other(noise: list[int]) -> None:
        renoise(steps, noise)
        st.session_state[RENOISED] = True

    def refused(_: bool) -> None:
        st.session_state[REFUSED] = st.session_state[RENOISED] = True

    again = {"worker": data.worker().url, "sayings": sayings} if in_browser else None
    scrubber(scene.packed(scenes, step, again), lambda released: state.put(step=released), other, refused)
    if st.session_state.pop(RENOISED, False):
        st.rerun()


def downloads(side: "Side", second: Callable[[], export.Comparison | None], seed: int, method: str) -> None:
    """The trajectory, or both, as JSON, as a table, and as a page that works offline. They are computed when they are asked for."""
    run, subject, title = side.run, side.subject, loaders.title(side.run)
    stem = f"{run.name}-{subject.user_id or 'composed'}-seed{seed}"
    row = st.container(horizontal=True)

    def offer(label: str, make: Callable[[], str], end: str, mime: str) -> None:
        common: dict[str, Any] = {"type": "tertiary", "icon": ":material/download:", "on_click": "ignore", "key": f"denoising.{end}"}
        row.download_button(label, make, file_name=f"{stem}.{end}", mime=mime, **common)

    def page() -> str:
        of: dict[str, Any] = {"name": run.name, "user": subject.user_id, "comparison": second()}
        return export.page(side.trajectory(seed), side.layout(method), title, **of)

    def document() -> str:
        found = data.chance(run, side.stage, subject, seed, side.steps)
        more = found.sweep, found.fewer, second()
        report = export.document(side.trajectory(seed), side.layout(method), title, subject.user_id, *more)
        return json.dumps(report, ensure_ascii=False, indent=1)

    def table() -> str:
        return csv_for_people(export.table(side.trajectory(seed), title, second()))

    offer("Everything shown here (JSON)", document, "json", "application/json")
    offer("Steps and lists (CSV)", table, "csv", "text/csv")
    offer("This figure (HTML, works offline)", page, "html", "text/html")
