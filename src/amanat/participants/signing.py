"""What an institution's key signs for the ledger: EIP-712 digests with the data behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amanat.access.acts import ActContext, Requirement
from amanat.ledger.gateway import Gateway
from amanat.ledger.orders import next_numbers
from amanat.ledger.rpc import RpcFault
from amanat.ledger.typed_data import BY_NAME, Domain

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
    struct = BY_NAME[primary_type]
    if any(name == "epoch" for name, _ in struct.fields):
        message.setdefault("epoch", epoch)
    values = [message.pop(name) for name, _ in struct.fields]
    if message:
        raise LookupError(f"{primary_type} has no fields {sorted(message)}")
    where = Domain(domain[3], domain[4])
    shows = {
        "types": {"EIP712Domain": _DOMAIN, **struct.types()},
        "primaryType": primary_type,
        "domain": where.fields(),
        "message": {name: _shown(one) for name, one in struct.message(*values).items()},
    }
    return ToSign(where.digest(struct.hash(*values)), shows, epoch)


def _shown(value: Any) -> Any:
    """Bytes as `0x…`, so that the typed data can be stored and read as JSON."""
    return "0x" + value.hex() if isinstance(value, bytes) else value
