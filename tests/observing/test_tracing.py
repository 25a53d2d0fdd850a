"""Traces: the ids of W3C Trace Context, what is recorded and what is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from amanat.core.errors import NotFound
from amanat.observing import tracing

# The example of the recommendation: https://www.w3.org/TR/trace-context/#examples-of-http-traceparent-headers
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def recorded() -> Iterator[InMemorySpanExporter]:
    """Every span that ends."""
    exporter = InMemorySpanExporter()
    tracing.begin([exporter], at_once=True)
    yield exporter
    tracing.end()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",  # all zeros is no id
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",  # ff is no version
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",  # small letters alone
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",  # version 00 ends there
        "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        "planted",
    ],
)
def test_a_parent_that_is_none_begins_a_trace_of_its_own(text: str) -> None:
    assert tracing.parsed(text) is None
    with tracing.step("request", parent=text):
        assert tracing.identifiers()["trace"] != TRACE


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    found = tracing.parsed("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes")
    assert found is not None
    assert f"{found.trace_id:032x}" == TRACE


def test_ids_are_made_and_kept_without_a_collector() -> None:
    assert tracing.traceparent() is None
    with tracing.step("request", parent=PARENT):
        outer = tracing.identifiers()
        with tracing.step("act"):
            stored = tracing.traceparent()
    assert outer["trace"] == TRACE
    assert stored is not None
    assert stored.split("-")[1] == TRACE
    assert len(stored) == tracing.PARENT_LENGTH
    assert tracing.traceparent() is None


def test_steps_that_follow_later_belong_to_the_trace(recorded: InMemorySpanExporter) -> None:
    with tracing.step("request", parent=PARENT, server=True), tracing.step("act"):
        stored = tracing.traceparent()
    tracing.record("order send", stored, tracing.now_ns(), nonce=7, person="planted")
    with tracing.continued(stored):
        assert tracing.traceparent() == stored
    spans = {one.name: one for one in recorded.get_finished_spans()}
    assert {f"{one.context.trace_id:032x}" for one in spans.values() if one.context} == {TRACE}
    sent, act = spans["order send"], spans["act"]
    assert sent.parent is not None
    assert act.context is not None
    assert sent.parent.span_id == act.context.span_id
    assert dict(sent.attributes or {}) == {"amanat.nonce": 7}


def test_a_failure_is_told_by_its_code(recorded: InMemorySpanExporter) -> None:
    with pytest.raises(NotFound), tracing.step("act"):
        raise NotFound(thing="person", value="planted")
    (span,) = recorded.get_finished_spans()
    assert dict(span.attributes or {}) == {"error.type": "NotFound", "amanat.code": "not_found"}
    assert not span.events
    assert not span.status.description


def test_a_caller_does_not_decide_what_is_recorded() -> None:
    exporter = InMemorySpanExporter()
    tracing.begin([exporter], ratio=0.0, at_once=True)
    with tracing.step("request", parent=PARENT):
        assert tracing.identifiers()["trace"] == TRACE
    assert exporter.get_finished_spans() == ()
    exporter = InMemorySpanExporter()
    tracing.begin([exporter], at_once=True)
    with tracing.step("request", parent=PARENT[:-1] + "0"):
        pass
    assert len(exporter.get_finished_spans()) == 1
    tracing.end()
