"""Words and figures as people read them: gettext catalogues, numbers, dates, money."""

from __future__ import annotations

import gettext
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = {"en": "English", "ur": "اردو"}
_MINUS = "−"
_SCALES = ((10**12, "tn"), (10**9, "bn"), (10**6, "m"))


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """The messages of a language; English is the source and needs none."""
    if language == "en":
        return gettext.NullTranslations()
    folder = files("amanat.web") / "locale"
    return gettext.translation("amanat", str(folder), [language])


def direction(language: str) -> str:
    """`rtl` for Urdu, else `ltr`."""
    return "rtl" if language == "ur" else "ltr"


def grouped(value: int | Decimal | str | None) -> str:
    """A number with thousands separators and a true minus; empty for None."""
    if value is None:
        return ""
    number = Decimal(str(value)) if not isinstance(value, int) else value
    return f"{number:,}".replace("-", _MINUS)


def money(value: int | str | None, currency: str = "PKR") -> str:
    """Minor units as "PKR 11,059,204,000.00"; empty for None."""
    if value is None:
        return ""
    return f"{currency} {grouped(Decimal(int(value)).scaleb(-2))}"


def amount(value: int | str | None) -> str:
    """Minor units in major ones without the currency, for columns that state it in their head."""
    return "" if value is None else grouped(Decimal(int(value)).scaleb(-2))


def large(value: int | Decimal | str | None, currency: str = "PKR") -> str:
    """Major units shortened as "PKR 11.06 bn"; the exact figure stays in the title."""
    if value is None:
        return ""
    number = Decimal(str(value))
    for scale, word in _SCALES:
        if abs(number) >= scale:
            return f"{currency} {grouped((number / scale).quantize(Decimal('0.01')))} {word}"
    return f"{currency} {grouped(number)}"


def day(value: date | str | None) -> str:
    """A date in words, as the portal shows it: "4 March 2021"."""
    if not value:
        return ""
    found = date.fromisoformat(value[:10]) if isinstance(value, str) else value
    return f"{found.day} {found:%B %Y}"


def short(identifier: str | None) -> str:
    """An identifier shortened in its middle: `0x12ab…90ef`."""
    text = identifier or ""
    return text if len(text) <= 16 else f"{text[:8]}…{text[-6:]}"


def words(name: str) -> str:
    """`AnnounceTender` and `awaiting_settlement` as words: "Announce tender"."""
    spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in name).replace("_", " ").strip()
    return spaced[:1].upper() + spaced[1:]


_GOOD = {
    "settled",
    "done",
    "carried_out",
    "active",
    "accepted",
    "paid",
    "awarded",
    "open",
    "funded",
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
}
_STOP = {"failed", "refused", "expired", "cancelled", "halted", "frozen", "defaulted", "void"}


def pill(state: str) -> str:
    """The class of the pill that shows a state; its word carries the meaning."""
    head = state.lower().split(":")[0].split(" ")[0]
    if head in _GOOD:
        return "good"
    if head in _STOP:
        return "stop"
    return "warn" if head in _WARN else ""


FILTERS: dict[str, Any] = {
    "grouped": grouped,
    "money": money,
    "amount": amount,
    "large": large,
    "day": day,
    "short": short,
    "words": words,
    "pill": pill,
}
