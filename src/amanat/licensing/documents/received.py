"""Documents: received in parts, looked into, kept encrypted under the digest of their content.

`documents/ab/abcd…` is a file in the format age v1 for the key in `secrets/documents`; its name is
the SHA-256 of what is in it.  A document is there whole or not at all, and never goes: what was
once part of a file stays as long as the file has to be kept.  The same content twice is one file;
who may read it follows from the rows, each institution having its own.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, Any, ClassVar

import sqlalchemy as sql
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy.engine import Connection, Row

from amanat.access import policy
from amanat.access.actors import Actor
from amanat.access.attempts import ComeBackLater
from amanat.core.errors import AmanatError, Invalid, NotFound, Refusal
from amanat.ledger.fsck import Difference
from amanat.licensing.documents.inspection import MEDIA_TYPES, inspect
from amanat.licensing.documents.pdf import read_pdf
from amanat.licensing.documents.tables import document
from amanat.licensing.forms.form import DocumentType
from amanat.store.age import Decrypting, Encrypting, Lock, Opener
from amanat.store.engine import is_contention
from amanat.store.journal import Audience, Provenance, declare
from amanat.store.uow import Store

FOLDER = "documents"
SECRET = "documents"
RECEIVE = "ReceiveDocument"
"""What a token with scopes names to give documents, and the policies are asked."""
NAME_MAX = 120
ALL_MAX = 80
"""How many times the largest document all of one institution may be together."""
_PART = 1 << 16
_LEFT_BEHIND_S = 3_600.0
_ATTEMPTS = 5
_INCOMING = ".incoming-"
_DIGEST = re.compile(r"[0-9a-f]{64}")
# What may not stand in a name that people and systems read: paths, and what hides or reorders.
_UNFIT = re.compile(
    '[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"<>|:*?;]'
)

DOCUMENT_RECEIVED = declare(
    "DocumentReceived",
    ("institution", "digest", "size", "media_type"),
    private=("name", "person"),
    audience=Audience.CONFIDENTIAL,
)


class DocumentTooLarge(Invalid):
    """A document has at most so many bytes; what is longer is refused before it has come."""

    status: ClassVar[int] = 413
    template: ClassVar[str] = (
        "The document is larger than the {most} MiB that are taken: make it smaller, or give it in"
        " parts."
    )


class DocumentsFull(Refusal):
    """All documents of one institution together have a limit."""

    template: ClassVar[str] = (
        "The documents of {institution} fill the {most} MiB that an institution has."
    )


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was received."""

    digest: str
    name: str
    size: int
    media_type: str


class Documents:
    """Receives and gives out documents of one installation."""

    def __init__(
        self,
        store: Store,
        business_date: Callable[[Connection, str], date],
        folder: Path,
        secret: bytes,
        mib_max: int,
    ) -> None:
        self._store = store
        self._business_date = business_date
        self.folder = folder
        self.mib_max = mib_max
        public = X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
        self._lock, self._opener = Lock((public,)), Opener((secret,))

    @property
    def bytes_max(self) -> int:
        """How many bytes a document has at most."""
        return self.mib_max * 2**20

    # -- receiving ----------------------------------------------------------------------------

    @contextmanager
    def spool(self) -> Iterator[Spool]:
        """Where the parts of an upload are collected: a file without a name, gone with us."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self.folder) as file:
            yield Spool(file, self.mib_max)

    def receive(
        self, actor: Actor, content: IO[bytes], name: str, taken: Collection[DocumentType]
    ) -> Document:
        """Keep a document that was collected; the same one again changes nothing.

        Refuses, in order: `Forbidden`, `DocumentTooLarge`, `DocumentsFull`, and as `inspect`.
        """
        policy.require(
            actor,
            "submit",
            RECEIVE,
            programme=actor.programme,
            capacities=actor.capacities,
            roles=("officer", "approver"),
        )
        size = content.seek(0, io.SEEK_END)
        if size > self.bytes_max:
            raise DocumentTooLarge(most=self.mib_max)
        digest = _digest_of(content)
        called = plain_name(name)
        with self._store.reading() as connection:
            known = find(connection, actor.programme, actor.institution, digest)
            held = _held(connection, actor)
        if known is None and held + size > ALL_MAX * self.bytes_max:
            raise DocumentsFull(institution=actor.institution, most=ALL_MAX * self.mib_max)
        # Looked into again even if known: another question may take other types.
        kind = inspect(content, called, taken, read_pdf)
        self._keep(content, digest)
        made = Document(digest, called, size, MEDIA_TYPES[kind])
        if known is None:
            self._enter(actor, made)
        return made

    def _keep(self, content: IO[bytes], digest: str) -> None:
        """Write the file, encrypted; it gets its name when all of it is on the disk."""
        path = self.path(digest)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.sweep()
        if path.exists():
            return
        fresh = self.folder / f"{_INCOMING}{os.getpid()}-{secrets.token_hex(8)}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                sealed = Encrypting(file, self._lock)
                content.seek(0)
                while part := content.read(_PART):
                    sealed.write(part)
                sealed.finish()
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
        _sync(path.parent)

    def sweep(self) -> None:
        """Remove what processes left behind that were killed while they wrote."""
        for path in self.folder.glob(f"{_INCOMING}*"):
            try:
                pid, old = int(path.name.split("-")[1]), time.time() - path.stat().st_mtime
                if not _lives(pid) or old > _LEFT_BEHIND_S:
                    path.unlink(missing_ok=True)
            except (ValueError, FileNotFoundError):
                continue  # another one was quicker

    def _enter(self, actor: Actor, made: Document) -> None:
        for _ in range(_ATTEMPTS):
            try:
                self._enter_once(actor, made)
                return
            except sql.exc.IntegrityError:
                return  # the same document came at the same time
            except sql.exc.DBAPIError as error:
                if not is_contention(error):
                    raise
                last = error
        raise ComeBackLater(seconds=1) from last

    def _enter_once(self, actor: Actor, made: Document) -> None:
        with self._store.reading() as connection:
            today = self._business_date(connection, actor.programme)
        source = Provenance(
            programme=actor.programme,
            institution=actor.institution,
            capacity=",".join(sorted(actor.capacities)),
            role=actor.role.value,
            means=actor.means,
            business_date=today,
        )
        with self._store.work(source) as uow:
            content = {
                "institution": actor.institution,
                "digest": made.digest,
                "size": str(made.size),
                "media_type": made.media_type,
                "name": made.name,
                "person": actor.person,
            }
            entry = uow.journal.append(
                DOCUMENT_RECEIVED, content, subject=f"participants:{actor.institution}"
            )
            uow.connection.execute(
                document.insert().values(
                    programme=actor.programme,
                    institution=actor.institution,
                    digest=made.digest,
                    name=made.name,
                    size=made.size,
                    media_type=made.media_type,
                    person=actor.person,
                    received_at=self._store.clock().isoformat(),
                    entry=entry,
                )
            )
            uow.commit()

    # -- giving out ---------------------------------------------------------------------------

    def path(self, digest: str) -> Path:
        """Where the content with a digest lies.  Refuses `NotFound` what is no digest."""
        if not _DIGEST.fullmatch(digest):
            raise NotFound(thing="document", value=digest[:20])
        return self.folder / digest[:2] / digest

    def parts(self, digest: str) -> Iterator[bytes]:
        """The content in parts, each authenticated before it is given out.

        Refuses `NotFound`; raises `FileAltered`.
        """
        path = self.path(digest)
        if not path.is_file():
            raise NotFound(thing="document", value=digest[:20])
        with path.open("rb") as file:
            opened = io.BufferedReader(Decrypting(file, self._opener), _PART)
            while part := opened.read(_PART):
                yield part

    # -- checking -----------------------------------------------------------------------------

    def check(self) -> list[Difference]:
        """Every document of the tables that is not kept whole: missing, altered, unreadable."""
        with self._store.reading() as connection:
            rows = connection.execute(
                sql.select(document.c.digest).distinct().order_by(document.c.digest)
            )
            digests = [row.digest for row in rows]
        found = [(digest, self._fault(digest)) for digest in digests]
        return [
            Difference("document_kept", digest, digest, fault) for digest, fault in found if fault
        ]

    def _fault(self, digest: str) -> str:
        whole = hashlib.sha256()
        try:
            for part in self.parts(digest):
                whole.update(part)
        except (AmanatError, OSError) as error:
            return error.code if isinstance(error, AmanatError) else type(error).__name__
        return "" if whole.hexdigest() == digest else whole.hexdigest()


class Spool:
    """Collects an upload in a file without a name, and refuses what is too large as it comes."""

    def __init__(self, file: IO[bytes], mib_max: int) -> None:
        self.file = file
        self._mib = mib_max
        self._size = 0

    def add(self, part: bytes) -> None:
        """One further part.  Refuses `DocumentTooLarge`."""
        self._size += len(part)
        if self._size > self._mib * 2**20:
            raise DocumentTooLarge(most=self._mib)
        self.file.write(part)

    def add_all(self, parts: Iterable[bytes]) -> None:
        """Further parts, one after the other.  Refuses `DocumentTooLarge`."""
        for part in parts:
            self.add(part)


def plain_name(name: str) -> str:
    """What a file is called, without folders and without what hides or reorders characters."""
    last = re.split(r"[/\\]", name)[-1]
    plain = _UNFIT.sub("", last).strip(" .")
    return plain[-NAME_MAX:] or "document"


def find(connection: Connection, programme: str, institution: str, digest: str) -> Row[Any] | None:
    """A document that an institution gave, if it did."""
    return connection.execute(
        sql.select(document).where(
            document.c.programme == programme,
            document.c.institution == institution,
            document.c.digest == digest,
        )
    ).one_or_none()


def _held(connection: Connection, actor: Actor) -> int:
    """How many bytes the documents of an institution are together."""
    query = sql.select(sql.func.coalesce(sql.func.sum(document.c.size), 0)).where(
        document.c.programme == actor.programme, document.c.institution == actor.institution
    )
    return int(connection.execute(query).scalar_one())


def _digest_of(content: IO[bytes]) -> str:
    whole = hashlib.sha256()
    content.seek(0)
    while part := content.read(_PART):
        whole.update(part)
    return whole.hexdigest()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
