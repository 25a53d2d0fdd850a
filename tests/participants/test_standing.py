"""Admission, renewal and levels: who writes them, what binds when, what the ledger then says."""

from __future__ import annotations

from datetime import date

import pytest

from amanat.access.tables import requirement
from amanat.core.dates import business_day_from_date
from amanat.core.errors import Forbidden, NotFound
from amanat.core.identifiers import InvalidLei
from amanat.participants.commands import (
    AdmitParticipant,
    EnterInstitution,
    RenewParticipant,
    SetLevel,
)
from amanat.participants.model import (
    ChangePending,
    Level,
    LevelUnchanged,
    NotClassAuthority,
    ParticipantExists,
    ParticipantNotActive,
    UnknownClass,
    ValidityLapsed,
    country_number,
)
from amanat.participants.records import find_participant, level_of, require_level
from amanat.store.journal import read_entries

from ..programme.world import CODE, FIRST_DAY, VALID_UNTIL, World


def entered(world: World, code: str) -> str:
    """A new institution that may be admitted."""
    world.do("central_bank", EnterInstitution(institution=code, name=code.upper()))
    return code


def admission(code: str, **changes: object) -> AdmitParticipant:
    fields: dict[str, object] = {
        "participant": code,
        "participant_class": "bank",
        "country": "PK",
        "valid_until": VALID_UNTIL,
    }
    return AdmitParticipant.model_validate(fields | changes)


def standing(world: World, code: str) -> list[int]:
    """Level, class, country and last valid day as the ledger has them."""
    with world.app.store.reading() as connection:
        number = find_participant(connection, CODE, code).number
    found: list[int] = world.app.ledger.gateway(CODE).call("Directory", "standing_of", number)
    return found


def level(world: World, code: str) -> Level:
    with world.app.store.reading() as connection:
        return level_of(find_participant(connection, CODE, code))


def test_an_admission_takes_effect_when_the_ledger_has_it(world: World) -> None:
    code = entered(world, "bank_d")
    outcome = world.propose("central_bank", admission(code))
    assert outcome.awaits == ("central_bank",)  # the second key is another person's
    world.approve("central_bank", outcome)
    shown = world.view("participant", participant=code)
    assert (shown["level"], shown["level_requested"], shown["done_at"]) == (None, "active", None)
    with world.app.store.reading() as connection, pytest.raises(ParticipantNotActive):
        require_level(connection, CODE, code, FIRST_DAY, reason="to bid")
    world.app.pump()
    assert standing(world, code) == [
        1,
        2,  # class bank, the second of the programme
        country_number("PK"),
        business_day_from_date(VALID_UNTIL),
    ]
    shown = world.view("participant", participant=code)
    assert (shown["level"], shown["level_requested"]) == ("active", None)
    assert shown["requested_at"] is not None
    assert shown["done_at"] is not None
    with world.app.store.reading() as connection:
        require_level(connection, CODE, code, FIRST_DAY, reason="to bid")


def test_the_authority_of_another_class_admits_nobody(world: World) -> None:
    code = entered(world, "bank_e")
    with pytest.raises(NotClassAuthority, match="secp is not the authority of class bank"):
        world.propose("secp", admission(code))
    with pytest.raises(Forbidden):
        world.propose("ministry", admission(code))


def test_what_cannot_be_admitted(world: World) -> None:
    with pytest.raises(ParticipantExists, match="bank_a has been admitted already, as bank"):
        world.propose("central_bank", admission("bank_a"))
    with pytest.raises(NotFound, match="no institution bank_x"):
        world.propose("central_bank", admission("bank_x"))
    code = entered(world, "bank_f")
    with pytest.raises(UnknownClass):
        world.propose("central_bank", admission(code, participant_class="vasp"))
    with pytest.raises(ValidityLapsed):
        world.propose("central_bank", admission(code, valid_until=date(2021, 2, 28)))
    with pytest.raises(InvalidLei):
        world.propose("central_bank", admission(code, lei="5493001KJTIIGC8Y1R13"))
    # A real one: the LEI of Bloomberg Finance L.P. in GLEIF's own examples.
    world.do("central_bank", admission(code, lei="5493001KJTIIGC8Y1R12"))
    assert world.view("participant", participant=code)["lei"] == "5493001KJTIIGC8Y1R12"


def test_a_stricter_level_binds_from_the_request(world: World) -> None:
    code = entered(world, "bank_g")
    world.do("central_bank", admission(code))
    freeze = SetLevel(participant=code, level=Level.FROZEN, reason="an order of the court")
    world.do("central_bank", freeze, pump=False)
    assert level(world, code) is Level.FROZEN
    assert standing(world, code)[0] == Level.ACTIVE.number
    with world.app.store.reading() as connection, pytest.raises(ParticipantNotActive) as refusal:
        require_level(connection, CODE, code, FIRST_DAY, reason="to deliver")
    assert "bank_g is frozen" in str(refusal.value)
    shown = world.view("participant", participant=code)
    assert (shown["level"], shown["level_on_ledger"]) == ("frozen", "active")
    world.app.pump()
    assert standing(world, code)[0] == Level.FROZEN.number


def test_a_milder_level_takes_two_keys_and_waits_for_the_ledger(world: World) -> None:
    code = entered(world, "bank_h")
    world.do("central_bank", admission(code))
    world.do(
        "central_bank", SetLevel(participant=code, level=Level.WIND_DOWN, reason="its own wish")
    )
    back = SetLevel(participant=code, level=Level.ACTIVE, reason="it thought again")
    outcome = world.propose("central_bank", back)
    with world.app.store.reading() as connection:
        needs = connection.execute(
            requirement.select().where(requirement.c.proposal == outcome.proposal)
        ).all()
    assert len({need.address for need in needs if need.address}) == 1
    assert len(needs) == 2
    world.approve("central_bank", outcome)
    assert level(world, code) is Level.WIND_DOWN
    world.app.pump()
    assert level(world, code) is Level.ACTIVE


def test_withdrawal_gets_through_while_a_grant_is_under_way(world: World) -> None:
    code = entered(world, "bank_i")
    world.do("central_bank", admission(code))
    longer = RenewParticipant(participant=code, valid_until=date(2032, 1, 1))
    world.do("central_bank", longer, pump=False)
    with pytest.raises(ChangePending):
        world.propose("central_bank", longer)
    freeze = SetLevel(participant=code, level=Level.FROZEN, reason="an order of the court")
    world.do("central_bank", freeze, pump=False)
    assert level(world, code) is Level.FROZEN
    world.app.pump()
    assert standing(world, code)[0] == Level.FROZEN.number
    assert level(world, code) is Level.FROZEN


def test_a_renewal_and_its_lapse(world: World) -> None:
    code = entered(world, "bank_j")
    world.do("central_bank", admission(code, valid_until=date(2021, 3, 5)))
    with world.app.store.reading() as connection, pytest.raises(ParticipantNotActive):
        require_level(connection, CODE, code, date(2021, 3, 8), reason="to bid")
    world.do("central_bank", RenewParticipant(participant=code, valid_until=date(2022, 3, 5)))
    with world.app.store.reading() as connection:
        require_level(connection, CODE, code, date(2021, 3, 8), reason="to bid")
    assert standing(world, code)[3] == business_day_from_date(date(2022, 3, 5))


def test_a_level_is_set_to_another(world: World) -> None:
    with pytest.raises(LevelUnchanged, match="bank_a is active already"):
        world.propose(
            "central_bank", SetLevel(participant="bank_a", level=Level.ACTIVE, reason="again")
        )
    with pytest.raises(NotFound):
        world.propose(
            "central_bank", SetLevel(participant="nobody", level=Level.FROZEN, reason="x")
        )


def test_the_journal_says_who_asked_and_what_the_ledger_did(world: World) -> None:
    code = entered(world, "bank_k")
    world.do("central_bank", admission(code))
    with world.app.store.reading() as connection:
        entries = read_entries(connection, programme=CODE, subject=f"participants:{code}")
    kinds = [entry["kind"] for entry in entries]
    asked, done = (kinds.index(f"{kind}") for kind in (
        "ParticipantAdmissionRequested", "AdmitParticipantDone"
    ))  # fmt: skip
    assert asked < done
    assert entries[done]["cause"] == entries[asked]["id"]
    assert len(entries[asked]["approval"]) == 2
    assert "LedgerEventSeen" in kinds


def test_levels_are_the_ledgers() -> None:
    # docs/reference/contracts.md: 1 active, 2 close-out only, 3 wind-down, 4 frozen.
    assert [level.number for level in Level] == [1, 2, 3, 4]
    assert all(Level.numbered(level.number) is level for level in Level)
