"""Every amount that an event of a contract tells has its unit in the journal."""

from __future__ import annotations

import pytest

from amanat.ledger.artifacts import Artifacts
from amanat.ledger.units import UNITS, bare, with_units

PLAIN = {
    # numbers of things
    "number", "run", "index", "chunk", "cursor", "tender", "bidder", "institution", "participant",
    "epoch", "contract_id", "authorisation",
    # days since 1970-01-01 and seconds of block time
    "day", "last_day", "valid_until", "record_day", "maturity_day", "rate_day", "expiry_day",
    "opens_at", "bids_due",
    # codes and sets of bits
    "phase", "kind", "participant_class", "country", "level", "classes", "capacities",
    "clearances", "confirmations", "institutions", "reason",
    # counts
    "quorum", "entitlements", "positions", "commitments", "withdrawn", "letters", "accepted",
    "unsuccessful", "void",
}  # fmt: skip
"""Integers of events that measure nothing, by what they are."""


def integers() -> list[tuple[str, str, str]]:
    return [
        (artifact.name, event, argument)
        for artifact in map(Artifacts.load().get, Artifacts.load().names())
        for event, arguments in artifact.integers.items()
        for argument in sorted(arguments)
    ]


@pytest.mark.parametrize(("contract", "event", "argument"), integers())
def test_an_integer_has_its_unit_or_measures_nothing(
    contract: str, event: str, argument: str
) -> None:
    has_unit = argument in UNITS.get(contract, {}).get(event, {})
    assert has_unit != (argument in PLAIN)


def test_no_unit_is_of_an_argument_that_no_event_has() -> None:
    stated = {
        (contract, event, argument)
        for contract, events in UNITS.items()
        for event, units in events.items()
        for argument in units
    }
    assert stated <= set(integers())


def test_an_amount_is_read_back() -> None:
    told = with_units("Cash", "Transfer", {"sender": "0x01", "value": "200000000000"})
    assert told == {"sender": "0x01", "value": "200000000000 minor"}
    assert bare(told["value"]) == 200_000_000_000
    assert with_units("Cash", "HoldReleased", {"account": "0x01"}) == {"account": "0x01"}
