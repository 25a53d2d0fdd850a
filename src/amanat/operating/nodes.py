"""Each node as it answers now: all of them at once, none waited for longer than a moment."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from amanat.core.errors import AmanatError
from amanat.ledger.rpc import NodeToken

ANSWER_WITHIN_S = 2.0
_ASKED: tuple[tuple[str, list[Any]], ...] = (
    ("eth_chainId", []),
    ("eth_getBlockByNumber", ["latest", False]),
    ("net_peerCount", []),
    ("web3_clientVersion", []),
)


@dataclass(frozen=True, slots=True)
class NodeSeen:
    """What one node said.  `trouble` is a word where it is of no use; `node` holds no secret.

    `block_at` is its newest block's time in seconds since 1970.  A node that does not tell its
    peers has None.
    """

    node: str
    trouble: str | None
    latency_ms: int | None = None
    chain_id: int | None = None
    height: int | None = None
    block_at: int | None = None
    peers: int | None = None
    software: str | None = None


def labels(urls: Sequence[str]) -> list[str]:
    """A name for each URL, its host and port alone: paths, users and queries may be secrets."""
    told: list[str] = []
    for url in urls:
        name = urlsplit(url).netloc.rpartition("@")[2] or "node"
        same = sum(1 for one in told if one.partition("#")[0] == name)
        told.append(f"{name}#{same + 1}" if same else name)
    return told


def look_at(urls: Sequence[str], chain_id: int, token: NodeToken | None = None) -> list[NodeSeen]:
    """Every node of the list, in its order, shown the token where there is one."""
    if not urls:
        return []
    limits = httpx.Timeout(ANSWER_WITHIN_S)
    try:
        # From the file each time: it may have been rotated.
        headers = NodeToken(token.file).header() if token else {}
    except AmanatError as error:
        return [NodeSeen(one, error.code) for one in labels(urls)]
    with (
        httpx.Client(timeout=limits, trust_env=False, headers=headers) as client,
        ThreadPoolExecutor(min(len(urls), 16)) as pool,
    ):
        named = zip(urls, labels(urls), strict=True)
        return list(pool.map(lambda one: _look(client, one[0], one[1], chain_id), named))


def _look(client: httpx.Client, url: str, node: str, chain_id: int) -> NodeSeen:
    body = [
        {"jsonrpc": "2.0", "id": at, "method": method, "params": params}
        for at, (method, params) in enumerate(_ASKED)
    ]
    began = time.perf_counter()
    try:
        response = client.post(url, json=body)
        latency_ms = round((time.perf_counter() - began) * 1000)
        if response.status_code in {401, 403}:
            return NodeSeen(node, "not_admitted", latency_ms)
        answers = {one["id"]: one.get("result") for one in response.json()}
    except httpx.TimeoutException:
        return NodeSeen(node, "no_answer_in_time")
    except httpx.HTTPError:
        return NodeSeen(node, "no_answer")
    except (ValueError, KeyError, TypeError, AttributeError):
        return NodeSeen(node, "unexpected_answer")
    found = _number(answers.get(0))
    head: Mapping[str, Any] = answers[1] if isinstance(answers.get(1), dict) else {}
    height = _number(head.get("number"))
    trouble = None
    if found is None or height is None:
        trouble = "unexpected_answer"
    elif found != chain_id:
        trouble = "other_chain"
    software = answers.get(3)
    return NodeSeen(
        node=node,
        trouble=trouble,
        latency_ms=latency_ms,
        chain_id=found,
        height=height,
        block_at=_number(head.get("timestamp")),
        peers=_number(answers.get(2)),
        software=software[:60] if isinstance(software, str) else None,
    )


def _number(value: Any) -> int | None:
    try:
        return int(value, 16) if isinstance(value, str) else None
    except ValueError:
        return None
