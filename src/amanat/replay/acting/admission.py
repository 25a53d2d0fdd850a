"""Participants, accounts, tax and assets; and what the issuer authorises."""

from __future__ import annotations

import hashlib
from typing import Any

from amanat.replay.model import Instrument
from amanat.replay.performing import Performer
from amanat.replay.plan import Step

ACCOUNTS_AT_ONCE = 60


def admit(performer: Performer, step: Step) -> None:
    """Admit every participant to its class and open its accounts."""
    pilot = performer.pilot
    for one in pilot.participants.values():
        performer.perform(
            f"{step.key}/{one.institution}",
            "AdmitParticipant",
            {
                "participant": one.institution,
                "participant_class": one.holder_class,
                "country": one.country,
                "valid_until": one.valid_until,
            },
            institution=pilot.classes[one.holder_class].authority,
        )
    performer.pump()
    for one in pilot.participants.values():
        accounts = [a for a in pilot.accounts.values() if a.participant == one.institution]
        for first in range(0, len(accounts), ACCOUNTS_AT_ONCE):
            performer.perform(
                f"{step.key}/{one.institution}/accounts/{first}",
                "EnrolAccounts",
                {
                    "participant": one.institution,
                    "accounts": [
                        {
                            "address": performer.account(account.code),
                            "kind": account.kind,
                            "label": account.code,
                            "holder_class": account.holder_class,
                            "tax_residency": account.residency,
                            "holder": account.holder or None,
                        }
                        for account in accounts[first : first + ACCOUNTS_AT_ONCE]
                    ],
                },
                institution=pilot.classes[one.holder_class].authority,
            )
    performer.pump()


def record_tax(performer: Performer, step: Step) -> None:
    """Record the dated rates, then how the holder of each account is taxed."""
    pilot = performer.pilot
    rows = [
        {
            "instrument": rate.instrument,
            "holder_classes": list(rate.holder_classes),
            "first_day": rate.first_day,
            "last_day": rate.last_day,
            "active_percent": rate.active_percent,
            "inactive_percent": rate.inactive_percent,
            "final": rate.final,
            "source": rate.source,
            "assumed": rate.assumed,
        }
        for rate in pilot.tax_rates
    ]
    if rows:
        performer.perform(f"{step.key}/rates", "RecordTaxRates", {"rows": rows})
    agent = pilot.with_capacity("tax_agent")[0].code
    for place, standing in enumerate(pilot.tax_standings, 1):
        account = pilot.accounts[standing.account]
        performer.perform(
            f"{step.key}/{place}/{standing.account}",
            "RecordTaxStatus",
            {
                "address": performer.account(account.code),
                "holder_class": account.holder_class,
                "active_taxpayer": standing.active,
                "valid_from": standing.first_day,
                "valid_to": standing.last_day,
                "tax_residency": account.residency,
                "certificate": standing.certificate or None,
                "certificate_number": standing.certificate_number or None,
                "reduced_rate": standing.reduced_rate,
                "source": standing.source,
            },
            institution=agent,
        )


def register_assets(performer: Performer, step: Step) -> None:
    """Register what stands behind the securities, with one document each, by its digest."""
    issuer = performer.pilot.with_capacity("issuer")[0]
    for asset in performer.pilot.assets.values():
        performer.perform(
            f"{step.key}/{asset.code}",
            "RegisterAsset",
            {
                "asset": asset.code,
                "kind": asset.kind,
                "description": asset.description,
                "place": asset.place,
                "required_evidence": [asset.evidence_kind],
            },
            institution=issuer.code,
        )
        performer.perform(
            f"{step.key}/{asset.code}/evidence",
            "AddEvidence",
            {
                "asset": asset.code,
                "kind": asset.evidence_kind,
                "digest": hashlib.sha256(asset.document.encode()).hexdigest(),
                "issuer": issuer.name,
                "reference": asset.document,
                "issued_on": asset.issued_on,
                "expires_on": asset.expires_on,
            },
            institution=issuer.code,
        )


def authorise(performer: Performer, step: Step) -> None:
    """Authorise a security: the issuer, the clearances, the agents.  Then it exists."""
    instrument: Instrument = step.about
    fields: dict[str, Any] = {
        "terms": instrument.terms.canonical(),
        "nominal": instrument.authorised,
        "rate_date": instrument.authorised_on,
        "asset": instrument.asset,
        "authority": instrument.authority,
        "classes": list(instrument.classes),
        "expires_on": instrument.expires_on,
    }
    performer.perform(step.key, "AuthoriseSecurity", fields)
    performer.pump()
