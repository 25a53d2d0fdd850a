"""What the forms of reports to the FIU offer: the codes of the jurisdiction's table, districts.

A draft of a case begins with the accounts of its transactions of which somebody has to be named.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from amanat.access.acts import ActKind
from amanat.jurisdictions.goaml import GoamlPack, ReportCode
from amanat.supervision.goaml.commands import AmendReport, DraftReport
from amanat.supervision.goaml.records import goaml_of
from amanat.web.pages import Pages

REPORTING = frozenset((DraftReport.__name__, AmendReport.__name__))
"""Acts that write a report."""
_CODES = {
    "address_type": "address_type",
    "contact_type": "address_type",
    "communication_type": "phone_type",
    "gender": "gender",
    "account_type": "account_type",
    "status": "account_status",
    "transmode": "transmode",
    "funds": "funds",
}
"""By field, the list of codes that it is one of."""
_OUTSIDE = {"fiat_in": ("from_account",), "fiat_out": ("to_account",)}
_ROWS_MAX = 10
Field = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Offers:
    """What a programme's reports may say today."""

    pack: GoamlPack
    day: str

    def of(self, field: Mapping[str, Any]) -> Field:
        """A field with the codes that it takes; its parts likewise."""
        name = str(field["name"])
        offer: Field = {"parts": [self.of(one) for one in field["parts"]]}
        if name == "report_code":
            held = [one for one in self.pack.reports if self._holds(one)]
            offer |= _titled("radio", [(one.code, f"{one.code}: {one.title}") for one in held])
        elif name == "indicators":
            found = [(one.code, f"{one.code}: {one.title}") for one in self.pack.indicators]
            offer |= _titled("several", found)
        elif name == "district":
            offer["suggested"] = name
        elif name in _CODES:
            codes = self.pack.codes[_CODES[name]]
            offer |= _titled("choice", [(code, code) for code in codes])
        return dict(field) | offer

    def _holds(self, one: ReportCode) -> bool:
        until = one.valid_until.isoformat() if one.valid_until else self.day
        return one.valid_from.isoformat() <= self.day <= until


def _titled(control: str, titles: Sequence[tuple[str, str]]) -> Field:
    return {"control": control, "titles": titles, "choices": [code for code, _ in titles]}


def offered(
    pages: Pages, programme: str, fields: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The fields of an act that writes a report, with the codes that they take."""
    with pages.app.store.reading() as connection:
        pack = goaml_of(connection, programme)
    day = pages.app.programme_facts(programme)["business_date"] or ""
    offers = _Offers(pack, day)
    return [offers.of(one) for one in fields]


def suggestions(pages: Pages, programme: str) -> dict[str, list[tuple[str, str]]]:
    """By the name of a list that a field suggests from: each entry and what is said beside it."""
    with pages.app.store.reading() as connection:
        found = goaml_of(connection, programme).districts
    return {"district": [(one, province) for province, all_ in found.items() for one in all_]}


def begun(
    pages: Pages, request: Request, programme: str, kind: ActKind, values: Mapping[str, str]
) -> dict[str, str]:
    """The values of a draft that is opened from a case: accounts outside, for somebody to name."""
    if kind.name != DraftReport.__name__ or "case" not in values or "parties" in values:
        return dict(values)
    shown = pages.glance(request, programme, "case", case=values["case"])
    named: dict[str, None] = {}
    for row in shown["transactions"] if shown else ():
        for side in _OUTSIDE.get(str(row["kind"]), ()):
            named[str(row[side])] = None
    if not 0 < len(named) <= _ROWS_MAX:
        return dict(values)
    rows = [{"pseudonym": one, "account": {"bank": "true"}} for one in named]
    return dict(values) | {"parties": json.dumps(rows)}
