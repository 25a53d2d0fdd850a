"""The journal: exact bytes, dense leaves, private fields, one transaction with everything else."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sql
from cryptography.exceptions import InvalidTag

from amanat.core.canonical import NotCanonical, canonical_bytes
from amanat.core.errors import Corrupt
from amanat.store.journal import (
    ENTRY_BYTES_MAX,
    Audience,
    EntryNotDeclared,
    EntryTooLarge,
    Provenance,
    declare,
    read_entries,
)
from amanat.store.tables import journal_entry, journal_opening, log_size
from amanat.store.uow import Store

NOTED = declare("TestNoted", ("what",))
HIDDEN = declare("TestHidden", ("what",), private=("who",), audience=Audience.CONFIDENTIAL)
WRITERS, ENTRIES_EACH = 4, 15


def note(store: Store, provenance: Provenance, **content: Any) -> str:
    with store.work(provenance) as uow:
        entry_id = uow.journal.append(NOTED, content, subject="test:1")
        uow.commit()
    return entry_id


def stored(store: Store) -> list[Any]:
    with store.reading() as connection:
        return list(connection.execute(sql.select(journal_entry).order_by(journal_entry.c.leaf)))


def test_an_entry_is_its_canonical_bytes(store: Store, provenance: Provenance) -> None:
    entry_id = note(
        store,
        provenance,
        what="2 نوٹ",
    )
    (row,) = stored(store)
    # RFC 8785: members sorted, no spaces, UTF-8 unescaped.
    assert row.entry.decode() == (
        '{"actor":{"capacity":"issuer","institution":"ministry","means":"token","role":"officer"},'
        '"approval":null,"business_date":"2021-03-01","cause":null,"content":{"what":"2 نوٹ"},'
        f'"id":"{entry_id}","kind":"TestNoted","programme":"test",'
        '"recorded_at":"2021-03-01T09:30:00.000000Z","schema":"amanat.journal/1",'
        '"subject":"test:1","version":1}'
    )


def test_entries_of_many_sources_are_canonical_each(store: Store, provenance: Provenance) -> None:
    awkward = replace(
        provenance,
        capacity='a "quoted",\n"kind":1',
        approval=({"institution": "b", "capacity": "\\", "signature": ""}, {"kind": "x", "é": "y"}),
        cause="c",
    )
    with pytest.raises(NotCanonical), store.work(awkward) as uow:  # a name that is not ASCII
        uow.journal.append(NOTED, {"what": 1})
    awkward = replace(awkward, approval=awkward.approval[:1])
    with store.work(provenance) as uow:
        for number in range(3):
            uow.journal.append(NOTED, {"what": [number]})
            uow.journal.append(NOTED, {"what": {"b": {}, "a": ","}}, provenance=awkward)
            uow.journal.append(HIDDEN, {"what": None, "who": "x"}, subject='"', cause="d")
        uow.commit()
    entries = [(row, json.loads(row.entry)) for row in stored(store)]
    assert len(entries) == 9
    for row, entry in entries:
        assert canonical_bytes(entry) == row.entry
        assert (entry["id"], entry["kind"], entry["subject"]) == (row.id, row.kind, row.subject)
        assert entry["recorded_at"] == row.recorded_at
    by_source = [entry for _, entry in entries if entry["actor"]["capacity"] == awkward.capacity]
    assert len(by_source) == 3
    assert by_source[0]["approval"] == list(awkward.approval)
    assert [entry["cause"] for _, entry in entries].count("d") == 3


@pytest.mark.parametrize("content", [{}, {"what": "x", "more": "y"}, {"other": "x"}])
def test_fields_are_those_declared(
    store: Store, provenance: Provenance, content: dict[str, Any]
) -> None:
    with pytest.raises(EntryNotDeclared):
        note(store, provenance, **content)
    assert stored(store) == []


def test_no_float_and_no_large_integer_enters(store: Store, provenance: Provenance) -> None:
    for value in (1.5, 2**53, float("nan")):
        with pytest.raises(NotCanonical):
            note(store, provenance, what=value)
    note(store, provenance, what=2**53 - 1)
    assert len(stored(store)) == 1


def test_an_entry_has_at_most_65535_bytes(store: Store, provenance: Provenance) -> None:
    note(store, provenance, what="")
    room = ENTRY_BYTES_MAX - len(stored(store)[0].entry)
    note(store, provenance, what="x" * room)
    assert len(stored(store)[1].entry) == ENTRY_BYTES_MAX
    with pytest.raises(EntryTooLarge):
        note(store, provenance, what="x" * (room + 1))


def test_what_is_not_committed_never_was(store: Store, provenance: Provenance) -> None:
    def fail_in_the_middle() -> None:
        with store.work(provenance) as uow:
            uow.journal.append(NOTED, {"what": "x"})
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail_in_the_middle()
    with store.work(provenance) as uow:
        uow.journal.append(NOTED, {"what": "y"})
    assert stored(store) == []
    note(store, provenance, what="z")
    assert [row.leaf for row in stored(store)] == [0]


def test_leaves_are_dense_whoever_writes(store: Store, provenance: Provenance) -> None:
    def write(writer: int) -> None:
        for number in range(ENTRIES_EACH):
            note(store, provenance, what=f"{writer}/{number}")

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = stored(store)
    assert [row.leaf for row in rows] == list(range(WRITERS * ENTRIES_EACH))
    for writer in range(WRITERS):
        own = [json.loads(row.entry)["content"]["what"] for row in rows]
        own = [what for what in own if what.startswith(f"{writer}/")]
        assert own == [f"{writer}/{number}" for number in range(ENTRIES_EACH)]


def test_each_log_counts_for_itself(store: Store, provenance: Provenance) -> None:
    with store.work(provenance) as uow:
        for number in range(3):
            uow.journal.append(NOTED, {"what": str(number)})
            uow.journal.append(HIDDEN, {"what": str(number), "who": "a person"})
        uow.commit()
    with store.reading() as connection:
        entries = read_entries(connection)
        later = read_entries(connection, log=Audience.PUBLIC, after_leaf=0, limit=1)
    assert [(one["log"], one["leaf"]) for one in entries] == [
        *(("public", leaf) for leaf in range(3)),
        *(("confidential", leaf) for leaf in range(3)),
    ]
    assert [one["content"]["what"] for one in later] == ["1"]


def test_a_private_field_is_a_commitment_that_opens(store: Store, provenance: Provenance) -> None:
    with store.work(provenance) as uow:
        entry_id = uow.journal.append(HIDDEN, {"what": "x", "who": "Ayesha"})
        uow.commit()
    (row,) = stored(store)
    assert b"Ayesha" not in row.entry
    shown = json.loads(row.entry)["content"]["who"]["commitment"]
    with store.reading() as connection:
        (opening,) = connection.execute(sql.select(journal_opening)).all()
    assert b"Ayesha" not in opening.sealed
    salt, value = store.vault.open(entry_id, "who", opening.sealed)
    assert value == '"Ayesha"'
    # Design: SHA-256 over (entry id, field path, 32 random bytes, value), each with its length.
    parts = (entry_id.encode(), b"who", salt, value.encode())
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    assert (len(salt), hashlib.sha256(framed).hexdigest()) == (32, shown)
    with pytest.raises(InvalidTag):
        store.vault.open(entry_id, "what", opening.sealed)


def test_a_kind_is_declared_once() -> None:
    assert declare("TestNoted", ("what",)) is not None
    with pytest.raises(ValueError, match="twice, differently"):
        declare("TestNoted", ("what", "else"))


def test_a_journal_without_its_sequencer_stops(store: Store, provenance: Provenance) -> None:
    with store.engine.begin() as connection:
        connection.execute(log_size.delete())
    with pytest.raises(Corrupt, match="run the migrations"):
        note(store, provenance, what="x")
