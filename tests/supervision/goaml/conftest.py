"""Desks of which one exchange is registered on goAML."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.supervision.cases.desks import Desks, desks_world


@pytest.fixture
def desks(sqlite_url: str, tmp_path: Path) -> Iterator[Desks]:
    """A supervisor, an FIU, two exchanges; `exchange_x` is registered as 4711."""
    with desks_world(sqlite_url, tmp_path) as world:
        yield world
