"""Backups: everything that an installation is, in one encrypted file, taken while it runs.

The file is a tar, compressed, in the format age v1 (`amanat.store.age`), and holds in this order

    database.sqlite | tables.json and TABLE.copy    the database, of one moment
    node/state.json, node/genesis.json              the embedded node, not older than the database
    home/...                                        keys (still encrypted), secrets, files kept
    manifest.json                                   what the others are, with their digests

The manifest is last, since digests are known when all is written; a file without it is not whole.
The node is copied after the database, so that the chain has all that the database knows; what it
has beyond is adopted after a restoration (`amanat.ledger.reconciliation`).
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, ClassVar

import sqlalchemy as sql

from amanat import __version__
from amanat.core.errors import Corrupt, Invalid, Refusal
from amanat.keeping import tables
from amanat.ledger.node import copy_state
from amanat.settings import Settings
from amanat.store.age import Decrypting, Encrypting, Lock, Opener
from amanat.store.engine import open_engine
from amanat.supervision.returns.manifest import FOLDER as SUPERVISION
from amanat.supervision.returns.receiving import INCOMING

FORMAT = "amanat.backup/1"
LIST_FILE = "backups.json"
MANIFEST = "manifest.json"
HOME = "home"
PASSPHRASE_CHARACTERS_MIN = 16
_PART_BYTES = 1 << 20
_NODE_WITHIN_S = 20.0
# The database and the node are copied in their own way; the list of backups is of this machine.
_NOT_COPIED = (LIST_FILE, f".{LIST_FILE}.lock", "node", "node_modules")


class BackupDamaged(Corrupt):
    """A backup does not hold what its manifest says."""


class PassphraseTooShort(Invalid):
    """A passphrase is all that keeps a backup; age's work factor makes guessing slow, no more."""

    template: ClassVar[str] = "{file}: a passphrase has at least {least} characters."


class BackupExists(Refusal):
    """A backup is never overwritten."""

    template: ClassVar[str] = "There is already a file {file}."


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was written: its file, the SHA-256 of that file, and its manifest."""

    file: Path
    digest: str
    manifest: Mapping[str, Any]


def passphrase_in(file: str, text: str) -> str:
    """The passphrase in a file, its first line; raises `PassphraseTooShort`."""
    passphrase = text.split("\n", 1)[0].strip()
    if len(passphrase) < PASSPHRASE_CHARACTERS_MIN:
        raise PassphraseTooShort(file=file, least=PASSPHRASE_CHARACTERS_MIN)
    return passphrase


def create(settings: Settings, target: Path, lock: Lock, now: datetime) -> Backup:
    """Write a backup of a running or stopped installation and enter it into its list.

    `target` is a file, or a folder in which it is named by its time.  Raises `BackupExists`,
    `NothingToKeep`, `NodeFailed`.
    """
    at = now.astimezone(UTC)
    file = target / f"amanat-{at:%Y%m%dT%H%M%SZ}.age" if target.is_dir() else target
    if file.exists():
        raise BackupExists(file=file)
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        manifest = _write(settings, fresh, lock, at)
        fresh.rename(file)
    finally:
        fresh.unlink(missing_ok=True)
    _sync(file.parent)
    backup = Backup(file, digest_of(file), manifest)
    with listed(settings.data_dir) as entries:
        entries.append(
            {
                "at": manifest["at"],
                "file": str(file.absolute()),
                "digest": backup.digest,
                "verified_at": None,
            }
        )
    return backup


def _write(settings: Settings, fresh: Path, lock: Lock, at: datetime) -> dict[str, Any]:
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with (
        os.fdopen(descriptor, "wb") as file,
        tempfile.TemporaryDirectory(prefix=".backup-", dir=settings.data_dir) as scratch,
    ):
        sealed = Encrypting(file, lock)
        with (
            gzip.GzipFile(fileobj=sealed, mode="wb", compresslevel=1, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w|") as tar,
        ):
            writer = _Writer(tar)
            manifest = _collect(settings, Path(scratch), writer, at)
            content = json.dumps(manifest, indent=1, sort_keys=True).encode()
            writer.add(MANIFEST, io.BytesIO(content), len(content))
        sealed.finish()
        file.flush()
        os.fsync(file.fileno())
    return manifest


def _collect(settings: Settings, scratch: Path, writer: _Writer, at: datetime) -> dict[str, Any]:
    engine = open_engine(settings.database_url)
    try:
        content = tables.dump(engine, settings.chain_id, scratch)
    finally:
        engine.dispose()
    for path in sorted(scratch.iterdir()):
        writer.add_file(path.name, path)
        path.unlink()
    node_block = None
    if not settings.node_urls:
        node_block = _add_node(settings.data_dir / "node", scratch, writer, content)
    for path in _home_files(settings, scratch):
        writer.add_file(f"{HOME}/{path.relative_to(settings.data_dir)}", path)
    return {
        "format": FORMAT,
        "version": __version__,
        "at": at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "chain_id": settings.chain_id,
        "embedded_node": not settings.node_urls,
        "node_block": node_block,
        "light_keys": settings.light_keys,
        "database": content.as_json(),
        "files": writer.files,
    }


def _add_node(folder: Path, scratch: Path, writer: _Writer, content: tables.Content) -> int | None:
    if not folder.is_dir():
        return None
    copied = scratch / "state.json"
    wanted = content.block_number or 0
    height = copy_state(folder, copied, height_min=wanted, within_s=_NODE_WITHIN_S)
    writer.add_file("node/state.json", copied)
    if (folder / "genesis.json").exists():
        writer.add_file("node/genesis.json", folder / "genesis.json")
    return height


def _home_files(settings: Settings, scratch: Path) -> Iterator[Path]:
    home = settings.data_dir
    held = sql.make_url(settings.database_url).database if _in_file(settings) else ""
    for path in sorted(home.rglob("*")):
        parts = path.relative_to(home).parts
        database = str(path).startswith(held) if held else False
        skipped = parts[0] in _NOT_COPIED or scratch.name == parts[0] or database
        skipped = skipped or parts[:2] == (SUPERVISION, INCOMING)  # returns that nobody accepted
        if skipped or path.name.endswith((".lock", ".age", ".log")) or path.name.startswith("."):
            continue
        if path.is_file() and not path.is_symlink():
            yield path


def _in_file(settings: Settings) -> bool:
    return sql.make_url(settings.database_url).get_backend_name() == "sqlite"


class _Writer:
    """Adds files to the tar and notes the digest of what was really written."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.files: list[dict[str, Any]] = []

    def add_file(self, name: str, path: Path) -> None:
        """One file as it is now; one that grows meanwhile is taken up to its present end."""
        with path.open("rb") as file:
            self.add(name, file, os.fstat(file.fileno()).st_size)

    def add(self, name: str, file: IO[bytes], size: int) -> None:
        """`size` bytes of `file` as a member of the tar."""
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        reader = _Digesting(file)
        self._tar.addfile(member, reader)
        self.files.append({"name": name, "bytes": size, "sha256": reader.digest.hexdigest()})


class _Digesting:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        part = self._file.read(size)
        self.digest.update(part)
        return part


def unpack(file: Path, opener: Opener, folder: Path) -> dict[str, Any]:
    """Open a backup into `folder` and check every file against the manifest, which is returned.

    Raises `NotEncrypted`, `KeyDoesNotOpen`, `FileAltered`, `BackupDamaged`.
    """
    found: dict[str, tuple[int, str]] = {}
    with file.open("rb") as source:
        opened = io.BufferedReader(Decrypting(source, opener), 1 << 18)
        try:
            with tarfile.open(fileobj=opened, mode="r|gz") as tar:
                for member in tar:
                    _unpack_one(tar, member, folder, found)
            while opened.read(_PART_BYTES):
                continue  # to the last, marked chunk
        except (tarfile.TarError, EOFError, OSError) as error:
            raise BackupDamaged(f"{file}: {error}") from error
    manifest_file = folder / MANIFEST
    if not manifest_file.exists():
        raise BackupDamaged(f"{file} has no manifest.")
    manifest: dict[str, Any] = json.loads(manifest_file.read_text())
    if manifest.get("format") != FORMAT:
        raise BackupDamaged(f"{file} is of the format {manifest.get('format')}.")
    told = {one["name"]: (one["bytes"], one["sha256"]) for one in manifest["files"]}
    del found[MANIFEST]
    if told != found:
        differing = sorted(
            name for name in told.keys() | found.keys() if told.get(name) != found.get(name)
        )
        raise BackupDamaged(f"{file} differs from its manifest: {', '.join(differing[:5])}.")
    return manifest


def _unpack_one(
    tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, found: dict[str, tuple[int, str]]
) -> None:
    parts = Path(member.name).parts
    if not member.isfile() or member.name.startswith("/") or ".." in parts or member.name in found:
        raise BackupDamaged(f"A backup holds no {member.name}.")
    path = folder / member.name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    source = tar.extractfile(member)
    assert source is not None
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        while part := source.read(_PART_BYTES):
            digest.update(part)
            target.write(part)
    found[member.name] = (member.size, digest.hexdigest())


# -- the list of backups --------------------------------------------------------------------------


@contextmanager
def listed(home: Path) -> Iterator[list[dict[str, Any]]]:
    """The entries of `backups.json`, to be changed; written whole when the block ends."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / f".{LIST_FILE}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        entries = read_list(home)
        yield entries
        fresh = home / f".{LIST_FILE}.{os.getpid()}"
        fresh.write_text(json.dumps(entries, indent=1) + "\n")
        fresh.replace(home / LIST_FILE)


def read_list(home: Path) -> list[dict[str, Any]]:
    """Backups that were made of this installation, oldest first: at, file, digest, verified_at."""
    path = home / LIST_FILE
    entries: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
    return entries


def note_verified(home: Path, digest: str, now: datetime) -> None:
    """Enter into the list that the backup with this digest was restored and found right."""
    at = now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if not (home / LIST_FILE).exists():
        return
    with listed(home) as entries:
        for entry in entries:
            if entry["digest"] == digest:
                entry["verified_at"] = at


def digest_of(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
