"""Credentials as they are issued: who may have one, what the status list says, how keys change."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sql

from amanat.core.errors import Forbidden, NotFound
from amanat.ledger.keystore import KeyExists, KeyNameInvalid, PasswordWrong
from amanat.ledger.p256_keys import P256Keys
from amanat.ledger.signers import KeyNotHeld
from amanat.licensing.commands import Revoke
from amanat.licensing.credentials.book import (
    LIST_STEP,
    CredentialKeyEnded,
    NoCredentialKey,
    NotInForce,
    current_key,
    end_key,
    key_set,
    make_key,
    status_list,
    statuses_of,
)
from amanat.licensing.credentials.jose import ForeignSigner, read_keys
from amanat.licensing.credentials.key_certificates import published_keys
from amanat.licensing.credentials.licence import CredentialRevoked, VerifiedLicence, verify_licence
from amanat.licensing.credentials.status_lists import (
    CheckedList,
    Status,
    issue_status_list,
    read_status_list,
)
from amanat.licensing.records import adopt_pack
from amanat.licensing.register.commands import IssueCredential
from amanat.licensing.register.tables import credential
from amanat.licensing.standing import standing_on
from amanat.store.journal import Provenance, read_entries

from ...programme.world import CODE
from ..without_ledger import DeskWorld

ISSUER = "https://register.example/p/pk"
NUMBER = "P0001-01"


@pytest.fixture
def keys(desk: DeskWorld, tmp_path: Path) -> P256Keys:
    """Where the authority's keys for credentials are."""
    held = P256Keys(tmp_path / "credential-keys", "password", 1 << 12)
    desk.app.desk._keys.p256 = held  # type: ignore[attr-defined]
    return held


def operator(desk: DeskWorld) -> Provenance:
    return Provenance(CODE, "installation", "operator", "operator", "folder", desk.day)


def another_key(desk: DeskWorld, keys: P256Keys) -> str:
    with desk.store.work(operator(desk)) as uow:
        kid = make_key(uow, keys, CODE, ISSUER, desk.clock.now)
        uow.commit()
    return kid


def end(desk: DeskWorld, kid: str, *, revoke: bool) -> None:
    with desk.store.work(operator(desk)) as uow:
        end_key(uow, CODE, kid, "As practised", desk.clock.now, revoke=revoke)
        uow.commit()


def tokens(desk: DeskWorld, person: str = "exchange_x_officer") -> list[str]:
    rows = desk.app.desk.view(desk.actor(person), CODE, "licence_credentials", {})
    return [one["token"] for one in rows]


def verified(desk: DeskWorld, keys: P256Keys, token: str) -> VerifiedLicence:
    """Checked with nothing but what is published."""
    with desk.store.reading() as connection:
        published = read_keys(published_keys(key_set(connection, CODE)))
        current = current_key(connection, CODE)
        statuses = status_list(statuses_of(connection, CODE, desk.day), 1)
    signer = keys.signer(current.institution, current.name)
    now = int(desk.clock.now.timestamp()) + 5
    text = issue_status_list(f"{ISSUER}/status-lists/1", statuses, signer, now, 3_600, 86_400)
    lists: list[CheckedList] = [read_status_list(text, published)]
    return verify_licence(token, published, lists, now)


def test_a_provider_has_its_permission_signed_and_anyone_checks_it(
    desk: DeskWorld, keys: P256Keys
) -> None:
    desk.noc("exchange_x", "exchange", "custody")
    another_key(desk, keys)
    done = desk.do_as("exchange_x_officer", IssueCredential(permission=NUMBER))
    assert done["place"] == 0
    (token,) = tokens(desk)
    found = verified(desk, keys, token)
    assert (found.kind, found.provider, found.issuer) == ("noc", "exchange_x", ISSUER)
    assert found.categories == ("custody", "exchange")
    assert found.authority == "PVARA"


def test_a_new_credential_voids_the_one_before_it(desk: DeskWorld, keys: P256Keys) -> None:
    desk.noc("exchange_x")
    another_key(desk, keys)
    for _ in range(2):
        desk.do_as("pvara_officer", IssueCredential(permission=NUMBER))
    second, first = tokens(desk)
    assert verified(desk, keys, second).number == NUMBER
    with pytest.raises(CredentialRevoked):
        verified(desk, keys, first)


def test_what_is_revoked_is_void_from_the_same_commit(desk: DeskWorld, keys: P256Keys) -> None:
    desk.noc("exchange_x")
    another_key(desk, keys)
    desk.do_as("exchange_x_officer", IssueCredential(permission=NUMBER))
    (token,) = tokens(desk)
    desk.do_as("pvara_second", Revoke(provider="exchange_x", reason="x"), "pvara_approver")
    with pytest.raises(CredentialRevoked):
        verified(desk, keys, token)
    with pytest.raises(NotInForce, match="revoked"):
        desk.do_as("exchange_x_officer", IssueCredential(permission=NUMBER))


def test_what_has_expired_is_void_without_anybody_doing_anything(
    desk: DeskWorld, keys: P256Keys
) -> None:
    desk.noc("exchange_x")
    another_key(desk, keys)
    desk.do_as("exchange_x_officer", IssueCredential(permission=NUMBER))
    with desk.store.reading() as connection:
        assert statuses_of(connection, CODE, desk.day) == {0: Status.VALID}
        later = desk.day + timedelta(days=400)
        assert statuses_of(connection, CODE, later) == {0: Status.INVALID}


def test_nobody_gets_the_credential_of_another(desk: DeskWorld, keys: P256Keys) -> None:
    desk.noc("exchange_x")
    another_key(desk, keys)
    desk.do_as("exchange_x_officer", IssueCredential(permission=NUMBER))
    with pytest.raises(NotFound):
        desk.do_as("exchange_y_officer", IssueCredential(permission=NUMBER))
    assert tokens(desk, "exchange_y_officer") == []
    assert len(tokens(desk, "pvara_officer")) == 1
    with pytest.raises(Forbidden):
        desk.do_as("fmu_officer", IssueCredential(permission=NUMBER))
    with pytest.raises(NotFound):
        desk.do_as("exchange_x_officer", IssueCredential(permission="P0001-99"))


@pytest.mark.usefixtures("keys")
def test_without_a_key_no_credential_is_issued(desk: DeskWorld) -> None:
    desk.noc("exchange_x")
    with pytest.raises(NoCredentialKey, match="amanat licence key new"):
        desk.do_as("exchange_x_officer", IssueCredential(permission=NUMBER))


def test_a_retired_keys_credentials_hold_on_and_a_revoked_keys_do_not(
    desk: DeskWorld, keys: P256Keys
) -> None:
    desk.noc("exchange_x")
    first = another_key(desk, keys)
    desk.do_as("exchange_x_officer", IssueCredential(permission=NUMBER))
    (token,) = tokens(desk)
    second = another_key(desk, keys)
    with desk.store.reading() as connection:
        assert current_key(connection, CODE).kid == second
        assert [one["kid"] for one in key_set(connection, CODE)] == [first, second]
    assert verified(desk, keys, token).number == NUMBER
    end(desk, first, revoke=True)
    with desk.store.reading() as connection:
        assert [one["kid"] for one in key_set(connection, CODE)] == [second]
        assert statuses_of(connection, CODE, desk.day) == {0: Status.INVALID}
    with pytest.raises(ForeignSigner):
        verified(desk, keys, token)
    with pytest.raises(CredentialKeyEnded):
        end(desk, first, revoke=True)
    with pytest.raises(NotFound):
        end(desk, "nobody", revoke=False)
    with desk.store.reading() as connection:
        told = [one["kind"] for one in read_entries(connection, programme=CODE)]
    assert told.count("CredentialKeyMade") == 2
    assert told.count("CredentialKeyEnded") == 2


def test_a_list_is_longer_than_it_must_be_and_has_no_second_one_yet() -> None:
    assert len(status_list({}, 1).content) * 4 == LIST_STEP
    assert len(status_list({LIST_STEP: Status.VALID}, 1).content) * 4 == 2 * LIST_STEP
    for number in (0, 2, -1):
        with pytest.raises(NotFound):
            status_list({0: Status.VALID}, number)


def test_keys_stay_in_their_files_under_the_password(tmp_path: Path) -> None:
    held = P256Keys(tmp_path / "k", "password", 1 << 12)
    made = held.create("pvara", "credential-1")
    file = tmp_path / "k" / "pvara" / "credential-1.json"
    assert file.stat().st_mode & 0o777 == 0o600
    again = P256Keys(tmp_path / "k", "password", 1 << 12).signer("pvara", "credential-1")
    assert again.public_key == made.public_key
    with pytest.raises(PasswordWrong):
        P256Keys(tmp_path / "k", "another", 1 << 12).signer("pvara", "credential-1")
    with pytest.raises(KeyExists):
        held.create("pvara", "credential-1")
    with pytest.raises(KeyNotHeld):
        held.signer("pvara", "credential-2")
    with pytest.raises(KeyNameInvalid):
        held.create("../pvara", "credential-1")


def test_a_credential_ends_with_the_last_day_where_the_programme_is(
    desk: DeskWorld, keys: P256Keys
) -> None:
    """Karachi is five hours ahead of UTC: its midnight comes at 19:00 UTC of the last day."""
    with desk.store.engine.begin() as connection:
        adopt_pack(connection, CODE, "pk", desk.clock.now.isoformat(), "Asia/Karachi")
    desk.noc("exchange_x")
    another_key(desk, keys)
    desk.do_as("exchange_x_officer", IssueCredential(permission=NUMBER))
    with desk.store.reading() as connection:
        (held,) = standing_on(connection, CODE, "exchange_x", desk.day).held
        (expires,) = connection.execute(sql.select(credential.c.expires_at)).scalars()
    ends = datetime.fromisoformat(expires)
    assert (ends.date(), ends.hour) == (held.expires_on, 19)
