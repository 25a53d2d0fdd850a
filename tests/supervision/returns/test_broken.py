"""Broken returns, each by its name: every one is refused whole, with its row, column and rule."""

from __future__ import annotations

import json
import struct
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from amanat.supervision.returns.findings import SHOWN_OF_ONE_MAX
from amanat.supervision.returns.specification import MANIFEST

from .exchanges import (
    DAY,
    at,
    checked,
    found,
    party,
    restated,
    rewritten,
    transaction,
    usual_records,
    written,
)

AMOUNTS = '"250000","250000","false"'
"""Quantity, value and cash of the first transaction, as CSV has them."""


def with_transaction(**fields: Any) -> Any:
    """A change of the first transaction, a payment in rupees."""

    def change(records: dict[str, Any]) -> None:
        records["transactions"][0] |= fields

    return change


def with_deposit(**fields: Any) -> Any:
    """A change of the deposit, in row 4."""

    def change(records: dict[str, Any]) -> None:
        records["transactions"][3] |= fields

    return change


def with_party(**fields: Any) -> Any:
    """A change of the first party."""

    def change(records: dict[str, Any]) -> None:
        records["parties"][0] |= fields

    return change


def replaced(old: str, new: str) -> Any:
    """Bytes in which one text stands for another; the first of them."""

    def change(content: bytes) -> bytes:
        assert old.encode() in content
        return content.replace(old.encode(), new.encode("utf-8", "surrogateescape"), 1)

    return change


@pytest.mark.parametrize("format", ["csv", "ndjson", "parquet"])
def test_a_sound_return_has_no_errors(tmp_path: Path, format: str) -> None:
    result = checked(written(tmp_path / "r", format=format))
    assert [str(one) for one in result.findings.shown] == []
    assert result.rows == {
        "parties": 4, "accounts": 3, "travel_rule": 1, "transactions": 7, "balances": 5,
    }  # fmt: skip


def test_every_format_says_the_same(tmp_path: Path) -> None:
    sums = {
        checked(written(tmp_path / one, format=one)).id_sum for one in ("csv", "ndjson", "parquet")
    }
    assert len(sums) == 1


# -- files ----------------------------------------------------------------------------------------


def test_truncated_parquet(tmp_path: Path) -> None:
    folder = written(tmp_path / "r", format="parquet")
    path = folder / "transactions.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    rules = {rule for file, _, _, rule in found(folder) if file == path.name}
    assert rules == {"digest", "file_readable"}


def test_parquet_with_a_page_of_nonsense(tmp_path: Path) -> None:
    folder = written(tmp_path / "r", format="parquet")

    def spoil(content: bytes) -> bytes:
        return content[:40] + bytes(60) + content[100:]

    rewritten(folder, "transactions.parquet", spoil)
    assert any(rule == "file_readable" for _, _, _, rule in found(folder))


def test_a_file_cut_short_by_its_digest(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    path = folder / "accounts.csv"
    path.write_bytes(path.read_bytes()[:-10])
    assert ("accounts.csv", None, None, "digest") in found(folder)


def test_csv_with_embedded_newlines(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    rewritten(folder, "parties.csv", replaced("House 1, Street 2", "House 1,\nStreet 2"))
    assert found(folder) == {("parties.csv", 1, "address", "plain_text")}


def test_csv_with_a_quote_that_does_not_end(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    rewritten(folder, "parties.csv", replaced('"Bilal Ahmed"', '"Bilal Ahmed'))
    assert any(file == "parties.csv" for file, _, _, _ in found(folder))


def test_rows_with_too_few_and_too_many_values(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    rewritten(folder, "accounts.csv", replaced('"A1","P1"', '"A1"'))
    rewritten(folder, "balances.csv", replaced('"A2","PKR"', '"A2","PKR","x"'))
    shown = found(folder)
    assert ("accounts.csv", 1, None, "row_shape") in shown
    assert ("balances.csv", 5, None, "row_shape") in shown
    # What refers to the row that could not be read is told as well, and rows keep their numbers.
    assert ("transactions.csv", 1, "to_account", "account_known") in shown


def test_lines_that_are_no_objects(tmp_path: Path) -> None:
    folder = written(tmp_path / "r", format="ndjson")
    rewritten(folder, "accounts.ndjson", lambda content: b'[1]\n{"a": 1, "a": 2}\n{\n' + content)
    rows = {row for file, row, _, rule in found(folder) if rule == "row_shape"}
    assert rows == {1, 2, 3}


@pytest.mark.parametrize("given", [b'"true"', b'"yes"', b"1"])
def test_flags_of_lines_are_true_or_false(tmp_path: Path, given: bytes) -> None:
    """As the published JSON Schema says: a boolean, no text of one."""
    folder = written(tmp_path / "r", format="ndjson")
    rewritten(folder, "transactions.ndjson", replaced('"cash": true', f'"cash": {given.decode()}'))
    assert ("transactions.ndjson", 7, "cash", "form") in found(folder)


def test_nul_bytes(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    rewritten(folder, "parties.csv", replaced("Bilal", "Bil\0al"))
    assert ("parties.csv", 2, None, "nul") in found(folder)


def test_wrong_encoding(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    rewritten(folder, "parties.csv", replaced("Bilal", "Bil\udce9al"))  # é in ISO 8859-1
    assert ("parties.csv", 2, None, "encoding") in found(folder)


def test_utf_16(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    rewritten(folder, "accounts.csv", lambda content: content.decode().encode("utf-16"))
    assert {"encoding", "nul"} <= {rule for _, _, _, rule in found(folder)}


def test_byte_order_mark(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    rewritten(folder, "accounts.csv", lambda content: b"\xef\xbb\xbf" + content)
    assert found(folder) == {("accounts.csv", None, None, "byte_order_mark")}


def test_texts_of_parquet_that_are_no_utf_8(tmp_path: Path) -> None:
    folder = written(tmp_path / "r", format="parquet")
    table = parquet.read_table(folder / "parties.parquet")
    names = pa.array([b"\xff\xfe", b"b", b"c", b"d"], pa.binary())
    wrong = pa.Array.from_buffers(pa.string(), 4, names.buffers())
    place = table.schema.get_field_index("name")
    parquet.write_table(
        table.set_column(place, pa.field("name", pa.string(), False), wrong),
        folder / "parties.parquet",
    )
    rewritten(folder, "parties.parquet", lambda content: content)
    assert ("parties.parquet", None, "name", "encoding") in found(folder)


def test_empty_file(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    rewritten(folder, "transactions.csv", lambda _content: b"")
    assert ("transactions.csv", None, None, "file_empty") in found(folder)


def test_a_header_alone_differs_from_its_totals(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    rewritten(folder, "transactions.csv", lambda content: content.split(b"\n")[0] + b"\n")
    shown = found(folder)
    assert ("transactions.csv", None, None, "total_rows") in shown
    assert (MANIFEST, None, "totals", "total_value") in shown


def test_reordered_columns_are_fine(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")

    def reverse(content: bytes) -> bytes:
        rows = [line.split(",")[::-1] for line in content.decode().splitlines()]
        return ("\n".join(",".join(row) for row in rows) + "\n").encode()

    rewritten(folder, "accounts.csv", reverse)
    assert found(folder) == set()


def test_columns_missing_unknown_and_twice(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    rewritten(folder, "accounts.csv", replaced("account,party,kind", "account,holder,kind"))
    rewritten(folder, "balances.csv", replaced("account,asset", "account,account"))
    shown = found(folder)
    assert ("accounts.csv", None, "holder", "column_unknown") in shown
    assert ("accounts.csv", None, "party", "column_missing") in shown
    assert ("balances.csv", None, "account", "column_twice") in shown


def test_amounts_of_parquet_that_are_floats(tmp_path: Path) -> None:
    folder = written(tmp_path / "r", format="parquet")
    table = parquet.read_table(folder / "transactions.parquet")
    place = table.schema.get_field_index("value")
    floats = table.column("value").cast(pa.float64())
    parquet.write_table(table.set_column(place, "value", floats), folder / "transactions.parquet")
    rewritten(folder, "transactions.parquet", lambda content: content)
    assert ("transactions.parquet", None, "value", "column_type") in found(folder)


def test_zip_bomb_of_parquet(tmp_path: Path) -> None:
    folder = written(tmp_path / "r", format="parquet")
    table = parquet.read_table(folder / "accounts.parquet").slice(0, 1)
    many = pa.concat_tables([table] * 1000).combine_chunks()
    with parquet.ParquetWriter(folder / "accounts.parquet", many.schema) as writer:
        for _ in range(200):
            writer.write_table(many, row_group_size=200_000)
    rewritten(folder, "accounts.parquet", lambda content: content)
    whole = pa.concat_tables([many] * 1000)
    parquet.write_table(whole, folder / "accounts.parquet", row_group_size=2_000_000)
    rewritten(folder, "accounts.parquet", lambda content: content)
    assert ("accounts.parquet", None, None, "inflates_too_far") in found(folder)


def test_parquet_whose_footer_is_larger_than_the_file(tmp_path: Path) -> None:
    folder = written(tmp_path / "r", format="parquet")
    rewritten(
        folder,
        "accounts.parquet",
        lambda content: content[:-8] + struct.pack("<I", 2**31) + b"PAR1",
    )
    assert ("accounts.parquet", None, None, "file_readable") in found(folder)


def test_files_that_are_not_listed_or_not_there(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    (folder / "notes.txt").write_text("x")
    (folder / "balances.csv").unlink()
    shown = found(folder)
    assert ("notes.txt", None, None, "file_listed") in shown
    assert ("balances.csv", None, None, "file_listed") in shown


# -- the manifest ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "column", "rule"),
    [
        ({"version": "9.0"}, "version", "version_known"),
        ({"currency": "USD"}, "currency", "manifest_field"),
        ({"sequence": "1"}, "sequence", "manifest_field"),
        ({"sequence": 0}, "sequence", "manifest_field"),
        ({"exchange": "../x"}, "exchange", "manifest_field"),
        ({"first_day": "2026-02-30"}, "first_day", "manifest_field"),
        ({"last_day": "۲۰۲۶-۰۳-۰۸"}, "last_day", "manifest_field"),
        ({"extra": 1}, "extra", "manifest_field"),
        ({"files": {}}, "files", "manifest_field"),
        ({"first_day": "2026-03-09"}, None, "period_ended"),
        ({"first_day": "2026-01-01"}, None, "period_length"),
    ],
)
def test_manifest(tmp_path: Path, fields: dict[str, Any], column: str, rule: str) -> None:
    folder = restated(written(tmp_path / "r"), **fields)
    assert (MANIFEST, None, column, rule) in found(folder)


def test_a_period_that_is_not_over(tmp_path: Path) -> None:
    assert (MANIFEST, None, None, "period_ended") in found(written(tmp_path / "r"), DAY)


def test_a_manifest_that_cannot_be_read(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    (folder / MANIFEST).write_text("{" * 100_000)
    assert found(folder) == {(MANIFEST, None, None, "manifest_readable")}
    (folder / MANIFEST).unlink()
    assert found(folder) == {(MANIFEST, None, None, "manifest_readable")}


def test_wrong_totals(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    totals = json.loads((folder / MANIFEST).read_text())["totals"]
    totals["kinds"]["fiat_in"] |= {"value": "250000.01", "minor": "25000001"}
    restated(folder, totals=totals | {"value": "1900010.01", "minor": "190001001"})
    assert found(folder) == {
        (MANIFEST, None, "totals", "total_value"),
        (MANIFEST, None, "totals.kinds.fiat_in", "total_value"),
    }


# -- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_duplicate_ids(tmp_path: Path, format: str) -> None:
    def twice(records: dict[str, Any]) -> None:
        records["transactions"].append(transaction("R1", "fiat_in", at=at(11)))

    folder = written(tmp_path / "r", twice, format=format)
    assert found(folder) == {(f"transactions.{format}", 8, "reference", "unique")}


def test_duplicate_parties_accounts_and_balances(tmp_path: Path) -> None:
    def twice(records: dict[str, Any]) -> None:
        records["parties"].append(party(1))
        records["accounts"].append(records["accounts"][0])

    folder = written(tmp_path / "r", twice)
    rewritten(folder, "balances.csv", lambda content: content + b"A1,BTC,0,0.01\n")
    shown = found(folder)
    assert ("parties.csv", 5, "party", "unique") in shown
    assert ("accounts.csv", 4, "account", "unique") in shown
    assert ("balances.csv", 6, "account", "unique") in shown


def test_amounts_in_paisa_of_the_value_alone(tmp_path: Path) -> None:
    folder = written(tmp_path / "r", with_transaction(value=Decimal("25000000")))
    assert found(folder) == {("transactions.csv", 1, "value", "fiat_value")}


def test_amounts_in_paisa_throughout_are_seen_by_prices(tmp_path: Path) -> None:
    def hundredfold(records: dict[str, Any]) -> None:
        for one in records["transactions"]:
            one["value"] *= 100
            if one["asset"] == "PKR":
                one["quantity"] *= 100

    # Balances and totals agree with one another: it is the price of ether and bitcoin that tells.
    shown = found(written(tmp_path / "r", hundredfold))
    assert shown == {("transactions.csv", row, "value", "price") for row in (3, 4, 5)}


def test_a_return_of_rupees_alone_that_counts_in_paisa_is_refused_by_its_totals(
    tmp_path: Path,
) -> None:
    """No price tells of fiat money; the books of the exchange, which count in paisa, do."""

    def hundredfold(records: dict[str, Any]) -> None:
        paid = {"value": Decimal(25_000_000), "quantity": Decimal(25_000_000)}
        records["transactions"] = [
            transaction("R1", "fiat_in", **paid),
            transaction("R2", "fiat_out"),
        ]
        del records["travel_rule"]

    folder = written(tmp_path / "r", hundredfold)
    totals = json.loads((folder / MANIFEST).read_text())["totals"]
    assert found(folder) == set()
    # R1 is 250,000 rupees in the books: its leg alone is exported in the wrong unit.
    totals["kinds"]["fiat_in"]["minor"] = "25000000"
    totals["minor"] = "50000000"
    restated(folder, totals=totals)
    assert found(folder) == {
        (MANIFEST, None, "totals", "total_unit"),
        (MANIFEST, None, "totals.kinds.fiat_in", "total_unit"),
    }


@pytest.mark.parametrize("minor", [None, 100, "1.00", "-5", ""])
def test_a_total_in_paisa_is_stated_and_whole(tmp_path: Path, minor: Any) -> None:
    folder = written(tmp_path / "r")
    totals = json.loads((folder / MANIFEST).read_text())["totals"]
    restated(folder, totals=totals | {"minor": minor})
    assert found(folder) == {(MANIFEST, None, "totals.minor", "manifest_field")}


def test_balances_that_do_not_roll(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    rewritten(
        folder, "balances.csv", replaced('"A2","PKR","0","250000"', '"A2","PKR","0","250001"')
    )
    assert found(folder) == {("balances.csv", 5, "closing", "balance")}


def test_a_balance_that_is_left_out(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    rewritten(folder, "balances.csv", replaced('"A2","PKR","0","250000"\n', ""))
    shown = checked(folder).findings.shown
    assert ("balance_missing", "A2 PKR") in {(one.rule, one.value) for one in shown}


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "＝1"])
def test_formula_injection(tmp_path: Path, text: str) -> None:
    folder = written(tmp_path / "r", with_party(name=text))
    assert found(folder) == {("parties.csv", 1, "name", "formula")}


def test_urdu_digits(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    rewritten(
        folder,
        "transactions.csv",
        replaced('"250000","250000","false"', '"۲۵۰۰۰۰","250000","false"'),
    )
    assert ("transactions.csv", 1, "quantity", "ascii_digits") in found(folder)


@pytest.mark.parametrize(
    "text", ["1,000", "1_000", "1e5", "+5", " 5", "0x10", "NaN", "1.234", ".5"]
)
def test_numbers_are_written_in_one_way(tmp_path: Path, text: str) -> None:
    folder = written(tmp_path / "r")
    rewritten(
        folder,
        "transactions.csv",
        replaced('"250000","250000","false"', f'"250000","{text}","false"'),
    )
    assert ("transactions.csv", 1, "value", "form") in found(folder)


def test_days_that_are_none(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    rewritten(folder, "accounts.csv", replaced("2025-01-02", "2025-02-30"))
    assert found(folder) == {("accounts.csv", 1, "opened", "form")}


@pytest.mark.parametrize(
    ("change", "column", "rule"),
    [
        (with_transaction(quantity=Decimal("-1"), value=Decimal("-1")), "quantity", "not_negative"),
        (with_transaction(quantity=Decimal(0), value=Decimal(0)), "quantity", "positive"),
        (with_transaction(at=at(20)), "at", "in_period"),
        (with_transaction(at=at(20, day=date(2026, 3, 10))), "at", "not_future"),
        (with_transaction(asset="DOGE"), "asset", "asset_known"),
        (with_transaction(asset="BTC", quantity=Decimal("0.01")), "asset", "asset_kind"),
        (with_transaction(kind="gift"), "kind", "words"),
        (with_transaction(from_keeper="own", from_account="A2"), "kind", "sides"),
        (with_transaction(to_account="A9"), "to_account", "account_known"),
        (with_transaction(travel_rule="M9"), "travel_rule", "travel_rule_known"),
        (with_transaction(network="ethereum"), "network", "chain_fields"),
        (with_transaction(reference="R 1"), "reference", "form"),
        (with_transaction(from_country="Pk"), "from_country", "form"),
        (with_transaction(from_country="ZZ"), "from_country", "country_known"),
    ],
)
def test_transactions(tmp_path: Path, change: Any, column: str, rule: str) -> None:
    shown = found(written(tmp_path / "r", change))
    assert ("transactions.csv", 1, column, rule) in shown


@pytest.mark.parametrize(
    ("change", "column", "rule"),
    [
        (with_deposit(network=None), "network", "chain_fields"),
        (with_deposit(transaction_hash=None), "transaction_hash", "chain_fields"),
        (with_deposit(network="dogecoin"), "network", "network_known"),
        (with_deposit(transaction_hash="0xabc"), "transaction_hash", "hash_form"),
        (with_deposit(from_account="bc1qnothere"), "from_account", "address_form"),
        (with_deposit(value=Decimal("45000000")), "value", "price"),
        (with_deposit(cash=True), "cash", "cash"),
    ],
)
def test_deposits(tmp_path: Path, change: Any, column: str, rule: str) -> None:
    assert ("transactions.csv", 4, column, rule) in found(written(tmp_path / "r", change))


@pytest.mark.parametrize(
    ("change", "column", "rule"),
    [
        (with_party(name="a\u202eb"), "name", "plain_text"),
        (with_party(name="x" * 201), "name", "length"),
        (with_party(document_number="35202-12"), "document_number", "document_form"),
        (with_party(document_number="1111111111111"), "document_number", "document_placeholder"),
        (with_party(document_number="12345-1234567-1"), "document_number", "document_placeholder"),
        (with_party(born=date(2030, 1, 1)), "born", "day_plausible"),
        (with_party(owner_of="P9"), "owner_of", "party_known"),
    ],
)
def test_parties(tmp_path: Path, change: Any, column: str, rule: str) -> None:
    assert ("parties.csv", 1, column, rule) in found(written(tmp_path / "r", change))


def test_an_account_of_nobody(tmp_path: Path) -> None:
    def nobody(records: dict[str, Any]) -> None:
        records["accounts"][0]["party"] = "P9"

    assert ("accounts.csv", 1, "party", "party_known") in found(written(tmp_path / "r", nobody))


def test_all_errors_at_once_and_a_bound_on_what_is_shown(tmp_path: Path) -> None:
    def many(records: dict[str, Any]) -> None:
        records["transactions"] = [
            transaction(f"R{number}", "fiat_in", to_account="A9", value=Decimal(1))
            for number in range(500)
        ]
        del records["travel_rule"]
        records["parties"][0]["name"] = "=1"

    findings = checked(written(tmp_path / "r", many)).findings
    assert findings.by_rule["account_known"] == findings.by_rule["fiat_value"] == 500
    assert findings.by_rule["formula"] == 1
    shown = [one for one in findings.shown if one.rule == "account_known"]
    assert len(shown) == SHOWN_OF_ONE_MAX
    assert findings.count == 1001


def test_a_sound_return_stays_so_whatever_the_day_of_its_check(tmp_path: Path) -> None:
    assert found(written(tmp_path / "r"), date(2026, 12, 31)) == set()
    assert usual_records()["transactions"]


# -- beyond what calendars and texts hold ---------------------------------------------------------


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_periods_at_the_ends_of_the_calendar(tmp_path: Path, day: str) -> None:
    folder = restated(written(tmp_path / "r"), first_day=day, last_day=day)
    assert ("manifest.json", None, "first_day", "manifest_field") in found(folder)


def recast(folder: Path, name: str, column: str, values: pa.Array) -> Path:
    """A Parquet file of a return with other values in a column."""
    path = folder / name
    table = parquet.read_table(path)
    place = table.schema.get_field_index(column)
    parquet.write_table(table.set_column(place, pa.field(column, values.type), values), path)
    return rewritten(folder, name, lambda content: content)


@pytest.mark.parametrize(
    ("name", "column", "values"),
    [
        ("parties.parquet", "born", pa.array([2**30] * 4, pa.date32())),
        ("accounts.parquet", "opened", pa.array([-(2**30)] * 3, pa.date32())),
        ("transactions.parquet", "at", pa.array([2**62] * 7, pa.timestamp("us", "UTC"))),
        ("transactions.parquet", "at", pa.array([-(2**62)] * 7, pa.timestamp("ms", "UTC"))),
    ],
)
def test_days_and_instants_that_no_calendar_has(
    tmp_path: Path, name: str, column: str, values: pa.Array
) -> None:
    folder = recast(written(tmp_path / "r", format="parquet"), name, column, values)
    assert (name, 1, column, "form") in found(folder)


def test_a_year_of_nought(tmp_path: Path) -> None:
    folder = written(tmp_path / "r", with_transaction())
    rewritten(folder, "transactions.csv", replaced("2026-03-08T06", "0000-01-01T06"))
    assert ("transactions.csv", 1, "at", "form") in found(folder)


def test_a_nested_column(tmp_path: Path) -> None:
    values = pa.array([["x"]] * 4)
    folder = recast(written(tmp_path / "r", format="parquet"), "parties.parquet", "name", values)
    assert ("parties.parquet", None, "name", "column_type") in found(folder)


@pytest.mark.parametrize("text", ['"name": "\\ud800"', '"\\ud800": "x", "name": "x"'])
def test_half_of_a_surrogate_pair(tmp_path: Path, text: str) -> None:
    folder = written(tmp_path / "r", format="ndjson")
    name = json.dumps(usual_records()["parties"][0]["name"], ensure_ascii=False)
    rewritten(folder, "parties.ndjson", replaced(f'"name": {name}', text))
    assert ("parties.ndjson", 1, None, "encoding") in found(folder)


def test_a_line_with_something_hidden_far_behind_it(tmp_path: Path) -> None:
    folder = written(tmp_path / "r", format="ndjson")
    rewritten(folder, "parties.ndjson", replaced("}\n", "}" + " " * 70_000 + '{"party": "X"}\n'))
    assert ("parties.ndjson", 1, None, "row_shape") in found(folder)


@pytest.mark.parametrize("name", ["\u200b\u200c", "\u200e \u00ad", "\U000e0041", "\u3164"])
def test_a_name_in_which_nothing_is_seen(tmp_path: Path, name: str) -> None:
    folder = written(tmp_path / "r", with_party(name=name))
    assert ("parties.csv", 1, "name", "required") in found(folder)


def test_someone_born_before_1800(tmp_path: Path) -> None:
    folder = written(tmp_path / "r", with_party(born=date(1799, 12, 31)))
    assert ("parties.csv", 1, "born", "day_plausible") in found(folder)


def test_a_hundred_thousand_columns(tmp_path: Path) -> None:
    wide = ",".join(f"c{one}" for one in range(100_000))
    folder = written(tmp_path / "r")
    rewritten(folder, "parties.csv", lambda content: content.replace(b"\n", f",{wide}\n".encode()))
    result = checked(folder)
    unknown = [one for one in result.findings.shown if one.rule == "column_unknown"]
    assert len(unknown) == 100
    assert result.findings.by_rule["column_unknown"] == 100_000
