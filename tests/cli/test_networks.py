"""`amanat network` by its administrators, where no node answers."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.network.test_home import FOUNDED

from amanat.ledger.rpc import RpcClient
from amanat.network.home import Home

ADDRESS = "0x" + "12" * 20
COMMANDS = (
    f"allow {ADDRESS}",
    f"allow {ADDRESS} --keeps",
    f"succeed {ADDRESS} {ADDRESS}",
    f"fund {ADDRESS}",
    f"revoke {ADDRESS}",
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A network whose one node does not answer, and which one institution administers."""
    made = Home(tmp_path / "network")
    made.folder.mkdir()
    address = made.make_administrator("ministry")
    made.keep(replace(FOUNDED, administrators={"ministry": address}))
    made.give_token("ministry")
    return made


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many clients of nodes were opened and closed."""
    counts = {"opened": 0, "closed": 0}
    opened, closed = RpcClient.__init__, RpcClient.close

    def count_opened(self: RpcClient, *given: Any, **named: Any) -> None:
        counts["opened"] += 1
        opened(self, *given, **named)

    def count_closed(self: RpcClient) -> None:
        counts["closed"] += 1
        closed(self)

    monkeypatch.setattr(RpcClient, "__init__", count_opened)
    monkeypatch.setattr(RpcClient, "close", count_closed)
    return counts


@pytest.mark.parametrize("command", COMMANDS)
def test_a_silent_node_is_told_and_its_connections_are_closed(
    line: Any, home: Home, clients: dict[str, int], command: str
) -> None:
    result = line("network", *shlex.split(command), "--home", str(home.folder))
    assert result.exit_code == 3, result.exception
    assert result.stderr.startswith("node_unavailable: ")
    assert clients == {"opened": 1, "closed": 1}


@pytest.mark.parametrize("command", COMMANDS)
def test_whoever_is_no_administrator_opens_no_connection(
    line: Any, home: Home, clients: dict[str, int], command: str
) -> None:
    where = ("--home", str(home.folder), "--by", "bank")
    result = line("network", *shlex.split(command), *where)
    assert result.exit_code == 1, result.exception
    assert result.stderr.startswith("key_not_held: ")
    wrong = line("network", *shlex.split(command.replace(ADDRESS, "0x12")), *where)
    assert wrong.stderr.startswith("address_invalid: ")
    assert clients == {"opened": 0, "closed": 0}
