"""From application to licence to suspension: ledger, bids, trades and register say the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from amanat.app import Application
from amanat.auctions.commands import AnnounceTender, SetTarget, SubmitBid
from amanat.auctions.model import BidBy
from amanat.ledger.refusals import ContractRefusal
from amanat.licensing.commands import LiftSuspension, Suspend
from amanat.licensing.model import PermissionMissing, ProviderSuspended
from amanat.licensing.standing import require_participant
from amanat.participants.commands import AccountToEnrol, EnrolAccounts
from amanat.participants.model import AccountKind
from amanat.settings import Settings
from amanat.settlement.commands import CreateCash, Instruct, Side
from amanat.store.journal import read_entries

from ..auctions.acts_world import MILLION, Auctions, bid
from ..licensing.world import MARCH, LicensingWorld, found_licensing_world
from ..programme.world import BOND, CODE, authorisation, register_asset

TENDER = "T-2026-1"
LATER = BOND | {"issue_date": "2025-08-20", "maturity_date": "2028-08-20"}


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[LicensingWorld]:
    """A founded programme in March 2026, with cash, a bond and a tender to come."""
    settings = Settings.at(tmp_path / "installation", light_keys=True)
    with Application(replace(settings, database_url=database_url)) as app:
        yield found_licensing_world(app)


def own_account(world: LicensingWorld, code: str, authority: str) -> str:
    """An account of its own with cash in it."""
    address = world.app.keys.create(code, "account")
    one = AccountToEnrol(
        address=address,
        kind=AccountKind.OWN,
        label="own",
        holder_class="company",
        tax_residency="PK",
    )
    world.do(authority, EnrolAccounts(participant=code, accounts=(one,)))
    paid = CreateCash(account=address, amount_paisa=MILLION, rtgs_reference=f"RTGS-{code}")
    world.do("central_bank", paid)
    return address


def announce(world: LicensingWorld) -> Auctions:
    """A tender in which the provider may bid."""
    world.admit("ministry", "issuer", "central_bank")
    world.enrol("ministry", "central_bank", AccountKind.DISTRIBUTION)
    register_asset(world, "full_faith")
    world.do(
        "ministry",
        authorisation(
            terms=LATER,
            nominal=2_000 * MILLION,
            rate_date=MARCH,
            classes=("bank", "vasp"),
            expires_on=date(2026, 12, 31),
        ),
    )
    auctions = Auctions(world)
    target = SetTarget(
        tender=TENDER, isin=LATER["isin"], auction_date=date(2026, 3, 11), target=1_000 * MILLION
    )
    world.do("ministry", target)
    world.do(
        "central_bank",
        AnnounceTender(
            tender=TENDER,
            settlement_date=date(2026, 3, 12),
            last_settlement_date=date(2026, 3, 16),
            bids_due=auctions.in_seconds(3_600),
            bid_by=BidBy.PRICE,
        ),
    )
    return auctions


def test_what_a_licence_opens_a_suspension_shuts_everywhere(world: LicensingWorld) -> None:
    provider = "dealer_v"
    world.licensed(provider)
    gateway = world.app.ledger.gateway(CODE)
    assert status(world, provider) == "licensed"
    world.admit("bank_a", "bank", "central_bank")
    own = own_account(world, provider, "pvara")
    other = own_account(world, "bank_a", "central_bank")
    assert gateway.call("Cash", "transfer", other, 1, sender=own) is True
    auctions = announce(world)
    lines = [bid(1, 10, "99.5000")]
    sheet = SubmitBid(**auctions.sheet(TENDER, provider, lines))

    stop = Suspend(provider=provider, level="full_freeze", reason="client assets are missing")
    told = world.app.desk.foresee(world.actor("pvara_officer"), stop)
    for said in (
        f"{provider} is licensed; suspended afterwards: full freeze",
        "Accounts that change with their participant: 1",
        "Open tenders in which it may not bid any more: 1",
        "Matched instructions that cannot settle while it lasts: 0",
    ):
        assert any(said in str(line) for line in told), told
    number = world.do_as("pvara_officer", stop, "pvara_approver")["file"]
    # At once, before the ledger has it: no bid, no trade, and everybody reads it.
    with pytest.raises(ProviderSuspended, match=number) as refusal:
        world.propose(provider, sheet)
    assert refusal.value.problem()["status"] == 403
    assert refusal.value.problem()["fields"]["suspension"] == number
    trade = Instruct(
        side=Side.DELIVER,
        isin=LATER["isin"],
        deliverer=own,
        receiver=other,
        nominal=100_000,
        consideration_paisa=1,
        trade_date=MARCH,
        first_day=MARCH,
        last_day=MARCH,
    )
    with pytest.raises(ProviderSuspended, match=r"full_freeze|full freeze"):
        world.propose(provider, trade)
    assert status(world, provider) == "suspended"
    registered = world.view("registered_provider", provider=provider)
    assert "suspended" in str(registered)
    world.app.pump()
    # On the ledger: the transfer that was possible before is refused with its reason.
    with pytest.raises(ContractRefusal) as refused:
        gateway.call("Cash", "transfer", other, 1, sender=own)
    assert refused.value.name == "LevelForbids"
    assert (refused.value.arguments["account"], refused.value.arguments["level"]) == (own, 4)
    assert world.app.check() == []

    lift = LiftSuspension(file=number, reason="they were found")
    world.do_as("pvara_officer", lift, "pvara_approver", pump=True)
    assert gateway.call("Cash", "transfer", other, 1, sender=own) is True
    outcome = world.propose(provider, SubmitBid(**auctions.sheet(TENDER, provider, lines)))
    assert outcome.state in ("carried_out", "proposed")
    assert world.app.check() == []
    with world.app.store.reading() as connection:
        told = read_entries(connection, programme=CODE, kinds=["PermissionChanged"])
    assert [one["content"]["change"] for one in told] == [
        "grant", "grant", "grant", "suspend", "lift",
    ]  # fmt: skip


def status(world: LicensingWorld, code: str) -> str:
    """The public status, as the authority reads it."""
    shown: str = world.view("provider", "pvara_officer", provider=code)["status"]
    return shown


def test_an_applicant_holds_and_trades_nothing(world: LicensingWorld) -> None:
    world.noc("exchange_x")
    with world.app.store.reading() as connection, pytest.raises(PermissionMissing, match="FMU"):
        require_participant(connection, CODE, "exchange_x", "acquire", MARCH)
    assert world.view("participants") == []
