"""A tender from its target to its allotments, on a real node and both databases."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from tests.programme.world import CODE, found_world

from amanat.app import Application
from amanat.auctions.acts_book import pricing_on
from amanat.auctions.acts_rules import NotYetDefaulted
from amanat.auctions.book import Window
from amanat.auctions.commands import AwardTender, FixCutOff, NameInvestor, RecordDefault
from amanat.auctions.recompute import read_published, verify
from amanat.auctions.sealing import SEALED_BYTES, commitment
from amanat.auctions.showing import shown_of, stored
from amanat.core.messages import Face
from amanat.instruments.model import terms_from
from amanat.programme.commands import MoveDay
from amanat.settings import Settings
from amanat.store.journal import Audience, read_entries

from .acts_world import LAST_DAY, MILLION, SETTLEMENT_DAY, TERMS, Auctions, bid


@pytest.fixture
def auctions(tmp_path: Path, database_url: str) -> Iterator[Auctions]:
    """A founded programme with dealers and a bond, on each database in turn."""
    settings = Settings.at(tmp_path / "installation", light_keys=True)
    with Application(replace(settings, database_url=database_url)) as app:
        yield Auctions(found_world(app)).prepare()


def check_root_from_what_is_published(auctions: Auctions, code: str) -> None:
    """Anyone computes the root that the chain holds from what is published."""
    world, shown = auctions.world, auctions.tender(code, None)
    published = read_published(world.view("tender_result", tender=code))
    pricing = pricing_on(terms_from(TERMS), SETTLEMENT_DAY)
    again = verify(published, pricing)
    assert again.root.hex() == shown["result_root"]
    # What is looked at was stored when it was verified, and is what anyone computes.
    expected = shown_of(again, "PKR")
    assert {name: shown[name] for name in expected} == json.loads(stored(expected))
    on_chain = world.app.gateway(CODE).call("Tender", "tender", int(shown["chain_id"], 16))
    head, root = on_chain[7], on_chain[10]
    assert (head, root) == ("0x" + published.head.hex(), "0x" + shown["result_root"])


def check_sheets_are_shown_by_their_digests(auctions: Auctions, code: str) -> None:
    """A ciphertext is 33,000 digits: its digest and size are shown, and itself when asked for."""
    shown = auctions.mine(code, "bank_a")["bids"]
    whole = auctions.mine(code, "bank_a", full=True)["bids"]
    assert [one for one in shown if "sealed" in one] == []
    for brief, one in zip(shown, whole, strict=True):
        sealed = bytes.fromhex(one["sealed"])
        assert brief["sealed_bytes"] == len(sealed) == SEALED_BYTES
        assert brief["sealed_digest"] == hashlib.sha256(sealed).hexdigest()
        assert (
            brief["commitment"]
            == commitment(
                bytes.fromhex(auctions.tender(code)["chain_id"]),
                one["number"],
                sealed,
                bytes.fromhex(one["salt"]),
            ).hex()
        )


def check_public_entries(auctions: Auctions, code: str) -> None:
    """The public log tells of the tender's acts, and of no bidder."""
    world = auctions.world
    with world.app.store.reading() as connection:
        public = read_entries(connection, log=Audience.PUBLIC, subject=f"tender:{code}")
    kinds = [entry["kind"] for entry in public]
    for kind in ("TargetSet", "TenderAnnounced", "TenderClosed", "BidsOpened", "ResultPublished"):
        assert kind in kinds
    assert "BidSubmitted" not in kinds
    # Amounts have their unit, in terms and figures as well.
    content = {entry["kind"]: entry["content"] for entry in public}
    assert content["TenderAnnounced"]["terms"]["bid_minimum"].endswith(" PKR face")
    figures = content["ResultPublished"]["figures"]
    assert figures["awarded"] == "1000000000 PKR face"
    assert Decimal(figures["average_price"]) == Decimal("95.36")  # a price is no amount
    assert content["ResultPublished"]["decision"]["amount"] == "1000000000 PKR face"
    assert "WinnerDefaulted" in kinds
    assert "bank_b" not in json.dumps([entry["content"] for entry in public])


def check_a_winner_that_does_not_pay(auctions: Auctions, code: str, allotment: str) -> None:
    """It is in default, and not before its last day is over."""
    world = auctions.world
    default = RecordDefault(allotment=allotment, reason="no cash by the last day")
    with pytest.raises(NotYetDefaulted):
        world.do("central_bank", default)
    for day in (LAST_DAY, date(2021, 3, 9)):
        world.do("ministry", MoveDay(business_date=day))
    world.do("central_bank", default)
    after = world.view("allotments", "bank_b_officer", tender=code)
    assert [row["state"] for row in after] == ["defaulted", "awaiting_settlement"]
    assert after[0]["unpaid"] == "cancel"


def test_tender_from_target_to_default(auctions: Auctions) -> None:
    world, code = auctions.world, "T1"
    auctions.announce(code)
    shown = auctions.tender(code, None)
    assert shown["state"] == "open"
    assert shown["target"] == "1000000000"

    # Sealed sheets; one is revised, so that the first no longer counts.
    named = auctions.carry_out(
        "bank_b", NameInvestor(tender=code, account=world.accounts["bank_b.client"]), pump=False
    )
    first = auctions.submit(code, "bank_a", [bid(1, 700, "95.5000")], pump=False)
    auctions.submit(code, "bank_b", [bid(1, 600, "95.2000"), bid(2, 100, "94.0000")], pump=False)
    retail = auctions.non_competitive(named["investor"], 5, 50)
    auctions.submit(code, "bank_b", [retail], window=Window.NON_COMPETITIVE)
    auctions.revise(code, "bank_a", first["bid"], [bid(1, 800, "95.4000")])
    states = [one["state"] for one in auctions.mine(code, "bank_a")["bids"]]
    assert states == ["replaced", "recorded"]
    check_sheets_are_shown_by_their_digests(auctions, code)
    # Nobody sees how much was bid: not the public, not another dealer, not the auditor.
    assert "commitments" not in auctions.tender(code, "bank_a_officer")
    assert "sheet" not in auctions.tender(code)

    opened = auctions.open(code)
    assert (opened["opened"], opened["superseded"], opened["void"]) == ("3", "1", "0")
    curve = auctions.tender(code)["demand_curve"]
    assert [point["cumulative"] for point in curve] == [
        800 * MILLION,
        1_400 * MILLION,
        1_500 * MILLION,
    ]

    cut_off, award = FixCutOff(tender=code, amount=1_000 * MILLION), AwardTender(tender=code)
    foreseen = world.app.desk.foresee(world.actor("ministry_officer"), cut_off)
    world.do("ministry", cut_off)
    assert world.app.desk.foresee(world.actor("central_bank_officer"), award) == foreseen
    world.do("central_bank", award)
    shown = auctions.tender(code, None)
    assert shown["state"] == "awarded"
    assert Decimal(shown["sheet"]["cut_off_price"]) == Decimal("95.2000")
    # The margin of 200 million goes to the one bid there; by hand: 800 x 95.40 + 200 x 95.20.
    assert shown["sheet"]["competitive"]["realised_value"] == "953.600"
    assert shown["tally"] == {
        "accepted": 3,
        "unsuccessful": 0,
        "void": 0,
        "withdrawn": 1,
        "allotted": 1_050 * MILLION,
        "letters": 0,
    }
    # What was announced before it was decided is what came of it.
    accepted, nominal = foreseen
    # Of 800, 600, 100 and a non-competitive 50 million the third gets nothing.
    assert accepted.fields == {"count": 3, "bids": 4}
    assert nominal.fields["nominal"] == Face(shown["tally"]["allotted"])
    check_root_from_what_is_published(auctions, code)

    rows = world.view("allotments", "bank_b_officer", tender=code)
    assert [(row["line"], row["nominal"]) for row in rows] == [
        (1, str(200 * MILLION)),
        (5, str(50 * MILLION)),
    ]
    assert rows[1]["account"] == world.accounts["bank_b.client"]
    assert {row["state"] for row in rows} == {"awaiting_settlement"}
    everyone = world.view("allotments", "central_bank_officer", tender=code)
    assert len(everyone) == 3

    check_a_winner_that_does_not_pay(auctions, code, rows[0]["allotment"])
    check_public_entries(auctions, code)
    assert Decimal(shown["sheet"]["average_price"]) == Decimal("95.3600")
