"""Nobody learns of a case, report, request or freeze that is not theirs, by any output at all.

Tipping off is an offence (AML Act 2010 s.7D).  Desks plant words of their own; then everything that
others are shown is searched for them: views and pages as every other institution and the public,
the register, feeds and files, the public log's bytes, metrics, log lines, traces and refusals.
"""

from __future__ import annotations

import html
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sql
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import generate_latest
from tests.licensing.world import CODE
from tests.supervision.cases.desks import SUBJECT
from tests.supervision.cases.installed import (
    DISMISSED,
    HIT,
    ORDERED,
    WORDS,
    Told,
    installed,
    plant,
)

from amanat.access.acts import ACTS, VIEWS
from amanat.core.errors import AmanatError, NotFound
from amanat.observing import tracing
from amanat.observing.metrics import REGISTRY
from amanat.store.tables import journal_entry
from amanat.supervision.cases.commands import AddCaseNote, AnswerInformationRequest, CloseCase
from amanat.supervision.goaml.commands import FiuAnswer, ReadReport, RecordFiuAnswers

OTHERS = ("bank_a", "ministry", "central_bank", "secp", "exchange_y", "dealer_v")
OWN_VIEWS = {
    "cases", "case", "case_network", "case_statistics", "referrals", "information_requests",
    "disseminations", "retention", "reports", "report", "report_batches", "handed_over_reports",
    "ctr_due",
}  # fmt: skip
ROOM = (
    "amanat.supervision.cases",
    "amanat.supervision.goaml",
    "amanat.supervision.screening.acts_freezes",
)


@pytest.fixture(scope="module")
def spans() -> Iterator[InMemorySpanExporter]:
    """Everything that is traced while the desks work."""
    exporter = InMemorySpanExporter()
    tracing.begin([exporter], at_once=True)
    yield exporter
    tracing.end()


class Kept(logging.Handler):
    """Every log line, as it is written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep all of a record."""
        self.lines.append(f"{record.getMessage()} {vars(record)!r}")


@pytest.fixture(scope="module")
def before() -> dict[str, Any]:
    """What was counted before the desks worked; filled by `told`."""
    return {}


@pytest.fixture(scope="module")
def told(
    tmp_path_factory: pytest.TempPathFactory,
    spans: InMemorySpanExporter,
    before: dict[str, Any],
) -> Iterator[Told]:
    """The installation, with what was planted."""
    with installed(tmp_path_factory.mktemp("tipping")) as found:
        spans.clear()
        before["metrics"] = generate_latest(REGISTRY).decode()
        before["public"] = public_bytes(found)
        kept = Kept()
        logging.getLogger().addHandler(kept)
        level = logging.getLogger("amanat").level
        logging.getLogger("amanat").setLevel(logging.DEBUG)
        plant(found)
        for refused in (
            lambda: found.world.do_as("fmu_officer", CloseCase(
                case="CAS-2026-0001", disposition="nothing", reason="x")),
            lambda: found.world.do_as("exchange_x_officer", AddCaseNote(
                case="CAS-2026-0777", text="quokka theta")),
        ):  # fmt: skip
            with pytest.raises(AmanatError):
                refused()
        logging.getLogger().removeHandler(kept)
        logging.getLogger("amanat").setLevel(level)
        before["lines"] = kept.lines
        before["spans"] = [span.to_json() for span in spans.get_finished_spans()]
        before["after"] = generate_latest(REGISTRY).decode()
        yield found


def public_bytes(told: Told) -> list[bytes]:
    """The leaves of the public log."""
    with told.app.store.reading() as connection:
        query = sql.select(journal_entry.c.entry).where(journal_entry.c.log == "public")
        return [bytes(one) for one in connection.execute(query).scalars()]


def markers(told: Told, *but: str) -> list[str]:
    """What nobody but its desk may read: words, numbers, the subject."""
    words = [word for desk, some in WORDS.items() if desk not in but for word in some]
    found = [*words, *told.numbers.values(), *ORDERED, str(SUBJECT)]
    return [*found, "deposits below the threshold", "quokka"]


def found_in(text: str, sought: list[str]) -> list[str]:
    """The markers that a text has."""
    plain = html.unescape(text)
    return [one for one in sought if one in plain]


def test_the_search_finds_what_is_there(told: Told) -> None:
    """So that what finds nothing elsewhere is not blind."""
    for person, word in (
        ("pvara_officer", WORDS["pvara"][1]),
        ("fmu_officer", WORDS["fmu"][0]),
        ("exchange_x_officer", WORDS["exchange_x"][0]),
    ):
        asked = f"/v1/programmes/{CODE}/views/case"
        answer = told.client.get(
            asked, params={"case": "CAS-2026-0001"}, headers=told.bearer(person)
        )
        assert answer.status_code == 200
        assert word in answer.text
    flow = told.world.view("alert_flow", "pvara_officer", alert=DISMISSED)
    assert flow["dismissals"][0]["reason"] == WORDS["pvara"][2]
    for person in ("pvara_officer", "fmu_officer"):
        (freeze,) = told.world.view("freezes", person)
        assert (freeze["state"], freeze["reason"]) == ("ordered", ORDERED[0])
    (freeze,) = told.world.view("freezes", "exchange_x_officer")
    assert freeze["accounts"] == [ORDERED[1]]
    (read,) = told.world.view("disseminations", "interior_officer")
    assert read["text"] == WORDS["fmu"][2]


def test_every_act_of_the_desks_is_confidential_and_untold() -> None:
    mine = [one for one in ACTS.values() if one.body.__module__.startswith(ROOM)]
    assert len(mine) >= 20
    assert [one.name for one in mine if not (one.confidential and one.untold)] == []
    assert {one.name for one in VIEWS.values() if not one.public} >= OWN_VIEWS


def test_neither_metrics_nor_logs_nor_traces_say_that_a_desk_worked(
    told: Told, before: dict[str, Any]
) -> None:
    acts = {one.name for one in ACTS.values() if one.body.__module__.startswith(ROOM)}
    text = "\n".join([*before["lines"], *before["spans"]])
    assert before["spans"] != []
    assert found_in(text, [*markers(told), *acts]) == []
    counted = [
        {
            line
            for line in before[when].splitlines()
            if line.startswith(("amanat_act", "amanat_ref"))
        }
        for when in ("metrics", "after")
    ]
    assert counted[0] == counted[1]  # not even that something was done


def test_the_public_log_is_byte_for_byte_what_it_was(told: Told, before: dict[str, Any]) -> None:
    """Neither an entry, nor a commitment, nor a number of leaves."""
    assert public_bytes(told) == before["public"]


def test_the_second_log_holds_seals_alone(told: Told) -> None:
    """Who checks it learns that somebody worked, and not on whom; orders to freeze it names."""
    with told.app.store.reading() as connection:
        query = sql.select(journal_entry.c.entry, journal_entry.c.subject).where(
            journal_entry.c.log == "confidential"
        )
        rows = connection.execute(query).all()
    text = "\n".join(f"{bytes(row.entry).decode()} {row.subject}" for row in rows)
    assert '"DeskStep"' in text
    named = {*ORDERED, told.numbers["freeze"]}
    assert found_in(text, [*(one for one in markers(told) if one not in named), "CAS-2026"]) == []
    assert ORDERED[0] not in text


def queries(name: str) -> Iterator[dict[str, Any]]:
    """What a stranger asks of a view: as little as it takes, and with numbers that exist."""
    guesses = {
        "case": "CAS-2026-0001", "report": "RPT-2026-0001", "provider": "exchange_x",
        "institution": "exchange_x", "party": str(SUBJECT), "participant": "exchange_x",
        "subject": f"party:{SUBJECT}", "exchange": "exchange_x", "officer": "fmu_officer",
        "file": "NOC-2026-0001", "log": "public", "alert": DISMISSED, "hit": HIT,
    }  # fmt: skip
    kind = VIEWS[name]
    required = {
        field: guesses.get(field, "nothing")
        for field, one in kind.query.model_fields.items()
        if one.is_required()
    }
    yield required
    for field in set(kind.query.model_fields) - set(required):
        if field in guesses:
            yield required | {field: guesses[field]}


@pytest.mark.parametrize("reader", [None, *OTHERS])
def test_no_view_tells_another_institution(told: Told, reader: str | None) -> None:
    person = None if reader is None else f"{reader}_officer"
    headers = told.bearer(person)
    leaks = []
    for name in sorted(VIEWS):
        if not VIEWS[name].body.__module__.startswith("amanat."):
            continue
        for asked in queries(name):
            path = f"/v1/programmes/{CODE}/views/{name}"
            answer = told.client.get(path, params=asked, headers=headers)
            assert answer.status_code < 500, (name, answer.text[:300])
            said = json.dumps(asked)
            hits = [one for one in found_in(answer.text, markers(told)) if one not in said]
            leaks += [(name, asked, one) for one in hits]
    assert leaks == []


def test_the_desks_do_not_see_into_each_other(told: Told) -> None:
    """Also the authorities, the auditor, and whoever reads along for the exchange."""
    seen = {
        "pvara_officer": markers(told, "pvara"),
        "fmu_officer": [*WORDS["pvara"], WORDS["exchange_x"][0]],
        "exchange_x_officer": [
            *WORDS["pvara"],
            WORDS["fmu"][0],
            WORDS["fmu"][2],
            str(SUBJECT),
            ORDERED[0],
            ORDERED[2],
        ],
        "exchange_x_viewer": markers(told),
        "auditor_officer": markers(told),
    }
    known = {told.numbers["referral"], str(SUBJECT), "deposits below the threshold", "quokka",
             told.numbers["freeze"], *ORDERED}  # fmt: skip
    leaks = []
    for person, sought in seen.items():
        for name in sorted(VIEWS):
            if not VIEWS[name].body.__module__.startswith("amanat."):
                continue
            for asked in queries(name):
                try:
                    shown = repr(told.world.view(name, person, **asked))
                except AmanatError as error:
                    shown = str(error)
                hits = [one for one in found_in(shown, sought) if one not in repr(asked)]
                if person == "pvara_officer":
                    hits = [one for one in hits if one not in known]
                leaks += [(person, name, one) for one in hits]
    assert leaks == []


@pytest.mark.parametrize("reader", [None, "exchange_y", "bank_a"])
def test_no_page_and_no_file_tells_it(told: Told, reader: str | None) -> None:
    person = None if reader is None else f"{reader}_officer"
    cookie = told.cookie(person)
    base = f"/p/{CODE}"
    paths = ["/", base, f"{base}/views", f"{base}/acts", f"{base}/register", f"{base}/warnings",
             f"{base}/register/exchange_x", f"{base}/register.json", f"{base}/register.csv",
             f"{base}/register.atom", f"{base}/warnings.csv", f"{base}/keys.json", "/metrics",
             "/healthz", "/v1/openapi.json", f"{base}/v/journal", f"{base}/v/proposals",
             f"{base}/supervision", f"{base}/supervision/cases/CAS-2026-0001",
             f"{base}/supervision/market"]  # fmt: skip
    paths += [f"{base}/v/{name}" for name in sorted({*OWN_VIEWS, "freezes", "screening_hits"})]
    leaks = []
    for path in paths:
        for form in ({}, {"format": "json"}):
            answer = told.client.get(path, headers=cookie, params=form, follow_redirects=False)
            leaks += [(path, one) for one in found_in(answer.text, markers(told))]
    assert leaks == []


def test_what_is_anothers_is_answered_as_what_is_not(told: Told) -> None:
    """The same words and the same status, whatever there is."""
    reference, request = told.numbers["reference"], told.numbers["request"]
    pairs = [
        ("exchange_y_officer", AnswerInformationRequest(request=request, answer="x"),
         AnswerInformationRequest(request="RFI-AAAAAAAA", answer="x")),
        ("exchange_y_officer", ReadReport(reference=reference), ReadReport(reference="none")),
        ("exchange_y_officer", AddCaseNote(case="CAS-2026-0001", text="x"),
         AddCaseNote(case="CAS-2026-0999", text="x")),
        ("exchange_y_officer",
         RecordFiuAnswers(answers=(FiuAnswer(reference=reference, outcome="accepted"),)),
         RecordFiuAnswers(answers=(FiuAnswer(reference="none", outcome="accepted"),))),
        ("pvara_officer", ReadReport(reference=reference), ReadReport(reference="none")),
    ]  # fmt: skip
    names = (reference, request, "none", "RFI-AAAAAAAA", "CAS-2026-0001", "CAS-2026-0999")
    for person, theirs, none in pairs:
        answers = []
        for command in (theirs, none):
            with pytest.raises(AmanatError) as refused:
                told.world.do_as(person, command)
            text = f"{type(refused.value).__name__} {refused.value}"
            for one in names:
                text = text.replace(one, "…")
            answers.append(text)
        assert answers[0] == answers[1], person
    with pytest.raises(NotFound):
        told.world.view("case", "exchange_y_officer", case="CAS-2026-0001")


def test_the_pages_draw_what_the_desk_sees(told: Told) -> None:
    cookie = told.cookie("pvara_officer")
    for language, heading in (("en", "Network around the subject"), ("ur", "موضوع کے گرد نیٹ ورک")):
        asked = {"case": "CAS-2026-0001", "lang": language}
        page = told.client.get(f"/p/{CODE}/v/case", params=asked, headers=cookie)
        assert page.status_code == 200
        assert heading in page.text
        assert page.text.count('class="flow"') >= 2
        assert WORDS["pvara"][1] in page.text
    market = told.client.get(f"/p/{CODE}/v/market_overview", headers=cookie)
    assert (market.status_code, market.text.count('role="img"')) == (200, 4)
    queue = told.client.get(f"/p/{CODE}/v/cases", headers=cookie)
    assert "CAS-2026-0001" in queue.text
    refused = told.client.get(f"/p/{CODE}/v/market_overview", headers=told.cookie("fmu_officer"))
    assert refused.status_code == 404


def test_the_pages_offer_what_can_be_done_with_one_alert(told: Told) -> None:
    cookie = told.cookie("pvara_officer")
    asked = {"alert": DISMISSED}
    page = told.client.get(f"/p/{CODE}/v/monitoring_alert", params=asked, headers=cookie).text
    assert WORDS["pvara"][2] in page
    assert f"acts/ReopenAlert?alert={DISMISSED}" in page
    assert "acts/DismissAlert" not in page
    form = told.client.get(f"/p/{CODE}/acts/DismissAlert", params=asked, headers=cookie).text
    offered = re.findall(r'type="radio"[^>]*value="(\w+)"', form)
    assert offered == ["false_positive", "explained", "no_further_action"]
    closing = told.client.get(f"/p/{CODE}/acts/CloseCase", headers=cookie).text
    assert 'value="referred"' in closing
    queue = told.client.get(f"/p/{CODE}/v/alert_queue", headers=cookie).text
    assert "acts/AttachAlert" in queue
    scenario = told.client.get(
        f"/p/{CODE}/v/monitoring_scenario", params={"scenario": "velocity"}, headers=cookie
    )
    assert "acts/BacktestScenario?scenario=velocity" in scenario.text


def test_a_return_has_a_page_to_who_supervises_and_to_who_sent_it(told: Told) -> None:
    def page(person: str) -> tuple[int, str]:
        listed = told.client.get(f"/p/{CODE}/v/returns", headers=told.cookie("pvara_officer")).text
        found = re.search(r"/v/accepted_return\?accepted=([^\"&]+)", listed)
        assert found is not None
        answer = told.client.get(
            f"/p/{CODE}/v/accepted_return",
            params={"accepted": found[1]},
            headers=told.cookie(person),
        )
        return answer.status_code, answer.text

    status, text = page("pvara_officer")
    assert status == 200
    sent_by = "exchange_x" if "exchange_x" in text else "exchange_y"
    other = "exchange_y" if sent_by == "exchange_x" else "exchange_x"
    assert "How far it was followed" in text
    status, own = page(f"{sent_by}_officer")
    assert status == 200
    assert "How far it was followed" not in own
    assert page(f"{other}_officer")[0] == page("bank_a_officer")[0] == 404
