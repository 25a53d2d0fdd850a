"""A list for the RTGS as files: ISO 20022 pain.001.001.09 and CSV; and what the RTGS confirmed.

The message follows the standard's own definition (Customer Credit Transfer Initiation, version 09):
elements in their order, texts within their lengths, sums and counts stated.  The register knows
accounts of securities, not of money: where each institution is paid comes from a file that the
paying agent keeps.
"""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from amanat.core.errors import Invalid, Place, Refusal, Refused

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
ACCOUNT_COLUMNS = ("institution", "name", "bic", "account")
CONFIRMATION_COLUMNS = ("end_to_end_id", "status", "reference")
TAX_PAYEE = "tax"
"""Stands in the file of accounts for the tax authority's account."""
PAYER = "payer"
"""Stands in the file of accounts for the account from which all is paid."""
SETTLED = "ACSC"
"""The ISO 20022 status of what has been settled."""
_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?\Z")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\Z")
_ACCOUNT_CHARACTERS_MAX = 34


class MoneyAccountUnknown(Refusal):
    """Everybody who is paid has an account of money in the file."""

    template: ClassVar[str] = "The file of accounts names no account of {institution}."


class MoneyAccountInvalid(Invalid):
    """A row of the file of accounts: a BIC of 8 or 11 characters, an account of up to 34."""

    template: ClassVar[str] = "{institution}: {value!r} is no {what}."


class ColumnsDiffer(Invalid):
    """A file is read by its columns."""

    template: ClassVar[str] = "The columns are {found}, not {wanted}."


class NotConfirmed(Refusal):
    """A list is recorded when the RTGS has settled all of it, each line once."""

    template: ClassVar[str] = "{end_to_end_id}: {reason}."


@dataclass(frozen=True, slots=True)
class MoneyAccount:
    """Where an institution is paid."""

    institution: str
    name: str
    bic: str
    account: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """One credit transfer of the list, in paisa."""

    end_to_end_id: str
    institution: str
    paisa: int
    told: str


def read_accounts(text: str) -> dict[str, MoneyAccount]:
    """Accounts by institution.  Refuses, all at once: `ColumnsDiffer`, `MoneyAccountInvalid`."""
    rows = _rows(text, ACCOUNT_COLUMNS)
    refused = Refused()
    found: dict[str, MoneyAccount] = {}
    for line, row in enumerate(rows, 2):
        one = MoneyAccount(**{name: row[name].strip() for name in ACCOUNT_COLUMNS})
        account = one.account.replace(" ", "")
        for value, what, right in (
            (one.bic, "BIC", bool(_BIC.match(one.bic))),
            (one.account, "account", 0 < len(account) <= _ACCOUNT_CHARACTERS_MAX),
            (one.account, "IBAN", not _IBAN.match(account) or _iban_checks(account)),
            (one.name, "name", 0 < len(one.name) <= 140),
            (one.institution, "institution named once", one.institution not in found),
        ):
            if not right:
                place = Place(line=line)
                refused.add(
                    MoneyAccountInvalid(
                        place=place, institution=one.institution, value=value, what=what
                    )
                )
        found[one.institution] = MoneyAccount(one.institution, one.name, one.bic, account)
    refused.raise_if_any()
    return found


def _iban_checks(iban: str) -> bool:
    """ISO 13616: the number with its head at its end leaves 1 when divided by 97."""
    digits = "".join(str(int(one, 36)) for one in iban[4:] + iban[:4])
    return int(digits) % 97 == 1


def transfers_of(listed: Mapping[str, Any]) -> list[Transfer]:
    """The credit transfers of an `outside_list`: each line's net, and all tax in one."""
    head = str(listed["list_digest"])[:24]
    told = f"{listed['isin']} {listed['kind']} {listed['payment_date']}"
    found = [
        Transfer(f"{head}-{line['position']}", line["institution"], line["net_paisa"], told)
        for line in listed["lines"]
        if line["net_paisa"]
    ]
    if listed["tax_paisa"]:
        found.append(Transfer(f"{head}-tax", TAX_PAYEE, listed["tax_paisa"], f"{told} tax"))
    return found


def check_payees(transfers: Sequence[Transfer], accounts: Mapping[str, MoneyAccount]) -> None:
    """Refuse `MoneyAccountUnknown`, all at once, unless everybody has an account."""
    refused = Refused()
    for institution in sorted({PAYER, *(one.institution for one in transfers)} - set(accounts)):
        refused.add(MoneyAccountUnknown(institution=institution))
    refused.raise_if_any()


def pain_001(
    listed: Mapping[str, Any],
    accounts: Mapping[str, MoneyAccount],
    *,
    currency: str,
    made_at: datetime,
) -> bytes:
    """The list as pain.001.001.09.  Refuses `MoneyAccountUnknown`."""
    transfers = transfers_of(listed)
    check_payees(transfers, accounts)
    payer = accounts[PAYER]
    total = _amount(sum(one.paisa for one in transfers))
    ET.register_namespace("", NAMESPACE)
    root = ET.Element(f"{{{NAMESPACE}}}Document")
    message = _under(root, "CstmrCdtTrfInitn")
    header = _under(message, "GrpHdr")
    _text(header, "MsgId", str(listed["list_digest"])[:35])
    _text(header, "CreDtTm", made_at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    _text(header, "NbOfTxs", str(len(transfers)))
    _text(header, "CtrlSum", total)
    _text(_under(header, "InitgPty"), "Nm", payer.name)
    batch = _under(message, "PmtInf")
    _text(batch, "PmtInfId", str(listed["list_digest"])[:35])
    _text(batch, "PmtMtd", "TRF")
    _text(batch, "NbOfTxs", str(len(transfers)))
    _text(batch, "CtrlSum", total)
    _text(_under(batch, "ReqdExctnDt"), "Dt", str(listed["payment_date"]))
    _text(_under(batch, "Dbtr"), "Nm", payer.name)
    _account(batch, "DbtrAcct", payer.account)
    _agent(batch, "DbtrAgt", payer.bic)
    _text(batch, "ChrgBr", "SLEV")
    for one in transfers:
        _transfer(batch, one, accounts[one.institution], currency)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _transfer(batch: ET.Element, one: Transfer, payee: MoneyAccount, currency: str) -> None:
    transfer = _under(batch, "CdtTrfTxInf")
    _text(_under(transfer, "PmtId"), "EndToEndId", one.end_to_end_id)
    amount = _text(_under(transfer, "Amt"), "InstdAmt", _amount(one.paisa))
    amount.set("Ccy", currency)
    _agent(transfer, "CdtrAgt", payee.bic)
    _text(_under(transfer, "Cdtr"), "Nm", payee.name)
    _account(transfer, "CdtrAcct", payee.account)
    _text(_under(transfer, "RmtInf"), "Ustrd", one.told)


def _under(parent: ET.Element, name: str) -> ET.Element:
    return ET.SubElement(parent, f"{{{NAMESPACE}}}{name}")


def _text(parent: ET.Element, name: str, text: str) -> ET.Element:
    child = _under(parent, name)
    child.text = text
    return child


def _account(parent: ET.Element, name: str, account: str) -> None:
    identifier = _under(_under(parent, name), "Id")
    if _IBAN.match(account):
        _text(identifier, "IBAN", account)
    else:
        _text(_under(identifier, "Othr"), "Id", account)


def _agent(parent: ET.Element, name: str, bic: str) -> None:
    _text(_under(_under(parent, name), "FinInstnId"), "BICFI", bic)


def _amount(paisa: int) -> str:
    return f"{Decimal(paisa).scaleb(-2):.2f}"


def list_csv(
    listed: Mapping[str, Any], accounts: Mapping[str, MoneyAccount], *, currency: str
) -> str:
    """The list as CSV, in the order of the message.  Refuses `MoneyAccountUnknown`."""
    transfers = transfers_of(listed)
    check_payees(transfers, accounts)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("end_to_end_id", *ACCOUNT_COLUMNS, "amount", "currency", "remittance"))
    for one in transfers:
        payee = accounts[one.institution]
        place = (payee.institution, payee.name, payee.bic, payee.account)
        writer.writerow((one.end_to_end_id, *place, _amount(one.paisa), currency, one.told))
    return text.getvalue()


def check_confirmations(text: str, transfers: Sequence[Transfer]) -> None:
    """Refuse, all at once, unless the RTGS settled every transfer of the list, and no other.

    Columns: `CONFIRMATION_COLUMNS`.  Refuses `ColumnsDiffer`, `NotConfirmed`.
    """
    refused = Refused()
    told: dict[str, str] = {}
    for row in _rows(text, CONFIRMATION_COLUMNS):
        identifier = row["end_to_end_id"]
        if identifier in told:
            refused.add(NotConfirmed(end_to_end_id=identifier, reason="it is confirmed twice"))
        told[identifier] = row["status"]
    wanted = {one.end_to_end_id for one in transfers}
    for identifier in sorted(wanted | set(told)):
        reason = None
        if identifier not in wanted:
            reason = "it is not of this list"
        elif identifier not in told:
            reason = "the RTGS does not tell of it"
        elif told[identifier] != SETTLED:
            reason = f"its status is {told[identifier]}, not {SETTLED}"
        if reason is not None:
            refused.add(NotConfirmed(end_to_end_id=identifier, reason=reason))
    refused.raise_if_any()


def _rows(text: str, columns: Sequence[str]) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text))
    if tuple(reader.fieldnames or ()) != tuple(columns):
        found = ", ".join(reader.fieldnames or ())
        raise ColumnsDiffer(found=found, wanted=", ".join(columns))
    return [{name: row[name] or "" for name in columns} for row in reader]
