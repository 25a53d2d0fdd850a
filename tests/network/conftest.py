"""Five validators that tests share: founded, brought up and taken down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from amanat.ledger.rpc import RpcClient
from amanat.network.founding import found
from amanat.network.home import Home, find_parts
from amanat.network.plan import load_plan
from amanat.network.status import wait_ready
from amanat.network.supervisor import bring_up, take_down

PILOT = Path(__file__).parents[2] / "pilots" / "pib-3y-2021"


def _silent(words: str) -> None:
    """Founding tells what it does; nobody listens here."""
    del words


@pytest.fixture(scope="session")
def validators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The five validators of the pilot's plan, healthy."""
    home = Home(tmp_path_factory.mktemp("network") / "home")
    found(home, load_plan(PILOT), find_parts(), _silent)
    bring_up(home)
    try:
        wait_ready(home)
        yield home
    finally:
        take_down(home)


@pytest.fixture(scope="module")
def rpc(validators: Home) -> Iterator[RpcClient]:
    client = validators.client()
    yield client
    client.close()
