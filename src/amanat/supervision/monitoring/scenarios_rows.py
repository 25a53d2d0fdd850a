"""Scenarios that look at one transaction at a time: who, where, and what was told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis import _

from amanat.core.messages import Message
from amanat.jurisdictions.supervision import HighRisk, TravelRule
from amanat.supervision.monitoring.findings import Findings, considered, scenario, scoped
from amanat.supervision.monitoring.model import Classed
from amanat.supervision.monitoring.reported import AFTER_UNTOLD, ONCE
from amanat.supervision.monitoring.scenarios_flows import customer_side
from amanat.supervision.monitoring.staging import (
    DEPOSIT,
    TRADE,
    TRANSFER,
    UNHOSTED,
    WITHDRAWAL,
    Step,
    country_number,
)


def row_findings(classed: ir.Table, flagged: ir.Table, limit: int) -> Findings:
    """One alert per customer and day, of the rows that are flagged."""
    members = flagged.select(
        subject=customer_side(), day=_.day, id=_.id, file=_.file, of=_.day, value=_.value
    )
    flags = members.group_by("subject", "day").agg(
        measure=_.value.sum(), total_minor=_.value.sum(), transactions=_.count()
    )
    return Findings(
        scoped=classed,
        flags=flags.mutate(limit=ibis.literal(limit, "int64")),
        members=members.drop("value"),
    )


def _listed(step: Step, pseudonyms: frozenset[int], name: str) -> ir.Table:
    rows = pa.table({"listed": pa.array(sorted(pseudonyms), pa.int64())})
    return step.lend(rows, name)


def _high_risk_says(v: Mapping[str, Any]) -> Message:
    return Message(
        "{transactions} transactions of {total} with a listed country, address or counterparty",
        transactions=v["transactions"],
        total=v["total_minor"],
    )


@scenario("high_risk", HighRisk, figures=("total_minor", "transactions"), says=_high_risk_says)
def high_risk(step: Step, p: HighRisk) -> Findings:
    """A transaction with a country under a call for action, or with a listed address or party.

    Countries come from the jurisdiction's dated list, addresses and parties from lists that the
    supervisor keeps.  Names are not compared here: screening does that.
    """
    # Over a chain each report names another address, and both are looked at.
    again = (_.second != ONCE) & (_.outside == 0)
    classed = scoped(
        step.own(),
        (again, Classed.SECOND_REPORT),
        (_.value < p.minimum_minor, Classed.BELOW_MINIMUM),
        both_reports=True,
    )
    rows = considered(classed)
    countries = [country_number(code) for code in p.countries]
    found = [rows.filter(_.from_country.isin(countries) | _.to_country.isin(countries))]
    if step.lists.addresses:
        listed = _listed(step, step.lists.addresses, "addresses")
        found.append(rows.semi_join(listed, rows.outside == listed.listed))
    if step.lists.parties:
        listed = _listed(step, step.lists.parties, "parties")
        found.append(rows.semi_join(listed, rows.from_who == listed.listed))
        found.append(rows.semi_join(listed, rows.to_who == listed.listed))
    flagged = found[0]
    for one in found[1:]:
        flagged = flagged.union(one)
    if len(found) > 1:
        flagged = flagged.distinct()
    return row_findings(classed, flagged, max(p.minimum_minor, 1))


def _travel_says(v: Mapping[str, Any]) -> Message:
    return Message(
        "{transactions} transfers of assets of {total} without a travel-rule reference",
        transactions=v["transactions"],
        total=v["total_minor"],
    )


@scenario("travel_rule_gap", TravelRule, figures=("total_minor", "transactions"), says=_travel_says)
def travel_rule_gap(step: Step, p: TravelRule) -> Findings:
    """Assets moved between providers, from the threshold on, and nobody said who sent them.

    FATF Recommendation 16: the originator's and the beneficiary's data travel with the transfer.
    Both providers owe the data, so a reference that one of them lacks is a gap, and a message that
    was rejected is none.  Addresses that no provider keeps are left out unless the parameters take
    them in.
    """
    on_chain = _.kind.isin((DEPOSIT, WITHDRAWAL))
    between = (_.kind == TRANSFER) & _.between
    reasons: list[tuple[Any, Classed]] = [
        (_.kind == TRADE, Classed.TRADE),
        (~(on_chain | between), Classed.NOT_BETWEEN_PROVIDERS),
        (_.value < p.threshold_minor, Classed.BELOW_MINIMUM),
    ]
    if not p.unhosted:
        reasons.append((_.hosted == UNHOSTED, Classed.UNHOSTED))
    classed = scoped(step.own(), *reasons, both_reports=True)
    # A gap on either side is one; of a transfer with two gaps the first report is named.
    gaps = considered(classed).filter(~_.told, _.second != AFTER_UNTOLD)
    return row_findings(classed, gaps, p.threshold_minor)
