"""What the desk refuses, whatever the act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from amanat.core.errors import Invalid, Place, Refusal, Unavailable
from amanat.core.messages import Message


class FieldNotAccepted(Invalid):
    """A field of a command or query does not have the form that its schema prescribes."""

    template = "{field}: {reason} (given: {value})"


# What pydantic finds, by its type of error, in words that say how to mend it.
FAULTS: Mapping[str, str] = {
    "missing": "it must be given",
    "extra_forbidden": "there is no such field here",
    "int_type": "a whole number is needed",
    "int_parsing": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "bool_type": "true or false is needed",
    "bool_parsing": "true or false is needed",
    "string_type": "a text is needed",
    "string_too_short": "at least {min_length} characters are needed",
    "string_too_long": "at most {max_length} characters are taken",
    "string_pattern_mismatch": "it must have the form {pattern}",
    "enum": "it must be one of {expected}",
    "literal_error": "it must be one of {expected}",
    "greater_than": "it must be more than {gt}",
    "greater_than_equal": "it must be at least {ge}",
    "less_than": "it must be less than {lt}",
    "less_than_equal": "it must be at most {le}",
    "decimal_type": "a number is needed",
    "decimal_parsing": "a number is needed",
    "decimal_max_digits": "at most {max_digits} digits are taken",
    "decimal_max_places": "at most {decimal_places} decimals are taken",
    "decimal_whole_digits": "at most {whole_digits} digits are taken before the point",
    "date_type": "a date is needed",
    "date_parsing": "a date is written YYYY-MM-DD",
    "date_from_datetime_parsing": "a date is written YYYY-MM-DD",
    "datetime_type": "a time is needed",
    "datetime_parsing": "a time is written YYYY-MM-DDTHH:MM:SS and its zone",
    "datetime_from_date_parsing": "a time is written YYYY-MM-DDTHH:MM:SS and its zone",
    "timezone_aware": "a time is written YYYY-MM-DDTHH:MM:SS and its zone",
    "list_type": "a list is needed",
    "tuple_type": "a list is needed",
    "frozen_set_type": "a list is needed",
    "dict_type": "a table of names and values is needed",
    "model_type": "a table of names and values is needed",
    "model_attributes_type": "a table of names and values is needed",
    "too_short": "at least {min_length} entries are needed",
    "too_long": "at most {max_length} entries are taken",
    "json_invalid": "this is not JSON",
    "union_tag_invalid": "it must be one of {expected_tags}",
}


# The forms that people type, in words; others are told by their pattern.
FORMS: Mapping[str, str] = {
    r"^0x[0-9a-fA-F]{40}$": "an address is 0x and 40 hexadecimal digits",
    r"^[A-Z]{2}[A-Z0-9]{9}[0-9]$": "an ISIN is two letters, nine letters or digits, one digit",
    r"^[A-Z]{2}$": "a country is two capital letters",
    r"^[a-z][a-z0-9_]{0,63}$": "a code is small letters, digits and _, and begins with a letter",
    r"^[0-9a-f]{64}$": "a digest is 64 hexadecimal digits in small letters",
    r"^[0-9a-f-]{36}$": "an identifier has 36 characters, as its page shows it",
}


def field_refusal(path: str, fault: Mapping[str, Any], whole: str = "body") -> FieldNotAccepted:
    """The refusal of what pydantic found at `path`; `whole` names the input where it has none."""
    kind, context = fault["type"], fault.get("ctx") or {}
    told = context["error"].args if kind == "value_error" and context.get("error") else ()
    if told and isinstance(told[0], Message):
        reason: str = told[0]
    elif kind == "string_pattern_mismatch" and context["pattern"] in FORMS:
        reason = Message(FORMS[context["pattern"]])
    elif kind in FAULTS:
        reason = Message(FAULTS[kind], **{name: str(value) for name, value in context.items()})
    else:
        reason = str(fault["msg"])
    missing = kind == "missing"
    return FieldNotAccepted(
        place=Place(field=path),
        field=path or whole,
        reason=reason,
        value=Message("nothing") if missing else repr(fault.get("input"))[:80],
    )


def own_faults(faults: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of pydantic's faults those that stand for themselves.

    A list is called too short as well where its entries are wrong: that is told of the entries.
    """
    within = {tuple(one["loc"][:at]) for one in faults for at in range(len(one["loc"]))}
    return [one for one in faults if one["type"] != "too_short" or tuple(one["loc"]) not in within]


class FurtherRefusals(Invalid):
    """Of very many refusals the first are told, and how many there are."""

    template = "{count} further fields were refused."


class KeyNotUsable(Invalid):
    """An idempotency key is 1 to 120 visible ASCII characters."""

    template = "{key} is no idempotency key: 1 to 120 visible ASCII characters."


class SecondPersonRequired(Refusal):
    """What moves money or rights is proposed by one person and approved by another."""

    status = 403
    template = "{person} proposed {act} {proposal}; another person of {institution} approves it."


class NotAwaited(Refusal):
    """An approval that the proposal does not need, or has already."""

    template = "{act} {proposal} awaits nothing more of {institution}."


class ProposalNotOpen(Refusal):
    """Only an open proposal can be approved or withdrawn; it expires by itself."""

    template = "{act} {proposal} is {state}."


class SignatureNotTheirs(Invalid):
    """A signature must recover to the key of the person or account that signs."""

    template = "{act} {proposal}: the signature recovers to {recovered}, not to {expected}."


class IdempotencyKeyReused(Refusal):
    """One idempotency key stands for one command."""

    template = "Idempotency key {key} was used for another command."


class SignerHasLeft(Refusal):
    """An approval counts while whoever gave it is an approver of that institution."""

    template = (
        "{act} {proposal} was approved by {person}, who is no longer an approver of "
        "{institution}: propose it again."
    )


class Contended(Unavailable):
    """Several acts wanted the same thing at once, and this one came last again and again."""
