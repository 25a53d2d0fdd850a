"""What the state owns and what proves it: assets, custodians, evidence and its expiry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar

from amanat.core.errors import Invalid, Refusal


class EvidenceKind(StrEnum):
    """What a document proves; sources as in `docs/reference` on evidence for lots."""

    TITLE = "title"
    """Law, resolution or deed by which the state owns or owes."""
    WAREHOUSE_RECEIPT = "warehouse_receipt"
    BAR_LIST = "bar_list"
    ASSAY = "assay"
    INSPECTION = "inspection"
    INSURANCE = "insurance"
    CUSTODIAN_ATTESTATION = "custodian_attestation"
    LIEN_SEARCH = "lien_search"
    VALUATION = "valuation"


class AssetExists(Refusal):
    """An asset is registered once under one code."""

    template: ClassVar[str] = "Asset {asset} is registered already."


class AmountWithoutUnit(Invalid):
    """A quantity and its unit go together."""

    template: ClassVar[str] = "A quantity needs a unit, and a unit a quantity: {given}."


class EvidenceExists(Refusal):
    """One document is evidence for one asset once."""

    template: ClassVar[str] = "Document {digest} is evidence for {asset} already."


class EvidenceExpired(Refusal):
    """An asset backs a security only while its evidence has not expired."""

    template: ClassVar[str] = (
        "The {kind} for asset {asset} expired on {expires_on}; it must be valid on {day}."
    )


class EvidenceMissing(Refusal):
    """An asset without any evidence backs nothing."""

    template: ClassVar[str] = "There is no {kind} for asset {asset} that is valid on {day}."


class EvidenceDatesDisorderly(Invalid):
    """Evidence expires after the day on which it was given."""

    template: ClassVar[str] = "Evidence of {issued_on} cannot expire on {expires_on}."


class NoCustodian(Refusal):
    """What lies with a custodian needs one before evidence of custody is entered."""

    template: ClassVar[str] = "Asset {asset} has no custodian who could attest it."


@dataclass(frozen=True, slots=True)
class Evidence:
    """A document by its SHA-256; `expires_on` is the last day on which it counts, None never."""

    kind: EvidenceKind
    digest: str
    issued_on: date
    expires_on: date | None

    def valid_on(self, day: date) -> bool:
        """Whether this document counts on `day`."""
        return self.issued_on <= day and (self.expires_on is None or day <= self.expires_on)


def evidence_refusals(
    asset: str, required: Iterable[EvidenceKind], evidence: Iterable[Evidence], day: date
) -> list[Refusal]:
    """For each kind that is required and not valid on `day`, the refusal that names it.

    `EvidenceExpired` where a document of that kind was valid once, else `EvidenceMissing`.  The
    title is always required: without it nobody knows that the state owns or owes anything.
    """
    held = list(evidence)
    found: list[Refusal] = []
    for kind in dict.fromkeys((EvidenceKind.TITLE, *required)):
        documents = [one for one in held if one.kind is kind]
        if any(one.valid_on(day) for one in documents):
            continue
        lapsed = [one.expires_on for one in documents if one.expires_on and one.expires_on < day]
        if lapsed:
            found.append(
                EvidenceExpired(kind=kind.value, asset=asset, expires_on=max(lapsed), day=day)
            )
        else:
            found.append(EvidenceMissing(kind=kind.value, asset=asset, day=day))
    return found
