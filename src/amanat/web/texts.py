"""Words and figures as people read them: gettext catalogues, numbers, dates, money."""

from __future__ import annotations

import gettext
import re
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

LANGUAGES = {"en": "English", "ur": "اردو"}
_MINUS = "−"
_SCALES = ((10**12, "tn"), (10**9, "bn"), (10**6, "m"))
_ACRONYM = re.compile(
    r"\b(usd|isin|lei|rtgs|ctr|un|nacta|ofac|csv|pep|fiu|fmu|str|xml)\b", re.IGNORECASE
)
_ISO_DAY = re.compile(r"^\d{4}-\d\d-\d\d$")
_FILE_NUMBER = re.compile(r"^[A-Z]{2,6}-\d{4}-\d{4,6}$")
_ISO_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d")
_FIGURE = re.compile(r"(-?\d{1,40}(?:\.\d{1,20})?) ([A-Z]{3}(?: face)?|units?|fine_troy_oz|bbl)")
_LONG_IDENTIFIER = 24
# By ending: how a column's values are shown, and what its head leaves away.
_ENDINGS = (
    ("_paisa", "money"),
    ("_minor", "money"),
    ("_usd_cents", "dollars"),
    ("_cents", "dollars"),
    ("_at", "moment"),
)
_SHAPES = {
    "state": "state",
    "status": "state",
    "level": "state",
    "level_on_ledger": "state",
    "level_requested": "state",
    "phase": "state",
    "bids_open": "moment",
    "bids_due": "moment",
    "non_competitive_due": "moment",
    "block_time": "moment",
    "waiting_since": "moment",
    "leaf": "ordinal",
    "number": "ordinal",
    "sequence": "ordinal",
    "position": "ordinal",
    "block": "ordinal",
    "close_block": "ordinal",
    "version": "ordinal",
    "authorisation": "ordinal",
    "line": "ordinal",
    "registration": "ordinal",
    "cursor": "ordinal",
    "subject": "subject",
    "kind": "named",
    "scenario": "named",
    "stage": "named",
    "record": "named",
    "scope": "named",
    "part": "named",
    "disposition": "named",
    "measured_in": "named",
    "grade": "named",
    "act": "named",
    "room": "named",
    "action": "named",
    "change": "named",
    "window": "named",
    "fate": "named",
    "purpose": "named",
    "direction": "named",
    "capacity": "named",
    "roles": "named",
    "topics": "named",
    "agrees": "named",
    "disagrees": "named",
}
_FACE = {
    "nominal",
    "target",
    "authorised",
    "issued",
    "redeemed",
    "outstanding",
    "unsold",
    "allotted",
}
_UNITS = {"price": "per 100", "cut_off_price": "per 100", "average_price": "per 100"}


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """The messages of a language; English is the source and needs none."""
    if language == "en":
        return gettext.NullTranslations()
    folder = files("amanat.web") / "locale"
    return gettext.translation("amanat", str(folder), [language])


def translated(language: str, text: str) -> str:
    """A text that is a name or sentence in the code; itself where the catalogue has none."""
    return catalogue(language).gettext(text) if text else ""


def headline(text: str) -> str:
    """A summary in the code without what it says to programmers."""
    return text.split("  Refuses", 1)[0]


def direction(language: str) -> str:
    """`rtl` for Urdu, else `ltr`."""
    return "rtl" if language == "ur" else "ltr"


def exact(value: int | str) -> Decimal:
    """A number as the exact decimal that it says."""
    return Decimal(value)


def shape_of(name: str, currency: str) -> tuple[str, str, str]:
    """How a column is shown: its shape, the words of its head, and the unit in its head."""
    for ending, shape in _ENDINGS:
        if name.endswith(ending):
            unit = {"money": currency, "dollars": "USD", "moment": ""}[shape]
            stem = name if shape == "moment" else name.removesuffix(ending)
            return shape, stem.removesuffix("_usd"), unit
    if name.endswith(("_pct", "_percent")):
        return "plain", name.removesuffix("_pct").removesuffix("_percent"), "%"
    if name.endswith("_usd"):
        return "plain", name.removesuffix("_usd"), ""
    unit = f"{currency} face" if name in _FACE else _UNITS.get(name, "")
    return _SHAPES.get(name, "plain"), name, unit


def grouped(value: int | Decimal | str | None) -> str:
    """A number with thousands separators and a true minus; empty for None."""
    if value is None:
        return ""
    number = Decimal(str(value)) if not isinstance(value, int) else value
    return f"{number:,}".replace("-", _MINUS)


def amount(value: int | str | None) -> str:
    """Minor units in major ones without the currency, for columns that state it in their head."""
    return "" if value is None else grouped(Decimal(int(value)).scaleb(-2))


def money(value: int | str | None, currency: str = "PKR") -> str:
    """Minor units as "PKR 11,059,204,000.00"; empty for None."""
    return "" if value is None else f"{currency} {amount(value)}"


def face(language: str, units: int, currency: str) -> str:
    """Nominal as "PKR 11,601,000,000 face"."""
    shown = left_to_right(language, f"{currency} {grouped(units)}")
    return translated(language, "{amount} face").format(amount=shown)


def large(value: int | Decimal | str | None, currency: str = "PKR") -> str:
    """Major units shortened as "PKR 11.06 bn"; the exact figure stays beside it or in the title."""
    if value is None:
        return ""
    number = Decimal(str(value))
    for scale, word in _SCALES:
        if abs(number) >= scale:
            return f"{currency} {grouped((number / scale).quantize(Decimal('0.01')))} {word}"
    return f"{currency} {grouped(number)}"


def millions(value: int | str | None) -> str:
    """Units in millions as the field's sheets print them: 12345.000 -> "11,601.000"."""
    return "" if value is None else grouped((Decimal(value) / 10**6).quantize(Decimal("0.001")))


def day(value: date | str | None, language: str = "en") -> str:
    """A date in words, as the portal shows it: "4 March 2021"."""
    if not value:
        return ""
    found = date.fromisoformat(value[:10]) if isinstance(value, str) else value
    month = translated(language, f"{found:%B}")
    return f"{found.day} {month} {found.year}"


def moment(value: str | None, zone: str = "UTC") -> str:
    """A UTC time in the programme's zone, to the minute: "2024-02-29 10:30"."""
    if not value:
        return ""
    if not _ISO_TIME.match(value):
        return value
    found = datetime.fromisoformat(value)
    return f"{found.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" if found.tzinfo else value[:16]


_DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩٫", "01234567890123456789.")
_SEPARATORS = re.compile(r"[\s,٬'’_]")


def digits_typed(text: str) -> str:
    """A text with the digits 0 to 9 for Urdu's."""
    return text.translate(_DIGITS)


def figure_typed(text: str) -> str:
    """A figure as it was typed, with Urdu's digits or separators, in plain digits."""
    return _SEPARATORS.sub("", digits_typed(text))


def quantity(value: str) -> str:
    """A figure with its unit as the records write it, "11059204000.00 PKR", with separators."""
    found = _FIGURE.fullmatch(value)
    return f"{grouped(Decimal(found[1]))} {found[2]}" if found else value


def short(identifier: str | None) -> str:
    """An identifier shortened in its middle: `0x12ab34…90abcd`."""
    text = identifier or ""
    return text if len(text) <= 16 else f"{text[:8]}…{text[-6:]}"


def is_identifier(value: Any) -> bool:
    """Whether a text is an address, hash or id, to be shortened and copied."""
    if not isinstance(value, str) or len(value) <= _LONG_IDENTIFIER:
        return False
    return re.fullmatch(r"(0x)?[0-9a-f]{32,}|[0-9a-f]{8}(-[0-9a-f]{4,12}){4}", value) is not None


def is_day(value: Any) -> bool:
    """Whether a text is an ISO date, which is never broken over two lines."""
    return isinstance(value, str) and _ISO_DAY.match(value) is not None


def is_file_number(value: Any) -> bool:
    """Whether a text is the number of a file of licensing, which leads to its page."""
    return isinstance(value, str) and _FILE_NUMBER.match(value) is not None


_TOPICS = {
    "crime.terror": "Proscribed for terrorism",
    "role.pep": "Politically exposed person",
    "role.rca": "Close to a politically exposed person",
    "poi": "Owned by a listed person",
}
"""followthemoney's topics that are no words (screening's `Topic`)."""


def words(name: str) -> str:
    """`AnnounceTender` and `awaiting_settlement` as words: "Announce tender"."""
    if name in _TOPICS:
        return _TOPICS[name]
    spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in name).replace("_", " ").strip()
    if spaced.replace(" ", "") in {"isin", "lei", "cfi", "fisn", "id"}:
        return spaced.replace(" ", "").upper()
    sentence = spaced[:1].upper() + spaced[1:]
    return _ACRONYM.sub(lambda found: found[0].upper(), sentence)


_GOOD = {
    "licensed",
    "authorised",
    "in",
    "settled",
    "done",
    "carried",
    "active",
    "accepted",
    "paid",
    "awarded",
    "open",
    "funded",
    "redeemed",
    "outstanding",
    "issued",
    "complete",
    "recorded",
    "public",
    "ready",
    "answers",
}
_WARN = {
    "proposed",
    "matched",
    "requested",
    "pending",
    "recycled",
    "closed",
    "announced",
    "partial",
    "awaiting",
    "fixed",
    "instructed",
}
_STOP = {
    "suspended",
    "revoked",
    "wind",
    "full",
    "close",
    "failed",
    "refused",
    "expired",
    "cancelled",
    "halted",
    "frozen",
    "defaulted",
    "void",
    "not",
    "no",
    "other",
    "unexpected",
}


def pill(state: str) -> str:
    """The class of the pill that shows a state; its word carries the meaning."""
    head = re.split(r"[:\s_]", state.lower(), maxsplit=1)[0]
    if head in _GOOD:
        return "good"
    if head in _STOP:
        return "stop"
    return "warn" if head in _WARN else ""


def left_to_right(language: str, text: str) -> str:
    """A figure or date within a text, kept in its own order where the text runs right to left."""
    return f"\u2066{text}\u2069" if text and direction(language) == "rtl" else text


def filters(language: str) -> dict[str, Any]:
    """What templates use, for a language: figures and dates keep their order in every one."""

    def kept(shown: Any) -> Any:
        return lambda *given: left_to_right(language, shown(*given))

    figures = ("grouped", "money", "amount", "large", "millions", "moment", "quantity")
    found = FILTERS | {name: kept(FILTERS[name]) for name in figures}
    found["day"] = lambda value: day(value, language)
    return found | {"ltr": lambda text: left_to_right(language, str(text))}


FILTERS: dict[str, Any] = {
    "grouped": grouped,
    "money": money,
    "amount": amount,
    "large": large,
    "millions": millions,
    "day": day,
    "moment": moment,
    "short": short,
    "words": words,
    "pill": pill,
    "quantity": quantity,
}
