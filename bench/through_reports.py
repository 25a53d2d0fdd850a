"""What compliance officers of the bench's exchanges report: an STR, and CTRs of a day."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from through_made import (
    Made,
    account_of,
    born_on,
    cnic_of,
    district_of,
    iban_of,
    telephone_of,
)

_REASON = "Made: money came from many and went on within days, without a reason that is known."
_REASON_OF_CTR = "Rupees of one customer on one day at or above the threshold of the circular."
Act = Callable[..., dict[str, Any]]
See = Callable[..., Any]


class Reports:
    """Builds reports from cases by the acts of an exchange."""

    def __init__(self, made: Made, act: Act, see: See) -> None:
        self._made, self._act, self._see = made, act, see

    def suspect(self, exchange: str) -> None:
        """An STR of the account that moved most of what was labelled."""
        account, references = self._made.suspected(exchange)
        key = f"str/{exchange}"
        fields = {"title": "Made: a suspicion", "reason": _REASON, "references": references}
        case = self._open(key, exchange, account, fields)
        self._act(f"{key}/suspicion", "FormSuspicion", exchange, case=case, grounds=_REASON)
        written = {"report_code": "STR", "indicators": ["VA-PAT", "VA-TXN"]}
        self._submit(key, exchange, case, written | {"reason": _REASON})

    def currency(self, exchange: str, due: dict[str, Any]) -> None:
        """A CTR of one customer and day."""
        sender, receiver = self._made.sides(due["references"][:1])[due["references"][0]]
        account = sender if sender >= 0 else receiver
        key = f"ctr/{exchange}/{due['day']}/{due['direction']}/{account}"
        fields = {
            "title": f"Threshold of a day, {due['direction']}, {due['day']}",
            "reason": _REASON_OF_CTR,
            "references": due["references"],
        }
        case = self._open(key, exchange, account, fields)
        written = {"report_code": "CTR", "indicators": ["CTR"], "reason": _REASON_OF_CTR}
        self._submit(key, exchange, case, written)

    def _open(self, key: str, exchange: str, account: int, fields: dict[str, Any]) -> str:
        subject = f"customer:p{self._made.person_of(account):06d}"
        return str(self._act(key, "OpenCase", exchange, subject=subject, **fields)["case"])

    def _submit(self, key: str, exchange: str, case: str, written: dict[str, Any]) -> None:
        officer = {"first_name": "Compliance", "last_name": "Officer", "occupation": "Compliance"}
        drafted = self._act(
            f"{key}/draft", "DraftReport", exchange, case=case, reporting_person=officer,
            location={"address": "Floor 1, Invented Tower", "district": "Karachi South"},
            parties=self._parties(exchange, case), action="Made: reported.", **written,
        )  # fmt: skip
        if drafted["problems"]:
            raise SystemExit(f"{drafted['report']} would be turned away: {drafted['problems'][:3]}")
        self._act(f"{key}/submit", "SubmitReport", exchange, report=drafted["report"])

    def _parties(self, exchange: str, case: str) -> list[dict[str, Any]]:
        """Who stands behind each account of a case's transactions."""
        rows = self._see(exchange, "case", case=case)["transactions"]
        sides = self._made.sides([row["reference"] for row in rows])
        found: dict[str, dict[str, Any]] = {}
        for row in rows:
            sender, receiver = sides[row["reference"]]
            for way, side, other in (("from", sender, receiver), ("to", receiver, sender)):
                number = str(row[f"{way}_account"])
                mine = side >= 0 and self._made.exchange_of[side] == exchange
                account = self._bank(other) if side < 0 else self._account(exchange, side)
                found[number] = {"pseudonym": number, "my_client": mine, "account": account}
        return list(found.values())

    def _bank(self, customer: int) -> dict[str, Any]:
        return {
            "institution_name": "Invented Bank",
            "institution_code": "INVT",
            "bank": True,
            "account": iban_of(customer),
            "account_name": self._made.name_of(self._made.person_of(customer)),
        }

    def _account(self, exchange: str, customer: int) -> dict[str, Any]:
        person = self._made.person_of(customer)
        keeper = self._made.exchange_of[customer]
        found: dict[str, Any] = {
            "institution_name": keeper.replace("_", " ").title(),
            "account": account_of(customer),
            "account_name": self._made.name_of(person),
        }
        if keeper == exchange:
            found |= {
                "institution_code": keeper.rpartition("_")[2].upper(),
                "client_number": f"p{person:06d}",
                "opened": "2026-08-01",
                "owner": self._person(person),
            }
        return found

    def _person(self, person: int) -> dict[str, Any]:
        first, _, last = self._made.name_of(person).partition(" ")
        return {
            "first_name": first,
            "last_name": last or first,
            "gender": "M",
            "birthdate": born_on(person).isoformat(),
            "identifier": cnic_of(person).replace("-", ""),
            "nationality": "PK",
            "residence": "PK",
            "phones": [{"number": telephone_of(person)}],
            "addresses": [{"address": "House 1, Invented Street", "district": district_of(person)}],
            "occupation": "Made: not known",
        }
