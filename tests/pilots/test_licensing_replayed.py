"""The start of licensing, replayed: the register against what was published, and every refusal.

What was published: on 12 December 2025 PVARA issued no-objection certificates to Binance and HTX,
which let them register on the FMU's goAML, engage with SECP for a local subsidiary, apply for full
licences, and offer AML-compliant services once registered; the certificates are no licences
(PVARA's statement, as reported that day by geo.tv/latest/639002 and dunyanews.tv/.../923394).
On the same day the Ministry of Finance and Binance signed a non-binding memorandum on up to USD 2
billion of assets (the ministry's statement, arabnews.pk/node/2626014).
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sql
from rich.console import Console

from amanat.app import Application
from amanat.licensing.register.book import changes_between, publisher_of
from amanat.licensing.register.entries import entry_of
from amanat.licensing.register.feed import (
    CHANGES_IN_ARCHIVE,
    FeedAddresses,
    feed_document,
    replay_feed,
)
from amanat.licensing.register.model import Register, as_of, change_from, entry_json
from amanat.licensing.standing import standings
from amanat.replay.licensing import LICENSING_FILE
from amanat.replay.licensing_model import What
from amanat.replay.loading import load_pilot
from amanat.replay.performing import Performer
from amanat.replay.report import report_of
from amanat.replay.runner import Course, replay
from amanat.replay.sheets import print_report
from amanat.replay.supervision import SUPERVISION_FILE
from amanat.settings import Settings
from amanat.store.tables import journal_entry

from .conftest import PILOTS, Replayed

NOC_DAY = date(2025, 12, 12)
REAL = {"binance", "htx"}
ADDRESSES = FeedAddresses(
    "https://x.example/f", "https://x.example/f/{number}", "https://x.example"
)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replayed]:
    """The shipped pilot that licenses, from an empty ledger to its last day."""
    licensing = (one.parent for one in sorted(PILOTS.glob(f"*/{LICENSING_FILE}")))
    folder = next(one for one in licensing if not (one / SUPERVISION_FILE).exists())
    pilot = load_pilot(folder)
    data = tmp_path_factory.mktemp("pilot-licensing")
    with Application(Settings.at(data, light_keys=True)) as application:
        course = replay(application, pilot)
        assert course.to_come == ()
        yield Replayed(pilot, application, report_of(Performer(application, pilot)))


def days_of(played: Replayed) -> Iterator[date]:
    """Every day from the one before the programme's first to the one after its last."""
    day = played.pilot.programme.first_day - timedelta(days=1)
    while day <= played.pilot.programme.last_day + timedelta(days=1):
        yield day
        day += timedelta(days=1)


def test_the_register_of_each_day_is_what_was_published(played: Replayed) -> None:
    facts = played.report["licensing"]
    assert facts["published"]
    assert [one for one in facts["published"] if not one["same"]] == []
    with played.application.store.reading() as connection:
        changes = changes_between(connection, played.pilot.programme.code)
    before = as_of(changes, NOC_DAY - timedelta(days=1))
    assert before.entries == ()
    of_the_day = as_of(changes, NOC_DAY)
    assert {one.provider: one.status for one in of_the_day.entries} == dict.fromkeys(REAL, "noc")
    for entry in of_the_day.entries:
        (held,) = entry.permissions
        assert (held.kind, held.granted_on) == ("noc", NOC_DAY)
        assert "Ordinance 2025" in held.law


def test_nothing_is_said_of_real_providers_but_what_was_published(played: Replayed) -> None:
    facts = played.report["licensing"]
    at_the_end = {one["provider"]: one for one in facts["register"]}
    for code in REAL:
        assert at_the_end[code]["status"] == "noc"
        assert [one["kind"] for one in at_the_end[code]["permissions"]] == ["noc"]
        assert not [one for one in facts["reporters"] if one["provider"] == code]
        assert [one for one in facts["awaited"] if one["provider"] == code]
    (memorandum,) = facts["agreements"]
    assert (memorandum["party"], memorandum["binding"]) == ("binance", False)
    assert memorandum["up_to_usd_cents"] == 2_000_000_000_00
    assert memorandum["signed_on"] == NOC_DAY.isoformat()
    # By the ministry's statement the party may give advisory support: it advises, and it applied.
    flagged = {one["provider"] for one in facts["register"] if "advises_programme" in one["flags"]}
    assert flagged == {"binance"}
    invented = {one["provider"] for one in facts["providers"] if one["invented"]}
    assert invented.isdisjoint(REAL)
    assert len(invented) >= 4


def rebuilt(entries: Any) -> list[dict[str, Any]]:
    """Entries in one order, as they are published."""
    return sorted((entry_json(one) for one in entries), key=lambda one: one["provider"])


def test_the_register_of_any_day_is_the_same_from_tables_journal_and_feed(
    played: Replayed,
) -> None:
    programme = played.pilot.programme.code
    with played.application.store.reading() as connection:
        changes = changes_between(connection, programme)
        journalled = [
            change_from(json.loads(row.entry)["content"] | {"id": row.id})
            for row in connection.execute(
                sql.select(journal_entry)
                .where(
                    journal_entry.c.programme == programme,
                    journal_entry.c.kind == "RegisterChanged",
                )
                .order_by(journal_entry.c.leaf)
            )
        ]
        publisher = publisher_of(connection, programme)
        documents = [
            feed_document(
                changes[first : first + CHANGES_IN_ARCHIVE],
                publisher,
                ADDRESSES,
                datetime(2025, 12, 1, tzinfo=UTC),
            )
            for first in range(0, len(changes), CHANGES_IN_ARCHIVE)
        ]
        assert changes
        seen: set[str] = set()
        for day in days_of(played):
            published = replay_feed(documents, day)
            assert as_of(journalled, day) == published
            tables = [
                entry_of(connection, programme, code, day)
                for code in standings(connection, programme, day)
            ]
            assert rebuilt(one for one in tables if one.permissions) == rebuilt(published.entries)
            seen.add(digest_of(published))
        assert len(seen) >= 7


def digest_of(register: Register) -> str:
    """A register's last change."""
    return register.digest


def test_what_was_tried_is_refused_as_the_folder_says(played: Replayed) -> None:
    refusals = played.report["licensing"]["refusals"]
    assert played.pilot.licensing is not None
    tried = [one for one in played.pilot.licensing.events if one.what is What.TRY]
    assert len(refusals) == len(tried)
    assert [one for one in refusals if not one["same"]] == []


def test_a_client_order_under_an_noc_alone_cites_the_missing_confirmation(
    played: Replayed,
) -> None:
    (order,) = [
        one
        for one in played.report["licensing"]["refusals"]
        if one["tried"] == "client_order" and one["provider"] in REAL
    ]
    assert order["code"] == "permission_missing"
    for words in ("the FMU's confirmation", "goAML", "Reg 11.4"):
        assert words in order["said"]


def test_on_one_instant_the_suspended_one_can_do_nothing(played: Replayed) -> None:
    facts = played.report["licensing"]
    suspended = next(one for one in facts["register"] if one["status"] == "suspended")
    refused = {
        one["tried"]: one
        for one in facts["refusals"]
        if one["provider"] == suspended["provider"] and one["day"] == suspended["status_since"]
    }
    assert {"bid", "deliver", "report", "transfer"} <= set(refused)
    for name in ("bid", "deliver", "report"):
        assert refused[name]["code"] == "provider_suspended"
        assert "SUS-" in refused[name]["said"]
    assert refused["transfer"]["code"] == "LevelForbids"
    # The other licensed one goes on: it bids on that day and settles on the next.
    last = played.report["auctions"][-1]
    assert suspended["provider"] not in last["dealers"]
    licensed = {one["provider"] for one in facts["register"] if one["status"] == "licensed"}
    assert licensed & set(last["dealers"])
    rows = played.report["settlements"]
    assert [one for one in rows if one["state"] != "settled"] == []


def test_reporting_is_handed_over_on_its_day(played: Replayed) -> None:
    rows = list(played.report["licensing"]["reporters"])
    handed = [one["provider"] for one in rows if one["entity"] == "local"]
    first = [one for one in rows if one["entity"] == "foreign"]
    (foreign,) = first
    local = next(one for one in rows if one["provider"] == foreign["provider"] and one != foreign)
    assert foreign["provider"] in handed
    assert foreign["from"] < local["recorded_on"] < local["from"]


def test_one_was_refused_with_reasons_and_is_not_on_the_register(played: Replayed) -> None:
    facts = played.report["licensing"]
    (refused,) = [one for one in facts["decisions"] if one["outcome"] == "refuse"]
    assert refused["provider"] not in {one["provider"] for one in facts["register"]}
    assert refused["reasons"]
    assert refused["appeal_until"] > refused["day"]


def test_database_chain_and_journal_agree(played: Replayed) -> None:
    assert played.application.check() == []


def test_all_of_it_is_json_and_fits_a_sheet(played: Replayed) -> None:
    assert json.loads(json.dumps(played.report))["licensing"] == played.report["licensing"]
    console = Console(width=160, record=True, file=io.StringIO())
    print_report(console, played.report, Course())
    shown = " ".join(console.export_text().split())
    for one in played.report["licensing"]["providers"]:
        assert f"{one['name']} ({'invented' if one['invented'] else 'real'})" in shown
    assert "DIFFERENT" not in shown


def test_taken_again_nothing_is_done_twice(played: Replayed) -> None:
    replay(played.application, played.pilot)
    again = report_of(Performer(played.application, played.pilot))
    assert again["licensing"] == played.report["licensing"]
    assert again["chain"]["orders"] == played.report["chain"]["orders"]
