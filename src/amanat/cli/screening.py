"""Screening on the command line: lists checked and taken in, parties screened, the queue."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from amanat.cli.acts import Data, Json, ProgrammeCode, Url
from amanat.cli.terminal import err, errors_in_lines, print_answer
from amanat.core.errors import Invalid, NotFound

if TYPE_CHECKING:
    from amanat.cli.session import Session
    from amanat.supervision.screening.lists.reading import ReadList

# What a command works with is imported when it is carried out, so that help is there at once.

screening = typer.Typer(help="Lists of sanctions, hits and freezes.")
ListCode = Annotated[str, typer.Argument(metavar="LIST", help="un, nacta, ofac, wallets, pep …")]
ListFile = Annotated[Path, typer.Argument(metavar="FILE", help="The list as it was published.")]
_CUSTOMERS_AT_ONCE = 5_000


class DayNotKnown(Invalid):
    """A version has a day: the file's own, or the one that is given."""

    template = "{file} does not say of which day it is: give --dated-on YYYY-MM-DD."


def _read(code: str, path: Path) -> tuple[bytes, ReadList]:
    from amanat.jurisdictions.screening import load_screening
    from amanat.supervision.screening.versions import read

    if not path.is_file():
        raise NotFound(thing="list", value=str(path))
    content = path.read_bytes()
    return content, read(load_screening().list_kind(code), content)


@contextmanager
def _told(what: str) -> Iterator[None]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        progress.add_task(what, total=None)
        yield


@screening.command("check")
def check(code: ListCode, path: ListFile, as_json: Json = False) -> None:
    """Read a list offline and say what is on it; or all that is wrong with it."""
    with errors_in_lines(as_json=as_json):
        _content, found = _read(code, path)
        answer = {
            "digest": found.digest,
            "dated_on": found.dated_on.isoformat() if found.dated_on else None,
            "entries": len(found.subjects),
            **found.counts(),
        }
        print_answer(answer, as_json=as_json, title=code)


@screening.command("take-in")
def take_in(
    code: ListCode,
    path: ListFile,
    dated_on: Annotated[
        str | None, typer.Option(help="The list's day, YYYY-MM-DD; else the one it carries.")
    ] = None,
    taken_off: Annotated[
        int | None, typer.Option(help="Entries that the publisher took off, where they are many.")
    ] = None,
    data: Data = None,
    url: Url = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """Take in a version of a list, then screen everybody whom it concerns."""
    from amanat.core.dates import date_from

    with errors_in_lines(as_json=as_json):
        content, found = _read(code, path)
        day: date | None = date_from(dated_on) if dated_on else found.dated_on
        if day is None:
            raise DayNotKnown(file=path.name)
        fields = {
            "list": code,
            "dated_on": day.isoformat(),
            "content": base64.b64encode(content).decode(),
            "taken_off": taken_off,
        }
        with _session(url, data, programme) as session, _told("screening"):
            answer = session.submit("TakeInList", fields, f"cli-{uuid.uuid4()}")["result"]
            while answer.get("parties_behind"):
                further = _rescreened(session, everybody=False)
                for name in ("hits_new", "hits_gone", "hits_reopened"):
                    answer[name] = [*answer[name], *further[name]]
                answer["parties_behind"] = further["parties_behind"]
                if not further["parties"]:
                    break
        print_answer(answer, as_json=as_json, title=code)


@screening.command("rescreen")
def rescreen(
    everybody: Annotated[
        bool, typer.Option("--everybody", help="Providers and their people, changed or not.")
    ] = False,
    data: Data = None,
    url: Url = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """Screen all whom changes concern, in parts, until nobody waits."""
    with errors_in_lines(as_json=as_json):
        total: dict[str, Any] = {}
        with _session(url, data, programme) as session, _told("screening"):
            while True:
                answer = _rescreened(session, everybody=everybody and not total)
                for name in ("parties", "hits_new", "hits_gone", "hits_reopened"):
                    total[name] = total[name] + answer[name] if name in total else answer[name]
                total["parties_behind"] = answer["parties_behind"]
                if not answer["parties_behind"] or not answer["parties"]:
                    break
        print_answer(total, as_json=as_json, title="rescreen")


@screening.command("hits")
def hits(
    state: Annotated[str, typer.Option(help="open, true_match, false_match, gone.")] = "open",
    data: Data = None,
    url: Url = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """The queue: by grade, the strongest evidence first."""
    with errors_in_lines(as_json=as_json), _session(url, data, programme) as session:
        shown = session.view("screening_hits", {"state": state})
        print_answer(shown, as_json=as_json, title="hits")


def _session(url: str | None, data: Path | None, programme: str | None) -> Session:
    from amanat.cli.session import open_session

    return open_session(url, data, programme)


def _rescreened(session: Session, *, everybody: bool) -> dict[str, Any]:
    fields = {"everybody": everybody, "customers_max": _CUSTOMERS_AT_ONCE}
    result: dict[str, Any] = session.submit("Rescreen", fields, f"cli-{uuid.uuid4()}")["result"]
    return result
