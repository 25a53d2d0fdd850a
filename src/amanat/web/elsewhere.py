"""Signing with a key that is not on this server: what is to be signed, and its signature back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import FormData, UploadFile

from amanat.access.actors import Actor
from amanat.core.errors import NotFound
from amanat.ledger.signers import RequestInvalid, digest_answered, read_signature, signing_request
from amanat.web.guard import require_own_origin
from amanat.web.pages import Pages, parts_to_sign
from amanat.web.sign_in import require_session

_SIGNATURES_MAX = 16


async def signed_form_of(request: Request) -> tuple[FormData, list[str]]:
    """The posted form and the texts of the signature files with it; refuses `FormNotOurs`."""
    require_own_origin(request)
    form = await request.form(max_files=_SIGNATURES_MAX, max_fields=20)
    files = [one for one in form.getlist("signature_file") if isinstance(one, UploadFile)]
    return form, [(await one.read()).decode("utf-8", "replace") for one in files]


SignedForm = Annotated[tuple[FormData, list[str]], Depends(signed_form_of)]


def add_routes(routes: APIRouter, pages: Pages) -> None:
    """The download of what an approver signs elsewhere."""

    @routes.get("/p/{programme}/proposals/{identifier}/requests/{place}")
    def to_sign(request: Request, programme: str, identifier: str, place: int) -> Response:
        actor = require_session(pages, request, programme).actor
        shown = pages.look(request, programme, "proposal", {"proposal": identifier})
        for part in parts_to_sign(shown, actor):
            if part["place"] == place:
                name = f'attachment; filename="{identifier}-{place}.request.json"'
                return JSONResponse(_request(shown, part), headers={"Content-Disposition": name})
        raise NotFound(thing="part to sign", value=str(place))


def _request(shown: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """What is taken to where the key is, as `amanat sign` reads it."""
    return signing_request(
        signer=str(part["signer"]),
        purpose=f"{shown['act']} {shown['proposal']}",
        typed_data=part["shows"],
        digest=bytes.fromhex(str(part["signs"]).removeprefix("0x")),
    )


def signatures_of(
    shown: Mapping[str, Any], actor: Actor, form: FormData, brought: Sequence[str]
) -> dict[str, bytes]:
    """The signatures that were pasted or uploaded, each for a part that its sender may sign.

    Refuses `RequestInvalid`: none was given, one is unreadable, or is for something else.
    """
    if "elsewhere" not in form:
        return {}
    given = [one for one in (str(form.get("signature", "")), *brought) if one.strip()]
    if not given:
        raise RequestInvalid(field="signature", reason="paste it or choose its file")
    asked = [_request(shown, part) for part in parts_to_sign(shown, actor)]
    by_digest = {str(one["digest"]): one for one in asked}
    found = {}
    for text in given:
        answer = by_digest.get(digest_answered(text))
        if answer is None:
            raise RequestInvalid(field="digest", reason="the signature is for another request")
        signature = read_signature(text, answer)
        found[str(answer["digest"]).removeprefix("0x")] = signature
    return found
