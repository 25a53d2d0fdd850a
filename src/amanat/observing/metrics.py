"""What is counted as it happens; what is asked for is measured in `amanat.operating.measures`.

Every label has few values: those of routes, acts and refusals are declared in the code.
"""

from __future__ import annotations

import sys

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from amanat import __version__

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

requests = Counter(
    "amanat_http_requests",
    "Requests answered, by method, route as declared, and HTTP status.",
    ("method", "route", "status"),
    registry=REGISTRY,
)
request_seconds = Histogram(
    "amanat_http_request_seconds",
    "Seconds until a request was answered whole.",
    ("route",),
    buckets=_SECONDS,
    registry=REGISTRY,
)
acts = Counter(
    "amanat_acts",
    "Acts submitted, approved or withdrawn, and what became of them.",
    ("act", "step", "outcome"),
    registry=REGISTRY,
)
refusals = Counter(
    "amanat_refusals",
    "Refusals of acts and views by the code of the rule.",
    ("code",),
    registry=REGISTRY,
)
act_seconds = Histogram(
    "amanat_act_seconds",
    "Seconds that an act took at the desk.",
    ("step",),
    buckets=_SECONDS,
    registry=REGISTRY,
)
orders = Counter(
    "amanat_orders_completed",
    "Orders to the chain that came to an end, by outcome.",
    ("outcome",),
    registry=REGISTRY,
)
order_seconds = Histogram(
    "amanat_order_seconds",
    "Seconds from an order's request to its effect.",
    buckets=(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 600.0),
    registry=REGISTRY,
)
blocks = Counter("amanat_blocks_indexed", "Final blocks that took effect.", registry=REGISTRY)
build_info = Gauge(
    "amanat_build_info", "Always 1; which version runs.", ("version", "python"), registry=REGISTRY
)
build_info.labels(__version__, ".".join(map(str, sys.version_info[:3]))).set(1)
