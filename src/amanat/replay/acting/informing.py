"""What an exchange's compliance officer does: cases of its own, STR and CTR, the day's batch.

Who stands behind the accounts of a case is what the exchange knows itself: its customers, their
bank accounts, and whom messages of the travel rule name at another exchange.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from amanat.replay.acting.desks import act, of_earlier, seen
from amanat.replay.acting.kept import keep, kept_of
from amanat.replay.acting.returning import supervision_of
from amanat.replay.performing import Performer, ReplayStopped
from amanat.replay.plan import Step
from amanat.replay.supervision_model import BANK, Customer, Does, Event, Exchange, Holder

_BANK_NAME, _BANK_CODE = "Invented Bank", "INVT"
_OCCUPATION = "Made: not known"
_ACTION_OF_CTR = "Reported by the threshold alone."
_REASON_OF_CTR = "Rupees of one customer on one day at or above the threshold of the circular."
_INDICATOR_OF_CTR = "CTR"
_DUE_AT_ONCE = 500


def suspect(performer: Performer, step: Step, event: Event) -> None:
    """Open a case of one's own with what an account moved on some days, and form a suspicion."""
    said, exchange = event.said, event.said["exchange"]
    customer = supervision_of(performer).customers[said["account"]]

    def fields() -> dict[str, Any]:
        references = [
            one.code
            for one in supervision_of(performer).transfers.values()
            if customer.code in one.sides and said["first_day"] <= one.at.date() <= said["last_day"]
        ]
        return {
            "subject": f"customer:{customer.person}",
            "title": said["title"],
            "reason": said["title"],
            "references": references,
        }

    opened = act(performer, step.key, "OpenCase", exchange, fields)
    formed = {"case": opened["case"], "grounds": said["grounds"]}
    act(performer, f"{step.key}/suspicion", "FormSuspicion", exchange, lambda: formed)


def report(performer: Performer, step: Step, event: Event) -> None:
    """Draft a report from the case that was opened, and submit it with a second person."""
    said = event.said
    where = {"exchange": said["exchange"], "account": said["account"]}
    case = of_earlier(performer, event, Does.SUSPECT, "OpenCase", **where)["case"]
    written = {
        "report_code": said["report"],
        "indicators": list(said["indicators"]),
        "reason": said["reason"],
        "action": said["action"],
    }
    _submit(performer, step.key, said["exchange"], str(case), written)


def currency(performer: Performer, step: Step, event: Event) -> None:
    """Report customers and days at or above the threshold, the greatest of the last days first."""
    said, exchange = event.said, event.said["exchange"]
    known = kept_of(performer).get(step.key)
    if known is None:
        # Kept before anything is submitted: a later return must not change what was due today.
        days = {name: said[name] for name in ("first_day", "last_day")}
        found = _due(performer, exchange, days)
        known = {"due": len(found), "reported": found[: said["most"]]}
        keep(performer, step, known)
    for one in known["reported"]:
        key = f"{step.key}/{one['day']}/{one['direction']}/{one['references'][0]}"
        transfer = supervision_of(performer).transfers[one["references"][0]]
        customer = supervision_of(performer).customers[transfer.sides[0]]
        fields = {
            "subject": f"customer:{customer.person}",
            "title": f"Threshold of a day, {one['direction']}, {one['day']}",
            "reason": _REASON_OF_CTR,
            "references": one["references"],
        }
        opened = act(performer, key, "OpenCase", exchange, partial(dict, fields))
        written = {
            "report_code": said["report"],
            "indicators": [_INDICATOR_OF_CTR],
            "reason": _REASON_OF_CTR,
            "action": _ACTION_OF_CTR,
        }
        _submit(performer, key, exchange, opened["case"], written)


def _due(performer: Performer, exchange: str, days: dict[str, Any]) -> list[dict[str, Any]]:
    """Every customer and day at the threshold, page by page."""
    found: list[dict[str, Any]] = []
    while page := seen(
        performer, exchange, "ctr_due", **days, offset=len(found), limit=_DUE_AT_ONCE
    ):
        found += page
    return found


def _submit(
    performer: Performer, key: str, exchange: str, case: str, written: dict[str, Any]
) -> None:
    here = supervision_of(performer).exchanges[exchange]

    def fields() -> dict[str, Any]:
        return {
            "case": case,
            "reporting_person": {
                "first_name": "Compliance",
                "last_name": "Officer",
                "occupation": "Compliance officer",
            },
            "location": {"address": here.address, "district": here.district},
            "parties": _parties(performer, here, case),
            **written,
        }

    drafted = act(performer, f"{key}/draft", "DraftReport", exchange, fields)
    if drafted["problems"]:
        said = "; ".join(f"{one['path']}: {one['message']}" for one in drafted["problems"])
        raise ReplayStopped(f"{drafted['report']} of {exchange} would be turned away: {said}")
    sent = {"report": drafted["report"]}
    act(performer, f"{key}/submit", "SubmitReport", exchange, lambda: sent)


def _parties(performer: Performer, here: Exchange, case: str) -> list[dict[str, Any]]:
    """Who stands behind each account of a case's transactions."""
    supervision = supervision_of(performer)
    found: dict[str, dict[str, Any]] = {}
    for row in seen(performer, here.code, "case", case=case)["transactions"]:
        transfer = supervision.transfers[row["reference"]]
        inside = supervision.customers[transfer.sides[0]]
        for way, side in (("from", transfer.sender), ("to", transfer.receiver)):
            account = _bank_account(performer, inside)
            if side != BANK:
                account = _account(performer, here, supervision.customers[side])
            number = str(row[f"{way}_account"])
            mine = side != BANK and supervision.customers[side].exchange == here.code
            found[number] = {"pseudonym": number, "my_client": mine, "account": account}
    return list(found.values())


def _bank_account(performer: Performer, customer: Customer) -> dict[str, Any]:
    holder = supervision_of(performer).persons[customer.person]
    return {
        "institution_name": _BANK_NAME,
        "institution_code": _BANK_CODE,
        "bank": True,
        "account": customer.iban,
        "account_name": holder.name,
    }


def _account(performer: Performer, here: Exchange, customer: Customer) -> dict[str, Any]:
    holder = supervision_of(performer).persons[customer.person]
    found: dict[str, Any] = {
        "institution_name": performer.pilot.institutions[customer.exchange].name,
        "account": customer.code,
        "account_name": holder.name,
    }
    if customer.exchange == here.code:
        found |= {
            "institution_code": customer.exchange.rpartition("_")[2].upper()[:50],
            "client_number": customer.person,
            "opened": customer.opened,
            "owner": _person(holder),
        }
    return found


def _person(holder: Holder) -> dict[str, Any]:
    first, _, last = holder.name.partition(" ")
    return {
        "first_name": first,
        "last_name": last or first,
        "gender": holder.gender,
        "birthdate": holder.born,
        "identifier": holder.cnic.replace("-", ""),
        "nationality": "PK",
        "residence": "PK",
        "phones": [{"number": holder.telephone}],
        "addresses": [{"address": holder.address, "district": holder.district}],
        "occupation": _OCCUPATION,
    }


def batch(performer: Performer, step: Step, event: Event) -> None:
    """Take the file with all reports of the day."""
    act(performer, step.key, "ReadBatch", event.said["exchange"], lambda: {"day": event.on})


def fiu_answers(performer: Performer, step: Step, event: Event) -> None:
    """The FIU answers every submission of an exchange that awaits an answer."""
    said, fiu = event.said, supervision_of(performer).fiu

    def fields() -> dict[str, Any]:
        waiting = [
            one
            for one in seen(performer, fiu, "reports", state="submitted", limit=500)
            if one["institution"] == said["exchange"]
        ]
        reasons = [said["reasons"]] if "reasons" in said else []
        return {
            "answers": [
                {
                    "reference": one["reference"],
                    "outcome": said["outcome"],
                    "fiu_number": f"MADE-{place:04d}" if said["outcome"] == "accepted" else None,
                    "reasons": reasons,
                }
                for place, one in enumerate(reversed(waiting), 1)
            ]
        }

    act(performer, step.key, "RecordFiuAnswers", fiu, fields)
