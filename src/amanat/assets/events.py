"""What the journal says of assets."""

from __future__ import annotations

from amanat.store.journal import declare

ASSET_REGISTERED = declare(
    "AssetRegistered",
    ("asset", "kind", "description", "place", "quantity", "required_evidence"),
)
CUSTODIAN_APPOINTED = declare("CustodianAppointed", ("asset", "custodian", "former"))
EVIDENCE_ADDED = declare(
    "EvidenceAdded",
    ("asset", "kind", "digest", "issuer", "reference", "issued_on", "expires_on"),
)
