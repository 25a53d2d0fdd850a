"""The register as the acts write it: from tables, journal and feed it is the same on every day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sql

from amanat.core.errors import Forbidden, NotFound
from amanat.licensing.checking_published import check_register
from amanat.licensing.commands import Revoke, SaveSection, SubmitFile
from amanat.licensing.forms.form import load_form
from amanat.licensing.model import Outcome
from amanat.licensing.register.acts import WarningWithdrawn
from amanat.licensing.register.book import (
    change_of,
    changes_between,
    changes_from_journal,
    entry_of,
    publisher_of,
    row_of,
)
from amanat.licensing.register.columns import published_number
from amanat.licensing.register.commands import PublishWarning, WithdrawWarning
from amanat.licensing.register.feed import FeedAddresses, feed_document, replay_feed
from amanat.licensing.register.files import read_register_json, register_json
from amanat.licensing.register.model import Register, as_of
from amanat.licensing.register.tables import register_change, register_head
from amanat.licensing.standing import standings
from amanat.licensing.tables import permission_change
from amanat.store.journal import read_entries

from ...programme.world import CODE
from ..forms.test_answers import answered
from ..without_ledger import DeskWorld
from ..world import MARCH
from .test_register import FOUNDED, rules_of_atom

ADDRESSES = FeedAddresses(
    "https://r.example/f", "https://r.example/f/{number}", "https://r.example"
)


def seen(desk: DeskWorld, name: str, **fields: Any) -> Any:
    return desk.app.desk.view(None, CODE, name, fields)


def registers(desk: DeskWorld, day: date) -> list[Register]:
    """The register of a day from its table, from the journal, and from the feed."""
    with desk.store.reading() as connection:
        stored = changes_between(connection, CODE)
        journal = changes_from_journal(read_entries(connection, programme=CODE))
        publisher = publisher_of(connection, CODE)
    feed = [
        feed_document(stored[:2], publisher, ADDRESSES, FOUNDED, 1),
        feed_document(stored[2:], publisher, ADDRESSES, FOUNDED),
    ]
    for document in feed:
        rules_of_atom(document)
    found = [as_of(stored, day), as_of(journal, day), replay_feed(feed, day)]
    assert read_register_json(register_json(found[0], publisher), publisher.codes) == found[0]
    return found


def a_history(desk: DeskWorld) -> date:
    """Two providers with an NOC, one registered and then revoked; a warning, withdrawn later."""
    desk.noc("exchange_x", "exchange", "custody")
    desk.day += timedelta(days=3)
    desk.noc("exchange_y", "exchange")
    desk.day += timedelta(days=2)
    desk.confirm("fmu", "exchange_x", "goaml_registered")
    desk.day += timedelta(days=1)
    desk.do_as("pvara_officer", WARNING, "pvara_approver")
    desk.day += timedelta(days=4)
    withdrawal = WithdrawWarning(warning="W-2026-0001", reason="It has stopped")
    desk.do_as("pvara_officer", withdrawal, "pvara_approver")
    end = Revoke(provider="exchange_x", reason="- it \n misled | the authority")
    desk.do_as("pvara_second", end, "pvara_approver")
    desk.day += timedelta(days=1)
    return desk.day


WARNING = PublishWarning(
    name="Crescent Coins",
    websites=("https://crescent-coins.example",),
    reason="no_permission",
    text="It holds no permission of this authority",
)


def test_the_register_is_the_same_from_table_journal_and_feed_on_every_day(desk: DeskWorld) -> None:
    last = a_history(desk)
    for offset in range((last - MARCH).days + 1):
        day = MARCH + timedelta(days=offset)
        table, journal, feed = registers(desk, day)
        assert table == journal == feed
        with desk.store.reading() as connection:
            standing = standings(connection, CODE, day)
        shown = {one.provider: one.status for one in table.entries}
        assert shown == {
            code: found.status
            for code, found in standing.items()
            if found.held or found.ended or found.status == "revoked"
        }


def test_the_register_of_a_day_to_come_counts_what_expires(desk: DeskWorld) -> None:
    a_history(desk)
    with desk.store.reading() as connection:
        changes = changes_between(connection, CODE)
        for days in (300, 363, 364, 365, 366, 370, 400):
            day = MARCH + timedelta(days=days)
            entries = as_of(changes, day).entries
            for entry in entries:
                own = entry_of(connection, CODE, entry.provider, day)
                assert (entry.status, entry.services, entry.permissions) == (
                    own.status,
                    own.services,
                    own.permissions,
                )
    assert {one.status for one in entries} == {"applicant", "revoked"}


def test_a_provider_enters_with_its_first_permission_and_says_why_it_changes(
    desk: DeskWorld,
) -> None:
    a_history(desk)
    found = seen(desk, "registered_provider", provider="exchange_x")
    assert found["status"] == "revoked"
    kinds = {one["kind"]: one["state"] for one in found["permissions"]}
    assert kinds == {"noc": "revoked", "aml_registration": "revoked"}
    reasons = [one["reason"] for one in found["changes"]]
    assert reasons[0] == "it misled / the authority"
    assert found["changes"][0]["status"] == "revoked"
    assert found["changes"][-1]["status"] == "noc"
    first = seen(desk, "registered_provider", provider="exchange_x", as_of=MARCH.isoformat())
    assert first["status"] == "noc"
    assert first["permissions"][0]["categories"] == ["custody", "exchange"]
    with pytest.raises(NotFound):
        seen(desk, "registered_provider", provider="exchange_y", as_of=MARCH.isoformat())


def test_an_application_is_nobodys_business_until_it_is_granted(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_y", "noc", "exchange")
    assert seen(desk, "register_of_providers")["rows"] == []
    with pytest.raises(NotFound):
        seen(desk, "registered_provider", provider="exchange_y")
    desk.decided(number, "noc", Outcome.REFUSE)
    assert seen(desk, "register_of_providers")["rows"] == []


def test_the_register_is_found_by_name_number_status_and_service_of_any_day(
    desk: DeskWorld,
) -> None:
    last = a_history(desk)

    def names(**asked: Any) -> list[str]:
        return [one["provider"] for one in seen(desk, "register_of_providers", **asked)["rows"]]

    assert names() == ["exchange_x", "exchange_y"]
    assert names(q="EXCHANGE_Y") == ["exchange_y"]
    assert names(q="p0001-02") == ["exchange_x"]
    assert names(q="%") == names(q="nobody") == []
    assert names(status="revoked") == ["exchange_x"]
    assert names(status="noc") == ["exchange_y"]
    assert names(category="exchange") == [], "an NOC opens no service"
    registered = (MARCH + timedelta(days=5)).isoformat()
    assert names(category="exchange", as_of=registered) == ["exchange_x"]
    assert names(category="exchange", as_of=MARCH.isoformat()) == []
    assert names(as_of=(MARCH - timedelta(days=1)).isoformat()) == []
    later = (last + timedelta(days=400)).isoformat()
    assert names(status="noc", as_of=later) == []
    assert names(status="applicant", as_of=later) == ["exchange_y"]
    assert names(limit=1, start=1) == ["exchange_y"]


def test_warnings_are_published_by_two_of_the_authority_and_withdrawn_once(desk: DeskWorld) -> None:
    a_history(desk)
    (row,) = seen(desk, "provider_warnings")["rows"]
    assert (row["number"], row["withdrawn_on"]) == ("W-2026-0001", "2026-03-19")
    before = (MARCH + timedelta(days=6)).isoformat()
    (then,) = seen(desk, "provider_warnings", as_of=before, q="crescent-coins")["rows"]
    assert then["withdrawn_on"] is None
    again = WithdrawWarning(warning="W-2026-0001", reason="Again")
    with pytest.raises(WarningWithdrawn):
        desk.do_as("pvara_officer", again, "pvara_approver")
    with pytest.raises(NotFound):
        desk.do_as(
            "pvara_officer", WithdrawWarning(warning="W-2026-0002", reason="x"), "pvara_approver"
        )
    with pytest.raises(Forbidden):
        desk.do_as("exchange_x_officer", WARNING)
    outcome = desk.app.desk.submit(desk.actor("pvara_officer"), WARNING)
    assert outcome.state == "proposed"
    assert len(seen(desk, "provider_warnings")["rows"]) == 1
    asked = {"proposal": outcome.proposal}
    shown = desk.app.desk.view(desk.actor("pvara_approver"), CODE, "proposal", asked)
    told = [one["text"] for one in shown["effects"]["announced"]]
    assert told[0] == "Everybody is warned of Crescent Coins, on the register and in its feed"


def test_the_changes_can_be_fetched_from_any_number_on(desk: DeskWorld) -> None:
    a_history(desk)
    every = seen(desk, "register_changes")
    assert [one["number"] for one in every["rows"]] == list(range(1, every["size"] + 1))
    part = seen(desk, "register_changes", after=2, limit=2)
    assert [one["number"] for one in part["rows"]] == [3, 4]


def test_what_is_searched_by_is_what_the_change_says(desk: DeskWorld) -> None:
    """The columns beside the content follow from it, and one change of each subject is latest."""
    a_history(desk)
    with desk.store.reading() as connection:
        rows = connection.execute(sql.select(register_change)).mappings().all()
        head = connection.execute(sql.select(register_head)).mappings().one()
    latest: dict[str, int] = {}
    for row in rows:
        derived = row_of(change_of(row["content"]))
        assert {k: row[k] for k in derived if k != "latest"} == {
            k: v for k, v in derived.items() if k != "latest"
        }
        latest[row["subject"]] = max(latest.get(row["subject"], 0), row["number"])
    assert {r["subject"]: r["number"] for r in rows if r["latest"]} == latest
    last = change_of(max(rows, key=lambda row: row["number"])["content"])
    assert (head["size"], head["digest"]) == (len(rows), last.digest())


def found_by_check(desk: DeskWorld) -> list[str]:
    with desk.store.reading() as connection:
        return [one.law for one in check_register(connection, CODE, desk.day)]


def test_the_check_of_the_ledger_finds_what_was_tampered_with(desk: DeskWorld) -> None:
    a_history(desk)
    assert found_by_check(desk) == []
    table = register_change
    first = (table.c.programme == CODE, table.c.number == 1)

    def with_change(statement: Any) -> list[str]:
        with desk.store.engine.connect() as connection, connection.begin() as transaction:
            connection.execute(statement)
            laws = [one.law for one in check_register(connection, CODE, desk.day)]
            transaction.rollback()
        return laws

    with desk.store.reading() as connection:
        content = connection.execute(sql.select(table.c.content).where(*first)).scalar_one()
    altered = content.replace(b"EXCHANGE_X", b"EXCHANGE_Z")
    assert altered != content
    assert with_change(sql.update(table).where(*first).values(content=altered)) == [
        "register = its chain"
    ]
    assert with_change(sql.delete(table).where(*first)) == ["register = its chain"]
    assert with_change(sql.update(table).where(*first).values(status="licensed")) == [
        "columns = change"
    ]
    assert with_change(sql.update(register_head).values(size=99)) == ["head = last change"]
    revoked = permission_change.c.change == "revoke"
    assert with_change(sql.delete(permission_change).where(revoked)) == ["register = standing"]
    assert found_by_check(desk) == []


def test_trade_names_and_registration_come_from_the_forms_of_a_granted_file(
    desk: DeskWorld,
) -> None:
    """Nothing of a draft or of a file under review is published; what is granted is."""
    number = desk.opened("exchange_x", "noc", "exchange")
    desk.fill("exchange_x", number, "noc")
    content = answered(load_form("pk", "A1"))["applicant"] | {
        "trading_name": "Exchange X; X|Pay, =Exchange X",
        "registration_number": "CH 123/2019",
    }
    saved = SaveSection(file=number, form="A1", section="applicant", content=content)
    desk.do_as("exchange_x_officer", saved)
    desk.do_as("exchange_x_officer", SubmitFile(file=number, declaration="true and complete"))
    with desk.store.reading() as connection:
        entry = entry_of(connection, CODE, "exchange_x", desk.day)
    assert (entry.trade_names, entry.registration) == ((), None)
    desk.decided(number, "noc")
    shown = desk.view("registered_provider", provider="exchange_x")
    assert shown["trade_names"] == ["Exchange X", "X/Pay"]
    assert shown["registration"] == "CH-123/2019"
    found = desk.view("register_of_providers", q="x/pay")
    assert "exchange_x" in str(found)


@pytest.mark.parametrize(
    ("text", "published"),
    [("CH 123/2019", "CH-123/2019"), ("", None), (None, None), ("=1+1", None), ("x" * 65, None)],
)
def test_a_number_of_another_register_is_published_only_as_a_number(
    text: str | None, published: str | None
) -> None:
    assert published_number(text) == published
