"""What acts of licensing will do, said before they are signed."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sql

from amanat.access.effects import Seen, effects
from amanat.core.errors import NotFound
from amanat.core.messages import Message, Word
from amanat.licensing.commands import (
    AcceptSurrender,
    ConfirmFact,
    ConvertPermission,
    Decide,
    Direct,
    GrantLicence,
    HandOverReporting,
    LiftSuspension,
    Renew,
    Revoke,
    Suspend,
    Vary,
)
from amanat.licensing.model import Outcome
from amanat.licensing.records import authority_of, pack_of, reporting_entity_on
from amanat.licensing.standing import standing_on
from amanat.licensing.tables import licensing_file
from amanat.participants.records import accounts_of


def _file(seen: Seen, number: str) -> tuple[str, str, str]:
    """Provider, kind and stage of a file that the proposer's institution may see."""
    row = seen.connection.execute(
        sql.select(licensing_file).where(
            licensing_file.c.programme == seen.programme, licensing_file.c.number == number
        )
    ).one_or_none()
    authority = authority_of(
        seen.connection, seen.programme, pack_of(seen.connection, seen.programme)
    )
    if row is None or seen.institution not in (row.provider, authority):
        raise NotFound(thing="file", value=number)
    return row.provider, row.kind, row.stage


def _status(seen: Seen, code: str) -> Word:
    return Word(standing_on(seen.connection, seen.programme, code, seen.business_date).status)


@effects(Decide)
def decision(command: Decide, seen: Seen) -> Iterator[Message]:
    """What the decision grants, and until when it can be appealed."""
    code, kind, _stage = _file(seen, command.file)
    pack = pack_of(seen.connection, seen.programme)
    grants = pack.file(kind).grants
    if command.outcome is Outcome.GRANT and grants:
        yield Message(
            "{provider} is {status} and is granted: {permission}",
            provider=code,
            status=_status(seen, code),
            permission=Message(pack.permission(grants).title),
        )
    elif command.outcome is Outcome.GRANT:
        yield Message("{file} of {provider} is approved", file=command.file, provider=code)
    else:
        yield Message(
            "{file} of {provider} is refused, with {days} days to appeal",
            file=command.file,
            provider=code,
            days=pack.appeal_days,
        )
    yield Message("Conditions that are attached: {count}", count=len(command.conditions))


@effects(ConfirmFact)
def confirmation(command: ConfirmFact, seen: Seen) -> Iterator[Message]:
    """What is confirmed, and what rests on it."""
    pack = pack_of(seen.connection, seen.programme)
    fact = pack.confirmation(command.fact)
    standing_on(seen.connection, seen.programme, command.provider, seen.business_date)
    if command.holds:
        yield Message(
            "It is confirmed of {provider}: {fact}",
            provider=command.provider,
            fact=Message(fact.title),
        )
    else:
        yield Message(
            "It is taken back of {provider}: {fact}",
            provider=command.provider,
            fact=Message(fact.title),
        )
    if fact.grants:
        yield Message(
            "With it stands or falls: {permission}",
            permission=Message(pack.permission(fact.grants).title),
        )


@effects(HandOverReporting)
def handover(command: HandOverReporting, seen: Seen) -> Iterator[Message]:
    """Which entity reports before and after."""
    row = reporting_entity_on(seen.connection, seen.programme, command.provider, seen.business_date)
    yield Message(
        "{provider} reports through {before}; from {day} through {after}",
        provider=command.provider,
        before=row.entity_name if row is not None else Message("no entity"),
        after=command.entity_name,
        day=command.first_day,
    )


@effects(GrantLicence)
def licence(command: GrantLicence, seen: Seen) -> Iterator[Message]:
    """Which licence, until when, and that it waits for the ledger."""
    code, _kind, _stage = _file(seen, command.file)
    yield Message(
        "{provider} is {status}; its licence for {category} is valid until {valid_until}",
        provider=code,
        status=_status(seen, code),
        category=Word(command.category),
        valid_until=command.valid_until,
    )
    yield Message("It takes effect when the ledger has it")


@effects(Vary)
def variation(command: Vary, seen: Seen) -> Iterator[Message]:
    """How many conditions come and go."""
    code, _kind, _stage = _file(seen, command.file)
    yield Message(
        "Conditions of {provider}: {set} are attached, {lifted} are lifted",
        provider=code,
        set=len(command.conditions),
        lifted=len(command.lifted),
    )


@effects(Renew)
def renewal(command: Renew, seen: Seen) -> Iterator[Message]:
    """Until when it is valid then."""
    code, _kind, _stage = _file(seen, command.file)
    yield Message(
        "The permission of {provider} is valid until {valid_until}",
        provider=code,
        valid_until=command.valid_until,
    )


@effects(Suspend)
def suspension(command: Suspend, seen: Seen) -> Iterator[Message]:
    """The status before, the level after, when it binds, and what it shuts."""
    level = pack_of(seen.connection, seen.programme).suspension(command.level)
    yield Message(
        "{provider} is {status}; suspended afterwards: {level}",
        provider=command.provider,
        status=_status(seen, command.provider),
        level=Word(level.code),
    )
    yield Message("It binds here from the request, before the ledger has it")
    yield Message("It shuts: {activities}", activities=Word(", ".join(level.shuts)))
    if command.category is None and command.accounts is None:
        yield Message(
            "Accounts that change with their participant: {count}",
            count=len(accounts_of(seen.connection, seen.programme, command.provider)),
        )


@effects(LiftSuspension)
def lifting(command: LiftSuspension, seen: Seen) -> Iterator[Message]:
    """The status before, and that it waits for the ledger."""
    code, _kind, _stage = _file(seen, command.file)
    yield Message(
        "{provider} is {status}; the suspension {file} is lifted",
        provider=code,
        status=_status(seen, code),
        file=command.file,
    )
    yield Message("It takes effect when the ledger has it")


@effects(Revoke)
def revocation(command: Revoke, seen: Seen) -> Iterator[Message]:
    """What is over with it."""
    standing = standing_on(seen.connection, seen.programme, command.provider, seen.business_date)
    yield Message(
        "{provider} is {status}; permissions that are over: {count}",
        provider=command.provider,
        status=Word(standing.status),
        count=len(standing.held) if command.category is None else 1,
    )
    yield Message("It binds here from the request, before the ledger has it")


@effects(AcceptSurrender)
def surrender(command: AcceptSurrender, seen: Seen) -> Iterator[Message]:
    """What is over with it."""
    code, _kind, _stage = _file(seen, command.file)
    yield Message(
        "{provider} is {status}; what it gives back is over",
        provider=code,
        status=_status(seen, code),
    )
    yield Message("It binds here from the request, before the ledger has it")


@effects(ConvertPermission)
def conversion(command: ConvertPermission, seen: Seen) -> Iterator[Message]:
    """That one permission takes the place of another."""
    yield Message(
        "{provider} is {status}; a permission under the law in force takes the place of "
        "{permission}",
        provider=command.provider,
        status=_status(seen, command.provider),
        permission=command.permission,
    )


@effects(Direct)
def direction(command: Direct, seen: Seen) -> Iterator[Message]:
    """Whom it directs, by when, and whether the public reads it."""
    yield Message(
        "{provider} is {status} and is directed",
        provider=command.provider,
        status=_status(seen, command.provider),
    )
    if command.due_on is not None:
        yield Message("It is due on {day}", day=command.due_on)
    if command.public:
        yield Message("Its text is public")
    else:
        yield Message("Its text is confidential")
