"""What may be seen of assets: everything, by everyone."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.acts import ViewContext, view
from amanat.assets.commands import AssetAsked, AssetsAsked
from amanat.assets.model import Evidence, EvidenceKind, evidence_refusals
from amanat.assets.tables import asset, evidence
from amanat.core.errors import NotFound, Refusal


def find_asset(connection: Connection, programme: str, code: str) -> Row[Any]:
    """The row of an asset.  Refuses `NotFound`."""
    row = connection.execute(
        sql.select(asset).where(asset.c.programme == programme, asset.c.code == code)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="asset", value=code)
    return row


def evidence_of(connection: Connection, programme: str, code: str) -> list[Evidence]:
    """The documents for an asset, in the order in which they were added."""
    return [_evidence(row) for row in _evidence_rows(connection, programme, code)]


def asset_refusals(connection: Connection, programme: str, code: str, day: date) -> list[Refusal]:
    """Why an asset cannot back a security on `day`; empty when it can.

    `NotFound` (alone) where there is no such asset, else `EvidenceExpired` and `EvidenceMissing`.
    """
    try:
        row = find_asset(connection, programme, code)
    except NotFound as missing:
        return [missing]
    required = [EvidenceKind(kind) for kind in row.required_evidence]
    return evidence_refusals(code, required, evidence_of(connection, programme, code), day)


@view("assets", public=True)
def assets(query: AssetsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """All assets, each with whether its evidence is valid today."""
    del query
    rows = context.connection.execute(
        sql.select(asset).where(asset.c.programme == context.programme).order_by(asset.c.code)
    )
    return [_shown(row, context) for row in rows]


@view("asset", public=True)
def one_asset(query: AssetAsked, context: ViewContext) -> dict[str, Any]:
    """One asset with its evidence.  Refuses `NotFound`."""
    row = find_asset(context.connection, context.programme, query.asset)
    documents = _evidence_rows(context.connection, context.programme, query.asset)
    return _shown(row, context) | {
        "evidence": [
            {
                "kind": one.kind,
                "digest": one.digest,
                "issuer": one.issuer,
                "reference": one.reference,
                "issued_on": one.issued_on,
                "expires_on": one.expires_on,
                "valid": _evidence(one).valid_on(context.business_date),
                "recorded_at": one.recorded_at,
            }
            for one in documents
        ]
    }


def _shown(row: Row[Any], context: ViewContext) -> dict[str, Any]:
    refusals = asset_refusals(
        context.connection, context.programme, row.code, context.business_date
    )
    return {
        "asset": row.code,
        "kind": row.kind,
        "description": row.description,
        "place": row.place,
        "quantity": None if row.quantity is None else f"{row.quantity} {row.unit}",
        "custodian": row.custodian,
        "registered_by": row.institution,
        "registered_at": row.registered_at,
        "required_evidence": row.required_evidence,
        "backs": not refusals,
        "lacks": [refusal.message for refusal in refusals],
    }


def _evidence_rows(connection: Connection, programme: str, code: str) -> list[Row[Any]]:
    return list(
        connection.execute(
            sql.select(evidence)
            .where(evidence.c.programme == programme, evidence.c.asset == code)
            .order_by(evidence.c.id)
        )
    )


def _evidence(row: Row[Any]) -> Evidence:
    return Evidence(
        kind=EvidenceKind(row.kind),
        digest=row.digest,
        issued_on=date.fromisoformat(row.issued_on),
        expires_on=date.fromisoformat(row.expires_on) if row.expires_on else None,
    )
