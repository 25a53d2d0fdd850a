"""`fsck` over permissions: all agree after a life of changes; each planted difference is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sql

from amanat.licensing.commands import LiftSuspension, Suspend
from amanat.licensing.tables import permission, permission_change, provider
from amanat.participants.tables import participant

from ..programme.world import CODE, VALID_UNTIL
from .world import LicensingWorld


@contextmanager
def planted(world: LicensingWorld, change: sql.Update | sql.Delete) -> Iterator[list[str]]:
    """What `fsck` says while a row is another than it should be; put back afterwards."""
    with world.app.engine.connect() as connection:
        assert connection.execute(change).rowcount
        connection.commit()
        found = [str(one) for one in world.app.check()]
    yield found


@pytest.fixture(scope="module")
def lived(licensing: LicensingWorld) -> LicensingWorld:
    """A provider that was licensed, suspended, and is back; another with an NOC."""
    world = licensing
    world.licensed("exchange_x")
    stop = Suspend(provider="exchange_x", level="full_freeze", reason="an inspection")
    number = world.do_as("pvara_officer", stop, "pvara_approver", pump=True)["file"]
    assert world.app.check() == []
    back = LiftSuspension(file=number, reason="nothing was found")
    world.do_as("pvara_officer", back, "pvara_approver", pump=True)
    world.noc("exchange_y", "custody")
    return world


def test_all_agree(lived: LicensingWorld) -> None:
    assert lived.app.check() == []


def test_while_an_order_is_under_way_nothing_is_wrong(lived: LicensingWorld) -> None:
    stop = Suspend(provider="exchange_x", level="wind_down", reason="again")
    number = lived.do_as("pvara_officer", stop, "pvara_approver")["file"]
    assert lived.app.check() == []
    lived.app.pump()
    back = LiftSuspension(file=number, reason="again nothing")
    lived.do_as("pvara_officer", back, "pvara_approver")
    assert lived.app.check() == []
    lived.app.pump()
    assert lived.app.check() == []


ALTERED = (
    (
        sql.update(provider).where(provider.c.code == "exchange_y").values(status="licensed"),
        sql.update(provider).where(provider.c.code == "exchange_y").values(status="noc"),
        "status = permissions: provider exchange_y: expected noc, found licensed",
    ),
    (
        sql.update(permission).where(permission.c.kind == "licence").values(categories=["mining"]),
        sql.update(permission)
        .where(permission.c.kind == "licence")
        .values(categories=["exchange"]),
        "permissions = journal: provider exchange_x",
    ),
    (
        sql.update(permission_change)
        .where(permission_change.c.change == "grant", permission_change.c.expires_on.is_not(None),
               permission_change.c.order_id.is_not(None))
        .values(expires_on="2099-01-01"),
        sql.update(permission_change)
        .where(permission_change.c.expires_on == "2099-01-01")
        .values(expires_on=VALID_UNTIL.isoformat()),
        "permissions = journal: provider exchange_x",
    ),
    (
        sql.update(participant).where(participant.c.code == "exchange_x").values(level="frozen"),
        sql.update(participant).where(participant.c.code == "exchange_x").values(level="active"),
        "level = permissions: provider exchange_x: expected active, found frozen",
    ),
    (
        sql.update(participant)
        .where(participant.c.code == "exchange_x")
        .values(valid_until="2027-01-01"),
        sql.update(participant)
        .where(participant.c.code == "exchange_x")
        .values(valid_until=VALID_UNTIL.isoformat()),
        "contract = index: participant exchange_x",
    ),
)  # fmt: skip


@pytest.mark.parametrize(("alter", "mend", "told"), ALTERED, ids=lambda value: str(value)[:40])
def test_a_planted_difference_is_told(
    lived: LicensingWorld, alter: sql.Update, mend: sql.Update, told: str
) -> None:
    with planted(lived, alter) as found:
        assert any(one.startswith(told) for one in found), found
    with lived.app.engine.begin() as connection:
        connection.execute(mend)
    assert lived.app.check() == []


def test_a_participant_that_nobody_licensed_is_told(lived: LicensingWorld) -> None:
    with lived.app.engine.begin() as connection:
        connection.execute(
            participant.insert().values(
                programme=CODE,
                code="stranger",
                number=99,
                participant_class="vasp",
                country="PK",
                level="active",
                valid_until=VALID_UNTIL.isoformat(),
                requested_at="2026-03-09T06:00:00+00:00",
            )
        )
    found = [str(one) for one in lived.app.check()]
    assert "level = permissions: provider stranger: expected none, found active" in found
    assert any(one.startswith("contract = index: participant stranger") for one in found), found
    with lived.app.engine.begin() as connection:
        connection.execute(participant.delete().where(participant.c.code == "stranger"))
    assert lived.app.check() == []
