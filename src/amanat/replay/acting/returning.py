"""Makes the returns of a pilot's exchanges from its files, and sends each as that exchange.

A return is made with its control totals and balances and taken in as the API takes it in: by an
officer of the exchange, whole or not at all.  Balances roll over the whole pilot, so that what one
return closes with is what the next one opens with.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from amanat.core.canonical import canonical_bytes
from amanat.replay.acting.kept import keep, kept_of
from amanat.replay.performing import Performer, ReplayStopped
from amanat.replay.plan import Step
from amanat.replay.supervision_model import (
    BANK,
    Breaks,
    Customer,
    Does,
    Event,
    Supervision,
    Transfer,
)
from amanat.supervision.returns.intake import ReturnRefused
from amanat.supervision.returns.specification import (
    ACCOUNTS,
    BALANCES,
    MANIFEST,
    PARTIES,
    TRANSACTIONS,
    TRAVEL_RULE,
)
from amanat.supervision.returns.tables import refused
from amanat.supervision.returns.writing import write_manifest, write_return

ACCEPTED, REFUSED = "accepted", "refused"
_COUNTRY = "PK"
_MINOR = -2
Records = dict[str, list[dict[str, Any]]]


def supervision_of(performer: Performer) -> Supervision:
    """The pilot's supervision; raises `ReplayStopped` where it has none."""
    found = performer.pilot.supervision
    if found is None:
        raise ReplayStopped("this pilot supervises nobody")
    return found


def send(performer: Performer, step: Step, event: Event) -> None:
    """Send one return; one that is broken on purpose must be refused, every other accepted."""
    if step.key in kept_of(performer):
        return
    said, intake = supervision_of(performer), performer.application.intake
    exchange = str(event.said["exchange"])
    actor = performer.actor(performer.pilot.institutions[exchange].proposes)
    intake.require_may_send(actor)
    with tempfile.TemporaryDirectory() as written, intake.incoming() as place:
        folder = Path(written)
        _write(folder, said, event)
        digest = _digest_of(folder)
        for one in folder.iterdir():
            place.put(one)
        if "breaks" not in event.said:
            receipt = intake.take(actor, place)
            keep(performer, step, {"state": ACCEPTED, **receipt})
            return
        # A run that was killed after the refusal, and before it was kept here, has it already.
        errors = _refused_before(performer, exchange, digest)
        if errors is None:
            try:
                intake.take(actor, place)
            except ReturnRefused as refusal:
                errors = dict(refusal.by_rule)
        if errors is None:
            raise ReplayStopped(f"{step.key}: a broken return was accepted")
        keep(performer, step, {"state": REFUSED, "digest": digest, "by_rule": errors})


def _digest_of(folder: Path) -> str:
    """The digest by which intake knows a return: of what its manifest says."""
    said = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return hashlib.sha256(canonical_bytes(said)).hexdigest()


def _refused_before(performer: Performer, exchange: str, digest: str) -> dict[str, int] | None:
    with performer.application.store.reading() as connection:
        found = connection.execute(
            sql.select(refused.c.by_rule).where(
                refused.c.programme == performer.programme,
                refused.c.exchange == exchange,
                refused.c.digest == digest,
            )
        ).scalar_one_or_none()
    return None if found is None else dict(found)


def sequence_of(said: Supervision, event: Event) -> int:
    """The number of a return: those that its exchange sent before and that were accepted, and 1."""
    number = 1
    for one in said.events:
        if one is event:
            break
        same = one.does is Does.SEND and one.said.get("exchange") == event.said["exchange"]
        number += same and "breaks" not in one.said
    return number


def _corrected(said: Supervision, event: Event) -> Event:
    """The return of the same days that this one corrects."""
    period = {name: event.said[name] for name in ("exchange", "first_day", "last_day")}
    found = [
        one
        for one in said.events[: said.events.index(event)]
        if one.does is Does.SEND
        and "breaks" not in one.said
        and all(one.said.get(name) == value for name, value in period.items())
    ]
    if not found:
        raise ReplayStopped(f"event {event.code} corrects a return that was not sent")
    return found[-1]


def _write(folder: Path, said: Supervision, event: Event) -> None:
    exchange = said.exchanges[str(event.said["exchange"])]
    days: tuple[date, date] = (event.said["first_day"], event.said["last_day"])
    records = records_of(said, exchange.code, days, event.said.get("without", ()))
    breaks = event.said.get("breaks")
    if breaks == Breaks.TWICE:
        records[TRANSACTIONS.name].append(records[TRANSACTIONS.name][0])
    if breaks == Breaks.PAISA:
        for row in records[TRANSACTIONS.name]:
            row["value"] = row["value"].scaleb(-_MINOR)
    corrects: Mapping[str, Any] | None = None
    if "corrects" in event.said:
        former = sequence_of(said, _corrected(said, event))
        corrects = {"sequence": former, "scope": "whole", "reason": event.said["corrects"]}
    write_return(
        folder,
        exchange.code,
        sequence_of(said, event),
        days,
        records,
        format=exchange.format,
        corrects=corrects,
    )
    if breaks == Breaks.TOTALS:
        _spoil_totals(folder)


def _spoil_totals(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    stated = Decimal(manifest["totals"]["value"])
    manifest["totals"] |= {"value": str(stated + 1), "minor": f"{(stated + 1).scaleb(2):.0f}"}
    write_manifest(folder, manifest)


# -- records --------------------------------------------------------------------------------------


def records_of(
    said: Supervision, exchange: str, days: tuple[date, date], without: Sequence[str] = ()
) -> Records:
    """What an exchange reports of some days, but for the transfers that it leaves out."""
    first, last = days
    customers = [
        one for one in said.customers.values() if one.exchange == exchange and one.opened <= last
    ]
    own = {one.code for one in customers}
    moved = [one for one in said.transfers.values() if own.intersection(one.sides)]
    of_days = [
        one for one in moved if first <= one.at.date() <= last and one.code not in set(without)
    ]
    return {
        PARTIES.name: _parties(said, customers),
        ACCOUNTS.name: [
            {
                "account": one.code,
                "party": one.person,
                "kind": "customer",
                "opened": one.opened,
                "state": "active",
            }
            for one in customers
        ],
        TRANSACTIONS.name: [_transaction(said, exchange, one) for one in of_days],
        BALANCES.name: _balances(customers, moved, of_days, first),
        TRAVEL_RULE.name: [_message(said, own, one) for one in of_days if one.travel_rule],
    }


def _message(said: Supervision, own: set[str], one: Transfer) -> dict[str, Any]:
    """The message about a transfer between exchanges, as one of the two has it."""
    sent = one.sender in own
    other = said.customers[one.receiver if sent else one.sender]
    return {
        "reference": one.travel_rule,
        "direction": "sent" if sent else "received",
        "protocol": "trp",
        "standard": "ivms101-2023",
        "counterparty": other.exchange,
        "counterparty_country": _COUNTRY,
        "at": one.at.astimezone(UTC),
        "state": "accepted",
    }


def _parties(said: Supervision, customers: Sequence[Customer]) -> list[dict[str, Any]]:
    persons = [said.persons[code] for code in dict.fromkeys(one.person for one in customers)]
    return [
        {
            "party": one.code,
            "kind": "natural",
            "name": one.name,
            "name_latin": one.name,
            "father_name": one.father_name,
            "born": one.born,
            "document_type": "cnic",
            "document_country": _COUNTRY,
            "document_number": one.cnic,
            "nationality": _COUNTRY,
            "residence": _COUNTRY,
            "telephone": one.telephone,
            "address": one.address,
            "district": one.district,
            "politically_exposed": False,
        }
        for one in persons
    ]


def _transaction(said: Supervision, exchange: str, one: Transfer) -> dict[str, Any]:
    amount = Decimal(one.amount).scaleb(_MINOR)
    kind = "transfer"
    if one.sender == BANK:
        kind = "fiat_in"
    elif one.receiver == BANK:
        kind = "fiat_out"
    row = {
        "reference": one.code,
        "at": one.at.astimezone(UTC),
        "kind": kind,
        "asset": "PKR",
        "quantity": amount,
        "value": amount,
        "cash": one.cash,
    }
    if one.travel_rule:
        row["travel_rule"] = one.travel_rule
    inside = said.customers[one.sides[0]]
    for way, side in (("from", one.sender), ("to", one.receiver)):
        if side == BANK:
            row |= {f"{way}_keeper": BANK, f"{way}_account": inside.iban}
            row[f"{way}_country"] = _COUNTRY
            continue
        keeper = said.customers[side].exchange
        row |= {f"{way}_keeper": "own" if keeper == exchange else keeper, f"{way}_account": side}
        if keeper != exchange:
            row[f"{way}_country"] = _COUNTRY
    return row


def _balances(
    customers: Sequence[Customer],
    moved: Sequence[Transfer],
    of_days: Sequence[Transfer],
    first: date,
) -> list[dict[str, Any]]:
    """What each account had: at the pilot's beginning enough for all that it ever sends."""
    own = {one.code for one in customers}
    runs: dict[str, int] = defaultdict(int)
    least: dict[str, int] = defaultdict(int)
    opening: dict[str, int] = {}
    for one in moved:
        if one.at.date() >= first:
            break
        _move(runs, one, own)
    opening = dict(runs)
    total: dict[str, int] = defaultdict(int)
    for one in moved:
        _move(total, one, own)
        for side in own.intersection(one.sides):
            least[side] = min(least[side], total[side])
    change: dict[str, int] = defaultdict(int)
    for one in of_days:
        _move(change, one, own)
    return [
        {
            "account": code,
            "asset": "PKR",
            "opening": Decimal(opening.get(code, 0) - least[code]).scaleb(_MINOR),
            "closing": Decimal(opening.get(code, 0) - least[code] + change[code]).scaleb(_MINOR),
        }
        for code in (one.code for one in customers)
    ]


def _move(held: dict[str, int], one: Transfer, own: set[str]) -> None:
    if one.sender in own:
        held[one.sender] -= one.amount
    if one.receiver in own:
        held[one.receiver] += one.amount


def closing_of(said: Supervision, exchange: str, account: str, day: date) -> int:
    """What an account holds at the end of a day, in minor units, by its exchange's books."""
    row = next(
        one
        for one in records_of(said, exchange, (day, day))[BALANCES.name]
        if one["account"] == account
    )
    return int(row["closing"].scaleb(-_MINOR))
