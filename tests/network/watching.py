"""Watches what each validator accepts, block by block: the law is one history.

Every node is asked by a thread of its own, so that one that is silent hides nothing of the others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

from amanat.core.errors import AmanatError
from amanat.ledger.rpc import NodeToken, RpcClient, RpcFault

_PAUSE_S = 0.2
_BLOCKS_AT_ONCE = 100


@dataclass(slots=True)
class Seen:
    """What one node said that it accepted: the hash at each height, and when it was first seen."""

    hashes: dict[int, str] = field(default_factory=dict)
    at: dict[int, float] = field(default_factory=dict)

    @property
    def height(self) -> int:
        """The highest accepted block that was seen."""
        return max(self.hashes, default=-1)


class Watcher:
    """Follows the accepted blocks of nodes, by URL, from the height that each has at the start."""

    def __init__(
        self, urls: Mapping[str, str], chain_id: int, token: NodeToken | None = None
    ) -> None:
        self._clients = {
            name: RpcClient([url], chain_id=chain_id, timeout_s=5.0, rest_s=0.0, token=token)
            for name, url in urls.items()
        }
        self.seen = {name: Seen() for name in urls}
        self._changed: list[str] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._follow, args=(name,), daemon=True) for name in urls
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=30)
        for client in self._clients.values():
            client.close()

    def client(self, name: str) -> RpcClient:
        """Asks this node alone."""
        return self._clients[name]

    def heights(self) -> dict[str, int]:
        """The highest accepted block seen of each node."""
        return {name: one.height for name, one in self.seen.items()}

    def _follow(self, name: str) -> None:
        while not self._stop.wait(_PAUSE_S):
            try:
                self._look(name)
            except AmanatError:
                continue

    def _look(self, name: str) -> None:
        seen, client = self.seen[name], self._clients[name]
        latest = int(client.call("eth_blockNumber"), 16)
        first = seen.height + 1 if seen.hashes else latest
        last = min(latest, first + _BLOCKS_AT_ONCE - 1)
        for height, found in _hashes(client, range(first, last + 1)).items():
            seen.at[height] = time.monotonic()
            seen.hashes[height] = found

    def settle(self, names: set[str], quiet_s: float = 5.0, within_s: float = 60.0) -> None:
        """Wait until these nodes have accepted nothing for a while; fails when they go on."""
        limit = time.monotonic() + within_s
        before, since = self.heights(), time.monotonic()
        while time.monotonic() - since < quiet_s:
            assert time.monotonic() < limit, f"still going on: {before}"
            time.sleep(_PAUSE_S)
            now = self.heights()
            if any(now[name] != before[name] for name in names):
                before, since = now, time.monotonic()

    def wait_above(self, height: int, names: set[str], within_s: float = 300.0) -> float:
        """Seconds until each of these nodes has accepted a block above a height."""
        began = time.monotonic()
        while any(self.seen[name].height <= height for name in names):
            assert time.monotonic() - began < within_s, f"not above {height}: {self.heights()}"
            time.sleep(0.05)
        return time.monotonic() - began

    def longest_gap(self, since: float, until: float) -> float:
        """Seconds that the network as a whole took longest from one accepted block to the next."""
        first: dict[int, float] = {}
        for seen in self.seen.values():
            for height, moment in list(seen.at.items()):
                first[height] = min(moment, first.get(height, moment))
        times = sorted(moment for moment in first.values() if since <= moment <= until)
        return max((later - earlier for earlier, later in pairwise([since, *times, until])))

    def disagreements(self) -> list[str]:
        """Heights at which two nodes accepted different blocks, ever; the law is that none is."""
        told = []
        by_height: dict[int, dict[str, str]] = {}
        for name, seen in self.seen.items():
            for height, found in list(seen.hashes.items()):
                by_height.setdefault(height, {})[name] = found
        for height, claims in sorted(by_height.items()):
            if len(set(claims.values())) > 1:
                told.append(f"{height}: {claims}")
        return told

    def forgotten(self) -> list[str]:
        """Blocks that a node had accepted and now has not, or has another one in their place."""
        told = []
        for name, seen in self.seen.items():
            known = dict(seen.hashes)
            now = _hashes(self._clients[name], sorted(known))
            told += [
                f"{name} {height}: {found} became {now.get(height)}"
                for height, found in known.items()
                if now.get(height) != found
            ]
        return told


def _hashes(client: RpcClient, heights: range | list[int]) -> dict[int, str]:
    """The hash of the node's block at each height; one that it does not have is left out."""
    answers = client.batch([("eth_getBlockByNumber", (hex(one), False)) for one in heights])
    return {
        height: str(answer["hash"])
        for height, answer in zip(heights, answers, strict=True)
        if isinstance(answer, dict) and not isinstance(answer, RpcFault)
    }
