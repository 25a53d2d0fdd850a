"""Keys come, go and are lost, one role after the other, and nothing stops and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from amanat.access.key_register import (
    EpochOver,
    KeyEnded,
    KeyExpired,
    end_key,
    raise_expiry_alarms,
    require_usable,
)
from amanat.access.tables import signing_key
from amanat.core.errors import NotFound, Refusals
from amanat.ledger import tables
from amanat.ledger.signers import KeyNotHeld
from amanat.participants.commands import EndKey, EnterKey, ExtendKey, GiveKey, RotateKey
from amanat.participants.model import (
    AccountKind,
    CodeTaken,
    KeyNotInDirectory,
    OutsidePurpose,
    ValidityTooLong,
)
from amanat.programme.commands import (
    AnnounceChange,
    AppointSender,
    DirectoryChange,
    ExecuteChange,
    Halt,
    MoveDay,
    RevokeKey,
)
from amanat.programme.model import ChangeNotDue, SenderSends

from .world import CODE, World, prepared_world

DELAY_S = 1


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    """A programme whose Directory changes one second after the announcement."""
    yield from prepared_world(tmp_path, database_url, delay_seconds=DELAY_S)


def chain(world: World, function: str, *args: Any) -> Any:
    return world.app.gateway(CODE).call("Directory", function, *args)


def until(true: Callable[[], bool]) -> None:
    limit = time.monotonic() + 30
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.1)


def change_key(world: World, by: str, **fields: Any) -> None:
    """A key comes onto the ledger, or leaves it: by a quorum, after the delay."""
    change = AnnounceChange(kind=DirectoryChange.KEY, reason="made for tests", **fields)
    outcome = world.do(by, change)
    assert outcome.result is not None

    def carried_out() -> bool:
        assert outcome.result is not None
        try:
            world.do("central_bank", ExecuteChange(change=outcome.result["change"]))
        except ChangeNotDue:
            return False
        return True

    until(carried_out)


def register(world: World, person: str = "auditor_officer", **fields: Any) -> dict[str, Any]:
    rows = world.view("keys", person, **fields)["rows"]
    return {row["key"]: row for row in rows}


def advance(world: World, day: int) -> None:
    world.do("ministry", MoveDay(business_date=date(2021, 3, day)))


def today(world: World) -> str:
    with world.app.store.reading() as connection:
        return world.app.business_date(connection, CODE).isoformat()


def test_the_register_tells_whose_for_what_where_and_until_when(world: World) -> None:
    app = world.app
    ours = register(world)
    officer = str(world.actor("ministry_officer").address)
    row = ours[officer]
    told = (row["institution"], row["holder"], row["purpose"], row["place"], row["state"])
    assert told == ("ministry", "ministry_officer", "approve", "keystore", "in_use")
    assert row["days_left"] in (729, 730)
    senders = {one["holder"]: one["state"] for one in ours.values() if one["purpose"] == "send"}
    assert (senders["operator"], senders["reserve"]) == ("in_use", "standby")
    assert ours[app.operator]["last_used_at"] is not None
    assert ours[app.reserve]["last_used_at"] is None
    # Another institution sees neither holders nor places; a dealer sees its own keys alone.
    seen = register(world, "secp_officer")[officer]
    assert (seen["holder"], seen["place"]) == (None, None)
    assert {one["institution"] for one in register(world, "bank_a_officer").values()} == {"bank_a"}
    assert register(world, within_days=700) == {}
    assert row["last_used_at"] is None
    advance(world, 2)
    assert register(world)[officer]["last_used_at"] is not None


def test_a_key_is_replaced_without_a_moment_in_which_nobody_can_sign(world: World) -> None:
    app = world.app
    old = str(world.actor("ministry_officer").address)
    fresh = app.keys.create("ministry", "officer_2")
    rotation = RotateKey(person="ministry_officer", address=fresh, reason="two years old")
    with pytest.raises(KeyNotInDirectory):  # no quorum has brought it onto the ledger yet
        world.propose("ministry", rotation)
    in_flight = world.propose("ministry", Halt(scope="programme", reason="never needed"))
    change_key(world, "ministry", key=fresh, institution="ministry")
    # Both stand on the ledger: the person goes on with the former one.
    assert [chain(world, "institution_of", one) for one in (old, fresh)] == [1, 1]
    assert register(world)[fresh]["state"] == "standby"
    advance(world, 2)
    taken = str(world.actor("secp_officer").address)
    with pytest.raises((CodeTaken, Refusals)):
        world.propose("ministry", rotation.model_copy(update={"address": taken}))

    world.do("ministry", rotation)
    assert world.actor("ministry_officer").address == fresh
    assert [chain(world, "institution_of", one) for one in (old, fresh)] == [0, 1]
    assert (register(world)[old]["state"], register(world)[fresh]["state"]) == ("retired", "in_use")
    advance(world, 3)
    assert today(world) == "2021-03-03"
    # What was proposed before names an epoch that is over: refused here, in words.
    with pytest.raises(EpochOver, match="propose it again"):
        world.approve("ministry", in_flight)
    world.do("ministry", Halt(scope="programme", reason="proposed again"))


def test_the_one_approver_of_an_institution_replaces_their_own_key(world: World) -> None:
    old = str(world.actor("secp_approver").address)
    fresh = world.app.keys.create("secp", "approver_2")
    change_key(world, "ministry", key=fresh, institution="secp")
    world.do("secp", RotateKey(person="secp_approver", address=fresh, reason="made for tests"))
    assert chain(world, "institution_of", old) == 0
    world.do("secp", Halt(scope="programme", reason="signed with the new one"))


def destroy(world: World, person: str) -> str:
    """The key of a person is gone: file and all."""
    address = world.actor(person).address
    assert address is not None
    world.app.keys.destroy(address)
    with pytest.raises(KeyNotHeld):
        world.app.keys.sign(CODE, address, b"\x01" * 32)
    return address


def test_an_officer_loses_their_key(world: World) -> None:
    lost = destroy(world, "ministry_officer")
    world.do("ministry", RevokeKey(key=lost, reason="its disk burnt"))
    assert register(world)[lost]["state"] == "revoked"
    fresh = world.app.keys.create("ministry", "officer_2")
    change_key(world, "central_bank", key=fresh, institution="ministry",
               signers=("central_bank", "secp"))  # fmt: skip
    world.do("ministry", GiveKey(person="ministry_officer", address=fresh))
    advance(world, 2)
    assert today(world) == "2021-03-02"


def test_the_only_approver_of_an_institution_loses_their_key(world: World) -> None:
    lost = destroy(world, "secp_approver")
    with pytest.raises(KeyNotHeld):  # nobody of the institution can approve its revocation
        world.do("secp", RevokeKey(key=lost, reason="its disk burnt"))
    advance(world, 2)  # the others work on
    both = ("ministry", "central_bank")
    change_key(world, "ministry", key=lost, signers=both)
    fresh = world.app.keys.create("secp", "approver_2")
    change_key(world, "ministry", key=fresh, institution="secp", signers=both)
    outcome = world.propose("secp", GiveKey(person="secp_approver", address=fresh))
    assert outcome.awaits == ("central_bank", "ministry")
    for institution in outcome.awaits:
        world.approve(institution, outcome)
    assert world.actor("secp_approver").address == fresh
    world.do("secp", Halt(scope="programme", reason="secp signs again"))


def test_a_dealer_without_a_number_loses_every_key(world: World) -> None:
    lost = [destroy(world, person) for person in ("bank_a_officer", "bank_a_approver")]
    for person, name in (("bank_a_officer", "officer_2"), ("bank_a_approver", "approver_2")):
        fresh = world.app.keys.create("bank_a", name)
        world.do("central_bank", GiveKey(person=person, address=fresh))
        assert world.actor(person).address == fresh
    assert {register(world)[one]["state"] for one in lost} == {"retired"}


def sent_by(world: World, address: str) -> int:
    order = tables.order
    with world.app.store.reading() as connection:
        query = sql.select(sql.func.count()).where(order.c.sender_address == address)
        return int(connection.execute(query).scalar_one())


def test_another_key_sends_while_what_was_signed_goes_through(world: World) -> None:
    app = world.app
    fresh = app.keys.create("installation", "operator_2")
    with pytest.raises(KeyNotHeld):
        world.propose("ministry", AppointSender(key="0x" + "77" * 20, reason="elsewhere"))
    with pytest.raises(SenderSends):
        world.propose("ministry", AppointSender(key=app.operator, reason="no other"))
    # Orders are in flight, signed by the former key, while the other is appointed.
    world.do("ministry", Halt(scope="programme", reason="in flight"), pump=False)
    app.ledger.dispatcher.step()
    appoint = AppointSender(key=fresh, reason="two years old", endow_coins=10**9)
    assert world.propose("ministry", appoint).awaits == ("central_bank",)
    world.do("ministry", appoint)
    ours = register(world)
    assert [ours[one]["state"] for one in (app.operator, fresh)] == ["retired", "in_use"]
    before = sent_by(world, app.operator)
    advance(world, 2)
    assert today(world) == "2021-03-02"
    assert (sent_by(world, app.operator), sent_by(world, fresh)) == (before, 1)
    assert app.ledger.check() == []
    with pytest.raises(KeyEnded):
        world.propose("ministry", AppointSender(key=app.operator, reason="back again"))


def test_a_new_key_begins_when_the_formers_last_is_through(world: World) -> None:
    app = world.app
    world.do("ministry", Halt(scope="programme", reason="in flight"), pump=False)
    app.ledger.dispatcher.step()  # sent, and nobody has seen it final yet
    before = sent_by(world, app.operator)
    world.do("ministry", AppointSender(key=app.reserve, reason="rotation"), pump=False)
    world.do("ministry", MoveDay(business_date=date(2021, 3, 2)), pump=False)
    for _ in range(3):
        app.ledger.dispatcher.step()
    assert (sent_by(world, app.operator), sent_by(world, app.reserve)) == (before, 0)
    assert app.ledger.dispatcher.pending() == 2
    app.pump()
    assert (sent_by(world, app.operator), sent_by(world, app.reserve)) == (before, 1)
    assert (today(world), app.ledger.check()) == ("2021-03-02", [])


def test_the_key_that_sends_is_lost_with_orders_in_flight(world: World) -> None:
    app = world.app
    world.do("ministry", Halt(scope="programme", reason="in flight"), pump=False)
    app.ledger.dispatcher.step()  # signed and stored by the key that is lost now
    app.keys.destroy(app.operator)
    world.do("ministry", MoveDay(business_date=date(2021, 3, 2)), pump=False)
    until(lambda: (app.ledger.step(), alarms(world, "key_not_held") > 0)[1])
    appoint = AppointSender(key=app.reserve, reason="its disk burnt", former_lost=True)
    world.do("ministry", appoint)
    assert today(world) == "2021-03-02"
    ours = register(world)
    assert [ours[one]["state"] for one in (app.operator, app.reserve)] == ["lost", "in_use"]
    assert sent_by(world, app.reserve) == 1
    assert app.ledger.check() == []
    # The reserve endows the next one, so that again no single key matters.
    fresh = app.keys.create("installation", "operator_2")
    world.do("ministry", AppointSender(key=fresh, reason="a new reserve", endow_coins=10**9))
    advance(world, 3)
    assert sent_by(world, fresh) == 1
    assert (today(world), app.ledger.check()) == ("2021-03-03", [])


def alarms(world: World, kind: str) -> int:
    table = tables.alarm
    with world.app.store.reading() as connection:
        query = sql.select(sql.func.count()).where(
            table.c.kind == kind, table.c.settled_at.is_(None)
        )
        return int(connection.execute(query).scalar_one())


def expire(world: World, address: str, at: datetime) -> None:
    with world.app.engine.begin() as connection:
        told = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
        connection.execute(
            sql.update(signing_key).where(signing_key.c.address == address).values(expires_at=told)
        )


def test_a_key_is_told_of_before_it_expires_and_refused_afterwards(world: World) -> None:
    app, now = world.app, datetime.now(UTC)
    key = str(world.actor("ministry_officer").address)
    expire(world, key, now + timedelta(days=29))
    with app.engine.begin() as connection:
        assert raise_expiry_alarms(connection, now) == 1
        assert raise_expiry_alarms(connection, now) == 0
    assert alarms(world, "key_expires") == 1
    assert list(register(world, within_days=30)) == [key]
    shown = world.view("keys", "auditor_officer")
    assert (shown["rows"][0]["key"], shown["expired"], shown["ends_soon"]) == (key, 0, 1)
    expire(world, key, now - timedelta(seconds=1))
    with app.engine.begin() as connection:
        assert raise_expiry_alarms(connection, now) == 1
    shown = world.view("keys", "auditor_officer")
    assert (shown["rows"][0]["key"], shown["expired"], shown["ends_soon"]) == (key, 1, 0)
    assert (alarms(world, "key_expired"), register(world)[key]["state"]) == (1, "expired")
    with pytest.raises(KeyExpired, match=key):
        world.propose("ministry", MoveDay(business_date=date(2021, 3, 2)))
    # Its own institution's other key lets it be valid for longer; nobody else's does.
    with pytest.raises(NotFound):
        world.propose("secp", ExtendKey(key=key, expires_on=(now + timedelta(days=9)).date()))
    for days in (-1, 731):
        with pytest.raises(ValidityTooLong):
            world.propose("ministry", ExtendKey(key=key, expires_on=(now + timedelta(days)).date()))
    world.do("ministry", ExtendKey(key=key, expires_on=(now + timedelta(days=90)).date()))
    assert (alarms(world, "key_expires"), alarms(world, "key_expired")) == (0, 0)
    advance(world, 2)
    with app.engine.begin() as connection:
        end_key(connection, CODE, key, "retired", now)
    with pytest.raises(KeyEnded):
        world.propose("ministry", MoveDay(business_date=date(2021, 3, 3)))


def test_an_expired_sending_key_sends_nothing_until_another_is_appointed(world: World) -> None:
    app = world.app
    expire(world, app.operator, datetime.now(UTC) - timedelta(seconds=1))
    world.do("ministry", MoveDay(business_date=date(2021, 3, 2)), pump=False)
    until(lambda: (app.ledger.step(), alarms(world, "key_not_held") > 0)[1])
    assert today(world) == "2021-03-01"
    world.do("ministry", AppointSender(key=app.reserve, reason="the other expired"))
    assert today(world) == "2021-03-02"
    assert alarms(world, "key_not_held") == 0


def test_the_reserve_is_lost_and_another_takes_its_place(world: World) -> None:
    app = world.app
    app.keys.destroy(app.reserve)
    advance(world, 2)  # nothing stops
    with pytest.raises(KeyNotHeld):
        world.propose("ministry", AppointSender(key=app.reserve, reason="it is gone"))
    fresh = app.keys.create("installation", "operator_2")
    world.do("ministry", AppointSender(key=fresh, reason="rotation", endow_coins=10**9))
    advance(world, 3)
    assert (sent_by(world, fresh), app.ledger.check()) == (1, [])


def test_keys_of_accounts_stand_in_the_register_and_no_date_locks_them_up(world: World) -> None:
    world.admit("bank_a", "bank", "central_bank")
    own = world.enrol("bank_a", "central_bank")
    client = world.enrol(
        "bank_a", "central_bank", AccountKind.CLIENT, holder="a client", holder_class="individual"
    )
    row = register(world)[own]
    told = (row["institution"], row["holder"], row["purpose"], row["place"], row["state"])
    assert told == ("bank_a", "own", "account", "keystore", "in_use")
    # A client's key is the client's; what others keep nobody sees but the auditor and the operator.
    assert client not in register(world)
    assert own in register(world, "bank_a_officer", purpose="account")
    assert own not in register(world, "ministry_officer")
    assert register(world, "bank_a_officer", purpose="send") == {}
    expire(world, own, datetime.now(UTC) - timedelta(seconds=1))
    with world.app.store.reading() as connection:
        require_usable(connection, CODE, own, datetime.now(UTC))
    assert register(world)[own]["state"] == "expired"
    with world.app.engine.begin() as connection:
        assert raise_expiry_alarms(connection, datetime.now(UTC)) == 1
        end_key(connection, CODE, own, "lost", datetime.now(UTC))
    with world.app.store.reading() as connection, pytest.raises(KeyEnded):
        require_usable(connection, CODE, own, datetime.now(UTC))


def test_keys_that_live_outside_are_known_and_told_of_before_they_end(world: World) -> None:
    """An administrator's, a validator's, the backup's: nothing is signed with them here."""
    node = "0x" + "5a" * 20
    today_ = datetime.now(UTC).date()
    fields = {"key": node, "purpose": OutsidePurpose.STAKING, "holder": "validator_1"}
    entry = EnterKey(**fields, place="safe 3, row 2", expires_on=today_ + timedelta(days=20))
    late = today_ + timedelta(days=800)
    with pytest.raises(ValidityTooLong):
        world.propose("ministry", entry.model_copy(update={"expires_on": late}))
    officer = str(world.actor("secp_officer").address)
    with pytest.raises(CodeTaken):  # a person's key keeps its purpose
        world.propose("secp", entry.model_copy(update={"key": officer}))
    outcome = world.propose("ministry", entry)
    assert outcome.awaits == ("ministry",)
    world.approve("ministry", outcome)
    row = register(world, "ministry_officer")[node]
    assert (row["purpose"], row["holder"], row["place"]) == ("staking", "validator_1", entry.place)
    assert register(world, "secp_officer")[node]["place"] is None
    with world.app.engine.begin() as connection:
        assert raise_expiry_alarms(connection, datetime.now(UTC)) == 1
    with pytest.raises(CodeTaken):
        world.propose("secp", entry)
    with pytest.raises(NotFound):
        world.propose("secp", EndKey(key=node, reason="not theirs"))
    with pytest.raises(NotFound):
        world.propose("secp", EndKey(key=officer, reason="no outside key"))
    world.propose("ministry", EndKey(key=node, lost=True, reason="its disk burnt"))
    assert register(world)[node]["state"] == "lost"
    assert alarms(world, "key_expires") == 0
    world.do("ministry", entry, pump=False)  # the next one under the same name
    assert register(world)[node]["state"] == "in_use"
