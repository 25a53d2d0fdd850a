"""The nodes refuse who is not on the chain's lists, before any contract sees the transaction."""

from __future__ import annotations

import pytest
from tests.network.sending import send, status

from amanat.ledger.rpc import RpcClient, RpcFault
from amanat.ledger.signers import KeySigner
from amanat.ledger.wire import created_address
from amanat.network.home import Home
from amanat.network.lists import (
    DEPLOYERS,
    MINTER,
    SENDERS,
    ListChangeRefused,
    ListRole,
    give_coin,
    let_in,
    role_of,
    shut_out,
    succeed,
)

pytestmark = pytest.mark.network

COIN = 10**18
# Creates a contract whose code is one STOP: PUSH1 1, PUSH1 0, RETURN of zeroed memory.
CREATION = bytes.fromhex("60016000f3")


def with_coin(rpc: RpcClient, validators: Home, *, deploys: bool = False) -> KeySigner:
    """A key that may send, with coin, so that no refusal is for want of fees."""
    key = KeySigner.generate()
    let_in(rpc, validators.administrator("ministry"), key.address, deploys=deploys, wei=COIN)
    return key


def test_who_was_let_in_sends_and_a_stranger_is_refused_by_the_node(
    rpc: RpcClient, validators: Home
) -> None:
    key, stranger = with_coin(rpc, validators), KeySigner.generate()
    assert status(rpc, send(rpc, key, key.address)) == 1
    # With coin of its own, so that it is refused for nothing but the list.
    give_coin(rpc, validators.administrator("ministry"), stranger.address, COIN)
    with pytest.raises(RpcFault, match="non-allow listed address"):
        send(rpc, stranger, key.address)


def test_who_was_shut_out_is_refused_by_every_node(rpc: RpcClient, validators: Home) -> None:
    key = with_coin(rpc, validators, deploys=True)
    assert status(rpc, send(rpc, key, key.address)) == 1
    shut_out(rpc, validators.administrator("central_bank"), key.address)
    assert role_of(rpc, SENDERS, key.address) is ListRole.NONE
    assert role_of(rpc, DEPLOYERS, key.address) is ListRole.NONE
    founded = validators.founded()
    for url in founded.rpc_urls():
        one = RpcClient([url], chain_id=founded.chain_id, token=validators.token())
        with pytest.raises(RpcFault, match="non-allow listed address"):
            send(one, key, key.address)
        one.close()


def test_a_sender_deploys_only_with_permission(rpc: RpcClient, validators: Home) -> None:
    deployer, sender = with_coin(rpc, validators, deploys=True), with_coin(rpc, validators)
    assert status(rpc, send(rpc, deployer, None, CREATION)) == 1
    assert rpc.call("eth_getCode", created_address(deployer.address, 0), "latest") == "0x00"
    with pytest.raises(RpcFault, match="may not create contracts"):
        send(rpc, sender, None, CREATION)
    assert rpc.call("eth_getTransactionCount", sender.address, "pending") == "0x0"


def test_only_an_administrator_changes_the_lists(rpc: RpcClient, validators: Home) -> None:
    key, other = with_coin(rpc, validators), KeySigner.generate()
    with pytest.raises(ListChangeRefused):
        let_in(rpc, key, other.address, wei=COIN)
    assert role_of(rpc, SENDERS, other.address) is ListRole.NONE
    assert role_of(rpc, MINTER, key.address) is ListRole.NONE
    assert int(rpc.call("eth_getBalance", other.address, "latest"), 16) == 0


def test_an_administrators_key_is_lost_and_the_other_replaces_it(
    rpc: RpcClient, validators: Home
) -> None:
    """Made with a third, so that the network keeps both of its own."""
    ministry, bank = (validators.administrator(one) for one in ("ministry", "central_bank"))
    with pytest.raises(ListChangeRefused, match="another administrator"):
        succeed(rpc, ministry, ministry.address, bank.address)
    stolen, fresh = KeySigner.generate(), KeySigner.generate()
    nobody = KeySigner.generate().address
    succeed(rpc, ministry, nobody, stolen.address)
    assert role_of(rpc, SENDERS, stolen.address) is ListRole.ADMIN
    succeed(rpc, bank, stolen.address, fresh.address)
    for one in (SENDERS, DEPLOYERS, MINTER):
        assert role_of(rpc, one, stolen.address) is ListRole.NONE
        assert role_of(rpc, one, fresh.address) is ListRole.ADMIN
    with pytest.raises((ListChangeRefused, RpcFault), match=r"non-allow listed|no effect"):
        let_in(rpc, stolen, nobody)
    let_in(rpc, fresh, nobody, wei=COIN)  # nothing stopped, nothing is lost
    assert role_of(rpc, SENDERS, nobody) is ListRole.ENABLED
    for one in (fresh.address, nobody):
        shut_out(rpc, ministry, one)
