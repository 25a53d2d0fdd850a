"""What the journal says of settlement.

Trades are confidential between their parties, the issuer, the registrar and the auditor; the
public sees totals.  Cash that the central bank creates and withdraws is public.
"""

from __future__ import annotations

from amanat.store.journal import Audience, declare

_TERMS = (
    "instruction",
    "isin",
    "deliverer",
    "receiver",
    "number",
    "nominal",
    "consideration",
    "trade_date",
    "first_day",
    "last_day",
    "purpose",
    "reference",
    "digest",
)

# A reference to a payment may name who paid: it is committed to, as on the ledger.
CASH_CREATION_REQUESTED = declare(
    "CashCreationRequested",
    ("movement", "amount", "rtgs_reference"),
    private=("rtgs_reference",),
)
CASH_WITHDRAWAL_REQUESTED = declare(
    "CashWithdrawalRequested",
    ("movement", "amount", "rtgs_reference"),
    private=("rtgs_reference",),
)
INSTRUCTION_ALLEGED = declare(
    "InstructionAlleged", (*_TERMS, "side"), audience=Audience.CONFIDENTIAL
)
INSTRUCTION_MATCHED = declare(
    "InstructionMatched", ("instruction", "digest", "side"), audience=Audience.CONFIDENTIAL
)
INSTRUCTION_ACCEPTED = declare("InstructionAccepted", _TERMS, audience=Audience.CONFIDENTIAL)
INSTRUCTION_CANCELLED = declare(
    "InstructionCancelled",
    ("instruction", "digest", "party", "reason"),
    audience=Audience.CONFIDENTIAL,
)
INSTRUCTION_EXPIRED = declare(
    "InstructionExpired", ("instruction", "last_day", "reason"), audience=Audience.CONFIDENTIAL
)
NUMBERS_TAKEN = declare(
    "NumbersTaken", ("account", "first_number", "count"), audience=Audience.CONFIDENTIAL
)
SETTLEMENT_REQUESTED = declare(
    "SettlementRequested", ("batches", "instructions", "expired"), audience=Audience.PUBLIC
)
CYCLE_REQUESTED = declare(
    "CycleRequested",
    ("cycle", "digest", "trades", "positions", "gross", "net"),
    audience=Audience.CONFIDENTIAL,
)
