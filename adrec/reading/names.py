"""What columns are called: common names of each role, and the words of which names are made."""

import re
from collections.abc import Sequence

NAMES = {
    "user": "user_id user uid userid user_name username reviewerid reviewer_id customer_id customerid visitorid visitor_id member_id",
    "item": "item_id item iid itemid movie_id movieid movie asin parent_asin product_id productid product book_id bookid isbn "
    "track_id song_id artist_id artistid business_id gmap_id game_id app_id article_id news_id video_id",
    "time": "timestamp time ts date datetime unixreviewtime unix_timestamp event_time created_at review_time reviewtime",
    "rating": "rating ratings score overall stars",
    "title": "title item_title movie_title product_title product_name item_name track_name",
    "category": "genre genres class category categories item_category cluster",
    "event": "event event_type eventtype event_name behavior behaviour behavior_type behaviour_type action action_type interaction_type",
    "id": "id",
    "name": "name",
}
"""Common column names of each role, most likely first; capitals, underscores and blanks do not matter."""
CERTAIN = {"user": ("userid", "user", "uid"), "item": ("itemid", "item", "iid")}
"""Names that say what the role is, whatever other columns there are."""
WORDS = {
    "user": "user users uid customer visitor member reviewer reader listener viewer player buyer client account person session profile "
    "subscriber shopper consumer guest visitor household student author email kunde kundennummer kundennr",
    "item": "item items iid product movie film book song track artist album video game app article news business venue place location poi "
    "sku asin isbn anime recipe restaurant show course post content page show series podcast job hotel code "
    "artikel artikelnummer artikelnr",
    "time": "time times timestamp date datetime day when at ts epoch unix created year month week hour clock utc",
    "order": "order position step seq sequence rank index number nr no turn",
    "clock": "time clock hour timeofday timeframe",
    "amount": "amount quantity qty count number units pieces menge anzahl",
    "row": "unnamed index row rownumber",
}
"""Words that make a column a candidate for a role."""
EVENTS = (
    "view views pv click clicks cart carts addtocart add_to_cart fav favorite favourite like buy buys purchase purchases order orders "
    "transaction transactions play plays listen skip share save rate read impression remove_from_cart wishlist checkout follow"
)
"""Kinds of events as logs write them."""


def plain(name: str) -> str:
    """A name without capitals, blanks and punctuation: 'User ID' and 'user_id' are 'userid'."""
    return re.sub(r"[\W_]+", "", name).lower()


def words(name: str) -> set[str]:
    """The words of which a name is made: 'userId' and 'user_id' are user and id."""
    return set(re.findall(r"[^\W_]+", re.sub(r"([a-z\d])([A-Z])", r"\1 \2", name).lower()))


def named(names: Sequence[str], role: str) -> list[str]:
    """The columns named as this role, most likely first; of ``page.item_id`` the last part may be the name."""
    common = list(dict.fromkeys(plain(n) for n in NAMES[role].split()))
    found = {n: next((called for called in (plain(n), plain(n.rpartition(".")[2])) if called in common), "") for n in names}
    return sorted((n for n in names if found[n]), key=lambda n: common.index(found[n]))


def suggests(name: str, role: str) -> bool:
    """Whether a word of the name belongs to this role."""
    return bool(words(name) & set(WORDS[role].split()))
