"""The served installation that all tests of the faces read and act in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.web.installation import Installation, built_once, served


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Installation]:
    """The pilot's installation, served; shared by the tests of one worker."""
    base = tmp_path_factory.getbasetemp()
    root = base if worker_id == "master" else base.parent
    with served(built_once(root), tmp_path_factory.mktemp("site") / "installation") as found:
        yield found
