"""A trade has two rows with one number: an asset one way, its price the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from amanat.supervision.returns import reading, spill

from .conftest import IntakeWorld
from .exchanges import at, checked, found, transaction, written

Records = dict[str, list[dict[str, Any]]]


def with_one_row(records: Records) -> None:
    records["transactions"].pop(2)


def with_one_asset(records: Records) -> None:
    paid = {"quantity": Decimal(250_000), "value": Decimal(250_000)}
    records["transactions"][2] |= {"asset": "PKR", **paid}


def with_three_rows(records: Records) -> None:
    records["transactions"].append(records["transactions"][2] | {"reference": "R8"})


@pytest.mark.parametrize(
    ("change", "rows"),
    [(with_one_row, {2}), (with_one_asset, {2, 3}), (with_three_rows, {2, 3, 8})],
)
@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_a_trade_that_is_none(
    tmp_path: Path, change: Callable[[Records], None], rows: set[int], format: str
) -> None:
    file = f"transactions.{format}"
    shown = found(written(tmp_path / "r", change, format=format))
    assert shown == {(file, row, "trade", "trade_rows") for row in rows}


def test_rows_of_a_trade_stand_wherever_they_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In several batches, and of those that wait for their other row more than memory holds."""
    count = 3_000

    def many(records: Records) -> None:
        usual = {"at": at(7), "quantity": Decimal(1), "value": Decimal(280)}
        sold = [transaction(f"S{one}", "trade", trade=f"D{one}", asset="USDT", **usual)
                for one in range(count)]  # fmt: skip
        paid = [
            transaction(f"P{one}", "trade", trade=f"D{one}", from_account="A2", to_account="A1",
                        at=at(7), quantity=Decimal(280), value=Decimal(280))
            for one in range(count)
        ]  # fmt: skip
        records["transactions"] = [*sold, *reversed(paid)]
        del records["travel_rule"]

    monkeypatch.setattr(reading, "BATCH_ROWS", 512)
    monkeypatch.setattr(spill, "_HELD_MAX", 1 << 10)
    assert found(written(tmp_path / "r", many, format="parquet")) == set()

    def less(records: Records) -> None:
        many(records)
        del records["transactions"][-40:]

    findings = checked(written(tmp_path / "s", less, format="parquet")).findings
    assert findings.by_rule == {"trade_rows": 40}
    assert [one.row for one in findings.shown] == list(range(1, 21))


def test_a_correction_of_rows_may_hold_one_row_of_a_trade(
    world: IntakeWorld, tmp_path: Path
) -> None:
    world.take(written(tmp_path / "r"))

    def one(records: Records) -> None:
        records["transactions"] = [records["transactions"][1] | {"at": at(9)}]
        del records["travel_rule"]

    corrects = {"sequence": 1, "scope": "rows", "reason": "booked late"}
    given = written(tmp_path / "c", one, sequence=2, corrects=corrects)
    assert world.take(given)["state"] == "accepted"
    assert world.desk.day > date(2026, 3, 8)
