"""Ways in: sessions that end, lock-outs that grow and are lifted, and what the journal says."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sql

from amanat.access import passkeys, sessions
from amanat.access.attempts import (
    LockedOut,
    Meter,
    TooManyRequests,
    of_address,
    of_person,
)
from amanat.access.entrance import Entrance, Opened, Rules, Visitor
from amanat.access.sessions import Session, Terms
from amanat.access.tables import ceremony, lockout, session
from amanat.access.tokens import issue_token, revoke_tokens
from amanat.app import declare_rooms
from amanat.core.errors import Forbidden, NotFound, Unauthenticated
from amanat.participants.commands_sign_in import (
    InvitePerson,
    LiftAddressLockout,
    LiftLockout,
    LinkIdentity,
    RemovePasskey,
    UnlinkIdentity,
    WithdrawAccess,
)
from amanat.store.journal import read_entries

from .conftest import Office, the_day

declare_rooms()

TERMS = Terms(timedelta(minutes=15), timedelta(hours=8), timedelta(minutes=5))
HERE = Visitor("192.0.2.7", "a browser")
THERE = Visitor("198.51.100.9", "another")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def entrance(office: Office) -> Entrance:
    """The entrance of the office: three refusals lock out."""
    with office.store.engine.begin() as connection:
        # The other programme has no day: nothing of it is journalled.
        connection.exec_driver_sql("delete from person where programme = 'other'")
        connection.exec_driver_sql("delete from institution where programme = 'other'")
    return Entrance(office.store, the_day, Rules(TERMS, lockout_failures=3, rate_token=0))


def token_of(office: Office, who: str = "officer", days: int = 30) -> str:
    with office.store.engine.begin() as connection:
        return issue_token(connection, "test", who, office.clock.now, timedelta(days=days))


def opened(entrance: Entrance, office: Office, who: str = "officer") -> Opened:
    return entrance.open_by_token(token_of(office, who), HERE)


def valid(entrance: Entrance, secret: str) -> Session:
    found = entrance.session(secret)
    assert found is not None
    return found


def told(office: Office) -> list[dict[str, object]]:
    """What the confidential log says, oldest first; the public log says nothing of it."""
    with office.store.reading() as connection:
        entries = read_entries(connection, programme="test")
    assert [one["kind"] for one in entries if one["log"] == "public"] == []
    return entries


# -- sessions -------------------------------------------------------------------------------------


def test_a_session_is_its_person_and_only_a_hash_is_kept(
    office: Office, entrance: Entrance
) -> None:
    begun = opened(entrance, office)
    found = valid(entrance, begun.secret)
    assert (found.actor.person, found.actor.means, found.id) == ("officer", "token", begun.session)
    with office.store.reading() as connection:
        assert begun.secret not in repr(connection.execute(sql.select(session)).all())
    assert entrance.session("x" * 43) is None
    assert entrance.session("") is None


def test_a_session_ends_by_rest(office: Office, entrance: Entrance) -> None:
    secret = opened(entrance, office).secret
    office.clock.pass_by(timedelta(minutes=14))
    assert entrance.session(secret) is not None
    office.clock.pass_by(timedelta(minutes=14))
    assert entrance.session(secret) is not None
    office.clock.pass_by(timedelta(minutes=15))
    assert entrance.session(secret) is None


def test_a_session_ends_after_a_day_of_work_however_busy(
    office: Office, entrance: Entrance
) -> None:
    secret = opened(entrance, office).secret
    for _ in range(47):
        office.clock.pass_by(10 * MINUTE)
        assert entrance.session(secret) is not None
    office.clock.pass_by(10 * MINUTE)
    assert entrance.session(secret) is None


def test_signing_in_again_makes_a_new_session_and_ends_the_former(
    office: Office, entrance: Entrance
) -> None:
    text = token_of(office)
    first = entrance.open_by_token(text, HERE)
    former = valid(entrance, first.secret)
    second = entrance.open_by_token(text, HERE, former)
    assert first.secret != second.secret
    assert entrance.session(first.secret) is None
    assert entrance.session(second.secret) is not None


def test_a_session_ends_with_the_token_it_was_begun_with(
    office: Office, entrance: Entrance
) -> None:
    secret = opened(entrance, office).secret
    with office.store.engine.begin() as connection:
        revoke_tokens(connection, "test", "officer", office.clock.now)
    assert entrance.session(secret) is None


def test_proving_again_makes_it_fresh_and_changes_the_cookie(
    office: Office, entrance: Entrance
) -> None:
    text = token_of(office)
    first = entrance.open_by_token(text, HERE).secret
    assert valid(entrance, first).is_fresh(office.clock.now)
    office.clock.pass_by(5 * MINUTE)
    stale = valid(entrance, first)
    assert not stale.is_fresh(office.clock.now)
    second = entrance.prove_by_token(stale, text, HERE)
    assert entrance.session(first) is None
    fresh = valid(entrance, second)
    assert (fresh.id, fresh.is_fresh(office.clock.now)) == (stale.id, True)
    assert [one["kind"] for one in told(office)] == ["SignedIn", "ProvedAgain"]


def test_another_persons_token_proves_nothing(office: Office, entrance: Entrance) -> None:
    mine = valid(entrance, opened(entrance, office).secret)
    with pytest.raises(Unauthenticated):
        entrance.prove_by_token(mine, token_of(office, "approver"), HERE)
    last = told(office)[-1]
    assert (last["kind"], last["actor"]["institution"]) == ("SignInRefused", "ministry")  # type: ignore[index]


def test_one_session_or_all_of_a_person_are_ended(office: Office, entrance: Entrance) -> None:
    first, second, third = (opened(entrance, office) for _ in range(3))
    other = opened(entrance, office, "approver")
    mine = valid(entrance, first.secret)
    assert entrance.sign_out(mine, HERE, only=second.session, reason="one") == 1
    assert entrance.sign_out(mine, HERE, only=other.session, reason="not theirs") == 0
    with office.store.reading() as connection:
        rows = sessions.of_person(connection, "test", "officer", office.clock.now, TERMS)
    assert {row.id for row in rows} == {first.session, third.session}
    assert entrance.sign_out(mine, HERE, only=None, reason="everywhere") == 2
    assert entrance.session(third.secret) is None
    assert entrance.session(other.secret) is not None


# -- lock-outs ------------------------------------------------------------------------------------


def refuse(entrance: Entrance, times: int, visitor: Visitor = HERE) -> None:
    for _ in range(times):
        with pytest.raises(Unauthenticated):
            entrance.by_token("amanat_" + "x" * 43, visitor)


def seconds(entrance: Entrance, text: str, visitor: Visitor = HERE) -> int:
    with pytest.raises(LockedOut) as locked:
        entrance.by_token(text, visitor)
    return int(locked.value.fields["seconds"])


def test_refusals_lock_an_address_for_longer_each_time(office: Office, entrance: Entrance) -> None:
    text = token_of(office)
    found = []
    for _ in range(4):
        refuse(entrance, 3)
        found.append(seconds(entrance, text))
        office.clock.pass_by(timedelta(seconds=found[-1]))
    assert found == [60, 120, 240, 480]
    assert entrance.by_token(text, HERE).person == "officer"
    assert entrance.by_token(text, THERE).person == "officer"
    kinds = [one["kind"] for one in told(office)]
    assert kinds == (["SignInRefused"] * 3 + ["LockedOut"]) * 4


def test_while_it_is_locked_nothing_is_counted_or_told(office: Office, entrance: Entrance) -> None:
    refuse(entrance, 3)
    before = len(told(office))
    for _ in range(5):
        seconds(entrance, "amanat_" + "x" * 43)
    assert len(told(office)) == before
    assert entrance.by_token(token_of(office), THERE).person == "officer"


def test_a_lock_grows_no_longer_than_a_day_and_is_forgotten_after_one(
    office: Office, entrance: Entrance
) -> None:
    text = token_of(office, days=300)
    for _ in range(14):
        refuse(entrance, 3)
        left = seconds(entrance, text)
        office.clock.pass_by(timedelta(seconds=left))
    assert left == 86_400
    office.clock.pass_by(timedelta(days=1))
    refuse(entrance, 3)
    assert seconds(entrance, text) == 60


def test_refusals_far_apart_do_not_lock_and_signing_in_forgets_them(
    office: Office, entrance: Entrance
) -> None:
    for _ in range(6):
        refuse(entrance, 1)
        office.clock.pass_by(timedelta(minutes=15))
    refuse(entrance, 2)
    opened(entrance, office)
    refuse(entrance, 2)
    entrance.by_token(token_of(office), HERE)


def test_a_person_is_locked_out_by_what_is_theirs_alone(office: Office, entrance: Entrance) -> None:
    expired, current = token_of(office, days=1), token_of(office, days=30)
    office.clock.pass_by(timedelta(days=2))
    for number in range(3):
        with pytest.raises(Unauthenticated):
            entrance.by_token(expired, Visitor(f"203.0.113.{number}"))
    assert seconds(entrance, current, THERE) == 60
    assert entrance.by_token(token_of(office, "approver"), THERE).person == "approver"


def test_an_officer_lifts_a_persons_lock_out_but_never_their_own(
    office: Office, entrance: Entrance
) -> None:
    expired, current = token_of(office, days=1), token_of(office, days=30)
    office.clock.pass_by(timedelta(days=2))
    for number in range(3):
        with pytest.raises(Unauthenticated):
            entrance.by_token(expired, Visitor(f"203.0.113.{number}"))
    lift = LiftLockout(person="officer", reason="called back")
    shown = office.desk.view(office.actor("approver"), "test", "people_access", {})
    assert [one["person"] for one in shown if one["locked_until"]] == ["officer"]
    with pytest.raises(Forbidden):
        office.desk.submit(office.actor("officer"), lift)
    with pytest.raises(NotFound):
        office.desk.submit(office.actor("agent_officer"), lift)
    office.desk.submit(office.actor("approver"), lift)
    assert entrance.by_token(current, THERE).person == "officer"
    with pytest.raises(NotFound):
        office.desk.submit(office.actor("approver"), lift)


def test_the_operator_lifts_an_addresss_lock_out(office: Office, entrance: Entrance) -> None:
    refuse(entrance, 3)
    lift = LiftAddressLockout(address=HERE.address, reason="a script with an old token")
    with pytest.raises(Forbidden):
        office.desk.submit(office.actor("approver"), lift)
    assert office.desk.view(office.actor("approver"), "test", "lockouts", {}) == []
    shown = office.desk.view(office.actor("operator"), "test", "lockouts", {})
    assert [(one["address"], one["locks"]) for one in shown] == [(HERE.address, 1)]
    office.desk.submit(office.actor("operator"), lift)
    assert entrance.by_token(token_of(office), HERE).person == "officer"
    assert told(office)[-1]["kind"] == "LockoutLifted"


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("192.0.2.1", "address:192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "address:192.0.2.1"),
        ("a unix socket", "address:a unix socket"),
    ],
)
def test_an_address_counts_as_its_subscriber(address: str, subject: str) -> None:
    assert of_address(address) == subject


# -- the journal ----------------------------------------------------------------------------------


def test_the_confidential_log_tells_of_every_way_in_and_out_without_names(
    office: Office, entrance: Entrance
) -> None:
    begun = opened(entrance, office)
    found = valid(entrance, begun.secret)
    entrance.sign_out(found, HERE, only=found.id, reason="signed out")
    refuse(entrance, 3)
    entries = told(office)
    assert [one["kind"] for one in entries] == [
        "SignedIn",
        "SignedOut",
        *["SignInRefused"] * 3,
        "LockedOut",
    ]
    whole = json.dumps(entries)
    assert HERE.address not in whole
    assert "officer" not in [one["content"]["person"] for one in entries]  # type: ignore[index]
    assert entries[0]["actor"]["institution"] == "ministry"  # type: ignore[index]
    assert entries[0]["content"]["session"] == begun.session  # type: ignore[index]
    assert entries[-1]["actor"]["institution"] == "nobody"  # type: ignore[index]


# -- what institutions do -------------------------------------------------------------------------


def invited(office: Office, who: str = "second_approver") -> str:
    """The secret of an invitation that two people of the ministry gave."""
    asked = InvitePerson(person=who)
    proposed = office.desk.submit(office.actor("officer"), asked)
    assert proposed.proposal is not None
    done = office.desk.approve(office.actor("approver"), proposed.proposal)
    assert done.result is not None
    return str(done.result["link"]).removeprefix("/join/")


def test_an_invitation_takes_two_people_serves_once_and_expires(office: Office) -> None:
    secret, late = invited(office), invited(office)
    with office.store.engine.begin() as connection:
        row = passkeys.invited(connection, secret, office.clock.now)
        assert (row.programme, row.person) == ("test", "second_approver")
        passkeys.use_invitation(connection, row.id, office.clock.now)
        with pytest.raises(Unauthenticated):
            passkeys.invited(connection, secret, office.clock.now)
        office.clock.pass_by(timedelta(hours=24))
        with pytest.raises(Unauthenticated):
            passkeys.invited(connection, late, office.clock.now)
        with pytest.raises(Unauthenticated):
            passkeys.invited(connection, "x" * 43, office.clock.now)
    with pytest.raises(NotFound):
        office.desk.submit(office.actor("officer"), InvitePerson(person="agent_officer"))


def test_withdrawing_access_ends_everything_at_once(office: Office, entrance: Entrance) -> None:
    secret, link, text = (
        opened(entrance, office).secret,
        invited(office, "officer"),
        token_of(office),
    )
    done = office.desk.submit(
        office.actor("approver"),
        WithdrawAccess(person="officer", reason="left the laptop in a taxi"),
    )
    assert done.result is not None
    counts = {name: done.result[name] for name in ("tokens", "sessions", "passkeys", "invitations")}
    # The session ended with the token that it was begun with.
    assert counts == {"tokens": 2, "sessions": 0, "passkeys": 0, "invitations": 1}
    assert entrance.session(secret) is None
    with pytest.raises(Unauthenticated):
        entrance.by_token(text, THERE)
    with office.store.engine.begin() as connection, pytest.raises(Unauthenticated):
        passkeys.invited(connection, link, office.clock.now)
    with pytest.raises(NotFound):
        office.desk.submit(
            office.actor("agent_officer"), WithdrawAccess(person="officer", reason="x")
        )


def test_an_identity_is_linked_by_two_and_unlinked_by_one(office: Office) -> None:
    link = LinkIdentity(person="officer", issuer="https://id.example", subject="u-1")
    proposed = office.desk.submit(office.actor("officer"), link)
    assert proposed.proposal is not None
    office.desk.approve(office.actor("approver"), proposed.proposal)
    mine = office.desk.view(office.actor("officer"), "test", "my_access", {})
    assert [one["subject"] for one in mine["identities"]] == ["u-1"]
    with pytest.raises(Exception, match="u-1"):
        office.desk.submit(
            office.actor("officer"),
            LinkIdentity(person="second_approver", issuer="https://id.example", subject="u-1"),
        )
    unlink = UnlinkIdentity(person="officer", issuer="https://id.example")
    office.desk.submit(office.actor("approver"), unlink)
    with pytest.raises(NotFound):
        office.desk.submit(office.actor("approver"), unlink)


def test_a_passkey_that_is_not_theirs_is_not_removed(office: Office) -> None:
    remove = RemovePasskey(passkey="0" * 36)
    with pytest.raises(NotFound):
        office.desk.submit(office.actor("officer"), remove)


# -- ceremonies and limits ------------------------------------------------------------------------


def test_a_challenge_serves_once_for_its_purpose_and_for_five_minutes(office: Office) -> None:
    with office.store.engine.begin() as connection:
        now = office.clock.now
        first, late = (
            passkeys.begin(connection, "sign_in", {"challenge": "c"}, now) for _ in range(2)
        )
        with pytest.raises(Unauthenticated):
            passkeys.finish(connection, "prove", first, now)
        assert passkeys.finish(connection, "sign_in", first, now) == {"challenge": "c"}
        with pytest.raises(Unauthenticated):
            passkeys.finish(connection, "sign_in", first, now)
        with pytest.raises(Unauthenticated):
            passkeys.finish(connection, "sign_in", late, now + 5 * MINUTE)
        passkeys.begin(connection, "sign_in", {}, now)
        passkeys.begin(connection, "sign_in", {}, now + 5 * MINUTE)
        kept = connection.execute(sql.select(sql.func.count()).select_from(ceremony)).scalar_one()
    assert kept == 1


def test_a_meter_gives_its_limit_then_refills_evenly() -> None:
    now = [0.0]
    meter = Meter(60, lambda: now[0])
    for _ in range(60):
        meter.take("a")
    with pytest.raises(TooManyRequests) as refused:
        meter.take("a")
    assert refused.value.fields == {"limit": 60, "seconds": 1}
    meter.take("b")
    now[0] += 1
    meter.take("a")
    with pytest.raises(TooManyRequests):
        meter.take("a")
    for _ in range(1000):
        Meter(0).take("a")


def test_a_token_has_a_limit_of_its_own(office: Office) -> None:
    tight = Entrance(office.store, the_day, Rules(TERMS, 0, rate_token=5))
    text, other = token_of(office), token_of(office)
    for _ in range(5):
        tight.by_token(text, HERE)
    with pytest.raises(TooManyRequests):
        tight.by_token(text, THERE)
    assert tight.by_token(other, HERE).person == "officer"


def test_lock_outs_name_their_subjects_apart(office: Office, entrance: Entrance) -> None:
    refuse(entrance, 1)
    assert of_person("test", "officer") == "person:test/officer"
    with office.store.reading() as connection:
        subjects = list(connection.execute(sql.select(lockout.c.subject)).scalars())
    assert subjects == [of_address(HERE.address)]
