"""From the files of a folder to a `Pilot`, with every mistake in one answer.

The format, file by file, is described in `pilots/README.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from amanat.core.calendars import Calendar
from amanat.core.errors import Invalid, NotFound, Place, Refusal, Refusals, Refused
from amanat.instruments.model import Terms, terms_from
from amanat.jurisdictions.holidays import load_calendar
from amanat.replay import reading
from amanat.replay.laws import LAWS
from amanat.replay.licensing import FILES as LICENSING_FILES
from amanat.replay.licensing import LICENSING_FILE, read_licensing
from amanat.replay.licensing_laws import findings
from amanat.replay.loading_tenders import read_tenders
from amanat.replay.model import (
    Account,
    Asset,
    CashEntry,
    ExchangeRate,
    HolderClass,
    Institution,
    Instrument,
    Kind,
    Participant,
    Person,
    Pilot,
    Programme,
    TaxRate,
    TaxStanding,
    Trade,
)
from amanat.replay.reading import FieldMissing, Folder, Located, Row
from amanat.replay.supervision import FILES as SUPERVISION_FILES
from amanat.replay.supervision import read_supervision
from amanat.replay.supervision_laws import findings as supervision_findings

PROGRAMME_FILE = "programme.toml"
FILES = (
    PROGRAMME_FILE,
    "instruments.toml",
    "tenders.toml",
    "rates.toml",
    "institutions.csv",
    "people.csv",
    "participants.csv",
    "accounts.csv",
    "tax_status.csv",
    "cash.csv",
    "trades.csv",
    *LICENSING_FILES,
    *SUPERVISION_FILES,
)
"""The files of a pilot; those of licensing only where it licenses, of supervision where it reports.

Tenders name their files of bids, which lie in the same folder.
"""

SECURITIES_FILES = (
    "instruments.toml",
    "tenders.toml",
    "rates.toml",
    "participants.csv",
    "accounts.csv",
    "tax_status.csv",
    "cash.csv",
    "trades.csv",
)
"""Without any of these a pilot that licenses issues nothing; with one of them it needs all."""

Thing = TypeVar("Thing")
_DAY = date(1970, 1, 1)
_CEILING = 2**53 - 1  # stands in for one that cannot be read, and is never passed
_NO_CODES: tuple[str, ...] = ()
_FACTS = ("isin", "cfi", "fisn", "issue_date", "maturity_date", "denomination", "convention")
_BOND_FACTS = ("coupon_rate", "coupons_per_year", "end_of_month", "first_coupon_date")


def load_pilot(path: Path) -> Pilot:
    """The pilot in a folder; nothing is sent or stored.

    Raises every mistake at once: the single refusal itself or `Refusals`, in the order of files
    and lines.  A value that cannot be read is reported and stands aside: the laws are asked about
    all the others, those of its own row included, so that one pass shows every mistake.
    """
    refused = Refused()
    folder = Folder(path, refused)
    folder.open()
    if PROGRAMME_FILE not in folder.texts and not refused.refusals:
        raise reading.FolderNotFound(folder=path, reason=f"it holds no {PROGRAMME_FILE}")
    pilot = _read(folder, refused)
    if pilot is not None:
        partial = _read_in_part(pilot)
        of_rooms = (*findings(pilot), *supervision_findings(pilot))
        for refusal in (*(one for law in LAWS for one in law(pilot)), *of_rooms):
            if _rests_on_what_was_read(refusal, partial):
                refused.add(refusal)
    raise_in_order(refused)
    assert pilot is not None  # without a programme there is a refusal
    return pilot


Partial = Mapping[tuple[str, int], set[str]]


def _read_in_part(pilot: Pilot) -> Partial:
    """The rows of which something could not be read: by file and line, the names of that."""
    rows: list[Any] = [*pilot.tenders, *pilot.trades, *pilot.cash]
    if pilot.licensing is not None:
        rows += [*pilot.licensing.events, *pilot.licensing.providers.values()]
        rows += [*pilot.licensing.published, *pilot.licensing.awaited]
    if pilot.supervision is not None:
        rows += pilot.supervision.rows()
    for tender in pilot.tenders:
        rows += [*tender.bids, *tender.investor_bids]
    places: list[Located] = [row.where for row in rows if row.where.unread]
    return {
        (where.file, line): where.unread
        for where in places
        for line in (where.line, *where.lines.values())
    }


def _rests_on_what_was_read(refusal: Refusal, partial: Partial) -> bool:
    """Whether a law spoke of values that could be read, and not of what stands in for others."""
    place = refusal.place
    if place is None or place.file is None or place.line is None:
        return True
    unread = partial.get((place.file, place.line))
    if unread is None:
        return True
    name = place.field
    # `face` is the value of the column `face_pkr_million`.
    return name is not None and not any(one == name or one.startswith(f"{name}_") for one in unread)


def raise_in_order(refused: Refused) -> None:
    """Raise what was noted, by file and line; the same mistake only once."""
    seen: dict[str, Refusal] = {}
    for refusal in refused.refusals:
        seen.setdefault(str(refusal), refusal)

    def place(refusal: Refusal) -> tuple[int, str, int]:
        where = refusal.place or Place()
        name = where.file or ""
        return (FILES.index(name) if name in FILES else len(FILES), name, where.line or 0)

    ordered = sorted(seen.values(), key=place)
    if len(ordered) == 1:
        raise ordered[0]
    if ordered:
        raise Refusals(ordered)


def _read(folder: Folder, refused: Refused) -> Pilot | None:
    tables = folder.toml(PROGRAMME_FILE)
    heads = _take_tables(tables, "programme")
    if not heads:
        if PROGRAMME_FILE in folder.texts:
            place = Place(file=PROGRAMME_FILE, line=1)
            refused.add(FieldMissing(place=place, name="the table [programme]"))
        return None
    programme = _programme(heads[0])
    calendar = _calendar(programme, refused)
    if calendar is None:
        return None
    classes = _by_code(map(_class, _take_tables(tables, "class")), refused)
    kinds = _by_code(map(_kind, _take_tables(tables, "kind")), refused)
    assets = _by_code(map(_asset, _take_tables(tables, "asset")), refused)
    _note_unknown_tables(PROGRAMME_FILE, tables, refused)
    unread: set[str] = set()
    needed = _issues(folder)
    instruments = _instruments(folder, programme, refused, unread, needed)
    rates = folder.toml("rates.toml", required=needed)
    exchange_rates = tuple(
        _exchange_rate(row, programme.currency) for row in _take_tables(rates, "exchange_rate")
    )
    tax_rates = tuple(map(_tax_rate, _take_tables(rates, "withholding")))
    _note_unknown_tables("rates.toml", rates, refused)
    return Pilot(
        folder=folder.path,
        programme=programme,
        calendar=calendar,
        institutions=_by_code(map(_institution, folder.csv("institutions.csv")), refused),
        people=_by_code(map(_person, folder.csv("people.csv")), refused),
        classes=classes,
        kinds=kinds,
        assets=assets,
        participants=_by_code(
            map(_participant, folder.csv("participants.csv", required=needed)),
            refused,
            "institution",
        ),
        accounts=_by_code(map(_account, folder.csv("accounts.csv", required=needed)), refused),
        tax_standings=tuple(map(_tax_standing, folder.csv("tax_status.csv", required=needed))),
        tax_rates=tax_rates,
        instruments=instruments,
        tenders=_each_once(
            read_tenders(folder, programme.currency, instruments, required=needed), refused
        ),
        trades=_each_once(
            (_trade(row, programme.currency) for row in folder.csv("trades.csv", required=needed)),
            refused,
        ),
        cash=tuple(
            _cash(row, programme.currency) for row in folder.csv("cash.csv", required=needed)
        ),
        exchange_rates=exchange_rates,
        licensing=read_licensing(folder, programme.currency, programme.jurisdiction, refused),
        supervision=read_supervision(folder, programme.currency, refused),
        unread=frozenset(unread),
    )


def _issues(folder: Folder) -> bool:
    """Whether a pilot has securities: one that licenses may do without their files."""
    any_of_them = any(name in folder.texts for name in SECURITIES_FILES)
    return any_of_them or LICENSING_FILE not in folder.texts


def _take_tables(tables: dict[str, list[Row]], name: str) -> list[Row]:
    return tables.pop(name, [])


def _note_unknown_tables(file: str, tables: Mapping[str, list[Row]], refused: Refused) -> None:
    for name, rows in tables.items():
        place = rows[0].where.of() if rows else Place(file=file)
        refused.add(
            reading.FieldUnknown(place=place, name=f"[{name}]", known="those of the reference")
        )


def _by_code(things: Iterable[Thing], refused: Refused, name: str = "code") -> dict[str, Thing]:
    """Things by their code, each given once; `DuplicateCode` for the second."""
    found: dict[str, Thing] = {}
    for thing in things:
        key = str(getattr(thing, name))
        first = found.setdefault(key, thing)
        if first is not thing and key:
            where = thing.where  # type: ignore[attr-defined]
            line = first.where.line  # type: ignore[attr-defined]
            refused.add(DuplicateCode(place=where.of(name), name=name, value=key, first=line))
    return found


class DuplicateCode(Invalid):
    """Codes, ISINs and references are given once."""

    template = "{name} {value} is given twice; first on line {first}."


def _each_once(things: Iterable[Thing], refused: Refused) -> tuple[Thing, ...]:
    """Things by their code, each given once; those whose code could not be read stay as well."""
    every = list(things)
    nameless = [one for one in every if not one.code]  # type: ignore[attr-defined]
    named = _by_code((one for one in every if one not in nameless), refused)
    return (*named.values(), *nameless)


def _calendar(programme: Programme, refused: Refused) -> Calendar | None:
    try:
        return load_calendar(programme.jurisdiction)
    except NotFound as refusal:
        refused.add(refusal.at(programme.where.of("jurisdiction")))
        return None


def _programme(row: Row) -> Programme:
    found = Programme(
        code=row.take("code", reading.code, "unnamed"),
        title=row.take("title", reading.text, ""),
        jurisdiction=row.take("jurisdiction", reading.code, "pk"),
        currency=row.take("currency", _currency, "PKR"),
        zone=row.take("zone", reading.text, "UTC"),
        ceiling_usd_cents=row.take("ceiling", reading.amount_in("USD", minor=True), _CEILING),
        simulation=row.take("simulation", reading.flag, False),
        redemption_frees_headroom=row.take("redemption_frees_headroom", reading.flag, False),
        first_day=row.take("first_day", reading.day, _DAY),
        last_day=row.take("last_day", reading.day, date.max),
        bidding_window_seconds=row.take("bidding_window_seconds", _window, 4),
        where=row.where,
    )
    row.finish()
    return found


def _currency(value: Any) -> str:
    if not isinstance(value, str) or len(value) != 3 or not value.isupper():
        raise ValueError("a currency is three capital letters")
    return value


def _window(value: Any) -> int:
    seconds = reading.natural(value)
    if not 2 <= seconds <= 3600:
        raise ValueError("a bidding window lasts 2 to 3600 seconds of block time")
    return seconds


def _class(row: Row) -> HolderClass:
    found = HolderClass(
        code=row.take("code", reading.code, ""),
        name=row.take("name", reading.text, ""),
        authority=row.take("authority", reading.code, ""),
        where=row.where,
    )
    row.finish()
    return found


def _kind(row: Row) -> Kind:
    found = Kind(
        code=row.take("code", reading.code, ""),
        name=row.take("name", reading.text, ""),
        clearances=row.take_or("clearances", reading.codes, ()),
        agents=row.take_or("agents", reading.codes, ()),
        where=row.where,
    )
    row.finish()
    return found


def _asset(row: Row) -> Asset:
    found = Asset(
        code=row.take("code", reading.code, ""),
        kind=row.take("kind", reading.code, ""),
        description=row.take("description", reading.text, ""),
        place=row.take("place", reading.text, ""),
        evidence_kind=row.take("evidence_kind", reading.code, ""),
        document=row.take("document", reading.text, ""),
        issued_on=row.take("issued_on", reading.day, _DAY),
        expires_on=row.take_or("expires_on", reading.day, None),
        where=row.where,
    )
    row.finish()
    return found


def _institution(row: Row) -> Institution:
    found = Institution(
        code=row.take("code", reading.code, ""),
        name=row.take("name", reading.text, ""),
        number=row.take("number", reading.natural, 0),
        capacities=frozenset(row.take("capacities", _capacities, _NO_CODES)),
        proposes=row.take("proposes", reading.code, ""),
        approves=row.take("approves", reading.codes, ()),
        where=row.where,
    )
    row.finish()
    return found


def _capacities(value: Any) -> tuple[str, ...]:
    words = value.split() if isinstance(value, str) else []
    for word in words:
        for part in word.split("."):  # `clears.debt_law`
            reading.code(part)
    return tuple(words)


def _person(row: Row) -> Person:
    found = Person(
        code=row.take("code", reading.code, ""),
        institution=row.take("institution", reading.code, ""),
        role=row.take("role", reading.code, ""),
        where=row.where,
    )
    row.finish()
    return found


def _participant(row: Row) -> Participant:
    found = Participant(
        institution=row.take("institution", reading.code, ""),
        holder_class=row.take("class", reading.code, ""),
        country=row.take("country", reading.text, ""),
        valid_until=row.take("valid_until", reading.day, _DAY),
        where=row.where,
    )
    row.finish()
    return found


def _account(row: Row) -> Account:
    found = Account(
        code=row.take("code", reading.code, ""),
        participant=row.take("participant", reading.code, ""),
        kind=row.take("kind", reading.code, ""),
        holder=row.take_or("holder", reading.text, ""),
        holder_class=row.take("holder_class", reading.code, ""),
        residency=row.take("residency", reading.text, ""),
        where=row.where,
    )
    row.finish()
    return found


def _tax_standing(row: Row) -> TaxStanding:
    found = TaxStanding(
        account=row.take("account", reading.code, ""),
        active=row.take("active_taxpayer", reading.flag, False),
        first_day=row.take("first_day", reading.day, _DAY),
        last_day=row.take_or("last_day", reading.day, None),
        certificate=row.take_or("certificate", reading.code, ""),
        certificate_number=row.take_or("certificate_number", reading.text, ""),
        reduced_rate=row.take_or("reduced_rate", reading.percent, None),
        source=row.take("source", reading.text, ""),
        where=row.where,
    )
    row.finish()
    return found


def _sourced(row: Row) -> tuple[str, bool]:
    """A source and whether the figure is assumed; one of the two must stand there."""
    source = row.take_or("source", reading.text, "")
    assumed = row.take_or("assumed", reading.flag, False)
    if not source and not assumed:
        row.note(None, FieldMissing(name="source, or assumed = true,"))
    return source or "assumed", assumed


def _exchange_rate(row: Row, currency: str) -> ExchangeRate:
    source, assumed = _sourced(row)
    found = ExchangeRate(
        on=row.take("day", reading.day, _DAY),
        per_usd=row.take(f"{currency.lower()}_per_usd", _positive, Decimal(1)),
        source=source,
        assumed=assumed,
        where=row.where,
    )
    row.finish()
    return found


def _positive(value: Any) -> Decimal:
    found = reading.number(value)
    if found <= 0:
        raise ValueError("it is above zero")
    return found


def _tax_rate(row: Row) -> TaxRate:
    source, assumed = _sourced(row)
    found = TaxRate(
        instrument=row.take_or("instrument", reading.code, "government_security"),
        holder_classes=row.take("holder_classes", reading.codes, _NO_CODES),
        first_day=row.take("first_day", reading.day, _DAY),
        last_day=row.take("last_day", reading.day, _DAY),
        active_percent=row.take("active_percent", reading.percent, Decimal(0)),
        inactive_percent=row.take("inactive_percent", reading.percent, Decimal(0)),
        final=row.take_or("final", reading.flag, False),
        source=source,
        assumed=assumed,
        where=row.where,
    )
    row.finish()
    return found


def _instruments(
    folder: Folder, programme: Programme, refused: Refused, unread: set[str], needed: bool
) -> dict[str, Instrument]:
    tables = folder.toml("instruments.toml", required=needed)
    rows = _take_tables(tables, "instrument")
    _note_unknown_tables("instruments.toml", tables, refused)
    found = []
    for row in rows:
        isin = row.peek("isin")
        one = _instrument(row, programme)
        if one is None:
            unread.add(isin)
        else:
            found.append(one)
    return _by_code(found, refused, "isin")


def _instrument(row: Row, programme: Programme) -> Instrument | None:
    terms = _terms(row, programme)
    asset = row.take("asset", reading.code, "")
    classes = row.take("classes", reading.codes, _NO_CODES)
    authorised = row.take("authorised", reading.amount_in(programme.currency), 0)
    authorised_on = row.take("authorised_on", reading.day, _DAY)
    expires_on = row.take("expires_on", reading.day, _DAY)
    authority = row.take("authority", reading.text, "")
    row.take_or("assumed", lambda value: value, ())  # for people: which of these are not sourced
    row.finish()
    if terms is None:
        return None
    return Instrument(
        terms, asset, classes, authorised, authorised_on, authority, expires_on, row.where
    )


def _terms(row: Row, programme: Programme) -> Terms | None:
    facts: dict[str, Any] = {"currency": programme.currency, "calendar": programme.jurisdiction}
    facts["kind"] = row.take("kind", reading.code, "bond")
    names = _FACTS + (_BOND_FACTS if facts["kind"] == "bond" else ())
    for name in names:
        if row.has(name):
            facts[name] = row.take(name, _same, None)
    try:
        return terms_from(facts)
    except Refusal as refusal:
        _note_terms(row, [refusal])
    except Refusals as refusals:
        _note_terms(row, refusals.refusals)
    return None


def _same(value: Any) -> Any:
    return value


def _note_terms(row: Row, refusals: Iterable[Refusal]) -> None:
    for refusal in refusals:
        row.note(refusal.place.field if refusal.place else None, refusal)


def _trade(row: Row, currency: str) -> Trade:
    settles_on = row.take("settlement_date", reading.day, _DAY)
    found = Trade(
        code=row.take("trade", reading.code, ""),
        traded_on=row.take("trade_date", reading.day, _DAY),
        settles_on=settles_on,
        last_day=row.take_or("last_day", reading.day, settles_on),
        isin=row.take("isin", reading.text, ""),
        seller=row.take("seller", reading.code, ""),
        buyer=row.take("buyer", reading.code, ""),
        nominal=reading.take_amount(row, "face", currency),
        price=row.take("price", _positive, Decimal(100)),
        cycle=row.take_or("cycle", reading.code, ""),
        note=row.take_or("note", reading.text, ""),
        where=row.where,
    )
    row.finish()
    return found


def _cash(row: Row, currency: str) -> CashEntry:
    found = CashEntry(
        on=row.take("day", reading.day, _DAY),
        account=row.take("account", reading.code, ""),
        paisa=reading.take_amount(row, "amount", currency, minor=True),
        reference=row.take("rtgs_reference", reading.text, ""),
        withdraws=row.take("direction", _direction, False),
        where=row.where,
    )
    row.finish()
    return found


def _direction(value: Any) -> bool:
    if value not in ("create", "withdraw"):
        raise ValueError("it is neither create nor withdraw")
    return bool(value == "withdraw")
