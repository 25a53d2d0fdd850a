"""A small whole return of an exchange, which tests break in one way each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from amanat.jurisdictions.returns import load_returns
from amanat.supervision.returns.checking import Check, Checked, files_in
from amanat.supervision.returns.specification import MANIFEST, RECORDS, TRANSACTIONS
from amanat.supervision.returns.writing import (
    balances_of,
    digest_of,
    table_of,
    write_manifest,
    write_return,
)

PACK = load_returns("pk")
DAY = date(2026, 3, 8)
TODAY = date(2026, 3, 9)
ADDRESS = "0x52908400098527886E0F7030069857D2E4169EE7"
HASH = "0x" + "5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060"[-64:]
IBAN = "PK36SCBL0000001123456702"
Change = Callable[[dict[str, list[dict[str, Any]]]], None]


def at(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    """A time of the day, UTC; the day in Karachi ends at 19:00."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def party(number: int, **fields: Any) -> dict[str, Any]:
    """A natural person with a CNIC."""
    return {
        "party": f"P{number}",
        "kind": "natural",
        "name": "عائشہ خان" if number % 2 else "Bilal Ahmed",
        "name_latin": "Aisha Khan" if number % 2 else "Bilal Ahmed",
        "father_name": "Imran",
        "born": date(1990, 5, 17),
        "document_type": "cnic",
        "document_country": "PK",
        "document_number": f"35202-{number:07d}-{number % 10}",
        "nationality": "PK",
        "residence": "PK",
        "telephone": "00923001234567",
        "mail": "somebody@example.org",
        "address": "House 1, Street 2",
        "district": "Lahore",
        "politically_exposed": False,
    } | fields


def account(number: int, holder: int | None = None, **fields: Any) -> dict[str, Any]:
    """A customer's account."""
    return {
        "account": f"A{number}",
        "party": f"P{number if holder is None else holder}",
        "kind": "customer",
        "opened": date(2025, 1, 2),
        "state": "active",
    } | fields


def transaction(reference: str, kind: str, **fields: Any) -> dict[str, Any]:
    """A transaction of a kind, between A1 and whoever is usual for that kind."""
    sides: Mapping[str, tuple[str, str, str, str]] = {
        "fiat_in": ("bank", IBAN, "own", "A1"),
        "fiat_out": ("own", "A1", "bank", IBAN),
        "trade": ("own", "A1", "own", "A2"),
        "deposit": ("chain", ADDRESS, "own", "A1"),
        "withdrawal": ("own", "A1", "chain", ADDRESS),
        "transfer": ("own", "A1", "exchange_y", "B7"),
    }
    names = ("from_keeper", "from_account", "to_keeper", "to_account")
    usual: dict[str, Any] = {
        "reference": reference,
        "at": at(6),
        "kind": kind,
        **dict(zip(names, sides[kind], strict=True)),
        "asset": "PKR",
        "quantity": Decimal("250000"),
        "value": Decimal("250000"),
        "cash": False,
    }
    if kind in ("deposit", "withdrawal"):
        usual |= {"network": "ethereum", "transaction_hash": HASH, "hosted": False}
        usual |= {"asset": "ETH", "quantity": Decimal("0.5"), "value": Decimal("450000.00")}
    if kind == "trade":
        usual["trade"] = "T1"
    return usual | fields


def usual_records() -> dict[str, list[dict[str, Any]]]:
    """One of everything, without balances, which follow from it."""
    return {
        "parties": [
            party(1),
            party(2),
            party(3, kind="legal", name="Indus Traders (Pvt) Ltd", name_latin=None,
                  father_name=None, document_type="registration", document_number="0123456"),
            party(4, owner_of="P3"),
        ],
        "accounts": [account(1), account(2), account(3)],
        "transactions": [
            transaction("R1", "fiat_in"),
            transaction("R2", "trade", at=at(7)),
            transaction("R3", "trade", at=at(7), asset="BTC", from_account="A2", to_account="A1",
                        quantity=Decimal("0.01"), value=Decimal("250000.00")),
            transaction("R4", "deposit", at=at(8), travel_rule="M1"),
            transaction("R5", "withdrawal", at=at(9)),
            transaction("R6", "transfer", at=at(10), quantity=Decimal(10), value=Decimal(10)),
            transaction("R7", "fiat_out", at=at(18, 59), cash=True),
        ],
        "travel_rule": [
            {
                "reference": "M1",
                "direction": "received",
                "protocol": "trisa",
                "standard": "ivms101-2023",
                "counterparty": "Exchange abroad",
                "counterparty_country": "AE",
                "at": at(8),
                "state": "accepted",
            }
        ],
    }  # fmt: skip


def written(
    folder: Path,
    change: Change | None = None,
    *,
    exchange: str = "exchange_x",
    sequence: int = 1,
    days: tuple[date, date] = (DAY, DAY),
    format: str = "csv",
    corrects: Mapping[str, Any] | None = None,
) -> Path:
    """The usual return after a change, with balances that roll and totals that agree."""
    records: dict[str, Any] = usual_records()
    if change is not None:
        change(records)
    if "balances" not in records:
        known = [one["account"] for one in records["accounts"]]
        moved = table_of(TRANSACTIONS, records["transactions"])
        records["balances"] = balances_of(moved, known)
    return write_return(folder, exchange, sequence, days, records, format=format, corrects=corrects)


def rewritten(folder: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """A file of a return changed byte by byte, with the manifest's digest made to fit."""
    path = folder / name
    path.write_bytes(change(path.read_bytes()))
    manifest = json.loads((folder / MANIFEST).read_text())
    for one in manifest["files"]:
        if one["name"] == name:
            one["sha256"] = digest_of(path)
    write_manifest(folder, manifest)
    return folder


def restated(folder: Path, **fields: Any) -> Path:
    """A return whose manifest says something else."""
    manifest = json.loads((folder / MANIFEST).read_text())
    write_manifest(folder, manifest | fields)
    return folder


def checked(folder: Path, today: date = TODAY) -> Checked:
    """What is wrong with the return in a folder."""
    return Check(files_in(folder), PACK, today, now=at(12, day=today)).run()


def found(folder: Path, today: date = TODAY) -> set[tuple[str, int | None, str | None, str]]:
    """Every error as file, row, column and rule."""
    shown = checked(folder, today).findings.shown
    return {(one.file, one.row, one.column, one.rule) for one in shown}


__all__ = ["RECORDS", "found", "restated", "rewritten", "written"]
