"""The command `amanat`: alone it shows the state and what one is likely to want next."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from amanat import __version__
from amanat.cli import acts, pilots, tools
from amanat.cli.terminal import data_folder, errors_in_lines, out, print_json, settings_of

EXIT_CODES = (
    "Exit codes: 0 done; 1 refused, one line for each rule; 2 wrong usage; 3 a part outside does "
    "not answer, try again; 4 two records of one fact disagree; 130 interrupted."
)

app = typer.Typer(
    name="amanat",
    help="Issue, auction, settle, service and prove state securities.",
    epilog=EXIT_CODES,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(acts.act)
app.command()(acts.view)
app.command()(acts.proposals)
app.command()(acts.approve)
app.command()(acts.withdraw)
app.command()(acts.requests)
app.command()(pilots.pilot)
app.command()(pilots.pilots)
app.command()(tools.serve)
app.command()(tools.sign)
app.add_typer(tools.ledger, name="ledger")
app.add_typer(tools.token, name="token")
app.add_typer(tools.keys, name="keys")


def _version(asked: bool) -> None:
    if asked:
        out.print(f"amanat {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def state(
    context: typer.Context,
    data: acts.Data = None,
    as_json: acts.Json = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    """Show the state of the installation and the three commands most likely wanted next."""
    del version
    if context.invoked_subcommand is not None:
        return
    with errors_in_lines(as_json=as_json):
        folder = data_folder(data)
        found = state_of(folder)
        if as_json:
            print_json(found)
            return
        _print_state(found)


def state_of(folder: Path) -> dict[str, Any]:
    """What there is in an installation's folder; nothing is started and nothing made."""
    if not (folder / "amanat.sqlite").exists():
        return {
            "data": str(folder),
            "programmes": [],
            "alarms": [],
            "next": [
                "amanat pilot pilots/NAME",
                "amanat serve",
                "amanat act",
            ],
        }
    # What a command works with is imported when it is carried out, so that help is there at once.
    import sqlalchemy as sql

    from amanat.access.tables import proposal
    from amanat.app import Application
    from amanat.ledger.tables import alarm, order

    application = Application(settings_of(folder))
    programmes = application.programmes()
    with application.store.reading() as connection:
        for one in programmes:
            code = one["code"]
            one["open_proposals"] = connection.execute(
                sql.select(sql.func.count())
                .select_from(proposal)
                .where(proposal.c.programme == code, proposal.c.state == "open")
            ).scalar_one()
            one["open_orders"] = connection.execute(
                sql.select(sql.func.count())
                .select_from(order)
                .where(order.c.programme == code, order.c.state.not_in(("done", "refused")))
            ).scalar_one()
        standing = sql.select(alarm.c.kind, alarm.c.subject, alarm.c.detail, alarm.c.raised_at)
        rows = connection.execute(
            standing.where(alarm.c.settled_at.is_(None)).order_by(alarm.c.raised_at)
        ).mappings()
        alarms = [dict(row) for row in rows]
    return {
        "data": str(folder),
        "programmes": programmes,
        "alarms": alarms,
        "next": _next(folder, programmes),
    }


def _next(folder: Path, programmes: list[dict[str, Any]]) -> list[str]:
    """Three commands, by what waits."""
    where = f"--data {folder}"
    likely = [f"amanat serve {where}"]
    if any(one["open_proposals"] for one in programmes):
        likely.append(f"amanat proposals {where}")
    if any(one["open_orders"] for one in programmes) and (folder / pilots.MARKER).exists():
        likely.append(f"amanat pilot FOLDER --resume {where}")
    likely += [
        f"amanat view programme {where}",
        f"amanat token issue PERSON {where}",
        f"amanat ledger fsck {where}",
    ]
    return likely[:3]


def _print_state(found: dict[str, Any]) -> None:
    if not found["programmes"]:
        out.print(f"No programme yet in {found['data']}.")
    else:
        table = Table(title=found["data"], title_justify="left")
        for name in ("programme", "name", "business date", "open proposals", "open orders"):
            table.add_column(name, justify="right" if name.startswith("open") else "left")
        for one in found["programmes"]:
            name = one["name"] + (" (simulation)" if one["simulation"] else "")
            table.add_row(
                one["code"],
                name,
                one["business_date"],
                str(one["open_proposals"]),
                str(one["open_orders"]),
            )
        out.print(table)
    for one in found["alarms"]:
        told = f"ALARM {one['kind']} of {one['subject']} since {one['raised_at']}: {one['detail']}"
        out.print(told, style="red", markup=False, highlight=False, soft_wrap=True)
    out.print("Next:")
    for command in found["next"]:
        out.print(f"  {command}", highlight=False)


def main() -> None:
    """The entry point of the command `amanat`."""
    app()
