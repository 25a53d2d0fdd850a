"""Where one can go on the pages of a programme, and where one is."""

from __future__ import annotations

from amanat.access.actors import Actor, Role
from amanat.licensing.model import CONFIRMS, CONSULTED
from amanat.participants.signing import AUTHORITY
from amanat.supervision.cases.model import DESKS, FIU, REPORTS, SUPERVISES

SECTIONS = (
    ("", "Programme"),
    ("/v/securities", "Securities"),
    ("/v/tenders", "Tenders"),
    ("/v/instructions", "Settlement"),
    ("/v/payments", "Payments"),
    ("/v/participants", "Participants"),
    ("/register", "Register"),
    ("/apply", "Apply"),
    ("/licensing", "Licensing"),
    ("/v/cases", "Cases"),
    ("/v/alert_queue", "Alerts"),
    ("/v/screening_hits", "Screening"),
    ("/v/returns", "Returns"),
    ("/v/market_overview", "Market"),
    ("/v/journal", "Journal"),
    ("/v/proposals", "Approvals"),
    ("/acts", "Acts"),
    ("/views", "All views"),
    ("/operations", "Operations"),
)
LICENSERS = frozenset((AUTHORITY, CONFIRMS, CONSULTED, "auditor"))
"""Kinds of capacity in which somebody has a part in others' applications."""
# A view that shows one thing stands under the list of such things.
PARENTS = {
    "security": "securities",
    "holders": "securities",
    "history": "securities",
    "tender": "tenders",
    "my_bids": "tenders",
    "instruction": "instructions",
    "fails": "instructions",
    "cash": "instructions",
    "payment": "payments",
    "withholding_statement": "payments",
    "participant": "participants",
    "accounts": "participants",
    "asset": "assets",
    "proposal": "proposals",
    "entry": "journal",
    "agreement": "agreements",
    "complaint": "complaints",
    "rulebook": "rulebooks",
    "monitoring_alert": "alert_queue",
    "monitoring_alerts": "alert_queue",
    "alert_flow": "alert_queue",
    "alert_score": "alert_queue",
    "detection_models": "alert_queue",
    "monitoring_scenarios": "alert_queue",
    "monitoring_scenario": "monitoring_scenarios",
    "monitoring_runs": "alert_queue",
    "monitoring_run": "monitoring_runs",
    "monitoring_lists": "alert_queue",
    "screening_hit": "screening_hits",
    "screening_lists": "screening_hits",
    "screening_runs": "screening_hits",
    "freezes": "screening_hits",
    "accepted_return": "returns",
    "return_followed": "returns",
    "returns_followed": "returns",
    "refused_returns": "returns",
    "return_errors": "returns",
    "data_quality": "returns",
    "return_specification": "returns",
    "case": "cases",
    "case_network": "cases",
    "case_statistics": "cases",
    "referrals": "cases",
    "information_requests": "cases",
    "disseminations": "cases",
    "reports": "cases",
    "report": "cases",
    "report_batches": "cases",
    "handed_over_reports": "cases",
    "ctr_due": "cases",
    "retention": "cases",
}


def sections_for(actor: Actor | None, programme: str | None) -> list[tuple[str, str]]:
    """Where one can go: what takes a sign-in is offered to those who are signed in."""
    inside = actor is not None and actor.programme == programme
    return [
        (path, label)
        for path, label in SECTIONS
        if (inside or path not in {"/v/proposals", "/v/instructions"})
        and (path != "/operations" or (inside and actor and "operator" in actor.capacities))
        and (path != "/licensing" or (inside and actor and licenses(actor)))
        and (path != "/v/cases" or (inside and actor and works_cases(actor)))
        and (
            path not in {"/v/market_overview", "/v/alert_queue"}
            or (inside and actor and _supervises(actor))
        )
        and (path != "/v/screening_hits" or (inside and actor and _has(actor, SUPERVISES, FIU)))
        and (
            path != "/v/returns"
            or (inside and actor and _has(actor, SUPERVISES, FIU, REPORTS, "auditor"))
        )
    ]


def here(path: str, programme: str | None) -> str | None:
    if programme is None:
        return None
    rest = path.removeprefix(f"/p/{programme}")
    name = rest.removeprefix("/v/")
    for section in ("/acts", "/apply", "/licensing", "/register"):
        if rest.startswith(section):
            return section
    if name in ("file", "provider"):
        return "/licensing"
    if rest == "/warnings":
        return "/register"
    while name in PARENTS:
        name = PARENTS[name]
        rest = f"/v/{name}"
    return rest


def licenses(actor: Actor) -> bool:
    """Whether an institution has a part in others' applications: decides, confirms, is asked."""
    return any(one.split(".")[0] in LICENSERS for one in actor.capacities)


def works_cases(actor: Actor) -> bool:
    """Whether an institution has a desk of supervision, and the person works there."""
    reads_along = actor.role is Role.VIEWER and REPORTS in actor.capacities
    return bool(actor.capacities & set(DESKS)) and not reads_along


def _has(actor: Actor, *capacities: str) -> bool:
    return bool(actor.capacities & set(capacities))


def _supervises(actor: Actor) -> bool:
    return SUPERVISES in actor.capacities
