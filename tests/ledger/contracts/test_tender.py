"""Tenders: announced, changed, committed to, closed, and answered for."""

from __future__ import annotations

from typing import Any

from eth_hash.auto import keccak

from amanat.auctions.book import Commitment
from amanat.auctions.recompute import commitments_head
from amanat.ledger import typed_data as td
from amanat.ledger.refusals import decode

Auction = Any
SEALED = [keccak(b"bid %d" % i) for i in range(5)]
NONE = bytes(32)


def test_from_announcement_to_result(world: Any, auction: Auction) -> None:
    world.chain.wait(10)
    assert world.tender.ask("can_commit", 1, 11) == b""
    for bidder, sealed in ((11, SEALED[0]), (12, SEALED[1]), (11, SEALED[2])):
        outcome = auction.commit(bidder, sealed)
        [recorded] = world.tender.events(outcome, "CommitmentRecorded")
        assert recorded["commitment"] == sealed
    world.chain.wait(3_600)
    auction.close()
    outcome = auction.result(1, 1, 1)
    assert world.tender.events(outcome, "ResultPublished")[0]["root"] == keccak(b"root")


def test_head_chains_the_commitments(world: Any, auction: Auction) -> None:
    """As `amanat.auctions.recompute` finds it from the published record, letters included."""
    world.chain.wait(10)
    auction.commit(11, SEALED[0])
    auction.letter(12, SEALED[1])
    auction.commit(11, SEALED[2], replaces=SEALED[0])
    recorded = [
        Commitment(11, 0, SEALED[0], withdrawn=True),
        Commitment(12, 1, SEALED[1], letter=True),
        Commitment(11, 2, SEALED[2]),
    ]
    assert world.tender.ask("tender", 1)[7] == commitments_head(recorded)


def test_revision_and_withdrawal_until_the_close(
    world: Any, auction: Auction, refuses: Any
) -> None:
    world.chain.wait(10)
    auction.commit(11, SEALED[0])
    auction.commit(11, SEALED[1], replaces=SEALED[0])
    with refuses("CommitmentUnknown"):
        auction.commit(11, SEALED[2], replaces=SEALED[0])
    with refuses("CommitmentExists"):
        auction.commit(11, SEALED[0])
    values = (1, 11, SEALED[1])
    [own] = world.sign(world.tender, td.BID_WITHDRAWAL, values, auction.keys[11])
    world.tender.call("withdraw_commitment", *values, own)
    state = world.tender.ask("tender", 1)
    assert (state[5], state[6]) == (2, 2)
    world.chain.wait(3_600)
    with refuses("BiddingOver"):
        world.tender.call("withdraw_commitment", *values, own)
    auction.close()
    auction.result(0, 0, 0)


def test_letter(world: Any, auction: Auction, refuses: Any) -> None:
    world.chain.wait(10)
    for who in ((1,), (2,), (2, 3)):
        with refuses("SignersMissing"):
            auction.letter(11, SEALED[0], *who)
    outcome = auction.letter(11, SEALED[0])
    assert world.tender.events(outcome, "CommitmentRecorded")[0]["by_letter"]
    with refuses("ActSpent"):
        auction.letter(11, SEALED[0])
    with refuses("BidderUnknown"):
        auction.letter(99, SEALED[1])


def test_letter_after_the_time_and_before_the_close(
    world: Any, auction: Auction, refuses: Any
) -> None:
    """docs/decisions/0007: both institutions, before any share, counted apart in the result."""
    with refuses("TenderNotOpen"):
        auction.letter(12, SEALED[1])
    world.chain.wait(10)
    auction.commit(11, SEALED[0])
    world.chain.wait(3_600)
    with refuses("BiddingOver"):
        auction.commit(12, SEALED[1])
    with refuses("SignersMissing"):
        auction.letter(12, SEALED[1], 2)
    auction.letter(12, SEALED[1])
    with refuses("TenderNotClosed"):
        auction.release(1)
    [closed] = world.tender.events(auction.close(), "TenderClosed")
    assert (closed["commitments"], closed["letters"]) == (2, 1)
    with refuses("TenderAlreadyClosed"):
        auction.letter(12, SEALED[2])
    auction.release(1)
    with refuses("CommitmentsUnaccounted", recorded=2, accounted=1):
        auction.result(1, 0, 0)
    [published] = world.tender.events(auction.result(1, 1, 0), "ResultPublished")
    assert published["letters"] == 1


def test_a_letter_takes_no_bid_back(world: Any, auction: Auction) -> None:
    """Two institutions cannot make a bidder's own bid disappear: it has no such field."""
    world.chain.wait(3_610)
    assert "replaces" not in dict(td.COMMITMENT_LETTER.fields)
    auction.letter(11, SEALED[1])
    state = world.tender.ask("tender", 1)
    assert (state[5], state[6]) == (1, 0)


def test_times(world: Any, auction: Auction, refuses: Any) -> None:
    opens, due = auction.opens, auction.due
    with refuses("TenderTimesInvalid"):
        auction.times("extend", opens, due)
    with refuses("TenderTimesInvalid"):
        auction.times("extend", opens + 1, due + 60)
    with refuses("SignersMissing"):
        auction.times("extend", opens, due + 60, 2, 3)
    auction.times("extend", opens, due + 60)
    auction.times("postpone", opens + 100, due + 100)
    with refuses("TenderTimesInvalid"):
        auction.times("postpone", due, due)
    with refuses("TenderNotOpen"):
        auction.commit(11, SEALED[0])
    world.chain.wait(110)
    with refuses("TenderTimesInvalid"):
        auction.times("postpone", opens + 200, due + 200)
    auction.commit(11, SEALED[0])


def test_target_and_cancellation(world: Any, auction: Auction, refuses: Any) -> None:
    auction.act("amend_target", td.TENDER_TARGET, (world.number(), 1, 1, 600_000), 1, 2)
    assert world.tender.ask("tender", 1)[1] == 600_000
    seals = world.seal(world.tender, td.TENDER_CANCELLATION, (1, 1, NONE), 1, 2)
    world.tender.call("cancel", 1, 1, NONE, seals)
    world.chain.wait(10)
    with refuses("TenderCancelled"):
        auction.commit(11, SEALED[0])
    with refuses("TenderUnknown"):
        world.tender.call("cancel", 2, 1, NONE, seals)


def test_roll(world: Any, kit: Any, auction: Auction, refuses: Any) -> None:
    world.chain.wait(10)
    with refuses("BidderUnknown", bidder=13):
        auction.commit(13, SEALED[0], key=11)
    assert decode(world.tender.ask("can_commit", 1, 13)).name == "BidderUnknown"
    with refuses("BidderExists"):
        auction.act("admit_bidders", td.BIDDER_ROLL,
                    (world.number(), 1, 1, [11], [kit.address_of(kit.key_of("x"))]), 2)  # fmt: skip
    with refuses("SignersMissing"):
        auction.act("admit_bidders", td.BIDDER_ROLL,
                    (world.number(), 1, 1, [13], [kit.address_of(kit.key_of("x"))]), 1)  # fmt: skip


def test_closing(world: Any, auction: Auction, refuses: Any) -> None:
    with refuses("BiddingStillOpen", bids_due=auction.due):
        auction.close()
    world.chain.wait(3_610)
    with refuses("SignersMissing"):
        auction.close(1)
    auction.close()
    with refuses("TenderAlreadyClosed"):
        auction.close()
    with refuses("TenderExists"):
        type(auction)(world, auction.kit)


def test_result_once_and_by_both(world: Any, auction: Auction, refuses: Any) -> None:
    world.chain.wait(3_610)
    with refuses("TenderNotClosed"):
        auction.result(0, 0, 0)
    auction.close()
    with refuses("SignersMissing"):
        auction.result(0, 0, 0, who=(2, 3))
    with refuses("ResultEmpty", tender=1):
        auction.result(0, 0, 0, root=NONE)
    auction.result(0, 0, 0)
    seals = world.seal(world.tender, td.TENDER_CANCELLATION, (1, 1, NONE), 1, 2)
    with refuses("ResultExists"):
        world.tender.call("cancel", 1, 1, NONE, seals)


def test_halted(world: Any, auction: Auction, refuses: Any) -> None:
    world.chain.wait(10)
    world.halt(8)
    with refuses("ContractHalted", contract_id=8):
        auction.commit(11, SEALED[0])
