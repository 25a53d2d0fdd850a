"""Institutions and people are entered by two persons, and gain no authority on the ledger."""

from __future__ import annotations

import pytest

from amanat.access.actors import Role
from amanat.core.errors import Forbidden, Refusals
from amanat.participants.commands import EnterInstitution, EnterPerson
from amanat.participants.model import CodeTaken, NotFreeCapacity

from ..programme.world import World


def test_an_institution_and_its_first_person(world: World) -> None:
    world.do("central_bank", EnterInstitution(institution="bank_m", name="Bank M"))
    person = EnterPerson(
        institution="bank_m",
        person="bank_m_trader",
        name="Trader of bank M",
        role=Role.OFFICER,
        address="0x" + "77" * 20,
    )
    outcome = world.propose("central_bank", person)
    assert outcome.state == "proposed"
    world.approve("central_bank", outcome)
    actor = world.actor("bank_m_trader")
    assert (actor.institution, actor.role) == ("bank_m", Role.OFFICER)
    assert actor.capacities == {"participant"}


def test_authority_is_not_entered(world: World) -> None:
    with pytest.raises(NotFreeCapacity, match="issuer is not given here"):
        world.propose(
            "central_bank",
            EnterInstitution(institution="bank_n", name="Bank N", capacities=("issuer",)),
        )
    with pytest.raises(Refusals):
        world.propose(
            "central_bank",
            EnterInstitution(institution="bank_a", name="Bank A", capacities=("issuer",)),
        )


def test_people_of_institutions_with_authority_are_their_own_matter(world: World) -> None:
    stranger = EnterPerson(institution="ministry", person="stranger", name="S", role=Role.APPROVER)
    with pytest.raises(Forbidden, match="entered by ministry itself"):
        world.propose("central_bank", stranger)
    with pytest.raises(Forbidden, match="entered by bank_b itself"):
        world.propose("bank_a", stranger.model_copy(update={"institution": "bank_b"}))
    with pytest.raises(Forbidden, match="does not operate"):
        world.propose(
            "bank_a",
            EnterPerson(institution="bank_a", person="op", name="O", role=Role.OPERATOR),
        )


def test_codes_and_keys_are_given_once(world: World) -> None:
    key = world.actor("bank_b_officer").address
    again = EnterPerson(
        institution="bank_a", person="bank_a_officer", name="A", role=Role.OFFICER, address=key
    )
    with pytest.raises(Refusals) as refusal:
        world.propose("bank_a", again)
    assert [type(one) for one in refusal.value.refusals] == [CodeTaken, CodeTaken]
