"""How the nodes of a network are: heights, peers, versions, health, and who lags or differs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx

from amanat.core.errors import Unavailable
from amanat.network.gate_settings import STATUS_PATH
from amanat.network.home import Founded, Home, Node
from amanat.network.supervisor import running

_ASK_WITHIN_S = 3.0


class NetworkNotReady(Unavailable):
    """Not every node answers for the ledger's chain yet."""


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """What one node says of itself; what it does not say is None.

    `behind` counts blocks below the highest node.  `hash` is of the block at the height that all
    answering nodes have: two that differ there are on different chains.
    """

    institution: str
    node_id: str
    pid: int | None
    version: str | None = None
    peers: int | None = None
    healthy: bool | None = None
    height: int | None = None
    behind: int | None = None
    hash: str | None = None


@dataclass(frozen=True, slots=True)
class NetworkStatus:
    """The nodes, and whether those that answer agree on their common block."""

    chain_id: int
    common_height: int | None
    agree: bool
    nodes: tuple[NodeStatus, ...]


def status_of(home: Home) -> NetworkStatus:
    """Ask every node; one that is down or silent is shown as such.

    Raises `NetworkNotFounded`, `TokenNotHeld`.
    """
    founded = home.founded()
    processes = running(home)["nodes"]
    bearing = home.token().header()
    with httpx.Client(timeout=_ASK_WITHIN_S, trust_env=False, headers=bearing) as client:
        asked = [
            _ask(client, founded, node, processes.get(node.institution, {}).get("pid"))
            for node in founded.nodes
        ]
        heights = [one.height for one in asked if one.height is not None]
        common = min(heights, default=None)
        told = []
        for node, one in zip(founded.nodes, asked, strict=True):
            if one.height is not None and common is not None:
                found = _hash(client, founded, node, common)
                one = replace(one, behind=max(heights) - one.height, hash=found)
            told.append(one)
    hashes = {one.hash for one in told if one.height is not None}
    return NetworkStatus(founded.chain_id, common, len(hashes) <= 1, tuple(told))


def wait_ready(
    home: Home,
    tell: Callable[[int, int], None] | None = None,
    *,
    without: frozenset[str] = frozenset(),
    timeout_s: float = 180.0,
) -> NetworkStatus:
    """Wait until every node (but those of `without`) is healthy and serves the ledger's chain.

    `tell` hears how many of how many are.  Raises `NetworkNotReady`.
    """
    limit = time.monotonic() + timeout_s
    while True:
        found = status_of(home)
        wanted = [one for one in found.nodes if one.institution not in without]
        ready = [one for one in wanted if one.height is not None and (one.healthy or without)]
        if tell is not None:
            tell(len(ready), len(wanted))
        if len(ready) == len(wanted):
            return found
        if time.monotonic() > limit:
            late = ", ".join(
                f"{one.institution} ({_why(one)})" for one in wanted if one not in ready
            )
            raise NetworkNotReady(f"not ready after {timeout_s:.0f} s: {late}")
        time.sleep(0.3)


def _why(late: NodeStatus) -> str:
    """What a node that is not ready says of itself."""
    if late.version is None:
        return "silent" if late.pid else "has no process"
    if late.height is None:
        return "does not serve the chain"
    return f"not healthy at height {late.height}, {late.peers} peers"


def _ask(client: httpx.Client, founded: Founded, node: Node, pid: int | None) -> NodeStatus:
    told = _told(client, node)
    if told is None:
        return NodeStatus(node.institution, node.node_id, pid)
    height = _call(client, _rpc(founded, node), "eth_blockNumber", [])
    validators = {one.node_id for one in founded.nodes}
    return NodeStatus(
        institution=node.institution,
        node_id=node.node_id,
        pid=pid,
        version=told["version"],
        peers=sum(one in validators for one in told["peers"]),
        healthy=told["healthy"],
        height=int(height, 16) if isinstance(height, str) else None,
    )


def _told(client: httpx.Client, node: Node) -> dict[str, Any] | None:
    """What the node's gate tells of it; None where it or the node is silent."""
    try:
        response = client.get(f"{node.url}{STATUS_PATH}")
        told = response.json() if response.status_code == 200 else None
    except (httpx.HTTPError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def _rpc(founded: Founded, node: Node) -> str:
    return f"{node.url}{founded.rpc_path}"


def _hash(client: httpx.Client, founded: Founded, node: Node, height: int) -> str | None:
    block = _call(client, _rpc(founded, node), "eth_getBlockByNumber", [hex(height), False])
    return str(block["hash"]) if isinstance(block, dict) else None


def _call(client: httpx.Client, url: str, method: str, params: Any = None) -> Any:
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": method}
    if params is not None:
        body["params"] = params
    try:
        return client.post(url, json=body).json().get("result")
    except (httpx.HTTPError, ValueError):
        return None
