"""A market on a real node, once with SQLite and once with PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.settlement.trading import Trading, prepared_trading


@pytest.fixture
def trading(tmp_path: Path, database_url: str) -> Iterator[Trading]:
    """Traders with cash, and both securities in the distribution account."""
    yield from prepared_trading(tmp_path, database_url)
