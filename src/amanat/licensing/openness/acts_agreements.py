"""The register of agreements: criteria before a selection, what was agreed, who was not chosen."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.access.tables import institution
from amanat.core.errors import Invalid, NotFound, Place, Refusal, Refused
from amanat.core.ids import new_id
from amanat.core.money import MINOR_DIGITS, UnknownCurrency, money_text
from amanat.ledger.orders import next_numbers
from amanat.licensing.openness import events
from amanat.licensing.openness.commands import (
    EndAgreement,
    NameParty,
    PublishAgreement,
    PublishCriteria,
)
from amanat.licensing.openness.grounds import ADVISES, advisers
from amanat.licensing.openness.tables import agreement, agreement_party, selection
from amanat.licensing.ordering import written
from amanat.licensing.register.book import note_provider
from amanat.participants.acts_people import second_person
from amanat.participants.signing import AUTHORITY

MAKES_AGREEMENTS = (AUTHORITY, "issuer")
"""Who agrees on the programme's behalf: who licenses, and the issuer."""


class CriteriaTooLate(Invalid):
    """By what a party is chosen is published before it is chosen."""

    template: ClassVar[str] = (
        "The criteria {selection} were published on {published_on}, not before {signed_on}."
    )


class SelectionUnclear(Invalid):
    """An agreement says by which criteria its party was chosen, or why nobody else was asked."""

    template: ClassVar[str] = "Give the selection, or why there was none: one of the two."


class TextDigestDiffers(Invalid):
    """A published text is the one that was signed."""

    template: ClassVar[str] = "The text has the SHA-256 {found}, not {digest}."


class AgreementDatesDisorderly(Invalid):
    """An agreement is entered once it is signed, and ends no earlier than it begins."""

    template: ClassVar[str] = "An agreement signed on {signed_on} cannot run to {last_day}."


class AmountUnclear(Invalid):
    """An amount has its currency, and a currency its amount."""

    template: ClassVar[str] = "Give amount and currency together, or neither."


class AgreementOver(Refusal):
    """An agreement ends once."""

    template: ClassVar[str] = "{agreement} has been over since {ended_on}."


def _ask(_command: PublishCriteria, context: ActContext) -> Ask:
    """A second person of the institution that selects."""
    return second_person(context, "agreements:selection")


@act(capacities=MAKES_AGREEMENTS, approvals=_ask)
def publish_criteria(command: PublishCriteria, context: ActContext) -> Result:
    """Publish criteria; they stand as they are."""
    number = _next_number(context, "SEL")
    entry = context.uow.journal.append(
        events.CRITERIA_PUBLISHED,
        {"selection": number, "title": command.title, "criteria": command.criteria},
        subject=f"agreement:{number}",
    )
    context.uow.connection.execute(
        selection.insert().values(
            id=new_id(),
            programme=context.programme,
            number=number,
            title=command.title,
            criteria=command.criteria,
            **written(context, entry),
        )
    )
    return {"selection": number, "entry": entry}


def _next_number(context: ActContext, prefix: str) -> str:
    year = context.business_date.year
    place = f"licensing:{context.programme}:{prefix}:{year}"
    return f"{prefix}-{year}-{next_numbers(context.uow.connection, place, 1, 1):04d}"


# -- entering -------------------------------------------------------------------------------------


def _ask_agreement(command: PublishAgreement, context: ActContext) -> Ask:
    """A second person of the institution that agreed."""
    _check_agreement(command, context)
    return second_person(context, "agreements:new")


def _check_agreement(command: PublishAgreement, context: ActContext) -> None:
    """Refuse, all at once, what does not fit together."""
    refused = Refused()
    _check_dates(command, context.business_date, refused)
    if (command.amount is None) != (command.currency is None):
        refused.add(AmountUnclear(place=Place(field="amount")))
    if command.currency is not None and command.currency not in MINOR_DIGITS:
        refused.add(UnknownCurrency(place=Place(field="currency"), currency=command.currency))
    if command.text is not None:
        found = hashlib.sha256(command.text.encode()).hexdigest()
        if found != command.digest:
            refused.add(
                TextDigestDiffers(place=Place(field="digest"), found=found, digest=command.digest)
            )
    if (command.selection is None) == (command.no_selection is None):
        refused.add(SelectionUnclear(place=Place(field="selection")))
    if command.selection is not None:
        _check_selection(command, context, refused)
    for position, one in enumerate(command.parties):
        if one.party is not None and not _known(context, one.party):
            place = Place(field=f"parties.{position}.party")
            refused.add(NotFound(place=place, thing="institution", value=one.party))
    refused.raise_if_any()


def _check_dates(command: PublishAgreement, today: date, refused: Refused) -> None:
    last = command.last_day
    if command.signed_on > today or (last is not None and last < command.first_day):
        refused.add(
            AgreementDatesDisorderly(
                place=Place(field="signed_on"),
                signed_on=command.signed_on,
                last_day=last or command.first_day,
            )
        )


def _check_selection(command: PublishAgreement, context: ActContext, refused: Refused) -> None:
    row = context.uow.connection.execute(
        sql.select(selection).where(
            selection.c.programme == context.programme, selection.c.number == command.selection
        )
    ).one_or_none()
    place = Place(field="selection")
    if row is None:
        refused.add(NotFound(place=place, thing="selection", value=command.selection))
    elif row.recorded_on >= command.signed_on.isoformat():
        refused.add(
            CriteriaTooLate(
                place=place,
                selection=row.number,
                published_on=date.fromisoformat(row.recorded_on),
                signed_on=command.signed_on,
            )
        )


def _known(context: ActContext, code: str) -> bool:
    found = context.uow.connection.execute(
        sql.select(institution.c.code).where(
            institution.c.programme == context.programme, institution.c.code == code
        )
    )
    return found.first() is not None


@act(capacities=MAKES_AGREEMENTS, approvals=_ask_agreement)
def publish_agreement(command: PublishAgreement, context: ActContext) -> Result:
    """Enter a signed agreement; a provider that it makes an adviser is flagged at once.

    Refuses, all at once: `AgreementDatesDisorderly`, `AmountUnclear`, `UnknownCurrency`,
    `TextDigestDiffers`, `SelectionUnclear`, `NotFound` (selection, institution), `CriteriaTooLate`.
    """
    _check_agreement(command, context)
    number, identifier = _next_number(context, "AGR"), new_id()
    stated = command.model_dump(mode="json", exclude={"text", "digest", "amount", "currency"})
    amount = None
    if command.amount is not None and command.currency is not None:
        amount = money_text(command.amount, command.currency)
    entry = context.uow.journal.append(
        events.AGREEMENT_PUBLISHED,
        stated | {"agreement": number, "amount": amount, "text_digest": command.digest},
        subject=f"agreement:{number}",
    )
    del stated["parties"]
    context.uow.connection.execute(
        agreement.insert().values(
            id=identifier,
            programme=context.programme,
            number=number,
            text=command.text,
            digest=command.digest,
            amount=command.amount,
            currency=command.currency,
            **stated,
            **written(context, entry),
        )
    )
    for position, one in enumerate(command.parties):
        context.uow.connection.execute(
            agreement_party.insert().values(
                agreement=identifier,
                position=position,
                programme=context.programme,
                name=one.name,
                party=one.party,
            )
        )
    _note_advisers(context, number)
    return {"agreement": number, "entry": entry}


def _note_advisers(context: ActContext, number: str, former: tuple[str, ...] = ()) -> None:
    """Let the register say who advises from now on, or no longer does."""
    found = advisers(context.uow.connection, context.programme, context.business_date)
    theirs = {code for code, numbers in found.items() if number in numbers}
    for code in sorted(theirs.union(former)):
        note_provider(
            context.uow,
            code,
            programme=context.programme,
            day=context.business_date,
            law=None,
            reason=f"{ADVISES}: agreement {number}",
        )


def _find(context: ActContext, number: str) -> Row[Any]:
    row = context.uow.connection.execute(
        sql.select(agreement)
        .where(agreement.c.programme == context.programme, agreement.c.number == number)
        .with_for_update()
    ).one_or_none()
    if row is None or row.institution != context.actor.institution:
        raise NotFound(thing="agreement", value=number)
    if row.ended_on is not None:
        raise AgreementOver(agreement=number, ended_on=date.fromisoformat(row.ended_on))
    return row


def _ask_change(command: NameParty | EndAgreement, context: ActContext) -> Ask:
    """A second person of the institution that entered it."""
    _find(context, command.agreement)
    return second_person(context, f"agreement:{command.agreement}")


@act(capacities=MAKES_AGREEMENTS, approvals=_ask_change)
def name_party(command: NameParty, context: ActContext) -> Result:
    """Say which institution a party is.

    Refuses, in order: `NotFound` (agreement, party, institution), `AgreementOver`.
    """
    row = _find(context, command.agreement)
    if not _known(context, command.party):
        raise NotFound(thing="institution", value=command.party)
    changed = context.uow.connection.execute(
        sql.update(agreement_party)
        .where(agreement_party.c.agreement == row.id, agreement_party.c.name == command.name)
        .values(party=command.party)
    )
    if not changed.rowcount:
        raise NotFound(thing="party", value=command.name)
    entry = context.uow.journal.append(
        events.PARTY_NAMED,
        {"agreement": row.number, "name": command.name, "party": command.party},
        subject=f"agreement:{row.number}",
    )
    _note_advisers(context, row.number)
    return {"agreement": row.number, "entry": entry}


@act(capacities=MAKES_AGREEMENTS, approvals=_ask_change)
def end_agreement(command: EndAgreement, context: ActContext) -> Result:
    """Say that an agreement is over.  Refuses, in order: `NotFound`, `AgreementOver`."""
    row = _find(context, command.agreement)
    found = advisers(context.uow.connection, context.programme, context.business_date)
    former = tuple(code for code, numbers in found.items() if row.number in numbers)
    entry = context.uow.journal.append(
        events.AGREEMENT_ENDED,
        {"agreement": row.number, "reason": command.reason},
        subject=f"agreement:{row.number}",
    )
    context.uow.connection.execute(
        sql.update(agreement)
        .where(agreement.c.id == row.id)
        .values(
            ended_on=context.business_date.isoformat(),
            ended_entry=entry,
            end_reason=command.reason,
        )
    )
    _note_advisers(context, row.number, former)
    return {"agreement": row.number, "entry": entry}
