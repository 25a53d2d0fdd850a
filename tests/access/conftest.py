"""A desk over a real store, three acts declared for its tests, and people who act."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.actors import Actor, Role, add_institution, add_person, load_actor
from amanat.access.acts import (
    ActContext,
    Ask,
    Command,
    Query,
    Requirement,
    Result,
    ViewContext,
    act,
    view,
)
from amanat.access.desk import Desk
from amanat.core.errors import Refusal
from amanat.ledger.signers import KeyNotHeld, KeySigner
from amanat.ledger.wire import keccak
from amanat.store.journal import declare, read_entries
from amanat.store.uow import Store

from ..store.conftest import MovingClock, clock, store

__all__ = ["clock", "store"]

DAY = date(2021, 3, 1)
MINUTED = declare("TestMinuted", ("text",))


class Minute(Command):
    """Minute a text, which needs nobody else."""

    text: str


class Grant(Command):
    """Grant something: two institutions sign digests for a ledger."""

    what: str
    refuse: bool = False


class Whisper(Command):
    """Do something of which the public log says nothing."""

    what: str


class Minutes(Query):
    """Ask for the minutes."""


class Refused(Refusal):
    """The act refuses after it was approved."""

    template = "{what} is refused."


def digest_for(institution: str, what: str) -> bytes:
    """What an institution signs for a grant."""
    return keccak(f"{institution}/{what}".encode())


@act(capacities=["issuer"])
def minute(command: Minute, context: ActContext) -> Result:
    """Write a minute."""
    entry = context.uow.journal.append(MINUTED, {"text": command.text})
    return {"entry": entry}


def ask_grant(command: Grant, context: ActContext) -> Ask:
    """The issuer's two key holders, of whom the proposer is one, and the central bank."""
    own = digest_for("ministry", command.what)
    return Ask(
        [
            Requirement("ministry", "issuer", signs=own, proposer_counts=True),
            Requirement("ministry", "issuer", signs=own),
            Requirement("central_bank", "agent", signs=digest_for("central_bank", command.what)),
        ],
        memo={"fixed": f"for {context.actor.person}"},
        subject=f"test:{command.what}",
    )


@act(capacities=["issuer"], approvals=ask_grant)
def grant(command: Grant, context: ActContext) -> Result:
    """Carry the grant out."""
    context.uow.journal.append(MINUTED, {"text": f"granted {command.what}"})
    if command.refuse:
        raise Refused(what=command.what)
    signatures = context.approved.signatures()
    return {"signatures": len(signatures), "memo": context.approved.memo["fixed"]}


def ask_whisper(command: Whisper, context: ActContext) -> Ask:
    """A second person of the same institution, who signs the proposal itself."""
    del command, context
    return Ask([Requirement("central_bank", "agent")])


@act(capacities=["agent"], approvals=ask_whisper, confidential=True)
def whisper(command: Whisper, context: ActContext) -> Result:
    """Carry out what is confidential."""
    del context
    return {"what": command.what}


@view("test_minutes")
def minutes(query: Minutes, context: ViewContext) -> Any:
    """The minutes, to whoever signed in."""
    del query
    entries = read_entries(context.connection, kinds=["TestMinuted"])
    return [entry["content"]["text"] for entry in entries]


@dataclass
class HeldKeys:
    """The keys that this server holds; others are elsewhere."""

    held: dict[str, KeySigner] = field(default_factory=dict)

    def sign(self, programme: str, address: str, signed_digest: bytes) -> bytes:
        """65 bytes, or `KeyNotHeld`."""
        del programme
        if address not in self.held:
            raise KeyNotHeld(holder=address)
        return self.held[address].sign_digest(signed_digest)


@dataclass
class Office:
    """The desk with its people."""

    desk: Desk
    store: Store
    keys: HeldKeys
    signers: dict[str, KeySigner]
    clock: MovingClock
    programme: str = "test"

    def actor(self, person: str) -> Actor:
        """The person, as if they had signed in."""
        with self.store.reading() as connection:
            return load_actor(connection, self.programme, person, "test")

    def kinds(self, log: str | None = None) -> list[str]:
        """The kinds of the journal's entries."""
        with self.store.reading() as connection:
            entries = read_entries(connection, programme=self.programme)
        return [entry["kind"] for entry in entries if log in (None, entry["log"])]

    def count(self, table: sql.Table) -> int:
        """How many rows a table has."""
        with self.store.reading() as connection:
            return int(
                connection.execute(sql.select(sql.func.count()).select_from(table)).scalar_one()
            )


PEOPLE = {
    "officer": ("ministry", Role.OFFICER),
    "approver": ("ministry", Role.APPROVER),
    "second_approver": ("ministry", Role.APPROVER),
    "viewer": ("ministry", Role.VIEWER),
    "agent_officer": ("central_bank", Role.OFFICER),
    "agent_approver": ("central_bank", Role.APPROVER),
    "agent_second": ("central_bank", Role.APPROVER),
    "operator": ("installation", Role.OPERATOR),
}


def no_ledger(programme: str) -> Any:
    """These acts ask nothing of a ledger."""
    del programme


def the_day(connection: Connection, programme: str) -> date:
    """The day on which all of them act."""
    del connection, programme
    return DAY


@pytest.fixture
def office(store: Store, clock: MovingClock) -> Office:
    """A desk in a programme with two institutions and an operator."""
    signers = {person: KeySigner.generate() for person in PEOPLE}
    with store.engine.begin() as connection:
        for programme in ("test", "other"):
            for code, capacities in (
                ("ministry", ["issuer"]),
                ("central_bank", ["agent", "orders"]),
                ("installation", ["operator"]),
            ):
                add_institution(
                    connection, programme, code, number=1, name=code, capacities=capacities
                )
        for person, (institution, role) in PEOPLE.items():
            add_person(
                connection,
                "test",
                person,
                institution=institution,
                role=role,
                name=person,
                address=signers[person].address,
            )
        add_person(
            connection, "other", "stranger", institution="ministry", role=Role.OFFICER, name="S"
        )
    keys = HeldKeys({signer.address: signer for signer in signers.values()})
    desk = Desk(store, no_ledger, keys, the_day)
    return Office(desk, store, keys, signers, clock)
