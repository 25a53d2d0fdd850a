"""What the gate before a node costs: requests and transactions a second through it and without.

    python bench/gate.py HOME [--rounds 3] [--json FILE]

HOME is a network of `amanat network init` that is up.  The same client of the application asks the
same node, by turns at the node's own port and at its gate's: one question after another, from eight
threads, two hundred in a batch, and signed transfers, a hundred to a batch, of a sender that is let
in for it, until they are in the node's pool.  Told is the median of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from amanat.ledger.rpc import RpcClient, RpcFault
from amanat.ledger.signers import KeySigner
from amanat.ledger.wire import ChainTransaction
from amanat.network.home import Home
from amanat.network.lists import let_in
from amanat.network.supervisor import running

SINGLE, THREADS, BATCH, BATCHES, TRANSFERS, RUNS = 400, 8, 200, 20, 100, 10
Measure = Callable[[RpcClient], float]


def one_by_one(rpc: RpcClient) -> float:
    """Questions a second, each asked when the one before is answered."""
    began = time.perf_counter()
    for _ in range(SINGLE):
        rpc.block_number()
    return SINGLE / (time.perf_counter() - began)


def from_threads(rpc: RpcClient) -> float:
    """Questions a second of eight threads."""
    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: rpc.block_number(), range(SINGLE)))
    return SINGLE / (time.perf_counter() - began)


def in_batches(rpc: RpcClient) -> float:
    """Questions a second, two hundred in a request."""
    call = ("eth_getTransactionCount", ("0x" + "11" * 20, "latest"))
    began = time.perf_counter()
    for _ in range(BATCHES):
        rpc.batch([call] * BATCH)
    return BATCH * BATCHES / (time.perf_counter() - began)


class Gate:
    """The process of a node's gate."""

    def __init__(self, home: Home, institution: str) -> None:
        self._stat = Path(f"/proc/{running(home)['gates'][institution]['pid']}/stat")

    def processor_s(self) -> float:
        """Processor time that it took so far, in seconds (proc(5): utime and stime)."""
        fields = self._stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Sending:
    """Transfers of a fresh sender in every round, so that no round waits for another's nonces."""

    def __init__(self, home: Home, client: RpcClient) -> None:
        self._administrator = home.administrator(next(iter(home.founded().administrators)))
        self._client = client
        self._chain_id = home.founded().chain_id

    def __call__(self, rpc: RpcClient) -> float:
        """Transactions a second until the node has them in its pool."""
        key = KeySigner.generate()
        let_in(self._client, self._administrator, key.address, wei=10**18)
        runs = [
            [self._transfer(key, first + at) for at in range(TRANSFERS)]
            for first in range(0, RUNS * TRANSFERS, TRANSFERS)
        ]
        began = time.perf_counter()
        for run in runs:
            answers = rpc.batch([("eth_sendRawTransaction", (one,)) for one in run])
            refused = [one for one in answers if isinstance(one, RpcFault)]
            if refused:
                sys.exit(f"the node refuses: {refused[0]}")
        return sum(map(len, runs)) / (time.perf_counter() - began)

    def _transfer(self, key: KeySigner, nonce: int) -> str:
        made = ChainTransaction(self._chain_id, nonce, key.address, b"", 21_000, 10**9, 1)
        return "0x" + key.sign_transaction(made).raw.hex()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("home", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    home = Home(asked.home)
    founded = home.founded()
    node = founded.nodes[0]
    straight = RpcClient([node.own_url + founded.rpc_path])
    gated = RpcClient([node.url + founded.rpc_path], token=home.token())
    gate = Gate(home, node.institution)
    measures: dict[str, tuple[int, Measure]] = {
        "one by one": (SINGLE, one_by_one),
        "eight threads": (SINGLE, from_threads),
        "batches of 200": (BATCH * BATCHES, in_batches),
        "transfers, 100 a batch": (TRANSFERS * RUNS, Sending(home, gated)),
    }
    told: dict[str, dict[str, float]] = {}
    for name, (count, measure) in measures.items():
        seen: dict[str, list[float]] = {"straight": [], "gate": [], "processor_us": []}
        for _ in range(asked.rounds):
            seen["straight"].append(measure(straight))
            before = gate.processor_s()
            seen["gate"].append(measure(gated))
            seen["processor_us"].append((gate.processor_s() - before) / count * 1e6)
        told[name] = {what: round(statistics.median(found)) for what, found in seen.items()}
        share = told[name]["gate"] / told[name]["straight"]
        print(f"{name:24} {told[name]['straight']:7} /s straight {told[name]['gate']:7} /s gate"
              f"  {share:4.0%}  {told[name]['processor_us']:5} us each in the gate",
              flush=True)  # fmt: skip
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
