"""What a pilot says about supervision: customers, their transfers, and what the desks do with them.

What happens is listed in the order in which it is done; days never go back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from amanat.replay.reading import Located

BANK = "bank"
"""The side of a transfer that is the customer's own account at a bank outside."""


class Does(StrEnum):
    """What is done; `amanat.replay.acting.supervising` has one function for each."""

    TAKE_IN = "take_in"
    SEND = "send"
    SCREEN = "screen"
    CONFIRM_HIT = "confirm_hit"
    DISMISS_HIT = "dismiss_hit"
    FREEZE = "freeze"
    ACKNOWLEDGE = "acknowledge"
    TELL = "tell"
    MONITOR = "monitor"
    GROUP = "group"
    REFER = "refer"
    RECEIVE = "receive"
    ASK = "ask"
    ANSWER = "answer"
    DISSEMINATE = "disseminate"
    SUSPECT = "suspect"
    REPORT = "report"
    CURRENCY = "currency"
    BATCH = "batch"
    FIU_ANSWERS = "fiu_answers"


class Breaks(StrEnum):
    """How a return is broken before it is sent, so that its refusal shows."""

    TOTALS = "totals"
    """The manifest states a value that its rows have not."""
    TWICE = "twice"
    """One transaction is there twice."""
    PAISA = "paisa"
    """The values of transactions are in paisa, their quantities in rupees."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """An exchange that reports: how its files are written, and where it sits."""

    code: str
    format: str
    address: str
    district: str
    where: Located


@dataclass(frozen=True, slots=True)
class Holder:
    """An invented person."""

    code: str
    name: str
    father_name: str
    born: date
    gender: str
    cnic: str
    district: str
    address: str
    telephone: str
    where: Located


@dataclass(frozen=True, slots=True)
class Customer:
    """An account of a person at an exchange, and the account at a bank behind it."""

    code: str
    exchange: str
    person: str
    opened: date
    iban: str
    where: Located


@dataclass(frozen=True, slots=True)
class Transfer:
    """A movement of money, in minor units; a side is a customer's account, or `BANK`."""

    code: str
    at: datetime
    """With the programme's zone."""
    sender: str
    receiver: str
    amount: int
    cash: bool
    travel_rule: str
    """The message about originator and beneficiary; empty where none was sent."""
    where: Located

    @property
    def sides(self) -> tuple[str, ...]:
        """The customers' accounts among its sides."""
        return tuple(one for one in (self.sender, self.receiver) if one != BANK)


@dataclass(frozen=True, slots=True)
class Label:
    """A transfer that was made as part of a pattern."""

    code: str
    typology: str
    pattern: str
    where: Located


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that is done on a day.

    `said` holds what its kind asks for, by name (`READS` of `amanat.replay.supervision`); `code` is
    its place among all.
    """

    code: str
    on: date
    does: Does
    said: Mapping[str, Any]
    where: Located


@dataclass(frozen=True, slots=True)
class Supervision:
    """The supervision of a pilot, read and found sound."""

    supervisor: str
    fiu: str
    exchanges: Mapping[str, Exchange]
    persons: Mapping[str, Holder]
    customers: Mapping[str, Customer]
    transfers: Mapping[str, Transfer]
    labels: tuple[Label, ...]
    lists: Mapping[str, bytes]
    """Files of lists by their names in the folder."""
    events: tuple[Event, ...]
    where: Located

    def rows(self) -> Iterator[Any]:
        """Every row, each with its `where`."""
        yield from self.exchanges.values()
        yield from self.persons.values()
        yield from self.customers.values()
        yield from self.transfers.values()
        yield from self.labels
        yield from self.events

    def before(self, event: Event, does: Does, **said: Any) -> Event | None:
        """The last event of a kind before another, with these words."""
        found = None
        for one in self.events:
            if one is event:
                return found
            fits = all(one.said.get(name) == value for name, value in said.items())
            found = one if one.does is does and fits else found
        return found
