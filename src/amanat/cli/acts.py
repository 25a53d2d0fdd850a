"""Acts, views and proposals, for all that the rooms declare."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

import typer
from rich.table import Table

from amanat.cli.files import json_of, text_of, write
from amanat.cli.terminal import errors_in_lines, out, print_answer, print_effects, print_json
from amanat.core.errors import Invalid, NotFound

if TYPE_CHECKING:
    from pydantic import BaseModel

    from amanat.access.acts import ActKind, ViewKind
    from amanat.cli.session import Session

# What a command works with is imported when it is carried out, so that help is there at once.

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]
Data = Annotated[
    Path | None, typer.Option("--data", help="Folder of the installation (AMANAT_DATA).")
]
Url = Annotated[str | None, typer.Option("--url", help="A server to ask instead (AMANAT_URL).")]
ProgrammeCode = Annotated[
    str | None, typer.Option("--programme", help="Which programme (AMANAT_PROGRAMME).")
]
Fields = Annotated[
    list[str] | None,
    typer.Argument(
        help="name=value ...; a value that begins with [ or { is JSON, but where a text is asked."
    ),
]


Requests = Annotated[
    list[Path] | None,
    typer.Option("--request", help="A signing request that was signed elsewhere."),
]
Signed = Annotated[
    list[Path] | None,
    typer.Option("--signature", help="The signature that was brought back for it."),
]


class FieldUnreadable(Invalid):
    """A field is written name=value; lists and tables are JSON."""

    template = "{field}: {reason}."


def _acts() -> Mapping[str, ActKind]:
    """Every act that the rooms declare."""
    from amanat.access.acts import ACTS
    from amanat.app import declare_rooms

    declare_rooms()
    return ACTS


def _views() -> Mapping[str, ViewKind]:
    """Every view that the rooms declare."""
    from amanat.access.acts import VIEWS
    from amanat.app import declare_rooms

    declare_rooms()
    return VIEWS


def _open_session(url: str | None, data: Path | None, programme: str | None) -> Session:
    from amanat.cli.session import open_session

    return open_session(url, data, programme)


def complete_act(incomplete: str) -> list[str]:
    """Names of acts that begin so, for the shell."""
    return sorted(name for name in _acts() if name.startswith(incomplete))


def complete_view(incomplete: str) -> list[str]:
    """Names of views that begin so, for the shell."""
    return sorted(name for name in _views() if name.startswith(incomplete))


def read_fields(
    given: list[str] | None, file: Path | None = None, asked: type[BaseModel] | None = None
) -> dict[str, Any]:
    """The fields of a command or query: those of a JSON file, then those of the command line.

    What `asked` takes as a text stays one, however it begins: a rule in JSON, a note in brackets.
    Refuses as `amanat.cli.files.json_of`, then `FieldUnreadable`.
    """
    texts = _texts_of(asked)
    fields: dict[str, Any] = {}
    if file is not None:
        fields |= json_of(file)
    for one in given or []:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise FieldUnreadable(field=one, reason="write name=value")
        fields[name] = value if name in texts else _value(name, value)
    return fields


def _texts_of(asked: type[BaseModel] | None) -> set[str]:
    """The fields that are a text, or a text or nothing."""
    if asked is None:
        return set()
    return {name for name, one in asked.model_fields.items() if _is_text(one.annotation)}


def _is_text(kind: Any) -> bool:
    if get_origin(kind) is Annotated:
        return _is_text(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return all(_is_text(one) for one in get_args(kind) if one is not NoneType)
    return kind is str


def _value(name: str, value: str) -> Any:
    if value[:1] not in ("[", "{"):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise FieldUnreadable(field=name, reason=f"not JSON: {error}") from None


def act(
    name: Annotated[
        str | None, typer.Argument(help="The act.", autocompletion=complete_act)
    ] = None,
    fields: Fields = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="JSON file with the command's fields.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key; the same key never acts twice.")
    ] = None,
    request: Requests = None,
    signature: Signed = None,
    data: Data = None,
    url: Url = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """Propose or carry out an act.  Without a name: all acts; without fields: what it takes.

    A part of your own that is signed elsewhere is given with --request and --signature.
    """
    with errors_in_lines(as_json=as_json):
        acts = _acts()
        if name is None:
            _list({one: kind.summary for one, kind in acts.items()}, as_json)
            return
        if name not in acts:
            raise NotFound(thing="act", value=name)
        command = acts[name].command
        if not fields and file is None and command.model_fields:
            _describe(name, acts[name].summary, command, as_json)
            return
        stated = read_fields(fields, file, command)
        given = _signatures(request or [], signature or [])
        with _open_session(url, data, programme) as session:
            outcome = session.submit(name, stated, key or f"cli-{uuid.uuid4()}")
            if given and outcome["state"] == "proposed":
                outcome = session.approve(outcome["proposal"], given, None)
            if outcome["state"] == "proposed" and not as_json:
                print_effects(session.view("proposal", {"proposal": outcome["proposal"]}))
        print_answer(outcome, as_json=as_json, title=name)


def view(
    name: Annotated[
        str | None, typer.Argument(help="The view.", autocompletion=complete_view)
    ] = None,
    fields: Fields = None,
    full: Annotated[
        bool, typer.Option("--full", help="Show whole what the view abbreviates: full=true.")
    ] = False,
    data: Data = None,
    url: Url = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """Ask a view.  Without a name: all views, and which need no token."""
    with errors_in_lines(as_json=as_json):
        views = _views()
        if name is None:
            _list_views(views, as_json)
            return
        if name not in views:
            raise NotFound(thing="view", value=name)
        stated = read_fields(fields, asked=views[name].query) | ({"full": "true"} if full else {})
        with _open_session(url, data, programme) as session:
            shown = session.view(name, stated)
        print_answer(shown, as_json=as_json, title=name)


def proposals(
    state: Annotated[str, typer.Option(help="open, carried_out or withdrawn.")] = "open",
    data: Data = None,
    url: Url = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """Proposals of your institution, and those that wait for it."""
    with errors_in_lines(as_json=as_json), _open_session(url, data, programme) as session:
        print_answer(session.view("proposals", {"state": state}), as_json=as_json)


def approve(
    proposal: Annotated[str, typer.Argument(help="Its id.")],
    request: Requests = None,
    signature: Signed = None,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without being asked.")] = False,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key; the same key never approves twice.")
    ] = None,
    data: Data = None,
    url: Url = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """Give your institution's approval; the last one carries the act out.

    What the act would do is shown first, and on a terminal you are asked before it is signed.
    """
    with errors_in_lines(as_json=as_json):
        given = _signatures(request or [], signature or [])
        with _open_session(url, data, programme) as session:
            if not as_json:
                print_effects(session.view("proposal", {"proposal": proposal}))
                if sys.stdin.isatty() and not yes:
                    typer.confirm("Approve and sign?", abort=True, err=True)
            print_answer(session.approve(proposal, given, key), as_json=as_json)


def _signatures(requests: list[Path], signatures: list[Path]) -> Mapping[str, bytes]:
    if len(requests) != len(signatures):
        reason = f"{len(requests)} requests and {len(signatures)} signatures do not pair"
        raise FieldUnreadable(field="--request", reason=reason)
    from amanat.ledger.signers import read_request, read_signature

    given = {}
    for asked, answered in zip(requests, signatures, strict=True):
        one = read_request(text_of(asked))
        signed = str(one["digest"]).removeprefix("0x")
        given[signed] = read_signature(text_of(answered), one)
    return given


def withdraw(
    proposal: Annotated[str, typer.Argument(help="Its id.")],
    data: Data = None,
    url: Url = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """Withdraw your institution's own open proposal."""
    with errors_in_lines(as_json=as_json), _open_session(url, data, programme) as session:
        print_answer(session.withdraw(proposal), as_json=as_json)


def requests(
    proposal: Annotated[str, typer.Argument(help="Its id.")],
    signer: Annotated[str, typer.Argument(help="Address of the key that is elsewhere.")],
    folder: Annotated[Path, typer.Argument(help="Where to write the files.")] = Path("."),
    data: Data = None,
    url: Url = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """Write what a proposal still has to have signed as files to take to `amanat sign`."""
    from amanat.ledger.signers import signing_request

    with errors_in_lines(as_json=as_json):
        with _open_session(url, data, programme) as session:
            shown = session.view("proposal", {"proposal": proposal})
        written = []
        for place, need in enumerate(shown["requirements"]):
            if need["met_at"] is not None:
                continue
            asked = signing_request(
                signer=signer,
                purpose=f"{shown['act']} {proposal}",
                typed_data=need["shows"],
                digest=bytes.fromhex(str(need["signs"]).removeprefix("0x")),
            )
            path = folder / f"{proposal}-{place}.request.json"
            write(path, f"{json.dumps(asked, indent=2)}\n".encode())
            written.append(str(path))
        print_answer(written, as_json=as_json)


def _list(entries: Mapping[str, str], as_json: bool) -> None:
    if as_json:
        print_json([{"name": name, "summary": entries[name]} for name in sorted(entries)])
        return
    table = Table("name", "what it does", title_justify="left")
    for name in sorted(entries):
        table.add_row(name, entries[name])
    out.print(table)


def _list_views(views: Mapping[str, ViewKind], as_json: bool) -> None:
    """Every view of the published catalogue, and which are shown without a token."""
    named = [views[name] for name in sorted(views)]
    if as_json:
        print_json(
            [{"name": one.name, "summary": one.summary, "public": one.public} for one in named]
        )
        return
    table = Table("name", "public", "what it shows", title_justify="left")
    for one in named:
        table.add_row(one.name, "yes" if one.public else "", one.summary)
    out.print(table)


def _describe(name: str, summary: str, model: type[BaseModel], as_json: bool) -> None:
    if as_json:
        print_json(model.model_json_schema())
        return
    table = Table("field", "form", "needed", title=f"{name}: {summary}", title_justify="left")
    schema = model.model_json_schema()
    needed = set(schema.get("required", ()))
    for field, form in schema.get("properties", {}).items():
        table.add_row(field, _form(form), "yes" if field in needed else "")
    out.print(table)


def _form(form: Mapping[str, Any]) -> str:
    """A field's JSON schema in a few words."""
    if "$ref" in form:
        return str(form["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in form:
        return " or ".join(_form(one) for one in form["anyOf"])
    words = str(form.get("format") or form.get("type") or "value")
    if form.get("type") == "array":
        return f"list of {_form(form.get('items', {}))}"
    return words
