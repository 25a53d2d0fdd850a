"""Restoring a backup: into an empty home for good, or into a scratch one to see that it would.

Both go the same way, so a backup that was verified can be restored: the files are checked against
the manifest, the database is filled and brought to this version's tables, the node is started, what
the chain has beyond the database is adopted and indexed, and `fsck` compares all of it.  Nothing is
sent to the chain meanwhile: what it lacks is sent again, the same bytes, when the restored
installation is started.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sql

from amanat.app import Application
from amanat.core.errors import Refusal
from amanat.keeping import tables
from amanat.keeping.backup import HOME, BackupDamaged, digest_of, note_verified, unpack
from amanat.ledger.fsck import Difference
from amanat.ledger.tables import order
from amanat.settings import CONFIGURATION_FILE, Settings
from amanat.store.age import Opener
from amanat.store.engine import open_engine
from amanat.store.migrate import migrate
from amanat.store.tables import log_size

Told = Callable[[str], None]


class HomeNotEmpty(Refusal):
    """A restoration writes into a folder that holds nothing, or its configuration alone."""

    template: ClassVar[str] = "{folder} is not empty."


class NodesNotNamed(Refusal):
    """The ledger of this backup lies on a network: it is compared with that network's nodes."""

    template: ClassVar[str] = (
        "The backup has no node of its own: name the network's in AMANAT_NODES; its chain id is"
        " {chain_id}."
    )


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of a restoration.

    `waiting` orders are sent when the installation starts; `adopted` the chain had already;
    `unknown` are transactions of ours that were ordered after the backup.
    """

    manifest: Mapping[str, Any]
    differences: tuple[Difference, ...]
    adopted: tuple[str, ...]
    unknown: tuple[str, ...]
    waiting: int
    block: int
    seconds: float


def restore(file: Path, settings: Settings, opener: Opener, told: Told) -> Restored:
    """Restore a backup into the empty home and database of `settings`.

    Raises `HomeNotEmpty`, `DatabaseNotEmpty`, `NodesNotNamed`, `BackupDamaged`, `KeyDoesNotOpen`
    and as `Ledger.follow`.
    """
    began = time.monotonic()
    home = settings.data_dir
    if home.exists() and any(one.name != CONFIGURATION_FILE for one in home.iterdir()):
        raise HomeNotEmpty(folder=home)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restoring-", dir=home) as opened:
        told("decrypting")
        manifest = unpack(file, opener, Path(opened))
        _check_nodes(manifest, settings)
        told("filling the database")
        _fill(Path(opened), settings, manifest)
        _move_home(Path(opened), home)
    settings = replace(settings, light_keys=bool(manifest["light_keys"]))
    told("following the chain")
    with _opened(settings) as application:
        found = _compare(application, manifest, told)
    return replace(found, seconds=time.monotonic() - began)


def verify(
    file: Path, settings: Settings, opener: Opener, now: datetime, told: Told, *, database: str = ""
) -> Restored:
    """Restore a backup into a scratch home and enter into the list that it is right.

    `database` is the URL of an empty database for it; without, a SQLite file is filled, whatever
    wrote the backup.  The installation in `settings` is not touched but for its list of backups.
    """
    with tempfile.TemporaryDirectory(prefix="amanat-verify-") as scratch:
        place = Settings.at(Path(scratch) / "home")
        place = replace(
            place,
            database_url=database or place.database_url,
            node_urls=settings.node_urls,
            nodes_token_file=settings.nodes_token_file,
            chain_id=settings.chain_id,
            finality=settings.finality,
            evm=settings.evm,
        )
        found = restore(file, place, opener, told)
    if not found.differences:
        note_verified(settings.data_dir, digest_of(file), now)
    return found


def _check_nodes(manifest: Mapping[str, Any], settings: Settings) -> None:
    if not manifest["embedded_node"] and not settings.node_urls:
        raise NodesNotNamed(chain_id=manifest["chain_id"])
    if manifest["chain_id"] != settings.chain_id:
        raise BackupDamaged(
            f"The backup is of chain {manifest['chain_id']}, the settings name"
            f" {settings.chain_id}: set AMANAT_CHAIN_ID."
        )


def _fill(opened: Path, settings: Settings, manifest: Mapping[str, Any]) -> None:
    engine = open_engine(settings.database_url)
    try:
        tables.load(opened, engine, manifest["database"])
    finally:
        engine.dispose()


def _move_home(opened: Path, home: Path) -> None:
    for folder, target in ((opened / HOME, home), (opened / "node", home / "node")):
        if not folder.is_dir():
            continue
        target.mkdir(mode=0o700, exist_ok=True)
        for path in folder.iterdir():
            if not (target / path.name).exists():  # the configuration of this machine stays
                shutil.move(path, target / path.name)
    for path in (home, *home.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)


class _opened:
    """The restored installation, followed and not sent for."""

    def __init__(self, settings: Settings) -> None:
        self._application = Application(settings)

    def __enter__(self) -> Application:
        migrate(self._application.engine)
        if self._application.node:
            self._application.node.start()
        return self._application

    def __exit__(self, *_: object) -> None:
        self._application.stop()


def _compare(application: Application, manifest: Mapping[str, Any], told: Told) -> Restored:
    with application.store.reading() as connection:
        logs = {row.log: row.size for row in connection.execute(sql.select(log_size))}
    programmes = sorted(str(one["code"]) for one in application.programmes())
    content = manifest["database"]
    if logs != content["logs"] or programmes != content["programmes"]:
        raise BackupDamaged("The restored database holds other logs or programmes than it had.")
    ledger = application.ledger
    ledger.follow()
    told("comparing contracts, index, journal and documents")
    differences = tuple(application.check())
    with application.store.reading() as connection:
        open_orders = sql.select(sql.func.count()).where(order.c.state.not_in(("done", "refused")))
        waiting = int(connection.execute(open_orders).scalar_one())
    reconciled = ledger.reconcile()
    return Restored(
        manifest,
        differences,
        reconciled.adopted,
        reconciled.unknown,
        waiting,
        ledger.indexer.height(),
        0.0,
    )
