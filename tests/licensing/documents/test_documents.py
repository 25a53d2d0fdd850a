"""Documents are received in bounds, kept whole and encrypted, and belong to who gave them."""

from __future__ import annotations

import io
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sql

from amanat.access.actors import Actor, Role
from amanat.core.errors import Forbidden, NotFound
from amanat.licensing.documents.inspection import DocumentActs, TypeNotTaken
from amanat.licensing.documents.received import (
    DOCUMENT_RECEIVED,
    Documents,
    DocumentsFull,
    DocumentTooLarge,
    find,
    plain_name,
)
from amanat.licensing.documents.tables import document
from amanat.licensing.forms.form import SCANS, DocumentType
from amanat.store.age import FileAltered
from amanat.store.engine import open_engine
from amanat.store.journal import OpeningVault, read_entries
from amanat.store.migrate import migrate
from amanat.store.uow import Store

from . import files_given as files

SECRET = bytes(range(32))
TODAY = date(2025, 12, 2)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store with every table and an empty journal."""
    engine = open_engine(database_url)
    migrate(engine)
    yield Store(engine, OpeningVault(b"k" * 32))
    engine.dispose()


def documents_in(store: Store, folder: Path, mib_max: int = 1) -> Documents:
    """The documents of an installation in a folder."""
    return Documents(store, lambda *_: TODAY, folder, SECRET, mib_max)


@pytest.fixture
def documents(store: Store, tmp_path: Path) -> Documents:
    """Documents of at most one MiB."""
    return documents_in(store, tmp_path / "documents")


def actor(institution: str = "exchange_1", role: Role = Role.OFFICER, **changes: object) -> Actor:
    """A person of an applicant."""
    given = {
        "programme": "digital-assets",
        "person": f"{institution}_officer",
        "capacities": frozenset({"participant"}),
        "address": None,
        "means": "token",
    }
    return Actor(institution=institution, role=role, **(given | changes))


def kept(documents: Documents) -> list[Path]:
    """Every file of the folder."""
    return [one for one in documents.folder.rglob("*") if one.is_file()]


def test_a_document_is_kept_under_its_digest_and_given_out_again(
    documents: Documents, store: Store
) -> None:
    content = files.pdf()
    made = documents.receive(actor(), io.BytesIO(content), "plan.pdf", SCANS)
    assert b"".join(documents.parts(made.digest)) == content
    (path,) = kept(documents)
    assert path.name == made.digest
    with store.reading() as connection:
        row = find(connection, "digital-assets", "exchange_1", made.digest)
        (entry,) = read_entries(connection, kinds=[DOCUMENT_RECEIVED.name])
    assert row is not None
    assert (row.name, row.size, row.media_type) == ("plan.pdf", len(content), "application/pdf")
    # The confidential log says that it came; what it is called is committed to alone.
    assert entry["log"] == "confidential"
    assert entry["content"]["digest"] == made.digest
    assert set(entry["content"]["name"]) == {"commitment"}


def test_nothing_of_a_document_can_be_read_on_the_disk(documents: Documents) -> None:
    made = documents.receive(actor(), io.BytesIO(b"secret,plan\n1,2\n"), "a.csv", _tables())
    raw = documents.path(made.digest).read_bytes()
    assert b"secret" not in raw
    assert raw.startswith(b"age-encryption.org/v1")
    assert documents.path(made.digest).stat().st_mode & 0o077 == 0


def _tables() -> tuple[DocumentType, ...]:
    return (DocumentType.CSV,)


def test_the_same_document_again_changes_nothing(documents: Documents, store: Store) -> None:
    first = documents.receive(actor(), io.BytesIO(files.pdf()), "plan.pdf", SCANS)
    again = documents.receive(actor(), io.BytesIO(files.pdf()), "again.pdf", SCANS)
    assert again.digest == first.digest
    assert len(kept(documents)) == 1
    with store.reading() as connection:
        assert connection.execute(sql.select(document.c.name)).scalars().all() == ["plan.pdf"]
        assert len(read_entries(connection, kinds=[DOCUMENT_RECEIVED.name])) == 1


def test_each_institution_has_its_own_though_the_content_is_one(
    documents: Documents, store: Store
) -> None:
    made = documents.receive(actor(), io.BytesIO(files.pdf()), "plan.pdf", SCANS)
    with store.reading() as connection:
        assert find(connection, "digital-assets", "exchange_2", made.digest) is None
    documents.receive(actor("exchange_2"), io.BytesIO(files.pdf()), "other.pdf", SCANS)
    with store.reading() as connection:
        other = find(connection, "digital-assets", "exchange_2", made.digest)
    assert other is not None
    assert other.name == "other.pdf"
    assert len(kept(documents)) == 1


def test_a_refused_document_leaves_nothing(documents: Documents, store: Store) -> None:
    for content, error in (
        (files.pdf_with_script(), DocumentActs),
        (b"MZ\x90\0" + bytes(99), TypeNotTaken),
    ):
        with pytest.raises(error):
            documents.receive(actor(), io.BytesIO(content), "plan.pdf", SCANS)
    assert kept(documents) == []
    with store.reading() as connection:
        assert connection.execute(sql.select(document)).all() == []


def test_a_viewer_gives_no_documents(documents: Documents) -> None:
    with pytest.raises(Forbidden):
        documents.receive(actor(role=Role.VIEWER), io.BytesIO(files.pdf()), "a", SCANS)


def test_a_token_with_other_scopes_gives_no_documents(documents: Documents) -> None:
    narrow = actor(scopes=frozenset({"look:*"}))
    with pytest.raises(Forbidden):
        documents.receive(narrow, io.BytesIO(files.pdf()), "a", SCANS)
    wide = actor(scopes=frozenset({"submit:ReceiveDocument"}))
    assert documents.receive(wide, io.BytesIO(files.pdf()), "a", SCANS)


def test_an_upload_that_never_ends_is_stopped_at_the_limit(documents: Documents) -> None:
    """Two GiB in parts: no more is written than one MiB and the part that went beyond it."""
    parts = itertools.repeat(bytes(2**16), 2**31 // 2**16)
    with documents.spool() as spool:
        with pytest.raises(DocumentTooLarge):
            spool.add_all(parts)
        spool.file.flush()
        assert os.fstat(spool.file.fileno()).st_size <= documents.bytes_max
    # Those that were never asked for, but for the one that went beyond.
    assert sum(1 for _ in parts) == 2**31 // 2**16 - 17
    assert kept(documents) == []


def test_a_document_of_exactly_the_limit_is_taken(documents: Documents) -> None:
    rows = b"a,b\n"
    whole = rows * (documents.bytes_max // len(rows))
    with documents.spool() as spool:
        spool.add(whole)
        made = documents.receive(actor(), spool.file, "a.csv", _tables())
    assert made.size == documents.bytes_max
    with pytest.raises(DocumentTooLarge):
        documents.receive(actor(), io.BytesIO(whole + b"\n"), "a.csv", _tables())


def test_an_institution_fills_no_more_than_its_part(store: Store, tmp_path: Path) -> None:
    documents = documents_in(store, tmp_path / "documents")
    with store.engine.begin() as connection:
        for number in range(80):
            connection.execute(
                document.insert().values(
                    programme="digital-assets",
                    institution="exchange_1",
                    digest=f"{number:064x}",
                    name="a",
                    size=2**20,
                    media_type="application/pdf",
                    person="p",
                    received_at="2025-12-02T00:00:00+00:00",
                    entry="-",
                )
            )
    with pytest.raises(DocumentsFull):
        documents.receive(actor(), io.BytesIO(files.pdf()), "a.pdf", SCANS)
    assert documents.receive(actor("exchange_2"), io.BytesIO(files.pdf()), "a.pdf", SCANS)


_KILLED = """
import io, os, sys
from pathlib import Path
from amanat.licensing.documents.received import Documents
from amanat.store.age import Encrypting

documents = Documents(None, None, Path(sys.argv[1]), bytes(range(32)), 64)
write = Encrypting.write

def slow(self, content):
    done = write(self, content)
    self._target.flush()
    print("writing", flush=True)
    import time
    time.sleep(60)
    return done

Encrypting.write = slow
documents._keep(io.BytesIO(os.urandom(2**20)), "ab" * 32)
"""


def test_a_kill_in_the_middle_leaves_nothing(documents: Documents) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(documents.folder)], stdout=subprocess.PIPE
    ) as upload:
        assert upload.stdout is not None
        assert upload.stdout.readline() == b"writing\n"
        assert [one.name.startswith(".incoming-") for one in kept(documents)] == [True]
        upload.send_signal(signal.SIGKILL)
        upload.wait()
    with pytest.raises(NotFound):
        b"".join(documents.parts("ab" * 32))
    documents.sweep()
    assert kept(documents) == []


def test_what_is_being_written_is_not_swept_away(documents: Documents) -> None:
    documents.folder.mkdir(parents=True)
    ours = documents.folder / f".incoming-{os.getpid()}-00"
    ours.write_bytes(b"")
    documents.sweep()
    assert ours.exists()
    os.utime(ours, (time.time() - 7_200,) * 2)
    documents.sweep()
    assert not ours.exists()


def test_a_document_that_was_altered_or_is_gone_is_told_of(documents: Documents) -> None:
    whole = documents.receive(actor(), io.BytesIO(files.pdf()), "a.pdf", SCANS)
    altered = documents.receive(actor(), io.BytesIO(files.png()), "b.png", SCANS)
    gone = documents.receive(actor(), io.BytesIO(files.jpeg()), "c.jpg", SCANS)
    assert documents.check() == []
    path = documents.path(altered.digest)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    documents.path(gone.digest).unlink()
    found = {one.thing: one.found for one in documents.check()}
    assert found == {altered.digest: "file_altered", gone.digest: "not_found"}
    with pytest.raises(FileAltered):
        b"".join(documents.parts(altered.digest))
    assert whole.digest not in found


def test_another_document_in_its_place_is_told_of(documents: Documents) -> None:
    """A file that opens, and yet holds something else than its name says."""
    one = documents.receive(actor(), io.BytesIO(files.pdf()), "a.pdf", SCANS)
    two = documents.receive(actor(), io.BytesIO(files.png()), "b.png", SCANS)
    documents.path(one.digest).write_bytes(documents.path(two.digest).read_bytes())
    assert [(d.thing, d.found) for d in documents.check()] == [(one.digest, two.digest)]


@pytest.mark.parametrize("digest", ["", "../../secrets/documents", "AB" * 32, "a" * 63, "é" * 64])
def test_what_is_no_digest_leads_nowhere(documents: Documents, digest: str) -> None:
    with pytest.raises(NotFound):
        documents.path(digest)


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ("plan.pdf", "plan.pdf"),
        ("C:\\Users\\me\\plan.pdf", "plan.pdf"),
        ("../../etc/passwd", "passwd"),
        ("plan\u202efdp.exe", "planfdp.exe"),
        ('a"b;\r\nX-Header: 1.pdf', "abX-Header 1.pdf"),
        ("منصوبہ.pdf", "منصوبہ.pdf"),
        ("", "document"),
        ("...", "document"),
        ("a" * 300 + ".pdf", "a" * 116 + ".pdf"),
    ],
)
def test_a_name_is_plain(given: str, called: str) -> None:
    assert plain_name(given) == called
