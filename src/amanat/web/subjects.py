"""What the special pages show beside their tables: bars, curves, lives, and the acts at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from amanat.access.acts import ActKind
from amanat.web import charts

Glance = Callable[..., Any]
Say = Callable[[str], str]
# What a reader of a page is likely to do next with the thing on it.
ACTS_OF: dict[str, tuple[str, ...]] = {
    "alert_queue": ("GroupFindings", "AttachAlert", "DismissAlert"),
    "monitoring_scenarios": ("ComposeScenario", "ChangeScenario"),
    "monitoring_scenario": (
        "ComposeScenario",
        "ChangeScenario",
        "BacktestScenario",
        "ShadowScenario",
        "AdoptScenario",
        "RetireScenario",
    ),
    "screening_hits": ("Rescreen", "TakeInList"),
    "screening_hit": ("DismissHit", "ConfirmHit", "OrderFreeze"),
    "screening_lists": ("TakeInList", "Rescreen"),
    "freezes": (
        "AcknowledgeFreeze",
        "ReportFreeze",
        "ExtendFreeze",
        "LicenseExpenses",
        "DrawExpenses",
        "ReleaseFreeze",
        "AcknowledgeRelease",
    ),
    "cases": ("OpenCase", "GroupFindings"),
    "case": (
        "AssignCase",
        "AddCaseNote",
        "AttachEvidence",
        "CiteTransactions",
        "AttachAlert",
        "FormSuspicion",
        "DraftReport",
        "ReferCase",
        "RequestInformation",
        "Disseminate",
        "CloseCase",
        "ReopenCase",
    ),
    "referrals": ("ReceiveReferral",),
    "information_requests": ("AnswerInformationRequest",),
    "reports": ("RecordFiuAnswers", "HandOverReports", "ReadReport"),
    "report": ("SubmitReport", "AmendReport", "ReadReport"),
    "report_batches": ("ReadBatch",),
    "programme": ("MoveDay", "AttestReserves", "RecordExchangeRate", "Halt", "Resume"),
    "securities": ("AuthoriseSecurity", "IssueNominal"),
    "security": ("IssueNominal", "CancelUnsold", "SetTarget", "FixEntitlements", "Halt", "Resume"),
    "tenders": ("PublishCalendar", "SetTarget", "AnnounceTender"),
    "tender": (
        "AnnounceTender",
        "AdmitBidders",
        "AmendTarget",
        "ExtendTender",
        "PostponeTender",
        "SubmitBid",
        "SubmitNonCompetitiveBid",
        "CloseTender",
        "ReleaseShare",
        "OpenBids",
        "FixCutOff",
        "AwardTender",
        "NoAward",
        "InstructAllotments",
        "CancelTender",
    ),
    "my_bids": ("SubmitBid", "ReviseBid", "WithdrawBid", "NameInvestor", "SubmitNonCompetitiveBid"),
    "instructions": ("Instruct", "SubmitInstructions", "SubmitLists", "SettleDay", "NetCycle"),
    "instruction": ("ConfirmInstruction", "CancelInstruction"),
    "cash": ("CreateCash", "WithdrawCash"),
    "payments": ("FixEntitlements", "RecordTaxRates"),
    "payment": ("FundPayment", "PayChunk", "RetryEscrow", "RaiseClaims"),
    "participants": ("EnterInstitution", "AdmitParticipant", "EnrolAccounts"),
    "participant": ("RenewParticipant", "SetLevel", "EnrolAccounts", "EnterPerson"),
    "accounts": ("EnrolAccounts", "RecordTaxStatus"),
    "assets": ("RegisterAsset",),
    "asset": ("AddEvidence", "AppointCustodian"),
    "holds": (
        "FreezeHolding",
        "FreezeAccount",
        "FreezeEverything",
        "Release",
        "OrderForcedTransfer",
        "Reregister",
    ),
    "keys": (
        "RotateKey",
        "ExtendKey",
        "RevokeKey",
        "GiveKey",
        "EnterKey",
        "EndKey",
        "AppointSender",
    ),
    "complaints": ("RecordComplaint",),
    "complaint": (
        "AcknowledgeComplaint",
        "ForwardComplaint",
        "AnswerComplaint",
        "CloseComplaint",
        "ReopenComplaint",
        "ReadComplainant",
    ),
    "client_asset_declarations": ("DeclareClientAssets",),
    "conditions": ("GiveEvidence", "JudgeEvidence", "NoteBreach"),
    "incidents": ("ReportIncident",),
    "enforcement": (
        "RecordFinding",
        "RemedyFinding",
        "JudgeRemedy",
        "CloseInspection",
        "AnswerCharge",
        "HoldHearing",
        "MakeOrder",
        "RecordPayment",
        "RecordStay",
        "EndStay",
        "DecideAppeal",
        "DescribeControl",
        "ListClients",
        "ProposeTransfer",
        "ObjectToTransfer",
        "CompleteTransfer",
        "SettleClient",
        "EndWindingDown",
    ),
    "orders": ("OpenInspection", "ShowCause", "SuspendUrgently", "LodgeAppeal"),
    "winding_downs": ("BeginWindingDown",),
    "licensing_calendar": ("MeetDuty", "DeclareClientAssets", "NoteBreach"),
    "my_notifications": ("SetMailAddress",),
    "selections": ("PublishCriteria",),
    "agreements": ("PublishCriteria", "PublishAgreement"),
    "agreement": ("NameParty", "EndAgreement"),
    "recusals": ("DeclareInterest", "Recuse", "EndRecusal"),
    "rulebooks": ("DraftRulebook",),
    "rulebook": ("ConsultOnRulebook", "AnswerComment", "BringIntoForce", "WithdrawDraft"),
    "holders": ("FreezeHolding", "FreezeAccount", "OrderForcedTransfer", "Reregister"),
}
# In which states of a tender an act can be of use; other acts of its page always are.
_TENDER_STATES: dict[str, frozenset[str]] = {
    "AnnounceTender": frozenset({"target_set"}),
    "AdmitBidders": frozenset({"open"}),
    "AmendTarget": frozenset({"target_set", "open"}),
    "ExtendTender": frozenset({"open"}),
    "PostponeTender": frozenset({"open"}),
    "SubmitBid": frozenset({"open"}),
    "SubmitNonCompetitiveBid": frozenset({"open"}),
    "CloseTender": frozenset({"open"}),
    "ReleaseShare": frozenset({"closed"}),
    "OpenBids": frozenset({"closed"}),
    "FixCutOff": frozenset({"opened"}),
    "AwardTender": frozenset({"decided"}),
    "NoAward": frozenset({"decided"}),
    "InstructAllotments": frozenset({"awarded"}),
}
_ENDED = frozenset({"awarded", "no_award", "cancelled"})


def acts_for(
    view: str, asked: Mapping[str, str], allowed: Sequence[ActKind], state: str | None = None
) -> list[tuple[ActKind, str]]:
    """The acts that belong to a page and that its reader may propose, each with its form."""
    kinds = {kind.name: kind for kind in allowed}
    found = []
    for name in ACTS_OF.get(view, ()):
        if name not in kinds or (view == "tender" and not _timely(name, state)):
            continue
        given = {k: v for k, v in asked.items() if k in kinds[name].command.model_fields}
        found.append((kinds[name], f"acts/{name}" + (f"?{urlencode(given)}" if given else "")))
    return found


def _timely(name: str, state: str | None) -> bool:
    if name in _TENDER_STATES:
        return state in _TENDER_STATES[name]
    return state not in _ENDED


@dataclass(frozen=True, slots=True)
class CeilingBar:
    """The ceiling as one bar; `not_issued` in nominal units, `headroom` in dollars."""

    parts: list[charts.Part]
    not_issued: int
    headroom: str
    halted: bool


def ceiling_bar(shown: Mapping[str, Any]) -> CeilingBar:
    """Authorised dollars, shared out over what is outstanding, redeemed and not yet issued.

    Redeemed nominal stands on the bar only where it still takes room under the ceiling.
    """
    not_issued = max(0, shown["authorised"] - shown["issued"])
    redeemed = 0 if shown["redemption_frees_headroom"] else shown["redeemed"]
    nominal = (
        ("issued", shown["outstanding"]),
        ("redeemed", redeemed),
        ("authorised", not_issued),
    )
    whole = sum(units for _name, units in nominal)
    authorised = _cents(shown["authorised_usd"])
    shares = [(name, authorised * units // whole if whole else 0) for name, units in nominal]
    return CeilingBar(
        parts=charts.parts_of_bar(_cents(shown["ceiling_usd"]), shares),
        not_issued=not_issued,
        headroom=shown["headroom_usd"].split(" ")[0],
        halted=any(one["binds"] and one["scope"] == "programme" for one in shown["halts"]),
    )


def _cents(text: str) -> int:
    return int(Decimal(text.split(" ")[0]).scaleb(2))


def to_come(rows: list[dict[str, Any]], today: str) -> list[dict[str, Any]]:
    """The next payments, the earliest first."""
    return [row for row in rows if row["payment_date"] >= today][:6]


@dataclass(frozen=True, slots=True)
class Moment:
    """One point of a life: its day, what it is, whether it is past, next or to come."""

    day: str
    name: str
    detail: str
    standing: str


def life_of_security(
    shown: Mapping[str, Any], calendar: Sequence[Mapping[str, Any]], today: str
) -> list[Moment]:
    """Issue, payments and redemption by date; the first one to come is `next`."""
    points = [(shown["issue_date"], "issue", "")]
    points += [
        (one["payment_date"], one["kind"], f"{one['gross_per_100']}")
        for one in calendar
        if one["kind"] == "coupon" or one["payment_date"]
    ]
    found: list[Moment] = []
    for day, name, detail in points:
        past = day < today or (day == today and name == "issue")
        if past:
            standing = "done"
        else:
            standing = "to_come" if any(one.standing == "next" for one in found) else "next"
        found.append(Moment(day, name, detail, standing))
    return found


@dataclass(frozen=True, slots=True)
class TenderPicture:
    """The demand curve of a tender with what it says; `cut_after` is the last bid accepted."""

    chart: str
    finding: str
    words: dict[str, str]
    cut_after: int | None


def tender_picture(shown: Mapping[str, Any], say: Say, figure: Say) -> TenderPicture | None:
    """The curve and the sheet; None before the book is open to this reader."""
    sheet = shown.get("sheet")
    if not sheet:
        return None
    points = [
        charts.DemandPoint(str(one["yield_pct"]), _millions(one["cumulative"]))
        for one in shown.get("demand_curve", [])
    ]
    cut, cut_words = sheet.get("cut_off_yield"), say("Cut-off")
    chart = charts.demand_curve(
        points,
        str(cut) if cut is not None else None,
        say("Yield, %"),
        say("Cumulative face value, PKR million"),
        f"{cut_words} {figure(f'{cut}%')}" if cut is not None else "",
    )
    rows = list(sheet["rows"])
    competitive = [row for row in rows if row["competitive"]]
    taken = [row["bid"] for row in competitive if row["status"] == "accepted"]
    lost = any(row["status"] == "unsuccessful" for row in competitive)
    demand = f"{Decimal(sheet['competitive']['offered']):,}"
    words = {
        "best": points[0].quote if points else "",
        "worst": points[-1].quote if points else "",
        "demand": demand,
    }
    return TenderPicture(
        chart=chart if points else "",
        finding=_finding(sheet, cut, say, figure),
        words=words,
        cut_after=taken[-1] if taken and lost else None,
    )


def _finding(sheet: Mapping[str, Any], cut: Any, say: Say, figure: Say) -> str:
    """What the picture shows, in one sentence."""
    competitive = sheet["competitive"]
    values = {
        "offered": figure(f"{Decimal(competitive['offered']):,}"),
        "taken": figure(f"{Decimal(competitive['face_value']):,}"),
        "cut": figure(f"{cut}%"),
    }
    if cut is None:
        return say("PKR {offered} million were bid, and nothing was accepted").format(**values)
    if competitive["offered"] == competitive["face_value"]:
        text = say("All of the PKR {offered} million bid were accepted, at yields up to {cut}")
    else:
        text = say("PKR {taken} of {offered} million bid were accepted, at yields up to {cut}")
    return text.format(**values)


def _millions(units: Any) -> str:
    return str(Decimal(units) / 10**6)
