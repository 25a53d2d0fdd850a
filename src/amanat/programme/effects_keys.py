"""What acts on keys and on the Directory will do, and on signatures given for authorisations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import sqlalchemy as sql

from amanat.access.effects import Seen, effects
from amanat.access.sending_keys import key_in_use
from amanat.access.tables import institution, person, proposal, requirement
from amanat.core.errors import NotFound
from amanat.core.messages import Message, Word
from amanat.instruments.model import terms_from
from amanat.programme.commands import (
    AnnounceChange,
    AppointSender,
    AuthoriseSecurity,
    CancelChange,
    DirectoryChange,
    ExecuteChange,
    WithdrawAuthorisation,
)
from amanat.programme.effects import face_of
from amanat.programme.tables import directory_change
from amanat.programme.terms import LEDGER_CAPACITIES


def _holder(seen: Seen, key: str) -> tuple[str, str] | None:
    """Whose key it is here: person and institution, which every institution of a quorum knows."""
    row = seen.connection.execute(
        sql.select(person.c.code, person.c.institution).where(
            person.c.programme == seen.programme, person.c.address == key
        )
    ).one_or_none()
    return None if row is None else (str(row.code), str(row.institution))


def _key_moves(seen: Seen, key: str, to: str | None) -> Iterator[Message]:
    """For whom a key signs on the ledger before and after."""
    held = _holder(seen, key)
    before = held[1] if held else Message("nobody here")
    yield Message(
        "Key {key}: signs for {before} here; on the ledger for {after} after",
        key=key,
        before=before,
        after=to or Message("nobody"),
    )
    if held is not None and to is None and held[1] == seen.institution:
        yield Message("{person} can sign nothing until given another key", person=held[0])
    yield Message(
        "Every change of keys begins a new epoch: what is signed and not carried out is void"
    )


def _capacities(whose: str | None, given: Iterable[str]) -> Message:
    """The capacities that an institution will have on the ledger."""
    names = ", ".join(sorted(set(given)))
    return Message(
        "Capacities of {institution} on the ledger after: {capacities}",
        institution=whose or Message("none"),
        capacities=Word(names) if names else Message("none"),
    )


def _quorum(seen: Seen, after: int) -> Message:
    """How many institutions decide together before and after."""
    return Message(
        "Institutions that a quorum needs: {before} before, {after} after",
        before=int(seen.ledger.call("Directory", "quorum")),
        after=after,
    )


@effects(AnnounceChange)
def change_announced(command: AnnounceChange, seen: Seen) -> Iterator[Message]:
    """What the Directory will say of a key, of capacities or of the quorum, and from when."""
    if command.kind is DirectoryChange.KEY and command.key is not None:
        yield from _key_moves(seen, command.key.lower(), command.institution)
    elif command.kind is DirectoryChange.CAPACITIES and command.institution is not None:
        yield _capacities(command.institution, command.capacities)
    elif command.kind is DirectoryChange.QUORUM and command.quorum is not None:
        yield _quorum(seen, command.quorum)
    yield Message(
        "Nothing changes before the delay is over; whoever it concerns may object till then"
    )


@effects(ExecuteChange, CancelChange)
def change_decided(command: ExecuteChange | CancelChange, seen: Seen) -> Iterator[Message]:
    """What was announced, and that it comes about or does not."""
    row = seen.connection.execute(
        sql.select(directory_change).where(
            directory_change.c.programme == seen.programme,
            directory_change.c.digest == command.change,
        )
    ).one_or_none()
    if row is None:
        raise NotFound(thing="change of the Directory", value=command.change)
    if isinstance(command, CancelChange):
        yield Message("The announced change of the Directory does not come about: {reason}",
                      reason=str(row.reason))  # fmt: skip
        return
    yield Message("The announced change of the Directory comes about: {reason}",
                  reason=str(row.reason))  # fmt: skip
    value = int(row.value, 16)
    if row.kind == DirectoryChange.KEY.value:
        yield from _key_moves(seen, f"0x{row.subject[-40:]}", _code_of(seen, value))
    elif row.kind == DirectoryChange.CAPACITIES.value:
        given = [name for name, bit in LEDGER_CAPACITIES.items() if value >> bit & 1]
        yield _capacities(_code_of(seen, int(row.subject, 16)), given)
    elif row.kind == DirectoryChange.QUORUM.value:
        yield _quorum(seen, value)


def _code_of(seen: Seen, number: int) -> str | None:
    """The institution with this number on the ledger."""
    if number == 0:
        return None
    found = seen.connection.execute(
        sql.select(institution.c.code).where(
            institution.c.programme == seen.programme, institution.c.number == number
        )
    ).scalar_one_or_none()
    return None if found is None else str(found)


@effects(AppointSender)
def sender_appointed(command: AppointSender, seen: Seen) -> Iterator[Message]:
    """Which key sends before and after; its orders wait for nobody where the former is lost."""
    yield Message(
        "Key that sends as {sender}: {before} before, {after} after",
        sender=command.sender,
        before=key_in_use(seen.connection, command.sender) or Message("none"),
        after=command.key.lower(),
    )
    if command.former_lost:
        yield Message("The former key counts as lost and never sends again")
    elif command.endow_coins:
        yield Message("Coins of the network that the former key sends to it: {count}",
                      count=command.endow_coins)  # fmt: skip
    yield Message("It has no authority: it pays for what institutions signed")


@effects(WithdrawAuthorisation)
def signature_withdrawn(command: WithdrawAuthorisation, seen: Seen) -> Iterator[Message]:
    """Which authorisation cannot be executed any more, of how much."""
    row = seen.connection.execute(
        sql.select(proposal.c.command)
        .join(requirement, requirement.c.proposal == proposal.c.id)
        .where(
            proposal.c.programme == seen.programme,
            proposal.c.id == command.proposal,
            proposal.c.act == AuthoriseSecurity.__name__,
            requirement.c.institution == seen.institution,
        )
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="proposal", value=command.proposal)
    asked = AuthoriseSecurity.model_validate_json(row.command)
    yield Message(
        "{nominal} of {isin} cannot be authorised by this proposal any more",
        nominal=face_of(seen, asked.nominal),
        isin=str(terms_from(asked.terms).isin),
    )
    yield Message("It binds here from the request, before the ledger has it")
