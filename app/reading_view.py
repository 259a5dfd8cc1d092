"""What was read from a person's file, the columns that may be changed, and an open question about it: for every page that takes files.

Choices are options of the readers. They are kept in the session under a key that identifies the file, so that another file starts anew.
"""

import html
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from adrec.data.readers import TEXT_OPTIONS
from adrec.errors import DataError
from adrec.reading.account import Account, counted
from adrec.reading.roles import ROLES
from adrec.reading.sampled import IGNORED
from app import ui
from app.texts import CSS, texts

NEEDED = ("user", "item")
"""Roles that must have a column."""
CLOSED = ("cut", "dates", "header", "key", "layout", "missing", "order", "quotes", "transpose")
"""Options of which a question names all the values there are."""
SAID = ("cut", "missing", "order", "transpose")
"""Options whose values say little to people; what each means is the choice."""
FIRST = 3
"""So many roles are offered at once; the others are one click away."""
UNBROKEN = "\u2011"
"""A hyphen at which no line ends."""
LIST = "<style>.read {padding-left: 1.1rem; margin: 0; overflow-wrap: anywhere} .read li {margin: .2rem 0}</style>"


def chosen(key: str) -> dict[str, str]:
    """The options chosen so far for the file that ``key`` identifies."""
    return dict(st.session_state.get(_kept(key), {}))


def begin(key: str, options: Mapping[str, str]) -> None:
    """Take these options for a file about which nothing was chosen yet."""
    st.session_state.setdefault(_kept(key), dict(options))


def keep(key: str, options: Mapping[str, str]) -> None:
    """Take these options for the file from the next run of the page on."""
    st.session_state[_kept(key)] = dict(options)


def settle(key: str, options: Mapping[str, str]) -> None:
    """Keep these options for the file and run the page again, which reads it with them."""
    if dict(options) != chosen(key):
        keep(key, options)
        st.rerun()


def start_over(key: str) -> None:
    """A button that forgets the choices for this file, if there are any."""
    if chosen(key) and st.button(_words("again"), type="tertiary", icon=":material/undo:", key=f"{key}.again"):
        settle(key, {})


def account(read: Account) -> None:
    """What was read: its size in one line, the first rows, and the whole account one click away."""
    st.markdown(headline(read))
    remarks(read)
    first_rows(read.head, [use.column for use in read.uses])
    with st.expander(_words("details")):
        told(read)


def told(read: Account) -> None:
    """The whole account, a sentence a line."""
    listed(replace(read, path=Path(read.path).name).sentences())


def listed(told: Sequence[str]) -> None:
    """Sentences as a list, small."""
    sentences = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in told)
    st.html(f"{CSS}{LIST}<ul class='said small read'>{sentences}</ul>")


def headline(read: Account) -> str:
    """What was read in one sentence, in Markdown."""
    sizes = [counted(n, noun) for n, noun in ((read.users, "user"), (read.items, "item")) if n is not None]
    told = f"**Read {counted(read.read, 'row')}**" + (f": {' and '.join(sizes)}" if sizes else "")
    if read.first is not None and read.last is not None:
        first, last = (ui.plain(day[:10].replace("-", UNBROKEN)) for day in (read.first, read.last))
        told += f", from {first} to {last}"
    if not read.left_out:
        return f"{told}."
    (first, rows), *others = read.left_out.items()
    reasons = ui.plain(", ".join([f"{counted(rows, 'row')} {first}", *(f"{rows:,} {reason}" for reason, rows in others)]))
    return f"{told}. :orange[Left out: {reasons}.]"


def remarks(read: Account) -> None:
    """What may change what one wants, where it is seen."""
    for sentence in read.remarks:
        st.markdown(f":orange[:material/info:] :small[{ui.plain(sentence)}]")


def first_rows(head: Sequence[Mapping[str, str]], first: Sequence[str] = ()) -> None:
    """The first rows of the file as a table. first: columns to show before the others."""
    if head:
        frame = pd.DataFrame(list(head))
        order = list(dict.fromkeys([*(name for name in first if name in frame), *frame]))
        st.dataframe(frame[order], hide_index=True, width="stretch", row_height=28)


def options(text: str) -> dict[str, str]:
    """``user=who, k_core=5`` as options; anything but columns and filters is a DataError."""
    parts = re.split(r"[,;]\s*(?=\w+\s*=)|(?<=[^=\s])\s*[,;]\s*$", text)  # before the next name: a value may hold commas
    found: dict[str, str] = {}
    for part in filter(str.strip, parts):
        option, _, value = (word.strip() for word in part.partition("="))
        if not option or not value:
            raise DataError(f"'{text[:60]}' does not name options; expected for instance k_core=5, min_rating=4, drop_users=-1.")
        if option not in TEXT_OPTIONS:
            raise DataError(f"'{option[:40]}' is not an option of the interactions; the options are {', '.join(TEXT_OPTIONS)}.")
        found[option] = value
    return found


def filters(key: str, place: Any = st) -> dict[str, str]:
    """A field for filters and other options of interactions; a DataError for what is none."""
    return options(place.text_input(_words("filters"), placeholder="k_core=5, drop_users=-1", help=_words("filtering"), key=key))


def roles(
    read: Account,
    columns: Sequence[str],
    chosen: Mapping[str, str],
    key: str,
    offered: Sequence[str] = ROLES,
    needed: Sequence[str] = NEEDED,
) -> dict[str, str]:
    """A choice of column per role; the options, with those that are no roles, that differ from what the file says by itself.

    read: the file's account with the options ``chosen``; if it could not be read, one without uses.
    """
    uses = {use.role: use.column for use in read.uses}
    itself = st.session_state.setdefault(f"{key}.itself", {})
    result = {option: value for option, value in chosen.items() if option not in offered}
    if uses:
        itself.update({role: uses.get(role, IGNORED) for role in offered if role not in chosen})
    row, more = st.container(horizontal=True, gap="small"), None
    if "event" in offered and len(read.events) > 1 and not any("," in kind for kind in read.events):
        wanted = [kind for kind in result.pop("events", "").split(",") if kind in read.events] or read.events
        picked = st.multiselect(_words("events"), read.events, wanted, key=f"{key}.events.{wanted}")
        if 0 < len(picked) < len(read.events):
            result["events"] = ",".join(picked)
    for number, role in enumerate(offered):
        if number == FIRST:
            more = st.expander(_words("more")).container(horizontal=True, gap="small")
        now = chosen.get(role) or (uses.get(role, IGNORED) if uses else None)
        value = _column(more or row, role, columns, now, f"{key}.{role}.{now}", role in needed)
        if value is not None and (value != itself.get(role) if value != now else role in chosen):
            result[role] = value
    return result


def _column(place: Any, role: str, columns: Sequence[str], now: str | None, key: str, needed: bool) -> str | None:
    """The column of one role; None where nothing is known or chosen."""
    values = [*columns, *([] if needed or IGNORED in columns else [IGNORED])]
    values += [now] if now is not None and now not in values and not (needed and now == IGNORED) else []
    index = values.index(now) if now in values else None
    label = _words("roles").get(role, role)
    look: dict[str, Any] = {
        "format_func": lambda v: _words("none") if v == IGNORED else v,
        "placeholder": _words("unknown"),
        "width": "stretch",
    }
    if role == "time":
        look |= {"accept_new_options": True, "help": _words("joined")}
    found: str | None = place.selectbox(label, values, index, key=key, **look)
    return found


def question(doubt: Mapping[str, Any], key: str) -> dict[str, str] | None:
    """An open doubt (``Doubt.as_dict``) as a question above the first rows, if it has some; the options that settle it once they are
    chosen, None while it is open."""
    option, proposed = str(doubt["option"]), dict(doubt.get("proposed") or {})
    place = f"{key}.{option}"
    with st.container(border=True):
        st.markdown(f":orange[:material/help:] **{_words('questions').get(option) or _words('other').format(option=option)}**")
        st.caption(ui.plain(f"{doubt['problem']}." if "problem" in doubt else str(doubt["says"])))
        answers = [(str(value), str(meaning), {option: str(value)}) for value, meaning in doubt["candidates"]]
        if doubt.get("instead"):
            other, value, meaning = doubt["instead"]
            answers.append((str(value), str(meaning), {str(other): str(value)}))
        if option in SAID:
            answers = [(meaning[:1].upper() + meaning[1:], "", settled) for _, meaning, settled in answers]
        if len(proposed) > 1:
            told = ", ".join(f"{_words('roles').get(role, role).lower()} {value}" for role, value in proposed.items())
            answers.insert(0, (_words("proposed").format(options=told), "", proposed))
        if option not in CLOSED:
            answers.append((_words("else"), "", {}))
        picked = st.radio(
            option,
            range(len(answers)),
            None,
            lambda i: ui.plain(answers[i][0]),
            captions=[ui.plain(meaning) for _, meaning, _ in answers],
            label_visibility="collapsed",
            key=f"{place}.candidate",
        )
        answer = {} if picked is None else answers[picked][2]
        if picked is not None and not answer:
            typed = st.text_input(_words("value").format(option=option), key=f"{place}.typed").strip()
            answer = {option: typed} if typed else {}
        pressed = st.button(_words("use"), type="primary", disabled=not answer, key=f"{place}.use")
    first_rows(doubt.get("head", []), [str(value) for value, _ in doubt["candidates"]])
    return answer if pressed else None


def as_options(options: Mapping[str, str], flag: str = "--data-option") -> None:
    """The options as a command line takes them, to be copied; nothing where there are none."""
    if options:
        st.caption(_words("copy"))
        st.code(command_options(options, flag), language="bash", wrap_lines=True)


def command_options(options: Mapping[str, str], flag: str = "--data-option") -> str:
    """The options as words of a shell."""
    return " ".join(f"{flag} {shlex.quote(f'{option}={value}')}" for option, value in options.items())


def _kept(key: str) -> str:
    return f"{key}.chosen"


def _words(name: str) -> Any:
    return texts("reading")[name]
