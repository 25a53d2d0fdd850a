"""Licences on the command line: checking one offline, and the keys that sign them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from amanat.cli.acts import Data, Json, ProgrammeCode
from amanat.cli.terminal import errors_in_lines, out, print_answer, print_json, settings_of
from amanat.core.errors import AmanatError, Invalid, NotFound
from amanat.licensing.credentials import verifying
from amanat.licensing.credentials.licence import summary

if TYPE_CHECKING:
    from amanat.app import Application
    from amanat.store.uow import UnitOfWork

# What a command works with is imported when it is carried out, so that help is there at once.

licence = typer.Typer(help="Verifiable licences of providers.")


@licence.command()
def verify(
    what: Annotated[str, typer.Argument(metavar="FILE|TOKEN", help="What is to be checked.")],
    keys: Annotated[Path, typer.Option(help="The authority's published keys (JWKS).")],
    status_list: Annotated[
        list[Path] | None, typer.Option(help="A status list that was fetched; may be repeated.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="As of this time (ISO 8601 with zone) instead of now.")
    ] = None,
    audience: Annotated[
        str | None, typer.Option(help="For whom the holder must have proven their key.")
    ] = None,
    nonce: Annotated[str | None, typer.Option(help="By which nonce they must have.")] = None,
    as_json: Json = False,
) -> None:
    """Check a licence offline: a token, a file with one, or a certificate in PDF.

    Leaves with 0 where it holds and with 1 where it does not, saying why in one line.
    """
    with errors_in_lines(as_json=False):
        try:
            given = verifying.given(what, keys, status_list or [], at, audience, nonce)
            found = verifying.verify(given)
        except AmanatError as error:
            if not as_json:
                raise
            print_json(verifying.refusal(error))
            raise typer.Exit(verifying.REFUSED) from None
        if as_json:
            print_json(verifying.answer(found))
        else:
            out.print(summary(found), highlight=False, markup=False, soft_wrap=True)


keys = typer.Typer(help="The authority's keys for credentials and certificates.")
licence.add_typer(keys, name="key")

Issuer = Annotated[
    str | None,
    typer.Option(help="Address of the register, https://HOST/p/PROGRAMME; else AMANAT_ORIGIN's."),
]


class IssuerNotGiven(Invalid):
    """Credentials name their issuer by the address at which its keys are published."""

    template = (
        "Give --issuer https://HOST/p/{programme}, or set AMANAT_ORIGIN: where keys and status "
        "lists are published stands in every credential."
    )


def _installation(data: Path | None, programme: str | None) -> tuple[Application, str]:
    """The installation in the folder, not started, and its one programme or the one named."""
    from amanat.app import Application
    from amanat.store.migrate import migrate

    application = Application(settings_of(data))
    migrate(application.engine)
    codes = [one["code"] for one in application.programmes()]
    if programme is None and len(codes) == 1:
        return application, codes[0]
    if programme is None or programme not in codes:
        raise NotFound(thing="programme", value=programme or "named: give --programme")
    return application, programme


def _work(application: Application, programme: str) -> UnitOfWork:
    from amanat.store.journal import Provenance

    with application.store.reading() as connection:
        today = application.business_date(connection, programme)
    by = Provenance(programme, "installation", "operator", "operator", "folder", today)
    return application.store.work(by)


@keys.command("new")
def key_new(
    issuer: Issuer = None,
    programme: ProgrammeCode = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make another key; it signs from now on, and the one before it is retired.

    Where devices.toml keeps the authority's keys in a device, it is made there.
    """
    from amanat.licensing.credentials.book import make_key

    with errors_in_lines(as_json=as_json):
        application, code = _installation(data, programme)
        origin = application.settings.sign_in.origin
        where = issuer or (f"{origin}/p/{code}" if origin else None)
        if where is None:
            raise IssuerNotGiven(programme=code)
        with _work(application, code) as uow:
            now = application.store.clock()
            kid = make_key(uow, application.keys.p256, code, where.rstrip("/"), now)
            uow.commit()
        print_answer({"programme": code, "kid": kid, "issuer": where}, as_json=as_json)


@keys.command("list")
def key_list(programme: ProgrammeCode = None, data: Data = None, as_json: Json = False) -> None:
    """Every key that there ever was, with its place and its end."""
    from amanat.licensing.credentials.book import keys_of

    with errors_in_lines(as_json=as_json):
        application, code = _installation(data, programme)
        with application.store.reading() as connection:
            rows = [
                {
                    "kid": one.kid,
                    "place": one.place,
                    "issuer": one.issuer,
                    "created_at": one.created_at,
                    "retired_at": one.retired_at,
                    "revoked_at": one.revoked_at,
                    "reason": one.reason,
                }
                for one in keys_of(connection, code)
            ]
        print_answer(rows, as_json=as_json, title="credential keys")


@keys.command("publish")
def key_publish(programme: ProgrammeCode = None, data: Data = None) -> None:
    """Print the JWK set that verifiers keep; the same as /p/PROGRAMME/keys.json."""
    from amanat.licensing.credentials.book import key_set

    with errors_in_lines():
        application, code = _installation(data, programme)
        with application.store.reading() as connection:
            print_json({"keys": key_set(connection, code)})


@keys.command("end")
def key_end(
    kid: Annotated[str, typer.Argument(help="The key, as `amanat licence key list` names it.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the journal.")],
    revoke: Annotated[
        bool, typer.Option("--revoke", help="What it signed is void: it may be in other hands.")
    ] = False,
    programme: ProgrammeCode = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Retire a key, so that it signs nothing more; with --revoke, void all that it signed."""
    from amanat.licensing.credentials.book import end_key

    with errors_in_lines(as_json=as_json):
        application, code = _installation(data, programme)
        with _work(application, code) as uow:
            end_key(uow, code, kid, reason, application.store.clock(), revoke=revoke)
            uow.commit()
        print_answer({"kid": kid, "state": "revoked" if revoke else "retired"}, as_json=as_json)
