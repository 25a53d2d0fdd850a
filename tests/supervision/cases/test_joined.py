"""A transfer that two exchanges report is one to every desk, between the two persons of it.

Both reports are what honest exchanges store: each names its own customer and the other's account.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.licensing.world import CODE, MARCH
from tests.supervision.cases.desks import (
    ACCOUNT_X,
    OTHER,
    SUBJECT,
    WALLET,
    Desks,
    desks_world,
    ids,
)
from tests.supervision.returns.stored_rows import row, store_transactions

from amanat.supervision.cases.commands import OpenCase
from amanat.supervision.monitoring.tables import alert

DAY = MARCH - timedelta(2)
VALUE, COIN_VALUE = 70_000_000, 90_000_000
RECEIVING = 6_001
HASH = "ab" * 32


def transfer(exchange: str, **fields: Any) -> dict[str, Any]:
    """One side's report of a transfer over the books."""
    return row(
        exchange, "B-1", DAY, kind="transfer", value=VALUE, from_account=ACCOUNT_X,
        from_exchange="exchange_x", to_account=RECEIVING, to_exchange="exchange_y",
        **{"from_country": None, "to_country": None} | fields,
    )  # fmt: skip


def over_chain(exchange: str, kind: str, **fields: Any) -> dict[str, Any]:
    """One side's report of a transfer over a chain."""
    return row(
        exchange, "B-2", DAY, kind=kind, value=COIN_VALUE, asset="BTC", quantity=Decimal("0.3"),
        network="bitcoin", transaction_hash=HASH, hosted=True, **fields,
    )  # fmt: skip


def x_reports() -> list[dict[str, Any]]:
    """What the sender's exchange reports."""
    mine = {"from_party": SUBJECT, "from_country": "PK"}
    sent = mine | {"from_account": ACCOUNT_X, "from_exchange": "exchange_x"}
    return [
        transfer("exchange_x", **mine),
        over_chain("exchange_x", "withdrawal", to_account=WALLET, **sent),
    ]


def y_reports() -> list[dict[str, Any]]:
    """What the receiver's exchange reports."""
    mine = {"to_party": OTHER, "to_country": "PK"}
    came = mine | {"to_account": RECEIVING, "to_exchange": "exchange_y"}
    return [
        transfer("exchange_y", **mine),
        over_chain("exchange_y", "deposit", from_account=WALLET, **came),
    ]


@pytest.fixture
def desks(sqlite_url: str, tmp_path: Path) -> Iterator[Desks]:
    """Desks where both exchanges reported both transfers."""
    with desks_world(sqlite_url, tmp_path, registered=False) as world:
        with world.store.engine.begin() as connection:
            store_transactions(connection, tmp_path, CODE, "exchange_x", 2, x_reports())
            store_transactions(connection, tmp_path, CODE, "exchange_y", 2, y_reports())
        yield world


def test_volumes_and_flows_count_a_transfer_once(desks: Desks) -> None:
    market = desks.look("pvara_officer", "market_overview")
    assert market["transactions"] == 4 + 2
    assert int(market["value_minor"]) == 475_000_000 + VALUE + COIN_VALUE
    flows = {(one["source"], one["target"]): one for one in market["flows"]}
    between = flows["exchange_x", "exchange_y"]
    assert (between["count"], int(between["value_minor"])) == (2, VALUE + COIN_VALUE)
    assert not any("hosted_wallet" in ends for ends in flows)
    by_exchange = {one["exchange"]: one["count"] for one in market["assets"] if one["count"] > 1}
    assert by_exchange == {"exchange_x": 3}  # two deposits and what it sent; Y's one stands alone


def test_the_network_has_one_edge_between_the_two_persons(desks: Desks) -> None:
    opening = OpenCase(subject=f"party:{SUBJECT}", title="x", reason="x", transactions=ids("T-1"))
    case = desks.do_as("pvara_officer", opening)["case"]
    shown = desks.look("pvara_officer", "case_network", case=case, hops=2, days=30)
    (edge,) = (one for one in shown["edges"] if one["target"] == f"party:{OTHER}")
    assert edge["source"] == f"party:{SUBJECT}"
    assert (edge["transactions"], int(edge["value_minor"])) == (
        3,
        50_000_000 + VALUE + COIN_VALUE,
    )
    assert f"account:{RECEIVING}" not in {one["node"] for one in shown["nodes"]}


@pytest.mark.parametrize("cited", [("exchange_x", "exchange_y"), ("exchange_y",)])
def test_an_alert_s_flow_is_between_persons_whoever_s_report_it_cites(
    cited: tuple[str, ...], desks: Desks
) -> None:
    some = [one for exchange in cited for one in ids("B-1", "B-2", exchange=exchange)]
    with desks.store.engine.begin() as connection:
        connection.execute(
            alert.insert().values(
                programme=CODE, id="a" * 32, scenario="structuring", version="1", run="-",
                subject=f"party:{SUBJECT}", exchanges=["exchange_x", "exchange_y"],
                day=DAY.isoformat(), score="0.700", explanation={}, transactions=some,
                transactions_all=len(some), state="open", found_at="-",
            )
        )  # fmt: skip
    shown = desks.look("pvara_officer", "alert_flow", alert="a" * 32)
    assert len(shown["transactions"]) == 2
    edges = {(one["source"], one["target"]): one["transactions"] for one in shown["edges"]}
    assert (f"party:{SUBJECT}", f"party:{OTHER}") in edges


def test_an_exchange_is_not_told_who_is_on_the_other_side(desks: Desks) -> None:
    opening = OpenCase(subject="customer:17", title="x", reason="x", references=("B-1", "B-2"))
    case = desks.do_as("exchange_x_officer", opening)["case"]
    shown = desks.look("exchange_x_officer", "case_network", case=case)
    assert str(OTHER) not in str(shown)
    assert f"account:{RECEIVING}" in {one["node"] for one in shown["nodes"]}
