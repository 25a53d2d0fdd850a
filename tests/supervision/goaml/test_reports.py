"""Reports from the case to the FIU's answer, and from the foreign entity to the local one."""

from __future__ import annotations

import base64
import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree
from tests.licensing.world import MARCH
from tests.supervision.cases.desks import (
    ACCOUNT_X,
    BANK,
    REFERENCES,
    REGISTRATION,
    Desks,
    enter_reporter,
)
from tests.supervision.goaml.reports import (
    LAHORE,
    PACK,
    REASON,
    SCHEMA,
    bank_account,
    client_account,
    officer,
)

from amanat.core.errors import NotFound, Refusals
from amanat.supervision.cases.commands import CloseCase, OpenCase
from amanat.supervision.goaml.batches import answers_from
from amanat.supervision.goaml.commands import (
    AmendReport,
    DraftReport,
    FiuAnswer,
    HandOverReports,
    ReadBatch,
    ReadReport,
    RecordFiuAnswers,
    SubmitReport,
)
from amanat.supervision.goaml.content import ReportedParty
from amanat.supervision.goaml.gate import Expected, problems
from amanat.supervision.goaml.model import (
    AcknowledgementInvalid,
    AnswerNotAwaited,
    NothingToReport,
    NotRegistered,
    PartiesUnknown,
    ReportNotOpen,
)
from amanat.supervision.goaml.tables import report, submission
from amanat.supervision.goaml.xml_in import load_schema

OFFICER, APPROVER = "exchange_x_officer", "exchange_x_approver"
PARTIES = (
    ReportedParty(pseudonym=str(ACCOUNT_X), my_client=True, account=client_account()),
    ReportedParty(pseudonym=str(BANK), account=bank_account()),
)


def own_case(desks: Desks, *references: str) -> str:
    """A case of the exchange's compliance officer."""
    command = OpenCase(
        subject="customer:17", title="Structuring", reason="below the threshold",
        references=references or REFERENCES,
    )  # fmt: skip
    return str(desks.do_as(OFFICER, command)["case"])


def fields(**changes: Any) -> dict[str, Any]:
    """What the compliance officer writes."""
    return {
        "report_code": "STR",
        "reporting_person": officer(),
        "location": LAHORE,
        "reason": REASON,
        "action": "Withdrawals wait for a second look.",
        "indicators": ("VA-TXN", "VA-ANON"),
        "parties": PARTIES,
        **changes,
    }


def drafted(desks: Desks, case: str | None = None, **changes: Any) -> str:
    """A draft without problems; its number."""
    command = DraftReport(case=case or own_case(desks), **fields(**changes))
    done = desks.do_as(OFFICER, command)
    assert done["problems"] == []
    return str(done["report"])


def submitted(desks: Desks, number: str) -> str:
    """Submitted by two; the reference."""
    done = desks.do_as(OFFICER, SubmitReport(report=number), APPROVER)
    return str(done["reference"])


def test_a_case_becomes_a_report_that_validates(desks: Desks) -> None:
    case = own_case(desks)
    number = drafted(desks, case)
    reference = submitted(desks, number)
    read = desks.do_as("fmu_officer", ReadReport(reference=reference))
    xml = read["xml"].encode()
    expected = Expected(MARCH, REGISTRATION)
    assert problems(xml, "x.xml", PACK, expected, load_schema(SCHEMA)) == []
    root = etree.fromstring(xml)
    assert root.findtext("rentity_id") == REGISTRATION
    assert root.findtext("entity_reference") == reference == f"4711-exchange_x-{number}-1"
    assert sorted(one.findtext("amount_local") or "" for one in root.findall("transaction")) == [
        "1200000.00", "2100000.00", "950000.00",
    ]  # fmt: skip
    wallet = root.find(".//t_to/to_account")
    assert wallet is not None
    assert wallet.findtext("institution_name") == "Unhosted wallet"
    assert wallet.findtext("currency_code") == "BTC"
    clocks = {one["clock"]: one for one in desks.look(OFFICER, "case", case=case)["clocks"]}
    assert set(clocks) == {"triage", "decision"}
    closing = CloseCase(case=case, disposition="reported", reason="with the FIU")
    desks.do_as(OFFICER, closing, APPROVER)


def test_a_draft_says_everything_that_the_gate_would_refuse(desks: Desks) -> None:
    wrong = LAHORE.model_copy(update={"district": "Lahor"})
    command = DraftReport(
        case=own_case(desks), **fields(location=wrong, reason="odd", indicators=("XX",))
    )
    done = desks.do_as(OFFICER, command)
    assert {one["rule"] for one in done["problems"]} == {
        "district", "reason_short", "indicator_unknown",
    }  # fmt: skip
    with pytest.raises(Refusals) as refused:
        desks.do_as(OFFICER, SubmitReport(report=done["report"]))
    assert len(refused.value.refusals) == 3
    amended = desks.do_as(OFFICER, AmendReport(report=done["report"], **fields()))
    assert amended["problems"] == []
    assert submitted(desks, done["report"])


def test_what_an_amendment_leaves_out_stays_as_it_was(desks: Desks) -> None:
    wrong = LAHORE.model_copy(update={"district": "Lahor"})
    command = DraftReport(case=own_case(desks), **fields(location=wrong, action="Stopped."))
    number = str(desks.do_as(OFFICER, command)["report"])

    def read() -> Any:
        return etree.fromstring(desks.do_as(OFFICER, ReadReport(report=number))["xml"].encode())

    before = read()
    done = desks.do_as(OFFICER, AmendReport(report=number, location=LAHORE))
    assert done["problems"] == []
    after = read()
    assert after.findtext("location/city") == "Lahore"
    for path in ("reason", "action", "reporting_person/last_name", "report_code"):
        assert after.findtext(path) == before.findtext(path), path
    one, other = (len(it.findall("transaction")) for it in (before, after))
    assert one == other == len(REFERENCES)
    # Whoever says anew who stands behind the accounts says it of all of them.
    with pytest.raises(PartiesUnknown, match=str(ACCOUNT_X)):
        desks.do_as(OFFICER, AmendReport(report=number, parties=PARTIES[1:]))
    changed = AmendReport(report=number, parties=PARTIES, indicators=("VA-TXN",))
    assert desks.do_as(OFFICER, changed)["problems"] == []
    assert submitted(desks, number)


def test_a_report_is_refused_without_parties_transactions_or_registration(desks: Desks) -> None:
    case = own_case(desks)
    with pytest.raises(PartiesUnknown, match=str(ACCOUNT_X)):
        desks.do_as(OFFICER, DraftReport(case=case, **fields(parties=PARTIES[1:])))
    bare = OpenCase(subject="customer:18", title="x", reason="x")
    empty = str(desks.do_as(OFFICER, bare)["case"])
    with pytest.raises(NothingToReport):
        desks.do_as(OFFICER, DraftReport(case=empty, **fields()))
    with pytest.raises(NotFound):
        desks.do_as(OFFICER, DraftReport(case="CAS-2026-0099", **fields()))
    theirs = str(desks.do_as("exchange_y_officer", bare)["case"])
    activity = ({"person": PARTIES[0].account.owner},) if PARTIES[0].account else ()
    with pytest.raises(NotRegistered):
        desks.do_as("exchange_y_officer", DraftReport(case=theirs, **fields(activity=activity)))


def test_the_fius_answers_close_or_open_the_report_again(desks: Desks) -> None:
    number = drafted(desks)
    reference = submitted(desks, number)
    with pytest.raises(ReportNotOpen):
        desks.do_as(OFFICER, SubmitReport(report=number))
    reasons = ("district", "no indicator")
    rejected = FiuAnswer(reference=reference, outcome="rejected", reasons=reasons)
    desks.do_as("fmu_officer", RecordFiuAnswers(answers=(rejected,)))
    with pytest.raises(AnswerNotAwaited):
        desks.do_as("fmu_officer", RecordFiuAnswers(answers=(rejected,)))
    shown = desks.look(OFFICER, "report", report=number)
    assert (shown["state"], shown["submissions"][0]["reasons"]) == ("rejected", list(reasons))
    desks.do_as(OFFICER, AmendReport(report=number, **fields(action="Account under watch.")))
    again = submitted(desks, number)
    assert again.endswith("-2")
    content = f"reference,outcome,fiu_number,reasons\n{again},accepted,FMU-88,\n".encode()
    imported = RecordFiuAnswers(answers=answers_from(content, "ack.csv"))
    assert desks.do_as(OFFICER, imported) == {"accepted": 1, "rejected": 0}
    shown = desks.look(OFFICER, "report", report=number)
    assert [(one["state"], one["fiu_number"]) for one in shown["submissions"]] == [
        ("accepted", "FMU-88"), ("rejected", None),
    ]  # fmt: skip


def test_answers_to_anothers_report_are_to_none(desks: Desks) -> None:
    reference = submitted(desks, drafted(desks))
    answer = FiuAnswer(reference=reference, outcome="accepted")
    unknown = FiuAnswer(reference="4711-nothing", outcome="accepted")
    told = []
    for one in (answer, unknown):
        with pytest.raises(NotFound) as refused:
            desks.do_as("exchange_y_officer", RecordFiuAnswers(answers=(one,)))
        told.append(str(refused.value).replace(one.reference, "…"))
    assert told[0] == told[1]
    with pytest.raises(Refusals):  # all at once, and nothing of it is recorded
        desks.do_as("fmu_officer", RecordFiuAnswers(answers=(answer, unknown, unknown)))
    assert desks.look("fmu_officer", "reports")[0]["state"] == "submitted"


def test_a_report_is_answered_once_and_rejected_with_a_reason(desks: Desks) -> None:
    reference = submitted(desks, drafted(desks))
    accepted = FiuAnswer(reference=reference, outcome="accepted", fiu_number="FMU-1")
    rejected = FiuAnswer(reference=reference, outcome="rejected", reasons=("late",))
    for answers, said in (
        ((accepted, rejected), f"{reference} is answered twice"),
        ((FiuAnswer(reference=reference, outcome="rejected"),), "a rejection has a reason"),
    ):
        with pytest.raises((Refusals, AcknowledgementInvalid), match=said):
            desks.do_as("fmu_officer", RecordFiuAnswers(answers=answers))
    assert desks.look("fmu_officer", "reports")[0]["state"] == "submitted"


HEAD = b"reference,outcome,fiu_number,reasons\n"


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b"ref,outcome\nx,accepted\n", 1, "it begins reference"),
        (b"reference,outcome,fiu_number,reasons\nx,perhaps,,\n", 2, "neither accepted nor"),
        (b"reference,outcome,fiu_number,reasons\nx,rejected,,\n", 2, "a rejection has a reason"),
        (b"reference,outcome,fiu_number,reasons\n,accepted,,\n", 2, "names the report"),
        (b"reference,outcome,fiu_number,reasons\nx,accepted\n", 2, "four fields"),
        (b"reference,outcome,fiu_number,reasons\n", None, "no rows"),
        (b"\xff\xfe", None, "not CSV"),
        (b"reference,outcome,fiu_number,reasons\nx,accepted,1,\nx,rejected,,late\n", 3, "twice"),
        (HEAD + b"x" * 256 + b",accepted,,\n", 2, "reference has more than 255"),
        (HEAD + b"x,accepted," + b"9" * 121 + b",\n", 2, "fiu_number has more than 120"),
        (HEAD + b"x,rejected,," + b"y" * 256 + b"\n", 2, "reasons has more than 255"),
        (HEAD + b"x,rejected,," + b"y|" * 51 + b"\n", 2, "at most 50 reasons"),
        (HEAD + b"x,rejected,,|||\n", 2, "a rejection has a reason"),
        (HEAD + b'x,rejected,,"cut off', None, "not CSV"),
        (HEAD + b"".join(b"%d,accepted,,\n" % n for n in range(5_001)), None, "at most 5,000"),
    ],
)
def test_a_broken_file_of_answers_is_refused(content: bytes, line: int | None, said: str) -> None:
    with pytest.raises(AcknowledgementInvalid, match=said) as refused:
        answers_from(content, "ack.csv")
    assert refused.value.place is not None
    assert refused.value.place.line == line


def test_the_batch_of_a_day_is_the_same_file_every_time(desks: Desks) -> None:
    for _ in range(2):
        submitted(desks, drafted(desks))
    first = desks.do_as(OFFICER, ReadBatch(day=MARCH))
    again = desks.do_as(OFFICER, ReadBatch(day=MARCH))
    assert (first["reports"], first["digest"]) == (2, again["digest"])
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(first["zip"]))) as archive:
        names = archive.namelist()
        assert names == sorted(names)
        assert len(names) == 2
        assert all(b"<report>" in archive.read(name) for name in names)
    assert desks.look(OFFICER, "report_batches")[0]["submitted"] == 2
    for person, day in ((OFFICER, MARCH - timedelta(1)), ("exchange_y_officer", MARCH)):
        with pytest.raises(NotFound):
            desks.do_as(person, ReadBatch(day=day))


def test_what_a_report_says_of_people_is_sealed(desks: Desks) -> None:
    submitted(desks, drafted(desks))
    with desks.store.engine.connect() as connection:
        rows = repr(
            [*connection.execute(report.select()), *connection.execute(submission.select())]
        )
    for plain in ("3520212345671", "Muhammad", "محمد", "PKX-000017"):
        assert plain not in rows


# -- handover -------------------------------------------------------------------------------------


def handed_over(desks: Desks) -> None:
    """The local entity reports from the tenth of March on (NOC Regulations 11.5)."""
    with desks.store.engine.begin() as connection:
        name = "Exchange X (Private) Limited"
        enter_reporter(connection, "local", "5822", name, MARCH + timedelta(1))


def test_older_transactions_name_the_former_entity_and_open_reports_go_over(desks: Desks) -> None:
    before = drafted(desks)
    waiting = submitted(desks, drafted(desks))
    with pytest.raises(NotFound):
        desks.do_as(OFFICER, HandOverReports())
    handed_over(desks)
    desks.at(MARCH + timedelta(1))
    listed = desks.do_as(OFFICER, HandOverReports())
    assert (listed["from"], listed["to"]) == ("4711", "5822")
    assert [one["state"] for one in listed["reports"]] == ["draft", "submitted"]
    assert desks.do_as(OFFICER, HandOverReports())["reports"] == []
    reference = submitted(desks, before)
    assert reference.startswith("5822-")
    assert "former entity 4711 Exchange X Limited" in reference
    root = etree.fromstring(desks.do_as(OFFICER, ReadReport(reference=reference))["xml"].encode())
    assert root.findtext("rentity_id") == "5822"
    assert "Before 2026-03-10 the reporting entity was 4711" in (root.findtext("reason") or "")
    assert len(desks.look(OFFICER, "handed_over_reports")) == 2
    (seen,) = desks.look("fmu_officer", "handed_over_reports")  # a draft is nobody else's
    assert seen["state_then"] == "submitted"
    rejected = FiuAnswer(reference=waiting, outcome="rejected", reasons=("entity is closed",))
    desks.do_as("fmu_officer", RecordFiuAnswers(answers=(rejected,)))


def test_customers_at_the_threshold_are_shown_to_their_exchange_alone(desks: Desks) -> None:
    """PKR 2.0m a customer and day (FMU Circular 01/2025): PKR 1.2m and 0.95m of one day."""
    (due,) = desks.look(OFFICER, "ctr_due")
    assert (due["value_minor"], due["transactions"], due["direction"]) == (
        "215000000",
        2,
        "fiat_in",
    )
    assert due["due_on"] == "2026-03-16"
    assert due["references"] == ["T-1", "T-2"]
    assert desks.look(OFFICER, "ctr_due", limit=1) == [due]
    assert desks.look(OFFICER, "ctr_due", offset=1) == []
    assert desks.look("exchange_y_officer", "ctr_due") == []
    number = drafted(
        desks, own_case(desks, "T-1", "T-2"), report_code="CTR", indicators=("CTR",),
        reason="Deposits of one day",
    )  # fmt: skip
    assert submitted(desks, number)
    for other in ("pvara_officer", "fmu_officer", "bank_a_officer"):
        with pytest.raises(NotFound):
            desks.look(other, "ctr_due")
