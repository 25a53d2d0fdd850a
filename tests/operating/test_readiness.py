"""Readiness and what it looks at: each part is broken in turn, on a real database and node."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sql

from amanat.app import Application
from amanat.ledger import tables as ledger
from amanat.observing.heartbeat import Heartbeat
from amanat.operating import watch
from amanat.operating.notifying import Supervisor
from amanat.operating.readiness import not_ready
from amanat.operating.watch import Following, Seen, Watch
from amanat.settings import Serving, Settings


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    """A running application with its embedded node, following it."""
    with Application(Settings.at(tmp_path / "amanat", light_keys=True)) as found:
        found.run_in_background()
        yield found


def reasons(app: Application) -> list[str]:
    seen = Watch(app).look()
    return [one.code for one in not_ready(seen, app.ledger.heartbeat, app.settings.serving)]


def until(app: Application, wanted: list[str], within_s: float = 15.0) -> None:
    limit = time.monotonic() + within_s
    while reasons(app) != wanted:
        assert time.monotonic() < limit, reasons(app)
        time.sleep(0.1)


def test_a_running_installation_is_ready(app: Application) -> None:
    until(app, [])


def test_it_is_not_ready_before_the_ledger_is_followed(tmp_path: Path) -> None:
    with Application(Settings.at(tmp_path / "amanat", light_keys=True)) as app:
        assert reasons(app) == ["ledger_not_followed"]


def test_without_a_node_it_is_not_ready(app: Application) -> None:
    until(app, [])
    assert app.node is not None
    app.node.stop()
    until(app, ["no_node_answers"])


def test_with_the_tables_of_another_version(app: Application) -> None:
    with app.engine.begin() as connection:
        connection.execute(sql.text("UPDATE alembic_version SET version_num = '9999'"))
    until(app, ["migrations_missing"])


def test_a_database_that_takes_no_write(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    until(app, [])
    monkeypatch.setattr(watch, "ANSWER_WITHIN_S", 0.5)
    held = Watch(app)
    with app.engine.connect() as other, other.begin():
        seen = held.look()
        assert seen.troubles == {"database_writes": "no_answer_in_time"}
        # While the question hangs it is not asked again: no threads pile up.
        before = threading.active_count()
        held._kept = None
        assert held.look().troubles["database_writes"] == "no_answer_in_time"
        assert threading.active_count() <= before
    told = not_ready(seen, app.ledger.heartbeat, app.settings.serving)
    assert [one.code for one in told] == ["database_does_not_write"]


def test_an_indexer_that_stopped(app: Application) -> None:
    chain = app.settings.chain_id
    table = ledger.cursor
    with app.engine.begin() as connection:
        stop = sql.update(table).where(table.c.chain_id == chain).values(stopped="differs")
        if not connection.execute(stop).rowcount:
            connection.execute(
                table.insert().values(
                    chain_id=chain, block_number=0, block_hash="", position=0, stopped="differs"
                )
            )
    until(app, ["indexer_stopped"])


def seen_with(lag_blocks: int, lag_s: float) -> Seen:
    from amanat.operating.nodes import NodeSeen

    following = Following(10, 10 + lag_blocks, lag_blocks, lag_s, stopped=False)
    node = NodeSeen("node:1", None, height=10)
    return Seen(datetime.now(UTC), following=following, nodes=[node])


@pytest.mark.parametrize(
    ("lag_blocks", "lag_s", "wanted"),
    [(0, 0.0, []), (100, 60.0, []), (101, 1.0, ["indexer_lags"]), (1, 61.0, ["indexer_lags"])],
)
def test_bounds_of_the_lag(lag_blocks: int, lag_s: float, wanted: list[str]) -> None:
    beat = Heartbeat("ledger")
    beat.begin()
    beat.well()
    told = not_ready(seen_with(lag_blocks, lag_s), beat, Serving())
    assert [one.code for one in told] == wanted


def test_rounds_that_do_not_end_well() -> None:
    beat = Heartbeat("ledger")
    beat.begin()
    beat.kept_from("node_unavailable")
    assert not_ready(seen_with(0, 0.0), beat, Serving(lag_seconds_max=60)) == []
    time.sleep(0.05)
    (told,) = not_ready(seen_with(0, 0.0), beat, Serving(lag_seconds_max=0))
    assert (told.code, told.detail) == ("ledger_stalled", "node_unavailable")


def test_a_thread_that_ended_is_not_alive_and_not_told_of() -> None:
    beat = Heartbeat("ledger")
    thread = threading.Thread(target=beat.begin)
    thread.start()
    thread.join()
    assert not beat.alive
    (told,) = not_ready(seen_with(0, 0.0), beat, Serving())
    assert told.code == "ledger_not_followed"


def test_without_a_supervisor_nobody_is_told() -> None:
    assert not Supervisor({}).tell("READY=1")
    assert Supervisor({"WATCHDOG_USEC": "3000000"}).every_s == 1.5
    assert Supervisor({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}).every_s is None
