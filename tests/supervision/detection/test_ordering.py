"""The queue: ordered by the live model, with nothing hidden; models move with a second person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
import sqlalchemy as sql
from tests.licensing.without_ledger import DeskWorld, desk_world
from tests.licensing.world import CODE
from tests.supervision.detection.rings import DAYS, FIRST, Months
from tests.supervision.returns.stored_rows import store_transactions

from amanat.access.tables import institution
from amanat.core.errors import NotFound
from amanat.store.journal import Provenance
from amanat.supervision.detection import following
from amanat.supervision.detection.commands import PutModelLive, RetireModel
from amanat.supervision.detection.model import (
    SUPERVISES,
    AlreadyLive,
    NoLiveModel,
    NotLive,
    OtherDigest,
)
from amanat.supervision.detection.ordering import Ordered, score_alerts
from amanat.supervision.detection.records import keep_model
from amanat.supervision.detection.tables import alert_score, detection_model
from amanat.supervision.detection.training import Training
from amanat.supervision.monitoring.tables import alert

LAST = FIRST + timedelta(DAYS - 1)
ON = LAST.isoformat()


class Queue:
    """A supervisor's desk with stored months, alerts and a kept model."""

    def __init__(self, world: DeskWorld, folder: Path, training: Training) -> None:
        self.world, self.folder, self.digest = world, folder, training.model.digest

    def look(self, person: str, name: str, **fields: Any) -> Any:
        """What a view shows somebody."""
        return self.world.app.desk.view(self.world.actor(person), CODE, name, fields)

    def put_live(self) -> None:
        """Two people of the supervisor put the kept model live."""
        command = PutModelLive(digest=self.digest, reason="worth it on later days")
        self.world.do_as("pvara_officer", command, "pvara_approver")

    def score(self) -> Ordered:
        """Score the open alerts."""
        return score_alerts(self.world.store, self.folder, CODE, LAST, self.world.day)


def alert_row(
    name: int, transactions: list[int], score: str, state: str = "open"
) -> dict[str, Any]:
    """An alert as monitoring keeps it."""
    return {
        "programme": CODE, "id": f"{name:032x}", "scenario": "cycle", "version": "v1",
        "run": "run", "subject": f"account:{name}", "exchanges": ["exchange_x"], "day": ON,
        "score": score, "explanation": {}, "transactions": [str(one) for one in transactions],
        "transactions_all": len(transactions), "state": state, "found_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip


@pytest.fixture
def queue(database_url: str, tmp_path: Path, ringed: Months, training: Training) -> Iterator[Queue]:
    """Three alerts: of a ring, of everyday transfers, of a withdrawal that has no score."""
    rows = parquet.read_table(ringed.transactions)
    ring = parquet.read_table(ringed.labels)["id"].to_pylist()[:5]
    kinds, ids = rows["kind"].to_pylist(), rows["id"].to_pylist()
    everyday = [one for one, kind in zip(ids, kinds, strict=True) if kind == "transfer"][:3]
    fiat = [one for one, kind in zip(ids, kinds, strict=True) if kind == "fiat_out"][:2]
    with desk_world(database_url) as world:
        with world.store.engine.begin() as connection:
            authority = institution.c.code == "pvara"
            known = connection.execute(sql.select(institution.c.capacities).where(authority))
            capacities = sorted({*known.scalar_one(), SUPERVISES})
            connection.execute(institution.update().where(authority).values(capacities=capacities))
            store_transactions(connection, tmp_path, CODE, "exchange_x", 1, rows)
            found = [
                alert_row(1, everyday, "0.900"),
                alert_row(2, ring, "0.100"),
                alert_row(3, fiat, "0.500"),
                alert_row(4, everyday, "0.300", "closed"),
            ]
            connection.execute(alert.insert(), found)
        by = Provenance(CODE, "installation", "operator", "operator", "detection", world.day)
        with world.store.work(by) as uow:
            assert keep_model(uow, CODE, training.model)
            assert not keep_model(uow, CODE, training.model)
            uow.commit()
        yield Queue(world, tmp_path, training)


def places(queue: Queue) -> list[int]:
    """The alerts in their order."""
    return [int(one["alert"], 16) for one in queue.look("pvara_officer", "alert_queue")]


def test_without_a_model_the_scenarios_own_scores_order_the_queue(queue: Queue) -> None:
    assert places(queue) == [1, 3, 2]
    with pytest.raises(NoLiveModel):
        queue.score()
    rest = queue.look("pvara_officer", "alert_queue", after=f"{1:032x}", limit=1)
    assert [(one["place"], int(one["alert"], 16)) for one in rest] == [(2, 3)]
    rest = queue.look("pvara_officer", "alert_queue", after=f"{3:032x}", scenario="cycle")
    assert [(one["place"], int(one["alert"], 16)) for one in rest] == [(3, 2)]
    with pytest.raises(NotFound):
        queue.look("pvara_officer", "alert_queue", after=f"{9:032x}")


def test_the_score_orders_the_queue_and_hides_no_alert(queue: Queue) -> None:
    queue.put_live()
    done = queue.score()
    assert (done.alerts, done.scored) == (3, 2)
    shown = queue.look("pvara_officer", "alert_queue")
    assert sorted(int(one["alert"], 16) for one in shown) == [1, 2, 3]
    by_alert = {int(one["alert"], 16): one for one in shown}
    assert float(by_alert[2]["learned_score"]) > float(by_alert[1]["learned_score"])
    assert by_alert[3]["learned_score"] is None
    assert places(queue).index(2) < places(queue).index(1)
    assert by_alert[2]["reason"].endswith("raises the score")


def test_an_alert_shows_the_movement_and_what_moved_its_score(queue: Queue) -> None:
    queue.put_live()
    queue.score()
    shown = queue.look("pvara_officer", "alert_score", alert=f"{2:032x}")
    (one,) = shown["scores"]
    assert (one["model"], one["state"], one["until"]) == (queue.digest, "live", ON)
    assert one["movements"] == 5
    assert len(one["reasons"]) == 6
    assert all("the score" in reason for reason in one["reasons"])
    with pytest.raises(NotFound):
        queue.look("pvara_officer", "alert_score", alert=f"{9:032x}")


def test_scoring_again_changes_nothing(queue: Queue) -> None:
    queue.put_live()

    def kept() -> list[Any]:
        queue.score()
        columns = [one for one in alert_score.c if one.name != "scored_at"]
        with queue.world.store.engine.connect() as connection:
            found = connection.execute(sql.select(*columns).order_by(alert_score.c.alert))
            return [tuple(row) for row in found]

    assert kept() == kept()


def test_what_follows_returns_scores_alerts_once_a_model_is_live(queue: Queue) -> None:
    store, day = queue.world.store, queue.world.day

    def waits() -> tuple[int, str | None]:
        with store.reading() as connection:
            return following.waiting(connection, CODE)

    def mark() -> tuple[str, ...]:
        with store.reading() as connection:
            return following.mark(connection, CODE)

    before = mark()
    assert waits() == (0, None)  # no model waits for nothing
    assert following.score_waiting(store, queue.folder, CODE, day) is None
    queue.put_live()
    assert mark() != before
    assert waits() == (3, "2026-01-01T00:00:00Z")
    done = following.score_waiting(store, queue.folder, CODE, day)
    assert done is not None
    assert (done.alerts, done.scored) == (3, 2)
    assert waits() == (0, None)
    assert following.score_waiting(store, queue.folder, CODE, day) is None
    with store.engine.begin() as connection:
        ring = connection.execute(
            sql.select(alert.c.transactions).where(alert.c.id == f"{2:032x}")
        ).scalar_one()
        fresh = alert_row(5, [int(one) for one in ring], "0.200")
        connection.execute(alert.insert(), [fresh])
    again = following.score_waiting(store, queue.folder, CODE, day)
    assert again is not None
    assert (again.alerts, again.scored) == (1, 1)


def test_only_the_supervisor_sees_queue_and_models(queue: Queue) -> None:
    for person in ("exchange_x_officer", "fmu_officer"):
        for view in ("alert_queue", "detection_models"):
            with pytest.raises(NotFound):
                queue.look(person, view)


def test_a_model_goes_live_once_and_out_of_use_again(queue: Queue) -> None:
    queue.put_live()
    (shown,) = queue.look("pvara_officer", "detection_models")
    assert (shown["model"], shown["state"]) == (queue.digest, "live")
    with pytest.raises(AlreadyLive):
        queue.put_live()
    queue.score()
    assert places(queue) != [1, 3, 2]
    retire = RetireModel(digest=queue.digest, reason="precision fell")
    queue.world.do_as("pvara_officer", retire, "pvara_approver")
    assert queue.look("pvara_officer", "detection_models")[0]["state"] == "retired"
    assert places(queue) == [1, 3, 2]
    with pytest.raises(NotLive):
        queue.world.do_as("pvara_officer", retire, "pvara_approver")


def test_an_altered_or_unknown_model_does_not_go_live(queue: Queue) -> None:
    with queue.world.store.engine.begin() as connection:
        row = connection.execute(sql.select(detection_model)).one()
        values = dict(row._mapping)
        altered = values | {"digest": "ab" * 32}
        connection.execute(detection_model.insert().values(altered))
    with pytest.raises(OtherDigest):
        queue.world.do_as(
            "pvara_officer", PutModelLive(digest="ab" * 32, reason="other"), "pvara_approver"
        )
    with pytest.raises(NotFound):
        queue.world.do_as(
            "pvara_officer", PutModelLive(digest="cd" * 32, reason="none"), "pvara_approver"
        )
