"""Scenarios that an analyst composes from fields, windows and lists, without code.

A rule is JSON, checked against `Rule`; it becomes the same expressions as a scenario of ours:

    {"name": "Many small withdrawals", "explains": "…", "subject": "sender", "window_days": 3,
     "where": [{"field": "kind", "is": "in", "value": ["withdrawal"]},
               {"field": "value", "is": "<", "value": 5000000}],
     "having": [{"measure": "count", "is": ">=", "value": 10}]}
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis import _
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from amanat.access.fields import require_plain
from amanat.access.refusals import FAULTS, field_refusal, own_faults
from amanat.core.errors import Invalid, Refusal, Refused
from amanat.core.messages import Message
from amanat.jurisdictions.countries import COUNTRIES
from amanat.supervision.monitoring.expressions import (
    LOW,
    distinct_in_window,
    over_days,
    within,
)
from amanat.supervision.monitoring.findings import (
    Findings,
    Scenario,
    considered,
    members_of,
    scoped,
)
from amanat.supervision.monitoring.model import Classed
from amanat.supervision.monitoring.scenarios_flows import customer_side, other_side
from amanat.supervision.monitoring.staging import (
    HOSTED,
    KINDS,
    UNHOSTED,
    Step,
    country_number,
)

RULE_CHARACTERS_MAX = 20_000
_INT64_MAX = 2**63 - 1


class RuleInvalid(Invalid):
    """A composed rule is JSON with the fields, comparisons and measures that there are."""

    template: ClassVar[str] = "{field}: {reason} (found {found})."


def _plain(text: str) -> str:
    """A text in which something stands, and nothing hides: JSON's escapes are taken apart here."""
    try:
        require_plain(text)
    except Refusal as error:
        raise ValueError(error.said) from None
    if not any(one.isalnum() for one in text):
        raise ValueError(Message("a text says something"))
    return text


def _country(code: str) -> str:
    if code not in COUNTRIES:
        raise ValueError(Message("no country of ISO 3166 has this code"))
    return code


Comparison = Literal["<", "<=", "==", ">=", ">"]
Amount = Annotated[int, Field(strict=True, ge=0, le=_INT64_MAX)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$"), AfterValidator(_country)]
_STRICT = ConfigDict(frozen=True, extra="forbid")


class ValueIs(BaseModel):
    """The transaction's value, in minor units."""

    model_config = _STRICT
    field: Literal["value"]
    is_: Comparison = Field(alias="is")
    value: Amount


class KindIn(BaseModel):
    """The kind of the transaction."""

    model_config = _STRICT
    field: Literal["kind"]
    is_: Literal["in", "not in"] = Field(alias="is")
    value: tuple[
        Literal["fiat_in", "fiat_out", "trade", "deposit", "withdrawal", "transfer"], ...
    ] = Field(min_length=1)


class CountryIn(BaseModel):
    """The country of who sends or receives."""

    model_config = _STRICT
    field: Literal["from_country", "to_country"]
    is_: Literal["in", "not in"] = Field(alias="is")
    value: tuple[Country, ...] = Field(min_length=1, max_length=250)


class Fact(BaseModel):
    """Whether something is so: cash, between providers, told by travel rule, hosted, unhosted."""

    model_config = _STRICT
    field: Literal["cash", "between", "told", "hosted", "unhosted"]
    is_: Annotated[bool, Field(strict=True)] = Field(alias="is")


class Listed(BaseModel):
    """Whether the outside address, the sender or the receiver is on the supervisor's list."""

    model_config = _STRICT
    field: Literal["address", "sender", "receiver"]
    is_: Literal["listed"] = Field(alias="is")


Condition = ValueIs | KindIn | CountryIn | Fact | Listed


class Having(BaseModel):
    """What must be reached by the subject within the window."""

    model_config = _STRICT
    measure: Literal["count", "total", "counterparties"]
    is_: Literal[">="] = Field(alias="is")
    value: Annotated[int, Field(strict=True, ge=1, le=_INT64_MAX)]


class Rule(BaseModel):
    """A composed scenario.  The first of `having` gives the score."""

    model_config = _STRICT
    name: Annotated[str, Field(min_length=3, max_length=100), AfterValidator(_plain)]
    explains: Annotated[str, Field(min_length=10, max_length=2_000), AfterValidator(_plain)]
    subject: Literal["customer", "sender", "receiver"]
    window_days: Annotated[int, Field(strict=True, ge=1, le=60)]
    where: tuple[Annotated[Condition, Field(discriminator="field")], ...] = Field(max_length=20)
    having: tuple[Having, ...] = Field(min_length=1, max_length=3)

    @model_validator(mode="after")
    def _each_measure_once(self) -> Rule:
        measures = [one.measure for one in self.having]
        if len(set(measures)) < len(measures):
            raise ValueError(Message("each measure stands once"))
        return self


def rule_from(text: str) -> Rule:
    """A rule from its JSON.

    Refuses, all at once, `RuleInvalid`: not JSON, too long, or what the schema does not know.
    """
    refused = Refused()
    if len(text) > RULE_CHARACTERS_MAX:
        reason = Message(FAULTS["string_too_long"], max_length=RULE_CHARACTERS_MAX)
        raise RuleInvalid(field="rule", reason=reason, found=len(text))
    try:
        return Rule.model_validate_json(text)
    except ValidationError as error:
        for field, told, found in dict.fromkeys(_faults(error)):
            refused.add(RuleInvalid(field=field, reason=told, found=found))
    refused.raise_if_any()
    raise AssertionError("a rule was refused without a reason")


def _faults(error: ValidationError) -> Iterator[tuple[str, str, str]]:
    """Place and reason of each fault, and what stands there."""
    for one in own_faults(error.errors(include_url=False)):
        told = field_refusal("", one, whole="rule").fields
        place = ".".join(str(part) for part in one["loc"]) or "rule"
        yield place[:200], told["reason"], told["value"]


def schema() -> dict[str, Any]:
    """JSON Schema of a rule, for those who write one."""
    return Rule.model_json_schema(by_alias=True)


def rule_text(rule: Rule) -> str:
    """The rule as JSON again."""
    return json.dumps(rule.model_dump(mode="json", by_alias=True), ensure_ascii=False)


def _condition(one: Condition) -> Any:
    """A condition as an expression over staged rows; `Listed` is a join, see `_matching`."""
    match one:
        case ValueIs():
            return _COMPARES[one.is_](_.value, one.value)
        case KindIn():
            found = _.kind.isin([KINDS[name] for name in one.value])
            return found if one.is_ == "in" else ~found
        case CountryIn():
            found = _[one.field].isin([country_number(code) for code in one.value])
            return found if one.is_ == "in" else ~found
        case Fact():
            fits = {
                "cash": _.cash,
                "between": _.between,
                "told": _.told,
                "hosted": _.hosted == HOSTED,
                "unhosted": _.hosted == UNHOSTED,
            }[one.field]
            return fits if one.is_ else ~fits
    raise AssertionError(one)


_COMPARES: Mapping[str, Callable[[Any, int], Any]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
}
_LISTS = {"address": "outside", "sender": "from_who", "receiver": "to_who"}
_SUBJECTS = {"sender": ("from_who", "to_who"), "receiver": ("to_who", "from_who")}


def _matching(step: Step, rows: ir.Table, rule: Rule) -> ir.Table:
    """Every row with its class: considered where all conditions hold, else outside the rule."""
    fits: Any = ibis.literal(True)
    for at, one in enumerate(rule.where):
        if isinstance(one, Listed):
            addresses = one.field == "address"
            pseudonyms = step.lists.addresses if addresses else step.lists.parties
            lent = step.lend(
                pa.table({f"listed{at}": pa.array(sorted(pseudonyms), pa.int64())}), "listed"
            )
            rows = rows.left_join(lent, rows[_LISTS[one.field]] == lent[f"listed{at}"])
            fits = fits & _[f"listed{at}"].notnull()
        else:
            fits = fits & _condition(one)
    return scoped(rows, (~fits, Classed.OUTSIDE_RULE))


def judge_rule(step: Step, rule: Rule) -> Findings:
    """What a composed rule finds in one step."""
    days = rule.window_days
    classed = _matching(step, step.back(days - 1), rule)
    subject, other = _SUBJECTS.get(rule.subject, ("", ""))
    who: Any = _[subject] if subject else customer_side()
    whom: Any = _[other] if other else other_side()
    rows = considered(classed).select("id", "file", "day", "value", who=who, whom=whom)
    sums = step.keep(
        rows.group_by("who", "day").agg(
            total=_.value.sum(), n=_.count(), hi=(_.id >> 32).sum(), lo=(_.id & LOW).sum()
        ),
        "composed",
    )
    windows = sums.mutate(
        total_minor=over_days(_.total.sum(), days, ["who"]),
        count=over_days(_.n.sum(), days, ["who"]),
    )
    counted = distinct_in_window(rows, ["who"], "whom", days)
    reached = within(windows, step.first, step.last).join(
        counted.select("who", "day", counterparties=_.others), ["who", "day"]
    )
    columns = {"count": "count", "total": "total_minor", "counterparties": "counterparties"}
    for one in rule.having:
        reached = reached.filter(_[columns[one.measure]] >= one.value)
    flags = step.keep(
        reached.select(
            subject=_.who,
            day=_.day,
            measure=_[columns[rule.having[0].measure]],
            limit=ibis.literal(rule.having[0].value, "int64"),
            total_minor=_.total_minor,
            count=_["count"],
            counterparties=_.counterparties,
        ),
        "composed_flags",
    )
    own = within(sums, step.first, step.last)
    taken = own.agg(n=_.n.sum(), hi=_.hi.sum(), lo=_.lo.sum())
    scoped_own = within(classed, step.first, step.last)
    return Findings(scoped_own, flags, members_of(flags, rows, "who", days), taken)


def _says(rule: Rule, v: Mapping[str, Any]) -> Message:
    return Message(
        "{rule}: {count} transactions of {total} with {counterparties} others in {days} days",
        rule=rule.name,
        count=v["count"],
        total=v["total_minor"],
        counterparties=v["counterparties"],
        days=rule.window_days,
    )


def composed_scenario(code: str, rule: Rule) -> Scenario:
    """A rule as a scenario like any other."""

    def judge(step: Step, given: Rule) -> Findings:
        return judge_rule(step, given)

    judge.__doc__ = rule.explains
    return Scenario(
        code=code,
        parameters=Rule,
        lookback=lambda given: int(given.window_days) - 1,
        history=lambda _given: 0,
        figures=("total_minor", "count", "counterparties"),
        says=functools.partial(_says, rule),
        judge=judge,
    )
