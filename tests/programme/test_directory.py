"""Keys are lost, people leave: changes of the Directory by quorum and delay, revocation at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from amanat.access.actors import Role
from amanat.access.desk import ProposalNotOpen, SignerHasLeft
from amanat.access.tokens import authenticate, issue_token
from amanat.core.errors import Forbidden, NotFound, Refusals, Unauthenticated
from amanat.participants.commands import EnterPerson, GiveKey, RetirePerson
from amanat.participants.model import CodeTaken, KeyNotInDirectory, KeyStillStands
from amanat.programme.commands import (
    AnnounceChange,
    CancelChange,
    DirectoryChange,
    ExecuteChange,
    Halt,
    MoveDay,
    RevokeKey,
)
from amanat.programme.model import (
    ChangeMeaningless,
    ChangeNotDue,
    ChangeStateForbids,
    KeyNotTheirs,
)

from .world import CODE, World, prepared_world

DELAY_S = 2


@pytest.fixture
def governed(tmp_path: Path, database_url: str) -> Iterator[World]:
    """A programme whose Directory changes two seconds after the announcement."""
    yield from prepared_world(tmp_path, database_url, delay_seconds=DELAY_S)


def chain(world: World, function: str, *args: Any) -> Any:
    return world.app.gateway(CODE).call("Directory", function, *args)


def announce(world: World, **fields: Any) -> str:
    outcome = world.do("ministry", AnnounceChange(reason="made for tests", **fields))
    assert outcome.result is not None
    return str(outcome.result["change"])


def changes(world: World) -> list[tuple[str, str]]:
    return [(one["kind"], one["state"]) for one in world.view("directory_changes")]


def execute(world: World, change: str) -> None:
    until = datetime.now(UTC) + timedelta(seconds=30)
    while datetime.now(UTC) < until:
        try:
            world.do("central_bank", ExecuteChange(change=change))
            return
        except ChangeNotDue:
            time.sleep(0.2)
    raise AssertionError("it never came due")


def test_a_lost_key_is_revoked_and_another_takes_its_place(governed: World) -> None:
    world, app = governed, governed.app
    lost = world.actor("ministry_officer").address
    assert lost is not None
    with pytest.raises(KeyNotTheirs):
        world.propose("central_bank", RevokeKey(key=lost, reason="not theirs"))
    fresh = app.keys.create("ministry", "officer_again")
    with pytest.raises(Refusals) as both:
        world.propose("ministry", GiveKey(person="ministry_officer", address=fresh))
    assert [type(one) for one in both.value.refusals] == [KeyNotInDirectory, KeyStillStands]

    world.do("ministry", RevokeKey(key=lost, reason="lost on a journey"), pump=False)
    # It binds here before the ledger has heard of it.
    assert world.actor("ministry_officer").address is None
    with pytest.raises(NotFound, match="signing key of ministry_officer"):
        world.propose("ministry", MoveDay(business_date=datetime(2021, 3, 2).date()))
    app.pump()
    assert (chain(world, "institution_of", lost), chain(world, "epoch")) == (0, 2)

    change = announce_by_approver(world, fresh)
    with pytest.raises(ChangeNotDue):
        world.propose("central_bank", ExecuteChange(change=change))
    execute(world, change)
    assert (chain(world, "institution_of", fresh), changes(world)) == (1, [("key", "done")])
    with pytest.raises(ChangeStateForbids):
        world.propose("central_bank", ExecuteChange(change=change))
    taken = world.actor("secp_officer").address
    with pytest.raises(CodeTaken):
        world.propose("ministry", GiveKey(person="ministry_officer", address=str(taken)))
    world.do("ministry", GiveKey(person="ministry_officer", address=fresh))
    world.do("ministry", MoveDay(business_date=datetime(2021, 3, 2).date()))
    with app.store.reading() as connection:
        assert app.business_date(connection, CODE).isoformat() == "2021-03-02"


def announce_by_approver(world: World, key: str) -> str:
    """The ministry's officer has no key, so its approver proposes and another approves."""
    command = AnnounceChange(
        kind=DirectoryChange.KEY, key=key, institution="ministry", reason="a new key"
    )
    outcome = world.app.desk.submit(world.actor("ministry_approver"), command)
    while outcome.state == "proposed":
        outcome = world.approve(outcome.awaits[0], outcome)
    world.app.pump()
    assert outcome.result is not None
    return str(outcome.result["change"])


def test_whoever_a_change_would_replace_stops_it_alone(governed: World) -> None:
    target = str(governed.actor("secp_officer").address)
    change = announce(governed, kind=DirectoryChange.KEY, key=target)
    outcome = governed.do("secp", CancelChange(change=change, reason="it is in use"))
    assert outcome.state == "carried_out"
    assert changes(governed) == [("key", "cancelled")]
    assert chain(governed, "institution_of", target) == 3
    with pytest.raises(ChangeStateForbids):
        governed.propose("central_bank", ExecuteChange(change=change))


def test_capacities_follow_the_ledger(governed: World) -> None:
    change = announce(
        governed,
        kind=DirectoryChange.CAPACITIES,
        institution="secp",
        capacities=("orders",),
    )
    execute(governed, change)
    assert governed.actor("secp_officer").capacities == {
        "orders", "clears", "clears.debt_law", "class_authority", "class_authority.fund",
    }  # fmt: skip
    with pytest.raises(Forbidden):  # it is no guardian any more
        governed.propose("secp", Halt(scope="programme", reason="x"))


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "key"},
        {"kind": "key", "key": "0x" + "77" * 20, "quorum": 2},
        {"kind": "key", "key": "0x" + "77" * 20, "institution": "bank_a"},
        {"kind": "capacities", "institution": "secp", "capacities": ("participant",)},
        {"kind": "quorum"},
    ],
)
def test_meaningless_changes_are_refused(world: World, fields: dict[str, Any]) -> None:
    with pytest.raises(ChangeMeaningless):
        world.propose("ministry", AnnounceChange(reason="x", **fields))


def test_a_person_of_the_ledger_comes_with_a_key_of_the_directory(world: World) -> None:
    stranger = EnterPerson(
        institution="ministry",
        person="second_approver",
        name="S",
        role=Role.APPROVER,
        address="0x" + "66" * 20,
    )
    with pytest.raises(KeyNotInDirectory):
        world.propose("ministry", stranger)


def test_who_retires_acts_no_more_and_what_they_did_is_void(world: World) -> None:
    app, now = world.app, world.app.store.clock()
    world.do(
        "bank_a",
        EnterPerson(institution="bank_a", person="leaver", name="L", role=Role.APPROVER),
    )
    with app.engine.begin() as connection:
        token = issue_token(connection, CODE, "leaver", now, timedelta(days=1))
    for code in ("leaver", "nobody"):  # of another's person nothing is said, not even that they are
        with pytest.raises(NotFound):
            world.propose("bank_b", RetirePerson(person=code, reason="x"))
    theirs = app.desk.submit(
        world.actor("leaver"),
        EnterPerson(institution="bank_a", person="friend", name="F", role=Role.OFFICER),
    )
    outcome = world.do("bank_a", RetirePerson(person="leaver", reason="left the bank"))
    assert outcome.result is not None
    assert outcome.result["tokens"] == 1
    with app.store.reading() as connection, pytest.raises(Unauthenticated):
        authenticate(connection, token, now)
    with pytest.raises((ProposalNotOpen, SignerHasLeft)):
        world.approve("bank_a", theirs)
    with pytest.raises(NotFound):
        world.propose("bank_a", RetirePerson(person="leaver", reason="twice"))
