"""Messages and refusals in the reader's language: the key by the catalogue, each argument by type.

Where a text runs right to left, figures, dates, names and identifiers stand in Unicode isolates
(UAX 9), so that they keep their own order and do not disturb what is around them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from string import Formatter
from typing import Any

from amanat.core.dates import date_from_business_day
from amanat.core.errors import AmanatError, Invalid, Refusal, Refusals
from amanat.core.messages import Face, Message, Word
from amanat.core.money import Money
from amanat.ledger.refusals import BY_NAME, ContractRefusal
from amanat.participants.model import Level
from amanat.programme.model import Phase
from amanat.web import texts

# By name, what a refusal's plain text or number is: most rooms carry values as they are stored.
_TERMS = frozenset(
    (
        "act",
        "action",
        "allowed",
        "bid_by",
        "capacity",
        "certificate",
        "clearance",
        "error",
        "field",
        "fate",
        "holder_class",
        "instrument",
        "investor_class",
        "kind",
        "level",
        "needed",
        "participant_class",
        "phase",
        "purpose",
        "role",
        "side",
        "state",
        "task",
        "term",
        "to_phase",
        "wanted",
        "window",
        "step",
        "decision",
        "what",
    )
)
_SENTENCES = frozenset(
    (
        "needed",
        "pending",
        "reason",
        "rule",
        "state",
        "task",
        "thing",
        "what",
    )
)
_ORDINALS = frozenset(
    (
        "authorisation",
        "bidder",
        "chunk",
        "contract_id",
        "cursor",
        "due_block",
        "earlier",
        "epoch",
        "final_at",
        "first_line",
        "given_epoch",
        "index",
        "institution",
        "instruction",
        "last",
        "line",
        "next",
        "next_number",
        "number",
        "participant",
        "run",
        "sequence",
        "tender",
        "version",
        "year",
    )
)
_DAYS = frozenset(
    (
        "current_day",
        "day",
        "expiry_day",
        "first_day",
        "last_day",
        "latest",
        "maturity_day",
        "rate_day",
        "valid_until",
    )
)
_TIMES = frozenset(
    (
        "bids_due",
        "deadline",
        "due",
        "opens_at",
    )
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d\S*")
_ARABIC = re.compile(r"[\u0600-\u06ff]")
_LETTER = re.compile(r"[A-Za-z]")
_JOINED = re.compile(r"( or |, )")
_QUALITY = re.compile(r"([a-zA-Z*]{1,8})(?:-[\w-]{1,20})?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?")


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: the language, and the zone in which times are shown."""

    language: str = "en"
    zone: str = "UTC"

    def worded(self, text: str) -> str:
        """A name or sentence of the code in this language; itself where there is none."""
        return texts.translated(self.language, text)


def say(reader: Reader, template: str, fields: Mapping[str, Any]) -> str:
    """The text of a message key over typed arguments."""
    parts = []
    for literal, name, spec, conversion in Formatter().parse(reader.worded(template)):
        parts.append(literal)
        if name is None:
            continue
        value = fields[name]
        shown = format(value, spec) if spec else _argument(reader, name, value)
        parts.append(_isolated(reader, f"“{shown}”" if conversion == "r" else shown))
    return "".join(parts)


def message_text(reader: Reader, message: Message) -> str:
    """A message in the reader's language."""
    return say(reader, message.template, message.fields)


def refusal_text(reader: Reader, error: AmanatError) -> str:
    """One expected error in the reader's language, without its place."""
    if isinstance(error, ContractRefusal):
        return _contract_text(reader, error)
    if isinstance(error, Refusal):
        return say(reader, error.template, error.fields)
    return reader.worded(str(error))


def problem_body(reader: Reader, error: AmanatError) -> dict[str, Any]:
    """The problem document (RFC 9457) with its `detail` in the reader's language.

    `type`, `title`, `code` and `fields` are for programs and the same in every language.
    """
    body = error.problem()
    if reader.language == "en":
        return body
    if isinstance(error, Refusals):
        body["errors"] = [problem_body(reader, one) for one in error.refusals]
        body["detail"] = "\n".join(one["detail"] for one in body["errors"])
        return body
    body["detail"] = refusal_text(reader, error)
    if isinstance(error, Refusal) and error.place is not None and str(error.place):
        body["detail"] = f"{_isolated(reader, str(error.place))}: {body['detail']}"
    return body


def language_asked(header: str | None) -> str:
    """The language of ours that an Accept-Language (RFC 9110, 12.5.4) prefers; else English."""
    best, quality = "en", 0.0
    for part in (header or "")[:200].split(","):
        found = _QUALITY.fullmatch(part.strip())
        if found is None or found[1].lower() not in texts.LANGUAGES:
            continue
        weight = float(found[2] or 1)
        if weight > quality:
            best, quality = found[1].lower(), weight
    return best


def _contract_text(reader: Reader, error: ContractRefusal) -> str:
    declared = BY_NAME.get(error.name)
    if declared is None:
        return say(reader, error.template, {"message": str(error)})
    kinds = dict(declared.arguments)
    given = error.arguments.items()
    fields = {name: _ledger_argument(name, kinds[name], value) for name, value in given}
    return say(reader, declared.template, fields)


def _ledger_argument(name: str, kind: str, value: Any) -> Any:
    """What a contract carries as a number, as the day, time or term that it stands for."""
    try:
        if kind == "uint256" and name in _DAYS:
            return date_from_business_day(value)
        if kind == "uint256" and name in _TIMES:
            return datetime.fromtimestamp(value, UTC)
        if name == "level" and 1 <= value <= len(Level):
            return Word(Level.numbered(value))
        if name in ("phase", "current_phase") and 1 <= value <= len(Phase):
            return Word(list(Phase)[value - 1])
        if name == "isin":
            return bytes.fromhex(value[2:]).rstrip(b"\0").decode("ascii")
    except (Invalid, OverflowError, OSError, ValueError):
        return str(value)
    return value


def _argument(reader: Reader, name: str, value: Any) -> str:
    """One argument in the reader's words; by its type, else by its name."""
    if isinstance(value, Message):
        return message_text(reader, value)
    if isinstance(value, Word):
        return _term(reader, str(value))
    if isinstance(value, Money):
        return texts.money(value.minor, value.currency)
    if isinstance(value, Face):
        return texts.face(reader.language, value.units, value.currency)
    if isinstance(value, datetime):
        return f"{texts.moment(value.isoformat(), reader.zone)} {reader.zone}"
    if isinstance(value, date):
        return texts.day(value, reader.language)
    if isinstance(value, Enum):
        return _term(reader, str(value.value))
    if isinstance(value, bool):
        return reader.worded("yes" if value else "no")
    if isinstance(value, int) and name not in _ORDINALS:
        return texts.grouped(value)
    if isinstance(value, Decimal):
        return texts.grouped(value)
    return _text(reader, name, str(value))


def _text(reader: Reader, name: str, text: str) -> str:
    if texts.is_day(text):
        return texts.day(text, reader.language)
    if _TIME.fullmatch(text):
        return f"{texts.moment(text, reader.zone)} {reader.zone}"
    if name in _SENTENCES and reader.worded(text) != text:
        return reader.worded(text)
    return _term(reader, text) if name in _TERMS else text


def _term(reader: Reader, text: str) -> str:
    """Terms such as `awaiting_settlement` or `open or closed`, in words."""
    pieces = _JOINED.split(text)
    shown = [reader.worded(one) if _JOINED.fullmatch(one) else _word(reader, one) for one in pieces]
    return "".join(shown)


def _word(reader: Reader, term: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]+", term):
        return term
    words = texts.words(term)
    translated = reader.worded(words)
    if reader.language != "en" and translated != words:
        return translated
    return term.replace("_", " ")


def _isolated(reader: Reader, text: str) -> str:
    """What keeps its own direction within a text that runs right to left."""
    if texts.direction(reader.language) != "rtl" or not text or _ARABIC.search(text):
        return text
    return texts.left_to_right(reader.language, text)
