"""From a return to a report that the gate lets pass, without a name typed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from tests.programme.world import CODE
from tests.supervision.goaml.reports import LAHORE, PACK, REASON, SCHEMA, officer
from tests.supervision.goaml.test_reports import APPROVER, OFFICER
from tests.supervision.identities.test_vault import said
from tests.supervision.returns.conftest import IntakeWorld, admitted, world
from tests.supervision.returns.exchanges import IBAN, written
from tests.supervision.returns.test_following import following, large

from amanat.core.errors import NotFound
from amanat.store.tables import journal_entry
from amanat.supervision.cases.commands import CloseCase, OpenCase
from amanat.supervision.cases.model import CaseClosed
from amanat.supervision.cases.stored import lie_in
from amanat.supervision.goaml.commands import AmendReport, DraftReport, ReadReport, SubmitReport
from amanat.supervision.goaml.content import ReportedAccount, ReportedParty
from amanat.supervision.goaml.gate import Expected, problems
from amanat.supervision.goaml.model import PartiesUnknown
from amanat.supervision.goaml.xml_in import load_schema
from amanat.supervision.identities.tables import opening
from amanat.supervision.monitoring.tables import alert
from amanat.supervision.returns.tables import manifest

__all__ = ["admitted", "world"]
WHY = "Parties of the report to the unit"


def reported(world: IntakeWorld, tmp_path: Path, change: Any = large) -> str:
    """A return that was accepted and followed, and the exchange's case of what it owes a CTR for.

    The number of the case.
    """
    lie_in(world.desk.store.engine, world.folder)
    world.take(written(tmp_path / "r", change))
    following(world).until_done()
    assert "ctr_threshold" in {row.scenario for row in world.rows(alert)}
    (due,) = world.view(OFFICER, "ctr_due")
    return case_of(world, *due["references"])


def case_of(world: IntakeWorld, *references: str) -> str:
    """A case of the exchange's compliance officer."""
    command = OpenCase(subject="customer:1", title="Threshold", reason=WHY, references=references)
    return str(world.desk.do_as(OFFICER, command)["case"])


def fields(**changes: Any) -> dict[str, Any]:
    """What the compliance officer writes: of the customer nothing."""
    stated = {
        "report_code": "CTR",
        "reporting_person": officer(),
        "location": LAHORE,
        "reason": REASON,
        "action": "None.",
        "indicators": ("CTR",),
        "opening_reason": WHY,
    }
    return stated | changes


def bank(world: IntakeWorld) -> tuple[ReportedParty]:
    """The account outside, by its number: the vault keeps none of banks."""
    number = str(world.vault.pseudonyms.bank_account(IBAN))
    held = ReportedAccount(institution_name="Bank A Limited", bank=True, account=IBAN)
    return (ReportedParty(pseudonym=number, account=held),)


def test_a_return_becomes_a_report_without_a_name_typed(world: IntakeWorld, tmp_path: Path) -> None:
    case = reported(world, tmp_path)
    drafted = world.desk.do_as(OFFICER, DraftReport(case=case, **fields(parties=bank(world))))
    assert drafted["problems"] == []
    (filled,) = drafted["filled"]
    assert filled["account"] == str(world.vault.pseudonyms.account("exchange_x", "A1"))
    (kept,) = world.rows(opening)
    assert (kept.id, kept.case_number, kept.reason) == (filled["opening"], case, WHY)
    assert (kept.institution, kept.opened_by) == ("exchange_x", OFFICER)
    kinds = [row.kind for row in world.rows(journal_entry)]
    assert kinds.count("IdentityOpened") == 1
    assert {"first_name", "birthdate", "identifier", "addresses"} <= set(filled["elements"])
    xml = world.desk.do_as(OFFICER, ReadReport(report=drafted["report"]))["xml"].encode()
    expected = Expected(world.desk.day)
    assert problems(xml, "x.xml", PACK, expected, load_schema(SCHEMA)) == []
    root = etree.fromstring(xml)
    client = root.find("transaction/t_to_my_client/to_account")
    assert client is not None
    said = {name: client.findtext(f"signatory/t_person/{name}") for name in (
        "first_name", "last_name", "birthdate", "ssn", "comments",
    )}  # fmt: skip
    assert client.findtext("account") == "A1"
    assert said == {
        "first_name": "Aisha", "last_name": "Khan", "birthdate": "1990-05-17T00:00:00",
        "ssn": "3520200000011", "comments": "عائشہ خان",
    }  # fmt: skip
    for person in ("pvara_officer", "fmu_officer"):
        assert world.view(person, "identity_openings") == []  # tells of the exchange's suspicion
    world.desk.do_as(OFFICER, SubmitReport(report=drafted["report"]), APPROVER)


def of_a_company(records: dict[str, Any]) -> None:
    """The customer who was paid is a company."""
    large(records)
    records["accounts"][0]["party"] = "P3"


def test_what_the_vault_does_not_have_the_gate_asks_for(world: IntakeWorld, tmp_path: Path) -> None:
    case = reported(world, tmp_path, of_a_company)
    drafted = world.desk.do_as(OFFICER, DraftReport(case=case, **fields(parties=bank(world))))
    (problem,) = [one for one in drafted["problems"] if "business" in one["message"]]
    assert problem["rule"] == "party_incomplete"
    assert {one["rule"] for one in drafted["problems"]} == {"party_incomplete"}


def test_another_exchange_s_customer_and_a_closed_case_are_not_opened(
    world: IntakeWorld, tmp_path: Path
) -> None:
    reported(world, tmp_path)
    other = world.vault.pseudonyms.account("exchange_y", "B7")
    person = world.vault.pseudonyms.person("cnic", "PK", "3520200000011")
    theirs = replace(said(), name="Another Name", name_latin=None)
    with world.desk.store.engine.begin() as connection:
        held = [(other, person.number, "B7", "2025-01-02")]
        world.vault.keep_accounts(connection, CODE, "exchange_y", "z", held)
        world.vault.keep_persons(connection, CODE, "exchange_y", "z", [theirs])
    with pytest.raises(PartiesUnknown, match=str(other)):
        world.desk.do_as(OFFICER, DraftReport(case=case_of(world, "R6"), **fields()))
    case = case_of(world, "R2")
    suspicion = {"report_code": "STR", "indicators": ("VA-TXN",)}
    drafted = world.desk.do_as(OFFICER, DraftReport(case=case, **fields(**suspicion)))
    # Of the same person it is given what it said itself, and no other account is opened.
    assert {one["source_return"] for one in drafted["filled"]} == {world.rows(manifest)[0].id}
    assert len(world.rows(opening)) == len({one["opening"] for one in drafted["filled"]}) == 2
    closing = CloseCase(case=case, disposition="explained", reason="explained by the customer")
    world.desk.do_as(OFFICER, closing, APPROVER)
    for command in (
        AmendReport(report=drafted["report"], **fields(**suspicion)),
        DraftReport(case=case, **fields(**suspicion)),
    ):
        with pytest.raises(CaseClosed):
            world.desk.do_as(OFFICER, command)
    with pytest.raises(NotFound):
        world.desk.do_as("exchange_y_officer", DraftReport(case=case, **fields()))
    assert len(world.rows(opening)) == 2
