"""Every role × act × capacity tried at the desk, against the table that the reference prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sql

from amanat.access.actors import Actor, Role, add_institution, add_person, load_actor
from amanat.access.acts import ActKind
from amanat.access.desk import Desk
from amanat.access.proposals import ProposalNotOpen
from amanat.access.refusals import KeyNotUsable, SecondPersonRequired
from amanat.access.tables import proposal, requirement
from amanat.core.errors import Forbidden, NotFound
from amanat.core.ids import new_id
from amanat.store.engine import open_engine
from amanat.store.journal import OpeningVault
from amanat.store.migrate import migrate
from amanat.store.uow import Store

from ..store.conftest import MovingClock
from .conftest import HeldKeys, no_ledger, the_day
from .policy_table import CAPACITIES, KINDS, printed

PROGRAMME = "walk"
LONG_AGO = "2020-01-01T00:00:00+00:00"


def person_of(role: Role, capacity: str) -> str:
    return f"{role.value}_of_{capacity}"


@pytest.fixture
def store(tmp_path: Path, clock: MovingClock) -> Iterator[Store]:
    """A store on SQLite alone: what policies answer does not depend on the database."""
    engine = open_engine(f"sqlite:///{tmp_path / 'walk.sqlite'}")
    migrate(engine)
    yield Store(engine, OpeningVault(b"k" * 32), clock=clock)
    engine.dispose()


@pytest.fixture
def people(store: Store) -> dict[tuple[Role, str], Actor]:
    """A person of each role in an institution of each capacity, and a proposer of another."""
    with store.engine.begin() as connection:
        for number, capacity in enumerate([*CAPACITIES, "none"], 1):
            add_institution(
                connection, PROGRAMME, capacity, number=number, name="I", capacities=[capacity]
            )
            for role in Role:
                add_person(
                    connection,
                    PROGRAMME,
                    person_of(role, capacity),
                    institution=capacity,
                    role=role,
                    name="P",
                )
        return {
            (role, capacity): load_actor(connection, PROGRAMME, person_of(role, capacity), "test")
            for role in Role
            for capacity in CAPACITIES
        }


def propose_all(store: Store) -> dict[str, str]:
    """An open but expired proposal of each act, which awaits every institution; ids by act.

    The desk refuses who may not approve before it looks whether the proposal has expired.
    """
    ids = {name: new_id() for name, kind in KINDS.items() if kind.approvals is not None}
    with store.engine.begin() as connection:
        for name, identifier in ids.items():
            connection.execute(
                proposal.insert().values(
                    id=identifier,
                    programme=PROGRAMME,
                    act=name,
                    command=b"{}",
                    memo=b"{}",
                    digest="0" * 64,
                    institution="none",
                    person=person_of(Role.OFFICER, "none"),
                    proposed_at=LONG_AGO,
                    expires_at=LONG_AGO,
                    state="open",
                    entry=new_id(),
                )
            )
        connection.execute(
            sql.insert(requirement),
            [
                {
                    "proposal": identifier,
                    "position": position,
                    "institution": institution,
                    "capacity": institution,
                    "proposer_counts": False,
                }
                for identifier in ids.values()
                for position, institution in enumerate(CAPACITIES)
            ],
        )
    return ids


def may_submit(desk: Desk, actor: Actor, kind: ActKind) -> bool:
    """Whether the policies let this pass: what the desk refuses next is the unusable key."""
    try:
        desk.submit(actor, kind.command.model_construct(), key="")
    except Forbidden:
        return False
    except KeyNotUsable:
        return True
    raise AssertionError("the desk took an empty idempotency key")


def may_approve(desk: Desk, actor: Actor, identifier: str) -> bool:
    """Whether the policies let this pass: what the desk refuses next is that it has expired."""
    try:
        desk.approve(actor, identifier)
    except Forbidden:
        return False
    except ProposalNotOpen:
        return True
    raise AssertionError("the desk took an approval of what has expired")


def test_every_role_and_capacity_at_every_act(
    store: Store, people: dict[tuple[Role, str], Actor]
) -> None:
    desk = Desk(store, no_ledger, HeldKeys(), the_day)
    ids = propose_all(store)
    table = printed()
    assert {act for act, _role, _capacity in table} == set(KINDS)
    differ = []
    for (act, role, capacity), said in table.items():
        actor = people[role, capacity]
        found = {"submits"} if may_submit(desk, actor, KINDS[act]) else set()
        if act in ids and may_approve(desk, actor, ids[act]):
            found.add("approves")
        if found != said:
            differ.append((act, role.value, capacity, found, said))
    assert differ == []


def test_who_submits_never_approves_and_who_is_not_asked_finds_nothing(
    store: Store, people: dict[tuple[Role, str], Actor]
) -> None:
    desk = Desk(store, no_ledger, HeldKeys(), the_day)
    ids = propose_all(store)
    approver = people[Role.APPROVER, "issuer"]
    with store.engine.begin() as connection:
        connection.execute(
            sql.update(proposal).values(institution="issuer", person=approver.person)
        )
        connection.execute(sql.delete(requirement).where(requirement.c.capacity == "registrar"))
    for act, identifier in ids.items():
        if "issuer" in KINDS[act].capacities:
            with pytest.raises(SecondPersonRequired):
                desk.approve(approver, identifier)
        with pytest.raises(NotFound):
            desk.approve(people[Role.APPROVER, "registrar"], identifier)
