"""What is published of the specification, made from it: schemas, dictionary of columns, examples.

python -m amanat.supervision.returns.publishing docs/reference
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from amanat.jurisdictions.returns import ReturnsPack, load_returns
from amanat.supervision.returns.specification import (
    FORMATS,
    FORMS,
    NAME,
    RECORDS,
    RULES,
    VERSION,
    Column,
    Form,
    Record,
)
from amanat.supervision.returns.stated import KINDS, WITHDRAWN_MAX

PAGE = "return-specification.md"
FOLDER = "return"
_CONTROL = "\\u0000-\\u001f\\u007f-\\u009f"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


# -- JSON Schema ----------------------------------------------------------------------------------


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schemas (2020-12), by the names of their files."""
    found = {f"{name}.schema.json": schema_of_row(one) for name, one in RECORDS.items()}
    return {"manifest.schema.json": manifest_schema()} | found


def described(file: str, wanted: Sequence[Record]) -> bool:
    """Whether a schema's file is of these records, or of the manifest."""
    stem = file.partition(".")[0]
    return stem == "manifest" or stem in {one.name for one in wanted}


def schema_of_row(record: Record) -> dict[str, Any]:
    """The schema of one row as NDJSON has it; the field `record` may name what it is."""
    return {
        "$schema": _DRAFT,
        "$id": f"urn:{NAME}:{VERSION}:{record.name}",
        "title": record.name,
        "description": record.says,
        "type": "object",
        "properties": {"record": {"const": record.name}}
        | {one.name: _of_column(one) for one in record.columns},
        "required": [one.name for one in record.columns if one.required],
        "additionalProperties": False,
    }


def _of_column(column: Column) -> dict[str, Any]:
    said: dict[str, Any] = {"description": f"{column.says} {FORMS[column.form].words}."}
    if column.form is Form.FLAG:
        return said | {"type": "boolean"}
    if column.form is Form.CODE:
        return said | {"enum": list(column.words)}
    if column.form is Form.TEXT:
        return said | {
            "type": "string",
            "minLength": 1,
            "maxLength": column.longest,
            "pattern": f"^[^=+\\-@{_CONTROL}][^{_CONTROL}]*$",
        }
    said |= {"type": "string", "pattern": column.pattern}
    if column.form is Form.DAY:
        said["format"] = "date"
    if column.form is Form.INSTANT:
        said["format"] = "date-time"
    return said


def manifest_schema() -> dict[str, Any]:
    """The schema of manifest.json."""
    money = {"type": "string", "pattern": FORMS[Form.MONEY].pattern}
    total: dict[str, Any] = {
        "type": "object",
        "properties": {
            "rows": {"type": "integer", "minimum": 0},
            "value": money | {"description": "In the currency: rupees."},
            "minor": {
                "type": "string",
                "pattern": "^[0-9]{1,19}$",
                "description": "The same in its minor unit: paisa, from the exchange's own books.",
            },
        },
        "required": ["rows", "value", "minor"],
    }
    names = "|".join(RECORDS)
    properties = {
        "specification": {"const": NAME},
        "version": {"const": VERSION},
        "exchange": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"},
        "sequence": {"type": "integer", "minimum": 1},
        "first_day": {"type": "string", "format": "date"},
        "last_day": {"type": "string", "format": "date"},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "files": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "pattern": f"^({names})\\.({'|'.join(FORMATS)})$"},
                    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                    "rows": {"type": "integer", "minimum": 0},
                },
                "required": ["name", "sha256", "rows"],
            },
        },
        "totals": {
            "type": "object",
            "properties": total["properties"]
            | {"kinds": {"type": "object", "properties": dict.fromkeys(KINDS, total),
                         "additionalProperties": False}},
            "required": ["rows", "value", "minor", "kinds"],
        },
        "corrects": {
            "type": "object",
            "properties": {
                "sequence": {"type": "integer", "minimum": 1},
                "scope": {"enum": ["whole", "rows"]},
                "reason": {"type": "string", "minLength": 1, "maxLength": 400},
                "withdrawn": {"type": "array", "items": {"type": "string"},
                              "maxItems": WITHDRAWN_MAX},
            },
            "required": ["sequence", "scope", "reason"],
        },
    }  # fmt: skip
    return {
        "$schema": _DRAFT,
        "$id": f"urn:{NAME}:{VERSION}:manifest",
        "title": "manifest",
        "description": "Who reports which days, what the files hold, control totals.",
        "type": "object",
        "properties": properties,
        "required": [one for one in properties if one != "corrects"],
        "additionalProperties": False,
    }


# -- the page -------------------------------------------------------------------------------------


def columns_of(record: Record) -> list[dict[str, Any]]:
    """The dictionary of a record's columns, a row each."""
    return [
        {
            "record": record.name,
            "column": one.name,
            "form": one.form.value,
            "needed": "yes" if one.required else "wanted" if one.wanted else "no",
            "says": one.says,
            "values": ", ".join(one.words),
            "personal": one.personal,
        }
        for one in record.columns
    ]


def page(pack: ReturnsPack) -> str:
    """The specification as a page of the reference."""
    lines = [
        f"# The return of an exchange: `{NAME}` {VERSION}",
        "",
        "Generated from `src/amanat/supervision/returns/specification.py`, as the schemas and the"
        f" examples in [`{FOLDER}/`]({FOLDER}) are.",
        "",
        "A return is a folder: `manifest.json`, and a file for each record as CSV, NDJSON or"
        " Parquet. Columns stand in any order. It is accepted or refused whole, all errors at once."
        " `amanat intake check FOLDER` says at home what intake would say.",
        "",
        "- CSV: RFC 4180, UTF-8 without a byte order mark, commas, a header; an empty value is one"
        " that is not there; no line breaks in values.",
        "- NDJSON: one object a line, UTF-8; flags are `true` or `false`, all other values texts.",
        "- Parquet: texts as `string`, days as `date32`, instants as `timestamp` in UTC, amounts as"
        " `decimal128`, flags as `bool`.",
        "",
        "Totals, of all rows and of each kind, are stated in rupees (`value`) and paisa (`minor`)."
        " State `minor` from your own books, and do not make it from the other: where the two are"
        " not a hundredfold of one another the file counts in the wrong unit, and is refused.",
        "",
        "## Forms",
        "",
        "| form | written as |",
        "|---|---|",
        *(f"| {form.value} | {FORMS[form].words} |" for form in Form),
    ]
    for record in RECORDS.values():
        lines += ["", f"## {record.name}", "", record.says, "", *_table(record)]
    lines += ["", "## Rules", "", "| rule | says |", "|---|---|"]
    lines += [f"| `{name}` | {says} |" for name, says in RULES.items()]
    lines += ["", *_lists(pack)]
    return "\n".join(lines) + "\n"


def _table(record: Record) -> list[str]:
    unique = " and ".join(f"`{one}`" for one in record.unique)
    rows = [
        f"| `{row['column']}` | {row['form']} | {row['needed']} | {row['says']}"
        + (f" One of: {row['values']}." if row["values"] else "")
        + (" Kept in the vault alone." if row["personal"] else "")
        + " |"
        for row in columns_of(record)
    ]
    return [
        f"No two rows have the same {unique}.",
        "",
        "| column | form | needed | says |",
        "|---|---|---|---|",
        *rows,
    ]


def _lists(pack: ReturnsPack) -> list[str]:
    """The lists of the jurisdiction that values are taken from."""
    return [
        "## Lists",
        "",
        f"Amounts of money are in {pack.currency}; days are those of {pack.zone.key}. A period has"
        f" at most {pack.period_days_max} days; its return is due {pack.due_days} day after its"
        f" end, or on the next open day of calendar `{pack.calendar}`.",
        "",
        "| asset | name | plausible price of one unit |",
        "|---|---|---|",
        f"| {pack.currency} | the currency | its value is its quantity |",
        *(
            f"| {one.code} | {one.name} | {one.price_min:,} to {one.price_max:,}"
            f"{' (assumed)' if one.assumed else ''} |"
            for one in pack.assets
        ),
        "",
        "| network | transaction hash | address |",
        "|---|---|---|",
        *(
            f"| {one.code} | `{_cell(one.hash)}` | `{_cell(one.address)}` |"
            for one in pack.networks
        ),
        "",
        "| document | number | source |",
        "|---|---|---|",
        *(f"| {one.type} | `{_cell(one.pattern)}` | {one.source} |" for one in pack.documents),
    ]


def _cell(pattern: str) -> str:
    return pattern.replace("|", "\\|")


# -- examples -------------------------------------------------------------------------------------


def example() -> Mapping[str, list[dict[str, Any]]]:
    """A whole return: a customer brings rupees, buys bitcoin, and sends them to an address."""
    hour = datetime(2026, 3, 8, 6, tzinfo=UTC)
    usual = {"from_keeper": "own", "to_keeper": "own", "cash": False}
    price, bought = Decimal("250000"), Decimal("0.01")
    return {
        "parties": [
            {"party": "C-1001", "kind": "natural", "name": "نمونہ نام",
             "name_latin": "Namoona Naam", "father_name": "Misal Naam",
             "born": date(1990, 1, 1), "document_type": "cnic",
             "document_country": "PK", "document_number": "35202-0000001-1", "nationality": "PK",
             "residence": "PK", "telephone": "00920000000000", "address": "Street 0, Lahore",
             "district": "Lahore", "politically_exposed": False},
            {"party": "C-1002", "kind": "legal", "name": "Example Trading (Pvt) Ltd",
             "document_type": "registration", "document_country": "PK",
             "document_number": "0000002", "residence": "PK", "politically_exposed": False},
            {"party": "C-1003", "kind": "natural", "name": "Example Owner",
             "document_type": "passport", "document_country": "AE", "document_number": "AB0000003",
             "residence": "AE", "politically_exposed": True, "owner_of": "C-1002"},
        ],
        "accounts": [
            {"account": "100001", "party": "C-1001", "kind": "customer",
             "opened": date(2026, 1, 5), "state": "active"},
            {"account": "100002", "party": "C-1002", "kind": "customer",
             "opened": date(2026, 2, 1), "state": "active"},
        ],
        "transactions": [
            usual | {"reference": "T-1", "at": hour, "kind": "fiat_in", "from_keeper": "bank",
                     "from_account": "PK36SCBL0000001123456702", "to_account": "100001",
                     "from_country": "PK", "asset": "PKR", "quantity": price, "value": price},
            usual | {"reference": "T-2", "at": hour.replace(hour=7), "kind": "trade",
                     "from_account": "100001", "to_account": "100002", "asset": "PKR",
                     "quantity": price, "value": price, "trade": "D-1"},
            usual | {"reference": "T-3", "at": hour.replace(hour=7), "kind": "trade",
                     "from_account": "100002", "to_account": "100001", "asset": "BTC",
                     "quantity": bought, "value": price, "trade": "D-1"},
            usual | {"reference": "T-4", "at": hour.replace(hour=8), "kind": "withdrawal",
                     "from_account": "100001", "to_keeper": "chain", "asset": "BTC",
                     "to_account": "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
                     "quantity": bought, "value": price, "network": "bitcoin", "hosted": False,
                     "transaction_hash": "4a5e1e4baab89f3a32518a88c31bc87f"
                     "618f76673e2cc77ab2127b7afdeda33b", "travel_rule": "M-1"},
        ],
        "travel_rule": [
            {"reference": "M-1", "direction": "sent", "protocol": "trp",
             "standard": "ivms101-2023", "counterparty": "Example Provider",
             "counterparty_country": "AE", "at": hour.replace(hour=8), "state": "accepted"},
        ],
    }  # fmt: skip


def files() -> dict[str, bytes]:
    """Everything that is published, by its path under the folder of the reference."""
    found = {PAGE: page(load_returns("pk")).encode()}
    for name, schema in schemas().items():
        found[f"{FOLDER}/{name}"] = (json.dumps(schema, indent=2) + "\n").encode()
    for format in FORMATS:
        for name, content in _example_files(format).items():
            found[f"{FOLDER}/example-{format}/{name}"] = content
    return found


def _example_files(format: str) -> dict[str, bytes]:
    from amanat.supervision.returns.specification import TRANSACTIONS
    from amanat.supervision.returns.writing import balances_of, table_of, write_return

    records: dict[str, Any] = dict(example())
    known = [one["account"] for one in records["accounts"]]
    records["balances"] = balances_of(table_of(TRANSACTIONS, records["transactions"]), known)
    day = date(2026, 3, 8)
    with tempfile.TemporaryDirectory() as folder:
        made = write_return(Path(folder), "exchange_x", 1, (day, day), records, format=format)
        return {one.name: one.read_bytes() for one in sorted(made.iterdir())}


def archive() -> bytes:
    """All of it as a zip, the same bytes whenever it is made."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in sorted(files().items()):
            packed.writestr(zipfile.ZipInfo(name), content)
    return whole.getvalue()


def write(folder: Path) -> list[Path]:
    """Write all of it under a folder; what was written."""
    written = []
    for name, content in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written.append(path)
    return written


if __name__ == "__main__":
    write(Path(sys.argv[1]))
