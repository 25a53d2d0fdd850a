"""Assets are not on the ledger: nothing there means anything here."""

from __future__ import annotations

from amanat.ledger.registry import HandlerRegistry


def register(registry: HandlerRegistry) -> None:
    """Register this room's functions: none."""
    del registry
