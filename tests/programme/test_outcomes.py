"""What the ledger does without us, and what it refuses: rows, alarms, and what binds afterwards."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sql

from amanat.app import Application
from amanat.ledger.tables import alarm
from amanat.ledger.typed_data import BY_NAME, ContractId, Domain
from amanat.participants.commands import AccountToEnrol, EnrolAccounts, SetLevel
from amanat.participants.model import AccountKind, ChangePending, Level
from amanat.participants.records import find_account, find_participant, level_of
from amanat.programme.commands import AttestReserves, Halt, MoveDay, Resume
from amanat.programme.model import Halted
from amanat.programme.records import require_running
from amanat.store.journal import Provenance

from .world import CODE, World, authorisation, found_world, furnish


def alarms(world: World) -> list[str]:
    with world.app.store.reading() as connection:
        return list(connection.execute(sql.select(alarm.c.kind).order_by(alarm.c.id)).scalars())


def signed(world: World, contract: str, struct: str, people: tuple[str, ...], *values: Any) -> Any:
    """Signatures of people over a struct, as they could make them without this system."""
    where = Domain(world.app.ledger.chain_id, world.app.ledger.gateway(CODE).address(contract))
    digest = where.digest(BY_NAME[struct].hash(*values))
    keys = [world.actor(person).address for person in people]
    return [world.app.keys.sign(CODE, key or "", digest) for key in keys]


def send(world: World, contract: str, function: str, args: list[Any], *, pump: bool = True) -> None:
    """Send what no act ordered."""
    provenance = Provenance(CODE, "test", "test", "operator", "test", date(2021, 3, 1))
    with world.app.store.work(provenance) as uow:
        uow.orders.request("sent_by_another", CODE, contract, function, args)
        uow.commit()
    if pump:
        world.app.pump()


def test_a_participant_and_account_that_nobody_here_asked_for(world: World) -> None:
    keys = ("central_bank_officer", "central_bank_approver")
    country = ord("A") << 8 | ord("E")
    standing = (900, 1, 77, 2, country, 1, 20_000)
    names = [name for name, _ in BY_NAME["Participant"].fields]
    signatures = signed(world, "Eligibility", "Participant", keys, *standing)
    args = [dict(zip(names, standing, strict=True)), signatures]
    send(world, "Eligibility", "set_participant", args)
    shown = world.view("participant", participant="observed_77")
    assert (shown["participant_class"], shown["country"], shown["level"]) == (
        "bank",
        "AE",
        "active",
    )
    assert shown["valid_until"] == "2024-10-04"  # 20,000 days after 1970-01-01

    address = "0x" + "9a" * 20
    opening = {"number": 901, "epoch": 1, "participant": 77, "accounts": [address]}
    signatures = signed(world, "Eligibility", "AccountOpening", keys, *opening.values())
    send(world, "Eligibility", "open_accounts", [opening, signatures])
    with world.app.store.reading() as connection:
        row = find_account(connection, CODE, address)
    assert (row.participant, row.tax_residency) == ("observed_77", "AE")

    closing = {"number": 902, "epoch": 1, "account": address}
    signatures = signed(world, "Eligibility", "AccountClosing", keys[:1], *closing.values())
    send(world, "Eligibility", "close_account", [closing, [], signatures])
    with world.app.store.reading() as connection:
        assert find_account(connection, CODE, address).closed_at is not None


def test_an_account_that_the_ledger_refuses(world: World) -> None:
    contract = world.app.ledger.gateway(CODE).address("Cash")  # no contract holds for anybody
    one = AccountToEnrol(
        address=contract,
        kind=AccountKind.CLIENT,
        label="odd",
        holder="Somebody",
        holder_class="individual",
        tax_residency="PK",
    )
    command = EnrolAccounts(participant="bank_a", accounts=(one,))
    world.do("central_bank", command)
    with world.app.store.reading() as connection:
        row = find_account(connection, CODE, contract)
    assert row.done_at is None
    assert row.refused_at is not None
    assert "account" in row.refusal
    world.do("central_bank", command)  # and may be asked for again
    assert world.view("participant", participant="bank_a")["level"] == "active"


def begin_another_epoch(world: World, institution: str) -> None:
    """Revoke a spare key, not yet sent: it voids what is signed before it is final."""
    spare = world.actor(f"{institution}_approver").address
    epoch = world.app.ledger.gateway(CODE).call("Directory", "epoch")
    given = signed(world, "Directory", "KeyRevocation", (f"{institution}_officer",), spare, epoch)
    send(world, "Directory", "revoke_key", [spare, epoch, given[0]], pump=False)


def level(world: World, participant: str) -> Level:
    with world.app.store.reading() as connection:
        return level_of(find_participant(connection, CODE, participant))


def test_a_withdrawal_that_the_ledger_refuses_binds_here_and_is_an_alarm(world: World) -> None:
    begin_another_epoch(world, "secp")
    freeze = SetLevel(participant="bank_b", level=Level.FROZEN, reason="an order of the court")
    halted = Halt(scope="payments", reason="a doubt")
    world.do("central_bank", freeze, pump=False)
    world.do("ministry", halted, pump=False)
    assert level(world, "bank_b") is Level.FROZEN
    world.app.pump()  # the key's removal began another epoch
    (change,) = world.view("participant", participant="bank_b")["changes"][-1:]
    assert change["done_at"] is None
    assert "epoch" in change["refusal"]
    assert {"participant_change_refused", "halt_refused"} <= set(alarms(world))
    # No outcome of the ledger lifts what an authority has withdrawn.
    assert level(world, "bank_b") is Level.FROZEN
    with world.app.store.reading() as connection, pytest.raises(Halted, match="a doubt"):
        require_running(connection, CODE, "payments")
    with pytest.raises(ChangePending):
        world.propose("ministry", Resume(scope="payments", reason="not before it is halted"))
    # To grant it again takes two keys, though the ledger never took it away; it waits for it.
    active = SetLevel(participant="bank_b", level=Level.ACTIVE, reason="the order was lifted")
    outcome = world.propose("central_bank", active)
    assert outcome.awaits == ("central_bank",)
    world.approve("central_bank", outcome)
    assert level(world, "bank_b") is Level.FROZEN
    world.app.pump()
    assert level(world, "bank_b") is Level.ACTIVE
    # Ordered again, both are done.
    world.do("central_bank", freeze)
    world.do("ministry", halted)
    assert world.view("participant", participant="bank_b")["level"] == "frozen"
    gateway = world.app.ledger.gateway(CODE)
    assert gateway.call("Directory", "is_halted", ContractId.PAYMENTS) is True
    world.do("central_bank", Resume(scope="payments", reason="the doubt is gone"))
    with world.app.store.reading() as connection:
        require_running(connection, CODE, "payments")


def test_reserves_that_lapse_halt_the_programme(application: Application) -> None:
    world = furnish(found_world(application, attestors=("secp",)))
    attested = AttestReserves(reserves_usd_cents=10_000_000, valid_until=date(2021, 3, 1))
    world.do("ministry", attested)
    world.do("ministry", authorisation())
    world.do("ministry", MoveDay(business_date=date(2021, 3, 2)))
    send(world, "Programme", "halt_for_reserves", [])
    (halted,) = world.view("programme")["halts"]
    assert (halted["scope"], halted["binds"]) == ("programme", True)
    assert halted["reason"].startswith("on the ledger")

    resume = Resume(scope="programme", reason="we hope for the best")
    world.do("central_bank", resume)
    (halted,) = world.view("programme")["halts"]
    assert (halted["binds"], halted["resume_requested_at"]) == (True, None)
    assert "resume_refused" in alarms(world)
    with pytest.raises(Halted):
        world.propose("ministry", Halt(scope="programme", reason="again"))

    renewed = attested.model_copy(update={"valid_until": date(2021, 12, 31)})
    world.do("ministry", renewed)
    world.do("central_bank", resume)
    (halted,) = world.view("programme")["halts"]
    assert halted["binds"] is False
