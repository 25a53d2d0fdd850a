"""Prints what a pilot came to as tables for people; every figure comes from `report_of`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from amanat.replay.licensing_sheets import print_licensing
from amanat.replay.report import Facts
from amanat.replay.runner import Course
from amanat.replay.supervision_sheets import print_supervision

_FIGURES = {
    "face": "face value",
    "realised": "realised value",
    "accrued": "accrued interest",
    "final": "final value",
    "average_yield": "weighted average yield, %",
    "cut_off_yield": "cut-off yield, %",
    "cut_off_price": "cut-off price",
    "average_price": "weighted average price",
    "non_competitive_price": "non-competitive price",
    "non_competitive_face": "non-competitive face value",
    "non_competitive_realised": "non-competitive realised value",
}


def millions(minor: int, digits: int = 2) -> str:
    """Minor units (`digits` of them) as millions to three decimals, with separators."""
    return f"{Decimal(minor).scaleb(-digits - 6):,.3f}"


def _table(title: str, *columns: str, caption: str | None = None) -> Table:
    """A table whose columns that begin with > are figures, aligned to the right."""
    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left")
    for column in columns:
        right = column.startswith(">")
        table.add_column(column.lstrip(">"), justify="right" if right else "left", no_wrap=right)
    return table


def print_report(console: Console, report: Facts, course: Course) -> None:
    """All tables of a pilot, in the order of its life."""
    if "licensing" in report:
        print_licensing(console, report["licensing"])
    if "supervision" in report:
        print_supervision(console, report["supervision"])
    for auction in report["auctions"]:
        _print_auction(console, auction)
    if report["securities"] or report["settlements"]:
        _print_settlements(console, report)
    if report["payments"]:
        _print_payments(console, report)
        _print_tax(console, report)
    for one in report["holders"]:
        _print_holders(console, one)
    if report["securities"]:
        _print_redemption(console, report)
    _print_gas(console, report)
    _print_chain(console, report)
    _print_course(console, course)
    if course.to_come:
        first, last = course.to_come[0].day, course.to_come[-1].day
        console.print(Text(f"Still to come, {first} to {last}:", style="bold"))
        for step in course.to_come:
            console.print(Text(f"  - {step.day} {step.key}"))
    if report["assumed"]:
        console.print(Text("Assumed or made:", style="bold"))
        for one in report["assumed"]:
            console.print(Text(f"  - {one}"))


def _print_auction(console: Console, auction: Facts) -> None:
    if "sheet" not in auction:
        console.print(f"Tender {auction['tender']}: {auction['state']}")
        return
    sheet = auction["sheet"]
    table = _table(
        f"Tender {auction['tender']}: {sheet['isin']}, auction {auction['auction_date']}, "
        f"settlement {auction['settlement_date']}, target {_figure(sheet['target'])}",
        ">no.", "dealer", ">bid", ">face", ">price", ">yield %", ">realised", ">accrued",
        ">final", "status",
        caption=f"{sheet['unit']}; {auction['source']}",
    )  # fmt: skip
    for row, dealer in zip(sheet["rows"], auction["dealers"], strict=True):
        kind = "" if row["competitive"] else " (nc)"
        table.add_row(
            str(row["bid"]), dealer + kind, _figure(row["offered"]), _figure(row["face_value"]),
            _quote(row["price"]), _quote(row["yield_pct"]), _figure(row["realised_value"]),
            _figure(row["accrued_interest"]), _figure(row["final_value"]), str(row["status"]),
        )  # fmt: skip
    for name, key in (("competitive", "competitive"), ("non-competitive", "non_competitive")):
        sums = sheet[key]
        table.add_section()
        table.add_row(
            "", name, _figure(sums["offered"]), _figure(sums["face_value"]),
            sheet["average_price"] if key == "competitive" else sheet["non_competitive_price"],
            sheet["average_yield"] if key == "competitive" else "",
            _figure(sums["realised_value"]), _figure(sums["accrued_interest"]),
            _figure(sums["final_value"]), f"{sums['accepted']} of {sums['bids']}",
        )  # fmt: skip
    console.print(table)
    _print_published(console, auction)


def _print_published(console: Console, auction: Facts) -> None:
    if not auction["published"]:
        return
    table = _table(f"Tender {auction['tender']} as published", "figure", ">published", ">ours", "")
    for one in auction["published"]:
        table.add_row(
            _FIGURES[one["figure"]],
            _figure(one["published"]),
            _figure(one["ours"]),
            "same" if one["same"] else "DIFFERENT",
        )
    console.print(table)


def _quote(value: Any) -> str:
    """A price or yield to four decimals, as quoted."""
    return "" if value is None else f"{Decimal(value):.4f}"


def _figure(value: Any) -> str:
    return "" if value is None else f"{Decimal(value):,f}"


def _print_settlements(console: Console, report: Facts) -> None:
    table = _table(
        "Settlements", "what", "seller", "buyer", ">face", ">paid", "due", "settled", ">tries",
        "state",
        caption="PKR million; netted trades settle by the net positions of their cycle",
    )  # fmt: skip
    for row in report["settlements"]:
        name = row["reference"] if row["purpose"] == "trade" else row["purpose"]
        table.add_row(
            f"{name}{' (netted)' if row['netted'] else ''}", row["seller"], row["buyer"],
            millions(row["nominal"], 0), millions(row["consideration_paisa"]), row["first_day"],
            row["settled_on"] or "", str(row["attempts"]), row["state"],
        )  # fmt: skip
    console.print(table)
    for one in report["cycles"]:
        console.print(
            f"Cycle ({one['purpose']}): {one['trades']} trades of {one['accounts']} accounts, "
            f"PKR {millions(one['gross_paisa'])} m gross, {millions(one['net_paisa'])} m moved: "
            f"{one['state']}"
        )
    for one in report["fails"]:
        console.print(f"Fail of {one['trade']} on {one['on']}: {one['reason']}; tried again")
    for one in report["claims"]:
        console.print(
            f"Claim of {one['trade']}: {one['debtor']} owes {one['creditor']} the coupon, "
            f"PKR {millions(one['amount_paisa'])} m net of tax, raised {one['raised_on']}: "
            f"{one['state']}"
        )


def _print_payments(console: Console, report: Facts) -> None:
    table = _table(
        "Payments to holders", "kind", "due", "paid", "holders of", ">holders", ">face", ">gross",
        ">tax", ">net", ">escrow", "state",
        caption="PKR million; * rests on an assumed rate or day",
    )  # fmt: skip
    sums = dict.fromkeys(("gross_paisa", "tax_paisa", "net_paisa", "escrow_paisa"), 0)
    for row in report["payments"]:
        for name in sums:
            sums[name] += row[name]
        table.add_row(
            row["kind"] + (" *" if row["assumed"] else ""), row["due_date"], row["payment_date"],
            row["record_date"], str(row["holders"]), millions(row["nominal"], 0),
            millions(row["gross_paisa"]), millions(row["tax_paisa"]), millions(row["net_paisa"]),
            millions(row["escrow_paisa"]), row["state"],
        )  # fmt: skip
    table.add_section()
    table.add_row("all", "", "", "", "", "", *(millions(one) for one in sums.values()), "")
    console.print(table)


def _print_tax(console: Console, report: Facts) -> None:
    table = _table(
        "Tax withheld by class of holder", "class", ">rate %", "why", ">payments", ">gross",
        ">taxed", ">tax", caption="PKR million",
    )  # fmt: skip
    for row in report["tax_by_class"]:
        table.add_row(
            row["holder_class"], row["tax_rate"], row["tax_basis"], str(row["payments"]),
            millions(row["gross_paisa"]), millions(row["base_paisa"]), millions(row["tax_paisa"]),
        )  # fmt: skip
    console.print(table)


def _print_holders(console: Console, one: Facts) -> None:
    table = _table(
        f"Holders of {one['isin']} at the close of {one['on']}",
        "account",
        ">face, PKR million",
        ">share",
    )
    total = sum(row["nominal"] for row in one["holders"])
    for row in one["holders"]:
        share = Decimal(row["nominal"]) * 100 / total
        table.add_row(row["account"], millions(row["nominal"], 0), f"{share:.2f}%")
    table.add_section()
    table.add_row("all", millions(total, 0), "100.00%")
    console.print(table)


def _print_redemption(console: Console, report: Facts) -> None:
    table = _table(
        "Securities", "ISIN", ">authorised", ">issued", ">cancelled", ">redeemed", ">outstanding",
        caption="PKR million of face",
    )  # fmt: skip
    for row in report["securities"]:
        table.add_row(
            row["isin"],
            *(
                millions(row[name], 0)
                for name in ("authorised", "issued", "cancelled", "redeemed", "outstanding")
            ),
        )
    console.print(table)
    cash = report["cash"]
    console.print(
        f"Cash, PKR million: {millions(cash['created_paisa'])} created, "
        f"{millions(cash['withdrawn_paisa'])} withdrawn, "
        f"{millions(cash['held_paisa'])} in accounts"
    )


def _print_gas(console: Console, report: Facts) -> None:
    table = _table("Gas by function", "contract", "function", ">calls", ">gas", ">gas a call")
    for row in report["gas"]:
        table.add_row(
            row["contract"],
            row["function"],
            f"{row['calls']:,}",
            f"{row['gas']:,}",
            f"{row['gas_per_call']:,}",
        )
    table.add_section()
    calls = sum(row["calls"] for row in report["gas"])
    table.add_row("all", "", f"{calls:,}", f"{sum(row['gas'] for row in report['gas']):,}", "")
    console.print(table)


def _print_chain(console: Console, report: Facts) -> None:
    chain = report["chain"]
    nodes = "the embedded node" if chain["embedded"] else f"{chain['nodes']} nodes"
    table = _table(
        f"Ledger: chain {chain['chain_id']} on {nodes}",
        ">orders", ">blocks", ">first block", ">last block", ">gas",
        ">final after s, median", ">99 %",
        caption=f"business digest {report['business_digest']}",
    )  # fmt: skip
    table.add_row(
        *(f"{chain[name]:,}" for name in ("orders", "blocks", "first_block", "last_block", "gas")),
        *(f"{Decimal(chain[name]) / 1000:.2f}" for name in ("final_ms_p50", "final_ms_p99")),
    )
    console.print(table)


def _print_course(console: Console, course: Course) -> None:
    table = _table(
        f"Time, {course.steps} steps", "stage", ">seconds",
        caption=f"of the auctions {course.waited_seconds:.1f} s waiting for bids to be due",
    )  # fmt: skip
    for stage, seconds in course.seconds.items():
        table.add_row(stage.value, f"{seconds:.2f}")
    table.add_section()
    table.add_row("all", f"{course.total_seconds:.2f}")
    console.print(table)
