"""Gas of our transfers and settlements, beside the ERC-3643 reference, on one anvil node.

    python bench/gas.py [--quick] [--json FILE]

Every check is on, and each is shown by its refusal: level and validity of both participants,
class, freeze, hold, halt of the security and of the programme, business day.  The reference
(npm `@tokenysolutions/t-rex`, `@onchain-id/solidity`) is installed into `var/` from the lock in
`bench/peers/erc3643/`.  Figures are `gasUsed` of receipts; a run is deterministic.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coincurve import PrivateKey
from eth_abi.abi import encode
from eth_account import Account
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address
from rich.console import Console
from rich.table import Table

from amanat.ledger import typed_data as td
from amanat.ledger.refusals import ContractRefusal, decode

ROOT = Path(__file__).resolve().parents[1]
ANVIL = ROOT / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
CHAIN_ID = 86_092
ISIN = "PK0330011207"


def _world() -> Any:
    """The tests' founded programme: the same actors, here on a node."""
    path = ROOT / "tests/ledger/contracts/world.py"
    spec = importlib.util.spec_from_file_location("amanat_bench_world", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["amanat_bench_world"] = module
    spec.loader.exec_module(module)
    return module


kit = _world()


class Node:
    """An anvil node as a `Chain`: plain signed transactions at gas price 0."""

    chain_id = CHAIN_ID

    def __init__(self, url: str) -> None:
        self._url = url
        self._nonces: dict[str, int] = {}
        self.operator = kit.key_of("operator")

    def rpc(self, method: str, *params: Any) -> Any:
        """One JSON-RPC call; the error object comes back as `RuntimeError`'s argument."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        request = urllib.request.Request(
            self._url, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            result = json.load(answer)
        if "error" in result:
            raise RuntimeError(result["error"])
        return result["result"]

    def transact(self, key: PrivateKey, to: str | None, data: bytes, gas: int) -> dict[str, Any]:
        """Send and return the receipt."""
        sender = kit.address_of(key)
        nonce = self._nonces.get(sender, 0)
        call = {"nonce": nonce, "gasPrice": 0, "gas": gas, "value": 0, "data": data,
                "chainId": CHAIN_ID}  # fmt: skip
        if to is not None:
            call["to"] = to_checksum_address(to)
        signed = Account.sign_transaction(call, key.secret)
        digest = self.rpc("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex())
        self._nonces[sender] = nonce + 1
        for _ in range(500):
            receipt = self.rpc("eth_getTransactionReceipt", digest)
            if receipt is not None:
                return dict(receipt)
            time.sleep(0.01)
        raise RuntimeError(f"no receipt of {digest}")

    def deploy(self, code: bytes, key: PrivateKey | None = None) -> str:
        receipt = self.transact(key or self.operator, None, code, 12_000_000)
        assert receipt["status"] == "0x1"
        return str(receipt["contractAddress"])

    def send(self, to: str, data: bytes, key: PrivateKey | None, gas: int | None) -> Any:
        sender = key or self.operator
        receipt = self.transact(sender, to, data, gas or 20_000_000)
        logs = [
            (log["address"], [bytes.fromhex(t[2:]) for t in log["topics"]],
             bytes.fromhex(log["data"][2:]))
            for log in receipt["logs"]
        ]  # fmt: skip
        success = receipt["status"] == "0x1"
        output = b"" if success else self.view(to, data, kit.address_of(sender)).output
        return kit.Outcome(success, output, int(receipt["gasUsed"], 16), logs)

    def view(self, to: str, data: bytes, sender: str | None = None) -> Any:
        call = {"to": to, "data": "0x" + data.hex()}
        if sender is not None:
            call["from"] = sender
        try:
            answer = self.rpc("eth_call", call, "latest")
        except RuntimeError as error:
            revert = error.args[0].get("data") or "0x"
            return kit.Outcome(False, bytes.fromhex(revert[2:]), 0, [])
        return kit.Outcome(True, bytes.fromhex(answer[2:]), 0, [])

    def now(self) -> int:
        return int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)


@contextmanager
def node() -> Iterator[Node]:
    """A fresh anvil node on a free port, stopped afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(ANVIL), "--port", str(port), "--chain-id", str(CHAIN_ID), "--silent",
               "--hardfork", "cancun", "--base-fee", "0", "--gas-limit", "60000000",
               "--accounts", "0"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        chain = Node(f"http://127.0.0.1:{port}")
        for _ in range(200):
            try:
                chain.rpc("eth_chainId")
                break
            except OSError:
                time.sleep(0.05)
        yield chain
    finally:
        process.terminate()
        process.wait()


# Ours.


def founded(chain: Node, accounts: int, participants: int) -> tuple[Any, Any, list[PrivateKey]]:
    """A programme with `accounts` holders of `participants`, each with securities and cash."""
    world = kit.World(chain).found()
    world.open_day()
    issuer = kit.key_of("issuer")
    world.admit(1, kit.GOVERNMENT)
    world.open_accounts(1, [kit.address_of(issuer)])
    keys = [kit.key_of(f"account {i}") for i in range(accounts)]
    for participant in range(participants):
        world.admit(2 + participant)
        mine = [kit.address_of(key) for key in keys[participant::participants]]
        world.open_accounts(2 + participant, mine)
    world.authorise(world.authorisation(ISIN, 10**9))
    world.issue(1, 10**9, kit.address_of(issuer))
    security = world.security(ISIN)
    for key in keys:
        security.call("transfer", kit.address_of(key), 1_000_000, key=issuer)
        world.create_cash(kit.address_of(key), 10**12)
    return world, security, keys


def measure_transfer(chain: Node) -> int:
    """A transfer between two participants that both hold already."""
    _, security, keys = founded(chain, 2, 2)
    outcome = security.call("transfer", kit.address_of(keys[1]), 12_345, key=keys[0])
    return int(outcome.gas)


def measure_batch(chain: Node, accounts: int, instructions: int = 100, fresh: bool = True) -> float:
    """Gas an instruction of one batch of DvP; everything is cold when it starts.

    `fresh`: no account ever settled before, so that each also pays for its first word of numbers.
    """
    world, security, keys = founded(chain, accounts, min(10, accounts))
    rounds = [0] if fresh else [0, 1]
    used = 0.0
    for turn in rounds:
        items = []
        for i in range(instructions):
            deliverer = keys[i % accounts]
            receiver = keys[(i * 7 + 1 + i // accounts) % accounts]
            if receiver == deliverer:
                receiver = keys[(i + 1) % accounts]
            items.append(world.instruction(
                security, deliverer, receiver, 1_000 + i, 9_513_200 + 1_000 * i,
                turn * instructions + i // accounts,
            ))  # fmt: skip
        outcome = world.settlement.call("settle_batch", td.pack_batch(items))
        settled = world.settlement.events(outcome, "InstructionsSettled")[0]["digests"]
        assert len(settled) == instructions, "an instruction of the batch failed"
        used = outcome.gas / instructions
    return used


def measure_list(chain: Node, instructions: int = 100) -> float:
    """Gas an instruction of a list between two accounts, which each signed once."""
    world, security, keys = founded(chain, 2, 2)
    first, second = (td.address_of(key.public_key) for key in keys)
    items = [
        td.Listed(
            security.raw, *((first, second) if i % 2 else (second, first)),
            1_000 + i, 9_513_200 + 1_000 * i, i // 2, kit.DAY_ONE, kit.DAY_ONE + 1,
        )
        for i in range(instructions)
    ]  # fmt: skip
    outcome = world.settlement.call("settle_list", world.listed(tuple(keys), items))
    settled = world.settlement.events(outcome, "InstructionsSettled")[0]["digests"]
    assert len(settled) == instructions, "an instruction of the list failed"
    return float(outcome.gas) / instructions


def measure_cycle(chain: Node, trades: int = 100) -> float:
    """Gas a trade of a netted cycle of 100 trades among 10 participants in one security."""
    world, security, keys = founded(chain, 10, 10)
    cash = [0] * 10
    nominal = [0] * 10
    book = b""
    for i in range(trades):
        seller, buyer = i % 10, (i * 3 + 1 + i // 10) % 10
        buyer = buyer if buyer != seller else (buyer + 1) % 10
        amount, price = 1_000 + i, 95_132 * (1_000 + i) // 100
        nominal[seller] -= amount
        nominal[buyer] += amount
        cash[seller] += price
        cash[buyer] -= price
        book += encode(["uint256"] * 4, [seller, buyer, amount, price])
    digest = keccak(book)
    positions = []
    for i, key in enumerate(keys):
        account = td.address_of(key.public_key)
        values = (digest, account, 1, [security.raw], [nominal[i]], cash[i], kit.DAY_ONE,
                  kit.DAY_ONE + 1)  # fmt: skip
        [signature] = world.sign(world.settlement, td.POSITION, values, key)
        positions.append(td.SignedPosition(account, 1, cash[i], (nominal[i],), signature))
    packed = td.pack_cycle(digest, [security.raw], kit.DAY_ONE, kit.DAY_ONE + 1, positions)
    return float(world.settlement.call("settle_cycle", packed).gas) / trades


def show_refusals(chain: Node) -> list[tuple[str, str]]:
    """Each check that is on, by the refusal of an otherwise good transfer and batch."""
    world, security, keys = founded(chain, 3, 3)
    sender, receiver, other = (kit.address_of(key) for key in keys)
    shown: list[tuple[str, str]] = []
    numbers = iter(range(1_000))

    def refused(check: str, name: str) -> None:
        seen = "nothing"
        try:
            security.call("transfer", receiver, 1_000_000 - 10, key=keys[0])
        except ContractRefusal as refusal:
            seen = refusal.name
        assert seen == name, f"{check}: the transfer met {seen}"
        item = world.instruction(security, keys[0], keys[1], 999_990, 1, next(numbers))
        outcome = world.settlement.call("settle_batch", td.pack_batch([item]))
        [failure] = world.settlement.events(outcome, "InstructionFailed")
        assert decode(failure["reason"]).name == name, decode(failure["reason"]).message
        shown.append((check, decode(failure["reason"]).message))

    epoch = world.directory.ask("epoch")
    for who, participant in (("sender", 2), ("receiver", 3)):
        world.admit(participant, level=td.Level.FROZEN)
        refused(f"level of the {who}", "LevelForbids")
        world.admit(participant, valid_until=kit.DAY_ONE - 1)
        refused(f"validity of the {who}", "ParticipantExpired")
        world.admit(participant)
    [authority] = [world.key(kit.CENTRAL_BANK)]
    values = (world.number(), epoch, 3, kit.VASPS, kit.PAKISTAN, 1, 30_000)
    seals = world.sign(world.eligibility, td.PARTICIPANT, values, authority,
                       *(world.key(kit.PVARA, p) for p in (0, 1)))  # fmt: skip
    world.eligibility.call("set_participant", values, seals)
    refused("class of the receiver", "ClassNotAllowed")
    values = (world.number(), epoch, 3, kit.BANKS, kit.PAKISTAN, 1, 30_000)
    seals = world.sign(world.eligibility, td.PARTICIPANT, values, world.key(kit.PVARA),
                       *(world.key(kit.CENTRAL_BANK, p) for p in (0, 1)))  # fmt: skip
    world.eligibility.call("set_participant", values, seals)
    world.freeze(security.address, sender, 11)
    refused("freeze", "ERC7943InsufficientUnfrozenBalance")
    world.freeze(security.address, sender, 0)
    hold = (sender, 11, other, 1, kit.DAY_ONE + 9)
    [signature] = world.sign(security, td.HOLD, hold, keys[0])
    security.call("place_hold", hold, signature)
    refused("hold", "ERC7943InsufficientUnfrozenBalance")
    digest = security.domain.digest(td.HOLD.hash(*hold))
    [signature] = world.sign(security, td.HOLD_RELEASE, (digest,), keys[2])
    security.call("release_hold", digest, signature)
    number = security.ask("number")
    world.halt(number)
    refused("halt of the security", "TokenHalted")
    world.halt(number, False)
    world.halt(td.ContractId.PROGRAMME)
    refused("halt of the programme", "ProgrammeHalted")
    world.halt(td.ContractId.PROGRAMME, False)
    world.open_day(kit.DAY_ONE, td.Phase.CLOSED)
    refused("business day", "DayNotOpen")
    return shown


# The ERC-3643 reference.


def install_peer() -> Path:
    """The reference's compiled contracts, installed from the lock."""
    source, folder = ROOT / "bench/peers/erc3643", ROOT / "var/peers/erc3643"
    lock = (source / "package-lock.json").read_bytes()
    marker = folder / "node_modules/installed.lock"
    if not marker.is_file() or marker.read_bytes() != lock:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, folder / name)
        npm = Path(sys.executable).with_name("npm")
        command = str(npm) if npm.exists() else "npm"
        subprocess.run(
            [command, "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"],
            cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        marker.write_bytes(lock)
    return folder / "node_modules"


class Peer:
    """The reference's suite on the node: token, registries, identities with a claim."""

    def __init__(self, chain: Node, modules: Path) -> None:
        self.chain = chain
        self._artifacts: dict[str, Any] = {}
        for package in ("@onchain-id/solidity", "@tokenysolutions/t-rex"):
            for path in (modules / package / "artifacts").rglob("*.json"):
                if not path.name.endswith(".dbg.json") and "build-info" not in path.parts:
                    self._artifacts.setdefault(path.stem, path)
        self.owner = kit.key_of("peer owner")
        self.issuer = kit.key_of("peer claim issuer")
        self.country = 42
        self._implementations()

    def artifact(self, name: str) -> Any:
        return json.loads(self._artifacts[name].read_text())

    def deploy(self, name: str, *arguments: Any) -> str:
        compiled = self.artifact(name)
        entry = next((e for e in compiled["abi"] if e["type"] == "constructor"), {"inputs": []})
        kinds = [kit._kind(one) for one in entry["inputs"]]
        code = bytes.fromhex(compiled["bytecode"][2:]) + encode(kinds, arguments)
        return self.chain.deploy(code, self.owner)

    def data(self, name: str, function: str, *arguments: Any) -> bytes:
        entry = next(
            e for e in self.artifact(name)["abi"]
            if e.get("name") == function and len(e["inputs"]) == len(arguments)
        )  # fmt: skip
        kinds = [kit._kind(one) for one in entry["inputs"]]
        return keccak(f"{function}({','.join(kinds)})".encode())[:4] + encode(kinds, arguments)

    def call(
        self, key: PrivateKey, name: str, at: str, function: str, *arguments: Any
    ) -> dict[str, Any]:
        receipt = self.chain.transact(key, at, self.data(name, function, *arguments), 8_000_000)
        assert receipt["status"] == "0x1", f"{name}.{function} failed"
        return receipt

    def _implementations(self) -> None:
        zero = kit.NOBODY
        me = kit.address_of(self.owner)
        self.authority = self.deploy("TREXImplementationAuthority", True, zero, zero)
        parts = tuple(
            self.deploy(name)
            for name in ("Token", "ClaimTopicsRegistry", "IdentityRegistry",
                         "IdentityRegistryStorage", "TrustedIssuersRegistry", "ModularCompliance")
        )  # fmt: skip
        self.call(self.owner, "TREXImplementationAuthority", self.authority,
                  "addAndUseTREXVersion", (4, 1, 6), parts)  # fmt: skip
        identity = self.deploy("Identity", me, True)
        self.identities = self.deploy("ImplementationAuthority", identity)
        self.claims = self.deploy("ClaimIssuer", kit.address_of(self.issuer))
        self.topic = int.from_bytes(keccak(b"CLAIM_TOPIC"), "big")

    def suite(self, holders: list[PrivateKey], country_rule: bool) -> str:
        """A token of its own with these holders; its address."""
        owner, me = self.owner, kit.address_of(self.owner)
        topics = self.deploy("ClaimTopicsRegistryProxy", self.authority)
        issuers = self.deploy("TrustedIssuersRegistryProxy", self.authority)
        storage = self.deploy("IdentityRegistryStorageProxy", self.authority)
        registry = self.deploy("IdentityRegistryProxy", self.authority, issuers, topics, storage)
        compliance = self.deploy("ModularComplianceProxy", self.authority)
        token = self.deploy("TokenProxy", self.authority, registry, compliance, "Bond", "BOND",
                            0, kit.NOBODY)  # fmt: skip
        self.call(owner, "IdentityRegistryStorage", storage, "bindIdentityRegistry", registry)
        self.call(owner, "ClaimTopicsRegistry", topics, "addClaimTopic", self.topic)
        self.call(owner, "TrustedIssuersRegistry", issuers, "addTrustedIssuer", self.claims,
                  [self.topic])  # fmt: skip
        self.call(owner, "IdentityRegistry", registry, "addAgent", me)
        self.call(owner, "Token", token, "addAgent", me)
        if country_rule:
            module = self.deploy("CountryAllowModule")
            self.call(owner, "ModularCompliance", compliance, "addModule", module)
            self.call(owner, "ModularCompliance", compliance, "callModuleFunction",
                      self.data("CountryAllowModule", "addAllowedCountry", self.country),
                      module)  # fmt: skip
        for holder in holders:
            self._register(registry, holder)
            self.call(owner, "Token", token, "mint", kit.address_of(holder), 10**12)
        self.call(owner, "Token", token, "unpause")
        return token

    def _register(self, registry: str, holder: PrivateKey) -> None:
        at = kit.address_of(holder)
        identity = self.deploy("IdentityProxy", self.identities, at)
        claimed = keccak(encode(["address", "uint256", "bytes"], [identity, self.topic, b"\x01"]))
        digest = keccak(b"\x19Ethereum Signed Message:\n32" + claimed)
        self.call(holder, "Identity", identity, "addClaim", self.topic, 1, self.claims,
                  td.sign(digest, self.issuer), b"\x01", "")  # fmt: skip
        self.call(self.owner, "IdentityRegistry", registry, "registerIdentity", at, identity,
                  self.country)  # fmt: skip


def measure_peer(chain: Node) -> dict[str, int]:
    """The reference's transfer with no rule, with one country rule, and its DvP."""
    peer = Peer(chain, install_peer())
    maker, taker = kit.key_of("peer maker"), kit.key_of("peer taker")
    holders = [maker, taker]
    figures = {}
    for name, rule in (("transfer, no rule", False), ("transfer, one country rule", True)):
        token = peer.suite(holders, rule)
        figures[name] = peer.call(maker, "Token", token, "transfer", kit.address_of(taker), 12_345)
    security, cash = peer.suite(holders, False), peer.suite(holders, False)
    manager = peer.deploy("DVDTransferManager")
    amount, price = 12_345, 11_744_123
    steps = [peer.call(maker, "Token", security, "approve", manager, amount)]
    peer.call(taker, "Token", cash, "approve", manager, price)
    steps = [peer.call(maker, "DVDTransferManager", manager, "initiateDVDTransfer", security,
                       amount, kit.address_of(taker), cash, price)]  # fmt: skip
    transfer_id = bytes.fromhex(steps[0]["logs"][0]["topics"][1][2:])
    steps.append(peer.call(taker, "DVDTransferManager", manager, "takeDVDTransfer", transfer_id))
    used = {name: int(receipt["gasUsed"], 16) for name, receipt in figures.items()}
    return used | {"DvP": sum(int(step["gasUsed"], 16) for step in steps)}


def main() -> None:
    """Measure, print, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--quick", action="store_true", help="leave out the 200 accounts")
    options = parser.parse_args()
    sizes = (2, 20) if options.quick else (2, 20, 200)
    console = Console()
    with node() as chain:
        peer = measure_peer(chain)
        reference = "ERC-3643 (T-REX 4.1.6)"
        rows: list[dict[str, Any]] = [
            {"key": "transfer_gas", "value": measure_transfer(chain), "peer": reference,
             "peer_value": peer["transfer, one country rule"]},
        ]  # fmt: skip
        for size in sizes:
            rows.append({"key": "dvp_batch100_gas", "value": measure_batch(chain, size),
                         "size": size, "peer": reference, "peer_value": peer["DvP"]})  # fmt: skip
        rows.append({"key": "dvp_batch100_settled_before_gas", "size": 20,
                     "value": measure_batch(chain, 20, fresh=False)})  # fmt: skip
        rows.append({"key": "dvp_list100_gas", "value": measure_list(chain), "size": 2,
                     "peer": reference, "peer_value": peer["DvP"]})  # fmt: skip
        rows.append({"key": "dvp_netted_gas", "value": measure_cycle(chain), "size": 10,
                     "peer": reference, "peer_value": peer["DvP"]})  # fmt: skip
        shown = show_refusals(chain)
    figures = [row | {"unit": "gas", "value": round(row["value"])} for row in rows]
    table = Table("figure", "accounts", "gas", "ERC-3643", title="Gas on one node")
    for row in figures:
        table.add_row(row["key"], str(row.get("size", "")), f"{row['value']:,}",
                      f"{row['peer_value']:,}" if "peer_value" in row else "")  # fmt: skip
    console.print(table)
    console.print("The reference: " + ", ".join(f"{k} {v:,}" for k, v in peer.items()))
    checks = Table("check that is on", "refusal seen, in transfer and batch")
    for check, message in shown:
        checks.add_row(check, message)
    console.print(checks)
    if options.json:
        options.json.write_text(json.dumps({"figures": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
