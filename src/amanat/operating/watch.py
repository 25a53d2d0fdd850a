"""What an operator needs to know of the running installation, looked at as one.

A part that does not answer is named in `troubles`; looking never fails, and never takes long: a
database or node that hangs is given up on after a moment, and asked again only when the question
that hangs has come to an end.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.app import Application
from amanat.core.errors import AmanatError
from amanat.ledger import tables as ledger
from amanat.ledger.orders import OPEN_STATES
from amanat.ledger.rpc import NodeToken
from amanat.operating.backups import Backup, last_backup
from amanat.operating.nodes import NodeSeen, labels, look_at
from amanat.settlement.tables import instruction
from amanat.store.migrate import pending_migrations
from amanat.store.tables import probe

ANSWER_WITHIN_S = 5.0
KEPT_S = 1.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Queue:
    """Orders in one state, and the age of the oldest in seconds."""

    state: str
    orders: int
    oldest_s: float | None


@dataclass(frozen=True, slots=True)
class Following:
    """How far the indexer is behind the final blocks of the network; seconds of block time."""

    height: int
    final_height: int | None
    lag_blocks: int | None
    lag_s: float | None
    stopped: bool


@dataclass(slots=True)
class Seen:
    """One look.  What could not be looked at is None or empty, and named in `troubles`."""

    at: datetime
    queues: list[Queue] = field(default_factory=list)
    following: Following | None = None
    nodes: list[NodeSeen] = field(default_factory=list)
    fails: list[dict[str, Any]] = field(default_factory=list)
    alarms: list[dict[str, Any]] = field(default_factory=list)
    backup: Backup | None = None
    write_ms: float | None = None
    database: dict[str, int] = field(default_factory=dict)
    disk_free_bytes: int = 0
    disk_bytes: int = 0
    troubles: dict[str, str] = field(default_factory=dict)


class _Asked(Generic[T]):
    """One question to a part that may hang: asked once at a time, given up on after a while."""

    def __init__(self, question: Callable[[], T], within_s: float) -> None:
        self._question = question
        self._within_s = within_s
        self._thread: threading.Thread | None = None
        self._answer: T | Exception | None = None

    def ask(self) -> T:
        """The answer; raises what the question raised, or `TimeoutError`."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name="watch")
            self._thread.start()
        self._thread.join(self._within_s)
        if self._thread.is_alive():
            raise TimeoutError
        self._thread = None
        answer = self._answer
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[return-value]

    def _run(self) -> None:
        try:
            self._answer = self._question()
        except Exception as error:  # told to whoever asked
            self._answer = error


class Watch:
    """Looks at one application; a look is kept for a second, so that asking costs little."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self._token = NodeToken.of(app.settings.nodes_token_file)
        self._lock = threading.Lock()
        self._kept: tuple[float, Seen] | None = None
        self._reads = _Asked(self._read, ANSWER_WITHIN_S)
        self._writes = _Asked(self._write, ANSWER_WITHIN_S)

    def look(self) -> Seen:
        """The installation as it is now, at most a second old."""
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] > KEPT_S:
                self._kept = (time.monotonic(), self._look())
            return self._kept[1]

    def urls(self) -> list[str]:
        """The nodes that the application asks."""
        app = self.app
        return app.node.urls() if app.node else list(app.settings.node_urls)

    def _look(self) -> Seen:
        seen = Seen(at=datetime.now(UTC))
        rows = _told(seen, "database_reads", self._reads.ask)
        if rows is not None:
            _take(seen, rows)
        seen.write_ms = _told(seen, "database_writes", self._writes.ask)
        if rows is not None and rows["pending"]:
            seen.troubles["migrations"] = "migrations_missing"
        urls = self.urls()
        seen.nodes = look_at(urls, self.app.settings.chain_id, self._token)
        if rows is not None:
            seen.following = _told(seen, "following", lambda: self._following(rows))
        try:
            seen.backup = last_backup(self.app.settings.data_dir)
        except ValueError:
            seen.troubles["backup"] = "backup_note_not_readable"
        seen.database = _pool(self.app)
        usage = shutil.disk_usage(self.app.settings.data_dir)
        seen.disk_free_bytes, seen.disk_bytes = usage.free, usage.total
        return seen

    def _read(self) -> dict[str, Any]:
        with self.app.store.reading() as connection:
            return {
                "pending": pending_migrations(connection),
                "queues": _queues(connection),
                "fails": _fails(connection),
                "alarms": _alarms(connection),
                "cursor": _cursor(connection, self.app.settings.chain_id),
            }

    def _write(self) -> float:
        """Milliseconds that a write took until it was durable."""
        began = time.perf_counter()
        now = self.app.store.clock().isoformat()
        with self.app.store.engine.begin() as connection:
            changed = connection.execute(
                sql.update(probe).where(probe.c.name == "write").values(written_at=now)
            ).rowcount
            if not changed:
                connection.execute(probe.insert().values(name="write", written_at=now))
        return (time.perf_counter() - began) * 1000

    def _following(self, rows: Mapping[str, Any]) -> Following:
        height, stopped, indexed_at = rows["cursor"]
        try:
            final = self.app.ledger.indexer.final_height()
        except AmanatError:
            return Following(height, None, None, None, stopped)
        behind = max(final - height, 0)
        # What is behind began to be so when the first block was made that has no effect yet.
        lag_s = 0.0
        if behind:
            since = indexed_at or self.app.store.clock().timestamp()
            lag_s = max(self.app.store.clock().timestamp() - self._made_at(height + 1, since), 0.0)
        return Following(height, final, behind, lag_s, stopped)

    def _made_at(self, height: int, otherwise: float) -> float:
        try:
            block = self.app.ledger.rpc.call("eth_getBlockByNumber", hex(height), False)
        except AmanatError:
            return otherwise
        return float(int(block["timestamp"], 16)) if block else otherwise


def _told(seen: Seen, part: str, ask: Callable[[], T]) -> T | None:
    """What a part answers; where it does not, why, as a word."""
    try:
        return ask()
    except TimeoutError:
        seen.troubles[part] = "no_answer_in_time"
    except AmanatError as error:
        seen.troubles[part] = error.code
    except Exception as error:  # a database's driver raises of many kinds
        seen.troubles[part] = _word(error)
    return None


def _word(error: Exception) -> str:
    """The kind of an error, without its message, which may carry values."""
    inner = getattr(error, "orig", None) or error
    text = str(inner).lower()
    for sign, word in (
        ("disk is full", "disk_full"),
        ("no space left", "disk_full"),
        ("readonly", "read_only"),
        ("read-only", "read_only"),
        ("locked", "locked"),
        ("no such table", "migrations_missing"),
        ("does not exist", "migrations_missing"),
        ("malformed", "damaged"),
        ("not a database", "damaged"),
        ("unable to open", "cannot_be_opened"),
    ):
        if sign in text:
            return word
    return "no_answer"


def _take(seen: Seen, rows: Mapping[str, Any]) -> None:
    now = seen.at
    for state, count, oldest in rows["queues"]:
        age = (now - datetime.fromisoformat(oldest)).total_seconds() if oldest else None
        seen.queues.append(Queue(state, count, max(age, 0.0) if age is not None else None))
    seen.fails, seen.alarms = rows["fails"], rows["alarms"]


def _queues(connection: Connection) -> list[tuple[str, int, str | None]]:
    table = ledger.order
    found = {
        row.state: (row.orders, row.oldest)
        for row in connection.execute(
            sql.select(
                table.c.state,
                sql.func.count().label("orders"),
                sql.func.min(table.c.requested_at).label("oldest"),
            )
            .where(table.c.state.in_(OPEN_STATES))
            .group_by(table.c.state)
        )
    }
    return [(state, *found.get(state, (0, None))) for state in OPEN_STATES]


def _fails(connection: Connection) -> list[dict[str, Any]]:
    """How many instructions failed and wait, by the ledger's declared error."""
    reason = sql.func.coalesce(instruction.c.reason_code, "").label("reason")
    rows = connection.execute(
        sql.select(
            instruction.c.programme, instruction.c.state, reason, sql.func.count().label("count")
        )
        .where(instruction.c.state.in_(("failed", "expired")))
        .group_by(instruction.c.programme, instruction.c.state, reason)
        .order_by(instruction.c.programme, instruction.c.state, reason)
    )
    return [dict(row) for row in rows.mappings()]


def _alarms(connection: Connection) -> list[dict[str, Any]]:
    table = ledger.alarm
    rows = connection.execute(
        sql.select(table.c.kind, table.c.subject, table.c.detail, table.c.raised_at)
        .where(table.c.settled_at.is_(None))
        .order_by(table.c.raised_at.desc())
    )
    return [dict(row) for row in rows.mappings()]


def _cursor(connection: Connection, chain_id: int) -> tuple[int, bool, int | None]:
    table = ledger.cursor
    row = connection.execute(sql.select(table).where(table.c.chain_id == chain_id)).one_or_none()
    if row is None:
        return 0, False, None
    made_at = connection.execute(
        sql.select(sql.func.max(ledger.block.c.time)).where(
            ledger.block.c.number == row.block_number
        )
    ).scalar_one_or_none()
    return row.block_number, row.stopped is not None, made_at


def _pool(app: Application) -> dict[str, int]:
    """Connections of the pool: how many are lent, and how many are kept ready."""
    pool: Any = app.engine.pool
    lent, kept = getattr(pool, "checkedout", None), getattr(pool, "checkedin", None)
    return {"lent": lent(), "kept": kept()} if lent and kept else {}


def node_labels(watch: Watch) -> list[str]:
    """The names of the nodes, as pages and metrics show them."""
    return labels(watch.urls())
