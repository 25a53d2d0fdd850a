"""What every command shares: where the installation is, how answers and errors are printed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from amanat.core.errors import AmanatError, Corrupt, Refusal, Refusals, Unavailable
from amanat.settings import Settings, with_file

REFUSED, UNAVAILABLE, CORRUPT, INTERRUPTED = 1, 3, 4, 130
PILOTS_FOLDER = Path("var/pilots")
INSTALLATION_FOLDER = Path("var/amanat")

out = Console()
"""Answers; colour is off where it is piped."""
err = Console(stderr=True)
"""Progress and errors."""


class FileRefused(Refusal):
    """The system does not let a command use a file or folder in this way."""

    template: ClassVar[str] = "{file}: {reason}."


def data_folder(given: Path | None) -> Path:
    """The installation's folder: as given, else AMANAT_DATA, else the usual one.

    Where none of these is there, the pilot that ran last, so that it can be looked at; a pilot's
    database is its own, so where AMANAT_DATABASE names another no pilot is meant.
    """
    if given is not None:
        return given
    if "AMANAT_DATA" in os.environ:
        return Path(os.environ["AMANAT_DATA"])
    if "AMANAT_CONFIG" in os.environ:
        return Path(with_file(os.environ).get("AMANAT_DATA", INSTALLATION_FOLDER))
    if "AMANAT_DATABASE" in os.environ:
        return INSTALLATION_FOLDER
    runs = [one for one in PILOTS_FOLDER.glob("*") if (one / "amanat.sqlite").exists()]
    if not INSTALLATION_FOLDER.exists() and runs:
        return max(runs, key=lambda one: (one / "amanat.sqlite").stat().st_mtime)
    return INSTALLATION_FOLDER


def settings_of(data: Path | None) -> Settings:
    """The settings of the environment, in this folder.  Raises `SettingInvalid`."""
    folder = data_folder(data)
    return Settings.from_environment(os.environ | {"AMANAT_DATA": str(folder)})


def exit_code(error: AmanatError) -> int:
    """The documented code for an expected error."""
    if isinstance(error, Unavailable):
        return UNAVAILABLE
    if isinstance(error, Corrupt):
        return CORRUPT
    return REFUSED


@contextmanager
def errors_in_lines(*, as_json: bool = False) -> Iterator[None]:
    """Print an expected error, one line for each refusal, and leave with its code."""
    try:
        yield
    except KeyboardInterrupt:
        err.print("interrupted")
        sys.exit(INTERRUPTED)
    except Exception as error:
        expected = _expected(error)
        if expected is None:
            raise
        if as_json:
            print_json(expected.problem())
        refusals = expected.refusals if isinstance(expected, Refusals) else (expected,)
        for one in refusals:
            told = Text(f"{one.code}: {_said(one)}", style="red")
            err.print(told, soft_wrap=True, highlight=False)
        sys.exit(exit_code(expected))


def _expected(error: Exception) -> AmanatError | None:
    """An error as it is told: what a file or the database is to blame for is no mistake of ours."""
    if isinstance(error, AmanatError):
        return error
    if isinstance(error, OSError) and error.filename is not None:
        return FileRefused(file=error.filename, reason=error.strerror)
    if type(error).__module__ == "sqlalchemy.exc":
        import sqlalchemy as sql

        from amanat.store.engine import unavailable

        return unavailable(error) if isinstance(error, sql.exc.DBAPIError) else None
    return None


def language() -> str:
    """The language of errors and effects: Urdu where LC_ALL, LC_MESSAGES or LANG ask for it."""
    asked = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "ur" if asked.split("_")[0].split(".")[0] == "ur" else "en"


def _said(error: AmanatError) -> str:
    if language() == "en":
        return str(error)
    from amanat.web.messages import Reader, problem_body

    return str(problem_body(Reader(language()), error)["detail"])


def print_effects(shown: Mapping[str, Any]) -> None:
    """What a proposal would do, as its view tells it, beside the answer: on standard error."""
    from amanat.access.effects import from_json
    from amanat.web.messages import Reader, message_text

    told, reader = shown["effects"], Reader(language())
    blocks = [("It would do now", "now")] if told["now"] else []
    if told["refused"]:
        blocks.append(("It would be refused now", "refused"))
    if told["announced"] and (told["changed"] or not told["now"]):
        blocks.append(("When it was proposed", "announced"))
    for title, name in blocks:
        err.print(f"{title}:", highlight=False)
        for one in from_json(told[name] or []):
            err.print(Text(f"  {message_text(reader, one)}"), soft_wrap=True, highlight=False)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def print_answer(value: Any, *, as_json: bool, title: str = "") -> None:
    """What an act or view answered, as JSON or as tables."""
    if as_json:
        print_json(value)
        return
    if isinstance(value, Mapping):
        _print_mapping(value, title)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        _print_rows(list(value), title)
    else:
        out.print(Text(str(value)))


def _print_mapping(value: Mapping[str, Any], title: str) -> None:
    nested = {key: one for key, one in value.items() if _is_rows(one) or _has_rows(one)}
    plain = {key: one for key, one in value.items() if key not in nested}
    if plain:
        out.print(_record(plain, title))
    for key, one in nested.items():
        if isinstance(one, Mapping):
            _print_mapping(one, key)
        else:
            _print_rows(list(one), key)


def _record(fields: Mapping[str, Any], title: str) -> Table:
    table = Table(title=title or None, title_justify="left", show_header=False)
    table.add_column("field", style="dim")
    table.add_column("value", overflow="fold")
    for key, one in fields.items():
        table.add_row(key, Text(_cell(one)))
    return table


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _has_rows(value: Any) -> bool:
    return isinstance(value, dict) and any(_is_rows(one) for one in value.values())


def _print_rows(rows: list[Any], title: str) -> None:
    if not rows:
        out.print(f"{title or 'rows'}: none")
        return
    if not _is_rows(rows):
        for one in rows:
            out.print(Text(_cell(one)))
        return
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if not _fits(columns, rows):
        for place, row in enumerate(rows, 1):
            out.print(_record(row, f"{title or 'row'} {place} of {len(rows)}"))
        return
    table = Table(title=title or None, title_justify="left")
    for name in columns:
        figures = all(_is_figure(row.get(name)) for row in rows)
        table.add_column(
            name.replace("_", " "), justify="right" if figures else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(_cell(row.get(name))) for name in columns))
    out.print(table)


def _fits(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether no word of a table would be broken, so that it can be read beside the others."""
    widths = (
        max(
            len(word)
            for cell in (name.replace("_", " "), *(_cell(row.get(name)) for row in rows))
            for word in cell.split() or [""]
        )
        for name in columns
    )
    return sum(width + 3 for width in widths) < out.width


def _is_figure(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
