"""The commands and queries of assets."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from amanat.access.acts import Command, Query
from amanat.access.fields import Day, PlainDecimal
from amanat.assets.model import EvidenceKind
from amanat.participants.commands import Code, Words

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 in hexadecimal."""
Unit = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,20}$")]
"""A unit of quantity, such as fine_troy_oz or bbl."""


class RegisterAsset(Command):
    """Register what the state owns, or the obligation that backs a security."""

    asset: Code
    kind: Code
    description: Words
    place: Words
    quantity: PlainDecimal | None = None
    unit: Unit | None = None
    required_evidence: tuple[EvidenceKind, ...] = ()


class AppointCustodian(Command):
    """Appoint the institution with which an asset lies."""

    asset: Code
    custodian: Code


class AddEvidence(Command):
    """Add a document, by its digest, that proves something of an asset."""

    asset: Code
    kind: EvidenceKind
    digest: Digest
    issuer: Words
    reference: Words
    issued_on: Day
    expires_on: Day | None = None


class AssetsAsked(Query):
    """All assets."""


class AssetAsked(Query):
    """One asset by its code."""

    asset: Code
