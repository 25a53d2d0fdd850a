"""What is said before anyone signs, of every act that needs a signature; and to whom nothing is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.auctions.acts_world import MILLION, Auctions, bid
from tests.servicing.test_outside import DUE
from tests.servicing.test_payments import fix, rate
from tests.settlement.trading import BOND_ISIN, Trading

from amanat.access.acts import ACTS, Command
from amanat.access.effects import EFFECTS
from amanat.app import Application
from amanat.auctions.commands import (
    CloseTender,
    ExtendTender,
    OpenBids,
    PostponeTender,
    ReleaseShare,
    ResealShare,
    SetTarget,
    SubmitBid,
    WithdrawBid,
)
from amanat.core.errors import Forbidden, NotFound
from amanat.participants.commands import ExtendKey, RotateKey
from amanat.participants.commands_sign_in import (
    GiveToken,
    InvitePerson,
    LinkIdentity,
    UnlinkIdentity,
    WithdrawAccess,
)
from amanat.programme.commands import (
    AnnounceChange,
    AppointSender,
    CancelChange,
    DirectoryChange,
    ExecuteChange,
    WithdrawAuthorisation,
)
from amanat.servicing.commands import (
    FundPayment,
    ListOutside,
    RecordPaidOutside,
    RecordTaxRates,
    WithdrawOutsideList,
)
from amanat.servicing.model import PaymentKind
from amanat.settings import Settings

from .world import World, authorisation, found_world, furnish


def foresee(world: World, institution: str, command: Command) -> list[str]:
    """What the institution's officer is told."""
    return [
        str(one) for one in world.app.desk.foresee(world.actor(f"{institution}_officer"), command)
    ]


def told(world: World, institution: str, command: Command, *said: str) -> None:
    """Each of these is part of a line."""
    lines = foresee(world, institution, command)
    for one in said:
        assert any(one in line for line in lines), (one, lines)


def test_every_act_that_others_sign_says_what_it_will_do() -> None:
    ours = {name: act for name, act in ACTS.items() if act.command.__module__.startswith("amanat.")}
    silent = [name for name, act in ours.items() if act.approvals and name not in EFFECTS]
    assert silent == []


def test_keys_and_the_directory(application: Application) -> None:
    world = found_world(application, delay_seconds=1)
    key = str(world.actor("secp_officer").address)
    fresh = world.app.keys.create("secp", "officer_2")
    epoch = "begins a new epoch"
    come = AnnounceChange(kind=DirectoryChange.KEY, key=fresh, institution="secp", reason="new")
    told(world, "ministry", come, "on the ledger for secp after", epoch, "Nothing changes before")
    go = AnnounceChange(kind=DirectoryChange.KEY, key=key, reason="lost")
    told(
        world, "secp", go, "signs for secp here; on the ledger for nobody", "secp_officer can sign"
    )
    assert not any("secp_officer" in line for line in foresee(world, "ministry", go))
    quorum = AnnounceChange(kind=DirectoryChange.QUORUM, quorum=3, reason="more eyes")
    told(world, "ministry", quorum, "a quorum needs: 2 before, 3 after")
    capacities = AnnounceChange(
        kind=DirectoryChange.CAPACITIES, institution="secp", capacities=("guardian",), reason="less"
    )
    told(world, "ministry", capacities, "Capacities of secp on the ledger after: guardian")
    announced = world.do("ministry", quorum).result
    assert announced is not None
    change = announced["change"]
    told(world, "ministry", ExecuteChange(change=change), "comes about: more eyes", "3 after")
    told(world, "ministry", CancelChange(change=change, reason="no"), "does not come about")
    with pytest.raises(NotFound):
        foresee(world, "ministry", ExecuteChange(change="ab" * 32))
    sender = AppointSender(key=world.app.reserve, reason="rotation", endow_coins=7)
    app = world.app
    told(
        world,
        "ministry",
        sender,
        f"{app.operator} before, {app.reserve} after",
        ": 7",
        "no authority",
    )
    lost = AppointSender(key=world.app.reserve, reason="burnt", former_lost=True)
    told(world, "ministry", lost, "counts as lost")


def test_ways_of_signing_in_are_told_of_ones_own_people_alone(application: Application) -> None:
    world = found_world(application)
    person, key = "bank_a_officer", str(world.actor("bank_a_officer").address)
    fresh = world.app.keys.create("bank_a", "officer_2")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
    link = {"person": person, "issuer": "https://id.example.gov"}
    for command, said in (
        (RotateKey(person=person, address=fresh, reason="old"), f"{key} before, {fresh} after"),
        (ExtendKey(key=key, expires_on=tomorrow), f"{tomorrow} after"),
        (GiveToken(person=person, label="a", days=9), "0 before, 1 after"),
        (GiveToken(person=person, label="a", scopes=("look:*",)), "90 days: look:*"),
        (InvitePerson(person=person, hours=5), "within 5 hours can register a device as"),
        (LinkIdentity(subject="s", **link), f"{person} can sign in as s of https://id.example.gov"),
        (WithdrawAccess(person=person, reason="left"), "0 tokens, 0 sessions, 0 passkeys"),
    ):
        told(world, "bank_a", command, said)
        with pytest.raises(NotFound):
            foresee(world, "bank_b", command)
    with pytest.raises(NotFound):
        foresee(world, "bank_a", UnlinkIdentity(**link))


def test_a_signature_that_is_taken_back(application: Application) -> None:
    world = furnish(found_world(application))
    proposed = world.propose("ministry", authorisation())
    assert proposed.proposal is not None
    withdraw = WithdrawAuthorisation(proposal=proposed.proposal, reason="a mistake")
    told(world, "ministry", withdraw, "10,000,000", "cannot be authorised by this proposal")
    other = WithdrawAuthorisation(proposal="0" * 8 + "-0000-0000-0000-" + "0" * 12, reason="x")
    with pytest.raises(NotFound):
        foresee(world, "ministry", other)


def test_times_bids_and_shares_of_a_tender(application: Application) -> None:
    auctions = Auctions(found_world(application)).prepare()
    world, code = auctions.world, "T1"
    isin = "PK0000000015"
    target = SetTarget(tender=code, isin=isin, auction_date=date(2021, 3, 3), target=5 * MILLION)
    told(world, "ministry", target, "5,000,000", "Bidders learn of it when")
    auctions.announce(code)
    later = auctions.in_seconds(900)
    extend = ExtendTender(tender=code, bids_due=later, reason="more time")
    told(world, "central_bank", extend, "are due", later.isoformat(sep=" ")[:16])
    postpone = PostponeTender(
        tender=code,
        auction_date=date(2021, 3, 10),
        settlement_date=date(2021, 3, 11),
        last_settlement_date=date(2021, 3, 15),
        bids_open=auctions.in_seconds(1000),
        bids_due=later,
        reason="a holiday",
    )
    told(world, "central_bank", postpone, "2021-03-03 before, 2021-03-10 after", "2021-03-11 after")
    sheet = SubmitBid(**auctions.sheet(code, "bank_a", [bid(1, 100, "95")]))
    told(world, "bank_a", sheet, "nobody reads it before the close", "until")
    taken = auctions.submit(code, "bank_a", [bid(1, 100, "95")])
    withdraw = WithdrawBid(tender=code, bid=taken["bid"])
    told(world, "bank_a", withdraw, f"{taken['commitment']} counts no more")
    with pytest.raises(NotFound):  # another's sheet: not even that there is one
        foresee(world, "bank_b", withdraw)
    with pytest.raises(Forbidden):
        foresee(world, "fund_c", sheet)
    told(world, "ministry", ResealShare(tender=code), "share of ministry in T1: 2")
    assert seals(world) == ["in_use", "in_use"]
    auctions.skip_to(auctions.tender(code)["bids_due"])
    world.do("central_bank", CloseTender(tender=code))
    share = ReleaseShare(tender=code)
    told(world, "ministry", share, "becomes public for good", "before central_bank has released")
    world.do("ministry", share)
    told(world, "central_bank", share, "every sealed bid can be opened")
    world.do("central_bank", share)
    assert seals(world) == ["retired", "retired"]
    told(world, "central_bank", OpenBids(tender=code), "come to an outcome: 1", "is void")


def seals(world: World) -> list[str]:
    """The states of the keys to sealed bids, as the register has them."""
    rows = world.view("keys", "auditor_officer", purpose="seal")["rows"]
    assert [one["holder"] for one in rows] == ["T1", "T1"]
    return [str(one["state"]) for one in rows]


def test_payments_outside_and_rates_of_tax(tmp_path: Path) -> None:
    settings = Settings.at(tmp_path / "installation", light_keys=True)
    with Application(settings) as app:
        trading = Trading(found_world(app)).prepare()
        world = trading.world
        rows = (rate(("bank",), "15", "30", date(2023, 12, 31)),)
        rates = RecordTaxRates(rows=rows)
        told(world, "central_bank", rates, "15 % for active taxpayers, 30 %", "0 before, 1 after")
        trading.do("central_bank", rates, pump=False)
        trading.tax_status("bank_a.own", "bank", active=True)
        terms = {"nominal": 10 * MILLION, "paisa": MILLION}
        trading.trade("ministry.distribution", "bank_a.own", **terms)
        trading.fund("ministry.treasury", 10 * MILLION * 100)
        trading.move_to(DUE)
        payment = str(fix(trading, BOND_ISIN, PaymentKind.COUPON, DUE)["payment"])
        listing = ListOutside(payment=payment, reason="no node")
        # 3.5 rupees for 100 of face, of which 15 % are withheld.
        told(world, "central_bank", listing, "1, PKR 297,500.00 net and PKR 52,500.00 tax")
        record = RecordPaidOutside(payment=payment, reference="RTGS 1")
        with pytest.raises(NotFound):
            foresee(world, "central_bank", record)
        accounts = ("ministry.treasury", "ministry.tax")
        payer, tax = (trading.at(one) for one in accounts)
        trading.do("ministry", FundPayment(payment=payment, payer=payer, tax_account=tax))
        trading.do("central_bank", listing, pump=False)
        told(
            world,
            "central_bank",
            record,
            "1, PKR 350,000.00 gross",
            "returns to the payer: PKR 350",
        )
        withdraw = WithdrawOutsideList(payment=payment, reason="nothing paid")
        told(world, "central_bank", withdraw, "may pay again: 1", "would be paid twice")
