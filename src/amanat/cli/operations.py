"""What an operator runs: `doctor`, and the configuration file."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from amanat.cli.acts import Data, Json
from amanat.cli.terminal import REFUSED, data_folder, errors_in_lines, out, print_json
from amanat.core.errors import NotFound

# What a command works with is imported when it is carried out, so that help is there at once.

config = typer.Typer(help="The configuration file `amanat.toml`.")
ConfigFile = Annotated[
    Path | None, typer.Argument(help="The file; else AMANAT_CONFIG, else in the folder.")
]
_STYLES = {"well": "green", "watch": "yellow", "wrong": "red", "skipped": "dim"}


def doctor(data: Data = None, as_json: Json = False) -> None:
    """Find what is wrong with a set-up, and say how to mend it; leaves with 1 where anything is.

    Nothing is started or changed, and a running server is not disturbed.
    """
    from amanat.cli.session import VARIABLES as SESSION_VARIABLES
    from amanat.network.home import VARIABLES as NETWORK_VARIABLES
    from amanat.operating.doctor.examination import examine, worst
    from amanat.operating.doctor.findings import Verdict

    with errors_in_lines(as_json=as_json):
        read = (*SESSION_VARIABLES, *NETWORK_VARIABLES)
        found = examine(data_folder(data), known_variables=read)
        if as_json:
            print_json(
                {
                    "verdict": worst(found),
                    "findings": [
                        {"check": one.check, "verdict": one.verdict, "found": one.found}
                        | ({"mend": one.mend} if one.mend else {})
                        for one in found
                    ],
                }
            )
        else:
            table = Table(title=str(data_folder(data)), title_justify="left")
            for column in ("check", "verdict", "found"):
                table.add_column(column, overflow="fold")
            for one in found:
                told = one.found + (f"\n→ {one.mend}" if one.mend else "")
                verdict = Text(one.verdict, style=_STYLES[one.verdict])
                table.add_row(one.check, verdict, Text(told))
            out.print(table)
        if worst(found) is Verdict.WRONG:
            sys.exit(REFUSED)


def _file(given: Path | None, data: Path | None) -> Path:
    """The configuration file that is meant; raises `NotFound` where there is none."""
    from amanat.settings import CONFIGURATION_FILE

    named = given or (Path(os.environ["AMANAT_CONFIG"]) if "AMANAT_CONFIG" in os.environ else None)
    file = named or data_folder(data) / CONFIGURATION_FILE
    if not file.is_file():
        raise NotFound(thing="configuration file", value=file)
    return file


@config.command("check")
def check(file: ConfigFile = None, data: Data = None, as_json: Json = False) -> None:
    """Read the file whole, tell everything that is wrong in it; leaves with 1 where anything is."""
    from amanat.configuration import read_file
    from amanat.settings import Settings

    with errors_in_lines(as_json=as_json):
        found = _file(file, data)
        read_file(found)
        # Files that it names must be there too; what is in the environment goes before it.
        Settings.from_environment(_environment(found, data))
        if as_json:
            print_json({"file": str(found), "valid": True})
        else:
            out.print(f"{found}: valid", highlight=False, soft_wrap=True)


@config.command("show")
def show(file: ConfigFile = None, data: Data = None, as_json: Json = False) -> None:
    """Every setting as it holds now, and where it comes from; no secret is shown."""
    from amanat.configuration import read_file
    from amanat.settings import CONFIGURATION_FILE, VARIABLES, Settings

    with errors_in_lines(as_json=as_json):
        named = file or (
            Path(os.environ["AMANAT_CONFIG"]) if "AMANAT_CONFIG" in os.environ else None
        )
        found = named or data_folder(data) / CONFIGURATION_FILE
        stated = read_file(found).variables() if found.is_file() else {}
        Settings.from_environment(_environment(found if found.is_file() else None, data))
        rows = [_row(variable, stated, VARIABLES[variable][0]) for variable in VARIABLES]
        if as_json:
            print_json(rows)
            return
        table = Table(title=str(found) if found.is_file() else "no file", title_justify="left")
        for column in ("variable", "value", "from"):
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(str(cell)) for cell in row.values()))
        out.print(table)


def _row(variable: str, stated: dict[str, str], default: str) -> dict[str, Any]:
    if variable in os.environ:
        return {"variable": variable, "value": _masked(os.environ[variable]), "from": "environment"}
    if variable in stated:
        return {"variable": variable, "value": _masked(stated[variable]), "from": "file"}
    return {"variable": variable, "value": default.replace("`", ""), "from": "default"}


def _masked(value: str) -> str:
    """URLs without what stands before their host, and without their query."""
    return ",".join(_masked_one(one) for one in value.split(","))


def _masked_one(value: str) -> str:
    head, sign, rest = value.partition("://")
    if not sign:
        return value
    place, slash, path = rest.partition("/")
    user, at, host = place.rpartition("@")
    hidden = f"{user.partition(':')[0]}:***@" if ":" in user else f"{user}{at}"
    return f"{head}://{hidden}{host}{slash}{path.partition('?')[0]}"


@config.command("schema")
def schema() -> None:
    """The JSON Schema of the file, for editors."""
    from amanat.configuration import Configuration

    sys.stdout.write(json.dumps(Configuration.model_json_schema(), indent=2) + "\n")


def _environment(file: Path | None, data: Path | None) -> dict[str, str]:
    told = os.environ | {"AMANAT_DATA": str(data_folder(data))}
    return told | ({"AMANAT_CONFIG": str(file)} if file else {})
