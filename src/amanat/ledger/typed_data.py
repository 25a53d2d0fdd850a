"""What institutions and participants sign: the EIP-712 structs of all contracts.

`Domain(chain_id, contract).digest(STRUCT.hash(values...))` is the 32-byte digest to sign, and
`sign`/`recover` work on digests.  Encoding is by hand, because the generic encoder costs more
than the signature itself; tests compare every struct with `eth_account.messages`.

Values are positional, in the order of the struct's fields: addresses as 0x strings or 20 bytes,
`bytes32` as 32 bytes or 0x strings, integers as int, `string` as str, arrays as sequences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from coincurve import PrivateKey, PublicKey
from eth_hash.auto import keccak

from amanat.core.errors import Invalid

NAME: Final = "Amanat"
VERSION: Final = "1"


class ContractId(IntEnum):
    """Contracts in the Directory, and their halt bits; securities follow from 16."""

    BUSINESS_DAY = 1
    ELIGIBILITY = 2
    PROGRAMME = 3
    CASH = 4
    ORDERS = 5
    SETTLEMENT = 6
    PAYMENTS = 7
    TENDER = 8
    FIRST_SECURITY = 16


CONTRACT_NUMBERS = {
    "BusinessDay": ContractId.BUSINESS_DAY.value,
    "Eligibility": ContractId.ELIGIBILITY.value,
    "Programme": ContractId.PROGRAMME.value,
    "Cash": ContractId.CASH.value,
    "Orders": ContractId.ORDERS.value,
    "Settlement": ContractId.SETTLEMENT.value,
    "Payments": ContractId.PAYMENTS.value,
    "Tender": ContractId.TENDER.value,
}
"""The contracts that the Directory names, by their names."""


class Capacity(IntEnum):
    """What an institution may sign; its mask has bit `1 << capacity` for each."""

    ISSUER = 1
    CASH_ISSUER = 2
    AUCTIONEER = 3
    PAYING_AGENT = 4
    DAY_KEEPER = 5
    ORDER_MAKER = 6
    GUARDIAN = 7
    REGISTRAR = 8


class AuthorisationCapacity(IntEnum):
    """In which capacity an authorisation is signed (last field of `AUTHORISATION`)."""

    AUTHORISE = 1
    CLEAR = 2
    CONFIRM = 3


class Phase(IntEnum):
    """Phase of a business day."""

    OPEN = 1
    BIDDING_CLOSED = 2
    CLOSED = 3


class Level(IntEnum):
    """Level of a participant: what it may still do."""

    ACTIVE = 1
    CLOSE_OUT = 2
    WIND_DOWN = 3
    FROZEN = 4


class OrderKind(IntEnum):
    """Kind of an order to `Orders`."""

    FREEZE = 1
    FORCED_TRANSFER = 2
    REREGISTRATION = 3
    HOLD_END = 4


class RunKind(IntEnum):
    """Kind of a payment run."""

    COUPON = 1
    REDEMPTION = 2


class ChangeKind(IntEnum):
    """Kind of a change of the Directory."""

    CONTRACT = 1
    KEY = 2
    CAPACITIES = 3
    QUORUM = 4


def mask(numbers: Sequence[int]) -> int:
    """The mask with the bits of these institutions, classes or capacities."""
    result = 0
    for number in numbers:
        result |= 1 << number
    return result


def _uint(value: int) -> bytes:
    return value.to_bytes(32, "big")


def _int(value: int) -> bytes:
    return value.to_bytes(32, "big", signed=True)


def _bytes_of(value: str | bytes) -> bytes:
    return bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else value


def _address(value: str | bytes) -> bytes:
    raw = _bytes_of(value)
    if len(raw) != 20:
        raise Invalid(reason=f"an address has 20 bytes, not {len(raw)}")
    return b"\0" * 12 + raw


def _word(value: str | bytes) -> bytes:
    raw = _bytes_of(value)
    if len(raw) != 32:
        raise Invalid(reason=f"a bytes32 has 32 bytes, not {len(raw)}")
    return raw


def _string(value: str) -> bytes:
    return keccak(value.encode())


_Encoder = Callable[[Any], bytes]
_ENCODERS: dict[str, _Encoder] = {
    "uint256": _uint,
    "int256": _int,
    "address": _address,
    "bytes32": _word,
    "bool": _uint,
    "string": _string,
}


def _encoder(kind: str, member: Struct | None) -> _Encoder:
    if member is not None and kind == f"{member.name}[]":
        return lambda values: keccak(b"".join(member.hash(*one) for one in values))
    if kind.endswith("[]"):
        element = _ENCODERS[kind.removesuffix("[]")]
        return lambda values: keccak(b"".join(map(element, values)))
    return _ENCODERS[kind]


@dataclass(frozen=True, slots=True)
class Struct:
    """One EIP-712 struct type, for example `Struct("DayAdvance(uint256 epoch,uint256 day)")`."""

    type_string: str
    member: Struct | None = None
    """The struct of which this one has an array, as the last of its fields."""
    name: str = field(init=False)
    fields: tuple[tuple[str, str], ...] = field(init=False)
    type_hash: bytes = field(init=False)
    _encoders: tuple[_Encoder, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        name, _, rest = self.type_string.partition("(")
        pairs = [item.split(" ") for item in rest.partition(")")[0].split(",")]
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "fields", tuple((pair[1], pair[0]) for pair in pairs))
        object.__setattr__(self, "type_hash", keccak(self.type_string.encode()))
        encoders = tuple(_encoder(pair[0], self.member) for pair in pairs)
        object.__setattr__(self, "_encoders", encoders)

    def hash(self, *values: Any) -> bytes:
        """`hashStruct` of EIP-712 over the values, in the order of the fields."""
        parts = [self.type_hash]
        parts += [encode(value) for encode, value in zip(self._encoders, values, strict=True)]
        return keccak(b"".join(parts))

    def message(self, *values: Any) -> dict[str, Any]:
        """The values under their names, as wallets show them."""
        shown = {name: value for (name, _), value in zip(self.fields, values, strict=True)}
        if self.member is not None:
            name = self.fields[-1][0]
            shown[name] = [self.member.message(*one) for one in shown[name]]
        return shown

    def types(self) -> dict[str, list[dict[str, str]]]:
        """The `types` member of an `eth_signTypedData_v4` request, domain excluded."""
        own = {self.name: [{"name": name, "type": kind} for name, kind in self.fields]}
        return own if self.member is None else own | self.member.types()


_DOMAIN_TYPE_HASH: Final = keccak(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_NAME_AND_VERSION: Final = keccak(NAME.encode()) + keccak(VERSION.encode())


@dataclass(frozen=True, slots=True)
class Domain:
    """Chain and contract that a signature is for; its separator is computed once."""

    chain_id: int
    contract: str
    separator: bytes = field(init=False, repr=False)
    _prefix: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        separator = keccak(
            _DOMAIN_TYPE_HASH + _NAME_AND_VERSION + _uint(self.chain_id) + _address(self.contract)
        )
        object.__setattr__(self, "separator", separator)
        object.__setattr__(self, "_prefix", b"\x19\x01" + separator)

    def digest(self, struct_hash: bytes) -> bytes:
        """The 32 bytes that are signed."""
        return keccak(self._prefix + struct_hash)

    def fields(self) -> dict[str, Any]:
        """The `domain` member of an `eth_signTypedData_v4` request."""
        return {
            "name": NAME,
            "version": VERSION,
            "chainId": self.chain_id,
            "verifyingContract": self.contract,
        }


def sign(digest: bytes, key: PrivateKey) -> bytes:
    """A signature of 65 bytes: r, s and v (27 or 28)."""
    raw: bytes = key.sign_recoverable(digest, hasher=None)
    return raw[:64] + bytes([raw[64] + 27])


def recover(digest: bytes, signature: bytes) -> bytes:
    """The 20-byte address whose key signed `digest`; `Invalid` when it is no signature."""
    if len(signature) != 65 or signature[64] not in (27, 28):
        raise Invalid(reason="a signature has 65 bytes and ends in 27 or 28")
    try:
        public = PublicKey.from_signature_and_message(
            signature[:64] + bytes([signature[64] - 27]), digest, hasher=None
        )
    except Exception as error:
        raise Invalid(reason="the signature belongs to no key") from error
    return address_of(public)


def address_of(key: PublicKey) -> bytes:
    """The 20-byte address of a public key."""
    return keccak(key.format(compressed=False)[1:])[-20:]


# Directory.
FOUNDING = Struct(
    "Founding(address business_day,address eligibility,address programme,address cash,"
    "address orders,address settlement,address payments,address tender)"
)
CHANGE = Struct("Change(uint256 number,uint256 epoch,uint256 kind,bytes32 subject,bytes32 value)")
CHANGE_CANCELLATION = Struct("ChangeCancellation(bytes32 change,uint256 epoch)")
KEY_REVOCATION = Struct("KeyRevocation(address key,uint256 epoch)")
# BusinessDay.
DAY_ADVANCE = Struct("DayAdvance(uint256 epoch,uint256 day,uint256 phase)")
# Eligibility.
PARTICIPANT = Struct(
    "Participant(uint256 number,uint256 epoch,uint256 participant,uint256 participant_class,"
    "uint256 country,uint256 level,uint256 valid_until)"
)
ACCOUNT_OPENING = Struct(
    "AccountOpening(uint256 number,uint256 epoch,uint256 participant,address[] accounts)"
)
ACCOUNT_CLOSING = Struct("AccountClosing(uint256 number,uint256 epoch,address account)")
CLASS_AUTHORITY = Struct(
    "ClassAuthority(uint256 number,uint256 epoch,uint256 participant_class,uint256 institution)"
)
# Programme.
AUTHORISATION = Struct(
    "Authorisation(uint256 number,uint256 epoch,bytes32 isin,uint256 kind,uint256 nominal,"
    "uint256 usd_value,uint256 rate,uint256 rate_day,bytes32 terms_hash,bytes32 authority_hash,"
    "uint256 classes,uint256 maturity_day,uint256 expiry_day,string name,uint256 capacity)"
)
AUTHORISATION_WITHDRAWAL = Struct("AuthorisationWithdrawal(bytes32 authorisation,uint256 epoch)")
ISSUE = Struct(
    "Issue(uint256 number,uint256 epoch,uint256 authorisation,uint256 nominal,address account)"
)
UNSOLD_CANCELLATION = Struct(
    "UnsoldCancellation(uint256 number,uint256 epoch,uint256 authorisation,uint256 nominal,"
    "address account)"
)
HEADROOM_RELEASE = Struct(
    "HeadroomRelease(uint256 number,uint256 epoch,uint256 authorisation,uint256 nominal)"
)
CEILING_CHANGE = Struct("CeilingChange(uint256 number,uint256 epoch,uint256 ceiling)")
KIND_RULE = Struct(
    "KindRule(uint256 number,uint256 epoch,uint256 kind,uint256 clearances,uint256 confirmations)"
)
RESERVE_ATTESTATION = Struct(
    "ReserveAttestation(uint256 number,uint256 epoch,uint256 reserves,uint256 valid_until)"
)
HALT = Struct("Halt(uint256 number,uint256 epoch,uint256 contract_id,bool halted,bytes32 reason)")
# Security and Cash.
PERMIT = Struct(
    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
)
HOLD = Struct(
    "Hold(address account,uint256 amount,address beneficiary,uint256 number,uint256 last_day)"
)
HOLD_RELEASE = Struct("HoldRelease(bytes32 hold)")
CASH_CREATION = Struct(
    "CashCreation(uint256 epoch,address account,uint256 amount,bytes32 rtgs_reference)"
)
CASH_WITHDRAWAL = Struct(
    "CashWithdrawal(uint256 epoch,address account,uint256 amount,bytes32 rtgs_reference)"
)
# Orders.
ORDER = Struct(
    "Order(uint256 number,uint256 epoch,uint256 kind,address security,address from,address to,"
    "uint256 amount,bytes32 order_hash,uint256 reason)"
)
ORDER_BATCH = Struct(
    "OrderBatch(uint256 number,uint256 epoch,uint256[] kinds,address[] securities,address[] from,"
    "address[] to,uint256[] amounts,bytes32 order_hash,uint256 reason)"
)
# Settlement.
INSTRUCTION = Struct(
    "Instruction(address security,address deliverer,address receiver,uint256 nominal,"
    "uint256 consideration,uint256 number,uint256 first_day,uint256 last_day)"
)
INSTRUCTION_LIST = Struct(
    "InstructionList(Instruction[] instructions)" + INSTRUCTION.type_string, INSTRUCTION
)
POSITION = Struct(
    "Position(bytes32 trades,address account,uint256 number,address[] securities,"
    "int256[] nominals,int256 cash,uint256 first_day,uint256 last_day)"
)
NUMBER_BURN = Struct("NumberBurn(address deliverer,uint256 number,address party)")
# Payments.
FUNDING = Struct(
    "Funding(uint256 epoch,address security,uint256 kind,uint256 record_day,bytes32 root,"
    "uint256 funding,uint256 entitlements,address payer,address tax_account)"
)
OUTSIDE_PAYMENT = Struct(
    "OutsidePayment(uint256 epoch,address security,uint256 kind,uint256 record_day,bytes32 root,"
    "uint256 funding,uint256 entitlements,uint256 cursor,uint256 amount,bytes32 list_digest)"
)
ENTITLEMENT = Struct(
    "Entitlement(uint256 index,address holder,uint256 nominal,uint256 gross,uint256 tax)"
)
# Tender.
TENDER_ANNOUNCEMENT = Struct(
    "TenderAnnouncement(uint256 epoch,uint256 tender,bytes32 isin,uint256 target,"
    "uint256 opens_at,uint256 bids_due,bytes32 terms_hash)"
)
TENDER_TIMES = Struct(
    "TenderTimes(uint256 number,uint256 epoch,uint256 tender,uint256 opens_at,uint256 bids_due)"
)
TENDER_TARGET = Struct("TenderTarget(uint256 number,uint256 epoch,uint256 tender,uint256 target)")
TENDER_CANCELLATION = Struct("TenderCancellation(uint256 epoch,uint256 tender,bytes32 reason)")
BIDDER_ROLL = Struct(
    "BidderRoll(uint256 number,uint256 epoch,uint256 tender,uint256[] bidders,address[] keys)"
)
COMMITMENT = Struct("Commitment(uint256 tender,uint256 bidder,bytes32 commitment,bytes32 replaces)")
BID_WITHDRAWAL = Struct("BidWithdrawal(uint256 tender,uint256 bidder,bytes32 commitment)")
COMMITMENT_LETTER = Struct(
    "CommitmentLetter(uint256 epoch,uint256 tender,uint256 bidder,bytes32 commitment)"
)
TENDER_CLOSING = Struct("TenderClosing(uint256 epoch,uint256 tender)")
KEY_SHARE_RELEASE = Struct("KeyShareRelease(uint256 epoch,uint256 tender,bytes32 share_hash)")
TENDER_RESULT = Struct(
    "TenderResult(uint256 epoch,uint256 tender,bytes32 root,bytes32 commitments_head,"
    "uint256 accepted,uint256 unsuccessful,uint256 void,uint256 allotted)"
)

STRUCTS: Final[tuple[Struct, ...]] = tuple(
    value for value in list(globals().values()) if isinstance(value, Struct)
)
BY_NAME: Final[dict[str, Struct]] = {struct.name: struct for struct in STRUCTS}


@dataclass(frozen=True, slots=True)
class SignedInstruction:
    """An instruction of `Settlement` with both signatures; days are since 1970-01-01."""

    security: bytes
    deliverer: bytes
    receiver: bytes
    nominal: int
    consideration: int
    number: int
    first_day: int
    last_day: int
    deliverer_signature: bytes
    receiver_signature: bytes

    def struct_hash(self) -> bytes:
        """The struct hash that both parties sign under Settlement's domain."""
        return INSTRUCTION.hash(
            self.security,
            self.deliverer,
            self.receiver,
            self.nominal,
            self.consideration,
            self.number,
            self.first_day,
            self.last_day,
        )


MAX_BATCH_INSTRUCTIONS: Final = 128
MAX_BATCH_ACCOUNTS: Final = 255
MAX_BATCH_SECURITIES: Final = 32


def pack_batch(instructions: Sequence[SignedInstruction]) -> bytes:
    """Calldata of `Settlement.settle_batch`: layout in `Settlement.vy`.

    At most 128 instructions, 255 accounts and 32 securities; `Invalid` beyond that.
    """
    accounts: dict[bytes, int] = {}
    securities: dict[bytes, int] = {}
    records: list[bytes] = []
    for item in instructions:
        parities = (item.deliverer_signature[64] - 27) | (item.receiver_signature[64] - 27) << 1
        records.append(
            bytes(
                (
                    securities.setdefault(item.security, len(securities)),
                    accounts.setdefault(item.deliverer, len(accounts)),
                    accounts.setdefault(item.receiver, len(accounts)),
                    parities,
                )
            )
            + item.number.to_bytes(4, "big")
            + item.first_day.to_bytes(4, "big")
            + item.last_day.to_bytes(4, "big")
            + item.nominal.to_bytes(8, "big")
            + item.consideration.to_bytes(8, "big")
            + item.deliverer_signature[:64]
            + item.receiver_signature[:64]
        )
        if len(accounts) > MAX_BATCH_ACCOUNTS or len(securities) > MAX_BATCH_SECURITIES:
            raise Invalid(reason="a batch has at most 255 accounts and 32 securities")
    if not 0 < len(records) <= MAX_BATCH_INSTRUCTIONS:
        raise Invalid(reason=f"a batch has 1 to 128 instructions, not {len(records)}")
    header = bytes((len(accounts), len(securities))) + len(records).to_bytes(2, "big")
    return b"".join((header, *accounts, *securities, *records))


@dataclass(frozen=True, slots=True)
class Listed:
    """An instruction of a list; days are since 1970-01-01."""

    security: bytes
    deliverer: bytes
    receiver: bytes
    nominal: int
    consideration: int
    number: int
    first_day: int
    last_day: int
    is_tried: bool = True
    """Whether it is to be settled now, or is only part of what both accounts signed."""

    def terms(self) -> tuple[bytes, bytes, bytes, int, int, int, int, int]:
        """What is signed of it, in the order of the struct's fields."""
        return (
            self.security, self.deliverer, self.receiver, self.nominal, self.consideration,
            self.number, self.first_day, self.last_day,
        )  # fmt: skip


def pack_list(
    parties: tuple[bytes, bytes], signatures: tuple[bytes, bytes], instructions: Sequence[Listed]
) -> bytes:
    """Calldata of `Settlement.settle_list`: instructions between two accounts, signed once by each.

    At most 128 instructions and 32 securities; `Invalid` beyond that.
    """
    securities: dict[bytes, int] = {}
    terms: list[bytes] = []
    for item in instructions:
        terms.append(
            bytes(
                (
                    securities.setdefault(item.security, len(securities)),
                    parties.index(item.deliverer),
                    parties.index(item.receiver),
                    item.is_tried,
                )
            )
            + item.number.to_bytes(4, "big")
            + item.first_day.to_bytes(4, "big")
            + item.last_day.to_bytes(4, "big")
            + item.nominal.to_bytes(8, "big")
            + item.consideration.to_bytes(8, "big")
        )
        if len(securities) > MAX_BATCH_SECURITIES:
            raise Invalid(reason="a list has at most 32 securities")
    if not 0 < len(terms) <= MAX_BATCH_INSTRUCTIONS:
        raise Invalid(reason=f"a list has 1 to 128 instructions, not {len(terms)}")
    first, second = signatures
    parities = (first[64] - 27) | (second[64] - 27) << 1
    header = bytes((len(securities),)) + len(terms).to_bytes(2, "big") + bytes((parities,))
    return b"".join((header, first[:64], second[:64], *parties, *securities, *terms))


@dataclass(frozen=True, slots=True)
class SignedPosition:
    """One account's net position in a cycle; amounts are positive when received."""

    account: bytes
    number: int
    cash: int
    nominals: tuple[int, ...]
    signature: bytes


def pack_cycle(
    trades: bytes,
    securities: Sequence[bytes],
    first_day: int,
    last_day: int,
    positions: Sequence[SignedPosition],
) -> bytes:
    """Calldata of `Settlement.settle_cycle`: at most 64 positions in at most 8 securities."""
    if not 0 < len(positions) <= 64 or len(securities) > 8:
        raise Invalid(reason="a cycle has 1 to 64 positions and at most 8 securities")
    packed = [bytes((len(positions), len(securities))), first_day.to_bytes(4, "big")]
    packed += [last_day.to_bytes(4, "big"), _word(trades), *securities]
    for position in positions:
        packed += [
            position.account,
            position.number.to_bytes(4, "big"),
            position.signature[64:],
            position.cash.to_bytes(8, "big", signed=True),
            *(nominal.to_bytes(8, "big", signed=True) for nominal in position.nominals),
            position.signature[:64],
        ]
    return b"".join(packed)


CHUNK: Final = 64
Node = tuple[bytes, int]
_EMPTY: Final[Node] = (b"\0" * 32, 0)


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What one holder gets in a payment run: nominal units; gross and tax in paisa."""

    index: int
    holder: str
    nominal: int
    gross: int
    tax: int

    def node(self) -> Node:
        """Leaf of the Merkle-sum tree: its hash, and the gross amount as its sum."""
        leaf = ENTITLEMENT.hash(self.index, self.holder, self.nominal, self.gross, self.tax)
        return leaf, self.gross

    def as_tuple(self) -> tuple[int, str, int, int, int]:
        """The struct as `Payments.pay_chunk` takes it."""
        return self.index, self.holder, self.nominal, self.gross, self.tax


def _parent(left: Node, right: Node) -> Node:
    digest = keccak(left[0] + _uint(left[1]) + right[0] + _uint(right[1]))
    return digest, left[1] + right[1]


class EntitlementTree:
    """Merkle-sum tree over the entitlements of one run, as `Payments` proves them.

    Leaves are padded with zeros to 64 * 2^n.  `root` is the hash to fund, `total` its sum.
    """

    def __init__(self, entitlements: Sequence[Entitlement]) -> None:
        if not entitlements:
            raise Invalid(reason="a payment needs at least one entitlement")
        for index, item in enumerate(entitlements):
            if item.index != index:
                raise Invalid(reason=f"entitlement {index} has index {item.index}")
        self.entitlements = tuple(entitlements)
        width = CHUNK
        while width < len(entitlements):
            width *= 2
        level = [item.node() for item in entitlements]
        level += [_EMPTY] * (width - len(level))
        self._levels = [level]
        while len(level) > 1:
            level = [_parent(level[i], level[i + 1]) for i in range(0, len(level), 2)]
            self._levels.append(level)
        self.root, self.total = level[0]

    @property
    def chunks(self) -> int:
        """How many chunks pay the whole run."""
        return -(-len(self.entitlements) // CHUNK)

    def chunk(self, number: int) -> tuple[list[tuple[int, str, int, int, int]], list[Node]]:
        """Entitlements and proof of chunk `number`, the arguments of `Payments.pay_chunk`."""
        first = number * CHUNK
        leaves = [item.as_tuple() for item in self.entitlements[first : first + CHUNK]]
        proof: list[Node] = []
        position = number
        for level in self._levels[6:-1]:
            proof.append(level[position ^ 1])
            position >>= 1
        return leaves, proof
