"""The list for the RTGS: against the message's definition, and what is refused."""

from __future__ import annotations

import csv
import importlib.resources
import io
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import xmlschema

from amanat.core.errors import Refusals
from amanat.core.files import ColumnsDiffer, FileNotText, RowUnreadable
from amanat.servicing.payment_files import (
    NAMESPACE,
    FileDiffersFromList,
    FilesDiffer,
    FileUnreadable,
    MoneyAccountInvalid,
    MoneyAccountUnknown,
    NotConfirmed,
    SumsDiffer,
    check_confirmations,
    check_made_of,
    check_same,
    list_csv,
    pain_001,
    read_accounts,
    read_ordered,
    transfers_of,
)

# The example IBANs of the ISO 13616 registry for Pakistan and Germany.
ACCOUNTS = """institution,name,bic,account
payer,Ministry,SBPPPKKA,PK36SCBL0000001123456702
tax,Revenue,SBPPPKKAXXX,000123
bank_a,Bank A,AAAAPKKA,DE89 3704 0044 0532 0130 00
bank_b,Bank B,BBBBPKKA,77-1
"""
LISTED: dict[str, Any] = {
    "payment": "p",
    "isin": "PK0000000015",
    "kind": "coupon",
    "payment_date": "2021-08-20",
    "list_digest": "ab" * 32,
    "tax_paisa": 30_001,
    "net_paisa": 170_001,
    "lines": [
        {"position": 64, "institution": "bank_a", "net_paisa": 85_000},
        {"position": 65, "institution": "bank_b", "net_paisa": 85_001},
        {"position": 66, "institution": "bank_b", "net_paisa": 0},
    ],
}
# Children of each element, in the order that the definition of pain.001.001.09 prescribes, as far
# as they are used; what it makes mandatory must be there.
ORDER = {
    "GrpHdr": ["MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "InitgPty"],
    "PmtInf": [
        "PmtInfId", "PmtMtd", "BtchBookg", "NbOfTxs", "CtrlSum", "PmtTpInf", "ReqdExctnDt",
        "PoolgAdjstmntDt", "Dbtr", "DbtrAcct", "DbtrAgt", "DbtrAgtAcct", "InstrForDbtrAgt",
        "UltmtDbtr", "ChrgBr", "ChrgsAcct", "ChrgsAcctAgt", "CdtTrfTxInf",
    ],
    "CdtTrfTxInf": [
        "PmtId", "PmtTpInf", "Amt", "XchgRateInf", "ChrgBr", "MndtRltdInf", "ChqInstr",
        "UltmtDbtr", "IntrmyAgt1", "IntrmyAgt1Acct", "IntrmyAgt2", "IntrmyAgt2Acct",
        "IntrmyAgt3", "IntrmyAgt3Acct", "CdtrAgt", "CdtrAgtAcct", "Cdtr", "CdtrAcct",
        "UltmtCdtr", "InstrForCdtrAgt", "InstrForDbtrAgt", "Purp", "RgltryRptg", "Tax",
        "RltdRmtInf", "RmtInf", "SplmtryData",
    ],
}  # fmt: skip
MANDATORY = {
    "GrpHdr": {"MsgId", "CreDtTm", "NbOfTxs", "InitgPty"},
    "PmtInf": {"PmtInfId", "PmtMtd", "ReqdExctnDt", "Dbtr", "DbtrAcct", "DbtrAgt", "CdtTrfTxInf"},
    "CdtTrfTxInf": {"PmtId", "Amt"},
}
TEXTS = {
    "MsgId": r".{1,35}",
    "PmtInfId": r".{1,35}",
    "EndToEndId": r".{1,35}",
    "NbOfTxs": r"[0-9]{1,15}",
    "CtrlSum": r"[0-9]{1,15}\.[0-9]{2}",
    "Nm": r".{1,140}",
    "Ustrd": r".{1,140}",
    "BICFI": r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?",
    "IBAN": r"[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}",
    "Id": r".{0,34}",
    "PmtMtd": r"CHK|TRF|TRA",
    "ChrgBr": r"DEBT|CRED|SHAR|SLEV",
    "Dt": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "CreDtTm": r"[0-9-]{10}T[0-9:]{8}Z",
    "InstdAmt": r"[0-9]{1,13}\.[0-9]{2}",
}


def message() -> ET.Element:
    made_at = datetime(2021, 8, 20, 9, 30, tzinfo=UTC)
    return ET.fromstring(
        pain_001(LISTED, read_accounts("accounts.csv", ACCOUNTS), currency="PKR", made_at=made_at)
    )


@pytest.fixture(scope="module")
def definition() -> xmlschema.XMLSchema:
    """The published XSD of pain.001.001.09, as sepaxml carries it."""
    path = importlib.resources.files("sepaxml") / "schemas" / "pain.001.001.09.xsd"
    return xmlschema.XMLSchema(path.read_text(encoding="utf-8"))


def written() -> bytes:
    made_at = datetime(2021, 8, 20, 9, 30, tzinfo=UTC)
    return pain_001(
        LISTED, read_accounts("accounts.csv", ACCOUNTS), currency="PKR", made_at=made_at
    )


def test_the_message_is_valid_by_the_published_schema(definition: xmlschema.XMLSchema) -> None:
    definition.validate(written().decode())
    for right, wrong in (
        (b"<PmtMtd>TRF</PmtMtd>", b"<PmtMtd>WIRE</PmtMtd>"),
        (b"SBPPPKKA", b"sbpppkka"),
        (b'Ccy="PKR"', b'Ccy="Rs"'),
        (b"<ChrgBr>SLEV</ChrgBr>", b""),
    ):
        changed = written().replace(right, wrong)
        assert changed != written()
        assert definition.is_valid(changed.decode()) is (wrong == b"")  # ChrgBr may be left out


def test_files_are_read_as_they_were_written() -> None:
    rows = list_csv(LISTED, read_accounts("accounts.csv", ACCOUNTS), currency="PKR").encode()
    found = {"x": read_ordered("x", written()), "c": read_ordered("c", rows)}
    assert [(one.bic, one.account, one.amount, one.currency) for one in found["x"]] == [
        ("AAAAPKKA", "DE89370400440532013000", Decimal("850.00"), "PKR"),
        ("BBBBPKKA", "77-1", Decimal("850.01"), "PKR"),
        ("SBPPPKKAXXX", "000123", Decimal("300.01"), "PKR"),
    ]
    check_same(found)
    with pytest.raises(FilesDiffer):
        check_same({"x": found["x"], "c": read_ordered("c", rows.replace(b"77-1", b"77-2"))})
    with pytest.raises(SumsDiffer, match=r"CtrlSum 2000\.02, .* have 2100\.02"):
        read_ordered("x", written().replace(b"850.01", b"950.01"))
    with pytest.raises(SumsDiffer, match="NbOfTxs"):
        read_ordered("x", written().replace(b"<NbOfTxs>3", b"<NbOfTxs>2", 1))
    for wrong in (
        *(b"<a/>", b"<a"),
        *(one.replace(b"850.01", b"much") for one in (written(), rows)),
    ):
        with pytest.raises(FileUnreadable):
            read_ordered("w", wrong)
    with pytest.raises(ColumnsDiffer, match=r"^w: The columns are a, b, not end_to_end_id"):
        read_ordered("w", b"a,b\n")
    with pytest.raises(FileNotText, match=r"^w is not UTF-8 text: byte 1, in line 1, is 0xff"):
        read_ordered("w", b"\xff")
    with pytest.raises(FileUnreadable, match="no document type"):
        read_ordered("w", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')


def test_a_file_that_the_list_and_the_accounts_do_not_make_is_refused() -> None:
    accounts = read_accounts("accounts.csv", ACCOUNTS)
    rows = list_csv(LISTED, accounts, currency="PKR").encode()
    for content in (written(), rows):
        check_made_of("f", content, LISTED, accounts, currency="PKR")
        for right, wrong in ((b"850.01", b"850.02"), (b"77-1", b"77-2"), (b"Bank B", b"Bank C")):
            changed = content.replace(right, wrong)
            with pytest.raises(FileDiffersFromList):
                check_made_of("f", changed, LISTED, accounts, currency="PKR")
    never = re.sub(rb"<CreDtTm>[^T]*T", b"<CreDtTm>2021-99-99T", written())
    with pytest.raises(FileUnreadable, match="2021-99-99"):
        check_made_of("f", never, LISTED, accounts, currency="PKR")


def plain(element: ET.Element) -> str:
    space, _, name = element.tag[1:].partition("}")
    assert space == NAMESPACE
    return name


def test_every_element_stands_where_the_definition_has_it() -> None:
    root = message()
    assert [plain(root), plain(root[0])] == ["Document", "CstmrCdtTrfInitn"]
    assert [plain(one) for one in root[0]] == ["GrpHdr", "PmtInf"]
    for element in root.iter():
        name = plain(element)
        if name in ORDER:
            children = [plain(one) for one in element]
            assert children == sorted(children, key=ORDER[name].index)
            assert MANDATORY[name] <= set(children)
        if not len(element):
            assert re.fullmatch(TEXTS[name], element.text or ""), (name, element.text)


def test_counts_and_sums_are_those_of_the_transfers() -> None:
    root = message()
    amounts = [Decimal(one.text or "") for one in root.iter(f"{{{NAMESPACE}}}InstdAmt")]
    assert amounts == [Decimal("850.00"), Decimal("850.01"), Decimal("300.01")]
    for one in root.iter(f"{{{NAMESPACE}}}CtrlSum"):
        assert Decimal(one.text or "") == sum(amounts) == Decimal("2000.02")
    for one in root.iter(f"{{{NAMESPACE}}}NbOfTxs"):
        assert one.text == "3"
    identifiers = [one.text for one in root.iter(f"{{{NAMESPACE}}}EndToEndId")]
    assert len(set(identifiers)) == 3


def test_the_csv_says_the_same() -> None:
    text = list_csv(LISTED, read_accounts("accounts.csv", ACCOUNTS), currency="PKR")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(one["institution"], one["amount"]) for one in rows] == [
        ("bank_a", "850.00"),
        ("bank_b", "850.01"),
        ("tax", "300.01"),
    ]
    assert rows[0]["account"] == "DE89370400440532013000"


def test_whoever_has_no_account_is_named_at_once() -> None:
    few = read_accounts("accounts.csv", "\n".join(ACCOUNTS.splitlines()[:2]) + "\n")
    with pytest.raises(Refusals, match="bank_a") as refused:
        list_csv(LISTED, few, currency="PKR")
    assert [type(one) for one in refused.value.refusals] == [MoneyAccountUnknown] * 3


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (("AAAAPKKA", "aaaapkka"), "BIC"),
        (("PK36", "PK37"), "IBAN"),
        (("77-1", "x" * 35), "account"),
        (("bank_b", "bank_a"), "institution named once"),
    ],
)
def test_a_wrong_account_is_refused(wrong: tuple[str, str], what: str) -> None:
    with pytest.raises(MoneyAccountInvalid, match=what):
        read_accounts("accounts.csv", ACCOUNTS.replace(*wrong))


def test_other_columns_are_refused() -> None:
    with pytest.raises(ColumnsDiffer):
        read_accounts("accounts.csv", "institution,iban\n")
    with pytest.raises(RowUnreadable, match=r"^accounts.csv:2: .* 3 values for 4 columns"):
        read_accounts("accounts.csv", "institution,name,bic,account\npayer,Ministry,SBPPPKKA\n")


def test_only_a_list_that_is_settled_whole_is_recorded() -> None:
    transfers = transfers_of(LISTED)
    good = "end_to_end_id,status,reference\n" + "".join(
        f"{one.end_to_end_id},ACSC,R{at}\n" for at, one in enumerate(transfers)
    )
    check_confirmations("answer.csv", good, transfers)
    last = good.splitlines()[-1] + "\n"
    for wrong, reason in (
        (good.replace("ACSC", "RJCT", 1), "its status is RJCT"),
        (good.replace(last, ""), "does not tell of it"),
        (good + last, "confirmed twice"),
        (good + "other,ACSC,R9\n", "not of this list"),
    ):
        with pytest.raises(NotConfirmed, match=reason):
            check_confirmations("answer.csv", wrong, transfers)
