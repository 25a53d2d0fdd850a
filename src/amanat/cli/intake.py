"""Returns of exchanges: their specification, the check at home, and sending them."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from amanat.cli.acts import Data, Json, ProgrammeCode, Url
from amanat.cli.terminal import REFUSED, err, errors_in_lines, out, print_answer, print_json

# What a command works with is imported when it is carried out, so that help is there at once.

intake = typer.Typer(help="Returns of exchanges: specification, check at home, sending.")
Source = Annotated[Path, typer.Argument(help="Folder of the return, or a tar of its files.")]


@intake.command("specification")
def specification(
    folder: Annotated[
        Path | None, typer.Argument(help="Where to write page, schemas and examples.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the specification of returns, or write it with schemas and examples; needs nothing."""
    from amanat.jurisdictions.returns import load_returns
    from amanat.supervision.returns.publishing import page, schemas, write

    with errors_in_lines(as_json=as_json):
        if folder is not None:
            print_answer([str(one) for one in write(folder)], as_json=as_json)
        elif as_json:
            print_json(schemas())
        else:
            sys.stdout.write(page(load_returns("pk")))


@intake.command("check")
def check(
    path: Source,
    today: Annotated[
        str | None, typer.Option(help="The day on which it will be sent, YYYY-MM-DD; else today.")
    ] = None,
    pack: Annotated[
        Path | None, typer.Option(help="The authority's lists in TOML; else those shipped.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a return at home as intake will: all errors at once; leaves with 1 if there are any.

    Needs no installation, no network and no database.  What only the authority knows is checked
    there: the sequence, and whether a transaction was reported before.
    """
    from amanat.core.dates import date_from
    from amanat.jurisdictions.returns import load_returns, returns_of_file
    from amanat.supervision.returns.checking import Check, files_in

    with errors_in_lines(as_json=as_json), _files_of(path) as folder:
        lists = load_returns("pk") if pack is None else returns_of_file(pack)
        day = date.today() if today is None else date_from(today)
        files = files_in(folder)
        with Progress(
            SpinnerColumn(),
            *Progress.get_default_columns()[:2],
            TextColumn("{task.fields[said]}"),
            TimeElapsedColumn(),
            console=err,
            transient=True,
        ) as progress:
            size = sum(one.size for one in files.values())
            task = progress.add_task("checking", total=2 * size, said="")
            checked = Check(files, lists, day, told=lambda read: progress.advance(task, read)).run()
        if as_json:
            print_json(
                {
                    "sound": checked.sound,
                    "errors": checked.findings.count,
                    "by_rule": checked.findings.by_rule,
                    "shown": [one.as_json() for one in checked.findings.shown],
                    "rows": checked.rows,
                    "id_sum": str(checked.id_sum),
                }
            )
        else:
            _print_findings(checked)
    if not checked.sound:
        sys.exit(REFUSED)


def _print_findings(checked: Any) -> None:
    findings = checked.findings
    for one in findings.shown:
        err.print(Text(str(one), style="red"), soft_wrap=True, highlight=False)
    if findings:
        told = ", ".join(f"{name} {count:,}" for name, count in findings.by_rule.items())
        err.print(f"{findings.count:,} errors: {told}", soft_wrap=True, highlight=False)
        return
    rows = ", ".join(f"{count:,} {name}" for name, count in checked.rows.items())
    out.print(f"No errors: {rows}.", highlight=False, soft_wrap=True)
    complete = checked.completeness
    out.print(f"Wanted values that are there: {complete // 10}.{complete % 10} %", highlight=False)


@intake.command("send")
def send(
    path: Source,
    stream: Annotated[
        bool, typer.Option("--stream", help="As one stream of NDJSON; its files must be NDJSON.")
    ] = False,
    data: Data = None,
    url: Url = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """Send a return and print its receipt; the same return again is answered with the first one."""
    from amanat.cli.returns_sent import sent

    with errors_in_lines(as_json=as_json), _files_of(path) as folder:
        with Progress(console=err, transient=True) as progress:
            progress.add_task("sending", total=None)
            receipt = sent(folder, url, data, programme, stream=stream)
        print_answer(receipt, as_json=as_json, title="receipt")


@contextmanager
def _files_of(path: Path) -> Iterator[Path]:
    """The folder of a return: as it is, or a tar unpacked for as long as it is looked at.

    Refuses, in order: `NotFound`, `ReturnUnreadable`.
    """
    from amanat.core.errors import NotFound
    from amanat.jurisdictions.returns import load_returns
    from amanat.supervision.returns.contents import plain_into
    from amanat.supervision.returns.receiving import unpack

    if path.is_dir():
        yield path
        return
    if not path.is_file():
        raise NotFound(thing="return", value=str(path))
    with tempfile.TemporaryDirectory(prefix="amanat-return-") as made, path.open("rb") as file:
        unpack(file, plain_into(Path(made)), load_returns("pk").limits.file_mib_max << 20)
        yield Path(made)
