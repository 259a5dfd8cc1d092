"""What the page for uploaded files found: for each table the join of rows and items, plain facts, the verdict, and what to try next."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from adrec.collapse.facts import SPOKEN
from adrec.collapse.kinds import FACT_REMEDIES, KIND_WORDS
from adrec.collapse.thresholds import THRESHOLDS
from adrec.embeddings.judging import beside, examined
from adrec.embeddings.worker import facts_file
from adrec.pictures import looks
from app import loaders, own_data, reading_view, state, ui
from app.own_data import Result
from app.texts import say, texts

GOOD, OPEN, BAD = ":green[:material/check_circle:]", ":orange[:material/help:]", ":red[:material/error:]"
ICONS = {"healthy": GOOD, "concentrated": GOOD, "weakly-learned": ":orange[:material/warning:]", "spectral-only": OPEN}
FACT_ICONS = (":material/info:", ":orange[:material/warning:]")
"""Of a fact that hardly matters, and of one that the verdict's sentence may name."""
EXAMPLES = 20
"""Rows shown of a fact; the file has them all."""
SURE = 0.9
"""Below this confidence the page says why."""


def results(found: Result) -> dict[str, str]:
    """Each table's findings, and from table to table; the options of an open question that was answered just now, or none."""
    entries, asked, answer = found.judged["tables"], set[str](), dict[str, str]()
    for number, entry in enumerate(entries):
        with st.container(border=True):
            glyph = f"{looks.stage_glyph(entry['name'])} " if len(entries) > 1 else ""
            name = ui.plain(looks.stage_label(entry["name"]))
            of = examined(entry)
            st.caption(f"{glyph}{name} · {entry['items']:,} items × {entry['width']:,}{f' · {of}' if of else ''}")
            _join(entry)
            for question in entry["questions"]:
                if question["option"] not in asked:
                    asked.add(question["option"])
                    said = {**question, "says": _words("settle")[question["option"]]}
                    answer |= reading_view.question(said, f"own.{entry['sha256'][:12]}") or {}
            _facts(found, number)
            _verdict(entry)
            _next(entry)
            _evidence(entry)
            _beside(entry)
    _changes(found.judged["comparison"])
    return answer


# -- which row is which item


def _join(entry: Mapping[str, Any]) -> None:
    join = entry["join"]
    asked = any(question["option"] == "order" for question in entry["questions"])
    if join is None:
        st.markdown(f"{_words('join')} {_words('unjoined' if entry['interactions'] is None else 'own')}")
        return
    if join["fix"] is not None:
        st.warning(ui.plain(join["says"]), icon=":material/warning:")
        told = _words("corrected").format(option=f"`{join['fix']}`")
    elif join["clear"]:
        told = f"{GOOD} {ui.plain(_joined(join))}"
    else:
        told = f"{OPEN} {_words('asked') if asked else ui.plain(join['says'])}"
    row = st.container(horizontal=True, vertical_alignment="center")
    row.markdown(f"{_words('join')} {told}", width="content")
    with row.popover(_words("tried"), type="tertiary", icon=":material/rule:"):
        st.markdown(ui.plain(join["says"]))
        for note in entry["notes"]:
            if note != join["says"] and note not in (entry["account"] or {"notes": []})["notes"]:
                st.caption(ui.plain(note))
        frame = pd.DataFrame(join["candidates"], columns=["words", "z"])
        look = {"words": _words("order"), "z": st.column_config.NumberColumn(_words("fit"), format="%.1f", help=_words("fitHelp"))}
        st.dataframe(frame, hide_index=True, column_config=look)


def _joined(join: Mapping[str, Any]) -> str:
    """A join that holds, in a sentence or two."""
    tried = {c["name"]: c for c in join["candidates"]}
    used = tried.get(join["used"])
    if used is None:
        return str(join["says"])
    others = [c["z"] for name, c in tried.items() if name != join["used"]]
    told = _words("joined").format(order=used["words"])
    if used["z"] >= THRESHOLDS.z and others:
        told += " " + _words("fits").format(z=used["z"], other=max(others), count=len(others))
    elif used["z"] < THRESHOLDS.z and join["used"] != "ids":
        told += " " + _words("unconfirmed")
    if join["rows_unused"] > 1:
        told += " " + _words("surplus").format(rows=join["rows_unused"])
    if join["ids_missing"]:
        told += " " + _words("missing").format(items=join["ids_missing"])
    return told


# -- plain facts


def _facts(found: Result, number: int) -> None:
    facts = found.judged["tables"][number]["facts"]
    if not facts:
        st.markdown(f"{_words('facts')} {GOOD} {_words('plain')}")
        return
    _fact(found, number, facts[0], _words("facts"))
    if facts[1:]:
        label = _words("moreFacts").format(count=len(facts) - 1) if facts[2:] else _words("moreFact")
        with st.expander(label):
            for fact in facts[1:]:
                _fact(found, number, fact, "")


def _fact(found: Result, number: int, fact: Mapping[str, Any], start: str) -> None:
    """A fact, what to try about it, and the rows that it is about."""
    st.markdown(f"{start} {FACT_ICONS[fact['weight'] >= SPOKEN]} {ui.plain(fact['says'])}")
    path = facts_file(found.folder, number, fact["code"])
    row = st.container(horizontal=True, vertical_alignment="center")
    if path.exists():
        with row.popover(_words("rows"), icon=":material/list:"):
            shown = pd.read_csv(path, nrows=EXAMPLES, dtype=str)
            st.caption(_words("first").format(shown=len(shown), count=fact["count"]))
            st.dataframe(shown, hide_index=True)
            st.download_button(
                _words("all"),
                path.read_bytes,
                file_name=path.name,
                mime="text/csv",
                icon=":material/download:",
                on_click="ignore",
                key=f"own.rows.{path.stem}",
            )
    remedy = FACT_REMEDIES.get(fact["code"])
    if remedy is not None and fact["weight"] >= SPOKEN:
        _remedy(row, remedy.to_json())


# -- the verdict


def _verdict(entry: Mapping[str, Any]) -> None:
    """The kind in plain words, the confidence, what is undecided, and how much the table means."""
    verdict, join = entry["verdict"], entry["join"]
    label = _words("open") if verdict["kind"] == "spectral-only" and verdict["undecided"] else KIND_WORDS[verdict["kind"]][0]
    st.markdown(f"### {ICONS.get(verdict['kind'], BAD)} {label}")
    says = verdict["says"].removeprefix(join["says"] if join is not None else "").strip()  # was said with the join
    st.markdown(f"{ui.plain(says)} {_sure(verdict)}")
    asked = [question["says"] for question in entry["questions"]]
    for text in dict.fromkeys(verdict["undecided"]):
        if text not in asked:
            st.markdown(f"**{_words('undecided')}** {ui.plain(text)}")
    if asked:
        st.markdown(f"**{_words('undecided')}** {_words('above')}")
    meaning = entry["meaning"]
    if meaning is not None:
        numbers = {name: f"{meaning[name]:.2f}".replace("-0.00", "0.00").replace("-", "−") for name in ("share", "low", "high")}
        say(_words("meaning").format(**numbers))


def _sure(verdict: Mapping[str, Any]) -> str:
    sure = verdict["confidence"]
    if verdict["undecided"] and sure <= 0.5:
        return ""
    told = _words("confidence").format(percent=f"{100 * sure:.0f}", instead=KIND_WORDS[verdict["instead"]][0].lower())
    return f"*{told}{_words('near') if sure < SURE else ''}.*"


def _next(entry: Mapping[str, Any]) -> None:
    steps = entry["verdict"]["next"]
    if steps:
        st.markdown(f"**{_words('next')}**")
    for step in steps:
        _remedy(st.container(horizontal=True, vertical_alignment="center"), step)


def _remedy(place: Any, step: Mapping[str, str]) -> None:
    """Something to try, and how it is known: measured in a bundled run, from a paper, or a check."""
    run = loaders.bundled(step["run"]) if step["run"] else None
    source = step.get("source")
    mark = "measured" if run is not None else "literature" if source else "check"
    place.markdown(f"{ui.plain(step['text'])} {_words('marks')[mark].format(source=ui.plain(source or ''))}", width="content")
    if run is not None:
        page, link = loaders.ROOT / "pages" / "collapse.py", state.link(run=run.name)
        place.page_link(page, label=_words("run"), icon=":material/science:", help=ui.plain(ui.run_title(run)), query_params=link)


def _evidence(entry: Mapping[str, Any]) -> None:
    """Every comparison with its null and threshold."""
    with st.expander(_words("comparisons")):
        say(_words("evidence"), small=True)
        frame = pd.DataFrame(entry["verdict"]["evidence"])
        frame["measure"] = frame["measure"].str.replace("_", " ").str.capitalize()
        look: dict[str, Any] = {k: st.column_config.NumberColumn(k.capitalize(), format="%.4g") for k in ("value", "null", "threshold")}
        look |= {"measure": "Measure", "says": st.column_config.TextColumn("In words", width="large")}
        st.dataframe(frame, hide_index=True, width="stretch", column_config=look)
        ui.download("Evidence (CSV)", frame, f"{entry['name']}-evidence", key=f"own.evidence.{entry['name']}")


def _beside(entry: Mapping[str, Any]) -> None:
    told = beside(entry)
    if told:
        with st.expander(_words("beside")):
            st.markdown("\n".join(f"- {ui.plain(says)}" for says in told))


# -- all tables


def _changes(changes: Sequence[Mapping[str, Any]]) -> None:
    if changes:
        st.subheader("From table to table", anchor=False)
    for change in changes:
        st.markdown(_change(change))


def _change(change: Mapping[str, Any]) -> str:
    names = [ui.plain(looks.stage_label(change[k])) for k in ("before", "name")]
    parts = [f"standard deviation {change['std_before']:.3g} → {change['std']:.3g}"]
    if change["neighbours_kept"] is not None:
        parts.append(f"{100 * change['neighbours_kept']:.0f} % of the neighbours kept (chance {100 * change['neighbours_chance']:.1f} %)")
    if change["correlation"] is not None:
        parts.append(f"correlation {change['correlation']:.3f}".replace("-", "−"))
    return f"**{names[0]} → {names[1]}**: {'; '.join(parts)}."


def actions(found: Result) -> None:
    """Download the report, or open the tables in the laboratory."""
    row = st.container(horizontal=True, vertical_alignment="center")
    stem = found.name.rpartition(".")[0] or "tables"
    row.download_button(
        "Download the report (HTML)",
        lambda: found.report,
        file_name=f"{stem}-collapse.html",
        mime="text/html",
        icon=":material/download:",
        on_click="ignore",
        key="own.report",
    )
    pressed = row.button("Open in the collapse laboratory", type="primary", icon=":material/science:", disabled=found.problem is not None)
    if found.problem is not None:
        st.caption(ui.plain(found.problem))
    if pressed:
        run = own_data.to_laboratory(found)
        st.switch_page(loaders.ROOT / "pages" / "collapse.py", query_params=state.link(run=run.name))


def _words(name: str) -> Any:
    return texts("own")[name]
