"""Desks on either database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.supervision.cases.desks import Desks, desks_world


@pytest.fixture
def desks(database_url: str, tmp_path: Path) -> Iterator[Desks]:
    """A supervisor, an FIU, two exchanges."""
    with desks_world(database_url, tmp_path, registered=False) as world:
        yield world
