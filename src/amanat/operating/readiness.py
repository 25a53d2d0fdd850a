"""Is the installation ready: does the database take writes, is the ledger followed, in time.

Each law looks at one look of `amanat.operating.watch` and answers with the reason for which the
installation is not ready, or None; all are told at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from amanat.observing.heartbeat import Heartbeat
from amanat.operating.watch import Seen
from amanat.settings import Serving


@dataclass(frozen=True, slots=True)
class Reason:
    """Why it is not ready: a stable word, and what there is: a word or figures, or nothing."""

    code: str
    detail: str


Law = Callable[[Seen, Heartbeat, Serving], Reason | None]


def database_answers(seen: Seen, _beat: Heartbeat, _serving: Serving) -> Reason | None:
    """The database answers a question."""
    trouble = seen.troubles.get("database_reads")
    return Reason("database_does_not_answer", trouble) if trouble else None


def database_writes(seen: Seen, _beat: Heartbeat, _serving: Serving) -> Reason | None:
    """The database makes a row durable."""
    trouble = seen.troubles.get("database_writes")
    return Reason("database_does_not_write", trouble) if trouble else None


def migrations_current(seen: Seen, _beat: Heartbeat, _serving: Serving) -> Reason | None:
    """The database has this version's tables."""
    trouble = seen.troubles.get("migrations")
    return Reason("migrations_missing", trouble) if trouble else None


def node_answers(seen: Seen, _beat: Heartbeat, _serving: Serving) -> Reason | None:
    """At least one node of the list answers for the right chain."""
    if any(one.trouble is None for one in seen.nodes):
        return None
    return Reason(
        "no_node_answers", ", ".join(sorted({str(one.trouble) for one in seen.nodes})) or "none"
    )


def ledger_followed(_seen: Seen, beat: Heartbeat, _serving: Serving) -> Reason | None:
    """The thread of indexer and dispatcher is alive."""
    return None if beat.alive else Reason("ledger_not_followed", "")


def rounds_end_well(_seen: Seen, beat: Heartbeat, serving: Serving) -> Reason | None:
    """A round of that thread ended well not long ago."""
    age = beat.well_age_s
    if not beat.alive or (age is not None and age <= serving.lag_seconds_max):
        return None
    since = beat.begun_age_s if age is None else age
    if since is not None and since <= serving.lag_seconds_max:
        return None
    return Reason("ledger_stalled", beat.trouble or "no_round_ended")


def indexer_runs(seen: Seen, _beat: Heartbeat, _serving: Serving) -> Reason | None:
    """The indexer did not stop with an alarm."""
    stopped = seen.following is not None and seen.following.stopped
    return Reason("indexer_stopped", "") if stopped else None


def indexer_follows(seen: Seen, _beat: Heartbeat, serving: Serving) -> Reason | None:
    """Final blocks take effect within the bounds."""
    found = seen.following
    if found is None or found.lag_blocks is None or found.lag_s is None:
        return None  # told by `node_answers` and `database_answers`
    if found.lag_blocks <= serving.lag_blocks_max and found.lag_s <= serving.lag_seconds_max:
        return None
    return Reason("indexer_lags", f"{found.lag_blocks} blocks, {found.lag_s:.0f} s")


LAWS: tuple[Law, ...] = (
    database_answers,
    database_writes,
    migrations_current,
    node_answers,
    ledger_followed,
    rounds_end_well,
    indexer_runs,
    indexer_follows,
)


def not_ready(seen: Seen, beat: Heartbeat, serving: Serving) -> list[Reason]:
    """Every reason, in the order of `LAWS`; none: it is ready."""
    return [reason for law in LAWS if (reason := law(seen, beat, serving)) is not None]
