"""Cases are worked by their desk, closed by two, and invisible to every other."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.licensing.world import CODE, MARCH
from tests.supervision.cases.desks import ACCOUNT_X, SUBJECT, Desks, ids

from amanat.access.desk import SecondPersonRequired
from amanat.core.errors import NotFound
from amanat.supervision.cases.commands import (
    AddCaseNote,
    AnswerInformationRequest,
    AssignCase,
    AttachEvidence,
    CiteTransactions,
    CloseCase,
    Disseminate,
    FormSuspicion,
    GroupFindings,
    OpenCase,
    ReceiveReferral,
    ReferCase,
    ReopenCase,
    RequestInformation,
)
from amanat.supervision.cases.model import (
    AlreadyAnswered,
    AlreadyReceived,
    CaseClosed,
    CaseNotClosed,
    NothingSent,
    NotOnDesk,
    NotSupervised,
    TransactionsUnknown,
    risk_of,
    score_of_hit,
)
from amanat.supervision.identities.commands import OpenIdentity
from amanat.supervision.identities.model import CaseNotTheirs, case_checks
from amanat.supervision.identities.tables import account as identity_account
from amanat.supervision.monitoring.tables import alert
from amanat.supervision.screening.model import Grade
from amanat.supervision.screening.tables import hit

PARTY = f"party:{SUBJECT}"


def opened(desks: Desks, person: str = "pvara_officer", **more: Any) -> str:
    """A case with the transactions of the customer; its number."""
    stated = {
        "subject": PARTY,
        "title": "Structured deposits",
        "reason": "two deposits of one day below the threshold",
        "transactions": ids("T-1", "T-2", "T-3") if person.startswith(("pvara", "fmu")) else (),
        "references": ("T-1", "T-2", "T-3") if person.startswith("exchange_x") else (),
    }
    command = OpenCase.model_validate(stated | more)
    return str(desks.do_as(person, command)["case"])


def test_a_case_is_opened_assigned_noted_and_closed_by_two(desks: Desks) -> None:
    case = opened(desks)
    assert case == "CAS-2026-0001"
    desks.do_as("pvara_officer", AssignCase(case=case, officer="pvara_second"))
    desks.do_as("pvara_second", AddCaseNote(case=case, text="the income does not explain it"))
    desks.do_as("pvara_second", AttachEvidence(case=case, digest="ab" * 32, title="statement"))
    shown = desks.look("pvara_second", "case", case=case)
    assert [one["act"] for one in shown["steps"]] == [
        "OpenCase", "AssignCase", "AddCaseNote", "AttachEvidence",
    ]  # fmt: skip
    assert shown["officer"] == "pvara_second"
    assert [one["digest"] for one in shown["evidence"]] == ["ab" * 32]
    assert len(shown["transactions"]) == 3
    closing = CloseCase(case=case, disposition="explained", reason="salary of two months")
    outcome = desks.app.desk.submit(desks.actor("pvara_second"), closing)
    assert outcome.state == "proposed"
    assert desks.look("pvara_second", "case", case=case)["state"] == "open"
    assert outcome.proposal is not None
    with pytest.raises(SecondPersonRequired):
        desks.app.desk.approve(desks.actor("pvara_second"), outcome.proposal)
    desks.app.desk.approve(desks.actor("pvara_approver"), outcome.proposal)
    shown = desks.look("pvara_second", "case", case=case)
    assert (shown["state"], shown["disposition"]) == ("closed", "explained")
    with pytest.raises(CaseClosed):
        desks.do_as("pvara_second", AddCaseNote(case=case, text="more"))
    desks.do_as("pvara_second", ReopenCase(case=case, reason="a further deposit"))
    with pytest.raises(CaseNotClosed):
        desks.do_as("pvara_second", ReopenCase(case=case, reason="again"))
    statistics = desks.look("pvara_second", "case_statistics")
    assert (statistics["open"], statistics["closed"]) == (1, 0)


def test_a_case_refuses_who_and_what_does_not_belong(desks: Desks) -> None:
    case = opened(desks)
    with pytest.raises(NotOnDesk):
        desks.do_as("pvara_officer", AssignCase(case=case, officer="fmu_officer"))
    with pytest.raises(TransactionsUnknown):
        desks.do_as("pvara_officer", CiteTransactions(case=case, transactions=("12",)))
    with pytest.raises(NothingSent):
        desks.do_as(
            "pvara_officer", CloseCase(case=case, disposition="referred", reason="x"),
        )  # fmt: skip
    with pytest.raises(NotFound):
        desks.do_as("pvara_officer", AddCaseNote(case="CAS-2026-0009", text="x"))


def test_an_exchange_cites_its_own_transactions_by_its_own_references(desks: Desks) -> None:
    case = opened(desks, "exchange_x_officer", subject="customer:17")
    shown = desks.look("exchange_x_officer", "case", case=case)
    assert {one["reference"] for one in shown["transactions"]} == {"T-1", "T-2", "T-3"}
    assert str(SUBJECT) not in repr(shown)  # who it is across exchanges is not theirs to know
    for given in ({"references": ("Y-1",)}, {"transactions": ids("Y-1", exchange="exchange_y")}):
        with pytest.raises(TransactionsUnknown):
            desks.do_as("exchange_x_officer", CiteTransactions(case=case, **given))
    with pytest.raises(TransactionsUnknown):
        desks.do_as("pvara_officer", CiteTransactions(case=opened(desks), references=("T-1",)))


def test_nobody_sees_anothers_desk(desks: Desks) -> None:
    cases = {
        "pvara_officer": opened(desks),
        "fmu_officer": opened(desks, "fmu_officer"),
        "exchange_x_officer": opened(desks, "exchange_x_officer", subject="customer:17"),
    }
    assert set(cases.values()) == {"CAS-2026-0001"}  # each desk counts for itself
    for person in cases:
        (seen,) = desks.look(person, "cases")
        assert seen["case"] == "CAS-2026-0001"
    assert desks.look("exchange_y_officer", "cases") == []
    with pytest.raises(NotFound):
        desks.look("exchange_y_officer", "case", case="CAS-2026-0001")
    for outsider in ("bank_a_officer", "ministry_officer", "auditor_officer", "secp_officer"):
        for view in ("cases", "referrals", "information_requests", "disseminations", "retention"):
            with pytest.raises(NotFound):
                desks.look(outsider, view)
    with pytest.raises(NotFound):  # who only reads along for a provider has no desk
        desks.look("exchange_x_viewer", "cases")


def test_findings_are_grouped_by_subject_and_once(desks: Desks) -> None:
    put_hits(
        desks, ("1", SUBJECT, 900), ("2", SUBJECT, 500), ("3", 42, 300), ("4", 43, 990, "false")
    )
    done = desks.do_as("pvara_officer", GroupFindings())
    assert (done["findings"], len(done["opened"]), done["grown"]) == (3, 2, [])
    again = desks.do_as("pvara_officer", GroupFindings())
    assert again == {"findings": 0, "opened": [], "grown": []}
    put_hits(desks, ("5", SUBJECT, 400))
    grown = desks.do_as("pvara_officer", GroupFindings())
    assert (grown["findings"], grown["opened"], len(grown["grown"])) == (1, [], 1)
    queue = desks.look("pvara_officer", "cases")
    assert [one["subject"] for one in queue] == [PARTY, "party:42"]  # the graver first
    assert queue[0]["findings"] == 3


def test_the_queue_is_paged_and_begins_with_what_is_overdue(desks: Desks) -> None:
    """Two working days until somebody looks at a case: of Monday 9 March it is late on the 12th."""
    put_hits(desks, ("1", 41, 300), ("2", 42, 200))
    desks.do_as("pvara_officer", GroupFindings())
    for days, late in ((2, False), (3, True)):
        desks.at(MARCH + timedelta(days))
        queue = desks.look("pvara_officer", "cases")
        assert [one["overdue"] for one in queue] == [late, late]
    put_hits(desks, ("3", 43, 900))
    desks.do_as("pvara_officer", GroupFindings())
    order = ["party:41", "party:42", "party:43"]
    pages = [desks.look("pvara_officer", "cases", offset=at, limit=1) for at in range(4)]
    assert [one["subject"] for page in pages for one in page] == order
    assert [one["overdue"] for page in pages for one in page] == [True, True, False]
    desks.do_as("pvara_officer", AssignCase(case=pages[0][0]["case"], officer="pvara_second"))
    queue = desks.look("pvara_officer", "cases")  # looked at, it is late no more
    assert [one["subject"] for one in queue] == ["party:42", "party:43", "party:41"]


def put_alert(desks: Desks, number: str, state: str = "open") -> None:
    """An alert as monitoring stores it."""
    with desks.store.engine.begin() as connection:
        connection.execute(
            alert.insert().values(
                programme=CODE, id=number, scenario="structuring", version="1", run="-",
                subject=PARTY, exchanges=["exchange_x"], day=MARCH.isoformat(), score="0.700",
                explanation={"text": "two legs under the threshold"},
                transactions=list(ids("T-1", "T-2")), transactions_all=2, state=state,
                found_at="-",
            )
        )  # fmt: skip


def test_live_alerts_make_cases_with_their_transactions_and_end_with_them(desks: Desks) -> None:
    put_alert(desks, "a")
    put_alert(desks, "b", "shadow")
    done = desks.do_as("pvara_officer", GroupFindings())
    assert (done["findings"], done["opened"]) == (1, ["CAS-2026-0001"])
    shown = desks.look("pvara_officer", "case", case="CAS-2026-0001")
    assert (shown["risk"], len(shown["transactions"])) == ("0.7000", 2)
    assert shown["findings_shown"][0]["said"] == "two legs under the threshold"
    market = desks.look("pvara_officer", "market_overview")
    assert market["alerts"] == [{"scenario": "structuring", "alerts": 1}]
    assert (market["transactions"], market["value_minor"]) == (4, "475000000")
    closing = CloseCase(case="CAS-2026-0001", disposition="false_positive", reason="salary")
    desks.do_as("pvara_officer", closing, "pvara_approver")
    assert states(desks) == {"a": "closed", "b": "shadow"}
    statistics = desks.look("pvara_officer", "case_statistics")
    assert statistics["scenarios"] == [
        {"scenario": "structuring", "cases": 1, "alerts": 0, "false_positives": 1}
    ]
    desks.do_as("pvara_officer", ReopenCase(case="CAS-2026-0001", reason="another deposit"))
    assert states(desks) == {"a": "open", "b": "shadow"}
    for other in ("fmu_officer", "exchange_x_officer", "bank_a_officer"):
        with pytest.raises(NotFound):
            desks.look(other, "market_overview")


def states(desks: Desks) -> dict[str, str]:
    """How alerts stand."""
    with desks.store.reading() as connection:
        return {row.id: row.state for row in connection.execute(alert.select())}


def test_an_identity_opens_for_an_open_case_of_ones_own_desk_alone(desks: Desks) -> None:
    """The case is asked for before the vault is."""
    own = opened(desks)
    asking = {"person": str(SUBJECT), "reason": "who is behind it"}
    for person, number in (("fmu_officer", own), ("pvara_officer", "CAS-2026-0099")):
        with pytest.raises(CaseNotTheirs):
            desks.do_as(person, OpenIdentity(case_number=number, **asking))


def test_an_identity_opens_for_a_case_in_which_the_person_appears_alone(desks: Desks) -> None:
    """Its subject, a side of what it cites, or the holder of an account there; nobody else."""
    own, stranger, holder = opened(desks), SUBJECT + 1, SUBJECT + 2
    with desks.store.engine.begin() as connection:
        connection.execute(
            identity_account.insert().values(
                programme=CODE, account=ACCOUNT_X, person=holder, exchange="exchange_x",
                number=b"-", opened=MARCH.isoformat(), first_return="-",
            )
        )  # fmt: skip
    asking = OpenIdentity(case_number=own, person=str(stranger), reason="who is behind it")
    with pytest.raises(CaseNotTheirs):
        desks.do_as("pvara_officer", asking)
    (check,) = case_checks
    with desks.store.reading() as connection:
        for person, appears in ((SUBJECT, True), (holder, True), (stranger, False)):
            assert check(connection, CODE, own, "pvara", person) is appears


def put_hits(desks: Desks, *hits: tuple[Any, ...]) -> None:
    """Hits as screening stores them: number, party, score in thousandths, and a verdict."""
    with desks.store.engine.begin() as connection:
        for number, party, score, *verdict in hits:
            connection.execute(
                hit.insert().values(
                    id=f"hit-{number}", programme=CODE, party=str(party), roles=["customer"],
                    list="un", reference=f"R{number}", entry_digest="-", topics=[], grade=1,
                    strength=1, name_permille=score, score_permille=score, evidence={},
                    features={}, evidence_digest="-",
                    state="false_match" if verdict else "open", run="-", found_at="-",
                    found_on=MARCH.isoformat(),
                )
            )  # fmt: skip


def test_the_queue_puts_the_overdue_first_then_the_grave_then_the_old(desks: Desks) -> None:
    put_hits(desks, ("1", 1, 900), ("2", 2, 100))
    desks.do_as("pvara_officer", GroupFindings())
    grave, slight = (one["case"] for one in desks.look("pvara_officer", "cases"))
    desks.do_as("pvara_officer", AssignCase(case=grave, officer="pvara_second"))
    desks.at(date(2026, 3, 13))  # four working days: the first look of the slight one is overdue
    queue = desks.look("pvara_officer", "cases")
    assert [(one["case"], one["overdue"]) for one in queue] == [(slight, True), (grave, False)]


def test_risk_grows_with_scenarios_that_agree_and_not_with_repeats() -> None:
    half, fifth = Decimal("0.5"), Decimal("0.2")
    assert risk_of([]) == 0
    assert risk_of([("fan_in", half)] * 100) == half
    assert risk_of([("fan_in", half), ("fan_in", fifth)]) == half
    assert risk_of([("fan_in", half), ("cycle", half)]) == Decimal("0.75")


def test_the_clock_of_a_suspicion_counts_working_days(desks: Desks) -> None:
    """Seven working days (AML Act 2010 s.7(1)); 23 March is Pakistan Day, a holiday."""
    case = opened(desks, "exchange_x_officer", subject="customer:17")
    desks.do_as("exchange_x_officer", FormSuspicion(case=case, grounds="no source of funds"))
    clocks = desks.look("exchange_x_officer", "case", case=case)["clocks"]
    due = {one["clock"]: one["due_on"] for one in clocks}
    assert due["report"] == "2026-03-18"
    assert due["triage"] == "2026-03-11"


# -- between desks --------------------------------------------------------------------------------


def referred(desks: Desks) -> tuple[str, str]:
    """The supervisor's case and its referral."""
    case = opened(desks)
    command = ReferCase(case=case, grounds="structuring across two exchanges")
    return case, str(desks.do_as("pvara_officer", command, "pvara_approver")["referral"])


def test_a_referral_goes_to_the_fiu_and_opens_its_own_case(desks: Desks) -> None:
    case, number = referred(desks)
    (sent,) = desks.look("pvara_officer", "referrals")
    assert (sent["case"], sent["received_on"]) == (case, None)
    received = desks.do_as("fmu_officer", ReceiveReferral(referral=number))
    (seen,) = desks.look("fmu_officer", "referrals", open=False)
    assert seen["case"] == received["case"]
    shown = desks.look("fmu_officer", "case", case=received["case"])
    assert (shown["subject"], len(shown["transactions"])) == (PARTY, 3)
    desks.do_as("fmu_officer", AddCaseNote(case=received["case"], text="known to us since 2024"))
    assert "2024" not in repr(desks.look("pvara_officer", "case", case=case))
    with pytest.raises(AlreadyReceived):
        desks.do_as("fmu_officer", ReceiveReferral(referral=number))
    desks.do_as(
        "pvara_officer", CloseCase(case=case, disposition="referred", reason="with the FIU"),
        "pvara_approver",
    )  # fmt: skip


def test_what_two_people_referred_is_received_and_no_more(desks: Desks) -> None:
    case = opened(desks)
    held = {
        one["transaction"] for one in desks.look("pvara_officer", "case", case=case)["transactions"]
    }
    referring = ReferCase(case=case, grounds="structuring across two exchanges")
    number = desks.do_as("pvara_officer", referring, "pvara_approver")["referral"]
    later = CiteTransactions(case=case, transactions=ids("Y-1", exchange="exchange_y"))
    assert not held & set(later.transactions)
    desks.do_as("pvara_officer", later)
    theirs = desks.do_as("fmu_officer", ReceiveReferral(referral=number))["case"]
    shown = desks.look("fmu_officer", "case", case=theirs)["transactions"]
    assert {one["transaction"] for one in shown} == held


def test_who_is_asked_sees_the_question_and_nothing_of_the_case(desks: Desks) -> None:
    case = opened(desks, "fmu_officer")
    asking = RequestInformation(case=case, asked="exchange_x", question="who owns PKX-000017?")
    number = desks.do_as("fmu_officer", asking)["request"]
    (asked,) = desks.look("exchange_x_officer", "information_requests", open=True)
    assert (asked["request"], asked["case"], asked["due_on"]) == (number, None, "2026-03-16")
    assert PARTY not in repr(asked)
    assert desks.look("exchange_y_officer", "information_requests") == []
    assert desks.look("pvara_officer", "information_requests") == []
    answer = AnswerInformationRequest(request=number, answer="customer 17, since December")
    with pytest.raises(NotFound):
        desks.do_as("exchange_y_officer", answer)
    desks.do_as("exchange_x_officer", answer)
    with pytest.raises(AlreadyAnswered):
        desks.do_as("exchange_x_officer", answer)
    shown = desks.look("fmu_officer", "case", case=case)
    assert shown["steps"][-1]["text"] == "customer 17, since December"
    with pytest.raises(NotSupervised):
        desks.do_as("fmu_officer", RequestInformation(case=case, asked="bank_a", question="who?"))


def test_an_unanswered_request_is_overdue_after_its_working_days(desks: Desks) -> None:
    case = opened(desks, "fmu_officer")
    desks.do_as(
        "fmu_officer",
        RequestInformation(case=case, asked="exchange_x", question="who?", days=1),
    )
    desks.days_later(2)
    (asked,) = desks.look("exchange_x_officer", "information_requests")
    assert (asked["due_on"], asked["overdue"]) == ("2026-03-10", True)


def test_a_dissemination_is_read_by_its_recipient_alone(desks: Desks) -> None:
    case = opened(desks, "fmu_officer")
    command = Disseminate(case=case, recipient="interior", text="for an inquiry")
    desks.do_as("fmu_officer", command, "fmu_approver")
    (read,) = desks.look("interior_officer", "disseminations")
    assert (read["text"], read["case"]) == ("for an inquiry", None)
    with pytest.raises(NotFound):
        desks.look("secp_officer", "disseminations")
    for nobody in ("exchange_x", "fmu", "nobody_at_all"):  # a provider would be tipped off
        with pytest.raises(NotFound):
            desks.do_as("fmu_officer", Disseminate(case=case, recipient=nobody, text="x"))


# -- network and retention ------------------------------------------------------------------------


def test_the_network_goes_on_across_exchanges_for_an_authority_alone(desks: Desks) -> None:
    case = opened(desks)
    shown = desks.look("pvara_officer", "case_network", case=case, hops=2, days=30)
    nodes = {one["node"]: one["ring"] for one in shown["nodes"]}
    assert nodes[PARTY] == 0
    assert {one["source"] for one in shown["edges"]} == {"account:5003", PARTY}
    assert any(one["target"].startswith("party:") for one in shown["edges"])  # at exchange_y
    (deposits,) = (one for one in shown["edges"] if one["source"] == "account:5003")
    assert (deposits["value_minor"], deposits["transactions"]) == ("215000000", 2)
    own = opened(desks, "exchange_x_officer", subject="customer:17")
    mine = desks.look("exchange_x_officer", "case_network", case=own)
    assert {one["exchange"] for one in mine["nodes"]} <= {None, "exchange_x"}


def test_the_longest_rule_wins_and_nothing_goes_under_a_case(desks: Desks) -> None:
    """NOC regulations 7 years, AML Act 10: ten."""
    (transactions, *_others) = desks.look("pvara_officer", "retention", as_of="2036-03-05")
    assert (transactions["years"], transactions["may_be_destroyed"]) == (10, 0)
    (transactions, *_others) = desks.look("pvara_officer", "retention", as_of="2036-03-08")
    assert (transactions["records"], transactions["may_be_destroyed"]) == (2, 2)
    case = opened(desks)
    (transactions, *_others) = desks.look("pvara_officer", "retention", as_of="2040-01-01")
    assert (transactions["held_by_cases"], transactions["may_be_destroyed"]) == (1, 1)
    desks.do_as(
        "pvara_officer", CloseCase(case=case, disposition="explained", reason="x"), "pvara_approver"
    )
    (transactions, cases, *_others) = desks.look("pvara_officer", "retention", as_of="2040-01-01")
    assert (transactions["may_be_destroyed"], cases["may_be_destroyed"]) == (2, 1)


def test_a_name_alone_weighs_less_than_a_name_with_its_number() -> None:
    """The grades order the queue of hits; the risk of a case follows the same order."""
    weights = [score_of_hit(int(grade), 1_000) for grade in Grade]
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == len(Grade)
    assert score_of_hit(Grade.IDENTIFIED, 1_000) == 1
    assert score_of_hit(Grade.NAME_ALONE, 1_000) < Decimal("0.5")


def test_the_risk_of_a_case_counts_the_grade_of_its_hit(desks: Desks) -> None:
    put_hits(desks, ("1", 1, 950), ("2", 2, 950))
    with desks.store.engine.begin() as connection:
        connection.execute(hit.update().where(hit.c.party == "2").values(grade=Grade.NAME_ALONE))
    desks.do_as("pvara_officer", GroupFindings())
    queue = desks.look("pvara_officer", "cases")
    assert [(one["subject"], one["risk"]) for one in queue] == [
        ("party:1", "0.9500"),
        ("party:2", "0.2850"),
    ]
