"""How dates and times of day are written: patterns and formats of a value as text."""

from collections.abc import Sequence

from adrec.reading.engine import literal

CLOCK = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?"
ZONE = r" ?(Z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)"
DAY = r"[0-9]{4}(-[0-9]{1,2}-[0-9]{1,2}|/[0-9]{1,2}/[0-9]{1,2}|\.[0-9]{1,2}\.[0-9]{1,2})"
ISO = rf"{DAY}([T ]{CLOCK})?"
AFTER = rf"([T ,]+{CLOCK}( ?[AaPp][Mm])?)?( ?(Z|UTC|GMT))?"
PARTS = rf"[0-9]{{1,2}}(/[0-9]{{1,2}}/|\.[0-9]{{1,2}}\.|-[0-9]{{1,2}}-| [0-9]{{1,2}},? )[0-9]{{4}}{AFTER}"
MONTH = r"[0-9 ,/-](Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)|^(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
USUAL = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ][0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?)?(Z| UTC|[+-][0-9]{2}:?[0-9]{2})?"
"""Dates that the engine casts as they are."""
_DAYS_NAMED = ("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%d-%b-%Y", "%d/%b/%Y")
NAMED = (
    "%a %b %d %H:%M:%S %Y",
    "%a %b %d %H:%M:%S %z %Y",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%a, %d %b %Y %H:%M:%S %z",
    "%d/%b/%Y:%H:%M:%S %z",
    *(day + clock for day in _DAYS_NAMED for clock in (" %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", ", %I:%M %p", "")),
)


def formats(formats: Sequence[str]) -> str:
    """These formats as a list in SQL."""
    return f"[{', '.join(map(literal, formats))}]"
