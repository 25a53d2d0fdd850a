"""The desk: who may submit, who must approve, what one transaction holds, what is said twice."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sql

from amanat.access.desk import (
    IdempotencyKeyReused,
    NotAwaited,
    Outcome,
    ProposalNotOpen,
    SecondPersonRequired,
    SignatureNotTheirs,
    parse,
    recover,
)
from amanat.access.effects import EFFECTS
from amanat.access.tables import idempotency, person, proposal, requirement
from amanat.core.canonical import digest
from amanat.core.errors import Forbidden, NotFound, Refusal, Refusals, Unauthenticated
from amanat.core.messages import Message
from amanat.ledger.signers import KeyNotHeld, KeySigner
from amanat.store.journal import read_entries

from .conftest import Grant, Minute, Office, Refused, Whisper, digest_for


def propose(office: Office, what: str = "x", who: str = "officer", **more: bool) -> Outcome:
    return office.desk.submit(office.actor(who), Grant(what=what, **more))


def approve(office: Office, who: str, outcome: Outcome) -> Outcome:
    assert outcome.proposal is not None
    return office.desk.approve(office.actor(who), outcome.proposal)


def test_an_act_that_needs_nobody_else(office: Office) -> None:
    outcome = office.desk.submit(office.actor("officer"), Minute(text="so it was"))
    assert outcome.state == "carried_out"
    assert office.kinds() == ["TestMinuted"]


@pytest.mark.parametrize("person", ["viewer", "agent_officer", "operator"])
def test_who_may_not_submit(office: Office, person: str) -> None:
    with pytest.raises(Forbidden, match="may not submit Minute"):
        office.desk.submit(office.actor(person), Minute(text="x"))
    assert office.kinds() == []


def test_an_act_with_approvals_waits_for_all_of_them(office: Office) -> None:
    outcome = propose(office)
    assert (outcome.state, outcome.awaits) == ("proposed", ("central_bank", "ministry"))
    assert approve(office, "approver", outcome).awaits == ("central_bank",)
    assert "granted" not in str(
        office.desk.view(office.actor("viewer"), "test", "test_minutes", {})
    )
    done = approve(office, "agent_approver", outcome)
    assert done.state == "carried_out"
    assert done.result == {"signatures": 3, "memo": "for officer"}
    assert office.kinds() == [
        "ActProposed", "ActApproved", "ActApproved", "ActApproved", "TestMinuted",
    ]  # fmt: skip


def test_an_approval_signs_the_digest_of_the_proposal_and_of_what_it_would_do(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [Message("{what} is said to {count} people", what="x", count=3)]
    monkeypatch.setitem(EFFECTS, "Whisper", [lambda _command, _seen: said])
    outcome = office.desk.submit(office.actor("agent_officer"), Whisper(what="x"))
    approve(office, "agent_approver", outcome)
    with office.store.reading() as connection:
        row = connection.execute(sql.select(proposal)).one()
        need = connection.execute(sql.select(requirement)).one()
    stated = {
        "programme": "test",
        "act": "Whisper",
        "command": {"what": "x"},
        "memo": {},
        "effects": [
            {
                "text": "x is said to 3 people",
                "key": "{what} is said to {count} people",
                "arguments": {
                    "what": {"type": "text", "value": "x"},
                    "count": {"type": "count", "value": "3"},
                },
            }
        ],
        "proposal": outcome.proposal,
    }
    assert row.digest == outcome.digest == digest(stated).hex()
    signature = bytes.fromhex(need.signature)
    assert recover(bytes.fromhex(row.digest), signature) == office.signers["agent_approver"].address


def test_nobody_approves_their_own_proposal(office: Office) -> None:
    outcome = propose(office, who="approver")
    with pytest.raises(SecondPersonRequired, match="approver proposed Grant"):
        approve(office, "approver", outcome)


def test_one_person_is_not_two_key_holders(office: Office) -> None:
    outcome = propose(office)
    approve(office, "approver", outcome)
    with pytest.raises(NotAwaited):
        approve(office, "second_approver", outcome)
    with pytest.raises(NotAwaited):
        approve(office, "approver", outcome)
    with office.store.reading() as connection:
        people = connection.execute(
            sql.select(requirement.c.person).where(requirement.c.institution == "ministry")
        ).scalars()
        assert sorted(people) == ["approver", "officer"]


def test_only_approvers_of_asked_institutions_approve(office: Office) -> None:
    outcome = propose(office)
    with pytest.raises(Forbidden):
        approve(office, "agent_officer", outcome)
    with pytest.raises(Forbidden):
        approve(office, "viewer", outcome)
    with pytest.raises(NotFound):
        approve(office, "operator", outcome)
    with pytest.raises(NotFound):
        office.desk.approve(office.actor("approver"), "no such proposal")


def test_a_proposal_expires(office: Office) -> None:
    outcome = propose(office)
    office.clock.pass_by(timedelta(hours=23, minutes=59))
    approve(office, "approver", outcome)
    office.clock.pass_by(timedelta(minutes=1))
    with pytest.raises(ProposalNotOpen, match="is expired"):
        approve(office, "agent_approver", outcome)


def test_a_proposal_is_withdrawn_by_its_institution(office: Office) -> None:
    outcome = propose(office)
    assert outcome.proposal is not None
    with pytest.raises(NotFound):
        office.desk.withdraw(office.actor("agent_approver"), outcome.proposal)
    assert office.desk.withdraw(office.actor("approver"), outcome.proposal).state == "withdrawn"
    with pytest.raises(ProposalNotOpen, match="is withdrawn"):
        approve(office, "agent_approver", outcome)
    assert office.kinds()[-1] == "ActWithdrawn"


def test_an_act_that_refuses_leaves_the_last_approval_undone(office: Office) -> None:
    outcome = propose(office, refuse=True)
    approve(office, "approver", outcome)
    before = office.kinds()
    with pytest.raises(Refused):
        approve(office, "agent_approver", outcome)
    assert office.kinds() == before
    with pytest.raises(Refused):  # still open: the world may change
        approve(office, "agent_approver", outcome)


def test_a_signature_made_elsewhere(office: Office) -> None:
    outcome = propose(office)
    assert outcome.proposal is not None
    approve(office, "approver", outcome)
    signer = office.signers["agent_approver"]
    del office.keys.held[signer.address]
    with pytest.raises(KeyNotHeld):
        approve(office, "agent_approver", outcome)
    signed = digest_for("central_bank", "x")
    actor = office.actor("agent_approver")
    stranger = KeySigner.generate().sign_digest(signed)
    for wrong in (stranger, stranger[:64], b"\0" * 65):
        with pytest.raises(SignatureNotTheirs):
            office.desk.approve(actor, outcome.proposal, signatures={signed.hex(): wrong})
    right = {signed.hex(): signer.sign_digest(signed)}
    assert office.desk.approve(actor, outcome.proposal, signatures=right).state == "carried_out"


def test_a_proposer_whose_key_is_elsewhere_signs_later(office: Office) -> None:
    signer = office.signers["officer"]
    del office.keys.held[signer.address]
    outcome = propose(office)
    assert outcome.proposal is not None
    actor, signed = office.actor("officer"), digest_for("ministry", "x")
    with pytest.raises(KeyNotHeld):
        office.desk.approve(actor, outcome.proposal)
    right = {signed.hex(): signer.sign_digest(signed)}
    office.desk.approve(actor, outcome.proposal, signatures=right)
    with pytest.raises(SecondPersonRequired):  # their own part is all that they may sign
        office.desk.approve(actor, outcome.proposal, signatures=right)
    approve(office, "approver", outcome)
    assert approve(office, "agent_approver", outcome).result == {
        "signatures": 3,
        "memo": "for officer",
    }


def test_the_same_key_answers_with_the_first_outcome(office: Office) -> None:
    officer = office.actor("officer")
    first = office.desk.submit(officer, Minute(text="once"), key="k1")
    again = office.desk.submit(officer, Minute(text="once"), key="k1")
    assert (again, office.kinds()) == (first, ["TestMinuted"])
    with pytest.raises(IdempotencyKeyReused):
        office.desk.submit(officer, Minute(text="another"), key="k1")
    proposed = office.desk.submit(officer, Grant(what="y"), key="k2")
    assert office.desk.submit(officer, Grant(what="y"), key="k2") == proposed
    assert office.count(idempotency) == 2


def test_an_approval_whose_answer_was_lost_is_answered_again(office: Office) -> None:
    """RFC 9110, 9.2.2: a client may repeat what it does not know to have been done."""
    proposed = office.desk.submit(office.actor("officer"), Grant(what="y"))
    other = office.desk.submit(office.actor("officer"), Grant(what="z"))
    assert proposed.proposal is not None
    assert other.proposal is not None
    approver = office.actor("approver")
    first = office.desk.approve(approver, proposed.proposal, key="k1")
    kinds = office.kinds()
    assert office.desk.approve(approver, proposed.proposal, key="k1") == first
    assert office.kinds() == kinds
    with pytest.raises(Refusal):
        office.desk.approve(approver, proposed.proposal)
    with pytest.raises(IdempotencyKeyReused):
        office.desk.approve(approver, other.proposal, key="k1")


def test_a_refused_act_spends_no_key(office: Office) -> None:
    with pytest.raises(Forbidden):
        office.desk.submit(office.actor("viewer"), Minute(text="x"), key="k")
    assert office.count(idempotency) == 0
    office.desk.submit(office.actor("officer"), Minute(text="x"), key="k")


def test_what_is_confidential_tips_off_nobody(office: Office) -> None:
    outcome = office.desk.submit(office.actor("agent_officer"), Whisper(what="secret"))
    approve(office, "agent_approver", outcome)
    assert office.kinds("public") == []
    assert office.kinds("confidential") == ["ConfidentialActProposed", "ConfidentialActApproved"]


def test_people_are_not_named_in_the_public_log(office: Office) -> None:
    approve(office, "approver", propose(office))
    with office.store.reading() as connection:
        entries = read_entries(connection)
    assert all(set(entry["content"]["person"]) == {"commitment"} for entry in entries)


def test_views_are_for_those_who_signed_in(office: Office) -> None:
    office.desk.submit(office.actor("officer"), Minute(text="a"))
    assert office.desk.view(office.actor("viewer"), "test", "test_minutes", {}) == ["a"]
    with pytest.raises(Unauthenticated, match="Sign in first: the view test_minutes is not public"):
        office.desk.view(None, "test", "test_minutes", {"what": "unread before signing in"})
    with pytest.raises(NotFound, match=r"There is no view no_such_view\."):
        office.desk.view(None, "test", "no_such_view", {})
    with pytest.raises(NotFound):
        office.desk.view(office.actor("viewer"), "other", "test_minutes", {})
    with pytest.raises(NotFound):
        office.desk.view(office.actor("viewer"), "test", "no_such_view", {})


def test_every_mistake_of_form_is_reported(office: Office) -> None:
    with pytest.raises(Refusals) as refusal:
        parse(Grant, {"refuse": "perhaps", "more": 1})
    places = {str(one.place) for one in refusal.value.refusals}
    assert places == {"what", "refuse", "more"}
    assert json.dumps(refusal.value.problem())
    assert office.kinds() == []


def test_the_act_is_the_proposers_whoever_approves_last(office: Office) -> None:
    outcome = propose(office)
    approve(office, "approver", outcome)
    approve(office, "agent_approver", outcome)
    with office.store.reading() as connection:
        entry = read_entries(connection, kinds=["TestMinuted"])[-1]
    assert entry["actor"]["institution"] == "ministry"
    assert [one["institution"] for one in entry["approval"]] == [
        "ministry",
        "ministry",
        "central_bank",
    ]


def test_entries_say_in_which_capacity_somebody_acts(office: Office) -> None:
    """The central bank has two capacities here; entries name that in which it did this."""
    outcome = propose(office)
    approve(office, "approver", outcome)
    approve(office, "agent_approver", outcome)
    for agent in ("agent_approver", "agent_second"):
        assert office.actor(agent).capacities == {"agent", "orders"}
    proposed = office.desk.submit(office.actor("agent_approver"), Whisper(what="x"))
    assert proposed.proposal is not None
    office.desk.withdraw(office.actor("agent_approver"), proposed.proposal)
    with office.store.reading() as connection:
        entries = read_entries(connection)
    said = {(one["actor"]["institution"], one["actor"]["capacity"]) for one in entries}
    assert said == {("ministry", "issuer"), ("central_bank", "agent")}
    kinds = {one["kind"] for one in entries if one["actor"]["institution"] == "central_bank"}
    assert kinds == {"ActApproved", "ConfidentialActProposed", "ConfidentialActWithdrawn"}


def test_whoever_has_left_proposes_nothing_any_more(office: Office) -> None:
    outcome = propose(office)
    approve(office, "approver", outcome)
    with office.store.engine.begin() as connection:
        connection.execute(
            sql.update(person).where(person.c.code == "officer").values(active=False)
        )
    with pytest.raises(ProposalNotOpen, match="its proposer left"):
        approve(office, "agent_approver", outcome)
