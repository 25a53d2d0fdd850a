"""Tokens with scopes, terms, successors and last uses, through the acts that keep them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sql

from amanat.access.actors import Actor
from amanat.access.shown_once import WITHHELD, ShownOnce, as_stored
from amanat.access.tables import access_token, idempotency, proposal
from amanat.access.tokens import ScopeNotHeld, ScopeUnknown, authenticate, note_use
from amanat.app import declare_rooms
from amanat.core.errors import Forbidden, NotFound, Unauthenticated
from amanat.participants.commands_sign_in import (
    GiveToken,
    IssueToken,
    RevokeToken,
    RotateToken,
)

from .conftest import Grant, Minute, Office

declare_rooms()


def by_token(office: Office, text: str) -> Actor:
    """Who a token is now; raises `Unauthenticated`."""
    with office.store.reading() as connection:
        return authenticate(connection, text, office.clock.now)


def issued(office: Office, who: str = "officer", **fields: Any) -> dict[str, Any]:
    """What IssueToken answers this person."""
    command = IssueToken(label="tests", **fields)
    result = office.desk.submit(office.actor(who), command).result
    assert result is not None
    return result


@pytest.mark.parametrize("who", ["officer", "approver", "viewer", "operator"])
def test_everyone_issues_tokens_to_themselves_whatever_their_role(office: Office, who: str) -> None:
    actor = by_token(office, issued(office, who)["secret"])
    assert (actor.person, actor.scopes) == (who, None)


def test_the_secret_is_answered_and_never_stored(office: Office) -> None:
    actor = office.actor("officer")
    outcome = office.desk.submit(actor, IssueToken(label="tests"), key="once")
    again = office.desk.submit(actor, IssueToken(label="tests"), key="once")
    assert outcome.result is not None
    assert again.result is not None
    secret = outcome.result["secret"]
    assert by_token(office, secret).person == "officer"
    assert again.result == outcome.result | {"secret": WITHHELD}
    with office.store.reading() as connection:
        kept = connection.execute(sql.select(idempotency.c.outcome)).scalar_one()
        assert secret.encode() not in kept
        for table in ("journal_entry", "access_token"):
            rows = connection.exec_driver_sql(f"select * from {table}").fetchall()
            assert secret not in repr(rows)
    assert as_stored({"a": [ShownOnce("s"), "t"]}) == {"a": [WITHHELD, "t"]}


def test_the_token_of_a_colleague_takes_a_second_person_and_is_not_stored(office: Office) -> None:
    asked = GiveToken(person="second_approver", label="clearing system", days=90)
    proposed = office.desk.submit(office.actor("officer"), asked)
    assert (proposed.state, proposed.awaits) == ("proposed", ("ministry",))
    assert proposed.proposal is not None
    done = office.desk.approve(office.actor("approver"), proposed.proposal)
    assert done.result is not None
    secret = done.result["secret"]
    assert by_token(office, secret).person == "second_approver"
    with office.store.reading() as connection:
        stored = connection.execute(sql.select(proposal.c.result)).scalar_one()
    assert json.loads(stored)["secret"] == WITHHELD


@pytest.mark.parametrize("stranger", ["agent_officer", "nobody"])
def test_nobody_gives_a_token_to_anothers_people(office: Office, stranger: str) -> None:
    with pytest.raises(NotFound):
        office.desk.submit(office.actor("officer"), GiveToken(person=stranger, label="x"))


def test_a_token_with_scopes_serves_nothing_else(office: Office) -> None:
    actor = by_token(
        office, issued(office, scopes=["submit:Minute", "look:test_minutes"])["secret"]
    )
    office.desk.submit(actor, Minute(text="one"))
    assert office.desk.view(actor, "test", "test_minutes", {}) == ["one"]
    with pytest.raises(Forbidden, match="serves only look:test_minutes, submit:Minute"):
        office.desk.submit(actor, Grant(what="paper"))
    with pytest.raises(Forbidden):
        office.desk.view(actor, "test", "proposals", {})
    proposed = office.desk.submit(office.actor("officer"), Grant(what="paper"))
    second = by_token(office, issued(office, "approver", scopes=["submit:*", "look:*"])["secret"])
    assert proposed.proposal is not None
    with pytest.raises(Forbidden):
        office.desk.approve(second, proposed.proposal)
    approving = by_token(office, issued(office, "approver", scopes=["approve:Grant"])["secret"])
    office.desk.approve(approving, proposed.proposal)


def test_scopes_add_no_right(office: Office) -> None:
    viewer = by_token(office, issued(office, "viewer", scopes=["submit:*", "approve:*"])["secret"])
    with pytest.raises(Forbidden, match="it takes a person who may submit as issuer"):
        office.desk.submit(viewer, Minute(text="one"))


@pytest.mark.parametrize("scope", ["submit:NoAct", "look:Minute", "everything", "submit:", "*"])
def test_unknown_scopes_are_refused(office: Office, scope: str) -> None:
    with pytest.raises(ScopeUnknown, match="is no scope"):
        issued(office, scopes=[scope])


def test_a_token_makes_no_stronger_token(office: Office) -> None:
    weak = by_token(office, issued(office, scopes=["submit:IssueToken", "look:*"])["secret"])
    for scopes in (None, ["submit:Minute"], ["submit:*"]):
        with pytest.raises(ScopeNotHeld):
            office.desk.submit(weak, IssueToken(label="more", scopes=scopes))
    made = office.desk.submit(weak, IssueToken(label="less", scopes=["look:journal"])).result
    assert made is not None
    assert by_token(office, made["secret"]).scopes == {"look:journal"}


def test_a_token_and_its_successor_both_serve_through_the_overlap(office: Office) -> None:
    first = issued(office, days=10, scopes=["submit:Minute"])
    office.clock.pass_by(timedelta(days=9))
    actor = office.actor("officer")
    rotated = office.desk.submit(actor, RotateToken(token=first["token"], overlap_hours=12)).result
    assert rotated is not None
    both = (first["secret"], rotated["secret"])
    assert [by_token(office, one).scopes for one in both] == [{"submit:Minute"}] * 2
    office.clock.pass_by(timedelta(hours=12))
    with pytest.raises(Unauthenticated):
        by_token(office, first["secret"])
    office.clock.pass_by(timedelta(days=9))
    assert by_token(office, rotated["secret"]).person == "officer"
    office.clock.pass_by(timedelta(hours=12))
    with pytest.raises(Unauthenticated):
        by_token(office, rotated["secret"])


def test_an_overlap_never_lengthens_the_former_token(office: Office) -> None:
    first = issued(office, days=1)
    actor = office.actor("officer")
    rotated = office.desk.submit(actor, RotateToken(token=first["token"], overlap_hours=168)).result
    assert rotated is not None
    assert rotated["former_until"] == first["expires_at"]


def test_a_revoked_token_serves_no_more_and_only_its_owner_revokes_it(office: Office) -> None:
    first = issued(office)
    revoke = RevokeToken(token=first["token"], reason="lost")
    for other in ("approver", "agent_officer"):
        with pytest.raises(NotFound):
            office.desk.submit(office.actor(other), revoke)
    by_token(office, first["secret"])
    office.desk.submit(office.actor("officer"), revoke)
    with pytest.raises(Unauthenticated):
        by_token(office, first["secret"])
    with pytest.raises(NotFound):
        office.desk.submit(office.actor("officer"), revoke)
    with pytest.raises(NotFound):
        office.desk.submit(office.actor("officer"), RotateToken(token=first["token"]))


def test_the_last_use_is_noted_to_the_minute(office: Office) -> None:
    made = issued(office)
    with office.store.engine.begin() as connection:
        row = connection.execute(sql.select(access_token)).one()
        assert row.last_used_at is None
        assert note_use(connection, row, office.clock.now)
        row = connection.execute(sql.select(access_token)).one()
        assert not note_use(connection, row, office.clock.now + timedelta(seconds=30))
        assert note_use(connection, row, office.clock.now + timedelta(seconds=61))
    mine = office.desk.view(office.actor("officer"), "test", "my_access", {})
    assert [one["token"] for one in mine["tokens"]] == [made["token"]]
    assert mine["tokens"][0]["last_used_at"] == "2021-03-01T09:31+00:00"
    assert made["secret"] not in repr(mine)
