"""How a country screens is data: read whole, refused with every mistake, cited by its days."""

from __future__ import annotations

from datetime import date

import pytest

from amanat.core.errors import NotFound, Refusals
from amanat.jurisdictions.reading import InvalidTable, read_table
from amanat.jurisdictions.screening import (
    BasisNotInForce,
    load_screening,
    read_screening,
)

CONTENT, FILE = read_table("pk", "screening")


def test_pakistan_screens_against_the_un_and_nacta() -> None:
    pack = load_screening("pk")
    assert {"un", "nacta", "ofac", "wallets", "pep"} <= {one.code for one in pack.lists}
    assert pack.list_kind("un").format == "un_xml"
    assert pack.cutoff == 0.7
    with pytest.raises(NotFound):
        pack.list_kind("nobodys")


def test_a_law_freezes_on_its_days_alone() -> None:
    pack = load_screening("pk")
    assert pack.freezing_basis("ata", date(2026, 3, 9)).freezes
    for code, day in (
        ("ata", date(1996, 1, 1)),
        ("due_diligence", date(2026, 3, 9)),
        ("nobodys", date(2026, 3, 9)),
    ):
        with pytest.raises(BasisNotInForce):
            pack.freezing_basis(code, day)


def test_every_mistake_of_a_table_is_told_at_once() -> None:
    broken = (
        CONTENT.replace("cutoff_permille = 700", "cutoff_permille = 70")
        .replace('format = "un_xml"', 'format = "un"')
        .replace('basis = "un_act"', 'basis = "no_act"')
    )
    with pytest.raises(Refusals) as refused:
        read_screening(broken, FILE)
    assert [type(one) for one in refused.value.refusals] == [InvalidTable] * 3
