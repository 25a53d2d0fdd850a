"""What an institution's key signs for the ledger: EIP-712 digests with the data behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amanat.access.acts import ActContext, Requirement
from amanat.ledger.gateway import Gateway
from amanat.ledger.orders import next_numbers
from amanat.ledger.rpc import RpcFault
from amanat.ledger.signers import typed_data_digest

TYPES: Mapping[str, str] = {
    # Eligibility
    "Participant": "uint256 number,uint256 epoch,uint256 participant,uint256 participant_class,"
    "uint256 country,uint256 level,uint256 valid_until",
    "AccountOpening": "uint256 number,uint256 epoch,uint256 participant,address[] accounts",
    # BusinessDay
    "DayAdvance": "uint256 epoch,uint256 day,uint256 phase",
    # Directory
    "Founding": "address business_day,address eligibility,address programme,address cash,"
    "address orders,address settlement,address payments,address tender",
    # Programme
    "Authorisation": "uint256 number,uint256 epoch,bytes32 isin,uint256 kind,uint256 nominal,"
    "uint256 usd_value,uint256 rate,uint256 rate_day,bytes32 terms_hash,bytes32 authority_hash,"
    "uint256 classes,uint256 maturity_day,uint256 expiry_day,string name,uint256 capacity",
    "AuthorisationWithdrawal": "bytes32 authorisation,uint256 epoch",
    "Issue": "uint256 number,uint256 epoch,uint256 authorisation,uint256 nominal,address account",
    "UnsoldCancellation": "uint256 number,uint256 epoch,uint256 authorisation,uint256 nominal,"
    "address account",
    "HeadroomRelease": "uint256 number,uint256 epoch,uint256 authorisation,uint256 nominal",
    "ReserveAttestation": "uint256 number,uint256 epoch,uint256 reserves,uint256 valid_until",
    "Halt": "uint256 number,uint256 epoch,uint256 contract_id,bool halted,bytes32 reason",
    # Cash
    "CashCreation": "uint256 epoch,address account,uint256 amount,bytes32 rtgs_reference",
    "CashWithdrawal": "uint256 epoch,address account,uint256 amount,bytes32 rtgs_reference",
    # Orders
    "Order": "uint256 number,uint256 epoch,uint256 kind,address security,address from,address to,"
    "uint256 amount,bytes32 order_hash,uint256 reason",
}
"""The fields of each signed act, as its contract declares them."""

AUTHORITY = "class_authority"
"""The capacity of every institution that writes a class of participants."""

_DOMAIN = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]


@dataclass(frozen=True, slots=True)
class ToSign:
    """A 32-byte digest, the typed data behind it, and the epoch of institutions that it names."""

    digest: bytes
    shows: Mapping[str, Any]
    epoch: int

    def requirement(
        self,
        institution: str,
        capacity: str,
        *,
        key: str | None = None,
        proposer_counts: bool = False,
    ) -> Requirement:
        """The requirement that this be signed by `institution`; see `Requirement`."""
        return Requirement(
            institution,
            capacity,
            signs=self.digest,
            shows=self.shows,
            key=key,
            proposer_counts=proposer_counts,
        )


def two_keys(authority: str, signed: ToSign) -> Sequence[Requirement]:
    """The proposer, who holds one key of the authority, and a second person with another."""
    return [
        signed.requirement(authority, AUTHORITY, proposer_counts=True),
        signed.requirement(authority, AUTHORITY),
    ]


def act_number(context: ActContext) -> int:
    """A number for a signed act that no other act of this programme has."""
    return next_numbers(context.uow.connection, f"act:{context.programme}", 1, 1)


def to_sign(context: ActContext, contract: str, primary_type: str, **message: Any) -> ToSign:
    """What is signed for `contract`; the current epoch is filled in where the act has one.

    Refuses `NotFound` (no such contract yet), `NodeUnavailable`.
    """
    return gateway_to_sign(context.ledger, contract, primary_type, **message)


def gateway_to_sign(ledger: Gateway, contract: str, primary_type: str, **message: Any) -> ToSign:
    """As `to_sign`, where there is no act."""
    domain, epoch = ledger.call_many(
        [
            (contract, "eip712Domain", (), "", None),
            ("Directory", "epoch", (), "", None),
        ]
    )
    for answer in (domain, epoch):
        if isinstance(answer, RpcFault):
            raise answer
    fields = _fields(primary_type)
    if any(field["name"] == "epoch" for field in fields):
        message.setdefault("epoch", epoch)
    typed = {
        "types": {"EIP712Domain": _DOMAIN, primary_type: fields},
        "primaryType": primary_type,
        "domain": {
            "name": domain[1],
            "version": domain[2],
            "chainId": domain[3],
            "verifyingContract": domain[4],
        },
        "message": {field["name"]: _shown(message[field["name"]]) for field in fields},
    }
    return ToSign(typed_data_digest(typed), typed, epoch)


def _fields(primary_type: str) -> list[dict[str, str]]:
    pairs = (field.split(" ") for field in TYPES[primary_type].split(","))
    return [{"name": name, "type": kind} for kind, name in pairs]


def _shown(value: Any) -> Any:
    """Bytes as `0x…`, so that the typed data can be stored and read as JSON."""
    return "0x" + value.hex() if isinstance(value, bytes) else value
