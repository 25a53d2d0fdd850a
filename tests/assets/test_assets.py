"""Assets and their evidence: required kinds, dates, custodians."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from amanat.assets.commands import AddEvidence, AppointCustodian, RegisterAsset
from amanat.assets.model import (
    AmountWithoutUnit,
    AssetExists,
    Evidence,
    EvidenceDatesDisorderly,
    EvidenceExists,
    EvidenceExpired,
    EvidenceKind,
    EvidenceMissing,
    NoCustodian,
    evidence_refusals,
)
from amanat.core.errors import Forbidden, NotFound
from amanat.store.journal import read_entries

from ..programme.world import CODE, World

DAY = date(2021, 3, 1)


def gold(code: str, **changes: object) -> RegisterAsset:
    fields: dict[str, object] = {
        "asset": code,
        "kind": "gold",
        "description": "Bars of at least 995.0 fineness",
        "place": "Karachi, vault 1",
        "quantity": Decimal("400.025"),
        "unit": "fine_troy_oz",
        "required_evidence": ("bar_list", "assay", "custodian_attestation"),
    }
    return RegisterAsset.model_validate(fields | changes)


def paper(asset: str, kind: EvidenceKind, **changes: object) -> AddEvidence:
    fields: dict[str, object] = {
        "asset": asset,
        "kind": kind,
        "digest": f"{list(EvidenceKind).index(kind):064x}",
        "issuer": "made for tests",
        "reference": kind.value,
        "issued_on": date(2021, 1, 1),
        "expires_on": date(2021, 3, 1),
    }
    return AddEvidence.model_validate(fields | changes)


def test_an_asset_backs_something_once_its_evidence_is_whole(world: World) -> None:
    world.do("ministry", gold("gold_1"))
    lacks = world.view("asset", asset="gold_1")["lacks"]
    assert len(lacks) == 4  # the title too
    assert "There is no assay for asset gold_1 that is valid on 2021-03-01." in lacks
    with pytest.raises(NoCustodian):
        world.do("ministry", paper("gold_1", EvidenceKind.CUSTODIAN_ATTESTATION))
    world.do("ministry", AppointCustodian(asset="gold_1", custodian="central_bank"))
    for kind in (
        EvidenceKind.TITLE,
        EvidenceKind.BAR_LIST,
        EvidenceKind.ASSAY,
        EvidenceKind.CUSTODIAN_ATTESTATION,
    ):
        assert world.view("asset", asset="gold_1")["backs"] is False
        world.do("ministry", paper("gold_1", kind))
    shown = world.view("asset", asset="gold_1")
    assert (shown["backs"], shown["lacks"]) == (True, [])
    assert (shown["quantity"], shown["custodian"]) == ("400.025 fine_troy_oz", "central_bank")
    assert {one["asset"] for one in world.view("assets")} >= {"gold_1", "full_faith"}
    with world.app.store.reading() as connection:
        entries = read_entries(connection, programme=CODE, subject="assets:gold_1")
    kinds = [entry["kind"] for entry in entries]
    assert kinds == ["AssetRegistered", "CustodianAppointed", *["EvidenceAdded"] * 4]


def test_what_is_registered_wrongly(world: World) -> None:
    world.do("ministry", gold("gold_2"))
    with pytest.raises(AssetExists):
        world.do("ministry", gold("gold_2"))
    with pytest.raises(AmountWithoutUnit):
        world.do("ministry", gold("gold_3", unit=None))
    with pytest.raises(NotFound, match="no institution nobody"):
        world.do("ministry", AppointCustodian(asset="gold_2", custodian="nobody"))
    with pytest.raises(Forbidden):
        world.do("bank_a", gold("gold_4"))
    with pytest.raises(NotFound):
        world.view("asset", asset="gold_4")


def test_evidence_that_cannot_be_added(world: World) -> None:
    world.do("ministry", gold("gold_5"))
    title = paper("gold_5", EvidenceKind.TITLE)
    world.do("ministry", title)
    with pytest.raises(EvidenceExists):
        world.do("ministry", title)
    with pytest.raises(EvidenceDatesDisorderly):
        world.do("ministry", paper("gold_5", EvidenceKind.ASSAY, expires_on=date(2021, 1, 1)))
    with pytest.raises(NotFound):
        world.do("ministry", paper("gold_6", EvidenceKind.TITLE))


def test_evidence_counts_from_its_day_to_its_last() -> None:
    title = Evidence(EvidenceKind.TITLE, "00", date(2021, 1, 1), date(2021, 3, 1))
    assert evidence_refusals("a", [], [title], DAY) == []
    (lapsed,) = evidence_refusals("a", [], [title], date(2021, 3, 2))
    assert isinstance(lapsed, EvidenceExpired)
    (early,) = evidence_refusals("a", [], [title], date(2020, 12, 31))
    assert isinstance(early, EvidenceMissing)


def test_a_newer_document_renews_one_that_expired() -> None:
    old = Evidence(EvidenceKind.TITLE, "00", date(2020, 1, 1), date(2020, 12, 31))
    new = Evidence(EvidenceKind.TITLE, "01", date(2021, 1, 1), None)
    assert evidence_refusals("a", [EvidenceKind.TITLE], [old, new], DAY) == []
