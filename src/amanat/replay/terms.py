"""The terms with which a pilot's programme is founded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amanat.access.actors import Role
from amanat.programme.terms import ProgrammeTerms
from amanat.replay.model import Pilot

AddressOf = Callable[[str, str], str]
"""The address of the key of a person or account: (institution, name) -> address."""


def programme_terms(
    pilot: Pilot, address_of: AddressOf, sender_list: str | None = None
) -> ProgrammeTerms:
    """What is founded: institutions, people with their keys, classes, kinds, ceiling, first day.

    `sender_list` is the chain's own list of who may send, where there is one.
    Raises pydantic's `ValidationError` where a code or name has not the form that is asked.
    """
    programme = pilot.programme
    stated: dict[str, Any] = {
        "code": programme.code,
        "name": programme.title,
        "currency": programme.currency,
        "zone": programme.zone,
        "calendar": programme.jurisdiction,
        "ceiling_usd_cents": programme.ceiling_usd_cents,
        "simulation": programme.simulation,
        "redemption_frees_headroom": programme.redemption_frees_headroom,
        "first_business_date": programme.first_day,
        "sender_list": sender_list,
        "institutions": [
            {
                "code": one.code,
                "name": one.name,
                "number": one.number,
                "capacities": sorted(one.capacities),
            }
            for one in pilot.institutions.values()
        ],
        "people": [
            {
                "code": one.code,
                "institution": one.institution,
                "role": Role(one.role),
                "name": one.code.replace("_", " "),
                "address": address_of(one.institution, one.code),
            }
            for one in pilot.people.values()
        ],
        "classes": [
            {"code": one.code, "authority": one.authority} for one in pilot.classes.values()
        ],
        "kinds": [
            {
                "code": one.code,
                "clearances": list(one.clearances),
                "confirmations": list(one.agents),
            }
            for one in pilot.kinds.values()
        ],
        "exchange_rates": [
            {
                "rate_date": one.on,
                "rate": one.per_usd,
                "source": one.source,
                "assumed": one.assumed,
            }
            for one in pilot.exchange_rates
        ],
    }
    return ProgrammeTerms.model_validate(stated)
