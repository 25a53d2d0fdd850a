"""Changes of the Directory: keys come and go, capacities, the quorum and contracts change.

A quorum announces a change; it waits for the programme's delay, in which whoever it would replace
can cancel it alone; then anyone has it carried out.  A lost key is revoked at once by another key
of its institution: that only takes away.  Every change of keys begins a new epoch, which voids
signatures that were not used.

A contract is replaced in the open: its successor is created, which gives it no rights; a quorum
announces its address; after the delay the Directory names it, and in that same transaction it takes
over what the former one knows, or refuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.access.key_register import end_key
from amanat.access.tables import institution, person
from amanat.core.errors import NotFound
from amanat.core.messages import Message, Word
from amanat.ledger.gateway import SUCCESSOR
from amanat.ledger.tables import contract as contracts
from amanat.ledger.things import Things
from amanat.ledger.typed_data import CONTRACT_NUMBERS, ChangeKind
from amanat.participants import things
from amanat.participants.records import find_institution
from amanat.participants.signing import ToSign, act_number, to_sign
from amanat.programme import events
from amanat.programme.commands import (
    AnnounceChange,
    CancelChange,
    CreateSuccessor,
    DirectoryChange,
    ExecuteChange,
    Replaceable,
    RevokeKey,
)
from amanat.programme.founding import successor_arguments
from amanat.programme.model import (
    ChangeMeaningless,
    ChangeNotDue,
    ChangeStateForbids,
    KeyNotTheirs,
    SuccessorMissing,
)
from amanat.programme.tables import directory_change
from amanat.programme.terms import LEDGER_CAPACITIES

GOVERNS = ("issuer", "guardian", "orders", "day_keeper", "cash_issuer")
"""Capacities of institutions that have keys on the ledger."""
KINDS = {
    DirectoryChange.KEY: ChangeKind.KEY,
    DirectoryChange.CAPACITIES: ChangeKind.CAPACITIES,
    DirectoryChange.QUORUM: ChangeKind.QUORUM,
    DirectoryChange.CONTRACT: ChangeKind.CONTRACT,
}
ASKED_BEFOREHAND = (Replaceable.ELIGIBILITY, Replaceable.TENDER)
"""Contracts of which one may refuse to take over for now, and says so when asked."""
# Its outcome hangs on the time of the block, so it is sent unasked.
_GAS = 400_000
_GAS_OF_REPLACEMENT = 3_000_000


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _words(command: AnnounceChange, context: ActContext) -> tuple[bytes, bytes]:
    """Subject and value as the ledger takes them.  Refuses `ChangeMeaningless`, `NotFound`."""
    given = {
        name
        for name in ("key", "institution", "quorum", "contract", "at")
        if getattr(command, name) is not None
    } | ({"capacities"} if command.capacities else set())
    allowed = {
        DirectoryChange.KEY: ({"key"}, {"key", "institution"}),
        DirectoryChange.CAPACITIES: ({"institution"}, {"institution", "capacities"}),
        DirectoryChange.QUORUM: ({"quorum"}, {"quorum"}),
        DirectoryChange.CONTRACT: ({"contract", "at"}, {"contract", "at"}),
    }[command.kind]
    if not allowed[0] <= given <= allowed[1]:
        reason = Message(
            "names {allowed}, not {given}",
            allowed=" + ".join(sorted(allowed[1])),
            given=", ".join(sorted(given)) or Message("nothing"),
        )
        raise ChangeMeaningless(kind=command.kind.value, reason=reason)
    if command.contract is not None and command.at is not None:
        at = find_successor(context, command.contract, command.at)
        return _word(CONTRACT_NUMBERS[command.contract]), bytes.fromhex(at[2:]).rjust(32, b"\0")
    number = _numbered(context, command.institution) if command.institution else 0
    if command.kind is DirectoryChange.QUORUM:
        return _word(0), _word(command.quorum or 0)
    if command.key is not None:
        return bytes.fromhex(command.key[2:]).rjust(32, b"\0"), _word(number)
    unknown = sorted(set(command.capacities) - set(LEDGER_CAPACITIES))
    if unknown:
        raise ChangeMeaningless(
            kind=command.kind.value,
            reason=Message(
                "cannot give {capacities} on the ledger", capacities=Word(", ".join(unknown))
            ),
        )
    return _word(number), _word(sum(1 << LEDGER_CAPACITIES[one] for one in set(command.capacities)))


def find_successor(context: ActContext, kind: Replaceable, at: str) -> str:
    """The address of a contract that waits to replace another.  Refuses `SuccessorMissing`."""
    found: str | None = context.uow.connection.execute(
        sql.select(contracts.c.address).where(
            contracts.c.programme == context.programme,
            contracts.c.kind == kind.value,
            contracts.c.label == SUCCESSOR,
            contracts.c.replaced.is_(False),
            contracts.c.address == at.lower(),
        )
    ).scalar_one_or_none()
    if found is None:
        raise SuccessorMissing(contract=kind.value, at=at)
    return found


def _require_succession(context: ActContext, number: int, at: str) -> None:
    """Refuse, as the ledger would, what is open in the contract that is to be replaced."""
    kinds = {CONTRACT_NUMBERS[one]: one for one in ASKED_BEFOREHAND}
    if number in kinds:
        kind = kinds[number].value
        former = context.ledger.address(kind)
        context.ledger.call(kind, "check_succession", former, address=at)


@act(capacities=(*GOVERNS, "operator"))
def create_successor(command: CreateSuccessor, context: ActContext) -> Result:
    """Order the creation of a contract as this version has it, with what the former was given.

    Refuses `NotFound` (the programme is not founded yet).
    """
    kind = command.contract.value
    arguments = successor_arguments(context.uow.connection, context.ledger, context.programme, kind)
    entry = context.uow.journal.append(
        events.SUCCESSOR_CREATION_REQUESTED,
        {
            "contract": kind,
            "former": context.ledger.address(kind),
            "reason": command.reason,
        },
        subject=f"programme:{context.programme}",
    )
    order = context.uow.orders.create(
        "create_successor",
        context.programme,
        kind,
        arguments,
        label=SUCCESSOR,
        subject=("programme", context.programme),
        cause=entry,
    )
    return {"contract": kind, "order": order, "entry": entry}


def _numbered(context: ActContext, code: str) -> int:
    number = int(find_institution(context.uow.connection, context.programme, code).number)
    if number == 0:
        raise ChangeMeaningless(
            kind="key", reason=Message("needs a number on the ledger; {code} has none", code=code)
        )
    return number


def signers_of(context: ActContext, named: Sequence[str]) -> list[str]:
    """The institutions named, or one's own and others with a number, up to the quorum."""
    if named:
        for code in named:
            _numbered(context, code)
        return list(dict.fromkeys(named))
    rows = context.uow.connection.execute(
        sql.select(institution.c.code)
        .where(institution.c.programme == context.programme, institution.c.number > 0)
        .order_by(institution.c.number)
    )
    own = context.actor.institution
    codes = sorted(rows.scalars(), key=lambda code: code != own)
    return codes[: int(context.ledger.call("Directory", "quorum"))]


def _ask(context: ActContext, signed: ToSign, signers: Sequence[str], **memo: Any) -> Ask:
    own = context.actor.institution
    return Ask(
        [signed.requirement(code, "directory", proposer_counts=code == own) for code in signers],
        memo={"epoch": signed.epoch, **memo},
        subject=f"programme:{context.programme}",
    )


def _ask_announcement(command: AnnounceChange, context: ActContext) -> Ask:
    """A quorum of the institutions signs; the proposer signs first for its own."""
    subject, value = _words(command, context)
    number = act_number(context)
    signed = to_sign(
        context,
        "Directory",
        "Change",
        number=number,
        kind=KINDS[command.kind].value,
        subject=subject,
        value=value,
    )
    return _ask(
        context,
        signed,
        signers_of(context, command.signers),
        number=number,
        change=signed.digest.hex(),
        subject=subject.hex(),
        value=value.hex(),
    )


@act(capacities=GOVERNS, approvals=_ask_announcement)
def announce_change(command: AnnounceChange, context: ActContext) -> Result:
    """Order the announcement.

    Refuses, in order: `ChangeMeaningless`, `SuccessorMissing`, `NotFound`.
    """
    memo = context.approved.memo
    entry = context.uow.journal.append(
        events.DIRECTORY_CHANGE_REQUESTED,
        {
            "change": memo["change"],
            "number": memo["number"],
            "change_kind": command.kind.value,
            "subject": memo["subject"],
            "value": memo["value"],
            "reason": command.reason,
        },
        subject=f"programme:{context.programme}",
    )
    change = (
        memo["number"],
        memo["epoch"],
        KINDS[command.kind].value,
        bytes.fromhex(memo["subject"]),
        bytes.fromhex(memo["value"]),
    )
    order = context.uow.orders.request(
        "announce_change",
        context.programme,
        "Directory",
        "announce_change",
        [change, context.approved.signatures()],
        subject=("programme", memo["change"]),
        cause=entry,
        things=Things(),
    )
    context.uow.connection.execute(
        directory_change.insert().values(
            programme=context.programme,
            digest=memo["change"],
            number=memo["number"],
            epoch=memo["epoch"],
            kind=command.kind.value,
            subject=memo["subject"],
            value=memo["value"],
            reason=command.reason,
            state="requested",
            order_id=order,
            requested_at=context.now.isoformat(),
            entry=entry,
        )
    )
    return {"change": memo["change"], "order": order, "entry": entry}


def _find_change(context: ActContext, change: str) -> Row[Any]:
    """An announced change.  Refuses `NotFound`, `ChangeStateForbids`."""
    row = context.uow.connection.execute(
        sql.select(directory_change)
        .where(
            directory_change.c.programme == context.programme, directory_change.c.digest == change
        )
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(thing="change of the Directory", value=change)
    if row.state != "announced":
        raise ChangeStateForbids(change=change, state=row.state)
    return row


@act(capacities=(*GOVERNS, "operator"))
def execute_change(command: ExecuteChange, context: ActContext) -> Result:
    """Order that an announced change be carried out; who sends it adds no authority.

    Refuses, in order: `NotFound`, `ChangeStateForbids`, `ChangeNotDue`, and what keeps a contract
    from being replaced now.
    """
    row = _find_change(context, command.change)
    if context.now.isoformat() < row.due_at:
        raise ChangeNotDue(change=row.digest, due_at=row.due_at)
    replaces = row.kind == DirectoryChange.CONTRACT.value
    if replaces:
        _require_succession(context, int(row.subject, 16), f"0x{row.value[-40:]}")
    entry = context.uow.journal.append(
        events.DIRECTORY_CHANGE_EXECUTION_REQUESTED,
        {"change": row.digest},
        subject=f"programme:{context.programme}",
    )
    change = (
        row.number,
        row.epoch,
        KINDS[DirectoryChange(row.kind)].value,
        bytes.fromhex(row.subject),
        bytes.fromhex(row.value),
    )
    order = context.uow.orders.request(
        "execute_change",
        context.programme,
        "Directory",
        "execute_change",
        [change],
        subject=("programme", row.digest),
        cause=entry,
        gas=_GAS_OF_REPLACEMENT if replaces else _GAS,
    )
    return {"change": row.digest, "order": order, "entry": entry}


def _ask_cancellation(command: CancelChange, context: ActContext) -> Ask:
    """A quorum of the institutions signs; an institution that may object signs alone."""
    row = _find_change(context, command.change)
    signed = to_sign(context, "Directory", "ChangeCancellation", change=bytes.fromhex(row.digest))
    own = find_institution(context.uow.connection, context.programme, context.actor.institution)
    alone = int(context.ledger.call("Directory", "objectors", bytes.fromhex(row.digest)))
    signers = [own.code] if alone >> own.number & 1 else signers_of(context, command.signers)
    return _ask(context, signed, signers)


@act(capacities=GOVERNS, approvals=_ask_cancellation)
def cancel_change(command: CancelChange, context: ActContext) -> Result:
    """Order the cancellation of an announced change.

    Refuses, in order: `NotFound`, `ChangeStateForbids`.
    """
    row = _find_change(context, command.change)
    entry = context.uow.journal.append(
        events.DIRECTORY_CHANGE_CANCELLATION_REQUESTED,
        {"change": row.digest, "reason": command.reason},
        subject=f"programme:{context.programme}",
    )
    order = context.uow.orders.request(
        "cancel_change",
        context.programme,
        "Directory",
        "cancel_change",
        [
            bytes.fromhex(row.digest),
            context.approved.memo["epoch"],
            context.approved.signatures(),
        ],
        subject=("programme", row.digest),
        cause=entry,
        things=Things(),
    )
    return {"change": row.digest, "order": order, "entry": entry}


def _check_revocation(command: RevokeKey, context: ActContext) -> None:
    own = find_institution(context.uow.connection, context.programme, context.actor.institution)
    of_key = int(context.ledger.call("Directory", "institution_of", command.key.lower()))
    if own.number == 0 or of_key != own.number:
        raise KeyNotTheirs(key=command.key, institution=own.code)


def _ask_revocation(command: RevokeKey, context: ActContext) -> Ask:
    """Another person of the proposer's institution signs with a key of that institution."""
    _check_revocation(command, context)
    signed = to_sign(context, "Directory", "KeyRevocation", key=command.key.lower())
    return Ask(
        [signed.requirement(context.actor.institution, "directory")],
        memo={"epoch": signed.epoch},
        subject=f"programme:{context.programme}",
    )


@act(capacities=GOVERNS, approvals=_ask_revocation)
def revoke_key(command: RevokeKey, context: ActContext) -> Result:
    """Order a key's removal; here nobody signs with it from now.  Refuses `KeyNotTheirs`."""
    _check_revocation(command, context)
    key = command.key.lower()
    entry = context.uow.journal.append(
        events.KEY_REVOCATION_REQUESTED,
        {"key": key, "institution": context.actor.institution, "reason": command.reason},
        subject=f"programme:{context.programme}",
    )
    order = context.uow.orders.request(
        "revoke_key",
        context.programme,
        "Directory",
        "revoke_key",
        [key, context.approved.memo["epoch"], context.approved.signatures()[0]],
        subject=("programme", key),
        cause=entry,
        things=Things(brings=[things.EPOCH]),
    )
    context.uow.connection.execute(
        sql.update(person)
        .where(person.c.programme == context.programme, person.c.address == key)
        .values(address=None)
    )
    end_key(context.uow.connection, context.programme, key, "revoked", context.now)
    return {"key": key, "order": order, "entry": entry}
