"""Which column of interactions is what: from the values first and the names second; a Doubt where they leave a choice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb

from adrec.errors import DataError
from adrec.reading import known, names, values
from adrec.reading.account import Account, Doubt, Use, counted, listed, shown
from adrec.reading.engine import as_sentences, literal
from adrec.reading.kinds import Kind, kind_of
from adrec.reading.lists import as_list
from adrec.reading.names import named
from adrec.reading.rows import Rows
from adrec.reading.sampled import IGNORED, Sampled, Told
from adrec.reading.times import Times, times_of

ROLES = ("user", "item", "time", "rating", "title", "category", "event")
SAMPLE = 50_000
"""First rows from which roles are told."""
FEW = 20
"""At most so many different values are kinds of events, or a rating."""
JOIN = "+"


@dataclass(frozen=True)
class Roles(Told):
    """The columns of interactions by role.

    rows: the file, with a row for each value where a row held lists. time: no column (file order), one, or a date and a time of day;
    times: how they become numbers. uses, unused, notes, remarks, events: for the account.
    guessed: the roles that no option named.
    """

    rows: Rows
    user: str
    item: str
    time: tuple[str, ...] = ()
    rating: str | None = None
    title: str | None = None
    category: str | None = None
    event: str | None = None
    times: Times | None = None
    known: str | None = None
    uses: tuple[Use, ...] = ()
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    guessed: tuple[str, ...] = ()

    def options(self) -> dict[str, str | None]:
        """The columns as the options that name them; the time is ``none`` for file order."""
        return {"user": self.user, "item": self.item, "time": JOIN.join(self.time) or IGNORED} | {
            role: getattr(self, role) for role in ROLES[3:]
        }

    def tell(self, account: Account) -> None:
        super().tell(account)
        account.known, account.events = self.known, list(self.events)


@dataclass
class _Choice(Sampled):
    """Roles as they are being chosen."""

    found: dict[str, tuple[str, ...]] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether the sample is all of the file."""
        return self.length < SAMPLE

    @property
    def free(self) -> list[str]:
        """Columns without a role."""
        taken = {name for columns in self.found.values() for name in columns}
        return [name for name in self.rows.names if name not in taken]

    def take(self, role: str, columns: str | tuple[str, ...], why: str) -> None:
        self.found[role] = (columns,) if isinstance(columns, str) else columns
        self.why[role] = why

    def open(self, role: str) -> bool:
        """Whether a role may still be chosen."""
        return role not in self.found and self.wanted.get(role) != IGNORED

    def count(self, *columns: str) -> int:
        """How many different combinations these columns have in the sample, where all have a value."""
        picked = ", ".join(values.text_sql(self.alias(c), self.kinds[c].type) + f" as v{i}" for i, c in enumerate(columns))
        filled = " and ".join(f"v{i} is not null" for i in range(len(columns)))
        query = f"select count(*) from (select distinct * from (select {picked} from sampled) where {filled})"
        return int(self.ask(query)[0][0])

    def matches(self, name: str, pattern: str) -> bool:
        """Whether nearly all values of a column match a regular expression."""
        text = f"coalesce({values.text_sql(self.alias(name), self.kinds[name].type)}, '')"
        query = f"select count(*) filter (where regexp_full_match({text}, {literal(pattern)})), count(*) from sampled"
        hits, rows = self.ask(query)[0]
        return int(hits) >= 0.99 * int(rows)


def interaction_roles(rows: Rows, con: duckdb.DuckDBPyConnection, wanted: Mapping[str, str | None]) -> Roles:
    """The roles of a file's columns.

    wanted: the options ``user item time rating title category event`` (column names; ``none`` for all but user and item;
    ``time=date+clock`` joins two), ``dates`` (dmy, mdy), ``unit`` (s, ms, us, ns, each) and ``events`` (wanted kinds). Raises a Doubt where
    columns may have several roles, and a DataError for what cannot be.
    """
    return _chosen(rows, con, wanted)


def _chosen(rows: Rows, con: duckdb.DuckDBPyConnection, wanted: Mapping[str, str | None], before: _Choice | None = None) -> Roles:
    """The roles. before: the user and the item as chosen before lists were taken apart."""
    choice = _Choice.of(rows, con, wanted, SAMPLE, "interactions")
    _asked(choice)
    for role in ("user", "item"):
        if before and role not in choice.found:
            (name,) = before.found[role]
            choice.take(role, name, _named_so(choice, name) if before.why[role] == _named_so(before, name) else before.why[role])
    recognised = known.recognise(rows, choice.kinds, choice.matches)
    if recognised:
        for role, columns in recognised.roles.items():
            if choice.open(role) and not set(columns) & {n for c in choice.found.values() for n in c}:
                choice.take(role, columns, f"as in {recognised.name}")
        choice.notes += recognised.notes
    if not recognised and rows.headless and not {"user", "item"} <= set(choice.found) and not _user_and_list(choice):
        raise _without_names(choice)
    for role in ("user", "item"):
        if role not in choice.found:
            _id(choice, role)
    unrolled = _lists(choice)
    if unrolled:
        return _chosen(rows.unrolled(unrolled), con, wanted, choice)
    for role in ("user", "item"):
        _refuse_impossible(choice, role)
    if not recognised:
        _event(choice)
    unordered = recognised is not None and "time" not in recognised.roles and not wanted.get("time")
    order = None if unordered else _time(choice, recognised.clock if recognised else None)
    if not recognised:
        _rating(choice)
        _describing(choice, "title")
        _describing(choice, "category")
        _amounts(choice)
    return _roles(choice, order, recognised.name if recognised else None)


def _asked(choice: _Choice) -> None:
    """The columns that options name."""
    for role in ROLES:
        name = choice.wanted.get(role)
        if not name or (name == IGNORED and role not in ("user", "item")):
            continue
        parts = name.split(JOIN) if role == "time" and JOIN in name and name not in choice.rows.names else [name]
        if len(parts) > 2:
            raise DataError(f"The option time joins a date and a time of day, as in time=date+clock, not {shown(name)}.")
        columns = tuple(choice.column(part, role) for part in parts)
        for other, taken in choice.found.items():
            if set(taken) & set(columns):
                raise DataError(f"{choice.path}: the column {shown(name)} cannot be the {role} and have another role too ({other}).")
        choice.take(role, columns, "as asked")


# -- users and items --------------------------------------------------------------------------------------------------


def _may_be_id(kind: Kind, lists: bool = False) -> bool:
    """Whether values can be ids by what they are."""
    wrong = kind.count("number", "true", "date", "zoned", "parts", "named", "clock", "other") + (0 if lists else kind.count("list"))
    return wrong * 2 <= kind.filled or kind.mixed


def _id(choice: _Choice, role: str) -> None:
    """The user or the item, by name if its values can be ids."""
    hits = [n for n in _named(choice, role) if _may_be_id(choice.kinds[n], lists=role == "item" and n in choice.rows.lists)]
    if not hits:
        raise _no_id(choice, role)
    best, others = hits[0], hits[1:]
    if names.plain(best) not in names.CERTAIN[role]:
        several = [other for other in others if not _same(choice, best, other)]
        if several:
            raise _several_ids(choice, role, [best, *several])
    choice.take(role, best, _named_so(choice, best))


def _named_so(choice: _Choice, name: str) -> str:
    return f"named so, and its values are {_told(choice.kinds[name])}"


def _named(choice: _Choice, role: str) -> list[str]:
    """Free columns named as a role; a column of lists may have the plural."""
    free = choice.free
    found = named(free, role)
    singular = {name: name.rstrip("s") for name in free if name in choice.rows.lists and name not in found}
    return found + [name for name, one in singular.items() if named([one], role)]


def _same(choice: _Choice, one: str, other: str) -> bool:
    """Whether two columns tell the same apart."""
    pairs = choice.count(one, other)
    return pairs == choice.count(one) == choice.count(other)


def _told(kind: Kind) -> str:
    return f"{kind.words}, {kind.distinct:,} different" + (f" in the first {kind.rows:,} rows" if kind.rows == SAMPLE else "")


def _described(choice: _Choice, name: str) -> str:
    """What a column holds, with an example."""
    kind = choice.kinds[name]
    if name in choice.rows.lists:
        return f"lists, such as {shown(kind.firsts[next(iter(kind.counts))][1])}" if kind.counts else "lists"
    example = next((kind.firsts[k][1] for k in kind.counts), "")
    return f"{_told(kind)}, such as {shown(example)}" if example else kind.words


def _candidates(choice: _Choice, role: str) -> list[str]:
    """Columns that could be the user or the item: those named so that hold text, whatever it looks like; those whose names suggest it, or
    all whose values repeat; numbers with a point, which are text like other ids; and as items lists, which are no users."""
    free, lists = choice.free, choice.rows.lists
    points = [n for n in free if choice.kinds[n].numeric and values.family(choice.kinds[n].type) == "text"]
    called = [n for n in _named(choice, role) if values.family(choice.kinds[n].type) == "text"]
    held = [n for n in free if n in lists and role == "item"]
    possible = [n for n in free if choice.kinds[n].filled and n not in lists and _may_be_id(choice.kinds[n])]
    suggested = [n for n in possible if names.suggests(n, role)]
    repeating = [n for n in possible if choice.kinds[n].distinct < choice.kinds[n].filled and not choice.kinds[n].is_time]
    odd = [n for n in points if n not in called and names.suggests(n, role)]
    return list(dict.fromkeys([*called, *held, *(suggested or repeating), *odd]))


def _no_id(choice: _Choice, role: str) -> DataError:
    present = f"its columns are: {listed(choice.rows.names)}"
    problem = f"{choice.path} has no column that looks like the {role}"
    found = _candidates(choice, role)
    if not found:
        return DataError(f"{problem}: name it with {role}=COLUMN; {present}.")
    told = " or ".join(f"{role}={shown(n)[1:-1]} ({_told(choice.kinds[n])})" for n in found[:4])
    return Doubt(problem, role, [(n, _described(choice, n)) for n in found], say=f"name it with {role}=COLUMN, such as {told}; {present}")


def _several_ids(choice: _Choice, role: str, found: Sequence[str]) -> Doubt:
    return Doubt(f"{choice.path} has several columns that may be the {role}", role, [(n, _described(choice, n)) for n in found[:4]])


def _without_names(choice: _Choice) -> DataError:
    """The doubt about a file without a header line, with roles proposed by the values."""
    kinds = choice.kinds
    times = [n for n in choice.free if kinds[n].is_time]
    events = [n for n in choice.free if n not in times and _event_words(choice, n)]
    ids = [n for n in choice.free if n not in times + events and _may_be_id(kinds[n]) and kinds[n].filled]
    ratings = [n for n in choice.free if n not in times + events and _is_rating(kinds[n])]
    sure = [n for n in ids if n not in ratings]
    ids = sure if len(sure) > 1 else ids
    ids.sort(key=lambda n: n in choice.rows.lists)  # are no users
    proposed: dict[str, str] = {role: choice.found[role][0] for role in ("user", "item") if role in choice.found}
    for role in ("user", "item"):
        if role not in proposed and ids:
            proposed[role] = next((n for n in ids if n not in proposed.values()), "")
    for role, columns in (("rating", ratings), ("event", events), ("time", times)):
        left = [n for n in columns if n not in proposed.values()]
        if len(left) == 1:
            proposed[role] = left[0]
    proposed = {role: name for role, name in proposed.items() if name}
    told = "; ".join(f"{n} holds {_described(choice, n)}" for n in choice.rows.names[:6])
    if not {"user", "item"} <= set(proposed):
        return DataError(f"{choice.path} has no header line and no two columns that could be users and items ({told}).")
    role = "user" if "user" not in choice.found else "item"
    words = " ".join(f"{r}={n}" for r, n in proposed.items())
    return Doubt(
        f"{choice.path} has no header line",
        role,
        [(n, _described(choice, n)) for n in ids],
        proposed,
        say=f"say what its columns are, for example {words} ({told})",
    )


def _user_and_list(choice: _Choice) -> bool:
    """Take two columns without names for a user and their items, if the second holds lists and the first is different in every row."""
    if choice.found or len(choice.rows.names) != 2 or choice.wanted.get("user") or choice.wanted.get("item"):
        return False
    one, other = choice.rows.names
    if other not in choice.rows.lists or one in choice.rows.lists or not choice.kinds[one].unique or not _may_be_id(choice.kinds[one]):
        return False
    choice.take("user", one, f"it is different in every row and stands before lists, and its values are {_told(choice.kinds[one])}")
    choice.take("item", other, "every row holds a list")
    return True


def _refuse_impossible(choice: _Choice, role: str) -> None:
    """Refuse users or items of a type that can be no id."""
    name = choice.found[role][0]
    kind = choice.kinds[name]
    if values.family(kind.type) not in ("text", "number", "whole"):
        raise DataError(f"{choice.path}: the {role} column {shown(name)} holds {kind.type[:30]} values; ids must be integers or text.")
    example = kind.firsts.get("list", (0, ""))[1]
    if kind.mostly("list") and example.startswith(("{", "[{")):
        way = "write a row for each of them, with its id in a column"
        raise DataError(f"{choice.path}: the {role} column {shown(name)} holds objects, such as {shown(example)}, not ids: {way}.")
    if role == "user" and choice.whole and kind.filled > FEW and kind.distinct == kind.filled and choice.why[role] != "as asked":
        repeating = [n for n in _candidates(choice, role) if choice.kinds[n].distinct < choice.kinds[n].filled / 2]
        if repeating:
            raise _several_ids(choice, role, [*repeating, name])


def _lists(choice: _Choice) -> list[str]:
    """The columns to take apart: those with lists, if the item has some. Ids may hold separators; lists are in a column named so or in the
    only row of a user."""
    (item,) = choice.found["item"]
    kind, user = choice.rows.lists.get(item), choice.kinds[choice.found["user"][0]]
    once = user.distinct == user.filled  # a row a user
    if kind is None or (kind in ("|", ",") and not names.plain(item).endswith("s") and not once):
        return []
    return [
        n for n in choice.rows.names if choice.rows.lists.get(n) == kind and n not in choice.found["user"] and _as_long(choice, item, n)
    ]


def _as_long(choice: _Choice, item: str, other: str) -> bool:
    """Whether two columns of lists have lists of the same lengths in the sample."""
    one, two = (f"len({as_list(choice.alias(n), choice.rows.lists[n])})" for n in (item, other))
    return not choice.ask(f"select count(*) from sampled where {one} <> {two}")[0][0]


# -- times ------------------------------------------------------------------------------------------------------------


def _time(choice: _Choice, read_as: str | None = None) -> Times | None:
    """The columns of the time and how they are read; None for file order. read_as: how a known time of day is read."""
    if choice.wanted.get("time") == IGNORED:
        choice.notes.append("Rows are taken in file order, as asked.")
        return None
    if "time" not in choice.found:
        columns = _time_columns(choice)
        if not columns:
            return None
        date = choice.kinds[columns[0]]
        how = "named so" if named(columns[:1], "time") else "the only date and time of day"
        choice.take("time", columns, how if date.filled else "named so")
    columns = choice.found["time"]
    kinds = [choice.kinds[c] for c in columns]
    if kinds[0].count("parts") and not (kinds[0].first_over or kinds[0].second_over) and not choice.whole:
        with as_sentences(choice.rows.path):
            whole = kind_of(choice.con, choice.rows.relation(choice.con, {"v": columns[0]}), "v")
        kinds[0] = replace(whole, column=columns[0])
    clock = kinds[1] if len(kinds) > 1 else None
    if clock and read_as and "time" not in {r for r, c in choice.wanted.items() if c}:
        clock = replace(clock, clocks={read_as: clock.count("whole", "whole.0")})
    if clock is not None and clock.clock is None and not clock.type.startswith("TIME"):
        raise DataError(f"{choice.path}: the column {shown(columns[1])} holds {clock.words}, not times of day such as 17:26:42 or 172642.")
    if clock is None and kinds[0].mostly("clock"):
        raise _only_clock(choice, columns[0])
    times = times_of(choice.rows.path, kinds[0], clock, choice.wanted.get("dates"), choice.wanted.get("unit"))
    if times is None:
        choice.remarks.append(f"The column {shown(columns[0])} is empty, so rows are taken in file order.")
        del choice.found["time"]
        return None
    choice.why["time"] += f"; its values are {times.words}" if not clock else f"; together {times.words}"
    return times


def _time_columns(choice: _Choice) -> tuple[str, ...]:
    """The column of the time by name, if its values agree; or a date and a time of day."""
    kinds, free = choice.kinds, choice.free
    hits = named(free, "time")
    real = [n for n in hits if kinds[n].is_time]
    full = [n for n in real if not kinds[n].is_day]
    days = [n for n in real if kinds[n].is_day]
    if full:
        return (_one_time(choice, full + days),)
    clocks = [n for n in free if names.suggests(n, "clock") and _is_clock(kinds[n])]
    days = days or [n for n in free if kinds[n].is_day and (names.suggests(n, "time") or len(clocks) == 1)]
    if len(days) == 1 and len(clocks) == 1:
        if kinds[clocks[0]].clock == "ms":
            raise _join(choice, days[0], clocks[0])
        return days[0], clocks[0]
    if real:
        return (_one_time(choice, real),)
    others = [n for n in free if kinds[n].is_time and n not in hits]
    if not others and len(hits) == 1 and not kinds[hits[0]].filled:
        return (hits[0],)
    orders = [n for n in hits if kinds[n].numeric and _orders(choice, n)]
    if orders and not others:
        return (orders[0],)
    if hits and not others and not kinds[hits[0]].numeric and not kinds[hits[0]].mostly("clock"):
        return (hits[0],)  # a broken column of times: reading it names the first bad value
    if hits and kinds[hits[0]].mostly("clock"):
        raise _only_clock(choice, hits[0])
    candidates = others + [n for n in free if n not in others and _could_order(n, kinds[n])]
    if candidates or hits:
        raise _which_time(choice, list(dict.fromkeys(candidates + [n for n in hits if kinds[n].filled])), hits)
    choice.remarks.append("No column holds times, so rows are taken in file order.")
    return ()


def _is_clock(kind: Kind) -> bool:
    """Whether a column named like a time of day holds times of day."""
    least = {"HHMMSS": 10_000, "ms": 240_000, "text": 0}
    return (
        kind.type.startswith("TIME")
        and not kind.type.startswith("TIMESTAMP")
        or (kind.clock is not None and (kind.clock == "text" or (kind.most or 0) >= least[kind.clock]))
    )


def _could_order(name: str, kind: Kind) -> bool:
    """Whether a column of numbers could tell an order, by its name."""
    return kind.numeric and kind.distinct > 1 and (names.suggests(name, "time") or names.suggests(name, "order")) and kind.offset is None


def _orders(choice: _Choice, name: str) -> bool:
    """Whether numbers that are no dates can order a user's rows: few of them fall on the same number."""
    kind = choice.kinds[name]
    if kind.distinct > FEW:
        return True
    return kind.filled <= 1.2 * choice.count(*choice.found["user"], name)


def _one_time(choice: _Choice, found: Sequence[str]) -> str:
    """The finest of several columns of times, if all tell the same order."""
    if len(found) == 1:
        return found[0]
    ordered = sorted(found, key=lambda n: -choice.kinds[n].distinct)
    best = ordered[0] if choice.kinds[ordered[0]].distinct > choice.kinds[found[0]].distinct else found[0]
    for other in found:
        if other != best and not _agree(choice, best, other):
            raise _which_time(choice, found, [])
    return best


def _agree(choice: _Choice, fine: str, coarse: str) -> bool:
    """Whether no later time of one column is earlier in the other, in the sample."""
    ticks = []
    for name in (fine, coarse):
        try:
            times = times_of(choice.rows.path, choice.kinds[name], dates=choice.wanted.get("dates"), unit=choice.wanted.get("unit"))
        except DataError:
            return False
        if times is None:
            return True
        ticks.append(times.sql(choice.alias(name)))
    both = f"select {ticks[0]} as a, {ticks[1]} as b from sampled"
    query = f"select count(*) from (select b, lag(b) over (order by a, b) as before from ({both})) where b < before"
    return not choice.ask(query)[0][0]


def _which_time(choice: _Choice, found: Sequence[str], doubtful: Sequence[str]) -> Doubt:
    candidates = [(n, _described(choice, n)) for n in found] + [(IGNORED, "all rows in the order of the file")]
    what = f"has no column named as the time whose values are times, but {'one' if len(found) == 1 else 'some'} that may be it"
    if doubtful and choice.kinds[doubtful[0]].numeric:
        kind = choice.kinds[doubtful[0]]
        numbers = f"only {kind.distinct:,} different numbers from {kind.least:g} to {kind.most:g}"
        what = f"has a column {shown(doubtful[0])} with {numbers}, which does not look like a time"
    elif len(found) > 1 and all(named([n], "time") for n in found):
        what = "has several columns of times that tell different orders"
    return Doubt(f"{choice.path} {what}", "time", candidates)


def _join(choice: _Choice, day: str, clock: str) -> Doubt:
    both = f"{day}{JOIN}{clock}"
    return Doubt(
        f"{choice.path} has dates in {shown(day)} and what may be milliseconds of the day in {shown(clock)}",
        "time",
        [(both, "the date, then the milliseconds of the day"), (day, "the date only"), (IGNORED, "all rows in the order of the file")],
    )


def _only_clock(choice: _Choice, clock: str) -> Doubt:
    days = [n for n in choice.free if choice.kinds[n].is_day]
    candidates = [(f"{n}{JOIN}{clock}", "a date and a time of day") for n in days] + [(IGNORED, "all rows in the order of the file")]
    return Doubt(f"{choice.path}: the column {shown(clock)} holds times of day without a date", "time", candidates)


# -- the others -------------------------------------------------------------------------------------------------------


def _event_words(choice: _Choice, name: str) -> list[str]:
    """The different values of a column if they are kinds of events."""
    kind = choice.kinds[name]
    if not kind.filled or kind.distinct > FEW or not kind.mostly("text"):
        return []
    found = _values(choice, name)
    return found if sum(names.plain(v) in _EVENTS for v in found) * 2 >= len(found) else []


def _values(choice: _Choice, name: str) -> list[str]:
    """The different values of a column, the most frequent first."""
    text = values.text_sql(choice.alias(name), choice.kinds[name].type)
    return [str(row[0]) for row in choice.ask(f"select {text} as t from sampled group by t order by count(*) desc, t") if row[0]]


_EVENTS = frozenset(map(names.plain, names.EVENTS.split()))


def _event(choice: _Choice) -> None:
    """The kind of event: a column named so with few different values, or one whose values are such words."""
    if choice.open("event"):
        hits = [n for n in named(choice.free, "event") if 0 < choice.kinds[n].distinct <= FEW and not choice.kinds[n].is_time]
        spoken = [n for n in choice.free if _event_words(choice, n)]
        if hits:
            choice.take("event", hits[0], f"named so, and it has {counted(choice.kinds[hits[0]].distinct, 'different value')}")
        elif len(spoken) == 1:
            choice.take("event", spoken[0], f"its values are kinds of events: {listed(_event_words(choice, spoken[0]))}")
    if "event" in choice.found and choice.kinds[choice.found["event"][0]].distinct > 1:
        name = choice.found["event"][0]
        choice.events = _values(choice, name)
        if not choice.wanted.get("events"):
            choice.remarks.append(
                f"The column {shown(name)} tells kinds of events apart ({listed(choice.events)}); all are read unless the option events "
                f"names some, such as events={choice.events[-1]}."
            )


def _amounts(choice: _Choice) -> None:
    """Say that there are negative amounts: what was given back was first taken."""
    for name in choice.free:
        kind = choice.kinds[name]
        if kind.numeric and kind.least is not None and kind.least < 0 and names.suggests(name, "amount"):
            way = f"rating={name} and min_rating=0 leave them out"
            choice.remarks.append(
                f"The column {shown(name)} holds negative numbers, such as returns; these rows are read like others, and {way}."
            )


def _is_rating(kind: Kind) -> bool:
    return kind.numeric and kind.distinct <= FEW and (kind.least or 0) >= -1 and (kind.most or 0) <= 100


def _rating(choice: _Choice) -> None:
    if not choice.open("rating"):
        return
    for name in named(choice.free, "rating"):
        kind = choice.kinds[name]
        if kind.mostly("whole", "whole.0", "number"):
            return choice.take("rating", name, f"named so, and its values are {kind.words}")
        choice.notes.append(f"The column {shown(name)} is named as a rating but holds {kind.words}; it is not used.")


def _describing(choice: _Choice, role: str) -> None:
    """A title or a category: a column named so, if an item mostly has one."""
    if not choice.open(role):
        return
    for name in named(choice.free, role):
        kind = choice.kinds[name]
        if kind.mostly("list") or values.family(kind.type) not in ("text", "whole"):
            if role == "category":
                return choice.take(role, name, "named so")
            continue
        pairs, items = choice.count(*choice.found["item"], name), max(choice.count(*choice.found["item"]), 1)
        if pairs <= 2 * items:
            return choice.take(role, name, "named so")
        choice.notes.append(
            f"The column {shown(name)} is not used as the {role}: an item has {pairs / items:.0f} different ones on average."
        )


def _roles(choice: _Choice, times: Times | None, recognised: str | None) -> Roles:
    found = {role: choice.found[role] for role in ROLES if role in choice.found}
    single: dict[str, str | None] = {role: columns[0] for role, columns in found.items() if role not in ("time", "user", "item")}
    return Roles(
        rows=choice.rows,
        user=found["user"][0],
        item=found["item"][0],
        time=found.get("time", ()),
        times=times,
        known=recognised,
        uses=tuple(Use(JOIN.join(columns), role, choice.why[role]) for role, columns in found.items()),
        unused=tuple(choice.free),
        notes=tuple(choice.notes),
        remarks=tuple(choice.remarks),
        events=tuple(choice.events),
        guessed=tuple(role for role in found if not choice.wanted.get(role)),
        **single,
    )
