"""The command `amanat`: alone it shows the state and what one is likely to want next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from amanat import __version__
from amanat.cli import (
    acts,
    contingency,
    detection,
    following,
    intake,
    keeping,
    keys,
    letters,
    licences,
    monitoring,
    networks,
    operations,
    pilots,
    reminders,
    screening,
    sealing,
    supervising,
    tools,
)
from amanat.cli.terminal import data_folder, errors_in_lines, out, print_json, settings_of
from amanat.core.errors import Unavailable

if TYPE_CHECKING:
    import sqlalchemy as sql

# What a command works with is imported when it is carried out, so that help is there at once.

EXIT_CODES = (
    "Exit codes: 0 done; 1 refused, one line for each rule; 2 wrong usage; 3 a part outside does "
    "not answer, try again; 4 two records of one fact disagree; 130 interrupted."
)


class DatabaseUnavailable(Unavailable):
    """The database of the installation does not answer, or does not let us in."""


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
app.command()(tools.invite)
app.command()(tools.sign)
app.command()(sealing.seal)
app.command()(operations.doctor)
app.command()(reminders.remind)
app.command()(following.follow)
app.command()(keeping.restore)
app.command()(keeping.rebuild)
app.add_typer(operations.config, name="config")
app.add_typer(tools.ledger, name="ledger")
app.add_typer(tools.token, name="token")
app.add_typer(keys.keys, name="keys")
app.add_typer(networks.network, name="network")
app.add_typer(keeping.backup, name="backup")
app.add_typer(contingency.contingency, name="contingency")
app.add_typer(letters.letters, name="letters")
app.add_typer(licences.licence, name="licence")
app.add_typer(detection.detection, name="detection")
app.add_typer(monitoring.monitoring, name="monitoring")
app.add_typer(intake.intake, name="intake")
app.add_typer(screening.screening, name="screening")
app.add_typer(supervising.cases, name="cases")
app.add_typer(supervising.goaml, name="goaml")


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
    """What there is in an installation, whichever database it uses.

    Nothing is started and nothing made.  Raises `SettingInvalid`, `DatabaseNotSupported`,
    `DatabaseUnavailable`.
    """
    settings = settings_of(folder)
    held = _in_files(settings.database_url)
    found: dict[str, Any] = {"data": str(folder), "database": _named(settings.database_url)}
    if held is None or held.exists():
        programmes, alarms = _look(settings.database_url)
    else:
        programmes, alarms = [], []
    if not programmes:
        likely = ["amanat pilot pilots/NAME", f"amanat serve --data {folder}", "amanat act"]
    else:
        likely = _next(folder, programmes)
    return found | {"programmes": programmes, "alarms": alarms, "next": likely}


def _in_files(url: str) -> Path | None:
    """The file of a SQLite database; None where a server keeps it."""
    import sqlalchemy as sql

    parts = sql.make_url(url)
    return Path(parts.database or "") if parts.get_backend_name() == "sqlite" else None


def _named(url: str) -> str:
    """The database as it may be shown: without its password."""
    import sqlalchemy as sql

    return sql.make_url(url).render_as_string(hide_password=True)


def _look(url: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Programmes with what is open in each, and alarms that stand; none before the first start."""
    import sqlalchemy as sql

    from amanat.ledger.tables import alarm
    from amanat.store.engine import open_engine

    engine = open_engine(url)
    try:
        opened = engine.connect()
    except sql.exc.DBAPIError as error:
        raise DatabaseUnavailable(f"{_named(url)} does not let us in: {error.orig}") from None
    try:
        with opened.execution_options(reads_only=True) as connection:
            if not sql.inspect(connection).has_table(alarm.name):
                return [], []
            standing = sql.select(alarm.c.kind, alarm.c.subject, alarm.c.detail, alarm.c.raised_at)
            rows = connection.execute(
                standing.where(alarm.c.settled_at.is_(None)).order_by(alarm.c.raised_at)
            ).mappings()
            alarms = [dict(row) for row in rows]
            return _programmes(connection), alarms
    finally:
        engine.dispose()


def _programmes(connection: sql.Connection) -> list[dict[str, Any]]:
    import sqlalchemy as sql

    from amanat.access.tables import proposal
    from amanat.app import programmes_in
    from amanat.ledger.tables import order

    found = programmes_in(connection)
    for one in found:
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
    return found


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
    where = found["data"]
    if _in_files(found["database"]) is None:
        where = f"{found['database']}, with {where}"
    if not found["programmes"]:
        out.print(f"No programme yet in {where}.", highlight=False, soft_wrap=True)
    else:
        table = Table(title=where, title_justify="left")
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
