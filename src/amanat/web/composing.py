"""The forms of scenarios: a rule composed from fields, windows and lists, and other parameters.

A form's fields become the JSON that the act takes (`rule`, `parameters`), and that JSON fills the
form again.  Amounts are typed in whole units of the currency, and are minor units in the JSON.
What is no figure stays as it was typed, and is refused by its place.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields as fields_of_class
from typing import Any, get_args

from fastapi import Request

from amanat.access.acts import ActKind
from amanat.core.errors import AmanatError, Invalid, Refusal, Refusals
from amanat.core.messages import Message
from amanat.core.money import Money
from amanat.jurisdictions.supervision import PARAMETERS, load_supervision
from amanat.licensing.records import pack_of
from amanat.supervision.monitoring.acts import stated_parameters
from amanat.supervision.monitoring.commands import ChangeScenario, ComposeScenario
from amanat.supervision.monitoring.composed import Comparison, Fact, Listed, rule_from
from amanat.supervision.returns.stated import KINDS
from amanat.web import texts
from amanat.web.messages import Reader, message_text, refusal_text, say
from amanat.web.pages import Pages, Problem

RULE, SET = "rule", "parameters"
COMPOSING = {ComposeScenario.__name__: RULE, ChangeScenario.__name__: SET}
"""By act, the field that a form of its own fills."""
FACTS: tuple[str, ...] = get_args(Fact.model_fields["field"].annotation)
LISTED: tuple[str, ...] = get_args(Listed.model_fields["field"].annotation)
COMPARISONS: tuple[str, ...] = get_args(Comparison)
COUNTRIES_OF = ("from_country", "to_country")
BOUNDS = ("value_1", "value_2")
"""A transaction's value may have two bounds: from and to."""
MEASURES = ("count", "total", "counterparties")
_TEXTS = ("name", "explains", "subject", "window_days")
_DIGITS_MAX = 30
Given = dict[str, Any]


# -- from a form's fields to JSON -----------------------------------------------------------------


def gathered(kind: ActKind, values: Mapping[str, str], currency: str) -> dict[str, str]:
    """A sent form with the JSON that its fields `rule.…` or `parameters.…` make, if it has any."""
    name = COMPOSING.get(kind.name)
    typed = {
        key.removeprefix(f"{name}."): text
        for key, text in values.items()
        if key.startswith(f"{name}.")
    }
    if name is None or not typed:
        return dict(values)
    others = {key: text for key, text in values.items() if not key.startswith(f"{name}.")}
    if name == RULE:
        made: Mapping[str, Any] = rule_of(typed, currency)
    else:
        made = parameters_of(values.get("scenario", ""), typed, currency)
    return others | {name: json.dumps(made, ensure_ascii=False)}


def rule_of(typed: Mapping[str, str], currency: str) -> dict[str, Any]:
    """A rule as its fields say, right or wrong; what was left empty is no condition."""
    order = sorted(MEASURES, key=lambda one: one != typed.get("first"))
    having = [
        {"measure": one, "is": ">=", "value": _figure(one, typed[one], currency)}
        for one in order
        if typed.get(one, "").strip()
    ]
    return {
        "name": typed.get("name", "").strip(),
        "explains": typed.get("explains", "").strip(),
        "subject": typed.get("subject", ""),
        "window_days": _whole(typed.get("window_days", "")),
        "where": list(_conditions(typed, currency)),
        "having": having,
    }


def _conditions(typed: Mapping[str, str], currency: str) -> Iterator[dict[str, Any]]:
    kinds = typed.get("kind.value", "").split()
    if kinds:
        yield {"field": "kind", "is": typed.get("kind.is", ""), "value": kinds}
    for bound in BOUNDS:
        amount = typed.get(f"{bound}.value", "").strip()
        if amount:
            compared = typed.get(f"{bound}.is", "")
            yield {"field": "value", "is": compared, "value": _minor(amount, currency)}
    for name in COUNTRIES_OF:
        codes = typed.get(f"{name}.value", "").replace(",", " ").replace("،", " ").upper().split()
        if codes:
            yield {"field": name, "is": typed.get(f"{name}.is", ""), "value": codes}
    for name in FACTS:
        if typed.get(name):
            yield {"field": name, "is": {"true": True, "false": False}.get(typed[name], "")}
    for name in typed.get("listed", "").split():
        yield {"field": name, "is": "listed"}


def _whole(text: str) -> int | str:
    figure = texts.figure_typed(text)
    return int(figure) if figure.isdecimal() and len(figure) <= _DIGITS_MAX else text.strip()


def _minor(text: str, currency: str) -> int | str:
    figure = texts.figure_typed(text)
    if len(figure) > _DIGITS_MAX:
        return text.strip()
    try:
        return Money.of(figure, currency).minor
    except Invalid:
        return text.strip()


def _figure(measure: str, text: str, currency: str) -> int | str:
    return _minor(text, currency) if measure == "total" else _whole(text)


def parameters_of(scenario: str, typed: Mapping[str, str], currency: str) -> dict[str, Any]:
    """Parameters as their fields say, right or wrong."""
    kinds = _kinds(scenario)
    made: dict[str, Any] = {}
    for name, text in typed.items():
        match kinds.get(name):
            case "amount":
                made[name] = _minor(text, currency)
            case "flag":
                made[name] = {"true": True, "false": False}.get(text, text)
            case "countries":
                made[name] = text.replace(",", " ").replace("،", " ").upper().split()
            case _:
                made[name] = _whole(text)
    return made


def _kinds(scenario: str) -> dict[str, str]:
    """How each parameter of a scenario is typed."""
    kind = PARAMETERS.get(scenario)
    found = {"bool": "flag", "tuple[str, ...]": "countries"}
    return {
        one.name: "amount" if one.name.endswith("_minor") else found.get(str(one.type), "whole")
        for one in (fields_of_class(kind) if kind else ())
    }


# -- from JSON to a form's fields -----------------------------------------------------------------


def rule_given(text: str, currency: str) -> Given | None:
    """What fills the form of a rule; None where a rule says what the form has no field for."""
    try:
        stated = json.loads(text) if text else {}
        found = _filled(stated, currency)
        made = rule_of(_typed(found), currency) if text else stated
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return found if _same(stated, made) else None


def _filled(stated: Mapping[str, Any], currency: str) -> Given:
    where = stated.get("where", [])
    of = {one["field"]: one for one in where}
    bounds = [one for one in where if one["field"] == "value"]
    having = {one["measure"]: one["value"] for one in stated.get("having", [])}
    found: Given = {name: str(stated.get(name, "")) for name in _TEXTS}
    found["subject"] = found["subject"] or "customer"
    kinds = of.get("kind", {"is": "in", "value": []})
    found["kind"] = {"is": kinds["is"], "value": list(kinds["value"])}
    for at, name in enumerate(BOUNDS):
        bound = bounds[at] if at < len(bounds) else {"is": (">=", "<")[at], "value": ""}
        found[name] = {"is": bound["is"], "value": _amount(bound["value"], currency)}
    for name in COUNTRIES_OF:
        one = of.get(name, {"is": "in", "value": []})
        found[name] = {"is": one["is"], "value": ", ".join(one["value"])}
    for name in FACTS:
        found[name] = {True: "true", False: "false"}[of[name]["is"]] if name in of else ""
    found["listed"] = [name for name in LISTED if name in of]
    for name in MEASURES:
        value = having.get(name, "")
        found[name] = _amount(value, currency) if name == "total" else str(value)
    found["first"] = next(iter(having), "count")
    return found


def _typed(found: Given) -> dict[str, str]:
    """The fields of a form that is filled so."""
    typed: dict[str, str] = {}
    for name, one in found.items():
        if isinstance(one, dict):
            typed[f"{name}.is"] = one["is"]
            value = one["value"]
            typed[f"{name}.value"] = value if isinstance(value, str) else "\n".join(value)
        else:
            typed[name] = one if isinstance(one, str) else "\n".join(one)
    return typed


def _amount(value: Any, currency: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return texts.grouped(Money(value, currency).amount)
    return str(value)


def _same(stated: Mapping[str, Any], made: Mapping[str, Any]) -> bool:
    """Whether two rules say the same; the order of conditions says nothing."""

    def conditions(rule: Mapping[str, Any]) -> Counter[str]:
        return Counter(json.dumps(one, sort_keys=True) for one in rule.get("where", []))

    plain = [{key: one for key, one in rule.items() if key != "where"} for rule in (stated, made)]
    return plain[0] == plain[1] and conditions(stated) == conditions(made)


def parameters_given(scenario: str, stated: Mapping[str, Any], currency: str) -> list[Given]:
    """The fields of a scenario's parameters: name, unit, how each is typed, what stands in it."""
    found = []
    for name, kind in _kinds(scenario).items():
        value = stated.get(name, "")
        if kind == "amount":
            shown = _amount(value, currency)
        elif isinstance(value, bool):
            shown = "true" if value else "false"
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        unit = currency if kind == "amount" else ""
        found.append({"name": name, "kind": kind, "unit": unit, "value": shown})
    return found


# -- the form -------------------------------------------------------------------------------------


def currency_of(pages: Pages, programme: str) -> str:
    """The currency of the parameters of the programme's jurisdiction."""
    with pages.app.store.reading() as connection:
        return load_supervision(pack_of(connection, programme).code).currency


def offered(
    pages: Pages,
    request: Request,
    programme: str,
    kind: ActKind,
    fields: list[dict[str, Any]],
    values: Mapping[str, str],
) -> list[dict[str, Any]]:
    """The fields of an act that states a scenario, with the form of its rule or parameters."""
    currency = currency_of(pages, programme)
    code = values.get("scenario", "")
    known = pages.glance(request, programme, "monitoring_scenario", scenario=code) if code else None
    if COMPOSING[kind.name] == RULE:
        extra = _rule_form(known, values, currency)
    else:
        extra = _parameters_form(code, known, values, currency)
    return [one | extra.get(one["name"], {}) for one in fields]


def _rule_form(known: Any, values: Mapping[str, str], currency: str) -> dict[str, Any]:
    """The form of a rule, filled with what was typed, else with the latest version."""
    text = values.get(RULE, "")
    composed = [one for one in known["versions"] if one["composed"]] if known else []
    if not text and composed:
        text = json.dumps(composed[-1]["content"])
    given = rule_given(text, currency)
    code_field = {"hint": Message("Small letters, digits and _: alerts name it by this code.")}
    if given is None:
        return {"scenario": code_field}
    form = {
        "control": "rule",
        "given": given,
        "currency": currency,
        "kinds": KINDS,
        "comparisons": COMPARISONS,
        "facts": FACTS,
        "lists": LISTED,
        "bounds": BOUNDS,
        "countries_of": COUNTRIES_OF,
        "measures": MEASURES,
    }
    return {RULE: form, "scenario": code_field}


def _parameters_form(
    code: str, known: Any, values: Mapping[str, str], currency: str
) -> dict[str, Any]:
    """The form of a scenario's parameters, filled with what was typed, else with those in force.

    Without a scenario of ours, it is chosen first.
    """
    if code not in PARAMETERS:
        titles = [(one, texts.words(one)) for one in PARAMETERS]
        chosen = {"control": "choice", "titles": titles, "choices": list(PARAMETERS)}
        return {"scenario": chosen, SET: {"control": "later"}}
    try:
        stated = json.loads(values[SET]) if SET in values else _held(known)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(stated, dict) or not set(stated) <= set(_kinds(code)):
        return {}
    form = {"control": SET, "parts": parameters_given(code, stated, currency)}
    return {"scenario": {"fixed": True}, SET: form}


def _held(known: Any) -> Mapping[str, Any]:
    """The parameters of the live version, else those of the jurisdiction's latest row."""
    live = [one for one in known["versions"] if one["state"] == "live"] if known else []
    if live:
        found: Mapping[str, Any] = live[-1]["content"]
        return found
    return known["history"][-1]["parameters"] if known and known["history"] else {}


# -- what is wrong with it ------------------------------------------------------------------------


def problems_in(kind: ActKind, values: Mapping[str, str], reader: Reader) -> list[Problem]:
    """What a sent form's rule or parameters have wrong, each at the field that holds it."""
    name = COMPOSING.get(kind.name)
    if name is None or not values.get(name, "").strip():
        return []
    try:
        if name == RULE:
            rule_from(values[RULE])
        elif values.get("scenario") in PARAMETERS:
            stated_parameters(values["scenario"], values[SET])
    except AmanatError as error:
        found = error.refusals if isinstance(error, Refusals) else (error,)
        place = _rule_problem if name == RULE else _parameter_problem
        problems = (place(one, values[name], reader) for one in found if isinstance(one, Refusal))
        return list({one.field: one for one in problems}.values())
    return []


def _rule_problem(error: Refusal, text: str, reader: Reader) -> Problem:
    place, reason = str(error.fields["field"]), error.fields["reason"]
    part, stands = _part_of(place, text)
    if not part:
        return Problem(None, refusal_text(reader, error))
    if stands == "":
        reason = Message("it must be given")
    elif part in (*BOUNDS, "total") and isinstance(stands, str):
        reason = Message("{value} is no amount", value=stands[:80])
    told = message_text(reader, reason) if isinstance(reason, Message) else str(reason)
    label = reader.worded(texts.words(part.partition("_1")[0].partition("_2")[0]))
    return Problem(f"{RULE}-{part}", f"{label}: {told}")


def _part_of(place: str, text: str) -> tuple[str, Any]:
    """The form's field of a place in a rule, and what stands in it."""
    try:
        rule = json.loads(text)
        head, *rest = place.split(".")
        if head in _TEXTS:
            return head, rule[head]
        if head == "having":
            if not rest:
                return MEASURES[0], None
            one = rule[head][int(rest[0])]
            return str(one["measure"]), one["value"]
        at = int(rest[0])
        one = rule[head][at]
        if one["field"] == "value":
            earlier = sum(other["field"] == "value" for other in rule[head][:at])
            return BOUNDS[earlier], one["value"]
        return "listed" if one["field"] in LISTED else one["field"], None
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return "", None


def _parameter_problem(error: Refusal, text: str, reader: Reader) -> Problem:
    place = (error.place.field or "") if error.place else ""
    name = place.rsplit(".", 1)[-1]
    told = say(reader, error.template, error.fields)
    try:
        known = name in json.loads(text)
    except (ValueError, TypeError, RecursionError):
        known = False
    if not known:
        return Problem(SET, told)
    label = reader.worded(texts.words(name.removesuffix("_minor")))
    return Problem(f"{SET}-{name}", f"{label}: {told}")
