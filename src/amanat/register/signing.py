"""What a key signs for one of the ledger's contracts: a struct's digest with the data behind it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.acts import ActContext
from amanat.core.errors import NotFound
from amanat.ledger.gateway import Gateway
from amanat.ledger.typed_data import Domain, Struct
from amanat.participants.signing import ToSign
from amanat.programme.tables import programme as programmes

_DOMAIN_FIELDS = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]


def domain_of(
    connection: Connection, ledger: Gateway, programme: str, contract: str, label: str = ""
) -> Domain:
    """The EIP-712 domain of a programme's contract.  Refuses `NotFound`."""
    chain_id = connection.execute(
        sql.select(programmes.c.chain_id).where(programmes.c.code == programme)
    ).scalar_one_or_none()
    if chain_id is None:
        raise NotFound(thing="programme", value=programme)
    return Domain(chain_id, ledger.address(contract, label))


def epoch_of(ledger: Gateway) -> int:
    """The epoch of the institutions, which governed acts name."""
    return int(ledger.call("Directory", "epoch"))


def struct_to_sign(
    context: ActContext,
    contract: str,
    struct: Struct,
    *values: Any,
    epoch: int = 0,
    label: str = "",
    address: str | None = None,
) -> ToSign:
    """A struct's digest for a contract, with the typed data behind it.

    `address` says which, where it is not the contract in use.
    """
    connection, programme = context.uow.connection, context.programme
    domain = domain_of(connection, context.ledger, programme, contract, label)
    if address is not None:
        domain = Domain(domain.chain_id, address)
    typed = {
        "types": {"EIP712Domain": _DOMAIN_FIELDS, **struct.types()},
        "primaryType": struct.name,
        "domain": domain.fields(),
        "message": {name: _shown(value) for name, value in struct.message(*values).items()},
    }
    return ToSign(domain.digest(struct.hash(*values)), typed, epoch)


def _shown(value: Any) -> Any:
    """Bytes as `0x…`, so that the typed data can be stored and read as JSON."""
    return "0x" + value.hex() if isinstance(value, bytes) else value
