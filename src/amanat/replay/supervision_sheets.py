"""Prints what came of the supervision of a pilot; every word comes from `supervision_facts`."""

from __future__ import annotations

from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from amanat.replay.supervision_report import Facts

OURS_ALONE = (
    "What follows is the operator's own printing of a replay. No page, view, count or log that"
    " the installation serves to others shows reports, hits or freezes."
)


def _table(title: str, *columns: str) -> Table:
    """A table whose columns that begin with > are figures, aligned to the right."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        right = column.startswith(">")
        table.add_column(column.lstrip(">"), justify="right" if right else "left", no_wrap=right)
    return table


def _words(code: str) -> str:
    return code.replace("_", " ")


def print_supervision(console: Console, facts: Facts) -> None:
    """All tables of a pilot's supervision."""
    _print_returns(console, facts)
    _print_found(console, facts)
    console.print(Text(OURS_ALONE, style="bold"))
    _print_freezes(console, facts)
    _print_cases(console, facts)
    _print_reports(console, facts)


def _print_returns(console: Console, facts: Facts) -> None:
    table = _table("Exchanges that report", "exchange", "name", "files", ">accounts")
    for one in facts["exchanges"]:
        table.add_row(one["exchange"], one["name"], one["format"], str(one["accounts"]))
    console.print(table)
    table = _table(
        "Returns accepted", "exchange", ">no.", "from", "to", "sent", ">rows", "state", ">quality"
    )
    for one in facts["returns"]:
        state = one["state"] + (", a correction" if one["corrects"] else "")
        table.add_row(
            one["exchange"], str(one["sequence"]), one["first_day"], one["last_day"],
            one["sent_on"], f"{one['rows']:,}", state, str(one["quality"]),
        )  # fmt: skip
    console.print(table)
    table = _table("Returns refused on purpose", "exchange", "sent", "broken", "rules named", "")
    for one in facts["refused"]:
        named = ", ".join(f"{name} ({count})" for name, count in one["rules"].items())
        same = "as expected" if one["same"] else f"DIFFERENT: expected {one['expected']}"
        table.add_row(one["exchange"], one["day"], one["breaks"], named, same)
    console.print(table)


def _print_found(console: Console, facts: Facts) -> None:
    table = _table("Runs of monitoring", "from", "to", ">transactions", "state")
    for one in facts["runs"]:
        count = f"{one['transactions']:,}"
        table.add_row(one["first_day"], one["last_day"], count, one["state"])
    console.print(table)
    table = _table(
        "Alerts", "scenario", ">alerts", ">subjects", ">transfers cited", ">of these labelled"
    )
    for one in facts["alerts"]:
        figures = (one["alerts"], one["subjects"], one["transfers"], one["labelled"])
        table.add_row(_words(one["scenario"]), *(f"{figure:,}" for figure in figures))
    console.print(table)
    table = _table(
        "What was labelled, and what of it an alert cites",
        "typology", ">transfers", ">found", ">patterns", ">touched",
    )  # fmt: skip
    for one in facts["labelled"]:
        patterns = (one["patterns"], one["patterns_found"]) if one["patterns"] else ("", "")
        table.add_row(
            _words(one["typology"]), f"{one['transfers']:,}", f"{one['found']:,}",
            *map(str, patterns),
        )  # fmt: skip
    console.print(table)


def _print_freezes(console: Console, facts: Facts) -> None:
    table = _table("Hits", "list", "state", ">count")
    for one in facts["hits"]:
        table.add_row(one["list"], _words(one["state"]), str(one["count"]))
    console.print(table)
    table = _table(
        "Freezes", "freeze", "ordered", "until", "state", "exchange", "its order", ">PKR"
    )
    for one in facts["freezes"]:
        for place, order in enumerate(one["orders"]):
            head = (one["freeze"], one["ordered_on"], one["until"], one["state"])
            held = (
                ""
                if order["value_minor"] is None
                else f"{Decimal(order['value_minor']).scaleb(-2):,}"
            )
            table.add_row(
                *(head if place == 0 else ("", "", "", "")), order["exchange"], order["state"], held
            )
    console.print(table)


def _print_cases(console: Console, facts: Facts) -> None:
    table = _table("Cases", "desk", "opened from", "state", ">count")
    for one in facts["cases"]:
        table.add_row(one["desk"], one["source"], one["state"], str(one["count"]))
    console.print(table)
    between = facts["between"]
    console.print(
        f"Referrals {between['referrals']}, received {between['referrals_received']}; requests "
        f"{between['requests']}, answered {between['requests_answered']}; disseminations "
        f"{between['disseminations']}"
    )


def _print_reports(console: Console, facts: Facts) -> None:
    table = _table("Reports to the FIU", "institution", "report", "state", ">count")
    for one in facts["reports"]:
        table.add_row(one["institution"], one["report_code"], one["state"], str(one["count"]))
    console.print(table)
