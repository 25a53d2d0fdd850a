"""What `/metrics` measures when it is asked, beside what `amanat.observing.metrics` counts.

Labels are names of nodes as configured, states, declared errors and kinds of alarms: few, and none
that a stranger can add to.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from amanat.observing.metrics import REGISTRY
from amanat.operating.readiness import not_ready
from amanat.operating.watch import Seen, Watch

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class Measures(Collector):
    """Turns a look at the installation into gauges."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every gauge; what could not be looked at is absent, and `amanat_ready` says 0."""
        seen = self._watch.look()
        app = self._watch.app
        beat, serving = app.ledger.heartbeat, app.settings.serving
        ready = not not_ready(seen, beat, serving)
        yield _one("amanat_ready", "1 where /readyz says yes.", float(ready))
        yield from _queues(seen)
        yield from _following(seen)
        yield from _nodes(seen)
        yield from _troubles(seen)
        yield from _storage(seen)
        alive = GaugeMetricFamily(
            "amanat_thread_alive", "1 while a thread works.", labels=["thread"]
        )
        alive.add_metric([beat.name], float(beat.alive))
        yield alive


def rendered(watch: Watch) -> bytes:
    """All metrics in the text form of Prometheus."""
    own = CollectorRegistry()
    own.register(Measures(watch))
    return generate_latest(REGISTRY) + generate_latest(own)


def _one(name: str, said: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, said, value=value)


def _queues(seen: Seen) -> Iterator[GaugeMetricFamily]:
    if not seen.queues:
        return
    count = GaugeMetricFamily("amanat_orders", "Orders not completed.", labels=["state"])
    age = GaugeMetricFamily(
        "amanat_orders_oldest_seconds", "Age of the oldest of them.", labels=["state"]
    )
    for one in seen.queues:
        count.add_metric([one.state], one.orders)
        age.add_metric([one.state], one.oldest_s or 0.0)
    yield from (count, age)


def _following(seen: Seen) -> Iterator[GaugeMetricFamily]:
    found = seen.following
    if found is None:
        return
    yield _one("amanat_indexer_height", "The last block that took effect.", found.height)
    yield _one("amanat_indexer_stopped", "1 where it stopped with an alarm.", float(found.stopped))
    if found.lag_blocks is not None and found.lag_s is not None:
        yield _one("amanat_indexer_lag_blocks", "Final blocks without effect.", found.lag_blocks)
        yield _one("amanat_indexer_lag_seconds", "Age of the first of them.", found.lag_s)


def _nodes(seen: Seen) -> Iterator[GaugeMetricFamily]:
    up = GaugeMetricFamily("amanat_node_up", "1 where a node is of use.", labels=["node"])
    height = GaugeMetricFamily("amanat_node_height", "Its newest block.", labels=["node"])
    peers = GaugeMetricFamily("amanat_node_peers", "Its peers.", labels=["node"])
    latency = GaugeMetricFamily(
        "amanat_node_latency_seconds", "Seconds until it answered.", labels=["node"]
    )
    for one in seen.nodes:
        up.add_metric([one.node], float(one.trouble is None))
        if one.height is not None:
            height.add_metric([one.node], one.height)
        if one.peers is not None:
            peers.add_metric([one.node], one.peers)
        if one.latency_ms is not None:
            latency.add_metric([one.node], one.latency_ms / 1000)
    yield from (up, height, peers, latency)


def _troubles(seen: Seen) -> Iterator[GaugeMetricFamily]:
    if "database_reads" in seen.troubles:
        return
    alarms = GaugeMetricFamily("amanat_alarms", "Alarms that stand.", labels=["kind"])
    for kind, count in Counter(one["kind"] for one in seen.alarms).items():
        alarms.add_metric([kind], count)
    fails = GaugeMetricFamily(
        "amanat_settlement_fails", "Instructions failed or expired.", labels=["state", "reason"]
    )
    counted: Counter[tuple[str, str]] = Counter()
    for one in seen.fails:
        reason = one["reason"] if _WORD.fullmatch(one["reason"]) else "other"
        counted[one["state"], reason] += one["count"]
    for (state, reason), count in counted.items():
        fails.add_metric([state, reason], count)
    yield from (alarms, fails)


def _storage(seen: Seen) -> Iterator[GaugeMetricFamily]:
    if seen.write_ms is not None:
        yield _one(
            "amanat_database_write_seconds", "Seconds of a durable write.", seen.write_ms / 1000
        )
    if seen.database:
        pool = GaugeMetricFamily(
            "amanat_database_connections", "Connections of the pool.", labels=["state"]
        )
        for state, count in seen.database.items():
            pool.add_metric([state], count)
        yield pool
    yield _one("amanat_disk_free_bytes", "Free for the folder.", seen.disk_free_bytes)
    if seen.backup is not None:
        yield _one(
            "amanat_backup_age_seconds", "Since the last backup.", _age(seen, seen.backup.at)
        )
        if seen.backup.verified_at is not None:
            yield _one(
                "amanat_backup_verified_age_seconds",
                "Since a backup was last restored and compared.",
                _age(seen, seen.backup.verified_at),
            )


def _age(seen: Seen, moment: datetime) -> float:
    return max((seen.at - moment).total_seconds(), 0.0)
