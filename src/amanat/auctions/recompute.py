"""The published result, and how anyone computes it again from the opened bids alone.

The result's root is the RFC 6962 root over canonical leaves: first the head (terms, decision,
figures, number of commitments), then one leaf for each commitment in the chain's order with its
outcome and the allotments of its bids.  So a bidder proves its own line with a few hashes.

That no commitment was left out, made up, moved or taken for a letter follows from the head by which
the chain links all that it recorded, in SHA-256: `commitments_head` computes it again.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from amanat.auctions.allotment import Allotment, AuctionResult, Status, allot
from amanat.auctions.book import Book, Commitment, Delivery, Fate, open_book
from amanat.auctions.model import Decision, Pricing, TenderTerms
from amanat.auctions.records import (
    Record,
    RecordUnreadable,
    allotment_record,
    commitment_record,
    decision_record,
    delivery_record,
    figures_record,
    key_record,
    outcome_record,
    read_commitment,
    read_decision,
    read_delivery,
    read_key,
    read_share,
    read_terms,
    share_record,
    terms_record,
)
from amanat.auctions.sealing import Share, TenderKey
from amanat.core.canonical import NotCanonical, canonical_bytes
from amanat.core.errors import Invalid, Refusal
from amanat.core.messages import Message
from amanat.core.proofs import MerkleTree

SCHEMA = "amanat.auction/1"


@dataclass(frozen=True, slots=True)
class Published:
    """All that is published of an auction; with the security's `Pricing` the result follows.

    `keys` and `shares` are (inner, outer).  `head` (over the commitments, fixed by the close) and
    `root` (of the result) are what the chain holds, 32 bytes each.
    """

    terms: TenderTerms
    decision: Decision
    keys: tuple[TenderKey, TenderKey]
    shares: tuple[Share, Share]
    commitments: tuple[Commitment, ...]
    deliveries: tuple[Delivery, ...]
    head: bytes
    root: bytes


@dataclass(frozen=True, slots=True)
class Recomputed:
    """The book, the result and its tree, as they follow from what is published."""

    book: Book
    result: AuctionResult
    tree: MerkleTree

    @property
    def root(self) -> bytes:
        """The result's root: 32 bytes."""
        return self.tree.root


@dataclass(frozen=True, slots=True)
class Tally:
    """How many commitments came to what, as the chain counts them, and the nominal allotted.

    `accepted + unsuccessful + void` is every commitment that was not withdrawn (or replaced).
    `letters` are those of all that came as sealed letters.
    """

    accepted: int
    unsuccessful: int
    void: int
    withdrawn: int
    allotted: int
    letters: int = 0


class ResultDiffers(Refusal):
    """What follows from the published bids is not the result whose root the chain holds."""

    template: ClassVar[str] = "The result's root is {published}, but the bids give {recomputed}."


class CommitmentsDiffer(Refusal):
    """The published commitments are not those, in their order, that the chain recorded."""

    template: ClassVar[str] = (
        "The chain closed over commitments {published}, but those published give {recomputed}."
    )


class BidsNotOfBook(Invalid):
    """A result was joined with a book of other bids."""

    template: ClassVar[str] = "The result's bids are not those of the book."


def decide(book: Book, terms: TenderTerms, decision: Decision, pricing: Pricing) -> Recomputed:
    """The result of an opened book; raises the refusals of `allot`."""
    result = allot(terms, book.bids, decision, pricing)
    return Recomputed(book, result, MerkleTree.of(result_leaves(book, result)))


def recompute(published: Published, pricing: Pricing) -> Recomputed:
    """Open all bids again and compute the result; raises the refusals of `open_book` and `allot`.

    The root is not compared: see `verify`.
    """
    book = open_book(
        published.terms.tender,
        published.keys,
        published.shares,
        published.commitments,
        published.deliveries,
    )
    return decide(book, published.terms, published.decision, pricing)


def verify(published: Published, pricing: Pricing) -> Recomputed:
    """As `recompute`, and refuse what the chain did not hold.

    Refuses, in order: `CommitmentsDiffer`, what `recompute` refuses, `ResultDiffers`.  That `head`
    and `root` are those of the chain is the caller's to compare.
    """
    head = commitments_head(published.commitments)
    if head != published.head:
        raise CommitmentsDiffer(published=published.head.hex(), recomputed=head.hex())
    again = recompute(published, pricing)
    if again.root != published.root:
        raise ResultDiffers(published=published.root.hex(), recomputed=again.root.hex())
    return again


def commitments_head(commitments: Iterable[Commitment]) -> bytes:
    """The head that links commitments in the chain's order: 32 bytes, zeros when there are none.

    Each link is SHA-256(head before || bidder number || commitment || by letter), 32 bytes each,
    as `Tender.vy` computes it.  The order of the argument has no effect.
    """
    head = bytes(32)
    for one in sorted(commitments, key=lambda each: each.sequence):
        number, letter = one.number.to_bytes(32, "big"), int(one.letter).to_bytes(32, "big")
        head = hashlib.sha256(head + number + one.digest + letter).digest()
    return head


def tally(recomputed: Recomputed) -> Tally:
    """Count the commitments: accepted if any of its bids is, void if it or all its bids are."""
    statuses: dict[int, set[Status]] = defaultdict(set)
    for row in recomputed.result.allotments:
        statuses[row.bid.sequence].add(row.status)
    counts: dict[str, int] = defaultdict(int)
    for outcome in recomputed.book.outcomes:
        found = statuses[outcome.commitment.sequence]
        if outcome.fate in (Fate.WITHDRAWN, Fate.SUPERSEDED):
            counts["withdrawn"] += 1
        elif Status.ACCEPTED in found:
            counts["accepted"] += 1
        elif outcome.fate is Fate.VOID or found == {Status.VOID}:
            counts["void"] += 1
        else:
            counts["unsuccessful"] += 1
    result = recomputed.result
    return Tally(
        accepted=counts["accepted"],
        unsuccessful=counts["unsuccessful"],
        void=counts["void"],
        withdrawn=counts["withdrawn"],
        allotted=result.awarded + result.awarded_non_competitive,
        letters=sum(outcome.commitment.letter for outcome in recomputed.book.outcomes),
    )


def result_leaves(book: Book, result: AuctionResult) -> list[bytes]:
    """The head and one leaf per commitment, as canonical bytes.  Raises `BidsNotOfBook`."""
    rows: dict[int, list[Allotment]] = defaultdict(list)
    for row in result.allotments:
        rows[row.bid.sequence].append(row)
    if sorted(row.bid.order for row in result.allotments) != sorted(bid.order for bid in book.bids):
        raise BidsNotOfBook
    head = {
        "schema": SCHEMA,
        "terms": terms_record(result.terms),
        "decision": decision_record(result.decision),
        "figures": figures_record(result),
        "commitments": len(book.outcomes),
    }
    return [
        canonical_bytes(head),
        *(
            canonical_bytes(
                {
                    **outcome_record(outcome),
                    "bids": [allotment_record(row) for row in rows[outcome.commitment.sequence]],
                }
            )
            for outcome in book.outcomes
        ),
    ]


def published_record(published: Published) -> Record:
    """All that is published as one canonical record."""
    return {
        "schema": SCHEMA,
        "terms": terms_record(published.terms),
        "decision": decision_record(published.decision),
        "keys": [key_record(key) for key in published.keys],
        "shares": [share_record(share) for share in published.shares],
        "commitments": [commitment_record(one) for one in published.commitments],
        "deliveries": [delivery_record(one) for one in published.deliveries],
        "head": published.head.hex(),
        "root": published.root.hex(),
    }


def read_published(record: Mapping[str, Any]) -> Published:
    """The inverse of `published_record`.  Raises `RecordUnreadable`."""
    try:
        inner, outer = (read_key(key) for key in record["keys"])
        first, second = (read_share(share) for share in record["shares"])
        published = Published(
            terms=read_terms(record["terms"]),
            decision=read_decision(record["decision"]),
            keys=(inner, outer),
            shares=(first, second),
            commitments=tuple(read_commitment(one) for one in record["commitments"]),
            deliveries=tuple(read_delivery(one) for one in record["deliveries"]),
            head=bytes.fromhex(record["head"]),
            root=bytes.fromhex(record["root"]),
        )
        same = canonical_bytes(published_record(published)) == canonical_bytes(record)
    except (KeyError, ValueError, TypeError, NotCanonical) as error:
        reason = Message("the fault is {fault}", fault=f"{type(error).__name__}: {error}")
        raise RecordUnreadable(kind="auction", reason=reason) from error
    if not same:
        raise RecordUnreadable(kind="auction", reason="a field is unknown or not canonical")
    return published
