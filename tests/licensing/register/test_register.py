"""The public register: one source for its files, and the same past from changes and feed."""

from __future__ import annotations

import base64
import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree

import jsonschema_rs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.licensing.register.histories import CODES, PUBLISHER, days, histories

from amanat.core.errors import Refusals
from amanat.licensing.register import feed as register_feed
from amanat.licensing.register.columns import RegisterValueInvalid, dictionary, json_schema
from amanat.licensing.register.feed import (
    ATOM,
    FeedAddresses,
    FeedInvalid,
    archives_of,
    feed_document,
    previous_archive,
    read_feed,
    replay_feed,
)
from amanat.licensing.register.files import (
    RegisterFileInvalid,
    read_register_csv,
    read_register_json,
    read_warnings_csv,
    register_csv,
    register_json,
    require_change,
    warnings_csv,
)
from amanat.licensing.register.model import (
    Change,
    ChangeKind,
    ChangesDiffer,
    Later,
    ListedPermission,
    Register,
    RegisterEntry,
    as_of,
    chained,
    change_from,
    change_json,
)

ADDRESSES = FeedAddresses(
    current="https://register.example/p/pk/providers/feed.atom",
    archive="https://register.example/p/pk/providers/feed/{number}.atom",
    page="https://register.example/p/pk/providers",
)
FOUNDED = datetime(2025, 12, 1, tzinfo=UTC)
# The LEI of the example in ISO 17442's own description: 5493001KJTIIGC8Y1R12 (Bloomberg's).
LEI = "5493001KJTIIGC8Y1R12"
LICENCE = ListedPermission(
    number="PK/2026-0001",
    kind="licence",
    categories=("exchange",),
    state="in_force",
    state_since=date(2026, 7, 1),
    granted_on=date(2026, 7, 1),
    expires_on=date(2027, 6, 30),
    law="Virtual Assets Act 2026, s.19(4)",
    conditions=("Client assets are held apart",),
)
ENTRY = RegisterEntry(
    provider="crescent",
    name="Crescent Exchange (Private) Limited",
    trade_names=("Crescent",),
    lei=LEI,
    registration="0123456",
    country="PK",
    website="https://crescent.example",
    status="licensed",
    status_since=date(2026, 7, 1),
    services=("exchange",),
    flags=(),
    permissions=(LICENCE,),
)


def change(at: datetime, entry: RegisterEntry = ENTRY, **more: Any) -> Change:
    return Change(
        number=1,
        id="01930000-0000-7000-8000-000000000001",
        previous="",
        kind=ChangeKind.ENTERED,
        at=at,
        day=at.date(),
        law="Virtual Assets Act 2026, s.19(4)",
        reason="Licence granted",
        entry=entry,
        **more,
    )


def register(*entries: RegisterEntry) -> Register:
    return Register(date(2026, 8, 1), 0, "0" * 64, entries, ())


def documents(changes: list[Change], size: int) -> list[bytes]:
    """The feed's documents, archived ones first, as the faces cut them."""
    full = max(0, (len(changes) - 1) // size)
    parts = [
        feed_document(changes[n * size : (n + 1) * size], PUBLISHER, ADDRESSES, FOUNDED, n + 1)
        for n in range(full)
    ]
    return [*parts, feed_document(changes[full * size :], PUBLISHER, ADDRESSES, FOUNDED)]


# -- the past -----------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(histories(), days)
def test_the_feed_replayed_is_the_register_of_any_past_day(
    changes: list[Change], day: date
) -> None:
    from_changes = as_of(changes, day)
    from_journal = as_of(
        [change_from(json.loads(json.dumps(change_json(c)))) for c in changes], day
    )
    assert replay_feed(documents(changes, 500), day) == from_changes == from_journal
    assert read_register_json(register_json(from_changes, PUBLISHER), CODES) == from_changes


@settings(max_examples=40, deadline=None)
@given(histories(), days)
def test_the_register_of_a_day_is_what_the_last_change_of_each_subject_said(
    changes: list[Change], day: date
) -> None:
    """Against a second way of counting: the latest change of each subject up to that day."""
    last = {c.subject: c for c in changes if c.day <= day}
    found = as_of(changes, day)
    assert {e.provider for e in found.entries} == {s for s, c in last.items() if c.entry}
    for entry in found.entries:
        said = last[entry.provider].entry
        assert said is not None
        assert [p.number for p in entry.permissions] == [p.number for p in said.permissions]
        for shown, recorded in zip(entry.permissions, said.permissions, strict=True):
            over = recorded.expires_on is not None and recorded.expires_on < day
            if over and recorded.state not in ("revoked", "surrendered", "converted", "withdrawn"):
                assert shown.state == "expired"
            else:
                assert shown == recorded
    assert {w.number: w for w in found.warnings} == {
        s: c.warning for s, c in last.items() if c.warning
    }


@settings(max_examples=40, deadline=None)
@given(histories(least=2), st.data())
def test_a_change_that_is_missing_swapped_or_altered_is_seen(
    changes: list[Change], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(changes) - 2))
    missing = changes[:at] + changes[at + 1 :]
    swapped = [*changes[:at], changes[at + 1], changes[at], *changes[at + 2 :]]
    altered = [*changes[:at], replace(changes[at], reason="Another reason"), *changes[at + 1 :]]
    assume(changes[at].reason != "Another reason")
    for wrong in (missing, swapped, altered):
        with pytest.raises(ChangesDiffer):
            as_of(wrong, date(2027, 6, 30))
    with pytest.raises(ChangesDiffer, match=r"Change \d+"):
        replay_feed(documents(missing, 500), date(2027, 6, 30))


def test_a_permission_holds_on_its_last_day_and_has_expired_the_day_after() -> None:
    changes = chained([change(datetime(2026, 7, 1, 6, tzinfo=UTC))])

    def state(day: date) -> str:
        return as_of(changes, day).entries[0].permissions[0].state

    assert state(date(2027, 6, 30)) == "in_force"
    assert state(date(2027, 7, 1)) == "expired"


def test_a_change_earlier_than_the_one_before_it_is_refused() -> None:
    first = change(datetime(2026, 7, 2, 6, tzinfo=UTC))
    second = replace(change(datetime(2026, 7, 1, 6, tzinfo=UTC)), kind=ChangeKind.CHANGED)
    with pytest.raises(ChangesDiffer, match="earlier"):
        as_of(chained([first, second]), date(2026, 8, 1))


# -- files ----------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(histories())
def test_csv_says_what_json_says_and_no_row_is_torn(changes: list[Change]) -> None:
    found = as_of(changes, date(2027, 1, 1))
    text = register_csv(found, PUBLISHER)
    assert read_register_csv(text, CODES) == tuple(replace(one, later=()) for one in found.entries)
    assert read_warnings_csv(warnings_csv(found, PUBLISHER), CODES) == found.warnings
    lines = text.split("\r\n")
    assert lines[-1] == ""
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == len(lines) - 1, "every row is one line"
    assert {len(row) for row in rows} == {20}
    assert not any(cell[:1] in ("=", "+", "-", "@") for row in rows for cell in row)


@settings(max_examples=40, deadline=None)
@given(histories())
def test_what_is_published_is_valid_against_the_published_schema(changes: list[Change]) -> None:
    schema = jsonschema_rs.Draft202012Validator(json_schema(CODES))
    schema.validate(json.loads(register_json(as_of(changes, date(2027, 1, 1)), PUBLISHER)))


# What ESMA's register of crypto-asset service providers is known for, and more of the kind.
DEFECTS: dict[str, tuple[RegisterEntry, str, bool]] = {
    "free text instead of a service code": (
        replace(ENTRY, permissions=(replace(LICENCE, categories=("Exchange of crypto-assets",)),)),
        "permissions[0].categories",
        True,
    ),
    "two codes in one cell": (
        replace(ENTRY, permissions=(replace(LICENCE, categories=("exchange|custody",)),)),
        "permissions[0].categories",
        True,
    ),
    "a name in the column of the LEI": (replace(ENTRY, lei=ENTRY.name), "lei", True),
    "an LEI with a wrong check digit": (replace(ENTRY, lei="5493001KJTIIGC8Y1R13"), "lei", False),
    "a line break that tears a row": (replace(ENTRY, name="Crescent\r\nExchange"), "name", True),
    "a line separator": (replace(ENTRY, name="Crescent\u2028Exchange"), "name", True),
    "text that turns round": (replace(ENTRY, name="Crescent \u202egnahcxE"), "name", True),
    "a formula": (replace(ENTRY, name='=HYPERLINK("x")'), "name", True),
    "a list's separator": (replace(ENTRY, trade_names=("A | B",)), "trade_names", True),
    "a country in words": (replace(ENTRY, country="Pakistan"), "country", True),
    "a script as website": (replace(ENTRY, website="javascript:alert(1)"), "website", True),
    "an unknown status": (replace(ENTRY, status="Authorised"), "status", True),
    "a licence without a category": (
        replace(ENTRY, permissions=(replace(LICENCE, categories=()),)),
        "permissions[0].categories",
        False,
    ),
    "a permission twice": (replace(ENTRY, permissions=(LICENCE, LICENCE)), "permissions", False),
    "an end before the grant": (
        replace(ENTRY, permissions=(replace(LICENCE, expires_on=date(2026, 6, 1)),)),
        "permissions[0].expires_on",
        False,
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_known_defect_of_registers_is_refused_before_it_is_published(name: str) -> None:
    entry, place, in_schema = DEFECTS[name]
    with pytest.raises(RegisterValueInvalid) as refused:
        register_json(register(entry), PUBLISHER)
    assert place in str(refused.value.place)
    with pytest.raises(RegisterValueInvalid):
        require_change(change(datetime(2026, 7, 1, tzinfo=UTC), entry), CODES)
    if in_schema:
        sound = json.loads(register_json(register(ENTRY), PUBLISHER))
        schema = jsonschema_rs.Draft202012Validator(json_schema(CODES))
        assert schema.is_valid(sound)
        wrong = change_json(change(datetime(2026, 7, 1, tzinfo=UTC), entry))["entry"]
        assert not schema.is_valid(sound | {"providers": [wrong]})


def test_all_defects_are_reported_at_once() -> None:
    entry = replace(ENTRY, lei="X", country="Pakistan", status="Authorised")
    with pytest.raises(Refusals) as refused:
        register_json(register(entry), PUBLISHER)
    assert len(refused.value.refusals) == 3


def test_a_csv_file_with_a_torn_row_is_refused() -> None:
    text = register_csv(register(ENTRY), PUBLISHER)
    for wrong, reason in (
        (text[:-10], "torn off"),
        (text.replace(',"', ',x"').replace("crescent,", "crescent\r\n", 1), "cells instead"),
        (text.replace("permission_kind", "kind"), "columns"),
        (text.replace("\r\n", ",extra\r\n"), "columns"),
    ):
        with pytest.raises(RegisterFileInvalid, match=reason):
            read_register_csv(wrong, CODES)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"providers": 1}'])
def test_what_is_no_register_is_refused(content: bytes) -> None:
    with pytest.raises((RegisterFileInvalid, RegisterValueInvalid, Refusals)):
        read_register_json(content, CODES)


def test_the_dictionary_has_every_column_of_the_files() -> None:
    rows = dictionary(CODES)
    text = register_csv(register(ENTRY), PUBLISHER)
    listed = {row["column"] for row in rows if row["file"].startswith("register.csv")}
    assert set(text.split("\r\n")[0].split(",")) == listed
    assert set(warnings_csv(register(ENTRY), PUBLISHER).split("\r\n")[0].split(",")) == {
        row["column"] for row in rows if row["file"].startswith("warnings.csv")
    }


# -- the feed -------------------------------------------------------------------------------------


def rules_of_atom(document: bytes) -> None:
    """The MUSTs of RFC 4287 that concern this feed, each with its section."""
    feed = ElementTree.fromstring(document)

    def all_of(parent: ElementTree.Element, name: str) -> list[ElementTree.Element]:
        return parent.findall(f"{{{ATOM}}}{name}")

    entries = all_of(feed, "entry")
    for one in (feed, *entries):
        for name in ("id", "title", "updated"):  # 4.1.1, 4.1.2: exactly one
            assert len(all_of(one, name)) == 1
        moment = all_of(one, "updated")[0].text or ""
        assert datetime.fromisoformat(moment).tzinfo is not None  # 3.3: RFC 3339
        assert "T" in moment
        assert moment.endswith("Z")
    assert all_of(feed, "author")  # 4.1.1: unless every entry has one
    assert all_of(all_of(feed, "author")[0], "name")[0].text  # 3.2.1
    ids = [all_of(one, "id")[0].text for one in entries]
    assert len(set(ids)) == len(ids)  # 4.1.1
    kinds = [(link.get("rel"), link.get("type")) for link in all_of(feed, "link")]
    assert kinds.count(("alternate", "text/html")) == 1  # 4.1.1: no two alike
    assert ("self", "application/atom+xml") in kinds  # 4.1.1: SHOULD
    for one in entries:
        (content,) = all_of(one, "content")
        assert content.get("type") == "application/json"
        base64.b64decode(content.text or "", validate=True)  # 4.1.3.3, rule 6
        assert all_of(one, "summary")  # 4.1.2: where the content is in base64
        assert all(c.get("term") for c in all_of(one, "category"))  # 4.2.2.1


@settings(max_examples=25, deadline=None)
@given(histories())
def test_every_document_of_the_feed_keeps_the_rules_of_atom(changes: list[Change]) -> None:
    for document in documents(changes, 3):
        rules_of_atom(document)


@settings(max_examples=25, deadline=None)
@given(histories(), days)
def test_archived_documents_lead_back_to_the_first_and_replay_in_any_order(
    changes: list[Change], day: date
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(register_feed, "CHANGES_IN_ARCHIVE", 3)
        parts = documents(changes, 3)
        assert len(parts) == archives_of(len(changes)) + 1
        by_address = {
            ADDRESSES.archive.replace("{number}", str(n)): part
            for n, part in enumerate(parts[:-1], 1)
        }
        walked, document = [parts[-1]], parts[-1]
        while (address := previous_archive(document)) is not None:
            document = by_address[address]
            walked.append(document)
    assert len(walked) == len(parts)
    assert replay_feed(walked, day) == as_of(changes, day)


def test_what_is_no_feed_of_a_register_is_refused() -> None:
    sound = documents(chained([change(datetime(2026, 7, 1, 6, tzinfo=UTC))]), 500)[0]
    assert read_feed(sound)
    text = sound.decode()
    start = text.index('application/json">') + len('application/json">')
    for wrong in (
        b"",
        b"<feed/>",
        b'<!DOCTYPE feed [<!ENTITY a "b">]>' + sound,
        text.replace("application/json", "text/plain").encode(),
        (text[:start] + "%%%" + text[start:]).encode(),
        (
            text[:start] + base64.b64encode(b"{}").decode() + text[text.index("</content") :]
        ).encode(),
        text.replace("urn:uuid:0193", "urn:uuid:0194").encode(),
    ):
        with pytest.raises(FeedInvalid):
            read_feed(wrong)


def test_a_status_becomes_what_it_was_said_to_become_as_permissions_expire() -> None:
    entry = replace(ENTRY, later=(Later(date(2027, 7, 1), "applicant", ()),))
    changes = chained([change(datetime(2026, 7, 1, 6, tzinfo=UTC), entry)])
    before, after = (
        as_of(changes, day).entries[0] for day in (date(2027, 6, 30), date(2027, 7, 1))
    )
    assert (before.status, before.services, before.later) == (
        "licensed",
        ("exchange",),
        entry.later,
    )
    assert after.services == ()
    assert (after.status, after.status_since, after.later) == ("applicant", date(2027, 7, 1), ())


def test_each_category_of_a_permission_has_a_row_of_its_own() -> None:
    noc = replace(LICENCE, kind="noc", categories=("exchange", "custody"))
    found = register(replace(ENTRY, permissions=(noc,)))
    rows = list(csv.DictReader(io.StringIO(register_csv(found, PUBLISHER), newline="")))
    assert [row["permission_category"] for row in rows] == ["exchange", "custody"]
    assert read_register_csv(register_csv(found, PUBLISHER), CODES) == found.entries
    torn = register_csv(found, PUBLISHER).replace("in_force", "expired", 1)
    with pytest.raises(RegisterFileInvalid, match="differ"):
        read_register_csv(torn, CODES)
