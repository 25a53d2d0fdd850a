"""The chain's own lists of who may send and who may deploy, kept by precompiled contracts.

A stranger's transaction is refused by the nodes before any contract sees it.  Each change is one
transaction of an administrator (Subnet-EVM's allow lists; roles 0 none, 1 enabled, 2 admin,
3 manager).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from enum import IntEnum
from typing import ClassVar

from amanat.core.errors import Refusal, Unavailable
from amanat.ledger.rpc import RpcClient, RpcFault
from amanat.ledger.signers import Signer
from amanat.ledger.wire import ChainTransaction, address_of, keccak

DEPLOYERS = "0x0200000000000000000000000000000000000000"
MINTER = "0x0200000000000000000000000000000000000001"
SENDERS = "0x0200000000000000000000000000000000000002"
WEI_PER_COIN = 10**18
_GAS = 200_000
_FEE_WEI = 1_000_000_000


class ListRole(IntEnum):
    """What an address may do with one of the chain's lists and what the list guards."""

    NONE = 0
    ENABLED = 1
    ADMIN = 2
    MANAGER = 3


class ListChangeRefused(Refusal):
    """Only an administrator of the chain's lists changes them."""

    template: ClassVar[str] = "The nodes did not take the change of {address} by {by}: {reason}"


class ListChangeLate(Unavailable):
    """A change was sent and is not in a block yet: look again, the nodes may lack a quorum."""


_COINS = 1_000 * 10**18
"""What a new administrator pays its first fees with; it may create more."""


def role_of(rpc: RpcClient, contract: str, address: str) -> ListRole:
    """The role of an address in one list, as the last accepted block has it."""
    content = {"to": contract, "data": "0x" + _call("readAllowList(address)", address).hex()}
    return ListRole(int(str(rpc.call("eth_call", content, "latest")), 16))


def let_in(
    rpc: RpcClient, by: Signer, address: str, *, deploys: bool = False, wei: int = 0
) -> list[str]:
    """Let an address send, and deploy if it is to, with coin for fees; the hashes.

    Returns when the changes are in an accepted block.  Raises `ListChangeRefused`,
    `ListChangeLate`.
    """
    calls = [(SENDERS, _call("setEnabled(address)", address))]
    if deploys:
        calls.append((DEPLOYERS, _call("setEnabled(address)", address)))
    if wei:
        calls.append(_coin(address, wei))
    return _send(rpc, by, address, calls)


def give_coin(rpc: RpcClient, by: Signer, address: str, wei: int) -> list[str]:
    """Create coin for fees, as for an account that `Eligibility` let in.  Raises as `let_in`."""
    return _send(rpc, by, address, [_coin(address, wei)])


def _coin(address: str, wei: int) -> tuple[str, bytes]:
    return MINTER, _call("mintNativeCoin(address,uint256)", address) + wei.to_bytes(32, "big")


def appoint(rpc: RpcClient, by: Signer, contract: str) -> list[str]:
    """Let a contract keep the list of senders, as `Eligibility` does; the hash of the change.

    It may then let accounts send and take that away, and appoint nobody.  Raises as `let_in`.
    """
    return _send(rpc, by, contract, [(SENDERS, _call("setManager(address)", contract))])


def succeed(rpc: RpcClient, by: Signer, former: str, fresh: str) -> list[str]:
    """Let another key administer the lists in the place of one that is lost or stolen; the hashes.

    The former one goes first, so that whoever has it can undo nothing.  It is done by another
    administrator; raises as `let_in`, and `ListChangeRefused` for one's own key.
    """
    if address_of(former) == by.address:
        raise ListChangeRefused(
            address=former, by=by.address, reason="another administrator replaces a key"
        )
    lists = (SENDERS, DEPLOYERS, MINTER)
    goes, comes = _call("setNone(address)", former), _call("setAdmin(address)", fresh)
    hashes = _send(rpc, by, former, [(one, goes) for one in lists])
    return hashes + _send(rpc, by, fresh, [*((one, comes) for one in lists), _coin(fresh, _COINS)])


def let_in_once(
    rpc: RpcClient, by: Signer, address: str, *, deploys: bool = False, wei: int = 0
) -> list[str]:
    """As `let_in`, unless the address may do all of it already; then nothing is sent."""
    lists = (SENDERS, DEPLOYERS) if deploys else (SENDERS,)
    if all(role_of(rpc, one, address) != ListRole.NONE for one in lists):
        return []
    return let_in(rpc, by, address, deploys=deploys, wei=wei)


def shut_out(rpc: RpcClient, by: Signer, address: str) -> list[str]:
    """Take from an address that it may send and deploy; the hashes.  Raises as `let_in`."""
    call = _call("setNone(address)", address)
    return _send(rpc, by, address, [(SENDERS, call), (DEPLOYERS, call)])


def _call(signature: str, address: str) -> bytes:
    return keccak(signature.encode())[:4] + bytes.fromhex(address_of(address)[2:]).rjust(32, b"\0")


def _send(
    rpc: RpcClient, by: Signer, address: str, calls: Sequence[tuple[str, bytes]]
) -> list[str]:
    chain_id = int(rpc.call("eth_chainId"), 16)
    nonce = int(rpc.call("eth_getTransactionCount", by.address, "latest"), 16)
    hashes = []
    for at, (contract, call_bytes) in enumerate(calls, nonce):
        signed = by.sign_transaction(
            ChainTransaction(chain_id, at, contract, call_bytes, _GAS, _FEE_WEI, 1)
        )
        try:
            rpc.call("eth_sendRawTransaction", "0x" + signed.raw.hex())
        except RpcFault as fault:
            raise ListChangeRefused(address=address, by=by.address, reason=fault.text) from fault
        hashes.append(signed.hash)
    for tx_hash in hashes:
        if int(accepted_receipt(rpc, tx_hash)["status"], 16) != 1:
            reason = f"transaction {tx_hash} had no effect: is it an administrator?"
            raise ListChangeRefused(address=address, by=by.address, reason=reason)
    return hashes


def accepted_receipt(rpc: RpcClient, tx_hash: str, timeout_s: float = 60.0) -> dict[str, str]:
    """The receipt once the transaction is in an accepted block; raises `ListChangeLate`."""
    limit = time.monotonic() + timeout_s
    while time.monotonic() < limit:
        found = rpc.call("eth_getTransactionReceipt", tx_hash)
        if found is not None:
            return dict(found)
        time.sleep(0.05)
    raise ListChangeLate(f"transaction {tx_hash} is in no block after {timeout_s} s.")
