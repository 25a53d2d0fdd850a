"""Winding a provider down: plan, list of clients, transfer to a licensee, what is left, statement.

A revocation or surrender has withdrawn what the provider had.  Insolvency withdraws nothing: the
act that opens its case suspends it at the level of a wind-down, here and on the ledger, so that
nobody becomes its client any more.  Clients may object to being moved until a day; who objected is
settled one by one.  What is owed to a client is never forfeited: what nobody claims is recorded as
unclaimed, with where it lies.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.canonical import digest
from amanat.core.errors import Invalid, NotFound, Refusal
from amanat.core.messages import Word
from amanat.licensing.enforcement import events
from amanat.licensing.enforcement.commands import (
    BeginWindingDown,
    CompleteTransfer,
    EndWindingDown,
    ListClients,
    ObjectToTransfer,
    ProposeTransfer,
    SettleClient,
    WindingCause,
)
from amanat.licensing.enforcement.tables import winding_client, winding_down
from amanat.licensing.model import APPLICANT, Change, DayOutOfRange
from amanat.licensing.ordering import Move, ask_moves, carry_moves, written
from amanat.licensing.standing import require_permission
from amanat.licensing.stepping import (
    OnProvider,
    Stepped,
    approvers,
    held_licence,
    load_provider_step,
    load_step,
    open_file,
    record_step,
    require_approvers_apart,
    require_no_conflict,
)
from amanat.participants.acts_people import second_person
from amanat.participants.signing import AUTHORITY

WINDING_DOWN = "winding_down"
WINDING_DOWN_STATUS = "wind_down"
OBJECTION_DAYS_MIN = 14
"""Calendar days that clients have to object, at least; of no published source."""


_CLOSED = {WindingCause.REVOCATION: "revoked", WindingCause.SURRENDER: "surrendered"}
_PLANNED = "planned"


class CauseUnfounded(Refusal):
    """Who is wound down after a revocation or surrender has been revoked or surrendered."""

    template: ClassVar[str] = "{provider} is {status}: there was no {cause} to wind it down for."


class ClientTwice(Invalid):
    """A list of clients has each of them once."""

    template: ClassVar[str] = "{client} stands {count} times in the list."


class WindowTooShort(Invalid):
    """Clients get time to object to being moved."""

    template: ClassVar[str] = "Clients have {days} days to object, at least {least}."


class ObjectionsOver(Refusal):
    """A client objects within the window."""

    template: ClassVar[str] = "Objections were taken until {until}."


class ObjectionsOpen(Refusal):
    """Nobody is moved while they may still object."""

    template: ClassVar[str] = "Clients may object until {until}."


class ClientSettled(Refusal):
    """What became of a client's holdings is recorded once."""

    template: ClassVar[str] = "{client} was settled on {settled_on}: {fate}."


class OtherClients(Refusal):
    """What is signed about clients names the very list that it is about."""

    template: ClassVar[str] = "{file}: the list of clients has the digest {digest}, not {given}."


class ClientsOpen(Refusal):
    """A winding-down ends when every client is settled."""

    template: ClassVar[str] = "{file}: clients that are not settled: {count}."


def _later(context: ActContext, what: str, day: date) -> None:
    if day <= context.business_date:
        raise DayOutOfRange(what=Word(what), day=day, business_date=context.business_date)


def _ask_begin(command: BeginWindingDown, context: ActContext) -> Ask:
    """A key of the authority where the ledger has to say it, by a second person."""
    on = _check_begin(command, context)
    if not _still_open(on):
        return second_person(context, f"licensing:{command.provider}")
    return ask_moves(context, command.provider, [_shut(command, context, _PLANNED)[1]])


def _check_begin(command: BeginWindingDown, context: ActContext) -> OnProvider:
    on = load_provider_step(context, command.provider, "BeginWindingDown", kind=WINDING_DOWN)
    status = on.standing.status
    if _CLOSED.get(command.cause, status) != status:
        raise CauseUnfounded(
            provider=command.provider, status=Word(status), cause=Word(command.cause.value)
        )
    _later(context, "deadline", command.deadline)
    return on


def _still_open(on: OnProvider) -> bool:
    """Whether the provider could deal after the case is opened, unless it is suspended with it."""
    return on.standing.status not in (WINDING_DOWN_STATUS, *_CLOSED.values())


def _shut(command: BeginWindingDown, context: ActContext, file_id: str) -> tuple[OnProvider, Move]:
    """The suspension that comes with the case of who is insolvent."""
    on = load_provider_step(context, command.provider, "Suspend", kind="suspension")
    held_licence(on.standing, None)
    return on, Move(
        change=Change.SUSPEND,
        reason=f"{command.cause.value}: it is wound down",
        citation=on.law,
        level=on.pack.suspension(WINDING_DOWN_STATUS).code,
        suspension=file_id,
        file=file_id,
    )


@act(capacities=[AUTHORITY], approvals=_ask_begin, confidential=True)
def begin_winding_down(command: BeginWindingDown, context: ActContext) -> Result:
    """Begin to wind a provider down; who is insolvent and still dealt is suspended by the same act.

    Refuses, in order: `NotAProvider`, as the path does, `CauseUnfounded`, `DayOutOfRange`,
    `ChangePending` (its admission), `Conflicted`, `StandingMoved`.
    """
    on = _check_begin(command, context)
    require_no_conflict(context, command.provider, approvers(context))
    suspension, order = _suspended(command, context) if _still_open(on) else (None, None)
    identifier, number, _moved = open_file(context, on, reason=command.plan)
    stated = command.model_dump(mode="json")
    entry = context.uow.journal.append(
        events.WINDING_DOWN_BEGUN, stated | {"file": number}, subject=f"licensing:{number}"
    )
    context.uow.connection.execute(
        winding_down.insert().values(
            file=identifier, programme=context.programme, **stated, **written(context, entry)
        )
    )
    return {
        "file": number,
        "provider": command.provider,
        "suspension": suspension,
        "order": order,
        "entry": entry,
    }


def _suspended(command: BeginWindingDown, context: ActContext) -> tuple[str, str | None]:
    """Suspend whoever is wound down; the number of that file, and the order to the ledger."""
    on, _move = _shut(command, context, _PLANNED)
    identifier, number, _entry = open_file(context, on, reason=command.cause.value)
    _on, move = _shut(command, context, identifier)
    return number, carry_moves(context, command.provider, [move]).order


def _case(context: ActContext, stepped: Stepped) -> Row[Any]:
    return context.uow.connection.execute(
        sql.select(winding_down).where(winding_down.c.file == stepped.row.id).with_for_update()
    ).one()


def _set(context: ActContext, stepped: Stepped, **values: Any) -> None:
    context.uow.connection.execute(
        sql.update(winding_down).where(winding_down.c.file == stepped.row.id).values(**values)
    )


@act(capacities=[APPLICANT], confidential=True)
def list_clients(command: ListClients, context: ActContext) -> Result:
    """Give the list of clients by their pseudonyms.  Refuses as the path does, `ClientTwice`."""
    stepped = load_step(context, command.file, "ListClients")
    counted = Counter(one.client for one in command.clients)
    for client, count in counted.items():
        if count > 1:
            raise ClientTwice(client=client, count=count)
    stated = [one.model_dump(mode="json") for one in command.clients]
    closed = digest({"clients": stated}).hex()
    record_step(context, stepped)
    entry = context.uow.journal.append(
        events.CLIENTS_LISTED,
        {"file": stepped.row.number, "count": len(stated), "digest": closed},
        subject=stepped.subject,
    )
    context.uow.connection.execute(
        winding_client.insert(),
        [
            {
                "file": stepped.row.id,
                "client": one["client"],
                "programme": context.programme,
                "holdings": one["holdings"],
                "code": one["code"],
            }
            for one in stated
        ],
    )
    _set(context, stepped, clients_digest=closed)
    return {"file": stepped.row.number, "clients": len(stated), "entry": entry}


def _ask_transfer(command: ProposeTransfer, context: ActContext) -> Ask:
    """A second person of the authority."""
    stepped = _check_transfer(command, context)
    return second_person(context, stepped.subject)


def _check_transfer(command: ProposeTransfer, context: ActContext) -> Stepped:
    stepped = load_step(context, command.file, "ProposeTransfer")
    require_permission(
        context.uow.connection,
        context.programme,
        command.transfer_to,
        "new_clients",
        context.business_date,
    )
    days = (command.objections_until - context.business_date).days
    if days < OBJECTION_DAYS_MIN:
        raise WindowTooShort(days=days, least=OBJECTION_DAYS_MIN)
    _require_list(stepped, command.clients, _case(context, stepped).clients_digest)
    return stepped


def _require_list(stepped: Stepped, given: str | None, known: str) -> None:
    if given is not None and given != known:
        raise OtherClients(file=stepped.row.number, digest=known, given=given)


def moved_digest(connection: Connection, file_id: str) -> str:
    """SHA-256 of the list of clients who are moved: all who neither objected nor were settled."""
    rows = connection.execute(
        sql.select(winding_client.c.client, winding_client.c.holdings)
        .where(
            winding_client.c.file == file_id,
            winding_client.c.objected_on.is_(None),
            winding_client.c.fate.is_(None),
        )
        .order_by(winding_client.c.client)
    )
    stated = [{"client": row.client, "holdings": row.holdings} for row in rows]
    return digest({"clients": stated}).hex()


@act(capacities=[AUTHORITY], approvals=_ask_transfer, confidential=True)
def propose_transfer(command: ProposeTransfer, context: ActContext) -> Result:
    """Propose a transfer to a provider that may take on clients; it is announced to everyone.

    Refuses as the path does; then `PermissionMissing` (of whom takes them), `WindowTooShort`,
    `OtherClients`.
    """
    stepped = _check_transfer(command, context)
    require_approvers_apart(context, stepped)
    record_step(context, stepped)
    until = command.objections_until.isoformat()
    entry = context.uow.journal.append(
        events.TRANSFER_PROPOSED,
        {
            "file": stepped.row.number,
            "provider": stepped.row.provider,
            "transfer_to": command.transfer_to,
            "objections_until": until,
            "clients": _case(context, stepped).clients_digest,
        },
        subject=stepped.subject,
    )
    _set(context, stepped, transfer_to=command.transfer_to, objections_until=until)
    return {"file": stepped.row.number, "stage": stepped.step.to, "entry": entry}


def _client(context: ActContext, stepped: Stepped, client: str) -> Row[Any]:
    row = context.uow.connection.execute(
        sql.select(winding_client)
        .where(winding_client.c.file == stepped.row.id, winding_client.c.client == client)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(thing="client", value=client)
    require_open(row)
    return row


def require_open(row: Row[Any]) -> None:
    """Refuse `ClientSettled`."""
    if row.fate is not None:
        raise ClientSettled(
            client=row.client, settled_on=date.fromisoformat(row.settled_on), fate=Word(row.fate)
        )


def _of_client(context: ActContext, stepped: Stepped, client: str, **values: Any) -> None:
    context.uow.connection.execute(
        sql.update(winding_client)
        .where(winding_client.c.file == stepped.row.id, winding_client.c.client == client)
        .values(**values)
    )


@act(capacities=[AUTHORITY, APPLICANT], confidential=True)
def object_to_transfer(command: ObjectToTransfer, context: ActContext) -> Result:
    """Record an objection.

    Refuses as the path does; then `ObjectionsOver`, `NotFound` (client), `ClientSettled`.
    """
    stepped = load_step(context, command.file, "ObjectToTransfer")
    case = _case(context, stepped)
    if context.business_date.isoformat() > case.objections_until:
        raise ObjectionsOver(until=date.fromisoformat(case.objections_until))
    _client(context, stepped, command.client)
    record_step(context, stepped)
    entry = context.uow.journal.append(
        events.OBJECTED,
        {
            "file": stepped.row.number,
            "client": command.client,
            "digest": digest({"reason": command.reason}).hex(),
        },
        subject=stepped.subject,
    )
    _of_client(
        context,
        stepped,
        command.client,
        objection=command.reason,
        objected_on=context.business_date.isoformat(),
    )
    return {"file": stepped.row.number, "client": command.client, "entry": entry}


def _ask_completion(command: CompleteTransfer, context: ActContext) -> Ask:
    """A second person of the authority."""
    stepped, _moved = _check_completion(command, context)
    return second_person(context, stepped.subject)


def _check_completion(command: CompleteTransfer, context: ActContext) -> tuple[Stepped, str]:
    stepped = load_step(context, command.file, "CompleteTransfer")
    until = date.fromisoformat(_case(context, stepped).objections_until)
    if context.business_date <= until:
        raise ObjectionsOpen(until=until)
    moved = moved_digest(context.uow.connection, stepped.row.id)
    _require_list(stepped, command.clients, moved)
    return stepped, moved


@act(capacities=[AUTHORITY], approvals=_ask_completion, confidential=True)
def complete_transfer(command: CompleteTransfer, context: ActContext) -> Result:
    """Record the transfer of all who did not object.

    Refuses as the path does, then `ObjectionsOpen`, `OtherClients`.
    """
    stepped, clients = _check_completion(command, context)
    require_approvers_apart(context, stepped)
    record_step(context, stepped, command.reference)
    table, today = winding_client, context.business_date.isoformat()
    theirs = table.c.file == stepped.row.id
    moved = context.uow.connection.execute(
        sql.update(table)
        .where(theirs, table.c.objected_on.is_(None), table.c.fate.is_(None))
        .values(fate="transferred", settled_on=today, reference=command.reference)
    ).rowcount
    objected = context.uow.connection.execute(
        sql.select(sql.func.count()).where(theirs, table.c.objected_on.is_not(None))
    ).scalar_one()
    entry = context.uow.journal.append(
        events.CLIENTS_TRANSFERRED,
        {
            "file": stepped.row.number,
            "provider": stepped.row.provider,
            "transfer_to": _case(context, stepped).transfer_to,
            "transferred": moved,
            "objected": objected,
            "clients": clients,
        },
        subject=stepped.subject,
    )
    _set(context, stepped, transferred_on=today)
    return {"file": stepped.row.number, "transferred": moved, "objected": objected, "entry": entry}


@act(capacities=[AUTHORITY], confidential=True)
def settle_client(command: SettleClient, context: ActContext) -> Result:
    """Record what became of one client.  Refuses as the path does, `NotFound`, `ClientSettled`."""
    stepped = load_step(context, command.file, "SettleClient")
    _client(context, stepped, command.client)
    record_step(context, stepped)
    entry = context.uow.journal.append(
        events.CLIENT_SETTLED,
        {
            "file": stepped.row.number,
            "client": command.client,
            "fate": command.fate.value,
            "reference": command.reference,
        },
        subject=stepped.subject,
    )
    _of_client(
        context,
        stepped,
        command.client,
        fate=command.fate.value,
        settled_on=context.business_date.isoformat(),
        reference=command.reference,
    )
    return {"file": stepped.row.number, "client": command.client, "entry": entry}


def _ask_end(command: EndWindingDown, context: ActContext) -> Ask:
    """A second person of the authority."""
    stepped, _fates = _check_end(command, context)
    return second_person(context, stepped.subject)


def _check_end(command: EndWindingDown, context: ActContext) -> tuple[Stepped, Counter[str]]:
    stepped = load_step(context, command.file, "EndWindingDown")
    fates: Counter[str] = Counter()
    for row in context.uow.connection.execute(
        sql.select(winding_client.c.fate).where(winding_client.c.file == stepped.row.id)
    ):
        fates[row.fate or "open"] += 1
    if fates["open"]:
        raise ClientsOpen(file=stepped.row.number, count=fates["open"])
    return stepped, fates


@act(capacities=[AUTHORITY], approvals=_ask_end, confidential=True)
def end_winding_down(command: EndWindingDown, context: ActContext) -> Result:
    """End a winding-down with its statement.  Refuses as the path does, then `ClientsOpen`."""
    stepped, fates = _check_end(command, context)
    require_approvers_apart(context, stepped)
    record_step(context, stepped)
    counts = {name: fates[name] for name in ("transferred", "returned", "unclaimed")}
    entry = context.uow.journal.append(
        events.WINDING_DOWN_ENDED,
        {
            "file": stepped.row.number,
            "provider": stepped.row.provider,
            "statement": command.statement,
            **counts,
        },
        subject=stepped.subject,
    )
    _set(context, stepped, statement=command.statement)
    return {"file": stepped.row.number, "stage": stepped.step.to, **counts, "entry": entry}
