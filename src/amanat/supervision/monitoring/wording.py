"""Scenarios in words: what a composed rule looks for, and how changed parameters differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

from amanat.core.messages import Message, Word
from amanat.core.money import Money
from amanat.jurisdictions.countries import COUNTRIES
from amanat.supervision.monitoring.composed import (
    Condition,
    CountryIn,
    Fact,
    Having,
    KindIn,
    Listed,
    Rule,
    ValueIs,
)


def rule_in_words(rule: Rule, currency: str) -> Iterator[Message]:
    """From what on a rule alerts, then each of its conditions, one sentence each."""
    reached = _listed([_reached(one, currency) for one in rule.having])
    who = {
        "customer": Message("a customer"),
        "sender": Message("a sender"),
        "receiver": Message("a receiver"),
    }[rule.subject]
    if rule.window_days == 1:
        yield Message("An alert comes where {who} has on one day: {reached}", who=who,
                      reached=reached)  # fmt: skip
    else:
        yield Message("An alert comes where {who} has within {days} days: {reached}", who=who,
                      days=rule.window_days, reached=reached)  # fmt: skip
    if len(rule.having) > 1:
        measure = Word(rule.having[0].measure)
        yield Message("Its score rises with the first of these: {measure}", measure=measure)
    for one in rule.where:
        yield _condition(one, currency)


def _reached(one: Having, currency: str) -> Message:
    match one.measure:
        case "count":
            return Message("{count} transactions or more", count=one.value)
        case "total":
            return Message("{total} or more in total", total=Money(one.value, currency))
    return Message("{count} counterparties or more", count=one.value)


def _condition(one: Condition, currency: str) -> Message:
    match one:
        case ValueIs():
            return _value(one, Money(one.value, currency))
        case KindIn():
            kinds = _listed([Word(kind) for kind in one.value])
            if one.is_ == "in":
                return Message("Only these kinds count: {kinds}", kinds=kinds)
            return Message("These kinds do not count: {kinds}", kinds=kinds)
        case CountryIn():
            return _countries(one)
        case Fact():
            return _fact(one)
        case Listed():
            return {
                "address": Message("Only addresses on the supervisor's list count"),
                "sender": Message("Only senders on the supervisor's list count"),
                "receiver": Message("Only receivers on the supervisor's list count"),
            }[one.field]


def _value(one: ValueIs, amount: Money) -> Message:
    match one.is_:
        case "<":
            return Message("Only values under {amount} count", amount=amount)
        case "<=":
            return Message("Only values up to {amount} count", amount=amount)
        case "==":
            return Message("Only values of exactly {amount} count", amount=amount)
        case ">=":
            return Message("Only values from {amount} count", amount=amount)
    return Message("Only values over {amount} count", amount=amount)


def _countries(one: CountryIn) -> Message:
    countries = _listed([Message(COUNTRIES[code]) for code in one.value])
    if one.field == "from_country":
        if one.is_ == "in":
            return Message("Only what comes from these countries counts: {countries}",
                           countries=countries)  # fmt: skip
        return Message("What comes from these countries does not count: {countries}",
                       countries=countries)  # fmt: skip
    if one.is_ == "in":
        return Message("Only what goes to these countries counts: {countries}", countries=countries)
    return Message("What goes to these countries does not count: {countries}", countries=countries)


def _fact(one: Fact) -> Message:
    so, otherwise = {
        "cash": (Message("Only cash counts"), Message("Cash does not count")),
        "between": (
            Message("Only transfers between providers count"),
            Message("Transfers between providers do not count"),
        ),
        "told": (
            Message("Only transfers that the travel rule told of count"),
            Message("Transfers that the travel rule told of do not count"),
        ),
        "hosted": (
            Message("Only transfers with a wallet that a provider keeps count"),
            Message("Transfers with a wallet that a provider keeps do not count"),
        ),
        "unhosted": (
            Message("Only transfers with a wallet that its owner keeps count"),
            Message("Transfers with a wallet that its owner keeps do not count"),
        ),
    }[one.field]
    return so if one.is_ else otherwise


def _listed(texts: Sequence[Word | Message]) -> Word | Message:
    """Texts after each other; each is still worded by its type."""
    return reduce(_beside, texts)


def _beside(some: Word | Message, other: Word | Message) -> Word | Message:
    return Message("{some}, {other}", some=some, other=other)


def changes_in_words(
    before: Mapping[str, Any], after: Mapping[str, Any], currency: str
) -> Iterator[Message]:
    """Each parameter that differs from what is in force, with both values."""
    differing = [name for name in after if after[name] != before.get(name)]
    for name in differing:
        yield Message(
            "{term}: {value} instead of {earlier}",
            term=Word(name.removesuffix("_minor")),
            value=_shown(name, after[name], currency),
            earlier=_shown(name, before.get(name), currency),
        )
    if not differing:
        yield Message("Every parameter is as it is in force")


def _shown(name: str, value: Any, currency: str) -> Any:
    if isinstance(value, bool):
        return Word("yes" if value else "no")
    if isinstance(value, list):
        if not value:
            return Word("none")
        return _listed([Message(COUNTRIES.get(code, code)) for code in value])
    return Money(value, currency) if name.endswith("_minor") else value
