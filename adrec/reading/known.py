"""Public data sets, recognised where the columns and the values both are as their documentation says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from adrec.reading.kinds import Kind
from adrec.reading.rows import Rows

Matches = Callable[[str, str], bool]
"""Whether nearly all values of a column match a regular expression."""


@dataclass(frozen=True)
class KnownSet:
    """A data set's layout.

    columns: what each column's values must be, by name where the file has a header line, else in order. separator: the words for it in
    ``Rows.format``. roles: the columns of each role, by name, or by number from 1 without a header. clock: how the second column of the
    time is read. source: who documents the layout.
    """

    name: str
    columns: Mapping[str, str] | tuple[str, ...]
    roles: Mapping[str, tuple[str | int, ...]]
    source: str
    separator: str = ""
    clock: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recognised:
    """A data set that a file was recognised as: its name, the columns of each role, and sentences."""

    name: str
    roles: Mapping[str, tuple[str, ...]]
    clock: str | None = None
    notes: tuple[str, ...] = ()


_STARS, _HALVES = "number 1 5", "number 0.5 5"
_AMAZON_USER, _ASIN = "like A[A-Z0-9]{8,30}", "like [A-Z0-9]{10}"
_MBID = "like ([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?"
GROUPLENS = "README of the data set at grouplens.org"
MCAULEY = "page of the data set, McAuley's group at UCSD"
_RATED: Mapping[str, tuple[str | int, ...]] = {"user": (1,), "item": (2,), "rating": (3,), "time": (4,)}
_JSON_2014: Mapping[str, tuple[str | int, ...]] = {
    "user": ("reviewerID",),
    "item": ("asin",),
    "rating": ("overall",),
    "time": ("unixReviewTime",),
}
_SESSIONS = (
    "The user is userId unless user=sessionId makes a sequence of each session.",
    "timeframe counts from the beginning of a session, so the order of one user's sessions of one day is not known.",
)

KNOWN = (
    KnownSet("MovieLens 100K", ("whole", "whole", _STARS, "s 1997 1998"), _RATED, GROUPLENS, "separated by tabs"),
    KnownSet("MovieLens 1M", ("whole", "whole", _STARS + " whole", "s 2000 2003"), _RATED, GROUPLENS, "separated by '::'"),
    KnownSet("MovieLens 10M", ("whole", "whole", _HALVES, "s 1995 2009"), _RATED, GROUPLENS, "separated by '::'"),
    KnownSet("the layout of MovieLens 1M and 10M", ("whole", "whole", _HALVES, "s"), _RATED, GROUPLENS, "separated by '::'"),
    KnownSet(
        "MovieLens 20M, 25M or 32M",
        {"userId": "whole", "movieId": "whole", "rating": _HALVES, "timestamp": "s 1995 2030"},
        {"user": ("userId",), "item": ("movieId",), "rating": ("rating",), "time": ("timestamp",)},
        GROUPLENS,
    ),
    KnownSet("Amazon reviews 2014 (ratings only)", (_AMAZON_USER, _ASIN, _STARS, "s 1995 2014"), _RATED, MCAULEY, "separated by ','"),
    KnownSet(
        "Amazon reviews 2018 (ratings only)",
        (_ASIN, _AMAZON_USER, _STARS, "s 1995 2018"),
        {"user": (2,), "item": (1,), "rating": (3,), "time": (4,)},
        MCAULEY,
        "separated by ','",
    ),
    KnownSet(
        "Amazon reviews 2018",
        {"reviewerID": _AMAZON_USER, "asin": _ASIN, "overall": _STARS, "unixReviewTime": "s 1995 2018", "verified": "any"},
        _JSON_2014,
        MCAULEY,
    ),
    KnownSet(
        "Amazon reviews 2014",
        {"reviewerID": _AMAZON_USER, "asin": _ASIN, "overall": _STARS, "unixReviewTime": "s 1995 2014", "helpful": "any"},
        _JSON_2014,
        MCAULEY,
    ),
    KnownSet(
        "Amazon reviews 2023",
        {"user_id": "like A[A-Z0-9]{20,40}", "parent_asin": _ASIN, "rating": _STARS, "timestamp": "ms 1995 2030"},
        {"user": ("user_id",), "item": ("parent_asin",), "rating": ("rating",), "time": ("timestamp",)},
        MCAULEY,
    ),
    KnownSet(
        "Yelp reviews",
        {"review_id": "unique", "user_id": "text", "business_id": "text", "stars": _STARS, "useful": "whole", "date": "date"},
        {"user": ("user_id",), "item": ("business_id",), "rating": ("stars",), "time": ("date",)},
        "documentation of the Yelp Open Dataset",
    ),
    KnownSet(
        "Gowalla check-ins",
        ("whole", "date", "number -90 90", "number -180 180", "whole"),
        {"user": (1,), "item": (5,), "time": (2,)},
        "page of loc-gowalla, SNAP at Stanford",
        "separated by tabs",
    ),
    KnownSet(
        "Last.fm 1K",
        ("like user_[0-9]{6}", "date", _MBID, "any", _MBID, "any"),
        {"user": (1,), "item": (5,), "title": (6,), "time": (2,)},
        "README of lastfm-dataset-1K, Celma",
        "separated by tabs",
        notes=("Tracks without an id are missing items; item=column6 takes the titles of tracks as their ids.",),
    ),
    KnownSet(
        "Steam reviews",
        {"username": "any", "product_id": "whole", "date": "date", "hours": "number 0 1000000"},
        {"user": ("username",), "item": ("product_id",), "time": ("date",)},
        MCAULEY,
    ),
    KnownSet(
        "Steam 200K",
        ("whole", "text", "like purchase|play", "number 0 1000000", "like 0"),
        {"user": (1,), "item": (2,), "event": (3,)},
        "page of steam-video-games, Tamber at Kaggle",
        "separated by ','",
        notes=("Steam 200K has no times, so rows are taken in file order, and purchases and plays are two rows of one game.",),
    ),
    KnownSet(
        "Taobao UserBehavior",
        ("whole", "whole", "whole", "like pv|buy|cart|fav", "s"),
        {"user": (1,), "item": (2,), "category": (3,), "event": (4,), "time": (5,)},
        "page of UserBehavior, Tianchi at Alibaba",
        "separated by ','",
    ),
    KnownSet(
        "RetailRocket",
        {"timestamp": "ms 2014 2016", "visitorid": "whole", "event": "like view|addtocart|transaction", "itemid": "whole"},
        {"user": ("visitorid",), "item": ("itemid",), "event": ("event",), "time": ("timestamp",)},
        "page of ecommerce-dataset, Retailrocket at Kaggle",
    ),
    KnownSet(
        "YooChoose clicks",
        ("whole", "date", "whole", "like [A-Z0-9]{1,12}"),
        {"user": (1,), "item": (3,), "time": (2,)},
        "README of the RecSys Challenge 2015",
        "separated by ','",
    ),
    KnownSet(
        "YooChoose buys",
        ("whole", "date", "whole", "whole", "whole"),
        {"user": (1,), "item": (3,), "time": (2,)},
        "README of the RecSys Challenge 2015",
        "separated by ','",
    ),
    KnownSet(
        "Diginetica",
        {"sessionId": "whole", "userId": "whole", "itemId": "whole", "timeframe": "number 0 86399999", "eventdate": "date"},
        {"user": ("userId",), "item": ("itemId",), "time": ("eventdate", "timeframe")},
        "page of the CIKM Cup 2016",
        clock="ms",
        notes=_SESSIONS,
    ),
)
"""The data sets that are recognised; the first that fits is taken."""


def recognise(rows: Rows, kinds: Mapping[str, Kind], matches: Matches) -> Recognised | None:
    """The public data set whose columns and values a file has, or None. kinds: of every column."""
    for one in KNOWN:
        named = isinstance(one.columns, Mapping)
        if named == rows.headless or one.separator not in rows.format:
            continue
        wanted = dict(one.columns) if isinstance(one.columns, Mapping) else dict(zip(rows.names, one.columns, strict=False))
        if not set(wanted) <= set(rows.names) or (not named and len(one.columns) != len(rows.names)):
            continue
        if all(_is(kinds[name], check, matches) for name, check in wanted.items()):
            roles = {role: tuple(c if isinstance(c, str) else rows.names[c - 1] for c in cs) for role, cs in one.roles.items()}
            return Recognised(one.name, roles, one.clock, one.notes)
    return None


def _is(kind: Kind, check: str, matches: Matches) -> bool:
    """Whether a column's values are as a layout says."""
    what, *more = check.split(" ", 1) if check.startswith("like ") else check.split(" ")
    if what == "any":
        return True
    if what == "like":
        return matches(kind.column, more[0])
    if not kind.filled:
        return False
    if what == "whole":
        return kind.mostly("whole", "whole.0") and kind.unit is None and not kind.mostly_compact
    if what == "text":
        return kind.mostly("text")
    if what == "unique":
        return kind.unique
    if what == "date":
        return kind.mostly("date", "zoned")
    least, most = kind.least, kind.most
    if least is None or most is None:
        return False
    if what in ("s", "ms"):
        ticks = 1 if what == "s" else 1000
        years = [datetime(int(year) + late, 1, 1, tzinfo=UTC).timestamp() * ticks for late, year in enumerate(more)]
        return kind.unit == what and (not years or years[0] <= least <= most <= years[1])
    return kind.numeric and float(more[0]) <= least <= most <= float(more[1]) and ("whole" not in more or kind.whole)
