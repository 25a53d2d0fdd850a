"""Complaints of the public: taken from anyone, kept from others, counted for everyone."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sql

from amanat.access.entrance import Visitor
from amanat.core.errors import Forbidden, NotFound, Refusals
from amanat.licensing.complaints.acts import ContactNotGiven, NobodyToForwardTo
from amanat.licensing.complaints.commands import (
    AcknowledgeComplaint,
    AnswerComplaint,
    CloseComplaint,
    ComplaintOutcome,
    ForwardComplaint,
    ReadComplainant,
    RecordComplaint,
    ReopenComplaint,
    Topic,
)
from amanat.licensing.complaints.intake import Taken, complaint_state, take_complaint
from amanat.licensing.model import NotAProvider, StepNotAllowed
from amanat.licensing.openness.public_letters import FROM_A_NETWORK, TooManyLetters
from amanat.licensing.openness.tables import complaint, public_letter
from amanat.store.tables import journal_entry, journal_opening, metadata

from ...programme.world import CODE
from ..without_ledger import DeskWorld

MAIL, PHONE, NAME = "somebody@mail.example", "+92 300 1234567", "Somebody of Lahore"
TEXT = "My withdrawal of 0.5 BTC has been pending for two weeks."
VISITOR = Visitor("203.0.113.7")


def complain(desk: DeskWorld, visitor: Visitor = VISITOR, **more: Any) -> Taken:
    """A complaint with everything that one can say."""
    stated = {
        "provider": "exchange_x",
        "about": "Exchange X",
        "topic": "withdrawal",
        "happened_on": "2026-03-02",
        "text": TEXT,
        "name": NAME,
        "mail": MAIL,
        "phone": PHONE,
    }
    return take_complaint(desk.store, lambda _c, _p: desk.day, CODE, stated | more, visitor, "page")


def state(desk: DeskWorld, taken: Taken, secret: str | None = None) -> dict[str, Any]:
    """What the complainant reads."""
    with desk.store.reading() as connection:
        return complaint_state(connection, CODE, taken.number, secret or str(taken.secret))


def opened(desk: DeskWorld) -> None:
    """A provider on which there is a file."""
    desk.opened("exchange_x", "noc", "exchange")


def test_a_complaint_goes_from_anyone_to_its_findings(desk: DeskWorld) -> None:
    opened(desk)
    taken = complain(desk)
    assert taken.number == "CMP-2026-0001"
    assert state(desk, taken)["stage"] == "received"
    desk.do_as("pvara_officer", AcknowledgeComplaint(complaint=taken.number))
    desk.do_as("pvara_officer", ForwardComplaint(complaint=taken.number))
    desk.do_as("exchange_x_officer", AnswerComplaint(complaint=taken.number, answer="paid today"))
    assert state(desk, taken)["answer"] == "paid today"
    desk.do_as(
        "pvara_second",
        CloseComplaint(
            complaint=taken.number, outcome=ComplaintOutcome.UPHELD, findings="two weeks are long"
        ),
    )
    found = state(desk, taken)
    assert (found["stage"], found["outcome"]) == ("closed", "upheld")
    assert found["findings"] == "two weeks are long"
    assert [one["stage"] for one in found["steps"]] == [
        "received",
        "acknowledged",
        "with_provider",
        "answered",
        "closed",
    ]
    desk.do_as(
        "pvara_officer", ReopenComplaint(complaint=taken.number, reason="not paid after all")
    )
    assert state(desk, taken)["stage"] == "acknowledged"


def test_its_state_opens_to_the_secret_alone(desk: DeskWorld) -> None:
    opened(desk)
    first, second = complain(desk), complain(desk)
    assert state(desk, first, str(first.secret).lower())["complaint"] == first.number
    with pytest.raises(NotFound):
        state(desk, first, str(second.secret))
    with pytest.raises(NotFound):
        state(desk, Taken("CMP-2026-0099", None), str(first.secret))


def test_steps_that_the_path_has_not_are_refused(desk: DeskWorld) -> None:
    opened(desk)
    taken = complain(desk)
    with pytest.raises(NotFound):  # not forwarded: the provider does not know of it
        desk.do_as("exchange_x_officer", AnswerComplaint(complaint=taken.number, answer="no"))
    with pytest.raises(StepNotAllowed, match="ReopenComplaint is no step from there"):
        desk.do_as("pvara_officer", ReopenComplaint(complaint=taken.number, reason="why not"))
    desk.do_as("pvara_officer", ForwardComplaint(complaint=taken.number))
    with pytest.raises(NotFound):  # another provider never does
        desk.do_as("exchange_y_officer", AnswerComplaint(complaint=taken.number, answer="ours"))
    with pytest.raises(Forbidden):
        desk.do_as(
            "exchange_x_officer",
            CloseComplaint(
                complaint=taken.number, outcome=ComplaintOutcome.NOT_UPHELD, findings="all is well"
            ),
        )


def test_who_complained_is_sealed_and_read_by_an_act_alone(desk: DeskWorld) -> None:
    opened(desk)
    taken = complain(desk)
    read = desk.do_as(
        "pvara_officer", ReadComplainant(complaint=taken.number, reason="to ask for the receipt")
    )
    assert (read["name"], read["mail"], read["phone"]) == (NAME, MAIL, PHONE)
    with desk.store.reading() as connection:
        kinds = connection.execute(
            sql.select(journal_entry.c.log, journal_entry.c.kind, journal_entry.c.entry).where(
                journal_entry.c.subject == f"complaint:{taken.number}"
            )
        ).all()
        assert {row.log for row in kinds} == {"confidential"}
        assert "ComplainantRead" in {row.kind for row in kinds}
        # Nowhere in the database does the contact stand in the clear.
        for table in metadata.sorted_tables:
            if not sql.inspect(connection).has_table(table.name):
                continue
            for row in connection.execute(sql.select(table)):
                told = " ".join(
                    one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one)
                    for one in row
                )
                assert MAIL not in told, table.name
                assert PHONE not in told, table.name
                assert NAME not in told, table.name
        sealed = connection.execute(sql.select(journal_opening)).all()
    opened_text = {
        row.path: json.loads(desk.store.vault.open(row.entry_id, row.path, row.sealed)[1])
        for row in sealed
        if row.path in ("mail", "text")
    }
    assert opened_text == {"mail": MAIL, "text": TEXT}


def test_nobody_reads_what_was_not_said(desk: DeskWorld) -> None:
    opened(desk)
    taken = complain(desk, name=None, mail=None, phone=None)
    with pytest.raises(ContactNotGiven):
        desk.do_as("pvara_officer", ReadComplainant(complaint=taken.number, reason="to write"))
    with pytest.raises(Forbidden):
        desk.do_as("exchange_x_officer", ReadComplainant(complaint=taken.number, reason="who?"))


def test_all_faults_of_a_letter_are_told_at_once(desk: DeskWorld) -> None:
    with pytest.raises(Refusals) as refused:
        complain(desk, topic="weather", mail="nobody", text="", happened_on="yesterday")
    fields = {one.place.field for one in refused.value.refusals if one.place}
    assert fields == {"topic", "mail", "text", "happened_on"}
    with pytest.raises(NotAProvider):
        complain(desk, provider="nobody_here")
    opened(desk)
    with pytest.raises(Exception, match="lies after the business date"):
        complain(desk, happened_on="2026-03-10")


def test_a_form_sent_twice_is_taken_once(desk: DeskWorld) -> None:
    opened(desk)
    key = "01890000-0000-7000-8000-00000000beef"
    first, again = complain(desk, key=key), complain(desk, key=key)
    assert again == Taken(first.number, None)


def test_letters_of_one_network_are_bounded_by_day(desk: DeskWorld) -> None:
    opened(desk)
    for _ in range(FROM_A_NETWORK):
        complain(desk)
    with pytest.raises(TooManyLetters) as refused:
        complain(desk)
    assert 86_000 < refused.value.fields["seconds"] <= 86_400
    complain(desk, Visitor("198.51.100.1"))
    desk.clock.now += timedelta(days=1, seconds=1)
    complain(desk)
    with desk.store.reading() as connection:
        # What was counted is forgotten after its day.
        kept = connection.execute(sql.select(sql.func.count()).select_from(public_letter))
        assert kept.scalar_one() == 1


def test_a_letter_on_paper_goes_the_same_way(desk: DeskWorld) -> None:
    fields = {"about": "A shop in Saddar", "topic": Topic.NO_PERMISSION, "text": "It sells coins."}
    number = desk.do_as("pvara_officer", RecordComplaint.model_validate(fields))["complaint"]
    with pytest.raises(NobodyToForwardTo):
        desk.do_as("pvara_officer", ForwardComplaint(complaint=number))
    shown = desk.view("complaint", "pvara_officer", complaint=number)
    assert (shown["provider"], shown["channel"]) == (None, "letter")
    with pytest.raises(Exception, match="class"):  # secp is the authority of no licensed class
        desk.do_as("secp_officer", RecordComplaint.model_validate(fields))


def test_clocks_run_in_working_days_and_stand_in_the_calendar(desk: DeskWorld) -> None:
    opened(desk)
    number = complain(desk).number
    (row,) = desk.view("complaints", "pvara_officer")
    assert row["due_on"] == "2026-03-12"  # three working days after Monday, 9 March
    desk.day = date(2026, 3, 16)
    (row,) = desk.view("complaints", "pvara_officer")
    assert row["overdue"]
    due = [one for one in desk.view("licensing_calendar", "pvara_officer") if one["file"] == number]
    assert due[0]["owed_by"] == "pvara"
    assert due[0]["overdue"]
    desk.do_as("pvara_officer", ForwardComplaint(complaint=number))
    own = [
        one
        for one in desk.view("licensing_calendar", "exchange_x_officer")
        if one["file"] == number
    ]
    assert "exchange_x" in {one["owed_by"] for one in own}
    assert not [
        one
        for one in desk.view("licensing_calendar", "exchange_y_officer")
        if one["file"] == number
    ]


def test_lists_show_a_provider_what_it_was_sent(desk: DeskWorld) -> None:
    opened(desk)
    number = complain(desk).number
    assert desk.view("complaints", "exchange_x_officer") == []
    with pytest.raises(NotFound):
        desk.view("complaint", "exchange_x_officer", complaint=number)
    desk.do_as("pvara_officer", ForwardComplaint(complaint=number, note="among ourselves"))
    shown = desk.view("complaint", "exchange_x_officer", complaint=number)
    assert shown["text"] == TEXT
    assert "among ourselves" not in json.dumps(shown)
    assert NAME not in json.dumps(shown)
    assert desk.view("complaints", "exchange_y_officer") == []
    assert len(desk.view("complaints", "auditor_officer", open=True)) == 1


def test_everyone_reads_how_many_there_are(desk: DeskWorld) -> None:
    opened(desk)
    first = complain(desk).number
    complain(desk)
    desk.do_as(
        "pvara_officer",
        CloseComplaint(complaint=first, outcome=ComplaintOutcome.UPHELD, findings="so it is"),
    )
    (row,) = desk.view("complaint_counts")
    assert (row["provider"], row["received"], row["open"], row["upheld"]) == ("exchange_x", 2, 1, 1)
    assert desk.view("complaint_counts", provider="exchange_y") == []
    with desk.store.reading() as connection:
        assert connection.execute(sql.select(sql.func.count()).select_from(complaint)).scalar() == 2
