"""The ledger's thread: what keeps a round from its end, how it is told, and that it goes on."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sql
from tests.ledger.conftest import MakeWorld

from amanat.core.errors import AmanatError, Corrupt
from amanat.ledger.node import EmbeddedNode
from amanat.ledger.rpc import NodeUnavailable
from amanat.ledger.service import Ledger
from amanat.observing.logs import JsonLines
from amanat.store.engine import open_engine

NOWHERE = "http://127.0.0.1:1"
SECRET = "bank_a bids 99.1234"


def no_folder() -> bool:
    """A database that cannot be opened."""
    open_engine("sqlite:////no/such/folder/amanat.sqlite").connect()
    return False


def no_table() -> bool:
    """A statement of ours that is wrong, with a value in it."""
    with open_engine("sqlite://").connect() as connection:
        connection.execute(sql.text("SELECT * FROM bids WHERE secret = :s"), {"s": SECRET})
    return False


def mistake() -> bool:
    raise KeyError(SECRET)


def stopped() -> bool:
    raise Corrupt("two records differ")


def after(ledger: Ledger, fault: Callable[[], bool], monkeypatch: pytest.MonkeyPatch) -> str | None:
    """What the heartbeat says when one round of the thread met a fault."""
    stop = threading.Event()

    def step() -> bool:
        stop.set()
        return fault()

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "step", step)
        ledger.run(stop)
    return ledger.heartbeat.trouble


@pytest.fixture
def ledger(make_world: MakeWorld) -> Ledger:
    """A ledger whose node does not answer."""
    return make_world([NOWHERE]).ledger


@pytest.mark.parametrize(
    ("fault", "code", "level"),
    [
        (no_folder, "database_unavailable", logging.WARNING),
        (no_table, "round_failed", logging.ERROR),
        (mistake, "round_failed", logging.ERROR),
        (stopped, "corrupt", logging.ERROR),
    ],
)
def test_the_heartbeat_says_what_kept_a_round_from_its_end(
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: Callable[[], bool],
    code: str,
    level: int,
) -> None:
    assert after(ledger, fault, monkeypatch) == code
    (record,) = [one for one in caplog.records if one.name == "amanat.ledger.service"]
    assert record.levelno == level
    assert after(ledger, lambda: True, monkeypatch) is None  # and the next one ended well


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(no_table, "sqlalchemy.exc.OperationalError"), (mistake, "builtins.KeyError")],
)
def test_what_nobody_expected_is_logged_with_its_place_and_without_values(
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: Callable[[], bool],
    kind: str,
) -> None:
    after(ledger, fault, monkeypatch)
    (record,) = [one for one in caplog.records if one.name == "amanat.ledger.service"]
    written = JsonLines().format(record)
    told = json.loads(written)["exception"][0]
    assert told["error"] == kind
    assert any(f"{Path(__file__).name}:" in frame for frame in told["frames"])
    assert SECRET not in written


def test_a_node_that_does_not_answer_is_told_as_that(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AmanatError) as refused:
        ledger.step()
    assert isinstance(refused.value, NodeUnavailable)
    assert after(ledger, type(ledger).step.__get__(ledger), monkeypatch) == "node_unavailable"


def test_a_round_that_ends_well_says_so(
    make_world: MakeWorld, node: EmbeddedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = make_world(node.urls).ledger
    assert ledger.heartbeat.well_age_s is None
    assert after(ledger, type(ledger).step.__get__(ledger), monkeypatch) is None
    assert ledger.heartbeat.well_age_s is not None
