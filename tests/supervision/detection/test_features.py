"""Habits and measures against what a person counts on a few rows, and laws that hold for all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from tests.supervision.detection.rings import BANK, Months, movement

from amanat.supervision.detection.features import Features
from amanat.supervision.transactions import TRANSACTIONS

ALI, BANO, CHAND = 64, 128, 192


def rows() -> list[dict[str, Any]]:
    """A pays B twice, B pays A back and C once; A withdraws ten times."""
    found = [
        movement(1, 0, "transfer", ALI, BANO, 100),
        movement(2, 4, "transfer", ALI, BANO, 300),
        movement(3, 5, "transfer", BANO, ALI, 50),
        movement(4, 6, "transfer", BANO, CHAND, 360),
    ]
    found += [movement(10 + at, at, "fiat_out", ALI, BANK, 100 * (at + 1)) for at in range(10)]
    found.append(movement(30, 1, "trade", ALI, BANO, 10**9))
    return found


def features(stored: Sequence[dict[str, Any]], folder: Path) -> Features:
    """The features of these rows, every account half alike to confirmed ones."""
    folder.mkdir(parents=True)
    parquet.write_table(pa.Table.from_pylist(list(stored), TRANSACTIONS), folder / "rows.parquet")
    made = Features([folder / "rows.parquet"], folder / "features")
    made.prepare()
    accounts = np.concatenate([keys for keys, _ in made.habits()])
    half = pa.record_batch({"account": accounts, "likeness": np.full(len(accounts), 0.5)})
    made.lend(iter([half]))
    return made


def habits_of(made: Features, account: int) -> dict[str, float]:
    """One account's habits by name."""
    for keys, values in made.habits():
        for key, value in zip(keys, values, strict=True):
            if key == account:
                return dict(zip(made.habit_columns, value.tolist(), strict=True))
    raise LookupError(account)


def measures_of(made: Features, identifier: int) -> dict[str, float]:
    """One movement's measures by name."""
    ((_, values),) = list(made.measures(f"id = {identifier}"))
    return dict(zip(made.columns, values[0].tolist(), strict=True))


def test_habits_are_what_a_person_counts(tmp_path: Path) -> None:
    with features(rows(), tmp_path / "a") as made:
        ali = habits_of(made, ALI)
        chand = habits_of(made, CHAND)
    assert ali["fiat_out_count"] == 10
    assert ali["fiat_out_median"] == 500
    assert ali["fiat_out_p90"] == pytest.approx(900 / 500)
    assert (ali["sent_count"], ali["sent_mean"], ali["payees"]) == (2, 200, 1)
    assert ali["sent_spread"] == pytest.approx(np.std([100, 300], ddof=1) / 200)
    assert (ali["payees_once"], ali["payers_once"], ali["reciprocal"]) == (0, 1, 1)
    assert (chand["received_count"], chand["payers"]) == (1, 1)
    assert np.isnan(chand["fiat_out_count"])


def test_measures_are_what_a_person_counts(tmp_path: Path) -> None:
    stored = rows()
    with features(stored, tmp_path / "a") as made:
        second = measures_of(made, stored[1]["id"])
        last = measures_of(made, stored[3]["id"])
    assert (second["pair_count"], second["pair_place"], second["pair_since"]) == (2, 2, 4)
    assert np.isnan(second["pair_until"])
    assert (second["back_count"], second["back_gap"]) == (1, 1)
    assert second["from_out_count_before_3"] == 1
    assert second["from_out_count_before_10"] == 2
    assert second["from_in_count_after_3"] == 1
    assert second["to_out_count_after_3"] == 2
    assert second["to_out_once_after_3"] == 1.0
    assert second["passed_on_to"] == pytest.approx((50 + 360) / 300)
    assert last["passed_on_from"] == pytest.approx(360 / 400)
    assert last["value_of_sent"] == pytest.approx(360 / 205)


def test_fiat_legs_and_trades_have_no_score(tmp_path: Path) -> None:
    with features(rows(), tmp_path / "a") as made:
        assert sum(len(ids) for ids, _ in made.measures()) == 4


def test_other_pseudonyms_and_another_order_of_rows_give_the_same_measures(
    tmp_path: Path,
) -> None:
    others = {ALI: 10**15 + 3, BANO: 7, CHAND: 10**12, BANK: 8}
    renamed = [
        one | {"from_account": others[one["from_account"]], "to_account": others[one["to_account"]]}
        for one in reversed(rows())
    ]
    with features(rows(), tmp_path / "a") as one, features(renamed, tmp_path / "b") as other:
        for row in rows()[:4]:
            np.testing.assert_equal(measures_of(one, row["id"]), measures_of(other, row["id"]))


def test_an_absurd_amount_breaks_no_sum(tmp_path: Path) -> None:
    stored = [*rows(), movement(40, 3, "transfer", ALI, CHAND, 2**63 - 1)]
    with features(stored, tmp_path / "a") as made:
        assert np.isfinite(habits_of(made, ALI)["sent_spread"])


def test_measures_of_the_months_have_every_column(ringed: Months, tmp_path: Path) -> None:
    with Features([ringed.transactions], tmp_path / "f") as made:
        made.prepare()
        accounts = np.concatenate([keys for keys, _ in made.habits()])
        made.lend(iter([pa.record_batch({"account": accounts, "likeness": accounts * 0.0})]))
        for _, values in made.measures():
            assert values.shape[1] == len(made.columns)
            assert not np.isinf(values).any()


def test_a_transfer_that_two_exchanges_report_is_one_movement(tmp_path: Path) -> None:
    over_books = {"from_exchange": "exchange_x", "to_exchange": "exchange_y", "to_party": None}
    on_chain = {"network": "bitcoin", "transaction_hash": "ab", "hosted": True}
    sent = movement(51, 8, "transfer", ALI, BANO, 70) | over_books | {"from_party": ALI}
    came = sent | {"id": 52, "exchange": "exchange_y", "from_party": None, "to_party": BANO}
    wallet = 999
    gone = movement(53, 9, "withdrawal", ALI, wallet, 90) | on_chain
    back = movement(54, 9, "deposit", wallet, BANO, 90) | on_chain
    gone |= {"from_party": ALI, "from_exchange": "exchange_x"}
    back |= {"to_party": BANO, "to_exchange": "exchange_y", "exchange": "exchange_y"}
    with features([*rows(), sent, came, gone, back], tmp_path / "f") as made:
        known = habits_of(made, ALI)
        assert (known["sent_count"], known["payees"]) == (4, 1)
        known = habits_of(made, BANO)
        assert (known["received_count"], known["payers"]) == (4, 1)
        with pytest.raises(LookupError):
            habits_of(made, wallet)
        assert measures_of(made, gone["id"])["across"] == 1
