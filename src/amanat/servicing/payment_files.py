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
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from amanat.core.errors import Invalid, Place, Refusal, Refused
from amanat.core.files import rows_in, text_in
from amanat.core.messages import Message
from amanat.core.quantities import InvalidNumber, decimal_from

MESSAGE = "pain.001.001.09"
NAMESPACE = f"urn:iso:std:iso:20022:tech:xsd:{MESSAGE}"
ACCOUNT_COLUMNS = ("institution", "name", "bic", "account")
CSV_COLUMNS = ("end_to_end_id", *ACCOUNT_COLUMNS, "amount", "currency", "remittance")
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


class FileUnreadable(Invalid):
    """A file of the list is the pain.001.001.09 or the CSV that this program writes."""

    template: ClassVar[str] = "{file}: {reason}."


class SumsDiffer(Refusal):
    """A message states how many transfers it has, and their sum."""

    template: ClassVar[str] = "{file} states {what} {stated}, and its transfers have {found}."


class FilesDiffer(Refusal):
    """Files of one list order the same transfers."""

    template: ClassVar[str] = "{file} and {other} do not order the same transfers."


class FileDiffersFromList(Refusal):
    """Who signs a file signs exactly what the list and the accounts make."""

    template: ClassVar[str] = "{file} is not what the list {list_digest} and the accounts make."


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


def read_accounts(file: str, text: str) -> dict[str, MoneyAccount]:
    """Accounts by institution, of CSV with `ACCOUNT_COLUMNS`.

    Refuses as `amanat.core.files.rows_in`, then every `MoneyAccountInvalid` at once.
    """
    refused = Refused()
    found: dict[str, MoneyAccount] = {}
    for line, row in rows_in(file, text, ACCOUNT_COLUMNS):
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
                place = Place(file=file, line=line)
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


@dataclass(frozen=True, slots=True)
class Ordered:
    """One transfer as a file orders it; the amount as it is written there."""

    end_to_end_id: str
    name: str
    bic: str
    account: str
    amount: Decimal
    currency: str


def read_ordered(file: str, content: bytes) -> list[Ordered]:
    """The transfers of a pain.001.001.09 or of a CSV, in order.

    Refuses, in order: `FileNotText`, as `amanat.core.files.rows_in`, `FileUnreadable`,
    `SumsDiffer` (its own counts and sums).
    """
    if content.lstrip().startswith(b"<"):
        return _read_message(file, content)
    return [
        Ordered(
            row["end_to_end_id"],
            row["name"],
            row["bic"],
            row["account"],
            _stated_amount(file, row["amount"]),
            row["currency"],
        )
        for _, row in rows_in(file, text_in(file, content), CSV_COLUMNS)
    ]


def _stated_amount(file: str, text: str) -> Decimal:
    try:
        return decimal_from(text)
    except InvalidNumber as refusal:
        raise FileUnreadable(file=file, reason=refusal.said) from None


def _read_message(file: str, content: bytes) -> list[Ordered]:
    if b"<!DOCTYPE" in content:
        raise FileUnreadable(file=file, reason="a message has no document type")
    try:
        root = ET.fromstring(content)
        found = [_ordered(one) for one in root.iter(f"{{{NAMESPACE}}}CdtTrfTxInf")]
        stated = [
            (one.findtext(_path("NbOfTxs")), Decimal(one.findtext(_path("CtrlSum")) or "x"))
            for name in ("GrpHdr", "PmtInf")
            for one in root.iter(f"{{{NAMESPACE}}}{name}")
        ]
    except (ET.ParseError, InvalidOperation, ValueError) as error:
        raise FileUnreadable(
            file=file, reason=Message("no {message} ({error})", message=MESSAGE, error=str(error))
        ) from None
    if not stated:
        raise FileUnreadable(file=file, reason=Message("no {message}", message=MESSAGE))
    total = sum((one.amount for one in found), Decimal(0))
    for count, control in stated:
        if count != str(len(found)):
            raise SumsDiffer(file=file, what="NbOfTxs", stated=str(count), found=len(found))
        if control != total:
            raise SumsDiffer(file=file, what="CtrlSum", stated=str(control), found=str(total))
    return found


def _ordered(transfer: ET.Element) -> Ordered:
    amount = transfer.find(_path("Amt", "InstdAmt"))
    if amount is None:
        raise ValueError("a transfer without InstdAmt")
    account = ("CdtrAcct", "Id")
    return Ordered(
        transfer.findtext(_path("PmtId", "EndToEndId")) or "",
        transfer.findtext(_path("Cdtr", "Nm")) or "",
        transfer.findtext(_path("CdtrAgt", "FinInstnId", "BICFI")) or "",
        transfer.findtext(_path(*account, "IBAN"))
        or transfer.findtext(_path(*account, "Othr", "Id"))
        or "",
        Decimal(amount.text or "x"),
        amount.get("Ccy") or "",
    )


def _path(*names: str) -> str:
    return "/".join(f"{{{NAMESPACE}}}{name}" for name in names)


def check_same(files: Mapping[str, Sequence[Ordered]]) -> None:
    """Refuse `FilesDiffer` unless all files order the same transfers in the same order."""
    (first, transfers), *others = files.items()
    for file, other in others:
        if list(other) != list(transfers):
            raise FilesDiffer(file=first, other=file)


def check_made_of(
    file: str,
    content: bytes,
    listed: Mapping[str, Any],
    accounts: Mapping[str, MoneyAccount],
    *,
    currency: str,
) -> None:
    """Refuse `FileDiffersFromList` unless list and accounts make this file, byte by byte.

    Refuses further `MoneyAccountUnknown`, `FileUnreadable`.
    """
    if content.lstrip().startswith(b"<"):
        made_at = re.search(rb"<CreDtTm>([0-9-]{10}T[0-9:]{8}Z)</CreDtTm>", content)
        if made_at is None:
            raise FileUnreadable(file=file, reason=Message("no {message}", message=MESSAGE))
        try:
            time = datetime.fromisoformat(made_at[1].decode())
        except ValueError:
            raise FileUnreadable(
                file=file, reason=Message("{text} is no time", text=made_at[1].decode())
            ) from None
        made = pain_001(listed, accounts, currency=currency, made_at=time)
    else:
        made = list_csv(listed, accounts, currency=currency).encode()
    if made != content:
        raise FileDiffersFromList(file=file, list_digest=listed["list_digest"])


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
    writer.writerow(CSV_COLUMNS)
    for one in transfers:
        payee = accounts[one.institution]
        place = (payee.institution, payee.name, payee.bic, payee.account)
        writer.writerow((one.end_to_end_id, *place, _amount(one.paisa), currency, one.told))
    return text.getvalue()


def check_confirmations(file: str, text: str, transfers: Sequence[Transfer]) -> None:
    """Refuse, all at once, unless the RTGS settled every transfer of the list, and no other.

    The text is CSV with `CONFIRMATION_COLUMNS`.  Refuses as `amanat.core.files.rows_in`, then
    every `NotConfirmed`.
    """
    refused = Refused()
    told: dict[str, str] = {}
    for _, row in rows_in(file, text, CONFIRMATION_COLUMNS):
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
            reason = Message(
                "its status is {status}, not {wanted}", status=told[identifier], wanted=SETTLED
            )
        if reason is not None:
            refused.add(NotConfirmed(end_to_end_id=identifier, reason=reason))
    refused.raise_if_any()
