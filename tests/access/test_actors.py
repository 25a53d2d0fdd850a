"""Tokens: personal, hashed, of limited life; a person who left acts no more."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sql

from amanat.access.actors import Role, load_actor
from amanat.access.tables import access_token, person
from amanat.access.tokens import TOKEN_PREFIX, authenticate, issue_token, revoke_tokens
from amanat.core.errors import NotFound, Unauthenticated

from .conftest import Office


def token_for(office: Office, who: str = "officer") -> str:
    with office.store.engine.begin() as connection:
        return issue_token(connection, "test", who, office.clock.now, timedelta(days=30))


def test_a_token_is_its_person(office: Office) -> None:
    token = token_for(office)
    with office.store.reading() as connection:
        actor = authenticate(connection, token, office.clock.now)
    assert (actor.person, actor.institution, actor.role) == ("officer", "ministry", Role.OFFICER)
    assert (actor.capacities, actor.means) == ({"issuer"}, "token")
    assert str(actor) == "officer (officer of ministry)"


def test_only_a_hash_is_kept(office: Office) -> None:
    token = token_for(office)
    assert token.startswith(TOKEN_PREFIX)
    assert len(token) - len(TOKEN_PREFIX) >= 43  # 256 bits in base64
    with office.store.reading() as connection:
        row = connection.execute(sql.select(access_token)).one()
    assert token not in str(row)
    assert len(row.hash) == 64


def test_tokens_end(office: Office) -> None:
    token, other = token_for(office), token_for(office)
    with office.store.reading() as connection:
        authenticate(connection, token, office.clock.now + timedelta(days=29))
        with pytest.raises(Unauthenticated) as expired:
            authenticate(connection, token, office.clock.now + timedelta(days=30))
        with pytest.raises(Unauthenticated) as unknown:
            authenticate(connection, TOKEN_PREFIX + "x" * 43, office.clock.now)
    with office.store.engine.begin() as connection:
        assert revoke_tokens(connection, "test", "officer", office.clock.now) == 2
        assert revoke_tokens(connection, "test", "officer", office.clock.now) == 0
    with office.store.reading() as connection, pytest.raises(Unauthenticated) as revoked:
        authenticate(connection, other, office.clock.now)
    # Guessing learns nothing from the answer.
    assert str(expired.value) == str(unknown.value) == str(revoked.value)


def test_a_person_who_left_acts_no_more(office: Office) -> None:
    token = token_for(office)
    with office.store.engine.begin() as connection:
        connection.execute(person.update().where(person.c.code == "officer").values(active=False))
    with office.store.reading() as connection:
        with pytest.raises(Unauthenticated):
            authenticate(connection, token, office.clock.now)
        with pytest.raises(NotFound):
            load_actor(connection, "test", "officer", "token")
