"""Records rates of exchange, authorises securities under the ceiling, takes signatures back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.access.tables import proposal, requirement
from amanat.assets.views import asset_refusals
from amanat.core.canonical import canonical_bytes, digest
from amanat.core.dates import business_day_from_date
from amanat.core.errors import Invalid, NotFound, Refusal, Refused
from amanat.core.ids import new_id
from amanat.core.messages import Message
from amanat.core.quantities import text_from
from amanat.instruments.model import Terms, terms_from, terms_hash
from amanat.ledger.things import Things
from amanat.ledger.typed_data import AuthorisationCapacity
from amanat.participants import things
from amanat.participants.records import (
    account_of_kind,
    find_account,
    find_class,
    find_participant,
    institutions_with,
)
from amanat.participants.signing import to_sign
from amanat.programme import events
from amanat.programme.commands import (
    AuthoriseSecurity,
    RecordExchangeRate,
    WithdrawAuthorisation,
)
from amanat.programme.model import (
    AuthorisationExpired,
    AuthorisationOvertaken,
    ClearanceMissing,
    CurrencyDiffers,
    NotOpenAuthorisation,
    RateContradicts,
    RateFromFuture,
    RateTooFine,
    SecurityMatured,
    TermsContradict,
    UnknownKind,
    dollars,
    isin_word,
    rate_micro,
    usd_value_cents,
)
from amanat.programme.records import (
    find_kind,
    find_programme,
    headroom_of,
    kinds_of,
    rate_on,
    rate_value,
    require_running,
    reserves_refusal,
)
from amanat.programme.tables import authorisation, authorisation_withdrawal, exchange_rate

RATE_DECIMALS_MAX = 6


# -- rates ----------------------------------------------------------------------------------------


@act(capacities=["issuer", "auctioneer"])
def record_exchange_rate(command: RecordExchangeRate, context: ActContext) -> Result:
    """Record the rate of a day; the same again is no second record.

    Refuses, in order: `RateFromFuture`, `RateTooFine`, `RateContradicts`.
    """
    connection, programme = context.uow.connection, context.programme
    currency = find_programme(connection, programme).currency
    if command.rate_date > context.business_date:
        raise RateFromFuture(rate_date=command.rate_date, business_date=context.business_date)
    rate = text_from(command.rate)
    if len(rate.partition(".")[2]) > RATE_DECIMALS_MAX:
        raise RateTooFine(rate=rate, decimals=RATE_DECIMALS_MAX)
    known = connection.execute(
        sql.select(exchange_rate.c.rate).where(
            exchange_rate.c.programme == programme,
            exchange_rate.c.currency == currency,
            exchange_rate.c.rate_date == command.rate_date.isoformat(),
        )
    ).scalar_one_or_none()
    if known is not None and known != rate:
        raise RateContradicts(rate_date=command.rate_date, existing=known, given=rate)
    if known is not None:
        return {"rate_date": command.rate_date.isoformat(), "rate": rate}
    fields = {
        "currency": currency,
        "rate_date": command.rate_date.isoformat(),
        "rate": rate,
        "source": command.source,
        "assumed": command.assumed,
    }
    entry = context.uow.journal.append(events.EXCHANGE_RATE_RECORDED, fields)
    connection.execute(
        exchange_rate.insert().values(
            programme=programme, recorded_at=context.now.isoformat(), **fields
        )
    )
    return {"rate_date": fields["rate_date"], "rate": rate, "entry": entry}


# -- authorisation --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Checked:
    """What an authorisation was found to be."""

    terms: Terms
    hash: bytes
    classes: tuple[str, ...]
    class_mask: int
    kind_number: int
    clearing: tuple[str, ...]
    confirming: tuple[str, ...]
    rate: str
    rate_micro: int
    rate_assumed: bool
    value_cents: int
    headroom_after_cents: int
    number: int
    authority_hash: bytes


def _ask_authorisation(command: AuthoriseSecurity, context: ActContext) -> Ask:
    """A second person of the issuer signs, each mandatory clearance, each confirming agent."""
    checked = _check_authorisation(command, context)
    signed = {
        capacity: to_sign(
            context, "Programme", "Authorisation", **_struct(command, checked), capacity=capacity
        )
        for capacity in (0, *AuthorisationCapacity)
    }
    own = context.actor.institution
    needs = [signed[AuthorisationCapacity.AUTHORISE].requirement(own, "authorise")]
    needs += [
        signed[AuthorisationCapacity.CLEAR].requirement(code, "clear") for code in checked.clearing
    ]
    needs += [
        signed[AuthorisationCapacity.CONFIRM].requirement(code, "confirm")
        for code in checked.confirming
    ]
    memo = {
        "number": checked.number,
        "epoch": signed[0].epoch,
        "rate": checked.rate,
        "usd_value_cents": checked.value_cents,
        "digest": signed[0].digest.hex(),
    }
    return Ask(needs, memo=memo, subject=f"programme:{checked.terms.isin}")


@act(capacities=["issuer"], approvals=_ask_authorisation)
def authorise_security(command: AuthoriseSecurity, context: ActContext) -> Result:
    """Order the authorisation; once it is done the security exists.

    Refuses, all at once where several: mistakes of the terms, `Halted`, `UnknownKind`,
    `CurrencyDiffers`, `NotInDenomination`, `SecurityMatured`, `AuthorisationExpired`,
    `ClearanceMissing`, `NotFound` (asset), `EvidenceExpired`, `EvidenceMissing`, `UnknownClass`,
    `TermsContradict`, `RateFromFuture`, `RateMissing`, `CeilingExceeded`, `ReservesShort`,
    `ReservesLapsed`; then `AuthorisationOvertaken`, `NotOpenAuthorisation`.
    """
    checked = _check_authorisation(command, context)
    memo = context.approved.memo
    _check_still_so(memo, checked, context)
    isin = str(checked.terms.isin)
    entry = _journal_authorisation(command, checked, context)
    struct = _struct(command, checked) | {"epoch": memo["epoch"]}
    signatures = [
        context.approved.signatures(capacity) for capacity in ("authorise", "clear", "confirm")
    ]
    order = context.uow.orders.request(
        "authorise_security",
        context.programme,
        "Programme",
        "authorise",
        [struct, *signatures],
        subject=("programme", isin),
        cause=entry,
        things=Things(brings=things.securities([isin])),
    )
    context.uow.connection.execute(
        authorisation.insert().values(
            id=new_id(),
            programme=context.programme,
            number=checked.number,
            isin=isin,
            kind=checked.terms.kind,
            nominal=command.nominal,
            usd_value_cents=checked.value_cents,
            rate=checked.rate,
            rate_date=command.rate_date.isoformat(),
            rate_assumed=checked.rate_assumed,
            asset=command.asset,
            authority=command.authority,
            authority_hash=checked.authority_hash.hex(),
            terms=canonical_bytes(checked.terms.canonical()),
            terms_hash=checked.hash.hex(),
            classes=list(checked.classes),
            expires_on=command.expires_on.isoformat(),
            digest=memo["digest"],
            state="requested",
            issued=0,
            released=0,
            released_usd_cents=0,
            order_id=order,
            requested_at=context.now.isoformat(),
            entry=entry,
        )
    )
    return {
        "isin": isin,
        "number": checked.number,
        "usd_value_cents": checked.value_cents,
        "order": order,
        "entry": entry,
    }


def _check_authorisation(command: AuthoriseSecurity, context: ActContext) -> _Checked:
    connection, programme = context.uow.connection, context.programme
    terms = terms_from(command.terms)
    require_running(connection, programme, str(terms.isin))
    refused = Refused()
    for refusal in (
        *_terms_refusals(command, terms, context),
        *asset_refusals(connection, programme, command.asset, context.business_date),
    ):
        refused.add(refusal)
    rule = find_kind(connection, programme, terms.kind)
    clearing: list[str] = []
    for word in rule.clearances if rule is not None else ():
        givers = [row.code for row in institutions_with(connection, programme, f"clears.{word}")]
        clearing += givers
        if not givers:
            refused.add(ClearanceMissing(kind=terms.kind, clearance=word))
    classes, mask = _classes(command, context, refused)
    rate, value = _value(command, context, refused)
    headroom = headroom_of(connection, programme)
    for found in (
        headroom.refuse(str(terms.isin), value),
        reserves_refusal(connection, programme, value, context.business_date),
        _contradiction(terms, classes, context),
    ):
        if found is not None:
            refused.add(found)
    refused.raise_if_any()
    assert rule is not None  # `UnknownKind` is among the refusals
    authority = {"authority": command.authority, "asset": command.asset}
    return _Checked(
        terms=terms,
        hash=terms_hash(terms),
        classes=classes,
        class_mask=mask,
        kind_number=rule.number,
        clearing=tuple(dict.fromkeys(clearing)),
        confirming=tuple(rule.confirmations),
        rate=rate.rate,
        rate_micro=rate_micro(rate_value(rate)),
        rate_assumed=bool(rate.assumed),
        value_cents=value,
        headroom_after_cents=headroom.left_cents - value,
        number=_next_number(context),
        authority_hash=digest(authority),
    )


def _terms_refusals(command: AuthoriseSecurity, terms: Terms, context: ActContext) -> list[Refusal]:
    connection, programme = context.uow.connection, context.programme
    currency = find_programme(connection, programme).currency
    found: list[Refusal] = []
    if find_kind(connection, programme, terms.kind) is None:
        allowed = ", ".join(row.code for row in kinds_of(connection, programme))
        found.append(UnknownKind(programme=programme, kind=terms.kind, allowed=allowed))
    if terms.currency != currency:
        found.append(CurrencyDiffers(isin=terms.isin, currency=terms.currency, expected=currency))
    try:
        terms.nominal(command.nominal)
    except Invalid as refusal:
        found.append(refusal)
    if terms.maturity_date <= context.business_date:
        found.append(
            SecurityMatured(
                isin=terms.isin,
                maturity_date=terms.maturity_date,
                business_date=context.business_date,
            )
        )
    if command.expires_on < context.business_date:
        found.append(
            AuthorisationExpired(expires_on=command.expires_on, business_date=context.business_date)
        )
    return found


def _classes(
    command: AuthoriseSecurity, context: ActContext, refused: Refused
) -> tuple[tuple[str, ...], int]:
    """The classes that may hold it, the issuer's own among them, and their mask."""
    connection, programme = context.uow.connection, context.programme
    named = list(command.classes)
    try:
        address = account_of_kind(connection, programme, "distribution")
        holder = find_account(connection, programme, address).participant
        named.append(find_participant(connection, programme, holder).participant_class)
    except NotFound as refusal:
        refused.add(refusal)
    numbers: dict[str, int] = {}
    for code in named:
        try:
            numbers[code] = find_class(connection, programme, code).number
        except Invalid as refusal:
            refused.add(refusal)
    return tuple(sorted(numbers)), sum(1 << number for number in set(numbers.values()))


def _value(command: AuthoriseSecurity, context: ActContext, refused: Refused) -> tuple[Any, int]:
    """The recorded rate and the dollar value; None and 0 where there is no rate to use."""
    connection, programme = context.uow.connection, context.programme
    if command.rate_date > context.business_date:
        refused.add(
            RateFromFuture(rate_date=command.rate_date, business_date=context.business_date)
        )
        return None, 0
    currency = find_programme(connection, programme).currency
    try:
        row = rate_on(connection, programme, currency, command.rate_date)
    except Refusal as refusal:
        refused.add(refusal)
        return None, 0
    return row, usd_value_cents(command.nominal, rate_value(row))


def _contradiction(terms: Terms, classes: tuple[str, ...], context: ActContext) -> Refusal | None:
    """A further authorisation repeats terms and classes of what exists or is under way."""
    existing = context.uow.connection.execute(
        sql.select(authorisation.c.terms_hash, authorisation.c.classes)
        .where(
            authorisation.c.programme == context.programme,
            authorisation.c.isin == str(terms.isin),
            authorisation.c.state.in_(("requested", "done")),
        )
        .limit(1)
    ).one_or_none()
    given = terms_hash(terms).hex()
    if existing is None or (existing.terms_hash, tuple(existing.classes)) == (given, classes):
        return None
    if existing.terms_hash == given:
        return TermsContradict(
            isin=terms.isin,
            existing=f"classes {', '.join(existing.classes)}",
            given=f"classes {', '.join(classes)}",
        )
    return TermsContradict(
        isin=terms.isin, existing=f"terms {existing.terms_hash}", given=f"terms {given}"
    )


def _next_number(context: ActContext) -> int:
    table = authorisation
    last = context.uow.connection.execute(
        sql.select(sql.func.coalesce(sql.func.max(table.c.number), 0)).where(
            table.c.programme == context.programme, table.c.state.in_(("requested", "done"))
        )
    ).scalar_one()
    return int(last) + 1


def _check_still_so(memo: Any, checked: _Checked, context: ActContext) -> None:
    """What was signed is what would be ordered now, and nobody has taken a signature back."""
    if (memo["number"], memo["rate"]) != (checked.number, checked.rate):
        raise AuthorisationOvertaken(number=memo["number"], next_number=checked.number)
    withdrawn = context.uow.connection.execute(
        sql.select(authorisation_withdrawal.c.institution)
        .where(
            authorisation_withdrawal.c.programme == context.programme,
            authorisation_withdrawal.c.digest == memo["digest"],
            authorisation_withdrawal.c.refused_at.is_(None),
        )
        .limit(1)
    ).scalar_one_or_none()
    if withdrawn is not None:
        raise NotOpenAuthorisation(
            proposal=context.approved.proposal,
            state=Message("withdrawn by {institution}", institution=withdrawn),
        )


def _struct(command: AuthoriseSecurity, checked: _Checked) -> dict[str, Any]:
    return {
        "number": checked.number,
        "isin": isin_word(str(checked.terms.isin)),
        "kind": checked.kind_number,
        "nominal": command.nominal,
        "usd_value": checked.value_cents,
        "rate": checked.rate_micro,
        "rate_day": business_day_from_date(command.rate_date),
        "terms_hash": checked.hash,
        "authority_hash": checked.authority_hash,
        "classes": checked.class_mask,
        "maturity_day": business_day_from_date(checked.terms.maturity_date),
        "expiry_day": business_day_from_date(command.expires_on),
        "name": str(checked.terms.fisn),
    }


def _journal_authorisation(
    command: AuthoriseSecurity, checked: _Checked, context: ActContext
) -> str:
    return context.uow.journal.append(
        events.AUTHORISATION_REQUESTED,
        {
            "number": checked.number,
            "isin": str(checked.terms.isin),
            "kind": checked.terms.kind,
            "nominal": f"{command.nominal} {checked.terms.currency} face",
            "usd_value": f"{dollars(checked.value_cents).replace(',', '')} USD",
            "rate": checked.rate,
            "rate_date": command.rate_date.isoformat(),
            "rate_assumed": checked.rate_assumed,
            "asset": command.asset,
            "authority": command.authority,
            "classes": list(checked.classes),
            "terms": checked.terms.canonical(),
            "terms_hash": checked.hash.hex(),
            "expires_on": command.expires_on.isoformat(),
            "headroom_after": f"{dollars(checked.headroom_after_cents).replace(',', '')} USD",
        },
        subject=f"programme:{checked.terms.isin}",
    )


# -- withdrawal -----------------------------------------------------------------------------------


def _ask_withdrawal(command: WithdrawAuthorisation, context: ActContext) -> Ask:
    """A second person of the institution that takes its signature back."""
    digest_hex = _check_withdrawal(command, context)
    signed = to_sign(
        context,
        "Programme",
        "AuthorisationWithdrawal",
        authorisation=bytes.fromhex(digest_hex),
    )
    own = context.actor.institution
    return Ask(
        [signed.requirement(own, "withdraw")],
        memo={"epoch": signed.epoch, "digest": digest_hex},
        subject=f"proposal:{command.proposal}",
    )


@act(capacities=["issuer", "clears", "agent", "registrar", "auctioneer"], approvals=_ask_withdrawal)
def withdraw_authorisation(command: WithdrawAuthorisation, context: ActContext) -> Result:
    """Take back a signature from an authorisation that has not been executed.

    It binds here from now; on the ledger, whoever else holds the signatures can no longer use
    them.  Refuses, in order: `NotFound`, `NotOpenAuthorisation`.
    """
    digest_hex = _check_withdrawal(command, context)
    entry = context.uow.journal.append(
        events.AUTHORISATION_WITHDRAWAL_REQUESTED,
        {
            "proposal": command.proposal,
            "digest": digest_hex,
            "institution": context.actor.institution,
            "reason": command.reason,
        },
        subject=f"proposal:{command.proposal}",
    )
    order = context.uow.orders.request(
        "withdraw_authorisation",
        context.programme,
        "Programme",
        "withdraw_authorisation",
        [bytes.fromhex(digest_hex), context.approved.memo["epoch"], context.approved.signatures()],
        subject=("proposal", command.proposal),
        cause=entry,
        things=Things(),
    )
    context.uow.connection.execute(
        authorisation_withdrawal.insert().values(
            id=new_id(),
            programme=context.programme,
            digest=digest_hex,
            proposal=command.proposal,
            institution=context.actor.institution,
            reason=command.reason,
            order_id=order,
            requested_at=context.now.isoformat(),
            entry=entry,
        )
    )
    return {"proposal": command.proposal, "order": order, "entry": entry}


def _check_withdrawal(command: WithdrawAuthorisation, context: ActContext) -> str:
    connection = context.uow.connection
    row = connection.execute(
        sql.select(proposal).where(
            proposal.c.id == command.proposal,
            proposal.c.programme == context.programme,
            proposal.c.act == "AuthoriseSecurity",
        )
    ).one_or_none()
    signers = set(
        connection.execute(
            sql.select(requirement.c.institution).where(requirement.c.proposal == command.proposal)
        ).scalars()
    )
    if row is None or context.actor.institution not in signers:
        raise NotFound(thing="authorisation proposed as", value=command.proposal)
    if row.state != "open":
        raise NotOpenAuthorisation(proposal=command.proposal, state=row.state)
    digest_hex: str = json.loads(row.memo)["digest"]
    return digest_hex
