"""What the forms of licensing's acts offer: codes of the jurisdiction's pack by their titles.

Everywhere else a code is typed; here a person chooses among levels, categories, checklists,
stakeholders, facts and conditions, and scores a checklist point by point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Request

from amanat.access.actors import Actor
from amanat.access.acts import ActKind
from amanat.jurisdictions.licensing import LicensingPack
from amanat.licensing.model import CONFIRMS, SCORE_MAX
from amanat.licensing.records import pack_of
from amanat.web.act_fields import SCORES
from amanat.web.pages import Pages

Choices = Sequence[tuple[str, str]]
_CATEGORY = frozenset(
    ("ConfirmFact", "GrantLicence", "Suspend", "SuspendUrgently", "Revoke", "Surrender")
)
_CONDITIONS = frozenset(("Recommend", "Decide", "GrantLicence", "Vary"))
_RADIO_MAX = 6
"""Up to so many choices all are shown at once."""


@dataclass(frozen=True, slots=True)
class About:
    """What an act is about, where it is known: the page of a file or provider."""

    field: str
    value: str
    href: str


def about_of(programme: str, values: Mapping[str, Any]) -> list[About]:
    """The file and provider that a form's values or a result name, with their pages."""
    return [
        About(name, str(values[name]), f"/p/{programme}/v/{name}?{urlencode({name: values[name]})}")
        for name in ("file", "provider")
        if values.get(name)
    ]


def offered(
    pages: Pages,
    request: Request,
    programme: str,
    kind: ActKind,
    fields: Sequence[Mapping[str, Any]],
    values: Mapping[str, str],
) -> list[dict[str, Any]]:
    """The fields of a licensing act with what the pack offers for them."""
    with pages.app.store.reading() as connection:
        pack = pack_of(connection, programme)
    actor = pages.actor(request, programme)
    return [dict(one) | _offer(pack, kind.name, one, values, actor) for one in fields]


def _offer(
    pack: LicensingPack,
    act: str,
    field: Mapping[str, Any],
    values: Mapping[str, str],
    actor: Actor | None,
) -> dict[str, Any]:
    name = str(field["name"])
    if name == SCORES:
        return _scores(pack, values.get("area", ""))
    if name == "conditions" and act in _CONDITIONS:
        return {"control": "templates", "titles": [(c.code, c.text) for c in pack.conditions]}
    titles = _titles(pack, act, name, actor)
    if titles:
        control = "radio" if len(titles) <= _RADIO_MAX else "choice"
        return {"control": control, "titles": titles, "choices": [code for code, _ in titles]}
    if field["control"] == "choice" and 1 < len(field["choices"]) <= _RADIO_MAX:
        return {"control": "radio"}
    return {}


def _titles(pack: LicensingPack, act: str, name: str, actor: Actor | None) -> Choices:
    """The codes that a field takes, by their titles; none where it takes anything."""
    if name == "level":
        return [(one.code, one.title) for one in pack.suspensions]
    if name == "category" and act in _CATEGORY:
        return [(one.code, one.title) for one in pack.categories]
    if name == "area":
        return [(one.area, one.title) for one in pack.checklists]
    if name == "stakeholder":
        return [(one.code, one.title) for one in pack.stakeholders]
    if name == "fact":
        own = actor.capacities if actor else frozenset()
        return [
            (one.fact, one.title) for one in pack.confirmations if f"{CONFIRMS}.{one.fact}" in own
        ]
    return ()


def _scores(pack: LicensingPack, area: str) -> dict[str, Any]:
    """The points of a checklist; without an area that the pack has, it is chosen first."""
    found = next((one for one in pack.checklists if one.area == area), None)
    if found is None:
        return {"control": "later"}
    return {
        "control": "scores",
        "items": found.items,
        "title": found.title,
        "score_max": SCORE_MAX,
    }
