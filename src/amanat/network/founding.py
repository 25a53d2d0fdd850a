"""Founds a network: keys, genesis, validators and their chain, from a programme's folder.

The validators' staking keys, the primary network that carries the chain and the chain's first
blocks are made by avalanchego's own `tmpnet` (`network/founder`), which starts the nodes once and
stops them.  From then on a node is its folder and its `config.json`, and needs nothing else.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from amanat.core.errors import Unavailable
from amanat.network.gate_settings import GateSettings
from amanat.network.genesis import genesis
from amanat.network.home import Founded, Home, NetworkExists, Node, Parts
from amanat.network.plan import NetworkPlan

_FILES_WANTED = 32_768
_VOTES = 400
_VOTES_NEEDED = 280
_SECOND_NS = 1_000_000_000
_MIB = 1 << 20

Tell = Callable[[str], None]


class FoundingFailed(Unavailable):
    """The programs that found a network ended before they were done; their last words follow."""


def found(home: Home, plan: NetworkPlan, parts: Parts, tell: Tell) -> Founded:
    """Found the network of a plan in an empty folder; its nodes are stopped afterwards.

    `tell` hears what is being done.  Raises `NetworkExists`, `FoundingFailed`.
    """
    if home.folder.exists() and any(home.folder.iterdir()):
        raise NetworkExists(folder=home.folder)
    home.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tell("making the administrators' keys")
    keys = {
        one.institution: home.make_administrator(one.institution) for one in plan.administrators
    }
    first = genesis(plan, keys, int(time.time()))
    text = json.dumps(first, indent=2) + "\n"
    (home.folder / "genesis.json").write_text(text, encoding="utf-8")
    ports = _free_ports(3 * len(plan.validators))
    places = list(zip(ports[::3], ports[1::3], ports[2::3], strict=True))
    asked = {
        "root": str(home.folder / "founding"),
        "node": str(parts.node),
        "plugins": str(parts.plugins),
        "validators": [
            {"http-port": str(http), "staking-port": str(staking)} for http, staking, _ in places
        ],
        "flags": node_flags(),
        "genesis": first,
        "chain_config": chain_config(),
        "subnet_config": subnet_config(),
    }
    made = _run_founder(home, parts, asked, tell)
    nodes = tuple(
        Node(one.institution, one.name, node_id, *ports)
        for one, node_id, ports in zip(plan.validators, made["node_ids"], places, strict=True)
    )
    for node, folder in zip(nodes, made["folders"], strict=True):
        home.node_folder(node.institution).parent.mkdir(mode=0o700, exist_ok=True)
        Path(folder).rename(home.node_folder(node.institution))
    for node in nodes:
        _write_config(home, nodes, node)
    founded = Founded(
        chain_id=plan.chain_id,
        network_id=made["network_id"],
        subnet_id=made["subnet_id"],
        blockchain_id=made["blockchain_id"],
        coin_for_senders=plan.coin_for_senders,
        administrators=keys,
        nodes=nodes,
    )
    shutil.rmtree(home.folder / "founding" / ".tmpnet", ignore_errors=True)
    home.keep(founded)
    tell("giving each institution its token")
    for node in nodes:
        _place_gate(home, founded, node)
        home.give_token(node.institution)
    return founded


def _place_gate(home: Home, founded: Founded, node: Node) -> None:
    """Write where the gate of a node stands, in the node's folder."""
    settings = GateSettings(
        institution=node.institution,
        host="127.0.0.1",
        port=node.gate_port,
        node=node.own_url,
        path=founded.rpc_path,
        chain_id=founded.chain_id,
    )
    settings.keep(home.node_folder(node.institution))


def node_flags() -> dict[str, str]:
    """Flags of every node: loopback alone, no interfaces that nobody needs, files as allowed."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _FILES_WANTED if hard == resource.RLIM_INFINITY else min(_FILES_WANTED, hard)
    return {
        "fd-limit": str(files),
        "http-host": "127.0.0.1",
        "staking-host": "127.0.0.1",
        "public-ip": "127.0.0.1",
        "db-type": "pebbledb",  # waits for the disk at every write, where leveldb does not
        "api-admin-enabled": "false",
        "index-enabled": "false",
        "log-level": "info",
        "log-display-level": "warn",
        "log-rotater-max-files": "3",
        "proposervm-use-current-height": "true",
        "network-max-reconnect-delay": "1s",
        "network-peer-list-pull-gossip-frequency": "250ms",
        # Five idle nodes that ask each other ten times a second what is accepted take a quarter of
        # a processor; blocks are pushed anyway, and this is how one that missed some learns of it.
        "consensus-frontier-poll-frequency": "1s",
        "health-check-frequency": "2s",
        "system-tracker-disk-required-available-space": str(1 << 30),
        "system-tracker-disk-warning-threshold-available-space": str(2 << 30),
    }


def chain_config() -> dict[str, Any]:
    """How every node keeps the ledger's chain: the whole past, and room for one busy sender."""
    return {
        "pruning-enabled": False,
        "rpc-gas-cap": 200_000_000,
        "batch-request-limit": 1_000,
        "local-txs-enabled": True,
        "tx-pool-account-slots": 4_096,
        "tx-pool-account-queue": 4_096,
        "tx-pool-global-slots": 16_384,
        "tx-pool-global-queue": 16_384,
        "tx-pool-lifetime": "3h",
        "push-gossip-frequency": "20ms",
        "pull-gossip-frequency": "1s",
        "regossip-frequency": "2s",
        "trie-clean-cache": 64,
        "trie-dirty-cache": 64,
        "snapshot-cache": 64,
        "metrics-expensive-enabled": False,
        "log-level": "warn",
        "database-config": base64.b64encode(json.dumps(_database()).encode()).decode(),
    }


def _database() -> dict[str, Any]:
    """The chain's database: written to disk before a block counts as accepted.

    Its default is not to wait.  Five nodes that are killed at once, as by one loss of power, then
    come back without their last blocks, which everybody had been told were final.
    """
    return {"sync": True, "cacheSize": 64 * _MIB, "memTableSize": 16 * _MIB}


def subnet_config() -> dict[str, Any]:
    """Consensus among few validators: `docs/decisions/0009-network.md` says why these numbers."""
    return {
        "consensusParameters": {
            "k": _VOTES,
            # To prefer a block is not to accept it: after a cut, parts that made different blocks
            # come together at once by a plain majority, where 280 of 240 ± 10 is a rare chance.
            "alphaPreference": _VOTES // 2 + 1,
            "alphaConfidence": _VOTES_NEEDED,
            "beta": 20,
            "concurrentRepolls": 4,
            "optimalProcessing": 10,
            "maxOutstandingItems": 256,
            "maxItemProcessingTime": 30 * _SECOND_NS,
        },
        "proposerMinBlockDelay": 0,
        "validatorOnly": True,
    }


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _run_founder(home: Home, parts: Parts, asked: dict[str, Any], tell: Tell) -> dict[str, Any]:
    folder = home.folder / "founding"
    folder.mkdir(mode=0o700)
    log = folder / "founder.log"
    with subprocess.Popen(
        [str(parts.founder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # tmpnet keeps lists of what runs in the home of whoever runs it.
        env={**os.environ, "HOME": str(folder)},
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdin.write(json.dumps(asked))
        child.stdin.close()
        with log.open("w", encoding="utf-8") as kept:
            for line in child.stderr:
                kept.write(line)
                tell(_words(line))
        answer = child.stdout.read()
    if child.returncode != 0:
        last = log.read_text(encoding="utf-8")[-800:]
        raise FoundingFailed(f"The network was not founded: {last}")
    made: dict[str, Any] = json.loads(answer)
    return made


def _words(line: str) -> str:
    """The message in a line of avalanchego's log, without time, place and fields."""
    said = line.split("] ", 1)[-1].split(" {", 1)[0]
    parts = said.split(" ", 1)
    return (parts[1] if len(parts) > 1 and ".go:" in parts[0] else said).strip()[:80]


_FOUNDING_ALONE = ("bootstrap-ids", "bootstrap-ips", "data-dir", "process-context-file")


def _write_config(home: Home, nodes: Sequence[Node], node: Node) -> None:
    """The node's flags as tmpnet wrote them, with its folder and all others to start from."""
    folder = home.node_folder(node.institution)
    flags = json.loads((folder / "flags.json").read_text(encoding="utf-8"))
    for name in _FOUNDING_ALONE:
        flags.pop(name, None)
    others = [one for one in nodes if one is not node]
    flags["data-dir"] = str(folder)
    flags["bootstrap-ids"] = ",".join(one.node_id for one in others)
    flags["bootstrap-ips"] = ",".join(f"127.0.0.1:{one.staking_port}" for one in others)
    path = folder / "config.json"
    path.unlink(missing_ok=True)  # tmpnet's own, readable by the group; ours holds staking keys
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(flags, file, indent=2)
    (folder / "flags.json").unlink()
