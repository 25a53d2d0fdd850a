"""Opening the book: every commitment has one outcome, and each void its proof."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from amanat.auctions.book import (
    Book,
    Commitment,
    CommitmentNumberInvalid,
    Delivery,
    DeliveryStray,
    Fate,
    SequenceTwice,
    VoidReason,
    Window,
    open_book,
    opens,
)
from amanat.auctions.forms import write_form
from amanat.auctions.model import CompetitiveBid, NonCompetitiveBid
from amanat.auctions.sealing import ShareWrong, commitment, new_salt, new_share, seal

TENDER = bytes(range(32))
MINISTRY, CENTRAL_BANK = new_share("ministry"), new_share("central_bank")
SHARES = (MINISTRY, CENTRAL_BANK)
KEYS = (MINISTRY.key, CENTRAL_BANK.key)


def competitive_form(number: int, price: str = "95.6713") -> bytes:
    return write_form(TENDER, number, [CompetitiveBid(number, 1, 1_000_000, Decimal(price))])


def sent(
    number: int,
    sequence: int,
    form: bytes | None = None,
    window: Window = Window.BOTH,
) -> tuple[Commitment, Delivery]:
    """An honest bidder's commitment and delivery."""
    form = competitive_form(number) if form is None else form
    sealed = seal(form, tender=TENDER, number=number, inner=KEYS[0], outer=KEYS[1])
    salt = new_salt()
    digest = commitment(TENDER, number, sealed, salt)
    return Commitment(number, sequence, digest, window), Delivery(sequence, sealed, salt)


def opened(commitments: list[Commitment], deliveries: list[Delivery]) -> Book:
    return open_book(TENDER, KEYS, SHARES, commitments, deliveries)


def fates(book: Book) -> list[tuple[int, Fate, VoidReason | None]]:
    return [(one.commitment.sequence, one.fate, one.reason) for one in book.outcomes]


def test_an_honest_book_opens_whatever_the_order_of_delivery() -> None:
    pairs = [sent(7, 1), sent(8, 2), sent(9, 3)]
    commitments, deliveries = [one for one, _ in pairs], [one for _, one in pairs]
    book = opened(commitments, deliveries)
    assert fates(book) == [(n, Fate.OPENED, None) for n in (1, 2, 3)]
    assert [(bid.number, bid.sequence) for bid in book.bids] == [(7, 1), (8, 2), (9, 3)]
    assert opened(commitments[::-1], deliveries[::-1]) == book


def test_a_revised_bid_supersedes_and_a_withdrawn_one_is_not_opened() -> None:
    first, first_bid = sent(7, 1)
    second, second_bid = sent(7, 2, competitive_form(7, "96"))
    other, other_bid = sent(8, 3)
    replaced, withdrawn = replace(first, withdrawn=True), replace(other, withdrawn=True)
    book = opened([replaced, second, withdrawn], [first_bid, second_bid, other_bid])
    assert fates(book) == [
        (1, Fate.SUPERSEDED, None),
        (2, Fate.OPENED, None),
        (3, Fate.WITHDRAWN, None),
    ]
    assert [bid.price for bid in book.bids if isinstance(bid, CompetitiveBid)] == [Decimal(96)]


def test_two_forms_of_one_bidder_that_the_chain_both_holds_both_count() -> None:
    first, first_bid = sent(7, 1)
    second, second_bid = sent(7, 2, competitive_form(7, "96"))
    book = opened([first, second], [first_bid, second_bid])
    assert fates(book) == [(1, Fate.OPENED, None), (2, Fate.OPENED, None)]
    assert [bid.order for bid in book.bids] == [(1, 7, 1), (2, 7, 1)]


def test_withdrawing_the_revised_bid_does_not_revive_the_first() -> None:
    first, first_bid = sent(7, 1)
    second, second_bid = sent(7, 2)
    gone = [replace(first, withdrawn=True), replace(second, withdrawn=True)]
    book = opened(gone, [first_bid, second_bid])
    assert [fate for _, fate, _ in fates(book)] == [Fate.SUPERSEDED, Fate.WITHDRAWN]
    assert book.bids == ()


def test_late_bid_in_an_extended_day_is_void_and_changes_no_other() -> None:
    first, first_bid = sent(7, 1)
    late, late_bid = sent(7, 2)
    book = opened([first, replace(late, late=True)], [first_bid, late_bid])
    assert fates(book) == [(1, Fate.OPENED, None), (2, Fate.VOID, VoidReason.LATE)]
    assert [bid.sequence for bid in book.bids] == [1]


def test_withheld_bid_is_void_and_its_bidder_can_refute_it() -> None:
    one, delivery = sent(7, 1)
    assert fates(opened([one], [])) == [(1, Fate.VOID, VoidReason.WITHHELD)]
    assert opens(TENDER, one, delivery)
    assert fates(opened([one], [delivery])) == [(1, Fate.OPENED, None)]


def test_altered_bid_is_void_with_the_digest_of_what_was_delivered() -> None:
    one, delivery = sent(7, 1)
    altered = replace(delivery, sealed=delivery.sealed[:-1] + b"\x00")
    book = opened([one], [altered])
    assert fates(book) == [(1, Fate.VOID, VoidReason.ALTERED)]
    assert book.outcomes[0].evidence == altered.digest
    assert not opens(TENDER, one, altered)
    assert not opens(TENDER, one, replace(delivery, salt=new_salt()))
    assert not opens(TENDER, one, replace(delivery, salt=b"short"))


def test_rubbish_delivered_in_a_bidders_name_does_not_void_its_bid() -> None:
    one, delivery = sent(7, 1)
    rubbish = Delivery(1, b"rubbish", new_salt())
    assert opened([one], [rubbish, delivery]) == opened([one], [delivery])


def test_copied_commitment_is_void() -> None:
    victim, delivery = sent(7, 1)
    copied = replace(victim, number=8, sequence=2)
    book = opened([victim, copied], [delivery, replace(delivery, sequence=2)])
    assert fates(book) == [(1, Fate.OPENED, None), (2, Fate.VOID, VoidReason.ALTERED)]


def test_copied_ciphertext_under_an_own_commitment_is_void() -> None:
    victim, delivery = sent(7, 1)
    salt = new_salt()
    copier = Commitment(8, 2, commitment(TENDER, 8, delivery.sealed, salt))
    book = opened([victim, copier], [delivery, Delivery(2, delivery.sealed, salt)])
    assert fates(book) == [(1, Fate.OPENED, None), (2, Fate.VOID, VoidReason.UNREADABLE)]
    assert book.outcomes[1].evidence == delivery.digest


def test_a_bid_sealed_to_other_keys_is_void() -> None:
    stranger = new_share("stranger")
    sealed = seal(
        competitive_form(7), tender=TENDER, number=7, inner=stranger.key, outer=CENTRAL_BANK.key
    )
    salt = new_salt()
    one = Commitment(7, 1, commitment(TENDER, 7, sealed, salt))
    book = opened([one], [Delivery(1, sealed, salt)])
    assert fates(book) == [(1, Fate.VOID, VoidReason.UNREADABLE)]


def test_a_form_that_is_none_is_void() -> None:
    for form in (b"", b"rubbish", competitive_form(8)):
        one, delivery = sent(7, 1, form)
        assert fates(opened([one], [delivery])) == [(1, Fate.VOID, VoidReason.MALFORMED)]


def test_each_window_takes_its_own_bids() -> None:
    investors = write_form(TENDER, 7, [NonCompetitiveBid(7, 1, 1_000_000, "i-1", "fund")])
    first, first_bid = sent(7, 1, investors, Window.NON_COMPETITIVE)
    second, second_bid = sent(7, 2, competitive_form(7), Window.COMPETITIVE)
    book = opened([first, second], [first_bid, second_bid])
    assert fates(book) == [(1, Fate.OPENED, None), (2, Fate.OPENED, None)]
    assert len(book.bids) == 2
    wrong, wrong_bid = sent(8, 3, competitive_form(8), Window.NON_COMPETITIVE)
    assert fates(opened([wrong], [wrong_bid])) == [(3, Fate.VOID, VoidReason.WRONG_WINDOW)]
    wrong, wrong_bid = sent(7, 3, investors, Window.COMPETITIVE)
    assert fates(opened([wrong], [wrong_bid])) == [(3, Fate.VOID, VoidReason.WRONG_WINDOW)]


def test_a_letter_is_read_as_it_was_entered_and_only_if_the_chain_says_letter() -> None:
    form, salt = competitive_form(7), new_salt()
    one = Commitment(7, 1, commitment(TENDER, 7, form, salt), letter=True)
    book = opened([one], [Delivery(1, form, salt)])
    assert fates(book) == [(1, Fate.OPENED, None)]
    assert len(book.bids) == 1
    pretended = opened([replace(one, letter=False)], [Delivery(1, form, salt)])
    assert fates(pretended) == [(1, Fate.VOID, VoidReason.UNREADABLE)]


def test_wrong_shares_open_no_book() -> None:
    one, delivery = sent(7, 1)
    for shares in ((CENTRAL_BANK, MINISTRY), (MINISTRY, MINISTRY), (new_share("x"), CENTRAL_BANK)):
        with pytest.raises(ShareWrong):
            open_book(TENDER, KEYS, shares, [one], [delivery])


def test_a_broken_record_is_refused_whole() -> None:
    one, delivery = sent(7, 1)
    with pytest.raises(SequenceTwice):
        opened([one, replace(one, number=8)], [])
    with pytest.raises(DeliveryStray):
        opened([one], [delivery, replace(delivery, sequence=2)])
    with pytest.raises(CommitmentNumberInvalid):
        opened([replace(one, number=0)], [])
