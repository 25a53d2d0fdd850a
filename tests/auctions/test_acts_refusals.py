"""What the acts of a tender refuse, beside what they do; and attacks on the book, by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from tests.programme.world import CODE, found_world

from amanat.access.acts import Command
from amanat.access.desk import SecondPersonRequired
from amanat.app import Application
from amanat.auctions import tables
from amanat.auctions.acts_rules import (
    BiddingOver,
    BiddingStillOpen,
    BidNotTheirs,
    CloseNotFinal,
    CommitmentTwice,
    DealerMayNotBid,
    DecisionMeaningless,
    DecisionOther,
    LetterDiffers,
    LetterLate,
    OrderUnderWay,
    SharesNotReleased,
    SheetStands,
    TargetUnchanged,
    TenderExists,
    TenderStateForbids,
    TimesDisorderly,
)
from amanat.auctions.acts_shares import ShareKeptElsewhere, ShareKeptHere, ShareReleased
from amanat.auctions.book import Window
from amanat.auctions.commands import (
    AmendTarget,
    AwardTender,
    CancelTender,
    CloseTender,
    DeliverSheet,
    EnterLetter,
    ExtendTender,
    FixCutOff,
    NameInvestor,
    NoAward,
    OpenBids,
    OpenLetter,
    PostponeTender,
    PublishCalendar,
    ReleaseShare,
    ReviseBid,
    SetTarget,
    SubmitBid,
    SubmitNonCompetitiveBid,
    WithdrawBid,
)
from amanat.auctions.forms import write_form
from amanat.auctions.laws import InvestorOverCap
from amanat.auctions.model import CompetitiveBid
from amanat.auctions.sealing import ShareWrong, commitment, new_salt, new_share, seal
from amanat.core.errors import Forbidden, NotFound, Refusal
from amanat.ledger import typed_data
from amanat.participants.commands import SetLevel
from amanat.participants.model import Level
from amanat.programme.commands import Halt, Resume
from amanat.programme.model import Halted, NotBusinessDay
from amanat.settings import Settings
from amanat.store.journal import Provenance

from .acts_world import (
    AUCTION_DAY,
    ISIN,
    MILLION,
    SETTLEMENT_DAY,
    Auctions,
    bid,
)


@pytest.fixture(scope="module")
def auctions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Auctions]:
    """One founded programme for the tenders of this file."""
    folder: Path = tmp_path_factory.mktemp("auctions")
    settings = replace(
        Settings.at(folder / "installation", light_keys=True),
        database_url=f"sqlite:///{folder / 'amanat.sqlite'}",
    )
    with Application(settings) as app:
        yield Auctions(found_world(app)).prepare()


def refused(auctions: Auctions, institution: str, command: Command, refusal: type[Any]) -> Any:
    """The refusal with which a command of this institution's officer ends."""
    with pytest.raises(refusal) as caught:
        auctions.world.do(institution, command)
    return caught.value


def tamper(auctions: Auctions, identifier: str, **values: Any) -> None:
    """What a dishonest operator does behind the acts' back."""
    table = tables.sealed_bid
    with auctions.world.app.engine.begin() as connection:
        connection.execute(sql.update(table).where(table.c.id == identifier).values(**values))


def test_calendar_is_published_once(auctions: Auctions) -> None:
    line = {
        "auction_date": AUCTION_DAY,
        "settlement_date": SETTLEMENT_DAY,
        "security": "PIB 3 years",
        "target": 1_000 * MILLION,
    }
    first = PublishCalendar.model_validate({"calendar": "2021-Q1", "lines": [line]})
    auctions.world.do("central_bank", first)
    assert auctions.world.view("auction_calendar")["lines"][0]["target"] == "1000000000"
    refused(auctions, "central_bank", first, Refusal)
    refused(
        auctions,
        "central_bank",
        first.model_copy(update={"calendar": "2021-Q2", "replaces": "1999"}),
        NotFound,
    )
    backward = line | {"settlement_date": AUCTION_DAY}
    refused(
        auctions,
        "central_bank",
        PublishCalendar.model_validate({"calendar": "2021-Q2", "lines": [backward]}),
        TimesDisorderly,
    )
    second = PublishCalendar.model_validate(
        {"calendar": "2021-Q2", "lines": [line], "replaces": "2021-Q1"}
    )
    auctions.world.do("central_bank", second)
    assert auctions.world.view("auction_calendar")["calendar"] == "2021-Q2"


def test_target_and_announcement_belong_to_two_institutions_and_two_persons(
    auctions: Auctions,
) -> None:
    world = auctions.world
    target = SetTarget(tender="T1", isin=ISIN, auction_date=AUCTION_DAY, target=MILLION * 100)
    refused(auctions, "central_bank", target, Forbidden)  # the ministry fixes the target
    alone = world.propose("ministry", target)
    assert alone.state == "proposed"
    with pytest.raises((SecondPersonRequired, Forbidden)):
        world.app.desk.approve(world.actor("ministry_officer"), str(alone.proposal))
    world.approve("ministry", alone)
    refused(auctions, "ministry", target, TenderExists)
    with pytest.raises(NotFound):
        auctions.tender("T1", None)  # not announced: the public does not see it
    unknown = target.model_copy(update={"tender": "T2", "isin": "PK0000000007"})
    refused(auctions, "ministry", unknown, NotFound)

    world.do("ministry", AmendTarget(tender="T1", target=MILLION * 200))
    refused(auctions, "ministry", AmendTarget(tender="T1", target=MILLION * 200), TargetUnchanged)
    assert auctions.tender("T1")["target"] == str(200 * MILLION)
    world.do("central_bank", CancelTender(tender="T1", reason="no need"))
    assert auctions.tender("T1")["state"] == "cancelled"
    refused(auctions, "ministry", AmendTarget(tender="T1", target=MILLION), TenderStateForbids)


def test_times_follow_one_another(auctions: Auctions) -> None:
    soon = {"bids_due": auctions.in_seconds(-1)}
    with pytest.raises(TimesDisorderly):
        auctions.announce("T3", **soon)
    with pytest.raises(NotBusinessDay):  # Pakistan Day
        auctions.announce("T3b", last_settlement_date=date(2021, 3, 23))
    code = "T4"
    auctions.announce(code, bids_open=auctions.in_seconds(30), bids_due=auctions.in_seconds(60))
    later = {
        "tender": code,
        "auction_date": date(2021, 3, 4),
        "settlement_date": date(2021, 3, 5),
        "last_settlement_date": date(2021, 3, 9),
        "bids_open": auctions.in_seconds(90),
        "bids_due": auctions.in_seconds(120),
        "reason": "the market is closed",
    }
    auctions.world.do("central_bank", PostponeTender(**later))
    shown = auctions.tender(code, None)
    assert (shown["auction_date"], shown["settlement_date"]) == ("2021-03-04", "2021-03-05")
    sooner = ExtendTender(tender=code, bids_due=auctions.in_seconds(10), reason="an outage")
    refused(auctions, "central_bank", sooner, TimesDisorderly)
    due = auctions.in_seconds(180)
    extended = ExtendTender(tender=code, bids_due=due, reason="an outage")
    auctions.world.do("central_bank", extended, pump=False)
    refused(auctions, "central_bank", extended, OrderUnderWay)
    auctions.world.app.pump()
    assert datetime.fromisoformat(auctions.tender(code, None)["bids_due"]) == due
    refused(auctions, "ministry", CancelTender(tender=code, reason="x"), Forbidden)
    cancel = CancelTender(tender=code, reason="the coupon is reset")
    auctions.world.do("central_bank", cancel)
    assert auctions.tender(code, None)["state"] == "cancelled"
    on_chain = auctions.world.app.gateway(CODE).call(
        "Tender", "tender", int(auctions.tender(code)["chain_id"], 16)
    )
    assert on_chain[9] is True


def test_bids_until_the_close(auctions: Auctions) -> None:
    world, code = auctions.world, "T5"
    auctions.announce(code)
    sheet = auctions.sheet(code, "bank_a", [bid(1, 100, "95")])
    with pytest.raises(DealerMayNotBid):  # another dealer's account
        world.propose("bank_b", SubmitBid(**sheet))
    with pytest.raises(Forbidden):  # no primary dealer at all
        world.propose("fund_c", SubmitBid(**sheet))
    receipt = auctions.carry_out("bank_a", SubmitBid(**sheet), pump=False)
    with pytest.raises(SheetStands):
        world.propose("bank_a", SubmitBid(**auctions.sheet(code, "bank_a", [bid(1, 9, "95")])))
    with pytest.raises(CommitmentTwice):
        world.propose("bank_a", ReviseBid(bid=receipt["bid"], **sheet))
    with pytest.raises(BidNotTheirs):
        world.propose("bank_b", WithdrawBid(tender=code, bid=receipt["bid"]))
    assert auctions.mine(code, "bank_b")["bids"] == []
    world.app.pump()
    world.do("ministry", Halt(scope="tenders", reason="a test"))
    with pytest.raises(Halted):
        world.propose("bank_b", SubmitBid(**auctions.sheet(code, "bank_b", [bid(1, 9, "95")])))
    world.do("ministry", Resume(scope="tenders", reason="over"))
    auctions.carry_out("bank_a", WithdrawBid(tender=code, bid=receipt["bid"]))
    assert auctions.mine(code, "bank_a")["bids"][0]["state"] == "withdrawn"

    # A suspension binds from its request, before the ledger has it.
    world.do(
        "central_bank",
        SetLevel(participant="bank_b", level=Level.CLOSE_OUT_ONLY, reason="a test"),
        pump=False,
    )
    with pytest.raises(DealerMayNotBid):
        world.propose("bank_b", SubmitBid(**auctions.sheet(code, "bank_b", [bid(1, 9, "95")])))
    world.app.pump()
    world.do("central_bank", SetLevel(participant="bank_b", level=Level.ACTIVE, reason="over"))

    refused(auctions, "central_bank", CloseTender(tender=code), BiddingStillOpen)
    for institution in ("ministry", "central_bank"):
        refused(auctions, institution, ReleaseShare(tender=code), CloseNotFinal)
    refused(auctions, "central_bank", OpenBids(tender=code), TenderStateForbids)

    # In time here, but on the chain after the announced time: the chain's time decides.
    late = auctions.submit(code, "bank_a", [bid(1, 100, "95")], pump=False)
    auctions.skip_to(auctions.tender(code)["bids_due"])
    world.app.pump()
    refused_bid = auctions.mine(code, "bank_a")["bids"][-1]
    assert (refused_bid["bid"], refused_bid["state"]) == (late["bid"], "refused")
    with pytest.raises(BiddingOver):
        world.propose("bank_a", SubmitBid(**auctions.sheet(code, "bank_a", [bid(1, 9, "95")])))
    refused(
        auctions,
        "central_bank",
        ExtendTender(tender=code, bids_due=auctions.in_seconds(9), reason="too late"),
        BiddingOver,
    )


def test_attacks_on_the_book(auctions: Auctions) -> None:
    """Duplicate investors, a bid over the cap, an altered and a withheld sheet, a letter."""
    world, code = auctions.world, "T6"
    auctions.announce(code)
    names = [
        auctions.carry_out(
            dealer,
            NameInvestor(tender=code, account=world.accounts[f"{dealer}.client"]),
            pump=False,
        )["investor"]
        for dealer in ("bank_a", "bank_b")
    ]
    assert names[0] == names[1]  # one holder, whichever dealer names it
    with pytest.raises(NotFound):
        world.propose("bank_a", NameInvestor(tender=code, account=world.accounts["bank_b.client"]))
    with pytest.raises(InvestorOverCap):
        auctions.sheet(code, "bank_a", [auctions.non_competitive(names[0], 5, 51)])

    altered = auctions.submit(code, "bank_a", [bid(1, 100, "95")], pump=False)
    withheld = auctions.submit(code, "bank_b", [bid(1, 100, "94.5")], pump=False)
    nc = Window.NON_COMPETITIVE
    for dealer in ("bank_a", "bank_b"):
        one = auctions.non_competitive(names[0], 5, 10)
        auctions.submit(code, dealer, [one], window=nc, pump=False)
    world.app.pump()
    raw = bytearray.fromhex(auctions.mine(code, "bank_a", full=True)["bids"][0]["sealed"])
    raw[100] ^= 1
    tamper(auctions, altered["bid"], sealed=bytes(raw))
    tamper(auctions, withheld["bid"], sealed=None)

    letter, form, salt = enter_a_letter(auctions, code)
    world.do("central_bank", CloseTender(tender=code))
    world.do("ministry", ReleaseShare(tender=code))
    refused(auctions, "ministry", ReleaseShare(tender=code), ShareReleased)
    # One institution's key opens nothing.
    refused(auctions, "central_bank", OpenBids(tender=code), SharesNotReleased)
    world.do("central_bank", ReleaseShare(tender=code))
    wrong = OpenLetter(tender=code, bid=letter, form=form.hex(), salt="00" * 32)
    refused(auctions, "central_bank", wrong, LetterDiffers)
    world.do("central_bank", wrong.model_copy(update={"salt": salt.hex()}))
    opened = world.do("central_bank", OpenBids(tender=code)).result
    assert opened is not None
    assert (opened["opened"], opened["void"]) == ("3", "2")
    reasons = [one["reason"] for one in auctions.tender(code)["commitments"]]
    assert reasons == ["altered", "withheld", None, None, None]

    refused(auctions, "central_bank", FixCutOff(tender=code, no_award=True), Forbidden)
    refused(auctions, "ministry", FixCutOff(tender=code), DecisionMeaningless)
    refused(auctions, "central_bank", NoAward(tender=code), TenderStateForbids)
    world.do("ministry", FixCutOff(tender=code, no_award=True))
    refused(auctions, "central_bank", AwardTender(tender=code), DecisionOther)
    assert "decision" not in auctions.tender(code, None)
    world.do("central_bank", NoAward(tender=code))
    shown = auctions.tender(code, None)
    assert shown["state"] == "no_award"
    assert shown["decision"] == {"award": False}
    # Both bids for one investor fall; the letter alone is a valid bid, and gets nothing.
    assert (shown["tally"]["void"], shown["tally"]["unsuccessful"]) == (4, 1)
    voids = [row["reasons"] for row in shown["sheet"]["rows"] if row["status"] == "void"]
    assert voids == [["investor_twice"], ["investor_twice"]]
    assert world.view("allotments", "central_bank_officer", tender=code) == []


def enter_a_letter(auctions: Auctions, code: str) -> tuple[str, bytes, bytes]:
    """In an outage bank_a's second sheet comes as a sealed envelope: its id, form and salt."""
    world = auctions.world
    bidder = auctions.mine(code, "bank_a")["bidders"][0]
    chain_id = bytes.fromhex(auctions.tender(code)["chain_id"])
    price = Decimal("94.9")
    paper = CompetitiveBid(bidder["number"], 7, 50 * MILLION, price=price)
    form, salt = write_form(chain_id, bidder["number"], [paper]), new_salt()
    letter = EnterLetter(
        tender=code,
        account=bidder["account"],
        commitment=commitment(chain_id, bidder["number"], form, salt).hex(),
        received_at=auctions.in_seconds(0),
        reason="the network is down",
        letter="cd" * 32,
    )
    refused(auctions, "central_bank", letter, BiddingStillOpen)
    due = auctions.tender(code)["bids_due"]
    auctions.skip_to(due)
    refused(auctions, "ministry", letter, Forbidden)
    tardy = letter.model_copy(update={"received_at": datetime.fromisoformat(due)})
    refused(auctions, "central_bank", tardy, LetterLate)
    entered = world.do("central_bank", letter).result
    assert entered is not None
    assert auctions.mine(code, "bank_a")["bids"][-1]["state"] == "recorded"
    return entered["bid"], form, salt


def test_a_sheet_over_the_cap_is_void_at_the_opening(auctions: Auctions) -> None:
    """A dealer that seals by itself can break the rules; the opened book does not forgive it."""
    world, code = auctions.world, "T7"
    auctions.announce(code)
    investor = auctions.carry_out(
        "bank_a", NameInvestor(tender=code, account=world.accounts["bank_a.client"]), pump=False
    )["investor"]
    bidder = auctions.mine(code, "bank_a")["bidders"][0]
    chain_id = bytes.fromhex(auctions.tender(code)["chain_id"])
    over = replace(auctions.non_competitive(investor, 1, 51), number=bidder["number"])
    inner, outer = auctions.keys(code)
    sealed = seal(
        write_form(chain_id, bidder["number"], [over]),
        tender=chain_id,
        number=bidder["number"],
        inner=inner,
        outer=outer,
    )
    fields = {
        "tender": code,
        "account": bidder["account"],
        "ciphertext": sealed.hex(),
        "salt": new_salt().hex(),
    }
    auctions.carry_out("bank_a", SubmitNonCompetitiveBid(**fields), pump=False)
    # Competitive bids in the other window's sheet are void as a whole.
    auctions.submit(code, "bank_b", [bid(1, 10, "95")], window=Window.NON_COMPETITIVE, pump=False)
    sheet = auctions.sheet(code, "bank_b", [bid(2, 10, "95")])
    kept = auctions.carry_out("bank_b", SubmitBid(**sheet), pump=False)
    world.app.pump()
    # What an operator loses or alters, its bidder delivers again.
    tamper(auctions, kept["bid"], sealed=None)
    with pytest.raises(NotFound):
        world.propose("bank_b", DeliverSheet(**sheet | {"salt": "00" * 32}))
    with pytest.raises(DealerMayNotBid):
        world.propose("bank_a", DeliverSheet(**sheet))
    assert auctions.carry_out("bank_b", DeliverSheet(**sheet))["bid"] == kept["bid"]
    auctions.open(code)
    world.do("ministry", FixCutOff(tender=code, amount=10 * MILLION))
    world.do("central_bank", AwardTender(tender=code))
    shown = auctions.tender(code, None)
    assert [one["reason"] for one in shown["commitments"]] == [None, "wrong_window", None]
    rows = {row["line"]: row for row in shown["sheet"]["rows"]}
    assert rows[1]["reasons"] == ["investor_over_cap"]
    assert rows[2]["status"] == "accepted"
    assert shown["tally"]["void"] == 2


def test_commitments_sent_past_this_room_and_a_key_kept_elsewhere(auctions: Auctions) -> None:
    """Bidders may send commitments themselves; a copied one opens to nobody's bid."""
    world, code = auctions.world, "T9"
    share = new_share("ministry")
    auctions.announce(code, sealing_key=share.key.public.hex())
    number = {
        dealer: auctions.mine(code, dealer)["bidders"][0]["number"]
        for dealer in ("bank_a", "bank_b")
    }
    sheet = auctions.sheet(code, "bank_a", [bid(1, 10, "95")])
    promised = commitment(
        bytes.fromhex(auctions.tender(code)["chain_id"]),
        number["bank_a"],
        bytes.fromhex(sheet["ciphertext"]),
        bytes.fromhex(sheet["salt"]),
    )
    for dealer in ("bank_a", "bank_b"):
        commit_directly(auctions, code, dealer, number[dealer], promised)
    assert auctions.mine(code, "bank_a")["bids"] == []
    auctions.carry_out("bank_a", DeliverSheet(**sheet))
    with pytest.raises(DealerMayNotBid):  # the copier has neither this number nor this account
        world.propose("bank_b", DeliverSheet(**sheet))
    invented = auctions.non_competitive("nobody", 5, 10)
    auctions.submit(code, "bank_b", [invented], window=Window.NON_COMPETITIVE)
    auctions.close(code)
    refused(auctions, "ministry", ReleaseShare(tender=code), ShareKeptElsewhere)
    other = ReleaseShare(tender=code, private_key=new_share("ministry").private.hex())
    refused(auctions, "ministry", other, ShareWrong)
    right = ReleaseShare(tender=code, private_key=share.private.hex())
    refused(auctions, "central_bank", right, ShareKeptHere)
    world.do("ministry", right)
    world.do("central_bank", ReleaseShare(tender=code))
    world.do("central_bank", OpenBids(tender=code))
    shown = auctions.tender(code)["commitments"]
    assert [(one["fate"], one["reason"]) for one in shown] == [
        ("opened", None),
        ("void", "withheld"),
        ("opened", None),
    ]
    world.do("ministry", FixCutOff(tender=code, cut_off=Decimal(95)))
    world.do("central_bank", AwardTender(tender=code))
    rows = world.view("allotments", "auditor_officer", tender=code)
    # An investor whom no dealer named to the register has no account to receive anything.
    assert [(row["state"], row["account"]) for row in rows] == [
        ("awaiting_settlement", world.accounts["bank_a.own"].lower()),
        ("defaulted", None),
    ]


def commit_directly(
    auctions: Auctions, code: str, dealer: str, number: int, promised: bytes
) -> None:
    """A commitment signed by a dealer's key that comes to the chain by another way than an act."""
    app, tender = auctions.world.app, int(auctions.tender(code)["chain_id"], 16)
    domain = app.gateway(CODE).call("Tender", "eip712Domain")
    digest = typed_data.Domain(domain[3], domain[4]).digest(
        typed_data.COMMITMENT.hash(tender, number, promised, bytes(32))
    )
    signature = app.keys.sign(CODE, auctions.world.accounts[f"{dealer}.own"], digest)
    source = Provenance(CODE, dealer, "bidder", "officer", "test", AUCTION_DAY)
    with app.store.work(source) as uow:
        args = [tender, number, promised, bytes(32), signature]
        uow.orders.request("elsewhere", CODE, "Tender", "commit", args, gas=400_000)
        uow.commit()
    app.pump()
