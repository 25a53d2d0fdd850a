"""Prints what became of the providers of a pilot; every word comes from `licensing_facts`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from amanat.replay.licensing import ABSENT
from amanat.replay.licensing_report import Facts

_NOT_YET = "-"


def _table(title: str, *columns: str, caption: str | None = None) -> Table:
    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left")
    for column in columns:
        table.add_column(column.lstrip("="), no_wrap=column.startswith("="), overflow="fold")
    return table


def print_licensing(console: Console, facts: Facts) -> None:
    """All tables of a pilot's licensing."""
    _print_providers(console, facts)
    _print_timeline(console, facts)
    _print_register(console, facts)
    _print_days(console, facts)
    _print_statuses(console, facts)
    _print_refusals(console, facts)
    _print_published(console, facts)
    _print_agreements(console, facts)
    _print_awaited(console, facts)


def _words(code: str) -> str:
    return _NOT_YET if code == ABSENT else code.replace("_", " ")


def _print_providers(console: Console, facts: Facts) -> None:
    table = _table(
        f"Providers ({facts['pack']})", "=provider", "name", "real or invented", "country", "source"
    )
    for one in facts["providers"]:
        country = one["country"] + (" *" if one["country_assumed"] else "")
        kind = "invented" if one["invented"] else "real"
        table.add_row(one["provider"], one["name"], kind, country, one["source"])
    console.print(table)
    if any(one["country_assumed"] for one in facts["providers"]):
        console.print("* assumed")


def _print_timeline(console: Console, facts: Facts) -> None:
    for one in facts["providers"]:
        rows = [row for row in facts["timeline"] if row["provider"] == one["provider"]]
        kind = "invented" if one["invented"] else "real"
        table = _table(f"{one['name']} ({kind})", "=day", "what", "law")
        for row in rows:
            table.add_row(row["day"], row["what"], row["law"])
        console.print(table)


def _print_register(console: Console, facts: Facts) -> None:
    table = _table(
        "The register at the end",
        "=provider", "status", "since", "=permission", "for", "state", "until", "law",
    )  # fmt: skip
    for entry in facts["register"]:
        for place, held in enumerate(entry["permissions"]):
            flags = "".join(f" ({_words(flag)})" for flag in entry["flags"])
            head = [entry["provider"], _words(entry["status"]) + flags, entry["status_since"]]
            table.add_row(
                *(head if place == 0 else ["", "", ""]),
                f"{held['number']} {_words(held['kind'])}",
                ", ".join(map(_words, held["categories"])),
                f"{_words(held['state'])} since {held['state_since']}",
                held["expires_on"] or "",
                held["law"],
            )
    console.print(table)


def _print_days(console: Console, facts: Facts) -> None:
    codes = [one["provider"] for one in facts["providers"]]
    table = _table(
        "The register as of past days", "=day", *codes, caption=f"{_NOT_YET}: not on the register"
    )
    for one in facts["register_of_days"]:
        table.add_row(one["day"], *(_words(one["statuses"][code]) for code in codes))
    console.print(table)
    table = _table("Who reports on goAML", "=provider", "=from", "entity", "name", "=recorded")
    for one in facts["reporters"]:
        row = (one["provider"], one["from"], one["entity"], one["entity_name"], one["recorded_on"])
        table.add_row(*row)
    console.print(table)


def _print_statuses(console: Console, facts: Facts) -> None:
    table = _table(
        "What each status opens", "=status", "opens", "services", "bank account", "at most",
        "on the ledger",
        "missing for more",
    )  # fmt: skip
    for one in facts["statuses"]:
        table.add_row(
            one["title"],
            ", ".join(one["opens"]) or "nothing",
            _words(one["services"]),
            one["account"],
            "; ".join(one["caps"]) or "no cap",
            _words(one["level"]),
            one["lacks"],
        )
    console.print(table)


def _print_refusals(console: Console, facts: Facts) -> None:
    table = _table("Refused on purpose", "=day", "=provider", "=tried", "what was said", "")
    for one in facts["refusals"]:
        same = "as expected" if one["same"] else f"DIFFERENT: expected {one['expected']}"
        said = f"{one['said']} [{one['code']}]"
        table.add_row(one["day"], one["provider"], _words(one["tried"]), Text(said), same)
    console.print(table)


def _print_published(console: Console, facts: Facts) -> None:
    if not facts["published"]:
        return
    table = _table(
        "The register against what was published", "=day", "=provider", "published", "ours", "",
        "what it permits", "source",
    )  # fmt: skip
    for one in facts["published"]:
        table.add_row(
            one["day"],
            one["provider"],
            _words(one["published"]),
            _words(one["ours"]),
            "same" if one["same"] else "DIFFERENT",
            "; ".join(one["permits"]),
            one["source"],
        )
    console.print(table)


def _print_agreements(console: Console, facts: Facts) -> None:
    for one in facts["agreements"]:
        binding = "binding" if one["binding"] else "not binding"
        binding += ", it advises the programme" if one["advises"] else ""
        money = ""
        if one["up_to_usd_cents"] is not None:
            money = f", up to USD {one['up_to_usd_cents'] // 100:,}"
        console.print(
            Text(f"Agreement with {one['party']}, {one['signed_on']}, {binding}{money}: "),
            Text(f"{one['title']}, {one['scope']} ({one['source']})"),
        )


def _print_awaited(console: Console, facts: Facts) -> None:
    table = _table("Still to come", "=provider", "what", "by", "law")
    for one in facts["awaited"]:
        table.add_row(one["provider"], one["what"], one["by"], one["law"])
    console.print(table)
