"""A server in its own process, on a copy of the pilot's installation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.operating.served import Served, serving
from tests.web.installation import APPROVER, DEALER, OFFICER, built_once

KEEPERS = ("central_bank_officer", "central_bank_approver", "depository_approver")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Served]:
    """The pilot's installation, served by `amanat serve`; shared by the tests of one worker."""
    base = tmp_path_factory.getbasetemp()
    root = base if worker_id == "master" else base.parent
    folder = tmp_path_factory.mktemp("served") / "site"
    with serving(built_once(root), folder, (OFFICER, APPROVER, DEALER, *KEEPERS)) as found:
        yield found
