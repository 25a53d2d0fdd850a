"""Units of the amounts in the contracts' events, as journal entries state them.

The contracts count in whole smallest units and cannot say of what; an entry must.  `minor` is a
hundredth of the programme's currency (a paisa), `face` one unit of it as nominal, `token` a unit of
the token that the same entry names.  Every integer of an event either has its unit here or is a
`PLAIN` number: of a thing, a day, a count, a code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MINOR, FACE, TOKEN, CENTS = "minor", "face", "token", "USD cents"
_CASH = {
    "CashCreated": {"amount": MINOR},
    "CashWithdrawn": {"amount": MINOR},
    "Transfer": {"value": MINOR},
    "Approval": {"value": MINOR},
    "Frozen": {"amount": MINOR},
    "ForcedTransfer": {"amount": MINOR},
    "HoldPlaced": {"amount": MINOR},
}
_SECURITY = {
    "Transfer": {"value": FACE},
    "Approval": {"value": FACE},
    "Frozen": {"amount": FACE},
    "ForcedTransfer": {"amount": FACE},
    "HoldPlaced": {"amount": FACE},
}
_PAYMENTS = {
    "RunFunded": {"funding": MINOR},
    "EntitlementPaid": {"nominal": FACE, "gross": MINOR, "tax": MINOR},
    "EntitlementEscrowed": {"gross": MINOR},
    "PaidOutside": {"amount": MINOR},
    "EntitlementRedeemedOutside": {"nominal": FACE, "gross": MINOR},
}
_PROGRAMME = {
    "NominalAuthorised": {
        "nominal": FACE,
        "usd_value": CENTS,
        "rate": "millionths of face per USD",
    },
    "NominalIssued": {"nominal": FACE},
    "UnsoldCancelled": {"nominal": FACE},
    "HeadroomReleased": {"nominal": FACE, "usd_value": CENTS},
    "CeilingChanged": {"ceiling": CENTS},
    "ReservesAttested": {"reserves": CENTS},
}
_TENDER = {
    "TenderAnnounced": {"target": FACE},
    "TenderTargetChanged": {"target": FACE},
    "ResultPublished": {"allotted": FACE},
}
UNITS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "Cash": _CASH,
    "Security": _SECURITY,
    "Payments": _PAYMENTS,
    "Programme": _PROGRAMME,
    "Tender": _TENDER,
    "Orders": {"OrderExecuted": {"amount": TOKEN}},
}
"""Contract, event, argument: its unit."""

_NOTHING: Mapping[str, Mapping[str, str]] = {}


def with_units(contract: str, event: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments as an entry states them: the decimal text of an amount, a space, its unit."""
    units = UNITS.get(contract, _NOTHING).get(event)
    if not units:
        return arguments
    return {
        name: f"{value} {units[name]}" if name in units else value
        for name, value in arguments.items()
    }


def bare(stated: str) -> int:
    """The number of an amount that an entry states."""
    return int(stated.split(" ", 1)[0])
