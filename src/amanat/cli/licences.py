"""Licences on the command line: checking one offline, and the keys that sign them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from amanat.cli.acts import Json
from amanat.cli.terminal import errors_in_lines, out, print_json
from amanat.core.errors import AmanatError
from amanat.licensing import verifying
from amanat.licensing.credentials import summary

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
