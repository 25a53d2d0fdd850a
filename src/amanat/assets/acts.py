"""Registers assets, appoints their custodians, adds the evidence for them."""

from __future__ import annotations

import sqlalchemy as sql

from amanat.access.acts import ActContext, Result, act
from amanat.access.tables import institution
from amanat.assets import events
from amanat.assets.commands import AddEvidence, AppointCustodian, RegisterAsset
from amanat.assets.model import (
    AmountWithoutUnit,
    AssetExists,
    EvidenceDatesDisorderly,
    EvidenceExists,
    EvidenceKind,
    NoCustodian,
)
from amanat.assets.tables import asset, evidence
from amanat.assets.views import find_asset
from amanat.core.errors import NotFound, Refused
from amanat.core.ids import new_id
from amanat.core.quantities import text_from


@act(capacities=["issuer"])
def register_asset(command: RegisterAsset, context: ActContext) -> Result:
    """Register an asset under a code.  Refuses `AssetExists`, `AmountWithoutUnit`."""
    connection, programme = context.uow.connection, context.programme
    refused = Refused()
    known = sql.select(asset.c.code).where(
        asset.c.programme == programme, asset.c.code == command.asset
    )
    if connection.execute(known).first() is not None:
        refused.add(AssetExists(asset=command.asset))
    if (command.quantity is None) != (command.unit is None):
        refused.add(AmountWithoutUnit(given=command.unit or command.quantity))
    refused.raise_if_any()
    quantity = None if command.quantity is None else text_from(command.quantity)
    required = [kind.value for kind in command.required_evidence]
    entry = context.uow.journal.append(
        events.ASSET_REGISTERED,
        {
            "asset": command.asset,
            "kind": command.kind,
            "description": command.description,
            "place": command.place,
            "quantity": None if quantity is None else f"{quantity} {command.unit}",
            "required_evidence": required,
        },
        subject=f"assets:{command.asset}",
    )
    connection.execute(
        asset.insert().values(
            programme=programme,
            code=command.asset,
            kind=command.kind,
            description=command.description,
            place=command.place,
            quantity=quantity,
            unit=command.unit,
            required_evidence=required,
            institution=context.actor.institution,
            registered_at=context.now.isoformat(),
            entry=entry,
        )
    )
    return {"asset": command.asset, "entry": entry}


@act(capacities=["issuer"])
def appoint_custodian(command: AppointCustodian, context: ActContext) -> Result:
    """Appoint a custodian in place of any former one.  Refuses `NotFound`: asset, institution."""
    connection, programme = context.uow.connection, context.programme
    row = find_asset(connection, programme, command.asset)
    known = sql.select(institution.c.code).where(
        institution.c.programme == programme, institution.c.code == command.custodian
    )
    if connection.execute(known).first() is None:
        raise NotFound(thing="institution", value=command.custodian)
    connection.execute(
        sql.update(asset)
        .where(asset.c.programme == programme, asset.c.code == command.asset)
        .values(custodian=command.custodian)
    )
    entry = context.uow.journal.append(
        events.CUSTODIAN_APPOINTED,
        {"asset": command.asset, "custodian": command.custodian, "former": row.custodian},
        subject=f"assets:{command.asset}",
    )
    return {"asset": command.asset, "custodian": command.custodian, "entry": entry}


@act(capacities=["issuer", "custodian", "auditor"])
def add_evidence(command: AddEvidence, context: ActContext) -> Result:
    """Add a document by its digest; it counts from its day until it expires.

    Refuses, in order: `NotFound` (asset), `EvidenceDatesDisorderly`, `NoCustodian`,
    `EvidenceExists`.
    """
    connection, programme = context.uow.connection, context.programme
    row = find_asset(connection, programme, command.asset)
    if command.expires_on is not None and command.expires_on <= command.issued_on:
        raise EvidenceDatesDisorderly(issued_on=command.issued_on, expires_on=command.expires_on)
    if command.kind is EvidenceKind.CUSTODIAN_ATTESTATION and row.custodian is None:
        raise NoCustodian(asset=command.asset)
    known = sql.select(evidence.c.id).where(
        evidence.c.programme == programme,
        evidence.c.asset == command.asset,
        evidence.c.digest == command.digest,
    )
    if connection.execute(known).first() is not None:
        raise EvidenceExists(digest=command.digest, asset=command.asset)
    expires_on = command.expires_on.isoformat() if command.expires_on else None
    entry = context.uow.journal.append(
        events.EVIDENCE_ADDED,
        {
            "asset": command.asset,
            "kind": command.kind.value,
            "digest": command.digest,
            "issuer": command.issuer,
            "reference": command.reference,
            "issued_on": command.issued_on.isoformat(),
            "expires_on": expires_on,
        },
        subject=f"assets:{command.asset}",
    )
    identifier = new_id()
    connection.execute(
        evidence.insert().values(
            id=identifier,
            programme=programme,
            asset=command.asset,
            kind=command.kind.value,
            digest=command.digest,
            issuer=command.issuer,
            reference=command.reference,
            issued_on=command.issued_on.isoformat(),
            expires_on=expires_on,
            recorded_at=context.now.isoformat(),
            entry=entry,
        )
    )
    return {"asset": command.asset, "evidence": identifier, "entry": entry}
