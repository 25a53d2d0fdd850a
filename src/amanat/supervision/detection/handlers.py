"""Detection is not on the ledger."""

from __future__ import annotations

from amanat.ledger.registry import HandlerRegistry


def register(registry: HandlerRegistry) -> None:
    """Register this room's functions: none."""
    del registry
