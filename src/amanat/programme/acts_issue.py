"""Creates authorised nominal, cancels what is unsold, gives up headroom, attests reserves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Requirement, Result, act
from amanat.core.dates import business_day_from_date
from amanat.core.errors import Forbidden
from amanat.core.ids import new_id
from amanat.core.messages import Message
from amanat.ledger.tables import holding
from amanat.ledger.things import Things
from amanat.participants import things
from amanat.participants.records import account_of_kind, find_account
from amanat.participants.signing import ToSign, act_number, to_sign
from amanat.programme import events
from amanat.programme.commands import AttestReserves, CancelUnsold, IssueNominal, ReleaseHeadroom
from amanat.programme.model import (
    AuthorisationExpired,
    NotAuthorised,
    NothingUnsold,
    ReservesLapsed,
    SecurityMatured,
    dollars,
    isin_word,
)
from amanat.programme.records import (
    attestors_of,
    find_kind,
    find_security,
    require_running,
    reserves_refusal,
    terms_in,
)
from amanat.programme.tables import authorisation, issuance
from amanat.store.uow import UnitOfWork

# -- issue ----------------------------------------------------------------------------------------


def _ask_issue(command: IssueNominal, context: ActContext) -> Ask:
    """A second person of the issuer signs, and each agent that confirms this kind."""
    row, account = _check_issue(command, context)
    return _ask(context, "Issue", row, command.nominal, account=account)


@act(capacities=["issuer"], approvals=_ask_issue)
def issue_nominal(command: IssueNominal, context: ActContext) -> Result:
    """Order nominal to be created on the distribution account, within an authorisation.

    Refuses, in order: `NotFound` (security, distribution account), `Halted`, `SecurityMatured`,
    `ReservesLapsed`, `ReservesShort`, `NotInDenomination`, `AuthorisationExpired`,
    `NotAuthorised`.
    """
    row, account = _check_issue(command, context)
    fields = _same_as_signed(context, row, command.nominal, account)
    entry = context.uow.journal.append(
        events.ISSUE_REQUESTED, _told(command, context, fields), subject=_subject(command.isin)
    )
    order = _order(
        context,
        "issue_nominal",
        "issue",
        [fields, context.approved.signatures()],
        command.isin,
        entry,
        Things(brings=[*things.securities([command.isin]), *things.accounts([account])]),
    )
    _note(context, "issue", command.isin, command.nominal, fields["authorisation"], order, entry)
    return {"isin": command.isin, "authorisation": fields["authorisation"], "order": order,
            "entry": entry}  # fmt: skip


def _check_issue(command: IssueNominal, context: ActContext) -> tuple[Row[Any], str]:
    connection, programme = context.uow.connection, context.programme
    row = find_security(connection, programme, command.isin)
    account = _distribution_account(context, command.account)
    require_running(connection, programme, command.isin)
    terms = terms_in(row)
    if terms.maturity_date <= context.business_date:
        raise SecurityMatured(
            isin=command.isin,
            maturity_date=terms.maturity_date,
            business_date=context.business_date,
        )
    lapsed = reserves_refusal(connection, programme, 0, context.business_date)
    if lapsed is not None:
        raise lapsed
    terms.nominal(command.nominal)
    return _authorised_for(command, context), account


def _authorised_for(command: IssueNominal, context: ActContext) -> Row[Any]:
    """The authorisation to use: the one named, or the earliest that lasts and has enough."""
    today = context.business_date.isoformat()
    found = _authorisations(context, command.isin)
    named = [row for row in found if command.authorisation in (None, row.number)]
    if command.authorisation is not None and named and named[0].expires_on < today:
        raise AuthorisationExpired(
            expires_on=named[0].expires_on, business_date=context.business_date
        )
    lasting = [row for row in named if row.expires_on >= today]
    for row in lasting:
        if _available(row, context) >= command.nominal:
            return row
    available = max((_available(row, context) for row in lasting), default=0)
    raise NotAuthorised(isin=command.isin, nominal=command.nominal, available=available)


# -- cancellation ---------------------------------------------------------------------------------


def _ask_cancellation(command: CancelUnsold, context: ActContext) -> Ask:
    """As for an issue, and the distribution account's own key."""
    row, account = _check_cancellation(command, context)
    ask = _ask(context, "UnsoldCancellation", row, command.nominal, account=account)
    signed = ask.requirements[0]
    holder = find_account(context.uow.connection, context.programme, account).participant
    own = Requirement(holder, "holder", signs=signed.signs, shows=signed.shows, key=account)
    return Ask([own, *ask.requirements], memo=ask.memo, subject=ask.subject)


@act(capacities=["issuer"], approvals=_ask_cancellation)
def cancel_unsold(command: CancelUnsold, context: ActContext) -> Result:
    """Order unsold nominal to be destroyed; it can be issued again under its authorisation.

    The distribution account's own key signs too.  Refuses, in order: `NotFound`, `Halted`,
    `NothingUnsold`, `NotAuthorised`.
    """
    row, account = _check_cancellation(command, context)
    fields = _same_as_signed(context, row, command.nominal, account)
    entry = context.uow.journal.append(
        events.CANCELLATION_REQUESTED,
        _told(command, context, fields),
        subject=_subject(command.isin),
    )
    approved = context.approved
    (held,) = approved.signatures("holder")
    others = approved.signatures("issue", "confirm")
    order = _order(
        context,
        "cancel_unsold",
        "cancel_unsold",
        [fields, held, others],
        command.isin,
        entry,
        Things(changes=things.accounts([account])),
    )
    _note(context, "cancel", command.isin, command.nominal, fields["authorisation"], order, entry)
    return {"isin": command.isin, "authorisation": fields["authorisation"], "order": order,
            "entry": entry}  # fmt: skip


def _check_cancellation(command: CancelUnsold, context: ActContext) -> tuple[Row[Any], str]:
    connection, programme = context.uow.connection, context.programme
    security = find_security(connection, programme, command.isin)
    account = _distribution_account(context, command.account)
    require_running(connection, programme, command.isin)
    units = connection.execute(
        sql.select(holding.c.units).where(
            holding.c.token == security.address, holding.c.account == account
        )
    ).scalar_one_or_none()
    unsold = int(units or 0) - _pending(context, "cancel", command.isin)
    if command.nominal > unsold:
        raise NothingUnsold(isin=command.isin, nominal=command.nominal, available=unsold)
    found = [
        row
        for row in reversed(_authorisations(context, command.isin))
        if command.authorisation in (None, row.number) and row.issued >= command.nominal
    ]
    if not found:
        raise NotAuthorised(isin=command.isin, nominal=command.nominal, available=0)
    return found[0], account


# -- headroom -------------------------------------------------------------------------------------


def _ask_release(command: ReleaseHeadroom, context: ActContext) -> Ask:
    """A second person of the issuer signs, and each agent that confirms this kind."""
    return _ask(context, "HeadroomRelease", _check_release(command, context), command.nominal)


@act(capacities=["issuer"], approvals=_ask_release)
def release_headroom(command: ReleaseHeadroom, context: ActContext) -> Result:
    """Give up authorised nominal: it cannot be issued from now, its headroom comes when done.

    Refuses, in order: `NotAuthorised`, `NotInDenomination`.
    """
    row = _check_release(command, context)
    fields = _same_as_signed(context, row, command.nominal, None)
    entry = context.uow.journal.append(
        events.HEADROOM_RELEASE_REQUESTED,
        {
            "authorisation": row.number,
            "isin": row.isin,
            "nominal": f"{command.nominal} {terms_in(row).currency} face",
            "reason": command.reason,
        },
        subject=_subject(row.isin),
    )
    order = _order(
        context,
        "release_headroom",
        "release_headroom",
        [fields, context.approved.signatures()],
        row.isin,
        entry,
        Things(),
    )
    _note(context, "release", row.isin, command.nominal, row.number, order, entry)
    return {"authorisation": row.number, "order": order, "entry": entry}


def _check_release(command: ReleaseHeadroom, context: ActContext) -> Row[Any]:
    row = context.uow.connection.execute(
        sql.select(authorisation).where(
            authorisation.c.programme == context.programme,
            authorisation.c.number == command.authorisation,
            authorisation.c.state == "done",
        )
    ).one_or_none()
    available = _available(row, context) if row is not None else 0
    if row is None or command.nominal > available:
        raise NotAuthorised(
            isin=row.isin if row is not None else f"authorisation {command.authorisation}",
            nominal=command.nominal,
            available=available,
        )
    terms_in(row).nominal(command.nominal)
    return row


def order_release_of_redeemed(uow: UnitOfWork, programme: str, isin: str, cause: str) -> str:
    """Order the headroom of what was redeemed to be freed, where the programme's rule says so.

    Nobody signs it, and repeating it has no effect.  Answers with the order's id.
    """
    order: str = uow.orders.request(
        "release_redeemed",
        programme,
        "Programme",
        "release_redeemed",
        [isin_word(isin)],
        subject=("programme", isin),
        cause=cause,
        things=Things(),
    )
    return order


# -- reserves -------------------------------------------------------------------------------------


def _ask_attestation(command: AttestReserves, context: ActContext) -> Ask:
    """An approver of each institution that attests reserves signs."""
    attestors = _check_attestation(command, context)
    number = act_number(context)
    signed = to_sign(
        context, "Programme", "ReserveAttestation", **_attestation(command), number=number
    )
    return Ask(
        [signed.requirement(code, "attest") for code in attestors],
        memo={"number": number, "epoch": signed.epoch},
        subject=f"programme:{context.programme}",
    )


@act(capacities=["issuer", "agent", "registrar", "auditor"], approvals=_ask_attestation)
def attest_reserves(command: AttestReserves, context: ActContext) -> Result:
    """Order what backs the programme to be noted; every attestor signs.

    Refuses, in order: `Forbidden` (no reserves back this programme), `ReservesLapsed`.
    """
    _check_attestation(command, context)
    memo = context.approved.memo
    entry = context.uow.journal.append(
        events.RESERVES_ATTESTATION_REQUESTED,
        {
            "reserves": f"{dollars(command.reserves_usd_cents).replace(',', '')} USD",
            "valid_until": command.valid_until.isoformat(),
        },
        subject=f"programme:{context.programme}",
    )
    struct = _attestation(command) | {"number": memo["number"], "epoch": memo["epoch"]}
    order = context.uow.orders.request(
        "attest_reserves",
        context.programme,
        "Programme",
        "attest_reserves",
        [struct, context.approved.signatures()],
        subject=("programme", context.programme),
        cause=entry,
        things=Things(),
    )
    return {"order": order, "entry": entry}


def _check_attestation(command: AttestReserves, context: ActContext) -> list[str]:
    attestors = attestors_of(context.uow.connection, context.programme)
    if not attestors:
        reason = Message("nothing but the issuer's credit backs this programme")
        raise Forbidden(actor=context.actor, act="AttestReserves", reason=reason)
    if command.valid_until < context.business_date:
        raise ReservesLapsed(valid_until=command.valid_until, day=context.business_date)
    return attestors


def _attestation(command: AttestReserves) -> dict[str, int]:
    return {
        "reserves": command.reserves_usd_cents,
        "valid_until": business_day_from_date(command.valid_until),
    }


# -- what these have in common --------------------------------------------------------------------


def _ask(context: ActContext, struct: str, row: Row[Any], nominal: int, **more: Any) -> Ask:
    """The issuer's signature and those of the agents that confirm this kind."""
    number = act_number(context)
    signed = to_sign(
        context,
        "Programme",
        struct,
        number=number,
        authorisation=row.number,
        nominal=nominal,
        **more,
    )
    memo = {"number": number, "epoch": signed.epoch, "authorisation": row.number, **more}
    return Ask(
        [
            signed.requirement(context.actor.institution, "issue"),
            *_confirmations(context, row, signed),
        ],
        memo=memo,
        subject=_subject(row.isin),
    )


def _confirmations(context: ActContext, row: Row[Any], signed: ToSign) -> list[Requirement]:
    rule = find_kind(context.uow.connection, context.programme, row.kind)
    codes = rule.confirmations if rule is not None else []
    return [signed.requirement(code, "confirm") for code in codes]


def _same_as_signed(
    context: ActContext, row: Row[Any], nominal: int, account: str | None
) -> dict[str, Any]:
    """The struct that was signed; the world may have moved between.

    Refuses `NotAuthorised` where another authorisation or account would be used now.
    """
    memo = context.approved.memo
    if memo["authorisation"] != row.number or memo.get("account") != account:
        raise NotAuthorised(isin=row.isin, nominal=nominal, available=0)
    fields = {
        "number": memo["number"],
        "epoch": memo["epoch"],
        "authorisation": row.number,
        "nominal": nominal,
    }
    return fields if account is None else fields | {"account": account}


def _distribution_account(context: ActContext, given: str | None) -> str:
    connection, programme = context.uow.connection, context.programme
    if given is None:
        return account_of_kind(connection, programme, "distribution")
    row = find_account(connection, programme, given)
    if row.kind != "distribution" or row.done_at is None or row.closed_at is not None:
        reason = Message("{account} is no distribution account in use", account=given)
        raise Forbidden(actor=context.actor, act=Message("issue there"), reason=reason)
    address: str = row.address
    return address


def _authorisations(context: ActContext, isin: str) -> list[Row[Any]]:
    return list(
        context.uow.connection.execute(
            sql.select(authorisation)
            .where(
                authorisation.c.programme == context.programme,
                authorisation.c.isin == isin,
                authorisation.c.state == "done",
            )
            .order_by(authorisation.c.number)
        )
    )


def _available(row: Row[Any], context: ActContext) -> int:
    """What can still be issued: less what was given up, and less what is under way."""
    under_way = sum(
        _pending(context, action, row.isin, row.number) for action in ("issue", "release")
    )
    return int(row.nominal - row.released - row.issued) - under_way


def _pending(context: ActContext, action: str, isin: str, number: int | None = None) -> int:
    query = sql.select(sql.func.coalesce(sql.func.sum(issuance.c.nominal), 0)).where(
        issuance.c.programme == context.programme,
        issuance.c.isin == isin,
        issuance.c.action == action,
        issuance.c.done_at.is_(None),
        issuance.c.refused_at.is_(None),
    )
    if number is not None:
        query = query.where(issuance.c.authorisation == number)
    return int(context.uow.connection.execute(query).scalar_one())


def _told(
    command: IssueNominal | CancelUnsold, context: ActContext, fields: Mapping[str, Any]
) -> dict[str, Any]:
    row = find_security(context.uow.connection, context.programme, command.isin)
    return {
        "isin": command.isin,
        "nominal": f"{command.nominal} {terms_in(row).currency} face",
        "authorisation": fields["authorisation"],
        "account": fields["account"],
    }


def _order(
    context: ActContext,
    kind: str,
    function: str,
    args: list[Any],
    isin: str,
    entry: str,
    about: Things,
) -> str:
    order: str = context.uow.orders.request(
        kind,
        context.programme,
        "Programme",
        function,
        args,
        subject=("programme", isin),
        cause=entry,
        things=about,
    )
    return order


def _note(
    context: ActContext, action: str, isin: str, nominal: int, number: int, order: str, entry: str
) -> None:
    context.uow.connection.execute(
        issuance.insert().values(
            id=new_id(),
            programme=context.programme,
            isin=isin,
            action=action,
            nominal=nominal,
            authorisation=number,
            order_id=order,
            requested_at=context.now.isoformat(),
            entry=entry,
        )
    )


def _subject(isin: str) -> str:
    return f"programme:{isin}"
