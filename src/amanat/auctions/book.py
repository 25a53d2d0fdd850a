"""Opening the book: every commitment of a tender comes to one outcome, none is left out.

After the close the chain's commitments are fixed.  Each that was neither withdrawn nor replaced
counts: it is opened with both institutions' shares, or void for a reason that anyone checks again
from what is published:

- `late`: recorded after the close or past the announced time, by the chain's own record;
- `withheld`: nothing was delivered for it; refuted by any delivery that opens it (`opens`);
- `altered`: what was delivered does not give the recorded hash; refuted in the same way;
- `unreadable`: the delivered bid does not open with the shares for this tender and number;
- `malformed`: it opens to something that is no form of this tender and number;
- `wrong_window`: a form sent in one window holds bids of the other.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import ClassVar

from amanat.auctions.forms import FormUnreadable, read_form
from amanat.auctions.model import Bid, CompetitiveBid
from amanat.auctions.sealing import (
    CommitmentInvalid,
    SealBroken,
    Share,
    TenderKey,
    check_share,
    commitment,
    unseal,
)
from amanat.core.errors import Invalid


class Window(StrEnum):
    """Which bids a commitment may hold: those with a price, those without, or both."""

    COMPETITIVE = "competitive"
    NON_COMPETITIVE = "non_competitive"
    BOTH = "both"


class Fate(StrEnum):
    """What became of a commitment.

    A withdrawn one is `superseded` where a later one of its number and window took its place.
    """

    OPENED = "opened"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    VOID = "void"


class VoidReason(StrEnum):
    """Why a commitment is void; the module's docstring says how each is checked."""

    LATE = "late"
    WITHHELD = "withheld"
    ALTERED = "altered"
    UNREADABLE = "unreadable"
    MALFORMED = "malformed"
    WRONG_WINDOW = "wrong_window"


@dataclass(frozen=True, slots=True)
class Commitment:
    """One commitment as the chain recorded it.

    `number` is the bidder's number in this tender, `sequence` the order of recording (unique),
    `digest` the 32 bytes recorded.  `letter`: entered by hand from a sealed letter, so its form is
    not encrypted.  `late` and `withdrawn` are facts of the chain, which withdraws what a revision
    replaces.
    """

    number: int
    sequence: int
    digest: bytes
    window: Window = Window.BOTH
    letter: bool = False
    late: bool = False
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """A sealed bid (of a letter: its form) with its salt, said to be that of one commitment."""

    sequence: int
    sealed: bytes
    salt: bytes

    @property
    def digest(self) -> bytes:
        """SHA-256 of the sealed bid."""
        return hashlib.sha256(self.sealed).digest()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one commitment, and the digest of the delivery that shows it, if any."""

    commitment: Commitment
    fate: Fate
    reason: VoidReason | None = None
    evidence: bytes | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """All commitments with their outcomes, by sequence, and the bids of those that opened."""

    tender: bytes
    outcomes: tuple[Outcome, ...]
    bids: tuple[Bid, ...]


class SequenceTwice(Invalid):
    """Two commitments claim one place in the chain's order."""

    template: ClassVar[str] = "Two commitments bear the sequence {sequence}."


class DeliveryStray(Invalid):
    """A delivery names a commitment that the chain does not have."""

    template: ClassVar[str] = "A delivery is for sequence {sequence}, which is not recorded."


class CommitmentNumberInvalid(Invalid):
    """A recorded bidder number is outside 1 to 2**32 - 1."""

    template: ClassVar[str] = "Commitment {sequence} bears the bidder number {number}."


class NoLetter(Invalid):
    """What is sealed to both institutions opens with both keys alone."""

    template: ClassVar[str] = "Commitment {sequence} is no letter: it opens with both keys alone."


def open_book(
    tender: bytes,
    keys: tuple[TenderKey, TenderKey],
    shares: tuple[Share, Share],
    commitments: Sequence[Commitment],
    deliveries: Sequence[Delivery],
) -> Book:
    """Open every commitment that counts; `keys` and `shares` are (inner, outer).

    Several deliveries may be offered for one commitment: one that gives the recorded hash counts,
    so that nobody can void a bid by delivering rubbish in its name.  The order of the arguments'
    entries has no effect.

    Raises `ShareWrong`, `KeyInvalid`, `SequenceTwice`, `CommitmentNumberInvalid`,
    `DeliveryStray`: faults of the record itself, never of one bid.
    """
    for share, key in zip(shares, keys, strict=True):
        check_share(share, key)
    return _open(tender, shares, commitments, deliveries)


def open_letters(
    tender: bytes, commitments: Sequence[Commitment], deliveries: Sequence[Delivery]
) -> Book:
    """As `open_book` of letters alone, which no key seals: their envelopes are opened by hand.

    Raises `NoLetter`, and as `open_book`.
    """
    for one in commitments:
        if not one.letter:
            raise NoLetter(sequence=one.sequence)
    return _open(tender, None, commitments, deliveries)


def _open(
    tender: bytes,
    shares: tuple[Share, Share] | None,
    commitments: Sequence[Commitment],
    deliveries: Sequence[Delivery],
) -> Book:
    ordered = sorted(commitments, key=lambda one: one.sequence)
    for earlier, later in pairwise(ordered):
        if earlier.sequence == later.sequence:
            raise SequenceTwice(sequence=later.sequence)
    for one in ordered:
        if not 0 < one.number < 2**32:
            raise CommitmentNumberInvalid(sequence=one.sequence, number=one.number)
    offered: dict[int, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        offered[delivery.sequence].append(delivery)
    if stray := sorted(set(offered) - {one.sequence for one in ordered}):
        raise DeliveryStray(sequence=stray[0])
    last = {(one.number, one.window): one.sequence for one in ordered if not one.late}
    outcomes: list[Outcome] = []
    bids: list[Bid] = []
    for one in ordered:
        if one.withdrawn:
            followed = one.sequence < last.get((one.number, one.window), 0)
            outcomes.append(Outcome(one, Fate.SUPERSEDED if followed else Fate.WITHDRAWN))
        elif one.late:
            outcomes.append(Outcome(one, Fate.VOID, VoidReason.LATE))
        else:
            outcome, opened = open_one(tender, shares, one, offered[one.sequence])
            outcomes.append(outcome)
            bids.extend(opened)
    return Book(tender, tuple(outcomes), tuple(bids))


def open_one(
    tender: bytes,
    shares: tuple[Share, Share] | None,
    one: Commitment,
    offered: Sequence[Delivery],
) -> tuple[Outcome, tuple[Bid, ...]]:
    """The outcome of one commitment that counts, from what was delivered for it.

    Without shares letters alone open; raises `NoLetter` for another.
    """
    matching = [delivery for delivery in offered if opens(tender, one, delivery)]
    if not offered:
        return Outcome(one, Fate.VOID, VoidReason.WITHHELD), ()
    if not matching:
        evidence = min(delivery.digest for delivery in offered)
        return Outcome(one, Fate.VOID, VoidReason.ALTERED, evidence), ()
    # Equal hashes mean equal contents, so any of the matching ones will do.
    delivery = matching[0]
    form = delivery.sealed
    if not one.letter:
        if shares is None:
            raise NoLetter(sequence=one.sequence)
        inner, outer = shares
        try:
            form = unseal(form, tender=tender, number=one.number, inner=inner, outer=outer)
        except SealBroken:
            return Outcome(one, Fate.VOID, VoidReason.UNREADABLE, delivery.digest), ()
    try:
        bids = read_form(form, tender, one.number, one.sequence)
    except FormUnreadable:
        return Outcome(one, Fate.VOID, VoidReason.MALFORMED, delivery.digest), ()
    if not all(_in_window(one.window, bid) for bid in bids):
        return Outcome(one, Fate.VOID, VoidReason.WRONG_WINDOW, delivery.digest), ()
    return Outcome(one, Fate.OPENED, evidence=delivery.digest), bids


def opens(tender: bytes, one: Commitment, delivery: Delivery) -> bool:
    """Whether a delivery gives the hash that the chain recorded.

    A bidder whose commitment a result calls withheld or altered refutes it with its own receipt
    and a delivery for which this holds.
    """
    try:
        return commitment(tender, one.number, delivery.sealed, delivery.salt) == one.digest
    except CommitmentInvalid:
        return False


def _in_window(window: Window, bid: Bid) -> bool:
    if window is Window.BOTH:
        return True
    return isinstance(bid, CompetitiveBid) is (window is Window.COMPETITIVE)
