"""What closed cases confirmed, as labels for the learned score."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from tests.licensing.world import MARCH
from tests.supervision.cases.desks import ACCOUNT_X, WALLET, Desks, ids

from amanat.core.errors import NotFound
from amanat.supervision.cases.commands import CloseCase, OpenCase, ReferCase
from amanat.supervision.detection.training import read_labels


def closed(desks: Desks, disposition: str) -> None:
    """A case on a withdrawal and two deposits, closed so."""
    opening = OpenCase(
        subject="party:17", title="emptied", reason="x", transactions=ids("T-1", "T-2", "T-3")
    )
    number = desks.do_as("pvara_officer", opening)["case"]
    if disposition == "referred":
        desks.do_as("pvara_officer", ReferCase(case=number, grounds="layered"), "pvara_approver")
    closing = CloseCase(case=number, disposition=disposition, reason="x")
    desks.do_as("pvara_officer", closing, "pvara_approver")


def test_a_referred_case_confirms_its_movements_and_no_fiat_leg(
    desks: Desks, tmp_path: Path
) -> None:
    closed(desks, "referred")
    (label,) = desks.look("pvara_officer", "confirmed_movements")
    assert label["id"] == ids("T-3")[0]
    (tmp_path / "labels.json").write_text(json.dumps([label]), encoding="utf-8")
    (row,) = read_labels(tmp_path / "labels.json").to_pylist()
    assert row["id"] == int(ids("T-3")[0])
    assert row["day"] == MARCH - timedelta(3)
    assert (row["from_account"], row["to_account"]) == (ACCOUNT_X, WALLET)
    before = (MARCH - timedelta(4)).isoformat()
    assert desks.look("pvara_officer", "confirmed_movements", until=before) == []


def test_an_explained_case_confirms_nothing_and_no_other_desk_sees_any(desks: Desks) -> None:
    closed(desks, "explained")
    assert desks.look("pvara_officer", "confirmed_movements") == []
    closed(desks, "referred")
    assert desks.look("exchange_y_officer", "confirmed_movements") == []
    assert desks.look("fmu_officer", "confirmed_movements") == []
    with pytest.raises(NotFound):
        desks.look("auditor_officer", "confirmed_movements")
