"""Schedules and interest against the ACTUS reference tests of principal-at-maturity contracts.

The tests of ACTUS (actusfrf/actus-tests, CC-BY-SA-4.0) are read from the folder named by
AMANAT_REFERENCE_DATA and are never part of this project.  A contract is in scope when it is a
security that we can issue: a fixed rate, one principal, coupons every whole number of months.
"""

import json
import os
from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from amanat.core.calendars import Calendar, RollRule
from amanat.core.dates import add_months, days_between
from amanat.instruments.model import BondTerms, terms_from
from amanat.instruments.schedule import (
    MATURITY_DRIFT_DAYS_MAX,
    coupon_schedule,
    payment_dates,
)
from amanat.jurisdictions.conventions import Anchor, DayCount, load_convention

pytestmark = pytest.mark.conformance

DAY_COUNTS = {
    "A365": DayCount.ACT_365,
    "A360": DayCount.ACT_360,
    "AA": DayCount.ACT_ACT_ISDA,
    "30E360": DayCount.THIRTY_E_360,
}

ROLL_RULES = {
    None: RollRule.NONE,
    "CSF": RollRule.FOLLOWING,
    "CSMF": RollRule.MODIFIED_FOLLOWING,
}
"""Only rules that calculate first and shift afterwards: our accrual dates are never moved."""

WEEKDAYS = Calendar("mf", "1", ((date(2010, 1, 1), date(2020, 12, 31)),), frozenset({6, 7}), {}, {})

IN_SCOPE = 8
OUT_OF_SCOPE = {
    "accrual dates are shifted": 4,
    "bought or ended between its dates": 2,
    "interest is capitalised": 2,
    "last coupon is a stub": 3,
    "rate is reset": 4,
    "starts with interest already accrued": 1,
    "coupons every so many days": 1,
}


def contracts() -> dict[str, Any]:
    folder = Path(os.environ["AMANAT_REFERENCE_DATA"])
    return json.loads((folder / "actus" / "actus-tests-pam.json").read_text(encoding="utf-8"))


def day(moment: str) -> date:
    return date.fromisoformat(moment[:10])


def months_of(cycle: str) -> int:
    number, unit = int(cycle[1:-3]), cycle[-3]
    return number * {"M": 1, "Y": 12}[unit]


def sign_of(terms: dict[str, Any]) -> int:
    """ACTUS gives cash flows as the record's creator sees them: received or paid."""
    return {"RPA": 1, "RPL": -1}[terms["contractRole"]]


def why_out_of_scope(terms: dict[str, Any]) -> str | None:
    rules = [
        ("purchaseDate" in terms, "bought or ended between its dates"),
        ("capitalizationEndDate" in terms, "interest is capitalised"),
        ("cycleOfRateReset" in terms, "rate is reset"),
        (terms["cycleOfInterestPayment"][-3] == "D", "coupons every so many days"),
        (terms.get("businessDayConvention") not in ROLL_RULES, "accrual dates are shifted"),
        (Decimal(terms.get("accruedInterest", "0")) != 0, "starts with interest already accrued"),
    ]
    reason = next((reason for holds, reason in rules if holds), None)
    # Only months can be stepped, so this is asked of what has passed the rules above.
    return reason or ("last coupon is a stub" if ends_in_stub(terms) else None)


def ends_in_stub(terms: dict[str, Any]) -> bool:
    """Whether maturity is more than a week after the last coupon date that steps from issue.

    Within the week, ours and ACTUS's last coupon both run from the date before to maturity.
    """
    start, end = day(terms["initialExchangeDate"]), day(terms["maturityDate"])
    if start != day(terms["cycleAnchorDateOfInterestPayment"]):
        return True
    step, last = months_of(terms["cycleOfInterestPayment"]), start
    end_of_month = terms.get("endOfMonthConvention") == "EOM"
    for number in range(1, 1000):
        stepped = add_months(start, step * number, end_of_month=end_of_month)
        if stepped > end:
            break
        last = stepped
    return days_between(last, end) > MATURITY_DRIFT_DAYS_MAX


def bond_of(terms: dict[str, Any]) -> BondTerms:
    found = terms_from(
        {
            "kind": "bond",
            "isin": "DE0001102622",
            "cfi": "DBFTFR",
            "fisn": "ACTUS/PAM",
            "currency": terms["currency"],
            "issue_date": day(terms["initialExchangeDate"]),
            "maturity_date": day(terms["maturityDate"]),
            "denomination": 1,
            "convention": "actus",
            "calendar": "mf",
            "coupon_rate": Decimal(terms["nominalInterestRate"]) * 100,
            "coupons_per_year": 12 // months_of(terms["cycleOfInterestPayment"]),
            "end_of_month": terms.get("endOfMonthConvention") == "EOM",
        }
    )
    assert isinstance(found, BondTerms)
    return found


def test_scope_is_what_we_say():
    reasons = Counter(why_out_of_scope(case["terms"]) for case in contracts().values())
    assert reasons.pop(None) == IN_SCOPE
    assert dict(reasons) == OUT_OF_SCOPE


def test_schedules_and_interest():
    compared = 0
    for name, case in contracts().items():
        terms = case["terms"]
        if why_out_of_scope(terms) is not None:
            continue
        bond = bond_of(terms)
        count = DAY_COUNTS[terms["dayCountConvention"]]
        convention = replace(
            load_convention("de-bund", date(2024, 1, 2)),
            coupon_day_count=count,
            coupon_anchor=Anchor.ISSUE,
            payment_roll=ROLL_RULES[terms.get("businessDayConvention")],
        )
        notional = Decimal(terms["notionalPrincipal"])
        ours = [
            (
                payment_dates(period.end, convention, WEEKDAYS).payment_date,
                period.coupon * notional / 100 * sign_of(terms),
            )
            for period in coupon_schedule(bond, convention)
        ]
        # ACTUS also lists an empty interest payment on the day of the first exchange.
        theirs = [
            (day(event["eventDate"]), Decimal(str(event["payoff"])))
            for event in case["results"]
            if event["eventType"] == "IP" and day(event["eventDate"]) > bond.issue_date
        ]
        assert [due for due, _ in ours] == [due for due, _ in theirs], name
        for (due, amount), (_, expected) in zip(ours, theirs, strict=True):
            assert abs(amount - expected) < Decimal("1e-9"), (name, due)
        compared += 1
    assert compared == IN_SCOPE
