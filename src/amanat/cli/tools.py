"""The server, keys and tokens, signing offline, and the check of the ledger."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer
from rich.progress import Progress

from amanat.cli.acts import Data, Json, ProgrammeCode
from amanat.cli.files import text_of, write
from amanat.cli.terminal import (
    CORRUPT,
    REFUSED,
    err,
    errors_in_lines,
    out,
    print_answer,
    print_json,
    settings_of,
)
from amanat.core.errors import Invalid, NotFound

if TYPE_CHECKING:
    import sqlalchemy as sql

    from amanat.app import Application

# What a command works with is imported when it is carried out, so that help is there at once.

token = typer.Typer(help="Personal tokens for the API and this command line.")
ledger = typer.Typer(help="The ledger itself.")

KeyFolder = Annotated[Path, typer.Option("--keys", help="Folder of the keystore.")]


class CertificateUnusable(Invalid):
    """A server shows a certificate and holds its private key, both PEM."""

    template: ClassVar[str] = "TLS cannot be served with {certificate} and {key}: {reason}."


def serve(
    data: Data = None,
    host: Annotated[
        str | None, typer.Option(help="Another than loopback needs TLS; else AMANAT_HOST.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Else AMANAT_PORT.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="TLS certificate, PEM.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
) -> None:
    """Serve the pages and the API, and follow the ledger meanwhile.

    Log lines go to standard error, one JSON object each.
    """
    from amanat.app import Application
    from amanat.observing import logs, tracing
    from amanat.web.server import serve as serve_faces

    with errors_in_lines():
        settings = settings_of(data)
        serving = settings.serving
        host, port = host or serving.host, serving.port if port is None else port
        certificate, key = certificate or serving.certificate, key or serving.certificate_key
        if certificate is not None:
            require_certificate(certificate, key)
        if err.is_terminal:
            scheme = "https" if certificate else "http"
            err.print(f"{settings.data_dir}: {scheme}://{host}:{port} (Ctrl-C ends it)")
        logs.begin(serving.log_level)
        if serving.traces:
            tracing.begin_to(serving.traces, serving.traces_percent / 100)
        try:
            with Application(settings) as application:
                serve_faces(application, host, port, certificate=certificate, key=key)
        finally:
            tracing.end()


def require_certificate(certificate: Path, key: Path | None) -> None:
    """Refuse `CertificateUnusable` for what no TLS could be served with, before all is started."""
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:
        raise CertificateUnusable(
            certificate=certificate, key=key or "its own key", reason=error.strerror or str(error)
        ) from None


@ledger.command()
def fsck(data: Data = None, as_json: Json = False) -> None:
    """Compare contracts, index, journal and permissions; leaves with 4 where two of them differ."""
    from amanat.app import Application

    with errors_in_lines(as_json=as_json):
        with Application(settings_of(data)) as application:
            application.pump()
            with Progress(console=err, transient=True) as progress:
                tasks = {}

                def tell(what: str, done: int, count: int) -> None:
                    if what not in tasks:
                        tasks[what] = progress.add_task(what, total=count)
                    progress.update(tasks[what], completed=done, total=count)

                differences = application.check(tell)
        if as_json:
            print_json([str(one) for one in differences])
        for one in differences if not as_json else ():
            out.print(str(one), highlight=False)
        if differences:
            sys.exit(CORRUPT)
        if not as_json:
            out.print("Contracts, index and journal agree.")


@ledger.command()
def resume(data: Data = None, as_json: Json = False) -> None:
    """Follow the chain again after the index stopped with an alarm and a person has looked.

    Where the reason still holds it stops again at once, and this leaves with 4.
    """
    from amanat.app import Application

    with errors_in_lines(as_json=as_json):
        with Application(settings_of(data)) as application:
            reason = application.ledger.indexer.resume()
            application.ledger.follow()
            height = application.ledger.indexer.height()
        print_answer({"stopped_for": reason, "height": height}, as_json=as_json)


@ledger.command()
def install(as_json: Json = False) -> None:
    """Fetch the embedded node, pinned and locked; a clone has it from `make` already."""
    from amanat.ledger.node import PARTS_FOLDER, install_parts

    with errors_in_lines(as_json=as_json):
        print_answer({"installed": str(install_parts(PARTS_FOLDER))}, as_json=as_json)


@token.command("issue")
def token_issue(
    who: Annotated[str, typer.Argument(help="Code of the person.")],
    programme: ProgrammeCode = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="Days that it is valid.")] = 30,
    bare: Annotated[bool, typer.Option("--bare", help="Print nothing but the token.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Issue a token, shown once.  For the operator, who has the installation's folder."""
    from amanat.access import by_operator

    with errors_in_lines(as_json=as_json):
        application, code = _installation(data, who, programme)
        text = by_operator.issue_token(
            application.store, application.business_date, code, who, timedelta(days=days)
        )
        if bare and not as_json:
            out.print(text, highlight=False, soft_wrap=True)
            return
        print_answer(
            {"person": who, "programme": code, "token": text, "days": days}, as_json=as_json
        )


@token.command("revoke")
def token_revoke(
    who: Annotated[str, typer.Argument(help="Code of the person.")],
    programme: ProgrammeCode = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Revoke every token of a person at once, and end the sessions begun with them."""
    from amanat.access import by_operator

    with errors_in_lines(as_json=as_json):
        application, code = _installation(data, who, programme)
        count = by_operator.revoke_tokens(application.store, application.business_date, code, who)
        print_answer({"person": who, "programme": code, "revoked": count}, as_json=as_json)


def invite(
    who: Annotated[str, typer.Argument(help="Code of the person.")],
    programme: ProgrammeCode = None,
    hours: Annotated[int, typer.Option(min=1, max=168, help="Hours that it is valid.")] = 24,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Invite a person to register a passkey, by a link that serves once.

    For the operator, who has the installation's folder; institutions invite by `InvitePerson`.
    """
    from amanat.access import by_operator

    with errors_in_lines(as_json=as_json):
        application, code = _installation(data, who, programme)
        path = by_operator.invite(
            application.store, application.business_date, code, who, timedelta(hours=hours)
        )
        origin = application.settings.sign_in.origin or "http://localhost:8000"
        answer = {"person": who, "programme": code, "link": origin + path, "hours": hours}
        print_answer(answer, as_json=as_json)


def _installation(data: Path | None, who: str, programme: str | None) -> tuple[Application, str]:
    """The installation in the folder, not started, and the programme of the person."""
    from amanat.app import Application
    from amanat.store.migrate import migrate

    application = Application(settings_of(data))
    migrate(application.engine)
    with application.store.reading() as connection:
        return application, programme or _programme_of(connection, who)


def _programme_of(connection: sql.Connection, who: str) -> str:
    """The one programme in which there is such a person; refuses `NotFound`."""
    import sqlalchemy as sql

    from amanat.access.tables import person
    from amanat.cli.session import ProgrammeNotNamed

    found = sorted(
        connection.execute(sql.select(person.c.programme).where(person.c.code == who)).scalars()
    )
    if not found:
        raise NotFound(thing="person", value=who)
    if len(found) > 1:
        raise ProgrammeNotNamed(known=", ".join(found))
    return str(found[0])


def ask_password(*, confirm: bool) -> str:
    """The password of a key file, as its owner types it."""
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=confirm))


def ask_to_sign(*, yes: bool) -> None:
    """Leave with 1 unless whoever sees what is to be signed says yes, or said so before."""
    if not yes and not typer.confirm("Sign this?"):
        err.print("not signed")
        raise typer.Exit(REFUSED)


def sign(
    request: Annotated[Path, typer.Argument(help="A signing request, see `amanat requests`.")],
    institution: Annotated[str, typer.Argument()],
    name: Annotated[str, typer.Argument(help="The key.")],
    folder: KeyFolder = Path("keys"),
    devices: Annotated[
        Path | None, typer.Option("--devices", help="devices.toml: the key is in a device.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", help="Else beside it.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Sign a request offline: with the key file and its password, or in a device with its PIN."""
    from amanat.ledger.devices import read_devices
    from amanat.ledger.keyring import KeyRing
    from amanat.ledger.keystore import Keystore
    from amanat.ledger.signers import KeyNotHeld, Signer, read_request, sign_request

    with errors_in_lines(as_json=as_json):
        asked = read_request(text_of(request))
        if not as_json:
            out.print_json(json.dumps(asked))
        ask_to_sign(yes=yes)
        if devices is None:
            password = ask_password(confirm=False)
            signer: Signer = Keystore(folder).open(institution, name, password)
        else:
            ring = KeyRing(Keystore(folder), "", read_devices(devices))
            address = ring.find(institution, name)
            if address is None:
                raise KeyNotHeld(holder=f"{institution}/{name}")
            signer = ring.signer(address)
        answer = sign_request(asked, signer)
        path = output or request.with_suffix(".signature.json")
        write(path, f"{json.dumps(answer, indent=2)}\n".encode())
        print_answer(answer | {"written": str(path)}, as_json=as_json)
