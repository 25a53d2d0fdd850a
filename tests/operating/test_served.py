"""A served installation as its operator sees it: readiness, one trace, metrics, the supervisor."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.operating.served import OPERATOR, Served
from tests.web.installation import DEALER, OFFICER

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
KEEPER = "central_bank_officer"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def eventually(found: Callable[[], Any], within_s: float = 20.0) -> Any:
    limit = time.monotonic() + within_s
    while time.monotonic() < limit:
        value = found()
        if value:
            return value
        time.sleep(0.1)
    return found()


def move_day(served: Served) -> tuple[dict[str, Any], str]:
    """Open the next business day by two institutions; the outcome, and the request's id."""
    with served.caller(KEEPER) as client:
        fields = {"business_date": "2021-03-08", "phase": "open"}
        proposed = client.post(f"{served.api}/acts/MoveDay", json=fields)
    assert proposed.status_code == 202, proposed.text
    approver = f"{proposed.json()['awaits'][0]}_approver"
    assert approver in served.tokens, proposed.json()
    with served.caller(approver, traceparent=PARENT, tracestate="secret=1") as client:
        path = f"{served.api}/proposals/{proposed.json()['proposal']}/approve"
        done = client.post(path, json={})
    assert done.status_code == 200, done.text
    return done.json(), done.headers["x-request-id"]


@pytest.fixture(scope="module")
def moved(served: Served) -> tuple[dict[str, Any], str]:
    """A day that was opened over the API."""
    return move_day(served)


def of_trace(served: Served) -> list[dict[str, Any]]:
    return [one for one in served.collector.spans() if one["trace"] == TRACE]


def test_one_trace_leads_from_the_request_to_its_effect(
    served: Served, moved: tuple[dict[str, Any], str]
) -> None:
    outcome, request = moved
    order = outcome["result"]["order"]
    eventually(lambda: any(one["name"] == "order effect" for one in of_trace(served)))
    spans = {one["name"]: one for one in of_trace(served)}
    route = "/v1/programmes/{programme}/proposals/{proposal}/approve"
    steps = [f"POST {route}", "act approve", "order sign", "order send", "order receipt"]
    assert set(spans) == {*steps, "order effect"}
    first, act = spans[steps[0]], spans["act approve"]
    assert first["parent"] == "00f067aa0ba902b7"
    assert act["parent"] == first["span"]
    assert first["attributes"]["http.route"] == route
    assert first["attributes"]["http.response.status_code"] == 200
    assert first["attributes"]["amanat.request"] == request
    assert act["attributes"]["amanat.act"] == "MoveDay"
    assert act["attributes"]["amanat.outcome"] == "carried_out"
    for name in (*steps[2:], "order effect"):
        assert spans[name]["parent"] == act["span"]
        assert spans[name]["attributes"]["amanat.order"] == order
    assert spans["order effect"]["attributes"]["amanat.outcome"] == "done"
    receipt = spans["order receipt"]["attributes"]
    assert receipt["amanat.receipt_status"] == 1
    assert receipt["amanat.tx_hash"] == spans["order sign"]["attributes"]["amanat.tx_hash"]
    began = [spans[name]["began"] for name in (*steps, "order effect")]
    assert began == sorted(began)


def test_log_lines_of_an_instruction_share_its_trace_and_request(
    served: Served, moved: tuple[dict[str, Any], str]
) -> None:
    outcome, request = moved
    done = lambda: [one for one in served.lines() if one["event"] == "order completed"]  # noqa: E731
    completed = eventually(done)
    assert [one["order"] for one in completed] == [outcome["result"]["order"]]
    assert completed[0]["trace"] == TRACE
    acts = [one for one in served.lines() if one["event"] == "act" and one.get("trace") == TRACE]
    assert [(one["act"], one["step"], one["outcome"]) for one in acts] == [
        ("MoveDay", "approve", "carried_out")
    ]
    assert acts[0]["request"] == request
    assert acts[0]["institution"] == "depository"
    assert acts[0]["duration_ms"] > 0


def test_a_refused_act_is_told_with_its_rule(served: Served) -> None:
    with served.caller(DEALER) as client:
        answer = client.post(
            f"{served.api}/acts/MoveDay", json={"business_date": "2021-03-09", "phase": "open"}
        )
    assert answer.status_code == 403
    request = answer.headers["x-request-id"]

    # The line of the request is written after its answer has gone out.
    def both() -> list[dict[str, Any]]:
        told = [one for one in served.lines() if one.get("request") == request]
        return told if len(told) == 2 else []

    told = eventually(both)
    assert {one["event"] for one in told} == {"act", "request"}
    act = next(one for one in told if one["event"] == "act")
    assert (act["act"], act["outcome"], act["code"]) == ("MoveDay", "refused", "forbidden")


@pytest.mark.usefixtures("moved")
def test_it_is_alive_and_ready(served: Served) -> None:
    with served.caller(None) as client:
        assert client.get("/healthz").json()["status"] == "ok"
        answer = eventually(lambda: client.get("/readyz").status_code == 200)
        assert answer, client.get("/readyz").text
        assert client.get("/readyz").json() == {"status": "ready", "reasons": []}


def metrics(served: Served) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    with served.caller(None) as client:
        answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.mark.usefixtures("moved")
def test_metrics_say_what_happened_and_how_it_stands(served: Served) -> None:
    eventually(lambda: [one for one in served.lines() if one["event"] == "order completed"])
    time.sleep(1.1)  # a look is kept for a second
    found = metrics(served)

    def of(name: str, **labels: str) -> float:
        return found[name, tuple(sorted(labels.items()))]

    assert of("amanat_acts_total", act="MoveDay", step="submit", outcome="proposed") == 1
    assert of("amanat_acts_total", act="MoveDay", step="approve", outcome="carried_out") == 1
    assert of("amanat_orders_completed_total", outcome="done") == 1
    assert [of("amanat_orders", state=one) for one in ("requested", "signed", "sent")] == [0, 0, 0]
    assert of("amanat_indexer_lag_blocks") == 0
    assert of("amanat_indexer_lag_seconds") == 0
    assert of("amanat_ready") == 1
    assert of("amanat_thread_alive", thread="ledger") == 1
    heights = [value for (name, _), value in found.items() if name == "amanat_node_height"]
    assert heights == [of("amanat_indexer_height")]
    assert of("amanat_database_write_seconds") > 0
    assert any(name == "amanat_build_info" for name, _ in found)
    assert not any(name.startswith("amanat_backup") for name, _ in found)


def test_labels_of_metrics_do_not_grow_with_what_strangers_send(served: Served) -> None:
    with served.caller(None) as client:
        client.get("/readyz")
        before = {key for key in metrics(served) if key[0].startswith("amanat_http")}
        for at in range(20):
            client.get(f"/nowhere/{at}")
            client.get(f"/v1/programmes/nobody{at}/views/securities")
            client.request(f"X{at}", "/readyz")
        grown = {key for key in metrics(served) if key[0].startswith("amanat_http_requests_total")}
    new = {key for key in grown - before if key[0].endswith("_total")}
    assert len(new) <= 4, new
    labels = {dict(labels)["method"] for _, labels in grown}
    assert labels <= {"GET", "POST", "other"}


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"Host": "amanat.example"},
        {"Authorization": "Bearer wrong", "Host": "amanat.example"},
    ],
)
def test_metrics_are_not_for_those_behind_a_proxy(served: Served, headers: dict[str, str]) -> None:
    with served.caller(None) as client:
        answer = client.get("/metrics", headers=headers)
    assert answer.status_code in {303, 401}
    assert "amanat_http" not in answer.text


def test_metrics_are_for_who_has_their_token(served: Served) -> None:
    headers = {"Host": "amanat.example", "Authorization": f"Bearer {served.metrics_token}"}
    with served.caller(None) as client:
        assert client.get("/metrics", headers=headers).status_code == 200


def test_the_supervisor_hears_that_it_is_ready_and_lives(served: Served) -> None:
    assert served.notified[0] == "READY=1"
    before = served.notified.count("WATCHDOG=1")
    assert eventually(lambda: served.notified.count("WATCHDOG=1") > before + 2)


def test_the_operator_alone_sees_the_page(served: Served) -> None:
    path = f"/p/{served.programme}/operations"
    with served.reader(OPERATOR) as reader:
        page = reader.get(path)
        assert page.status_code == 200
        assert re.search(r"<h1>Operations\s+<span class=\"pill", page.text)
        told = reader.get(path, params={"format": "json"}).json()
        nodes = reader.get(path, params={"format": "csv", "table": "nodes"}).text
        assert path in reader.get(f"/p/{served.programme}").text
    assert [one["state"] for one in told["nodes"]] == ["answers"]
    assert nodes.splitlines()[0].startswith("node,state,height")
    for person in (OFFICER, DEALER):
        with served.reader(person) as reader:
            assert reader.get(path).status_code == 404
            assert path not in reader.get(f"/p/{served.programme}").text
    with served.reader(None) as reader:
        assert reader.get(path).status_code == 303
