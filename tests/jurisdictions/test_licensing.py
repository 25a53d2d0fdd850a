"""Packs of licensing: what ships is sound, every mistake is told, sections have their days."""

from __future__ import annotations

import re
from datetime import date

import pytest

from amanat.core.errors import AmanatError, NotFound, Refusal, Refusals
from amanat.jurisdictions import reading
from amanat.jurisdictions.licensing import (
    LicensingPack,
    SectionNotInForce,
    licensing_from,
    load_licensing,
)

SHIPPED = ("pk", "eu")
TEXT = reading.read_table("eu", "licensing")[0]


@pytest.mark.parametrize("code", SHIPPED)
def test_what_ships_is_sound(code: str) -> None:
    pack = load_licensing(code)
    assert pack.code == code
    assert pack.steps


def test_pakistan_has_the_ten_services_of_the_act() -> None:
    pack = load_licensing("pk")
    # Virtual Assets Act 2026, s.18; the NOC regulations let four run before the licence.
    assert [one.code for one in pack.categories] == [
        "advisory", "broker_dealer", "custody", "exchange", "lending", "derivatives",
        "asset_management", "transfer", "issuance", "mining",
    ]  # fmt: skip
    before = {one.code for one in pack.categories if one.before_licence}
    assert before == {"exchange", "broker_dealer", "custody", "derivatives"}
    assert {one.code for one in pack.stakeholders} == {"sbp", "secp", "fmu", "nacta", "fbr"}
    assert set(pack.file("noc").checklists) == {
        "governance", "compliance_readiness", "risk_management", "alignment",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("section", "day", "law", "place"),
    [
        # The first NOCs fell under the ordinance; the 2026 Act has its own section for them.
        ("noc.grant", "2025-12-12", "vao2025", ""),
        ("noc.grant", "2026-04-01", "vaa2026", "s.19(1)"),
        ("aml.registration", "2025-12-12", "nocr2025", "Reg 11.4"),
        ("aml.handover", "2026-04-01", "nocr2025", "Reg 11.5"),
        ("revocation", "2026-04-01", "nocr2025", "Reg 19.1"),
        ("licence.grant", "2026-04-01", "vaa2026", "s.19(4)"),
        ("conversion", "2026-04-01", "vaa2026", "s.70"),
    ],
)
def test_a_section_is_that_of_the_law_then_in_force(
    section: str, day: str, law: str, place: str
) -> None:
    cited = load_licensing("pk").section_on(section, date.fromisoformat(day))
    assert (cited.law, cited.section) == (law, place)


def test_where_no_law_was_in_force_nothing_is_cited() -> None:
    pack = load_licensing("pk")
    for section, day in (
        ("noc.grant", date(2025, 7, 7)),
        ("licence.grant", date(2025, 12, 12)),
        ("conversion", date(2026, 3, 5)),
    ):
        with pytest.raises(SectionNotInForce, match=section):
            pack.section_on(section, day)
    with pytest.raises(NotFound):
        pack.section_on("no.such", date(2026, 4, 1))


def test_what_rests_on_no_source_is_named() -> None:
    assumed = load_licensing("pk").assumptions()
    assert "laws vaa2026" in assumed
    assert "categories exchange: paid_up_capital" in assumed
    assert not any(one.startswith("laws nocr2025") for one in assumed)


def test_mica_has_its_25_and_40_working_days() -> None:
    # Regulation (EU) 2023/1114, Article 63(2), (9) and (12), Annex IV.
    pack = load_licensing("eu")
    assert {one.code: (one.days, one.unit) for one in pack.clocks} == {
        "completeness": (25, "working"),
        "decision": (40, "working"),
        "answer": (20, "working"),
    }
    assert {one.code: one.paid_up_capital for one in pack.categories} == {
        "advice": 50_000_00,
        "custody": 125_000_00,
        "trading_platform": 150_000_00,
    }


BROKEN = (
    ('code = "mica"', 'code = "micar"', "there is no law mica"),
    ('from = ["draft"]\nto = "submitted"', 'from = ["draught"]\nto = "submitted"', "draught is no"),
    ('capacity = "confirms"', 'capacity = "confirms"\nroles = ["clerk"]', "clerk is no role"),
    ('initial = "in_force"', 'initial = "over"', "over is none of its stages"),
    ("days = 25\nunit", "days = -25\nunit", "-25 is not a whole number"),
    ('unit = "working"', 'unit = "banking"', "'banking' is none of working, calendar"),
    ('not_by = ["Recommend"]', 'not_by = ["Recommended"]', "Recommended is no act"),
    ('requires = ["capital_held:{category}"]', 'requires = ["capital"]', "capital is not among"),
    ('opens = ["report"]', 'opens = ["reports"]', "reports is not among"),
    ('code = "applicant"\n', 'code = "candidate"\n', "there is no status applicant"),
    ('section = "services"', 'section = "service"', "there is no section service"),
    ('version = "2026-1"', "", "the field version is missing"),
    ('version = "2026-1"', 'version = "2026-1"\nedition = 3', "there is no field edition"),
    ("[[checklists]]", "[[checklist]]", r"there are no rows \[\[checklists\]\]"),
    ('starts = ["CheckCompleteness"]', 'starts = ["Checked"]', "Checked is no act on a licence"),
    ('final = ["lifted"]', "final = []", "no step leaves lifted"),
)


@pytest.mark.parametrize(("what", "instead", "told"), BROKEN, ids=lambda value: str(value)[:30])
def test_a_mistake_is_told_with_its_place(what: str, instead: str, told: str) -> None:
    assert what in TEXT
    with pytest.raises(AmanatError, match=told) as refusal:
        licensing_from(TEXT.replace(what, instead), "eu/licensing.toml")
    assert "eu/licensing.toml" in str(refusal.value)


def test_all_mistakes_are_told_at_once() -> None:
    broken = TEXT
    for what, instead in (
        ('unit = "working"', 'unit = "banking"'),
        ("before_licence = false", 'before_licence = "no"'),
        ("pass_mark = 60", 'pass_mark = "high"'),
    ):
        broken = broken.replace(what, instead)
    with pytest.raises(Refusals) as refusal:
        licensing_from(broken, "eu/licensing.toml")
    places = [str(one.place.field) for one in refusal.value.refusals if one.place]
    assert {re.sub(r"\[\d+\]", "", one) for one in places} >= {
        "clocks.unit", "categories.before_licence", "checklists.pass_mark",
    }  # fmt: skip


def test_a_rule_stands_once_on_a_day() -> None:
    twice = TEXT + '\n[[sections]]\ncode = "capital"\nlaw = "mica"\nsection = "Article 67a"\n'
    with pytest.raises(Refusal, match="capital stands twice on 2024-12-30"):
        licensing_from(twice, "eu/licensing.toml")


def test_a_fact_of_others_grants_nothing_on_the_ledger() -> None:
    granting = TEXT.replace('fact = "capital_held"', 'fact = "capital_held"\ngrants = "licence"')
    with pytest.raises(Refusal, match="which only the authority writes"):
        licensing_from(granting, "eu/licensing.toml")


def lookups(pack: LicensingPack) -> list[tuple[object, str]]:
    """Every lookup with a code that nothing has."""
    return [
        (pack.law, "x"), (pack.category, "x"), (pack.status, "x"), (pack.permission, "x"),
        (pack.suspension, "x"), (pack.file, "x"), (pack.checklist, "x"), (pack.stakeholder, "x"),
        (pack.confirmation, "x"), (pack.condition, "x"), (pack.obligation, "x"),
    ]  # fmt: skip


def test_what_a_pack_has_not_is_not_found() -> None:
    for lookup, code in lookups(load_licensing("pk")):
        with pytest.raises(NotFound):
            lookup(code)  # type: ignore[operator]
    with pytest.raises(NotFound):
        load_licensing("xx")
