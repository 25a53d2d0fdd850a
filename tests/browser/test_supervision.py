"""The desks of supervision in Chromium: alerts, hits, freezes, returns, scenarios.

What monitoring, screening and intake would have stored is put there; who has no such desk is told
that there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pyarrow.parquet as parquet
import pytest
from playwright.sync_api import Browser, expect
from tests.browser.test_pages import WIDTHS, faults
from tests.browser.test_pages import chromium as chromium  # a fixture
from tests.licensing.world import CODE, MARCH
from tests.supervision.cases.desks import BANK, REFERENCES, SUBJECT, ids
from tests.supervision.cases.installed import Told, installed
from tests.supervision.goaml.test_reports import PARTIES, fields
from tests.web.installation import serving

from amanat.access.effects import as_json
from amanat.core.ids import new_id
from amanat.core.messages import Message
from amanat.supervision.cases.commands import GroupFindings, OpenCase
from amanat.supervision.detection.tables import alert_score, detection_model
from amanat.supervision.goaml.commands import ReadReport
from amanat.supervision.monitoring.commands import ChangeScenario
from amanat.supervision.monitoring.tables import alert, backtest
from amanat.supervision.returns.tables import manifest, refused
from amanat.supervision.screening.tables import freeze, freeze_order, hit
from amanat.supervision.transactions import TRANSACTIONS
from amanat.web.server import create_app

ALERT, HIT, REFUSED = "a1" * 16, new_id(), new_id()
OFFICER, EXCHANGE = "pvara_officer", "exchange_x_officer"
V = f"/p/{CODE}/v"
PAGES = {
    "alerts": f"{V}/alert_queue",
    "filtered": f"{V}/alert_queue?{urlencode({'scenario': 'structuring', 'exchange': 'exchange_x', 'age_days_min': 1})}",  # noqa: E501
    "alert": f"{V}/monitoring_alert?alert={ALERT}",
    "hits": f"{V}/screening_hits",
    "hit": f"{V}/screening_hit?hit={HIT}",
    "freezes": f"{V}/freezes",
    "lists": f"{V}/screening_lists",
    "returns": f"{V}/returns",
    "refused": f"{V}/return_errors?refused={REFUSED}",
    "scenarios": f"{V}/monitoring_scenarios",
    "scenario": f"{V}/monitoring_scenario?scenario=structuring",
    "compose": f"/p/{CODE}/acts/ComposeScenario",
    "change": f"/p/{CODE}/acts/ChangeScenario?scenario=structuring",
    "freeze": f"/p/{CODE}/acts/OrderFreeze?hit={HIT}",
}


@dataclass
class Desk:
    """A served installation with something on each desk."""

    told: Told
    address: str

    def reader(self, person: str, language: str = "en") -> httpx.Client:
        """A browser without scripts, signed in."""
        cookie = self.told.cookie(person)["Cookie"] + f"; lang={language}"
        return httpx.Client(base_url=self.address, headers={"Cookie": cookie}, timeout=60)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Two exchanges, a supervisor, an FIU, and what was found."""
    with installed(tmp_path_factory.mktemp("desks") / "installation") as told:
        put_alerts(told)
        put_screening(told)
        put_returns(told)
        put_scenario(told)
        with serving(create_app(told.app)) as address:
            yield Desk(told, address)


def put_alerts(told: Told) -> None:
    """Two alerts, one of them judged by a model."""
    text = Message("{count} deposits below the threshold within {days} days", count=2, days=1)
    common = {
        "programme": CODE, "version": "pk", "run": "run", "score": "0.700", "state": "open",
        "explanation": as_json([text])[0], "found_at": "2026-03-08T04:00:00+00:00",
    }  # fmt: skip
    cited = list(ids("T-1", "T-2", "T-3"))
    rows = [
        common | {"id": ALERT, "scenario": "structuring", "subject": f"party:{SUBJECT}",
                  "exchanges": ["exchange_x"], "day": (MARCH - timedelta(3)).isoformat(),
                  "transactions": cited, "transactions_all": 3},
        common | {"id": "b2" * 16, "scenario": "rapid_pass_through", "subject": "account:6001",
                  "exchanges": ["exchange_y"], "day": MARCH.isoformat(), "score": "0.400",
                  "transactions": list(ids("Y-1", exchange="exchange_y")), "transactions_all": 1},
    ]  # fmt: skip
    reasons = [
        {"measure": "from_earlier", "value": "0.82", "effect": "1.41"},
        {"measure": "fiat_out_p10", "value": "0.10", "effect": "-0.52"},
    ]
    with told.app.engine.begin() as connection:
        connection.execute(alert.insert(), rows)
        connection.execute(
            detection_model.insert().values(
                programme=CODE, digest="c3" * 32, state="live", content=b"",
                trained={"train_before": "2026-01-01",
                         "figures": {"confirmed": 9, "average_precision": "0.61", "f1": "0.55"}},
                kept_at="2026-03-01T04:00:00+00:00", live_from="2026-03-02", reason="tried",
                entry="-",
            )
        )  # fmt: skip
        connection.execute(
            alert_score.insert().values(
                programme=CODE, alert=ALERT, model="c3" * 32, score="0.873",
                movement=int(cited[0]), movements=3, reasons=reasons, until=MARCH.isoformat(),
                scored_at="2026-03-08T04:00:00+00:00",
            )
        )  # fmt: skip


def put_screening(told: Told) -> None:
    """One hit with its evidence, and a freeze whose report is overdue."""
    evidence = [
        {"feature": "name", "verdict": "agrees", "listed": "Qasim Zargun", "placeholder": False},
        {"feature": "document", "verdict": "agrees", "listed": "3520219283745",
         "placeholder": False},
        {"feature": "father_name", "verdict": "missing", "listed": "Daud Zargun",
         "placeholder": False},
        {"feature": "born_on", "verdict": "disagrees", "listed": "1971-04-05",
         "placeholder": False},
    ]  # fmt: skip
    number = new_id()
    with told.app.engine.begin() as connection:
        connection.execute(
            hit.insert().values(
                id=HIT, programme=CODE, party=str(SUBJECT), roles=["customer"], list="un",
                reference="TSi.001", entry_digest="-", topics=["sanction"], grade=1, strength=3,
                name_permille=940, score_permille=940, evidence=evidence, features={},
                evidence_digest="-", state="open", run="-", found_at="2026-03-05T04:00:00+00:00",
                found_on="2026-03-05",
            )
        )  # fmt: skip
        connection.execute(
            freeze.insert().values(
                id=number, programme=CODE, number="FRZ-GX4TQ2AB", hit=HIT, party=str(SUBJECT),
                authority="Ministry of Foreign Affairs", basis="un_1267", law="UNSC Act 1948 s.2",
                order_hash="d4" * 32, reason="listed", until="2027-03-05", state="served",
                ledger=[], ordered_at="2026-03-05T05:00:00+00:00", ordered_on="2026-03-05",
                report_due_at="2026-03-06T05:00:00+00:00", institution="pvara", person=OFFICER,
                recorded_at="2026-03-05T05:00:00+00:00",
                entry="-",
            )
        )  # fmt: skip
        connection.execute(
            freeze_order.insert().values(
                id=new_id(),
                programme=CODE,
                freeze=number,
                exchange="exchange_x",
                accounts=["A-1"],
                state="ordered",
                acknowledge_by="2026-03-05T17:00:00+00:00",
            )
        )


def put_returns(told: Told) -> None:
    """Eight days of returns of two exchanges, one of them late, and one refused."""
    nothing = told.app.settings.data_dir / "supervision" / "none.parquet"
    parquet.write_table(TRANSACTIONS.empty_table(), nothing)
    with told.app.engine.begin() as connection:
        for at in range(8):
            for place, exchange in enumerate(("exchange_x", "exchange_y")):
                day = (MARCH - timedelta(20 - at)).isoformat()
                late = at == 5 and place == 1
                connection.execute(
                    manifest.insert().values(
                        id=new_id(), programme=CODE, exchange=exchange, digest=f"{at}{place}" * 32,
                        sequence=100 + at, first_day=day, last_day=day, rows=1_000 + at,
                        id_sum="0", path=nothing.name, scope="period",
                        received_at=f"{day}T20:00:00+00:00",
                        business_date=day, person=f"{exchange}_officer", received={},
                        quality={"due_on": day, "days_late": 6 if late else 0,
                                 "completeness": 900 - 30 * at * place, "refused_before": 0},
                        entry="-", superseded_by="-" if at == 2 and place else None,
                    )
                )  # fmt: skip
        shown = [
            {"file": "transactions", "row": row, "column": "value", "rule": rule, "value": "12,5"}
            for row, rule in ((3, "not_a_number"), (9, "not_a_number"), (11, "duplicate"))
        ]
        connection.execute(
            refused.insert().values(
                id=REFUSED,
                programme=CODE,
                exchange="exchange_y",
                digest="e5" * 32,
                sequence=105,
                received_at="2026-02-24T20:00:00+00:00",
                business_date="2026-02-24",
                person="exchange_y_officer",
                errors=3,
                shown=shown,
                by_rule={"not_a_number": 2, "duplicate": 1},
                entry="-",
            )
        )


def put_scenario(told: Told) -> None:
    """Other parameters of structuring, tried on history beside the live ones."""
    table = told.app.desk.view(told.world.actor(OFFICER), CODE, "monitoring_scenario",
                               {"scenario": "structuring"})  # fmt: skip
    import json

    stated = json.dumps(table["history"][-1]["parameters"])
    changing = ChangeScenario(scenario="structuring", parameters=stated, reason="fewer by chance")
    told.world.do_as(OFFICER, changing)
    with told.app.engine.begin() as connection:
        connection.execute(
            backtest.insert().values(
                id=new_id(), programme=CODE, code="structuring", version="v1",
                first_day="2026-01-01", last_day="2026-02-28", transactions=1_200_000, alerts=140,
                subjects=97, shared=110, lost=25, classed={}, run_at="2026-03-08T04:00:00+00:00",
            )
        )  # fmt: skip


def wrongs(
    chromium: Browser, desk: Desk, pages: dict[str, str], language: str, scheme: str
) -> dict[str, list[str]]:
    """What is wrong with pages for those who see or move otherwise, or have a narrow screen."""
    cookie = desk.told.cookie(OFFICER)["Cookie"] + f"; lang={language}"
    context = chromium.new_context(
        base_url=desk.address, color_scheme=scheme, extra_http_headers={"Cookie": cookie}
    )
    page = context.new_page()
    found: dict[str, list[str]] = {}
    for name, path in pages.items():
        answer = page.goto(path, wait_until="domcontentloaded")
        assert answer is not None
        assert answer.status == 200, name
        assert page.locator("h1").count() == 1, name
        wrong = faults(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            across = page.evaluate("document.documentElement.scrollWidth")
            if across > width:
                wrong.append(f"{across} wide on {width}")
        if wrong:
            found[name] = wrong
    context.close()
    return found


LOOKS = pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ur", "dark")])


@LOOKS
def test_every_page_is_accessible_and_no_wider_than_the_screen(
    chromium: Browser, desk: Desk, language: str, scheme: str
) -> None:
    found = wrongs(chromium, desk, PAGES, language, scheme)
    assert found == {}


def test_an_alert_is_explained_in_words_figures_and_a_picture(desk: Desk) -> None:
    with desk.reader(OFFICER) as client:
        shown = client.get(PAGES["alert"]).text
    assert "2 deposits below the threshold within 1 days" in shown
    assert "0.873" in shown
    assert shown.count('class="flow"') == 2  # from the bank, and to the wallet
    assert "raises <b>+1.41</b>" in shown
    assert "lowers <b>−0.52</b>" in shown
    assert "T-3" in shown
    assert f"acts/OpenCase?subject=party%3A{SUBJECT}" in shown


def test_the_queue_is_ordered_and_filtered_by_its_address(desk: Desk) -> None:
    def alerts(**asked: object) -> list[str]:
        with desk.reader(OFFICER) as client:
            path = f"{V}/alert_queue?{urlencode(asked | {'format': 'json'})}"
            return [one["alert"] for one in client.get(path).json()]

    other = "b2" * 16
    assert alerts() == [ALERT, other]
    assert alerts(scenario="rapid_pass_through") == [other]
    assert alerts(exchange="exchange_x") == [ALERT]
    assert alerts(exchange="exchange") == []
    assert alerts(age_days_min=1) == [ALERT]


def test_a_hit_stands_beside_what_the_list_says(desk: Desk) -> None:
    with desk.reader(OFFICER) as client:
        shown = client.get(PAGES["hit"]).text
    assert "Qasim Zargun" in shown
    assert "Grade 1 of 6: Identified" in shown
    assert shown.count(">Agrees<") == 2
    assert shown.count(">Disagrees<") == 1
    assert "acts/DismissHit" in shown


@pytest.mark.parametrize(("hour", "overdue"), [(16, 0), (18, 1)])
def test_a_clock_of_hours_runs_out_within_its_day(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, hour: int, overdue: int
) -> None:
    # The planted order was to be acknowledged by 17:00 UTC of 5 March 2026.
    now = datetime(2026, 3, 5, hour, tzinfo=UTC)
    monkeypatch.setattr(desk.told.app.store, "clock", lambda: now)
    with desk.reader(OFFICER) as client:
        shown = client.get(PAGES["freezes"])
    assert shown.status_code == 200
    assert shown.text.count(">overdue<") == overdue


def test_returns_say_what_was_late_corrected_and_refused(desk: Desk) -> None:
    with desk.reader(OFFICER) as client:
        shown = client.get(PAGES["returns"]).text
        wrong = client.get(PAGES["refused"]).text
    assert shown.count('<li class="late">') == 1
    assert shown.count('<li class="corrected">') == 1
    assert "6 days late" in shown
    assert f"return_errors?refused={REFUSED}" in shown
    assert "duplicate" in wrong


def test_who_has_no_such_desk_finds_nothing_there(desk: Desk) -> None:
    with desk.reader(EXCHANGE) as client:
        for name in ("alerts", "alert", "hit", "scenarios", "scenario"):
            assert client.get(PAGES[name]).status_code == 404, name
        own = client.get(PAGES["returns"]).text
        freezes = client.get(PAGES["freezes"]).text
        assert "Alerts</a>" not in own
    assert "exchange_x" in own
    assert "exchange_y" not in own
    # An exchange learns what it has to do, and nothing of the hit or of reports.
    assert "FRZ-GX4TQ2AB" in freezes
    assert HIT not in freezes
    assert "Report to the FIU" not in freezes


def test_an_analyst_composes_a_scenario_without_code_or_scripts(
    chromium: Browser, desk: Desk
) -> None:
    cookie = desk.told.cookie(OFFICER)["Cookie"] + "; lang=en"
    context = chromium.new_context(
        base_url=desk.address, java_script_enabled=False, extra_http_headers={"Cookie": cookie}
    )
    page = context.new_page()
    page.goto(PAGES["scenarios"])
    page.get_by_role("link", name="Compose scenario").click()
    page.get_by_label("Scenario", exact=True).fill("small_withdrawals")
    page.get_by_label("Name", exact=True).fill("Many small withdrawals")
    page.get_by_label("What it looks for, and why").fill("Ten or more small ones in three days.")
    page.get_by_label("Withdrawal", exact=True).check()
    page.locator("#field-rule-value_2").fill("fifty thousand")
    page.get_by_label("Cash", exact=True).select_option("no")
    page.get_by_label("whoever sends").check()
    page.get_by_label("Within how many days").fill("3")
    page.get_by_label("Transactions at least").fill("10")
    page.get_by_label("Reason").fill("seen in two cases")
    page.get_by_role("button", name="Check before sending").click()
    # What is wrong is told at its field, and everything else still stands.
    expect(page.locator(".errors")).to_have_text(re.compile("Value: fifty thousand is no amount"))
    expect(page.locator("#field-rule-value_1")).to_have_value("fifty thousand")
    expect(page.get_by_label("Withdrawal", exact=True)).to_be_checked()
    page.locator('select[name="rule.value_1.is"]').select_option("under")
    page.locator("#field-rule-value_1").fill("50,000")
    page.get_by_role("button", name="Check before sending").click()
    for sentence in (
        "An alert comes where a sender has within 3 days: 10 transactions or more",
        "Only these kinds count: withdrawal",
        "Only values under PKR 50,000.00 count",
        "Cash does not count",
    ):
        expect(page.get_by_text(sentence)).to_be_visible()
    page.get_by_role("button", name="Carry out").click()
    page.goto(f"{V}/monitoring_scenario?scenario=small_withdrawals")
    expect(page.get_by_text("Only values under PKR 50,000.00 count")).to_be_visible()
    # Another version begins with what the latest one says.
    page.get_by_role("link", name="Compose scenario").click()
    expect(page.get_by_label("Within how many days")).to_have_value("3")
    expect(page.locator("#field-rule-value_1")).to_have_value("50,000.00")
    context.close()


def test_a_scenarios_parameters_are_changed_in_a_form_that_holds_those_in_force(
    desk: Desk,
) -> None:
    with desk.reader(OFFICER) as client:
        chosen = client.get(f"/p/{CODE}/acts/ChangeScenario").text
        form = client.get(PAGES["change"]).text
    assert '<option value="structuring">Structuring</option>' in chosen
    assert "parameters." not in chosen
    # FMU Circular 01/2025: PKR 2.0 million.
    assert 'name="parameters.threshold_minor" value="2,000,000.00"' in form
    assert 'name="parameters.count_min" value="3"' in form


def test_an_alert_in_a_case_leads_to_its_case(desk: Desk) -> None:
    desk.told.world.do_as(OFFICER, GroupFindings())
    with desk.reader(OFFICER) as client:
        shown = client.get(PAGES["alert"]).text
    assert f'href="{V}/case?case=CAS-' in shown
    assert "acts/OpenCase" not in shown
    assert "acts/CloseCase?case=CAS-" in shown


@LOOKS
def test_every_page_of_cases_is_accessible_too(
    chromium: Browser, desk: Desk, language: str, scheme: str
) -> None:
    desk.told.world.do_as(OFFICER, GroupFindings())
    with desk.reader(OFFICER) as client:
        case = client.get(f"{V}/cases?format=json").json()[0]["case"]
    asked = {
        "case": f"?case={case}", "case_network": f"?case={case}", "cases": "",
        "case_statistics": "", "market_overview": "", "referrals": "",
    }  # fmt: skip
    pages = {name: f"{V}/{name}{more}" for name, more in asked.items()}
    assert wrongs(chromium, desk, pages, language, scheme) == {}


def sent_parts(path: str, value: Any) -> dict[str, str]:
    """A thing as the fields of a form have it."""
    if isinstance(value, dict):
        inside = [sent_parts(f"{path}.{name}", one) for name, one in value.items()]
    elif isinstance(value, list):
        inside = [sent_parts(f"{path}.{at}", one) for at, one in enumerate(value)]
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return {} if value is None else {path: text}
    return {name: text for part in inside for name, text in part.items()}


def test_an_officer_drafts_a_report_part_by_part_and_amends_a_word_of_it(desk: Desk) -> None:
    opening = OpenCase(subject="customer:17", title="x", reason="x", references=REFERENCES)
    case = str(desk.told.world.do_as(EXCHANGE, opening)["case"])
    acts = f"/p/{CODE}/acts"
    with desk.reader(EXCHANGE) as client:
        begun = client.get(f"{acts}/DraftReport?case={case}").text
        # Of the bank account that the money came from somebody has to say whose it is.
        assert f'name="parties.0.pseudonym" value="{BANK}"' in begun
        assert 'name="parties.1.pseudonym" value=""' in begun
        assert "STR: Suspicious transaction report" in begun
        assert '<option value="Lahore">Punjab</option>' in begun
        written = fields()
        form = {"form_token": re.findall(r'name="form_token" value="([^"]+)"', begun)[0]}
        plain = ("report_code", "reason", "action")
        form |= {"case": case, "indicators": list(written["indicators"])}
        form |= {name: written[name] for name in plain}
        for name in ("reporting_person", "location"):
            form |= sent_parts(name, written[name].model_dump(mode="json"))
        form |= sent_parts("parties", [one.model_dump(mode="json") for one in PARTIES])
        wrong = client.post(f"{acts}/DraftReport", data=form | {"parties.0.country": "Pakistan"})
        assert wrong.status_code == 422
        assert 'href="#field-parties.0.country"' in wrong.text
        assert 'value="Pakistan"' in wrong.text
        done = client.post(f"{acts}/DraftReport", data=form | {"step": "send"}).text
        number = re.findall(r"RPT-2026-\d{4}", done)[0]
        amending = {"form_token": form["form_token"], "report": number, "step": "send",
                    "action": "Account under watch."}  # fmt: skip
        assert client.post(f"{acts}/AmendReport", data=amending).status_code == 200
    read = desk.told.world.do_as(EXCHANGE, ReadReport(report=number))["xml"]
    assert "Account under watch." in read
    assert written["reason"] in read
    assert read.count("<transaction>") == len(REFERENCES)


def test_an_error_within_a_thing_leads_to_its_field(chromium: Browser, desk: Desk) -> None:
    cookie = desk.told.cookie(EXCHANGE)["Cookie"] + "; lang=en"
    context = chromium.new_context(
        base_url=desk.address, java_script_enabled=False, extra_http_headers={"Cookie": cookie}
    )
    page = context.new_page()
    page.goto(f"/p/{CODE}/acts/DraftReport")
    page.locator('[id="field-reporting_person.last_name"]').fill("Iqbal")
    page.locator('[id="field-reporting_person.last_name"]').press("Enter")
    told = page.locator('.errors a[href="#field-reporting_person.first_name"]')
    expect(told).to_have_text(re.compile("reporting_person.first_name: it must be given"))
    expect(page.locator('[id="field-reporting_person.last_name"]')).to_have_value("Iqbal")
    page.get_by_text("Add: Transactions").click()
    page.locator('[id="field-transactions.0.number"]').fill("T-1")
    page.get_by_role("button", name="Check before sending").last.click()
    page.locator('button[value="more:transactions"]').click()
    expect(page.locator('[id="field-transactions.0.number"]')).to_have_value("T-1")
    expect(page.locator('[id="field-transactions.2.number"]')).to_have_count(1)
    context.close()
