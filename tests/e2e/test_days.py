"""What everyone has on every business day, three times: contracts, index, journal.

The contracts were asked at each day's close, in the block that closed it.  The index is asked
afterwards by business date.  The journal is replayed from its bytes alone.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sql

from amanat.ledger.balances import balances_at, supply_at
from amanat.ledger.tables import contract
from amanat.ledger.units import bare
from amanat.store.tables import journal_entry

from .conftest import CLOSED, EPOCH, Watched

NOBODY = "0x" + "00" * 20
Balances = dict[str, dict[str, int]]


def ledger_events(watched: Watched) -> Iterator[dict[str, Any]]:
    """What the journal says of the ledger's events, in the order of the chain."""
    with watched.application.store.reading() as connection:
        entries = list(connection.execute(sql.select(journal_entry.c.entry)).scalars())
    told = [json.loads(one)["content"] for one in entries if b"LedgerEventSeen" in one]
    yield from sorted(told, key=lambda one: (one["block_number"], one["log_index"]))


def closes_in_the_journal(watched: Watched) -> dict[date, Balances]:
    """Balances at each close, by replaying who gave what to whom between the closes."""
    units: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    found: dict[date, Balances] = {}
    for told in ledger_events(watched):
        arguments = told["arguments"]
        if told["event"] == "DayAdvanced" and int(arguments["phase"]) == CLOSED:
            day = EPOCH + timedelta(days=int(arguments["day"]))
            found[day] = {token: held(accounts) for token, accounts in units.items()}
        elif told["event"] == "Transfer":
            token = units[told["label"] or told["contract"]]
            token[arguments["sender"]] -= bare(arguments["value"])
            token[arguments["receiver"]] += bare(arguments["value"])
    return found


def held(accounts: dict[str, int]) -> dict[str, int]:
    """Those that have something; what nobody gave is no holding."""
    return {account: units for account, units in accounts.items() if units and account != NOBODY}


def tokens_of(watched: Watched) -> dict[str, str]:
    """Addresses of the cash and of each security by their labels."""
    with watched.application.store.reading() as connection:
        rows = connection.execute(
            sql.select(contract).where(contract.c.kind.in_(("Cash", "Security")))
        )
        return {row.label or row.kind: row.address for row in rows}


def test_every_opened_day_was_closed_and_looked_at(watched: Watched) -> None:
    opened = {
        EPOCH + timedelta(days=int(told["arguments"]["day"]))
        for told in ledger_events(watched)
        if told["event"] == "DayAdvanced"
    }
    assert set(watched.closes) == opened
    programme = watched.pilot.programme
    assert min(opened) == programme.first_day
    assert max(opened) == programme.last_day
    blocks = [close.block_number for _, close in sorted(watched.closes.items())]
    assert blocks == sorted(set(blocks))


def test_contracts_and_journal_agree_at_every_close(watched: Watched) -> None:
    replayed = closes_in_the_journal(watched)
    assert set(replayed) == set(watched.closes)
    for day, close in watched.closes.items():
        for token, balances in close.balances.items():
            assert replayed[day].get(token, {}) == balances, f"{token} at the close of {day}"
            assert sum(balances.values()) == close.supply[token]
        assert set(replayed[day]) <= set(close.balances)


def test_contracts_and_index_agree_on_every_business_day(watched: Watched) -> None:
    """Also on days that the replay passed over: what was true at the last close still is."""
    days = sorted(watched.closes)
    programme = watched.pilot.programme
    every = watched.pilot.calendar.settlement_days(programme.first_day, programme.last_day)
    assert set(days) <= set(every)
    with watched.application.store.reading() as connection:
        for day in every:
            close = watched.closes[days[bisect_right(days, day) - 1]]
            for token, address in tokens_of(watched).items():
                asked = day.isoformat()
                index = balances_at(connection, address, business_date=asked)
                assert index == close.balances.get(token, {}), f"{token} on {day}"
                supply = supply_at(connection, address, business_date=asked)
                assert supply == close.supply.get(token, 0)


def test_index_by_block_is_what_the_contracts_said_in_it(watched: Watched) -> None:
    with watched.application.store.reading() as connection:
        for day, close in watched.closes.items():
            for token, address in tokens_of(watched).items():
                index = balances_at(connection, address, block=close.block_number)
                assert index == close.balances.get(token, {}), f"{token} at the close of {day}"


def test_the_comparison_would_see_one_unit(watched: Watched) -> None:
    """A close in which one account has one unit more does not agree with the journal."""
    replayed = closes_in_the_journal(watched)
    day = max(day for day, close in watched.closes.items() if close.balances["Cash"])
    balances = dict(watched.closes[day].balances["Cash"])
    balances[next(iter(balances))] += 1
    with pytest.raises(AssertionError):
        assert replayed[day]["Cash"] == balances
