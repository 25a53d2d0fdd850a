"""Instructions, their life, net positions and market claims: values and laws of settlement.

Nominal is an integer of units (1 unit = 1 rupee of face), money an integer of paisa.  An account
is the lower-case address that the ledger knows.  An instruction exchanges nominal of one security
for money in one step (delivery versus payment, CPSS 1992 model 1), or as one trade of a netted
cycle (model 3 in its effect, settled in one step).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar

from amanat.core.dates import days_between
from amanat.core.errors import Invalid, Refusal
from amanat.core.messages import Message

WINDOW_DAYS_MAX = 60
"""Longest span from the first to the last day of an instruction: a fail is not left for ever."""

FIELD_MAX = 2**62
"""Largest amount of an instruction; the store's integers and the ledger's batches hold it."""

BATCH_INSTRUCTIONS_MAX = 100
"""Instructions in one chain transaction; the gas of a batch is measured at this size."""


class InstructionState(StrEnum):
    """The life of an instruction: matched, then settled | failed | expired."""

    RESERVED = "reserved"
    """Its number is given and nobody's signature stands yet."""
    ALLEGED = "alleged"
    """One party has signed; the other sees it and may sign the same terms."""
    MATCHED = "matched"
    """Both have signed; it settles on its first day."""
    REQUESTED = "requested"
    """It has been given to the ledger and the outcome is not final."""
    SETTLED = "settled"
    """Both legs have moved, finally."""
    FAILED = "failed"
    """The ledger refused it, for a reason; it is tried again until its last day."""
    EXPIRED = "expired"
    """Its last day has passed."""
    CANCELLED = "cancelled"
    """Its number has been burned, or nobody had signed it."""


NUMBER_UNBURNED = "NumberUnburned"
"""Why an instruction, cancelled by the rule of finality, may still be cancelled by a party."""

LIFE: Mapping[InstructionState, frozenset[InstructionState]] = {
    InstructionState.RESERVED: frozenset(
        {InstructionState.ALLEGED, InstructionState.CANCELLED, InstructionState.EXPIRED}
    ),
    InstructionState.ALLEGED: frozenset(
        {InstructionState.MATCHED, InstructionState.CANCELLED, InstructionState.EXPIRED}
    ),
    InstructionState.MATCHED: frozenset(
        {
            InstructionState.REQUESTED,
            InstructionState.SETTLED,
            InstructionState.CANCELLED,
            InstructionState.EXPIRED,
        }
    ),
    InstructionState.REQUESTED: frozenset(
        {InstructionState.SETTLED, InstructionState.FAILED, InstructionState.CANCELLED}
    ),
    InstructionState.FAILED: frozenset(
        {
            InstructionState.REQUESTED,
            InstructionState.SETTLED,
            InstructionState.CANCELLED,
            InstructionState.EXPIRED,
        }
    ),
    InstructionState.SETTLED: frozenset(),
    InstructionState.EXPIRED: frozenset({InstructionState.SETTLED}),
    InstructionState.CANCELLED: frozenset({InstructionState.SETTLED}),
}
"""What may follow what.

The ledger has the last word: an instruction that either party took to the chain itself is settled
whatever was thought of it here.
"""


class InvalidInstruction(Invalid):
    """An instruction names two accounts, positive amounts and days in their order."""

    template: ClassVar[str] = "{reason}."


class NotInThisState(Refusal):
    """An instruction moves only along its life (see `LIFE`)."""

    template: ClassVar[str] = "Instruction {instruction} is {state} and cannot become {wanted}."


class FreeDeliveryForbidden(Refusal):
    """Without payment nominal moves only between accounts of one participant."""

    template: ClassVar[str] = (
        "{deliverer} and {receiver} belong to different participants: delivery is against payment."
    )


class NumberNotGiven(Refusal):
    """A number is given before it is signed, and used once."""

    template: ClassVar[str] = "Number {number} of {account}: {reason}."


class SignatureNotOfAccount(Invalid):
    """An instruction is accepted only with the signatures of both accounts."""

    template: ClassVar[str] = (
        "Instruction {number} of {deliverer}: the {side}'s signature is of {recovered}."
    )


class ListSignatureNotOfAccount(Invalid):
    """A list is accepted only with the signatures of both its accounts over all of it."""

    template: ClassVar[str] = "The list's signature for {account} is of {recovered}."


class ListUsed(Refusal):
    """A list is submitted once."""

    template: ClassVar[str] = "The list with digest {digest} has been submitted already."


class NothingToSign(Refusal):
    """A party signs an instruction once."""

    template: ClassVar[str] = (
        "Instruction {instruction} is {state}; {institution} has no part open in it."
    )


class UnbalancedPositions(Invalid):
    """Net positions of a cycle sum to nothing, in money and in every security."""

    template: ClassVar[str] = "Net positions in {asset} sum to {total}, not to 0."


class Purpose(StrEnum):
    """Why an instruction exists."""

    TRADE = "trade"
    PRIMARY = "primary"
    """An allotment of a tender, against cash."""
    CLAIM = "claim"
    """A coupon that went to the wrong side of a trade across its record date."""


@dataclass(frozen=True, slots=True)
class InstructionTerms:
    """What both parties sign, but for the number: accounts, amounts, first and last day."""

    isin: str
    deliverer: str
    receiver: str
    nominal: int
    consideration_paisa: int
    trade_date: date
    first_day: date
    last_day: date


Law = Callable[[InstructionTerms], Refusal | None]


def _two_accounts(terms: InstructionTerms) -> Refusal | None:
    if terms.deliverer != terms.receiver:
        return None
    return InvalidInstruction(
        reason=Message("{account} cannot deliver to itself", account=terms.deliverer)
    )


def _nominal_positive(terms: InstructionTerms) -> Refusal | None:
    if 0 < terms.nominal <= FIELD_MAX:
        return None
    return InvalidInstruction(
        reason=Message(
            "a nominal of {nominal} is not from 1 to {maximum}",
            nominal=terms.nominal,
            maximum=FIELD_MAX,
        )
    )


def _consideration_not_negative(terms: InstructionTerms) -> Refusal | None:
    if 0 <= terms.consideration_paisa <= FIELD_MAX:
        return None
    return InvalidInstruction(
        reason=Message(
            "a consideration of {paisa} paisa is not from 0 to {maximum}",
            paisa=terms.consideration_paisa,
            maximum=FIELD_MAX,
        )
    )


def _days_in_order(terms: InstructionTerms) -> Refusal | None:
    if terms.trade_date <= terms.first_day <= terms.last_day:
        return None
    return InvalidInstruction(
        reason=Message(
            "trade {trade_date}, first day {first_day} and last day {last_day} are not in order",
            trade_date=terms.trade_date,
            first_day=terms.first_day,
            last_day=terms.last_day,
        )
    )


def _window_bounded(terms: InstructionTerms) -> Refusal | None:
    span = days_between(terms.first_day, terms.last_day)
    if span <= WINDOW_DAYS_MAX:
        return None
    return InvalidInstruction(
        reason=Message(
            "a window of {days} days is longer than {maximum} days",
            days=span,
            maximum=WINDOW_DAYS_MAX,
        )
    )


LAWS: tuple[Law, ...] = (
    _two_accounts,
    _nominal_positive,
    _consideration_not_negative,
    _days_in_order,
    _window_bounded,
)
"""What the terms of an instruction must keep, in the order in which it is reported."""


def refusals_of(terms: InstructionTerms) -> list[Refusal]:
    """Every law that these terms break; empty when they are sound."""
    return [found for law in LAWS if (found := law(terms)) is not None]


def follow(instruction: str, state: InstructionState, wanted: InstructionState) -> None:
    """Refuse `NotInThisState` unless `wanted` may follow `state`."""
    if wanted not in LIFE[state]:
        raise NotInThisState(instruction=instruction, state=state.value, wanted=wanted.value)


def state_after_signatures(deliverer: bytes | None, receiver: bytes | None) -> InstructionState:
    """The state of an instruction that carries these signatures."""
    count = (deliverer is not None) + (receiver is not None)
    return (InstructionState.RESERVED, InstructionState.ALLEGED, InstructionState.MATCHED)[count]


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade as netting sees it."""

    isin: str
    deliverer: str
    receiver: str
    nominal: int
    consideration_paisa: int


@dataclass(frozen=True, slots=True)
class NetPosition:
    """What one account gives (negative) and gets (positive) in a cycle."""

    account: str
    cash_paisa: int
    nominal: Mapping[str, int]


def net_positions(trades: Iterable[Trade]) -> tuple[NetPosition, ...]:
    """The net position of every account in `trades`, in the order of accounts.

    A security whose movements cancel for an account is left out of its position; an account
    whose whole position cancels stays, since its trades settle all the same.

    >>> a, b = net_positions([Trade("X", "a", "b", 5, 100), Trade("X", "b", "a", 2, 50)])
    >>> (a.cash_paisa, dict(a.nominal)), (b.cash_paisa, dict(b.nominal))
    ((50, {'X': -3}), (-50, {'X': 3}))
    """
    cash: dict[str, int] = {}
    nominal: dict[str, dict[str, int]] = {}
    for trade in trades:
        for account, sign in ((trade.deliverer, -1), (trade.receiver, 1)):
            cash[account] = cash.get(account, 0) - sign * trade.consideration_paisa
            held = nominal.setdefault(account, {})
            held[trade.isin] = held.get(trade.isin, 0) + sign * trade.nominal
    return tuple(
        NetPosition(
            account,
            cash[account],
            {isin: units for isin, units in sorted(nominal[account].items()) if units},
        )
        for account in sorted(cash)
    )


def check_balanced(positions: Sequence[NetPosition]) -> None:
    """Refuse `UnbalancedPositions` unless money and every security sum to nothing."""
    money = sum(position.cash_paisa for position in positions)
    if money:
        raise UnbalancedPositions(asset="money", total=money)
    sums: dict[str, int] = {}
    for position in positions:
        for isin, units in position.nominal.items():
            sums[isin] = sums.get(isin, 0) + units
    for isin, total in sorted(sums.items()):
        if total:
            raise UnbalancedPositions(asset=isin, total=total)


class ClaimSide(StrEnum):
    """Who owes whom the coupon of a trade that crossed its record date."""

    TO_RECEIVER = "to_receiver"
    """Traded cum, settled too late: the deliverer got the coupon and owes it."""
    TO_DELIVERER = "to_deliverer"
    """Traded ex, settled too early: the receiver got the coupon and owes it."""


def claim_side(
    contract_day: date, settled_on: date, ex_date: date, record_date: date
) -> ClaimSide | None:
    """Whether a trade in a security carries a claim for one coupon, and in which direction.

    `contract_day` is the first day of its instruction, on which it should have settled: before
    the ex-date it buys the coupon.  Whoever holds at the close of the record date is paid.  Where
    the two differ, the one who was paid owes the other (market claims standards of the European
    Corporate Actions Joint Working Group, 2012: cum trade settled after the record date, ex trade
    settled on or before it).
    """
    bought_coupon = contract_day < ex_date
    receiver_holds = settled_on <= record_date
    if bought_coupon and not receiver_holds:
        return ClaimSide.TO_RECEIVER
    if not bought_coupon and receiver_holds:
        return ClaimSide.TO_DELIVERER
    return None
