"""A Clique network on loopback: proof of authority without finality, for the tests alone.

geth 1.13.15 (`make clique`), a signer each with its own keystore, blocks every second, no
discovery: who is whose peer is said by the test, which can part the signers and join them again.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from coincurve import PrivateKey
from eth_account import Account

from amanat.ledger.rpc import NodeUnavailable, RpcClient
from amanat.ledger.signers import KeySigner
from amanat.ledger.wire import ChainTransaction

GETH = Path(__file__).parents[2] / "network" / "bin" / "geth"
CHAIN_ID = 1_781_949
GAS_LIMIT = 200_000_000
PERIOD_S = 1
_RICH_WEI = 10**27
_PASSWORD = "of a test"
_START_WITHIN_S = 120.0
_JOIN_WITHIN_S = 180.0


def genesis(signers: Sequence[str], rich: str) -> dict[str, Any]:
    """The genesis of EIP-225: the signers' addresses stand in the extra data, sorted.

    London is the last fork: Clique needs Ethereum's difficulty, which later ones do without.
    """
    forks = (
        "homestead eip150 eip155 eip158 byzantium constantinople petersburg istanbul berlin london"
    )
    config: dict[str, Any] = {f"{fork}Block": 0 for fork in forks.split()}
    config |= {"chainId": CHAIN_ID, "clique": {"period": PERIOD_S, "epoch": 30_000}}
    listed = "".join(sorted(one.removeprefix("0x").lower() for one in signers))
    return {
        "config": config,
        "difficulty": "0x1",
        "gasLimit": hex(GAS_LIMIT),
        "baseFeePerGas": "0x1",
        "timestamp": hex(int(time.time()) - 10),
        "extraData": "0x" + "00" * 32 + listed + "00" * 65,
        "alloc": {rich: {"balance": hex(_RICH_WEI)}},
    }


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


@dataclass(slots=True)
class Signer:
    """One node of the network, which signs blocks in its turn."""

    folder: Path
    number: int
    key: KeySigner
    peering: bytes
    ports: tuple[int, int]
    child: subprocess.Popen[bytes] | None = None
    rpc: RpcClient = field(init=False)

    def __post_init__(self) -> None:
        self.rpc = RpcClient([self.url], chain_id=CHAIN_ID)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def enode(self) -> str:
        public = PrivateKey(self.peering).public_key.format(compressed=False)[1:]
        return f"enode://{public.hex()}@127.0.0.1:{self.ports[1]}"

    def make(self, content: dict[str, Any]) -> None:
        """Write the keystore, and the first block into the node's database."""
        store = self.folder / "keystore"
        store.mkdir(parents=True)
        (self.folder / "password").write_text(_PASSWORD)
        (self.folder / "peering").write_text(self.peering.hex())
        secret = Account.encrypt(self.key.secret, _PASSWORD, kdf="scrypt", iterations=2)
        (store / "signer.json").write_text(json.dumps(secret))
        file = self.folder / "genesis.json"
        file.write_text(json.dumps(content))
        command = [str(GETH), "--datadir", str(self.folder), "init", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]

    def start(self) -> None:
        """Start the node; it mines, and asks nobody for peers."""
        http, peers = map(str, self.ports)
        command = [
            str(GETH), "--datadir", str(self.folder), "--networkid", str(CHAIN_ID),
            "--syncmode", "full", "--gcmode", "archive", "--nodiscover", "--nat", "none",
            "--netrestrict", "127.0.0.0/8", "--port", peers,
            "--nodekey", str(self.folder / "peering"), "--authrpc.port", "0",
            "--http", "--http.addr", "127.0.0.1", "--http.port", http,
            "--http.api", "eth,net,web3,admin,miner",
            "--rpc.batch-request-limit", "0", "--rpc.batch-response-max-size", "0",
            "--rpc.gascap", str(GAS_LIMIT), "--ipcdisable",
            "--mine", "--miner.etherbase", self.key.address,
            "--miner.gaslimit", str(GAS_LIMIT), "--miner.gasprice", "1", "--txpool.pricelimit", "1",
            "--txpool.accountslots", "1024", "--txpool.accountqueue", "1024",
            "--unlock", self.key.address, "--password", str(self.folder / "password"),
            "--allow-insecure-unlock", "--cache", "64", "--verbosity", "3",
        ]  # fmt: skip
        with (self.folder / "node.log").open("ab") as output:
            self.child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env=os.environ | {"GOMAXPROCS": "2"}, start_new_session=True,
            )  # fmt: skip

    def stop(self) -> None:
        """End the node and what this test asks it with."""
        self.rpc.close()
        if self.child is not None:
            self.child.terminate()
            try:
                self.child.wait(60)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait(60)

    def wait_answers(self) -> None:
        limit = time.monotonic() + _START_WITHIN_S
        while True:
            try:
                self.rpc.forget_rests()
                self.rpc.block_number()
                return
            except NodeUnavailable:
                assert self.child is not None
                ended = self.child.poll() is not None
                if ended or time.monotonic() > limit:
                    raise AssertionError((self.folder / "node.log").read_text()[-3000:]) from None
                time.sleep(0.1)

    def block(self, at: int | str) -> dict[str, Any] | None:
        """The block at a height or tag, as this node has it."""
        tag = at if isinstance(at, str) else hex(at)
        found: dict[str, Any] | None = self.rpc.call("eth_getBlockByNumber", tag, False)
        return found


class Clique:
    """The signers of one network.  `part` and `join` say who is whose peer."""

    def __init__(self, folder: Path, count: int) -> None:
        self.faucet = KeySigner.generate()
        ports = _free_ports(2 * count)
        self.signers = [
            Signer(
                folder / f"signer-{at}",
                at,
                KeySigner(secrets.token_bytes(32)),
                secrets.token_bytes(32),
                (ports[2 * at], ports[2 * at + 1]),
            )
            for at in range(count)
        ]
        content = genesis([one.key.address for one in self.signers], self.faucet.address)
        for one in self.signers:
            one.make(content)

    def start(self) -> None:
        """Start all signers, and wait until all are joined and make blocks."""
        assert GETH.is_file(), "geth is not built: make clique"
        for one in self.signers:
            one.start()
        for one in self.signers:
            one.wait_answers()
        self.join()
        self.wait(lambda: self.agree_on(3) is not None, "making blocks")

    def stop(self) -> None:
        for one in self.signers:
            one.stop()

    def hold(self, side: Collection[int]) -> None:
        """Let these signers make no block, and wait until the rules let them make the next one.

        EIP-225: a signer makes at most one of as many consecutive blocks as are more than half.
        """
        for number in side:
            self.signers[number].rpc.call("miner_stop")
        rpc = self.signers[0].rpc
        height = rpc.block_number() + len(self.signers) // 2 + 2
        self.wait(lambda: rpc.block_number() >= height, "held")

    def release(self, side: Collection[int]) -> None:
        """Let these signers make blocks again."""
        for number in side:
            self.signers[number].rpc.call("miner_start")

    def part(self, side: Collection[int]) -> None:
        """Let the signers of `side` have no peer among the others."""
        for ours, theirs in self._pairs():
            if (ours.number in side) != (theirs.number in side):
                ours.rpc.call("admin_removePeer", theirs.enode)

        def parted() -> bool:
            return all(
                self._peers(one) == sum((one.number in side) == (other.number in side)
                                        for other in self.signers) - 1
                for one in self.signers
            )  # fmt: skip

        self.wait(parted, "parted")

    def join(self) -> None:
        """Let every signer be every other's peer."""
        for ours, theirs in self._pairs():
            ours.rpc.call("admin_addPeer", theirs.enode)
        most = len(self.signers) - 1
        self.wait(lambda: all(self._peers(one) == most for one in self.signers), "joined")

    def fund(self, *addresses: str) -> None:
        """Give these coin for fees, and wait until every signer knows of it."""
        rpc = self.signers[0].rpc
        nonce = int(rpc.call("eth_getTransactionCount", self.faucet.address, "latest"), 16)
        for at, address in enumerate(addresses, nonce):
            transfer = ChainTransaction(
                CHAIN_ID, at, address, b"", 21_000, 10**10, 10**9, _RICH_WEI // 1000
            )
            raw = self.faucet.sign_transaction(transfer).raw
            rpc.call("eth_sendRawTransaction", "0x" + raw.hex())

        def funded() -> bool:
            asked = [("eth_getBalance", (one, "latest")) for one in addresses]
            return all(
                int(balance, 16) > 0 for one in self.signers for balance in one.rpc.batch(asked)
            )

        self.wait(funded, "funded")

    def agree_on(self, height: int) -> str | None:
        """The hash that all signers have at a height; None where they do not agree."""
        found = {(one.block(height) or {}).get("hash") for one in self.signers}
        return found.pop() if len(found) == 1 else None

    def wait(self, holds: Any, what: str, within_s: float = _JOIN_WITHIN_S) -> None:
        limit = time.monotonic() + within_s
        while not holds():
            told = {one.number: (self._peers(one), one.rpc.block_number()) for one in self.signers}
            assert time.monotonic() < limit, f"not {what}: {told}"
            time.sleep(0.1)

    def _pairs(self) -> Iterable[tuple[Signer, Signer]]:
        return combinations(self.signers, 2)

    def _peers(self, one: Signer) -> int:
        return int(one.rpc.call("net_peerCount"), 16)
