"""What the acts of this room have signed, and the orders by which the chain hears of it.

Every governed act is fixed when it is proposed: its message goes into the proposal's memo, the
approvers sign its EIP-712 digest, and the order carries exactly that message.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Requirement
from amanat.auctions import tables
from amanat.auctions.acts_rules import seconds, subject
from amanat.auctions.commands import EnterLetter
from amanat.auctions.recompute import Recomputed, tally
from amanat.ledger import typed_data
from amanat.ledger.sender_names import TENDERS
from amanat.ledger.things import Things
from amanat.participants import things
from amanat.participants.signing import ToSign, act_number

CONTRACT = "Tender"
NOTHING = bytes(32)

# Kind of order -> function, signed struct, and the struct's fields that the call takes apart from
# it (empty: the call takes the struct as one).
_CALLS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "announce_tender": ("announce", "TenderAnnouncement", ()),
    "admit_tender_bidders": ("admit_bidders", "BidderRoll", ()),
    "extend_tender": ("extend", "TenderTimes", ()),
    "postpone_tender": ("postpone", "TenderTimes", ()),
    "amend_tender_target": ("amend_target", "TenderTarget", ()),
    "cancel_tender": ("cancel", "TenderCancellation", ("tender", "epoch", "reason")),
    "commit_tender_bid": (
        "commit",
        "Commitment",
        ("tender", "bidder", "commitment", "replaces"),
    ),
    "withdraw_tender_bid": (
        "withdraw_commitment",
        "BidWithdrawal",
        ("tender", "bidder", "commitment"),
    ),
    "commit_tender_letter": (
        "commit_letter",
        "CommitmentLetter",
        ("tender", "bidder", "commitment", "epoch"),
    ),
    "close_tender": ("close", "TenderClosing", ("tender", "epoch")),
    "release_tender_share": (
        "release_share",
        "KeyShareRelease",
        ("tender", "share_hash", "epoch"),
    ),
    "publish_tender_result": ("publish_result", "TenderResult", ()),
}
TENDER_ORDERS = (
    "announce_tender",
    "admit_tender_bidders",
    "extend_tender",
    "postpone_tender",
    "amend_tender_target",
    "cancel_tender",
    "close_tender",
    "publish_tender_result",
)
BID_ORDERS = ("commit_tender_bid", "withdraw_tender_bid", "commit_tender_letter")

# These calls ask what time it is.  A node that is asked beforehand answers for its last block,
# which may be old, so they are sent unasked, with room enough.
_GAS = 600_000
_GAS_PER_BIDDER = 60_000


@dataclass(frozen=True, slots=True)
class ChainAct:
    """One message to be signed: what it says, and the order that will carry it."""

    kind: str
    message: Mapping[str, Any]
    signed: ToSign

    def requirement(
        self, institution: str, capacity: str, *, key: str | None = None, proposer: bool = False
    ) -> Requirement:
        """That this be signed by a person of `institution`, or by an account of theirs."""
        return self.signed.requirement(institution, capacity, key=key, proposer_counts=proposer)

    def memo(self) -> dict[str, Any]:
        """The message under the kind of its order, integers as text."""
        return {self.kind: {name: _written(value) for name, value in self.message.items()}}


def sha256(content: bytes) -> bytes:
    """SHA-256: 32 bytes."""
    return hashlib.sha256(content).digest()


def announcement(context: ActContext, row: Row[Any], offer: Mapping[str, Any]) -> ChainAct:
    """The announcement; `offer` has `bids_open`, `bids_due` and `terms_hash`."""
    return _act(
        context,
        "announce_tender",
        tender=number_of(row),
        isin=row.isin.encode().ljust(32, b"\0"),
        target=row.target,
        opens_at=seconds(offer["bids_open"]),
        bids_due=seconds(offer["bids_due"]),
        terms_hash=bytes.fromhex(offer["terms_hash"]),
    )


def bidder_roll(context: ActContext, row: Row[Any], bidders: Sequence[tuple[int, str]]) -> ChainAct:
    """Numbers and keys of bidders, at most 64."""
    return _act(
        context,
        "admit_tender_bidders",
        number=act_number(context),
        tender=number_of(row),
        bidders=[number for number, _account in bidders],
        keys=[account for _number, account in bidders],
    )


def times(context: ActContext, row: Row[Any], kind: str, bids_open: str, bids_due: str) -> ChainAct:
    """New times, for `extend_tender` or `postpone_tender`."""
    return _act(
        context,
        kind,
        number=act_number(context),
        tender=number_of(row),
        opens_at=seconds(bids_open),
        bids_due=seconds(bids_due),
    )


def target(context: ActContext, row: Row[Any], units: int) -> ChainAct:
    """A new target."""
    return _act(
        context,
        "amend_tender_target",
        number=act_number(context),
        tender=number_of(row),
        target=units,
    )


def cancellation(context: ActContext, row: Row[Any], reason: str) -> ChainAct:
    """The end of a tender; the chain has the digest of the reason."""
    return _act(context, "cancel_tender", tender=number_of(row), reason=sha256(reason.encode()))


def bid_commitment(
    context: ActContext, row: Row[Any], bidder: int, promised: bytes, replaces: bytes
) -> ChainAct:
    """A bidder's commitment, in the place of another unless `replaces` is zeros."""
    return _act(
        context,
        "commit_tender_bid",
        tender=number_of(row),
        bidder=bidder,
        commitment=promised,
        replaces=replaces,
    )


def bid_withdrawal(context: ActContext, row: Row[Any], bid: Row[Any]) -> ChainAct:
    """The withdrawal of a commitment."""
    return _act(
        context,
        "withdraw_tender_bid",
        tender=number_of(row),
        bidder=bid.number,
        commitment=bytes.fromhex(bid.commitment),
    )


def letter(context: ActContext, row: Row[Any], bidder: int, command: EnterLetter) -> ChainAct:
    """A commitment that came on the envelope of a sealed letter."""
    return _act(
        context,
        "commit_tender_letter",
        tender=number_of(row),
        bidder=bidder,
        commitment=bytes.fromhex(command.commitment),
    )


def closing(context: ActContext, row: Row[Any]) -> ChainAct:
    """The close."""
    return _act(context, "close_tender", tender=number_of(row))


def share_release(context: ActContext, row: Row[Any], share: bytes) -> ChainAct:
    """The release of a share, of which the chain has the SHA-256."""
    return _act(context, "release_tender_share", tender=number_of(row), share_hash=sha256(share))


def result(context: ActContext, row: Row[Any], found: Recomputed) -> ChainAct:
    """The result's root, and its account of every commitment."""
    counted = tally(found)
    return _act(
        context,
        "publish_tender_result",
        tender=number_of(row),
        root=found.root,
        commitments_head=bytes.fromhex(row.commitments_head),
        accepted=counted.accepted,
        unsuccessful=counted.unsuccessful,
        void=counted.void,
        allotted=counted.allotted,
    )


def ask_both(row: Row[Any], asked: ChainAct, extra: Mapping[str, Any] | None = None) -> Ask:
    """One more person of the central bank and one of the ministry sign."""
    return Ask(
        [
            asked.requirement(row.central_bank, "auctioneer"),
            asked.requirement(row.ministry, "issuer"),
        ],
        memo=asked.memo() | dict(extra or {}),
        subject=subject(row.code),
    )


def order(
    context: ActContext,
    kind: str,
    signatures: Sequence[bytes],
    cause: str,
    about: tuple[str, str],
    depends_on: Sequence[str] = (),
) -> str:
    """Ask for the call that the approved message stands for; the order's id."""
    message = context.approved.memo[kind]
    function, _struct, apart = _CALLS[kind]
    alone = kind in ("commit_tender_bid", "withdraw_tender_bid")
    signed: Any = signatures[0] if alone else list(signatures)
    read = {name: _read(kind, name, value) for name, value in message.items()}
    args = [read[name] for name in apart] if apart else [read]
    asked: str = context.uow.orders.request(
        kind,
        context.programme,
        CONTRACT,
        function,
        [*args, signed],
        subject=about,
        depends_on=depends_on,
        cause=cause,
        gas=_GAS + _GAS_PER_BIDDER * len(message.get("bidders", ())),
        sender=TENDERS,
        things=Things(
            needs=[things.DAY, things.EPOCH], changes=[things.tender(str(message["tender"]))]
        ),
    )
    return asked


def commitments_recorded(context: ActContext, row: Row[Any]) -> int:
    """How many commitments the chain has of a tender, withdrawn ones included."""
    state = context.ledger.call(CONTRACT, "tender", number_of(row))
    fields = state[0] if isinstance(state[0], list) else state
    return int(fields[5])


def number_of(row: Row[Any]) -> int:
    """The tender's number on the chain."""
    return int(row.chain_id, 16)


def find_by_number(connection: Any, programme: str, number: int) -> Row[Any] | None:
    """The tender with this number on the chain, if it is known here."""
    table = tables.tender
    found: Row[Any] | None = connection.execute(
        sql.select(table).where(
            table.c.programme == programme, table.c.chain_id == f"{number:064x}"
        )
    ).one_or_none()
    return found


def commitment_to_sign(
    domain: typed_data.Domain, tender: int, bidder: int, promised: bytes, replaces: bytes
) -> ToSign:
    """What a bidder's key signs of its commitment; it needs nothing of the ledger to be known."""
    message = {
        "tender": tender,
        "bidder": bidder,
        "commitment": promised,
        "replaces": replaces,
    }
    return _to_sign(domain, typed_data.COMMITMENT, message, 0)


def _to_sign(
    domain: typed_data.Domain, struct: typed_data.Struct, message: Mapping[str, Any], epoch: int
) -> ToSign:
    shows = {
        "types": {"EIP712Domain": _DOMAIN_FIELDS, **struct.types()},
        "primaryType": struct.name,
        "domain": domain.fields(),
        "message": {name: _written(value) for name, value in message.items()},
    }
    return ToSign(domain.digest(struct.hash(*message.values())), shows, epoch)


def _act(context: ActContext, kind: str, **message: Any) -> ChainAct:
    """The message in the order of its struct's fields, with the digest to sign."""
    struct = typed_data.BY_NAME[_CALLS[kind][1]]
    domain = context.ledger.call(CONTRACT, "eip712Domain")
    epoch = context.ledger.call("Directory", "epoch")
    names = [name for name, _kind in struct.fields]
    if "epoch" in names:
        message["epoch"] = epoch
    signing = typed_data.Domain(domain[3], domain[4])
    ordered = {name: message[name] for name in names}
    return ChainAct(kind, ordered, _to_sign(signing, struct, ordered, epoch))


_DOMAIN_FIELDS = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]


def _written(value: Any) -> Any:
    """A value as JSON that every reader holds exactly."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_written(one) for one in value]
    return value


def _read(kind: str, name: str, value: Any) -> Any:
    """The inverse of `_written`, by the type of the struct's field."""
    types = dict(typed_data.BY_NAME[_CALLS[kind][1]].fields)
    if types[name] == "uint256":
        return int(value)
    if types[name] == "uint256[]":
        return [int(one) for one in value]
    if types[name] == "bytes32":
        return bytes.fromhex(value[2:])
    return value
