"""Reports order nothing on the ledger, and its events say nothing of them."""

from __future__ import annotations

from amanat.ledger.registry import HandlerRegistry


def register(registry: HandlerRegistry) -> None:
    """Nothing to register."""
    del registry
