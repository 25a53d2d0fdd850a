"""Backups on the command line: made, listed, verified, restored."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from amanat.cli.acts import Data, Json
from amanat.cli.files import text_of, write_new
from amanat.cli.terminal import CORRUPT, err, errors_in_lines, out, print_answer, settings_of
from amanat.core.errors import Invalid

if TYPE_CHECKING:
    from amanat.keeping.restore import Restored
    from amanat.store.age import Lock, Opener

# What a command works with is imported when it is carried out, so that help is there at once.

backup = typer.Typer(help="Backups: one encrypted file each, verified by restoring it.")

Passphrase = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="Its first line is the passphrase."),
]
Identity = Annotated[
    Path | None, typer.Option("--identity", help="File with the secret keys (AGE-SECRET-KEY-1...).")
]


class KeyNotNamed(Invalid):
    """A backup is encrypted for somebody, and opened by somebody; there is no default."""

    template: ClassVar[str] = "name {needed}; one of the two, never both."


def _lock(recipients: list[str], passphrase_file: Path | None) -> Lock:
    from amanat.keeping.backup import passphrase_in
    from amanat.store.age import Lock, recipient_of

    if bool(recipients) == (passphrase_file is not None):
        raise KeyNotNamed(needed="--recipient (once or more) or --passphrase-file")
    if passphrase_file is not None:
        return Lock(passphrase=passphrase_in(str(passphrase_file), text_of(passphrase_file)))
    return Lock(tuple(recipient_of(one) for one in recipients))


def _opener(identity: Path | None, passphrase_file: Path | None) -> Opener:
    from amanat.keeping.backup import passphrase_in
    from amanat.store.age import Opener, identities_of

    if (identity is None) == (passphrase_file is None):
        raise KeyNotNamed(needed="--identity or --passphrase-file")
    if identity is not None:
        return Opener(identities_of(text_of(identity)))
    assert passphrase_file is not None
    return Opener(passphrase=passphrase_in(str(passphrase_file), text_of(passphrase_file)))


@backup.command("key")
def backup_key(
    file: Annotated[Path, typer.Argument(help="Where the secret key goes; keep it elsewhere.")],
    as_json: Json = False,
) -> None:
    """Make a key for backups: the secret part into a file, the recipient is printed."""
    from amanat.store.age import new_identity

    with errors_in_lines(as_json=as_json):
        secret, public = new_identity()
        write_new(file, f"# recipient: {public}\n{secret}\n".encode())
        print_answer({"recipient": public, "secret": str(file)}, as_json=as_json)


@backup.command("create")
def backup_create(
    target: Annotated[Path, typer.Argument(help="A file, or a folder in which it is named.")],
    recipient: Annotated[
        list[str] | None, typer.Option("--recipient", help="Public key (age1...), repeatable.")
    ] = None,
    passphrase_file: Passphrase = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write a backup of this installation, whether it runs or not."""
    from amanat.keeping.backup import create

    with errors_in_lines(as_json=as_json):
        settings, began = settings_of(data), time.monotonic()
        lock = _lock(recipient or [], passphrase_file)
        made = create(settings, target, lock, datetime.now(UTC))
        answer = {
            "file": str(made.file),
            "digest": made.digest,
            "bytes": made.file.stat().st_size,
            "at": made.manifest["at"],
            "block": made.manifest["database"]["block_number"],
            "seconds": f"{time.monotonic() - began:.1f}",
        }
        print_answer(answer, as_json=as_json)


@backup.command("list")
def backup_list(data: Data = None, as_json: Json = False) -> None:
    """The backups of this installation, and when each was verified."""
    from amanat.keeping.backup import read_list

    with errors_in_lines(as_json=as_json):
        print_answer(read_list(settings_of(data).data_dir), as_json=as_json, title="backups")


@backup.command("verify")
def backup_verify(
    file: Annotated[Path, typer.Argument()],
    identity: Identity = None,
    passphrase_file: Passphrase = None,
    database: Annotated[
        str, typer.Option(help="URL of an empty database to fill; else a SQLite file.")
    ] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Restore a backup into a scratch folder and compare all of it; leaves with 4 where it differs.

    The installation itself is not touched.
    """
    from amanat.keeping.restore import verify

    with errors_in_lines(as_json=as_json):
        opener = _opener(identity, passphrase_file)
        found = verify(file, settings_of(data), opener, datetime.now(UTC), _tell, database=database)
        _answer(found, as_json=as_json)


def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    identity: Identity = None,
    passphrase_file: Passphrase = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Restore a backup into an empty folder and database; leaves with 4 where something differs."""
    from amanat.keeping.restore import restore as restore_backup

    with errors_in_lines(as_json=as_json):
        opener = _opener(identity, passphrase_file)
        found = restore_backup(file, settings_of(data), opener, _tell)
        _answer(found, as_json=as_json)


def rebuild(
    target: Annotated[
        str, typer.Argument(help="URL of an empty database, sqlite:///FILE or such.")
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make the ledger part of the database anew from the chain; leaves with 4 where it differs.

    The database in use is only read.  What the chain does not hold is named.
    """
    from amanat.app import Application
    from amanat.keeping.rebuild import rebuild as rebuild_from_chain

    with errors_in_lines(as_json=as_json):
        with Application(settings_of(data)) as application:
            application.ledger.follow()
            made = rebuild_from_chain(application, target)
        answer = {
            "block": made.block,
            "rows": dict(made.rows),
            "not_on_chain": dict(made.not_on_chain),
            "differences": [str(one) for one in made.differences],
        }
        print_answer(answer, as_json=as_json)
        if made.differences:
            sys.exit(CORRUPT)


def _tell(what: str) -> None:
    err.print(f"{what} ...", style="dim", highlight=False)


def _answer(found: Restored, *, as_json: bool) -> None:
    answer: dict[str, Any] = {
        "at": found.manifest["at"],
        "version": found.manifest["version"],
        "programmes": found.manifest["database"]["programmes"],
        "block": found.block,
        "orders_adopted": len(found.adopted),
        "orders_waiting": found.waiting,
        "unknown_transactions": list(found.unknown),
        "differences": [str(one) for one in found.differences],
        "seconds": f"{found.seconds:.1f}",
    }
    print_answer(answer, as_json=as_json)
    if found.differences:
        sys.exit(CORRUPT)
    if not as_json:
        out.print("Contracts, index and journal agree.")
