"""Which senders of transactions are on the chain's own lists, asked of the node behind a gate."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from amanat.core.errors import Unavailable
from amanat.ledger.wire import keccak
from amanat.network.lists import DEPLOYERS, SENDERS
from amanat.network.raw_transactions import Sent

_READ = "0x" + keccak(b"readAllowList(address)")[:4].hex()
_WORD_TEXT = 66
_KNOWN_FOR_S = 1.0
_KNOWN_MAX = 10_000
_ASKED_MAX = 500

Ask = Callable[[Sequence[dict[str, Any]]], Awaitable[Any]]


class ListsSilent(Unavailable):
    """The node does not say who is on the chain's lists, so nothing is sent through it."""


class SenderLists:
    """Asks the node for roles; who is on the list of senders is believed for a second.

    A second is safe: the node itself refuses whoever was struck off meanwhile, when it takes a
    transaction into its pool and again when it makes a block.  Of creations it does neither, so
    the list of deployers is asked each time.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._known: dict[str, float] = {}

    async def of(self, sent: Sequence[Sent]) -> tuple[set[str], set[str]]:
        """Of the senders those on the list of senders, and of the creators those of deployers.

        Raises `ListsSilent`.
        """
        now = time.monotonic()
        senders = {one.sender for one in sent}
        creators = {one.sender for one in sent if one.creates}
        known = {one for one in senders if now - self._known.get(one, -_KNOWN_FOR_S) < _KNOWN_FOR_S}
        asked = [(SENDERS, one) for one in sorted(senders - known)]
        asked += [(DEPLOYERS, one) for one in sorted(creators)]
        listed: set[tuple[str, str]] = set()
        for first in range(0, len(asked), _ASKED_MAX):
            listed |= await self._listed(asked[first : first + _ASKED_MAX])
        if len(self._known) > _KNOWN_MAX:
            self._known.clear()
        for contract, one in listed:
            if contract == SENDERS:
                self._known[one] = now
        found = known | {one for contract, one in listed if contract == SENDERS}
        return found, {one for contract, one in listed if contract == DEPLOYERS}

    async def _listed(self, asked: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        calls = [
            {
                "jsonrpc": "2.0",
                "id": at,
                "method": "eth_call",
                "params": [{"to": contract, "data": _READ + address[2:].rjust(64, "0")}, "latest"],
            }
            for at, (contract, address) in enumerate(asked)
        ]
        answers = await self._ask(calls)
        try:
            roles = {int(one["id"]): _role(one["result"]) for one in answers}
            return {pair for at, pair in enumerate(asked) if roles[at]}
        except (KeyError, TypeError, ValueError):
            raise ListsSilent("the node does not tell who is on the chain's lists.") from None


def _role(answer: str) -> int:
    """The role that a list gives, 0 for none; a chain without lists answers with nothing."""
    if len(answer) != _WORD_TEXT:
        raise ValueError("not a word")
    return int(answer, 16)
