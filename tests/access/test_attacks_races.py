"""The desk under attack: the same thing twice at once, and people who have left meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sql

from amanat.access.actors import Role, add_person, load_actor
from amanat.access.desk import (
    NotAwaited,
    Outcome,
    ProposalNotOpen,
    SecondPersonRequired,
    SignerHasLeft,
)
from amanat.access.tables import idempotency, person, proposal, requirement
from amanat.core.errors import AmanatError, NotFound, Unauthenticated
from amanat.ledger.signers import KeySigner

from .conftest import Grant, Minute, Office, digest_for

THREADS = 8


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What each of these comes to when all are begun at the same moment."""
    gate = threading.Barrier(len(works))
    found: list[Any] = [None] * len(works)

    def run(position: int) -> None:
        gate.wait()
        try:
            found[position] = works[position]()
        except Exception as error:
            found[position] = error

    threads = [threading.Thread(target=run, args=(one,)) for one in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def propose(office: Office, who: str = "officer") -> Outcome:
    return office.desk.submit(office.actor(who), Grant(what="x"))


def approve(office: Office, who: str, outcome: Outcome) -> Outcome:
    assert outcome.proposal is not None
    return office.desk.approve(office.actor(who), outcome.proposal)


def test_one_key_from_many_threads_is_one_act(office: Office) -> None:
    officer = office.actor("officer")
    found = at_once(*[lambda: office.desk.submit(officer, Minute(text="once"), key="k")] * THREADS)
    assert [one for one in found if one != found[0]] == []
    assert office.kinds() == ["TestMinuted"]
    assert office.count(idempotency) == 1


def test_one_key_from_many_threads_is_one_proposal(office: Office) -> None:
    officer = office.actor("officer")
    found = at_once(*[lambda: office.desk.submit(officer, Grant(what="x"), key="k")] * THREADS)
    assert [one for one in found if one != found[0]] == []
    assert office.count(proposal) == 1


def test_the_last_approval_from_many_threads_carries_out_once(office: Office) -> None:
    outcome = propose(office)
    approve(office, "approver", outcome)
    people = ("agent_approver", "agent_second")
    found = at_once(*[lambda who=who: approve(office, who, outcome) for who in people * 4])
    done = [one for one in found if isinstance(one, Outcome)]
    assert [one.state for one in done] == ["carried_out"]
    assert all(isinstance(one, (Outcome, ProposalNotOpen, NotAwaited)) for one in found), found
    assert office.kinds().count("TestMinuted") == 1


def test_approvals_of_both_institutions_at_once_carry_out_once(office: Office) -> None:
    outcome = propose(office)
    found = at_once(
        lambda: approve(office, "approver", outcome),
        lambda: approve(office, "agent_approver", outcome),
    )
    assert sorted(one.state for one in found) == ["carried_out", "proposed"]
    assert office.kinds().count("TestMinuted") == 1


def test_approval_and_withdrawal_at_once_are_one_of_both(office: Office) -> None:
    outcome = propose(office)
    approve(office, "approver", outcome)
    assert outcome.proposal is not None
    identifier = outcome.proposal
    found = at_once(
        lambda: approve(office, "agent_approver", outcome),
        lambda: office.desk.withdraw(office.actor("officer"), identifier),
    )
    won = [one.state for one in found if isinstance(one, Outcome)]
    assert won in (["carried_out"], ["withdrawn"])
    assert [type(one) for one in found if isinstance(one, Exception)] == [ProposalNotOpen]
    assert (office.kinds().count("TestMinuted") == 1) == (won == ["carried_out"])


# -- people ---------------------------------------------------------------------------------------


def leave(office: Office, who: str) -> None:
    with office.store.engine.begin() as connection:
        connection.execute(sql.update(person).where(person.c.code == who).values(active=False))


@pytest.mark.parametrize("change", [{"active": False}, {"role": "viewer"}])
@pytest.mark.parametrize(("who", "error"), [("officer", AmanatError), ("approver", SignerHasLeft)])
def test_what_was_signed_by_who_has_left_is_not_carried_out(
    office: Office, who: str, error: type[AmanatError], change: dict[str, Any]
) -> None:
    outcome = propose(office)
    approve(office, "approver", outcome)
    with office.store.engine.begin() as connection:
        connection.execute(sql.update(person).where(person.c.code == who).values(**change))
    before = office.kinds()
    with pytest.raises(error):
        approve(office, "agent_approver", outcome)
    assert office.kinds() == before


def test_who_has_left_or_changed_role_acts_no_more_though_signed_in(office: Office) -> None:
    officer, approver = office.actor("officer"), office.actor("approver")
    outcome = propose(office)
    assert outcome.proposal is not None
    leave(office, "officer")
    with pytest.raises(Unauthenticated):
        office.desk.submit(officer, Minute(text="x"))
    with office.store.engine.begin() as connection:
        connection.execute(
            sql.update(person).where(person.c.code == "approver").values(role="viewer")
        )
    with pytest.raises(Unauthenticated):
        office.desk.approve(approver, outcome.proposal)
    with pytest.raises(Unauthenticated):
        office.desk.withdraw(approver, outcome.proposal)


def test_a_signature_for_one_proposal_approves_no_other(office: Office) -> None:
    """Even where both ask for the same digest, each person signs each proposal."""
    first, second = propose(office), propose(office)
    for who in ("approver", "agent_approver"):
        approve(office, who, first)
    with office.store.reading() as connection:
        met = connection.execute(
            sql.select(sql.func.count())
            .select_from(requirement)
            .where(requirement.c.proposal == second.proposal, requirement.c.met_at.is_not(None))
        ).scalar_one()
    assert met == 1  # the proposer's own
    signer = office.signers["approver"]
    signed = digest_for("ministry", "x")
    replayed = {signed.hex(): signer.sign_digest(signed)}
    assert second.proposal is not None
    with pytest.raises(SecondPersonRequired):  # brought by the proposer
        office.desk.approve(office.actor("officer"), second.proposal, signatures=replayed)
    with pytest.raises(AmanatError):  # brought by another person, whose key it is not
        office.desk.approve(office.actor("second_approver"), second.proposal, signatures=replayed)


def test_an_expired_proposal_is_not_carried_out_by_its_last_approval(office: Office) -> None:
    outcome = propose(office)
    approve(office, "approver", outcome)
    office.clock.pass_by(timedelta(hours=24))
    with pytest.raises(ProposalNotOpen, match="is expired"):
        approve(office, "agent_approver", outcome)


def test_one_person_is_of_one_institution_with_one_key(office: Office) -> None:
    fields = {"institution": "central_bank", "role": Role.APPROVER, "name": "the same"}
    for code, address in (
        ("officer", KeySigner.generate().address),
        ("officer_again", office.signers["officer"].address),
    ):
        with office.store.engine.connect() as connection, pytest.raises(sql.exc.DBAPIError):
            add_person(connection, "test", code, address=address, **fields)


def test_another_programmes_people_find_no_proposal(office: Office) -> None:
    outcome = propose(office)
    assert outcome.proposal is not None
    with office.store.reading() as connection:
        stranger = load_actor(connection, "other", "stranger", "test")
    with pytest.raises(NotFound):
        office.desk.approve(stranger, outcome.proposal)
    with pytest.raises(NotFound):
        office.desk.withdraw(stranger, outcome.proposal)
