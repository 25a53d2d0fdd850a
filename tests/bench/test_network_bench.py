"""The network bench measures what it says: groups apart, quantiles over instructions, transfers."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import pytest

from amanat.ledger.node import EmbeddedNode
from amanat.ledger.rpc import RpcClient
from amanat.ledger.signers import KeySigner

BENCH = str(Path(__file__).resolve().parents[2] / "bench")
CHAIN_ID = 86_093


@pytest.fixture(scope="module")
def bench() -> Any:
    """The bench's module, with the others of its folder."""
    sys.path.insert(0, BENCH)
    try:
        import network

        yield network
    finally:
        sys.path.remove(BENCH)


@pytest.mark.parametrize("signed", ["instruction", "list"])
def test_each_acts_instructions_are_among_one_group(bench: Any, signed: str) -> None:
    accounts = bench.bank_accounts(12)
    drawn = bench.draw_groups(accounts, 3, 50, 10, {}, random.Random(1), signed)
    assert len(drawn) == 50
    groups = [{one.address for one in accounts[at::3]} for at in range(3)]
    for at, row in enumerate(drawn):
        assert {row[0].address, row[1].address} <= groups[(at // 10) % 3]
    # A deliverer never gives a number twice.
    assert len({(row[0].address, row[2]) for row in drawn}) == 50


def test_quantiles_count_instructions_and_not_batches(bench: Any) -> None:
    assert bench.quantiles([(98, 1.0), (1, 2.0), (1, 9.0)]) == (1.0, 9.0)
    assert bench.quantiles([(1, 3.0)]) == (3.0, 3.0)
    with pytest.raises(bench.BenchFailed):
        bench.quantiles([])


def test_settlement_has_as_many_senders_as_are_asked_for(bench: Any) -> None:
    assert bench.settlement_senders(1) == ("settlement", "payments", "tenders")
    assert bench.settlement_senders(3)[:3] == ("settlement", "settlement_2", "settlement_3")


def test_transfers_are_all_on_the_chain(bench: Any, tmp_path: Path) -> None:
    import transfers

    del bench
    signers = [KeySigner.generate() for _ in range(2)]
    funded = {one.address: 10**27 for one in signers}
    with EmbeddedNode(tmp_path / "node", chain_id=CHAIN_ID, funded=funded) as node:
        rpc = RpcClient(node.urls, chain_id=CHAIN_ID)
        assert transfers.transfers_per_s(transfers.Sending(rpc, signers, embedded=True), 50) > 0
        # Everybody's last nonce says that nothing was left out.
        counts = [
            int(rpc.call("eth_getTransactionCount", one.address, "latest"), 16) for one in signers
        ]
        assert sorted(counts) == [25, 25 + 1 + 2 + 1]
        rpc.close()
