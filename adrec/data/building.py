"""From rows to sequences, inside DuckDB: ids, filters, repeats, the k-core, numbers, order and the split."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from adrec.data.arrays import Arrays, Sizes, blocks
from adrec.data.dataset import SequenceDataset, item_table
from adrec.data.options import Options, shares, words
from adrec.data.time_split import REASONS, cut
from adrec.errors import DataError
from adrec.reading.account import Account, Doubt, counted, listed, shown, shown_path
from adrec.reading.engine import as_sentences, connect, literal, quoted
from adrec.reading.kinds import kind_of, two_spellings
from adrec.reading.roles import Roles
from adrec.reading.rows import Rows
from adrec.reading.values import SPACE, answers, check_ids, check_numbers, family, id_sql, number_sql, text_sql

SHORTEST = 3
"""Interactions that a user needs: one to train with, one for validation, one for the test."""
MEMORY = 2 << 30
"""Bytes that the engine may fill at most before it writes to its temporary folder: 10^8 interactions need 4 GiB with everything else."""
TOTAL = "that looks like a line of totals, the last"
"""Why a last row is left out that has neither a time nor one of its ids."""
HEAVY = 0.05
"""The share of all rows above which a user is named."""


def connection(into: Path | None = None) -> duckdb.DuckDBPyConnection:
    """An engine for `build`, which spills next to the folder ``into``."""
    return connect(MEMORY, folder=None if into is None else into.parent)


def build(
    con: duckdb.DuckDBPyConnection,
    roles: Roles,
    options: Options,
    name: str,
    recorded: Mapping[str, Any],
    attributes: pd.DataFrame | None = None,
    into: Path | None = None,
) -> SequenceDataset:
    """Filter, number, sort and split the rows of a file; its account is completed and travels with the data set.

    Users with fewer than 3 interactions cannot be split by leave-one-out and are left out. Items are numbered 1, 2, ... and users ordered
    by first appearance in the rows that go on; each user is sorted stably by time, so that ties keep file order. recorded: goes into the
    data set's options. attributes: item data by raw id (default: the columns title and category, from the first row of an item). into: a
    folder for the arrays, which are then mapped instead of held in memory.
    """
    with as_sentences(roles.rows.path):
        return _Building(con, roles, options, into).dataset(name, recorded, attributes)


@dataclass
class _Building:
    con: duckdb.DuckDBPyConnection
    roles: Roles
    options: Options
    into: Path | None
    wanted: list[str] = field(default_factory=list)
    """Conditions for the rows of ``read`` that go on."""

    def dataset(self, name: str, recorded: Mapping[str, Any], attributes: pd.DataFrame | None) -> SequenceDataset:
        self._read()
        self._leave_out_unwanted()
        for role in ("user", "item"):
            self._ids(role)
        self._missing()
        self._drop_users()
        self._heavy()
        self._coded()
        self._repeats()
        self._core()
        sizes = self._cut_by_time() if self.options.split else self._cut_last()
        self._span(sizes)
        arrays = Arrays(self.con, sizes, self.into, bool(self.options.split), self._timed)
        columns = {role: self._column(role) for role in ("title", "category") if getattr(self.roles, role) is not None}
        if attributes is None and columns:
            attributes = arrays.attributes(self.rows, columns)
        parts, timeline = arrays.parts()
        items = item_table(arrays.item_ids(), attributes)
        account = self.account
        if timeline:
            account.times = timeline.as_dict()
        account.users, account.items, account.read = len(sizes.users), len(sizes.items), int(sizes.lengths.sum())
        left = account.rows - account.read - sum(account.left_out.values())
        if left:
            raise AssertionError(f"{left} rows are unaccounted for")
        made: dict[str, Any] = {**parts, "options": {**recorded, "dropped_users": sizes.short}, "account": account.as_dict()}
        return SequenceDataset(name, items=items, user_ids=arrays.user_ids(), **made)

    @property
    def rows(self) -> Rows:
        return self.roles.rows

    @property
    def account(self) -> Account:
        return self.rows.account

    @cached_property
    def path(self) -> str:
        return shown_path(self.rows.path)

    def _one(self, query: str) -> tuple[Any, ...]:
        return self.con.execute(query).fetchall()[0]

    def _leave_out(self, reason: str, rows: int) -> None:
        if rows:
            self.account.left_out[reason] = self.account.left_out.get(reason, 0) + int(rows)

    # -- rows ---------------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        """The table ``read``: row, user, item, and where needed tick, rating, event. The rows are compared with the lines of the file."""
        times = self.roles.times
        source = {"user": self.roles.user, "item": self.roles.item}
        fields = ["row", '"user"', "item"]
        if times is not None:
            source |= {f"time{i}": column for i, column in enumerate(times.columns)}
            fields.append(f"{times.sql(*(f'time{i}' for i in range(len(times.columns))))} as tick")
        if self.options.min_rating is not None:
            source["rating"] = self._column("rating")
            fields.append(f"{number_sql('rating', self._type('rating'))} as rating")
        if self.options.events is not None:
            source["event"] = self._column("event")
            fields.append(f"{text_sql('event', self._type('event'))} as event")
        self.rows.relation(self.con, source).project(", ".join(fields)).create("read")
        self.rows.check(self.con, int(self._one("select count(*) from read")[0]))
        if not self.account.rows:
            raise DataError(f"{self.path} has column names but no interactions.")
        self._check_ratings()
        self._check_times()

    def _column(self, role: str) -> str:
        column = getattr(self.roles, role)
        assert isinstance(column, str)  # or the reader would have refused
        return column

    def _type(self, role: str) -> str:
        return self.rows.types[self._column(role)]

    def _check_ratings(self) -> None:
        if self.options.min_rating is None or not self._one("select count(*) from read where rating is null")[0]:
            return
        column = self._column("rating")
        check_numbers(self.con, self.rows.relation(self.con, [column]), self.rows.path, column, "rating")

    def _check_times(self) -> None:
        times = self.roles.times
        if times is None:
            return
        least, most, without = self._one("select min(tick), max(tick), count(*) filter (where tick is null) from read")
        if without:
            relation = self.rows.relation(self.con, list(times.columns))
            times.check(self.con, times.filled(relation) if self.options.missing == "drop" else relation, self.rows.path)
            self._keep(TOTAL, f"tick is not null or row <> {self.account.rows} or not ({self._empty('user')} or {self._empty('item')})")
            self._keep("without a time", "tick is not null")
        times.check_range(self.rows.path, least, most)

    def _empty(self, role: str) -> str:
        """SQL: whether a row of ``read`` has no such id."""
        return f"({text_sql(quoted(role), self.rows.types[self._column(role)])}) is null"

    def _leave_out_unwanted(self) -> None:
        """Rows of other events, and rows rated too low or not at all."""
        if self.options.events is not None:
            kinds = dict(self.con.execute("select coalesce(event, ''), count(*) from read group by 1 order by 2 desc").fetchall())
            wanted = words(self.options.events)
            unknown = next((word for word in wanted if word not in kinds), None)
            if unknown is not None:
                there = listed([f"{kind} ({rows:,})" for kind, rows in kinds.items()])
                raise DataError(f"{self.path} has no event {shown(unknown)} in its column {shown(self._column('event'))}: {there}.")
            self._keep("of other events or none", f"coalesce(event in ({', '.join(map(literal, wanted))}), false)")
        if self.options.min_rating is not None:
            self._keep(f"rated below {self.options.min_rating:g} or not at all", f"coalesce(rating >= {self.options.min_rating!r}, false)")

    def _keep(self, reason: str, condition: str) -> None:
        """Leave out the rows of ``read`` that do not meet the condition."""
        self._leave_out(reason, self._one(f"select count(*) from {self.good} where not ({condition})")[0])
        self.wanted.append(f"({condition})")

    @property
    def good(self) -> str:
        """The rows of ``read`` that go on, in SQL."""
        return f"(from read where {' and '.join(self.wanted)})" if self.wanted else "read"

    # -- ids ----------------------------------------------------------------------------------------------------------

    def _ids(self, role: str) -> None:
        """The table ``ROLE_values``: each value as it is in the file, its id (NULL if missing), how often and in which row first."""
        column = self._column(role)
        self.con.execute(
            f"create table {role}_found as select {quoted(role)} as value, count(*) as n, min(row) as row from {self.good} group by 1"
        )
        relation = self.con.sql(f"select row, n as times, value from {role}_found")
        id_of, told = ids_of(self.con, relation, self.rows, column, role, "times")
        if told:
            self.account.note(told)
        word = f"trim(coalesce(value::varchar, ''), {literal(SPACE)})"
        known = id_of("value")
        keep = self.options.missing == "keep"
        self.con.execute(
            f"create table {role}_values as select *, {f'coalesce({known}, {word})' if keep else known} as id from {role}_found"
        )
        self.con.execute(f"drop table {role}_found")

    def _missing(self) -> None:
        """Refuse rows without an id, unless the option says what to do with them."""
        for role in ("user", "item"):
            rows, first = self._one(f"select coalesce(sum(n), 0)::bigint, min(row) from {role}_values where id is null")
            if rows and self.options.missing is None:
                query = f"select distinct trim(coalesce(value::varchar, '')) from {role}_values where id is null"
                spelt = listed(sorted(word for (word,) in self.con.execute(query).fetchall() if word))
                column = f"column {shown(self._column(role))}, {rows:,} of {self.account.rows:,} rows{spelt and ', written ' + spelt}"
                raise Doubt(
                    f"{self.path} has no {role} id in row {first:,} ({column}); every row needs one",
                    "missing",
                    [("drop", f"{counted(rows, 'row')} left out"), *([("keep", f"{spelt} taken for {role} ids")] if spelt else [])],
                )

    def _drop_users(self) -> None:
        """Leave out the users named in the option; rows without a user id are counted here too."""
        self._leave_out("without a user id", self._one("select coalesce(sum(n), 0)::bigint from user_values where id is null")[0])
        for word in words(self.options.drop_users):
            rows = self._one(f"select coalesce(sum(n), 0)::bigint from user_values where id = {literal(word)}")[0]
            if not rows:
                raise DataError(f"{self.path} has no user {shown(word)}, whom drop_users names.")
            self._leave_out("of users in drop_users", rows)
            self.con.execute(f"delete from user_values where id = {literal(word)}")

    def _heavy(self) -> None:
        """Name the users with a large share of all rows: often not people but placeholders."""
        total, users = self._one("select coalesce(sum(n), 0)::bigint, count(distinct id) from user_values where id is not null")
        least = max(HEAVY, 3 / max(users, 1)) * total
        query = (
            f"select id, sum(n)::bigint from user_values where id is not null group by 1 having sum(n) > {least} order by 2 desc limit 8"
        )
        for user, rows in self.con.execute(query).fetchall():
            share = f"{counted(rows, 'row')} of {total:,} ({rows / total:.1%})"
            self.account.note(f"The user {shown(user)} has {share}; drop_users={user} leaves out one who is no person.")

    def _coded(self) -> None:
        """The table ``rows``, sorted by user, time and row: u and i (codes by first appearance), t, row. ``ROLE_ids``: code, id."""
        for role in ("user", "item"):
            self.con.execute(
                f"create table {role}_ids as select id, (row_number() over (order by min(row)) - 1)::integer as code, min(row) as row "
                f"from {role}_values where id is not null group by id"
            )
            self.con.execute(f"create table {role}_codes as select value, code from {role}_values join {role}_ids using (id)")
            self.con.execute(f"drop table {role}_values")
        same = "is not distinct from" if self.options.missing == "keep" else "="
        time = ", tick as t" if self.roles.times else ""
        self.con.execute(
            f"create table coded as select user_codes.code as u, item_codes.code as i{time}, row::uinteger as row from {self.good} as good "
            f'join user_codes on user_codes.value {same} good."user" join item_codes on item_codes.value {same} good.item'
        )
        good, coded = self._one(f"select (select count(*) from {self.good}), (select count(*) from coded)")
        gone = sum(self.account.left_out.get(reason, 0) for reason in ("without a user id", "of users in drop_users"))
        self._leave_out("without an item id", good - coded - gone)
        self.con.execute("drop table read; drop table user_codes; drop table item_codes")
        self.con.execute(f"create table rows as select * from coded order by u, {'t, ' if time else ''}row")
        self.con.execute("drop table coded")

    # -- filters ------------------------------------------------------------------------------------------------------

    def _repeats(self) -> None:
        """Count the rows of a user with an item met before, and leave out those that the option says."""
        timed, choice = self.roles.times is not None, self.options.repeats or "exact"
        columns = ("u", "i", "t", "row") if timed else ("u", "i", "row")
        found = {"exact": 0, "consecutive": 0, "other": 0}
        for u, i, *t in blocks(self.con, *columns[:-1]):
            kinds = repeats(u, i, t[0] if timed else None, choice == "keep")
            for kind, name in enumerate(found, 1):
                found[name] += int(np.count_nonzero(kinds == kind))
        self.account.repeats = found
        last = {"keep": 0, "exact": 1, "consecutive": 2, "first": 3}[choice]
        reasons = ("with the same user, item and time again", "with the same item again at once", "with an item met before")
        for reason, rows in zip(reasons[:last], found.values(), strict=False):
            self._leave_out(reason, rows)
        if not sum(list(found.values())[:last]):
            return

        def stay(u: np.ndarray, i: np.ndarray, *t: np.ndarray) -> np.ndarray:
            kinds = repeats(u, i, t[0] if timed else None, choice == "keep")
            return (kinds == 0) | (kinds > last)

        self._reduce(columns, stay)

    def _reduce(self, columns: tuple[str, ...], stay: Callable[..., np.ndarray]) -> None:
        """Keep the rows of ``rows`` for which this is true. columns: u, i, t if there are times, row; ``stay`` gets all but the last."""
        self.con.execute(f"create table kept as select {', '.join(columns)} from rows limit 0")
        for arrays in blocks(self.con, *columns):
            here = stay(*arrays[:-1])
            part = self.con.from_arrow(pa.table({name: array[here] for name, array in zip(columns, arrays, strict=True)}))
            part.insert_into("kept")
        self.con.execute("drop table rows; alter table kept rename to rows")

    def _core(self) -> None:
        """Apply the k-core. The view ``live``: the rows that go on; the table ``live_users``: how many each user has, and the first."""
        con, k = self.con, self.options.k_core
        con.execute("create table gone_users (u integer); create table gone_items (i integer)")
        con.execute("create view live as select * from rows anti join gone_users using (u) anti join gone_items using (i)")
        total = self._one("select count(*) from rows")[0]
        while k is not None:
            con.execute(f"create temp table few_users as select u from live group by u having count(*) < {k}")
            con.execute(f"create temp table few_items as select i from live group by i having count(*) < {k}")
            few = self._one("select (select count(*) from few_users) + (select count(*) from few_items)")[0]
            con.execute("insert into gone_users from few_users; insert into gone_items from few_items")
            con.execute("drop table few_users; drop table few_items")
            if not few:
                break
        con.execute("create table live_users as select u, count(*) as n, min(row) as row from live group by u")
        left = self._one("select coalesce(sum(n), 0)::bigint from live_users")[0]
        self._leave_out(f"outside the {k}-core", total - left)

    @property
    def _timed(self) -> bool:
        """Whether rows of different users can be compared by time: not by numbers that may only count the rows."""
        return self.roles.times is not None and self.roles.times.unit is not None

    # -- the split ----------------------------------------------------------------------------------------------------

    def _cut_last(self) -> Sizes:
        """Leave one out: the last row of each user is for test, the one before it for validation; users too short for that are left out."""
        con = self.con
        con.execute(f"insert into gone_users select u from live_users where n < {SHORTEST}")
        short, rows = self._one(f"select count(*), coalesce(sum(n), 0)::bigint from live_users where n < {SHORTEST}")
        self._leave_out(f"of {counted(short, 'user')} who have fewer than {SHORTEST}", rows)
        users: Any = con.execute(f"select u, n from live_users where n >= {SHORTEST} order by row").fetchnumpy()
        if not len(users["u"]):
            raise DataError(
                f"{self.path} has no user with at least {SHORTEST} interactions{self._after_filters()}: too few to split "
                f"({self.account.rows:,} rows)."
            )
        n = users["n"]
        return Sizes(users["u"], n - 2, np.ones_like(n), n, self._items(), int(short))

    def _items(self) -> np.ndarray:
        """The codes of the items that go on, by first appearance."""
        found = self.con.execute("select i from (select i, min(row) as row from live group by i) order by row").fetchnumpy()
        return np.asarray(found["i"])

    def _after_filters(self) -> str:
        filters = [f"{n}={v:g}" for n, v in (("min_rating", self.options.min_rating), ("k_core", self.options.k_core)) if v is not None]
        return f" after {' and '.join(filters)}" if filters else ""

    def _cut_by_time(self) -> Sizes:
        """Split at two moments, the same for everybody; left out are rows, and users, that are in no part."""
        con, options = self.con, self.options
        assert options.split is not None
        if self.roles.times is None:
            raise DataError(f"{self.path} has no times, which split={options.split} needs: name their column with time=COLUMN.")
        if not self._timed:
            column = shown(self.roles.times.columns[0])
            raise DataError(
                f"{self.path}: the numbers of the time column {column} may order the rows of one user only, but split={options.split} "
                "compares users: say unit=s (or ms, us, ns) if they are times for everybody."
            )
        users, total = self._one("select count(*), coalesce(sum(n), 0)::bigint from live_users")
        training, validation, _ = shares(options.split)
        places = [min(round(share * total), total - 1) for share in (training, training + validation)]
        moments = [self._one(f"select t from live order by t limit 1 offset {place}")[0] if total else 0 for place in places]
        gone = {role: np.zeros(int(self._one(f"select count(*) from {role}_ids")[0]), dtype=bool) for role in ("user", "item")}
        for role, marks in gone.items():
            marks[con.execute(f"select {role[0]} from gone_{role}s").fetchnumpy()[role[0]]] = True
        train, between = np.zeros((2, len(gone["user"])), dtype=np.int64)
        left = np.zeros(len(REASONS) + 1, dtype=np.int64)

        def stay(u: np.ndarray, i: np.ndarray, t: np.ndarray) -> np.ndarray:
            live = ~(gone["user"][u] | gone["item"][i])
            if live.any():
                found = cut(u[live], t[live], *moments)
                train[found.users], between[found.users] = found.train, found.between
                left[:] += np.bincount(found.reasons, minlength=len(left))
                live[live] = found.reasons == 0
            return live

        self._reduce(("u", "i", "t", "row"), stay)
        for reason, rows in zip(REASONS, left[1:], strict=True):
            self._leave_out(reason, int(rows))
        con.execute("create or replace table live_users as select u, count(*) as n, min(row) as row from live group by u")
        live: Any = con.execute("select u, n from live_users order by row").fetchnumpy()
        sizes = Sizes(live["u"], train[live["u"]], between[live["u"]], live["n"], self._items(), users - len(live["u"]))
        self._tell_cut(sizes, moments, total)
        return sizes

    def _tell_cut(self, sizes: Sizes, moments: list[float], total: int) -> None:
        """Say what lies before and after the two moments; a DataError if a part is empty."""
        times = self.roles.times
        assert times is not None
        trained, between, answered = sizes.train > 0, sizes.between, sizes.lengths > sizes.train + sizes.between
        parts = {
            "training rows": int(sizes.train.sum()),
            "validation answers": int(np.count_nonzero(trained & (between > 0))),
            "test answers": int(np.count_nonzero(answered)),
        }
        words = [times.iso(moment) or f"{moment:g}" for moment in moments]
        empty = next((part for part, rows in parts.items() if not rows), None)
        if empty is not None:
            raise DataError(
                f"{self.path} cannot be split as {self.options.split}{self._after_filters()}: with cuts at {' and '.join(words)} there are "
                f"no {empty} ({total:,} rows; rows of one time are never divided, and an answer needs earlier rows of its user)."
            )
        told = ", ".join(f"{rows:,} {part}" for part, rows in parts.items())
        self.account.note(
            f"Split at {words[0]} and {words[1]}, the same for everybody: {told}; {parts['training rows'] / total:.1%} of {total:,} rows "
            "lie before the first cut."
        )
        late = len(sizes.items) - self._one(f"select count(distinct i) from live where t < {moments[0]!r}")[0]
        if late:
            self.account.note(
                f"{counted(late, 'item')} of {len(sizes.items):,} first seen after training: candidates that are never trained."
            )
        if self.options.k_core is not None:
            self.account.note("The k-core counted all rows, those after the cuts too.")

    def _span(self, sizes: Sizes) -> None:
        """The first and the last time of the rows that go on. Said where most users have one time only, and where there is one user."""
        times = self.roles.times
        if times is not None:
            of_users = "select min(t) as low, max(t) as high from live group by u"
            first, last, users, at_once = self._one(f"select min(low), max(high), count(*), count_if(low = high) from ({of_users})")
            self.account.first, self.account.last = times.iso(first), times.iso(last)
            if at_once * 2 > users:
                self.account.note(
                    f"All rows of {at_once:,} of {counted(users, 'user')} have one time, so their order is that of the file: are they "
                    "people, or orders and sessions?"
                )
        if len(sizes.users) == 1:
            self.account.note("There is 1 user; a recommender learns from what several people have in common.")


def ids_of(
    con: duckdb.DuckDBPyConnection, relation: duckdb.DuckDBPyRelation, rows: Rows, column: str, role: str, weight: str | None = None
) -> tuple[Callable[[str], str], str | None]:
    """SQL that makes ids (NULL if missing) of this column, which is checked; and a sentence if they are written in two ways.

    relation: the column, called ``value``, or its distinct values with the column ``weight``, how often each occurs.
    """
    check_ids(con, relation, rows.path, "value", role, weight, called=column)
    kind, numeric, told = rows.types[column], False, None
    if family(kind) == "text":
        point = f"select coalesce(bool_or(regexp_full_match({text_sql('value')}, '[+-]?[0-9]+\\.0*')), false) from found_ids"
        if answers(con, relation, "found_ids", point)[0][0]:
            kinds = replace(kind_of(con, relation, "value", weight), column=column)
            numeric, told = kinds.numeric, two_spellings(kinds)
    return lambda sql: id_sql(sql, kind, numeric), told


def repeats(u: np.ndarray, i: np.ndarray, t: np.ndarray | None, kept: bool = False) -> np.ndarray:
    """For rows of whole users in order: 1 for a copy with the same time, 2 for the same item again at once, 3 for another repeat, else 0.

    kept: copies stay where they are, so that they stand between others.
    """
    key = (u - u[0]).astype(np.int64) * (int(i.max()) + 1) + i
    ordered = np.sort(key)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    kinds = np.zeros(len(u), dtype=np.uint8)
    if not len(again):
        return kinds
    place = np.flatnonzero(np.isin(key, again))
    place = place[np.argsort(key[place], kind="stable")]
    repeated = place[1:][key[place[1:]] == key[place[:-1]]]
    kinds[repeated] = 3
    if t is not None:
        kinds[place[1:][(key[place[1:]] == key[place[:-1]]) & (t[place[1:]] == t[place[:-1]])]] = 1
    stay = np.arange(len(u)) if kept else np.flatnonzero(kinds != 1)
    at_once = stay[1:][key[stay[1:]] == key[stay[:-1]]]
    kinds[at_once[kinds[at_once] == 3]] = 2
    return kinds
