"""One trace follows an instruction from the request to the state that its receipt changed.

The current span travels in the context of the thread or task; into the order's row it goes as a
W3C `traceparent`, so that sending, receipt and effect, which happen in another thread and perhaps
after a restart, continue the same trace.  Without a collector nothing is recorded, and the ids
are still made: log lines of one instruction share their `trace`.

A caller's `traceparent` gives the trace its id.  Its flag does not decide what is recorded, and
`tracestate` and baggage are not read: they are free text.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import context as contexts
from opentelemetry import trace as api
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
)

from amanat import __version__
from amanat.observing.fields import admitted

PARENT_LENGTH = 55
_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_ids = RandomIdGenerator()
# OpenTelemetry's semantic conventions for HTTP spans and errors.
_CONVENTIONS = {
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
    "error": "error.type",
}


class _Recorder:
    """The tracer in use; None while nothing is recorded."""

    tracer: Tracer | None = None
    provider: Any = None


def begin(exporters: Sequence[Any], ratio: float = 1.0, *, at_once: bool = False) -> None:
    """Record spans and give them to `exporters`; `ratio` of all traces, chosen by their id.

    In a thread of its own, some seconds later, or `at_once` (tests).  When a collector does not
    answer, spans are dropped and nothing else waits.
    """
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
    from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

    end()
    resource = Resource.create({"service.name": "amanat", "service.version": __version__})
    provider = TracerProvider(
        sampler=TraceIdRatioBased(ratio), resource=resource, shutdown_on_exit=False
    )
    for exporter in exporters:
        kind = SimpleSpanProcessor if at_once else BatchSpanProcessor
        provider.add_span_processor(kind(exporter))
    _Recorder.provider, _Recorder.tracer = provider, provider.get_tracer("amanat", __version__)


def begin_to(endpoint: str, ratio: float) -> None:
    """Record spans and send them to an OTLP/HTTP collector, such as `http://host:4318/v1/traces`."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    begin([OTLPSpanExporter(endpoint=endpoint)], ratio)


def end() -> None:
    """Give away what is recorded and record no more."""
    provider, _Recorder.tracer, _Recorder.provider = _Recorder.provider, None, None
    if provider is not None:
        provider.shutdown()


def parsed(parent: str | None) -> SpanContext | None:
    """The span that a W3C `traceparent` names; None where it is missing or malformed."""
    found = _PARENT.fullmatch(parent.strip()) if parent else None
    if found is None or found[1] == "ff" or (found[1] == "00" and found[5]):
        return None
    context = SpanContext(
        int(found[2], 16), int(found[3], 16), True, TraceFlags(TraceFlags.SAMPLED)
    )
    return context if context.is_valid else None


def traceparent() -> str | None:
    """The current span as a W3C `traceparent`, to be stored with what it asks for."""
    context = api.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def identifiers() -> dict[str, str]:
    """The ids of the current trace and span, for a log line; empty outside of one."""
    context = api.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace": f"{context.trace_id:032x}", "span": f"{context.span_id:016x}"}


def _parent_of(parent: SpanContext | None) -> contexts.Context:
    if parent is None:
        return contexts.get_current()
    return api.set_span_in_context(NonRecordingSpan(parent), contexts.Context())


def _started(name: str, within: contexts.Context, kind: SpanKind, start_ns: int | None) -> Span:
    if _Recorder.tracer is not None:
        return _Recorder.tracer.start_span(name, within, kind, start_time=start_ns)
    above = api.get_current_span(within).get_span_context()
    trace_id = above.trace_id if above.is_valid else _ids.generate_trace_id()
    flags = TraceFlags(TraceFlags.SAMPLED)
    return NonRecordingSpan(SpanContext(trace_id, _ids.generate_span_id(), False, flags))


class Step:
    """A step under way; `tell` adds to what is recorded of it."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def tell(self, **fields: Any) -> None:
        """Add fields; those that are not admitted are dropped."""
        told = admitted(fields)
        self._span.set_attributes(
            {_CONVENTIONS.get(name, f"amanat.{name}"): value for name, value in told.items()}
        )

    def name(self, name: str) -> None:
        """Name it anew, once it is known what it was."""
        self._span.update_name(name)

    def fail(self, code: str) -> None:
        """Mark the step as failed with an error's code; never with its text."""
        self.tell(code=code)
        self._span.set_status(Status(StatusCode.ERROR))


@contextmanager
def step(
    name: str, *, parent: str | None = None, server: bool = False, **fields: Any
) -> Iterator[Step]:
    """One step of the current trace, or of the one that `parent` names (a `traceparent`).

    `server` says that it answers a request from outside.
    """
    kind = SpanKind.SERVER if server else SpanKind.INTERNAL
    span = _started(name, _parent_of(parsed(parent)), kind, None)
    under_way = Step(span)
    under_way.tell(**fields)
    token = contexts.attach(api.set_span_in_context(span))
    try:
        yield under_way
    except BaseException as error:
        under_way.tell(error=type(error).__name__)
        under_way.fail(str(getattr(error, "code", "unexpected")))
        raise
    finally:
        contexts.detach(token)
        span.end()


@contextmanager
def continued(parent: str | None) -> Iterator[None]:
    """Let what is asked for meanwhile belong to the trace that `parent` names, if it names one."""
    found = parsed(parent)
    if found is None:
        yield
        return
    token = contexts.attach(_parent_of(found))
    try:
        yield
    finally:
        contexts.detach(token)


def record(name: str, parent: str | None, began_ns: int, **fields: Any) -> None:
    """A step that is over, which began at `began_ns` (as `now_ns`), of the trace of `parent`.

    For many things that were done together: each has the step in its own trace.  `code` marks a
    failure.
    """
    found = parsed(parent)
    if found is None or _Recorder.tracer is None:
        return
    span = _started(name, _parent_of(found), SpanKind.INTERNAL, began_ns)
    done = Step(span)
    done.tell(**fields)
    if "code" in fields:
        span.set_status(Status(StatusCode.ERROR))
    span.end()


def now_ns() -> int:
    """Nanoseconds since 1970, as spans are timed."""
    return time.time_ns()
