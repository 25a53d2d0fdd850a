"""What a wallet does that nobody here ordered."""

from __future__ import annotations

import time
from typing import Any

from amanat.ledger.signers import KeySigner
from amanat.ledger.wire import ChainTransaction

from .conftest import CHAIN_ID, PROGRAMME, World


def send(world: World, wallet: KeySigner, token: str, function: str, *args: Any) -> str:
    """Sign and send a call with the wallet's own key, until it is in a block; its hash.

    The node answers before it mines, and who looks at once may find the block not there yet.
    """
    rpc = world.ledger.rpc
    nonce = int(rpc.call("eth_getTransactionCount", wallet.address, "pending"), 16)
    call_bytes = world.ledger.gateway(PROGRAMME).encode("Token", function, *args)
    transaction = ChainTransaction(CHAIN_ID, nonce, token, call_bytes, 200_000, 10**9, 0)
    signed = wallet.sign_transaction(transaction)
    answer: str = rpc.call("eth_sendRawTransaction", "0x" + signed.raw.hex())
    assert answer == signed.hash
    limit = time.monotonic() + 30
    while rpc.call("eth_getTransactionReceipt", answer) is None:
        assert time.monotonic() < limit, f"{answer} is in no block"
        time.sleep(0.005)
    return answer
