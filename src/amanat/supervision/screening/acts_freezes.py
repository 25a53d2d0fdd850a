"""Freezes: ordered at once with their law, acknowledged, reported, extended, licensed, released.

Nothing of a freeze is public, and before an exchange is ordered it knows nothing of it: only the
institutions that screen see it, each exchange sees the order to itself, and those who sign for the
ledger what they sign.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.canonical import digest
from amanat.core.errors import NotFound
from amanat.core.ids import new_id
from amanat.core.messages import Word
from amanat.core.money import Money
from amanat.jurisdictions.screening import Basis
from amanat.licensing.model import APPLICANT
from amanat.licensing.records import find_provider
from amanat.participants.acts_people import second_person
from amanat.register.acts_everything import ask_everything, freeze_everything
from amanat.register.commands import FreezeEverything
from amanat.supervision.identities.model import SECRET
from amanat.supervision.identities.vault import Vault
from amanat.supervision.screening import events
from amanat.supervision.screening.acts_hits import find_hit, require_until, standing
from amanat.supervision.screening.acts_lists import SCREENS, screening_pack, written
from amanat.supervision.screening.commands import (
    AcknowledgeFreeze,
    AcknowledgeRelease,
    DrawExpenses,
    ExtendFreeze,
    LicenseExpenses,
    OrderFreeze,
    ReleaseFreeze,
    ReleaseGround,
    ReportedTo,
    ReportFreeze,
)
from amanat.supervision.screening.freezing import (
    DRAWN,
    EXTENDED,
    LICENSED,
    Names,
    changes_of,
    expenses_left,
    find_freeze,
    in_force_of,
    linked_accounts,
    listings_of,
    names_of,
    new_freeze_number,
    on_ledger_of,
    ordered_accounts,
    orders_of,
    require_in_force,
)
from amanat.supervision.screening.model import (
    AlreadyFrozen,
    AlreadyReported,
    ExpensesExceeded,
    ExpiryOutOfRange,
    FreezeOrderState,
    FreezeState,
    HitState,
    NotATrueMatch,
    NotDelisted,
    NothingToFreeze,
    NotYourOrder,
    day_after,
)
from amanat.supervision.screening.tables import freeze, freeze_change, freeze_order

EXCHANGES = (APPLICANT, "participant")
"""Capacities of whoever keeps customers' accounts."""

# -- ordering -------------------------------------------------------------------------------------


def _orders(command: OrderFreeze, context: ActContext, names: Names) -> dict[str, list[str]]:
    """Accounts by exchange: those that the vault knows, and those that the command names.

    What a freeze in force orders already is left out, so that a later order reaches what was
    opened since.
    """
    connection, programme = context.uow.connection, context.programme
    found = _numbers(context, linked_accounts(connection, programme, names))
    for one in command.exchanges:
        find_provider(connection, programme, one.exchange)
        known = found.setdefault(one.exchange, [])
        known += [account for account in one.accounts if account not in known]
    before = ordered_accounts(connection, programme, names, context.business_date)
    left = {
        exchange: [one for one in known if one not in before.get(exchange, ())]
        for exchange, known in found.items()
    }
    return {exchange: known for exchange, known in left.items() if known or exchange not in before}


def _numbers(context: ActContext, linked: dict[str, list[Any]]) -> dict[str, list[str]]:
    """Accounts as each exchange calls them: it cannot act on a pseudonym."""
    if not linked:
        return {}
    vault = Vault(context.uow.store.secret(SECRET))
    return {
        exchange: [vault.account_number(context.programme, row.account, row.number) for row in rows]
        for exchange, rows in linked.items()
    }


def _check_order(command: OrderFreeze, context: ActContext) -> tuple[Row[Any], Basis]:
    connection, programme = context.uow.connection, context.programme
    row = find_hit(connection, programme, command.hit)
    state = standing(row, context.business_date)
    if state != HitState.TRUE.value:
        raise NotATrueMatch(hit=row.id, state=Word(state))
    pack = screening_pack(context)
    basis = pack.freezing_basis(command.basis, context.business_date)
    require_until("freeze", command.until, context.business_date, pack.freeze_days_max)
    names = names_of(row)
    former = in_force_of(connection, programme, names, context.business_date)
    orders = _orders(command, context, names)
    if (
        former
        and not orders
        and command.ledger_account
        in (None, *on_ledger_of(connection, programme, names, context.business_date))
    ):
        raise AlreadyFrozen(party=row.party, freeze=former[0].number)
    if not orders and command.ledger_account is None:
        raise NothingToFreeze(party=row.party)
    return row, basis


def _on_ledger(command: OrderFreeze) -> FreezeEverything | None:
    if command.ledger_account is None:
        return None
    return FreezeEverything(
        account=command.ledger_account,
        order_hash=command.order_hash,
        reason=command.reason,
        signers=command.signers,
    )


def _ask_order(command: OrderFreeze, context: ActContext) -> Ask:
    """A second person; with an account on the ledger also the quorum that freezes there."""
    row, _basis = _check_order(command, context)
    own = second_person(context, f"screening:{row.id}")
    on_ledger = _on_ledger(command)
    if on_ledger is None:
        return own
    quorum = ask_everything(on_ledger, context)
    return Ask([*own.requirements, *quorum.requirements], memo=quorum.memo, subject=own.subject)


@act(capacities=SCREENS, approvals=_ask_order, confidential=True, untold=True)
def order_freeze(command: OrderFreeze, context: ActContext) -> Result:
    """Order a freeze; it binds here from now.

    Refuses, in order: `NotFound` (hit), `NotATrueMatch`, `BasisNotInForce`, `ExpiryOutOfRange`,
    `AlreadyFrozen`, `NotAProvider`, `NothingToFreeze`; on the ledger as `FreezeEverything`.
    """
    row, basis = _check_order(command, context)
    accounts = _orders(command, context, names_of(row))
    connection, programme, pack = context.uow.connection, context.programme, screening_pack(context)
    number = new_freeze_number()
    entry = context.uow.journal.append(
        events.FREEZE_ORDERED,
        {
            "freeze": number,
            "party": row.party,
            "exchanges": sorted(accounts),
            "basis": basis.code,
            "law": basis.title,
            "until": command.until.isoformat(),
            "order_hash": command.order_hash,
        },
        subject=f"screening:{row.id}",
    )
    on_ledger = _on_ledger(command)
    ledger = {} if on_ledger is None else freeze_everything(on_ledger, context)
    identifier = new_id()
    connection.execute(
        freeze.insert().values(
            id=identifier,
            programme=programme,
            number=number,
            hit=row.id,
            party=row.party,
            customer=row.customer,
            authority=command.authority,
            basis=basis.code,
            law=basis.title,
            order_hash=command.order_hash,
            reason=command.reason,
            until=command.until.isoformat(),
            state=(FreezeState.ORDERED if accounts else FreezeState.SERVED).value,
            served_at=None if accounts else context.now.isoformat(),
            ledger={"account": command.ledger_account, "holds": ledger.get("holds", {})},
            ordered_at=context.now.isoformat(),
            ordered_on=context.business_date.isoformat(),
            report_due_at=(context.now + timedelta(hours=pack.report_hours)).isoformat(),
            **written(context, entry),
        )
    )
    due = (context.now + timedelta(hours=pack.acknowledge_hours)).isoformat()
    for exchange, known in sorted(accounts.items()):
        connection.execute(
            freeze_order.insert().values(
                id=new_id(),
                programme=programme,
                freeze=identifier,
                exchange=exchange,
                accounts=known,
                state=FreezeOrderState.ORDERED.value,
                acknowledge_by=due,
            )
        )
    return {
        "freeze": number,
        "exchanges": sorted(accounts),
        "acknowledge_by": due,
        "ledger": ledger,
        "entry": entry,
    }


# -- the exchange's side --------------------------------------------------------------------------


def _own_order(context: ActContext, number: str) -> tuple[Row[Any], Row[Any]]:
    """A freeze and its order to the actor's exchange; another's is answered as if it were none."""
    row = find_freeze(context.uow.connection, context.programme, number)
    for order in orders_of(context.uow.connection, row.id):
        if order.exchange == context.actor.institution:
            return row, order
    raise NotFound(thing="freeze", value=number)


def _require_state(row: Row[Any], order: Row[Any], state: FreezeOrderState) -> None:
    if order.state != state.value:
        raise NotYourOrder(freeze=row.number, exchange=order.exchange, state=Word(order.state))


def _set_order(context: ActContext, order: Row[Any], **values: Any) -> None:
    context.uow.connection.execute(
        sql.update(freeze_order).where(freeze_order.c.id == order.id).values(**values)
    )


def _set_freeze(context: ActContext, row: Row[Any], **values: Any) -> None:
    context.uow.connection.execute(sql.update(freeze).where(freeze.c.id == row.id).values(**values))


@act(capacities=EXCHANGES, confidential=True, untold=True)
def acknowledge_freeze(command: AcknowledgeFreeze, context: ActContext) -> Result:
    """Acknowledge an order, in time or late.  Refuses `NotFound`, `NotYourOrder`."""
    row, order = _own_order(context, command.freeze)
    _require_state(row, order, FreezeOrderState.ORDERED)
    entry = context.uow.journal.append(
        events.FREEZE_ACKNOWLEDGED,
        {
            "freeze": row.number,
            "exchange": order.exchange,
            "accounts": command.accounts,
            "value": str(command.value),
            "currency": command.currency,
        },
        subject=f"screening:{row.hit}",
    )
    _set_order(
        context,
        order,
        state=FreezeOrderState.ACKNOWLEDGED.value,
        acknowledged_at=context.now.isoformat(),
        acknowledged_by=context.actor.person,
        frozen_accounts=command.accounts,
        frozen_value=command.value,
        currency=command.currency,
    )
    others = [one for one in orders_of(context.uow.connection, row.id) if one.id != order.id]
    served = row.state == FreezeState.ORDERED.value and all(
        one.state != FreezeOrderState.ORDERED.value for one in others
    )
    if served:
        _set_freeze(context, row, state=FreezeState.SERVED.value, served_at=context.now.isoformat())
    # Not whether it is served: that others have yet to carry it out is not theirs to know.
    return {"freeze": row.number, "state": FreezeOrderState.ACKNOWLEDGED.value, "entry": entry}


@act(capacities=EXCHANGES, confidential=True, untold=True)
def draw_expenses(command: DrawExpenses, context: ActContext) -> Result:
    """Record a payment for basic expenses.

    Refuses `NotFound`, `FreezeNotInForce`, `ExpensesExceeded`.
    """
    row, _order = _own_order(context, command.freeze)
    require_in_force(row, context.business_date)
    changes = changes_of(context.uow.connection, row.id)
    left = expenses_left(changes, command.currency, context.business_date)
    if command.amount > left:
        raise ExpensesExceeded(
            asked=Money(command.amount, command.currency), left=Money(left, command.currency)
        )
    entry = context.uow.journal.append(
        events.EXPENSES_DRAWN,
        {
            "freeze": row.number,
            "amount": str(command.amount),
            "currency": command.currency,
            "reference": command.reference,
        },
        subject=f"screening:{row.hit}",
    )
    _note(context, row, DRAWN, "", entry, amount=command.amount, currency=command.currency,
          reference=command.reference, until=context.business_date.isoformat())  # fmt: skip
    return {"freeze": row.number, "left": left - command.amount, "entry": entry}


@act(capacities=EXCHANGES, confidential=True, untold=True)
def acknowledge_release(command: AcknowledgeRelease, context: ActContext) -> Result:
    """Acknowledge that a freeze has ended.  Refuses `NotFound`, `NotYourOrder`."""
    row, order = _own_order(context, command.freeze)
    if row.state != FreezeState.RELEASED.value or order.release_acknowledged_at is not None:
        raise NotYourOrder(freeze=row.number, exchange=order.exchange, state=Word(order.state))
    entry = context.uow.journal.append(
        events.RELEASE_ACKNOWLEDGED,
        {"freeze": row.number, "exchange": order.exchange},
        subject=f"screening:{row.hit}",
    )
    _set_order(
        context,
        order,
        state=FreezeOrderState.RELEASED.value,
        release_acknowledged_at=context.now.isoformat(),
    )
    return {"freeze": row.number, "entry": entry}


# -- afterwards -----------------------------------------------------------------------------------


def _note(
    context: ActContext, row: Row[Any], kind: str, reason: str, entry: str, **values: Any
) -> None:
    context.uow.connection.execute(
        freeze_change.insert().values(
            id=new_id(),
            programme=context.programme,
            freeze=row.id,
            kind=kind,
            reason=reason,
            **values,
            **written(context, entry),
        )
    )


@act(capacities=SCREENS, confidential=True, untold=True)
def report_freeze(command: ReportFreeze, context: ActContext) -> Result:
    """Record a report to the FIU or the authority.  Refuses `NotFound`, `AlreadyReported`."""
    row = find_freeze(context.uow.connection, context.programme, command.freeze)
    fiu = command.to is ReportedTo.FIU
    if (row.reported_fiu_at if fiu else row.reported_authority_at) is not None:
        raise AlreadyReported(freeze=row.number, to=Word(command.to.value))
    entry = context.uow.journal.append(
        events.FREEZE_REPORTED,
        {"freeze": row.number, "to": command.to.value, "reference": command.reference},
        subject=f"screening:{row.hit}",
    )
    column = "reported_fiu_at" if fiu else "reported_authority_at"
    _set_freeze(
        context, row, report_reference=command.reference, **{column: context.now.isoformat()}
    )
    return {"freeze": row.number, "entry": entry}


def _check_extension(command: ExtendFreeze, context: ActContext) -> Row[Any]:
    row = find_freeze(context.uow.connection, context.programme, command.freeze)
    require_in_force(row, context.business_date)
    most = screening_pack(context).freeze_days_max
    require_until("freeze", command.until, context.business_date, most)
    former = date.fromisoformat(row.until)
    if command.until <= former:
        # An earlier last day would be a release without a ground.
        last = day_after(context.business_date, most)
        raise ExpiryOutOfRange(
            what=Word("freeze"), day=command.until, first=day_after(former, 1), last=last
        )
    return row


def _ask_extension(command: ExtendFreeze, context: ActContext) -> Ask:
    """A second person."""
    return second_person(context, f"screening:{_check_extension(command, context).hit}")


@act(capacities=SCREENS, approvals=_ask_extension, confidential=True, untold=True)
def extend_freeze(command: ExtendFreeze, context: ActContext) -> Result:
    """Extend a freeze.  Refuses `NotFound`, `FreezeNotInForce`, `ExpiryOutOfRange`."""
    row = _check_extension(command, context)
    entry = context.uow.journal.append(
        events.FREEZE_EXTENDED,
        {
            "freeze": row.number,
            "until": command.until.isoformat(),
            "digest": digest({"reason": command.reason}).hex(),
        },
        subject=f"screening:{row.hit}",
    )
    _note(context, row, EXTENDED, command.reason, entry, until=command.until.isoformat())
    _set_freeze(context, row, until=command.until.isoformat())
    return {"freeze": row.number, "until": command.until.isoformat(), "entry": entry}


def _check_license(command: LicenseExpenses, context: ActContext) -> Row[Any]:
    row = find_freeze(context.uow.connection, context.programme, command.freeze)
    require_in_force(row, context.business_date)
    most = screening_pack(context).freeze_days_max
    require_until("licence", command.until, context.business_date, most)
    Money(command.amount, command.currency)
    return row


def _ask_license(command: LicenseExpenses, context: ActContext) -> Ask:
    """A second person."""
    return second_person(context, f"screening:{_check_license(command, context).hit}")


@act(capacities=SCREENS, approvals=_ask_license, confidential=True, untold=True)
def license_expenses(command: LicenseExpenses, context: ActContext) -> Result:
    """Allow basic expenses.  Refuses `NotFound`, `FreezeNotInForce`, `ExpiryOutOfRange`."""
    row = _check_license(command, context)
    entry = context.uow.journal.append(
        events.EXPENSES_LICENSED,
        {
            "freeze": row.number,
            "amount": str(command.amount),
            "currency": command.currency,
            "until": command.until.isoformat(),
            "digest": digest({"reason": command.reason}).hex(),
        },
        subject=f"screening:{row.hit}",
    )
    _note(context, row, LICENSED, command.reason, entry, amount=command.amount,
          currency=command.currency, until=command.until.isoformat())  # fmt: skip
    return {"freeze": row.number, "entry": entry}


def _check_release(command: ReleaseFreeze, context: ActContext) -> Row[Any]:
    connection, programme = context.uow.connection, context.programme
    row = find_freeze(connection, programme, command.freeze)
    require_in_force(row, context.business_date)
    if command.ground is ReleaseGround.DELISTED:
        for one in listings_of(connection, programme, row)[:1]:
            raise NotDelisted(reference=one.reference, list=one.list)
    return row


def _ask_release(command: ReleaseFreeze, context: ActContext) -> Ask:
    """A second person."""
    return second_person(context, f"screening:{_check_release(command, context).hit}")


@act(capacities=SCREENS, approvals=_ask_release, confidential=True, untold=True)
def release_freeze(command: ReleaseFreeze, context: ActContext) -> Result:
    """End a freeze; what the ledger holds under its order is released there by its quorum.

    Refuses `NotFound`, `FreezeNotInForce`, `NotDelisted`.
    """
    row = _check_release(command, context)
    entry = context.uow.journal.append(
        events.FREEZE_RELEASED,
        {
            "freeze": row.number,
            "ground": command.ground.value,
            "digest": digest({"reason": command.reason}).hex(),
        },
        subject=f"screening:{row.hit}",
    )
    _set_freeze(
        context,
        row,
        state=FreezeState.RELEASED.value,
        released_at=context.now.isoformat(),
        release_reason=command.reason,
    )
    return {"freeze": row.number, "entry": entry}
