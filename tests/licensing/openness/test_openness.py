"""Agreements, advisers who apply, recusals and rulebooks, on both databases."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sql

from amanat.access.entrance import Visitor
from amanat.access.tables import institution
from amanat.core.errors import Forbidden, NotFound, Refusals
from amanat.core.money import UnknownCurrency
from amanat.licensing.commands import (
    CheckCompleteness,
    OpenConsultation,
    Recommend,
    Suspend,
    WithdrawFile,
)
from amanat.licensing.model import ApplicantConsulted, Completeness, Conflicted
from amanat.licensing.openness.acts_agreements import AgreementOver, CriteriaTooLate
from amanat.licensing.openness.acts_interests import NotRecused, RecusedAlready
from amanat.licensing.openness.acts_rulebooks import (
    CommentAnswered,
    CommentsUnanswered,
    ConsultationOpenStill,
    ConsultationTooShort,
    InForceTooEarly,
    VersionUnderWay,
)
from amanat.licensing.openness.commands import (
    AnswerComment,
    BringIntoForce,
    ConsultOnRulebook,
    DeclareInterest,
    DraftRulebook,
    EndAgreement,
    EndRecusal,
    NameParty,
    PublishAgreement,
    PublishCriteria,
    Recuse,
    WithdrawDraft,
)
from amanat.licensing.openness.rulebooks import (
    Commented,
    ConsultationEnded,
    NotInState,
    take_comment,
)
from amanat.licensing.register.tables import register_change
from amanat.licensing.tables import condition, file_step
from amanat.store.journal import read_entries

from ...programme.world import CODE
from ..without_ledger import DeskWorld
from ..world import MARCH, decision

TEXT = "The parties study up to USD 2 bn of sovereign assets. Nothing here binds them."
DIGEST = hashlib.sha256(TEXT.encode()).hexdigest()


def agreement(**more: Any) -> PublishAgreement:
    """A memorandum that binds nobody, with a party that advises."""
    fields: dict[str, Any] = {
        "kind": "mou",
        "title": "Study of tokenisation",
        "parties": [{"name": "Exchange X", "party": "exchange_x"}],
        "binding": False,
        "advises": True,
        "scope": "advice on distribution",
        "signed_on": MARCH.isoformat(),
        "first_day": MARCH.isoformat(),
        "deliverables": ["a report"],
        "digest": DIGEST,
        "no_selection": "the party offered it",
    }
    return PublishAgreement.model_validate(fields | more)


def published(desk: DeskWorld, command: Any) -> Any:
    """By two people of the authority."""
    return desk.do_as("pvara_officer", command, "pvara_approver")


# -- agreements -----------------------------------------------------------------------------------


def test_criteria_come_before_the_choice(desk: DeskWorld) -> None:
    number = published(desk, PublishCriteria(title="Adviser", criteria="price and experience"))
    chosen = {"selection": number["selection"], "no_selection": None}
    with pytest.raises(CriteriaTooLate, match="not before 2026-03-09"):
        published(desk, agreement(**chosen))
    desk.day = MARCH + timedelta(days=1)
    other = {"invited": [{"name": "Exchange Z", "reason": "dearer, and without experience"}]}
    done = published(desk, agreement(signed_on=desk.day.isoformat(), **chosen, **other))
    shown = desk.view("agreement", agreement=done["agreement"])
    assert shown["criteria"] == "price and experience"
    assert (shown["criteria_published_on"], shown["signed_on"]) == ("2026-03-09", "2026-03-10")
    assert shown["invited"] == [{"name": "Exchange Z", "reason": "dearer, and without experience"}]
    assert [row["selection"] for row in desk.view("selections")] == [number["selection"]]


def test_everything_that_does_not_fit_is_told_at_once(desk: DeskWorld) -> None:
    wrong = agreement(
        text=TEXT + " ",
        signed_on="2026-03-10",
        amount=100,
        selection="SEL-2026-0001",
        parties=[{"name": "Nobody", "party": "nobody_here"}],
    )
    with pytest.raises(Refusals) as refused:
        published(desk, wrong)
    assert [one.code for one in refused.value.refusals] == [
        "agreement_dates_disorderly",
        "amount_unclear",
        "text_digest_differs",
        "selection_unclear",
        "not_found",
        "not_found",
    ]
    with pytest.raises(UnknownCurrency, match="XXQ"):
        published(desk, agreement(amount=100, currency="XXQ"))
    with pytest.raises(Forbidden):
        desk.do_as("exchange_x_officer", agreement(), "exchange_x_approver")


def test_money_and_text_stand_in_the_public_log(desk: DeskWorld) -> None:
    done = published(desk, agreement(text=TEXT, amount=2_000_000_00, currency="USD"))
    shown = desk.view("agreement", agreement=done["agreement"])
    assert (shown["text"], shown["amount"], shown["currency"]) == (TEXT, 200_000_000, "USD")
    with desk.store.reading() as connection:
        (entry,) = read_entries(connection, programme=CODE, kinds=["AgreementPublished"])
    assert entry["log"] == "public"
    assert entry["content"]["amount"] == "2000000.00 USD"
    assert entry["content"]["text_digest"] == DIGEST
    found = desk.view("agreements", q="tokenisation")
    assert [row["agreement"] for row in found] == [done["agreement"]]
    assert desk.view("agreements", q="railways") == []


# -- who advises and applies ----------------------------------------------------------------------


def test_who_advises_and_applies_is_flagged_by_derivation(desk: DeskWorld) -> None:
    number = published(desk, agreement())["agreement"]
    assert desk.view("advisers_who_apply") == []  # it has not applied
    desk.noc("exchange_x")
    (row,) = desk.view("advisers_who_apply")
    assert (row["provider"], row["agreements"]) == ("exchange_x", number)
    entry = desk.view("registered_provider", provider="exchange_x")
    assert entry["flags"] == ["advises_programme"]
    (decided,) = desk.view("decisions")
    assert decided["advises"]
    published(desk, EndAgreement(agreement=number, reason="the study is done"))
    assert desk.view("advisers_who_apply") == []
    assert desk.view("registered_provider", provider="exchange_x")["flags"] == []
    with desk.store.reading() as connection:
        told = connection.execute(
            sql.select(register_change.c.number).where(register_change.c.subject == "exchange_x")
        ).all()
    assert len(told) == 2
    with pytest.raises(AgreementOver):
        published(desk, EndAgreement(agreement=number, reason="once more"))


def test_a_party_is_known_by_its_name_or_named(desk: DeskWorld) -> None:
    desk.opened("exchange_x", "noc", "exchange")
    desk.opened("exchange_y", "noc", "exchange")
    published(desk, agreement(parties=[{"name": "  exchange_x "}]))
    assert [row["provider"] for row in desk.view("advisers_who_apply")] == ["exchange_x"]
    number = published(desk, agreement(parties=[{"name": "Holding of Y"}]))["agreement"]
    assert len(desk.view("advisers_who_apply")) == 1
    published(desk, NameParty(agreement=number, name="Holding of Y", party="exchange_y"))
    assert len(desk.view("advisers_who_apply")) == 2
    with pytest.raises(NotFound):
        published(desk, NameParty(agreement=number, name="Somebody", party="exchange_y"))
    harmless = published(desk, agreement(advises=False))["agreement"]
    assert all(harmless not in row["agreements"] for row in desk.view("advisers_who_apply"))


def test_who_applies_itself_is_shown_no_other_applicant(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_x", "noc", "exchange")
    desk.do_as("pvara_officer", CheckCompleteness(file=number, outcome=Completeness.COMPLETE))
    ask = OpenConsultation(file=number, stakeholder="secp", question="any objection?")
    desk.do_as("pvara_officer", ask)
    assert desk.view("file", "secp_officer", file=number)["file"] == number
    # The same institution applies: what it was asked is shut to it from now on.
    with desk.store.engine.begin() as connection:
        connection.execute(
            sql.update(institution)
            .where(institution.c.code == "secp")
            .values(capacities=["applicant", "auditor", "consulted", "consulted.secp"])
        )
        connection.execute(
            sql.update(institution)
            .where(institution.c.code == "fmu")
            .values(capacities=["applicant", "consulted", "consulted.fmu"])
        )
    desk.opened("secp", "noc", "exchange")
    desk.opened("fmu", "noc", "exchange")
    with pytest.raises(NotFound):
        desk.view("file", "secp_officer", file=number)
    assert [row["provider"] for row in desk.view("files", "secp_officer")] == ["secp"]
    assert [row["provider"] for row in desk.view("providers", "secp_officer")] == ["secp"]
    assert desk.view("consultations", "secp_officer") == []
    with pytest.raises(ApplicantConsulted):
        desk.do_as(
            "pvara_officer", OpenConsultation(file=number, stakeholder="fmu", question="and you?")
        )


# -- recusals -------------------------------------------------------------------------------------


def test_who_declares_an_interest_neither_reads_nor_acts(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_x", "noc", "exchange")
    interest = DeclareInterest(
        provider="exchange_x", nature="family", reason="a sister works there"
    )
    desk.do_as("pvara_officer", interest)
    with pytest.raises(Conflicted, match=r"pvara_officer is recused.*a sister works there"):
        desk.do_as("pvara_officer", CheckCompleteness(file=number, outcome=Completeness.COMPLETE))
    with pytest.raises(Conflicted, match="a sister works there"):
        desk.view("file", "pvara_officer", file=number)
    with pytest.raises(Conflicted):
        desk.view("provider", "pvara_officer", provider="exchange_x")
    assert desk.view("files", "pvara_officer") == []
    assert [r for r in desk.view("licensing_calendar", "pvara_officer") if r["file"]] == []
    # Others go on, and another provider's file is open to the same person.
    desk.do_as("pvara_second", CheckCompleteness(file=number, outcome=Completeness.COMPLETE))
    assert desk.view("file", "pvara_second", file=number)["stage"] == "review"
    other = desk.opened("exchange_y", "noc", "exchange")
    assert [row["file"] for row in desk.view("files", "pvara_officer")] == [other]
    with pytest.raises(RecusedAlready):
        desk.do_as("pvara_officer", interest)
    with desk.store.reading() as connection:
        (entry,) = read_entries(connection, programme=CODE, kinds=["InterestDeclared"])
    assert entry["log"] == "confidential"
    assert "sister" not in json.dumps(entry)


def test_nobody_approves_for_a_provider_from_which_they_are_recused(desk: DeskWorld) -> None:
    desk.noc("exchange_x")
    desk.do_as(
        "pvara_second",
        Recuse(
            person="pvara_approver",
            provider="exchange_x",
            nature="financial",
            reason="holds shares",
        ),
        "pvara_board",
    )
    suspend = Suspend(provider="exchange_x", level="full_freeze", reason="urgent")
    with pytest.raises(Conflicted, match="pvara_approver"):
        desk.do_as("pvara_second", suspend, "pvara_approver")
    desk.do_as("pvara_second", suspend, "pvara_board")


def test_a_recusal_is_ended_by_others(desk: DeskWorld) -> None:
    desk.opened("exchange_x", "noc", "exchange")
    end = EndRecusal(person="pvara_board", provider="exchange_x", reason="the shares were sold")
    with pytest.raises(NotRecused):
        desk.do_as("pvara_officer", end, "pvara_approver")
    desk.do_as(
        "pvara_board", DeclareInterest(provider="exchange_x", nature="financial", reason="shares")
    )
    with pytest.raises(Forbidden, match="nobody ends their own recusal"):
        desk.do_as("pvara_officer", end, "pvara_board")
    desk.do_as("pvara_officer", end, "pvara_approver")
    (row,) = desk.view("recusals", "auditor_officer")
    assert (row["ended_on"], row["end_reason"]) == ("2026-03-09", "the shares were sold")
    assert desk.view("recusals", "exchange_x_officer") == []


def test_a_decision_is_published_with_all_that_belongs_to_it(desk: DeskWorld) -> None:
    desk.opened("exchange_x", "noc", "exchange")
    desk.do_as(
        "pvara_board",
        DeclareInterest(provider="exchange_x", nature="advisory", reason="advised it"),
    )
    number = desk.view("files", "exchange_x_officer")[0]["file"]
    desk.do_as("exchange_x_officer", WithdrawFile(file=number, reason="to begin again"))
    desk.noc("exchange_x")
    (row,) = desk.view("decisions")
    assert row["reasons"] == "it meets what the rules ask"
    assert row["criteria"]
    assert row["conflicts"] == "none declared"
    assert (row["recused"], row["applicants"], row["rulebook"]) == (1, 1, None)
    assert desk.view("decisions", provider="exchange_y") == []


# -- rulebooks ------------------------------------------------------------------------------------


def comment(desk: DeskWorld, version: int = 1, **more: Any) -> Commented:
    """A comment of somebody of the public."""
    stated = {"rulebook": "general", "version": version, "name": "A reader", "text": "too strict"}
    visitor = Visitor("203.0.113.9")
    return take_comment(desk.store, lambda _c, _p: desk.day, CODE, stated | more, visitor)


def consulted(desk: DeskWorld) -> date:
    """A draft before the public; the last day for comments."""
    desk.do_as("pvara_officer", DraftRulebook(rulebook="general", title="General", text="Rule 1."))
    until = desk.day + timedelta(days=14)
    published(desk, ConsultOnRulebook(rulebook="general", version=1, until=until))
    return until


def force(day: date, **more: Any) -> BringIntoForce:
    """The first version, from a day."""
    fields = {"rulebook": "general", "version": 1, "from_day": day, "summary": "one rule milder"}
    return BringIntoForce.model_validate(fields | more)


def test_rules_go_from_draft_through_comments_into_force(desk: DeskWorld) -> None:
    until = consulted(desk)
    assert comment(desk).number == 1
    with pytest.raises(ConsultationOpenStill):
        published(desk, force(until))
    desk.day = until + timedelta(days=1)
    with pytest.raises(ConsultationEnded):
        comment(desk)
    with pytest.raises(CommentsUnanswered, match="1 comments on general/1 are unanswered: 1"):
        published(desk, force(desk.day))
    assert desk.view("rulebook", rulebook="general")["comments"] == []
    answer = AnswerComment(
        rulebook="general", version=1, number=1, answer="it is milder now", accepted=True
    )
    desk.do_as("pvara_officer", answer)
    with pytest.raises(CommentAnswered):
        desk.do_as("pvara_officer", answer)
    with pytest.raises(InForceTooEarly, match="lies before the business date"):
        published(desk, force(until))
    published(desk, force(desk.day, text="Rule 1, milder."))
    shown = desk.view("rulebook", rulebook="general")
    assert (shown["state"], shown["in_force"], shown["text"]) == (
        "adopted",
        True,
        "Rule 1, milder.",
    )
    assert shown["digest"] == hashlib.sha256(b"Rule 1, milder.").hexdigest()
    assert shown["comments"][0]["answer"] == "it is milder now"


def test_steps_conditions_and_decisions_cite_the_version(desk: DeskWorld) -> None:
    until = consulted(desk)
    desk.day = until + timedelta(days=1)
    published(desk, force(desk.day))
    number = desk.submitted("exchange_x", "noc", "exchange")
    desk.examined(number, "noc")
    desk.do_as("pvara_officer", Recommend(file=number, outcome="grant", rationale="on the whole"))
    desk.do_as("pvara_second", decision(number, conditions=("goaml",)), "pvara_approver")
    with desk.store.reading() as connection:
        cited = connection.execute(sql.select(file_step.c.rulebook).distinct()).scalars().all()
        attached = connection.execute(sql.select(condition.c.rulebook)).scalars().all()
        (entry,) = read_entries(connection, programme=CODE, kinds=["ConditionsSet"])
    assert (cited, attached) == (["general/1"], ["general/1"])
    assert entry["content"]["rulebook"] == "general/1"
    (row,) = desk.view("decisions")
    assert row["rulebook"] == "general/1"


def test_no_rules_without_the_public(desk: DeskWorld) -> None:
    draft = DraftRulebook(rulebook="general", title="General", text="Rule 1.")
    desk.do_as("pvara_officer", draft)
    assert desk.view("rulebooks") == []
    with pytest.raises(NotFound):
        desk.view("rulebook", rulebook="general", version=1)
    with pytest.raises(NotInState):
        published(desk, force(desk.day))
    with pytest.raises(NotInState):
        comment(desk)
    with pytest.raises(VersionUnderWay):
        desk.do_as("pvara_officer", draft)
    with pytest.raises(ConsultationTooShort, match="lasts 13 days, at least 14"):
        published(
            desk,
            ConsultOnRulebook(rulebook="general", version=1, until=desk.day + timedelta(days=13)),
        )
    desk.do_as("pvara_officer", WithdrawDraft(rulebook="general", version=1, reason="anew"))
    assert desk.do_as("pvara_officer", draft)["version"] == 2
    with pytest.raises(Exception, match="class"):
        desk.do_as("secp_officer", draft)


def test_a_comment_sent_twice_is_taken_once(desk: DeskWorld) -> None:
    consulted(desk)
    key = "01890000-0000-7000-8000-00000000beef"
    assert comment(desk, key=key) == Commented(1, again=False)
    assert comment(desk, key=key) == Commented(1, again=True)
    assert comment(desk).number == 2
