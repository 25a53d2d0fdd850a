"""Reads what a pilot says about licensing: `licensing.toml`, `providers.csv`, `published.csv`.

The format is described in `pilots/README.md`.  A pilot without `licensing.toml` licenses nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from amanat.core.errors import NotFound, Place, Refused
from amanat.jurisdictions.licensing import load_licensing
from amanat.licensing.model import SCORE_MAX
from amanat.licensing.openness.commands import AgreementKind
from amanat.replay import reading
from amanat.replay.licensing_model import (
    Agreement,
    Application,
    Attempt,
    Awaited,
    Confirmation,
    Decision,
    Event,
    Handover,
    Licence,
    Licensing,
    Provider,
    Published,
    Question,
    Review,
    Said,
    Suspension,
    What,
)
from amanat.replay.loading_tenders import word
from amanat.replay.reading import FieldMissing, FieldUnknown, Folder, Located, Row

LICENSING_FILE = "licensing.toml"
PROVIDERS_FILE = "providers.csv"
PUBLISHED_FILE = "published.csv"
FILES = (LICENSING_FILE, PROVIDERS_FILE, PUBLISHED_FILE)
ABSENT = "absent"
"""The status of whoever is not on the register yet."""

_DAY = date(1970, 1, 1)
_NOTHING: tuple[str, ...] = ()


def read_licensing(
    folder: Folder, currency: str, jurisdiction: str, refused: Refused
) -> Licensing | None:
    """The licensing of a pilot; None where it has none, or nothing that can be read."""
    if LICENSING_FILE not in folder.texts:
        return None
    tables = folder.toml(LICENSING_FILE)
    heads = tables.pop("licensing", [])
    if not heads:
        place = Place(file=LICENSING_FILE, line=1)
        refused.add(FieldMissing(place=place, name="the table [licensing]"))
    head = heads[0] if heads else Row({}, Located(LICENSING_FILE, 1), Refused())
    try:
        pack = load_licensing(head.take_or("pack", reading.code, jurisdiction))
    except NotFound as refusal:
        refused.add(refusal.at(head.where.of("pack")))
        return None
    counts: Counter[str] = Counter()
    found = Licensing(
        pack=pack,
        authority=head.take("authority", reading.code, ""),
        recommends=head.take("recommends", reading.code, ""),
        decides=head.take("decides", reading.code, ""),
        providers=_providers(folder, refused),
        events=tuple(_event(row, counts, currency) for row in tables.pop("event", [])),
        agreements=tuple(_agreement(row) for row in tables.pop("agreement", [])),
        awaited=tuple(_awaited(row) for row in tables.pop("awaited", [])),
        published=tuple(_published(row) for row in folder.csv(PUBLISHED_FILE)),
        where=head.where,
    )
    head.finish()
    for name, rows in tables.items():
        place = rows[0].where.of() if rows else Place(file=LICENSING_FILE)
        refused.add(FieldUnknown(place=place, name=f"[{name}]", known="those of the reference"))
    return found


def _providers(folder: Folder, refused: Refused) -> dict[str, Provider]:
    found: dict[str, Provider] = {}
    for row in folder.csv(PROVIDERS_FILE):
        one = Provider(
            code=row.take("institution", reading.code, ""),
            country=row.take("country", _country, ""),
            invented=row.take("invented", reading.flag, False),
            assumed=row.take_or("assumed", reading.flag, False),
            source=row.take_or("source", reading.text, ""),
            where=row.where,
        )
        row.finish()
        first = found.setdefault(one.code, one)
        if first is not one and one.code:
            reason = f"it is given on line {first.where.line} already"
            wrong = reading.ValueWrong(name="institution", value=one.code, reason=reason)
            refused.add(wrong.at(one.where.of("institution")))
    return found


def _country(value: Any) -> str:
    if not isinstance(value, str) or len(value) != 2 or not value.isalpha() or value.islower():
        raise ValueError("a country is two capital letters (ISO 3166-1)")
    return value


# -- events ---------------------------------------------------------------------------------------


def _event(row: Row, counts: Counter[str], currency: str) -> Event:
    what = row.take("what", What, None)
    provider = row.take("provider", reading.code, "")
    counts[provider] += 1
    on = row.take("on", reading.day, _DAY)
    during = row.take_or("during", reading.code, "")
    source = row.take_or("source", reading.text, "")
    said: Said = Question("", "")
    if what is not None:
        said = _READS[what](row, currency, on)
        row.finish()
    code = f"{provider}/{counts[provider]}"
    return Event(code, on, what or What.ASK, provider, during, said, source, row.where)


def _application(row: Row, _currency: str, _on: date) -> Said:
    return Application(
        kind=row.take("file", reading.code, ""),
        categories=row.take("categories", reading.codes, _NOTHING),
    )


def _question(row: Row, _currency: str, _on: date) -> Said:
    return Question(row.take("file", reading.code, ""), row.take("text", reading.text, ""))


def _review(row: Row, _currency: str, _on: date) -> Said:
    return Review(
        kind=row.take("file", reading.code, ""),
        scores=row.take("scores", _scores, {}),
        consulted=row.take_or("consulted", reading.codes, _NOTHING),
        outcome=row.take("recommended", _outcome, ""),
        conditions=row.take_or("conditions", reading.codes, _NOTHING),
        rationale=row.take("rationale", reading.text, ""),
    )


def _decision(row: Row, _currency: str, _on: date) -> Said:
    return Decision(
        kind=row.take("file", reading.code, ""),
        outcome=row.take("outcome", _outcome, ""),
        conditions=row.take_or("conditions", reading.codes, _NOTHING),
        reasons=row.take("reasons", reading.text, ""),
        criteria=row.take("criteria", reading.text, ""),
        conflicts=row.take("conflicts", reading.text, ""),
    )


def _confirmation(row: Row, currency: str, on: date) -> Said:
    amount = row.take_or("amount", reading.amount_in(currency, minor=True), -1)
    return Confirmation(
        fact=row.take("fact", reading.code, ""),
        reference=row.take("reference", reading.text, ""),
        category=row.take_or("category", reading.code, None),
        amount=None if amount < 0 else amount,
        entity=row.take_or("entity", _entity, None),
        entity_name=row.take_or("entity_name", reading.text, None),
        registration=row.take_or("registration", reading.text, None),
        valid_from=row.take_or("valid_from", reading.day, on),
    )


def _handover(row: Row, _currency: str, _on: date) -> Said:
    return Handover(
        entity=row.take("entity", _entity, ""),
        entity_name=row.take("entity_name", reading.text, ""),
        registration=row.take("registration", reading.text, ""),
        first_day=row.take("first_day", reading.day, _DAY),
    )


def _licence(row: Row, _currency: str, _on: date) -> Said:
    return Licence(
        category=row.take("category", reading.code, ""),
        valid_until=row.take("valid_until", reading.day, date.max),
        conditions=row.take_or("conditions", reading.codes, _NOTHING),
    )


def _suspension(row: Row, _currency: str, _on: date) -> Said:
    return Suspension(
        level=row.take("level", reading.code, ""),
        category=row.take_or("category", reading.code, None),
        reason=row.take("reason", reading.text, ""),
    )


def _attempt(row: Row, currency: str, _on: date) -> Said:
    return Attempt(
        activity=row.take("activity", reading.code, ""),
        category=row.take_or("category", reading.code, None),
        expects=row.take("expects", reading.text, ""),
        names=row.take_or("names", _texts, _NOTHING),
        isin=row.take_or("isin", reading.text, ""),
        account=row.take_or("account", reading.code, ""),
        nominal=row.take_or("face", reading.amount_in(currency), 0),
    )


_READS: Mapping[What, Callable[[Row, str, date], Said]] = {
    What.APPLY: _application,
    What.ASK: _question,
    What.REVIEW: _review,
    What.DECIDE: _decision,
    What.CONFIRM: _confirmation,
    What.HAND_OVER: _handover,
    What.LICENSE: _licence,
    What.SUSPEND: _suspension,
    What.TRY: _attempt,
}


def _scores(value: Any) -> dict[str, int]:
    if not isinstance(value, dict) or not value:
        raise ValueError("expected scores by area, as { governance = 4 }")
    for area, score in value.items():
        reading.code(area)
        if isinstance(score, bool) or not isinstance(score, int) or not 0 <= score <= SCORE_MAX:
            raise ValueError(f"the score of {area} is a whole number from 0 to {SCORE_MAX}")
    return dict(value)


def _one_of(*known: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in known:
            raise ValueError(f"expected {' or '.join(known)}")
        return str(value)

    return read


_outcome = _one_of("grant", "refuse")
_entity = _one_of("foreign", "local")


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("expected a list of texts")
    return tuple(reading.text(one) for one in value)


# -- what was published ---------------------------------------------------------------------------


def _agreement(row: Row) -> Agreement:
    up_to = row.take_or("up_to", reading.amount_in("USD", minor=True), -1)
    found = Agreement(
        code=row.take("code", reading.code, ""),
        party=row.take("party", reading.code, ""),
        title=row.take("title", reading.text, ""),
        kind=row.take("kind", word(AgreementKind), AgreementKind.OTHER),
        binding=row.take("binding", reading.flag, False),
        advises=row.take("advises", reading.flag, False),
        scope=row.take("scope", reading.text, ""),
        up_to_usd_cents=None if up_to < 0 else up_to,
        signed_on=row.take("signed_on", reading.day, _DAY),
        source=row.take("source", reading.text, ""),
        where=row.where,
    )
    row.finish()
    return found


def _awaited(row: Row) -> Awaited:
    found = Awaited(
        provider=row.take("provider", reading.code, ""),
        what=row.take("what", reading.text, ""),
        section=row.take("section", _section, ""),
        source=row.take_or("source", reading.text, ""),
        where=row.where,
    )
    row.finish()
    return found


def _section(value: Any) -> str:
    for part in str(value).split("."):
        reading.code(part)
    return str(value)


def _published(row: Row) -> Published:
    permits = row.take_or("permits", reading.text, "")
    found = Published(
        on=row.take("day", reading.day, _DAY),
        provider=row.take("provider", reading.code, ""),
        status=row.take("status", reading.code, ""),
        permits=tuple(one.strip() for one in permits.split(";") if one.strip()),
        source=row.take("source", reading.text, ""),
        where=row.where,
    )
    row.finish()
    return found
