"""Keys: the register, and what is done with one from its making to its end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from amanat.cli.acts import Data, Json, ProgrammeCode, Url
from amanat.cli.files import bytes_of, make_folder, require_absent, write_together
from amanat.cli.terminal import errors_in_lines, out, print_answer, settings_of
from amanat.cli.tools import ask_password
from amanat.core.errors import AmanatError, Refusal

if TYPE_CHECKING:
    from amanat.cli.session import Session

keys = typer.Typer(help="Keys: register, making, rotation, end; in the keystore or a device.")

KeyFolder = Annotated[
    Path | None, typer.Option("--keys", help="Folder of a keystore kept apart from the server.")
]
Address = Annotated[str, typer.Argument(help="The key's address, 0x…")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the journal.")]

PART = "secrets-part-{}.json"


class KeyStillUsable(Refusal):
    """A key is destroyed once it has been retired, revoked or lost."""

    template = "The key {key} is {state} in {programme}; rotate or revoke it first."


class KeyKeepsShares(Refusal):
    """A key that opens a share not yet released is destroyed after the share is sealed anew."""

    template = "The key {key} opens shares of {tenders}; ResealShare them first."


def _session(url: str | None, data: Path | None, programme: str | None) -> Session:
    from amanat.cli.session import open_session

    return open_session(url, data, programme)


@keys.command("list")
def keys_list(
    institution: Annotated[str | None, typer.Argument(help="Its keys alone.")] = None,
    folder: KeyFolder = None,
    url: Url = None,
    data: Data = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """The register of keys; with --keys, the keys in a folder with their addresses."""
    from amanat.ledger.keystore import Keystore

    with errors_in_lines(as_json=as_json):
        if folder is not None:
            store = Keystore(folder)
            owners = [institution] if institution else store.institutions()
            rows = [
                {"institution": owner, "key": name, "address": store.address(owner, name)}
                for owner in owners
                for name in store.names(owner)
            ]
        else:
            with _session(url, data, programme) as session:
                rows = [
                    row
                    for row in session.view("keys", {})["rows"]
                    if institution in (None, row["institution"])
                ]
        print_answer(rows, as_json=as_json, title="keys")


@keys.command("expiring")
def keys_expiring(
    days: Annotated[int, typer.Option(min=0, max=3660, help="Within so many days.")] = 30,
    url: Url = None,
    data: Data = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """Keys whose validity ends soon, or has ended."""
    with errors_in_lines(as_json=as_json), _session(url, data, programme) as session:
        rows = session.view("keys", {"within_days": days})["rows"]
        print_answer(rows, as_json=as_json, title=f"within {days} days")


@keys.command("new")
def keys_new(
    institution: Annotated[str, typer.Argument()],
    name: Annotated[str, typer.Argument(help="Such as the person's code.")],
    folder: Annotated[Path, typer.Option("--keys", help="Folder of the keystore.")] = Path("keys"),
    as_json: Json = False,
) -> None:
    """Make a key of one's own, apart from any server, encrypted with a password."""
    from amanat.ledger.keystore import SCRYPT_STANDARD, Keystore

    with errors_in_lines(as_json=as_json):
        store = Keystore(folder, scrypt=SCRYPT_STANDARD)
        signer = store.create(institution, name, ask_password(confirm=True))
        print_answer({"key": f"{institution}/{name}", "address": signer.address}, as_json=as_json)


@keys.command("create")
def keys_create(
    institution: Annotated[str, typer.Argument(help="`installation` for a sending key.")],
    name: Annotated[str, typer.Argument(help="Such as the person's code.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a key of this installation, in its keystore or in the device that its settings name."""
    from amanat.app import Application
    from amanat.ledger.keystore import KeyExists

    with errors_in_lines(as_json=as_json):
        ring = Application(settings_of(data)).keys
        if ring.find(institution, name) is not None:
            raise KeyExists(name=f"{institution}/{name}")
        address = ring.create(institution, name)
        answer = {"key": f"{institution}/{name}", "address": address, "place": ring.place(address)}
        print_answer(answer, as_json=as_json)


@keys.command("rotate")
def keys_rotate(
    person: Annotated[
        str, typer.Argument(help="The person's code, or a sender: `operator`, `settlement`, ...")
    ],
    to: Annotated[str, typer.Option("--to", help="Address of the new key.")],
    reason: Reason = "rotation",
    coins: Annotated[
        int, typer.Option(min=0, help="A sender: coins of the network for the new key's fees.")
    ] = 0,
    lost: Annotated[
        bool, typer.Option("--lost", help="A sender: the former key signs nothing more.")
    ] = False,
    url: Url = None,
    data: Data = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """Take the next step of a rotation; call it again until the new key is in use.

    Steps: a quorum announces the new key; after the delay the change is carried out; then the
    person signs with the new key and the former one is revoked.  Each answer says who is awaited.
    """
    from amanat.ledger.sender_names import SENDER

    with errors_in_lines(as_json=as_json), _session(url, data, programme) as session:
        if SENDER.fullmatch(person):
            fields = {
                "key": to,
                "sender": person,
                "reason": reason,
                "endow_coins": coins,
                "former_lost": lost,
            }
            answer: Mapping[str, Any] = session.submit("AppointSender", fields, None)
        else:
            answer = next_step(session, person, to, reason)
        print_answer(answer, as_json=as_json)


def next_step(session: Session, person: str, to: str, reason: str) -> Mapping[str, Any]:
    """What a rotation needs next, submitted; or what it waits for."""
    rotation = {"person": person, "address": to, "reason": reason}
    try:
        return session.submit("RotateKey", rotation, None)
    except AmanatError as error:
        if error.code != "key_not_in_directory":
            raise
    word = to.lower().removeprefix("0x").rjust(64, "0")
    open_changes = [
        one
        for one in session.view("directory_changes", {})
        if one["subject"] == word and one["state"] in ("requested", "announced")
    ]
    if not open_changes:
        mine = [row for row in session.view("keys", {})["rows"] if row["holder"] == person]
        owner = mine[0]["institution"] if mine else None
        change = {"kind": "key", "key": to, "institution": owner, "reason": reason}
        return session.submit("AnnounceChange", change, None)
    change = open_changes[0]
    try:
        return session.submit("ExecuteChange", {"change": change["change"]}, None)
    except AmanatError as error:
        if error.code not in ("change_not_due", "change_state_forbids"):
            raise
        return {"state": change["state"], "change": change["change"], "due_at": change["due_at"]}


@keys.command("revoke")
def keys_revoke(
    address: Address,
    reason: Reason,
    url: Url = None,
    data: Data = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """Revoke a lost or stolen key of one's institution at once; another of its keys signs."""
    with errors_in_lines(as_json=as_json), _session(url, data, programme) as session:
        answer = session.submit("RevokeKey", {"key": address, "reason": reason}, None)
        print_answer(answer, as_json=as_json)


@keys.command("retire")
def keys_retire(
    address: Address,
    yes: Annotated[bool, typer.Option("--yes", help="Destroy without asking.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Destroy a key on this machine that is no longer used, in the keystore or its device.

    Refused while the register has it in use anywhere, or while it opens a share not yet released.
    """
    from amanat.access.key_register import USABLE, find_keys
    from amanat.app import Application
    from amanat.auctions.acts_shares import unreleased_with
    from amanat.store.migrate import migrate

    with errors_in_lines(as_json=as_json):
        application = Application(settings_of(data))
        migrate(application.engine)
        name = application.keys.name_of(address)
        with application.store.reading() as connection:
            for row in find_keys(connection, address):
                if row.state in USABLE:
                    where = row.programme or "the installation"
                    raise KeyStillUsable(key=address, state=row.state, programme=where)
            tenders = unreleased_with(connection, address)
        if tenders:
            raise KeyKeepsShares(key=address, tenders=", ".join(tenders))
        if not yes and not typer.confirm(f"Destroy {name} ({address}) for good?"):
            out.print("kept")
            raise typer.Exit(1)
        application.keys.destroy(address)
        print_answer({"key": name, "address": address, "state": "destroyed"}, as_json=as_json)


@keys.command("split")
def keys_split(
    output: Annotated[Path, typer.Argument(help="Folder for the parts: move each to its owner.")],
    parts: Annotated[int, typer.Option(min=2, max=32, help="How many parts.")] = 5,
    needed: Annotated[int, typer.Option(min=2, max=32, help="How many restore it.")] = 3,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Split `secrets/` into parts for different safes; fewer than needed tell nothing."""
    from amanat.keeping.shared_secrets import split

    with errors_in_lines(as_json=as_json):
        made = split(settings_of(data).data_dir / "secrets", parts, needed)
        named = {output / PART.format(number): one for number, one in enumerate(made, 1)}
        require_absent({*named, *output.glob(PART.format("*"))})  # nor parts of another splitting
        make_folder(output)
        write_together(named)
        answer = {"parts": parts, "needed": needed, "written": [str(one) for one in named]}
        print_answer(answer, as_json=as_json)


@keys.command("join")
def keys_join(
    parts: Annotated[list[Path], typer.Argument(help="As many parts as are needed, or more.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Restore `secrets/` from its parts, into a folder that has none of them."""
    from amanat.keeping.shared_secrets import restore

    with errors_in_lines(as_json=as_json):
        folder = settings_of(data).data_dir / "secrets"
        names = restore({str(one): bytes_of(one) for one in parts}, folder)
        print_answer({"folder": str(folder), "restored": names}, as_json=as_json)
