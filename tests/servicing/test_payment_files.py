"""The list for the RTGS: against the message's definition, and what is refused."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from amanat.core.errors import Refusals
from amanat.servicing.payment_files import (
    NAMESPACE,
    ColumnsDiffer,
    MoneyAccountInvalid,
    MoneyAccountUnknown,
    NotConfirmed,
    check_confirmations,
    list_csv,
    pain_001,
    read_accounts,
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
    return ET.fromstring(pain_001(LISTED, read_accounts(ACCOUNTS), currency="PKR", made_at=made_at))


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
    text = list_csv(LISTED, read_accounts(ACCOUNTS), currency="PKR")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(one["institution"], one["amount"]) for one in rows] == [
        ("bank_a", "850.00"),
        ("bank_b", "850.01"),
        ("tax", "300.01"),
    ]
    assert rows[0]["account"] == "DE89370400440532013000"


def test_whoever_has_no_account_is_named_at_once() -> None:
    few = read_accounts("\n".join(ACCOUNTS.splitlines()[:2]) + "\n")
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
        read_accounts(ACCOUNTS.replace(*wrong))


def test_other_columns_are_refused() -> None:
    with pytest.raises(ColumnsDiffer):
        read_accounts("institution,iban\n")


def test_only_a_list_that_is_settled_whole_is_recorded() -> None:
    transfers = transfers_of(LISTED)
    good = "end_to_end_id,status,reference\n" + "".join(
        f"{one.end_to_end_id},ACSC,R{at}\n" for at, one in enumerate(transfers)
    )
    check_confirmations(good, transfers)
    last = good.splitlines()[-1] + "\n"
    for wrong, reason in (
        (good.replace("ACSC", "RJCT", 1), "its status is RJCT"),
        (good.replace(last, ""), "does not tell of it"),
        (good + last, "confirmed twice"),
        (good + "other,ACSC,R9\n", "not of this list"),
    ):
        with pytest.raises(NotConfirmed, match=reason):
            check_confirmations(wrong, transfers)
