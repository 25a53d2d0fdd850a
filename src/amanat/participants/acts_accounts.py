"""Enrols accounts of participants, and records how their holders are taxed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.access.key_register import ACCOUNT, enter_key, find_key
from amanat.core.errors import Forbidden, NotFound, Place, Refusal, Refused
from amanat.core.ids import new_id
from amanat.core.messages import Message
from amanat.core.quantities import text_from
from amanat.ledger.keyring import ELSEWHERE
from amanat.ledger.things import Things
from amanat.participants import events, things
from amanat.participants.commands import (
    AccountToEnrol,
    EnrolAccounts,
    RecordTaxStatus,
    RecordTaxStatuses,
)
from amanat.participants.model import (
    AccountExists,
    AccountKind,
    HolderMissing,
    TaxStatus,
    tax_status_refusals,
)
from amanat.participants.records import (
    accounts_at,
    check_authority,
    checked_address,
    find_account,
    find_class,
    find_participant,
)
from amanat.participants.signing import AUTHORITY, act_number, to_sign, two_keys
from amanat.participants.tables import account, tax_status
from amanat.store.engine import insert_many

# -- accounts -------------------------------------------------------------------------------------


def _ask_enrolment(command: EnrolAccounts, context: ActContext) -> Ask:
    """Two keys of the participant's class authority sign."""
    row = _check_enrolment(command, context)
    number = act_number(context)
    signed = to_sign(
        context,
        "Eligibility",
        "AccountOpening",
        number=number,
        participant=row.number,
        accounts=[one.address.lower() for one in command.accounts],
    )
    authority = find_class(context.uow.connection, context.programme, row.participant_class)
    return Ask(
        two_keys(authority.authority, signed),
        memo={"number": number, "epoch": signed.epoch},
        subject=f"participants:{row.code}",
    )


GovernsAccounts = Callable[[ActContext, str, frozenset[str]], None]
_GOVERNORS: list[GovernsAccounts] = []


def governs_accounts(rule: GovernsAccounts) -> GovernsAccounts:
    """Let a room that licenses refuse kinds of account: `rule(context, participant, kinds)`."""
    _GOVERNORS.append(rule)
    return rule


@act(capacities=[AUTHORITY, "participant"], approvals=_ask_enrolment, confidential=True)
def enrol_accounts(command: EnrolAccounts, context: ActContext) -> Result:
    """Order accounts to be opened for a participant, signed by two keys of its authority.

    Asked by the authority, or by the participant for itself.  Refuses, all at once where several:
    `NotFound`, `NotClassAuthority`, `InvalidAddress`, `AccountExists`, `HolderMissing`.
    """
    row = _check_enrolment(command, context)
    connection, memo = context.uow.connection, context.approved.memo
    addresses = [one.address.lower() for one in command.accounts]
    entry = context.uow.journal.append(
        events.ACCOUNTS_ENROLMENT_REQUESTED,
        {
            "participant": row.code,
            "accounts": [
                {
                    "address": one.address.lower(),
                    "kind": one.kind.value,
                    "label": one.label,
                    "holder_class": one.holder_class,
                    "tax_residency": one.tax_residency,
                }
                for one in command.accounts
            ],
            "holders": {one.address.lower(): one.holder for one in command.accounts},
        },
        subject=f"participants:{row.code}",
    )
    opening = {
        "number": memo["number"],
        "epoch": memo["epoch"],
        "participant": row.number,
        "accounts": addresses,
    }
    order = context.uow.orders.request(
        "enrol_accounts",
        context.programme,
        "Eligibility",
        "open_accounts",
        [opening, context.approved.signatures()],
        subject=("participants", row.code),
        depends_on=[row.order_id] if row.done_at is None else [],
        cause=entry,
        things=Things(brings=things.participants([row.code])),
    )
    connection.execute(
        sql.delete(account).where(
            account.c.programme == context.programme, account.c.address.in_(addresses)
        )
    )
    connection.execute(
        account.insert(),
        [_account_row(one, row.code, order, entry, context) for one in command.accounts],
    )
    for one in command.accounts:
        if one.kind is not AccountKind.CLIENT:
            _enter_account_key(one, row.code, entry, context)
    return {"participant": row.code, "accounts": addresses, "order": order, "entry": entry}


def _enter_account_key(one: AccountToEnrol, code: str, entry: str, context: ActContext) -> None:
    """A participant's own account stands in the register of keys; a client's key is the client's.

    An address that stands there for another purpose, such as a person's, keeps that purpose.
    """
    connection, programme = context.uow.connection, context.programme
    if find_key(connection, programme, one.address) is not None:
        return
    enter_key(
        connection,
        programme,
        one.address,
        institution=code,
        holder=one.label[:64],
        purpose=ACCOUNT,
        place=ELSEWHERE if context.keys is None else context.keys.place(one.address),
        now=context.now,
        entry=entry,
    )


def _account_row(
    one: AccountToEnrol, code: str, order: str, entry: str, context: ActContext
) -> dict[str, Any]:
    return {
        "programme": context.programme,
        "address": one.address.lower(),
        "participant": code,
        "kind": one.kind.value,
        "label": one.label,
        "holder": one.holder,
        "holder_class": one.holder_class,
        "tax_residency": one.tax_residency,
        "order_id": order,
        "requested_at": context.now.isoformat(),
        "entry": entry,
    }


def _check_enrolment(command: EnrolAccounts, context: ActContext) -> Row[Any]:
    connection, programme = context.uow.connection, context.programme
    row = find_participant(connection, programme, command.participant)
    if context.actor.institution != row.code:
        check_authority(find_class(connection, programme, row.participant_class), context)
    for rule in _GOVERNORS:
        rule(context, row.code, frozenset(one.kind.value for one in command.accounts))
    refused = Refused()
    addresses = [one.address.lower() for one in command.accounts]
    taken = {
        one.address: one.participant
        for one in connection.execute(
            sql.select(account).where(
                account.c.programme == programme,
                account.c.address.in_(addresses),
                account.c.refused_at.is_(None),
            )
        )
    }
    labels = set(
        connection.execute(
            sql.select(account.c.label).where(
                account.c.programme == programme,
                account.c.participant == row.code,
                account.c.label.in_([one.label for one in command.accounts]),
                account.c.address.not_in(addresses),
            )
        ).scalars()
    )
    for at, one in enumerate(command.accounts):
        for refusal in checked_address(one.address):
            refused.add(refusal)
        address = one.address.lower()
        if address in taken or address in addresses[:at]:
            holder = taken.get(address, row.code)
            itself = context.actor.institution == row.code
            told = "another participant" if itself and holder != row.code else holder
            refused.add(AccountExists(address=address, participant=told))
        if one.label in labels:
            refused.add(AccountExists(address=one.label, participant=row.code))
        labels.add(one.label)
        if one.kind is AccountKind.CLIENT and one.holder is None:
            refused.add(HolderMissing(field="the holder's name"))
    refused.raise_if_any()
    return row


# -- tax ------------------------------------------------------------------------------------------


_TAX_CAPACITIES = ("tax_agent", "registrar", "participant")


@act(capacities=_TAX_CAPACITIES, confidential=True)
def record_tax_status(command: RecordTaxStatus, context: ActContext) -> Result:
    """Record how an account's holder is taxed; a participant may for its clients alone.

    Refuses, in order: `NotFound` (account), `Forbidden`, `TaxDatesDisorderly`,
    `CertificateIncomplete`.
    """
    row = find_account(context.uow.connection, context.programme, command.address)
    refused = Refused()
    for refusal in _tax_refusals(command, row, "RecordTaxStatus", context):
        refused.add(refusal)
    refused.raise_if_any()
    (recorded,) = _record_statuses([(command, row)], context)
    return recorded


@act(capacities=_TAX_CAPACITIES, confidential=True)
def record_tax_statuses(command: RecordTaxStatuses, context: ActContext) -> Result:
    """As `RecordTaxStatus` for many accounts, each with a journal entry of its own.

    Refuses, all at once and each with its place, what `RecordTaxStatus` refuses.
    """
    connection, programme = context.uow.connection, context.programme
    rows = accounts_at(connection, programme, [one.address for one in command.statuses])
    refused = Refused()
    found: list[tuple[RecordTaxStatus, Row[Any]]] = []
    for position, one in enumerate(command.statuses):
        place = Place(field=f"statuses[{position}]")
        row = rows.get(one.address.lower())
        if row is None:
            refused.add(NotFound(place=place, thing="account", value=one.address))
            continue
        for refusal in _tax_refusals(one, row, "RecordTaxStatuses", context):
            refused.add(refusal.at(place))
        found.append((one, row))
    refused.raise_if_any()
    recorded = _record_statuses(found, context)
    return {"recorded": len(recorded), "first": recorded[0], "last": recorded[-1]}


def _tax_refusals(
    one: RecordTaxStatus, row: Row[Any], act_name: str, context: ActContext
) -> list[Refusal]:
    keeps_all = context.actor.capacities & {"tax_agent", "registrar"}
    if not keeps_all and row.participant != context.actor.institution:
        return [NotFound(thing="account", value=one.address)]
    if not keeps_all and row.kind != AccountKind.CLIENT.value:
        reason = Message("a participant records the tax status of its own clients only")
        return [Forbidden(actor=context.actor, act=act_name, reason=reason)]
    status = TaxStatus(**one.model_dump(exclude={"address", "source"}))
    return list(tax_status_refusals(status))


def _record_statuses(
    found: Sequence[tuple[RecordTaxStatus, Row[Any]]], context: ActContext
) -> list[dict[str, str]]:
    """Enter these statuses; identifier and journal entry of each."""
    stored = []
    for one, row in found:
        fields = {
            "address": row.address,
            "holder_class": one.holder_class,
            "active_taxpayer": one.active_taxpayer,
            "valid_from": one.valid_from.isoformat(),
            "valid_to": one.valid_to.isoformat() if one.valid_to else None,
            "tax_residency": one.tax_residency,
            "certificate": one.certificate.value if one.certificate else None,
            "certificate_number": one.certificate_number,
            "reduced_rate": None if one.reduced_rate is None else text_from(one.reduced_rate),
            "source": one.source,
        }
        entry = context.uow.journal.append(
            events.TAX_STATUS_RECORDED, fields, subject=f"participants:{row.participant}"
        )
        head = {
            "id": new_id(),
            "programme": context.programme,
            "recorded_at": context.now.isoformat(),
            "entry": entry,
        }
        stored.append(head | fields)
    insert_many(context.uow.connection, tax_status, stored)
    return [{"tax_status": row["id"], "entry": row["entry"]} for row in stored]
