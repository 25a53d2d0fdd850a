"""A published result computed again from the opened bids alone, and forgeries of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from amanat.auctions.allotment import Status, allot
from amanat.auctions.book import Commitment, Delivery, Fate, VoidReason, open_book
from amanat.auctions.forms import write_form
from amanat.auctions.model import Award, CompetitiveBid, NoAward, Pricing, TenderTerms
from amanat.auctions.recompute import (
    BidsNotOfBook,
    CommitmentsDiffer,
    Published,
    ResultDiffers,
    Tally,
    commitments_head,
    decide,
    published_record,
    read_published,
    recompute,
    result_leaves,
    tally,
    verify,
)
from amanat.auctions.records import (
    RecordUnreadable,
    decision_record,
    read_decision,
    read_terms,
    terms_record,
)
from amanat.auctions.sealing import ShareWrong, commitment, new_salt, new_share, seal
from amanat.core.canonical import canonical_bytes
from amanat.core.proofs import MerkleTree, leaf_hash, verify_inclusion

MILLION = 1_000_000
AWARD = Award(cut_off=Decimal("94.9435"), amount=10_000 * MILLION)


@pytest.fixture
def published(
    terms: TenderTerms, published_pib_bids: list[CompetitiveBid], pib: Pricing
) -> Published:
    """The PIB auction of 14 bids, one withheld bid besides, decided and published."""
    ministry, central_bank = new_share("ministry"), new_share("central_bank")
    commitments, deliveries = [], []
    for bid in published_pib_bids:
        form = write_form(terms.tender, bid.number, [bid])
        sealed = seal(
            form,
            tender=terms.tender,
            number=bid.number,
            inner=ministry.key,
            outer=central_bank.key,
        )
        salt = new_salt()
        digest = commitment(terms.tender, bid.number, sealed, salt)
        commitments.append(Commitment(bid.number, bid.sequence, digest))
        deliveries.append(Delivery(bid.sequence, sealed, salt))
    commitments.append(Commitment(15, 15, bytes(32)))
    keys, shares = (ministry.key, central_bank.key), (ministry, central_bank)
    book = open_book(terms.tender, keys, shares, commitments, deliveries)
    root = decide(book, terms, AWARD, pib).root
    head = commitments_head(commitments)
    return Published(terms, AWARD, keys, shares, tuple(commitments), tuple(deliveries), head, root)


def test_anyone_recomputes_the_result_and_its_root(
    published: Published, published_pib_bids: list[CompetitiveBid], pib: Pricing
) -> None:
    again = verify(published, pib)
    assert again.root == published.root
    assert again.result == allot(published.terms, published_pib_bids, AWARD, pib)
    assert len(again.book.outcomes) == len(published.commitments)
    assert again.book.outcomes[-1].reason is VoidReason.WITHHELD


def test_recomputing_twice_gives_the_same(published: Published, pib: Pricing) -> None:
    shuffled = replace(
        published,
        commitments=published.commitments[::-1],
        deliveries=published.deliveries[::-1],
    )
    assert recompute(published, pib).root == recompute(shuffled, pib).root == published.root


def test_a_bidder_proves_its_own_line(published: Published, pib: Pricing) -> None:
    again = recompute(published, pib)
    leaves = result_leaves(again.book, again.result)
    line = json.loads(leaves[13])
    assert line["fate"] == Fate.OPENED.value
    assert line["bids"][0]["nominal"] == str(699 * MILLION)
    proof = again.tree.inclusion_proof(13)
    verify_inclusion(leaf_hash(leaves[13]), 13, len(leaves), proof, published.root)


def test_a_withheld_commitment_is_a_leaf_too(published: Published, pib: Pricing) -> None:
    again = recompute(published, pib)
    leaf = json.loads(result_leaves(again.book, again.result)[15])
    assert (leaf["fate"], leaf["reason"], leaf["bids"]) == ("void", "withheld", [])


def forgeries(published: Published) -> dict[str, Published]:
    """What a dishonest publisher might change while the root on the chain stays."""
    delivery = published.deliveries[0]
    altered = replace(delivery, sealed=delivery.sealed[:-1] + b"\x00")
    return {
        "another decision": replace(published, decision=NoAward()),
        "another amount": replace(published, decision=replace(AWARD, amount=10_100 * MILLION)),
        "another target": replace(
            published, terms=replace(published.terms, target=10_000 * MILLION)
        ),
        "a bid left out": replace(published, deliveries=published.deliveries[1:]),
        "a commitment left out": replace(published, commitments=published.commitments[:-1]),
        "an altered bid": replace(published, deliveries=(altered, *published.deliveries[1:])),
        "a bid called late": replace(
            published,
            commitments=(replace(published.commitments[0], late=True), *published.commitments[1:]),
        ),
        "a bid called withdrawn": replace(
            published,
            commitments=(
                replace(published.commitments[0], withdrawn=True),
                *published.commitments[1:],
            ),
        ),
    }


@pytest.mark.parametrize(
    "change",
    [
        "another decision",
        "another amount",
        "another target",
        "a bid left out",
        "a commitment left out",
        "an altered bid",
        "a bid called late",
        "a bid called withdrawn",
    ],
)
def test_a_changed_publication_no_longer_gives_the_root(
    published: Published, pib: Pricing, change: str
) -> None:
    forged = forgeries(published)[change]
    left_out = change == "a commitment left out"
    with pytest.raises(CommitmentsDiffer if left_out else ResultDiffers):
        verify(forged, pib)


def with_own_root(forged: Published, pricing: Pricing) -> Published:
    """A forgery with the decision and root that are right for it: what colluders would sign."""
    lower = replace(forged, decision=Award(cut_off=Decimal("94.9435")))
    return replace(lower, root=recompute(lower, pricing).root)


def test_no_commitment_is_left_out_moved_or_made_up(published: Published, pib: Pricing) -> None:
    """Even with a root to match: the head was fixed by the close, before any bid was open."""
    first, second, *rest = published.commitments
    forgeries = [
        (second, *rest),
        (first, second, *rest[:-1]),
        (replace(first, sequence=second.sequence), replace(second, sequence=first.sequence), *rest),
        (replace(first, digest=bytes(32)), second, *rest),
        (replace(first, number=77), second, *rest),
        (replace(first, letter=True), second, *rest),
        (*published.commitments, Commitment(16, 16, bytes(32))),
    ]
    known = {one.sequence for one in published.commitments}
    for commitments in forgeries:
        left = {one.sequence for one in commitments} & known
        deliveries = tuple(one for one in published.deliveries if one.sequence in left)
        forged = replace(published, commitments=commitments, deliveries=deliveries)
        with pytest.raises(CommitmentsDiffer):
            verify(with_own_root(forged, pib), pib)


def test_the_head_is_that_of_the_contract_in_other_words() -> None:
    """Two links by hand, as the contract's own tests do: 128 bytes each."""
    one, two = b"\x11" * 32, b"\x22" * 32
    head = hashlib.sha256(bytes(32) + bytes(31) + b"\x0b" + one + bytes(32)).digest()
    head = hashlib.sha256(head + bytes(31) + b"\x0c" + two + bytes(31) + b"\x01").digest()
    given = [Commitment(12, 1, two, letter=True), Commitment(11, 0, one)]
    assert commitments_head(given) == head
    assert commitments_head([]) == bytes(32)


def test_the_tally_accounts_for_every_commitment(published: Published, pib: Pricing) -> None:
    first, *rest = published.commitments
    maximum = replace(published.terms, bid_maximum=1_999 * MILLION)
    changed = replace(
        published,
        terms=maximum,
        commitments=(replace(first, withdrawn=True), *rest),
        decision=Award(cut_off=Decimal("94.9854")),
    )
    found = tally(recompute(changed, pib))
    # Bids 2, 9 and 13 (2,000 million) break the maximum and 15 is withheld; 3 to 8 are at
    # 94.9876 or better; 10, 11, 12 and 14 miss the cut-off.
    assert found == Tally(accepted=6, unsuccessful=4, void=4, withdrawn=1, allotted=3_350 * MILLION)
    assert found.accepted + found.unsuccessful + found.void == 15 - found.withdrawn


def test_another_share_is_refused(published: Published, pib: Pricing) -> None:
    forged = replace(published, shares=(new_share("ministry"), published.shares[1]))
    with pytest.raises(ShareWrong):
        verify(forged, pib)


def test_a_result_joined_with_another_book_is_refused(published: Published, pib: Pricing) -> None:
    again = recompute(published, pib)
    smaller = replace(again.book, bids=again.book.bids[1:])
    with pytest.raises(BidsNotOfBook):
        result_leaves(smaller, again.result)


def test_the_publication_is_one_canonical_file(published: Published, pib: Pricing) -> None:
    written = canonical_bytes(published_record(published))
    assert read_published(json.loads(written)) == published
    assert verify(read_published(json.loads(written)), pib).root == published.root


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.pop("root"),
        lambda record: record.pop("head"),
        lambda record: record.update(head=record["head"].upper()),
        lambda record: record.update(root="zz"),
        lambda record: record.update(root=record["root"].upper()),
        lambda record: record.update(note="x"),
        lambda record: record["terms"].update(target=1),
        lambda record: record["terms"].update(target="01"),
        lambda record: record["terms"].update(method="auction"),
        lambda record: record["terms"]["margin"].pop("residue"),
        lambda record: record["terms"]["rounding"].update(mode="sideways"),
        lambda record: record["decision"].update(cut_off="94.94350"),
        lambda record: record["decision"].update(award="yes"),
        lambda record: record["keys"].pop(),
        lambda record: record["shares"].append(record["shares"][0]),
        lambda record: record["commitments"][0].update(number="1"),
        lambda record: record["commitments"][0].update(late=1),
        lambda record: record["commitments"][0].update(late=0),
        lambda record: record["commitments"][0].update(number=True),
        lambda record: record["commitments"].append(7),
        lambda record: record["deliveries"][0].update(sequence=1),
    ],
)
def test_a_publication_with_another_reading_is_refused(
    published: Published, change: Callable[[dict[str, Any]], None]
) -> None:
    record = json.loads(canonical_bytes(published_record(published)))
    change(record)
    with pytest.raises(RecordUnreadable):
        read_published(record)


def test_terms_and_decisions_come_back(bills: Callable[[int], Any], terms: TenderTerms) -> None:
    for one in (terms, bills(84).terms, replace(terms, bidder_fraction_max=Decimal("0.35"))):
        assert read_terms(json.loads(canonical_bytes(terms_record(one)))) == one
    for decision in (AWARD, Award(amount=5_000), Award(cut_off=Decimal("9.34")), NoAward()):
        assert read_decision(decision_record(decision)) == decision


def test_every_bid_of_the_bill_auction_is_in_the_leaves(bills: Callable[[int], Any]) -> None:
    auction = bills(84)
    ministry, central_bank = new_share("ministry"), new_share("central_bank")
    commitments, deliveries = [], []
    bids = [*auction.competitive, *auction.non_competitive]
    for bid in bids:
        # As letters, entered by hand in an outage: the same book without encryption.
        form, salt = write_form(auction.terms.tender, bid.number, [bid]), new_salt()
        digest = commitment(auction.terms.tender, bid.number, form, salt)
        commitments.append(Commitment(bid.number, bid.sequence, digest, letter=True))
        deliveries.append(Delivery(bid.sequence, form, salt))
    book = open_book(
        auction.terms.tender,
        (ministry.key, central_bank.key),
        (ministry, central_bank),
        commitments,
        deliveries,
    )
    decided = decide(book, auction.terms, Award(cut_off=auction.cut_off_price), auction.pricing)
    leaves = [json.loads(leaf) for leaf in result_leaves(book, decided.result)]
    assert decided.tree.size == len(bids) + 1
    assert tally(decided).letters == len(bids)
    rows = [row for leaf in leaves[1:] for row in leaf["bids"]]
    assert len(rows) == len(bids)
    accepted = [row for row in rows if row["status"] == Status.ACCEPTED.value]
    assert sum(int(row["nominal"]) for row in accepted if row["competitive"]) == 115_197 * MILLION
    assert decided.root == MerkleTree.of(result_leaves(book, decided.result)).root
