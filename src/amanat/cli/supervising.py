"""Cases and reports to the FIU on the command line; `goaml check` needs no installation."""

from __future__ import annotations

import base64
import uuid
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from amanat.cli.acts import Data, Json, ProgrammeCode, Url
from amanat.cli.files import bytes_of, write_new
from amanat.cli.terminal import errors_in_lines, out, print_answer, print_json

if TYPE_CHECKING:
    from amanat.cli.session import Session

# What a command works with is imported when it is carried out, so that help is there at once.

cases = typer.Typer(help="Cases of your desk: the queue, one case, findings grouped.")
goaml = typer.Typer(help="Reports to the FIU: checked offline, batched, answered.")
CaseNumber = Annotated[str, typer.Argument(metavar="CASE", help="Its number, CAS-YYYY-NNNN.")]
Out = Annotated[Path, typer.Option("--to", help="The file to write; it must not exist.")]


def _session(url: str | None, data: Path | None, programme: str | None) -> Session:
    from amanat.cli.session import open_session

    return open_session(url, data, programme)


def _submit(session: Session, act: str, fields: dict[str, Any]) -> dict[str, Any]:
    outcome = session.submit(act, fields, f"cli-{uuid.uuid4()}")
    return dict(outcome["result"] or outcome)


# -- cases ----------------------------------------------------------------------------------------


@cases.command("list")
def case_list(
    state: Annotated[str, typer.Option(help="open or closed.")] = "open",
    data: Data = None,
    url: Url = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """The queue of your desk: overdue ones first, then the graver, then the older."""
    with errors_in_lines(as_json=as_json), _session(url, data, programme) as session:
        print_answer(session.view("cases", {"state": state}), as_json=as_json, title="cases")


@cases.command("show")
def case_show(
    case: CaseNumber,
    data: Data = None,
    url: Url = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """One case with its clocks, findings, timeline and transactions."""
    with errors_in_lines(as_json=as_json), _session(url, data, programme) as session:
        print_answer(session.view("case", {"case": case}), as_json=as_json, title=case)


@cases.command("group")
def case_group(
    data: Data = None,
    url: Url = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """Group alerts and hits that are in no case yet, one open case for each subject."""
    with errors_in_lines(as_json=as_json), _session(url, data, programme) as session:
        print_answer(_submit(session, "GroupFindings", {}), as_json=as_json, title="cases")


# -- goAML ----------------------------------------------------------------------------------------


@goaml.command("check")
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A report in goAML's XML.")],
    schema: Annotated[
        Path | None, typer.Option(help="The FIU's schema (XSD), as you received it.")
    ] = None,
    entity: Annotated[
        str | None, typer.Option(help="The number on goAML that is registered on that day.")
    ] = None,
    today: Annotated[
        str | None, typer.Option(help="The day on which it is submitted, YYYY-MM-DD; else today.")
    ] = None,
    jurisdiction: Annotated[str, typer.Option(help="Whose FIU.")] = "pk",
    as_json: Json = False,
) -> None:
    """Check a report offline against every rule of the FIU, and its schema; all problems at once.

    Leaves with 0 where it would be taken and with 1 where it would not.  Nothing is fetched.
    """
    from amanat.core.dates import date_from
    from amanat.jurisdictions.goaml import load_goaml
    from amanat.supervision.goaml.gate import Expected, problems
    from amanat.supervision.goaml.xml_in import load_schema

    with errors_in_lines(as_json=as_json):
        content = bytes_of(file)
        day = date_from(today) if today else date.today()
        found = problems(
            content,
            file.name,
            load_goaml(jurisdiction),
            Expected(day, entity),
            load_schema(schema) if schema else None,
        )
    if as_json:
        print_json(
            {
                "file": file.name,
                "taken": not found,
                "problems": [
                    {"rule": one.rule, "path": one.path, "line": one.line, "text": one.message}
                    for one in found
                ],
            }
        )
    for one in () if as_json else found:
        text = f"{file.name}:{one.line}: {one.path}: {one.message} [{one.rule}]"
        out.print(text, highlight=False, markup=False, soft_wrap=True)
    if found:
        raise typer.Exit(1)
    if not as_json:
        out.print(f"{file.name}: no problem was found", highlight=False, markup=False)


@goaml.command("read")
def read(
    report: Annotated[str, typer.Argument(metavar="REPORT", help="RPT-YYYY-NNNN, or a reference.")],
    to: Out,
    data: Data = None,
    url: Url = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """Write the XML of a report to a file; that it was read is journalled."""
    field = "report" if report.startswith("RPT-") else "reference"
    with errors_in_lines(as_json=as_json), _session(url, data, programme) as session:
        done = _submit(session, "ReadReport", {field: report})
        write_new(to, str(done.pop("xml")).encode())
        print_answer(done | {"file": str(to)}, as_json=as_json, title=report)


@goaml.command("batch")
def batch(
    day: Annotated[str, typer.Argument(metavar="DAY", help="YYYY-MM-DD.")],
    to: Out,
    data: Data = None,
    url: Url = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """Write the ZIP with all reports of yours that were submitted on a day."""
    with errors_in_lines(as_json=as_json), _session(url, data, programme) as session:
        done = _submit(session, "ReadBatch", {"day": day})
        write_new(to, base64.b64decode(done.pop("zip")))
        print_answer(done | {"file": str(to)}, as_json=as_json, title=day)


@goaml.command("answers")
def answers(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV of the FIU's answers.")],
    data: Data = None,
    url: Url = None,
    programme: ProgrammeCode = None,
    as_json: Json = False,
) -> None:
    """Record the FIU's acknowledgements and rejections, all or none.

    The columns are reference, outcome (accepted or rejected), fiu_number, reasons (parted by |).
    """
    from amanat.supervision.goaml.batches import answers_from

    with errors_in_lines(as_json=as_json):
        found = answers_from(bytes_of(file), file.name)
        stated = [one.model_dump(mode="json") for one in found]
        with _session(url, data, programme) as session:
            done = _submit(session, "RecordFiuAnswers", {"answers": stated})
        print_answer(done, as_json=as_json, title=file.name)
